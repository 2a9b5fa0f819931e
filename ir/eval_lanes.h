// SPDX-License-Identifier: Apache-2.0
//
// The evaluator's inner tools: a 128-bit value as an array of lanes, and dispatch from an op's lane size to a
// lambda instantiated for the lane's C++ type. Lane 0 is the least significant one, as in memory on the
// little-endian hosts that are supported.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "ir/eval.h"
#include "ir/host_memory.h"

namespace mynah::ir {

namespace sf {
struct Env;
}

static_assert(std::endian::native == std::endian::little);

constexpr uint32_t kStickySaturation = 1u << 27;

// The parts of evaluate_op(), split as ops.def is.
V128 evaluate_integer(const OpInput& in);
V128 evaluate_vector(const OpInput& in);
V128 evaluate_packed(const OpInput& in);
V128 evaluate_strings(const OpInput& in);
V128 evaluate_saturating(const OpInput& in, uint32_t& sticky);
V128 evaluate_fp(const OpInput& in, const FpMode& mode, uint32_t& sticky);
V128 evaluate_fp_x86(const OpInput& in, sf::Env& env);  // of evaluate_fp()
V128 evaluate_crypto(const OpInput& in);
V128 evaluate_crypto_rounds(const OpInput& in);
// Family::kExtended: over the guest state as well.
V128 evaluate_f80(const OpInput& in, uint8_t* state);

template <typename T>
struct Lanes {
  static constexpr unsigned kCount = 16 / sizeof(T);
  static constexpr unsigned kBits = 8 * sizeof(T);
  T lane[kCount] = {};

  Lanes() = default;
  explicit Lanes(const V128& v) { std::memcpy(lane, &v, 16); }
  T& operator[](unsigned i) { return lane[i]; }
  const T& operator[](unsigned i) const { return lane[i]; }
  V128 pack() const {
    V128 v;
    std::memcpy(&v, lane, 16);
    return v;
  }
};

// An integer type that holds sums, differences and products of two lanes. (Products of two unsigned 64-bit
// lanes excepted.)
template <typename T>
using WideOf = std::conditional_t<sizeof(T) == 8, __int128, int64_t>;

// The lane of twice the size (of a 64-bit lane, the same).
template <typename T>
struct DoubleLane;
template <>
struct DoubleLane<uint8_t> {
  using type = uint16_t;
};
template <>
struct DoubleLane<uint16_t> {
  using type = uint32_t;
};
template <>
struct DoubleLane<uint32_t> {
  using type = uint64_t;
};
template <>
struct DoubleLane<uint64_t> {
  using type = uint64_t;
};
template <>
struct DoubleLane<int8_t> {
  using type = int16_t;
};
template <>
struct DoubleLane<int16_t> {
  using type = int32_t;
};
template <>
struct DoubleLane<int32_t> {
  using type = int64_t;
};
template <>
struct DoubleLane<int64_t> {
  using type = int64_t;
};
template <typename T>
using Doubled = typename DoubleLane<T>::type;

// f is called with a zero of the lane's type.
template <typename F>
V128 by_unsigned_lane(unsigned aux, F f) {
  return with_host_type(aux & 3, f);
}
template <typename F>
V128 by_signed_lane(unsigned aux, F f) {
  switch (aux & 3) {
    case 0:
      return f(int8_t{});
    case 1:
      return f(int16_t{});
    case 2:
      return f(int32_t{});
    default:
      return f(int64_t{});
  }
}

template <typename T, typename F>
V128 map_lanes(const V128& a, F f) {
  const Lanes<T> x(a);
  Lanes<T> r;
  for (unsigned i = 0; i < r.kCount; ++i) r[i] = static_cast<T>(f(x[i]));
  return r.pack();
}
template <typename T, typename F>
V128 map_lanes(const V128& a, const V128& b, F f) {
  const Lanes<T> x(a), y(b);
  Lanes<T> r;
  for (unsigned i = 0; i < r.kCount; ++i) r[i] = static_cast<T>(f(x[i], y[i]));
  return r.pack();
}

// One lambda for every lane size; U and S say how lanes are read.
template <typename F>
V128 map_u(const OpInput& in, F f) {
  return by_unsigned_lane(in.aux, [&](auto zero) {
    if constexpr (std::is_invocable_v<F, decltype(zero), decltype(zero)>) {
      return map_lanes<decltype(zero)>(in.args[0], in.args[1], f);
    } else {
      return map_lanes<decltype(zero)>(in.args[0], f);
    }
  });
}
template <typename F>
V128 map_s(const OpInput& in, F f) {
  return by_signed_lane(in.aux, [&](auto zero) {
    if constexpr (std::is_invocable_v<F, decltype(zero), decltype(zero)>) {
      return map_lanes<decltype(zero)>(in.args[0], in.args[1], f);
    } else {
      return map_lanes<decltype(zero)>(in.args[0], f);
    }
  });
}

// x shifted left by `shift`, or right where it is negative, in unbounded precision, rounding half up if
// asked; the result modulo the lane. Any shift is valid.
template <bool kRounding, typename T>
constexpr T shift_lane(T x, int shift) {
  constexpr int kBits = 8 * sizeof(T);
  using U = std::make_unsigned_t<T>;
  if (shift >= kBits) return 0;
  if (shift >= 0) return static_cast<T>(static_cast<U>(static_cast<U>(x) << shift));
  const int right = -shift;
  if (right > kBits) return kRounding || x >= 0 ? T{0} : static_cast<T>(-1);
  const T bit = kRounding ? static_cast<T>(x >> (right - 1) & 1) : T{0};
  const T high = right == kBits ? (x < 0 ? static_cast<T>(-1) : T{0}) : static_cast<T>(x >> right);
  return static_cast<T>(static_cast<U>(static_cast<U>(high) + static_cast<U>(bit)));
}

constexpr uint64_t width_mask(unsigned bits) { return bits >= 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1; }
constexpr int64_t sign_extend(uint64_t x, unsigned bits) {
  return static_cast<int64_t>(x << (64 - bits)) >> (64 - bits);
}

// Product of polynomials over GF(2).
constexpr V128 carryless_product(uint64_t a, uint64_t b) {
  V128 r;
  for (unsigned i = 0; i < 64; ++i) {
    const uint64_t take = 0 - (b >> i & 1);
    r.lo ^= a << i & take;
    r.hi ^= (i == 0 ? 0 : a >> (64 - i)) & take;
  }
  return r;
}

}  // namespace mynah::ir
