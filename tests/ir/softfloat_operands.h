// SPDX-License-Identifier: Apache-2.0
//
// Operands that floating-point bugs like: a list of edge values a format, and a reproducible random source
// that mixes them with values near ties, near cancellation, near the subnormal border and near integer
// limits.
#pragma once

#include <cstdint>
#include <vector>

#include "ir/softfloat/softfloat.h"

namespace mynah::test {

/// splitmix64.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  unsigned below(unsigned n) { return static_cast<unsigned>((next() >> 32) * n >> 32); }

 private:
  uint64_t state_;
};

/// Both signs of: zero, the ends of the subnormal and normal ranges, values around one, powers near integer
/// limits, infinity, and quiet and signaling NaNs with payloads.
template <typename T>
std::vector<T> edge_values() {
  using F = ir::sf::Format<T>;
  std::vector<uint64_t> magnitudes = {0,
                                      1,
                                      2,
                                      3,
                                      F::kFracMask / 2,
                                      F::kFracMask / 2 + 1,
                                      F::kFracMask - 1,
                                      F::kFracMask,  // subnormal
                                      F::kFracMask + uint64_t{1},
                                      F::kFracMask + uint64_t{2},
                                      2 * (F::kFracMask + uint64_t{1}),
                                      F::kOne / 2u,
                                      F::kOne - 1u,
                                      F::kOne,
                                      F::kOne + uint64_t{1},
                                      F::kOnePointFive,
                                      F::kTwo,
                                      F::kTwo + uint64_t{1},
                                      F::kTwo | F::kQuietBit,
                                      F::kMaxNormal - 1u,
                                      F::kMaxNormal,
                                      F::kInfinity,
                                      F::kInfinity + uint64_t{1},
                                      F::kInfinity + uint64_t{5},
                                      F::kDefaultNan - uint64_t{1},  // signaling
                                      F::kDefaultNan,
                                      F::kDefaultNan + uint64_t{1},
                                      F::kSign - uint64_t{1}};
  // Around the thresholds of FRECPE, a half, and integer limits: 2^e - 1 ulp, 2^e, 2^e + 1 ulp, 1.5 * 2^e.
  for (const int e :
       {-1, F::kBias - 1, F::kBias, 10, 11, 14, 15, 16, 23, 30, 31, 32, 52, 62, 63, 64, 84, 115, 116}) {
    if (e > F::kBias) continue;
    const uint64_t power = static_cast<uint64_t>(e + F::kBias) << F::kFracBits;
    for (const uint64_t m : {power - 1, power, power + 1, power | F::kQuietBit}) magnitudes.push_back(m);
  }
  std::vector<T> values;
  for (const uint64_t m : magnitudes) {
    values.push_back(static_cast<T>(m));
    values.push_back(static_cast<T>(m | F::kSign));
  }
  return values;
}

template <typename T>
class Operands {
  using F = ir::sf::Format<T>;

 public:
  explicit Operands(uint64_t seed) : random_(seed), edges_(edge_values<T>()) {}

  const std::vector<T>& edges() const { return edges_; }
  Random& random() { return random_; }

  /// `near`: another operand, whose exponent some results stay close to.
  T next(T near = F::kOne) {
    const uint64_t r = random_.next();
    switch (random_.below(10)) {
      case 0:
        return edges_[random_.below(static_cast<unsigned>(edges_.size()))];
      case 1: {  // An edge, some units away.
        const T edge = edges_[random_.below(static_cast<unsigned>(edges_.size()))];
        return static_cast<T>(edge + (r & 15) - 8);
      }
      case 2:
      case 3:
        return static_cast<T>(r);
      case 4: {  // Exponent near the other's.
        const int exp = static_cast<int>((near & F::kInfinity) >> F::kFracBits) + static_cast<int>(r % 7) - 3;
        return with_exp(exp, r >> 8);
      }
      case 5: {  // Few significant bits: ties and exact results.
        const uint64_t frac =
            (r >> 32) << (F::kFracBits - 1 - random_.below(F::kFracBits / 2 + 4)) & F::kFracMask;
        return static_cast<T>(with_exp(F::kBias + static_cast<int>(r % 9) - 4, 0) | frac |
                              (r >> 1 & F::kSign));
      }
      case 6:
        return static_cast<T>(r & (F::kFracMask | F::kSign));  // Subnormal.
      case 7:
        return static_cast<T>(near ^ (r & (F::kSign | 7)));  // Nearly cancels.
      case 8:
        return with_exp(F::kBias + static_cast<int>(r % 70) - 4, r >> 8);  // Integer range.
      default:
        return with_exp(F::kBias + static_cast<int>(r % 41) - 20, r >> 8);  // Around one.
    }
  }

 private:
  T with_exp(int exp, uint64_t bits) const {
    const int limited = exp < 0 ? 0 : exp > F::kMaxExp ? F::kMaxExp : exp;
    return static_cast<T>((bits & (F::kSign | F::kFracMask)) | static_cast<uint64_t>(limited)
                                                                   << F::kFracBits);
  }

  Random random_;
  std::vector<T> edges_;
};

}  // namespace mynah::test
