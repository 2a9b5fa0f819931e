// SPDX-License-Identifier: Apache-2.0
//
// See approximate.h. The portable values come from the 12 leading bits of the operand's significand.
#include "ir/softfloat/approximate.h"

#if defined(__x86_64__)
#include <bit>
#endif

#include "ir/softfloat/softfloat.h"

namespace mynah::ir::sf {

namespace {

using F = Format<uint32_t>;

constexpr unsigned kBits = 12;

uint32_t whole_root(uint64_t n) {
  uint64_t root = 0;
  for (uint64_t bit = uint64_t{1} << 31; bit; bit >>= 1)
    if ((root + bit) * (root + bit) <= n) root += bit;
  return static_cast<uint32_t>(root);
}

// significand * 2^(biased - bias - (kBits - 1)), significand of kBits + 1 bits at most.
uint32_t pack(uint32_t sign, int biased, uint32_t significand) {
  if (significand >> kBits) {
    significand >>= 1;
    ++biased;
  }
  if (biased <= 0) return sign;
  const uint32_t fraction = (significand << (F::kFracBits + 1 - kBits)) & F::kFracMask;
  return sign | static_cast<uint32_t>(biased) << F::kFracBits | fraction;
}

}  // namespace

uint32_t portable_reciprocal(uint32_t x) {
  const uint32_t sign = x & F::kSign;
  const int biased = static_cast<int>(x >> F::kFracBits & F::kMaxExp);
  if (is_nan(x)) return x | F::kQuietBit;
  if (biased == F::kMaxExp) return sign;
  if (biased == 0) return sign | F::kInfinity;
  // 1/m in (1/2, 1], with m from the middle of its interval.
  const uint32_t m = (x & F::kFracMask) | (1u << F::kFracBits);
  if (m == 1u << F::kFracBits) return pack(sign, 2 * F::kBias - biased, 1u << (kBits - 1));
  const uint64_t quotient = ((uint64_t{1} << (F::kFracBits + kBits + 1)) / m + 1) >> 1;
  return pack(sign, 2 * F::kBias - biased - 1, static_cast<uint32_t>(quotient));
}

uint32_t portable_reciprocal_root(uint32_t x) {
  const uint32_t sign = x & F::kSign;
  const int biased = static_cast<int>(x >> F::kFracBits & F::kMaxExp);
  if (is_nan(x)) return x | F::kQuietBit;
  if (biased == 0) return sign | F::kInfinity;
  if (sign) return F::kDefaultNan | F::kSign;
  if (biased == F::kMaxExp) return 0;
  // x = m * 2^(2 * half), m in [1, 4): 1/sqrt(m) in (1/2, 1].
  const int exponent = biased - F::kBias;
  const int half = (exponent - (exponent & 1)) / 2;
  const uint64_t m = uint64_t{(x & F::kFracMask) | (1u << F::kFracBits)} << (exponent & 1);
  const uint64_t inverse = (uint64_t{1} << 60) / m;  // 2^37 / (m / 2^23)
  const uint32_t root = whole_root(inverse << 1);    // 2^19 / sqrt
  const uint32_t significand = ((root >> (19 - kBits - 1)) + 1) >> 1;
  return pack(0, F::kBias - half - 1, significand);
}

#if defined(__x86_64__)
uint32_t approximate_reciprocal(uint32_t x) {
  float estimate;
  asm("rcpss %1, %0" : "=x"(estimate) : "x"(std::bit_cast<float>(x)));
  return std::bit_cast<uint32_t>(estimate);
}
uint32_t approximate_reciprocal_root(uint32_t x) {
  float estimate;
  asm("rsqrtss %1, %0" : "=x"(estimate) : "x"(std::bit_cast<float>(x)));
  return std::bit_cast<uint32_t>(estimate);
}
#else
uint32_t approximate_reciprocal(uint32_t x) { return portable_reciprocal(x); }
uint32_t approximate_reciprocal_root(uint32_t x) { return portable_reciprocal_root(x); }
#endif

}  // namespace mynah::ir::sf
