// SPDX-License-Identifier: Apache-2.0
//
// Conversions between floating-point formats and integers, of SSE, SSE2, AVX, F16C (SDM vol. 1, 11.4.1.6,
// 14.4). What gives or takes vectors of different lengths goes by doublewords of the shorter one.
#include "frontend/x86/lift_float.h"

namespace mynah::x86 {

namespace {

constexpr Value kNone = ir::kNoValue;
constexpr uint64_t kCurrent = static_cast<uint64_t>(ir::FpRound::kCurrent);
constexpr uint64_t kTruncate = static_cast<uint64_t>(ir::FpRound::kZero);

// How a row's function rounds: bit 8.
constexpr uint32_t kTruncates = 1 << 8;
uint64_t conversion(uint32_t how) { return how & kTruncates ? kTruncate : kCurrent; }

// --- scalars

// CVTSI2SS, CVTSI2SD
void lift_integer_to_low(Lifter& l, uint32_t format) {
  FloatLift v(l);
  v.scalar();
  if (!v.begin()) return;
  const Value i = l.read(v.last_source()), x = v.read(v.first_source()).low();
  v.write(0, v.computed([&] { return l.b.vec(Op::int_to_f_low, format, x, i, kNone, kCurrent); }));
}
// CVTSS2SI, CVTTSD2SI, ...
void lift_low_to_integer(Lifter& l, uint32_t how) {
  FloatLift v(l);
  v.scalar();
  if (!v.begin()) return;
  const unsigned format = how & 3;
  const Value x = v.low_lane(v.read(1).low(), format);
  l.write(0, v.computed([&] {
    return l.b.emit(Op::fto_int, Lifter::type_of(l.operand(0).bits), x, kNone, kNone, conversion(how),
                    static_cast<uint8_t>(format));
  }));
}
// CVTSS2SD, CVTSD2SS; the format is the source's.
void lift_format_low(Lifter& l, uint32_t format) {
  FloatLift v(l);
  v.scalar();
  if (!v.begin()) return;
  const FloatLift::Pair pair = v.read_pair();
  const Halves x = pair.first, y = pair.last;
  v.write(0, v.computed([&] { return l.b.vec(Op::fcvt_low, format, x.low(), y.low()); }));
}

// --- vectors

// CVTDQ2PS, CVTPS2DQ, CVTTPS2DQ
void lift_same_size(Lifter& l, uint32_t row) {
  FloatLift v(l);
  if (!v.begin()) return;
  const Halves x = v.read(1);
  const uint64_t imm = row >> 16;
  v.write(0, v.computed([&] {
    return v.each(x, [&](Value p) { return l.b.vec(float_op(row), kSingle, p, kNone, kNone, imm); });
  }));
}

// CVTPS2PD, CVTDQ2PD, VCVTPH2PS
void lift_wide(Lifter& l, uint32_t row) {
  FloatLift v(l);
  if (!v.begin()) return;
  const Value x = v.read(1).low();
  v.write(0, v.computed([&] {
    Halves r{{l.b.vec(float_op(row), float_aux(row), x), kNone}};
    if (v.halves == 2) r.half[1] = l.b.vec(float_op(row), float_aux(row), v.upper(x));
    return r;
  }));
}

// x's lanes as ones of half the size, in the low half of as many bits.
Value narrow(FloatLift& v, const Halves& x, Op op, unsigned aux, uint64_t imm) {
  return v.computed([&] {
    const Value low = v.b.vec(op, aux, x.low(), kNone, kNone, imm);
    return v.halves == 1 ? low : v.joined(low, v.b.vec(op, aux, x.high(), kNone, kNone, imm));
  });
}
// CVTPD2PS
void lift_narrow(Lifter& l, uint32_t) {
  FloatLift v(l);
  if (!v.begin()) return;
  const Halves x = v.read(1);
  v.write(0, narrow(v, x, Op::fcvt_narrow, kDouble, 0));
}
// CVTPD2DQ, CVTTPD2DQ
void lift_narrow_integer(Lifter& l, uint32_t how) {
  FloatLift v(l);
  if (!v.begin()) return;
  const Halves x = v.read(1);
  v.write(0, narrow(v, x, Op::fto_int_narrow, 0, conversion(how)));
}

// VCVTPS2PH
void lift_to_half(Lifter& l, uint32_t) {
  FloatLift v(l);
  if (!v.begin()) return;
  const Operand& to = l.operand(0);
  const uint64_t imm = 8 | static_cast<uint64_t>(rounding_of(v.imm()));
  const Halves x = v.read(1);
  if (to.is_register()) return v.write(0, narrow(v, x, Op::fcvt_narrow, kSingle, imm));
  const Lifter::Place p = l.place(to, {.bytes = to.bits / 8u, .write = true});
  const Value half = narrow(v, x, Op::fcvt_narrow, kSingle, imm);
  if (v.halves == 2)
    l.store_vector(p, half);
  else
    l.b.store(p.pointer, p.offset, v.low_lane(half, kDouble), 3);
  l.stored_to(p);
}

// --- with MMX registers

// CVTPI2PS: two words to the low half's lanes.
void lift_mmx_to_single(Lifter& l, uint32_t) {
  FloatLift v(l);
  if (!v.begin()) return;
  const Value words = v.read(1).low(), x = v.read(0).low();
  const Value r = v.computed([&] { return l.b.vec(Op::fixed_to_f, kSingle, words, kNone, kNone, kCurrent); });
  v.write(0, l.b.vec(Op::vins_lane, 3, x, r));
}
// CVTPS2PI, CVTTPS2PI: lanes above must raise nothing.
void lift_single_to_mmx(Lifter& l, uint32_t how) {
  FloatLift v(l);
  if (!v.begin()) return;
  const Value x = l.b.emit(Op::vlow64, Type::v128, v.read(1).low());
  v.write(0, v.computed([&] { return l.b.vec(Op::fto_fixed, kSingle, x, kNone, kNone, conversion(how)); }));
}

#define BOTH(name, lift, argument) \
  {ZYDIS_MNEMONIC_##name, lift, argument}, { ZYDIS_MNEMONIC_V##name, lift, argument }

constexpr uint32_t same_size(Op op, uint64_t imm) {
  return static_cast<uint32_t>(op) | static_cast<uint32_t>(imm) << 16;
}

constexpr Row kRows[] = {
    BOTH(CVTSI2SS, lift_integer_to_low, kSingle),
    BOTH(CVTSI2SD, lift_integer_to_low, kDouble),
    BOTH(CVTSS2SI, lift_low_to_integer, kSingle),
    BOTH(CVTSD2SI, lift_low_to_integer, kDouble),
    BOTH(CVTTSS2SI, lift_low_to_integer, kSingle | kTruncates),
    BOTH(CVTTSD2SI, lift_low_to_integer, kDouble | kTruncates),
    BOTH(CVTSS2SD, lift_format_low, kSingle),
    BOTH(CVTSD2SS, lift_format_low, kDouble),
    BOTH(CVTDQ2PS, lift_same_size, same_size(Op::fixed_to_f, kCurrent)),
    BOTH(CVTPS2DQ, lift_same_size, same_size(Op::fto_fixed, kCurrent)),
    BOTH(CVTTPS2DQ, lift_same_size, same_size(Op::fto_fixed, kTruncate)),
    BOTH(CVTPS2PD, lift_wide, float_row(Op::fcvt_wide, kSingle)),
    BOTH(CVTDQ2PD, lift_wide, float_row(Op::int_to_f_wide, 0)),
    BOTH(CVTPD2PS, lift_narrow, 0),
    BOTH(CVTPD2DQ, lift_narrow_integer, 0),
    BOTH(CVTTPD2DQ, lift_narrow_integer, kTruncates),
    {ZYDIS_MNEMONIC_VCVTPH2PS, lift_wide, float_row(Op::fcvt_wide, 1)},
    {ZYDIS_MNEMONIC_VCVTPS2PH, lift_to_half},
    {ZYDIS_MNEMONIC_CVTPI2PS, lift_mmx_to_single},
    {ZYDIS_MNEMONIC_CVTPS2PI, lift_single_to_mmx},
    {ZYDIS_MNEMONIC_CVTTPS2PI, lift_single_to_mmx, kTruncates},
    {ZYDIS_MNEMONIC_CVTPI2PD, lift_wide, float_row(Op::int_to_f_wide, 0)},
    {ZYDIS_MNEMONIC_CVTPD2PI, lift_narrow_integer, 0},
    {ZYDIS_MNEMONIC_CVTTPD2PI, lift_narrow_integer, kTruncates},
};

}  // namespace

Rows convert_rows() { return kRows; }

}  // namespace mynah::x86
