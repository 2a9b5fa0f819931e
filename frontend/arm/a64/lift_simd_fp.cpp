// SPDX-License-Identifier: Apache-2.0
//
// Advanced SIMD floating-point arithmetic on vectors and SIMD scalars: three registers, two registers,
// pairwise and across lanes (Arm ARM, C4.1.68). By-element forms are in lift_simd_element.cpp.
#include "frontend/arm/a64/lift.h"
#include "frontend/arm/a64/lift_simd_shared.h"

namespace mynah::arm::a64 {

// Defines the lift functions of the forms that a mnemonic has, each a call of f(l, w, shape, ...).
#define VECTOR(id, f, ...)                                                        \
  void lift_##id##_vector(Lifter& l, Fields<Encoding::id##_vector> w) {           \
    f(l, w, fp_vector(w), __VA_ARGS__);                                           \
  }                                                                               \
  void lift_##id##_vector_half(Lifter& l, Fields<Encoding::id##_vector_half> w) { \
    f(l, w, fp_vector_half(w), __VA_ARGS__);                                      \
  }
#define SIMD_SCALAR(id, f, ...)                                                             \
  void lift_##id##_simd_scalar(Lifter& l, Fields<Encoding::id##_simd_scalar> w) {           \
    f(l, w, fp_simd_scalar(w), __VA_ARGS__);                                                \
  }                                                                                         \
  void lift_##id##_simd_scalar_half(Lifter& l, Fields<Encoding::id##_simd_scalar_half> w) { \
    f(l, w, kScalarHalf, __VA_ARGS__);                                                      \
  }
#define BOTH(id, f, ...)     \
  VECTOR(id, f, __VA_ARGS__) \
  SIMD_SCALAR(id, f, __VA_ARGS__)

namespace {

// Zeros above a vector of 64 bits raise nothing in these.
void three_same(Lifter& l, uint32_t w, Shape s, Op op) {
  if (!l.fp_access()) return;
  fp_put(l, s, rd(w), fp_op(l, s, op, fp_source(l, s, rn(w)), fp_source(l, s, rm(w))));
}
void divide(Lifter& l, uint32_t w, Shape s, Op op) {
  if (!l.fp_access()) return;
  fp_put(l, s, rd(w), fp_op(l, s, op, fp_source_nonzero(l, s, rn(w)), fp_source_nonzero(l, s, rm(w))));
}
void multiply_accumulate(Lifter& l, uint32_t w, Shape s, bool subtract) {
  if (!l.fp_access()) return;
  Value n = fp_source(l, s, rn(w));
  if (subtract) n = fp_op(l, s, Op::fneg, n);
  fp_put(l, s, rd(w), fp_op(l, s, Op::fma, n, fp_source(l, s, rm(w)), fp_source(l, s, rd(w))));
}
void absolute_difference(Lifter& l, uint32_t w, Shape s, Op op) {
  if (!l.fp_access()) return;
  const Value difference = fp_op(l, s, op, fp_source(l, s, rn(w)), fp_source(l, s, rm(w)));
  fp_put(l, s, rd(w), fp_op(l, s, Op::fabs, difference));
}

}  // namespace

// --- three registers
VECTOR(fadd, three_same, Op::fadd)
VECTOR(fsub, three_same, Op::fsub)
VECTOR(fmul, three_same, Op::fmul)
VECTOR(fdiv, divide, Op::fdiv)
VECTOR(fmax, three_same, Op::fmax)
VECTOR(fmin, three_same, Op::fmin)
VECTOR(fmaxnm, three_same, Op::fmaxnm)
VECTOR(fminnm, three_same, Op::fminnm)
VECTOR(fmla, multiply_accumulate, false)
VECTOR(fmls, multiply_accumulate, true)
BOTH(fmulx, three_same, Op::fmulx)
BOTH(fabd, absolute_difference, Op::fsub)
BOTH(frecps, three_same, Op::frecps)
BOTH(frsqrts, three_same, Op::frsqrts)
BOTH(fcmeq_register, three_same, Op::fcmeq)
BOTH(fcmge_register, three_same, Op::fcmge)
BOTH(fcmgt_register, three_same, Op::fcmgt)
BOTH(facge, three_same, Op::facge)
BOTH(facgt, three_same, Op::facgt)

// --- complex numbers
void lift_fcadd(Lifter& l, Fields<Encoding::fcadd> w) {
  if (!l.fp_access()) return;
  const Shape s = vector_shape(w);
  const Value n = fp_source(l, s, rn(w)), m = fp_source(l, s, rm(w));
  fp_put(l, s, rd(w), fp_op(l, s, Op::fcadd, n, m, ir::kNoValue, w["rot"]));
}
void lift_fcmla_vector(Lifter& l, Fields<Encoding::fcmla_vector> w) {
  if (!l.fp_access()) return;
  const Shape s = vector_shape(w);
  fp_put(l, s, rd(w),
         fp_op(l, s, Op::fcmla, fp_source(l, s, rd(w)), fp_source(l, s, rn(w)), fp_source(l, s, rm(w)),
               w["rot"]));
}

