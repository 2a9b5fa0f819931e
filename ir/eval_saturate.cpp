// SPDX-License-Identifier: Apache-2.0
//
// The evaluator's saturating vector ops: each works out the exact result in a wider type, clamps it, and sets
// the sticky saturation flag where that changed it. Arm ARM (DDI 0487), shared pseudocode SatQ.
#include "ir/eval_lanes.h"

namespace mynah::ir {

namespace {

class Saturator {
 public:
  explicit Saturator(uint32_t& sticky) : sticky_(sticky) {}

  // x clamped to the range of To.
  template <typename To, typename Wide>
  To clamp(Wide x) {
    constexpr auto kLow = static_cast<Wide>(std::numeric_limits<To>::min());
    constexpr auto kHigh = static_cast<Wide>(std::numeric_limits<To>::max());
    if (x < kLow || x > kHigh) {
      sticky_ |= kStickySaturation;
      return x < kLow ? std::numeric_limits<To>::min() : std::numeric_limits<To>::max();
    }
    return static_cast<To>(x);
  }

  // x shifted as shift_lane() does, clamped to To.
  template <typename To, bool kRounding, typename T>
  To shift(T x, int by) {
    if (by < 0) return clamp<To>(static_cast<__int128>(shift_lane_exact<kRounding>(x, -by)));
    if (x == 0) return 0;
    if (by >= static_cast<int>(8 * sizeof(T))) {
      sticky_ |= kStickySaturation;
      return x < 0 ? std::numeric_limits<To>::min() : std::numeric_limits<To>::max();
    }
    return clamp<To>(static_cast<__int128>(x) << by);
  }

 private:
  // Right shifts in 128 bits, so that rounding up out of the lane is seen.
  template <bool kRounding, typename T>
  static __int128 shift_lane_exact(T x, int right) {
    if (right > 65) right = 65;
    const __int128 wide = x;
    return kRounding ? (wide + (static_cast<__int128>(1) << (right - 1))) >> right : wide >> right;
  }

