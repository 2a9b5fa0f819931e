// SPDX-License-Identifier: Apache-2.0
//
// MXCSR (SDM vol. 1, 10.2.3): its bits, its flags as the runtime keeps them, and what of it code depends on.
#pragma once

#include <cstdint>

#include "frontend/x86/mode.h"
#include "ir/softfloat/softfloat.h"

namespace mynah::x86::mxcsr {

constexpr uint32_t kInvalid = 1 << 0, kDenormal = 1 << 1, kDivide = 1 << 2, kOverflow = 1 << 3,
                   kUnderflow = 1 << 4, kInexact = 1 << 5, kFlags = 0x3f;
constexpr uint32_t kDenormalsZero = 1 << 6, kMaskShift = 7, kRoundShift = 13, kFlushZero = 1 << 15;
constexpr uint32_t kUsual = kFlags << kMaskShift;
constexpr uint32_t kValid = 0xffff;
// Exceptions that are found before anything is computed. Where one of them is not masked, nothing is.
constexpr uint32_t kBefore = kInvalid | kDenormal | kDivide;

constexpr uint32_t unmasked(uint32_t mxcsr) { return ~mxcsr >> kMaskShift & kFlags; }

// Flags, from and to those of ir::fp_flags().
constexpr uint32_t flags_of(uint32_t sticky) {
  return (sticky & 1) | (sticky & 0x1e) << 1 | (sticky & ir::sf::kInputDenormal) >> 6;
}
constexpr uint32_t sticky_of(uint32_t flags) {
  return (flags & 1) | (flags >> 1 & 0x1e) | (flags & kDenormal) << 6;
}
static_assert(sticky_of(kDivide | kOverflow | kUnderflow | kInexact) ==
              (ir::sf::kDivZero | ir::sf::kOverflow | ir::sf::kUnderflow | ir::sf::kInexact));

// The bits of a block's mode. FTZ counts only while the underflow that it stands for is masked.
constexpr uint64_t mode_of(uint32_t mxcsr, bool osxmmexcpt) {
  const uint32_t open = unmasked(mxcsr);
  uint64_t mode = uint64_t{mxcsr >> kRoundShift & 3} << kModeRoundShift;
  if (mxcsr & kFlushZero && !(open & kUnderflow)) mode |= kModeFlush;
  if (mxcsr & kDenormalsZero) mode |= kModeDenormalsZero;
  if (open) mode |= kModeFpUnmasked;
  if (open & kOverflow) mode |= kModeFpOverflowTraps;
  if (open & kUnderflow) mode |= kModeFpUnderflowTraps;
  if (open && osxmmexcpt) mode |= kModeOsxmmexcpt;
  return mode;
}

}  // namespace mynah::x86::mxcsr
