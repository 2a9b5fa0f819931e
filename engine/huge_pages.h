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
uint8_t* map_for_huge_pages(size_t size, int protection, int flags, int file = -1);
// Of anonymous memory: huge pages as it is touched.
void want_huge_pages(void* memory, size_t size);
// Of shared memory, which gets none as it is touched: one huge page here and now (MADV_COLLAPSE, Linux 6.1).
// `readable` is a mapping that may be read; another one of the same memory may be asked for afterwards.
bool make_huge_page(const uint8_t* readable, uint8_t* memory);

}  // namespace mynah
