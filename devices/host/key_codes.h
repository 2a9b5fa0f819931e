// SPDX-License-Identifier: Apache-2.0
//
// From what a terminal sends to the keys that make it on a keyboard of US layout, by their codes in set 1
// (with 0xe000 the extended ones).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace mynah::host {

struct Stroke {
  uint16_t code = 0;
  bool shift = false, control = false, alt = false;
};

// Of ASCII: control characters are letters with Control, but for those that have keys of their own.
std::optional<Stroke> stroke_of_character(uint32_t character);
// F1 to F12.
std::optional<Stroke> stroke_of_function_key(unsigned number);

struct KeyChange {
  uint16_t code;
  bool down;
};
// The keys that go down and up again, those that change others around them.
std::vector<KeyChange> changes_of(const Stroke& stroke);

}  // namespace mynah::host
