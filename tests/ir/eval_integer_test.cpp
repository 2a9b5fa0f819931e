// SPDX-License-Identifier: Apache-2.0
//
// The evaluator's scalar ops against plain C++ on both widths.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/ir/ir_test_support.h"

namespace mynah::ir::test {
namespace {

// What each op means, written once more with C++ types of the op's width.
template <typename U>
struct Reference {
  using S = std::make_signed_t<U>;
  using Wide = std::conditional_t<sizeof(U) == 8, unsigned __int128, uint64_t>;
  static constexpr unsigned kBits = 8 * sizeof(U);
  static constexpr Type kType = sizeof(U) == 8 ? Type::i64 : Type::i32;

  static Operand operand(U x) { return {kType, {x, 0}}; }
  static U run(Op op, U a, U b, uint64_t imm = 0, uint8_t aux = 0) {
    const Evaluated e = eval_op(op, kType, {operand(a), operand(b)}, imm, aux);
    EXPECT_EQ(e.value.hi, 0u);
    EXPECT_LE(e.value.lo, std::numeric_limits<U>::max());
    return static_cast<U>(e.value.lo);
  }

  static void check(U a, U b) {
    SCOPED_TRACE(testing::Message() << "a=" << std::hex << uint64_t{a} << " b=" << uint64_t{b}
                                    << " bits=" << std::dec << kBits);
    EXPECT_EQ(run(Op::add, a, b), static_cast<U>(a + b));
    EXPECT_EQ(run(Op::sub, a, b), static_cast<U>(a - b));
    EXPECT_EQ(run(Op::mul, a, b), static_cast<U>(a * b));
    EXPECT_EQ(run(Op::udiv, a, b), b == 0 ? 0 : a / b);
    const U quotient = b == 0 ? 0 : b == U(-1) ? static_cast<U>(U{0} - a) : static_cast<U>(S(a) / S(b));
    EXPECT_EQ(run(Op::sdiv, a, b), quotient);
    EXPECT_EQ(run(Op::and_, a, b), (a & b));
    EXPECT_EQ(run(Op::or_, a, b), (a | b));
    EXPECT_EQ(run(Op::xor_, a, b), (a ^ b));
    EXPECT_EQ(run(Op::andn, a, b), (a & ~b));
    EXPECT_EQ(run(Op::not_, a, b), static_cast<U>(~a));
    EXPECT_EQ(run(Op::neg, a, b), static_cast<U>(U{0} - a));
    const unsigned n = b % kBits;
    EXPECT_EQ(run(Op::shl, a, b), static_cast<U>(a << n));
    EXPECT_EQ(run(Op::lshr, a, b), static_cast<U>(a >> n));
    EXPECT_EQ(run(Op::ashr, a, b), static_cast<U>(S(a) >> n));
    EXPECT_EQ(run(Op::ror, a, b), std::rotr(a, static_cast<int>(n)));
    if (n != 0) {
      const Wide pair = static_cast<Wide>(a) << kBits | b;
      EXPECT_EQ(run(Op::extr, a, b, n), static_cast<U>(pair >> n));
    }
    EXPECT_EQ(run(Op::clz, a, b), static_cast<U>(std::countl_zero(a)));
    EXPECT_EQ(run(Op::cls, a, b), static_cast<U>(std::max(std::countl_zero(a), std::countl_one(a)) - 1));
    U reversed = 0, bytes = 0, halves = 0;
    for (unsigned i = 0; i < kBits; ++i) reversed |= static_cast<U>((a >> i & 1) << (kBits - 1 - i));
    for (unsigned i = 0; i < sizeof(U); ++i) {
      bytes |= static_cast<U>((a >> 8 * i & 0xff) << 8 * (sizeof(U) - 1 - i));
      halves |= static_cast<U>((a >> 8 * i & 0xff) << 8 * (i ^ 1));
    }
    EXPECT_EQ(run(Op::rbit, a, b), reversed);
    EXPECT_EQ(run(Op::bswap, a, b), bytes);
    EXPECT_EQ(run(Op::bswap16, a, b), halves);
    EXPECT_EQ(run(Op::zext8, a, b), static_cast<uint8_t>(a));
    EXPECT_EQ(run(Op::zext16, a, b), static_cast<uint16_t>(a));
    EXPECT_EQ(run(Op::sext8, a, b), static_cast<U>(static_cast<int8_t>(a)));
    EXPECT_EQ(run(Op::sext16, a, b), static_cast<U>(static_cast<int16_t>(a)));
    check_fields(a, b);
    check_flags(a, b);
  }

