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
// The same of an image whose control word is the one in force: no mode changes.
void put_x87_image(X86Cpu& cpu, const X87Image& image);
// The full tag word of 16 bits: 0 valid, 1 zero, 2 special, 3 empty.
uint16_t x87_tag_word(const X87Image& image);
uint8_t x87_abridged(uint16_t tag_word);
void reset_x87(X86Cpu& cpu);  // FNINIT

// What Helper::kX87Rare is asked for: of what the instruction stores the low eight bytes, or the two above
// them, nothing being done yet; or all that it does.
enum class X87Rare : uint64_t { kLow, kHigh, kAll };
// Its result for kAll: status flags 7:0 as LAHF has them, and whether a store is done.
constexpr uint32_t kX87Stores = 1 << 8;

}  // namespace mynah::x86
