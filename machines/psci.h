// SPDX-License-Identifier: Apache-2.0
//
// PSCI 1.1 (Arm DEN 0022) as the board's firmware would answer it, and the SMCCC version call. One processor.
#pragma once

#include <optional>

#include "frontend/arm/state.h"
#include "frontend/guest.h"

namespace mynah {

// Serves the call in X0..X3; nothing when there is no such conduit.
std::optional<AfterExit> psci_call(arm::ArmState& state, bool smc);

}  // namespace mynah
