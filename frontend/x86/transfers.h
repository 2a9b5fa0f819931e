// SPDX-License-Identifier: Apache-2.0
//
// Transfers between segments and privilege levels (SDM vol. 2: JMP, CALL, RET, INT n, IRET, SYSCALL, SYSRET,
// SYSENTER, SYSEXIT). Each function is an instruction: pc() is its own, `length` its bytes, `bits` its
// operand size. True: done, pc() is where execution goes on; false: raised, nothing has changed.
#pragma once

#include <cstdint>

#include "frontend/x86/cpu.h"

namespace mynah::x86 {

struct Instruction {
  unsigned bits, length;
};

bool far_jump(X86Cpu& cpu, uint16_t selector, uint64_t offset, Instruction i);
bool far_call(X86Cpu& cpu, uint16_t selector, uint64_t offset, Instruction i);
bool far_return(X86Cpu& cpu, uint16_t more, Instruction i);  // `more`: bytes of parameters
bool interrupt_return(X86Cpu& cpu, Instruction i);           // IRET
bool interrupt(X86Cpu& cpu, uint8_t vector, Instruction i);  // INT n proper: IOPL counts in VM86 mode

bool syscall(X86Cpu& cpu, Instruction i);
bool sysret(X86Cpu& cpu, Instruction i);
bool sysenter(X86Cpu& cpu, Instruction i);
bool sysexit(X86Cpu& cpu, Instruction i);

}  // namespace mynah::x86
