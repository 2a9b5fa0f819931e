// SPDX-License-Identifier: Apache-2.0
//
// The areas of FXSAVE and XSAVE (SDM vol. 1, 10.5 and chapter 13): where each component is, how it is saved
// and restored.
#pragma once

#include <cstdint>

#include "frontend/x86/cpu.h"

namespace mynah::x86::xsave {

// Components, as bits of XCR0.
constexpr uint64_t kX87 = 1 << 0, kSse = 1 << 1, kAvx = 1 << 2, kPkru = 1 << 9;
constexpr uint64_t kComponents = kX87 | kSse | kAvx | kPkru;
constexpr unsigned kLegacyBytes = 512, kHeaderBytes = 64;
// Of the standard form.
struct Place {
  unsigned number, offset, bytes;
};
constexpr Place kAvxPlace{2, 576, 256}, kPkruPlace{9, 2688, 8};
constexpr unsigned kMostBytes = kPkruPlace.offset + kPkruPlace.bytes;

uint64_t supported(const CpuModel& model);
// Size of the standard form with these components, and of the compacted one.
unsigned standard_size(uint64_t components);
unsigned compact_size(uint64_t components);
// Components that are not in their initial configuration.
uint64_t in_use(X86Cpu& cpu);

}  // namespace mynah::x86::xsave
