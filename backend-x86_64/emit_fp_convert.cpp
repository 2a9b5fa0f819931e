// SPDX-License-Identifier: Apache-2.0
//
// Floating-point rounding and conversions; emit_fp.h says what is checked and why.
#include "backend-x86_64/emit_fp.h"

namespace mynah::x86_64 {

using ir::FpRound;
using ir::FtoI;

// The nearest, ties to even, is off by one where that rounded a tie towards zero: what it took away then is
// exactly half, with the sign of p. From 2^23 (2^52) on everything is integral, infinities and NaNs included;
// their difference must not be taken.
void Fp::round_ties_away(const x86::Xmm& d, const x86::Xmm& p) {
  constexpr uint32_t kAddIds[4] = {Id::kIdVaddss, Id::kIdVaddsd, Id::kIdVaddps, Id::kIdVaddpd};
  constexpr uint32_t kSubIds[4] = {Id::kIdVsubss, Id::kIdVsubsd, Id::kIdVsubps, Id::kIdVsubpd};
  round(d, p, kRoundSilently);
  op(Id::kIdVpand, s, p, magnitude());
  compare(s, s, by_format(K::kIntegral32), Predicate::kLessQuiet);
  a.vpand(t, d, s);
  a.vpand(s, s, p);
  op(form(kSubIds), s, s, t);
  op(Id::kIdVpand, t, p, sign_bit());
  op(Id::kIdVpor, t, t, by_format(K::kHalf32));
  compare(s, s, t, Predicate::kEqualQuiet);
  op(Id::kIdVpand, t, p, sign_bit());
  op(Id::kIdVpor, t, t, by_format(K::kUnit32));
  a.vpand(s, s, t);
  op(form(kAddIds), d, d, s);
  op(Id::kIdVpand, t, p, sign_bit());  // -0 + 0 is +0
  a.vpor(d, d, t);
}

MYNAH_FP(fround) {
  const auto how = static_cast<FpRound>(v.inst.imm & 7);
  const bool exact = v.inst.imm & 8;
  if (how == FpRound::kTiesAway) {
    v.round_ties_away(v.to, v.x);
    if (exact) v.round(v.s, v.x, kRoundZero);
  } else {
    v.round(v.to, v.x, rounding(how) | (exact ? 0 : kRoundSilently));
  }
  // A NaN is the operand, quiet, but for the default NaN.
  if (v.e.ir().fp.default_nan) v.check_nan(v.to);
}

// --- between formats. Host and Arm keep the same bits of a NaN.

void emit_fcvt(Emitter& e, const Inst& inst, const Regs& r) {
  if (generic(e, inst, r)) return;
  const Type from = e.arg_type(inst, 0);
  const bool default_nan = e.ir().fp.default_nan;
  Fp v(e, inst, r);
  if (from == Type::f16) {
    // Lanes above the scalar must not be looked at.
    v.a.vpmovzxwq(v.s, v.x);
    v.a.vcvtph2ps(v.to, v.s);
    if (inst.type == Type::f64) v.a.vcvtss2sd(v.to, v.to, v.to);
    if (default_nan) v.check_nan(v.to);
  } else if (inst.type == Type::f64) {
    v.a.vcvtss2sd(v.to, v.x, v.x);
    if (default_nan) v.check_nan(v.to);
  } else if (inst.type == Type::f32) {
    v.a.vcvtsd2ss(v.to, v.x, v.x);
    v.check_tiny(v.to);
  } else {
    Emitter::Mark nan = 0;
    if (default_nan) {
      v.a.vucomiss(v.x, v.x);
      nan = e.jump_near(Cc::p);
    }
    v.a.vinsertps(v.s, v.x, v.x, 0x0e);
    v.a.vcvtps2ph(v.to, v.s, kRoundCurrent);
    v.a.vmovd(x86::eax, v.to);
    v.a.and_(x86::eax, 0x7fff);
    v.a.cmp(x86::eax, 0x0400);
    const auto tiny = e.jump_near(Cc::e);
    e.cold_op(tiny, nan);
  }
}

void emit_fcvt_wide(Emitter& e, const Inst& inst, const Regs& r) {
  if (generic(e, inst, r)) return;
  Fp v(e, inst, r, inst.lane() + 1);
  if (v.format == 3)
    v.a.vcvtps2pd(v.to, v.x);
  else
    v.a.vcvtph2ps(v.to, v.x);
  if (e.ir().fp.default_nan) v.check_nan(v.to);
}

void emit_fcvt_narrow(Emitter& e, const Inst& inst, const Regs& r) {
  if (generic(e, inst, r)) return;
  if (inst.lane() == 3) {
    Fp v(e, inst, r, 2);
    v.a.vcvtpd2ps(v.to, v.x);
    v.check_tiny(v.to);
    return;
  }
  Fp v(e, inst, r, 2);
  const Emitter::Mark nan = e.ir().fp.default_nan ? v.jump_if_unordered(v.x, v.x) : 0;
  v.a.vcvtps2ph(v.to, v.x, inst.imm & 8 ? rounding(static_cast<FpRound>(inst.imm & 7)) : kRoundCurrent);
  if (v.x86) return;
  v.op(Id::kIdVpand, v.s, v.to, K::kAbs16);
  v.op(Id::kIdVpcmpeqw, v.s, v.s, K::kMinNormal16);
  v.a.vptest(v.s, v.s);
  const auto tiny = e.jump_near(Cc::ne);
  e.cold_op(tiny, nan);
}

// --- to integers. Out of range the host gives the most negative number and flags an invalid operand, as Arm
// does, but Arm flags that alone. Where the host's instruction would flag an inexact result of an operand
// that is invalid for Arm, the operand is rounded silently first, and once more with flags when all is well.

void emit_fto_int(Emitter& e, const Inst& inst, const Regs& r) {
  if (generic(e, inst, r)) return;
  const FtoI how = ir::ftoi(inst.imm);
  const bool wide = e.wide(inst.type);
  Fp v(e, inst, r, fp_format(e.arg_type(inst, 0)));
  const bool is_double = v.format == 3;
  const x86::Gp to = e.gp(inst.type, r.result()), to64 = e.r64(r.result());
  const uint32_t truncate = is_double ? Id::kIdVcvttsd2si : Id::kIdVcvttss2si;
  const uint32_t convert = is_double ? Id::kIdVcvtsd2si : Id::kIdVcvtss2si;

  const auto overflowed = [&] {  // the most negative number
    e.a.cmp(to, 1);
    return e.jump_near(Cc::o);
  };
  if (!how.is_unsigned && (how.round == FpRound::kZero || how.round == FpRound::kCurrent)) {
    e.a.emit(how.round == FpRound::kZero ? truncate : convert, to, v.x);
    if (v.x86) return;
    const auto mark = overflowed();
    return e.cold_op(mark);
  }
  Emitter::Mark large = 0;
  if (how.is_unsigned && wide) {
    v.load(v.s, is_double ? K::kTwo63 : K::kTwo63F);
    v.ucomi(v.s, v.x);
    large = e.jump_near(Cc::be);  // or unordered
  }
  x86::Xmm from = v.temp(0);
  if (how.round == FpRound::kTiesAway)
    v.round_ties_away(from, v.x);
  else
    v.round(from, v.x, rounding(how.round) | kRoundSilently);
  Emitter::Mark mark;
  if (!how.is_unsigned) {
    e.a.emit(truncate, to, from);
    mark = overflowed();
  } else {
    e.a.emit(truncate, to64, from);
    if (wide) {
      e.a.test(to64, to64);
      mark = e.jump_near(Cc::s);
    } else {
      e.a.mov(x86::rax, to64);
      e.a.shr(x86::rax, 32);
      mark = e.jump_near(Cc::ne);
    }
  }
  v.round(v.s, v.x, kRoundZero);
  e.cold_op(mark, large);
}

// Signed.
void emit_fto_fixed(Emitter& e, const Inst& inst, const Regs& r) {
  if (generic(e, inst, r)) return;
  const FtoI how = ir::ftoi(inst.imm);
  Fp v(e, inst, r);
  const bool direct = how.round == FpRound::kZero || how.round == FpRound::kCurrent;
  x86::Xmm from = v.x;
  if (how.round == FpRound::kTiesAway) {
    v.round_ties_away(v.to, v.x);
    from = v.to;
  } else if (!direct) {
    v.round(v.to, v.x, rounding(how.round) | kRoundSilently);
    from = v.to;
  }
  const bool current = how.round == FpRound::kCurrent;
  if (v.format == 2) {
    v.a.emit(current ? Id::kIdVcvtps2dq : Id::kIdVcvttps2dq, v.to, from);
    if (v.x86) return;
    v.op(Id::kIdVpcmpeqd, v.s, v.to, K::kSign32);
  } else {
    const uint32_t convert = current ? Id::kIdVcvtsd2si : Id::kIdVcvttsd2si;
    v.a.emit(convert, x86::rax, from);
    v.a.vmovq(v.s, x86::rax);
    v.a.vunpckhpd(v.t, from, from);
    v.a.emit(convert, x86::rax, v.t);
    v.a.vmovq(v.t, x86::rax);
    v.a.vpunpcklqdq(v.to, v.s, v.t);
    if (v.x86) return;
    v.op(Id::kIdVpcmpeqq, v.s, v.to, K::kSign64);
  }
  v.a.vptest(v.s, v.s);
  const auto mark = e.jump_near(Cc::ne);
  if (!direct) v.round(v.s, v.x, kRoundZero);
  e.cold_op(mark);
}

// --- from integers; the current rounding direction

namespace {

// d is scaled by 2^-n: exact, far from subnormals.
void scale(Fp& v, const x86::Xmm& d, unsigned n) {
  constexpr uint32_t kMulIds[4] = {Id::kIdVmulss, Id::kIdVmulsd, Id::kIdVmulps, Id::kIdVmulpd};
  if (n == 0) return;
  if (v.format == 3) {
    v.e.load_const(x86::rax, static_cast<uint64_t>(1023 - n) << 52, true);
    v.a.vmovq(v.s, x86::rax);
    if (v.vector) v.a.vpunpcklqdq(v.s, v.s, v.s);
  } else {
    v.a.mov(x86::eax, (127 - n) << 23);
    v.a.vmovd(v.s, x86::eax);
    if (v.vector) v.op(Id::kIdVpshufd, v.s, v.s, 0u);
  }
  v.fop(kMulIds, d, d, v.s);
}

}  // namespace

void emit_int_to_f(Emitter& e, const Inst& inst, const Regs& r) {
  if (generic(e, inst, r)) return;
  const FtoI how = ir::ftoi(inst.imm);
  const bool wide = e.wide(e.arg_type(inst, 0));
  Fp v(e, inst, r);
  const uint32_t convert = v.format == 3 ? Id::kIdVcvtsi2sd : Id::kIdVcvtsi2ss;
  const x86::Gp from = e.r64(r[0]);
  e.a.vxorps(v.to, v.to, v.to);
  if (!how.is_unsigned) {
    e.a.emit(convert, v.to, v.to, wide ? from : e.r32(r[0]));
  } else if (!wide) {
    e.a.mov(x86::eax, e.r32(r[0]));
    e.a.emit(convert, v.to, v.to, x86::rax);
  } else {
    // Above 2^63 a half, its last bit standing for what is lost, is converted and doubled.
    e.a.mov(x86::rax, from);
    e.a.test(x86::rax, x86::rax);
    const auto large = e.jump_short(Cc::s);
    e.a.emit(convert, v.to, v.to, x86::rax);
    const auto done = e.jump_short();
    e.land_short(large);
    e.a.shr(x86::rax, 1);
    const auto even = e.jump_short(Cc::ae);
    e.a.or_(x86::rax, 1);
    e.land_short(even);
    e.a.emit(convert, v.to, v.to, x86::rax);
    v.op(v.format == 3 ? Id::kIdVaddsd : Id::kIdVaddss, v.to, v.to, v.to);
    e.land_short(done);
  }
  scale(v, v.to, how.fraction_bits);
}

void emit_fixed_to_f(Emitter& e, const Inst& inst, const Regs& r) {
  if (generic(e, inst, r)) return;
  const FtoI how = ir::ftoi(inst.imm);
  Fp v(e, inst, r);
  if (v.format == 2 && !how.is_unsigned) {
    v.a.vcvtdq2ps(v.to, v.x);
  } else if (v.format == 2) {
    // Both halves are exact; their sum is rounded once.
    v.op(Id::kIdVpsrld, v.s, v.x, 16u);
    v.op(Id::kIdVpand, v.t, v.x, K::kLow16In32);
    v.a.vcvtdq2ps(v.s, v.s);
    v.a.vcvtdq2ps(v.t, v.t);
    v.op(Id::kIdVmulps, v.s, v.s, K::kTwo16F);
    v.a.vaddps(v.to, v.s, v.t);
  } else if (!how.is_unsigned) {
    v.a.vmovq(x86::rax, v.x);
    v.zero(v.s);
    v.a.emit(Id::kIdVcvtsi2sd, v.s, v.s, x86::rax);
    v.a.vpextrq(x86::rax, v.x, 1);
    v.zero(v.t);
    v.a.emit(Id::kIdVcvtsi2sd, v.t, v.t, x86::rax);
    v.a.vpunpcklqdq(v.to, v.s, v.t);
  } else {
    // The halves become fractions of 2^84 and 2^52; taking those away again is exact, the last sum rounds
    // once.
    v.op(Id::kIdVpsrlq, v.s, v.x, 32u);
    v.op(Id::kIdVpor, v.s, v.s, K::kTwo84);
    v.op(Id::kIdVpand, v.t, v.x, K::kLow32In64);
    v.op(Id::kIdVpor, v.t, v.t, K::kTwo52);
    v.op(Id::kIdVsubpd, v.s, v.s, K::kTwo84And52);
    v.a.vaddpd(v.to, v.s, v.t);
  }
  scale(v, v.to, how.fraction_bits);
}

}  // namespace mynah::x86_64
