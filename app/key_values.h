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

namespace mynah::app {

using Value = std::optional<std::string>;

template <typename T>
struct KeyRow {
  std::string_view name;
  std::string_view form;  // of the value, for help: "on|off", "FILE"
  std::string_view help;
  // Empty, or what the value must be: "a number from 1 to 9".
  std::string (*set)(T& to, const std::string& value);
};

struct KeyNames {
  std::string_view name, form, help;
};

struct KeyListSyntax {
  std::string_view what;     // for messages: "-drive", "-device virtio-blk-device"
  std::string_view implied;  // key of a first part that is no known key and has no '='
};

// The engine behind apply_keys: `set` gets the row's number and the value.
std::string apply_key_list(std::string_view text, const KeyListSyntax& syntax, std::span<const KeyNames> rows,
                           const std::function<std::string(size_t row, const std::string& value)>& set);

template <typename T>
std::vector<KeyNames> key_names(std::span<const KeyRow<T>> rows) {
  std::vector<KeyNames> names;
  for (const auto& row : rows) names.push_back({row.name, row.form, row.help});
  return names;
}

// Empty, or a sentence that says what is wrong.
template <typename T, size_t N>
std::string apply_keys(std::string_view text, const KeyListSyntax& syntax, const KeyRow<T> (&rows)[N],
                       T& to) {
  return apply_key_list(text, syntax, key_names(std::span<const KeyRow<T>>(rows)),
                        [&](size_t row, const std::string& value) { return rows[row].set(to, value); });
}

// One line a key.
std::string key_help(std::string_view what, std::span<const KeyNames> rows);

// What apply_key_list returns when the list asks for help; compare with ==.
extern const std::string kWantsHelp;

}  // namespace mynah::app
