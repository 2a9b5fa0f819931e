// SPDX-License-Identifier: Apache-2.0
//
// Shuffles, blends, widening moves, shifts and tests of vectors (SDM vol.
// 1, 5.4.6, 5.5.1.4, 5.6.1.4, 5.6.3, 5.8, 5.10): of 256 bits within each half, but for widening.
#include "frontend/x86/lift_vector.h"

namespace mynah::x86 {

namespace {

constexpr Value kNone = ir::kNoValue;
constexpr unsigned kB = 0, kW = 1, kD = 2, kQ = 3;

// --- shuffles by numbers

// PSHUFB; MMX has three bits of number and the sign.
void lift_pshufb(Lifter& l, uint32_t) {
  VectorLift v(l);
  if (!v.begin()) return;
  const unsigned first = v.first_source();
  const Halves by = v.read(first + 1), x = v.read(first);
  v.write(0, v.each(x, by, [&](Value a, Value order) {
    if (v.mmx) order = l.b.vec(Op::vand, 0, order, l.b.konst_v128(0x8787878787878787, 0));
    return l.b.vec(Op::vshuffle8, 0, a, order);
  }));
}

// PALIGNR: the first source above the second, shifted right.
void lift_palignr(Lifter& l, uint32_t) {
  VectorLift v(l);
  if (!v.begin()) return;
  const unsigned first = v.first_source(), n = v.imm();
  const Halves y = v.read(first + 1), x = v.read(first);
  ir::Builder& b = l.b;
  v.write(0, v.each(x, y, [&](Value high, Value low) -> Value {
    if (v.mmx) {
      if (n >= 16) return v.zero();
      return b.vec(Op::vushr_bytes, 0, b.vec(Op::vzip1, 3, low, high), kNone, kNone, n);
    }
    if (n >= 32) return v.zero();
    if (n >= 16) return b.vec(Op::vushr_bytes, 0, high, kNone, kNone, n - 16);
    return b.vec(Op::vext, 0, low, high, kNone, n);
  }));
}

// VPERMILPS, VPERMILPD: by an immediate or by a vector.
void lift_vpermil(Lifter& l, uint32_t lane) {
  VectorLift v(l);
  if (!v.begin()) return;
  ir::Builder& b = l.b;
  if (!l.operand(2).is_immediate()) {
    const Halves by = v.read(2), x = v.read(1);
    return v.write(0,
                   v.each(x, by, [&](Value a, Value order) { return b.vec(Op::vperm_by, lane, a, order); }));
  }
  const Halves x = v.read(1);
  Halves r;
  for (unsigned h = 0; h < v.halves; ++h)
    r.half[h] = lane == kD ? b.vec(Op::vperm_imm, 0, x.half[h], kNone, kNone, v.imm())
                           : b.vec(Op::vshuf_imm, kQ, x.half[h], x.half[h], kNone, v.imm() >> 2 * h & 3);
  v.write(0, r);
}

// PBLENDVB, BLENDVPS, BLENDVPD: the mask is XMM0 or a fourth operand.
void lift_blend_sign(Lifter& l, uint32_t lane) {
  VectorLift v(l);
  if (!v.begin()) return;
  const unsigned first = v.vex() ? 1 : 0;
  const Halves y = v.read(first + 1), x = v.read(first);
  const Halves mask = v.vex() ? v.read(3) : Halves{{v.get(0), kNone}};
  Halves r;
  for (unsigned h = 0; h < v.halves; ++h)
    r.half[h] = l.b.vec(Op::vblend_sign, lane, x.half[h], y.half[h], mask.half[h]);
  v.write(0, r);
}

// --- PMOVSX, PMOVZX: the argument is the op, the source's lane, and from bit 20 on the result's
constexpr uint32_t widen(Op op, unsigned from, unsigned to) {
  return static_cast<uint32_t>(op) | from << 16 | to << 20;
}
void lift_widen(Lifter& l, uint32_t argument) {
  VectorLift v(l);
  if (!v.begin()) return;
  const auto op = static_cast<Op>(argument & 0xffff);
  const unsigned from = argument >> 16 & 3, to = argument >> 20 & 3;
  const Value x = v.read(1).low();
  ir::Builder& b = l.b;
  Halves r;
  r.half[0] = b.vec(op, from, x, kNone, kNone, to);
  if (v.halves == 2) {  // the source's lanes behind those
    const unsigned ratio = to - from;
    const Value rest = ratio == 1 ? b.vec(Op::vperm_imm, 0, x, kNone, kNone, 0xee)
                                  : b.vec(Op::vushr_bytes, 0, x, kNone, kNone, 16u >> ratio);
    r.half[1] = b.vec(op, from, rest, kNone, kNone, to);
  }
  v.write(0, r);
}

// --- shifts of every lane: by an immediate, or by the low 64 bits of a vector
enum class Shift : uint32_t { kLeft, kRight, kArithmetic };
constexpr uint32_t shift(Shift kind, unsigned lane) { return static_cast<uint32_t>(kind) << 8 | lane; }

void lift_shift(Lifter& l, uint32_t argument) {
  VectorLift v(l);
  if (!v.begin()) return;
  const auto kind = static_cast<Shift>(argument >> 8);
  const unsigned lane = argument & 3, width = 8u << lane;
  ir::Builder& b = l.b;
  const Operand& last = l.operand(l.i.operand_count - 1u);
  if (last.is_immediate()) {
    const Halves x = v.read(v.vex() ? 1 : 0);
    const unsigned n = v.imm();
    return v.write(0, v.each(x, [&](Value a) -> Value {
      if (kind == Shift::kArithmetic)
        return b.vec(Op::vsshr_imm, lane, a, kNone, kNone, n < width ? n : width);
      if (n >= width) return v.zero();
      return b.vec(kind == Shift::kLeft ? Op::vshl_imm : Op::vushr_imm, lane, a, kNone, kNone, n);
    }));
  }
  const Value count = v.read(last).low();
  const Op op = kind == Shift::kLeft ? Op::vshl_all : kind == Shift::kRight ? Op::vushr_all : Op::vsshr_all;
  v.write(0, v.each(v.read(v.vex() ? 1 : 0), [&](Value a) { return b.vec(op, lane, a, count); }));
}

// PSLLDQ, PSRLDQ.
void lift_shift_bytes(Lifter& l, uint32_t right) {
  VectorLift v(l);
  if (!v.begin()) return;
  const unsigned n = v.imm() > 16 ? 16 : v.imm();
  v.write(0, v.each(v.read(v.vex() ? 1 : 0), [&](Value a) {
    return l.b.vec(right ? Op::vushr_bytes : Op::vshl_bytes, 0, a, kNone, kNone, n);
  }));
}

// --- PTEST (lane 0), VTESTPS, VTESTPD: the top bits of lanes
void lift_test(Lifter& l, uint32_t lane) {
  VectorLift v(l);
  if (!v.begin()) return;
  ir::Builder& b = l.b;
  const Halves y = v.read(1), x = v.read(0);
  const auto test = [&](Value p, Value q) {
    return b.emit(Op::vtest, Type::flags, p, q, kNone, 0, static_cast<uint8_t>(lane));
  };
  if (v.halves == 1) return l.set_flags(test(x.low(), y.low()));
  // x & y of both halves for ZF, y & ~x for CF.
  const Value both =
      b.vec(Op::vor, 0, b.vec(Op::vand, 0, x.low(), y.low()), b.vec(Op::vand, 0, x.high(), y.high()));
  const Value rest =
      b.vec(Op::vor, 0, b.vec(Op::vandn, 0, y.low(), x.low()), b.vec(Op::vandn, 0, y.high(), x.high()));
  l.set_flags(b.emit(Op::fl_merge, Type::flags, test(both, both), test(v.zero(), rest), kNone, ir::kFlagC));
}

#define BOTH(name, lift, ...) \
  {ZYDIS_MNEMONIC_##name, lift, __VA_ARGS__}, { ZYDIS_MNEMONIC_V##name, lift, __VA_ARGS__ }

constexpr Row kRows[] = {
    BOTH(PSHUFB, lift_pshufb, 0),
    BOTH(PALIGNR, lift_palignr, 0),
    BOTH(PSHUFD, lift_packed_unary, packed(Op::vperm_imm)),
    BOTH(PSHUFLW, lift_packed_unary, packed(Op::vperm16_low)),
    BOTH(PSHUFHW, lift_packed_unary, packed(Op::vperm16_high)),
    {ZYDIS_MNEMONIC_PSHUFW, lift_packed_unary, packed(Op::vperm16_low)},
    BOTH(SHUFPS, lift_packed, packed(Op::vshuf_imm, kD)),
    BOTH(SHUFPD, lift_packed, packed(Op::vshuf_imm, kQ, packed_imm_shift(2))),
    {ZYDIS_MNEMONIC_VPERMILPS, lift_vpermil, kD},
    {ZYDIS_MNEMONIC_VPERMILPD, lift_vpermil, kQ},
    BOTH(PBLENDW, lift_packed, packed(Op::vblend_imm, kW)),
    BOTH(BLENDPS, lift_packed, packed(Op::vblend_imm, kD, packed_imm_shift(4))),
    BOTH(BLENDPD, lift_packed, packed(Op::vblend_imm, kQ, packed_imm_shift(2))),
    {ZYDIS_MNEMONIC_VPBLENDD, lift_packed, packed(Op::vblend_imm, kD, packed_imm_shift(4))},
    BOTH(PBLENDVB, lift_blend_sign, kB),
    BOTH(BLENDVPS, lift_blend_sign, kD),
    BOTH(BLENDVPD, lift_blend_sign, kQ),
    BOTH(PMOVSXBW, lift_widen, widen(Op::vsext_to, kB, kW)),
    BOTH(PMOVSXBD, lift_widen, widen(Op::vsext_to, kB, kD)),
    BOTH(PMOVSXBQ, lift_widen, widen(Op::vsext_to, kB, kQ)),
    BOTH(PMOVSXWD, lift_widen, widen(Op::vsext_to, kW, kD)),
    BOTH(PMOVSXWQ, lift_widen, widen(Op::vsext_to, kW, kQ)),
    BOTH(PMOVSXDQ, lift_widen, widen(Op::vsext_to, kD, kQ)),
    BOTH(PMOVZXBW, lift_widen, widen(Op::vzext_to, kB, kW)),
    BOTH(PMOVZXBD, lift_widen, widen(Op::vzext_to, kB, kD)),
    BOTH(PMOVZXBQ, lift_widen, widen(Op::vzext_to, kB, kQ)),
    BOTH(PMOVZXWD, lift_widen, widen(Op::vzext_to, kW, kD)),
    BOTH(PMOVZXWQ, lift_widen, widen(Op::vzext_to, kW, kQ)),
    BOTH(PMOVZXDQ, lift_widen, widen(Op::vzext_to, kD, kQ)),
    BOTH(PSLLW, lift_shift, shift(Shift::kLeft, kW)),
    BOTH(PSLLD, lift_shift, shift(Shift::kLeft, kD)),
    BOTH(PSLLQ, lift_shift, shift(Shift::kLeft, kQ)),
    BOTH(PSRLW, lift_shift, shift(Shift::kRight, kW)),
    BOTH(PSRLD, lift_shift, shift(Shift::kRight, kD)),
    BOTH(PSRLQ, lift_shift, shift(Shift::kRight, kQ)),
    BOTH(PSRAW, lift_shift, shift(Shift::kArithmetic, kW)),
    BOTH(PSRAD, lift_shift, shift(Shift::kArithmetic, kD)),
    BOTH(PSLLDQ, lift_shift_bytes, 0),
    BOTH(PSRLDQ, lift_shift_bytes, 1),
    {ZYDIS_MNEMONIC_VPSLLVD, lift_packed, packed(Op::vshl_each, kD)},
    {ZYDIS_MNEMONIC_VPSLLVQ, lift_packed, packed(Op::vshl_each, kQ)},
    {ZYDIS_MNEMONIC_VPSRLVD, lift_packed, packed(Op::vushr_each, kD)},
    {ZYDIS_MNEMONIC_VPSRLVQ, lift_packed, packed(Op::vushr_each, kQ)},
    {ZYDIS_MNEMONIC_VPSRAVD, lift_packed, packed(Op::vsshr_each, kD)},
    BOTH(PTEST, lift_test, 0),
    {ZYDIS_MNEMONIC_VTESTPS, lift_test, kD},
    {ZYDIS_MNEMONIC_VTESTPD, lift_test, kQ},
};

}  // namespace

Rows vector_shuffle_rows() { return kRows; }

}  // namespace mynah::x86
