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

// Private memory of zeroes with that wish, from a multiple of kHugePageSize on; null, and errno, where the
// host gives none. munmap(2) gives it back.
uint8_t* map_huge(size_t size);

}  // namespace mynah
