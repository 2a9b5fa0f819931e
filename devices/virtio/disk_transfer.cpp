// SPDX-License-Identifier: Apache-2.0
//
// At once straight between guest memory and the host, later through a copy.
#include "devices/virtio/disk_transfer.h"

#include <memory>
#include <utility>
#include <vector>

namespace mynah::dev {

namespace {

using Answer = BlockBackend::Answer;
using Bytes = std::vector<uint8_t>;

Transfer told(bool good) { return good ? Transfer::kDone : Transfer::kRefused; }
Answer answered(bool good) { return good ? Answer::kDone : Answer::kFailed; }

}  // namespace

std::optional<Transfer> read_disk(BlockBackend& disk, uint64_t offset, uint64_t n, DmaMemory& memory,
                                  std::span<const Segment> to, Ended ended) {
  const bool may_wait = disk.has_room(n);
  Answer answer = Answer::kDone;
  uint64_t at = offset;
  const Transfer took = ScatterCursor(memory, to).fill(n, [&](std::span<uint8_t> piece) {
    answer = may_wait ? disk.read_now(at, piece) : answered(disk.read(at, piece));
    at += piece.size();
    return answer == Answer::kDone;
  });
  if (answer != Answer::kWaits) return took;
  auto bytes = std::make_shared<Bytes>(n);
  disk.later(
      n, [&disk, offset, bytes] { return disk.read(offset, *bytes); },
      [&memory, bytes, pieces = std::vector<Segment>(to.begin(), to.end()),
       ended = std::move(ended)](bool good) {
        if (!good) return ended(Transfer::kRefused);
        const bool there = ScatterCursor(memory, pieces).write(bytes->data(), bytes->size());
        ended(there ? Transfer::kDone : Transfer::kUnreachable);
      });
  return std::nullopt;
}

std::optional<Transfer> write_disk(BlockBackend& disk, uint64_t offset, uint64_t n, ScatterCursor from,
                                   bool stable, Ended ended) {
  const bool may_wait = disk.has_room(n);
  Answer answer = Answer::kDone;
  uint64_t at = offset;
  const Transfer took = ScatterCursor(from).drain(n, [&](std::span<const uint8_t> piece) {
    answer = may_wait ? disk.write_now(at, piece) : answered(disk.write(at, piece));
    at += piece.size();
    return answer == Answer::kDone;
  });
  if (answer != Answer::kWaits) {
    if (took != Transfer::kDone || !stable) return took;
    return work_on_disk(
        disk, [&disk] { return disk.flush(); }, std::move(ended));
  }
  auto bytes = std::make_shared<Bytes>(n);
  if (!from.read(bytes->data(), n)) return Transfer::kUnreachable;
  disk.later(
      n, [&disk, offset, bytes, stable] { return disk.write(offset, *bytes) && (!stable || disk.flush()); },
      [ended = std::move(ended)](bool good) { ended(told(good)); });
  return std::nullopt;
}

std::optional<Transfer> work_on_disk(BlockBackend& disk, BlockBackend::Work work, Ended ended) {
  if (!disk.has_room(0)) return told(work());
  disk.later(0, std::move(work), [ended = std::move(ended)](bool good) { ended(told(good)); });
  return std::nullopt;
}

}  // namespace mynah::dev
