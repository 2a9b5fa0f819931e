// SPDX-License-Identifier: Apache-2.0
//
// Fields of A64 instruction words that stand at one place in nearly all rows, by their names there; a test
// holds them against the tables. Where a row has the name elsewhere, and for whatever is one row's own, its
// lift function asks the row: Fields<> in rows.h.
#pragma once

#include <cstdint>

namespace mynah::arm::a64 {

constexpr uint32_t bits(uint32_t word, unsigned lsb, unsigned width) {
  return word >> lsb & ((uint64_t{1} << width) - 1);
}
constexpr int64_t signed_bits(uint32_t word, unsigned lsb, unsigned width) {
  return static_cast<int32_t>(word << (32 - lsb - width)) >> (32 - width);
}

// Registers
constexpr uint32_t rd(uint32_t word) { return bits(word, 0, 5); }
constexpr uint32_t rt(uint32_t word) { return bits(word, 0, 5); }
constexpr uint32_t rn(uint32_t word) { return bits(word, 5, 5); }
constexpr uint32_t ra(uint32_t word) { return bits(word, 10, 5); }
constexpr uint32_t rt2(uint32_t word) { return bits(word, 10, 5); }
constexpr uint32_t rm(uint32_t word) { return bits(word, 16, 5); }
constexpr uint32_t rs(uint32_t word) { return bits(word, 16, 5); }
constexpr uint32_t rm_low(uint32_t word) { return bits(word, 16, 4); }  // by element; M extends it in some

// Width and size
constexpr uint32_t sf(uint32_t word) { return bits(word, 31, 1); }
constexpr uint32_t Q(uint32_t word) { return bits(word, 30, 1); }
constexpr uint32_t size(uint32_t word) { return bits(word, 22, 2); }  // AdvSIMD
constexpr uint32_t sz(uint32_t word) { return bits(word, 22, 1); }    // AdvSIMD: 0 single, 1 double
constexpr uint32_t ptype(uint32_t word) { return bits(word, 22, 2); }

// Immediates
constexpr uint32_t imm3(uint32_t word) { return bits(word, 10, 3); }
constexpr uint32_t imm4(uint32_t word) { return bits(word, 11, 4); }
constexpr uint32_t imm5(uint32_t word) { return bits(word, 16, 5); }
constexpr uint32_t imm6(uint32_t word) { return bits(word, 10, 6); }
constexpr int64_t imm7(uint32_t word) { return signed_bits(word, 15, 7); }
constexpr uint32_t imm8(uint32_t word) { return bits(word, 13, 8); }  // FMOV (scalar, immediate)
constexpr uint32_t abc(uint32_t word) { return bits(word, 16, 3); }
constexpr uint32_t defgh(uint32_t word) { return bits(word, 5, 5); }
constexpr uint32_t abcdefgh(uint32_t word) { return abc(word) << 5 | defgh(word); }
constexpr int64_t imm9(uint32_t word) { return signed_bits(word, 12, 9); }
constexpr uint32_t imm12(uint32_t word) { return bits(word, 10, 12); }
constexpr uint32_t imm16(uint32_t word) { return bits(word, 5, 16); }
constexpr int64_t imm14(uint32_t word) { return signed_bits(word, 5, 14); }  // branches: in words
constexpr int64_t imm19(uint32_t word) { return signed_bits(word, 5, 19); }
constexpr int64_t imm26(uint32_t word) { return signed_bits(word, 0, 26); }
constexpr uint32_t immlo(uint32_t word) { return bits(word, 29, 2); }
constexpr int64_t immhi(uint32_t word) { return signed_bits(word, 5, 19); }
constexpr int64_t immhi_immlo(uint32_t word) { return immhi(word) * 4 + immlo(word); }
constexpr uint32_t b5(uint32_t word) { return bits(word, 31, 1); }
constexpr uint32_t b40(uint32_t word) { return bits(word, 19, 5); }
constexpr uint32_t b5_b40(uint32_t word) { return b5(word) << 5 | b40(word); }
constexpr uint32_t scale(uint32_t word) { return bits(word, 10, 6); }  // fixed-point: 64 - fraction bits

// Shifts and bit fields
constexpr uint32_t sh(uint32_t word) { return bits(word, 22, 1); }
constexpr uint32_t hw(uint32_t word) { return bits(word, 21, 2); }
constexpr uint32_t shift(uint32_t word) { return bits(word, 22, 2); }
constexpr uint32_t option(uint32_t word) { return bits(word, 13, 3); }
constexpr uint32_t N(uint32_t word) { return bits(word, 22, 1); }
constexpr uint32_t immr(uint32_t word) { return bits(word, 16, 6); }
constexpr uint32_t imms(uint32_t word) { return bits(word, 10, 6); }
constexpr uint32_t immh(uint32_t word) { return bits(word, 19, 4); }
constexpr uint32_t immb(uint32_t word) { return bits(word, 16, 3); }
constexpr uint32_t immh_immb(uint32_t word) { return bits(word, 16, 7); }

// Conditions and flags
constexpr uint32_t cond(uint32_t word) { return bits(word, 12, 4); }
constexpr uint32_t nzcv(uint32_t word) { return bits(word, 0, 4); }
constexpr uint32_t mask(uint32_t word) { return bits(word, 0, 4); }

// Loads and stores
constexpr uint32_t S(uint32_t word) { return bits(word, 12, 1); }
constexpr uint32_t opc(uint32_t word) { return bits(word, 22, 2); }
constexpr uint32_t index(uint32_t word) { return bits(word, 23, 2); }  // pairs: 1 post, 2 offset, 3 pre
constexpr uint32_t pre(uint32_t word) { return bits(word, 11, 1); }
constexpr uint32_t W(uint32_t word) { return bits(word, 11, 1); }

// System
constexpr uint32_t o0(uint32_t word) { return bits(word, 19, 1); }
constexpr uint32_t op1(uint32_t word) { return bits(word, 16, 3); }
constexpr uint32_t CRn(uint32_t word) { return bits(word, 12, 4); }
constexpr uint32_t CRm(uint32_t word) { return bits(word, 8, 4); }
constexpr uint32_t op2(uint32_t word) { return bits(word, 5, 3); }

// AdvSIMD
constexpr uint32_t H(uint32_t word) { return bits(word, 11, 1); }
constexpr uint32_t L(uint32_t word) { return bits(word, 21, 1); }
constexpr uint32_t M(uint32_t word) { return bits(word, 20, 1); }
constexpr uint32_t cmode(uint32_t word) { return bits(word, 12, 4); }
constexpr uint32_t len(uint32_t word) { return bits(word, 13, 2); }

}  // namespace mynah::arm::a64
