// SPDX-License-Identifier: Apache-2.0
//
// Decoding of TLB maintenance instructions of EL1. Manual: "TLB maintenance instructions"; each TLBI's
// argument.
#pragma once

#include <cstdint>
#include <optional>

#include "frontend/arm/cpu_models.h"
#include "frontend/arm/state.h"
#include "frontend/arm/system.h"

namespace mynah::arm {

// `key` as in sysregs.h, `argument` the value of Xt. Nothing when the model has no such instruction.
// Addresses are aligned to the granule that the translation control register selects for them (range forms:
// the argument's own).
std::optional<TlbInvalidation> decode_tlbi(const ArmState&, const CpuModel&, uint16_t key, uint64_t argument);

}  // namespace mynah::arm
