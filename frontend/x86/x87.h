// SPDX-License-Identifier: Apache-2.0
//
// The x87's registers as the manual has them (SDM vol. 1, 8.1), to and from what X86State keeps: for FNSTENV,
// FNSAVE, FXSAVE, XSAVE, debuggers.
//
// FOP, FIP and FDP are what was loaded: instructions do not record themselves, as on processors that keep
// these for unmasked exceptions alone.
#pragma once

#include <array>
#include <cstdint>

#include "frontend/x86/state.h"

namespace mynah::x86 {

class X86Cpu;

struct X87Image {
  uint16_t control = 0, status = 0;
  uint8_t tags = 0;               // abridged, by physical register: 1 is not empty
  std::array<F80, 8> stack = {};  // ST(0) first
  uint16_t opcode = 0;
  uint64_t ip = 0, dp = 0;
  uint16_t cs = 0, ds = 0;
};

X87Image x87_image(X86Cpu& cpu);
// Reserved bits are dropped; ES and B follow from the exceptions and their masks. Control and exceptions are
// in force at once; the mode may have changed (X86Cpu::changed() is called).
void set_x87_image(X86Cpu& cpu, const X87Image& image);
// The full tag word of 16 bits: 0 valid, 1 zero, 2 special, 3 empty.
uint16_t x87_tag_word(const X87Image& image);
uint8_t x87_abridged(uint16_t tag_word);
void reset_x87(X86Cpu& cpu);  // FNINIT

// A stack fault (ExitReason::kX87Stack). True: the instruction goes on with its masked response
// (X86State::fpu_unchecked); false: it is over, and its exception waits.
bool x87_stack_fault(X86Cpu& cpu, uint64_t imm);

}  // namespace mynah::x86
