// SPDX-License-Identifier: Apache-2.0
//
// Commands by their codes (ATA/ATAPI-6, chapter 8).
#include "devices/storage/ata_disk.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace mynah::dev {

namespace {

enum Command : uint8_t {
  kNop = 0x00,
  kDataSetManagement = 0x06,
  kRecalibrate = 0x10,  // and 15 more
  kReadSectors = 0x20,
  kReadSectorsOnce = 0x21,
  kReadSectorsExt = 0x24,
  kReadDmaExt = 0x25,
  kReadNativeMaxExt = 0x27,
  kReadMultipleExt = 0x29,
  kReadLogExt = 0x2f,
  kWriteSectors = 0x30,
  kWriteSectorsOnce = 0x31,
  kWriteSectorsExt = 0x34,
  kWriteDmaExt = 0x35,
  kWriteMultipleExt = 0x39,
  kWriteDmaFuaExt = 0x3d,
  kVerify = 0x40,
  kVerifyOnce = 0x41,
  kVerifyExt = 0x42,
  kReadFpdmaQueued = 0x60,
  kWriteFpdmaQueued = 0x61,
  kSeek = 0x70,
  kInitializeParameters = 0x91,
  kStandbyOld = 0x94,
  kCheckPowerOld = 0x98,
  kReadMultiple = 0xc4,
  kWriteMultiple = 0xc5,
  kSetMultiple = 0xc6,
  kReadDma = 0xc8,
  kReadDmaOnce = 0xc9,
  kWriteDma = 0xca,
  kWriteDmaOnce = 0xcb,
  kWriteMultipleFuaExt = 0xce,
  kStandbyNow = 0xe0,
  kIdleNow = 0xe1,
  kStandby = 0xe2,
  kIdle = 0xe3,
  kCheckPower = 0xe5,
  kSleep = 0xe6,
  kFlush = 0xe7,
  kFlushExt = 0xea,
  kIdentify = 0xec,
  kSetFeatures = 0xef,
  kReadNativeMax = 0xf8,
};

constexpr uint8_t kLba = 0x40;  // of the device register
constexpr unsigned kMostMultiple = 16;
constexpr uint64_t kMost28 = (uint64_t{1} << 28) - 1, kMost48 = (uint64_t{1} << 48) - 1;

unsigned cylinders_of(uint64_t sectors) {
  return static_cast<unsigned>(std::clamp<uint64_t>(sectors / (16 * 63), 2, 16383));
}

}  // namespace

AtaDisk::AtaDisk(BlockBackend& disk, Options options, Log& log)
    : IdeDrive(log),
      disk_(disk),
      options_(std::move(options)),
      sectors_(std::min(disk.size() / kSector, kMost48)),
      cylinders_(cylinders_of(sectors_)) {
  reset();
}

void AtaDisk::reset_drive() {
  lba_ = left_ = in_block_ = 0;
  multiple_ = kMostMultiple;
  heads_ = 16;
  track_sectors_ = 63;
  multiword_ = 2;
  ultra_ = 0xff;
  write_cache_ = true;
  queued_ = stable_ = false;
  failed_tag_ = 0x80;
}

void AtaDisk::set_signature() {
  now_.count = now_.low = 1;
  now_.mid = now_.high = 0;
}

// --- addresses

// The first sector and the number of sectors, as the registers have them. False: not on the disk.
bool AtaDisk::address(bool wide) {
  left_ = now_.count ? now_.count : 256;
  if (wide) {
    left_ = now_.count | before_.count << 8;
    if (left_ == 0) left_ = 65536;
    lba_ = now_.low | uint64_t{now_.mid} << 8 | uint64_t{now_.high} << 16 | uint64_t{before_.low} << 24 |
           uint64_t{before_.mid} << 32 | uint64_t{before_.high} << 40;
  } else if (device_ & kLba) {
    lba_ = now_.low | uint64_t{now_.mid} << 8 | uint64_t{now_.high} << 16 | uint64_t{device_ & 15u} << 24;
  } else {
    const uint64_t cylinder = now_.mid | now_.high << 8, head = device_ & 15;
    if (now_.low == 0 || now_.low > track_sectors_ || head >= heads_) return false;
    lba_ = (cylinder * heads_ + head) * track_sectors_ + now_.low - 1;
  }
  return lba_ < sectors_ && left_ <= sectors_ - lba_;
}

