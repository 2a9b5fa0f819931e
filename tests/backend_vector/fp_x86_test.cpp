// SPDX-License-Identifier: Apache-2.0
//
// Floating-point ops of an x86 guest against the evaluator, in every rounding and flushing mode: results and
// sticky flags. On a processor that has them each is the host's own instruction, so this holds the evaluator
// to the processor, too.
#include <gtest/gtest.h>

#include "op_check.h"

namespace mynah::ir::testing {
namespace {

std::vector<FpMode> modes() {
  std::vector<FpMode> out;
  for (unsigned m = 0; m < 16; ++m)
    out.push_back({.round = static_cast<uint8_t>(m & 3),
                   .flush = (m & 4) != 0,
                   .x86_nans = true,
                   .denormals_zero = (m & 8) != 0});
  out.push_back({.x86_nans = true, .overflow_traps = true, .underflow_traps = true});
  return out;
}

Type scalar(unsigned format) { return format == 2 ? Type::f32 : Type::f64; }

class FpX86 : public ::testing::TestWithParam<bool> {
 protected:
  FpX86() : checker_(GetParam()), source_(11), runs_(GetParam() ? 20 : 400) {}

  // Operands of the format, every third time but one lane an ordinary one.
  std::vector<Operands> operands(unsigned format) {
    std::vector<Operands> values;
    for (unsigned i = 0; i < runs_; ++i) {
      Operands o = {source_.fps(format), source_.fps(format), source_.fps(format)};
      if (i % 3 == 1)
        for (V128& v : o) {
          const uint64_t one = format == 2 ? 0x3f8000003f800000 : 0x3ff0000000000000;
          if (i % 2)
            v.hi = one;
          else
            v.lo = one;
        }
      if (i % 7 == 3) o[1] = o[0];
      if (i % 7 == 5) o[2] = o[0];
      values.push_back(o);
    }
    return values;
  }
  void check(const OpCase& c, const std::vector<Operands>& values) {
    for (const FpMode& mode : modes())
      for (const auto shape :
           {OpChecker::Shape{}, OpChecker::Shape{.live = true}, OpChecker::Shape{.same = true}}) {
        ASSERT_EQ(checker_.check(c, mode, values, shape), "");
      }
  }
  void check(const OpCase& c, unsigned format) { check(c, operands(format)); }
  // Over v128, single and double.
  void vectors(const std::vector<Op>& ops, unsigned arguments, uint8_t more_aux = 0,
               const std::vector<uint64_t>& imms = {0}) {
    for (const Op op : ops)
      for (const uint64_t imm : imms)
        for (unsigned format = 2; format <= 3; ++format) {
          check({op, Type::v128, std::vector<Type>(arguments, Type::v128),
                 static_cast<uint8_t>(format | more_aux), imm},
                format);
          if (HasFatalFailure()) return;
        }
  }
  OpChecker checker_;
  Source source_;
  unsigned runs_;
};
INSTANTIATE_TEST_SUITE_P(Processor, FpX86, ::testing::Values(false, true),
                         [](const auto& p) { return p.param ? "Plain" : "Full"; });

TEST_P(FpX86, Arithmetic) {
  for (const uint8_t low : {uint8_t{0}, kLowLane})
    vectors({Op::fadd, Op::fsub, Op::fmul, Op::fdiv, Op::fmin, Op::fmax}, 2, low);
}
TEST_P(FpX86, Roots) {
  vectors({Op::fsqrt}, 1);
  vectors({Op::fsqrt_low}, 2);
}
TEST_P(FpX86, Alternating) { vectors({Op::faddsub, Op::fhadd, Op::fhsub}, 2); }
TEST_P(FpX86, Compare) {
  for (uint64_t predicate = 0; predicate < 32; ++predicate)
    for (const uint8_t low : {uint8_t{0}, kLowLane}) vectors({Op::fcmp}, 2, low, {predicate});
}
TEST_P(FpX86, CompareToFlags) {
  for (unsigned format = 2; format <= 3; ++format)
    for (const uint8_t signaling : {0, 1})
      check({Op::fl_comi, Type::flags, {scalar(format), scalar(format)}, signaling}, format);
}
TEST_P(FpX86, Round) {
  for (uint64_t how : {0, 1, 2, 3, 5})
    for (const uint64_t exact : {0, 8}) {
      vectors({Op::fround}, 1, 0, {how | exact});
      vectors({Op::fround_low}, 2, 0, {how | exact});
    }
}
TEST_P(FpX86, Fused) {
  for (uint64_t place = 0; place < 3; ++place)
    for (uint64_t kind = 0; kind < kFusedKinds; ++kind) {
      const uint64_t imm = kind | place << kFusedPlaceShift;
      vectors({Op::fma_signs}, 3, 0, {imm});
      if (kind < kFusedAddSub) vectors({Op::fma_signs}, 3, kLowLane, {imm});
    }
}
TEST_P(FpX86, Dot) {
  for (const uint64_t imm : {0xffu, 0x71u, 0x3fu, 0x31u, 0x12u, 0xf0u, 0x0fu, 0xa5u, 0xc3u})
    vectors({Op::fdot}, 2, 0, {imm});
}
TEST_P(FpX86, Approximations) {
  for (const Op op : {Op::frcp, Op::frsqrt}) check({op, Type::v128, {Type::v128}}, 2);
}

TEST_P(FpX86, Formats) {
  for (const uint8_t from : {2, 3}) check({Op::fcvt_low, Type::v128, {Type::v128, Type::v128}, from}, from);
  for (const uint8_t from : {1, 2}) check({Op::fcvt_wide, Type::v128, {Type::v128}, from}, from);
  check({Op::fcvt_narrow, Type::v128, {Type::v128}, 3}, 3);
  for (const uint64_t how : {0, 8, 9, 10, 11, 13})
    check({Op::fcvt_narrow, Type::v128, {Type::v128}, 2, how}, 2);
}
TEST_P(FpX86, ToIntegers) {
  for (const FpRound round : {FpRound::kZero, FpRound::kCurrent}) {
    const uint64_t imm = pack(FtoI{round, false, 0});
    for (const uint8_t format : {2, 3}) {
      for (const Type t : {Type::i32, Type::i64})
        check({Op::fto_int, t, {scalar(format)}, format, imm}, format);
      check({Op::fto_fixed, Type::v128, {Type::v128}, format, imm}, format);
    }
    check({Op::fto_int_narrow, Type::v128, {Type::v128}, 0, imm}, 3);
  }
}
TEST_P(FpX86, FromIntegers) {
  std::vector<Operands> values;
  for (unsigned i = 0; i < runs_; ++i)
    values.push_back({source_.integers(i % 4 ? 3 : 2), source_.integers(i % 4 ? 3 : 2)});
  const uint64_t imm = pack(FtoI{FpRound::kCurrent, false, 0});
  for (const uint8_t format : {2, 3}) {
    for (const Type t : {Type::i32, Type::i64})
      check({Op::int_to_f_low, Type::v128, {Type::v128, t}, format, imm}, values);
    check({Op::fixed_to_f, Type::v128, {Type::v128}, format, imm}, values);
  }
  check({Op::int_to_f_wide, Type::v128, {Type::v128}}, values);
}

// The flags of an operation in between are seen, the earlier ones restored.
TEST_P(FpX86, Status) {
  Machine m(GetParam());
  Builder& b = m.begin();
  m.region.fp = {.x86_nans = true};
  b.at(0, 0);
  const Value before = b.emit(Op::fp_status, Type::i32, b.i32(0));
  b.set(kV0 + 2, b.emit(Op::fdiv, Type::v128, b.get(kV0), b.get(kV0 + 1), kNoValue, 0, 3));
  const Value raised = b.emit(Op::fp_status, Type::i32, before);
  b.set(kW0, before);
  b.set(kW0 + 1, raised);
  b.exit(64);
  b.finish();
  const uint8_t* code = m.compile();
  ASSERT_NE(code, nullptr);
  set_fp_mode(*m.rt, m.region.fp);
  set_fp_flags(*m.rt, 4);
  const auto run = [&](uint64_t x, uint64_t y) {
    m.state() = {};
    m.state().v[0] = {x, 0x3ff0000000000000};
    m.state().v[1] = {y, 0x3ff0000000000000};
    m.run(code);
    return m.state().w[1];
  };
  constexpr uint64_t kOne = 0x3ff0000000000000, kThree = 0x4008000000000000;
  EXPECT_EQ(run(kOne, kOne), 0u);
  EXPECT_EQ(m.state().w[0], 4u);
  EXPECT_EQ(run(kOne, kThree), 16u);  // inexact
  EXPECT_EQ(run(kOne, 0), 2u);        // division by zero
  EXPECT_EQ(run(0, 0), 1u);           // invalid
  EXPECT_EQ(run(1, kOne), 128u);      // a subnormal operand
  EXPECT_EQ(fp_flags(*m.rt), 4u);
}

}  // namespace
}  // namespace mynah::ir::testing
