// SPDX-License-Identifier: Apache-2.0
//
// ScatterCursor's plain copies, for headers and other small structures that may be split at any byte.
#include "devices/virtio/scatter.h"

namespace mynah::dev {

bool ScatterCursor::read(void* to, size_t n) {
  auto* out = static_cast<uint8_t*>(to);
  while (n != 0) {
    uint64_t pa = 0;
    const uint64_t size = piece(n, pa);
    if (size == 0 || !memory_.read(pa, out, size)) return false;
    advance(size);
    out += size;
    n -= size;
  }
  return true;
}

bool ScatterCursor::write(const void* from, size_t n) {
  const auto* in = static_cast<const uint8_t*>(from);
  while (n != 0) {
    uint64_t pa = 0;
    const uint64_t size = piece(n, pa);
    if (size == 0 || !memory_.write(pa, in, size)) return false;
    advance(size);
    in += size;
    n -= size;
  }
  return true;
}

bool ScatterCursor::skip(uint64_t n) {
  while (n != 0) {
    uint64_t pa = 0;
    const uint64_t size = piece(n, pa);
    if (size == 0) return false;
    advance(size);
    n -= size;
  }
  return true;
}

}  // namespace mynah::dev
