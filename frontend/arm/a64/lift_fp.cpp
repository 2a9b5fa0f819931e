// SPDX-License-Identifier: Apache-2.0
//
// Data processing, scalar floating-point (Arm ARM, C4.1.68): arithmetic, comparison, selection and moves.
// Conversions and rounding are in lift_fp_convert.cpp.
#include "frontend/arm/a64/lift.h"
#include "frontend/arm/a64/lift_simd_shared.h"

namespace mynah::arm::a64 {

// --- moves
void lift_fmov_to_general(Lifter& l, Fields<Encoding::fmov_to_general> w) {
  if (!l.fp_access()) return;
  const unsigned lane = lane_of_ptype(ptype(w));
  l.set_x(rd(w), l.b.emit(Op::vextract, lane == 3 ? Type::i64 : Type::i32, l.v(rn(w)), ir::kNoValue,
                          ir::kNoValue, 0, static_cast<uint8_t>(lane)));
}
void lift_fmov_from_general(Lifter& l, Fields<Encoding::fmov_from_general> w) {
  if (!l.fp_access()) return;
  const unsigned lane = lane_of_ptype(ptype(w));
  Value v = l.reg(lane == 3, rn(w));
  if (lane == 1) v = l.b.unary(Op::zext16, v);
  l.set_v(rd(w), l.b.emit(Op::vfrom_gpr, Type::v128, v));
}
void lift_fmov_to_general_top(Lifter& l, Fields<Encoding::fmov_to_general_top> w) {
  if (!l.fp_access()) return;
  l.set_x(rd(w), l.b.emit(Op::vextract, Type::i64, l.v(rn(w)), ir::kNoValue, ir::kNoValue, 1, 3));
}
void lift_fmov_from_general_top(Lifter& l, Fields<Encoding::fmov_from_general_top> w) {
  if (!l.fp_access()) return;
  l.set_v(rd(w), l.b.vec(Op::vinsert, 3, l.v(rd(w)), l.x(rn(w)), ir::kNoValue, 1));
}
void lift_fmov_register(Lifter& l, Fields<Encoding::fmov_register> w) {
  if (!l.fp_access()) return;
  l.set_scalar(rd(w), l.scalar(fp_type(fp_scalar(w).lane), rn(w)));
}
void lift_fmov_scalar_immediate(Lifter& l, Fields<Encoding::fmov_scalar_immediate> w) {
  if (!l.fp_access()) return;
  l.set_v(rd(w), l.b.konst_v128(vfp_expand_imm(imm8(w), fp_scalar(w).lane), 0));
}

// --- one source
namespace {
void unary(Lifter& l, uint32_t w, Op op) {
  if (!l.fp_access()) return;
  const Shape s = fp_scalar(w);
  fp_put(l, s, rd(w), fp_op(l, s, op, fp_source(l, s, rn(w))));
}
}  // namespace
void lift_fabs_scalar(Lifter& l, Fields<Encoding::fabs_scalar> w) { unary(l, w, Op::fabs); }
void lift_fneg_scalar(Lifter& l, Fields<Encoding::fneg_scalar> w) { unary(l, w, Op::fneg); }
void lift_fsqrt_scalar(Lifter& l, Fields<Encoding::fsqrt_scalar> w) { unary(l, w, Op::fsqrt); }

// --- two sources
namespace {
void binary(Lifter& l, uint32_t w, Op op, bool negate = false) {
  if (!l.fp_access()) return;
  const Shape s = fp_scalar(w);
  const Value result = fp_op(l, s, op, fp_source(l, s, rn(w)), fp_source(l, s, rm(w)));
  fp_put(l, s, rd(w), negate ? fp_op(l, s, Op::fneg, result) : result);
}
}  // namespace
void lift_fmul_scalar(Lifter& l, Fields<Encoding::fmul_scalar> w) { binary(l, w, Op::fmul); }
void lift_fdiv_scalar(Lifter& l, Fields<Encoding::fdiv_scalar> w) { binary(l, w, Op::fdiv); }
void lift_fadd_scalar(Lifter& l, Fields<Encoding::fadd_scalar> w) { binary(l, w, Op::fadd); }
void lift_fsub_scalar(Lifter& l, Fields<Encoding::fsub_scalar> w) { binary(l, w, Op::fsub); }
void lift_fmax_scalar(Lifter& l, Fields<Encoding::fmax_scalar> w) { binary(l, w, Op::fmax); }
void lift_fmin_scalar(Lifter& l, Fields<Encoding::fmin_scalar> w) { binary(l, w, Op::fmin); }
void lift_fmaxnm_scalar(Lifter& l, Fields<Encoding::fmaxnm_scalar> w) { binary(l, w, Op::fmaxnm); }
void lift_fminnm_scalar(Lifter& l, Fields<Encoding::fminnm_scalar> w) { binary(l, w, Op::fminnm); }
void lift_fnmul(Lifter& l, Fields<Encoding::fnmul> w) { binary(l, w, Op::fmul, true); }

// --- three sources
namespace {
void multiply_add(Lifter& l, uint32_t w, bool negate_product, bool negate_addend) {
  if (!l.fp_access()) return;
  const Shape s = fp_scalar(w);
  Value n = fp_source(l, s, rn(w)), a = fp_source(l, s, ra(w));
  if (negate_product) n = fp_op(l, s, Op::fneg, n);
  if (negate_addend) a = fp_op(l, s, Op::fneg, a);
  fp_put(l, s, rd(w), fp_op(l, s, Op::fma, n, fp_source(l, s, rm(w)), a));
}
}  // namespace
void lift_fmadd(Lifter& l, Fields<Encoding::fmadd> w) { multiply_add(l, w, false, false); }
void lift_fmsub(Lifter& l, Fields<Encoding::fmsub> w) { multiply_add(l, w, true, false); }
void lift_fnmadd(Lifter& l, Fields<Encoding::fnmadd> w) { multiply_add(l, w, true, true); }
void lift_fnmsub(Lifter& l, Fields<Encoding::fnmsub> w) { multiply_add(l, w, false, true); }

// --- comparison
namespace {
Value compared(Lifter& l, Value n, Value m, bool signalling) {
  return l.b.emit(Op::fl_fcmp, Type::flags, n, m, ir::kNoValue, 0, signalling);
}
void compare(Lifter& l, uint32_t w, bool with_zero, bool signalling) {
  if (!l.fp_access()) return;
  const Shape s = fp_scalar(w);
  const Value m = with_zero ? fp_zero(l, s) : fp_source(l, s, rm(w));
  l.set_flags(compared(l, fp_source(l, s, rn(w)), m, signalling));
}
void conditional_compare(Lifter& l, uint32_t w, bool signalling) {
  if (!l.fp_access()) return;
  const Shape s = fp_scalar(w);
  const uint32_t k = nzcv(w);
  const Value otherwise = l.b.emit(Op::fl_konst, Type::flags, ir::kNoValue, ir::kNoValue, ir::kNoValue,
                                   ir::pack_flags(k & 8, k & 4, k & 2, k & 1));
  const Value holds = l.cond(cond(w));
  // Where the condition fails nothing is compared, so no exception may be raised: zeros are compared instead.
  const Value zero = fp_zero(l, s);
  const Value n = l.b.select(holds, fp_source(l, s, rn(w)), zero);
  const Value m = l.b.select(holds, fp_source(l, s, rm(w)), zero);
  l.set_flags(l.b.emit(Op::fl_select, Type::flags, holds, compared(l, n, m, signalling), otherwise));
}
}  // namespace
void lift_fcmp(Lifter& l, Fields<Encoding::fcmp> w) { compare(l, w, false, false); }
void lift_fcmp_zero(Lifter& l, Fields<Encoding::fcmp_zero> w) { compare(l, w, true, false); }
void lift_fcmpe(Lifter& l, Fields<Encoding::fcmpe> w) { compare(l, w, false, true); }
void lift_fcmpe_zero(Lifter& l, Fields<Encoding::fcmpe_zero> w) { compare(l, w, true, true); }
void lift_fccmp(Lifter& l, Fields<Encoding::fccmp> w) { conditional_compare(l, w, false); }
void lift_fccmpe(Lifter& l, Fields<Encoding::fccmpe> w) { conditional_compare(l, w, true); }

void lift_fcsel(Lifter& l, Fields<Encoding::fcsel> w) {
  if (!l.fp_access()) return;
  const Shape s = fp_scalar(w);
  fp_put(l, s, rd(w), l.b.select(l.cond(cond(w)), fp_source(l, s, rn(w)), fp_source(l, s, rm(w))));
}

}  // namespace mynah::arm::a64
