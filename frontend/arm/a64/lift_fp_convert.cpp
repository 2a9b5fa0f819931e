// SPDX-License-Identifier: Apache-2.0
//
// Conversions between floating-point formats, to and from integers, and rounding to integral values: the
// scalar, Advanced SIMD scalar and vector forms (Arm ARM, C4.1.68).
#include "frontend/arm/a64/lift.h"
#include "frontend/arm/a64/lift_simd_shared.h"

namespace mynah::arm::a64 {

using ir::FpRound;
using ir::FtoI;

// --- floating-point to integer or fixed-point, general register
namespace {
void to_general(Lifter& l, uint32_t w, FpRound round, bool is_unsigned, unsigned fraction_bits = 0) {
  if (!l.fp_access()) return;
  const FtoI how = {round, is_unsigned, static_cast<uint8_t>(fraction_bits)};
  l.set_x(rd(w), l.b.emit(Op::fto_int, sf(w) ? Type::i64 : Type::i32,
                          l.scalar(fp_type(lane_of_ptype(ptype(w))), rn(w)), ir::kNoValue, ir::kNoValue,
                          ir::pack(how)));
}
void from_general(Lifter& l, uint32_t w, bool is_unsigned, unsigned fraction_bits = 0) {
  if (!l.fp_access()) return;
  const FtoI how = {FpRound::kCurrent, is_unsigned, static_cast<uint8_t>(fraction_bits)};
  l.set_scalar(rd(w), l.b.emit(Op::int_to_f, fp_type(lane_of_ptype(ptype(w))), l.reg(sf(w), rn(w)),
                               ir::kNoValue, ir::kNoValue, ir::pack(how)));
}
}  // namespace
void lift_fcvtns_scalar(Lifter& l, Fields<Encoding::fcvtns_scalar> w) {
  to_general(l, w, FpRound::kTiesEven, false);
}
void lift_fcvtnu_scalar(Lifter& l, Fields<Encoding::fcvtnu_scalar> w) {
  to_general(l, w, FpRound::kTiesEven, true);
}
void lift_fcvtas_scalar(Lifter& l, Fields<Encoding::fcvtas_scalar> w) {
  to_general(l, w, FpRound::kTiesAway, false);
}
void lift_fcvtau_scalar(Lifter& l, Fields<Encoding::fcvtau_scalar> w) {
  to_general(l, w, FpRound::kTiesAway, true);
}
void lift_fcvtps_scalar(Lifter& l, Fields<Encoding::fcvtps_scalar> w) {
  to_general(l, w, FpRound::kUp, false);
}
void lift_fcvtpu_scalar(Lifter& l, Fields<Encoding::fcvtpu_scalar> w) {
  to_general(l, w, FpRound::kUp, true);
}
void lift_fcvtms_scalar(Lifter& l, Fields<Encoding::fcvtms_scalar> w) {
  to_general(l, w, FpRound::kDown, false);
}
void lift_fcvtmu_scalar(Lifter& l, Fields<Encoding::fcvtmu_scalar> w) {
  to_general(l, w, FpRound::kDown, true);
}
void lift_fcvtzs_integer(Lifter& l, Fields<Encoding::fcvtzs_integer> w) {
  to_general(l, w, FpRound::kZero, false);
}
void lift_fcvtzu_integer(Lifter& l, Fields<Encoding::fcvtzu_integer> w) {
  to_general(l, w, FpRound::kZero, true);
}
void lift_fcvtzs_fixed(Lifter& l, Fields<Encoding::fcvtzs_fixed> w) {
  to_general(l, w, FpRound::kZero, false, 64 - scale(w));
}
void lift_fcvtzu_fixed(Lifter& l, Fields<Encoding::fcvtzu_fixed> w) {
  to_general(l, w, FpRound::kZero, true, 64 - scale(w));
}
void lift_scvtf_integer(Lifter& l, Fields<Encoding::scvtf_integer> w) { from_general(l, w, false); }
void lift_ucvtf_integer(Lifter& l, Fields<Encoding::ucvtf_integer> w) { from_general(l, w, true); }
void lift_scvtf_fixed(Lifter& l, Fields<Encoding::scvtf_fixed> w) {
  from_general(l, w, false, 64 - scale(w));
}
void lift_ucvtf_fixed(Lifter& l, Fields<Encoding::ucvtf_fixed> w) { from_general(l, w, true, 64 - scale(w)); }

void lift_fjcvtzs(Lifter& l, Fields<Encoding::fjcvtzs> w) {
  if (!l.fp_access()) return;
  const Value n = l.scalar(Type::f64, rn(w));
  const auto constant = [&](uint32_t flags) {
    return l.b.emit(Op::fl_konst, Type::flags, ir::kNoValue, ir::kNoValue, ir::kNoValue, flags);
  };
  l.set_flags(l.b.emit(Op::fl_select, Type::flags, l.b.emit(Op::fjcvtzs_z, Type::i1, n), constant(ir::kFlagZ),
                       constant(0)));
  l.set_x(rd(w), l.b.emit(Op::fjcvtzs, Type::i32, n));
}

// --- the same within vector registers
namespace {
// The lane of the classes with a shift immediate, and how many of its bits are fraction.
unsigned immh_lane(uint32_t w) { return 31 - static_cast<unsigned>(__builtin_clz(immh(w))); }
unsigned immh_fraction(uint32_t w) { return (16u << immh_lane(w)) - immh_immb(w); }
Shape immh_scalar(uint32_t w) { return {true, false, immh_lane(w)}; }
Shape immh_vector(uint32_t w) { return {false, Q(w) != 0, immh_lane(w)}; }

void convert(Lifter& l, uint32_t w, Shape s, Op scalar_op, Op vector_op, FtoI how) {
  if (!l.fp_access()) return;
  const uint64_t imm = ir::pack(how);
  if (!s.scalar || s.lane == 1) {  // there is no 16-bit integer scalar
    put(l, s, rd(w), l.b.vec(vector_op, s.lane, clean(l, s, rn(w)), ir::kNoValue, ir::kNoValue, imm));
    return;
  }
  const Type integer = s.lane == 3 ? Type::i64 : Type::i32, fp = fp_type(s.lane);
  if (scalar_op == Op::fto_int) {
    const Value r = l.b.emit(scalar_op, integer, l.scalar(fp, rn(w)), ir::kNoValue, ir::kNoValue, imm);
    l.set_v(rd(w), l.b.emit(Op::vfrom_gpr, Type::v128, r));
  } else {
    const Value n = l.b.emit(Op::vextract, integer, l.v(rn(w)), ir::kNoValue, ir::kNoValue, 0,
                             static_cast<uint8_t>(s.lane));
    l.set_scalar(rd(w), l.b.emit(scalar_op, fp, n, ir::kNoValue, ir::kNoValue, imm));
  }
}
void to_int(Lifter& l, uint32_t w, Shape s, FpRound round, bool is_unsigned, unsigned fraction_bits = 0) {
  convert(l, w, s, Op::fto_int, Op::fto_fixed, {round, is_unsigned, static_cast<uint8_t>(fraction_bits)});
}
void from_int(Lifter& l, uint32_t w, Shape s, bool is_unsigned, unsigned fraction_bits = 0) {
  convert(l, w, s, Op::int_to_f, Op::fixed_to_f,
          {FpRound::kCurrent, is_unsigned, static_cast<uint8_t>(fraction_bits)});
}
}  // namespace

#define TO_INT(id, round, is_unsigned)                                                      \
  void lift_##id##_vector(Lifter& l, Fields<Encoding::id##_vector> w) {                     \
    to_int(l, w, fp_vector(w), round, is_unsigned);                                         \
  }                                                                                         \
  void lift_##id##_vector_half(Lifter& l, Fields<Encoding::id##_vector_half> w) {           \
    to_int(l, w, fp_vector_half(w), round, is_unsigned);                                    \
  }                                                                                         \
  void lift_##id##_simd_scalar(Lifter& l, Fields<Encoding::id##_simd_scalar> w) {           \
    to_int(l, w, fp_simd_scalar(w), round, is_unsigned);                                    \
  }                                                                                         \
  void lift_##id##_simd_scalar_half(Lifter& l, Fields<Encoding::id##_simd_scalar_half> w) { \
    to_int(l, w, kScalarHalf, round, is_unsigned);                                          \
  }
