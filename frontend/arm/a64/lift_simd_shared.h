// SPDX-License-Identifier: Apache-2.0
//
// What the lift functions of floating-point and Advanced SIMD instructions share: an instruction's shape, and
// reading and writing registers in it.
//
// A Shape says which lanes an instruction works on: one (a scalar), those of 64 bits, or those of 128 bits.
// Ops work on all 128 bits, so what lies above a shape needs care in one direction only: lanes() leaves it as
// it is, for ops without flags; clean() makes it zero, so that it neither saturates nor raises an exception;
// and put() clears it in the result, put_clean() stores a result in which it is zero already.
#pragma once

#include "frontend/arm/a64/lift.h"

namespace mynah::arm::a64 {

struct Shape {
  bool scalar;
  bool q;
  unsigned lane;  // log2 of bytes
};

// Integer classes; their size field is the lane.
inline Shape vector_shape(uint32_t word) { return {false, Q(word) != 0, size(word)}; }
inline Shape vector_shape(uint32_t word, unsigned lane) { return {false, Q(word) != 0, lane}; }
inline Shape scalar_shape(uint32_t word) { return {true, false, size(word)}; }
inline constexpr Shape kScalarD = {true, false, 3};

// Floating-point classes: ptype, sz, or half precision by encoding.
inline unsigned lane_of_ptype(unsigned ptype) { return ptype == 3 ? 1 : 2 + ptype; }
inline Type fp_type(unsigned lane) { return static_cast<Type>(static_cast<unsigned>(Type::f16) + lane - 1); }
inline Shape fp_scalar(uint32_t word) { return {true, false, lane_of_ptype(ptype(word))}; }
inline Shape fp_simd_scalar(uint32_t word) { return {true, false, 2 + sz(word)}; }
inline constexpr Shape kScalarHalf = {true, false, 1};
inline Shape fp_vector(uint32_t word) { return {false, Q(word) != 0, 2 + sz(word)}; }
inline Shape fp_vector_half(uint32_t word) { return {false, Q(word) != 0, 1}; }

// --- constants
inline uint64_t lane_mask(unsigned lane) {
  return lane == 3 ? ~uint64_t{0} : (uint64_t{1} << (8u << lane)) - 1;
}
// value in each lane of 64 bits.
inline uint64_t replicate(unsigned lane, uint64_t value) {
  value &= lane_mask(lane);
  for (unsigned width = 8u << lane; width < 64; width *= 2) value |= value << width;
  return value;
}
inline Value vector_of(Lifter& l, unsigned lane, uint64_t value) {
  const uint64_t each = replicate(lane, value);
  return l.b.konst_v128(each, each);
}
// VFPExpandImm, for a lane of 2, 4 or 8 bytes.
inline uint64_t vfp_expand_imm(unsigned imm8, unsigned lane) {
  const unsigned exponent_bits = lane == 1 ? 5 : lane == 2 ? 8 : 11, width = 8u << lane;
  const uint64_t sign = imm8 >> 7, b = imm8 >> 6 & 1;
  // NOT(b), b replicated, then two bits; below them the four bits of the fraction.
  const uint64_t repeated = b ? (uint64_t{1} << (exponent_bits - 3)) - 1 : 0;
  const uint64_t exponent = (b ^ 1) << (exponent_bits - 1) | repeated << 2 | (imm8 >> 4 & 3);
  const unsigned fraction_bits = width - 1 - exponent_bits;
  return sign << (width - 1) | exponent << fraction_bits | uint64_t{imm8 & 15} << (fraction_bits - 4);
}
inline Value vector_zero(Lifter& l) { return l.b.konst_v128(0, 0); }

// --- integer lanes
inline Value low64(Lifter& l, Value v) { return l.b.emit(Op::vlow64, Type::v128, v); }
// The high 64 bits in both halves.
inline Value high64(Lifter& l, Value v) {
  return l.b.vec(Op::vdup_lane, 3, v, ir::kNoValue, ir::kNoValue, 1);
}
// The low 64 bits of each: a below, c above.
inline Value join_low(Lifter& l, Value a, Value c) { return l.b.vec(Op::vzip1, 3, a, c); }

// v with the lanes outside the shape cleared.
inline Value clear_outside(Lifter& l, Shape s, Value v) {
  if (!s.scalar) return s.q ? v : low64(l, v);
  switch (s.lane) {
    case 0:
    case 1:
      return l.b.vec(Op::vand, 0, v, l.b.konst_v128(lane_mask(s.lane), 0));
    case 2:
      return l.b.emit(Op::vzext, Type::v128, l.b.emit(Op::vlow, Type::f32, v));
    default:
      return low64(l, v);
  }
}
inline Value lanes(Lifter& l, Shape, unsigned n) { return l.v(n); }
inline Value clean(Lifter& l, Shape s, unsigned n) { return clear_outside(l, s, l.v(n)); }
inline void put(Lifter& l, Shape s, unsigned d, Value v) { l.set_v(d, clear_outside(l, s, v)); }
inline void put_clean(Lifter& l, unsigned d, Value v) { l.set_v(d, v); }

// Long and narrow instructions. The half of a source that Q selects, in the low 64 bits (what lies above
// varies).
inline Value selected_half(Lifter& l, uint32_t word, unsigned n) {
  return Q(word) ? high64(l, l.v(n)) : l.v(n);
}
// A narrow result (zero above bit 63) into the half that Q selects: the low one clears the high one.
inline void put_narrow(Lifter& l, uint32_t word, Value v) {
  l.set_v(rd(word), Q(word) ? join_low(l, l.v(rd(word)), v) : v);
}
// One lane of a register in all lanes.
inline Value duplicate_lane(Lifter& l, unsigned lane, unsigned n, unsigned index) {
  return l.b.vec(Op::vdup_lane, lane, l.v(n), ir::kNoValue, ir::kNoValue, index);
}
// Adjacent lanes of the concatenation n:m apart: those at even positions and those at odd ones.
struct Pairs {
  Value even, odd;
};
inline Pairs pairs_of(Lifter& l, Shape s, unsigned n, unsigned m) {
  Value low = l.v(n), high = l.v(m);
  if (!s.q) low = high = join_low(l, low, high);
  return {l.b.vec(Op::vuzp1, s.lane, low, high), l.b.vec(Op::vuzp2, s.lane, low, high)};
}

// --- floating-point operands: an fp scalar, or a vector that is zero above 64 bits without Q.
inline Type fp_value_type(Shape s) { return s.scalar ? fp_type(s.lane) : Type::v128; }
inline Value fp_source(Lifter& l, Shape s, unsigned n) {
  return s.scalar ? l.scalar(fp_type(s.lane), n) : clean(l, s, n);
}
// For ops that raise an exception for zero: the low half stands in for the high one.
inline Value fp_source_nonzero(Lifter& l, Shape s, unsigned n) {
  return s.scalar || s.q ? fp_source(l, s, n) : duplicate_lane(l, 3, n, 0);
}
inline Value fp_lane(Lifter& l, Shape s, unsigned n, unsigned index) {
  return l.b.emit(Op::vlow, fp_type(s.lane), index == 0 ? l.v(n) : duplicate_lane(l, s.lane, n, index));
}
inline Value fp_op(Lifter& l, Shape s, Op op, Value a, Value c = ir::kNoValue, Value d = ir::kNoValue,
                   uint64_t imm = 0) {
  return l.b.emit(op, fp_value_type(s), a, c, d, imm, static_cast<uint8_t>(s.scalar ? 0 : s.lane));
}
inline Value fp_zero(Lifter& l, Shape s) { return s.scalar ? l.b.konst(fp_type(s.lane), 0) : vector_zero(l); }
inline void fp_put(Lifter& l, Shape s, unsigned d, Value v) {
  if (s.scalar)
    l.set_scalar(d, v);
  else
    put(l, s, d, v);
}

}  // namespace mynah::arm::a64
