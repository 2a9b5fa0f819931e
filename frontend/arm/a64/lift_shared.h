// SPDX-License-Identifier: Apache-2.0
//
// The manual's shared pseudocode functions of integer instructions, and of addresses.
#pragma once

#include "frontend/arm/a64/lift.h"

namespace mynah::arm::a64 {

// AddWithCarry(a, subtract ? NOT(c) : c, subtract ? '1' : '0'), and its flags.
inline Value add_with_carry(Lifter& l, Value a, Value c, bool subtract, bool set_flags) {
  const Value result = l.b.binary(subtract ? Op::sub : Op::add, a, c);
  if (set_flags) l.set_flags(l.b.emit(subtract ? Op::fl_sub : Op::fl_add, Type::flags, a, c));
  return result;
}

// ShiftReg by a constant.
inline Value shift_reg(Lifter& l, bool sf, unsigned n, unsigned type, unsigned amount) {
  static constexpr Op kShifts[] = {Op::shl, Op::lshr, Op::ashr, Op::ror};
  const Value v = l.reg(sf, n);
  return amount == 0 ? v : l.b.binary(kShifts[type], v, l.konst(sf, amount));
}

// ExtendReg: option is UXTB, UXTH, UXTW, UXTX, SXTB, ...
inline Value extend_reg(Lifter& l, bool sf, unsigned n, unsigned option, unsigned shift) {
  Value v = l.reg(sf, n);
  switch (option) {
    case 0:
      v = l.b.unary(Op::zext8, v);
      break;
    case 1:
      v = l.b.unary(Op::zext16, v);
      break;
    case 2:
      v = sf ? l.b.zext32(l.w(n)) : v;
      break;
    case 4:
      v = l.b.unary(Op::sext8, v);
      break;
    case 5:
      v = l.b.unary(Op::sext16, v);
      break;
    case 6:
      v = sf ? l.b.sext32(l.w(n)) : v;
      break;
    default:
      break;
  }
  return shift == 0 ? v : l.b.binary(Op::shl, v, l.konst(sf, shift));
}

// --- addresses of loads and stores
enum class Index { kOffset, kPre, kPost };

inline Index indexing(uint32_t word) { return pre(word) ? Index::kPre : Index::kPost; }
inline Index pair_indexing(uint32_t word) {
  return index(word) == 1 ? Index::kPost : index(word) == 3 ? Index::kPre : Index::kOffset;
}
// The register-offset form; size is log2 of the access's bytes.
inline Value register_offset(Lifter& l, uint32_t word, unsigned size) {
  const Value base = l.base(rn(word));
  return l.b.add(base, extend_reg(l, true, rm(word), option(word), S(word) ? size : 0));
}

}  // namespace mynah::arm::a64
