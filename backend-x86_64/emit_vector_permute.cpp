// SPDX-License-Identifier: Apache-2.0
//
// Vectors of integers: lanes reordered, looked up, widened and narrowed.
#include "backend-x86_64/emit_vector.h"

namespace mynah::x86_64 {

// The lanes (aux) of each container of 1 << imm bytes.
MYNAH_VECTOR(vrev) {
  const unsigned container = v.imm & 15;
  if (container <= v.lane) return v.copy(v.to, v.x);
  if (container == 4) {
    // The halves change places, then the lanes of each.
    v.op(Id::kIdVpshufd, v.to, v.x, v.lane == 2 ? 0x1bu : 0x4eu);
    if (v.lane < 2) v.op(Id::kIdVpshufb, v.to, v.to, v.lane ? K::kReverse16In64 : K::kReverse8In64);
    return;
  }
  if (v.lane == 2) return v.op(Id::kIdVpshufd, v.to, v.x, 0xb1u);
  const K order = v.lane == 1 ? (container == 2 ? K::kReverse16In32 : K::kReverse16In64)
                              : K::kReverse8In16 + (container - 1);
  v.op(Id::kIdVpshufb, v.to, v.x, order);
}

namespace {
constexpr uint32_t kZipLow[4] = {Id::kIdVpunpcklbw, Id::kIdVpunpcklwd, Id::kIdVpunpckldq, Id::kIdVpunpcklqdq};
constexpr uint32_t kZipHigh[4] = {Id::kIdVpunpckhbw, Id::kIdVpunpckhwd, Id::kIdVpunpckhdq,
                                  Id::kIdVpunpckhqdq};
}  // namespace

MYNAH_VECTOR(vzip1) { v.op(kZipLow, v.to, v.x, v.y); }
MYNAH_VECTOR(vzip2) { v.op(kZipHigh, v.to, v.x, v.y); }

namespace {

// Narrow lanes are cleared or shifted within lanes of twice the size, then packed without saturation taking
// place.
void unzip(Vector& v, bool odd) {
  if (v.lane == 3) return v.op(odd ? Id::kIdVpunpckhqdq : Id::kIdVpunpcklqdq, v.to, v.x, v.y);
  if (v.lane == 2) {
    v.a.vshufps(v.to, v.x, v.y, odd ? 0xdd : 0x88);
    return;
  }
  const auto part = [&](const x86::Xmm& d, const x86::Xmm& p) {
    if (odd)
      v.op(v.lane ? Id::kIdVpsrld : Id::kIdVpsrlw, d, p, 8u << v.lane);
    else
      v.op(Id::kIdVpand, d, p, v.lane ? K::kLow16In32 : K::kLow8In16);
  };
  part(v.s, v.x);
  if (v.x == v.y) return v.op(v.lane ? Id::kIdVpackusdw : Id::kIdVpackuswb, v.to, v.s, v.s);
  part(v.t, v.y);
  v.op(v.lane ? Id::kIdVpackusdw : Id::kIdVpackuswb, v.to, v.s, v.t);
}

}  // namespace

MYNAH_VECTOR(vuzp1) { unzip(v, false); }
MYNAH_VECTOR(vuzp2) { unzip(v, true); }

MYNAH_VECTOR(vtrn1) {
  switch (v.lane) {
    case 0:
      v.op(Id::kIdVpand, v.s, v.x, K::kLow8In16);
      v.op(Id::kIdVpsllw, v.t, v.y, 8u);
      v.a.vpor(v.to, v.s, v.t);
      break;
    case 1:
      v.op(Id::kIdVpslld, v.t, v.y, 16u);
      v.a.vpblendw(v.to, v.x, v.t, 0xaa);
      break;
    case 2:
      v.op(Id::kIdVpsllq, v.t, v.y, 32u);
      v.a.vpblendw(v.to, v.x, v.t, 0xcc);
      break;
    default:
      v.a.vpunpcklqdq(v.to, v.x, v.y);
  }
}
MYNAH_VECTOR(vtrn2) {
  switch (v.lane) {
    case 0:
      v.op(Id::kIdVpsrlw, v.s, v.x, 8u);
      v.op(Id::kIdVpand, v.t, v.y, K::kHigh8In16);
      v.a.vpor(v.to, v.s, v.t);
      break;
    case 1:
      v.op(Id::kIdVpsrld, v.t, v.x, 16u);
      v.a.vpblendw(v.to, v.t, v.y, 0xaa);
      break;
    case 2:
      v.op(Id::kIdVpsrlq, v.t, v.x, 32u);
      v.a.vpblendw(v.to, v.t, v.y, 0xcc);
      break;
    default:
      v.a.vpunpckhqdq(v.to, v.x, v.y);
  }
}

MYNAH_VECTOR(vext) {
  if ((v.imm & 15) == 0) return v.copy(v.to, v.x);
  v.a.vpalignr(v.to, v.y, v.x, v.imm & 15);
}

// pshufb gives zero where an index has bit 7: indices from 16 on are made such, those below keep their low
// bits.
MYNAH_VECTOR(vtbl) {
  v.op(Id::kIdVpaddusb, v.s, v.y, K::kTableBias);
  v.a.vpshufb(v.to, v.x, v.s);
}
MYNAH_VECTOR(vtbx) {
  v.op(Id::kIdVpaddusb, v.s, v.z, K::kTableBias);
  v.a.vpshufb(v.t, v.y, v.s);
  v.a.vpblendvb(v.to, v.t, v.x, v.s);
}

MYNAH_VECTOR(vsxtl) {
  constexpr uint32_t kId[] = {Id::kIdVpmovsxbw, Id::kIdVpmovsxwd, Id::kIdVpmovsxdq};
  v.a.emit(kId[v.lane], v.to, v.x);
}
MYNAH_VECTOR(vuxtl) {
  constexpr uint32_t kId[] = {Id::kIdVpmovzxbw, Id::kIdVpmovzxwd, Id::kIdVpmovzxdq};
  v.a.emit(kId[v.lane], v.to, v.x);
}
MYNAH_VECTOR(vxtn) { v.op(Id::kIdVpshufb, v.to, v.x, K::kNarrow16 + (v.lane - 1)); }

}  // namespace mynah::x86_64
