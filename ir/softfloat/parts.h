// SPDX-License-Identifier: Apache-2.0
//
// What the operations of this folder share: taking an encoding apart, choosing a NaN result, and rounding an
// exact value into a format (Arm pseudocode FPUnpack, FPProcessNaNs, FPRound). Private to ir/softfloat.
//
// A finite non-zero number is (-1)^sign * sig * 2^(exp - 63) with bit 63 of sig set, in every format.
// Operations compute 64 such bits of the exact result and fold what lies below into bit 0 ("jam"): at least
// ten bits lie below the widest fraction, so one rounding step serves all formats and is exact.
#pragma once

#include <bit>

#include "ir/softfloat/softfloat.h"

namespace mynah::ir::sf {

using u128 = unsigned __int128;

enum class Kind : uint8_t { kZero, kFinite, kInfinity, kQuietNan, kSignalingNan };

struct Parts {
  Kind kind;
  bool sign;
  bool subnormal;  ///< Finite, and encoded as subnormal.
  int exp;
  uint64_t sig;

  bool zero() const { return kind == Kind::kZero; }
  bool infinite() const { return kind == Kind::kInfinity; }
  bool nan() const { return kind >= Kind::kQuietNan; }
};

inline uint64_t shift_right_jam(uint64_t x, unsigned count) {
  if (count == 0) return x;
  if (count > 63) return x != 0;
  return (x >> count) | ((x << (64 - count)) != 0);
}

inline u128 shift_right_jam(u128 x, unsigned count) {
  if (count == 0) return x;
  if (count > 127) return x != 0;
  return (x >> count) | static_cast<u128>((x << (128 - count)) != 0);
}

inline uint64_t jam_low(u128 x) { return static_cast<uint64_t>(x >> 64) | (static_cast<uint64_t>(x) != 0); }

inline int count_leading_zeros(u128 x) {
  const uint64_t high = static_cast<uint64_t>(x >> 64);
  return high != 0 ? std::countl_zero(high) : 64 + std::countl_zero(static_cast<uint64_t>(x));
}

template <FloatBits T>
bool flushes_inputs(const Env& env) {
  return sizeof(T) == 2 ? env.flush_half : env.flush_inputs;
}
template <FloatBits T>
bool flushes_outputs(const Env& env) {
  return sizeof(T) == 2 ? env.flush_half : env.flush_outputs;
}

template <FloatBits T>
T pack_zero(bool sign) {
  return sign ? Format<T>::kSign : T{0};
}
template <FloatBits T>
T pack_infinity(bool sign) {
  return Format<T>::kInfinity | pack_zero<T>(sign);
}

template <FloatBits T>
T default_nan(const Env& env) {
  return Format<T>::kDefaultNan | pack_zero<T>(env.nan == NanRule::kX86);
}

/// The result of an invalid operation.
template <FloatBits T>
T invalid(Env& env) {
  env.flags |= kInvalid;
  return default_nan<T>(env);
}

/// Reports a flushed operand. Arm's FZ16 flushes silently, and so does x86.
template <FloatBits T>
void note_flushed(Env& env) {
  if (sizeof(T) != 2 && env.nan == NanRule::kArm) env.flags |= kInputDenormal;
}

/// Reports subnormal operands that take part in a computation, as x86 does (MXCSR.DE). Called where neither a
/// NaN operand nor an invalid operation nor a division by zero hides them.
inline void note_subnormal(bool any, Env& env) {
  if (any && env.nan == NanRule::kX86) env.flags |= kInputDenormal;
}

/// `flush`: subnormals become zeros. `alt`: the largest exponent is an ordinary one.
template <FloatBits T>
inline Parts unpack_raw(T bits, bool flush, bool alt, Env& env) {
  using F = Format<T>;
  const bool sign = (bits & F::kSign) != 0;
  const int biased = static_cast<int>(bits >> F::kFracBits) & F::kMaxExp;
  const uint64_t frac = bits & F::kFracMask;
  if (biased == 0) {
    if (frac == 0) return {Kind::kZero, sign, false, 0, 0};
    if (flush) {
      note_flushed<T>(env);
      return {Kind::kZero, sign, false, 0, 0};
    }
    const int zeros = std::countl_zero(frac);
    return {Kind::kFinite, sign, true, 64 - F::kBias - F::kFracBits - zeros, frac << zeros};
  }
  if (biased == F::kMaxExp && !alt) {
    if (frac == 0) return {Kind::kInfinity, sign, false, 0, 0};
    return {(bits & F::kQuietBit) != 0 ? Kind::kQuietNan : Kind::kSignalingNan, sign, false, 0, 0};
  }
  return {Kind::kFinite, sign, false, biased - F::kBias, uint64_t{1} << 63 | frac << (63 - F::kFracBits)};
}

/// An operand of anything but convert().
template <FloatBits T>
inline Parts unpack(T bits, Env& env) {
  return unpack_raw(bits, flushes_inputs<T>(env), false, env);
}

/// FPProcessNaN: the result of an operation with the one NaN operand `a`.
template <FloatBits T>
T propagate_nan(T a, Env& env) {
  if (is_signaling_nan(a)) env.flags |= kInvalid;
  return env.default_nan ? default_nan<T>(env) : static_cast<T>(a | Format<T>::kQuietBit);
}

/// FPProcessNaNs: the result of an operation of which at least one operand is a NaN, given in order of
/// priority.
template <FloatBits T, typename... More>
T propagate_nans(Env& env, T first, More... more) {
  const T operands[] = {first, more...};
  T chosen = 0;
  bool have_nan = false;
  bool have_signaling = false;
  for (const T x : operands) {
    if (!is_nan(x)) continue;
    const bool signaling = is_signaling_nan(x);
    if (!have_nan || (env.nan == NanRule::kArm && signaling && !have_signaling)) chosen = x;
    have_nan = true;
    have_signaling |= signaling;
  }
  if (have_signaling) env.flags |= kInvalid;
  return env.default_nan ? default_nan<T>(env) : static_cast<T>(chosen | Format<T>::kQuietBit);
}

/// Whether a magnitude with last bit `odd` is incremented, given the discarded bits left-aligned in `tail`.
inline bool rounds_up(Round round, bool sign, bool odd, uint64_t tail) {
  constexpr uint64_t kHalf = uint64_t{1} << 63;
  switch (round) {
    case Round::kTiesEven:
      return tail > kHalf || (tail == kHalf && odd);
    case Round::kTiesAway:
      return tail >= kHalf;
    case Round::kUp:
      return tail != 0 && !sign;
    case Round::kDown:
      return tail != 0 && sign;
    case Round::kZero:
      return false;
    case Round::kOdd:
      return tail != 0 && !odd;
  }
  return false;
}

/// Whether a value too large for its format becomes an infinity rather than the largest finite number.
inline bool overflows_to_infinity(Round round, bool sign) {
  switch (round) {
    case Round::kTiesEven:
    case Round::kTiesAway:
      return true;
    case Round::kUp:
      return !sign;
    case Round::kDown:
      return sign;
    case Round::kZero:
    case Round::kOdd:
      return false;
  }
  return true;
}

/// FPRound: the encoding of the non-zero value (-1)^sign * sig * 2^(exp - 63). `sig` has bit 63 set and may
/// be jammed. `flush`: tiny results become zeros. `alt`: Arm's alternative half format.
template <FloatBits T>
T round_pack_raw(bool sign, int exp, uint64_t sig, Round round, bool flush, bool alt, Env& env) {
  using F = Format<T>;
  constexpr int kDropped = 63 - F::kFracBits;
  const T sign_bit = pack_zero<T>(sign);
  int biased = exp + F::kBias;
  bool tiny = false;
  const bool inexact = sig << (64 - kDropped) != 0;
  if (biased <= 0) {
    tiny = true;
    if (!env.tiny_before_rounding && biased == 0) {
      // Not tiny if rounding to full precision with an unbounded exponent reaches the smallest normal number.
      const uint64_t kept = sig >> kDropped;
      const bool all_ones = kept == (uint64_t{2} << F::kFracBits) - 1;
      tiny = !(all_ones && rounds_up(round, sign, true, sig << (64 - kDropped)));
    }
    if (tiny && env.underflow_traps) {
      env.flags |= kUnderflow | (inexact ? kInexact : 0);
      return sign_bit;  // nobody's
    }
    if (tiny && flush) {
      env.flags |= kUnderflow;
      if (env.nan == NanRule::kX86) env.flags |= kInexact;
      return sign_bit;
    }
    sig = shift_right_jam(sig, static_cast<unsigned>(1 - biased));
    biased = 1;
  } else if (biased > F::kMaxExp + 1) {
    biased = F::kMaxExp + 1;  // Overflows in any case; keeps the sum below in range.
  }
  const uint64_t kept = sig >> kDropped;
  const uint64_t tail = sig << (64 - kDropped);
  if (tail != 0 && tiny) env.flags |= kUnderflow;
  // The leading bit of a normal significand, and a carry out of rounding, add to the exponent field.
  const uint64_t bits = (static_cast<uint64_t>(biased - 1) << F::kFracBits) + kept +
                        (rounds_up(round, sign, (kept & 1) != 0, tail) ? 1 : 0);
  const int final_exp = static_cast<int>(bits >> F::kFracBits);
  if (alt) {
    if (final_exp > F::kMaxExp) {
      env.flags |= kInvalid;
      return static_cast<T>(F::kSign - 1) | sign_bit;
    }
  } else if (final_exp >= F::kMaxExp) {
    env.flags |= kOverflow | (inexact || !env.overflow_traps ? kInexact : 0);
    return (overflows_to_infinity(round, sign) ? F::kInfinity : F::kMaxNormal) | sign_bit;
  }
  if (tail != 0) env.flags |= kInexact;
  return static_cast<T>(bits) | sign_bit;
}

template <FloatBits T>
T round_pack(bool sign, int exp, uint64_t sig, Round round, Env& env) {
  return round_pack_raw<T>(sign, exp, sig, round, flushes_outputs<T>(env), false, env);
}

}  // namespace mynah::ir::sf
