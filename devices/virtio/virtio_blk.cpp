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

uint32_t VirtioBlk::handle(const DescriptorChain& chain) {
  Header header;
  if (chain.readable_size < sizeof header || chain.writable_size < 1) {
    fail("request too short for its header and status");
    return 0;
  }
  if (!ScatterCursor(memory_, chain.readable).read(&header, sizeof header)) {
    fail("request header is not in RAM");
    return 0;
  }
  const std::optional<Status> status = execute(header, chain);
  ScatterCursor end(memory_, chain.writable);
  if (!status || !end.skip(chain.writable_size - 1) || !end.write(&*status, 1)) {
    fail("request buffer is not in RAM");
    return 0;
  }
  // The length field has 32 bits, a chain may have 4 GiB.
  return static_cast<uint32_t>(std::min<uint64_t>(chain.writable_size, 0xffff'ffff));
}

std::optional<VirtioBlk::Status> VirtioBlk::execute(const Header& header, const DescriptorChain& chain) {
  ScatterCursor payload(memory_, chain.readable);
  payload.skip(sizeof header);
  const uint64_t size = chain.readable_size - sizeof header;
  switch (header.type) {
    case kTypeIn:
      return read(header.sector, chain);
    case kTypeOut:
      return write(header.sector, payload, size);
    case kTypeFlush:
      return flush();
    case kTypeGetId:
      return get_id(chain);
    case kTypeDiscard:
    case kTypeWriteZeroes:
      if (!has(header.type == kTypeDiscard ? kDiscard : kWriteZeroes)) return Status::kUnsupported;
      return discard_or_zero(header.type == kTypeDiscard, payload, size);
    default:
      return Status::kUnsupported;
  }
}

bool VirtioBlk::valid_range(uint64_t sector, uint64_t sectors) const {
  const uint64_t per_block = options_.logical_block_size / kSectorSize;
  const uint64_t end = capacity();
  return sector % per_block == 0 && sectors % per_block == 0 && sector <= end && sectors <= end - sector;
}

std::optional<VirtioBlk::Status> VirtioBlk::read(uint64_t sector, const DescriptorChain& chain) {
  const uint64_t size = chain.writable_size - 1;
  if (size % kSectorSize != 0 || !valid_range(sector, size / kSectorSize)) return Status::kIoError;
  uint64_t at = sector * kSectorSize;
  const auto put = [this, &at](std::span<uint8_t> to) {
    const uint64_t from = at;
    at += to.size();
    return backend_.read(from, to);
  };
  switch (ScatterCursor(memory_, chain.writable).fill(size, put)) {
    case Transfer::kDone:
      return Status::kOk;
    case Transfer::kRefused:
      return Status::kIoError;
    case Transfer::kUnreachable:
      break;
  }
  return std::nullopt;
}

std::optional<VirtioBlk::Status> VirtioBlk::write(uint64_t sector, ScatterCursor payload, uint64_t size) {
  if (backend_.read_only()) return Status::kIoError;
  if (size % kSectorSize != 0 || !valid_range(sector, size / kSectorSize)) return Status::kIoError;
  uint64_t at = sector * kSectorSize;
  const auto take = [this, &at](std::span<const uint8_t> from) {
    const uint64_t to = at;
    at += from.size();
    return backend_.write(to, from);
  };
  switch (payload.drain(size, take)) {
    case Transfer::kDone:
      return flush_unless_write_back();
    case Transfer::kRefused:
      return Status::kIoError;
    case Transfer::kUnreachable:
      break;
  }
  return std::nullopt;
}

std::optional<VirtioBlk::Status> VirtioBlk::get_id(const DescriptorChain& chain) {
  std::array<char, kIdSize> id{};
  options_.serial.copy(id.data(), id.size());
  const size_t n = std::min<uint64_t>(id.size(), chain.writable_size - 1);
  if (!ScatterCursor(memory_, chain.writable).write(id.data(), n)) return std::nullopt;
  return Status::kOk;
}

std::optional<VirtioBlk::Status> VirtioBlk::discard_or_zero(bool discard, ScatterCursor payload,
                                                            uint64_t size) {
  if (backend_.read_only()) return Status::kIoError;
  if (size == 0 || size % sizeof(Range) != 0 || size / sizeof(Range) > kMaxRanges) return Status::kIoError;
  std::array<Range, kMaxRanges> storage;
  const std::span<Range> ranges = std::span(storage).first(size / sizeof(Range));
  if (!payload.read(ranges.data(), size)) return std::nullopt;
  // All are checked before the first is done: a refused request changes nothing.
  for (const Range& r : ranges) {
    if ((r.flags & ~kUnmap) != 0 || (discard && r.flags != 0)) return Status::kUnsupported;
    if (r.sectors > kMaxRangeSectors || !valid_range(r.sector, r.sectors)) return Status::kIoError;
  }
  for (const Range& r : ranges) {
    if (r.sectors == 0) continue;
    const uint64_t offset = r.sector * kSectorSize;
    const uint64_t n = r.sectors * kSectorSize;
    if (!(discard ? backend_.discard(offset, n) : backend_.write_zeroes(offset, n))) return Status::kIoError;
  }
  return discard ? Status::kOk : flush_unless_write_back();
}

void VirtioBlk::serialize_device(StateStream& stream) {
  uint8_t write_back = write_back_;
  stream.io(write_back);
  write_back_ = write_back != 0;
}

}  // namespace mynah::dev
