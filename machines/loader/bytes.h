// SPDX-License-Identifier: Apache-2.0
//
// Reading the headers of files that nobody has vouched for: little-endian fields, and the texts by which
// formats are known. A read outside of the file is zero, a comparison there is false.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace mynah {

template <typename T>
T load_field(std::span<const uint8_t> file, uint64_t at) {
  T value{};
  if (at <= file.size() && sizeof value <= file.size() - at)
    std::memcpy(&value, file.data() + at, sizeof value);
  return value;
}

inline bool has_text(std::span<const uint8_t> file, uint64_t at, std::string_view text) {
  return at <= file.size() && text.size() <= file.size() - at &&
         std::memcmp(file.data() + at, text.data(), text.size()) == 0;
}

}  // namespace mynah
