// SPDX-License-Identifier: Apache-2.0
//
// Scatter lists: the buffers of one descriptor chain, and a cursor that moves bytes between them and a
// device. Data goes straight between guest memory and the host (DmaMemory::map); a bounce buffer serves only
// ranges that are not one contiguous piece of RAM.
//
// Invariants: no segment is empty or wraps around the address space; segments need not be in RAM (a transfer
// that meets such a range reports kUnreachable). The list is the device's own copy, so a guest that rewrites
// its descriptors meanwhile changes nothing.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "devices/core/device.h"

namespace mynah::dev {

static_assert(std::endian::native == std::endian::little, "virtio structures are little-endian in memory");

struct Segment {
  uint64_t pa;
  uint64_t size;
};

// VIRTIO 1.2, 2.7.4.2: the readable buffers come first, then the writable ones.
struct DescriptorChain {
  uint16_t head = 0;
  std::vector<Segment> readable;  // device reads
  std::vector<Segment> writable;  // device writes
  uint64_t readable_size = 0;     // bytes, at most 4 GiB together
  uint64_t writable_size = 0;

  void clear() {
    readable.clear();
    writable.clear();
    readable_size = writable_size = 0;
  }
};

enum class Transfer : uint8_t {
  kDone,
  kRefused,      // the host side said no
  kUnreachable,  // a range is not in RAM, or the list is shorter than asked
};

class ScatterCursor {
 public:
  ScatterCursor(DmaMemory& memory, std::span<const Segment> segments)
      : memory_(memory), segments_(segments) {}

  // Copies n bytes and moves on. False when the list is shorter or the range is not in RAM.
  bool read(void* to, size_t n);
  bool write(const void* from, size_t n);
  // Moves n bytes on; false when the list is shorter.
  bool skip(uint64_t n);

  // Fills the next n bytes: put(std::span<uint8_t>) is called with successive pieces and returns false to
  // stop.
  template <typename Put>
  Transfer fill(uint64_t n, Put&& put) {
    std::vector<uint8_t> bounce;
    while (n != 0) {
      uint64_t pa = 0;
      uint64_t size = piece(n, pa);
      if (size == 0) return Transfer::kUnreachable;
      if (uint8_t* host = memory_.map(pa, size, true)) {
        if (!put(std::span<uint8_t>(host, size))) return Transfer::kRefused;
      } else {
        size = std::min(size, kBounceSize);
        bounce.resize(size);
        if (!put(std::span<uint8_t>(bounce))) return Transfer::kRefused;
        if (!memory_.write(pa, bounce.data(), size)) return Transfer::kUnreachable;
      }
      advance(size);
      n -= size;
    }
    return Transfer::kDone;
  }

  // Hands out the next n bytes: take(std::span<const uint8_t>) is called with successive pieces and returns
  // false to stop. The guest may change the bytes at any time: take() must not read one twice.
  template <typename Take>
  Transfer drain(uint64_t n, Take&& take) {
    std::vector<uint8_t> bounce;
    while (n != 0) {
      uint64_t pa = 0;
      uint64_t size = piece(n, pa);
      if (size == 0) return Transfer::kUnreachable;
      if (const uint8_t* host = memory_.map(pa, size, false)) {
        if (!take(std::span<const uint8_t>(host, size))) return Transfer::kRefused;
      } else {
        size = std::min(size, kBounceSize);
        bounce.resize(size);
        if (!memory_.read(pa, bounce.data(), size)) return Transfer::kUnreachable;
        if (!take(std::span<const uint8_t>(bounce))) return Transfer::kRefused;
      }
      advance(size);
      n -= size;
    }
    return Transfer::kDone;
  }

 private:
  static constexpr uint64_t kBounceSize = 64 * 1024;

  // The part of the current segment that is left, at most n bytes; 0 at the end of the list.
  uint64_t piece(uint64_t n, uint64_t& pa) const {
    if (at_ == segments_.size()) return 0;
    pa = segments_[at_].pa + offset_;
    return std::min(n, segments_[at_].size - offset_);
  }
  // Within the current segment.
  void advance(uint64_t n) {
    offset_ += n;
    if (offset_ == segments_[at_].size) {
      ++at_;
      offset_ = 0;
    }
  }

  DmaMemory& memory_;
  std::span<const Segment> segments_;
  size_t at_ = 0;
  uint64_t offset_ = 0;
};

}  // namespace mynah::dev
