// SPDX-License-Identifier: Apache-2.0
//
// The parsed decode rows, for the decoder itself, for tests, and for Fields<>, a word with its row's fields.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <stdexcept>
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

// A word of one row, with the row's own fields: what its lift function receives. `f["imm6"]` is read where
// the row has it; a name that the row lacks is a build error. As a plain word it goes to what several rows
// share.
template <Encoding encoding>
class Fields {
 public:
  class Name {
   public:
    consteval Name(const char* name) : field_(find(name)) {}
    Field field_;

   private:
    static consteval Field find(std::string_view name) {
      const Field* field = kRow<static_cast<size_t>(encoding)>.find(name);
      if (!field) throw std::invalid_argument("the row has no field of this name");
      return {{}, field->lsb, field->width};
    }
  };

  constexpr explicit Fields(uint32_t word) : word_(word) {}
  // To nothing but a word: what is no word has no operator[] of its own to compete with this one's.
  template <std::same_as<uint32_t> Word>
  constexpr operator Word() const {
    return word_;
  }
  constexpr uint32_t operator[](Name name) const { return bits(word_, name.field_.lsb, name.field_.width); }

 private:
  uint32_t word_;
};

}  // namespace mynah::arm::a64
