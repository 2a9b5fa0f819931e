// SPDX-License-Identifier: Apache-2.0
//
// madvise(2).
#include "engine/huge_pages.h"

#include <sys/mman.h>

namespace mynah {

uint8_t* map_for_huge_pages(size_t size, int protection, int flags) {
  // A place with room for the alignment first, then the memory in it.
  const size_t room = size + kHugePageSize;
  void* const place = mmap(nullptr, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (place == MAP_FAILED) return nullptr;
  auto* const first = static_cast<uint8_t*>(place);
  uint8_t* const at = first + (-reinterpret_cast<uint64_t>(place) & (kHugePageSize - 1));
  uint8_t* const end = at + size;
  if (mmap(at, size, protection, flags | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED) {
    munmap(place, room);
    return nullptr;
  }
  if (at != first) munmap(first, static_cast<size_t>(at - first));
  munmap(end, static_cast<size_t>(first + room - end));
  return at;
}

void want_huge_pages(void* memory, size_t size) {
  const uint64_t from = (reinterpret_cast<uint64_t>(memory) + kHugePageSize - 1) & -uint64_t{kHugePageSize};
  const uint64_t end = (reinterpret_cast<uint64_t>(memory) + size) & -uint64_t{kHugePageSize};
  if (from < end) madvise(reinterpret_cast<void*>(from), end - from, MADV_HUGEPAGE);
}

}  // namespace mynah
