// SPDX-License-Identifier: Apache-2.0
//
// An answer to the host by words goes in pieces of the byte count limit that it set (ATA/ATAPI-6, 8.23.7).
#include "devices/storage/atapi_cd.h"

#include <algorithm>

namespace mynah::dev {

namespace {
// Of the interrupt reason in the sector count register.
constexpr uint8_t kIsCommand = 1, kToHost = 2;
constexpr size_t kPacketBytes = 12;
// INQUIRY as ATAPI has it: no version of SPC, the format of its own specification.
ScsiUnit::Identity identity() { return {.product = "DVD-ROM", .version = 0, .format = 0x21, .flags = 0}; }
}  // namespace

AtapiCd::AtapiCd(BlockBackend* disk, Log& log) : IdeDrive(log), unit_(disk, identity()) { reset(); }

void AtapiCd::reset_drive() {
  status_ = 0;
  unit_.reset();
  by_dma_ = from_disk_ = false;
  position_ = left_ = 0;
}

void AtapiCd::set_signature() {
  now_.count = now_.low = 1;
  now_.mid = 0x14;
  now_.high = 0xeb;
  status_ = 0;
}

bool AtapiCd::change_medium(BlockBackend* disk, bool force) {
  if (!unit_.change_medium(disk, force)) return false;
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
      return ask(kPacketBytes, Next::kPacket, false);
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

void AtapiCd::refuse() {
  const uint8_t key = unit_.sense().key;
  left_ = 0;
  now_.count = kIsCommand | kToHost;
  fail(static_cast<uint8_t>(key << 4 | (key == ScsiUnit::kIllegalRequest ? kAbort : 0)));
}

void AtapiCd::finish() {
  left_ = 0;
  now_.count = kIsCommand | kToHost;
  done();
}

// --- data

void AtapiCd::packet() {
  const auto outcome = unit_.execute({buffer_.data(), kPacketBytes});
  if (outcome.failed) return refuse();
  if (outcome.data == ScsiUnit::Data::kNone) return finish();
  from_disk_ = outcome.data == ScsiUnit::Data::kRead;
  position_ = outcome.position;
  left_ = outcome.bytes;
  by_dma_ ? begin_dma(true, left_) : offer_data();
}

bool AtapiCd::fetch(std::span<uint8_t> to) {
  if (from_disk_) {
    if (!unit_.read(position_, to)) return false;
  } else {
    const auto answer = unit_.answer();
    if (position_ > answer.size() || to.size() > answer.size() - position_) return false;
    std::copy_n(answer.begin() + static_cast<ptrdiff_t>(position_), to.size(), to.begin());
  }
  position_ += to.size();
  return true;
}

bool AtapiCd::dma_moved_in(std::span<uint8_t> to) { return fetch(to); }

// The next piece, of an even number of bytes unless it is the last.
void AtapiCd::offer_data() {
  uint32_t limit = now_.mid | now_.high << 8;
  if (limit == 0 || limit == 0xffff) limit = 0xfffe;
  if (left_ > limit) limit = std::max(limit & ~1u, 2u);
  const auto n = static_cast<uint32_t>(std::min<uint64_t>(left_, limit));
  if (!fetch({buffer_.data(), n})) return refuse();
  left_ -= n;
  now_.mid = static_cast<uint8_t>(n);
  now_.high = static_cast<uint8_t>(n >> 8);
  now_.count = kToHost;
  offer(n, Next::kPacketIn);
}

void AtapiCd::buffer_moved(Next next) {
  switch (next) {
    case Next::kPacket:
      return packet();
    case Next::kPacketIn:
      return left_ ? offer_data() : finish();
    default:
      status_ = kReady | kSeekDone;
  }
}

void AtapiCd::serialize_drive(StateStream& s) {
  unit_.serialize(s);
  s.io(by_dma_);
  s.io(from_disk_);
  s.io(position_);
  s.io(left_);
  if (s.loading()) left_ = std::min(left_, kMostDma);
}

}  // namespace mynah::dev
