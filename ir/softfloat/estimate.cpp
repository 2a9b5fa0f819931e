// SPDX-License-Identifier: Apache-2.0
//
// Arm's reciprocal and reciprocal square root estimates (pseudocode RecipEstimate, RecipSqrtEstimate,
// FPRecipEstimate, FPRSqrtEstimate, FPRecpX, UnsignedRecipEstimate, UnsignedRSqrtEstimate). Their 9-bit
// results are architectural: software sees the very bits, so they are computed as the manual defines them.

#include <array>

#include "ir/softfloat/parts.h"

namespace mynah::ir::sf {
namespace {

/// For a = x * 512 with 0.5 <= x < 1: 1/x * 256, 256 to 511.
constexpr unsigned reciprocal(unsigned a) {
  const unsigned middle = a * 2 + 1;
  return ((1u << 19) / middle + 1) / 2;
}

/// Entry a - 128, for a = x * 512 with 0.25 <= x < 1: 1/sqrt(x) * 256, 256 to 511.
constexpr std::array<uint16_t, 384> kReciprocalRoots = [] {
  std::array<uint16_t, 384> table{};
  for (unsigned a = 128; a < 512; ++a) {
    const unsigned middle = a < 256 ? a * 2 + 1 : ((a & ~1u) + 1) * 2;
    unsigned b = 512;
    while (middle * (b + 1) * (b + 1) < 1u << 28) ++b;
    table[a - 128] = static_cast<uint16_t>((b + 1) / 2);
  }
  return table;
}();

}  // namespace

template <FloatBits T>
T recpe(T a, Env& env) {
  using F = Format<T>;
  const Parts pa = unpack(a, env);
  if (pa.nan()) return propagate_nan(a, env);
  if (pa.infinite()) return pack_zero<T>(pa.sign);
  if (pa.zero()) {
    env.flags |= kDivZero;
    return pack_infinity<T>(pa.sign);
  }
  const T sign_bit = pack_zero<T>(pa.sign);
  if (pa.exp < -F::kBias - 1) {
    env.flags |= kOverflow | kInexact;
    return (overflows_to_infinity(env.round, pa.sign) ? F::kInfinity : F::kMaxNormal) | sign_bit;
  }
  if (flushes_outputs<T>(env) && pa.exp >= F::kBias - 1) {
    env.flags |= kUnderflow;
    return sign_bit;
  }
  const unsigned estimate = reciprocal(static_cast<unsigned>(pa.sig >> 55));
  // With the leading one at kFracBits; a result below the normal range is truncated, not rounded.
  uint64_t sig = static_cast<uint64_t>(estimate) << F::kFracBits >> 8;
  const int biased = F::kBias - 1 - pa.exp;
  if (biased <= 0) return static_cast<T>(sig >> (1 - biased)) | sign_bit;
  return static_cast<T>((static_cast<uint64_t>(biased) << F::kFracBits) | (sig & F::kFracMask)) | sign_bit;
}

template <FloatBits T>
T rsqrte(T a, Env& env) {
  using F = Format<T>;
  const Parts pa = unpack(a, env);
  if (pa.nan()) return propagate_nan(a, env);
  if (pa.zero()) {
    env.flags |= kDivZero;
    return pack_infinity<T>(pa.sign);
  }
  if (pa.sign) return invalid<T>(env);
  if (pa.infinite()) return 0;
  // x in [0.25, 1) with an even exponent difference to a.
  const bool odd = (pa.exp & 1) != 0;
  const unsigned scaled = static_cast<unsigned>(pa.sig >> (odd ? 55 : 56));
  const uint64_t estimate = kReciprocalRoots[scaled - 128];
  // a = x * 2^(exp + 1 or + 2), and 1/sqrt(x) is in (1, 2].
  const int exp = -(odd ? pa.exp + 1 : pa.exp + 2) / 2;
  return static_cast<T>(static_cast<uint64_t>(exp + F::kBias) << F::kFracBits |
                        ((estimate << F::kFracBits >> 8) & F::kFracMask));
}

template <FloatBits T>
T recpx(T a, Env& env) {
  using F = Format<T>;
  const Parts pa = unpack(a, env);
  if (pa.nan()) return propagate_nan(a, env);
  const T exp_field = a & F::kInfinity;
  const T result = exp_field == 0 ? static_cast<T>(uint64_t{F::kMaxExp - 1} << F::kFracBits)
                                  : static_cast<T>(exp_field ^ F::kInfinity);
  return result | pack_zero<T>(pa.sign);
}

uint32_t urecpe(uint32_t a) {
  if (a < 0x80000000u) return 0xffffffffu;
  return reciprocal(a >> 23) << 23;
}

uint32_t ursqrte(uint32_t a) {
  if (a < 0x40000000u) return 0xffffffffu;
  return static_cast<uint32_t>(kReciprocalRoots[(a >> 23) - 128]) << 23;
}

#define MYNAH_SF_INSTANTIATE(T) \
  template T recpe(T, Env&);    \
  template T rsqrte(T, Env&);   \
  template T recpx(T, Env&);
MYNAH_SF_INSTANTIATE(uint16_t)
MYNAH_SF_INSTANTIATE(uint32_t)
MYNAH_SF_INSTANTIATE(uint64_t)
#undef MYNAH_SF_INSTANTIATE

}  // namespace mynah::ir::sf