  uint32_t& sticky_;
};

template <typename To, typename From, typename F>
V128 narrow(const V128& a, F f) {
  static_assert(sizeof(From) == 2 * sizeof(To));
  const Lanes<From> x(a);
  Lanes<To> r;
  for (unsigned i = 0; i < x.kCount; ++i) r[i] = f(x[i]);
  return r.pack();
}

// aux: the source lane. f(value, zero of the destination type).
template <typename F>
V128 narrow_uu(const OpInput& in, F f) {
  switch (in.aux & 3) {
    case 1:
      return narrow<uint8_t, uint16_t>(in.args[0], [&](auto x) { return f(x, uint8_t{}); });
    case 2:
      return narrow<uint16_t, uint32_t>(in.args[0], [&](auto x) { return f(x, uint16_t{}); });
    case 3:
      return narrow<uint32_t, uint64_t>(in.args[0], [&](auto x) { return f(x, uint32_t{}); });
    default:
      return {};
  }
}
template <typename F>
V128 narrow_ss(const OpInput& in, F f) {
  switch (in.aux & 3) {
    case 1:
      return narrow<int8_t, int16_t>(in.args[0], [&](auto x) { return f(x, int8_t{}); });
    case 2:
      return narrow<int16_t, int32_t>(in.args[0], [&](auto x) { return f(x, int16_t{}); });
    case 3:
      return narrow<int32_t, int64_t>(in.args[0], [&](auto x) { return f(x, int32_t{}); });
    default:
      return {};
  }
}
template <typename F>
V128 narrow_su(const OpInput& in, F f) {
  switch (in.aux & 3) {
    case 1:
      return narrow<uint8_t, int16_t>(in.args[0], [&](auto x) { return f(x, uint8_t{}); });
    case 2:
      return narrow<uint16_t, int32_t>(in.args[0], [&](auto x) { return f(x, uint16_t{}); });
    case 3:
      return narrow<uint32_t, int64_t>(in.args[0], [&](auto x) { return f(x, uint32_t{}); });
    default:
      return {};
  }
}

// The doubling multiplications exist for 16- and 32-bit lanes.
template <typename F>
V128 by_multiplied_lane(unsigned aux, F f) {
  switch (aux & 3) {
    case 1:
      return f(int16_t{});
    case 2:
      return f(int32_t{});
    default:
      return {};
  }
}

// a + or - 2 * b * c, rounded into the high half of twice the lane.
template <typename T>
V128 multiply_accumulate(const OpInput& in, bool subtract, Saturator& s) {
  constexpr int kBits = 8 * sizeof(T);
  const Lanes<T> a(in.args[0]), b(in.args[1]), c(in.args[2]);
  Lanes<T> r;
  for (unsigned i = 0; i < r.kCount; ++i) {
    const __int128 product = static_cast<__int128>(b[i]) * c[i] * 2;
    const __int128 sum = (static_cast<__int128>(a[i]) << kBits) + (subtract ? -product : product);
    r[i] = s.clamp<T>((sum + (static_cast<__int128>(1) << (kBits - 1))) >> kBits);
  }
  return r.pack();
}

template <typename T>
V128 double_high(const OpInput& in, Saturator& s) {
  constexpr int kBits = 8 * sizeof(T);
  const int64_t round = in.aux & 16 ? int64_t{1} << (kBits - 1) : 0;
  return map_lanes<T>(in.args[0], in.args[1], [&](T x, T y) {
    return s.clamp<T>((static_cast<__int128>(x) * y * 2 + round) >> kBits);
  });
}

template <typename T>
V128 double_long(const OpInput& in, Saturator& s) {
  using D = Doubled<T>;
  const Lanes<T> x(in.args[0]), y(in.args[1]);
  Lanes<D> r;
  for (unsigned i = 0; i < r.kCount; ++i) r[i] = s.clamp<D>(static_cast<__int128>(x[i]) * y[i] * 2);
  return r.pack();
}

}  // namespace

V128 evaluate_saturating(const OpInput& in, uint32_t& sticky) {
  Saturator s(sticky);
  const int imm = in.imm > 64 ? 64 : static_cast<int>(in.imm);
  const bool rounding = in.aux & 16;

  switch (in.op) {
    case Op::vuqadd:
      return map_u(in, [&](auto x, auto y) {
        using T = decltype(x);
        return s.clamp<T>(WideOf<T>{x} + WideOf<T>{y});
      });
    case Op::vsqadd:
      return map_s(in, [&](auto x, auto y) {
        using T = decltype(x);
        return s.clamp<T>(WideOf<T>{x} + WideOf<T>{y});
      });
    case Op::vuqsub:
      return map_u(in, [&](auto x, auto y) {
        using T = decltype(x);
        return s.clamp<T>(WideOf<T>{x} - WideOf<T>{y});
      });
    case Op::vsqsub:
      return map_s(in, [&](auto x, auto y) {
        using T = decltype(x);
        return s.clamp<T>(WideOf<T>{x} - WideOf<T>{y});
      });
    case Op::vsuqadd:
      return map_s(in, [&](auto x, auto y) {
        using T = decltype(x);
        return s.clamp<T>(WideOf<T>{x} + WideOf<T>{static_cast<std::make_unsigned_t<T>>(y)});
      });
    case Op::vusqadd:
      return map_u(in, [&](auto x, auto y) {
        using T = decltype(x);
        return s.clamp<T>(WideOf<T>{x} + WideOf<T>{static_cast<std::make_signed_t<T>>(y)});
      });
    case Op::vsqabs:
      return map_s(in, [&](auto x) {
        using T = decltype(x);
        return s.clamp<T>(x < 0 ? -WideOf<T>{x} : WideOf<T>{x});
      });
    case Op::vsqneg:
      return map_s(in, [&](auto x) {
        using T = decltype(x);
        return s.clamp<T>(-WideOf<T>{x});
      });

    case Op::vuqshl:
      return map_u(in,
                   [&](auto x, auto y) { return s.shift<decltype(x), false>(x, static_cast<int8_t>(y)); });
    case Op::vsqshl:
      return map_s(in,
                   [&](auto x, auto y) { return s.shift<decltype(x), false>(x, static_cast<int8_t>(y)); });
    case Op::vuqrshl:
      return map_u(in, [&](auto x, auto y) { return s.shift<decltype(x), true>(x, static_cast<int8_t>(y)); });
    case Op::vsqrshl:
      return map_s(in, [&](auto x, auto y) { return s.shift<decltype(x), true>(x, static_cast<int8_t>(y)); });
    case Op::vsqshlu:
      return map_s(in, [&](auto x) {
        return static_cast<decltype(x)>(s.shift<std::make_unsigned_t<decltype(x)>, false>(x, imm));
      });

    case Op::vuqxtn:
      return narrow_uu(in, [&](auto x, auto to) { return s.clamp<decltype(to)>(__int128{x}); });
    case Op::vsqxtn:
      return narrow_ss(in, [&](auto x, auto to) { return s.clamp<decltype(to)>(__int128{x}); });
    case Op::vsqxtun:
      return narrow_su(in, [&](auto x, auto to) { return s.clamp<decltype(to)>(__int128{x}); });
    case Op::vuqshrn:
      return narrow_uu(in, [&](auto x, auto to) {
        return rounding ? s.shift<decltype(to), true>(x, -imm) : s.shift<decltype(to), false>(x, -imm);
      });
    case Op::vsqshrn:
      return narrow_ss(in, [&](auto x, auto to) {
        return rounding ? s.shift<decltype(to), true>(x, -imm) : s.shift<decltype(to), false>(x, -imm);
      });
    case Op::vsqshrun:
      return narrow_su(in, [&](auto x, auto to) {
        return rounding ? s.shift<decltype(to), true>(x, -imm) : s.shift<decltype(to), false>(x, -imm);
      });

    case Op::vsqdmulh:
      return by_multiplied_lane(in.aux, [&](auto zero) { return double_high<decltype(zero)>(in, s); });
    case Op::vsqdmull:
      return by_multiplied_lane(in.aux, [&](auto zero) { return double_long<decltype(zero)>(in, s); });
    case Op::vsqrdmlah:
      return by_multiplied_lane(in.aux,
                                [&](auto zero) { return multiply_accumulate<decltype(zero)>(in, false, s); });
    case Op::vsqrdmlsh:
      return by_multiplied_lane(in.aux,
                                [&](auto zero) { return multiply_accumulate<decltype(zero)>(in, true, s); });
    default:
      return {};
  }
}

}  // namespace mynah::ir
