// SPDX-License-Identifier: Apache-2.0
//
// PSCI 1.1 (Arm DEN 0022) as the board's firmware would answer it, and the SMCCC version call.
#pragma once

#include <optional>

#include "frontend/arm/state.h"
#include "frontend/guest.h"

namespace mynah {

// The processors of the board, as firmware has them in its hands. Affinities are those fields of MPIDR_EL1.
class PsciProcessors {
 public:
  virtual ~PsciProcessors() = default;
  // Nothing: there is no such processor.
  virtual std::optional<bool> is_on(uint64_t affinity) = 0;
  // One that is there and off; it goes on at `entry` with `context` in X0.
  virtual void turn_on(uint64_t affinity, uint64_t entry, uint64_t context) = 0;
  virtual void turn_off() = 0;  // the caller
};

// Serves the call in X0..X3; nothing when there is no such conduit.
std::optional<AfterExit> psci_call(arm::ArmState& state, PsciProcessors& processors);

}  // namespace mynah
