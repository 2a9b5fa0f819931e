// SPDX-License-Identifier: Apache-2.0
//
// Argument of the helpers for vectors whose lanes lie apart or are left out (helpers.def: Gather, MaskedLoad,
// MaskedStore) that lift functions and C++ agree upon.
#pragma once

#include <cstdint>

namespace mynah::x86 {

struct LaneAccess {
  uint8_t data = 0, mask = 0, index = 0;   // registers
  uint8_t element = 2, index_element = 2;  // log2 of bytes
  uint8_t scale = 0;                       // log2
  bool wide = false;                       // 256 bits
  uint8_t segment = 0;
  uint8_t address_bits = 64;
};
constexpr uint64_t pack(const LaneAccess& a) {
  return a.data | a.mask << 4 | a.index << 8 | a.element << 12 | a.index_element << 14 | a.scale << 16 |
         a.wide << 18 | a.segment << 19 | uint64_t{a.address_bits} << 24;
}
constexpr LaneAccess lane_access(uint64_t x) {
  const auto field = [x](unsigned at, unsigned mask) { return static_cast<uint8_t>(x >> at & mask); };
  return {field(0, 15), field(4, 15),      field(8, 15), field(12, 3),  field(14, 3),
          field(16, 3), field(18, 1) != 0, field(19, 7), field(24, 255)};
}

}  // namespace mynah::x86