TO_INT(fcvtns, FpRound::kTiesEven, false)
TO_INT(fcvtnu, FpRound::kTiesEven, true)
TO_INT(fcvtas, FpRound::kTiesAway, false)
TO_INT(fcvtau, FpRound::kTiesAway, true)
TO_INT(fcvtps, FpRound::kUp, false)
TO_INT(fcvtpu, FpRound::kUp, true)
TO_INT(fcvtms, FpRound::kDown, false)
TO_INT(fcvtmu, FpRound::kDown, true)
TO_INT(fcvtzs_integer, FpRound::kZero, false)
TO_INT(fcvtzu_integer, FpRound::kZero, true)
#undef TO_INT

void lift_scvtf_integer_vector(Lifter& l, Fields<Encoding::scvtf_integer_vector> w) {
  from_int(l, w, fp_vector(w), false);
}
void lift_ucvtf_integer_vector(Lifter& l, Fields<Encoding::ucvtf_integer_vector> w) {
  from_int(l, w, fp_vector(w), true);
}
void lift_scvtf_integer_vector_half(Lifter& l, Fields<Encoding::scvtf_integer_vector_half> w) {
  from_int(l, w, fp_vector_half(w), false);
}
void lift_ucvtf_integer_vector_half(Lifter& l, Fields<Encoding::ucvtf_integer_vector_half> w) {
  from_int(l, w, fp_vector_half(w), true);
}
void lift_scvtf_integer_simd_scalar(Lifter& l, Fields<Encoding::scvtf_integer_simd_scalar> w) {
  from_int(l, w, fp_simd_scalar(w), false);
}
void lift_ucvtf_integer_simd_scalar(Lifter& l, Fields<Encoding::ucvtf_integer_simd_scalar> w) {
  from_int(l, w, fp_simd_scalar(w), true);
}
void lift_scvtf_integer_simd_scalar_half(Lifter& l, Fields<Encoding::scvtf_integer_simd_scalar_half> w) {
  from_int(l, w, kScalarHalf, false);
}
void lift_ucvtf_integer_simd_scalar_half(Lifter& l, Fields<Encoding::ucvtf_integer_simd_scalar_half> w) {
  from_int(l, w, kScalarHalf, true);
}

