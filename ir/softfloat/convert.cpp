// SPDX-License-Identifier: Apache-2.0
//
// Between formats, to and from integers, and rounding to integral values (Arm pseudocode FPConvert,
// FPToFixed, FixedToFP, FPRoundInt, FPRoundIntN, FPToFixedJS).

#include "ir/softfloat/parts.h"

namespace mynah::ir::sf {
namespace {

struct Integral {
  uint64_t magnitude;
  bool inexact;
};

/// sig * 2^(exp - 63) as an integer; exp at most 63, sig normalized.
Integral to_integral(bool sign, int exp, uint64_t sig, Round round) {
  uint64_t whole = 0;
  uint64_t tail = 1;  // What is below one half only matters as non-zero.
  if (exp >= 0) {
    whole = sig >> (63 - exp);
    tail = exp == 63 ? 0 : sig << (exp + 1);
  } else if (exp == -1) {
    tail = sig;
  }
  return {whole + (rounds_up(round, sign, (whole & 1) != 0, tail) ? 1 : 0), tail != 0};
}

/// The encoding of an integer that the format can represent.
template <FloatBits T>
T pack_integral(bool sign, uint64_t magnitude) {
  using F = Format<T>;
  if (magnitude == 0) return pack_zero<T>(sign);
  const int zeros = std::countl_zero(magnitude);
  const uint64_t frac = (magnitude << zeros << 1) >> (64 - F::kFracBits);
  return static_cast<T>(static_cast<uint64_t>(63 - zeros + F::kBias) << F::kFracBits | frac) |
         pack_zero<T>(sign);
}

/// Whether the integer lies in the range of a signed or unsigned integer of `bits`.
bool fits(bool sign, uint64_t magnitude, unsigned bits, bool is_signed) {
  if (!is_signed) return sign ? magnitude == 0 : bits == 64 || magnitude >> bits == 0;
  const uint64_t limit = uint64_t{1} << (bits - 1);
  return sign ? magnitude <= limit : magnitude < limit;
}

/// FPConvertNaN: quiet, with the sign and as many leading payload bits as fit.
template <FloatBits To, FloatBits From>
To convert_nan(From a) {
  using F = Format<From>;
  using G = Format<To>;
  const uint64_t payload = static_cast<uint64_t>(a & F::kFracMask) << (63 - F::kFracBits);
  const To frac = static_cast<To>(payload >> (63 - G::kFracBits)) & G::kFracMask;
  return static_cast<To>(G::kDefaultNan | frac) | pack_zero<To>((a & F::kSign) != 0);
}

template <FloatBits To, FloatBits From>
To convert_rounded(From a, Round round, Env& env) {
  constexpr bool kFromHalf = sizeof(From) == 2;
  constexpr bool kToHalf = sizeof(To) == 2;
  const bool alt_result = kToHalf && env.alt_half;
  const Parts pa = unpack_raw(a, !kFromHalf && env.flush_inputs, kFromHalf && env.alt_half, env);
  if (pa.nan()) {
    if (alt_result) {
      env.flags |= kInvalid;
      return pack_zero<To>(pa.sign);
    }
    if (pa.kind == Kind::kSignalingNan) env.flags |= kInvalid;
    return env.default_nan ? default_nan<To>(env) : convert_nan<To>(a);
  }
  if (pa.infinite()) {
    if (!alt_result) return pack_infinity<To>(pa.sign);
    env.flags |= kInvalid;
    return static_cast<To>(Format<To>::kSign - 1) | pack_zero<To>(pa.sign);
  }
  if (pa.zero()) return pack_zero<To>(pa.sign);
  note_subnormal(pa.subnormal && !kFromHalf, env);
  return round_pack_raw<To>(pa.sign, pa.exp, pa.sig, round, !kToHalf && env.flush_outputs, alt_result, env);
}

}  // namespace

template <FloatBits T>
T round_to_int(T a, Round round, bool exact, Env& env) {
  const Parts pa = unpack(a, env);
  if (pa.nan()) return propagate_nan(a, env);
  if (pa.zero()) return pack_zero<T>(pa.sign);
  if (pa.infinite() || pa.exp >= Format<T>::kFracBits) return a;
  const Integral result = to_integral(pa.sign, pa.exp, pa.sig, round);
  if (result.inexact && exact) env.flags |= kInexact;
  return pack_integral<T>(pa.sign, result.magnitude);
}

template <FloatBits T>
T round_to_int_sized(T a, unsigned int_bits, Round round, Env& env) {
  const Parts pa = unpack(a, env);
  if (pa.zero()) return pack_zero<T>(pa.sign);
  if (pa.kind == Kind::kFinite && pa.exp <= 63) {
    const Integral result = to_integral(pa.sign, pa.exp, pa.sig, round);
    if (fits(pa.sign, result.magnitude, int_bits, true)) {
      if (result.inexact) env.flags |= kInexact;
      return pack_integral<T>(pa.sign, result.magnitude);
    }
  }
  env.flags |= kInvalid;
  if constexpr (sizeof(T) == 2) {
    return pack_infinity<T>(true);  // The limit is beyond half's range, and no instruction asks.
  } else {
    return pack_integral<T>(true, uint64_t{1} << (int_bits - 1));
  }
}

template <FloatBits T>
uint64_t to_int(T a, unsigned int_bits, bool is_signed, unsigned fbits, Round round, Env& env) {
  const Parts pa = unpack(a, env);
  if (pa.zero()) return 0;
  const bool x86 = env.nan == NanRule::kX86;
  const uint64_t lowest = uint64_t{1} << (int_bits - 1);
  if (pa.nan()) {
    env.flags |= kInvalid;
    return x86 ? lowest : 0;
  }
  const uint64_t mask = ~uint64_t{0} >> (64 - int_bits);
  const int exp = pa.exp + static_cast<int>(fbits);
  if (!pa.infinite() && exp <= 63) {
    const Integral result = to_integral(pa.sign, exp, pa.sig, round);
    if (fits(pa.sign, result.magnitude, int_bits, is_signed)) {
      if (result.inexact) env.flags |= kInexact;
      return (pa.sign ? 0 - result.magnitude : result.magnitude) & mask;
    }
  }
  env.flags |= kInvalid;
  if (x86) return lowest;
  if (!is_signed) return pa.sign ? 0 : mask;
  return pa.sign ? lowest : mask >> 1;
}

template <FloatBits T>
T from_int(uint64_t value, bool is_signed, unsigned fbits, Round round, Env& env) {
  if (value == 0) return 0;
  const bool sign = is_signed && static_cast<int64_t>(value) < 0;
  const uint64_t magnitude = sign ? 0 - value : value;
  const int zeros = std::countl_zero(magnitude);
  return round_pack<T>(sign, 63 - zeros - static_cast<int>(fbits), magnitude << zeros, round, env);
}

JsInt fjcvtzs(uint64_t a, Env& env) {
  const Parts pa = unpack(a, env);
  if (pa.zero()) return {0, a == 0};  // Neither -0 nor a flushed subnormal is exact.
  if (pa.kind != Kind::kFinite) {
    env.flags |= kInvalid;
    return {0, false};
  }
  if (pa.exp > 63 + 52) {  // A multiple of 2^64.
    env.flags |= kInvalid;
    return {0, false};
  }
  bool inexact = false;
  uint64_t magnitude;
  if (pa.exp <= 63) {
    const Integral result = to_integral(pa.sign, pa.exp, pa.sig, Round::kZero);
    magnitude = result.magnitude;
    inexact = result.inexact;
  } else {
    magnitude = pa.sig << (pa.exp - 63);
  }
  const bool in_range = pa.exp <= 63 && fits(pa.sign, magnitude, 32, true);
  if (!in_range) {
    env.flags |= kInvalid;
  } else if (inexact) {
    env.flags |= kInexact;
  }
  return {static_cast<uint32_t>(pa.sign ? 0 - magnitude : magnitude), in_range && !inexact};
}

template <FloatBits To, FloatBits From>
To convert(From a, Env& env) {
  return convert_rounded<To>(a, env.round, env);
}

uint32_t fcvtxn(uint64_t a, Env& env) { return convert_rounded<uint32_t>(a, Round::kOdd, env); }

#define MYNAH_SF_INSTANTIATE(T)                                       \
  template T round_to_int(T, Round, bool, Env&);                      \
  template T round_to_int_sized(T, unsigned, Round, Env&);            \
  template uint64_t to_int(T, unsigned, bool, unsigned, Round, Env&); \
  template T from_int<T>(uint64_t, bool, unsigned, Round, Env&);
MYNAH_SF_INSTANTIATE(uint16_t)
MYNAH_SF_INSTANTIATE(uint32_t)
MYNAH_SF_INSTANTIATE(uint64_t)
#undef MYNAH_SF_INSTANTIATE

template uint16_t convert<uint16_t>(uint32_t, Env&);
template uint16_t convert<uint16_t>(uint64_t, Env&);
template uint32_t convert<uint32_t>(uint16_t, Env&);
template uint32_t convert<uint32_t>(uint64_t, Env&);
template uint64_t convert<uint64_t>(uint16_t, Env&);
template uint64_t convert<uint64_t>(uint32_t, Env&);

}  // namespace mynah::ir::sf
