// SPDX-License-Identifier: Apache-2.0
//
// The NVM command set (NVM Express 1.4, chapter 6).
#include <algorithm>
#include <cstring>

#include "devices/storage/nvme.h"

namespace mynah::dev {

using namespace nvme;

namespace {
constexpr uint32_t kForceUnitAccess = 1u << 30;  // of DW12
constexpr uint32_t kDeallocate = 1u << 2;        // of DW11 of dataset management

uint64_t first_block(const Command& c) { return c.dw10 | uint64_t{c.dw11} << 32; }
uint64_t block_count(const Command& c) { return (c.dw12 & 0xffff) + 1; }
}  // namespace

BlockBackend* Nvme::disk(uint32_t nsid) const {
  return nsid != 0 && nsid <= namespaces_.size() ? namespaces_[nsid - 1] : nullptr;
}

std::optional<Nvme::Blocks> Nvme::blocks_of(const BlockBackend& disk, uint64_t first, uint64_t count) const {
  const uint64_t end = blocks(disk);
  if (first > end || count > end - first) return std::nullopt;
  return Blocks{first * options_.logical_block_size, count * options_.logical_block_size};
}

Nvme::Outcome Nvme::io(const Command& c) {
  if (c.flags & 0xc3) return kInvalidField;  // fused, or by SGL
  const Io opcode{c.opcode};
  if (opcode == Io::kFlush) return flush(c.nsid);
  BlockBackend* const backend = disk(c.nsid);
  if (!backend) return kInvalidNamespace;
  if (opcode == Io::kDatasetManagement) return dataset_management(c, *backend);
  const auto at = blocks_of(*backend, first_block(c), block_count(c));
  switch (opcode) {
    case Io::kRead:
    case Io::kWrite:
    case Io::kCompare:
      if (block_count(c) * options_.logical_block_size > kMostTransfer) return kInvalidField;
      if (!at) return kLbaOutOfRange;
      return opcode == Io::kRead    ? read(c, *backend, *at)
             : opcode == Io::kWrite ? write(c, *backend, *at)
                                    : compare(c, *backend, *at);
    case Io::kWriteZeroes:
      if (!at) return kLbaOutOfRange;
      if (backend->read_only()) return kWriteProtected;
      if (!backend->write_zeroes(at->offset, at->size)) return kWriteFault;
      return settle(c, *backend);
    default:
      return kInvalidOpcode;
  }
}

uint16_t Nvme::read(const Command& c, BlockBackend& disk, Blocks at) {
  if (const uint16_t status = map_data(c, at.size)) return status;
  uint64_t from = at.offset;
  const auto put = [&disk, &from](std::span<uint8_t> to) {
    const bool done = disk.read(from, to);
    from += to.size();
    return done;
  };
  switch (ScatterCursor(dma(), segments_).fill(at.size, put)) {
    case Transfer::kDone:
      ++reads_;
      blocks_read_ += at.size / 512;
      return kSuccess;
    case Transfer::kRefused:
      return kUnrecoveredRead;
    case Transfer::kUnreachable:
      break;
  }
  return kDataTransferError;
}

uint16_t Nvme::write(const Command& c, BlockBackend& disk, Blocks at) {
  if (disk.read_only()) return kWriteProtected;
  if (const uint16_t status = map_data(c, at.size)) return status;
  uint64_t to = at.offset;
  const auto take = [&disk, &to](std::span<const uint8_t> from) {
    const bool done = disk.write(to, from);
    to += from.size();
    return done;
  };
  switch (ScatterCursor(dma(), segments_).drain(at.size, take)) {
    case Transfer::kDone:
      ++writes_;
      blocks_written_ += at.size / 512;
      return settle(c, disk);
    case Transfer::kRefused:
      return kWriteFault;
    case Transfer::kUnreachable:
      break;
  }
  return kDataTransferError;
}

uint16_t Nvme::compare(const Command& c, BlockBackend& disk, Blocks at) {
  std::vector<uint8_t> theirs(at.size), ours(at.size);
  if (const uint16_t status = from_host(c, theirs)) return status;
  if (!disk.read(at.offset, ours)) return kUnrecoveredRead;
  ++reads_;
  return theirs == ours ? kSuccess : kCompareFailure;
}

// A range: context attributes, length in blocks, first block. Attributes other than deallocation are hints.
uint16_t Nvme::dataset_management(const Command& c, BlockBackend& disk) {
  constexpr size_t kRangeSize = 16;
  std::array<uint8_t, 256 * kRangeSize> bytes;
  const std::span<uint8_t> ranges = std::span(bytes).first(((c.dw10 & 0xff) + 1) * kRangeSize);
  if (const uint16_t status = from_host(c, ranges)) return status;
  if (!(c.dw11 & kDeallocate)) return kSuccess;
  if (disk.read_only()) return kWriteProtected;
  std::vector<Blocks> valid;  // all are checked before the first is done
  for (size_t i = 0; i < ranges.size(); i += kRangeSize) {
    uint32_t count = 0;
    uint64_t first = 0;
    std::memcpy(&count, &ranges[i + 4], sizeof count);
    std::memcpy(&first, &ranges[i + 8], sizeof first);
    const auto at = blocks_of(disk, first, count);
    if (!at) return kLbaOutOfRange;
    if (at->size != 0) valid.push_back(*at);
  }
  for (const Blocks& at : valid)
    if (!disk.discard(at.offset, at.size)) return kWriteFault;
  return kSuccess;
}

uint16_t Nvme::flush(uint32_t nsid) {
  if (nsid != kAllNamespaces && !disk(nsid)) return kInvalidNamespace;
  bool done = true;
  for (uint32_t n = 1; n <= namespaces_.size(); ++n)
    if (nsid == n || nsid == kAllNamespaces) done = disk(n)->flush() && done;
  return done ? kSuccess : kWriteFault;
}

// A write is stable when it completes where the guest asked for that, or has no cache.
uint16_t Nvme::settle(const Command& c, BlockBackend& disk) {
  if ((features_[kVolatileWriteCache] & 1) && !(c.dw12 & kForceUnitAccess)) return kSuccess;
  return disk.flush() ? kSuccess : kWriteFault;
}

}  // namespace mynah::dev