void lift_fcvtzs_fixed_vector(Lifter& l, Fields<Encoding::fcvtzs_fixed_vector> w) {
  to_int(l, w, immh_vector(w), FpRound::kZero, false, immh_fraction(w));
}
void lift_fcvtzu_fixed_vector(Lifter& l, Fields<Encoding::fcvtzu_fixed_vector> w) {
  to_int(l, w, immh_vector(w), FpRound::kZero, true, immh_fraction(w));
}
void lift_fcvtzs_fixed_simd_scalar(Lifter& l, Fields<Encoding::fcvtzs_fixed_simd_scalar> w) {
  to_int(l, w, immh_scalar(w), FpRound::kZero, false, immh_fraction(w));
}
void lift_fcvtzu_fixed_simd_scalar(Lifter& l, Fields<Encoding::fcvtzu_fixed_simd_scalar> w) {
  to_int(l, w, immh_scalar(w), FpRound::kZero, true, immh_fraction(w));
}
void lift_scvtf_fixed_vector(Lifter& l, Fields<Encoding::scvtf_fixed_vector> w) {
  from_int(l, w, immh_vector(w), false, immh_fraction(w));
}
void lift_ucvtf_fixed_vector(Lifter& l, Fields<Encoding::ucvtf_fixed_vector> w) {
  from_int(l, w, immh_vector(w), true, immh_fraction(w));
}
void lift_scvtf_fixed_simd_scalar(Lifter& l, Fields<Encoding::scvtf_fixed_simd_scalar> w) {
  from_int(l, w, immh_scalar(w), false, immh_fraction(w));
}
void lift_ucvtf_fixed_simd_scalar(Lifter& l, Fields<Encoding::ucvtf_fixed_simd_scalar> w) {
  from_int(l, w, immh_scalar(w), true, immh_fraction(w));
}

