// SPDX-License-Identifier: Apache-2.0
//
// The integer floating point against an x86-64 host's SSE, FMA and F16C instructions: result bits, NaNs
// included, and all exception flags, in every rounding mode with DAZ and FTZ off and on.

#if defined(__x86_64__)

#include <gtest/gtest.h>

#include <bit>
#include <functional>
#include <string>
#include <vector>

#include "ir/softfloat/softfloat.h"
#include "tests/ir/softfloat_operands.h"

namespace mynah::test {
namespace {

namespace sf = ir::sf;
using sf::Env;
using sf::Round;

struct Outcome {
  uint64_t bits;
  uint32_t flags;
  bool operator==(const Outcome&) const = default;
};

constexpr uint32_t kMxcsrDefault = 0x1f80;
constexpr uint32_t kDaz = 0x40;
constexpr uint32_t kFtz = 0x8000;

struct Mode {
  Round round;
  bool daz;
  bool ftz;

  uint32_t mxcsr() const {
    constexpr uint32_t kField[] = {0, 2, 1, 3};  // nearest, up, down, zero
    return kMxcsrDefault | kField[static_cast<int>(round)] << 13 | (daz ? kDaz : 0) | (ftz ? kFtz : 0);
  }
  Env env() const {
    Env env = Env::x86();
    env.round = round;
    env.flush_inputs = daz;
    env.flush_outputs = ftz;
    return env;
  }
};

std::vector<Mode> all_modes() {
  std::vector<Mode> modes;
  for (int m = 0; m < 16; ++m) modes.push_back({static_cast<Round>(m & 3), (m & 4) != 0, (m & 8) != 0});
  return modes;
}

uint32_t flags_of(uint32_t mxcsr) {
  return (mxcsr & 1 ? sf::kInvalid : 0u) | (mxcsr & 2 ? sf::kInputDenormal : 0u) |
         (mxcsr & 4 ? sf::kDivZero : 0u) | (mxcsr & 8 ? sf::kOverflow : 0u) |
         (mxcsr & 16 ? sf::kUnderflow : 0u) | (mxcsr & 32 ? sf::kInexact : 0u);
}

// Runs an instruction on a = %[a] (also the result), b = %[b], c = %[c] between loading and storing MXCSR.
#define HOST_RUN(T, HOST_TYPE, INSTR)                                                          \
  static Outcome run(T a, T b, T c, uint32_t mxcsr) {                                          \
    HOST_TYPE x = std::bit_cast<HOST_TYPE>(a);                                                 \
    uint32_t status;                                                                           \
    const uint32_t normal = kMxcsrDefault;                                                     \
    asm volatile("ldmxcsr %[mode]\n\t" INSTR "\n\tstmxcsr %[status]\n\tldmxcsr %[normal]"      \
                 : [a] "+x"(x), [status] "=m"(status)                                          \
                 : [b] "x"(std::bit_cast<HOST_TYPE>(b)), [c] "x"(std::bit_cast<HOST_TYPE>(c)), \
                   [mode] "m"(mxcsr), [normal] "m"(normal));                                   \
    return {std::bit_cast<T>(x), flags_of(status)};                                            \
  }
#define HOST_OP(NAME, SINGLE, DOUBLE)  \
  struct NAME {                        \
    HOST_RUN(uint32_t, float, SINGLE)  \
    HOST_RUN(uint64_t, double, DOUBLE) \
  }

HOST_OP(HostAdd, "addss %[b], %[a]", "addsd %[b], %[a]");
HOST_OP(HostSub, "subss %[b], %[a]", "subsd %[b], %[a]");
HOST_OP(HostMul, "mulss %[b], %[a]", "mulsd %[b], %[a]");
HOST_OP(HostDiv, "divss %[b], %[a]", "divsd %[b], %[a]");
HOST_OP(HostMin, "minss %[b], %[a]", "minsd %[b], %[a]");
HOST_OP(HostMax, "maxss %[b], %[a]", "maxsd %[b], %[a]");
HOST_OP(HostSqrt, "sqrtss %[a], %[a]", "sqrtsd %[a], %[a]");
HOST_OP(HostFma132, "vfmadd132ss %[c], %[b], %[a]", "vfmadd132sd %[c], %[b], %[a]");
HOST_OP(HostFma213, "vfmadd213ss %[c], %[b], %[a]", "vfmadd213sd %[c], %[b], %[a]");
HOST_OP(HostFma231, "vfmadd231ss %[c], %[b], %[a]", "vfmadd231sd %[c], %[b], %[a]");
HOST_OP(HostRound, "roundss $4, %[a], %[a]", "roundsd $4, %[a], %[a]");

/// Runs `check(a, b, c, mode)` over pairs of edge values in every mode, then over `count` random triples.
/// `check` returns whether the two agree; the first few disagreements are printed by it.
template <typename T, typename Check>
void sweep(uint64_t seed, int count, bool unary, Check check) {
  Operands<T> operands(seed);
  const std::vector<Mode> modes = all_modes();
  int failures = 0;
  const auto run = [&](T a, T b, T c, const Mode& mode) {
    if (!check(a, b, c, mode)) ++failures;
    return failures < 10;
  };
  const std::vector<T>& edges = operands.edges();
  for (const T a : edges) {
    for (const T b : edges) {
      const T c = edges[operands.random().below(static_cast<unsigned>(edges.size()))];
      for (const Mode& mode : modes) {
        if (!run(a, b, c, mode)) return;
      }
      if (unary) break;
    }
  }
  for (int i = 0; i < count; ++i) {
    const T a = operands.next();
    const T b = unary ? T{0} : operands.next(a);
    T c = unary ? T{0} : operands.next(a);
    if (!unary &&
        operands.random().below(4) == 0) {  // A fused sum that cancels down to the product's low bits.
      Env scratch = Env::x86();
      c = static_cast<T>(sf::mul(a, b, scratch) ^ (operands.next() & (sf::Format<T>::kSign | 3)));
    }
    if (!run(a, b, c, modes[operands.random().below(16)])) return;
  }
}

template <typename T, typename HostOp, typename Ours>
void compare_op(const char* name, bool unary, Ours ours, int count = 1'000'000) {
  sweep<T>(std::hash<std::string>()(name) + sizeof(T), count, unary, [&](T a, T b, T c, const Mode& mode) {
    const Outcome want = HostOp::run(a, b, c, mode.mxcsr());
    Env env = mode.env();
    const T result = ours(a, b, c, env);
    const Outcome got{result, env.flags};
    EXPECT_EQ(got.bits, want.bits) << std::hex << name << sizeof(T) * 8 << " " << +a << " " << +b << " " << +c
                                   << " mxcsr " << mode.mxcsr();
    EXPECT_EQ(got.flags, want.flags) << std::hex << name << sizeof(T) * 8 << " " << +a << " " << +b << " "
                                     << +c << " mxcsr " << mode.mxcsr();
    return got == want;
  });
}

template <typename T>
class SoftfloatHost : public testing::Test {};
using BothFormats = testing::Types<uint32_t, uint64_t>;
TYPED_TEST_SUITE(SoftfloatHost, BothFormats);

#define BINARY_TEST(NAME, HOST, FUNCTION)                                                                 \
  TYPED_TEST(SoftfloatHost, NAME) {                                                                       \
    using T = TypeParam;                                                                                  \
    compare_op<T, HOST>(#FUNCTION, false, [](T a, T b, T, Env& env) { return sf::FUNCTION(a, b, env); }); \
  }
BINARY_TEST(Add, HostAdd, add)
BINARY_TEST(Sub, HostSub, sub)
BINARY_TEST(Mul, HostMul, mul)
BINARY_TEST(Div, HostDiv, div)
BINARY_TEST(Min, HostMin, min)
BINARY_TEST(Max, HostMax, max)

TYPED_TEST(SoftfloatHost, Sqrt) {
  using T = TypeParam;
  compare_op<T, HostSqrt>("sqrt", true, [](T a, T, T, Env& env) { return sf::sqrt(a, env); });
}

TYPED_TEST(SoftfloatHost, Fma) {
  using T = TypeParam;
  if (!__builtin_cpu_supports("fma")) GTEST_SKIP() << "the host has no FMA";
  // The three forms compute the same of different operands, and differ in whose NaN goes first.
  compare_op<T, HostFma132>("fma132", false, [](T a, T b, T c, Env& env) { return sf::fma(a, c, b, env); });
  compare_op<T, HostFma213>("fma213", false, [](T a, T b, T c, Env& env) { return sf::fma(b, a, c, env); });
  compare_op<T, HostFma231>("fma231", false, [](T a, T b, T c, Env& env) { return sf::fma(b, c, a, env); });
}

TYPED_TEST(SoftfloatHost, RoundToInt) {
  using T = TypeParam;
  if (!__builtin_cpu_supports("sse4.1")) GTEST_SKIP() << "the host has no SSE4.1";
  compare_op<T, HostRound>("round", true,
                           [](T a, T, T, Env& env) { return sf::round_to_int(a, env.round, true, env); });
}

// The Arm environment without NaNs and flushing differs in nothing but when tininess is detected.
TYPED_TEST(SoftfloatHost, ArmEnvironmentAgreesOnNumbers) {
  using T = TypeParam;
  sweep<T>(77, 300'000, false, [&](T a, T b, T c, const Mode& mode) {
    const Mode plain{mode.round, false, false};
    const Outcome want = HostMul::run(a, b, c, plain.mxcsr());
    if (sf::is_nan(static_cast<T>(want.bits))) return true;
    Env env;
    env.round = mode.round;
    const T got = sf::mul(a, b, env);
    constexpr uint32_t kCompared = sf::kInexact | sf::kOverflow | sf::kInvalid;
    EXPECT_EQ(got, static_cast<T>(want.bits)) << std::hex << a << " " << b;
    EXPECT_EQ(env.flags & kCompared, want.flags & kCompared) << std::hex << a << " " << b;
    return got == want.bits;
  });
}

#define HOST_COMPARE(NAME, T, HOST_TYPE, INSTR)                                                      \
  Outcome NAME(T a, T b, uint32_t mxcsr) {                                                           \
    const HOST_TYPE x = std::bit_cast<HOST_TYPE>(a);                                                 \
    const HOST_TYPE y = std::bit_cast<HOST_TYPE>(b);                                                 \
    uint32_t status;                                                                                 \
    const uint32_t normal = kMxcsrDefault;                                                           \
    bool carry, zero, parity;                                                                        \
    asm volatile("ldmxcsr %[mode]\n\t" INSTR " %[y], %[x]\n\tstmxcsr %[status]\n\tldmxcsr %[normal]" \
                 : "=@ccc"(carry), "=@ccz"(zero), "=@ccp"(parity), [status] "=m"(status)             \
                 : [x] "x"(x), [y] "x"(y), [mode] "m"(mxcsr), [normal] "m"(normal));                 \
    const sf::Order order = parity  ? sf::Order::kUnordered                                          \
                            : zero  ? sf::Order::kEqual                                              \
                            : carry ? sf::Order::kLess                                               \
                                    : sf::Order::kGreater;                                           \
    return {static_cast<uint64_t>(order), flags_of(status)};                                         \
  }
HOST_COMPARE(host_comis, uint32_t, float, "comiss")
HOST_COMPARE(host_ucomis, uint32_t, float, "ucomiss")
HOST_COMPARE(host_comis, uint64_t, double, "comisd")
HOST_COMPARE(host_ucomis, uint64_t, double, "ucomisd")

TYPED_TEST(SoftfloatHost, Compare) {
  using T = TypeParam;
  for (const bool signaling : {false, true}) {
    sweep<T>(5 + signaling, 300'000, false, [&](T a, T b, T, const Mode& mode) {
      const Outcome want = signaling ? host_comis(a, b, mode.mxcsr()) : host_ucomis(a, b, mode.mxcsr());
      Env env = mode.env();
      const Outcome got{static_cast<uint64_t>(sf::compare(a, b, signaling, env)), env.flags};
      EXPECT_TRUE(got == want) << std::hex << a << " " << b << " mxcsr " << mode.mxcsr() << " got "
                               << got.bits << "/" << got.flags << " want " << want.bits << "/" << want.flags;
      return got == want;
    });
  }
}

#define HOST_CONVERT(NAME, FROM, FROM_C, TO, TO_C, INSTR)                                 \
  Outcome NAME(FROM a, uint32_t mxcsr) {                                                  \
    const auto x = a;                                                                     \
    TO result = 0;                                                                        \
    uint32_t status;                                                                      \
    const uint32_t normal = kMxcsrDefault;                                                \
    asm volatile("ldmxcsr %[mode]\n\t" INSTR "\n\tstmxcsr %[status]\n\tldmxcsr %[normal]" \
                 : [to] TO_C(result), [status] "=m"(status)                               \
                 : [from] FROM_C(x), [mode] "m"(mxcsr), [normal] "m"(normal)              \
                 : "xmm0", "xmm1");                                                       \
    return {result, flags_of(status)};                                                    \
  }
HOST_CONVERT(host_d2s, uint64_t, "r", uint32_t, "=r",
             "movq %[from], %%xmm0\n\tcvtsd2ss %%xmm0, %%xmm1\n\tmovd %%xmm1, %[to]")
HOST_CONVERT(host_s2d, uint32_t, "r", uint64_t, "=r",
             "movd %[from], %%xmm0\n\tcvtss2sd %%xmm0, %%xmm1\n\tmovq %%xmm1, %[to]")
HOST_CONVERT(host_h2s, uint32_t, "r", uint32_t, "=r",
             "movd %[from], %%xmm0\n\tvcvtph2ps %%xmm0, %%xmm1\n\tmovd %%xmm1, %[to]")
HOST_CONVERT(host_s2h, uint32_t, "r", uint32_t, "=r",
             "movd %[from], %%xmm0\n\tvcvtps2ph $4, %%xmm0, %%xmm1\n\tmovd %%xmm1, %[to]")
HOST_CONVERT(host_d2i, uint64_t, "r", uint64_t, "=r", "movq %[from], %%xmm0\n\tcvtsd2si %%xmm0, %[to]")
HOST_CONVERT(host_s2i, uint32_t, "r", uint64_t, "=r", "movd %[from], %%xmm0\n\tcvtss2si %%xmm0, %[to]")
HOST_CONVERT(host_i2d, uint64_t, "r", uint64_t, "=r", "cvtsi2sdq %[from], %%xmm1\n\tmovq %%xmm1, %[to]")
HOST_CONVERT(host_i2s, uint64_t, "r", uint32_t, "=r", "cvtsi2ssq %[from], %%xmm1\n\tmovd %%xmm1, %[to]")

template <typename From, typename HostOp, typename Ours>
void compare_convert(uint64_t seed, HostOp host, Ours ours) {
  sweep<From>(seed, 1'000'000, true, [&](From a, From, From, const Mode& mode) {
    const Outcome want = host(a, mode.mxcsr());
    Env env = mode.env();
    const Outcome got{static_cast<uint64_t>(ours(a, env)), env.flags};
    EXPECT_TRUE(got == want) << std::hex << a << " mxcsr " << mode.mxcsr() << " got " << got.bits << "/"
                             << got.flags << " want " << want.bits << "/" << want.flags;
    return got == want;
  });
}

TEST(SoftfloatHostConvert, DoubleToSingle) {
  compare_convert<uint64_t>(21, host_d2s, [](uint64_t a, Env& env) { return sf::convert<uint32_t>(a, env); });
}
TEST(SoftfloatHostConvert, SingleToDouble) {
  compare_convert<uint32_t>(22, host_s2d, [](uint32_t a, Env& env) { return sf::convert<uint64_t>(a, env); });
}
TEST(SoftfloatHostConvert, HalfToSingle) {
  if (!__builtin_cpu_supports("avx2")) GTEST_SKIP() << "the host has no AVX2, hence perhaps no F16C";
  for (uint32_t a = 0; a < 0x10000; ++a) {
    for (const Mode& mode : all_modes()) {
      Env env = mode.env();
      const uint32_t result = sf::convert<uint32_t>(static_cast<uint16_t>(a), env);
      const Outcome want = host_h2s(a, mode.mxcsr());
      ASSERT_EQ(result, want.bits) << std::hex << a;
      ASSERT_EQ(env.flags, want.flags) << std::hex << a;
    }
  }
}
TEST(SoftfloatHostConvert, SingleToHalf) {
  if (!__builtin_cpu_supports("avx2")) GTEST_SKIP() << "the host has no AVX2, hence perhaps no F16C";
  compare_convert<uint32_t>(23, host_s2h, [](uint32_t a, Env& env) { return sf::convert<uint16_t>(a, env); });
}
TEST(SoftfloatHostConvert, FromInt64) {
  compare_convert<uint64_t>(
      24, host_i2d, [](uint64_t a, Env& env) { return sf::from_int<uint64_t>(a, true, 0, env.round, env); });
  compare_convert<uint64_t>(
      25, host_i2s, [](uint64_t a, Env& env) { return sf::from_int<uint32_t>(a, true, 0, env.round, env); });
}
TEST(SoftfloatHostConvert, ToInt64) {
  // Where x86 gives its integer indefinite, we saturate.
  constexpr uint64_t kIndefinite = uint64_t{1} << 63;
  const auto ours = [](auto a, Env& env) {
    const uint64_t result = sf::to_int(a, 64, true, 0, env.round, env);
    return (env.flags & sf::kInvalid) != 0 ? kIndefinite : result;
  };
  compare_convert<uint64_t>(26, host_d2i, ours);
  compare_convert<uint32_t>(27, host_s2i, ours);
}

}  // namespace
}  // namespace mynah::test

#endif  // __x86_64__
