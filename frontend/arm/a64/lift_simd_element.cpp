// SPDX-License-Identifier: Apache-2.0
//
// Advanced SIMD vector x indexed element, and its scalar forms (Arm ARM, C4.1.68).
#include "frontend/arm/a64/lift.h"
#include "frontend/arm/a64/lift_simd_shared.h"

namespace mynah::arm::a64 {

namespace {

constexpr unsigned kHighLanes = 1 << 4;
constexpr unsigned kRounding = 1 << 4;

// Which lane of which register: the index is H:L:M for halfwords, H:L for words, H for doublewords; where M
// is no part of it, it extends rm.
struct Element {
  unsigned n, index;
};
Element element(uint32_t w, unsigned lane) {
  switch (lane) {
    case 1:
      return {rm_low(w), H(w) << 2 | L(w) << 1 | M(w)};
    case 2:
      return {M(w) << 4 | rm_low(w), H(w) << 1 | L(w)};
    default:
      return {M(w) << 4 | rm_low(w), H(w)};
  }
}
Value element_in_all(Lifter& l, uint32_t w, unsigned lane) {
  const Element e = element(w, lane);
  return duplicate_lane(l, lane, e.n, e.index);
}

// combine is Op::konst where the product is the result.
void multiply(Lifter& l, uint32_t w, Op combine = Op::konst) {
  if (!l.fp_access()) return;
  const Shape s = vector_shape(w);
  const Value product = l.b.vec(Op::vmul, s.lane, l.v(rn(w)), element_in_all(l, w, s.lane));
  put(l, s, rd(w), combine == Op::konst ? product : l.b.vec(combine, s.lane, l.v(rd(w)), product));
}
void multiply_long(Lifter& l, uint32_t w, Op op, Op combine = Op::konst) {
  if (!l.fp_access()) return;
  const unsigned lane = size(w);
  const Value product = l.b.vec(op, lane | (Q(w) ? kHighLanes : 0), l.v(rn(w)), element_in_all(l, w, lane));
  l.set_v(rd(w), combine == Op::konst ? product : l.b.vec(combine, lane + 1, l.v(rd(w)), product));
}

// In saturating instructions a clean first operand makes the products outside the shape zero.
void doubling_multiply_long(Lifter& l, uint32_t w, Shape s, Op combine = Op::konst) {
  if (!l.fp_access()) return;
  const Value n = s.scalar ? clean(l, s, rn(w)) : selected_half(l, w, rn(w));
  const Value product = l.b.vec(Op::vsqdmull, s.lane, n, element_in_all(l, w, s.lane));
  if (combine == Op::konst) return put_clean(l, rd(w), product);
  const Shape wide = {s.scalar, true, s.lane + 1};
  put_clean(l, rd(w), l.b.vec(combine, wide.lane, clean(l, wide, rd(w)), product));
}
void doubling_multiply_high(Lifter& l, uint32_t w, Shape s, unsigned rounding) {
  if (!l.fp_access()) return;
  put_clean(l, rd(w),
            l.b.vec(Op::vsqdmulh, s.lane | rounding, clean(l, s, rn(w)), element_in_all(l, w, s.lane)));
}
void doubling_multiply_accumulate(Lifter& l, uint32_t w, Shape s, Op op) {
  if (!l.fp_access()) return;
  put_clean(l, rd(w),
            l.b.vec(op, s.lane, clean(l, s, rd(w)), clean(l, s, rn(w)), element_in_all(l, w, s.lane)));
}
void dot(Lifter& l, uint32_t w, Op op) {
  if (!l.fp_access()) return;
  put(l, vector_shape(w, 2), rd(w), l.b.vec(op, 0, l.v(rd(w)), l.v(rn(w)), element_in_all(l, w, 2)));
}

}  // namespace

void lift_mul_element(Lifter& l, Fields<Encoding::mul_element> w) { multiply(l, w); }
void lift_mla_element(Lifter& l, Fields<Encoding::mla_element> w) { multiply(l, w, Op::vadd); }
void lift_mls_element(Lifter& l, Fields<Encoding::mls_element> w) { multiply(l, w, Op::vsub); }
void lift_smull_element(Lifter& l, Fields<Encoding::smull_element> w) { multiply_long(l, w, Op::vsmull); }
void lift_umull_element(Lifter& l, Fields<Encoding::umull_element> w) { multiply_long(l, w, Op::vumull); }
void lift_smlal_element(Lifter& l, Fields<Encoding::smlal_element> w) {
  multiply_long(l, w, Op::vsmull, Op::vadd);
}
void lift_umlal_element(Lifter& l, Fields<Encoding::umlal_element> w) {
  multiply_long(l, w, Op::vumull, Op::vadd);
}
void lift_smlsl_element(Lifter& l, Fields<Encoding::smlsl_element> w) {
  multiply_long(l, w, Op::vsmull, Op::vsub);
}
void lift_umlsl_element(Lifter& l, Fields<Encoding::umlsl_element> w) {
  multiply_long(l, w, Op::vumull, Op::vsub);
}
void lift_sdot_element(Lifter& l, Fields<Encoding::sdot_element> w) { dot(l, w, Op::vsdot); }
void lift_udot_element(Lifter& l, Fields<Encoding::udot_element> w) { dot(l, w, Op::vudot); }

#define BOTH(id, f, ...)                                                                          \
  void lift_##id##_element(Lifter& l, Fields<Encoding::id##_element> w) {                         \
    f(l, w, vector_shape(w) __VA_OPT__(, ) __VA_ARGS__);                                          \
  }                                                                                               \
  void lift_##id##_element_simd_scalar(Lifter& l, Fields<Encoding::id##_element_simd_scalar> w) { \
    f(l, w, scalar_shape(w) __VA_OPT__(, ) __VA_ARGS__);                                          \
  }
