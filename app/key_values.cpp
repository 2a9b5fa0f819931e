// SPDX-License-Identifier: Apache-2.0
//
// One parser for all lists; the tables say what keys there are. An unknown key is answered with the nearest
// one and with all there are.
#include "app/key_values.h"

#include <fmt/core.h>

#include "app/text.h"
#include "devices/host/option_text.h"

namespace mynah::app {

Result<KeyList> apply_key_list(std::string_view text, const KeyListSyntax& syntax,
                               std::span<const KeyNames> rows,
                               const std::function<std::string(size_t row, const std::string& value)>& set) {
  const auto find = [&](std::string_view name) {
    size_t i = 0;
    while (i < rows.size() && rows[i].name != name) ++i;
    return i;
  };
  std::vector<std::string> parts = host::split_options(text);
  for (size_t i = 0; i < parts.size(); ++i) {
    const std::string& part = parts[i];
    const size_t equals = part.find('=');
    std::string key = part.substr(0, equals);
    Value value;
    if (equals != std::string::npos) value = part.substr(equals + 1);
    if (!value && (key == "help" || key == "?")) return KeyList::kHelp;
    if (i == 0 && !value && !syntax.implied.empty() && find(key) == rows.size()) {
      value = key;
      key = syntax.implied;
    }
    if (key.empty() && !value) {
      if (parts.size() == 1) return error("{} needs a value, and it is empty", syntax.what);
      continue;  // a stray comma, as scripts that glue options together leave them
    }
    const size_t row = find(key);
    if (row == rows.size()) {
      std::vector<std::string_view> names;
      for (const KeyNames& r : rows) names.push_back(r.name);
      return error("{} has no property '{}'{} (it has {})", syntax.what, key, suggestion(key, names),
                   joined(names));
    }
    const std::string expected = set(row, value.value_or("on"));
    if (!expected.empty())
      return error("{}: '{}={}' is not possible; {} takes {}", syntax.what, key, value.value_or("on"), key,
                   expected);
  }
  return KeyList::kProperties;
}

std::string key_help(std::string_view what, std::span<const KeyNames> rows) {
  std::string text = std::string(what) + " properties:\n";
  for (const KeyNames& row : rows) {
    text += fmt::format("  {:<30} {}\n", fmt::format("{}={}", row.name, row.form), row.help);
  }
  return text;
}

}  // namespace mynah::app
