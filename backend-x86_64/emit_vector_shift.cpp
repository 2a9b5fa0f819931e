// SPDX-License-Identifier: Apache-2.0
//
// Vectors of integers: shifts. x86 shifts lanes of 16 to 64 bits, counts above the width giving zeros; bytes
// are shifted as 16-bit lanes and masked. Arithmetic shifts that it lacks are logical ones of the biased
// value.
#include "backend-x86_64/emit_vector.h"

namespace mynah::x86_64 {

namespace {

// d = p >> n, unsigned, n at most the width.
void shift_right(Vector& v, const x86::Xmm& d, const x86::Xmm& p, unsigned n) {
  const unsigned width = 8u << v.lane;
  if (n == 0) return v.copy(d, p);
  if (n >= width) return v.zero(d);
  v.op(kShr, d, p, n);
  if (v.lane == 0) v.op(Id::kIdVpand, d, d, K::kRight1 + (n - 1));
}

// d = the sign bit >> n in every lane; uses nothing else. 0 < n < width.
void shifted_sign(Vector& v, const x86::Xmm& d, unsigned n) {
  if (v.lane == 0) return v.load(d, K::kSignShifted1 + (n - 1));
  v.load(d, v.sign());
  v.op(kShr, d, d, n);
}

}  // namespace

MYNAH_VECTOR(vshl_imm) {
  if (v.imm >= (8u << v.lane)) return v.zero(v.to);
  if (v.imm == 0) return v.copy(v.to, v.x);
  if (v.imm == 1) return v.op(kAdd, v.to, v.x, v.x);
  v.op(kShl, v.to, v.x, v.imm);
  if (v.lane == 0) v.op(Id::kIdVpand, v.to, v.to, K::kLeft1 + (v.imm - 1));
}

MYNAH_VECTOR(vushr_imm) { shift_right(v, v.to, v.x, v.imm); }

MYNAH_VECTOR(vsshr_imm) {
  const unsigned width = 8u << v.lane;
  if (v.imm == 0) return v.copy(v.to, v.x);
  if (v.lane == 1 || v.lane == 2) return v.op(kSar, v.to, v.x, v.imm < width ? v.imm : width - 1);
  if (v.imm >= width - 1) {
    v.zero(v.s);
    return v.op(kGreater, v.to, v.s, v.x);
  }
  v.op(Id::kIdVpxor, v.s, v.x, v.sign());
  shift_right(v, v.s, v.s, v.imm);
  shifted_sign(v, v.t, v.imm);
  v.op(kSub, v.to, v.s, v.t);
}

namespace {

// d = (p >> n) + bit n - 1 of p, unsigned; 0 < n <= width. Uses s and t.
void rounding_right(Vector& v, const x86::Xmm& d, const x86::Xmm& p, unsigned n) {
  shift_right(v, v.s, p, n - 1);
  if (v.lane < 2) {
    v.zero(v.t);
    v.op(v.lane ? Id::kIdVpavgw : Id::kIdVpavgb, d, v.s, v.t);
    return;
  }
  v.op(Id::kIdVpand, v.t, v.s, v.one());
  v.op(kShr, v.s, v.s, 1u);
  v.op(kAdd, d, v.s, v.t);
}

}  // namespace

MYNAH_VECTOR(vurshr_imm) {
  const unsigned width = 8u << v.lane;
  if (v.imm == 0) return v.copy(v.to, v.x);
  if (v.imm > width) return v.zero(v.to);
  rounding_right(v, v.to, v.x, v.imm);
}

MYNAH_VECTOR(vsrshr_imm) {
  const unsigned width = 8u << v.lane;
  if (v.imm == 0) return v.copy(v.to, v.x);
  if (v.imm >= width) return v.zero(v.to);
  if (v.lane == 1 || v.lane == 2) {
    v.op(kSar, v.s, v.x, v.imm - 1);
    v.op(Id::kIdVpand, v.t, v.s, v.one());
    v.op(kSar, v.s, v.s, 1u);
    v.op(kAdd, v.to, v.s, v.t);
    return;
  }
  // The bias is a multiple of what is shifted out.
  v.op(Id::kIdVpxor, v.s, v.x, v.sign());
  rounding_right(v, v.s, v.s, v.imm);
  shifted_sign(v, v.t, v.imm);
  v.op(kSub, v.to, v.s, v.t);
}

namespace {

// s = the count's low byte: left by it if below the width, right by 256 less it (t).
void counts(Vector& v) {
  const bool wide = v.lane == 3;
  v.op(Id::kIdVpand, v.s, v.y, wide ? K::kLow8In64 : K::kLow8In32);
  v.load(v.t, wide ? K::k256In64 : K::k256In32);
  v.op(kSub, v.t, v.t, v.s);
}

}  // namespace

// Of each pair of shifts one has a count above the width, or both are by nothing at all.
MYNAH_VECTOR(vushl) {
  const bool wide = v.lane == 3;
  counts(v);
  v.op(wide ? Id::kIdVpsllvq : Id::kIdVpsllvd, v.s, v.x, v.s);
  v.op(wide ? Id::kIdVpsrlvq : Id::kIdVpsrlvd, v.t, v.x, v.t);
  v.a.vpor(v.to, v.s, v.t);
}

MYNAH_VECTOR(vsshl) {
  const x86::Xmm left = v.temp(0);
  counts(v);
  if (v.lane == 2) {
    v.a.vpsllvd(left, v.x, v.s);
    v.a.vpsravd(v.t, v.x, v.t);
    v.op(Id::kIdVpslld, v.s, v.s, 24u);
    v.a.vblendvps(v.to, left, v.t, v.s);
    return;
  }
  // A right shift of the biased value, by 63 at most.
  v.op(Id::kIdVpminud, v.t, v.t, K::k63In64);
  v.a.vpsllvq(left, v.x, v.s);
  v.op(Id::kIdVpsllq, v.s, v.s, 56u);
  // The sign of s chooses, for the shifted value and for its bias. The operands have been read.
  v.op(Id::kIdVpxor, v.to, v.x, K::kSign64);
  v.a.vpsrlvq(v.to, v.to, v.t);
  v.a.vblendvpd(left, left, v.to, v.s);
  v.load(v.to, K::kSign64);
  v.a.vpsrlvq(v.t, v.to, v.t);
  v.zero(v.to);
  v.a.vblendvpd(v.t, v.to, v.t, v.s);
  v.a.vpsubq(v.to, left, v.t);
}

}  // namespace mynah::x86_64
