// SPDX-License-Identifier: Apache-2.0
//
// The comma-separated "key=value" lists of option arguments.
#pragma once

#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mynah::host {

// Splits at commas; ",," is one comma within a part.
inline std::vector<std::string> split_options(std::string_view text) {
  std::vector<std::string> parts(1);
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != ',') {
      parts.back() += text[i];
    } else if (i + 1 < text.size() && text[i + 1] == ',') {
      parts.back() += ',';
      ++i;
    } else {
      parts.emplace_back();
    }
  }
  return parts;
}

struct KeyValue {
  std::string key;
  std::optional<std::string> value;  // absent in "key"
};

inline KeyValue split_key_value(const std::string& part) {
  const size_t equals = part.find('=');
  if (equals == std::string::npos) return {part, std::nullopt};
  return {part.substr(0, equals), part.substr(equals + 1)};
}

// A missing value is "on".
inline std::optional<bool> parse_switch(const std::optional<std::string>& value) {
  if (!value || *value == "on" || *value == "yes" || *value == "true" || *value == "y") return true;
  if (*value == "off" || *value == "no" || *value == "false" || *value == "n") return false;
  return std::nullopt;
}

// Decimal, all of the text.
inline std::optional<unsigned> parse_number(std::string_view text, unsigned max) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty() || value > max)
    return std::nullopt;
  return value;
}

}  // namespace mynah::host
