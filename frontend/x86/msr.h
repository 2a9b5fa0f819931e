// SPDX-License-Identifier: Apache-2.0
//
// Model-specific registers (SDM vol. 4; AMD vol. 2, appendix A): those that Linux, the BSDs and Windows
// touch. Any other raises #GP(0), as it does on a processor that lacks it.
#pragma once

#include <cstdint>

#include "frontend/x86/cpu.h"

namespace mynah::x86 {

// False: raised.
bool read_msr(X86Cpu& cpu, uint32_t msr, uint64_t& value);
bool write_msr(X86Cpu& cpu, uint32_t msr, uint64_t value);

// What the guest's TSC reads now.
uint64_t read_tsc(X86Cpu& cpu);

}  // namespace mynah::x86
