// SPDX-License-Identifier: Apache-2.0
//
// Memory that the host may serve by huge pages: one first touch where there were five hundred, and a fraction
// of the misses of the host's TLB. Everything here is a wish: where the host does not follow, pages are
// small.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mynah {

constexpr size_t kHugePageSize = 2 << 20;

// mmap(2) at a multiple of kHugePageSize; null, and errno, where the host gives none.
uint8_t* map_for_huge_pages(size_t size, int protection, int flags);
// Of anonymous memory: huge pages as it is touched.
void want_huge_pages(void* memory, size_t size);

}  // namespace mynah
