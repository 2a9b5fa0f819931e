// SPDX-License-Identifier: Apache-2.0
//
// Comparison, minimum and maximum (Arm pseudocode FPCompare, FPMin, FPMax, FPMinNum, FPMaxNum; x86 MINSS and
// MAXSS). Works on encodings: once flushed, they order like sign-magnitude integers.

#include "ir/softfloat/parts.h"

namespace mynah::ir::sf {
namespace {

/// `a` with a subnormal replaced by a zero where the environment says so.
template <FloatBits T>
T flush_operand(T a, Env& env) {
  const T magnitude = a & static_cast<T>(~Format<T>::kSign);
  if (magnitude == 0 || magnitude > Format<T>::kFracMask || !flushes_inputs<T>(env)) return a;
  note_flushed<T>(env);
  return a & Format<T>::kSign;
}

template <FloatBits T>
bool is_subnormal(T a) {
  const T magnitude = a & static_cast<T>(~Format<T>::kSign);
  return magnitude != 0 && magnitude <= Format<T>::kFracMask;
}

template <FloatBits T>
bool is_zero(T a) {
  return static_cast<T>(a << 1) == 0;
}

/// Of two numbers, a < b.
template <FloatBits T>
bool less(T a, T b) {
  const bool a_negative = (a & Format<T>::kSign) != 0;
  const bool b_negative = (b & Format<T>::kSign) != 0;
  if (a_negative != b_negative) return a_negative && !(is_zero(a) && is_zero(b));
  return a_negative ? a > b : a < b;
}

template <FloatBits T>
T min_or_max(T a, T b, bool want_max, Env& env) {
  a = flush_operand(a, env);
  b = flush_operand(b, env);
  if (env.nan == NanRule::kX86) {
    if (is_nan(a) || is_nan(b)) {
      env.flags |= kInvalid;
      return b;
    }
    note_subnormal(is_subnormal(a) || is_subnormal(b), env);
    return (want_max ? less(b, a) : less(a, b)) ? a : b;
  }
  if (is_nan(a) || is_nan(b)) return propagate_nans(env, a, b);
  if (is_zero(a) && is_zero(b)) return want_max ? a & b : a | b;
  return less(a, b) != want_max ? a : b;
}

template <FloatBits T>
T min_or_max_number(T a, T b, bool want_max, Env& env) {
  const bool a_quiet = is_nan(a) && !is_signaling_nan(a);
  const bool b_quiet = is_nan(b) && !is_signaling_nan(b);
  // A lone quiet NaN becomes the value that never wins.
  const T loser = pack_infinity<T>(want_max);
  if (a_quiet && !b_quiet) a = loser;
  if (b_quiet && !a_quiet) b = loser;
  return min_or_max(a, b, want_max, env);
}

}  // namespace

template <FloatBits T>
T min(T a, T b, Env& env) {
  return min_or_max(a, b, false, env);
}

template <FloatBits T>
T max(T a, T b, Env& env) {
  return min_or_max(a, b, true, env);
}

template <FloatBits T>
T minnm(T a, T b, Env& env) {
  return min_or_max_number(a, b, false, env);
}

template <FloatBits T>
T maxnm(T a, T b, Env& env) {
  return min_or_max_number(a, b, true, env);
}

template <FloatBits T>
Order compare(T a, T b, bool signaling, Env& env) {
  a = flush_operand(a, env);
  b = flush_operand(b, env);
  if (is_nan(a) || is_nan(b)) {
    if (signaling || is_signaling_nan(a) || is_signaling_nan(b)) env.flags |= kInvalid;
    return Order::kUnordered;
  }
  note_subnormal(is_subnormal(a) || is_subnormal(b), env);
  if (less(a, b)) return Order::kLess;
  return less(b, a) ? Order::kGreater : Order::kEqual;
}

#define MYNAH_SF_INSTANTIATE(T) \
  template T min(T, T, Env&);   \
  template T max(T, T, Env&);   \
  template T minnm(T, T, Env&); \
  template T maxnm(T, T, Env&); \
  template Order compare(T, T, bool, Env&);
MYNAH_SF_INSTANTIATE(uint16_t)
MYNAH_SF_INSTANTIATE(uint32_t)
MYNAH_SF_INSTANTIATE(uint64_t)
#undef MYNAH_SF_INSTANTIATE

}  // namespace mynah::ir::sf
