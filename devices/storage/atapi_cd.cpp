// SPDX-License-Identifier: Apache-2.0
//
// Commands of MMC-5, chapter 6, by their operation codes. An answer to the host by words goes in pieces of
// the byte count limit that it set (ATA/ATAPI-6, 8.23.7).
#include "devices/storage/atapi_cd.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "devices/core/big_endian.h"

namespace mynah::dev {

namespace {

enum Operation : uint8_t {
  kTestUnitReady = 0x00,
  kRequestSense = 0x03,
  kInquiry = 0x12,
  kModeSense6 = 0x1a,
  kStartStop = 0x1b,
  kPrevent = 0x1e,
  kReadCapacity = 0x25,
  kRead10 = 0x28,
  kSeek10 = 0x2b,
  kReadSubchannel = 0x42,
  kReadToc = 0x43,
  kGetConfiguration = 0x46,
  kGetEventStatus = 0x4a,
  kReadDiscInformation = 0x51,
  kModeSense10 = 0x5a,
  kRead12 = 0xa8,
  kSetSpeed = 0xbb,
  kMechanismStatus = 0xbd,
  kReadCd = 0xbe,
};
enum SenseKey : uint8_t { kNotReady = 2, kMediumError = 3, kIllegal = 5, kUnitAttention = 6 };
enum SenseCode : uint8_t {
  kReadError = 0x11,
  kBadOperation = 0x20,
  kBadAddress = 0x21,
  kBadField = 0x24,
  kMediumChanged = 0x28,
  kNoMedium = 0x3a,
  kMediumLocked = 0x53,
};
// Of the interrupt reason in the sector count register.
constexpr uint8_t kIsCommand = 1, kToHost = 2;

uint32_t big(const uint8_t* p, unsigned n) { return static_cast<uint32_t>(load_big(p, n)); }
// Minutes, seconds and frames of 1/75 s, which begin 2 s before block 0.
void put_msf(uint8_t* p, uint32_t block) {
  const uint32_t frames = block + 150;
  p[1] = static_cast<uint8_t>(frames / 75 / 60);
  p[2] = static_cast<uint8_t>(frames / 75 % 60);
  p[3] = static_cast<uint8_t>(frames % 75);
}

}  // namespace

AtapiCd::AtapiCd(BlockBackend* disk, Log& log) : IdeDrive(log), disk_(disk) { reset(); }

void AtapiCd::reset_drive() {
  status_ = 0;
  sense_key_ = sense_code_ = 0;
  locked_ = open_ = false;
  by_dma_ = from_disk_ = false;
  position_ = left_ = 0;
}

void AtapiCd::set_signature() {
  now_.count = now_.low = 1;
  now_.mid = 0x14;
  now_.high = 0xeb;
  status_ = 0;
}

bool AtapiCd::change_medium(BlockBackend* disk) {
  if (locked_) return false;
  disk_ = disk;
  open_ = false;
  changed_ = true;
  left_ = 0;
  return true;
}

void AtapiCd::execute(uint8_t command) {
  constexpr uint8_t kDeviceReset = 0x08, kPacket = 0xa0, kIdentifyPacket = 0xa1, kIdentify = 0xec,
                    kSetFeatures = 0xef, kFlush = 0xe7, kCheckPower = 0xe5, kReadSectors = 0x20;
  switch (command) {
    case kDeviceReset:
      reset();
      error_ = 1;
      return;
    case kPacket:
      by_dma_ = now_.features & 1;
      now_.count = kIsCommand;
      return ask(sizeof packet_, Next::kPacket, false);
    case kIdentifyPacket:
      return identify();
    case kIdentify:
    case kReadSectors:
      set_signature();
      return fail(kAbort);
    case kSetFeatures:
    case kFlush:
      return done();
    case kCheckPower:
    case 0xe0:
    case 0xe1:
    case 0xe2:
    case 0xe3:
      now_.count = 0xff;
      return done();
    default:
      return fail(kAbort);
  }
}

void AtapiCd::identify() {
  begin_identity();
  identity_word(0, 0x85c0);  // ATAPI, a CD drive, removable, DRQ within 50 us, packets of 12 bytes
  identity_text(10, 10, "");
  identity_text(23, 4, "1.0");
  identity_text(27, 20, "MYNAH DVD-ROM");
  identity_word(48, 1);
  identity_word(49, 0x0f00);
  identity_word(53, 7);
  identity_word(63, 0x0407);
  identity_word(64, 3);
  for (unsigned n = 65; n <= 68; ++n) identity_word(n, 120);
  if (serial_ata_) identity_word(76, 7 << 1);
  identity_word(80, 0xf0);
  identity_word(82, 1 << 14 | 1 << 9 | 1 << 4);  // NOP, DEVICE RESET, PACKET
  identity_word(83, 1 << 14);
  identity_word(84, 1 << 14);
  identity_word(85, 1 << 14 | 1 << 9 | 1 << 4);
  identity_word(87, 1 << 14);
  identity_word(88, 0x3f);
  if (!serial_ata_) identity_word(93, 0x6001);
  offer(kSector, Next::kNothing);
}

// --- ends of commands

void AtapiCd::refuse(uint8_t key, uint8_t code) {
  sense_key_ = key;
  sense_code_ = code;
  left_ = 0;
  now_.count = kIsCommand | kToHost;
  fail(static_cast<uint8_t>(key << 4 | (key == kIllegal ? kAbort : 0)));
}

void AtapiCd::finish() {
  left_ = 0;
  now_.count = kIsCommand | kToHost;
  done();
}

// The buffer's first n bytes, of which the host takes `most`.
void AtapiCd::answer(size_t n, size_t most) {
  left_ = std::min(n, most);
  from_disk_ = false;
  position_ = 0;
  if (left_ == 0) return finish();
  if (by_dma_) return begin_dma(true, left_);
  offer_data();
}

void AtapiCd::read(uint32_t block, uint32_t n) {
  if (!ready()) return;
  if (block > blocks() || n > blocks() - block) return refuse(kIllegal, kBadAddress);
  position_ = uint64_t{block} * kBlock;
  left_ = uint64_t{n} * kBlock;
  from_disk_ = true;
  if (left_ == 0) return finish();
  if (by_dma_) return begin_dma(true, left_);
  offer_data();
}

// The next piece, of an even number of bytes unless it is the last.
void AtapiCd::offer_data() {
  uint32_t limit = now_.mid | now_.high << 8;
  if (limit == 0 || limit == 0xffff) limit = 0xfffe;
  if (left_ > limit) limit = std::max(limit & ~1u, 2u);
  const auto n = static_cast<uint32_t>(std::min<uint64_t>(left_, limit));
  if (from_disk_) {
    if (!medium() || !disk_->read(position_, {buffer_.data(), n})) return refuse(kMediumError, kReadError);
  } else {
    std::memmove(buffer_.data(), buffer_.data() + std::min<uint64_t>(position_, kBufferBytes - n), n);
    position_ = 0;
  }
  position_ += n;
  left_ -= n;
  now_.mid = static_cast<uint8_t>(n);
  now_.high = static_cast<uint8_t>(n >> 8);
  now_.count = kToHost;
  offer(n, Next::kPacketIn);
}

void AtapiCd::buffer_moved(Next next) {
  switch (next) {
    case Next::kPacket:
      std::memcpy(packet_, buffer_.data(), sizeof packet_);
      return packet();
    case Next::kPacketIn:
      return left_ ? offer_data() : finish();
    default:
      status_ = kReady | kSeekDone;
  }
}

bool AtapiCd::dma_moved_in(std::span<uint8_t> to) {
  if (from_disk_) {
    if (!medium() || !disk_->read(position_, to)) {
      sense_key_ = kMediumError;
      sense_code_ = kReadError;
      return false;
    }
  } else {
    if (position_ > kBufferBytes || to.size() > kBufferBytes - position_) return false;
    std::copy_n(buffer_.begin() + static_cast<ptrdiff_t>(position_), to.size(), to.begin());
  }
  position_ += to.size();
  return true;
}

// --- commands

// There is a medium, and the host knows it. False: refused.
bool AtapiCd::ready() {
  if (!medium()) {
    refuse(kNotReady, kNoMedium);
    return false;
  }
  if (std::exchange(changed_, false)) {
    refuse(kUnitAttention, kMediumChanged);
    return false;
  }
  return true;
}

void AtapiCd::packet() {
  const uint8_t operation = packet_[0];
  if (operation != kRequestSense) sense_key_ = sense_code_ = 0;
  std::fill_n(buffer_.begin(), 256, uint8_t{0});
  switch (operation) {
    case kTestUnitReady:
      return ready() ? finish() : void();
    case kRequestSense:
      return request_sense();
    case kInquiry:
      return inquiry();
    case kStartStop:
      return start_stop();
    case kPrevent:
      locked_ = packet_[4] & 1;
      return finish();
    case kReadCapacity:
      if (!ready()) return;
      store_big(&buffer_[0], 4, blocks() - 1);
      store_big(&buffer_[4], 4, kBlock);
      return answer(8, 8);
    case kRead10:
      return read(big(packet_ + 2, 4), big(packet_ + 7, 2));
    case kRead12:
      return read(big(packet_ + 2, 4), big(packet_ + 6, 4));
    case kReadCd:
      if ((packet_[9] & 0xf8) == 0) return finish();
      if ((packet_[9] & 0xf8) != 0x10) return refuse(kIllegal, kBadField);  // not user data alone
      return read(big(packet_ + 2, 4), big(packet_ + 6, 3));
    case kSeek10:
      if (!ready()) return;
      return big(packet_ + 2, 4) < blocks() ? finish() : refuse(kIllegal, kBadAddress);
    case kReadToc:
      return table_of_contents();
    case kReadSubchannel:
      if (!ready()) return;
      buffer_[1] = 0x15;  // no audio
      return answer(4, big(packet_ + 7, 2));
    case kGetConfiguration:
      return configuration();
    case kGetEventStatus:
      return event_status();
    case kReadDiscInformation:
      if (!ready()) return;
      buffer_[1] = 32;
      buffer_[2] = 0x0e;  // complete, the last session complete
      buffer_[3] = buffer_[4] = buffer_[5] = buffer_[6] = 1;
      buffer_[7] = 0x20;
      return answer(34, big(packet_ + 7, 2));
    case kModeSense6:
    case kModeSense10:
      return mode_sense();
    case kMechanismStatus:
      buffer_[5] = 1;
      return answer(8, big(packet_ + 8, 2));
    case kSetSpeed:
      return finish();
    default:
      return refuse(kIllegal, kBadOperation);
  }
}

void AtapiCd::request_sense() {
  buffer_[0] = 0x70;
  buffer_[2] = sense_key_;
  buffer_[7] = 10;
  buffer_[12] = sense_code_;
  sense_key_ = sense_code_ = 0;
  answer(18, packet_[4]);
}

void AtapiCd::inquiry() {
  const auto text = [this](unsigned at, unsigned n, std::string_view from) {
    for (unsigned i = 0; i < n; ++i) buffer_[at + i] = i < from.size() ? static_cast<uint8_t>(from[i]) : ' ';
  };
  if (packet_[1] & 1) return refuse(kIllegal, kBadField);
  buffer_[0] = 5;
  buffer_[1] = 0x80;  // removable
  buffer_[3] = 0x21;
  buffer_[4] = 31;
  text(8, 8, "MYNAH");
  text(16, 16, "DVD-ROM");
  text(32, 4, "1.0");
  answer(36, packet_[4]);
}

// The pages that systems ask for: error recovery, and what the drive can do.
void AtapiCd::mode_sense() {
  constexpr uint8_t kRecovery = 0x01, kCapabilities = 0x2a, kAll = 0x3f;
  const bool wide = packet_[0] == kModeSense10;
  const size_t most = wide ? big(packet_ + 7, 2) : packet_[4];
  const uint8_t page = packet_[2] & 0x3f;
  if (packet_[2] >> 6 == 3) return refuse(kIllegal, 0x39);  // saved values
  if (page != kRecovery && page != kCapabilities && page != kAll) return refuse(kIllegal, kBadField);
  size_t n = wide ? 8 : 4;
  const uint8_t medium_type = open_ ? 0x71 : disk_ ? 0x01 : 0x70;
  if (page != kCapabilities) {
    buffer_[n] = kRecovery;
    buffer_[n + 1] = 6;
    buffer_[n + 3] = 5;
    n += 8;
  }
  if (page != kRecovery) {
    uint8_t* const at = &buffer_[n];
    at[0] = kCapabilities;
    at[1] = 20;
    at[2] = 0x3b;  // reads CD-R, CD-RW, DVD-ROM and so on
    at[4] = 0x70;
    at[6] = static_cast<uint8_t>(0x29 | (locked_ ? 2 : 0));  // a tray with a lock
    store_big(at + 8, 2, 706);
    store_big(at + 10, 2, 2);
    store_big(at + 12, 2, 512);
    store_big(at + 14, 2, 706);
    n += 22;
  }
  if (wide) {
    store_big(&buffer_[0], 2, static_cast<uint32_t>(n - 2));
    buffer_[2] = medium_type;
  } else {
    buffer_[0] = static_cast<uint8_t>(n - 1);
    buffer_[1] = medium_type;
  }
  answer(n, most);
}

// One track of data, and the lead-out.
void AtapiCd::table_of_contents() {
  if (!ready()) return;
  const bool msf = packet_[1] & 2;
  const size_t most = big(packet_ + 7, 2);
  const auto address = [&](uint8_t* to, uint32_t block) {
    msf ? put_msf(to, block) : store_big(to, 4, block);
  };
  unsigned format = packet_[2] & 15;
  if (format == 0) format = packet_[9] >> 6;
  switch (format) {
    case 0: {
      const uint8_t first = packet_[6];
      if (first > 1 && first != 0xaa) return refuse(kIllegal, kBadField);
      size_t n = 4;
      buffer_[2] = buffer_[3] = 1;
      const auto track = [&](uint8_t number, uint32_t block) {
        buffer_[n + 1] = 0x14;
        buffer_[n + 2] = number;
        address(&buffer_[n + 4], block);
        n += 8;
      };
      if (first <= 1) track(1, 0);
      track(0xaa, blocks());
      store_big(&buffer_[0], 2, static_cast<uint32_t>(n - 2));
      return answer(n, most);
    }
    case 1:
      buffer_[1] = 10;
      buffer_[2] = buffer_[3] = 1;
      buffer_[5] = 0x14;
      buffer_[6] = 1;
      address(&buffer_[8], 0);
      return answer(12, most);
    case 2: {
      size_t n = 4;
      buffer_[2] = buffer_[3] = 1;
      const auto point = [&](uint8_t number, uint8_t value, uint32_t block, bool is_address) {
        uint8_t* const at = &buffer_[n];
        at[0] = 1;
        at[1] = 0x14;
        at[3] = number;
        if (is_address)
          put_msf(at + 7, block);
        else
          at[8] = value;
        n += 11;
      };
      point(0xa0, 1, 0, false);
      point(0xa1, 1, 0, false);
      point(0xa2, 0, blocks(), true);
      point(1, 0, 0, true);
      store_big(&buffer_[0], 2, static_cast<uint32_t>(n - 2));
      return answer(n, most);
    }
    default:
      return refuse(kIllegal, kBadField);
  }
}

// The profile, and the features that every drive has: the list, core, removable medium.
void AtapiCd::configuration() {
  constexpr uint32_t kCd = 0x08, kDvd = 0x10, kCdBytes = 800u << 20;
  const uint32_t profile = !medium() ? 0 : disk_->size() > kCdBytes ? kDvd : kCd;
  store_big(&buffer_[6], 2, profile);
  size_t n = 8;
  const auto begin = [&](uint32_t feature, uint8_t version, uint8_t bytes) {
    store_big(&buffer_[n], 2, feature);
    buffer_[n + 2] = static_cast<uint8_t>(version << 2 | 3);
    buffer_[n + 3] = bytes;
    uint8_t* const at = &buffer_[n + 4];
    n += 4 + size_t{bytes};
    return at;
  };
  uint8_t* at = begin(0, 0, 8);
  store_big(at, 2, kDvd);
  at[2] = profile == kDvd;
  store_big(at + 4, 2, kCd);
  at[6] = profile == kCd;
  at = begin(1, 2, 8);
  store_big(at, 4, 2);  // ATAPI
  at[4] = 1;
  at = begin(3, 1, 4);
  at[0] = 0x29;
  store_big(&buffer_[0], 4, static_cast<uint32_t>(n - 4));
  answer(n, big(packet_ + 7, 2));
}

void AtapiCd::event_status() {
  constexpr uint8_t kMedia = 4;
  if (!(packet_[1] & 1)) return refuse(kIllegal, kBadField);  // asynchronous
  const bool asked = packet_[4] >> kMedia & 1;
  buffer_[1] = asked ? 6 : 2;
  buffer_[2] = asked ? kMedia : 0x80;
  buffer_[3] = 1 << kMedia;
  if (asked) {
    buffer_[4] = changed_ && medium() ? 2 : 0;  // new medium
    buffer_[5] = static_cast<uint8_t>(open_ | medium() << 1);
  }
  answer(asked ? 8 : 4, big(packet_ + 7, 2));
}

void AtapiCd::start_stop() {
  const bool load_or_eject = packet_[4] & 2, start = packet_[4] & 1;
  if (load_or_eject) {
    if (!start && locked_) return refuse(kIllegal, kMediumLocked);
    if (open_ && start) changed_ = true;
    open_ = !start;
  }
  finish();
}

void AtapiCd::serialize_drive(StateStream& s) {
  for (uint8_t& byte : packet_) s.io(byte);
  s.io(sense_key_);
  s.io(sense_code_);
  for (bool* flag : {&open_, &locked_, &changed_, &by_dma_, &from_disk_}) s.io(*flag);
  s.io(position_);
  s.io(left_);
  if (!s.loading()) return;
  sense_key_ &= 15;
  left_ = std::min(left_, kMostDma);
  if (!from_disk_) left_ = std::min<uint64_t>(left_, kBufferBytes);
}

}  // namespace mynah::dev
