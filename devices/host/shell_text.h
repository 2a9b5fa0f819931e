// SPDX-License-Identifier: Apache-2.0
//
// For advice that a person can paste into a shell.
#pragma once

#include <string>
#include <string_view>

namespace mynah::host {

// The text as one word of a shell's command line.
inline std::string shell_quoted(std::string_view text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:,+=@%";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string_view::npos) return std::string(text);
  std::string quoted = "'";
  for (char c : text) quoted.append(c == '\'' ? "'\\''" : std::string(1, c));
  return quoted + "'";
}

// A path as an argument that no program takes for an option.
inline std::string shell_path(std::string_view path) {
  return shell_quoted((path.starts_with('-') ? "./" : "") + std::string(path));
}

}  // namespace mynah::host
