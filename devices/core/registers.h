// SPDX-License-Identifier: Apache-2.0
//
// What register-file devices share: the written part of a value, accesses by bytes, and the identification
// registers of Arm's PrimeCells (eight registers of one byte each, one a word, at offsets 0xfe0 to 0xffc).
#pragma once

#include <array>
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

constexpr Offset kPrimeCellIdFirst = 0xfe0;
constexpr Offset kPrimeCellIdLast = 0xffc;
// PeriphID0..3, then PCellID0..3.
using PrimeCellId = std::array<uint8_t, 8>;

constexpr bool is_prime_cell_id(Offset offset) {
  return offset >= kPrimeCellIdFirst && offset <= kPrimeCellIdLast && offset % 4 == 0;
}
constexpr uint8_t prime_cell_id(const PrimeCellId& id, Offset offset) {
  return id[(offset - kPrimeCellIdFirst) / 4];
}

}  // namespace mynah::dev
