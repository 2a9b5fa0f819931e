// SPDX-License-Identifier: Apache-2.0
//
// IEEE 754 arithmetic on raw bits with integer instructions only: the reference meaning of the IR's
// floating-point operations. Used by the evaluator, constant folding and the cold paths of translated code.
//
// Every function is pure but for the flags it ORs into `Env::flags`. `T` is the raw encoding: uint16_t is
// binary16, uint32_t binary32, uint64_t binary64. No function looks at the host's floating-point state.
//
// Sources: IEEE 754-2019; the Arm Architecture Reference Manual (DDI 0487), shared pseudocode
// "functions/float" (FPAdd, FPMulAdd, FPRound, FPProcessNaNs, ...); for the x86 rules the Intel SDM, volume
// 1, chapters 4 and 11.
#pragma once

#include <concepts>
#include <cstdint>

namespace mynah::ir::sf {

/// Rounding directions. 0 to 3 have the values of Arm's FPCR.RMode.
enum class Round : uint8_t { kTiesEven = 0, kUp = 1, kDown = 2, kZero = 3, kTiesAway = 4, kOdd = 5 };

/// Whose conventions rule where IEEE 754 leaves a choice.
///
/// kArm: the first signaling NaN in operand order wins, else the first quiet one; the default NaN is
/// positive; kInputDenormal reports an operand that was flushed.
///
/// kX86 (SSE): the first NaN in operand order wins, whichever its kind; the default NaN is negative; min and
/// max are `a < b ? a : b` and `a > b ? a : b`; a flushed result is also inexact; kInputDenormal reports a
/// subnormal operand that was *not* flushed (MXCSR.DE); to_int() gives the indefinite integer for what does
/// not fit.
enum class NanRule : uint8_t { kArm, kX86 };

/// Exception flags, at the positions of Arm's FPSR (IOC, DZC, OFC, UFC, IXC, IDC).
enum Flag : uint32_t {
  kInvalid = 1,
  kDivZero = 2,
  kOverflow = 4,
  kUnderflow = 8,
  kInexact = 16,
  kInputDenormal = 128,
};

/// Modes of one operation, and the flags it accumulates. The defaults are Arm's FPCR = 0.
struct Env {
  Round round = Round::kTiesEven;
  bool default_nan = false;    ///< Arm DN: every NaN result is the default NaN.
  bool flush_inputs = false;   ///< Subnormal single and double operands are zeros. Arm FZ, x86 DAZ.
  bool flush_outputs = false;  ///< Tiny single and double results become zeros. Arm FZ, x86 FTZ.
  bool flush_half = false;     ///< Both of the above for half. Arm FZ16; does not affect convert().
  bool alt_half = false;       ///< convert() reads and writes Arm's alternative half format. Arm AHP.
  NanRule nan = NanRule::kArm;
  bool tiny_before_rounding = true;  ///< When tininess is detected; x86 detects it after rounding.
  /// Flags as IEEE 754 has them where the exception traps: kUnderflow for every tiny result, and kInexact
  /// beside it and beside kOverflow where the result, were the exponent's range unbounded, would be inexact.
  bool overflow_traps = false;
  bool underflow_traps = false;
  uint32_t flags = 0;  ///< Sticky; see Flag.

