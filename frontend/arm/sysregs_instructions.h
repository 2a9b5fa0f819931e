// SPDX-License-Identifier: Apache-2.0
//
// System instructions (op0=1): TLB and cache maintenance, address translation. Manual: "A64 system
// instructions".
#pragma once

#include <cstdint>

#include "frontend/arm/sysregs.h"

namespace mynah::arm {

// SYS with Xt = `value` at the current level. DC ZVA is checked but not done: the caller zeroes the block,
// whose stores then make their own faults. PAR_EL1 takes the result of AT.
AccessResult execute_sys(ArmState&, ArmSystem&, const CpuModel&, uint16_t key, uint64_t value,
                         unsigned rt = 31);

// Whether the system instruction may change translations or code, so that translated code has to leave its
// block.
bool sys_ends_block(uint16_t key);

constexpr uint16_t kDcZva = system_key(1, 3, 7, 4, 1);

}  // namespace mynah::arm
