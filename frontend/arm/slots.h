// SPDX-License-Identifier: Apache-2.0
//
// Numbers of the state slots that translated code of an Arm guest reads and writes; the table with their
// types and offsets. Slot 0 is pc_page, by the backends' convention.
#pragma once

#include <span>

#include "ir/ir.h"

namespace mynah::arm {

enum SlotNumber : ir::Slot {
  kSlotPcPage = 0,
  kSlotNzcv,
  kSlotSp,
  kSlotX0,                    // X0..X30
  kSlotV0 = kSlotX0 + 31,     // V0..V31
  kSlotSpEl0 = kSlotV0 + 32,  // the banked word: only while SPSel selects SP_EL1
  kSlotTpidrEl0,
  kSlotTpidrroEl0,
  kSlotTpidrEl1,
  kSlotElr,
  kSlotSpsr,
  kSlotEsr,
  kSlotFar,
  kSlotTtbr0,
  kSlotTtbr1,
  kSlotContextidr,
  kSlotExclusiveAddress,
  kSlotExclusiveLo,
  kSlotExclusiveHi,
  kSlotFpcr,
  kSlotFpsr,
  kSlotDaif,
  kSlotPendingInterrupts,  // irq_pending, fiq_pending; changes whenever a device wants it to
  kSlotBtype,
  kSlotApiaLo,  // the keys: IA, IB, DA, DB, GA, low and high words
  kSlotApgaLo = kSlotApiaLo + 8,
  kSlotCount = kSlotApiaLo + 10,
};

std::span<const ir::SlotInfo> slot_table();

}  // namespace mynah::arm
