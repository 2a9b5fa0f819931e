// SPDX-License-Identifier: Apache-2.0
//
// The x87's registers as the manual has them (SDM vol. 1, 8.1), to and from what X86State keeps: for FNSTENV,
// FNSAVE, FXSAVE, XSAVE, debuggers.
//
// FOP, FIP and FDP are what was loaded, or of the last instruction with an exception that is not masked:
// others do not record themselves, as on processors that keep these for such exceptions alone.
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

// What Helper::kX87Rare is asked for. By parts: of what the instruction stores the low eight bytes, or the
// two above them, nothing being done yet; or all that it does.
struct X87Rare {
  enum class Part : uint8_t { kLow, kHigh, kAll };
  static constexpr uint8_t kNoMemory = 7;
  uint8_t opcode = 0, modrm = 0;
  Part part = Part::kLow;
  uint8_t segment = kNoMemory;  // of the memory operand
  int32_t pc_offset = 0;        // the instruction's, from the state's page
  uint64_t imm() const {
    return opcode | uint64_t{modrm} << 8 | static_cast<uint64_t>(part) << 16 | uint64_t{segment} << 24 |
           static_cast<uint64_t>(pc_offset) << 32;
  }
  static X87Rare of(uint64_t imm) {
    return {.opcode = static_cast<uint8_t>(imm),
            .modrm = static_cast<uint8_t>(imm >> 8),
            .part = static_cast<Part>(imm >> 16 & 3),
            .segment = static_cast<uint8_t>(imm >> 24),
            .pc_offset = static_cast<int32_t>(imm >> 32)};
  }
};
// Its result for kAll: status flags 7:0 as LAHF has them, and whether a store is done.
constexpr uint32_t kX87Stores = 1 << 8;

}  // namespace mynah::x86
