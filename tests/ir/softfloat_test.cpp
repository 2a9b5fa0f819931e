// SPDX-License-Identifier: Apache-2.0
//
// The integer floating point without an oracle: cases that follow from the text of IEEE 754 and the Arm
// manual, and half precision checked against double precision, which holds its sums and products exactly.

#include <gtest/gtest.h>

#include "ir/softfloat/softfloat.h"
#include "tests/ir/softfloat_operands.h"

namespace mynah::test {
namespace {

namespace sf = ir::sf;
using sf::Env;
using sf::Order;
using sf::Round;

constexpr uint32_t kOne = 0x3f800000;
constexpr uint32_t kInf = 0x7f800000;
constexpr uint32_t kMax = 0x7f7fffff;
constexpr uint32_t kMinNormal = 0x00800000;
constexpr uint32_t kSnan = 0x7f800001;
constexpr uint32_t kSnanQuieted = 0x7fc00001;
constexpr uint32_t kQnan = 0xffc12345;
constexpr uint32_t kDefault = 0x7fc00000;
constexpr uint32_t kSign = 0x80000000;

Env with_round(Round round) {
  Env env;
  env.round = round;
  return env;
}
Env arm_flushing() {
  Env env;
  env.flush_inputs = env.flush_outputs = true;
  return env;
}

TEST(Softfloat, NanPriority) {
  Env env;
  EXPECT_EQ(sf::add(kQnan, kOne, env), kQnan);
  EXPECT_EQ(env.flags, 0u);
  EXPECT_EQ(sf::add(kQnan, kSnan, env), kSnanQuieted);  // A signaling NaN goes first.
  EXPECT_EQ(env.flags, sf::kInvalid);

  env = Env::x86();
  EXPECT_EQ(sf::add(kQnan, kSnan, env), kQnan);
  EXPECT_EQ(env.flags, sf::kInvalid);

  env = Env{};
  env.default_nan = true;
  EXPECT_EQ(sf::add(kQnan, kSnan, env), kDefault);
  EXPECT_EQ(env.flags, sf::kInvalid);

  env = Env{};
  EXPECT_EQ(sf::fma(kQnan, kOne, uint32_t{0x7fc00777}, env), 0x7fc00777u);  // The addend first.
  EXPECT_EQ(sf::recps(uint32_t{0x7fc00777}, kOne, env), 0xffc00777u);       // Negated before it propagates.
  EXPECT_EQ(env.flags, 0u);
  EXPECT_EQ(sf::fma(kInf, uint32_t{0}, kQnan, env), kDefault);
  EXPECT_EQ(env.flags, sf::kInvalid);
}

TEST(Softfloat, InvalidOperations) {
  for (const bool x86 : {false, true}) {
    const Env start = x86 ? Env::x86() : Env{};
    const uint32_t want = x86 ? kDefault | kSign : kDefault;
    const auto check = [&](auto operation) {
      Env env = start;
      EXPECT_EQ(operation(env), want);
      EXPECT_EQ(env.flags, sf::kInvalid);
    };
    check([](Env& env) { return sf::sub(kInf, kInf, env); });
    check([](Env& env) { return sf::mul(kInf, uint32_t{0}, env); });
    check([](Env& env) { return sf::div(uint32_t{0}, kSign, env); });
    check([](Env& env) { return sf::div(kInf, kInf, env); });
    check([](Env& env) { return sf::sqrt(kOne | kSign, env); });
    check([](Env& env) { return sf::fma(kInf, kOne, kInf | kSign, env); });
  }
  Env env;
  EXPECT_EQ(sf::mulx(kInf, kSign, env), 0xc0000000u);
  EXPECT_EQ(sf::recps(kInf, uint32_t{0}, env), 0x40000000u);
  EXPECT_EQ(sf::rsqrts(kInf, uint32_t{0}, env), 0x3fc00000u);
  EXPECT_EQ(sf::sqrt(kSign, env), kSign);
  EXPECT_EQ(env.flags, 0u);
  EXPECT_EQ(sf::div(kOne, kSign, env), kInf | kSign);
  EXPECT_EQ(env.flags, sf::kDivZero);
}

TEST(Softfloat, OverflowAndZeroSignsFollowTheRounding) {
  const auto doubled = [](uint32_t x, Round round) {
    Env env = with_round(round);
    const uint32_t result = sf::add(x, x, env);
    EXPECT_EQ(env.flags, sf::kOverflow | sf::kInexact);
    return result;
  };
  EXPECT_EQ(doubled(kMax, Round::kTiesEven), kInf);
  EXPECT_EQ(doubled(kMax, Round::kTiesAway), kInf);
  EXPECT_EQ(doubled(kMax, Round::kUp), kInf);
  EXPECT_EQ(doubled(kMax, Round::kDown), kMax);
  EXPECT_EQ(doubled(kMax, Round::kZero), kMax);
  EXPECT_EQ(doubled(kMax, Round::kOdd), kMax);
  EXPECT_EQ(doubled(kMax | kSign, Round::kUp), kMax | kSign);
  EXPECT_EQ(doubled(kMax | kSign, Round::kDown), kInf | kSign);
  for (const Round round : {Round::kTiesEven, Round::kUp, Round::kDown, Round::kZero}) {
    Env env = with_round(round);
    EXPECT_EQ(sf::sub(kOne, kOne, env), round == Round::kDown ? kSign : 0u);
    EXPECT_EQ(sf::add(kSign, kSign, env), kSign);
    EXPECT_EQ(env.flags, 0u);
  }
}

TEST(Softfloat, TininessBeforeAndAfterRounding) {
  // (1 - 2^-24) * 2^-126 is a tie below the smallest normal number, and rounds to it.
  constexpr uint32_t kBelowOne = 0x3f7fffff;
  Env env;
  EXPECT_EQ(sf::mul(kMinNormal, kBelowOne, env), kMinNormal);
  EXPECT_EQ(env.flags, sf::kUnderflow | sf::kInexact);
  env = Env::x86();
  EXPECT_EQ(sf::mul(kMinNormal, kBelowOne, env), kMinNormal);
  EXPECT_EQ(env.flags, sf::kUnderflow | sf::kInexact);  // 24 bits hold it: tiny, whichever way.
  // The double 2^-126 * (1 - 2^-30) as a single: to 24 bits it rounds up to 2^-126.
  constexpr uint64_t kAlmost = 0x380fffffff800000;
  env = Env{};
  EXPECT_EQ(sf::convert<uint32_t>(kAlmost, env), kMinNormal);
  EXPECT_EQ(env.flags, sf::kUnderflow | sf::kInexact);
  env = Env::x86();
  EXPECT_EQ(sf::convert<uint32_t>(kAlmost, env), kMinNormal);
  EXPECT_EQ(env.flags, sf::kInexact);
}

TEST(Softfloat, FlagsWhereRangeTraps) {
  constexpr uint32_t kHalf = 0x3f000000, kThird = 0x3eaaaaab, kTwo = 0x40000000, kMax = 0x7f7fffff;
  const auto flags = [](uint32_t a, uint32_t b, bool overflow, bool underflow) {
    Env env = Env::x86();
    env.overflow_traps = overflow;
    env.underflow_traps = underflow;
    sf::mul(a, b, env);
    return env.flags;
  };
  EXPECT_EQ(flags(kMax, kTwo, false, true), sf::kOverflow | sf::kInexact);
  EXPECT_EQ(flags(kMax, kTwo, true, false), sf::kOverflow);
  EXPECT_EQ(flags(kMax, kTwo + 0x400001, true, false), sf::kOverflow | sf::kInexact);
  EXPECT_EQ(flags(kMinNormal, kHalf, true, false), 0u);
  EXPECT_EQ(flags(kMinNormal, kHalf, false, true), sf::kUnderflow);
  EXPECT_EQ(flags(kMinNormal, kThird, false, true), sf::kUnderflow);
  EXPECT_EQ(flags(kMinNormal + 1, kThird, false, true), sf::kUnderflow | sf::kInexact);
}

TEST(Softfloat, Flushing) {
  Env env = arm_flushing();
  EXPECT_EQ(sf::add(uint32_t{kSign | 5}, uint32_t{kSign}, env), kSign);
  EXPECT_EQ(env.flags, sf::kInputDenormal);
  env = arm_flushing();
  EXPECT_EQ(sf::mul(kMinNormal, uint32_t{0x3f000000}, env), 0u);
  EXPECT_EQ(env.flags, sf::kUnderflow);  // Not inexact.
  env = arm_flushing();
  EXPECT_EQ(sf::add(uint16_t{1}, uint16_t{1}, env), 2);  // FZ leaves half alone.
  EXPECT_EQ(env.flags, 0u);
  env.flush_half = true;
  EXPECT_EQ(sf::add(uint16_t{1}, uint16_t{1}, env), 0);
  EXPECT_EQ(env.flags, 0u);
  EXPECT_EQ(sf::convert<uint32_t>(uint16_t{1}, env), 0x33800000u);  // Conversions ignore FZ16.
  EXPECT_EQ(env.flags, 0u);
  EXPECT_EQ(sf::compare(uint32_t{1}, uint32_t{0}, false, env), Order::kEqual);
  EXPECT_EQ(env.flags, sf::kInputDenormal);
}

TEST(Softfloat, AlternativeHalf) {
  Env env;
  env.alt_half = true;
  EXPECT_EQ(sf::convert<uint32_t>(uint16_t{0x7fff}, env), 0x47ffe000u);  // 131008
  EXPECT_EQ(env.flags, 0u);
  EXPECT_EQ(sf::convert<uint16_t>(kInf | kSign, env), 0xffff);
  EXPECT_EQ(env.flags, sf::kInvalid);
  env.flags = 0;
  EXPECT_EQ(sf::convert<uint16_t>(kQnan, env), 0x8000);
  EXPECT_EQ(env.flags, sf::kInvalid);
  env.flags = 0;
  EXPECT_EQ(sf::convert<uint16_t>(uint32_t{0x48000000}, env), 0x7fff);  // 131072
  EXPECT_EQ(env.flags, sf::kInvalid);
}

TEST(Softfloat, MinMax) {
  Env env;
  EXPECT_EQ(sf::min(uint32_t{0}, kSign, env), kSign);
  EXPECT_EQ(sf::max(kSign, uint32_t{0}, env), 0u);
  EXPECT_EQ(sf::max(kQnan, kOne, env), kQnan);
  EXPECT_EQ(sf::maxnm(kQnan, kOne, env), kOne);
  EXPECT_EQ(sf::minnm(kOne | kSign, kQnan, env), kOne | kSign);
  EXPECT_EQ(env.flags, 0u);
  EXPECT_EQ(sf::minnm(kQnan, kSnan, env), kSnanQuieted);
  EXPECT_EQ(env.flags, sf::kInvalid);
}

TEST(Softfloat, Integers) {
  Env env;
  EXPECT_EQ(sf::to_int(uint32_t{0xbf000000}, 32, false, 0, Round::kTiesEven, env), 0u);  // -0.5
  EXPECT_EQ(env.flags, sf::kInexact);
  env.flags = 0;
  EXPECT_EQ(sf::to_int(uint32_t{0xbf000001}, 32, false, 0, Round::kTiesEven, env),
            0u);  // to -1: out of range
  EXPECT_EQ(env.flags, sf::kInvalid);
  EXPECT_EQ(sf::to_int(uint32_t{0x4f000000}, 32, true, 0, Round::kZero, env), 0x7fffffffu);
  EXPECT_EQ(sf::to_int(kInf | kSign, 16, true, 0, Round::kZero, env), 0x8000u);
  EXPECT_EQ(sf::to_int(kQnan, 64, true, 0, Round::kZero, env), 0u);
  env.flags = 0;
  EXPECT_EQ(sf::to_int(uint32_t{0xcf000000}, 32, true, 0, Round::kZero, env), 0x80000000u);
  EXPECT_EQ(sf::to_int(uint32_t{0xbfc00000}, 32, true, 1, Round::kZero, env), 0xfffffffdu);  // -1.5 * 2
  EXPECT_EQ(sf::from_int<uint64_t>(~uint64_t{0}, true, 1, Round::kTiesEven, env), 0xbfe0000000000000u);
  EXPECT_EQ(env.flags, 0u);
  EXPECT_EQ(sf::from_int<uint16_t>(~uint64_t{0}, false, 0, Round::kTiesEven, env), 0x7c00);
  EXPECT_EQ(env.flags, sf::kOverflow | sf::kInexact);
  env.flags = 0;
  EXPECT_EQ(sf::round_to_int_sized(uint32_t{0x4f000000}, 32, Round::kZero, env), 0xcf000000u);
  EXPECT_EQ(env.flags, sf::kInvalid);
  env.flags = 0;
  EXPECT_EQ(sf::round_to_int(uint32_t{0xc0200000}, Round::kTiesAway, false, env), 0xc0400000u);  // -2.5 to -3
  EXPECT_EQ(sf::round_to_int(uint32_t{0xbe800000}, Round::kTiesEven, false, env), kSign);
  EXPECT_EQ(env.flags, 0u);
}

TEST(Softfloat, JavaScriptConversion) {
  const auto check = [](uint64_t a, uint32_t value, bool exact, uint32_t flags, bool flush = false) {
    Env env = flush ? arm_flushing() : Env{};
    const sf::JsInt result = sf::fjcvtzs(a, env);
    EXPECT_EQ(result.value, value) << std::hex << a;
    EXPECT_EQ(result.exact, exact) << std::hex << a;
    EXPECT_EQ(env.flags, flags) << std::hex << a;
  };
  check(0, 0, true, 0);
  check(0x8000000000000000, 0, false, 0);
  check(0x41f0000000100000, 1, false, sf::kInvalid);           // 2^32 + 1
  check(0xc1e0000000000000, 0x80000000, true, 0);              // -2^31
  check(0x41e0000000000000, 0x80000000, false, sf::kInvalid);  // 2^31
  check(0xbff8000000000000, 0xffffffff, false, sf::kInexact);  // -1.5
  check(0x4730000000000000, 0, false, sf::kInvalid);           // 2^116
  check(0x7ff0000000000000, 0, false, sf::kInvalid);
  check(1, 0, false, sf::kInexact);
  check(1, 0, false, sf::kInputDenormal, true);
}

TEST(Softfloat, Estimates) {
  Env env;
  EXPECT_EQ(sf::recpe(kOne, env), 0x3f7f8000u);
  EXPECT_EQ(sf::rsqrte(kOne, env), 0x3f7f8000u);
  EXPECT_EQ(sf::recpe(kMax, env), 0x00200000u);  // Subnormal, without a flag.
  EXPECT_EQ(sf::recpx(uint32_t{0}, env), 0x7f000000u);
  EXPECT_EQ(env.flags, 0u);
  EXPECT_EQ(sf::recpe(uint32_t{1}, env), kInf);
  EXPECT_EQ(env.flags, sf::kOverflow | sf::kInexact);
  env = arm_flushing();
  EXPECT_EQ(sf::recpe(kMax | kSign, env), kSign);
  EXPECT_EQ(env.flags, sf::kUnderflow);
  EXPECT_EQ(sf::urecpe(0x7fffffff), 0xffffffffu);
  EXPECT_EQ(sf::urecpe(0x80000000), 0xff800000u);
  EXPECT_EQ(sf::ursqrte(0x40000000), 0xff800000u);
}

TEST(Softfloat, RoundToOddKeepsDoubleRoundingExact) {
  Env env;
  EXPECT_EQ(sf::fcvtxn(0x3ff0000000000001, env), 0x3f800001u);
  EXPECT_EQ(sf::fcvtxn(0x3ff0000030000000, env), 0x3f800001u);
  EXPECT_EQ(sf::fcvtxn(0x7fefffffffffffff, env), kMax);
  EXPECT_EQ(env.flags, sf::kInexact | sf::kOverflow);
}

// Half in double rounded to odd, then rounded to half, must equal half arithmetic, flags included.
TEST(Softfloat, HalfAgreesWithDouble) {
  Operands<uint16_t> operands(99);
  Env plain;
  const auto wide = [&](uint16_t x) { return sf::convert<uint64_t>(x, plain); };
  for (int i = 0; i < 400'000; ++i) {
    const uint16_t a = operands.next();
    const uint16_t b = operands.next(a);
    const uint16_t c = operands.next(a);
    if (sf::is_nan(a) || sf::is_nan(b) || sf::is_nan(c)) continue;
    const Round round = static_cast<Round>(i % 6);
    const auto check = [&](const char* name, auto half_operation, auto double_operation) {
      Env env = with_round(round);
      const uint16_t got = half_operation(env);
      Env odd = with_round(Round::kOdd);
      const uint64_t exact = double_operation(odd);
      Env narrow = with_round(round);
      uint16_t want = sf::convert<uint16_t>(exact, narrow);
      narrow.flags |= odd.flags;
      // An exact zero sum takes its sign from the rounding, which differed.
      if (static_cast<uint16_t>(want << 1) == 0 && (narrow.flags & sf::kInexact) == 0) want = got & 0x8000;
      ASSERT_EQ(got, want) << name << std::hex << " " << a << " " << b << " " << c << " round " << i % 6;
      ASSERT_EQ(env.flags, narrow.flags) << name << std::hex << " " << a << " " << b << " " << c;
    };
    check(
        "add", [&](Env& e) { return sf::add(a, b, e); },
        [&](Env& e) { return sf::add(wide(a), wide(b), e); });
    check(
        "sub", [&](Env& e) { return sf::sub(a, b, e); },
        [&](Env& e) { return sf::sub(wide(a), wide(b), e); });
    check(
        "mul", [&](Env& e) { return sf::mul(a, b, e); },
        [&](Env& e) { return sf::mul(wide(a), wide(b), e); });
    check(
        "div", [&](Env& e) { return sf::div(a, b, e); },
        [&](Env& e) { return sf::div(wide(a), wide(b), e); });
    check(
        "sqrt", [&](Env& e) { return sf::sqrt(a, e); }, [&](Env& e) { return sf::sqrt(wide(a), e); });
    check(
        "fma", [&](Env& e) { return sf::fma(a, b, c, e); },
        [&](Env& e) { return sf::fma(wide(a), wide(b), wide(c), e); });
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace mynah::test