// --- two registers
namespace {
void two_misc(Lifter& l, uint32_t w, Shape s, Op op) {
  if (!l.fp_access()) return;
  fp_put(l, s, rd(w), fp_op(l, s, op, fp_source(l, s, rn(w))));
}
void estimate(Lifter& l, uint32_t w, Shape s, Op op) {
  if (!l.fp_access()) return;
  fp_put(l, s, rd(w), fp_op(l, s, op, fp_source_nonzero(l, s, rn(w))));
}
void change_sign(Lifter& l, uint32_t w, Shape s, Op op) {
  if (!l.fp_access()) return;
  put(l, s, rd(w), fp_op(l, s, op, l.v(rn(w))));
}
void compare_zero(Lifter& l, uint32_t w, Shape s, Op op, bool zero_first = false) {
  if (!l.fp_access()) return;
  const Value n = fp_source(l, s, rn(w)), zero = fp_zero(l, s);
  fp_put(l, s, rd(w), zero_first ? fp_op(l, s, op, zero, n) : fp_op(l, s, op, n, zero));
}
}  // namespace
VECTOR(fabs, change_sign, Op::fabs)
VECTOR(fneg, change_sign, Op::fneg)
VECTOR(fsqrt, two_misc, Op::fsqrt)
BOTH(frecpe, estimate, Op::frecpe)
BOTH(frsqrte, estimate, Op::frsqrte)
SIMD_SCALAR(frecpx, two_misc, Op::frecpx)
BOTH(fcmeq_zero, compare_zero, Op::fcmeq)
BOTH(fcmge_zero, compare_zero, Op::fcmge)
BOTH(fcmgt_zero, compare_zero, Op::fcmgt)
BOTH(fcmle_zero, compare_zero, Op::fcmge, true)
BOTH(fcmlt_zero, compare_zero, Op::fcmgt, true)

// --- pairwise
namespace {
void pairwise(Lifter& l, uint32_t w, Shape s, Op op) {
  if (!l.fp_access()) return;
  const Pairs p = pairs_of(l, s, rn(w), rm(w));
  put(l, s, rd(w), fp_op(l, s, op, p.even, p.odd));
}
void scalar_pairwise(Lifter& l, uint32_t w, Shape s, Op op) {
  if (!l.fp_access()) return;
  fp_put(l, s, rd(w), fp_op(l, s, op, fp_lane(l, s, rn(w), 0), fp_lane(l, s, rn(w), 1)));
}
}  // namespace
VECTOR(faddp, pairwise, Op::fadd)
VECTOR(fmaxp, pairwise, Op::fmax)
VECTOR(fminp, pairwise, Op::fmin)
VECTOR(fmaxnmp, pairwise, Op::fmaxnm)
VECTOR(fminnmp, pairwise, Op::fminnm)
SIMD_SCALAR(faddp, scalar_pairwise, Op::fadd)
SIMD_SCALAR(fmaxp, scalar_pairwise, Op::fmax)
SIMD_SCALAR(fminp, scalar_pairwise, Op::fmin)
SIMD_SCALAR(fmaxnmp, scalar_pairwise, Op::fmaxnm)
SIMD_SCALAR(fminnmp, scalar_pairwise, Op::fminnm)

// --- across lanes: neighbours first, then the results' neighbours, as Reduce() splits a vector
namespace {
void across(Lifter& l, uint32_t w, Shape s, Op op) {
  if (!l.fp_access()) return;
  Value v = s.q ? l.v(rn(w)) : duplicate_lane(l, 3, rn(w), 0);
  for (unsigned count = (s.q ? 16u : 8u) >> s.lane; count > 1; count /= 2) {
    v = l.b.vec(op, s.lane, l.b.vec(Op::vuzp1, s.lane, v, v), l.b.vec(Op::vuzp2, s.lane, v, v));
  }
  put(l, {true, false, s.lane}, rd(w), v);
}
}  // namespace
#define ACROSS(id, op)                                                                      \
  void lift_##id(Lifter& l, Fields<Encoding::id> w) { across(l, w, {false, true, 2}, op); } \
  void lift_##id##_half(Lifter& l, Fields<Encoding::id##_half> w) { across(l, w, fp_vector_half(w), op); }
ACROSS(fmaxv, Op::fmax)
ACROSS(fminv, Op::fmin)
ACROSS(fmaxnmv, Op::fmaxnm)
ACROSS(fminnmv, Op::fminnm)
#undef ACROSS
#undef BOTH
#undef SIMD_SCALAR
#undef VECTOR

}  // namespace mynah::arm::a64
