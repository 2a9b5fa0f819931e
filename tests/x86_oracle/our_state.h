// SPDX-License-Identifier: Apache-2.0
//
// A case's state in a processor of ours.
#pragma once

#include "frontend/x86/cpu.h"
#include "tests/x86_oracle/state.h"

namespace mynah::x86_oracle {

// Registers, flags, FS' and GS' bases and the pc; what system software sets up stays.
void set_registers(x86::X86Cpu& cpu, Mode mode, const State& state);

}  // namespace mynah::x86_oracle
