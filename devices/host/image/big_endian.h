// SPDX-License-Identifier: Apache-2.0
//
// Numbers as qcow2 and other formats of the network's byte order keep them.
#pragma once

#include <cstdint>

namespace mynah::host {

template <typename T>
T load_big(const uint8_t* from) {
  T value = 0;
  for (unsigned i = 0; i < sizeof(T); ++i) value = static_cast<T>(uint64_t{value} << 8 | from[i]);
  return value;
}

template <typename T>
void store_big(uint8_t* to, T value) {
  for (unsigned i = 0; i < sizeof(T); ++i) to[i] = static_cast<uint8_t>(value >> 8 * (sizeof(T) - 1 - i));
}

}  // namespace mynah::host
