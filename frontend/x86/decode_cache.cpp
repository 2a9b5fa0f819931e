// SPDX-License-Identifier: Apache-2.0
//
// DecodeCache. No head is the beginning of another one of its mode: where one is found, it is the
// instruction's.
#include "frontend/x86/decode_cache.h"

#include <bit>
#include <cstring>

namespace mynah::x86 {

namespace {
unsigned mode_of(CodeWidth width, bool real_mode) {
  if (width == CodeWidth::k16) return real_mode ? 3 : 0;
  return width == CodeWidth::k32 ? 1 : 2;
}
}  // namespace

DecodeCache::DecodeCache() : entries_(std::make_unique<std::array<Entry, kSize>>()) {}

void DecodeCache::decode(std::span<const uint8_t> bytes, CodeWidth width, bool real_mode, Decoded& to) {
  if (bytes.size() < kMostHead) {  // near the end of a page
    to = x86::decode(bytes, width, real_mode);
    return;
  }
  uint64_t first;
  std::memcpy(&first, bytes.data(), sizeof first);
  const unsigned mode = mode_of(width, real_mode);
  for (unsigned left = lengths_[mode][bytes[0]]; left; left &= left - 1) {
    const unsigned n = static_cast<unsigned>(std::countr_zero(left)) + 1;
    const uint64_t head = head_of(first, n);
    const Entry& entry = (*entries_)[place(head, n, mode)];
    if (entry.head != head || entry.shape.head_bytes != n || entry.mode != mode) continue;
    if (entry.decoded.length > bytes.size()) break;
    to = entry.decoded;
    set_values(bytes, entry.shape, to);
    return;
  }
  Shape shape;
  to = x86::decode(bytes, width, real_mode, shape);
  if (shape.head_bytes && shape.head_bytes <= kMostHead) note(first, mode, shape, to);
}

void DecodeCache::note(uint64_t first, unsigned mode, const Shape& shape, const Decoded& decoded) {
  const unsigned n = shape.head_bytes;
  const uint64_t head = head_of(first, n);
  (*entries_)[place(head, n, mode)] = {head, shape, static_cast<uint8_t>(mode), decoded};
  lengths_[mode][first & 0xff] |= static_cast<uint8_t>(1 << (n - 1));
}

}  // namespace mynah::x86
