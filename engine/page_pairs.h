// SPDX-License-Identifier: Apache-2.0
//
// PagePairs: pages of guest RAM that are neighbours to the guest and not to the host, mapped side by side
// once more, so that one pointer serves an access to both. A stack frame that lies across a page boundary is
// hot for as long as its process runs.
//
// Owned by one vCPU, which is the only one that runs when a pair is asked for. A pair is the same memory as
// its pages, so nothing is ever stale; what may be accessed is for the caller to know.
#pragma once

#include <array>
#include <cstdint>
#include <utility>

#include "ir/runtime.h"

namespace mynah {

class GuestMemory;

class PagePairs {
 public:
  explicit PagePairs(GuestMemory& memory) : guest_(memory) {}
  ~PagePairs();
  PagePairs(const PagePairs&) = delete;
  PagePairs& operator=(const PagePairs&) = delete;

  // Where the two host pages of guest RAM lie side by side; null where they do not: before they were
  // asked for a few times, since mapping costs system calls, or when the host does not map them.
  uint8_t* find(uint8_t* first, uint8_t* second);
  // No translated code has a pointer of a pair: one that keeps others out goes.
  void settle() {
    if (unwanted_) *std::exchange(unwanted_, nullptr) = {};
  }
  const ir::PagePair* table() const { return pairs_.data(); }  // for translated code to look at

 private:
  static constexpr unsigned kOften = 32, kRefused = ~0u;
  GuestMemory& guest_;
  // `asked` counts up to kOften, or is kRefused; of a mapped one it is how often others wanted its place.
  std::array<ir::PagePair, ir::kPagePairs> pairs_{};
  ir::PagePair* unwanted_ = nullptr;
  uint8_t* memory_ = nullptr;  // of kPagePairs times two pages
};

}  // namespace mynah
