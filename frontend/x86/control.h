// SPDX-License-Identifier: Apache-2.0
//
// Control and debug registers (SDM vol. 3, 2.5 and 17.2): what may be written to them, and what follows:
// modes, flushes of translations (4.10.4.1), PDPTEs. False: raised #GP(0), and nothing has changed.
#pragma once

#include <cstdint>

#include "frontend/x86/cpu.h"

namespace mynah::x86 {

uint64_t read_control(X86Cpu& cpu, unsigned n);
bool write_control(X86Cpu& cpu, unsigned n, uint64_t value);
bool read_debug(X86Cpu& cpu, unsigned n, uint64_t& value);
bool write_debug(X86Cpu& cpu, unsigned n, uint64_t value);

bool write_efer(X86Cpu& cpu, uint64_t value);
bool write_xcr0(X86Cpu& cpu, uint64_t value);

}  // namespace mynah::x86
