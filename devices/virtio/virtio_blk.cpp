// SPDX-License-Identifier: Apache-2.0
//
// virtio-blk requests and configuration (VIRTIO 1.2, 5.2.4 to 5.2.6).
#include "devices/virtio/virtio_blk.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstring>

namespace mynah::dev {
namespace {

using virtio::bit;

constexpr unsigned kSegMax = 2, kReadOnly = 5, kBlkSize = 6, kFlush = 9, kTopology = 10, kConfigWce = 11,
                   kDiscard = 13, kWriteZeroes = 14;

enum RequestType : uint32_t {
  kTypeIn = 0,
  kTypeOut = 1,
  kTypeFlush = 4,
  kTypeGetId = 8,
  kTypeDiscard = 11,
  kTypeWriteZeroes = 13,
};

constexpr uint64_t kSectorSize = 512;
constexpr size_t kIdSize = 20;
constexpr uint16_t kQueueSize = 256;
constexpr uint32_t kMaxRanges = 64;             // of one discard or write-zeroes request
constexpr uint32_t kMaxRangeSectors = 1 << 22;  // 2 GiB
constexpr uint32_t kUnmap = 1;

struct Range {
  uint64_t sector;
  uint32_t sectors;
  uint32_t flags;
};
static_assert(sizeof(Range) == 16);

struct Config {
  uint64_t capacity;
  uint32_t size_max;
  uint32_t seg_max;
  uint16_t cylinders;
  uint8_t heads;
  uint8_t sectors;
  uint32_t blk_size;
  uint8_t physical_block_exp;
  uint8_t alignment_offset;
  uint16_t min_io_size;
  uint32_t opt_io_size;
  uint8_t write_back;
  uint8_t unused0;
  uint16_t num_queues;
  uint32_t max_discard_sectors;
  uint32_t max_discard_seg;
  uint32_t discard_sector_alignment;
  uint32_t max_write_zeroes_sectors;
  uint32_t max_write_zeroes_seg;
  uint8_t write_zeroes_may_unmap;
  uint8_t unused1[3];
};
static_assert(offsetof(Config, write_back) == 32 && offsetof(Config, write_zeroes_may_unmap) == 56);

}  // namespace

VirtioBlk::VirtioBlk(DmaMemory& memory, Log& log, BlockBackend& backend, Options options)
    : VirtioDevice("virtio-blk", memory, log, {kQueueSize}), backend_(backend), options_(std::move(options)) {
  assert(std::has_single_bit(options_.logical_block_size) && options_.logical_block_size >= kSectorSize &&
         options_.logical_block_size <= 32768);
  assert(std::has_single_bit(options_.physical_block_size) &&
         options_.physical_block_size >= options_.logical_block_size);
}

uint64_t VirtioBlk::capacity() const {
  return backend_.size() / options_.logical_block_size * (options_.logical_block_size / kSectorSize);
}

uint64_t VirtioBlk::device_features() const {
  uint64_t features = bit(kSegMax) | bit(kBlkSize) | bit(kFlush) | bit(kTopology) | bit(kConfigWce);
  features |= backend_.read_only() ? bit(kReadOnly) : bit(kDiscard) | bit(kWriteZeroes);
  return features;
}

void VirtioBlk::config(std::span<uint8_t> to) const {
  const uint32_t per_block = options_.logical_block_size / kSectorSize;
  Config c{};
  c.capacity = capacity();
  c.seg_max = kQueueSize - 2;  // so that a request fits the queue without an indirect table
  c.blk_size = options_.logical_block_size;
  c.physical_block_exp =
      static_cast<uint8_t>(std::countr_zero(options_.physical_block_size / options_.logical_block_size));
  c.min_io_size = 1;
  c.write_back = write_back_;
  c.num_queues = 1;
  c.max_discard_sectors = c.max_write_zeroes_sectors = kMaxRangeSectors;
  c.max_discard_seg = c.max_write_zeroes_seg = kMaxRanges;
  c.discard_sector_alignment = per_block;
  c.write_zeroes_may_unmap = 1;
  static_assert(sizeof c <= kMaxConfigSize);
  std::memcpy(to.data(), &c, sizeof c);
}

bool VirtioBlk::write_config(uint64_t offset, std::span<const uint8_t> from) {
  if (offset != offsetof(Config, write_back) || from.size() != 1 || !has(kConfigWce)) return false;
  write_back_ = (from[0] & 1) != 0;
  // What was written under the old mode has to be stable before the driver relies on the new one.
  if (!write_back_) backend_.flush();
  return true;
}

// A driver that cannot flush must not be given a write-back cache (5.2.6.2).
void VirtioBlk::features_accepted() { write_back_ = has(kFlush); }

void VirtioBlk::notify(unsigned queue) {
  process(queue, [this](const DescriptorChain& chain) { return handle(chain); });
}

std::optional<uint32_t> VirtioBlk::handle(const DescriptorChain& chain) {
  Header header;
  if (chain.readable_size < sizeof header || chain.writable_size < 1) {
    fail("request too short for its header and status");
    return 0;
  }
  if (!ScatterCursor(memory_, chain.readable).read(&header, sizeof header)) {
    fail("request header is not in RAM");
    return 0;
  }
  return end(chain, execute(header, chain));
}

std::optional<uint32_t> VirtioBlk::end(const DescriptorChain& chain, Outcome outcome) {
  if (outcome == Outcome::kLater) return std::nullopt;
  const Status status = outcome == Outcome::kOk            ? Status::kOk
                        : outcome == Outcome::kUnsupported ? Status::kUnsupported
                                                           : Status::kIoError;
  ScatterCursor last(memory_, chain.writable);
  if (outcome == Outcome::kUnreachable || !last.skip(chain.writable_size - 1) || !last.write(&status, 1)) {
    fail("request buffer is not in RAM");
    return 0;
  }
  // The length field has 32 bits, a chain may have 4 GiB.
  return static_cast<uint32_t>(std::min<uint64_t>(chain.writable_size, 0xffff'ffff));
}

VirtioBlk::Outcome VirtioBlk::outcome_of(std::optional<Transfer> took) {
  if (!took) return Outcome::kLater;
  return *took == Transfer::kDone      ? Outcome::kOk
         : *took == Transfer::kRefused ? Outcome::kIoError
                                       : Outcome::kUnreachable;
}

// The chain's storage is reused for the next one.
Ended VirtioBlk::ends_later(const DescriptorChain& chain) {
  return [this, chain](Transfer took) {
    if (const auto written = end(chain, outcome_of(took))) end_chain(0, chain.head, *written);
  };
}

VirtioBlk::Outcome VirtioBlk::execute(const Header& header, const DescriptorChain& chain) {
  ScatterCursor payload(memory_, chain.readable);
  payload.skip(sizeof header);
  const uint64_t size = chain.readable_size - sizeof header;
  switch (header.type) {
    case kTypeIn:
      return read(header.sector, chain);
    case kTypeOut:
      return write(header.sector, payload, size, chain);
    case kTypeFlush:
      return outcome_of(work_on_disk(
          backend_, [this] { return backend_.flush(); }, ends_later(chain)));
    case kTypeGetId:
      return get_id(chain);
    case kTypeDiscard:
    case kTypeWriteZeroes:
      if (!has(header.type == kTypeDiscard ? kDiscard : kWriteZeroes)) return Outcome::kUnsupported;
      return discard_or_zero(header.type == kTypeDiscard, payload, size, chain);
    default:
      return Outcome::kUnsupported;
  }
}

bool VirtioBlk::valid_range(uint64_t sector, uint64_t sectors) const {
  const uint64_t per_block = options_.logical_block_size / kSectorSize;
  const uint64_t end = capacity();
  return sector % per_block == 0 && sectors % per_block == 0 && sector <= end && sectors <= end - sector;
}

VirtioBlk::Outcome VirtioBlk::read(uint64_t sector, const DescriptorChain& chain) {
  const uint64_t size = chain.writable_size - 1;
  if (size % kSectorSize != 0 || !valid_range(sector, size / kSectorSize)) return Outcome::kIoError;
  return outcome_of(
      read_disk(backend_, sector * kSectorSize, size, memory_, chain.writable, ends_later(chain)));
}

VirtioBlk::Outcome VirtioBlk::write(uint64_t sector, ScatterCursor payload, uint64_t size,
                                    const DescriptorChain& chain) {
  if (backend_.read_only()) return Outcome::kIoError;
  if (size % kSectorSize != 0 || !valid_range(sector, size / kSectorSize)) return Outcome::kIoError;
  return outcome_of(
      write_disk(backend_, sector * kSectorSize, size, payload, !write_back_, ends_later(chain)));
}

VirtioBlk::Outcome VirtioBlk::get_id(const DescriptorChain& chain) {
  std::array<char, kIdSize> id{};
  options_.serial.copy(id.data(), id.size());
  const size_t n = std::min<uint64_t>(id.size(), chain.writable_size - 1);
  return ScatterCursor(memory_, chain.writable).write(id.data(), n) ? Outcome::kOk : Outcome::kUnreachable;
}

VirtioBlk::Outcome VirtioBlk::discard_or_zero(bool discard, ScatterCursor payload, uint64_t size,
                                              const DescriptorChain& chain) {
  if (backend_.read_only()) return Outcome::kIoError;
  if (size == 0 || size % sizeof(Range) != 0 || size / sizeof(Range) > kMaxRanges) return Outcome::kIoError;
  std::vector<Range> ranges(size / sizeof(Range));
  if (!payload.read(ranges.data(), size)) return Outcome::kUnreachable;
  // All are checked before the first is done: a refused request changes nothing.
  for (const Range& r : ranges) {
    if ((r.flags & ~kUnmap) != 0 || (discard && r.flags != 0)) return Outcome::kUnsupported;
    if (r.sectors > kMaxRangeSectors || !valid_range(r.sector, r.sectors)) return Outcome::kIoError;
  }
  const bool flushes = !discard && !write_back_;
  const auto work = [&disk = backend_, ranges = std::move(ranges), discard, flushes] {
    for (const Range& r : ranges) {
      if (r.sectors == 0) continue;
      const uint64_t offset = r.sector * kSectorSize;
      const uint64_t n = r.sectors * kSectorSize;
      if (!(discard ? disk.discard(offset, n) : disk.write_zeroes(offset, n))) return false;
    }
    return !flushes || disk.flush();
  };
  return outcome_of(work_on_disk(backend_, work, ends_later(chain)));
}

void VirtioBlk::serialize_device(StateStream& stream) {
  uint8_t write_back = write_back_;
  stream.io(write_back);
  write_back_ = write_back != 0;
}

}  // namespace mynah::dev
