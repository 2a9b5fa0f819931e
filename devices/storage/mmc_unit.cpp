// SPDX-License-Identifier: Apache-2.0
//
// Commands of MMC-5, chapter 6, by their operation codes.
#include "devices/storage/mmc_unit.h"

#include <algorithm>
#include <utility>

#include "devices/core/big_endian.h"

namespace mynah::dev {

namespace {

enum Operation : uint8_t {
  kTestUnitReady = 0x00,
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

// Minutes, seconds and frames of 1/75 s, which begin 2 s before block 0.
void put_msf(uint8_t* p, uint32_t block) {
  const uint32_t frames = block + 150;
  p[1] = static_cast<uint8_t>(frames / 75 / 60);
  p[2] = static_cast<uint8_t>(frames / 75 % 60);
  p[3] = static_cast<uint8_t>(frames % 75);
}

}  // namespace

MmcUnit::MmcUnit(BlockBackend* disk, Identity identity)
    : ScsiUnit(5, true, std::move(identity)), disk_(disk) {}

void MmcUnit::reset_unit() { locked_ = open_ = asked_ = false; }

bool MmcUnit::change_medium(BlockBackend* disk, bool force) {
  if (locked_ && !force) return false;
  disk_ = disk;
  open_ = disk == nullptr;
  changed_ = disk != nullptr;
  removed_ = disk == nullptr;
  asked_ = false;
  return true;
}

// There is a medium, and the host knows it. False: sense() says which of these is not so.
bool MmcUnit::ready() {
  if (!medium()) return fail(kNotReady, kNoMedium, open_ ? 2 : 1);
  if (std::exchange(changed_, false)) return fail(kUnitAttention, kMediumChanged);
  return true;
}

ScsiUnit::Outcome MmcUnit::read_blocks(uint32_t block, uint32_t n) {
  if (!ready()) return failed();
  if (block > blocks() || n > blocks() - block) return refuse(kIllegalRequest, kBadAddress);
  if (n == 0) return done();
  return {.data = Data::kRead, .position = uint64_t{block} * kBlock, .bytes = uint64_t{n} * kBlock};
}

ScsiUnit::Outcome MmcUnit::run(uint8_t operation) {
  switch (operation) {
    case kTestUnitReady:
      return ready() ? done() : failed();
    case kInquiry:
      return inquiry();
    case kStartStop:
      return start_stop();
    case kPrevent:
      locked_ = command_[4] & 1;
      return done();
    case kReadCapacity:
      if (!ready()) return failed();
      store_big(&answer_[0], 4, blocks() - 1);
      store_big(&answer_[4], 4, kBlock);
      return give(8, 8);
    case kRead10:
      return read_blocks(field(2, 4), field(7, 2));
    case kRead12:
      return read_blocks(field(2, 4), field(6, 4));
    case kReadCd:
      if ((command_[9] & 0xf8) == 0) return done();
      if ((command_[9] & 0xf8) != 0x10) return refuse(kIllegalRequest, kBadField);  // not user data alone
      return read_blocks(field(2, 4), field(6, 3));
    case kSeek10:
      if (!ready()) return failed();
      return field(2, 4) < blocks() ? done() : refuse(kIllegalRequest, kBadAddress);
    case kReadToc:
      return table_of_contents();
    case kReadSubchannel:
      if (!ready()) return failed();
      answer_[1] = 0x15;  // no audio
      return give(4, field(7, 2));
    case kGetConfiguration:
      return configuration();
    case kGetEventStatus:
      return event_status();
    case kReadDiscInformation:
      if (!ready()) return failed();
      answer_[1] = 32;
      answer_[2] = 0x0e;  // complete, the last session complete
      answer_[3] = answer_[4] = answer_[5] = answer_[6] = 1;
      answer_[7] = 0x20;
      return give(34, field(7, 2));
    case kModeSense6:
    case kModeSense10:
      return mode_sense();
    case kMechanismStatus:
      answer_[5] = 1;
      return give(8, field(8, 2));
    case kSetSpeed:
      return done();
    default:
      return refuse(kIllegalRequest, kBadOperation);
  }
}

// The pages that systems ask for: error recovery, and what the drive can do.
ScsiUnit::Outcome MmcUnit::mode_sense() {
  constexpr uint8_t kRecovery = 0x01, kCapabilities = 0x2a, kAll = 0x3f;
  const bool wide = command_[0] == kModeSense10;
  const size_t most = wide ? field(7, 2) : command_[4];
  const uint8_t page = command_[2] & 0x3f;
  if (command_[2] >> 6 == 3) return refuse(kIllegalRequest, kSavingNotSupported);  // saved values
  if (page != kRecovery && page != kCapabilities && page != kAll) return refuse(kIllegalRequest, kBadField);
  size_t n = wide ? 8 : 4;
  const uint8_t medium_type = open_ ? 0x71 : disk_ ? 0x01 : 0x70;
  if (page != kCapabilities) {
    answer_[n] = kRecovery;
    answer_[n + 1] = 6;
    answer_[n + 3] = 5;
    n += 8;
  }
  if (page != kRecovery) {
    uint8_t* const at = &answer_[n];
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
    store_big(&answer_[0], 2, static_cast<uint32_t>(n - 2));
    answer_[2] = medium_type;
  } else {
    answer_[0] = static_cast<uint8_t>(n - 1);
    answer_[1] = medium_type;
  }
  return give(n, most);
}

// One track of data, and the lead-out.
ScsiUnit::Outcome MmcUnit::table_of_contents() {
  if (!ready()) return failed();
  const bool msf = command_[1] & 2;
  const size_t most = field(7, 2);
  const auto address = [&](uint8_t* to, uint32_t block) {
    msf ? put_msf(to, block) : store_big(to, 4, block);
  };
  unsigned format = command_[2] & 15;
  if (format == 0) format = command_[9] >> 6;
  switch (format) {
    case 0: {
      const uint8_t first = command_[6];
      if (first > 1 && first != 0xaa) return refuse(kIllegalRequest, kBadField);
      size_t n = 4;
      answer_[2] = answer_[3] = 1;
      const auto track = [&](uint8_t number, uint32_t block) {
        answer_[n + 1] = 0x14;
        answer_[n + 2] = number;
        address(&answer_[n + 4], block);
        n += 8;
      };
      if (first <= 1) track(1, 0);
      track(0xaa, blocks());
      store_big(&answer_[0], 2, static_cast<uint32_t>(n - 2));
      return give(n, most);
    }
    case 1:
      answer_[1] = 10;
      answer_[2] = answer_[3] = 1;
      answer_[5] = 0x14;
      answer_[6] = 1;
      address(&answer_[8], 0);
      return give(12, most);
    case 2: {
      size_t n = 4;
      answer_[2] = answer_[3] = 1;
      const auto point = [&](uint8_t number, uint8_t value, uint32_t block, bool is_address) {
        uint8_t* const at = &answer_[n];
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
      store_big(&answer_[0], 2, static_cast<uint32_t>(n - 2));
      return give(n, most);
    }
    default:
      return refuse(kIllegalRequest, kBadField);
  }
}

// The profile, and the features that every drive has: the list, core, removable medium.
ScsiUnit::Outcome MmcUnit::configuration() {
  constexpr uint32_t kCd = 0x08, kDvd = 0x10, kCdBytes = 800u << 20;
  const uint32_t profile = !medium() ? 0 : disk_->size() > kCdBytes ? kDvd : kCd;
  store_big(&answer_[6], 2, profile);
  size_t n = 8;
  const auto begin = [&](uint32_t feature, uint8_t version, uint8_t bytes) {
    store_big(&answer_[n], 2, feature);
    answer_[n + 2] = static_cast<uint8_t>(version << 2 | 3);
    answer_[n + 3] = bytes;
    uint8_t* const at = &answer_[n + 4];
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
  store_big(&answer_[0], 4, static_cast<uint32_t>(n - 4));
  return give(n, field(7, 2));
}

ScsiUnit::Outcome MmcUnit::event_status() {
  constexpr uint8_t kMedia = 4;
  if (!(command_[1] & 1)) return refuse(kIllegalRequest, kBadField);  // asynchronous
  const bool asked = command_[4] >> kMedia & 1;
  answer_[1] = asked ? 6 : 2;
  answer_[2] = asked ? kMedia : 0x80;
  answer_[3] = 1 << kMedia;
  if (asked) {
    constexpr uint8_t kEjectRequest = 1, kNewMedium = 2, kRemoval = 3;
    answer_[4] = changed_ && medium() ? kNewMedium : removed_ ? kRemoval : asked_ ? kEjectRequest : 0;
    if (answer_[4] == kRemoval) removed_ = false;
    if (answer_[4] == kEjectRequest) asked_ = false;
    answer_[5] = static_cast<uint8_t>(open_ | (medium() != nullptr) << 1);
  }
  return give(asked ? 8 : 4, field(7, 2));
}

ScsiUnit::Outcome MmcUnit::start_stop() {
  const bool load_or_eject = command_[4] & 2, start = command_[4] & 1;
  if (load_or_eject) {
    if (!start && locked_) return refuse(kIllegalRequest, kPreventedByLock, 2);
    if (open_ && start) changed_ = true;
    open_ = !start;
  }
  return done();
}

void MmcUnit::serialize_unit(StateStream& s) {
  for (bool* flag : {&open_, &locked_, &changed_, &removed_, &asked_}) s.io(*flag);
}

}  // namespace mynah::dev
