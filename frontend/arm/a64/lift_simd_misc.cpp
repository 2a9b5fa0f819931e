// SPDX-License-Identifier: Apache-2.0
//
// Advanced SIMD two-register miscellaneous, scalar pairwise and across lanes: the integer instructions (Arm
// ARM, C4.1.68).
#include "frontend/arm/a64/lift.h"
#include "frontend/arm/a64/lift_simd_shared.h"

namespace mynah::arm::a64 {

namespace {

void two_misc(Lifter& l, uint32_t w, Shape s, Op op, uint64_t imm = 0) {
  if (!l.fp_access()) return;
  put(l, s, rd(w), l.b.vec(op, s.lane, lanes(l, s, rn(w)), ir::kNoValue, ir::kNoValue, imm));
}
void saturating(Lifter& l, uint32_t w, Shape s, Op op) {
  if (!l.fp_access()) return;
  put_clean(l, rd(w), l.b.vec(op, s.lane, clean(l, s, rn(w))));
}
// d + n, of different signedness
void saturating_accumulate(Lifter& l, uint32_t w, Shape s, Op op) {
  if (!l.fp_access()) return;
  put_clean(l, rd(w), l.b.vec(op, s.lane, clean(l, s, rd(w)), clean(l, s, rn(w))));
}
void compare_zero(Lifter& l, uint32_t w, Shape s, Op op, bool zero_first = false) {
  if (!l.fp_access()) return;
  const Value n = lanes(l, s, rn(w)), zero = vector_zero(l);
  put(l, s, rd(w), zero_first ? l.b.vec(op, s.lane, zero, n) : l.b.vec(op, s.lane, n, zero));
}
void add_long_pairwise(Lifter& l, uint32_t w, Op op, bool accumulate) {
  if (!l.fp_access()) return;
  const Shape s = vector_shape(w);
  Value r = l.b.vec(op, s.lane, l.v(rn(w)));
  if (accumulate) r = l.b.vec(Op::vadd, s.lane + 1, l.v(rd(w)), r);
  put(l, s, rd(w), r);
}

// Narrowing: size is the narrow lane's.
void narrow(Lifter& l, uint32_t w, Op op) {
  if (!l.fp_access()) return;
  put_narrow(l, w, l.b.vec(op, size(w) + 1, l.v(rn(w))));
}
void narrow_scalar(Lifter& l, uint32_t w, Op op) {
  if (!l.fp_access()) return;
  put_clean(l, rd(w), l.b.vec(op, size(w) + 1, clean(l, {true, false, size(w) + 1}, rn(w))));
}

}  // namespace

// --- bits and bytes
void lift_rev64(Lifter& l, Fields<Encoding::rev64> w) { two_misc(l, w, vector_shape(w), Op::vrev, 3); }
void lift_rev32_vector(Lifter& l, Fields<Encoding::rev32_vector> w) {
  two_misc(l, w, vector_shape(w), Op::vrev, 2);
}
void lift_rev16_vector(Lifter& l, Fields<Encoding::rev16_vector> w) {
  two_misc(l, w, vector_shape(w), Op::vrev, 1);
}
void lift_cls_vector(Lifter& l, Fields<Encoding::cls_vector> w) { two_misc(l, w, vector_shape(w), Op::vcls); }
void lift_clz_vector(Lifter& l, Fields<Encoding::clz_vector> w) { two_misc(l, w, vector_shape(w), Op::vclz); }
void lift_cnt(Lifter& l, Fields<Encoding::cnt> w) { two_misc(l, w, vector_shape(w, 0), Op::vcnt); }
void lift_not_vector(Lifter& l, Fields<Encoding::not_vector> w) {
  two_misc(l, w, vector_shape(w, 0), Op::vnot);
}
void lift_rbit_vector(Lifter& l, Fields<Encoding::rbit_vector> w) {
  two_misc(l, w, vector_shape(w, 0), Op::vrbit);
}

// --- arithmetic
void lift_saddlp(Lifter& l, Fields<Encoding::saddlp> w) { add_long_pairwise(l, w, Op::vsaddlp, false); }
void lift_uaddlp(Lifter& l, Fields<Encoding::uaddlp> w) { add_long_pairwise(l, w, Op::vuaddlp, false); }
void lift_sadalp(Lifter& l, Fields<Encoding::sadalp> w) { add_long_pairwise(l, w, Op::vsaddlp, true); }
void lift_uadalp(Lifter& l, Fields<Encoding::uadalp> w) { add_long_pairwise(l, w, Op::vuaddlp, true); }
void lift_urecpe(Lifter& l, Fields<Encoding::urecpe> w) { two_misc(l, w, vector_shape(w, 2), Op::vurecpe); }
void lift_ursqrte(Lifter& l, Fields<Encoding::ursqrte> w) {
  two_misc(l, w, vector_shape(w, 2), Op::vursqrte);
}
void lift_shll(Lifter& l, Fields<Encoding::shll> w) {
  if (!l.fp_access()) return;
  const Value wide = l.b.vec(Op::vuxtl, size(w), selected_half(l, w, rn(w)));
  l.set_v(rd(w), l.b.vec(Op::vshl_imm, size(w) + 1, wide, ir::kNoValue, ir::kNoValue, 8u << size(w)));
}

#define BOTH(id, f, vector, scalar, ...)                                                                \
  void lift_##id##_vector(Lifter& l, Fields<Encoding::id##_vector> w) { f(l, w, vector, __VA_ARGS__); } \
  void lift_##id##_simd_scalar(Lifter& l, Fields<Encoding::id##_simd_scalar> w) {                       \
    f(l, w, scalar, __VA_ARGS__);                                                                       \
  }
