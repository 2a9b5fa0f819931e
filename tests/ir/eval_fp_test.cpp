// SPDX-License-Identifier: Apache-2.0
//
// The evaluator's floating-point ops: that each reaches the right softfloat function with the right operands,
// lanes and modes. The functions themselves have their own tests. Arithmetic is compared with the host's;
// complex arithmetic with the Arm ARM's pseudocode, written once more.
#include <gtest/gtest.h>

#include <cmath>

#include "ir/softfloat/softfloat.h"
#include "tests/ir/ir_test_support.h"

namespace mynah::ir::test {
namespace {

uint32_t b32(float x) { return std::bit_cast<uint32_t>(x); }
uint64_t b64(double x) { return std::bit_cast<uint64_t>(x); }
V128 floats(float a, float b, float c, float d) {
  return {b32(a) | uint64_t{b32(b)} << 32, b32(c) | uint64_t{b32(d)} << 32};
}
V128 doubles(double a, double b) { return {b64(a), b64(b)}; }

TEST(EvalFp, ScalarsAndLanes) {
  const auto scalar32 = [](Op op, float a, float b, float c = 0) {
    const V128 v = eval_op(op, Type::f32, {f32(a), f32(b), f32(c)}, 0, 2).value;
    EXPECT_EQ(v.lo >> 32 | v.hi, 0u);
    return std::bit_cast<float>(static_cast<uint32_t>(v.lo));
  };
  const auto scalar64 = [](Op op, double a, double b, double c = 0) {
    return std::bit_cast<double>(eval_op(op, Type::f64, {f64(a), f64(b), f64(c)}, 0, 3).value.lo);
  };
  Random random(5);
  for (int i = 0; i < 2000; ++i) {
    const double a = std::ldexp(static_cast<double>(static_cast<int64_t>(random.next())),
                                -40 - static_cast<int>(random.below(20)));
    const double b = std::ldexp(static_cast<double>(static_cast<int64_t>(random.next())),
                                -40 - static_cast<int>(random.below(20)));
    const double c = std::ldexp(static_cast<double>(static_cast<int64_t>(random.next())),
                                -10 - static_cast<int>(random.below(20)));
    const auto fa = static_cast<float>(a), fb = static_cast<float>(b), fc = static_cast<float>(c);
    EXPECT_EQ(scalar64(Op::fadd, a, b), a + b);
    EXPECT_EQ(scalar64(Op::fsub, a, b), a - b);
    EXPECT_EQ(scalar64(Op::fmul, a, b), a * b);
    EXPECT_EQ(scalar64(Op::fmulx, a, b), a * b);
    EXPECT_EQ(scalar64(Op::fdiv, a, b), a / b);
    EXPECT_EQ(scalar64(Op::fmin, a, b), std::fmin(a, b));
    EXPECT_EQ(scalar64(Op::fmaxnm, a, b), std::fmax(a, b));
    EXPECT_EQ(scalar64(Op::fma, a, b, c), std::fma(a, b, c));
    EXPECT_EQ(scalar64(Op::fsqrt, std::fabs(a), 0), std::sqrt(std::fabs(a)));
    EXPECT_EQ(scalar32(Op::fadd, fa, fb), fa + fb);
    EXPECT_EQ(scalar32(Op::fma, fa, fb, fc), std::fma(fa, fb, fc));
    EXPECT_EQ(scalar32(Op::fneg, fa, fb), -fa);
    EXPECT_EQ(scalar32(Op::fabs, fa, fb), std::fabs(fa));
    EXPECT_EQ(
        eval_op(Op::fsub, Type::v128, {v128(floats(fa, fb, fc, 1)), v128(floats(fb, fc, fa, 2))}, 0, 2).value,
        floats(fa - fb, fb - fc, fc - fa, -1));
    EXPECT_EQ(eval_op(Op::fdiv, Type::v128, {v128(doubles(a, b)), v128(doubles(c, a))}, 0, 3).value,
              doubles(a / c, b / a));
    EXPECT_EQ(
        eval_op(Op::fma, Type::v128, {v128(doubles(a, b)), v128(doubles(c, a)), v128(doubles(b, c))}, 0, 3)
            .value,
        doubles(std::fma(a, c, b), std::fma(b, a, c)));
    EXPECT_EQ(scalar64(Op::frecps, a, b), std::fma(-a, b, 2.0));
  }
  // Eight halves.
  const V128 one{0x3c003c003c003c00, 0x3c003c003c003c00}, two{0x4000400040004000, 0x4000400040004000};
  EXPECT_EQ(eval_op(Op::fadd, Type::v128, {v128(one), v128(one)}, 0, 1).value, two);
  EXPECT_EQ(eval_op(Op::fneg, Type::v128, {v128(one)}, 0, 1).value,
            (V128{0xbc00bc00bc00bc00, 0xbc00bc00bc00bc00}));
  EXPECT_EQ(eval_op(Op::fneg, Type::f16, {{Type::f16, {0x3c00, 0}}}, 0, 1).value, (V128{0xbc00, 0}));
}

TEST(EvalFp, Modes) {
  const float third = 1.0f / 3;
  FpMode mode;
  for (const auto& [round, expected] :
       {std::pair{0, third}, {1, third}, {2, std::nextafterf(third, 0)}, {3, std::nextafterf(third, 0)}}) {
    mode.round = static_cast<uint8_t>(round);
    const Evaluated e = eval_op(Op::fdiv, Type::f32, {f32(1), f32(3)}, 0, 2, mode);
    EXPECT_EQ(e.value.lo, b32(expected)) << round;
    EXPECT_EQ(e.sticky, uint32_t{sf::kInexact});
  }
  const Operand nan{Type::f32, {0xffc00123, 0}}, tiny{Type::f32, {1, 0}};
  EXPECT_EQ(eval_op(Op::fadd, Type::f32, {f32(1), nan}, 0, 2).value.lo, 0xffc00123u);
  EXPECT_EQ(eval_op(Op::fadd, Type::f32, {f32(1), nan}, 0, 2, {.default_nan = true}).value.lo, 0x7fc00000u);
  EXPECT_EQ(eval_op(Op::fadd, Type::f32, {tiny, tiny}, 0, 2).value.lo, 2u);
  const Evaluated flushed = eval_op(Op::fadd, Type::f32, {tiny, tiny}, 0, 2, {.flush = true});
  EXPECT_EQ(flushed.value.lo, 0u);
  EXPECT_EQ(flushed.sticky, uint32_t{sf::kInputDenormal});
  const Operand tiny_half{Type::f16, {1, 0}};
  EXPECT_EQ(eval_op(Op::fadd, Type::f16, {tiny_half, tiny_half}, 0, 1, {.flush = true}).value.lo, 2u);
  EXPECT_EQ(eval_op(Op::fadd, Type::f16, {tiny_half, tiny_half}, 0, 1, {.flush_half = true}).value.lo, 0u);
  // 0x7c00: infinity, or 65536 in the alternative format.
  const Operand infinite_half{Type::f16, {0x7c00, 0}};
  EXPECT_EQ(eval_op(Op::fcvt, Type::f32, {infinite_half}).value.lo, b32(INFINITY));
  EXPECT_EQ(eval_op(Op::fcvt, Type::f32, {infinite_half}, 0, 0, {.alternative_half = true}).value.lo,
            b32(65536));
  EXPECT_EQ(
      eval_op(Op::fadd, Type::f16, {infinite_half, infinite_half}, 0, 1, {.alternative_half = true}).value.lo,
      0x7c00u);
  // Zero over zero: the default NaN's sign is the family's.
  EXPECT_EQ(eval_op(Op::fdiv, Type::f32, {f32(0), f32(0)}, 0, 2).value.lo, 0x7fc00000u);
  EXPECT_EQ(eval_op(Op::fdiv, Type::f32, {f32(0), f32(0)}, 0, 2, {.x86_nans = true}).value.lo, 0xffc00000u);
  EXPECT_EQ(eval_op(Op::fmulx, Type::f32, {f32(0), f32(-INFINITY)}, 0, 2).value.lo, b32(-2));
}

TEST(EvalFp, Comparisons) {
  const auto flags = [](double a, double b, uint8_t aux = 0) {
    return eval_op(Op::fl_fcmp, Type::flags, {f64(a), f64(b)}, 0, aux);
  };
  EXPECT_EQ(flags(1, 2).value.lo, kFlagN);
  EXPECT_EQ(flags(2, 2).value.lo, kFlagZ | kFlagC);
  EXPECT_EQ(flags(3, 2).value.lo, kFlagC);
  EXPECT_EQ(flags(NAN, 2).value.lo, kFlagC | kFlagV);
  EXPECT_EQ(flags(NAN, 2).sticky, 0u);
  EXPECT_EQ(flags(NAN, 2, 1).sticky, uint32_t{sf::kInvalid});
  EXPECT_EQ(eval_op(Op::fl_fcmp, Type::flags, {f32(1), f32(2)}).value.lo, kFlagN);
  const V128 a = floats(1, -3, NAN, 2), b = floats(1, 2, 1, -3);
  const auto mask = [](bool w, bool x, bool y, bool z) {
    return V128{(w ? 0xffffffffu : 0) | (x ? 0xffffffff00000000u : 0),
                (y ? 0xffffffffu : 0) | (z ? 0xffffffff00000000u : 0)};
  };
  EXPECT_EQ(eval_op(Op::fcmeq, Type::v128, {v128(a), v128(b)}, 0, 2).value, mask(1, 0, 0, 0));
  EXPECT_EQ(eval_op(Op::fcmge, Type::v128, {v128(a), v128(b)}, 0, 2).value, mask(1, 0, 0, 1));
  EXPECT_EQ(eval_op(Op::fcmgt, Type::v128, {v128(a), v128(b)}, 0, 2).value, mask(0, 0, 0, 1));
  EXPECT_EQ(eval_op(Op::facge, Type::v128, {v128(a), v128(b)}, 0, 2).value, mask(1, 1, 0, 0));
  EXPECT_EQ(eval_op(Op::facgt, Type::v128, {v128(a), v128(b)}, 0, 2).value, mask(0, 1, 0, 0));
  EXPECT_EQ(eval_op(Op::fcmeq, Type::f64, {f64(1), f64(1)}, 0, 3).value, (V128{~0ull, 0}));
  EXPECT_EQ(eval_op(Op::fcmeq, Type::f32, {f32(1), f32(1)}, 0, 2).value, (V128{0xffffffff, 0}));
}

TEST(EvalFp, Conversions) {
  const auto to = [](FpRound r, bool is_unsigned = false, uint8_t fraction = 0) {
    return pack(FtoI{r, is_unsigned, fraction});
  };
  EXPECT_EQ(eval_op(Op::fto_int, Type::i32, {f64(-2.5)}, to(FpRound::kZero)).value.lo, 0xfffffffeu);
  EXPECT_EQ(eval_op(Op::fto_int, Type::i32, {f64(-2.5)}, to(FpRound::kDown)).value.lo, 0xfffffffdu);
  EXPECT_EQ(eval_op(Op::fto_int, Type::i32, {f64(-2.5)}, to(FpRound::kTiesEven)).value.lo, 0xfffffffeu);
  EXPECT_EQ(eval_op(Op::fto_int, Type::i32, {f64(-2.5)}, to(FpRound::kTiesAway)).value.lo, 0xfffffffdu);
  EXPECT_EQ(eval_op(Op::fto_int, Type::i64, {f32(2.25f)}, to(FpRound::kCurrent), 0, {.round = 1}).value.lo,
            3u);
  EXPECT_EQ(eval_op(Op::fto_int, Type::i32, {f64(1e20)}, to(FpRound::kZero)).value.lo, 0x7fffffffu);
  EXPECT_EQ(eval_op(Op::fto_int, Type::i32, {f64(-5)}, to(FpRound::kZero, true)).value.lo, 0u);
  EXPECT_EQ(eval_op(Op::fto_int, Type::i32, {f64(1.75)}, to(FpRound::kZero, false, 4)).value.lo, 28u);
  EXPECT_EQ(eval_op(Op::int_to_f, Type::f64, {i32(~0u)}, to(FpRound::kCurrent)).value.lo, b64(-1));
  EXPECT_EQ(eval_op(Op::int_to_f, Type::f64, {i32(~0u)}, to(FpRound::kCurrent, true)).value.lo,
            b64(4294967295.0));
  EXPECT_EQ(eval_op(Op::int_to_f, Type::f32, {i64(24)}, to(FpRound::kCurrent, false, 4)).value.lo, b32(1.5f));
  EXPECT_EQ(
      eval_op(Op::fto_fixed, Type::v128, {v128(floats(1.5f, -1.5f, 1e20f, 3))}, to(FpRound::kZero), 2).value,
      (V128{0xffffffff00000001, 0x000000037fffffff}));
  EXPECT_EQ(eval_op(Op::fixed_to_f, Type::v128, {v128({0xffffffff00000001, 0x00000003fffffffe})},
                    to(FpRound::kCurrent), 2)
                .value,
            floats(1, -1, -2, 3));
  EXPECT_EQ(eval_op(Op::fcvt, Type::f64, {f32(1.5f)}).value.lo, b64(1.5));
  EXPECT_EQ(eval_op(Op::fcvt, Type::f16, {f64(1.5)}).value.lo, 0x3e00u);
  EXPECT_EQ(eval_op(Op::fcvt, Type::f32, {f64(0.1)}).value.lo, b32(0.1f));
  EXPECT_EQ(eval_op(Op::fcvt_wide, Type::v128, {v128(floats(1, 2, 3, 4))}, 0, 2).value, doubles(1, 2));
  EXPECT_EQ(eval_op(Op::fcvt_wide, Type::v128, {v128({0x42004000c0003c00, 7})}, 0, 1).value,
            floats(1, -2, 2, 3));
  EXPECT_EQ(eval_op(Op::fcvt_narrow, Type::v128, {v128(doubles(1, 0.1))}, 0, 3).value, floats(1, 0.1f, 0, 0));
  EXPECT_EQ(eval_op(Op::fcvt_narrow, Type::v128, {v128(doubles(1, 1 + 0x1p-40))}, 1, 3).value,
            floats(1, 1 + 0x1p-23f, 0, 0));
  EXPECT_EQ(eval_op(Op::fcvt_narrow, Type::v128, {v128(floats(1, -2, 2, 3))}, 0, 2).value,
            (V128{0x42004000c0003c00, 0}));
  const Evaluated js = eval_op(Op::fjcvtzs, Type::i32, {f64(4294967297.5)});
  EXPECT_EQ(js.value.lo, 1u);
  EXPECT_NE(js.sticky, 0u);
  EXPECT_EQ(eval_op(Op::fjcvtzs_z, Type::i1, {f64(4294967297.5)}).value.lo, 0u);
  EXPECT_EQ(eval_op(Op::fjcvtzs_z, Type::i1, {f64(-7)}).value.lo, 1u);
  EXPECT_EQ(eval_op(Op::fjcvtzs_z, Type::i1, {f64(0.5)}).sticky, 0u);
}

TEST(EvalFp, RoundToIntegral) {
  const auto round = [](double x, FpRound r, unsigned bits = 0) {
    return eval_op(Op::fround, Type::f64, {f64(x)}, static_cast<uint64_t>(r) | bits, 3);
  };
  EXPECT_EQ(round(2.5, FpRound::kTiesEven).value.lo, b64(2));
  EXPECT_EQ(round(2.5, FpRound::kTiesAway).value.lo, b64(3));
  EXPECT_EQ(round(-2.5, FpRound::kDown).value.lo, b64(-3));
  EXPECT_EQ(round(2.5, FpRound::kCurrent).value.lo, b64(2));
  EXPECT_EQ(round(2.5, FpRound::kZero).sticky, 0u);
  EXPECT_EQ(round(2.5, FpRound::kZero, 8).sticky, uint32_t{sf::kInexact});
  EXPECT_EQ(round(1e10, FpRound::kZero, 8 | 16).value.lo, b64(-2147483648.0));
  EXPECT_EQ(round(1e10, FpRound::kZero, 8 | 32).value.lo, b64(1e10));
  EXPECT_EQ(round(1e30, FpRound::kZero, 8 | 32).value.lo, b64(-9223372036854775808.0));
}

TEST(EvalFp, Complex) {
  const float a[4] = {1, 2, 3, 4}, b[4] = {5, 6, 7, 8}, c[4] = {9, 10, 11, 12};
  const auto pack4 = [](const float* x) { return floats(x[0], x[1], x[2], x[3]); };
  for (unsigned rotate = 0; rotate < 2; ++rotate) {
    float d[4];
    for (int e = 0; e < 2; ++e) {
      float element1 = b[2 * e + 1], element3 = b[2 * e];
      if (rotate == 0)
        element1 = -element1;
      else
        element3 = -element3;
      d[2 * e] = a[2 * e] + element1;
      d[2 * e + 1] = a[2 * e + 1] + element3;
    }
    EXPECT_EQ(eval_op(Op::fcadd, Type::v128, {v128(pack4(a)), v128(pack4(b))}, rotate, 2).value, pack4(d));
  }
  for (unsigned element = 0; element <= 2; ++element) {
    for (unsigned rotate = 0; rotate < 4; ++rotate) {
      float d[4];
      for (int e = 0; e < 2; ++e) {
        const int p = element == 0 ? e : static_cast<int>(element) - 1;
        const float re = c[2 * p], im = c[2 * p + 1];
        // Multiplication by b's real part (0, 180) or by i times its imaginary part (90, 270).
        const float x = b[2 * e + (rotate & 1)];
        const float first[] = {re, -im, -re, im}, second[] = {im, re, -im, -re};
        d[2 * e] = a[2 * e] + x * first[rotate];
        d[2 * e + 1] = a[2 * e + 1] + x * second[rotate];
      }
      EXPECT_EQ(eval_op(Op::fcmla, Type::v128, {v128(pack4(a)), v128(pack4(b)), v128(pack4(c))},
                        rotate | element << 4, 2)
                    .value,
                pack4(d))
          << rotate << " " << element;
    }
  }
  // 0 and 90 degrees together make a complex product: (1 + 2i)(3 + 4i) = -5 + 10i.
  const V128 x = doubles(1, 2), y = doubles(3, 4);
  const V128 half = eval_op(Op::fcmla, Type::v128, {v128({}), v128(x), v128(y)}, 0, 3).value;
  EXPECT_EQ(eval_op(Op::fcmla, Type::v128, {v128(half), v128(x), v128(y)}, 1, 3).value, doubles(-5, 10));
}

TEST(EvalFp, Estimates) {
  EXPECT_EQ(eval_op(Op::frecpe, Type::f32, {f32(2)}, 0, 2).value.lo, 0x3eff8000u);
  EXPECT_EQ(eval_op(Op::frsqrte, Type::f32, {f32(4)}, 0, 2).value.lo, 0x3eff8000u);
  EXPECT_EQ(eval_op(Op::frecpx, Type::f32, {f32(1)}, 0, 2).value.lo, 0x40000000u);
  EXPECT_EQ(eval_op(Op::frsqrts, Type::f32, {f32(1), f32(1)}, 0, 2).value.lo, b32(1));
  EXPECT_EQ(eval_op(Op::vurecpe, Type::v128, {v128({0x80000000, 0})}).value.lo,
            uint64_t{sf::urecpe(0x80000000)} | uint64_t{sf::urecpe(0)} << 32);
  EXPECT_EQ(eval_op(Op::vursqrte, Type::v128, {v128({0x40000000, 0})}).value.lo,
            uint64_t{sf::ursqrte(0x40000000)} | uint64_t{sf::ursqrte(0)} << 32);
}

}  // namespace
}  // namespace mynah::ir::test
