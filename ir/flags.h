// SPDX-License-Identifier: Apache-2.0
//
// The IR's flags group: the value of a `flags`-typed IR value and of a guest-flags state slot.
//
//   N  the result's top bit       C  the carry out of the top bit, or, behind fl_sub and fl_sbc that say
//                                   so, the borrow into it
//   Z  the result is zero         V  the signed result does not fit
//   P  the result's low byte has an even number of bits set
//   A  the carry out of bit 3, or the borrow into it (of either sense: bit 4 of a ^ b ^ result)
//
// Groups that integer ops make have all six; of other groups P and A are unspecified, and so are the bits
// that have no name here: readers mask.
#pragma once

#include <bit>
#include <cstdint>

namespace mynah::ir {

constexpr uint32_t kFlagN = 1u << 15;
constexpr uint32_t kFlagZ = 1u << 14;
constexpr uint32_t kFlagA = 1u << 12;
constexpr uint32_t kFlagP = 1u << 10;
constexpr uint32_t kFlagC = 1u << 8;
constexpr uint32_t kFlagV = 1u << 0;
constexpr uint32_t kFlagMask = kFlagN | kFlagZ | kFlagC | kFlagV;  // those that every group has
constexpr uint32_t kAllFlags = kFlagMask | kFlagP | kFlagA;

constexpr uint32_t pack_flags(bool n, bool z, bool c, bool v, bool p = false, bool a = false) {
  return (n ? kFlagN : 0) | (z ? kFlagZ : 0) | (c ? kFlagC : 0) | (v ? kFlagV : 0) | (p ? kFlagP : 0) |
         (a ? kFlagA : 0);
}
constexpr bool even_parity(uint64_t result) { return std::popcount(result & 0xff) % 2 == 0; }

// Conditions over a flags group; condition ^ 1 is the inverse. hi and ls ask for an unsigned "greater" where
// C is a carry (no borrow, after a subtraction), ab and be where it is a borrow.
enum class Cond : uint8_t { eq, ne, cs, cc, mi, pl, vs, vc, hi, ls, ge, lt, gt, le, pe, po, ab, be };
constexpr unsigned kConds = 18;
constexpr uint32_t flags_read(Cond c) {
  switch (static_cast<Cond>(static_cast<uint8_t>(c) & ~1u)) {
    case Cond::eq:
      return kFlagZ;
    case Cond::cs:
      return kFlagC;
    case Cond::mi:
      return kFlagN;
    case Cond::vs:
      return kFlagV;
    case Cond::pe:
      return kFlagP;
    case Cond::ge:
      return kFlagN | kFlagV;
    case Cond::gt:
      return kFlagN | kFlagV | kFlagZ;
    default:
      return kFlagC | kFlagZ;  // hi, ab
  }
}
constexpr bool is_compound(Cond c) { return !std::has_single_bit(flags_read(c)); }

constexpr bool holds(Cond cond, uint32_t flags) {
  const bool n = flags & kFlagN, z = flags & kFlagZ, c = flags & kFlagC, v = flags & kFlagV;
  const bool inverted = static_cast<uint8_t>(cond) & 1;
  switch (static_cast<Cond>(static_cast<uint8_t>(cond) & ~1u)) {
    case Cond::hi:
      return (c && !z) != inverted;
    case Cond::ge:
      return (n == v) != inverted;
    case Cond::gt:
      return (!z && n == v) != inverted;
    case Cond::ab:
      return (!c && !z) != inverted;
    default:
      return ((flags & flags_read(cond)) != 0) != inverted;
  }
}

// fl_add, fl_sub, fl_adc, fl_sbc, fl_logic, fl_and, fl_inc, fl_dec: aux. The operands are their low 8 or 16
// bits, or whole.
enum FlagsAux : uint8_t {
  kFlags8 = 1,
  kFlags16 = 2,
  kFlagsWidthMask = 3,
  kFlagsBorrow = 1 << 2,  // fl_sub, fl_sbc: C is a borrow, and so is what comes in
};
constexpr unsigned flags_width(uint8_t aux, unsigned operand_bits) {
  return aux & kFlagsWidthMask ? 4u << (aux & kFlagsWidthMask) : operand_bits;
}

}  // namespace mynah::ir
