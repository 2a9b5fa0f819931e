// SPDX-License-Identifier: Apache-2.0
//
// Advanced SIMD three same, integer and logical, with their scalar forms, and the three-register extension
// but for complex numbers (Arm ARM, C4.1.68). The floating-point ones are in lift_simd_fp.cpp.
#include "frontend/arm/a64/lift.h"
#include "frontend/arm/a64/lift_simd_shared.h"

namespace mynah::arm::a64 {

namespace {

void three_same(Lifter& l, uint32_t w, Shape s, Op op) {
  if (!l.fp_access()) return;
  put(l, s, rd(w), l.b.vec(op, s.lane, lanes(l, s, rn(w)), lanes(l, s, rm(w))));
}
// Operations that saturate: zeros outside the shape give zeros and no flag. aux bit 4: rounding.
void saturating(Lifter& l, uint32_t w, Shape s, Op op, unsigned aux_high = 0) {
  if (!l.fp_access()) return;
  put_clean(l, rd(w), l.b.vec(op, s.lane | aux_high, clean(l, s, rn(w)), clean(l, s, rm(w))));
}
void saturating_accumulate(Lifter& l, uint32_t w, Shape s, Op op) {
  if (!l.fp_access()) return;
  put_clean(l, rd(w), l.b.vec(op, s.lane, clean(l, s, rd(w)), clean(l, s, rn(w)), clean(l, s, rm(w))));
}
// d = combine(d, op(n, m))
void accumulate(Lifter& l, uint32_t w, Op op, Op combine) {
  if (!l.fp_access()) return;
  const Shape s = vector_shape(w);
  const Value r = l.b.vec(op, s.lane, lanes(l, s, rn(w)), lanes(l, s, rm(w)));
  put(l, s, rd(w), l.b.vec(combine, s.lane, l.v(rd(w)), r));
}
void pairwise(Lifter& l, uint32_t w, Op op) {
  if (!l.fp_access()) return;
  const Shape s = vector_shape(w);
  const Pairs p = pairs_of(l, s, rn(w), rm(w));
  put(l, s, rd(w), l.b.vec(op, s.lane, p.even, p.odd));
}
constexpr unsigned kRounding = 1 << 4;

}  // namespace

#define VECTOR(id, op) \
  void lift_##id(Lifter& l, Fields<Encoding::id> w) { three_same(l, w, vector_shape(w), op); }
#define BOTH(id, op)                                                              \
  void lift_##id##_vector(Lifter& l, Fields<Encoding::id##_vector> w) {           \
    three_same(l, w, vector_shape(w), op);                                        \
  }                                                                               \
  void lift_##id##_simd_scalar(Lifter& l, Fields<Encoding::id##_simd_scalar> w) { \
    three_same(l, w, kScalarD, op);                                               \
  }
#define SATURATING(id, ...)                                                       \
  void lift_##id##_vector(Lifter& l, Fields<Encoding::id##_vector> w) {           \
    saturating(l, w, vector_shape(w), __VA_ARGS__);                               \
  }                                                                               \
  void lift_##id##_simd_scalar(Lifter& l, Fields<Encoding::id##_simd_scalar> w) { \
    saturating(l, w, scalar_shape(w), __VA_ARGS__);                               \
  }
#define SATURATING_ACCUMULATE(id, op)                                             \
  void lift_##id##_vector(Lifter& l, Fields<Encoding::id##_vector> w) {           \
    saturating_accumulate(l, w, vector_shape(w), op);                             \
  }                                                                               \
  void lift_##id##_simd_scalar(Lifter& l, Fields<Encoding::id##_simd_scalar> w) { \
    saturating_accumulate(l, w, scalar_shape(w), op);                             \
  }

// --- arithmetic
BOTH(add, Op::vadd)
BOTH(sub, Op::vsub)
VECTOR(mul_vector, Op::vmul)
VECTOR(shadd, Op::vshadd)
VECTOR(srhadd, Op::vsrhadd)
VECTOR(shsub, Op::vshsub)
VECTOR(uhadd, Op::vuhadd)
VECTOR(urhadd, Op::vurhadd)
VECTOR(uhsub, Op::vuhsub)
VECTOR(smax, Op::vsmax)
VECTOR(smin, Op::vsmin)
VECTOR(umax, Op::vumax)
VECTOR(umin, Op::vumin)
VECTOR(sabd, Op::vsabd)
VECTOR(uabd, Op::vuabd)
VECTOR(pmul, Op::vpmul)
void lift_saba(Lifter& l, Fields<Encoding::saba> w) { accumulate(l, w, Op::vsabd, Op::vadd); }
void lift_uaba(Lifter& l, Fields<Encoding::uaba> w) { accumulate(l, w, Op::vuabd, Op::vadd); }
void lift_mla_vector(Lifter& l, Fields<Encoding::mla_vector> w) { accumulate(l, w, Op::vmul, Op::vadd); }
void lift_mls_vector(Lifter& l, Fields<Encoding::mls_vector> w) { accumulate(l, w, Op::vmul, Op::vsub); }

