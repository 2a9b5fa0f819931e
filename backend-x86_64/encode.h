// SPDX-License-Identifier: Apache-2.0
//
// Encodings of the handful of instructions that most code consists of: moves, arithmetic, address
// computations on general registers. The assembler knows them all but takes five times as long; these write
// the same bytes. Intel SDM volume 2, chapter 2.
#pragma once

#include <cstdint>
#include <cstring>

#include "backend-x86_64/target.h"

namespace mynah::x86_64::encode {

// Opcodes above 0xff are of the 0f map.
enum Opcode : uint16_t {
  kMovStore8 = 0x88,
  kMovStore = 0x89,
  kMovLoad = 0x8b,
  kLea = 0x8d,
  kTest8 = 0x84,
  kTest = 0x85,
  kMovsxd = 0x63,
  kMovzx8 = 0x1b6,
  kMovzx16 = 0x1b7,
  kMovsx8 = 0x1be,
  kMovsx16 = 0x1bf,
  kImul = 0x1af,
};
// Arithmetic by its number in group 1: opcode 8 * n + 3 takes a register and a register or memory.
enum class Alu : uint8_t { add, or_, adc, sbb, and_, sub, xor_, cmp };
constexpr uint16_t opcode(Alu op) { return static_cast<uint16_t>(8 * static_cast<unsigned>(op) + 3); }

inline void put32(uint8_t*& p, uint32_t v) {
  std::memcpy(p, &v, 4);
  p += 4;
}

inline void prefix(uint8_t*& p, bool wide, unsigned reg, unsigned index, unsigned base, bool byte_register,
                   uint16_t op) {
  const unsigned rex = (wide ? 8 : 0) | (reg >> 3) << 2 | (index >> 3) << 1 | base >> 3;
  if (rex || byte_register) *p++ = static_cast<uint8_t>(0x40 | rex);
  if (op > 0xff) *p++ = 0x0f;
  *p++ = static_cast<uint8_t>(op);
}

// reg, rm: register numbers. byte_register: one of them is used as a byte and is above bl.
inline void registers(uint8_t*& p, uint16_t op, bool wide, unsigned reg, unsigned rm,
                      bool byte_register = false) {
  prefix(p, wide, reg, 0, rm, byte_register, op);
  *p++ = static_cast<uint8_t>(0xc0 | (reg & 7) << 3 | (rm & 7));
}

inline void displacement(uint8_t*& p, unsigned reg, unsigned base, int32_t disp, bool sib) {
  const unsigned mode = disp == 0 && (base & 7) != 5 ? 0 : disp == static_cast<int8_t>(disp) ? 1 : 2;
  const unsigned low = sib ? 4 : base & 7;
  *p++ = static_cast<uint8_t>(mode << 6 | (reg & 7) << 3 | low);
}
inline void displacement_bytes(uint8_t*& p, unsigned base, int32_t disp) {
  if (disp == 0 && (base & 7) != 5) return;
  if (disp == static_cast<int8_t>(disp))
    *p++ = static_cast<uint8_t>(disp);
  else
    put32(p, static_cast<uint32_t>(disp));
}

inline void memory(uint8_t*& p, uint16_t op, bool wide, unsigned reg, unsigned base, int32_t disp,
                   bool byte_register = false) {
  prefix(p, wide, reg, 0, base, byte_register, op);
  const bool sib = (base & 7) == 4;
  displacement(p, reg, base, disp, sib);
  if (sib) *p++ = static_cast<uint8_t>(4 << 3 | (base & 7));
  displacement_bytes(p, base, disp);
}

// [base + index + disp]; index is not rsp.
inline void indexed(uint8_t*& p, uint16_t op, bool wide, unsigned reg, unsigned base, unsigned index,
                    int32_t disp) {
  prefix(p, wide, reg, index, base, false, op);
  displacement(p, reg, base, disp, true);
  *p++ = static_cast<uint8_t>((index & 7) << 3 | (base & 7));
  displacement_bytes(p, base, disp);
}

inline void alu_immediate(uint8_t*& p, Alu op, bool wide, unsigned rm, int32_t imm) {
  if (op == Alu::and_ && imm >= 0) wide = false;  // the upper half becomes zero all the same
  const auto digit = static_cast<unsigned>(op);
  if (imm == static_cast<int8_t>(imm)) {
    registers(p, 0x83, wide, digit, rm);
    *p++ = static_cast<uint8_t>(imm);
    return;
  }
  if (rm == kRax)
    prefix(p, wide, 0, 0, 0, false, static_cast<uint16_t>(8 * digit + 5));
  else
    registers(p, 0x81, wide, digit, rm);
  put32(p, static_cast<uint32_t>(imm));
}

// Of 32 bits, seven bytes whatever the number.
inline void alu_immediate_long(uint8_t*& p, Alu op, unsigned rm, int32_t imm) {
  registers(p, 0x81, false, static_cast<unsigned>(op), rm);
  put32(p, static_cast<uint32_t>(imm));
}

enum class Shift : uint8_t { rol = 0, ror = 1, shl = 4, shr = 5, sar = 7 };
inline void shift(uint8_t*& p, Shift op, bool wide, unsigned rm, unsigned n) {
  if (n == 1) return registers(p, 0xd1, wide, static_cast<unsigned>(op), rm);
  registers(p, 0xc1, wide, static_cast<unsigned>(op), rm);
  *p++ = static_cast<uint8_t>(n);
}

// BMI2: to = from, rotated right; keeps the flags.
inline void rorx(uint8_t*& p, bool wide, unsigned to, unsigned from, unsigned n) {
  *p++ = 0xc4;
  *p++ = static_cast<uint8_t>(0x43 | (to < 8) << 7 | (from < 8) << 5);
  *p++ = static_cast<uint8_t>((wide ? 0x80 : 0) | 0x7b);
  *p++ = 0xf0;
  *p++ = static_cast<uint8_t>(0xc0 | (to & 7) << 3 | (from & 7));
  *p++ = static_cast<uint8_t>(n);
}

}  // namespace mynah::x86_64::encode
