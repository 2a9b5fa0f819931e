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

Nvme::Outcome Nvme::io(unsigned sq, const Command& c) {
  if (c.flags & 0xc3) return kInvalidField;  // fused, or by SGL
  const Io opcode{c.opcode};
  if (opcode == Io::kFlush) return flush(sq, c);
  BlockBackend* const backend = disk(c.nsid);
  if (!backend) return kInvalidNamespace;
  if (opcode == Io::kDatasetManagement) return dataset_management(sq, c, *backend);
  const auto at = blocks_of(*backend, first_block(c), block_count(c));
  switch (opcode) {
    case Io::kRead:
    case Io::kWrite:
    case Io::kCompare:
      if (block_count(c) * options_.logical_block_size > kMostTransfer) return kInvalidField;
      if (!at) return kLbaOutOfRange;
      return opcode == Io::kRead    ? read(sq, c, *backend, *at)
             : opcode == Io::kWrite ? write(sq, c, *backend, *at)
                                    : Outcome(compare(c, *backend, *at));
    case Io::kWriteZeroes:
      if (!at) return kLbaOutOfRange;
      if (backend->read_only()) return kWriteProtected;
      return write_zeroes(sq, c, *backend, *at);
    default:
      return kInvalidOpcode;
  }
}

// --- what ends at once or later

bool Nvme::to_be_stable(const Command& c) const {
  return !(features_[kVolatileWriteCache] & 1) || (c.dw12 & kForceUnitAccess);
}

Nvme::Outcome Nvme::told(const Command& c, Transfer took, uint16_t refused) {
  if (took != Transfer::kDone) return took == Transfer::kRefused ? refused : kDataTransferError;
  const uint64_t sectors = block_count(c) * options_.logical_block_size / 512;
  if (Io{c.opcode} == Io::kRead) {
    ++reads_;
    blocks_read_ += sectors;
  } else if (Io{c.opcode} == Io::kWrite) {
    ++writes_;
    blocks_written_ += sectors;
  }
  return kSuccess;
}

Nvme::Outcome Nvme::told_or_later(unsigned sq, const Command& c, std::optional<Transfer> took,
                                  uint16_t refused) {
  if (took) return told(c, *took, refused);
  ++cqs_[sqs_[sq].cq].owed;
  return {kSuccess, 0, true};
}

// Queues are not deleted while they have such commands.
Ended Nvme::ends_later(unsigned sq, const Command& c, uint16_t refused) {
  return [this, sq, c, refused](Transfer took) {
    CompletionQueue& cq = cqs_[sqs_[sq].cq];
    if (cq.owed != 0) --cq.owed;
    if (!working()) return;
    const Outcome outcome = told(c, took, refused);
    note_error(sq, c, outcome);
    complete(sq, c.id, outcome);
    if (cq.interrupts) notify(cq.vector);
    update_line();
  };
}

void Nvme::settle() {
  for (BlockBackend* each : namespaces_) each->settle();
}

Nvme::Outcome Nvme::read(unsigned sq, const Command& c, BlockBackend& disk, Blocks at) {
  if (const uint16_t status = map_data(c, at.size)) return status;
  const auto took =
      read_disk(disk, at.offset, at.size, dma(), segments_, ends_later(sq, c, kUnrecoveredRead));
  return told_or_later(sq, c, took, kUnrecoveredRead);
}

Nvme::Outcome Nvme::write(unsigned sq, const Command& c, BlockBackend& disk, Blocks at) {
  if (disk.read_only()) return kWriteProtected;
  if (const uint16_t status = map_data(c, at.size)) return status;
  const auto took = write_disk(disk, at.offset, at.size, ScatterCursor(dma(), segments_), to_be_stable(c),
                               ends_later(sq, c, kWriteFault));
  return told_or_later(sq, c, took, kWriteFault);
}

Nvme::Outcome Nvme::write_zeroes(unsigned sq, const Command& c, BlockBackend& disk, Blocks at) {
  const auto work = [&disk, at, stable = to_be_stable(c)] {
    return disk.write_zeroes(at.offset, at.size) && (!stable || disk.flush());
  };
  return told_or_later(sq, c, work_on_disk(disk, work, ends_later(sq, c, kWriteFault)), kWriteFault);
}

uint16_t Nvme::compare(const Command& c, BlockBackend& disk, Blocks at) {
  std::vector<uint8_t> theirs(at.size), ours(at.size);
  if (const uint16_t status = from_host(c, theirs)) return status;
  if (!disk.read(at.offset, ours)) return kUnrecoveredRead;
  ++reads_;
  return theirs == ours ? kSuccess : kCompareFailure;
}

// A range: context attributes, length in blocks, first block. Attributes other than deallocation are hints.
Nvme::Outcome Nvme::dataset_management(unsigned sq, const Command& c, BlockBackend& disk) {
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
  const auto work = [&disk, valid = std::move(valid)] {
    return std::all_of(valid.begin(), valid.end(),
                       [&disk](const Blocks& at) { return disk.discard(at.offset, at.size); });
  };
  return told_or_later(sq, c, work_on_disk(disk, work, ends_later(sq, c, kWriteFault)), kWriteFault);
}

Nvme::Outcome Nvme::flush(unsigned sq, const Command& c) {
  if (c.nsid == kAllNamespaces && namespaces_.size() > 1) return flush_all() ? kSuccess : kWriteFault;
  BlockBackend* const one = disk(c.nsid == kAllNamespaces ? 1 : c.nsid);
  if (!one) return kInvalidNamespace;
  const auto took = work_on_disk(
      *one, [one] { return one->flush(); }, ends_later(sq, c, kWriteFault));
  return told_or_later(sq, c, took, kWriteFault);
}

bool Nvme::flush_all() {
  bool done = true;
  for (BlockBackend* each : namespaces_) done = each->flush() && done;
  return done;
}

}  // namespace mynah::dev