  static void check_fields(U a, U b) {
    for (unsigned low = 0; low < kBits; low += 5) {
      for (unsigned count = 1; low + count <= kBits; count += 7) {
        U field = 0, inserted = a;
        for (unsigned i = 0; i < count; ++i) {
          field |= static_cast<U>((a >> (low + i) & 1) << i);
          inserted = static_cast<U>((inserted & ~(U{1} << (low + i))) | (b >> i & 1) << (low + i));
        }
        U extended = field;
        for (unsigned i = count; i < kBits; ++i) extended |= static_cast<U>((field >> (count - 1) & 1) << i);
        EXPECT_EQ(run(Op::ubfx, a, b, count, static_cast<uint8_t>(low)), field);
        EXPECT_EQ(run(Op::sbfx, a, b, count, static_cast<uint8_t>(low)), extended);
        EXPECT_EQ(run(Op::bfi, a, b, count, static_cast<uint8_t>(low)), inserted);
      }
    }
  }

  static uint32_t sum_flags(U a, U b, unsigned carry) {
    const U r = static_cast<U>(a + b + carry);
    const __int128 exact = static_cast<__int128>(S(a)) + S(b) + carry;
    const unsigned __int128 exact_unsigned = static_cast<unsigned __int128>(a) + b + carry;
    return pack_flags(S(r) < 0, r == 0, exact_unsigned != r, exact != S(r), even_parity(r),
                      (a & 15) + (b & 15) + carry > 15);
  }
  // a - b - 1 + carry: C is set without a borrow, A with one.
  static uint32_t difference_flags(U a, U b, unsigned carry) {
    return sum_flags(a, static_cast<U>(~b), carry) ^ kFlagA;
  }
  static uint32_t flags(Op op, U a, U b, bool carry, uint8_t aux = 0) {
    return static_cast<uint32_t>(
        eval_op(op, Type::flags, {operand(a), operand(b), i1(carry)}, 0, aux).value.lo);
  }

