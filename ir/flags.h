// SPDX-License-Identifier: Apache-2.0
//
// The IR's packed flags group: the value of a `flags`-typed IR value and of a guest-flags state slot. Bit
// positions are those that `lahf; seto al` gives on an x86-64 host, with carry in the add sense ("no borrow"
// after a subtraction). Bits not named here are unspecified: readers mask.
#pragma once

#include <cstdint>

namespace mynah::ir {

constexpr uint32_t kFlagN = 1u << 15;
constexpr uint32_t kFlagZ = 1u << 14;
constexpr uint32_t kFlagC = 1u << 8;
constexpr uint32_t kFlagV = 1u << 0;
constexpr uint32_t kFlagMask = kFlagN | kFlagZ | kFlagC | kFlagV;

constexpr uint32_t pack_flags(bool n, bool z, bool c, bool v) {
  return (n ? kFlagN : 0) | (z ? kFlagZ : 0) | (c ? kFlagC : 0) | (v ? kFlagV : 0);
}

// Conditions over a flags group. The order is Arm's, so that condition ^ 1 is the inverse.
enum class Cond : uint8_t { eq, ne, cs, cc, mi, pl, vs, vc, hi, ls, ge, lt, gt, le };

constexpr bool holds(Cond cond, uint32_t flags) {
  const bool n = flags & kFlagN, z = flags & kFlagZ, c = flags & kFlagC, v = flags & kFlagV;
  switch (static_cast<Cond>(static_cast<uint8_t>(cond) & ~1u)) {
    case Cond::eq:
      return z != (static_cast<uint8_t>(cond) & 1);
    case Cond::cs:
      return c != (static_cast<uint8_t>(cond) & 1);
    case Cond::mi:
      return n != (static_cast<uint8_t>(cond) & 1);
    case Cond::vs:
      return v != (static_cast<uint8_t>(cond) & 1);
    case Cond::hi:
      return (c && !z) != (static_cast<uint8_t>(cond) & 1);
    case Cond::ge:
      return (n == v) != (static_cast<uint8_t>(cond) & 1);
    default:
      return (!z && n == v) != (static_cast<uint8_t>(cond) & 1);
  }
}

}  // namespace mynah::ir
