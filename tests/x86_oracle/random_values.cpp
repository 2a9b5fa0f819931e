// SPDX-License-Identifier: Apache-2.0
//
// Random numbers with many edge values.
#include "tests/x86_oracle/random_case.h"

namespace mynah::x86_oracle {

uint64_t Random::next() {  // splitmix64
  uint64_t z = state_ += 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

uint64_t Random::integer(unsigned bits) {
  const uint64_t mask = bits >= 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1;
  switch (below(12)) {
    case 0:
      return 0;
    case 1:
      return 1;
    case 2:
      return mask;
    case 3:
      return mask >> 1;
    case 4:
      return mask ^ mask >> 1;
    case 5:
      return uint64_t{1} << below(bits);
    case 6:
      return ((uint64_t{1} << below(bits)) - 1) & mask;
    case 7:
      return ((uint64_t{1} << below(bits)) + 1) & mask;
    case 8:
      return below(80);  // counts
    case 9:
      return (0 - uint64_t{below(80)}) & mask;
    default:
      return next() & mask;
  }
}

uint64_t Random::real(unsigned bits) {
  const unsigned fraction = bits == 16 ? 10 : bits == 32 ? 23 : 52, exponent_bits = bits - 1 - fraction;
  const uint64_t one_fraction = uint64_t{1} << fraction, greatest = (1u << exponent_bits) - 1,
                 bias = greatest >> 1;
  const uint64_t sign = uint64_t{below(2)} << (bits - 1);
  uint64_t exponent = 0, value = next() & (one_fraction - 1);
  switch (below(16)) {
    case 0:
      return sign;
    case 1:
      return sign | bias << fraction;  // 1
    case 2:
      return sign | greatest << fraction;  // infinity
    case 3:
      return sign | greatest << fraction | one_fraction >> 1 | value >> 1;  // quiet NaN
    case 4:
      return sign | greatest << fraction | (value >> 1) | 1;  // signalling NaN
    case 5:
      return sign | value >> below(fraction);  // subnormal
    case 6:
      return sign | one_fraction;  // the least normal one
    case 7:
      return sign | ((greatest << fraction) - 1);  // the greatest one
    case 8:                                        // a small integer, or half of one
      exponent = bias + below(6);
      value &= ~((one_fraction >> 5) - 1);
      break;
    case 9:
      exponent = bias + below(66);  // around integers' limits
      value = chance(50) ? 0 : chance(50) ? one_fraction - 1 : value;
      break;
    case 10:
      exponent = 1 + below(fraction + 3);  // whose products and quotients are subnormal
      break;
    case 11:
      exponent = bias - below(static_cast<uint32_t>(bias / 2) + 1);
      break;
    case 12:
    case 13:
      exponent = bias - 4 + below(9);
      break;
    default:
      exponent = below(static_cast<uint32_t>(greatest));
  }
  if (exponent >= greatest) exponent = greatest - 1;
  return sign | exponent << fraction | value;
}

void Random::extended(uint8_t out[10]) {
  const uint16_t sign = static_cast<uint16_t>(below(2) << 15);
  constexpr uint64_t kInteger = uint64_t{1} << 63;
  uint16_t exponent = 0;
  uint64_t significand = kInteger | next();
  switch (below(20)) {
    case 0:
      significand = 0;
      break;
    case 1:
      exponent = 0x3fff;
      significand = kInteger;
      break;
    case 2:
      exponent = 0x7fff;
      significand = kInteger;
      break;
    case 3:
      exponent = 0x7fff;
      significand |= uint64_t{1} << 62;
      break;
    case 4:
      exponent = 0x7fff;
      significand = (significand & ~(uint64_t{1} << 62)) | 1;
      break;
    case 5:
      significand = (significand & ~kInteger) >> below(63);  // subnormal
      break;
    case 6:
      break;  // pseudo-denormal
    case 7:   // no number: unnormal, pseudo-infinity, pseudo-NaN
      exponent = chance(50) ? 0x7fff : static_cast<uint16_t>(1 + below(0x7ffe));
      significand &= ~kInteger;
      if (chance(30)) significand = 0;
      break;
    case 8:
      exponent = 0x7ffe;
      significand = chance(50) ? ~uint64_t{0} : significand;
      break;
    case 9:
      exponent = 1;
      break;
    case 10:
    case 11:
    case 12:  // a small integer, or a fraction
      exponent = static_cast<uint16_t>(0x3fff - 8 + below(24));
      significand &= ~uint64_t{0} << (40 + below(24));
      significand |= kInteger;
      break;
    case 13:
    case 14:  // a float or a double
      exponent = static_cast<uint16_t>(0x3fff - 140 + below(280));
      significand &= ~uint64_t{0} << (chance(50) ? 40 : 11);
      break;
    case 15:
      exponent = static_cast<uint16_t>(0x3fff + below(66));
      significand = kInteger | (chance(50) ? 0 : chance(50) ? ~uint64_t{0} : significand);
      break;
    case 16:  // around the limits of doubles
      exponent = static_cast<uint16_t>(chance(50) ? 0x3fff - 1080 + below(70) : 0x3fff + 1018 + below(10));
      break;
    default:
      exponent = static_cast<uint16_t>(1 + below(0x7ffe));
  }
  exponent |= sign;
  std::memcpy(out, &significand, 8);
  std::memcpy(out + 8, &exponent, 2);
}

}  // namespace mynah::x86_oracle