void AtaDisk::show_address(bool wide, uint64_t lba) {
  now_.low = static_cast<uint8_t>(lba);
  now_.mid = static_cast<uint8_t>(lba >> 8);
  now_.high = static_cast<uint8_t>(lba >> 16);
  if (wide) {
    before_.low = static_cast<uint8_t>(lba >> 24);
    before_.mid = static_cast<uint8_t>(lba >> 32);
    before_.high = static_cast<uint8_t>(lba >> 40);
  } else {
    device_ = static_cast<uint8_t>((device_ & 0xf0) | (lba >> 24 & 15));
  }
}

// --- transfers

void AtaDisk::transfer(bool wide, bool write, unsigned block) {
  if (block == 0) return fail(kAbort);
  if (!address(wide)) return fail(kNotFound);
  if (write && disk_.read_only()) return fail(kAbort);
  block_ = static_cast<uint8_t>(block);
  if (!write) return offer_sectors();
  in_block_ = std::min<uint32_t>(left_, block_);
  ask(in_block_ * kSector, Next::kWriteSectors, false);
}

void AtaDisk::offer_sectors() {
  in_block_ = std::min<uint32_t>(left_, block_);
  if (!disk_.read(lba_ * kSector, {buffer_.data(), in_block_ * kSector})) return fail(kUncorrectable);
  lba_ += in_block_;
  left_ -= in_block_;
  offer(in_block_ * kSector, Next::kReadSectors);
}

void AtaDisk::take_sectors() {
  if (!disk_.write(lba_ * kSector, {buffer_.data(), in_block_ * kSector}) ||
      (!write_cache_ && !disk_.flush()))
    return fail(kAbort);
  lba_ += in_block_;
  left_ -= std::min(left_, in_block_);
  if (left_ == 0) return done();
  in_block_ = std::min<uint32_t>(left_, block_);
  ask(in_block_ * kSector, Next::kWriteSectors, true);
}

void AtaDisk::buffer_moved(Next next) {
  switch (next) {
    case Next::kReadSectors:
      if (left_ != 0) return offer_sectors();
      status_ = kReady | kSeekDone;
      return;
    case Next::kWriteSectors:
      return take_sectors();
    default:
      status_ = kReady | kSeekDone;
  }
}

void AtaDisk::transfer_dma(bool wide, bool write) {
  if (!address(wide)) return fail(kNotFound);
  move_by_dma(write);
}

void AtaDisk::move_by_dma(bool write) {
  if (write && disk_.read_only()) return fail(kAbort);
  position_ = lba_ * kSector;
  begin_dma(!write, uint64_t{left_} * kSector);
}

// The sectors' number is where others have features, a tag where others have that number.
void AtaDisk::transfer_queued(bool write) {
  constexpr uint8_t kForceUnitAccess = 0x80;
  if (!serial_ata_) return fail(kAbort);
  queued_ = true;
  failed_tag_ = now_.count >> 3;
  stable_ = write && (device_ & kForceUnitAccess);
  std::swap(now_.features, now_.count);
  std::swap(before_.features, before_.count);
  const bool there = address(true);
  std::swap(now_.features, now_.count);
  std::swap(before_.features, before_.count);
  if (!there) return fail(kNotFound);
  move_by_dma(write);
}

// General purpose logs (ACS-2, annex A): which there are, and the queued command that failed.
void AtaDisk::read_log() {
  constexpr uint8_t kDirectory = 0x00, kQueuedError = 0x10;
  if (!serial_ata_ || now_.count != 1 || before_.count != 0 || now_.mid != 0) return fail(kAbort);
  const uint8_t log = now_.low;
  std::fill_n(buffer_.begin(), kSector, uint8_t{0});
  if (log == kDirectory) {
    buffer_[0] = 1;
    buffer_[2 * kQueuedError] = 1;
  } else if (log == kQueuedError) {
    buffer_[0] = failed_tag_;
    buffer_[2] = kReady | kSeekDone | kErr;
    buffer_[3] = kAbort;
    for (unsigned i = 0; i < 3; ++i) {
      buffer_[4 + i] = static_cast<uint8_t>(lba_ >> 8 * i);
      buffer_[8 + i] = static_cast<uint8_t>(lba_ >> (24 + 8 * i));
    }
    uint8_t sum = 0;
    for (unsigned i = 0; i < kSector - 1; ++i) sum = static_cast<uint8_t>(sum + buffer_[i]);
    buffer_[kSector - 1] = static_cast<uint8_t>(-sum);
    failed_tag_ = 0x80;
  } else {
    return fail(kAbort);
  }
  offer(kSector, Next::kNothing);
}

bool AtaDisk::dma_moved_in(std::span<uint8_t> to) {
  const bool good = disk_.read(position_, to);
  position_ += to.size();
  return good;
}

