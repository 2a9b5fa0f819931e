// SPDX-License-Identifier: Apache-2.0
//
// Advanced SIMD moves of lanes: copy, permute, extract, table lookup, and modified immediate (Arm ARM,
// C4.1.68).
#include "frontend/arm/a64/lift.h"
#include "frontend/arm/a64/lift_simd_shared.h"

namespace mynah::arm::a64 {

// --- copy. imm5 is an index, a one, and as many zeros as the lane's log2.
namespace {
unsigned copy_lane(uint32_t w) { return static_cast<unsigned>(__builtin_ctz(imm5(w))); }
unsigned copy_index(uint32_t w) { return imm5(w) >> (copy_lane(w) + 1); }

void move_to_general(Lifter& l, uint32_t w, bool is_signed) {
  if (!l.fp_access()) return;
  l.set_x(rd(w), l.b.emit(Op::vextract, Q(w) ? Type::i64 : Type::i32, l.v(rn(w)), ir::kNoValue, ir::kNoValue,
                          copy_index(w) | (is_signed ? 16 : 0), static_cast<uint8_t>(copy_lane(w))));
}
}  // namespace
void lift_dup_element(Lifter& l, Fields<Encoding::dup_element> w) {
  if (!l.fp_access()) return;
  l.set_v(Q(w), rd(w), duplicate_lane(l, copy_lane(w), rn(w), copy_index(w)));
}
void lift_dup_element_simd_scalar(Lifter& l, Fields<Encoding::dup_element_simd_scalar> w) {
  if (!l.fp_access()) return;
  put(l, {true, false, copy_lane(w)}, rd(w), duplicate_lane(l, copy_lane(w), rn(w), copy_index(w)));
}
void lift_dup_general(Lifter& l, Fields<Encoding::dup_general> w) {
  if (!l.fp_access()) return;
  l.set_v(Q(w), rd(w), l.b.vec(Op::vdup, copy_lane(w), l.reg(copy_lane(w) == 3, rn(w))));
}
void lift_smov(Lifter& l, Fields<Encoding::smov> w) { move_to_general(l, w, true); }
void lift_umov(Lifter& l, Fields<Encoding::umov> w) { move_to_general(l, w, false); }
void lift_ins_general(Lifter& l, Fields<Encoding::ins_general> w) {
  if (!l.fp_access()) return;
  const unsigned lane = copy_lane(w);
  l.set_v(rd(w),
          l.b.vec(Op::vinsert, lane, l.v(rd(w)), l.reg(lane == 3, rn(w)), ir::kNoValue, copy_index(w)));
}
void lift_ins_element(Lifter& l, Fields<Encoding::ins_element> w) {
  if (!l.fp_access()) return;
  const unsigned lane = copy_lane(w), from = imm4(w) >> lane;
  l.set_v(rd(w),
          l.b.vec(Op::vins_lane, lane, l.v(rd(w)), l.v(rn(w)), ir::kNoValue, copy_index(w) | from << 4));
}

// --- permute
namespace {
void unzip(Lifter& l, uint32_t w, bool odd) {
  if (!l.fp_access()) return;
  const Shape s = vector_shape(w);
  Value low = l.v(rn(w)), high = l.v(rm(w));
  if (!s.q) low = high = join_low(l, low, high);
  put(l, s, rd(w), l.b.vec(odd ? Op::vuzp2 : Op::vuzp1, s.lane, low, high));
}
// The low half of the result depends on the sources' low halves alone.
void interleave(Lifter& l, uint32_t w, Op op) {
  if (!l.fp_access()) return;
  const Shape s = vector_shape(w);
  put(l, s, rd(w), l.b.vec(op, s.lane, l.v(rn(w)), l.v(rm(w))));
}
}  // namespace
void lift_uzp1(Lifter& l, Fields<Encoding::uzp1> w) { unzip(l, w, false); }
void lift_uzp2(Lifter& l, Fields<Encoding::uzp2> w) { unzip(l, w, true); }
void lift_trn1(Lifter& l, Fields<Encoding::trn1> w) { interleave(l, w, Op::vtrn1); }
void lift_trn2(Lifter& l, Fields<Encoding::trn2> w) { interleave(l, w, Op::vtrn2); }
void lift_zip1(Lifter& l, Fields<Encoding::zip1> w) { interleave(l, w, Op::vzip1); }
void lift_zip2(Lifter& l, Fields<Encoding::zip2> w) {
  if (Q(w)) return interleave(l, w, Op::vzip2);
  if (!l.fp_access()) return;
  // The two low halves interleaved whole; the result is the upper half of that.
  const Value both = l.b.vec(Op::vzip1, size(w), l.v(rn(w)), l.v(rm(w)));
  l.set_v(false, rd(w), high64(l, both));
}

void lift_ext(Lifter& l, Fields<Encoding::ext> w) {
  if (!l.fp_access()) return;
  Value low = l.v(rn(w)), high = l.v(rm(w));
  if (!Q(w)) low = high = join_low(l, low, high);
  l.set_v(Q(w), rd(w), l.b.vec(Op::vext, 0, low, high, ir::kNoValue, imm4(w)));
}

// --- table lookup: an index less 16k is out of range for every table but the kth
namespace {
void table_lookup(Lifter& l, uint32_t w, bool extension) {
  if (!l.fp_access()) return;
  const Value indices = l.v(rm(w));
  Value result = ir::kNoValue;
  for (unsigned k = 0; k <= len(w); ++k) {
    const Value table = l.v((rn(w) + k) % 32);
    const Value index = k == 0 ? indices : l.b.vec(Op::vsub, 0, indices, vector_of(l, 0, 16 * k));
    if (extension) {
      result = l.b.vec(Op::vtbx, 0, k == 0 ? l.v(rd(w)) : result, table, index);
    } else {
      const Value found = l.b.vec(Op::vtbl, 0, table, index);
      result = k == 0 ? found : l.b.vec(Op::vor, 0, result, found);
    }
  }
  l.set_v(Q(w), rd(w), result);
}
}  // namespace
void lift_tbl(Lifter& l, Fields<Encoding::tbl> w) { table_lookup(l, w, false); }
void lift_tbx(Lifter& l, Fields<Encoding::tbx> w) { table_lookup(l, w, true); }

// --- modified immediate
namespace {
// AdvSIMDExpandImm, but for the 64-bit byte mask and floating point.
uint64_t expand_imm(uint32_t w) {
  const uint64_t imm8 = abcdefgh(w);
  const unsigned c = cmode(w);
  if (c < 8) return replicate(2, imm8 << 8 * (c >> 1));
  if (c < 12) return replicate(1, imm8 << 8 * (c >> 1 & 1));
  if (c < 14) return replicate(2, c & 1 ? imm8 << 16 | 0xffff : imm8 << 8 | 0xff);
  return replicate(0, imm8);
}
Value immediate(Lifter& l, uint32_t w, uint64_t value) { return l.b.konst_v128(value, Q(w) ? value : 0); }
void move_immediate(Lifter& l, uint32_t w, uint64_t value) {
  if (!l.fp_access()) return;
  l.set_v(rd(w), immediate(l, w, value));
}
void change_immediate(Lifter& l, uint32_t w, Op op) {
  if (!l.fp_access()) return;
  l.set_v(Q(w), rd(w), l.b.vec(op, 0, l.v(rd(w)), immediate(l, w, expand_imm(w))));
}
}  // namespace
void lift_movi(Lifter& l, Fields<Encoding::movi> w) { move_immediate(l, w, expand_imm(w)); }
void lift_mvni(Lifter& l, Fields<Encoding::mvni> w) { move_immediate(l, w, ~expand_imm(w)); }
void lift_movi_64(Lifter& l, Fields<Encoding::movi_64> w) {
  uint64_t value = 0;
  for (unsigned i = 0; i < 8; ++i) value |= abcdefgh(w) >> i & 1 ? uint64_t{0xff} << 8 * i : 0;
  move_immediate(l, w, value);
}
void lift_orr_vector_immediate(Lifter& l, Fields<Encoding::orr_vector_immediate> w) {
  change_immediate(l, w, Op::vor);
}
void lift_bic_vector_immediate(Lifter& l, Fields<Encoding::bic_vector_immediate> w) {
  change_immediate(l, w, Op::vandn);
}
void lift_fmov_vector_immediate_half(Lifter& l, Fields<Encoding::fmov_vector_immediate_half> w) {
  move_immediate(l, w, replicate(1, vfp_expand_imm(abcdefgh(w), 1)));
}
void lift_fmov_vector_immediate(Lifter& l, Fields<Encoding::fmov_vector_immediate> w) {
  move_immediate(l, w, replicate(2, vfp_expand_imm(abcdefgh(w), 2)));
}
void lift_fmov_vector_immediate_double(Lifter& l, Fields<Encoding::fmov_vector_immediate_double> w) {
  move_immediate(l, w, vfp_expand_imm(abcdefgh(w), 3));
}

}  // namespace mynah::arm::a64
