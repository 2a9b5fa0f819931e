// SPDX-License-Identifier: Apache-2.0
//
// The evaluator's cryptographic ops: whole algorithms composed of them against published vectors (FIPS 197
// appendix C.1, FIPS 180-4's "abc"), and each AES op against the host's instructions.
#include <gtest/gtest.h>

#include "tests/ir/ir_test_support.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace mynah::ir::test {
namespace {

V128 run(Op op, std::initializer_list<V128> args, uint64_t imm = 0) {
  V128 values[4];
  Type types[4] = {Type::v128, Type::v128, Type::v128, Type::v128};
  std::copy(args.begin(), args.end(), values);
  uint32_t sticky = 0;
  return evaluate_op({op, Type::v128, 0, imm, values, types}, {}, sticky);
}

V128 bytes(const std::array<uint8_t, 16>& b) { return std::bit_cast<V128>(b); }
V128 words(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  return {a | uint64_t{b} << 32, c | uint64_t{d} << 32};
}
uint32_t word(const V128& v, int i) { return static_cast<uint32_t>((i < 2 ? v.lo : v.hi) >> 32 * (i % 2)); }
V128 plus(const V128& a, const V128& b) {
  return eval_op(Op::vadd, Type::v128, {v128(a), v128(b)}, 0, 2).value;
}
V128 exclusive_or(const V128& a, const V128& b) { return {a.lo ^ b.lo, a.hi ^ b.hi}; }

// FIPS 197's key expansion; SubWord by aese with the word in every column, so that ShiftRows does nothing.
std::array<V128, 11> expand_key(const V128& key) {
  std::array<uint32_t, 44> w;
  for (int i = 0; i < 4; ++i) w[i] = word(key, i);
  uint32_t rcon = 1;
  for (int i = 4; i < 44; ++i) {
    uint32_t t = w[i - 1];
    if (i % 4 == 0) {
      t = std::rotr(t, 8);
      t = word(run(Op::aese, {words(t, t, t, t), {}}), 0) ^ rcon;
      rcon = rcon << 1 ^ (rcon & 0x80 ? 0x11b : 0);
    }
    w[i] = w[i - 4] ^ t;
  }
  std::array<V128, 11> keys;
  for (int i = 0; i < 11; ++i) keys[i] = words(w[4 * i], w[4 * i + 1], w[4 * i + 2], w[4 * i + 3]);
  return keys;
}

TEST(EvalCrypto, Aes128) {
  std::array<uint8_t, 16> key, plain;
  for (unsigned i = 0; i < 16; ++i) {
    key[i] = static_cast<uint8_t>(i);
    plain[i] = static_cast<uint8_t>(0x11 * i);
  }
  const V128 cipher =
      bytes({0x69, 0xc4, 0xe0, 0xd8, 0x6a, 0x7b, 0x04, 0x30, 0xd8, 0xcd, 0xb7, 0x80, 0x70, 0xb4, 0xc5, 0x5a});
  const auto keys = expand_key(bytes(key));
  V128 s = bytes(plain);
  for (int i = 0; i < 9; ++i) s = run(Op::aesmc, {run(Op::aese, {s, keys[i]})});
  s = exclusive_or(run(Op::aese, {s, keys[9]}), keys[10]);
  EXPECT_EQ(s, cipher);

  s = run(Op::aesd, {s, keys[10]});
  for (int i = 9; i > 0; --i) s = run(Op::aesd, {run(Op::aesimc, {s}), run(Op::aesimc, {keys[i]})});
  EXPECT_EQ(exclusive_or(s, keys[0]), bytes(plain));
}

#if defined(__x86_64__)
__attribute__((target("aes"))) void compare_aes_with_host() {
  Random random(3);
  for (int i = 0; i < 1000; ++i) {
    const V128 a{random.next(), random.next()}, b{random.next(), random.next()};
    const __m128i x = std::bit_cast<__m128i>(exclusive_or(a, b)), zero = _mm_setzero_si128();
    EXPECT_EQ(run(Op::aese, {a, b}), std::bit_cast<V128>(_mm_aesenclast_si128(x, zero)));
    EXPECT_EQ(run(Op::aesd, {a, b}), std::bit_cast<V128>(_mm_aesdeclast_si128(x, zero)));
    EXPECT_EQ(run(Op::aesimc, {a}), std::bit_cast<V128>(_mm_aesimc_si128(std::bit_cast<__m128i>(a))));
    // aesmc: a round minus its last form's steps.
    const __m128i unshifted = _mm_aesdeclast_si128(std::bit_cast<__m128i>(a), zero);
    EXPECT_EQ(run(Op::aesmc, {a}), std::bit_cast<V128>(_mm_aesenc_si128(unshifted, zero)));
  }
}
TEST(EvalCrypto, AesAgreesWithHost) {
  if (!__builtin_cpu_supports("aes")) GTEST_SKIP();
  compare_aes_with_host();
}
#endif

// The one block of the padded message "abc", in words of the schedule.
const uint32_t kAbc[16] = {0x61626380, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 24};

TEST(EvalCrypto, Sha1) {
  std::array<V128, 20> w;
  for (int i = 0; i < 4; ++i) w[i] = words(kAbc[4 * i], kAbc[4 * i + 1], kAbc[4 * i + 2], kAbc[4 * i + 3]);
  for (int i = 4; i < 20; ++i)
    w[i] = run(Op::sha1su1, {run(Op::sha1su0, {w[i - 4], w[i - 3], w[i - 2]}), w[i - 1]});
  const V128 abcd0 = words(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
  const uint32_t e0 = 0xc3d2e1f0;
  V128 abcd = abcd0, e{e0, 0};
  for (int i = 0; i < 20; ++i) {
    static constexpr uint32_t kKeys[] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
    static constexpr Op kOps[] = {Op::sha1c, Op::sha1p, Op::sha1m, Op::sha1p};
    const uint32_t k = kKeys[i / 5];
    const V128 next_e = run(Op::sha1h, {abcd});
    abcd = run(kOps[i / 5], {abcd, e, plus(w[i], words(k, k, k, k))});
    e = next_e;
  }
  EXPECT_EQ(plus(abcd, abcd0), words(0xa9993e36, 0x4706816a, 0xba3e2571, 0x7850c26c));
  EXPECT_EQ(static_cast<uint32_t>(e.lo + e0), 0x9cd0d89du);
}

// The first 32 bits of the fractional parts of the cube roots of the first primes.
std::vector<uint32_t> cube_root_constants(int count) {
  std::vector<uint32_t> constants;
  for (unsigned p = 2; static_cast<int>(constants.size()) < count; ++p) {
    bool prime = true;
    for (unsigned d = 2; d * d <= p; ++d) prime = prime && p % d != 0;
    if (!prime) continue;
    // The largest x with x^3 <= p * 2^(3 * bits), bit by bit in wide integers of 32-bit limbs.
    constexpr unsigned kBits = 32;
    using Big = std::array<uint64_t, 8>;
    const auto multiply = [](const Big& a, const Big& b) {
      Big r{};
      for (size_t i = 0; i < 8; ++i) {
        uint64_t carry = 0;
        for (size_t j = 0; i + j < 8; ++j) {
          const uint64_t t = a[i] * b[j] + r[i + j] + carry;
          r[i + j] = t & 0xffffffff;
          carry = t >> 32;
        }
      }
      return r;
    };
    Big limit{};
    limit[3 * kBits / 32] = p;
    unsigned __int128 x = 0;
    for (int bit = static_cast<int>(kBits) + 3; bit >= 0; --bit) {
      const unsigned __int128 y = x | static_cast<unsigned __int128>(1) << bit;
      const Big b{static_cast<uint32_t>(y), static_cast<uint32_t>(y >> 32), static_cast<uint32_t>(y >> 64)};
      const Big cube = multiply(multiply(b, b), b);
      if (!std::lexicographical_compare(limit.rbegin(), limit.rend(), cube.rbegin(), cube.rend())) x = y;
    }
    constants.push_back(static_cast<uint32_t>(x));
  }
  return constants;
}

TEST(EvalCrypto, Sha256) {
  const auto k = cube_root_constants(64);
  ASSERT_EQ(k[0], 0x428a2f98u);
  std::array<V128, 16> w;
  for (int i = 0; i < 4; ++i) w[i] = words(kAbc[4 * i], kAbc[4 * i + 1], kAbc[4 * i + 2], kAbc[4 * i + 3]);
  for (int i = 4; i < 16; ++i) {
    w[i] = run(Op::sha256su1, {run(Op::sha256su0, {w[i - 4], w[i - 3]}), w[i - 2], w[i - 1]});
  }
  const V128 abcd0 = words(0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a);
  const V128 efgh0 = words(0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19);
  V128 abcd = abcd0, efgh = efgh0;
  for (int i = 0; i < 16; ++i) {
    const V128 input = plus(w[i], words(k[4 * i], k[4 * i + 1], k[4 * i + 2], k[4 * i + 3]));
    const V128 next = run(Op::sha256h, {abcd, efgh, input});
    efgh = run(Op::sha256h2, {efgh, abcd, input});
    abcd = next;
  }
  EXPECT_EQ(plus(abcd, abcd0), words(0xba7816bf, 0x8f01cfea, 0x414140de, 0x5dae2223));
  EXPECT_EQ(plus(efgh, efgh0), words(0xb00361a3, 0x96177a9c, 0xb410ff61, 0xf20015ad));
}

TEST(EvalCrypto, Sha3Helpers) {
  EXPECT_EQ(run(Op::rax1, {{1, 2}, {0x8000000000000001, 4}}), (V128{1 ^ 3, 2 ^ 8}));
  EXPECT_EQ(run(Op::xar, {{0xf0, 3}, {0x0f, 1}}, 4), (V128{0xf00000000000000f, 0x2000000000000000}));
  EXPECT_EQ(run(Op::xar, {{0xf0, 3}, {0x0f, 1}}, 0), (V128{0xff, 2}));
}

}  // namespace
}  // namespace mynah::ir::test
