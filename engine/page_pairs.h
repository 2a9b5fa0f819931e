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

 private:
  static constexpr unsigned kPairs = 256;
  static constexpr unsigned kOften = 32, kRefused = ~0u;
  struct Pair {
    uint8_t *first = nullptr, *second = nullptr;
    unsigned asked = 0;  // up to kOften, from where on it is mapped; or kRefused
  };
  GuestMemory& guest_;
  std::array<Pair, kPairs> pairs_{};
  uint8_t* memory_ = nullptr;  // of kPairs times two pages
};

}  // namespace mynah
