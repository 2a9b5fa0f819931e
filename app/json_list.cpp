// SPDX-License-Identifier: Apache-2.0
//
// Objects within objects become names with dots between; elements of arrays have their numbers for names.
#include "app/json_list.h"

#include <nlohmann/json.hpp>

namespace mynah::app {
namespace {

using Json = nlohmann::ordered_json;

constexpr unsigned kMaxDepth = 16;

std::string text_of(const Json& value) {
  std::string text = value.is_string()    ? value.get<std::string>()
                     : value.is_boolean() ? (value.get<bool>() ? "on" : "off")
                                          : value.dump();
  std::string escaped;
  for (char c : text) escaped.append(c == ',' ? 2 : 1, c);
  return escaped;
}

// False where there is a null, or too many levels.
bool flatten(const Json& json, const std::string& prefix, unsigned depth, std::string_view first,
             std::string& kind, std::string& rest) {
  if (depth > kMaxDepth) return false;
  unsigned number = 0;
  for (auto it = json.begin(); it != json.end(); ++it) {
    const std::string name = json.is_object() ? it.key() : std::to_string(number++);
    const std::string key = prefix.empty() ? name : prefix + "." + name;
    if (it->is_structured()) {
      if (!flatten(*it, key, depth + 1, first, kind, rest)) return false;
    } else if (it->is_null()) {
      return false;
    } else if (key == first) {
      kind = text_of(*it);
    } else {
      rest += "," + key + "=" + text_of(*it);
    }
  }
  return true;
}

}  // namespace

Result<std::string> json_as_list(std::string_view option, std::string_view text, std::string_view first) {
  const Json json = Json::parse(text, nullptr, false);
  std::string kind, rest;
  if (!json.is_object() || !flatten(json, "", 0, first, kind, rest))
    return error("{}: the JSON object is not understood; check its quotes, commas and braces", option);
  if (kind.empty()) return error("{}: the JSON object has no \"{}\"", option, first);
  return kind + rest;
}

}  // namespace mynah::app