BOTH(sqdmull, doubling_multiply_long)
BOTH(sqdmlal, doubling_multiply_long, Op::vsqadd)
BOTH(sqdmlsl, doubling_multiply_long, Op::vsqsub)
BOTH(sqdmulh, doubling_multiply_high, 0)
BOTH(sqrdmulh, doubling_multiply_high, kRounding)
BOTH(sqrdmlah, doubling_multiply_accumulate, Op::vsqrdmlah)
BOTH(sqrdmlsh, doubling_multiply_accumulate, Op::vsqrdmlsh)
#undef BOTH

// --- floating point
namespace {
// Zero outside the shape like every source: zero times infinity would raise an exception.
Value fp_element(Lifter& l, uint32_t w, Shape s) {
  const Element e = element(w, s.lane);
  return s.scalar ? fp_lane(l, s, e.n, e.index)
                  : clear_outside(l, s, duplicate_lane(l, s.lane, e.n, e.index));
}
void fp_multiply(Lifter& l, uint32_t w, Shape s, Op op) {
  if (!l.fp_access()) return;
  fp_put(l, s, rd(w), fp_op(l, s, op, fp_source(l, s, rn(w)), fp_element(l, w, s)));
}
void fp_multiply_accumulate(Lifter& l, uint32_t w, Shape s, bool subtract) {
  if (!l.fp_access()) return;
  Value n = fp_source(l, s, rn(w));
  if (subtract) n = fp_op(l, s, Op::fneg, n);
  fp_put(l, s, rd(w), fp_op(l, s, Op::fma, n, fp_element(l, w, s), fp_source(l, s, rd(w))));
}
}  // namespace
#define FP(id, f, argument)                                                                                  \
  void lift_##id##_element(Lifter& l, Fields<Encoding::id##_element> w) { f(l, w, fp_vector(w), argument); } \
  void lift_##id##_element_half(Lifter& l, Fields<Encoding::id##_element_half> w) {                          \
    f(l, w, fp_vector_half(w), argument);                                                                    \
  }                                                                                                          \
  void lift_##id##_element_simd_scalar(Lifter& l, Fields<Encoding::id##_element_simd_scalar> w) {            \
    f(l, w, fp_simd_scalar(w), argument);                                                                    \
  }                                                                                                          \
  void lift_##id##_element_simd_scalar_half(Lifter& l, Fields<Encoding::id##_element_simd_scalar_half> w) {  \
    f(l, w, kScalarHalf, argument);                                                                          \
  }
FP(fmul, fp_multiply, Op::fmul)
FP(fmulx, fp_multiply, Op::fmulx)
FP(fmla, fp_multiply_accumulate, false)
FP(fmls, fp_multiply_accumulate, true)
#undef FP

// The element is a complex number, two lanes.
void lift_fcmla_element(Lifter& l, Fields<Encoding::fcmla_element> w) {
  if (!l.fp_access()) return;
  const Shape s = vector_shape(w);
  const Element e = element(w, s.lane + 1);
  const Value m = clear_outside(l, s, duplicate_lane(l, s.lane + 1, e.n, e.index));
  fp_put(l, s, rd(w), fp_op(l, s, Op::fcmla, fp_source(l, s, rd(w)), fp_source(l, s, rn(w)), m, w["rot"]));
}

}  // namespace mynah::arm::a64