  static void check_flags(U a, U b) {
    EXPECT_EQ(flags(Op::fl_add, a, b, false), sum_flags(a, b, 0));
    EXPECT_EQ(flags(Op::fl_sub, a, b, false), difference_flags(a, b, 1));
    for (unsigned carry = 0; carry < 2; ++carry) {
      EXPECT_EQ(flags(Op::fl_adc, a, b, carry), sum_flags(a, b, carry));
      EXPECT_EQ(flags(Op::fl_sbc, a, b, carry), difference_flags(a, b, carry));
      EXPECT_EQ(flags(Op::fl_sbc, a, b, carry, kFlagsBorrow), difference_flags(a, b, !carry) ^ kFlagC);
      EXPECT_EQ(eval_op(Op::adc, kType, {operand(a), operand(b), i1(carry)}).value.lo,
                static_cast<U>(a + b + carry));
      EXPECT_EQ(eval_op(Op::sbc, kType, {operand(a), operand(b), i1(carry)}).value.lo,
                static_cast<U>(a - b - 1 + carry));
    }
    EXPECT_EQ(flags(Op::fl_logic, a, b, false), pack_flags(S(a) < 0, a == 0, false, false, even_parity(a)));
    EXPECT_EQ(flags(Op::fl_and, a, b, false),
              pack_flags(S(a & b) < 0, (a & b) == 0, false, false, even_parity(a & b)));

    const bool expected[] = {
        a == b,      a != b,       a >= b,      a<b, S(a - b) < 0, S(a - b) >= 0, false, false, a> b,
        a <= b,      S(a) >= S(b), S(a) < S(b), S(a) > S(b),
        S(a) <= S(b)};
    for (uint8_t cond = 0; cond < 14; ++cond) {
      if (cond == 6 || cond == 7) continue;
      EXPECT_EQ(eval_op(Op::icmp, Type::i1, {operand(a), operand(b)}, 0, cond).value.lo, expected[cond])
          << int{cond};
      const Evaluated cmp = eval_op(Op::fl_sub, Type::flags, {operand(a), operand(b)});
      EXPECT_EQ(eval_op(Op::cond, Type::i1, {fl(static_cast<uint32_t>(cmp.value.lo))}, 0, cond).value.lo,
                expected[cond]);
    }
    EXPECT_EQ(eval_op(Op::icmpz, Type::i1, {operand(a)}, 0, 0).value.lo, a == 0);
    EXPECT_EQ(eval_op(Op::icmpz, Type::i1, {operand(a)}, 0, 1).value.lo, a != 0);
    const unsigned bit = b % kBits;
    EXPECT_EQ(eval_op(Op::testbit, Type::i1, {operand(a)}, bit).value.lo,
              static_cast<uint64_t>(a >> bit & 1));
  }
};

TEST(EvalInteger, AgreesWithCpp) {
  Random random(1);
  for (int i = 0; i < 3000; ++i) {
    const uint64_t a = random.edgy(), b = random.below(8) ? random.edgy() : a;
    Reference<uint64_t>::check(a, b);
    Reference<uint32_t>::check(static_cast<uint32_t>(a), static_cast<uint32_t>(b));
    if (HasFailure()) return;
  }
}

TEST(EvalInteger, HighProducts) {
  Random random(2);
  for (int i = 0; i < 1000; ++i) {
    const uint64_t a = random.edgy(), b = random.edgy();
    // By schoolbook halves.
    const uint64_t al = a & 0xffffffff, ah = a >> 32, bl = b & 0xffffffff, bh = b >> 32;
    const uint64_t middle = ah * bl + (al * bl >> 32), middle2 = al * bh + (middle & 0xffffffff);
    const uint64_t high = ah * bh + (middle >> 32) + (middle2 >> 32);
    EXPECT_EQ(eval_op(Op::umulh, Type::i64, {i64(a), i64(b)}).value.lo, high);
    const uint64_t signed_high = high - (a >> 63 ? b : 0) - (b >> 63 ? a : 0);
    EXPECT_EQ(eval_op(Op::smulh, Type::i64, {i64(a), i64(b)}).value.lo, signed_high);
  }
}

TEST(EvalInteger, Conversions) {
  EXPECT_EQ(eval_op(Op::zext32, Type::i64, {i32(0x80000001)}).value.lo, 0x80000001u);
  EXPECT_EQ(eval_op(Op::sext32, Type::i64, {i32(0x80000001)}).value.lo, 0xffffffff80000001u);
  EXPECT_EQ(eval_op(Op::trunc, Type::i32, {i64(0x1234567890abcdef)}).value.lo, 0x90abcdefu);
  EXPECT_EQ(eval_op(Op::bswap32, Type::i64, {i64(0x0102030405060708)}).value.lo, 0x0403020108070605u);
  EXPECT_EQ(eval_op(Op::bool_not, Type::i1, {i1(true)}).value.lo, 0u);
  EXPECT_EQ(eval_op(Op::bool_int, Type::i64, {i1(true)}).value.lo, 1u);
  const V128 x{1, 2}, y{3, 4};
  EXPECT_EQ(eval_op(Op::select, Type::v128, {i1(true), v128(x), v128(y)}).value, x);
  EXPECT_EQ(eval_op(Op::select, Type::v128, {i1(false), v128(x), v128(y)}).value, y);
}

TEST(EvalInteger, FlagsPackAndUnpack) {
  for (unsigned nzcv = 0; nzcv < 16; ++nzcv) {
    const uint32_t packed = pack_flags(nzcv & 8, nzcv & 4, nzcv & 2, nzcv & 1);
    EXPECT_EQ(eval_op(Op::fl_pack, Type::flags, {i32(nzcv << 28 | 0x0abcdef)}).value.lo, packed);
    EXPECT_EQ(eval_op(Op::fl_unpack, Type::i32, {fl(packed | 0x3e00)}).value.lo, nzcv << 28);
    EXPECT_EQ(eval_op(Op::fl_konst, Type::flags, {}, packed).value.lo, packed);
    const bool n = nzcv & 8, z = nzcv & 4, c = nzcv & 2, v = nzcv & 1;
    const bool expected[] = {z,  !z,      c,       !c,     n,      !n,           v,
                             !v, c && !z, !c || z, n == v, n != v, !z && n == v, z || n != v};
    for (uint8_t cond = 0; cond < 14; ++cond) {
      EXPECT_EQ(eval_op(Op::cond, Type::i1, {fl(packed)}, 0, cond).value.lo, expected[cond]);
    }
  }
}

// The check values of CRC-32/ISO-HDLC and CRC-32/ISCSI over "123456789".
TEST(EvalInteger, Crc) {
  const char text[] = "123456789";
  for (const auto& [castagnoli, check] : {std::pair{0, 0xcbf43926u}, std::pair{1, 0xe3069283u}}) {
    uint64_t word;
    std::memcpy(&word, text, 8);
    uint64_t crc = 0xffffffff;
    crc = eval_op(Op::crc32, Type::i32, {i32(crc), i64(word)}, castagnoli, 8).value.lo;
    crc = eval_op(Op::crc32, Type::i32, {i32(crc), i32('9')}, castagnoli, 1).value.lo;
    EXPECT_EQ(static_cast<uint32_t>(~crc), check);
  }
}

}  // namespace
}  // namespace mynah::ir::test