  /// The environment of an SSE instruction with MXCSR's masked defaults.
  static constexpr Env x86() {
    Env env;
    env.nan = NanRule::kX86;
    env.tiny_before_rounding = false;
    return env;
  }
};

template <typename T>
concept FloatBits = std::same_as<T, uint16_t> || std::same_as<T, uint32_t> || std::same_as<T, uint64_t>;

/// Layout and named encodings of a binary interchange format.
template <FloatBits T>
struct Format {
  static constexpr int kWidth = static_cast<int>(sizeof(T) * 8);
  static constexpr int kExpBits = kWidth == 16 ? 5 : kWidth == 32 ? 8 : 11;
  static constexpr int kFracBits = kWidth - 1 - kExpBits;
  static constexpr int kBias = (1 << (kExpBits - 1)) - 1;
  static constexpr int kMaxExp = (1 << kExpBits) - 1;  ///< Biased exponent of infinities and NaNs.
  static constexpr T kSign = static_cast<T>(uint64_t{1} << (kWidth - 1));
  static constexpr T kFracMask = static_cast<T>((uint64_t{1} << kFracBits) - 1);
  static constexpr T kQuietBit = static_cast<T>(uint64_t{1} << (kFracBits - 1));
  static constexpr T kInfinity = static_cast<T>(uint64_t{kMaxExp} << kFracBits);
  static constexpr T kMaxNormal = static_cast<T>(kInfinity - 1);
  static constexpr T kOne = static_cast<T>(uint64_t{kBias} << kFracBits);
  static constexpr T kTwo = static_cast<T>(uint64_t{kBias + 1} << kFracBits);
  static constexpr T kOnePointFive = static_cast<T>(kOne | kQuietBit);
  static constexpr T kDefaultNan = static_cast<T>(kInfinity | kQuietBit);  ///< Arm's, positive.
};

template <FloatBits T>
constexpr bool is_nan(T x) {
  return static_cast<T>(x & ~Format<T>::kSign) > Format<T>::kInfinity;
}
template <FloatBits T>
constexpr bool is_signaling_nan(T x) {
  return is_nan(x) && (x & Format<T>::kQuietBit) == 0;
}

// ---- Arithmetic. Rounds with env.round.

template <FloatBits T>
T add(T a, T b, Env& env);
template <FloatBits T>
T sub(T a, T b, Env& env);
template <FloatBits T>
T mul(T a, T b, Env& env);
/// FMULX: as mul, but infinity times zero is 2.0 with the product's sign, without an exception.
template <FloatBits T>
T mulx(T a, T b, Env& env);
template <FloatBits T>
T div(T a, T b, Env& env);
template <FloatBits T>
T sqrt(T a, Env& env);
/// a * b + c with one rounding. Arm's NaN order is c, a, b, and infinity times zero is invalid even if c is a
/// quiet NaN. x86's order is a, b, c, where a, b, c are the operands as the digits of VFMADD132/213/231 list
/// them, and a NaN operand hides the invalid product.
template <FloatBits T>
T fma(T a, T b, T c, Env& env);
/// The same of -(a * b) and of -c. NaNs keep their signs.
template <FloatBits T>
T fma_signs(T a, T b, T c, bool negate_product, bool negate_addend, Env& env);

// ---- Selection and comparison.

/// FMIN and FMAX (a NaN wins, -0 < +0), or MINSS and MAXSS under NanRule::kX86.
template <FloatBits T>
T min(T a, T b, Env& env);
template <FloatBits T>
T max(T a, T b, Env& env);
/// FMINNM and FMAXNM (IEEE 754-2008 minNum, maxNum): a number wins over a quiet NaN.
template <FloatBits T>
T minnm(T a, T b, Env& env);
template <FloatBits T>
T maxnm(T a, T b, Env& env);

enum class Order : uint8_t { kLess, kEqual, kGreater, kUnordered };

/// Signals kInvalid on a signaling NaN, and with `signaling` on any NaN.
template <FloatBits T>
Order compare(T a, T b, bool signaling, Env& env);

/// FCMEQ (quiet), FCMGE and FCMGT (signaling).
template <FloatBits T>
inline bool eq(T a, T b, Env& env) {
  return compare(a, b, false, env) == Order::kEqual;
}
template <FloatBits T>
inline bool ge(T a, T b, Env& env) {
  const Order order = compare(a, b, true, env);
  return order == Order::kGreater || order == Order::kEqual;
}
template <FloatBits T>
inline bool gt(T a, T b, Env& env) {
  return compare(a, b, true, env) == Order::kGreater;
}

// ---- Arm's reciprocal estimates and Newton-Raphson steps.

template <FloatBits T>
T recpe(T a, Env& env);  ///< FRECPE: 1/a to 8 bits.
template <FloatBits T>
T rsqrte(T a, Env& env);  ///< FRSQRTE: 1/sqrt(a) to 8 bits.
template <FloatBits T>
T recpx(T a, Env& env);  ///< FRECPX: reciprocal exponent.
template <FloatBits T>
T recps(T a, T b, Env& env);  ///< FRECPS: 2 - a*b, fused; 2 for infinity times zero.
template <FloatBits T>
T rsqrts(T a, T b, Env& env);  ///< FRSQRTS: (3 - a*b) / 2, fused; 1.5 for infinity times zero.

uint32_t urecpe(uint32_t a);   ///< URECPE, on unsigned fixed point.
uint32_t ursqrte(uint32_t a);  ///< URSQRTE.

// ---- Integers.

/// FRINT*, ROUNDSS: the nearest integral value in the direction `round`; `exact` reports kInexact.
template <FloatBits T>
T round_to_int(T a, Round round, bool exact, Env& env);

/// FRINT32X/Z and FRINT64X/Z (int_bits 32 or 64): as round_to_int with `exact`, but NaNs, infinities and what
/// does not fit a signed integer of `int_bits` become -2^(int_bits-1) with kInvalid alone.
template <FloatBits T>
T round_to_int_sized(T a, unsigned int_bits, Round round, Env& env);

/// a * 2^fbits as an integer of int_bits (1 to 64), saturating, NaN to 0 (Arm FPToFixed); under NanRule::kX86
/// the most negative number for both. The result is two's complement in the low int_bits, the rest zero.
/// fbits at most 64.
template <FloatBits T>
uint64_t to_int(T a, unsigned int_bits, bool is_signed, unsigned fbits, Round round, Env& env);

/// value * 2^-fbits; `value` is int64_t if is_signed (narrower sources are extended by the caller).
template <FloatBits T>
T from_int(uint64_t value, bool is_signed, unsigned fbits, Round round, Env& env);

struct JsInt {
  uint32_t value;  ///< a truncated, modulo 2^32.
  bool exact;      ///< PSTATE.Z of FJCVTZS: value represents a exactly (and a is not -0).
};
/// FJCVTZS: JavaScript's ToInt32.
JsInt fjcvtzs(uint64_t a, Env& env);

// ---- Formats.

/// FCVT between formats, rounding with env.round. A NaN keeps sign and leading payload bits. Half is never
/// flushed here, and follows env.alt_half (which has neither infinities nor NaNs).
template <FloatBits To, FloatBits From>
To convert(From a, Env& env);

/// FCVTXN: double to single, rounding to odd whatever env.round says.
uint32_t fcvtxn(uint64_t a, Env& env);

}  // namespace mynah::ir::sf
