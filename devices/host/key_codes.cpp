// SPDX-License-Identifier: Apache-2.0
//
// Rows of keys by their first code, and what Shift makes of them.
#include "devices/host/key_codes.h"

#include <iterator>
#include <string_view>

namespace mynah::host {
namespace {

struct KeyRow {
  uint16_t first;
  std::string_view plain, shifted;
};
constexpr KeyRow kRows[] = {
    {0x02, "1234567890-=", "!@#$%^&*()_+"},
    {0x10, "qwertyuiop[]", "QWERTYUIOP{}"},
    {0x1e, "asdfghjkl;'`", "ASDFGHJKL:\"~"},
    {0x2b, "\\zxcvbnm,./", "|ZXCVBNM<>?"},
    {0x39, " ", ""},
};
constexpr uint16_t kEscape = 0x01, kBackspace = 0x0e, kTab = 0x0f, kEnter = 0x1c;
constexpr uint16_t kControl = 0x1d, kLeftShift = 0x2a, kAlt = 0x38;

}  // namespace

std::optional<Stroke> stroke_of_character(uint32_t c) {
  switch (c) {
    case 0x1b:
      return Stroke{kEscape};
    case 0x7f:
    case '\b':
      return Stroke{kBackspace};
    case '\t':
      return Stroke{kTab};
    case '\r':
    case '\n':
      return Stroke{kEnter};
    case 0:
      return Stroke{.code = 0x03, .shift = true, .control = true};  // Control and @
    default:
      break;
  }
  if (c < 0x20) {
    // Letters, and \ ] ^ _ behind them.
    auto stroke = stroke_of_character(c <= 26 ? c + 'a' - 1 : c + '@');
    if (stroke) stroke->control = true;
    return stroke;
  }
  for (const KeyRow& row : kRows)
    for (const bool shift : {false, true})
      if (const size_t at = (shift ? row.shifted : row.plain).find(static_cast<char>(c));
          c < 0x7f && at != std::string_view::npos)
        return Stroke{.code = static_cast<uint16_t>(row.first + at), .shift = shift};
  return std::nullopt;
}

std::optional<Stroke> stroke_of_function_key(unsigned number) {
  if (number == 0 || number > 12) return std::nullopt;
  return Stroke{static_cast<uint16_t>(number <= 10 ? 0x3a + number : 0x57 + number - 11)};
}

std::vector<KeyChange> changes_of(const Stroke& stroke) {
  const KeyChange held[] = {{kControl, stroke.control}, {kLeftShift, stroke.shift}, {kAlt, stroke.alt}};
  std::vector<KeyChange> changes;
  for (const KeyChange& key : held)
    if (key.down) changes.push_back(key);
  changes.push_back({stroke.code, true});
  changes.push_back({stroke.code, false});
  for (const KeyChange& key : held)
    if (key.down) changes.push_back({key.code, false});
  return changes;
}

}  // namespace mynah::host
