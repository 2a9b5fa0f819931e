// SPDX-License-Identifier: Apache-2.0
//
// Commands of SBC-3, chapter 5, by their operation codes.
#include "devices/storage/sbc_unit.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "devices/core/big_endian.h"

namespace mynah::dev {

namespace {

enum Operation : uint8_t {
  kTestUnitReady = 0x00,
  kRezero = 0x01,
  kRead6 = 0x08,
  kWrite6 = 0x0a,
  kInquiry = 0x12,
  kModeSelect6 = 0x15,
  kModeSense6 = 0x1a,
  kStartStop = 0x1b,
  kPrevent = 0x1e,
  kReadCapacity10 = 0x25,
  kRead10 = 0x28,
  kWrite10 = 0x2a,
  kSeek10 = 0x2b,
  kWriteVerify10 = 0x2e,
  kVerify10 = 0x2f,
  kSynchronizeCache10 = 0x35,
  kWriteSame10 = 0x41,
  kUnmap = 0x42,
  kModeSelect10 = 0x55,
  kModeSense10 = 0x5a,
  kRead16 = 0x88,
  kWrite16 = 0x8a,
  kWriteVerify16 = 0x8e,
  kVerify16 = 0x8f,
  kSynchronizeCache16 = 0x91,
  kWriteSame16 = 0x93,
  kServiceActionIn = 0x9e,
  kRead12 = 0xa8,
  kWrite12 = 0xaa,
  kWriteVerify12 = 0xae,
  kVerify12 = 0xaf,
};

constexpr uint8_t kForceUnitAccess = 0x08;  // of the second byte
constexpr uint8_t kCachingPage = 0x08, kControlPage = 0x0a, kAllPages = 0x3f;
constexpr uint8_t kLimitsPage = 0xb0, kCharacteristicsPage = 0xb1, kProvisioningPage = 0xb2;
constexpr uint32_t kMostRanges = 255, kMostUnmap = 1 << 22, kMostSame = 1 << 22;  // blocks

}  // namespace

SbcUnit::SbcUnit(BlockBackend& disk, Identity identity, Options options)
    : ScsiUnit(0, false, std::move(identity)),
      disk_(disk),
      options_(options),
      blocks_(disk.size() / options.logical_block) {}

void SbcUnit::reset_unit() {
  write_cache_ = true;
  stable_ = false;
}

bool SbcUnit::on_disk(uint64_t block, uint64_t n) {
  return (block <= blocks_ && n <= blocks_ - block) || fail(kIllegalRequest, kBadAddress);
}

ScsiUnit::Outcome SbcUnit::transfer(bool write, uint64_t block, uint64_t n, bool stable) {
  if (!on_disk(block, n)) return {.failed = true};
  if (write && disk_.read_only()) return refuse(kDataProtect, kWriteProtected);
  stable_ = write && stable;
  if (n == 0) return done();
  return {.data = write ? Data::kWrite : Data::kRead,
          .position = block * options_.logical_block,
          .bytes = n * options_.logical_block};
}

// That the disk can be read is all that there is to verify; bytes are not compared.
ScsiUnit::Outcome SbcUnit::verify(uint64_t block, uint64_t n) {
  if (command_[1] & 6) return refuse(kIllegalRequest, kBadField);
  return on_disk(block, n) ? done() : Outcome{.failed = true};
}

ScsiUnit::Outcome SbcUnit::flush() { return disk_.flush() ? done() : refuse(kMediumError, kWriteError); }

ScsiUnit::Outcome SbcUnit::run(uint8_t operation) {
  const bool stable = command_[1] & kForceUnitAccess;
  const auto wide = [this](unsigned at) { return load_big(command_.data() + at, 8); };
  switch (operation) {
    case kTestUnitReady:
    case kRezero:
    case kStartStop:
    case kPrevent:
    case kSeek10:
      return done();
    case kInquiry:
      return inquiry();
    case kRead6:
    case kWrite6:
      return transfer(operation == kWrite6, field(1, 3) & 0x1f'ffff, command_[4] ? command_[4] : 256, false);
    case kRead10:
    case kWrite10:
    case kWriteVerify10:
      return transfer(operation != kRead10, field(2, 4), field(7, 2), operation == kWriteVerify10 || stable);
    case kRead12:
    case kWrite12:
    case kWriteVerify12:
      return transfer(operation != kRead12, field(2, 4), field(6, 4), operation == kWriteVerify12 || stable);
    case kRead16:
    case kWrite16:
    case kWriteVerify16:
      return transfer(operation != kRead16, wide(2), field(10, 4), operation == kWriteVerify16 || stable);
    case kVerify10:
      return verify(field(2, 4), field(7, 2));
    case kVerify12:
      return verify(field(2, 4), field(6, 4));
    case kVerify16:
      return verify(wide(2), field(10, 4));
    case kSynchronizeCache10:
    case kSynchronizeCache16:
      return flush();
    case kReadCapacity10:
      return capacity10();
    case kServiceActionIn:
      return service_action_in();
    case kModeSense6:
    case kModeSense10:
      return mode_sense();
    case kModeSelect6:
      return mode_select(command_[4]);
    case kModeSelect10:
      return mode_select(field(7, 2));
    case kUnmap:
      return unmap();
    case kWriteSame10:
      return write_same(field(2, 4), field(7, 2));
    case kWriteSame16:
      return write_same(wide(2), field(10, 4));
    default:
      return refuse(kIllegalRequest, kBadOperation);
  }
}

// --- what the disk is

ScsiUnit::Outcome SbcUnit::capacity10() {
  const uint64_t last = blocks_ ? blocks_ - 1 : 0;
  store_big(&answer_[0], 4, std::min<uint64_t>(last, 0xffff'ffff));
  store_big(&answer_[4], 4, options_.logical_block);
  return give(8, 8);
}

ScsiUnit::Outcome SbcUnit::service_action_in() {
  constexpr uint8_t kReadCapacity16 = 0x10, kProvisioned = 0x80;
  if ((command_[1] & 0x1f) != kReadCapacity16) return refuse(kIllegalRequest, kBadField);
  store_big(&answer_[0], 8, blocks_ ? blocks_ - 1 : 0);
  store_big(&answer_[8], 4, options_.logical_block);
  answer_[13] = static_cast<uint8_t>(std::countr_zero(options_.physical_block / options_.logical_block));
  if (!disk_.read_only()) answer_[14] = kProvisioned;
  return give(32, field(10, 4));
}

std::span<const uint8_t> SbcUnit::vital_pages() const {
  static constexpr uint8_t kPages[] = {kLimitsPage, kCharacteristicsPage, kProvisioningPage};
  return kPages;
}

size_t SbcUnit::vital_page(uint8_t page, uint8_t* to) {
  constexpr uint8_t kUnmaps = 0x80, kWriteSame16Unmaps = 0x40, kWriteSame10Unmaps = 0x20;
  switch (page) {
    case kLimitsPage:  // offsets of SBC-3, 6.6.3, less the header's 4 bytes
      store_big(to + 16, 4, kMostUnmap);
      store_big(to + 20, 4, kMostRanges);
      store_big(to + 24, 4, options_.physical_block / options_.logical_block);
      store_big(to + 32, 8, kMostSame);
      return 60;
    case kCharacteristicsPage:
      to[1] = 1;  // does not rotate
      return 60;
    case kProvisioningPage:
      if (!disk_.read_only()) to[1] = kUnmaps | kWriteSame16Unmaps | kWriteSame10Unmaps;
      to[2] = 2;  // thin
      return 4;
    default:
      return 0;
  }
}

ScsiUnit::Outcome SbcUnit::mode_sense() {
  const bool wide = command_[0] == kModeSense10;
  const uint8_t page = command_[2] & 0x3f, control = command_[2] >> 6;
  const bool descriptor = !(command_[1] & 8), changeable = control == 1;
  if (control == 3) return refuse(kIllegalRequest, kSavingNotSupported);
  if (page != kCachingPage && page != kControlPage && page != kAllPages)
    return refuse(kIllegalRequest, kBadField);
  size_t n = wide ? 8 : 4;
  if (descriptor) {
    store_big(&answer_[n + 1], 3, std::min<uint64_t>(blocks_, 0xff'ffff));
    store_big(&answer_[n + 5], 3, options_.logical_block);
    n += 8;
  }
  if (page != kControlPage) {
    answer_[n] = kCachingPage;
    answer_[n + 1] = 18;
    if (write_cache_ || changeable) answer_[n + 2] = 4;
    n += 20;
  }
  if (page != kCachingPage) {
    answer_[n] = kControlPage;
    answer_[n + 1] = 10;
    n += 12;
  }
  const uint8_t device = static_cast<uint8_t>(0x10 | (disk_.read_only() ? 0x80 : 0));  // FUA is known
  if (wide) {
    store_big(&answer_[0], 2, n - 2);
    answer_[3] = device;
    store_big(&answer_[6], 2, descriptor ? 8 : 0);
  } else {
    answer_[0] = static_cast<uint8_t>(n - 1);
    answer_[2] = device;
    answer_[3] = descriptor ? 8 : 0;
  }
  return give(n, wide ? field(7, 2) : command_[4]);
}

// --- what comes with parameters

ScsiUnit::Outcome SbcUnit::mode_select(size_t n) {
  if (command_[1] & 1) return refuse(kIllegalRequest, kBadField);  // saved
  if (n == 0) return done();
  return {.data = Data::kParameters, .bytes = std::min(n, kMostParameters)};
}

ScsiUnit::Outcome SbcUnit::unmap() {
  if (disk_.read_only()) return refuse(kDataProtect, kWriteProtected);
  const uint32_t n = field(7, 2);
  if (n == 0) return done();
  if (n > kMostParameters) return refuse(kIllegalRequest, kBadField);
  return {.data = Data::kParameters, .bytes = n};
}

ScsiUnit::Outcome SbcUnit::write_same(uint64_t block, uint64_t n) {
  constexpr uint8_t kNoBuffer = 1;
  if (n == 0) n = blocks_ - std::min(block, blocks_);
  if (!on_disk(block, n)) return {.failed = true};
  if (disk_.read_only()) return refuse(kDataProtect, kWriteProtected);
  if (n > kMostSame) return refuse(kIllegalRequest, kBadField);
  if (command_[0] == kWriteSame16 && (command_[1] & kNoBuffer)) {
    if (n && !disk_.write_zeroes(block * options_.logical_block, n * options_.logical_block))
      return refuse(kMediumError, kWriteError);
    return done();
  }
  if (options_.logical_block > kMostParameters) return refuse(kIllegalRequest, kBadField);
  return {.data = Data::kParameters, .bytes = options_.logical_block};
}

bool SbcUnit::parameters(std::span<const uint8_t> from) {
  switch (command_[0]) {
    case kUnmap:
      return take_ranges(from);
    case kWriteSame10:
    case kWriteSame16:
      return take_pattern(from);
    default:
      return take_modes(from);
  }
}

// Only the write cache can be changed.
bool SbcUnit::take_modes(std::span<const uint8_t> from) {
  const bool wide = command_[0] == kModeSelect10;
  const size_t header = wide ? 8 : 4;
  if (from.size() < header) return fail(kIllegalRequest, kBadParameter);
  size_t at = header + (wide ? load_big(&from[6], 2) : from[3]);
  while (at + 2 <= from.size()) {
    const size_t n = size_t{from[at + 1]} + 2;
    if (n > from.size() - at) return fail(kIllegalRequest, kBadParameter);
    if ((from[at] & 0x3f) == kCachingPage && n > 2) {
      write_cache_ = from[at + 2] & 4;
      if (!write_cache_ && !disk_.flush()) return fail(kMediumError, kWriteError);
    }
    at += n;
  }
  return true;
}

// All are looked at before the first is done.
bool SbcUnit::take_ranges(std::span<const uint8_t> from) {
  constexpr size_t kHeader = 8, kRange = 16;
  if (from.size() < kHeader) return fail(kIllegalRequest, kBadParameter);
  const size_t bytes = std::min<size_t>(load_big(&from[2], 2), from.size() - kHeader);
  for (const bool act : {false, true})
    for (size_t at = kHeader; at + kRange <= kHeader + bytes; at += kRange) {
      const uint64_t block = load_big(&from[at], 8), n = load_big(&from[at + 8], 4);
      if (!act && !on_disk(block, n)) return false;
      if (act && n && !disk_.discard(block * options_.logical_block, n * options_.logical_block))
        return fail(kMediumError, kWriteError);
    }
  return true;
}

bool SbcUnit::take_pattern(std::span<const uint8_t> from) {
  const bool wide = command_[0] == kWriteSame16;
  const uint64_t block = wide ? load_big(&command_[2], 8) : field(2, 4);
  uint64_t n = wide ? field(10, 4) : field(7, 2);
  if (n == 0) n = blocks_ - std::min(block, blocks_);
  if (from.size() != options_.logical_block || !on_disk(block, n) || n > kMostSame)
    return fail(kIllegalRequest, kBadField);
  const uint64_t at = block * options_.logical_block, bytes = n * options_.logical_block;
  if (std::all_of(from.begin(), from.end(), [](uint8_t byte) { return byte == 0; })) {
    if (bytes && !disk_.write_zeroes(at, bytes)) return fail(kMediumError, kWriteError);
    return written();
  }
  constexpr uint64_t kPiece = 64 * 1024;
  std::vector<uint8_t> piece(kPiece);
  for (size_t i = 0; i < piece.size(); ++i) piece[i] = from[i % from.size()];
  for (uint64_t done = 0; done < bytes; done += kPiece)
    if (!disk_.write(at + done, {piece.data(), static_cast<size_t>(std::min(kPiece, bytes - done))}))
      return fail(kMediumError, kWriteError);
  return written();
}

void SbcUnit::serialize_unit(StateStream& s) {
  s.io(write_cache_);
  s.io(stable_);
}

}  // namespace mynah::dev
