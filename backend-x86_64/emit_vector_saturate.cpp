// SPDX-License-Identifier: Apache-2.0
//
// Saturating vector ops. Each finds the lanes that were changed by saturation; where there are any a cold
// stub sets the sticky flag.
#include "backend-x86_64/emit_vector.h"

namespace mynah::x86_64 {

namespace {

constexpr uint32_t kAddUSat[4] = {Id::kIdVpaddusb, Id::kIdVpaddusw, 0, 0};
constexpr uint32_t kAddSSat[4] = {Id::kIdVpaddsb, Id::kIdVpaddsw, 0, 0};
constexpr uint32_t kSubUSat[4] = {Id::kIdVpsubusb, Id::kIdVpsubusw, 0, 0};
constexpr uint32_t kSubSSat[4] = {Id::kIdVpsubsb, Id::kIdVpsubsw, 0, 0};

// Where x86 has the op: what differs from the wrapped result was saturated.
void against_wrapped(Vector& v, Vector::Ids saturating, Vector::Ids wrapping) {
  v.op(wrapping, v.s, v.x, v.y);
  v.op(saturating, v.to, v.x, v.y);
  v.a.vpxor(v.s, v.s, v.to);
  v.saturated_if_any(v.s);
}

// Signed, 32 and 64 bits. s: the wrapped result, t: overflow in the sign bits; u is free.
void choose_limit(Vector& v, const x86::Xmm& u) {
  if (v.lane == 2) {
    v.op(Id::kIdVpsrad, u, v.x, 31u);
    v.op(Id::kIdVpxor, u, u, K::kAbs32);
    v.a.vblendvps(v.to, v.s, u, v.t);
    v.a.vtestps(v.t, v.t);
  } else {
    v.zero(u);
    v.a.vpcmpgtq(u, u, v.x);
    v.op(Id::kIdVpxor, u, u, K::kAbs64);
    v.a.vblendvpd(v.to, v.s, u, v.t);
    v.a.vtestpd(v.t, v.t);
  }
  const auto mark = v.e.jump_near(Cc::ne);
  v.e.cold_saturated(mark);
}

}  // namespace

MYNAH_VECTOR(vuqadd) {
  if (v.lane < 2) return against_wrapped(v, kAddUSat, kAdd);
  v.invert(v.s, v.x);
  v.a.vpminud(v.s, v.s, v.y);
  v.a.vpxor(v.t, v.s, v.y);
  v.a.vpaddd(v.to, v.x, v.s);
  v.saturated_if_any(v.t);
}

MYNAH_VECTOR(vuqsub) {
  if (v.lane < 2) return against_wrapped(v, kSubUSat, kSub);
  v.a.vpmaxud(v.s, v.x, v.y);
  v.a.vpxor(v.t, v.s, v.x);
  v.a.vpsubd(v.to, v.s, v.y);
  v.saturated_if_any(v.t);
}

MYNAH_VECTOR(vsqadd) {
  if (v.lane < 2) return against_wrapped(v, kAddSSat, kAdd);
  const x86::Xmm u = v.temp(0);
  v.op(kAdd, v.s, v.x, v.y);
  v.a.vpxor(v.t, v.x, v.s);
  v.a.vpxor(u, v.y, v.s);
  v.a.vpand(v.t, v.t, u);
  choose_limit(v, u);
}

MYNAH_VECTOR(vsqsub) {
  if (v.lane < 2) return against_wrapped(v, kSubSSat, kSub);
  const x86::Xmm u = v.temp(0);
  v.op(kSub, v.s, v.x, v.y);
  v.a.vpxor(v.t, v.x, v.s);
  v.a.vpxor(u, v.x, v.y);
  v.a.vpand(v.t, v.t, u);
  choose_limit(v, u);
}

// Only the most negative number saturates; it is flipped into the most positive one.
MYNAH_VECTOR(vsqabs) {
  constexpr uint32_t kAbs[] = {Id::kIdVpabsb, Id::kIdVpabsw, Id::kIdVpabsd};
  v.op(kEqual, v.s, v.x, v.sign());
  v.a.emit(kAbs[v.lane], v.t, v.x);
  v.a.vpxor(v.to, v.t, v.s);
  v.saturated_if_any(v.s);
}
MYNAH_VECTOR(vsqneg) {
  v.op(kEqual, v.s, v.x, v.sign());
  v.zero(v.t);
  v.op(kSub, v.t, v.t, v.x);
  v.a.vpxor(v.to, v.t, v.s);
  v.saturated_if_any(v.s);
}

// --- narrowing; p is the source, which may be the temporary

namespace {

void narrow_unsigned(Vector& v, const x86::Xmm& p) {
  if (v.lane == 3) {
    v.op(Id::kIdVpsrlq, v.s, p, 32u);
    v.zero(v.t);
    v.a.vpcmpeqq(v.t, v.t, v.s);
    v.invert(v.t, v.t);
    v.a.vpor(v.s, p, v.t);
    v.op(Id::kIdVpshufb, v.to, v.s, K::kNarrow64);
  } else {
    v.op(kMinU, v.s, p, v.lane == 1 ? K::kLow8In16 : K::kLow16In32);
    v.a.vpxor(v.t, v.s, p);
    v.op(Id::kIdVpshufb, v.to, v.s, K::kNarrow16 + (v.lane - 1));
  }
  v.saturated_if_any(v.t);
}

void narrow_signed(Vector& v, const x86::Xmm& p, bool to_unsigned) {
  if (v.lane == 1) {
    v.op(to_unsigned ? Id::kIdVpackuswb : Id::kIdVpacksswb, v.s, p, p);
    v.a.emit(to_unsigned ? Id::kIdVpmovzxbw : Id::kIdVpmovsxbw, v.t, v.s);
  } else {
    v.op(to_unsigned ? Id::kIdVpackusdw : Id::kIdVpackssdw, v.s, p, p);
    v.a.emit(to_unsigned ? Id::kIdVpmovzxwd : Id::kIdVpmovsxwd, v.t, v.s);
  }
  v.a.vpxor(v.t, v.t, p);
  v.a.vmovq(v.to, v.s);
  v.saturated_if_any(v.t);
}

// The temporary = x >> imm.
x86::Xmm shifted(Vector& v, bool is_signed) {
  const x86::Xmm u = v.temp(0);
  const bool rounding = v.inst.high_or_round();
  Vector::Ids right = is_signed ? kSar : kShr;
  if (!rounding) {
    v.op(right, u, v.x, v.imm);
    return u;
  }
  v.op(right, u, v.x, v.imm - 1);
  v.op(Id::kIdVpand, v.s, u, v.one());
  v.op(right, u, u, 1u);
  v.op(kAdd, u, u, v.s);
  return u;
}

}  // namespace

MYNAH_VECTOR(vuqxtn) { narrow_unsigned(v, v.x); }
MYNAH_VECTOR(vsqxtn) { narrow_signed(v, v.x, false); }
MYNAH_VECTOR(vsqxtun) { narrow_signed(v, v.x, true); }
MYNAH_VECTOR(vuqshrn) { narrow_unsigned(v, shifted(v, false)); }
MYNAH_VECTOR(vsqshrn) { narrow_signed(v, shifted(v, true), false); }
MYNAH_VECTOR(vsqshrun) { narrow_signed(v, shifted(v, true), true); }

// 16 bits. The one overflow, of both factors the most negative number, is the one result that is that number.
MYNAH_VECTOR(vsqdmulh) {
  if (v.inst.high_or_round()) {
    v.a.vpmulhrsw(v.s, v.x, v.y);
  } else {
    v.a.vpmulhw(v.s, v.x, v.y);
    v.a.vpmullw(v.t, v.x, v.y);
    v.a.vpaddw(v.s, v.s, v.s);
    v.op(Id::kIdVpsrlw, v.t, v.t, 15u);
    v.a.vpor(v.s, v.s, v.t);
  }
  v.op(kEqual, v.t, v.s, K::kSign16);
  v.a.vpxor(v.to, v.s, v.t);
  v.saturated_if_any(v.t);
}

}  // namespace mynah::x86_64
