// SPDX-License-Identifier: Apache-2.0
//
// Floating-point arithmetic of SSE to SSE4.1 and AVX: an op for every half (SDM vol. 1, 10.4.1, 11.4.1, 12.3,
// 12.10).
#include "frontend/x86/lift_float.h"

namespace mynah::x86 {

namespace {

constexpr Value kNone = ir::kNoValue;

// dst = op(a, b), with the immediate if there is one; every lane, or the low one of one half.
void lift_binary(Lifter& l, uint32_t row) {
  FloatLift v(l);
  if (float_aux(row) & ir::kLowLane) v.scalar();
  if (!v.begin()) return;
  const FloatLift::Pair pair = v.read_pair();
  const Halves x = pair.first, y = pair.last;
  v.write(0, v.computed([&] {
    return v.each(
        x, y, [&](Value p, Value q) { return l.b.vec(float_op(row), float_aux(row), p, q, kNone, v.imm()); });
  }));
}

// The ops that make the low lane of b, beside a's others; imm: the op's.
void low_of_second(Lifter& l, Op op, unsigned format, uint64_t imm) {
  FloatLift v(l);
  v.scalar();
  if (!v.begin()) return;
  const FloatLift::Pair pair = v.read_pair();
  const Halves x = pair.first, y = pair.last;
  v.write(0, v.computed([&] { return l.b.vec(op, format, x.low(), y.low(), kNone, imm); }));
}
void lift_sqrt_low(Lifter& l, uint32_t format) { low_of_second(l, Op::fsqrt_low, format, 0); }

uint64_t round_imm(unsigned imm) { return static_cast<uint64_t>(rounding_of(imm)) | (imm & 8 ? 0 : 8); }
void lift_round_low(Lifter& l, uint32_t format) {
  low_of_second(l, Op::fround_low, format, round_imm(VectorLift(l).imm()));
}

void unary(Lifter& l, Op op, unsigned format, uint64_t imm) {
  FloatLift v(l);
  if (!v.begin()) return;
  const Halves x = v.read(1);
  v.write(0, v.computed([&] {
    return v.each(x, [&](Value p) { return l.b.vec(op, format, p, kNone, kNone, imm); });
  }));
}
void lift_sqrt(Lifter& l, uint32_t format) { unary(l, Op::fsqrt, format, 0); }
void lift_round(Lifter& l, uint32_t format) { unary(l, Op::fround, format, round_imm(VectorLift(l).imm())); }

// RCPPS, RSQRTPS and their scalar forms raise nothing.
void lift_approximate(Lifter& l, uint32_t op) {
  VectorLift v(l);
  if (!v.begin()) return;
  v.write(0, v.each(v.read(1), [&](Value x) { return l.b.vec(static_cast<Op>(op), 0, x); }));
}
void lift_approximate_low(Lifter& l, uint32_t op) {
  FloatLift v(l);
  v.scalar();
  if (!v.begin()) return;
  const FloatLift::Pair pair = v.read_pair();
  const Halves x = pair.first, y = pair.last;
  v.write(0, l.b.vec(Op::vins_lane, 2, x.low(), l.b.vec(static_cast<Op>(op), 0, y.low())));
}

// Lanes of the format whose bits are set, all ones.
Value lane_mask(Lifter& l, unsigned format, unsigned lanes) {
  const unsigned count = format == kSingle ? 4 : 2, bits = 128 / count;
  uint64_t half[2] = {};
  for (unsigned i = 0; i < count; ++i)
    if (lanes >> i & 1) half[i * bits / 64] |= (~uint64_t{0} >> (64 - bits)) << (i * bits % 64);
  return l.b.konst_v128(half[0], half[1]);
}

// DPPS, DPPD. Products, and each round of sums, raise their exceptions apart: one that is not masked ends it
// there.
void lift_dot(Lifter& l, uint32_t format) {
  FloatLift v(l);
  if (!v.begin()) return;
  const FloatLift::Pair pair = v.read_pair();
  const Halves x = pair.first, y = pair.last;
  const auto op = [&](Op o, Value p, Value q, uint64_t imm = 0) {
    return l.b.vec(o, format, p, q, kNone, imm);
  };
  if (!(l.mode & kModeFpUnmasked))
    return v.write(0, v.each(x, y, [&](Value p, Value q) { return op(Op::fdot, p, q, v.imm()); }));
  const auto both = [&](Value p, Value q) { return l.b.vec(Op::vand, 0, p, q); };
  const Value counts = lane_mask(l, format, v.imm() >> 4), gets = lane_mask(l, format, v.imm());
  Halves r = v.computed([&] {
    return v.each(x, y, [&](Value p, Value q) { return op(Op::fmul, both(p, counts), both(q, counts)); });
  });
  for (unsigned lanes = format == kSingle ? 4 : 2; lanes > 1; lanes /= 2)
    r = v.computed([&] { return v.each(r, [&](Value p) { return op(Op::fhadd, p, p); }); });
  v.write(0, v.each(r, [&](Value p) { return both(p, gets); }));
}

#define BOTH(name, lift, argument) \
  {ZYDIS_MNEMONIC_##name, lift, argument}, { ZYDIS_MNEMONIC_V##name, lift, argument }
// PS, PD, SS, SD
#define ALL(name, op)                                                                                       \
  BOTH(name##PS, lift_binary, float_row(op, kSingle)), BOTH(name##PD, lift_binary, float_row(op, kDouble)), \
      BOTH(name##SS, lift_binary, float_row(op, kLowSingle)),                                               \
      BOTH(name##SD, lift_binary, float_row(op, kLowDouble))
#define PACKED(name, op) \
  BOTH(name##PS, lift_binary, float_row(op, kSingle)), BOTH(name##PD, lift_binary, float_row(op, kDouble))

constexpr Row kRows[] = {
    ALL(ADD, Op::fadd),
    ALL(SUB, Op::fsub),
    ALL(MUL, Op::fmul),
    ALL(DIV, Op::fdiv),
    ALL(MIN, Op::fmin),
    ALL(MAX, Op::fmax),
    PACKED(ADDSUB, Op::faddsub),
    PACKED(HADD, Op::fhadd),
    PACKED(HSUB, Op::fhsub),
    BOTH(DPPS, lift_dot, kSingle),
    BOTH(DPPD, lift_dot, kDouble),
    BOTH(SQRTPS, lift_sqrt, kSingle),
    BOTH(SQRTPD, lift_sqrt, kDouble),
    BOTH(SQRTSS, lift_sqrt_low, kSingle),
    BOTH(SQRTSD, lift_sqrt_low, kDouble),
    BOTH(ROUNDPS, lift_round, kSingle),
    BOTH(ROUNDPD, lift_round, kDouble),
    BOTH(ROUNDSS, lift_round_low, kSingle),
    BOTH(ROUNDSD, lift_round_low, kDouble),
    BOTH(RCPPS, lift_approximate, static_cast<uint32_t>(Op::frcp)),
    BOTH(RSQRTPS, lift_approximate, static_cast<uint32_t>(Op::frsqrt)),
    BOTH(RCPSS, lift_approximate_low, static_cast<uint32_t>(Op::frcp)),
    BOTH(RSQRTSS, lift_approximate_low, static_cast<uint32_t>(Op::frsqrt)),
};

}  // namespace

Rows float_arithmetic_rows() { return kRows; }

}  // namespace mynah::x86