// --- comparison
BOTH(cmgt_register, Op::vcmgt)
BOTH(cmge_register, Op::vcmge)
BOTH(cmhi_register, Op::vcmhi)
BOTH(cmhs_register, Op::vcmhs)
BOTH(cmeq_register, Op::vcmeq)
BOTH(cmtst, Op::vcmtst)

// --- shifts by a register
BOTH(sshl, Op::vsshl)
BOTH(srshl, Op::vsrshl)
BOTH(ushl, Op::vushl)
BOTH(urshl, Op::vurshl)

// --- saturating
SATURATING(sqadd, Op::vsqadd)
SATURATING(uqadd, Op::vuqadd)
SATURATING(sqsub, Op::vsqsub)
SATURATING(uqsub, Op::vuqsub)
SATURATING(sqshl_register, Op::vsqshl)
SATURATING(uqshl_register, Op::vuqshl)
SATURATING(sqrshl, Op::vsqrshl)
SATURATING(uqrshl, Op::vuqrshl)
SATURATING(sqdmulh, Op::vsqdmulh)
SATURATING(sqrdmulh, Op::vsqdmulh, kRounding)
SATURATING_ACCUMULATE(sqrdmlah, Op::vsqrdmlah)
SATURATING_ACCUMULATE(sqrdmlsh, Op::vsqrdmlsh)

#undef SATURATING_ACCUMULATE
#undef SATURATING
#undef BOTH
#undef VECTOR

// --- pairwise
void lift_addp_vector(Lifter& l, Fields<Encoding::addp_vector> w) { pairwise(l, w, Op::vadd); }
void lift_smaxp(Lifter& l, Fields<Encoding::smaxp> w) { pairwise(l, w, Op::vsmax); }
void lift_sminp(Lifter& l, Fields<Encoding::sminp> w) { pairwise(l, w, Op::vsmin); }
void lift_umaxp(Lifter& l, Fields<Encoding::umaxp> w) { pairwise(l, w, Op::vumax); }
void lift_uminp(Lifter& l, Fields<Encoding::uminp> w) { pairwise(l, w, Op::vumin); }

// --- logical
namespace {
void logical(Lifter& l, uint32_t w, Op op) { three_same(l, w, vector_shape(w, 0), op); }
void select_bits(Lifter& l, uint32_t w, unsigned mask, unsigned when_set, unsigned when_clear) {
  if (!l.fp_access()) return;
  put(l, vector_shape(w, 0), rd(w), l.b.vec(Op::vbsl, 0, l.v(mask), l.v(when_set), l.v(when_clear)));
}
}  // namespace
void lift_and_vector(Lifter& l, Fields<Encoding::and_vector> w) { logical(l, w, Op::vand); }
void lift_bic_vector_register(Lifter& l, Fields<Encoding::bic_vector_register> w) {
  logical(l, w, Op::vandn);
}
void lift_orr_vector_register(Lifter& l, Fields<Encoding::orr_vector_register> w) { logical(l, w, Op::vor); }
void lift_eor_vector(Lifter& l, Fields<Encoding::eor_vector> w) { logical(l, w, Op::vxor); }
void lift_orn_vector(Lifter& l, Fields<Encoding::orn_vector> w) {
  if (!l.fp_access()) return;
  put(l, vector_shape(w, 0), rd(w), l.b.vec(Op::vor, 0, l.v(rn(w)), l.b.vec(Op::vnot, 0, l.v(rm(w)))));
}
void lift_bsl(Lifter& l, Fields<Encoding::bsl> w) { select_bits(l, w, rd(w), rn(w), rm(w)); }
void lift_bit(Lifter& l, Fields<Encoding::bit> w) { select_bits(l, w, rm(w), rn(w), rd(w)); }
void lift_bif(Lifter& l, Fields<Encoding::bif> w) { select_bits(l, w, rm(w), rd(w), rn(w)); }

// --- dot products
namespace {
void dot(Lifter& l, uint32_t w, Op op) {
  if (!l.fp_access()) return;
  put(l, vector_shape(w, 2), rd(w), l.b.vec(op, 0, l.v(rd(w)), l.v(rn(w)), l.v(rm(w))));
}
}  // namespace
void lift_sdot_vector(Lifter& l, Fields<Encoding::sdot_vector> w) { dot(l, w, Op::vsdot); }
void lift_udot_vector(Lifter& l, Fields<Encoding::udot_vector> w) { dot(l, w, Op::vudot); }

}  // namespace mynah::arm::a64