bool AtaDisk::dma_moved_out(std::span<const uint8_t> from) {
  if (trims_) {
    if (position_ > kBufferBytes || from.size() > kBufferBytes - position_) return false;
    std::copy(from.begin(), from.end(), buffer_.begin() + static_cast<ptrdiff_t>(position_));
    position_ += from.size();
    return true;
  }
  const bool good = disk_.write(position_, from);
  position_ += from.size();
  return good;
}

void AtaDisk::dma_ended() {
  if (std::exchange(trims_, false)) trim();
  if ((!write_cache_ || stable_) && !dma_to_memory() && !disk_.flush()) return fail(kAbort);
  if (queued_) failed_tag_ = 0x80;
  done();
}

// Ranges of eight bytes: 48 bits of address, 16 of length.
void AtaDisk::trim() {
  const uint64_t end = std::min<uint64_t>(position_, kBufferBytes);
  for (uint64_t at = 0; at + 8 <= end; at += 8) {
    uint64_t entry;
    std::memcpy(&entry, buffer_.data() + at, sizeof entry);
    const uint64_t first = entry & kMost48, n = entry >> 48;
    if (n == 0 || first >= sectors_ || n > sectors_ - first) continue;
    disk_.discard(first * kSector, n * kSector);
  }
}

// --- commands

void AtaDisk::set_transfer_mode() {
  const uint8_t mode = now_.count;
  switch (mode >> 3) {
    case 0:  // PIO, default or flow control
    case 1:
      multiword_ = ultra_ = 0xff;
      return done();
    case 4:
      if ((mode & 7) > 2) return fail(kAbort);
      multiword_ = mode & 7;
      ultra_ = 0xff;
      return done();
    case 8:
      if ((mode & 7) > 5) return fail(kAbort);
      ultra_ = mode & 7;
      multiword_ = 0xff;
      return done();
    default:
      return fail(kAbort);
  }
}

void AtaDisk::set_features() {
  switch (now_.features) {
    case 0x02:
    case 0x82:
      write_cache_ = now_.features == 0x02;
      if (!write_cache_ && !disk_.flush()) return fail(kAbort);
      return done();
    case 0x03:
      return set_transfer_mode();
    case 0x05:  // power management, look-ahead, reverting to defaults: accepted
    case 0x42:
    case 0x55:
    case 0x66:
    case 0x69:
    case 0x67:
    case 0x85:
    case 0x96:
    case 0x9a:
    case 0xaa:
    case 0xc2:
    case 0xcc:
      return done();
    default:
      return fail(kAbort);
  }
}

void AtaDisk::identify() {
  begin_identity();
  const uint64_t chs = uint64_t{cylinders_} * heads_ * track_sectors_;
  identity_word(0, 0x0040);
  identity_word(1, cylinders_);
  identity_word(3, 16);
  identity_word(6, 63);
  identity_text(10, 10, options_.serial);
  identity_text(23, 4, "1.0");
  identity_text(27, 20, options_.model);
  identity_word(47, 0x8000 | kMostMultiple);
  identity_word(48, 1);
  identity_word(49, 0x0f00);  // LBA, DMA, IORDY
  identity_word(50, 0x4000);
  identity_word(53, 7);
  identity_word(54, cylinders_);
  identity_word(55, heads_);
  identity_word(56, track_sectors_);
  identity_word(57, chs);
  identity_word(58, chs >> 16);
  identity_word(59, multiple_ ? 0x100 | multiple_ : 0);
  const uint64_t narrow = std::min(sectors_, kMost28);
  identity_word(60, narrow);
  identity_word(61, narrow >> 16);
  identity_word(63, 7 | (multiword_ <= 2 ? 0x100 << multiword_ : 0));
  identity_word(64, 3);
  for (unsigned n = 65; n <= 68; ++n) identity_word(n, 120);
  identity_word(69, 1 << 14);  // reading after TRIM
  if (serial_ata_) {
    identity_word(75, kQueueDepth - 1);
    identity_word(76, 1 << 8 | 7 << 1);  // queued commands; 1.5, 3 and 6 Gb/s
  }
  identity_word(80, serial_ata_ ? 0x1f0 : 0xf0);  // ATA-4 to 7, ATA8-ACS
  const unsigned cached = 1 << 5, addresses = 1 << 10, flushes = 3 << 12;
  const unsigned logs = serial_ata_ ? 1 << 5 : 0;
  identity_word(82, 1 << 14 | cached);
  identity_word(83, 1 << 14 | addresses | flushes);
  identity_word(84, 1 << 14 | logs);
  identity_word(85, 1 << 14 | (write_cache_ ? cached : 0));
  identity_word(86, addresses | flushes);
  identity_word(87, 1 << 14 | logs);
  identity_word(88, 0x3f | (ultra_ <= 5 ? 0x100 << ultra_ : 0));
  if (!serial_ata_) identity_word(93, 0x6001);  // a cable of 80 wires
  for (unsigned i = 0; i < 4; ++i) identity_word(100 + i, sectors_ >> 16 * i);
  identity_word(106, 0x6000);
  identity_word(169, 1);
  offer(kSector, Next::kNothing);
}

