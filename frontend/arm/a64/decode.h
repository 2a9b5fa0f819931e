// SPDX-License-Identifier: Apache-2.0
//
// A64 decoding: an instruction word to the row of tables.inc that it matches.
//
// decode() finds a word's row or says unallocated; it depends on nothing but the word. Words that the manual
// calls UNDEFINED whatever the processor implements are unallocated; CONSTRAINED UNPREDICTABLE ones (a
// write-back base that is also loaded, say) are not, and lifting chooses for them. Whether a processor
// implements the instruction is a second question: missing_feature() in features.h. The lookup is built
// before main(); initializers of static objects may not decode.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mynah::arm::a64 {

// One enumerator a row, in table order, named by the row's id.
enum class Encoding : uint16_t {
  unallocated,
#define ROW(id, ...) id,
#include "frontend/arm/a64/tables.inc"
};

inline constexpr size_t kEncodingCount = 1  // unallocated
#define ROW(...) +1
#include "frontend/arm/a64/tables.inc"
    ;

struct Decoded {
  Encoding encoding = Encoding::unallocated;
  uint32_t word = 0;

  explicit operator bool() const { return encoding != Encoding::unallocated; }
};

Decoded decode(uint32_t word);

// The manual's name, "ADD (immediate)"; "unallocated" for unallocated. Of rows that share a manual page each
// adds its class after a comma, "FCVTZS (vector, integer), scalar".
std::string_view encoding_name(Encoding);

}  // namespace mynah::arm::a64
