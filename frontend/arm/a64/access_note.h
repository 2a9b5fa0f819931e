// SPDX-License-Identifier: Apache-2.0
//
// What a guard's note (ir::GuardRange) says of an Arm instruction's access: facts that count only where it
// faults, or meets a watchpoint.
#pragma once

#include <cstdint>

namespace mynah::arm {

enum AccessNote : uint8_t {
  kNotePlain = 0,
  kNoteReadModifyWrite = 1,  // CAS, SWP, LDADD and the like: reported as the read where that faults
  kNoteStoreExclusive = 2,   // reads for the monitor's sake: a store and nothing else to the architecture
  kNoteZeroBlock = 1 << 5,   // DC ZVA; bits 4:0 are its register, whose value FAR_EL1 is to hold
};

}  // namespace mynah::arm
