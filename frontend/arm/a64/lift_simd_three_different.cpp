// SPDX-License-Identifier: Apache-2.0
//
// Advanced SIMD three different: long, wide and narrow instructions (Arm ARM, C4.1.68). Q selects the half of
// the narrow registers, sources or destination.
#include "frontend/arm/a64/lift.h"
#include "frontend/arm/a64/lift_simd_shared.h"

namespace mynah::arm::a64 {

namespace {

constexpr unsigned kHighLanes = 1 << 4;

Value widened_half(Lifter& l, uint32_t w, unsigned n, Op extend) {
  return l.b.vec(extend, size(w), selected_half(l, w, n));
}
void add_long(Lifter& l, uint32_t w, Op extend, Op op) {
  if (!l.fp_access()) return;
  const Value n = widened_half(l, w, rn(w), extend), m = widened_half(l, w, rm(w), extend);
  l.set_v(rd(w), l.b.vec(op, size(w) + 1, n, m));
}
void add_wide(Lifter& l, uint32_t w, Op extend, Op op) {
  if (!l.fp_access()) return;
  l.set_v(rd(w), l.b.vec(op, size(w) + 1, l.v(rn(w)), widened_half(l, w, rm(w), extend)));
}
void add_high_narrow(Lifter& l, uint32_t w, Op op, bool rounding) {
  if (!l.fp_access()) return;
  const unsigned wide = size(w) + 1, bits = 8u << size(w);
  Value r = l.b.vec(op, wide, l.v(rn(w)), l.v(rm(w)));
  if (rounding) r = l.b.vec(Op::vadd, wide, r, vector_of(l, wide, uint64_t{1} << (bits - 1)));
  r = l.b.vec(Op::vushr_imm, wide, r, ir::kNoValue, ir::kNoValue, bits);
  put_narrow(l, w, l.b.vec(Op::vxtn, wide, r));
}
// The difference of two lanes fits a lane of the same size, unsigned.
void absolute_difference_long(Lifter& l, uint32_t w, Op op, bool accumulate) {
  if (!l.fp_access()) return;
  const Value narrow = l.b.vec(op, size(w), selected_half(l, w, rn(w)), selected_half(l, w, rm(w)));
  const Value wide = l.b.vec(Op::vuxtl, size(w), narrow);
  l.set_v(rd(w), accumulate ? l.b.vec(Op::vadd, size(w) + 1, l.v(rd(w)), wide) : wide);
}

// combine is Op::konst where the product is the result.
void multiply_long(Lifter& l, uint32_t w, Op op, Op combine = Op::konst) {
  if (!l.fp_access()) return;
  const Value product = l.b.vec(op, size(w) | (Q(w) ? kHighLanes : 0), l.v(rn(w)), l.v(rm(w)));
  l.set_v(rd(w), combine == Op::konst ? product : l.b.vec(combine, size(w) + 1, l.v(rd(w)), product));
}

void doubling_multiply_long(Lifter& l, uint32_t w, Shape s, Op combine = Op::konst) {
  if (!l.fp_access()) return;
  const auto source = [&](unsigned n) { return s.scalar ? clean(l, s, n) : selected_half(l, w, n); };
  const Value product = l.b.vec(Op::vsqdmull, s.lane, source(rn(w)), source(rm(w)));
  if (combine == Op::konst) return put_clean(l, rd(w), product);
  const Shape wide = {s.scalar, true, s.lane + 1};
  put_clean(l, rd(w), l.b.vec(combine, wide.lane, clean(l, wide, rd(w)), product));
}

}  // namespace

void lift_saddl(Lifter& l, Fields<Encoding::saddl> w) { add_long(l, w, Op::vsxtl, Op::vadd); }
void lift_uaddl(Lifter& l, Fields<Encoding::uaddl> w) { add_long(l, w, Op::vuxtl, Op::vadd); }
void lift_ssubl(Lifter& l, Fields<Encoding::ssubl> w) { add_long(l, w, Op::vsxtl, Op::vsub); }
void lift_usubl(Lifter& l, Fields<Encoding::usubl> w) { add_long(l, w, Op::vuxtl, Op::vsub); }
void lift_saddw(Lifter& l, Fields<Encoding::saddw> w) { add_wide(l, w, Op::vsxtl, Op::vadd); }
void lift_uaddw(Lifter& l, Fields<Encoding::uaddw> w) { add_wide(l, w, Op::vuxtl, Op::vadd); }
void lift_ssubw(Lifter& l, Fields<Encoding::ssubw> w) { add_wide(l, w, Op::vsxtl, Op::vsub); }
void lift_usubw(Lifter& l, Fields<Encoding::usubw> w) { add_wide(l, w, Op::vuxtl, Op::vsub); }

void lift_addhn(Lifter& l, Fields<Encoding::addhn> w) { add_high_narrow(l, w, Op::vadd, false); }
void lift_raddhn(Lifter& l, Fields<Encoding::raddhn> w) { add_high_narrow(l, w, Op::vadd, true); }
void lift_subhn(Lifter& l, Fields<Encoding::subhn> w) { add_high_narrow(l, w, Op::vsub, false); }
void lift_rsubhn(Lifter& l, Fields<Encoding::rsubhn> w) { add_high_narrow(l, w, Op::vsub, true); }

void lift_sabal(Lifter& l, Fields<Encoding::sabal> w) { absolute_difference_long(l, w, Op::vsabd, true); }
void lift_uabal(Lifter& l, Fields<Encoding::uabal> w) { absolute_difference_long(l, w, Op::vuabd, true); }
void lift_sabdl(Lifter& l, Fields<Encoding::sabdl> w) { absolute_difference_long(l, w, Op::vsabd, false); }
void lift_uabdl(Lifter& l, Fields<Encoding::uabdl> w) { absolute_difference_long(l, w, Op::vuabd, false); }

void lift_smull_vector(Lifter& l, Fields<Encoding::smull_vector> w) { multiply_long(l, w, Op::vsmull); }
void lift_umull_vector(Lifter& l, Fields<Encoding::umull_vector> w) { multiply_long(l, w, Op::vumull); }
void lift_smlal_vector(Lifter& l, Fields<Encoding::smlal_vector> w) {
  multiply_long(l, w, Op::vsmull, Op::vadd);
}
void lift_umlal_vector(Lifter& l, Fields<Encoding::umlal_vector> w) {
  multiply_long(l, w, Op::vumull, Op::vadd);
}
void lift_smlsl_vector(Lifter& l, Fields<Encoding::smlsl_vector> w) {
  multiply_long(l, w, Op::vsmull, Op::vsub);
}
void lift_umlsl_vector(Lifter& l, Fields<Encoding::umlsl_vector> w) {
  multiply_long(l, w, Op::vumull, Op::vsub);
}
void lift_pmull(Lifter& l, Fields<Encoding::pmull> w) { multiply_long(l, w, Op::vpmull); }
void lift_pmull_64(Lifter& l, Fields<Encoding::pmull_64> w) { multiply_long(l, w, Op::vpmull); }

void lift_sqdmull_vector(Lifter& l, Fields<Encoding::sqdmull_vector> w) {
  doubling_multiply_long(l, w, vector_shape(w));
}
void lift_sqdmlal_vector(Lifter& l, Fields<Encoding::sqdmlal_vector> w) {
  doubling_multiply_long(l, w, vector_shape(w), Op::vsqadd);
}
void lift_sqdmlsl_vector(Lifter& l, Fields<Encoding::sqdmlsl_vector> w) {
  doubling_multiply_long(l, w, vector_shape(w), Op::vsqsub);
}
void lift_sqdmull_simd_scalar(Lifter& l, Fields<Encoding::sqdmull_simd_scalar> w) {
  doubling_multiply_long(l, w, scalar_shape(w));
}
void lift_sqdmlal_simd_scalar(Lifter& l, Fields<Encoding::sqdmlal_simd_scalar> w) {
  doubling_multiply_long(l, w, scalar_shape(w), Op::vsqadd);
}
void lift_sqdmlsl_simd_scalar(Lifter& l, Fields<Encoding::sqdmlsl_simd_scalar> w) {
  doubling_multiply_long(l, w, scalar_shape(w), Op::vsqsub);
}

}  // namespace mynah::arm::a64
