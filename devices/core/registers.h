// SPDX-License-Identifier: Apache-2.0
//
// What register-file devices share: the written part of a value, accesses by bytes, and the identification
// registers of Arm's PrimeCells (eight registers of one byte each, one a word, at offsets 0xfe0 to 0xffc).
#pragma once

#include <cstdint>

#include "devices/core/device.h"

namespace mynah::dev {

// The low `width` bytes of a written value.
constexpr uint64_t low_bytes(uint64_t value, Width width) {
  return width == Width::k8 ? value : value & ((uint64_t{1} << (8 * bytes(width))) - 1);
}

// Where registers have one byte each, a wider access is one of every byte, the lowest address first, as a bus
// of eight bits makes it.
template <typename Read>
uint64_t read_by_bytes(Offset offset, Width width, Read read) {
  uint64_t value = 0;
  for (unsigned i = 0; i < bytes(width); ++i) value |= uint64_t{read(offset + i)} << 8 * i;
  return value;
}
template <typename Write>
void write_by_bytes(Offset offset, Width width, uint64_t value, Write write) {
  for (unsigned i = 0; i < bytes(width); ++i) write(offset + i, static_cast<uint8_t>(value >> 8 * i));
}

}  // namespace mynah::dev