BOTH(abs, two_misc, vector_shape(w), kScalarD, Op::vabs)
BOTH(neg, two_misc, vector_shape(w), kScalarD, Op::vneg)
BOTH(cmgt_zero, compare_zero, vector_shape(w), kScalarD, Op::vcmgt)
BOTH(cmge_zero, compare_zero, vector_shape(w), kScalarD, Op::vcmge)
BOTH(cmeq_zero, compare_zero, vector_shape(w), kScalarD, Op::vcmeq)
BOTH(cmle_zero, compare_zero, vector_shape(w), kScalarD, Op::vcmge, true)
BOTH(cmlt_zero, compare_zero, vector_shape(w), kScalarD, Op::vcmgt, true)

// --- saturating
BOTH(sqabs, saturating, vector_shape(w), scalar_shape(w), Op::vsqabs)
BOTH(sqneg, saturating, vector_shape(w), scalar_shape(w), Op::vsqneg)
BOTH(suqadd, saturating_accumulate, vector_shape(w), scalar_shape(w), Op::vsuqadd)
BOTH(usqadd, saturating_accumulate, vector_shape(w), scalar_shape(w), Op::vusqadd)
#undef BOTH

// --- narrowing
void lift_xtn(Lifter& l, Fields<Encoding::xtn> w) { narrow(l, w, Op::vxtn); }
void lift_sqxtn_vector(Lifter& l, Fields<Encoding::sqxtn_vector> w) { narrow(l, w, Op::vsqxtn); }
void lift_uqxtn_vector(Lifter& l, Fields<Encoding::uqxtn_vector> w) { narrow(l, w, Op::vuqxtn); }
void lift_sqxtun_vector(Lifter& l, Fields<Encoding::sqxtun_vector> w) { narrow(l, w, Op::vsqxtun); }
void lift_sqxtn_simd_scalar(Lifter& l, Fields<Encoding::sqxtn_simd_scalar> w) {
  narrow_scalar(l, w, Op::vsqxtn);
}
void lift_uqxtn_simd_scalar(Lifter& l, Fields<Encoding::uqxtn_simd_scalar> w) {
  narrow_scalar(l, w, Op::vuqxtn);
}
void lift_sqxtun_simd_scalar(Lifter& l, Fields<Encoding::sqxtun_simd_scalar> w) {
  narrow_scalar(l, w, Op::vsqxtun);
}

// --- scalar pairwise
void lift_addp_simd_scalar(Lifter& l, Fields<Encoding::addp_simd_scalar> w) {
  if (!l.fp_access()) return;
  put(l, kScalarD, rd(w), l.b.vec(Op::vadd, 3, l.v(rn(w)), high64(l, l.v(rn(w)))));
}

// --- across lanes
namespace {
void across(Lifter& l, uint32_t w, Op op) {
  if (!l.fp_access()) return;
  const unsigned count = (Q(w) ? 16u : 8u) >> size(w);
  put_clean(l, rd(w), l.b.vec(op, size(w), l.v(rn(w)), ir::kNoValue, ir::kNoValue, count));
}
}  // namespace
void lift_addv(Lifter& l, Fields<Encoding::addv> w) { across(l, w, Op::vaddv); }
void lift_saddlv(Lifter& l, Fields<Encoding::saddlv> w) { across(l, w, Op::vsaddlv); }
void lift_uaddlv(Lifter& l, Fields<Encoding::uaddlv> w) { across(l, w, Op::vuaddlv); }
void lift_smaxv(Lifter& l, Fields<Encoding::smaxv> w) { across(l, w, Op::vsmaxv); }
void lift_sminv(Lifter& l, Fields<Encoding::sminv> w) { across(l, w, Op::vsminv); }
void lift_umaxv(Lifter& l, Fields<Encoding::umaxv> w) { across(l, w, Op::vumaxv); }
void lift_uminv(Lifter& l, Fields<Encoding::uminv> w) { across(l, w, Op::vuminv); }

}  // namespace mynah::arm::a64
