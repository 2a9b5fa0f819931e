// SPDX-License-Identifier: Apache-2.0
//
// Helpers of transfers.h: each has either raised an exception or set the pc, and leaves the block. RF goes
// with the instruction that completes; a fault's image has it anyway.
#include "frontend/x86/helpers_functions.h"
#include "frontend/x86/segment_helpers.h"
#include "frontend/x86/transfers.h"
#include "frontend/x86/vectors.h"

namespace mynah::x86 {

namespace {
Instruction begin(X86Cpu& cpu, uint64_t imm) {
  cpu.x86().eflags &= ~eflags::kRf;
  return {static_cast<unsigned>(imm & 0xff), static_cast<unsigned>(imm >> 8)};
}
// Whatever it did, the block is left.
bool leave(bool) { return false; }
}  // namespace

bool helper_far_jump(X86Cpu& cpu, const uint64_t args[4], uint64_t&) {
  return leave(far_jump(cpu, static_cast<uint16_t>(args[0]), args[1], begin(cpu, args[2])));
}

bool helper_far_call(X86Cpu& cpu, const uint64_t args[4], uint64_t&) {
  return leave(far_call(cpu, static_cast<uint16_t>(args[0]), args[1], begin(cpu, args[2])));
}

bool helper_far_return(X86Cpu& cpu, const uint64_t args[4], uint64_t&) {
  return leave(far_return(cpu, static_cast<uint16_t>(args[0]), begin(cpu, args[1])));
}

bool helper_interrupt_return(X86Cpu& cpu, const uint64_t args[4], uint64_t&) {
  return leave(interrupt_return(cpu, begin(cpu, args[0])));
}

bool helper_interrupt(X86Cpu& cpu, const uint64_t args[4], uint64_t&) {
  const auto kind = static_cast<InterruptKind>(args[0]);
  const auto vector = static_cast<uint8_t>(args[1]);
  if (kind == InterruptKind::kInto && !(status_of(cpu.x86().flags_packed()) & eflags::kOf)) return true;
  const Instruction i = begin(cpu, args[2]);
  if (kind == InterruptKind::kInt) return leave(interrupt(cpu, vector, i));
  return cpu.raise(
      {.vector = vector, .software = kind != InterruptKind::kInt1, .length = static_cast<uint8_t>(i.length)});
}

bool helper_syscall(X86Cpu& cpu, const uint64_t args[4], uint64_t&) {
  return leave(syscall(cpu, begin(cpu, args[0])));
}

bool helper_sysret(X86Cpu& cpu, const uint64_t args[4], uint64_t&) {
  return leave(sysret(cpu, begin(cpu, args[0])));
}

bool helper_sysenter(X86Cpu& cpu, const uint64_t args[4], uint64_t&) {
  return leave(sysenter(cpu, begin(cpu, args[0])));
}

bool helper_sysexit(X86Cpu& cpu, const uint64_t args[4], uint64_t&) {
  return leave(sysexit(cpu, begin(cpu, args[0])));
}

}  // namespace mynah::x86
