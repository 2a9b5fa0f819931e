// SPDX-License-Identifier: Apache-2.0
//
// What Arm's PrimeCells have in common: registers of 32 bits, identification registers at the window's end.
#pragma once

#include <fmt/core.h>

#include <array>
#include <cstdint>
#include <string_view>

#include "devices/core/device.h"

namespace mynah::dev {

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

// Whether a device decodes such an access; else a line of the log. `what`: "read" or "write".
inline bool is_prime_cell_access(Offset offset, Width width, std::string_view what, std::string_view device,
                                 Log& log) {
  if (width != Width::k8 && offset % 4 == 0) return true;
  log.guest_error(device, fmt::format("unaligned or 64-bit {} at {:#x}", what, offset));
  return false;
}
// Of a register that is none of the device's own.
inline uint32_t read_prime_cell_id(const PrimeCellId& id, Offset offset, std::string_view device, Log& log) {
  if (is_prime_cell_id(offset)) return prime_cell_id(id, offset);
  log.guest_error(device, fmt::format("read of no register at {:#x}", offset));
  return 0;
}

}  // namespace mynah::dev
