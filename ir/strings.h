// SPDX-License-Identifier: Apache-2.0
//
// What vstr_* and vstrl_* compare, in imm: two strings of up to a vector's lanes, as the text instructions of
// SSE4.2 do (Intel SDM, vol. 1, chapter "String and text processing", from which the names are). a is the
// first operand: the set of characters, the ranges, or what is looked for; b is the text. A string ends in
// front of its first lane of zero, or by its length (its magnitude, at most all lanes).
//
// Flags: C some bit of the outcome is set, Z b is shorter than a vector, N a is, V bit 0 of the outcome; P =
// A = 0. Index: of the lowest or highest bit set, the number of lanes if there is none. Mask: a bit a lane,
// or whole lanes.
#pragma once

#include <cstdint>

namespace mynah::ir {

enum StringFormat : uint8_t { kWords = 1 << 0, kSigned = 1 << 1 };  // lanes of 16 bits; for ranges
enum class StringAggregation : uint8_t { kEqualAny, kRanges, kEqualEach, kEqualOrdered };
constexpr StringAggregation string_aggregation(uint64_t imm) {
  return static_cast<StringAggregation>(imm >> 2 & 3);
}
constexpr unsigned kStringNegative = 1 << 4;  // the outcome is inverted,
constexpr unsigned kStringMasked = 1 << 5;    // but beyond b's end
constexpr unsigned kStringHigh = 1 << 6;      // the highest bit; whole lanes

}  // namespace mynah::ir
