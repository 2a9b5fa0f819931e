// SPDX-License-Identifier: Apache-2.0
//
// Helpers of SSE's control register.
#include "frontend/x86/cpu.h"
#include "frontend/x86/helpers_functions.h"
#include "frontend/x86/mxcsr.h"
#include "frontend/x86/vectors.h"

namespace mynah::x86 {

bool helper_load_mxcsr(X86Cpu& cpu, const uint64_t args[4], uint64_t&) {
  const auto value = static_cast<uint32_t>(args[0]);
  if (value & ~mxcsr::kValid) return cpu.raise(vector::kGeneralProtection, 0);
  const uint32_t old = cpu.x86().mxcsr;
  cpu.set_mxcsr(value);
  if ((old ^ value) & ~mxcsr::kFlags) cpu.changed();
  return cpu.go_on_behind(args[3]);
}

bool helper_read_mxcsr(X86Cpu& cpu, const uint64_t[4], uint64_t& result) {
  result = cpu.mxcsr();
  return true;
}

}  // namespace mynah::x86
