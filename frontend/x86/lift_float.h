// SPDX-License-Identifier: Apache-2.0
//
// What lift functions of SSE's and AVX's floating point share: exceptions that are not masked.
//
// A lift function makes a FloatLift and, if begin() says so, reads its operands, guards where it stores,
// then computes between start() and check(), and only then sets state. Where every exception is masked these
// two are nothing. Else the flags are cleared in front, and what was raised is looked at behind: an exception
// that is not masked leaves with #XM (#UD without CR4.OSXMMEXCPT), MXCSR being what the manual says (SDM vol.
// 1, 11.5.3).
#pragma once

#include "frontend/x86/lift_vector.h"

namespace mynah::x86 {

class FloatLift : public VectorLift {
 public:
  using VectorLift::VectorLift;
  void start();
  void check();
  template <typename F>
  auto computed(F f) {
    start();
    const auto r = f();
    check();
    return r;
  }

  // --- sources
  const Operand& last_source() const { return operand(l.i.operand_count - 1u - has_imm()); }
  bool has_imm() const { return l.i.operand_count && operand(l.i.operand_count - 1u).is_immediate(); }
  // {first, last}, memory first. Of a scalar instruction the low halves alone.
  struct Pair {
    Halves first, last;
  };
  Pair read_pair() {
    const Halves last = read(last_source());
    return {read(first_source()), last};
  }
  // VEX.L means nothing to an instruction with one lane.
  void scalar() { halves = 1; }

  // --- values. format: 2 single, 3 double
  Value low_lane(Value v, unsigned format) {
    return b.emit(Op::vlow, format == 3 ? Type::f64 : Type::f32, v);
  }
  // The upper doubleword in the low one's place.
  Value upper(Value v) { return b.vec(Op::vdup_lane, 3, v, ir::kNoValue, ir::kNoValue, 1); }
  // Low doublewords of two.
  Value joined(Value low, Value high) { return b.vec(Op::vins_lane, 3, low, high, ir::kNoValue, 1); }

 private:
  Value saved_ = ir::kNoValue;  // the flags until start()
};

// Row arguments: an op and its aux.
constexpr uint32_t float_row(Op op, unsigned aux) { return static_cast<uint32_t>(op) | aux << 16; }
constexpr Op float_op(uint32_t row) { return static_cast<Op>(row & 0xffff); }
constexpr uint8_t float_aux(uint32_t row) { return static_cast<uint8_t>(row >> 16); }
constexpr unsigned kSingle = 2, kDouble = 3;
constexpr unsigned kLowSingle = kSingle | ir::kLowLane, kLowDouble = kDouble | ir::kLowLane;

// Of a rounding immediate (ROUNDPS, VCVTPS2PH).
constexpr ir::FpRound rounding_of(unsigned imm) {
  constexpr ir::FpRound kRounds[] = {ir::FpRound::kTiesEven, ir::FpRound::kDown, ir::FpRound::kUp,
                                     ir::FpRound::kZero};
  return imm & 4 ? ir::FpRound::kCurrent : kRounds[imm & 3];
}

}  // namespace mynah::x86
