// SPDX-License-Identifier: Apache-2.0
//
// CPUID (SDM vol. 2; AMD vol. 3, appendix E): leaves as the model, the machine and the state have them.
#pragma once

#include <cstdint>

#include "frontend/x86/cpu.h"

namespace mynah::x86 {

struct CpuidLeaf {
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
};
CpuidLeaf cpuid(X86Cpu& cpu, uint32_t leaf, uint32_t subleaf);

}  // namespace mynah::x86
