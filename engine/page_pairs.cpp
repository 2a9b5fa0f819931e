// SPDX-License-Identifier: Apache-2.0
//
// PagePairs: a direct-mapped table. What is mapped at a place stays until no code can have a pointer to it.
#include "engine/page_pairs.h"

#include <sys/mman.h>

#include "engine/guest_memory.h"

namespace mynah {

namespace {
constexpr size_t kPairBytes = 2 * kGuestPageSize;

// The shared page once more; a mapping of no length is what mremap takes for that.
bool map_again(uint8_t* page, uint8_t* to) {
  return mremap(page, 0, kGuestPageSize, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to;
}
}  // namespace

PagePairs::~PagePairs() {
  if (memory_) munmap(memory_, ir::kPagePairs * kPairBytes);
}

uint8_t* PagePairs::find(uint8_t* first, uint8_t* second) {
  const auto low = reinterpret_cast<uint64_t>(first), high = reinterpret_cast<uint64_t>(second);
  const unsigned index = ir::page_pair_index(low, high);
  ir::PagePair& pair = pairs_[index];
  const bool here = pair.first == low && pair.second == high;
  if (pair.both) {
    if (here) return reinterpret_cast<uint8_t*>(pair.both);
    if (++pair.asked >= kOften) unwanted_ = &pair;
    return nullptr;
  }
  if (!here) pair = {low, high, 0, 0};
  if (pair.asked == kRefused || ++pair.asked < kOften) return nullptr;
  pair.asked = kRefused;
  if (!memory_) {
    void* const got = mmap(nullptr, ir::kPagePairs * kPairBytes, PROT_NONE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (got == MAP_FAILED) return nullptr;
    memory_ = static_cast<uint8_t*>(got);
  }
  uint8_t* const at = memory_ + index * kPairBytes;
  if (!guest_.share(first) || !guest_.share(second)) return nullptr;
  if (!map_again(first, at) || !map_again(second, at + kGuestPageSize)) return nullptr;
  pair.both = reinterpret_cast<uint64_t>(at);
  pair.asked = 0;
  return at;
}

}  // namespace mynah
