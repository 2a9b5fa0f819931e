// SPDX-License-Identifier: Apache-2.0
//
// Add, multiply, divide, square root, and the fused operations (Arm pseudocode FPAdd, FPMul, FPMulX, FPDiv,
// FPSqrt, FPMulAdd, FPRecipStepFused, FPRSqrtStepFused).

#include <array>
#include <utility>

#include "ir/softfloat/parts.h"

namespace mynah::ir::sf {
namespace {

/// The sign of an exact zero that is the sum of non-zero or oppositely signed terms.
bool zero_sum_sign(Round round) { return round == Round::kDown; }

template <FloatBits T>
T add_parts(Parts a, Parts b, Env& env) {
  note_subnormal(a.subnormal || b.subnormal, env);
  if (a.zero() && b.zero()) {
    return pack_zero<T>(a.sign == b.sign ? a.sign : zero_sum_sign(env.round));
  }
  if (a.zero()) return round_pack<T>(b.sign, b.exp, b.sig, env.round, env);
  if (b.zero()) return round_pack<T>(a.sign, a.exp, a.sig, env.round, env);
  if (a.exp < b.exp || (a.exp == b.exp && a.sig < b.sig)) std::swap(a, b);
  // One bit of headroom for the carry; the bits shifted out here are zero in every format.
  const uint64_t large = a.sig >> 1;
  const uint64_t small = shift_right_jam(b.sig >> 1, static_cast<unsigned>(a.exp - b.exp));
  const uint64_t sum = a.sign == b.sign ? large + small : large - small;
  if (sum == 0) return pack_zero<T>(zero_sum_sign(env.round));
  const int zeros = std::countl_zero(sum);
  return round_pack<T>(a.sign, a.exp + 1 - zeros, sum << zeros, env.round, env);
}

template <FloatBits T>
T add_signed(T a, T b, T flip_b, Env& env) {
  const Parts pa = unpack(a, env);
  Parts pb = unpack(b, env);
  if (pa.nan() || pb.nan()) return propagate_nans(env, a, b);
  pb.sign ^= flip_b != 0;
  if (pa.infinite() || pb.infinite()) {
    if (pa.infinite() && pb.infinite() && pa.sign != pb.sign) return invalid<T>(env);
    note_subnormal(pa.subnormal || pb.subnormal, env);
    return pack_infinity<T>(pa.infinite() ? pa.sign : pb.sign);
  }
  return add_parts<T>(pa, pb, env);
}

template <FloatBits T>
T multiply(T a, T b, bool extended, Env& env) {
  const Parts pa = unpack(a, env);
  const Parts pb = unpack(b, env);
  if (pa.nan() || pb.nan()) return propagate_nans(env, a, b);
  const bool sign = pa.sign != pb.sign;
  if ((pa.infinite() && pb.zero()) || (pa.zero() && pb.infinite())) {
    return extended ? static_cast<T>(Format<T>::kTwo | pack_zero<T>(sign)) : invalid<T>(env);
  }
  note_subnormal(pa.subnormal || pb.subnormal, env);
  if (pa.infinite() || pb.infinite()) return pack_infinity<T>(sign);
  if (pa.zero() || pb.zero()) return pack_zero<T>(sign);
  u128 product = static_cast<u128>(pa.sig) * pb.sig;
  int exp = pa.exp + pb.exp + 1;
  if (static_cast<int64_t>(product >> 64) >= 0) {
    product <<= 1;
    --exp;
  }
  return round_pack<T>(sign, exp, jam_low(product), env.round, env);
}

/// a * b + c for finite a, b, c, then times 2^scale, rounded once.
template <FloatBits T>
T fused(const Parts& a, const Parts& b, const Parts& c, int scale, Env& env) {
  const bool product_sign = a.sign != b.sign;
  if (a.zero() || b.zero()) {
    if (c.zero()) return pack_zero<T>(product_sign == c.sign ? c.sign : zero_sum_sign(env.round));
    return round_pack<T>(c.sign, c.exp + scale, c.sig, env.round, env);
  }
  u128 product = static_cast<u128>(a.sig) * b.sig;
  int exp = a.exp + b.exp + 1;
  if (static_cast<int64_t>(product >> 64) >= 0) {
    product <<= 1;
    --exp;
  }
  if (c.zero()) return round_pack<T>(product_sign, exp + scale, jam_low(product), env.round, env);
  // A product of two 53-bit significands leaves over 20 zero bits at the bottom, so the bit of headroom costs
  // nothing, and when the exponents differ by more than one the jammed bit stays below the rounding position.
  product >>= 1;
  u128 addend = static_cast<u128>(c.sig) << 63;
  if (exp >= c.exp) {
    addend = shift_right_jam(addend, static_cast<unsigned>(exp - c.exp));
  } else {
    product = shift_right_jam(product, static_cast<unsigned>(c.exp - exp));
    exp = c.exp;
  }
  bool sign = product_sign;
  u128 sum;
  if (product_sign == c.sign) {
    sum = product + addend;
  } else if (product >= addend) {
    sum = product - addend;
  } else {
    sum = addend - product;
    sign = c.sign;
  }
  if (sum == 0) return pack_zero<T>(zero_sum_sign(env.round));
  const int zeros = count_leading_zeros(sum);
  return round_pack<T>(sign, exp + 1 - zeros + scale, jam_low(sum << zeros), env.round, env);
}

/// constant - a * b, times 2^scale: the two Newton-Raphson steps. `special` answers infinity times zero.
template <FloatBits T>
T step(T a, T b, T constant, T special, int scale, Env& env) {
  a ^= Format<T>::kSign;  // Before NaNs are looked at: a propagated first operand comes out negated.
  const Parts pa = unpack(a, env);
  const Parts pb = unpack(b, env);
  if (pa.nan() || pb.nan()) return propagate_nans(env, a, b);
  if ((pa.infinite() && pb.zero()) || (pa.zero() && pb.infinite())) return special;
  if (pa.infinite() || pb.infinite()) return pack_infinity<T>(pa.sign != pb.sign);
  return fused<T>(pa, pb, unpack(constant, env), scale, env);
}

/// floor(16 * sqrt(i)), a lower bound for the root of any 16-bit number with top byte i.
constexpr std::array<uint8_t, 256> kByteRoots = [] {
  std::array<uint8_t, 256> roots{};
  unsigned root = 0;
  for (unsigned i = 0; i < 256; ++i) {
    while ((root + 1) * (root + 1) <= i * 256) ++root;
    roots[i] = static_cast<uint8_t>(root);
  }
  return roots;
}();

struct RootRemainder {
  uint64_t root;
  u128 remainder;
};

/// floor(sqrt(n)) and n - root^2 for n of 4 * kQuarter bits, one of the top two set. The root of the upper
/// half gives the upper half of the root, one division the lower, and at most one correction is due (P.
/// Zimmermann, "Karatsuba Square Root", 1999).
template <int kQuarter>
RootRemainder square_root(u128 n) {
  if constexpr (kQuarter == 4) {
    const unsigned value = static_cast<unsigned>(n);
    unsigned root = kByteRoots[value >> 8];
    while ((root + 1) * (root + 1) <= value) ++root;
    return {root, value - root * root};
  } else {
    constexpr uint64_t kMask = (uint64_t{1} << kQuarter) - 1;
    const RootRemainder upper = square_root<kQuarter / 2>(n >> (2 * kQuarter));
    const uint64_t a1 = static_cast<uint64_t>(n >> kQuarter) & kMask;
    const uint64_t a0 = static_cast<uint64_t>(n) & kMask;
    // (remainder * 2^kQuarter + a1) / (2 * root), halved on both sides so that the dividend fits 64 bits.
    const uint64_t dividend = static_cast<uint64_t>(upper.remainder) << (kQuarter - 1) | a1 >> 1;
    const uint64_t quotient = dividend / upper.root;
    const uint64_t rest = dividend % upper.root << 1 | (a1 & 1);
    u128 root = (static_cast<u128>(upper.root) << kQuarter) + quotient;
    const u128 have = (static_cast<u128>(rest) << kQuarter) + a0;
    const u128 need = static_cast<u128>(quotient) * quotient;
    u128 remainder = have - need;
    if (have < need) {
      remainder += 2 * root - 1;
      --root;
    }
    return {static_cast<uint64_t>(root), remainder};
  }
}

}  // namespace

template <FloatBits T>
T add(T a, T b, Env& env) {
  return add_signed<T>(a, b, 0, env);
}

template <FloatBits T>
T sub(T a, T b, Env& env) {
  return add_signed<T>(a, b, 1, env);
}

template <FloatBits T>
T mul(T a, T b, Env& env) {
  return multiply(a, b, false, env);
}

template <FloatBits T>
T mulx(T a, T b, Env& env) {
  return multiply(a, b, true, env);
}

template <FloatBits T>
T div(T a, T b, Env& env) {
  const Parts pa = unpack(a, env);
  const Parts pb = unpack(b, env);
  if (pa.nan() || pb.nan()) return propagate_nans(env, a, b);
  const bool sign = pa.sign != pb.sign;
  if ((pa.infinite() && pb.infinite()) || (pa.zero() && pb.zero())) return invalid<T>(env);
  if (pb.zero() && !pa.infinite()) {
    env.flags |= kDivZero;
    return pack_infinity<T>(sign);
  }
  note_subnormal(pa.subnormal || pb.subnormal, env);
  if (pa.infinite()) return pack_infinity<T>(sign);
  if (pa.zero() || pb.infinite()) return pack_zero<T>(sign);
  const bool below_one = pa.sig < pb.sig;
  const u128 dividend = static_cast<u128>(pa.sig) << (below_one ? 64 : 63);
  const uint64_t quotient = static_cast<uint64_t>(dividend / pb.sig);
  const bool inexact = static_cast<u128>(quotient) * pb.sig != dividend;
  return round_pack<T>(sign, pa.exp - pb.exp - (below_one ? 1 : 0), quotient | (inexact ? 1 : 0), env.round,
                       env);
}

template <FloatBits T>
T sqrt(T a, Env& env) {
  const Parts pa = unpack(a, env);
  if (pa.nan()) return propagate_nan(a, env);
  if (pa.zero()) return pack_zero<T>(pa.sign);
  if (pa.sign) return invalid<T>(env);
  if (pa.infinite()) return a;
  note_subnormal(pa.subnormal, env);
  const bool odd = (pa.exp & 1) != 0;
  const int exp = (pa.exp - (odd ? 1 : 0)) / 2;
  uint64_t sig;
  if constexpr (sizeof(T) == 8) {
    const RootRemainder root = square_root<32>(static_cast<u128>(pa.sig) << (odd ? 64 : 63));
    sig = root.root | (root.remainder != 0);
  } else {
    const RootRemainder root = square_root<16>(odd ? pa.sig : pa.sig >> 1);
    sig = root.root << 32 | (root.remainder != 0);
  }
  return round_pack<T>(false, exp, sig, env.round, env);
}

template <FloatBits T>
T fma(T a, T b, T c, Env& env) {
  const Parts pa = unpack(a, env);
  const Parts pb = unpack(b, env);
  const Parts pc = unpack(c, env);
  const bool invalid_product = (pa.infinite() && pb.zero()) || (pa.zero() && pb.infinite());
  if (pa.nan() || pb.nan() || pc.nan()) {
    if (env.nan == NanRule::kX86) return propagate_nans(env, a, b, c);
    if (pc.kind == Kind::kQuietNan && invalid_product) return invalid<T>(env);
    return propagate_nans(env, c, a, b);
  }
  const bool product_sign = pa.sign != pb.sign;
  const bool infinite_product = pa.infinite() || pb.infinite();
  if (invalid_product || (infinite_product && pc.infinite() && product_sign != pc.sign))
    return invalid<T>(env);
  note_subnormal(pa.subnormal || pb.subnormal || pc.subnormal, env);
  if (infinite_product) return pack_infinity<T>(product_sign);
  if (pc.infinite()) return pack_infinity<T>(pc.sign);
  return fused<T>(pa, pb, pc, 0, env);
}

template <FloatBits T>
T fma_signs(T a, T b, T c, bool negate_product, bool negate_addend, Env& env) {
  if (!is_nan(a) && !is_nan(b) && !is_nan(c)) {
    if (negate_product) a ^= Format<T>::kSign;
    if (negate_addend) c ^= Format<T>::kSign;
  }
  return fma(a, b, c, env);
}

template <FloatBits T>
T recps(T a, T b, Env& env) {
  return step<T>(a, b, Format<T>::kTwo, Format<T>::kTwo, 0, env);
}

template <FloatBits T>
T rsqrts(T a, T b, Env& env) {
  constexpr T kThree = static_cast<T>(Format<T>::kTwo | Format<T>::kQuietBit);
  return step<T>(a, b, kThree, Format<T>::kOnePointFive, -1, env);
}

#define MYNAH_SF_INSTANTIATE(T)                    \
  template T add(T, T, Env&);                      \
  template T sub(T, T, Env&);                      \
  template T mul(T, T, Env&);                      \
  template T mulx(T, T, Env&);                     \
  template T div(T, T, Env&);                      \
  template T sqrt(T, Env&);                        \
  template T fma(T, T, T, Env&);                   \
  template T fma_signs(T, T, T, bool, bool, Env&); \
  template T recps(T, T, Env&);                    \
  template T rsqrts(T, T, Env&);
MYNAH_SF_INSTANTIATE(uint16_t)
MYNAH_SF_INSTANTIATE(uint32_t)
MYNAH_SF_INSTANTIATE(uint64_t)
#undef MYNAH_SF_INSTANTIATE

}  // namespace mynah::ir::sf
