// SPDX-License-Identifier: Apache-2.0
//
// madvise(2).
#include "engine/huge_pages.h"

#include <sys/mman.h>

namespace mynah {

uint8_t* map_huge(size_t size) {
  // A place with room for the alignment first, then the memory in it.
  const size_t room = size + kHugePageSize;
  void* const place = mmap(nullptr, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (place == MAP_FAILED) return nullptr;
  auto* const first = static_cast<uint8_t*>(place);
  uint8_t* const at = first + (-reinterpret_cast<uint64_t>(place) & (kHugePageSize - 1));
  uint8_t* const end = at + size;
  constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
  if (mmap(at, size, PROT_READ | PROT_WRITE, kFlags, -1, 0) == MAP_FAILED) {
    munmap(place, room);
    return nullptr;
  }
  if (at != first) munmap(first, static_cast<size_t>(at - first));
  munmap(end, static_cast<size_t>(first + room - end));
  if (size >= kHugePageSize) madvise(at, size & ~(kHugePageSize - 1), MADV_HUGEPAGE);
  return at;
}

}  // namespace mynah
