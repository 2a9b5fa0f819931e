// SPDX-License-Identifier: Apache-2.0
//
// Numbers of the state slots that translated code of an x86 guest reads and writes; the table with their
// types and offsets. Slot 0 is pc_page, by the backends' convention.
#pragma once

#include <span>

#include "ir/ir.h"

namespace mynah::x86 {

enum SlotNumber : ir::Slot {
  kSlotPcPage = 0,
  kSlotFlags,
  kSlotR0,                          // RAX, RCX, ... as instructions number them; i64
  kSlotBase0 = kSlotR0 + 16,        // segment bases: ES, CS, SS, DS, FS, GS; i64
  kSlotXmm0 = kSlotBase0 + 6,       // v128
  kSlotYmmHigh0 = kSlotXmm0 + 16,   // v128: bits 255:128
  kSlotMm0 = kSlotYmmHigh0 + 16,    // i64: significands of the x87's registers, by physical number
  kSlotMmExponent0 = kSlotMm0 + 8,  // i64: sign and exponent of them in the low 16 bits
  kSlotFsw = kSlotMmExponent0 + 8,  // i32, as all that follows unless said otherwise
  kSlotFcw,
  kSlotFtw,
  kSlotFpuTop,  // i64
  kSlotFpuStackFault,
  kSlotMxcsr,
  kSlotEflags,            // all but status flags
  kSlotInterruptPending,  // changes whenever a device wants it to
  kSlotKernelGsBase,      // i64
  kSlotTscAux,            // i64
  kSlotPkru,
  kSlotSelector0,                   // of the six segments that instructions name
  kSlotOpen0 = kSlotSelector0 + 6,  // i64: X86State::open
  kSlotCount = kSlotOpen0 + 6,
};

constexpr ir::Slot slot_r(unsigned n) { return static_cast<ir::Slot>(kSlotR0 + n); }
constexpr ir::Slot slot_base(unsigned segment) { return static_cast<ir::Slot>(kSlotBase0 + segment); }
constexpr ir::Slot slot_selector(unsigned segment) { return static_cast<ir::Slot>(kSlotSelector0 + segment); }
constexpr ir::Slot slot_open(unsigned segment) { return static_cast<ir::Slot>(kSlotOpen0 + segment); }
constexpr ir::Slot slot_xmm(unsigned n) { return static_cast<ir::Slot>(kSlotXmm0 + n); }
constexpr ir::Slot slot_ymm_high(unsigned n) { return static_cast<ir::Slot>(kSlotYmmHigh0 + n); }
constexpr ir::Slot slot_mm(unsigned n) { return static_cast<ir::Slot>(kSlotMm0 + n); }

std::span<const ir::SlotInfo> slot_table();

}  // namespace mynah::x86
