// SPDX-License-Identifier: Apache-2.0
//
// Vectors of integers: arithmetic, comparisons, bit counts, products. What x86 has no instruction for is
// composed; bytes mostly by 16-bit lanes or by tables of 16 entries.
#include "backend-x86_64/emit_vector.h"

namespace mynah::x86_64 {

using namespace ir::alloc;

namespace {

// SSE forms of the ops that are one instruction: the only ones that do without AVX.
constexpr uint32_t kAddSse[4] = {Id::kIdPaddb, Id::kIdPaddw, Id::kIdPaddd, Id::kIdPaddq};
constexpr uint32_t kSubSse[4] = {Id::kIdPsubb, Id::kIdPsubw, Id::kIdPsubd, Id::kIdPsubq};
constexpr uint32_t kEqualSse[4] = {Id::kIdPcmpeqb, Id::kIdPcmpeqw, Id::kIdPcmpeqd, Id::kIdPcmpeqq};
constexpr uint32_t kGreaterSse[4] = {Id::kIdPcmpgtb, Id::kIdPcmpgtw, Id::kIdPcmpgtd, Id::kIdPcmpgtq};
constexpr uint32_t kMinUSse[4] = {Id::kIdPminub, Id::kIdPminuw, Id::kIdPminud, 0};
constexpr uint32_t kMaxUSse[4] = {Id::kIdPmaxub, Id::kIdPmaxuw, Id::kIdPmaxud, 0};
constexpr uint32_t kMinSSse[4] = {Id::kIdPminsb, Id::kIdPminsw, Id::kIdPminsd, 0};
constexpr uint32_t kMaxSSse[4] = {Id::kIdPmaxsb, Id::kIdPmaxsw, Id::kIdPmaxsd, 0};

// A reduction of 8 or 16 bytes.
bool half_or_whole(const Inst& inst) {
  const uint64_t bytes = inst.imm << inst.lane();
  return inst.imm <= 16 && (bytes == 8 || bytes == 16);
}

bool written_for(const Inst& inst, const Features& features) {
  const unsigned lane = inst.lane();
  switch (inst.op) {
    case Op::vumin:
    case Op::vumax:
    case Op::vsmin:
    case Op::vsmax:
      return features.avx || lane < 3;
    case Op::vadd:
    case Op::vcmeq:
      return true;
    case Op::vuabd:
    case Op::vsabd:
    case Op::vuhadd:
    case Op::vshadd:
    case Op::vurhadd:
    case Op::vsrhadd:
    case Op::vclz:
      return features.avx && lane < 3;
    case Op::vuhsub:
    case Op::vshsub:
      return features.avx && lane < 2;
    case Op::vumull:
    case Op::vsmull:
    case Op::vsxtl:
    case Op::vuxtl:
    case Op::vuaddlp:
    case Op::vsaddlp:
      return features.avx && lane < 3;
    case Op::vpmull:
      return features.avx && features.pclmul && lane == 3;
    case Op::vushl:
    case Op::vsshl:
      return features.avx2 && lane >= 2;
    case Op::vxtn:
    case Op::vuqxtn:
      return features.avx && lane > 0;
    case Op::vsqxtn:
    case Op::vsqxtun:
      return features.avx && (lane == 1 || lane == 2);
    case Op::vuqshrn:
      return features.avx && lane > 0 && inst.imm - 1 < 4u << lane;
    case Op::vsqshrn:
    case Op::vsqshrun:
      return features.avx && (lane == 1 || lane == 2) && inst.imm - 1 < 4u << lane;
    case Op::vsqdmulh:
      return features.avx && lane == 1;
    case Op::vuqadd:
    case Op::vuqsub:
      return features.avx && lane < 3;
    case Op::vsqabs:
    case Op::vsqneg:
      return features.avx && lane < 3;
    case Op::vumaxv:
    case Op::vuminv:
    case Op::vsmaxv:
    case Op::vsminv:
      return features.avx && lane < 3 && half_or_whole(inst);
    case Op::vaddv:
    case Op::vuaddlv:
    case Op::vsaddlv:
      return features.avx && half_or_whole(inst) && (inst.op == Op::vaddv || lane < 3);
    default:
      return features.avx;
  }
}

unsigned temps(const Inst& inst) {
  switch (inst.op) {
    case Op::vudot:
    case Op::vsdot:
      return 2;
    case Op::vsqadd:
    case Op::vsqsub:
    case Op::vsshl:
    case Op::vuqshrn:
    case Op::vsqshrn:
    case Op::vsqshrun:
      return 1;
    default:
      return 0;
  }
}

void simple(Emitter& e, Vector::Ids sse, Vector::Ids avx, const Inst& inst, const Regs& r) {
  e.vec3(sse[inst.lane()], avx[inst.lane()], r.result(), r[0], r[1]);
}

}  // namespace

void adjust_vector(Selector& s, const Inst& inst, Step& step) {
  if (written_for(inst, s.features))
    step.vector_temps = static_cast<uint8_t>(temps(inst));
  else
    make_generic(step);
}

void emit_vadd(Emitter& e, const Inst& inst, const Regs& r) { simple(e, kAddSse, kAdd, inst, r); }
void emit_vsub(Emitter& e, const Inst& inst, const Regs& r) { simple(e, kSubSse, kSub, inst, r); }
void emit_vcmeq(Emitter& e, const Inst& inst, const Regs& r) { simple(e, kEqualSse, kEqual, inst, r); }
void emit_vcmgt(Emitter& e, const Inst& inst, const Regs& r) { simple(e, kGreaterSse, kGreater, inst, r); }

namespace {

// 64-bit lanes are compared and chosen.
void extreme(Emitter& e, const Inst& inst, const Regs& r, Vector::Ids sse, Vector::Ids avx, bool is_max,
             bool is_unsigned) {
  if (generic(e, inst, r)) return;
  if (inst.lane() < 3) return simple(e, sse, avx, inst, r);
  Vector v(e, inst, r);
  if (is_unsigned) {
    v.op(Id::kIdVpxor, v.s, v.x, K::kSign64);
    v.op(Id::kIdVpxor, v.t, v.y, K::kSign64);
    v.a.vpcmpgtq(v.s, v.s, v.t);
  } else {
    v.a.vpcmpgtq(v.s, v.x, v.y);
  }
  if (is_max)
    v.a.vblendvpd(v.to, v.y, v.x, v.s);
  else
    v.a.vblendvpd(v.to, v.x, v.y, v.s);
}

}  // namespace

void emit_vumin(Emitter& e, const Inst& inst, const Regs& r) {
  extreme(e, inst, r, kMinUSse, kMinU, false, true);
}
void emit_vumax(Emitter& e, const Inst& inst, const Regs& r) {
  extreme(e, inst, r, kMaxUSse, kMaxU, true, true);
}
void emit_vsmin(Emitter& e, const Inst& inst, const Regs& r) {
  extreme(e, inst, r, kMinSSse, kMinS, false, false);
}
void emit_vsmax(Emitter& e, const Inst& inst, const Regs& r) {
  extreme(e, inst, r, kMaxSSse, kMaxS, true, false);
}

MYNAH_VECTOR(vmul) {
  switch (v.lane) {
    case 0:
      // Odd bytes: the high byte of the other factor alone leaves its product in the high half.
      v.a.vpmullw(v.s, v.x, v.y);
      v.op(Id::kIdVpand, v.s, v.s, K::kLow8In16);
      v.op(Id::kIdVpsrlw, v.t, v.x, 8u);
      v.op(Id::kIdVpand, v.to, v.y, K::kHigh8In16);
      v.a.vpmullw(v.to, v.to, v.t);
      v.a.vpor(v.to, v.to, v.s);
      break;
    case 1:
      v.a.vpmullw(v.to, v.x, v.y);
      break;
    case 2:
      v.a.vpmulld(v.to, v.x, v.y);
      break;
    default:
      v.op(Id::kIdVpsrlq, v.s, v.x, 32u);
      v.a.vpmuludq(v.s, v.s, v.y);
      v.op(Id::kIdVpsrlq, v.t, v.y, 32u);
      v.a.vpmuludq(v.t, v.t, v.x);
      v.a.vpaddq(v.s, v.s, v.t);
      v.op(Id::kIdVpsllq, v.s, v.s, 32u);
      v.a.vpmuludq(v.to, v.x, v.y);
      v.a.vpaddq(v.to, v.to, v.s);
  }
}

MYNAH_VECTOR(vneg) {
  v.zero(v.s);
  v.op(kSub, v.to, v.s, v.x);
}

MYNAH_VECTOR(vabs) {
  switch (v.lane) {
    case 0:
      v.a.vpabsb(v.to, v.x);
      break;
    case 1:
      v.a.vpabsw(v.to, v.x);
      break;
    case 2:
      v.a.vpabsd(v.to, v.x);
      break;
    default:
      v.zero(v.s);
      v.a.vpsubq(v.s, v.s, v.x);
      v.a.vblendvpd(v.to, v.x, v.s, v.x);
  }
}

MYNAH_VECTOR(vuabd) {
  v.op(kMaxU, v.s, v.x, v.y);
  v.op(kMinU, v.t, v.x, v.y);
  v.op(kSub, v.to, v.s, v.t);
}
MYNAH_VECTOR(vsabd) {
  v.op(kMaxS, v.s, v.x, v.y);
  v.op(kMinS, v.t, v.x, v.y);
  v.op(kSub, v.to, v.s, v.t);
}

// --- halving. x86 has the unsigned rounding average of bytes and 16-bit lanes; signed bytes are biased into
// it.
namespace {

constexpr uint32_t kAverage[4] = {Id::kIdVpavgb, Id::kIdVpavgw, 0, 0};

void halving_add(Vector& v, bool is_signed, bool rounding) {
  if (v.lane == 0 || (v.lane == 1 && !is_signed && rounding)) {
    x86::Xmm p = v.x, q = v.y;
    if (is_signed) {
      v.op(Id::kIdVpxor, v.s, v.x, v.sign());
      v.op(Id::kIdVpxor, v.t, v.y, v.sign());
      p = v.s, q = v.t;
    }
    if (rounding) {
      v.op(kAverage, is_signed ? v.s : v.to, p, q);
    } else {
      v.op(kAverage, v.s, p, q);
      v.a.vpxor(v.t, v.x, v.y);
      v.op(Id::kIdVpand, v.t, v.t, v.one());
      v.op(kSub, is_signed ? v.s : v.to, v.s, v.t);
    }
    if (is_signed) v.op(Id::kIdVpxor, v.to, v.s, v.sign());
    return;
  }
  v.a.vpxor(v.s, v.x, v.y);
  v.op(is_signed ? kSar : kShr, v.s, v.s, 1u);
  if (rounding) {
    v.a.vpor(v.t, v.x, v.y);
    v.op(kSub, v.to, v.t, v.s);
  } else {
    v.a.vpand(v.t, v.x, v.y);
    v.op(kAdd, v.to, v.t, v.s);
  }
}

}  // namespace

MYNAH_VECTOR(vuhadd) { halving_add(v, false, false); }
MYNAH_VECTOR(vshadd) { halving_add(v, true, false); }
MYNAH_VECTOR(vurhadd) { halving_add(v, false, true); }
MYNAH_VECTOR(vsrhadd) { halving_add(v, true, true); }

// (x - y) >> 1 is the rounding average of x and ~y less half the range.
MYNAH_VECTOR(vuhsub) {
  v.invert(v.s, v.y);
  v.op(kAverage, v.s, v.s, v.x);
  v.op(Id::kIdVpxor, v.to, v.s, v.sign());
}
MYNAH_VECTOR(vshsub) {
  v.op(Id::kIdVpxor, v.s, v.x, v.sign());
  v.op(Id::kIdVpxor, v.t, v.y, K::kAbs8 + v.lane);
  v.op(kAverage, v.s, v.s, v.t);
  v.op(Id::kIdVpxor, v.to, v.s, v.sign());
}

// --- comparisons

MYNAH_VECTOR(vcmge) {
  if (v.lane < 3) {
    v.op(kMaxS, v.s, v.x, v.y);
    v.op(kEqual, v.to, v.s, v.x);
  } else {
    v.a.vpcmpgtq(v.s, v.y, v.x);
    v.invert(v.to, v.s);
  }
}
MYNAH_VECTOR(vcmhi) {
  v.op(Id::kIdVpxor, v.s, v.x, v.sign());
  v.op(Id::kIdVpxor, v.t, v.y, v.sign());
  v.op(kGreater, v.to, v.s, v.t);
}
MYNAH_VECTOR(vcmhs) {
  if (v.lane < 3) {
    v.op(kMaxU, v.s, v.x, v.y);
    v.op(kEqual, v.to, v.s, v.x);
  } else {
    v.op(Id::kIdVpxor, v.s, v.x, K::kSign64);
    v.op(Id::kIdVpxor, v.t, v.y, K::kSign64);
    v.a.vpcmpgtq(v.s, v.t, v.s);
    v.invert(v.to, v.s);
  }
}
MYNAH_VECTOR(vcmtst) {
  v.zero(v.t);
  if (v.x == v.y) {
    v.op(kEqual, v.s, v.x, v.t);
  } else {
    v.a.vpand(v.s, v.x, v.y);
    v.op(kEqual, v.s, v.s, v.t);
  }
  v.invert(v.to, v.s);
}

// --- bits

namespace {

// d = low[low nibble] op high[high nibble] of every byte; p may be d. Uses s and t.
void by_nibbles(Vector& v, const x86::Xmm& d, const x86::Xmm& p, K low, K high, uint32_t combine) {
  v.load(v.s, low);
  v.op(Id::kIdVpand, v.t, p, K::kNibble);
  v.a.vpshufb(v.t, v.s, v.t);
  v.op(Id::kIdVpsrlw, d, p, 4u);
  v.op(Id::kIdVpand, d, d, K::kNibble);
  if (high != low) v.load(v.s, high);
  v.a.vpshufb(d, v.s, d);
  v.op(combine, d, d, v.t);
}

}  // namespace

MYNAH_VECTOR(vcnt) { by_nibbles(v, v.to, v.x, K::kBitCount, K::kBitCount, Id::kIdVpaddb); }
MYNAH_VECTOR(vrbit) { by_nibbles(v, v.to, v.x, K::kReverseLow, K::kReverseHigh, Id::kIdVpor); }

// Of bytes, then joined: where the high half is all zeros the low half's count is added.
MYNAH_VECTOR(vclz) {
  by_nibbles(v, v.to, v.x, K::kZerosLow, K::kZerosHigh, Id::kIdVpminub);
  for (unsigned lane = 1; lane <= v.lane; ++lane) {
    const unsigned half = 4u << lane;
    v.op(kShr[lane], v.s, v.to, half);
    v.op(kEqual[lane], v.t, v.s, lane == 1 ? K::k8In16 : K::k16In32);
    v.a.vpand(v.to, v.to, v.t);
    v.op(Id::kIdVpand, v.to, v.to, lane == 1 ? K::kLow8In16 : K::kLow16In32);
    v.op(kAdd[lane], v.to, v.to, v.s);
  }
}

// --- products

namespace {

void widening_product(Vector& v, bool is_signed) {
  const bool high = v.inst.high_or_round();
  switch (v.lane) {
    case 0: {
      const uint32_t widen = is_signed ? Id::kIdVpmovsxbw : Id::kIdVpmovzxbw;
      x86::Xmm p = v.x, q = v.y;
      if (high) {
        v.op(Id::kIdVpshufd, v.s, v.x, 0xeeu);
        v.op(Id::kIdVpshufd, v.t, v.y, 0xeeu);
        p = v.s, q = v.t;
      }
      v.a.emit(widen, v.s, p);
      v.a.emit(widen, v.t, q);
      v.a.vpmullw(v.to, v.s, v.t);
      break;
    }
    case 1:
      v.a.vpmullw(v.s, v.x, v.y);
      v.op(is_signed ? Id::kIdVpmulhw : Id::kIdVpmulhuw, v.t, v.x, v.y);
      v.op(high ? Id::kIdVpunpckhwd : Id::kIdVpunpcklwd, v.to, v.s, v.t);
      break;
    default: {
      const unsigned order = high ? 0x32 : 0x10;  // into lanes 0 and 2
      v.op(Id::kIdVpshufd, v.s, v.x, order);
      v.op(Id::kIdVpshufd, v.t, v.y, order);
      v.op(is_signed ? Id::kIdVpmuldq : Id::kIdVpmuludq, v.to, v.s, v.t);
    }
  }
}

}  // namespace

MYNAH_VECTOR(vumull) { widening_product(v, false); }
MYNAH_VECTOR(vsmull) { widening_product(v, true); }
MYNAH_VECTOR(vpmull) { v.a.vpclmulqdq(v.to, v.x, v.y, v.inst.high_or_round() ? 0x11 : 0x00); }

namespace {

// Even and odd bytes as 16-bit lanes; their products are summed in pairs.
void dot_product(Vector& v, bool is_signed) {
  const x86::Xmm p = v.temp(0), q = v.temp(1);
  const uint32_t right = is_signed ? Id::kIdVpsraw : Id::kIdVpsrlw;
  if (is_signed) {
    v.op(Id::kIdVpsllw, p, v.y, 8u);
    v.op(Id::kIdVpsraw, p, p, 8u);
    v.op(Id::kIdVpsllw, q, v.z, 8u);
    v.op(Id::kIdVpsraw, q, q, 8u);
  } else {
    v.op(Id::kIdVpand, p, v.y, K::kLow8In16);
    v.op(Id::kIdVpand, q, v.z, K::kLow8In16);
  }
  v.a.vpmaddwd(p, p, q);
  v.op(right, v.s, v.y, 8u);
  v.op(right, v.t, v.z, 8u);
  v.a.vpmaddwd(v.s, v.s, v.t);
  v.a.vpaddd(p, p, v.s);
  v.a.vpaddd(v.to, v.x, p);
}

}  // namespace

MYNAH_VECTOR(vudot) { dot_product(v, false); }
MYNAH_VECTOR(vsdot) { dot_product(v, true); }

}  // namespace mynah::x86_64
