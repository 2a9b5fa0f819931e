// SPDX-License-Identifier: Apache-2.0
#include "app/key_values.h"

#include "app/text.h"
#include "devices/host/option_text.h"

namespace mynah::app {

const std::string kWantsHelp = "\x01help";

std::string apply_key_list(std::string_view text, const KeyListSyntax& syntax, std::span<const KeyNames> rows,
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
    if (!value && (key == "help" || key == "?")) return kWantsHelp;
    if (i == 0 && !value && !syntax.implied.empty() && find(key) == rows.size()) {
      value = key;
      key = syntax.implied;
    }
    if (key.empty() && !value) {
      if (parts.size() == 1) return std::string(syntax.what) + " needs a value, and it is empty";
      continue;  // a stray comma, as scripts that glue options together leave them
    }
    const size_t row = find(key);
    if (row == rows.size()) {
      std::vector<std::string_view> names;
      for (const KeyNames& r : rows) names.push_back(r.name);
      return std::string(syntax.what) + " has no property '" + key + "'" + suggestion(key, names) +
             " (it has " + joined(names) + ")";
    }
    const std::string expected = set(row, value.value_or("on"));
    if (!expected.empty())
      return std::string(syntax.what) + ": '" + key + "=" + value.value_or("on") + "' is not possible; " +
             key + " takes " + expected;
  }
  return {};
}

std::string key_help(std::string_view what, std::span<const KeyNames> rows) {
  std::string text = std::string(what) + " properties:\n";
  for (const KeyNames& row : rows) {
    std::string left = "  " + std::string(row.name) + "=" + std::string(row.form);
    if (left.size() < 32) left.resize(32, ' ');
    text += left + " " + std::string(row.help) + "\n";
  }
  return text;
}

}  // namespace mynah::app
