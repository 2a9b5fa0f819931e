// SPDX-License-Identifier: Apache-2.0
//
// Floating-point ops against the evaluator: results and sticky flags, in every rounding mode, with and
// without the default NaN and flushing.
#include <gtest/gtest.h>

#include "op_check.h"

namespace mynah::ir::testing {
namespace {

std::vector<FpMode> modes() {
  std::vector<FpMode> out;
  for (uint8_t round = 0; round < 4; ++round)
    for (const bool dn : {false, true}) out.push_back({.round = round, .default_nan = dn});
  out.push_back({.flush = true, .flush_half = true});
  out.push_back({.round = 1, .flush = true});
  out.push_back({.default_nan = true, .alternative_half = true});
  return out;
}

Type scalar(unsigned format) { return format == 1 ? Type::f16 : format == 2 ? Type::f32 : Type::f64; }

class Fp : public ::testing::TestWithParam<bool> {
 protected:
  Fp() : checker_(GetParam()), source_(7), runs_(GetParam() ? 20 : 300) {}
  // `format`: of the operands.
  void check(const OpCase& c, unsigned format) {
    for (const FpMode& mode : modes()) {
      std::vector<Operands> values;
      for (unsigned i = 0; i < runs_; ++i) {
        Operands o = {source_.fps(format), source_.fps(format), source_.fps(format)};
        if (i % 2) ordinary(o, format, i);
        if (i % 7 == 3) o[1] = o[0];
        if (i % 7 == 5) {  // but for some signs
          const uint64_t top = format == 1   ? 0x8000800080008000
                               : format == 2 ? 0x8000000080000000
                                             : uint64_t{1} << 63;
          o[1] = {o[0].lo ^ (source_.next() & top), o[0].hi ^ (source_.next() & top)};
        }
        values.push_back(o);
      }
      for (const auto shape :
           {OpChecker::Shape{}, OpChecker::Shape{.live = true}, OpChecker::Shape{.same = true}}) {
        ASSERT_EQ(checker_.check(c, mode, values, shape), "");
      }
    }
  }
  // Lanes that meet no check, but for one: each lane's matters alone.
  void ordinary(Operands& o, unsigned format, unsigned i) {
    const unsigned bits = 8u << format, lanes = 128 / bits;
    const uint64_t one = format == 1 ? 0x3c00 : format == 2 ? 0x3f800000 : 0x3ff0000000000000;
    for (auto& v : o)
      for (unsigned l = 0; l < lanes; ++l) {
        if (l == i / 2 % lanes) continue;
        uint64_t& half = l * bits < 64 ? v.lo : v.hi;
        const unsigned at = l * bits & 63;
        const uint64_t mask = bits == 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1;
        half = (half & ~(mask << at)) | one << at;
      }
  }
  // Scalar and vector forms in every format.
  void each(const std::vector<Op>& ops, unsigned arguments, std::vector<uint64_t> imms = {0}) {
    for (const Op op : ops)
      for (const uint64_t imm : imms)
        for (unsigned format = 1; format <= 3; ++format)
          for (const Type t : {scalar(format), Type::v128}) {
            check({op, t, std::vector<Type>(arguments, t), static_cast<uint8_t>(format), imm}, format);
            if (HasFatalFailure()) return;
          }
  }
  // Products that land around the smallest normal number.
  std::vector<Operands> tiny(unsigned format) {
    std::vector<Operands> out;
    const unsigned fraction = format == 2 ? 23 : 52;
    const uint64_t bias = format == 2 ? 127 : 1023, one = uint64_t{1} << fraction;
    for (unsigned i = 0; i < 4000; ++i) {
      // x = 2^k * (1 + d) and y = 2^(minimum - k) * (1 - d'), which may be subnormal; d' about d.
      const uint64_t d = source_.below(64) << source_.below(fraction - 6);
      const uint64_t k = source_.below(bias) / 2;
      uint64_t x = ((bias + k) << fraction) + d % one;
      const int64_t exponent = 1 - static_cast<int64_t>(k);
      uint64_t y;
      if (exponent > 0)
        y = (static_cast<uint64_t>(exponent) << fraction) - d - source_.below(3);
      else if (exponent > -static_cast<int64_t>(fraction))
        y = (one >> -exponent) - (d >> -exponent) - source_.below(2);
      else
        y = source_.below(4);
      if (source_.below(2)) x |= uint64_t{1} << ((8u << format) - 1);
      Operands o;
      o[0] = {x, x};
      o[1] = {y, y};
      if (format == 2) o[0] = {x | x << 32, x | x << 32}, o[1] = {y | y << 32, y | y << 32};
      o[2] = {};
      out.push_back(o);
    }
    return out;
  }
  OpChecker checker_;
  Source source_;
  unsigned runs_;
};
INSTANTIATE_TEST_SUITE_P(Processor, Fp, ::testing::Values(false, true),
                         [](const auto& p) { return p.param ? "Plain" : "Full"; });

TEST_P(Fp, Arithmetic) { each({Op::fadd, Op::fsub, Op::fmul, Op::fmulx, Op::fdiv}, 2); }
TEST_P(Fp, LowLane) {
  for (const Op op : {Op::fadd, Op::fsub, Op::fmul, Op::fdiv, Op::fmin, Op::fmax})
    for (unsigned format = 1; format <= 3; ++format)
      check({op, Type::v128, {Type::v128, Type::v128}, static_cast<uint8_t>(format | kLowLane)}, format);
}
TEST_P(Fp, Extremes) { each({Op::fmin, Op::fmax, Op::fminnm, Op::fmaxnm}, 2); }
TEST_P(Fp, Unary) { each({Op::fabs, Op::fneg, Op::fsqrt, Op::frecpe, Op::frsqrte}, 1); }
TEST_P(Fp, Fused) { each({Op::fma}, 3); }
TEST_P(Fp, Compare) {
  each({Op::fcmeq, Op::fcmge, Op::fcmgt, Op::facge, Op::facgt}, 2);
  for (unsigned format = 1; format <= 3; ++format)
    for (const uint8_t signaling : {0, 1})
      check({Op::fl_fcmp, Type::flags, {scalar(format), scalar(format)}, signaling}, format);
}
TEST_P(Fp, Round) {
  std::vector<uint64_t> imms;
  for (uint64_t round = 0; round < 6; ++round)
    for (const uint64_t exact : {0, 8}) imms.push_back(round | exact);
  each({Op::fround}, 1, imms);
}
TEST_P(Fp, TinyProducts) {
  for (unsigned format = 2; format <= 3; ++format)
    for (const Type t : {scalar(format), Type::v128})
      for (const FpMode& mode : modes()) {
        const auto values = tiny(format);
        ASSERT_EQ(checker_.check({Op::fmul, t, {t, t}, static_cast<uint8_t>(format)}, mode, values, {}), "");
        ASSERT_EQ(checker_.check({Op::fma, t, {t, t, t}, static_cast<uint8_t>(format)}, mode, values, {}),
                  "");
        ASSERT_EQ(checker_.check({Op::fdiv, t, {t, t}, static_cast<uint8_t>(format)}, mode, values, {}), "");
      }
}

TEST_P(Fp, Formats) {
  for (unsigned from = 1; from <= 3; ++from)
    for (unsigned to = 1; to <= 3; ++to)
      if (from != to) check({Op::fcvt, scalar(to), {scalar(from)}}, from);
  for (unsigned from = 1; from <= 2; ++from)
    check({Op::fcvt_wide, Type::v128, {Type::v128}, static_cast<uint8_t>(from)}, from);
  for (unsigned from = 2; from <= 3; ++from)
    for (const uint64_t odd : {0, 1})
      if (!odd || from == 3)
        check({Op::fcvt_narrow, Type::v128, {Type::v128}, static_cast<uint8_t>(from), odd}, from);
}
// Around the smallest normal number of the narrower format.
TEST_P(Fp, NarrowTiny) {
  std::vector<Operands> doubles, singles;
  for (unsigned i = 0; i < 3000; ++i) {
    const uint64_t d = 0x3810000000000000 - (source_.below(8) << source_.below(40));
    const uint64_t s = 0x38800000 - (source_.below(8) << source_.below(18));
    doubles.push_back({V128{d, 0x3ff0000000000000}});
    doubles.push_back({V128{d | uint64_t{1} << 63, d + source_.below(3) - 1}});
    singles.push_back({V128{s | uint64_t{0xb8800000} << 32, 0x3f8000003f800000}});
    singles.push_back({V128{s | uint64_t{1} << 31, s}});
  }
  for (const FpMode& mode : modes()) {
    ASSERT_EQ(checker_.check({Op::fcvt, Type::f32, {Type::f64}}, mode, doubles, {}), "");
    ASSERT_EQ(checker_.check({Op::fcvt, Type::f16, {Type::f32}}, mode, singles, {}), "");
    ASSERT_EQ(checker_.check({Op::fcvt_narrow, Type::v128, {Type::v128}, 3}, mode, doubles, {}), "");
    ASSERT_EQ(checker_.check({Op::fcvt_narrow, Type::v128, {Type::v128}, 2}, mode, singles, {}), "");
  }
}

TEST_P(Fp, ToIntegers) {
  for (unsigned format = 1; format <= 3; ++format)
    for (uint64_t round = 0; round < 6; ++round)
      for (const bool u : {false, true})
        for (const uint8_t fraction : {0, 7}) {
          const uint64_t imm = pack(FtoI{static_cast<FpRound>(round), u, fraction});
          for (const Type t : {Type::i32, Type::i64})
            check({Op::fto_int, t, {scalar(format)}, static_cast<uint8_t>(format), imm}, format);
          check({Op::fto_fixed, Type::v128, {Type::v128}, static_cast<uint8_t>(format), imm}, format);
          if (HasFatalFailure()) return;
        }
}

TEST_P(Fp, FromIntegers) {
  for (unsigned format = 1; format <= 3; ++format)
    for (const uint64_t round : {0, 5})
      for (const bool u : {false, true})
        for (const uint8_t fraction : {0, 1, 31, 64}) {
          const uint64_t imm = pack(FtoI{static_cast<FpRound>(round), u, fraction});
          for (const FpMode& mode : modes()) {
            std::vector<Operands> values;
            for (unsigned i = 0; i < runs_; ++i) values.push_back({source_.integers(i % 4 ? 3 : 2)});
            for (const Type t : {Type::i32, Type::i64}) {
              if (fraction > bits(t)) continue;
              ASSERT_EQ(checker_.check({Op::int_to_f, scalar(format), {t}, static_cast<uint8_t>(format), imm},
                                       mode, values, {}),
                        "");
            }
            if (fraction > 8u << format) continue;
            ASSERT_EQ(
                checker_.check({Op::fixed_to_f, Type::v128, {Type::v128}, static_cast<uint8_t>(format), imm},
                               mode, values, {}),
                "");
          }
        }
}

}  // namespace
}  // namespace mynah::ir::testing
