// SPDX-License-Identifier: Apache-2.0
//
// The way into translated code. Inlined into whoever runs it, without a call: the host predicts returns by
// counting calls, and a call here would stand between the guest's (ir/runtime.h, the return stack). Includes
// nothing but ir/, so that the engine can use it (engine/enter.h).
#pragma once

#include "ir/backend.h"

namespace mynah::x86_64 {

// Runs until something leaves; Runtime::exit_* then say why.
[[gnu::always_inline]] inline void enter(const ir::Thunks& thunks, ir::Runtime* runtime, const void* code) {
  // Below the red zone, as if called.
  asm volatile(
      "sub $128, %%rsp\n\t"
      "lea 1f(%%rip), %%rax\n\t"
      "push %%rax\n\t"
      "jmp *%[address]\n"
      "1:\tadd $128, %%rsp"
      : "+D"(runtime), "+S"(code)
      : [address] "r"(thunks.enter)
      : "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6",
        "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "memory", "cc");
}

}  // namespace mynah::x86_64
