// SPDX-License-Identifier: Apache-2.0
//
// The parsed decode rows, for the decoder itself, for tests, and for row_field<>.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "frontend/arm/a64/decode.h"
#include "frontend/arm/a64/decode_row.h"
#include "frontend/arm/a64/fields.h"

namespace mynah::arm::a64 {

struct RowText {
  std::string_view name, pattern, reserved;
};

// Indexed by Encoding. The entry of unallocated only fills its place.
inline constexpr std::array<RowText, kEncodingCount> kRowTexts = {{
    {"unallocated", "", ""},
#define ROW(id, name, pattern, reserved, feature) {name, pattern, reserved},
#include "frontend/arm/a64/tables.inc"
}};

// Each row is parsed as a constant expression of its own, so that an error names its row.
template <size_t index>
inline constexpr Row kRow = parse_row(kRowTexts[index].pattern, kRowTexts[index].reserved);
template <>
inline constexpr Row kRow<0> = {};

// The row of an encoding, for code that looks at rows at run time. That of unallocated holds every word.
const Row& row_of(Encoding);

template <size_t n>
struct FieldName {
  consteval FieldName(const char (&text)[n]) {
    for (size_t i = 0; i < n; ++i) name[i] = text[i];
  }
  constexpr std::string_view view() const { return {name, n - 1}; }
  char name[n] = {};
};

// A copy of the named field of a row; of width 0 when there is none.
consteval Field find_field(const Row& row, std::string_view name) {
  for (size_t i = 0; i < row.field_count; ++i) {
    if (row.fields[i].name == name) return row.fields[i];
  }
  return {};
}

// row_field<Encoding::rmif, "imm6">(word): a field of a row, unsigned, at a position known at compile time.
template <Encoding encoding, FieldName name>
constexpr uint32_t row_field(uint32_t word) {
  constexpr Field field = find_field(kRow<static_cast<size_t>(encoding)>, name.view());
  static_assert(field.width != 0, "the row has no field of this name");
  return bits(word, field.lsb, field.width);
}

}  // namespace mynah::arm::a64
