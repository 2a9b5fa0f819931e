// SPDX-License-Identifier: Apache-2.0
//
// Data processing, immediate (Arm ARM, C4.1.64).
#include "frontend/arm/a64/lift.h"
#include "frontend/arm/a64/lift_shared.h"

namespace mynah::arm::a64 {

void lift_udf(Lifter& l, Fields<Encoding::udf> word) { l.undefined(word); }

void lift_adr(Lifter& l, Fields<Encoding::adr> word) { l.set_x(rd(word), l.pc(immhi_immlo(word))); }

void lift_adrp(Lifter& l, Fields<Encoding::adrp> word) {
  l.set_x(rd(word), l.b.add_imm(l.b.get(kSlotPcPage), immhi_immlo(word) * 4096));
}

namespace {

uint64_t shifted_imm12(uint32_t word) { return uint64_t{imm12(word)} << (sh(word) ? 12 : 0); }

void add_sub_immediate(Lifter& l, uint32_t word, bool subtract, bool set_flags) {
  const Value a = l.reg_sp(sf(word), rn(word));
  const Value k = l.konst(sf(word), shifted_imm12(word));
  const Value result = add_with_carry(l, a, k, subtract, set_flags);
  if (set_flags)
    l.set_x(rd(word), result);
  else
    l.set_x_sp(rd(word), result);
}

// DecodeBitMasks' wmask: a run of ones, rotated, replicated.
uint64_t bitmask(uint32_t word) {
  const unsigned n_imms = N(word) << 6 | (~imms(word) & 63);
  const unsigned len = 31 - static_cast<unsigned>(__builtin_clz(n_imms));
  const unsigned size = 1u << len;
  const unsigned s = imms(word) & (size - 1), r = immr(word) & (size - 1);
  const uint64_t mask = size == 64 ? ~uint64_t{0} : (uint64_t{1} << size) - 1;
  uint64_t element = s == 63 ? ~uint64_t{0} : (uint64_t{1} << (s + 1)) - 1;
  if (r) element = (element >> r | element << (size - r)) & mask;
  for (unsigned w = size; w < 64; w *= 2) element |= element << w;
  return element;
}

void logical_immediate(Lifter& l, uint32_t word, Op op, bool set_flags) {
  const Value a = l.reg(sf(word), rn(word));
  const Value k = l.konst(sf(word), bitmask(word));
  if (set_flags) {
    const Value result = l.b.binary(Op::and_, a, k);
    l.set_flags(l.b.emit(Op::fl_and, Type::flags, a, k));
    l.set_x(rd(word), result);
  } else {
    l.set_x_sp(rd(word), l.b.binary(op, a, k));
  }
}

}  // namespace

void lift_add_immediate(Lifter& l, Fields<Encoding::add_immediate> word) {
  add_sub_immediate(l, word, false, false);
}
void lift_adds_immediate(Lifter& l, Fields<Encoding::adds_immediate> word) {
  add_sub_immediate(l, word, false, true);
}
void lift_sub_immediate(Lifter& l, Fields<Encoding::sub_immediate> word) {
  add_sub_immediate(l, word, true, false);
}
void lift_subs_immediate(Lifter& l, Fields<Encoding::subs_immediate> word) {
  add_sub_immediate(l, word, true, true);
}

void lift_and_immediate(Lifter& l, Fields<Encoding::and_immediate> word) {
  logical_immediate(l, word, Op::and_, false);
}
void lift_orr_immediate(Lifter& l, Fields<Encoding::orr_immediate> word) {
  logical_immediate(l, word, Op::or_, false);
}
void lift_eor_immediate(Lifter& l, Fields<Encoding::eor_immediate> word) {
  logical_immediate(l, word, Op::xor_, false);
}
void lift_ands_immediate(Lifter& l, Fields<Encoding::ands_immediate> word) {
  logical_immediate(l, word, Op::and_, true);
}

void lift_movn(Lifter& l, Fields<Encoding::movn> word) {
  l.set_x(rd(word), l.konst(sf(word), ~(uint64_t{imm16(word)} << (16 * hw(word)))));
}
void lift_movz(Lifter& l, Fields<Encoding::movz> word) {
  l.set_x(rd(word), l.konst(sf(word), uint64_t{imm16(word)} << (16 * hw(word))));
}
void lift_movk(Lifter& l, Fields<Encoding::movk> word) {
  const unsigned shift = 16 * hw(word);
  const Value kept =
      l.b.binary(Op::and_, l.reg(sf(word), rd(word)), l.konst(sf(word), ~(uint64_t{0xffff} << shift)));
  l.set_x(rd(word), l.b.binary(Op::or_, kept, l.konst(sf(word), uint64_t{imm16(word)} << shift)));
}

namespace {

// SBFM and UBFM: a field extracted to the bottom (imms >= immr), or moved up from it.
void bitfield(Lifter& l, uint32_t word, Op extract) {
  const unsigned width = sf(word) ? 64 : 32, r = immr(word), s = imms(word);
  const Value a = l.reg(sf(word), rn(word));
  Value result;
  if (s >= r) {
    result = l.b.unary(extract, a, s - r + 1, static_cast<uint8_t>(r));
  } else {
    const Value field = l.b.unary(extract, a, s + 1, 0);
    result = l.b.binary(Op::shl, field, l.konst(sf(word), width - r));
  }
  l.set_x(rd(word), result);
}

}  // namespace

void lift_sbfm(Lifter& l, Fields<Encoding::sbfm> word) {
  const unsigned width = sf(word) ? 64 : 32;
  if (imms(word) == width - 1) {  // ASR
    const Value a = l.reg(sf(word), rn(word));
    return l.set_x(rd(word), l.b.binary(Op::ashr, a, l.konst(sf(word), immr(word))));
  }
  bitfield(l, word, Op::sbfx);
}

void lift_ubfm(Lifter& l, Fields<Encoding::ubfm> word) {
  const unsigned width = sf(word) ? 64 : 32, r = immr(word), s = imms(word);
  const Value a = l.reg(sf(word), rn(word));
  if (s == width - 1) return l.set_x(rd(word), l.b.binary(Op::lshr, a, l.konst(sf(word), r)));     // LSR
  if (s + 1 == r) return l.set_x(rd(word), l.b.binary(Op::shl, a, l.konst(sf(word), width - r)));  // LSL
  bitfield(l, word, Op::ubfx);
}

void lift_bfm(Lifter& l, Fields<Encoding::bfm> word) {
  const unsigned width = sf(word) ? 64 : 32, r = immr(word), s = imms(word);
  const Value to = l.reg(sf(word), rd(word)), from = l.reg(sf(word), rn(word));
  Value result;
  if (s >= r) {  // BFXIL
    const Value field = l.b.binary(Op::lshr, from, l.konst(sf(word), r));
    result =
        s - r + 1 == width ? field : l.b.emit(Op::bfi, l.b.type(to), to, field, ir::kNoValue, s - r + 1, 0);
  } else {
    result = l.b.emit(Op::bfi, l.b.type(to), to, from, ir::kNoValue, s + 1, static_cast<uint8_t>(width - r));
  }
  l.set_x(rd(word), result);
}

void lift_extr(Lifter& l, Fields<Encoding::extr> word) {
  const Value hi = l.reg(sf(word), rn(word)), lo = l.reg(sf(word), rm(word));
  const unsigned lsb = imms(word);
  if (lsb == 0) return l.set_x(rd(word), lo);
  if (rn(word) == rm(word)) return l.set_x(rd(word), l.b.binary(Op::ror, lo, l.konst(sf(word), lsb)));
  l.set_x(rd(word), l.b.emit(Op::extr, l.b.type(lo), hi, lo, ir::kNoValue, lsb));
}

}  // namespace mynah::arm::a64