// --- between formats
void lift_fcvt(Lifter& l, Fields<Encoding::fcvt> w) {
  if (!l.fp_access()) return;
  const Type to = fp_type(lane_of_ptype(w["opc"]));
  l.set_scalar(rd(w), l.b.emit(Op::fcvt, to, l.scalar(fp_type(lane_of_ptype(ptype(w))), rn(w))));
}
void lift_fcvtl(Lifter& l, Fields<Encoding::fcvtl> w) {
  if (!l.fp_access()) return;
  l.set_v(rd(w), l.b.vec(Op::fcvt_wide, 1 + sz(w), selected_half(l, w, rn(w))));
}
void lift_fcvtn(Lifter& l, Fields<Encoding::fcvtn> w) {
  if (!l.fp_access()) return;
  put_narrow(l, w, l.b.vec(Op::fcvt_narrow, 2 + sz(w), l.v(rn(w))));
}
void lift_fcvtxn_vector(Lifter& l, Fields<Encoding::fcvtxn_vector> w) {
  if (!l.fp_access()) return;
  put_narrow(l, w, l.b.vec(Op::fcvt_narrow, 3, l.v(rn(w)), ir::kNoValue, ir::kNoValue, 1));
}
void lift_fcvtxn_simd_scalar(Lifter& l, Fields<Encoding::fcvtxn_simd_scalar> w) {
  if (!l.fp_access()) return;
  put_clean(l, rd(w), l.b.vec(Op::fcvt_narrow, 3, clean(l, kScalarD, rn(w)), ir::kNoValue, ir::kNoValue, 1));
}

// --- rounding to integral
namespace {
enum Range : uint64_t { kAnyRange = 0, kRange32 = 1 << 4, kRange64 = 2 << 4 };
constexpr uint64_t kSignalInexact = 1 << 3;

void round(Lifter& l, uint32_t w, Shape s, FpRound direction, uint64_t how = 0) {
  if (!l.fp_access()) return;
  const uint64_t imm = static_cast<uint64_t>(direction) | how;
  fp_put(l, s, rd(w), fp_op(l, s, Op::fround, fp_source(l, s, rn(w)), ir::kNoValue, ir::kNoValue, imm));
}
}  // namespace

#define ROUND(id, ...)                                                  \
  void lift_##id##_scalar(Lifter& l, Fields<Encoding::id##_scalar> w) { \
    round(l, w, fp_scalar(w), __VA_ARGS__);                             \
  }                                                                     \
  void lift_##id##_vector(Lifter& l, Fields<Encoding::id##_vector> w) { \
    round(l, w, fp_vector(w), __VA_ARGS__);                             \
  }
#define ROUND_HALF(id, ...)                                                       \
  ROUND(id, __VA_ARGS__)                                                          \
  void lift_##id##_vector_half(Lifter& l, Fields<Encoding::id##_vector_half> w) { \
    round(l, w, fp_vector_half(w), __VA_ARGS__);                                  \
  }
ROUND_HALF(frintn, FpRound::kTiesEven)
ROUND_HALF(frintp, FpRound::kUp)
ROUND_HALF(frintm, FpRound::kDown)
ROUND_HALF(frintz, FpRound::kZero)
ROUND_HALF(frinta, FpRound::kTiesAway)
ROUND_HALF(frintx, FpRound::kCurrent, kSignalInexact)
ROUND_HALF(frinti, FpRound::kCurrent)
ROUND(frint32z, FpRound::kZero, kRange32 | kSignalInexact)
ROUND(frint32x, FpRound::kCurrent, kRange32 | kSignalInexact)
ROUND(frint64z, FpRound::kZero, kRange64 | kSignalInexact)
ROUND(frint64x, FpRound::kCurrent, kRange64 | kSignalInexact)
#undef ROUND
#undef ROUND_HALF

}  // namespace mynah::arm::a64
