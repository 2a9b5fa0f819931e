// SPDX-License-Identifier: Apache-2.0
//
// Numbers in the network's byte order, as fw_cfg, SCSI commands and qcow2 keep them: of a type's size, or of
// n bytes, 1 to 8.
#pragma once

#include <cstdint>

namespace mynah::dev {

inline uint64_t load_big(const uint8_t* from, unsigned n) {
  uint64_t value = 0;
  for (unsigned i = 0; i < n; ++i) value = value << 8 | from[i];
  return value;
}

inline void store_big(uint8_t* to, unsigned n, uint64_t value) {
  for (unsigned i = n; i-- > 0; value >>= 8) to[i] = static_cast<uint8_t>(value);
}

template <typename T>
T load_big(const uint8_t* from) {
  return static_cast<T>(load_big(from, sizeof(T)));
}

template <typename T>
void store_big(uint8_t* to, T value) {
  store_big(to, sizeof(T), value);
}

}  // namespace mynah::dev