void AtaDisk::execute(uint8_t command) {
  trims_ = queued_ = stable_ = false;
  switch (command) {
    case kNop:
      return fail(kAbort);
    case kReadSectors:
    case kReadSectorsOnce:
      return transfer(false, false, 1);
    case kReadSectorsExt:
      return transfer(true, false, 1);
    case kReadMultiple:
      return transfer(false, false, multiple_);
    case kReadMultipleExt:
      return transfer(true, false, multiple_);
    case kWriteSectors:
    case kWriteSectorsOnce:
      return transfer(false, true, 1);
    case kWriteSectorsExt:
      return transfer(true, true, 1);
    case kWriteMultiple:
      return transfer(false, true, multiple_);
    case kWriteMultipleExt:
    case kWriteMultipleFuaExt:
      return transfer(true, true, multiple_);
    case kReadDma:
    case kReadDmaOnce:
    case kWriteDma:
    case kWriteDmaOnce:
      return transfer_dma(false, command >= kWriteDma);
    case kReadDmaExt:
    case kWriteDmaExt:
    case kWriteDmaFuaExt:
      stable_ = command == kWriteDmaFuaExt;
      return transfer_dma(true, command != kReadDmaExt);
    case kReadFpdmaQueued:
    case kWriteFpdmaQueued:
      return transfer_queued(command == kWriteFpdmaQueued);
    case kReadLogExt:
      return read_log();
    case kVerify:
    case kVerifyOnce:
    case kVerifyExt:
      return address(command == kVerifyExt) ? done() : fail(kNotFound);
    case kDataSetManagement:
      if (now_.features != 1 || disk_.read_only()) return fail(kAbort);
      if (const uint32_t blocks = now_.count | before_.count << 8;
          blocks && blocks * kSector <= kBufferBytes) {
        trims_ = true;
        position_ = 0;
        return begin_dma(false, uint64_t{blocks} * kSector);
      }
      return fail(kAbort);
    case kReadNativeMax:
      show_address(false, std::min(sectors_, kMost28) - 1);
      return done();
    case kReadNativeMaxExt:
      show_address(true, sectors_ - 1);
      return done();
    case kInitializeParameters:
      heads_ = static_cast<uint8_t>((device_ & 15) + 1);
      track_sectors_ = now_.count ? now_.count : 1;
      return done();
    case kSetMultiple:
      if (now_.count > kMostMultiple || (now_.count & (now_.count - 1))) return fail(kAbort);
      multiple_ = now_.count;
      return done();
    case kFlush:
    case kFlushExt:
      return disk_.flush() ? done() : fail(kAbort);
    case kCheckPower:
    case kCheckPowerOld:
      now_.count = 0xff;  // runs
      return done();
    case kSeek:
    case kStandbyOld:
    case kStandbyNow:
    case kIdleNow:
    case kStandby:
    case kIdle:
    case kSleep:
      return done();
    case kIdentify:
      return identify();
    case kSetFeatures:
      return set_features();
    default:
      if ((command & 0xf0) == kRecalibrate) return done();
      return fail(kAbort);
  }
}

void AtaDisk::serialize_drive(StateStream& s) {
  s.io(lba_);
  s.io(left_);
  s.io(in_block_);
  for (uint8_t* byte : {&block_, &multiple_, &heads_, &track_sectors_, &multiword_, &ultra_}) s.io(*byte);
  s.io(write_cache_);
  for (bool* flag : {&trims_, &queued_, &stable_}) s.io(*flag);
  s.io(failed_tag_);
  s.io(position_);
  if (!s.loading()) return;
  lba_ = std::min(lba_, kMost48);
  left_ = std::min<uint32_t>(left_, 65536);
  block_ = std::clamp<uint8_t>(block_, 1, kMostMultiple);
  in_block_ = std::min<uint32_t>(in_block_, block_);
  multiple_ = std::min<uint8_t>(multiple_, kMostMultiple);
  heads_ = std::max<uint8_t>(heads_, 1);
  track_sectors_ = std::max<uint8_t>(track_sectors_, 1);
}

}  // namespace mynah::dev
