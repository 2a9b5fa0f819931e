// SPDX-License-Identifier: Apache-2.0
//
// The "key=value,key=value" lists that options take, read by one function from a table of keys. ",," is a
// comma within a value; a key without a value is "on"; the first part may leave its key out where an option
// allows it.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/result.h"

namespace mynah::app {

using Value = std::optional<std::string>;

template <typename T>
struct KeyRow {
  std::string_view name;
  std::string_view form;  // of the value, for help: "on|off", "FILE"
  std::string_view help;
  // Empty, or what the value must be, for a sentence about it: "a number from 1 to 9".
  std::string (*set)(T& to, const std::string& value);
};

struct KeyNames {
  std::string_view name, form, help;
};

struct KeyListSyntax {
  std::string_view what;     // for messages: "-drive", "-device virtio-blk-device"
  std::string_view implied;  // key of a first part that is no known key and has no '='
};

// What a list was: properties, which are set, or a question for them.
enum class KeyList : uint8_t { kProperties, kHelp };

// The engine behind apply_keys: `set` gets the row's number and the value, and answers as KeyRow::set.
Result<KeyList> apply_key_list(std::string_view text, const KeyListSyntax& syntax,
                               std::span<const KeyNames> rows,
                               const std::function<std::string(size_t row, const std::string& value)>& set);

template <typename T>
std::vector<KeyNames> key_names(std::span<const KeyRow<T>> rows) {
  std::vector<KeyNames> names;
  for (const auto& row : rows) names.push_back({row.name, row.form, row.help});
  return names;
}

template <typename T, size_t N>
Result<KeyList> apply_keys(std::string_view text, const KeyListSyntax& syntax, const KeyRow<T> (&rows)[N],
                           T& to) {
  return apply_key_list(text, syntax, key_names(std::span<const KeyRow<T>>(rows)),
                        [&](size_t row, const std::string& value) { return rows[row].set(to, value); });
}

// One line a key.
std::string key_help(std::string_view what, std::span<const KeyNames> rows);

}  // namespace mynah::app
