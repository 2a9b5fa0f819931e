// SPDX-License-Identifier: Apache-2.0
//
// 16-byte constants that stand behind the thunks; emitters name them and instructions read them relative to
// rip.
#pragma once

#include <cstdint>

namespace mynah::x86_64 {

enum class K : uint8_t {
  // the sign bit of every lane, everything else, one in every lane, all bits
  kSign8,
  kSign16,
  kSign32,
  kSign64,
  kAbs8,
  kAbs16,
  kAbs32,
  kAbs64,
  kOne8,
  kOne16,
  kOne32,
  kOne64,
  kOnes,
  // parts of lanes
  kLow8In16,
  kHigh8In16,
  kLow16In32,
  kLow8In32,
  kLow8In64,
  kLow32In64,
  k256In32,
  k256In64,
  k63In64,
  kNibble,
  k8In16,
  k16In32,
  // tables and orders for pshufb
  kBitCount,
  kZerosHigh,
  kZerosLow,
  kReverseLow,
  kReverseHigh,
  kTableBias,
  kReverse8In16,
  kReverse8In32,
  kReverse8In64,
  kReverse16In32,
  kReverse16In64,
  kNarrow16,
  kNarrow32,
  kNarrow64,
  // the lowest lane
  kFirst8,
  kFirst16,
  kFirst32,
  // byte shifts by 1 to 7: what stays of each byte
  kLeft1,
  kLeft7 = kLeft1 + 6,
  kRight1,
  kRight7 = kRight1 + 6,
  // 0x80 >> 1 to 7 in every byte
  kSignShifted1,
  kSignShifted7 = kSignShifted1 + 6,
  // floating point
  kMinNormal32,
  kMinNormal64,
  kMinNormal16,
  kHalf32,
  kHalf64,
  kUnit32,
  kUnit64,
  kIntegral32,
  kIntegral64,
  kTwo31F,
  kTwo31,
  kTwo63F,
  kTwo63,
  kTwo16F,
  kTwo52,
  kTwo84,
  kTwo84And52,
  // SHA-1's addends of the first three kinds of rounds
  kSha1A,
  kSha1B,
  kSha1C,
  // CRC-32: the polynomial's reciprocal to 64 bits, the polynomial
  kCrc32,
  kCount
};

struct Constant {
  uint64_t lo, hi;
};
extern const Constant kConstants[static_cast<unsigned>(K::kCount)];

constexpr K operator+(K k, unsigned n) { return static_cast<K>(static_cast<unsigned>(k) + n); }

}  // namespace mynah::x86_64
