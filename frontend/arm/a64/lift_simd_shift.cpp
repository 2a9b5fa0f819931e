// SPDX-License-Identifier: Apache-2.0
//
// Advanced SIMD shift by immediate, vector and scalar (Arm ARM, C4.1.68), but for the conversions to and from
// fixed-point. The highest set bit of immh gives the lane; immh:immb is twice the lane's bits less a right
// shift, or the lane's bits plus a left shift.
#include "frontend/arm/a64/lift.h"
#include "frontend/arm/a64/lift_simd_shared.h"

namespace mynah::arm::a64 {

namespace {

constexpr unsigned kRounding = 1 << 4;

unsigned lane(uint32_t w) { return 31 - static_cast<unsigned>(__builtin_clz(immh(w))); }
unsigned lane_bits(uint32_t w) { return 8u << lane(w); }
unsigned right(uint32_t w) { return 2 * lane_bits(w) - immh_immb(w); }
unsigned left(uint32_t w) { return immh_immb(w) - lane_bits(w); }
Shape vector(uint32_t w) { return {false, Q(w) != 0, lane(w)}; }
Shape scalar(uint32_t w) { return {true, false, lane(w)}; }

Value shifted(Lifter& l, unsigned lane, Op op, Value v, unsigned amount) {
  return l.b.vec(op, lane, v, ir::kNoValue, ir::kNoValue, amount);
}

void shift_right(Lifter& l, uint32_t w, Shape s, Op op, bool accumulate = false) {
  if (!l.fp_access()) return;
  Value r = shifted(l, s.lane, op, lanes(l, s, rn(w)), right(w));
  if (accumulate) r = l.b.vec(Op::vadd, s.lane, l.v(rd(w)), r);
  put(l, s, rd(w), r);
}
void shift_left(Lifter& l, uint32_t w, Shape s) {
  if (!l.fp_access()) return;
  put(l, s, rd(w), shifted(l, s.lane, Op::vshl_imm, lanes(l, s, rn(w)), left(w)));
}
// The bits of d that the shifted source leaves free stay.
void shift_insert(Lifter& l, uint32_t w, Shape s, bool to_left) {
  if (!l.fp_access()) return;
  const uint64_t all = lane_mask(s.lane);
  const unsigned amount = to_left ? left(w) : right(w);
  const uint64_t inserted = amount == 64 ? 0 : to_left ? all << amount & all : all >> amount;
  const Value r = shifted(l, s.lane, to_left ? Op::vshl_imm : Op::vushr_imm, lanes(l, s, rn(w)), amount);
  const Value kept = l.b.vec(Op::vandn, 0, l.v(rd(w)), vector_of(l, s.lane, inserted));
  put(l, s, rd(w), l.b.vec(Op::vor, 0, kept, r));
}
void saturating_left(Lifter& l, uint32_t w, Shape s, Op op) {
  if (!l.fp_access()) return;
  put_clean(l, rd(w), l.b.vec(op, s.lane, clean(l, s, rn(w)), vector_of(l, s.lane, left(w))));
}
void saturating_left_unsigned(Lifter& l, uint32_t w, Shape s) {
  if (!l.fp_access()) return;
  put_clean(l, rd(w), shifted(l, s.lane, Op::vsqshlu, clean(l, s, rn(w)), left(w)));
}

// Narrowing: immh gives the narrow lane.
void narrow(Lifter& l, uint32_t w, Op shift) {
  if (!l.fp_access()) return;
  const unsigned wide = lane(w) + 1;
  put_narrow(l, w, l.b.vec(Op::vxtn, wide, shifted(l, wide, shift, l.v(rn(w)), right(w))));
}
void saturating_narrow(Lifter& l, uint32_t w, Op op, unsigned rounding) {
  if (!l.fp_access()) return;
  put_narrow(l, w, shifted(l, (lane(w) + 1) | rounding, op, l.v(rn(w)), right(w)));
}
void saturating_narrow_scalar(Lifter& l, uint32_t w, Op op, unsigned rounding) {
  if (!l.fp_access()) return;
  const unsigned wide = lane(w) + 1;
  put_clean(l, rd(w), shifted(l, wide | rounding, op, clean(l, {true, false, wide}, rn(w)), right(w)));
}
void widen(Lifter& l, uint32_t w, Op extend) {
  if (!l.fp_access()) return;
  const Value wide = l.b.vec(extend, lane(w), selected_half(l, w, rn(w)));
  l.set_v(rd(w), left(w) == 0 ? wide : shifted(l, lane(w) + 1, Op::vshl_imm, wide, left(w)));
}

}  // namespace

#define BOTH(id, f, ...)                                                          \
  void lift_##id##_vector(Lifter& l, Fields<Encoding::id##_vector> w) {           \
    f(l, w, vector(w) __VA_OPT__(, ) __VA_ARGS__);                                \
  }                                                                               \
  void lift_##id##_simd_scalar(Lifter& l, Fields<Encoding::id##_simd_scalar> w) { \
    f(l, w, scalar(w) __VA_OPT__(, ) __VA_ARGS__);                                \
  }
BOTH(sshr, shift_right, Op::vsshr_imm)
BOTH(ushr, shift_right, Op::vushr_imm)
BOTH(srshr, shift_right, Op::vsrshr_imm)
BOTH(urshr, shift_right, Op::vurshr_imm)
BOTH(ssra, shift_right, Op::vsshr_imm, true)
BOTH(usra, shift_right, Op::vushr_imm, true)
BOTH(srsra, shift_right, Op::vsrshr_imm, true)
BOTH(ursra, shift_right, Op::vurshr_imm, true)
BOTH(shl, shift_left)
BOTH(sli, shift_insert, true)
BOTH(sri, shift_insert, false)
BOTH(sqshl_immediate, saturating_left, Op::vsqshl)
BOTH(uqshl_immediate, saturating_left, Op::vuqshl)
BOTH(sqshlu, saturating_left_unsigned)
#undef BOTH

void lift_shrn(Lifter& l, Fields<Encoding::shrn> w) { narrow(l, w, Op::vushr_imm); }
void lift_rshrn(Lifter& l, Fields<Encoding::rshrn> w) { narrow(l, w, Op::vurshr_imm); }
void lift_sshll(Lifter& l, Fields<Encoding::sshll> w) { widen(l, w, Op::vsxtl); }
void lift_ushll(Lifter& l, Fields<Encoding::ushll> w) { widen(l, w, Op::vuxtl); }

#define NARROW(id, op, rounding)                                                  \
  void lift_##id##_vector(Lifter& l, Fields<Encoding::id##_vector> w) {           \
    saturating_narrow(l, w, op, rounding);                                        \
  }                                                                               \
  void lift_##id##_simd_scalar(Lifter& l, Fields<Encoding::id##_simd_scalar> w) { \
    saturating_narrow_scalar(l, w, op, rounding);                                 \
  }
NARROW(sqshrn, Op::vsqshrn, 0)
NARROW(uqshrn, Op::vuqshrn, 0)
NARROW(sqshrun, Op::vsqshrun, 0)
NARROW(sqrshrn, Op::vsqshrn, kRounding)
NARROW(uqrshrn, Op::vuqshrn, kRounding)
NARROW(sqrshrun, Op::vsqshrun, kRounding)
#undef NARROW

}  // namespace mynah::arm::a64
