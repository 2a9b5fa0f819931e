// SPDX-License-Identifier: Apache-2.0
//
// The evaluator's vectors of integers, second part: lanes packed, multiplied with accumulation, shuffled by
// numbers, and gathered into integers and flags.
#include <utility>

#include "ir/eval_lanes.h"

namespace mynah::ir {

namespace {

template <typename T>
T saturate(WideOf<T> x) {
  using Limits = std::numeric_limits<T>;
  if (x < Limits::min()) return Limits::min();
  return x > Limits::max() ? Limits::max() : static_cast<T>(x);
}

template <typename T>
V128 add_or_subtract(const OpInput& in, bool subtract) {
  return map_lanes<T>(in.args[0], in.args[1], [subtract](T x, T y) {
    const WideOf<T> wide = x, other = y;
    return saturate<T>(subtract ? wide - other : wide + other);
  });
}

// From is signed; To has half its size.
template <typename To, typename From>
V128 pack_lanes(const OpInput& in) {
  const Lanes<From> a(in.args[0]), b(in.args[1]);
  Lanes<To> r;
  for (unsigned i = 0; i < r.kCount; ++i) {
    const From x = i < a.kCount ? a[i] : b[i - a.kCount];
    r[i] = x < From{std::numeric_limits<To>::min()}   ? std::numeric_limits<To>::min()
           : x > From{std::numeric_limits<To>::max()} ? std::numeric_limits<To>::max()
                                                      : static_cast<To>(x);
  }
  return r.pack();
}

V128 pack(const OpInput& in, bool is_signed) {
  switch (in.aux & 3) {
    case 1:
      return is_signed ? pack_lanes<int8_t, int16_t>(in) : pack_lanes<uint8_t, int16_t>(in);
    case 2:
      return is_signed ? pack_lanes<int16_t, int32_t>(in) : pack_lanes<uint16_t, int32_t>(in);
    default:
      return is_signed ? pack_lanes<int32_t, int64_t>(in) : pack_lanes<uint32_t, int64_t>(in);
  }
}

// f of two adjacent lanes: those of a, then those of b.
template <typename T, typename F>
V128 of_pairs(const OpInput& in, F f) {
  const Lanes<T> a(in.args[0]), b(in.args[1]);
  Lanes<T> r;
  for (unsigned i = 0; i < r.kCount; ++i) {
    const Lanes<T>& from = 2 * i < r.kCount ? a : b;
    r[i] = static_cast<T>(f(from[2 * i % r.kCount], from[(2 * i + 1) % r.kCount]));
  }
  return r.pack();
}

V128 multiply_add_signed(const OpInput& in) {
  const Lanes<int16_t> a(in.args[0]), b(in.args[1]);
  Lanes<uint32_t> r;
  for (unsigned i = 0; i < 4; ++i)
    r[i] = static_cast<uint32_t>(a[2 * i] * b[2 * i]) + static_cast<uint32_t>(a[2 * i + 1] * b[2 * i + 1]);
  return r.pack();
}

V128 multiply_add_mixed(const OpInput& in) {
  const Lanes<uint8_t> a(in.args[0]);
  const Lanes<int8_t> b(in.args[1]);
  Lanes<int16_t> r;
  for (unsigned i = 0; i < 8; ++i)
    r[i] = saturate<int16_t>(a[2 * i] * b[2 * i] + a[2 * i + 1] * b[2 * i + 1]);
  return r.pack();
}

unsigned difference(unsigned x, unsigned y) { return x > y ? x - y : y - x; }

V128 sums_of_differences(const OpInput& in) {
  const Lanes<uint8_t> a(in.args[0]), b(in.args[1]);
  Lanes<uint64_t> r;
  for (unsigned i = 0; i < 16; ++i) r[i / 8] += difference(a[i], b[i]);
  return r.pack();
}

V128 sliding_differences(const OpInput& in) {
  const Lanes<uint8_t> a(in.args[0]), b(in.args[1]);
  const unsigned from_a = 4 * (in.imm >> 2 & 1), from_b = 4 * (in.imm & 3);
  Lanes<uint16_t> r;
  for (unsigned i = 0; i < 8; ++i)
    for (unsigned j = 0; j < 4; ++j)
      r[i] = static_cast<uint16_t>(r[i] + difference(a[from_a + i + j], b[from_b + j]));
  return r.pack();
}

V128 lowest(const V128& a) {
  const Lanes<uint16_t> x(a);
  unsigned at = 0;
  for (unsigned i = 1; i < 8; ++i)
    if (x[i] < x[at]) at = i;
  return {x[at] | uint64_t{at} << 16, 0};
}

// By a count that may be anything; kRight of signed lanes fills with the sign.
template <bool kRight, typename T>
T shift_by(T x, uint64_t count) {
  constexpr int kBits = 8 * sizeof(T);
  const int n = count > kBits ? kBits : static_cast<int>(count);
  return shift_lane<false>(x, kRight ? -n : n);
}

template <bool kRight>
V128 shift_all(const OpInput& in, bool is_signed) {
  const uint64_t count = in.args[1].lo;
  const auto f = [count](auto x) { return shift_by<kRight>(x, count); };
  return is_signed ? map_s(in, f) : map_u(in, f);
}

template <bool kRight>
V128 shift_each(const OpInput& in, bool is_signed) {
  const auto f = [](auto x, auto y) {
    return shift_by<kRight>(x, static_cast<std::make_unsigned_t<decltype(y)>>(y));
  };
  return is_signed ? map_s(in, f) : map_u(in, f);
}

// pick(i): the byte of a that byte i is, from 16 on zero.
template <typename F>
V128 bytes_of(const V128& a, F pick) {
  const Lanes<uint8_t> x(a);
  Lanes<uint8_t> r;
  for (unsigned i = 0; i < 16; ++i) {
    const unsigned from = pick(i);
    r[i] = from < 16 ? x[from] : 0;
  }
  return r.pack();
}

V128 permute_words(const V128& a, uint64_t imm) {
  const Lanes<uint32_t> x(a);
  Lanes<uint32_t> r;
  for (unsigned i = 0; i < 4; ++i) r[i] = x[imm >> (2 * i) & 3];
  return r.pack();
}

uint64_t permute_quarters(uint64_t x, uint64_t imm) {
  uint64_t r = 0;
  for (unsigned i = 0; i < 4; ++i) r |= (x >> (16 * (imm >> (2 * i) & 3)) & 0xffff) << (16 * i);
  return r;
}

V128 permute_by(const OpInput& in) {
  if ((in.aux & 3) == 3) {
    const auto pick = [&](uint64_t by) { return by >> 1 & 1 ? in.args[0].hi : in.args[0].lo; };
    return {pick(in.args[1].lo), pick(in.args[1].hi)};
  }
  const Lanes<uint32_t> x(in.args[0]), by(in.args[1]);
  Lanes<uint32_t> r;
  for (unsigned i = 0; i < 4; ++i) r[i] = x[by[i] & 3];
  return r.pack();
}

V128 shuffle_two(const OpInput& in) {
  const uint64_t imm = in.imm;
  if ((in.aux & 3) == 3)
    return {imm & 1 ? in.args[0].hi : in.args[0].lo, imm & 2 ? in.args[1].hi : in.args[1].lo};
  const Lanes<uint32_t> a(in.args[0]), b(in.args[1]);
  Lanes<uint32_t> r;
  for (unsigned i = 0; i < 4; ++i) r[i] = (i < 2 ? a : b)[imm >> (2 * i) & 3];
  return r.pack();
}

V128 blend_by_bits(const OpInput& in) {
  return by_unsigned_lane(in.aux, [&](auto zero) {
    const Lanes<decltype(zero)> a(in.args[0]), b(in.args[1]);
    Lanes<decltype(zero)> r;
    for (unsigned i = 0; i < r.kCount; ++i) r[i] = in.imm >> i & 1 ? b[i] : a[i];
    return r.pack();
  });
}

V128 blend_by_sign(const OpInput& in) {
  return by_signed_lane(in.aux, [&](auto zero) {
    const Lanes<decltype(zero)> a(in.args[0]), b(in.args[1]), c(in.args[2]);
    Lanes<decltype(zero)> r;
    for (unsigned i = 0; i < r.kCount; ++i) r[i] = c[i] < 0 ? b[i] : a[i];
    return r.pack();
  });
}

V128 insert_and_clear(const OpInput& in) {
  const Lanes<uint32_t> b(in.args[1]);
  Lanes<uint32_t> r(in.args[0]);
  r[in.imm >> 4 & 3] = b[in.imm >> 6 & 3];
  for (unsigned i = 0; i < 4; ++i)
    if (in.imm >> i & 1) r[i] = 0;
  return r.pack();
}

// Lanes of 1 << imm bytes, each the source's lane of that number.
V128 widen_to(const OpInput& in, bool is_signed) {
  return by_unsigned_lane(static_cast<unsigned>(in.imm), [&](auto zero) {
    Lanes<decltype(zero)> r;
    const unsigned size = 8u << (in.aux & 3);
    for (unsigned i = 0; i < r.kCount; ++i) {
      const unsigned at = i * size & 127;
      const uint64_t lane = (at < 64 ? in.args[0].lo : in.args[0].hi) >> (at & 63) & width_mask(size);
      r[i] = static_cast<decltype(zero)>(is_signed ? static_cast<uint64_t>(sign_extend(lane, size)) : lane);
    }
    return r.pack();
  });
}

V128 top_bits(const OpInput& in) {
  return by_signed_lane(in.aux, [&](auto zero) {
    const Lanes<decltype(zero)> x(in.args[0]);
    V128 r;
    for (unsigned i = 0; i < x.kCount; ++i) r.lo |= uint64_t{x[i] < 0} << i;
    return r;
  });
}

V128 test(const OpInput& in) {
  constexpr uint64_t kMasks[4] = {~uint64_t{0}, ~uint64_t{0}, 0x8000000080000000, uint64_t{1} << 63};
  const uint64_t mask = kMasks[in.aux & 3];
  const V128 &a = in.args[0], &b = in.args[1];
  return {pack_flags(false, (((a.lo & b.lo) | (a.hi & b.hi)) & mask) == 0,
                     (((~a.lo & b.lo) | (~a.hi & b.hi)) & mask) == 0, false),
          0};
}

}  // namespace

V128 evaluate_packed(const OpInput& in) {
  const V128& a = in.args[0];
  const auto imm = static_cast<unsigned>(in.imm);
  switch (in.op) {
    case Op::vadd_us:
    case Op::vsub_us:
      return by_unsigned_lane(
          in.aux, [&](auto zero) { return add_or_subtract<decltype(zero)>(in, in.op == Op::vsub_us); });
    case Op::vadd_ss:
    case Op::vsub_ss:
      return by_signed_lane(
          in.aux, [&](auto zero) { return add_or_subtract<decltype(zero)>(in, in.op == Op::vsub_ss); });
    case Op::vpack_us:
      return pack(in, false);
    case Op::vpack_ss:
      return pack(in, true);
    case Op::vumulh:
      return map_u(in, [](auto x, auto y) {
        return (static_cast<unsigned __int128>(x) * y) >> (8 * sizeof(decltype(x)));
      });
    case Op::vsmulh:
      return map_s(
          in, [](auto x, auto y) { return (static_cast<__int128>(x) * y) >> (8 * sizeof(decltype(x))); });
    case Op::vsrmulh:
      return map_s(in, [](auto x, auto y) {
        return ((static_cast<__int128>(x) * y >> (8 * sizeof(decltype(x)) - 2)) + 1) >> 1;
      });
    case Op::vmadd_s16:
      return multiply_add_signed(in);
    case Op::vmadd_us8:
      return multiply_add_mixed(in);
    case Op::vumul_even:
      return {(a.lo & 0xffffffff) * (in.args[1].lo & 0xffffffff),
              (a.hi & 0xffffffff) * (in.args[1].hi & 0xffffffff)};
    case Op::vsmul_even:
      return {static_cast<uint64_t>(sign_extend(a.lo, 32) * sign_extend(in.args[1].lo, 32)),
              static_cast<uint64_t>(sign_extend(a.hi, 32) * sign_extend(in.args[1].hi, 32))};
    case Op::vsad:
      return sums_of_differences(in);
    case Op::vsad_slide:
      return sliding_differences(in);
    case Op::vuminpos:
      return lowest(a);
    case Op::vsign:
      return map_s(in, [](auto x, auto y) {
        const auto bits = static_cast<uint64_t>(x);
        return y < 0 ? 0 - bits : y == 0 ? 0 : bits;
      });
    case Op::vhadd:
      return by_unsigned_lane(in.aux, [&](auto zero) {
        return of_pairs<decltype(zero)>(in, [](auto x, auto y) { return x + y; });
      });
    case Op::vhsub:
      return by_unsigned_lane(in.aux, [&](auto zero) {
        return of_pairs<decltype(zero)>(in, [](auto x, auto y) { return x - y; });
      });
    case Op::vhadd_ss:
    case Op::vhsub_ss:
      return by_signed_lane(in.aux, [&](auto zero) {
        using T = decltype(zero);
        const bool subtract = in.op == Op::vhsub_ss;
        return of_pairs<T>(in, [subtract](T x, T y) {
          const WideOf<T> wide = x, other = y;
          return saturate<T>(subtract ? wide - other : wide + other);
        });
      });
    case Op::vshl_all:
      return shift_all<false>(in, false);
    case Op::vushr_all:
      return shift_all<true>(in, false);
    case Op::vsshr_all:
      return shift_all<true>(in, true);
    case Op::vshl_each:
      return shift_each<false>(in, false);
    case Op::vushr_each:
      return shift_each<true>(in, false);
    case Op::vsshr_each:
      return shift_each<true>(in, true);
    case Op::vshl_bytes:
      return bytes_of(a, [imm](unsigned i) { return i - imm; });
    case Op::vushr_bytes:
      return bytes_of(a, [imm](unsigned i) { return i + imm; });
    case Op::vshuffle8: {
      const Lanes<uint8_t> by(in.args[1]);
      return bytes_of(a, [&](unsigned i) { return by[i] & 0x80 ? 16u : by[i] & 15u; });
    }
    case Op::vperm_imm:
      return permute_words(a, in.imm);
    case Op::vperm16_low:
      return {permute_quarters(a.lo, in.imm), a.hi};
    case Op::vperm16_high:
      return {a.lo, permute_quarters(a.hi, in.imm)};
    case Op::vperm_by:
      return permute_by(in);
    case Op::vshuf_imm:
      return shuffle_two(in);
    case Op::vblend_imm:
      return blend_by_bits(in);
    case Op::vblend_sign:
      return blend_by_sign(in);
    case Op::vins_zero:
      return insert_and_clear(in);
    case Op::vsext_to:
      return widen_to(in, true);
    case Op::vzext_to:
      return widen_to(in, false);
    case Op::vmask:
      return top_bits(in);
    case Op::vtest:
      return test(in);
    default:
      return evaluate_strings(in);
  }
}

}  // namespace mynah::ir
