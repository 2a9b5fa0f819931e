// SPDX-License-Identifier: Apache-2.0
//
// PagePairs: a direct-mapped table; the newest pair of a place has it.
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
  if (memory_) munmap(memory_, kPairs * kPairBytes);
}

uint8_t* PagePairs::find(uint8_t* first, uint8_t* second) {
  const uint64_t mix = (reinterpret_cast<uint64_t>(first) / kGuestPageSize) * 0x9e3779b97f4a7c15 +
                       reinterpret_cast<uint64_t>(second) / kGuestPageSize;
  const auto index = static_cast<unsigned>(mix * 0x9e3779b97f4a7c15 >> 56);
  static_assert(kPairs == 256);
  Pair& pair = pairs_[index];
  if (pair.first != first || pair.second != second) pair = {first, second, 0};
  if (pair.asked == kOften) return memory_ + index * kPairBytes;
  if (pair.asked == kRefused || ++pair.asked < kOften) return nullptr;
  pair.asked = kRefused;
  if (!memory_) {
    void* const got =
        mmap(nullptr, kPairs * kPairBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (got == MAP_FAILED) return nullptr;
    memory_ = static_cast<uint8_t*>(got);
  }
  uint8_t* const at = memory_ + index * kPairBytes;
  if (!guest_.share(first) || !guest_.share(second)) return nullptr;
  if (!map_again(first, at) || !map_again(second, at + kGuestPageSize)) return nullptr;
  pair.asked = kOften;
  return at;
}

}  // namespace mynah
