// SPDX-License-Identifier: Apache-2.0
//
// The evaluator's lane moves and vectors of integers.
#include <utility>

#include "ir/eval_lanes.h"
#include "ir/softfloat/softfloat.h"

namespace mynah::ir {

namespace {

V128 duplicate(uint64_t value, unsigned aux) {
  return by_unsigned_lane(aux, [&](auto zero) {
    Lanes<decltype(zero)> r;
    for (auto& lane : r.lane) lane = static_cast<decltype(zero)>(value);
    return r.pack();
  });
}

uint64_t lane_of(const V128& v, unsigned aux, unsigned index) {
  const unsigned size = 8u << (aux & 3), at = index * size & 127;
  return (at < 64 ? v.lo : v.hi) >> (at & 63) & width_mask(size);
}

V128 with_lane(V128 v, unsigned aux, unsigned index, uint64_t value) {
  const unsigned size = 8u << (aux & 3), at = index * size & 127;
  uint64_t& half = at < 64 ? v.lo : v.hi;
  const uint64_t field = width_mask(size) << (at & 63);
  half = (half & ~field) | (value << (at & 63) & field);
  return v;
}

// Lanes permuted: pick(i) is the index of the result's lane i within a:b (a's lanes first).
template <typename F>
V128 permute(const OpInput& in, F pick) {
  return by_unsigned_lane(in.aux, [&](auto zero) {
    using T = decltype(zero);
    const Lanes<T> a(in.args[0]), b(in.args[1]);
    Lanes<T> r;
    for (unsigned i = 0; i < r.kCount; ++i) {
      const unsigned from = pick(i, r.kCount);
      r[i] = from < r.kCount ? a[from] : b[from - r.kCount];
    }
    return r.pack();
  });
}

V128 table(const V128& entries, const V128& indices, const V128& otherwise) {
  const Lanes<uint8_t> t(entries), x(indices), o(otherwise);
  Lanes<uint8_t> r;
  for (unsigned i = 0; i < 16; ++i) r[i] = x[i] < 16 ? t[x[i]] : o[i];
  return r.pack();
}

template <typename T>
V128 widen(const V128& a) {
  using D = Doubled<T>;
  const Lanes<T> x(a);
  Lanes<D> r;
  for (unsigned i = 0; i < r.kCount; ++i) r[i] = x[i];
  return r.pack();
}

template <typename T>
V128 multiply_long(const OpInput& in) {
  using D = Doubled<T>;
  const Lanes<T> x(in.args[0]), y(in.args[1]);
  Lanes<D> r;
  const unsigned first = in.aux & 16 ? r.kCount : 0;
  for (unsigned i = 0; i < r.kCount; ++i) {
    // In 64 bits: a product of two 16-bit lanes would overflow int.
    r[i] = static_cast<D>(
        static_cast<std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>>(x[(first + i) % x.kCount]) *
        y[(first + i) % x.kCount]);
  }
  return r.pack();
}

template <typename T>
V128 add_pairs_long(const V128& a) {
  using D = Doubled<T>;
  const Lanes<T> x(a);
  Lanes<D> r;
  if constexpr (sizeof(T) == 8) return a;
  for (unsigned i = 0; i < r.kCount; ++i) {
    r[i] = static_cast<D>(static_cast<D>(x[2 * i % x.kCount]) + static_cast<D>(x[(2 * i + 1) % x.kCount]));
  }
  return r.pack();
}

// f folds the first imm lanes into a 64-bit accumulator; the result has the lane's own or twice its size.
template <typename T, typename F>
V128 across(const OpInput& in, bool widening, F f) {
  const Lanes<T> x(in.args[0]);
  const unsigned count = in.imm < x.kCount ? static_cast<unsigned>(in.imm) : x.kCount;
  auto sum = static_cast<int64_t>(x[0]);
  for (unsigned i = 1; i < count; ++i) sum = static_cast<int64_t>(f(sum, x[i]));
  const unsigned result_bits = 8 * sizeof(T) * (widening ? 2 : 1);
  return {static_cast<uint64_t>(sum) & width_mask(result_bits > 64 ? 64 : result_bits), 0};
}
template <typename F>
V128 across_u(const OpInput& in, bool widening, F f) {
  return by_unsigned_lane(in.aux, [&](auto zero) { return across<decltype(zero)>(in, widening, f); });
}
template <typename F>
V128 across_s(const OpInput& in, F f, bool widening = false) {
  return by_signed_lane(in.aux, [&](auto zero) { return across<decltype(zero)>(in, widening, f); });
}

template <typename T>
V128 dot(const OpInput& in) {
  const Lanes<uint32_t> a(in.args[0]);
  const Lanes<T> b(in.args[1]), c(in.args[2]);
  Lanes<uint32_t> r;
  for (unsigned i = 0; i < 4; ++i) {
    r[i] = a[i];
    for (unsigned j = 0; j < 4; ++j) r[i] += static_cast<uint32_t>(int{b[4 * i + j]} * int{c[4 * i + j]});
  }
  return r.pack();
}

uint16_t carryless_byte(uint8_t a, uint8_t b) {
  unsigned r = 0;
  for (int i = 0; i < 8; ++i) r ^= (b >> i & 1 ? static_cast<unsigned>(a) << i : 0);
  return static_cast<uint16_t>(r);
}

V128 carryless_long(const OpInput& in) {
  if ((in.aux & 3) == 0) {
    const Lanes<uint8_t> a(in.args[0]), b(in.args[1]);
    Lanes<uint16_t> r;
    const unsigned first = in.aux & 16 ? 8 : 0;
    for (unsigned i = 0; i < 8; ++i) r[i] = carryless_byte(a[first + i], b[first + i]);
    return r.pack();
  }
  const uint64_t a = in.aux & 16 ? in.args[0].hi : in.args[0].lo;
  const uint64_t b = in.aux & 16 ? in.args[1].hi : in.args[1].lo;
  return carryless_product(a, b);
}

// Count of leading zeros, and of leading bits equal to the sign, within a lane.
template <typename T>
int leading_zeros(T x) {
  return std::countl_zero(static_cast<uint64_t>(x)) - (64 - static_cast<int>(8 * sizeof(T)));
}
template <typename T>
int leading_signs(T x) {
  const int64_t wide = static_cast<std::make_signed_t<T>>(x);
  return std::countl_zero(static_cast<uint64_t>(wide ^ wide >> 63)) - 1 -
         (64 - static_cast<int>(8 * sizeof(T)));
}

uint8_t reverse_byte(uint8_t x) {
  x = static_cast<uint8_t>((x >> 1 & 0x55) | (x & 0x55) << 1);
  x = static_cast<uint8_t>((x >> 2 & 0x33) | (x & 0x33) << 2);
  return static_cast<uint8_t>(x >> 4 | x << 4);
}

template <bool kRounding>
V128 shift_by_lanes(const OpInput& in, bool is_signed) {
  const auto f = [](auto x, auto y) { return shift_lane<kRounding>(x, static_cast<int8_t>(y)); };
  return is_signed ? map_s(in, f) : map_u(in, f);
}
template <bool kRounding>
V128 shift_right(const OpInput& in, bool is_signed) {
  const int right = in.imm > 64 ? 64 : static_cast<int>(in.imm);
  const auto f = [right](auto x) { return shift_lane<kRounding>(x, -right); };
  return is_signed ? map_s(in, f) : map_u(in, f);
}

}  // namespace

V128 evaluate_vector(const OpInput& in) {
  const V128& a = in.args[0];
  const auto b = [&]() -> const V128& { return in.args[1]; };
  const auto c = [&]() -> const V128& { return in.args[2]; };
  const auto imm = static_cast<unsigned>(in.imm);

  switch (in.op) {
    case Op::vlow:
      return {a.lo & width_mask(bits(in.type)), 0};
    case Op::vzext:
      return {a.lo & width_mask(bits(in.arg_types[0])), 0};
    case Op::vlow64:
      return {a.lo, 0};
    case Op::vfrom_gpr:
      return {a.lo & width_mask(bits(in.arg_types[0])), 0};
    case Op::vpair:
      return {a.lo, b().lo};
    case Op::vdup:
      return duplicate(a.lo, in.aux);
    case Op::vdup_lane:
      return duplicate(lane_of(a, in.aux, imm), in.aux);
    case Op::vinsert:
      return with_lane(a, in.aux, imm, b().lo);
    case Op::vins_lane:
      return with_lane(a, in.aux, imm & 15, lane_of(b(), in.aux, imm >> 4 & 15));
    case Op::vextract: {
      const uint64_t lane = lane_of(a, in.aux, imm & 15);
      const uint64_t extended =
          imm & 16 ? static_cast<uint64_t>(sign_extend(lane, 8u << (in.aux & 3))) : lane;
      return {extended & width_mask(bits(in.type)), 0};
    }

    case Op::vand:
      return {a.lo & b().lo, a.hi & b().hi};
    case Op::vor:
      return {a.lo | b().lo, a.hi | b().hi};
    case Op::vxor:
      return {a.lo ^ b().lo, a.hi ^ b().hi};
    case Op::vandn:
      return {a.lo & ~b().lo, a.hi & ~b().hi};
    case Op::vnot:
      return {~a.lo, ~a.hi};
    case Op::vbsl:
      return {(a.lo & b().lo) | (~a.lo & c().lo), (a.hi & b().hi) | (~a.hi & c().hi)};

    case Op::vadd:
      return map_u(in, [](auto x, auto y) { return x + y; });
    case Op::vsub:
      return map_u(in, [](auto x, auto y) { return x - y; });
    case Op::vmul:
      return map_u(in, [](auto x, auto y) { return uint64_t{x} * y; });
    case Op::vneg:
      return map_u(in, [](auto x) { return uint64_t{0} - x; });
    case Op::vabs:
      return map_s(in, [](auto x) {
        return x < 0 ? uint64_t{0} - static_cast<uint64_t>(x) : static_cast<uint64_t>(x);
      });
    case Op::vumin:
      return map_u(in, [](auto x, auto y) { return x < y ? x : y; });
    case Op::vumax:
      return map_u(in, [](auto x, auto y) { return x > y ? x : y; });
    case Op::vsmin:
      return map_s(in, [](auto x, auto y) { return x < y ? x : y; });
    case Op::vsmax:
      return map_s(in, [](auto x, auto y) { return x > y ? x : y; });
    case Op::vuabd:
      return map_u(in, [](auto x, auto y) { return x > y ? x - y : y - x; });
    case Op::vsabd:
      return map_s(in, [](auto x, auto y) {
        const auto ux = static_cast<uint64_t>(x), uy = static_cast<uint64_t>(y);
        return x > y ? ux - uy : uy - ux;
      });
    case Op::vuhadd:
      return map_u(in, [](auto x, auto y) { return (x & y) + ((x ^ y) >> 1); });
    case Op::vshadd:
      return map_s(in, [](auto x, auto y) { return (x & y) + ((x ^ y) >> 1); });
    case Op::vurhadd:
      return map_u(in, [](auto x, auto y) { return (x | y) - ((x ^ y) >> 1); });
    case Op::vsrhadd:
      return map_s(in, [](auto x, auto y) { return (x | y) - ((x ^ y) >> 1); });
    case Op::vuhsub:
      return map_u(in, [](auto x, auto y) { return (WideOf<decltype(x)>{x} - WideOf<decltype(x)>{y}) >> 1; });
    case Op::vshsub:
      return map_s(in, [](auto x, auto y) { return (WideOf<decltype(x)>{x} - WideOf<decltype(x)>{y}) >> 1; });
    case Op::vcmeq:
      return map_s(in, [](auto x, auto y) { return x == y ? -1 : 0; });
    case Op::vcmgt:
      return map_s(in, [](auto x, auto y) { return x > y ? -1 : 0; });
    case Op::vcmge:
      return map_s(in, [](auto x, auto y) { return x >= y ? -1 : 0; });
    case Op::vcmhi:
      return map_u(in, [](auto x, auto y) { return x > y ? -1 : 0; });
    case Op::vcmhs:
      return map_u(in, [](auto x, auto y) { return x >= y ? -1 : 0; });
    case Op::vcmtst:
      return map_u(in, [](auto x, auto y) { return (x & y) != 0 ? -1 : 0; });

    case Op::vshl_imm: {
      const int left = in.imm > 64 ? 64 : static_cast<int>(in.imm);
      return map_u(in, [left](auto x) { return shift_lane<false>(x, left); });
    }
    case Op::vushr_imm:
      return shift_right<false>(in, false);
    case Op::vsshr_imm:
      return shift_right<false>(in, true);
    case Op::vurshr_imm:
      return shift_right<true>(in, false);
    case Op::vsrshr_imm:
      return shift_right<true>(in, true);
    case Op::vushl:
      return shift_by_lanes<false>(in, false);
    case Op::vsshl:
      return shift_by_lanes<false>(in, true);
    case Op::vurshl:
      return shift_by_lanes<true>(in, false);
    case Op::vsrshl:
      return shift_by_lanes<true>(in, true);
    case Op::vcnt:
      return map_lanes<uint8_t>(a, [](uint8_t x) { return std::popcount(x); });
    case Op::vclz:
      return map_u(in, [](auto x) { return leading_zeros(x); });
    case Op::vcls:
      return map_u(in, [](auto x) { return leading_signs(x); });
    case Op::vrbit:
      return map_lanes<uint8_t>(a, reverse_byte);

    case Op::vrev: {
      // The lanes of a container of 2^k lanes are reversed by flipping the low k bits of the index.
      const unsigned size = 1u << (in.aux & 3), container = 1u << (imm & 15);
      const unsigned flip = container > size ? (container / size - 1) & 15 : 0;
      return by_unsigned_lane(in.aux, [&](auto zero) {
        const Lanes<decltype(zero)> x(a);
        Lanes<decltype(zero)> r;
        for (unsigned i = 0; i < r.kCount; ++i) r[i] = x[(i ^ flip) % r.kCount];
        return r.pack();
      });
    }
    case Op::vzip1:
      return permute(in, [](unsigned i, unsigned n) { return i / 2 + i % 2 * n; });
    case Op::vzip2:
      return permute(in, [](unsigned i, unsigned n) { return n / 2 + i / 2 + i % 2 * n; });
    case Op::vuzp1:
      return permute(in, [](unsigned i, unsigned) { return 2 * i; });
    case Op::vuzp2:
      return permute(in, [](unsigned i, unsigned) { return 2 * i + 1; });
    case Op::vtrn1:
      return permute(in, [](unsigned i, unsigned n) { return i / 2 * 2 + i % 2 * n; });
    case Op::vtrn2:
      return permute(in, [](unsigned i, unsigned n) { return i / 2 * 2 + 1 + i % 2 * n; });
    case Op::vext: {
      uint8_t both[32];
      std::memcpy(both, &a, 16);
      std::memcpy(both + 16, &b(), 16);
      V128 r;
      std::memcpy(&r, both + (imm & 15), 16);
      return r;
    }
    case Op::vtbl:
      return table(a, b(), {});
    case Op::vtbx:
      return table(b(), c(), a);

    case Op::vsxtl:
      return by_signed_lane(in.aux, [&](auto zero) { return widen<decltype(zero)>(a); });
    case Op::vuxtl:
      return by_unsigned_lane(in.aux, [&](auto zero) { return widen<decltype(zero)>(a); });
    case Op::vxtn:
      switch (in.aux & 3) {
        case 1: {
          Lanes<uint8_t> r;
          const Lanes<uint16_t> x(a);
          for (unsigned i = 0; i < 8; ++i) r[i] = static_cast<uint8_t>(x[i]);
          return r.pack();
        }
        case 2: {
          Lanes<uint16_t> r;
          const Lanes<uint32_t> x(a);
          for (unsigned i = 0; i < 4; ++i) r[i] = static_cast<uint16_t>(x[i]);
          return r.pack();
        }
        default:
          return {(a.lo & 0xffffffff) | a.hi << 32, 0};
      }
    case Op::vumull:
      return by_unsigned_lane(in.aux, [&](auto zero) { return multiply_long<decltype(zero)>(in); });
    case Op::vsmull:
      return by_signed_lane(in.aux, [&](auto zero) { return multiply_long<decltype(zero)>(in); });
    case Op::vpmul:
      return map_lanes<uint8_t>(a, b(), carryless_byte);
    case Op::vpmull:
      return carryless_long(in);
    case Op::vuaddlp:
      return by_unsigned_lane(in.aux, [&](auto zero) { return add_pairs_long<decltype(zero)>(a); });
    case Op::vsaddlp:
      return by_signed_lane(in.aux, [&](auto zero) { return add_pairs_long<decltype(zero)>(a); });

    case Op::vaddv:
      return across_u(in, false,
                      [](int64_t x, auto y) { return static_cast<uint64_t>(x) + static_cast<uint64_t>(y); });
    case Op::vuaddlv:
      return across_u(in, true,
                      [](int64_t x, auto y) { return static_cast<uint64_t>(x) + static_cast<uint64_t>(y); });
    case Op::vsaddlv:
      return across_s(
          in, [](int64_t x, auto y) { return static_cast<uint64_t>(x) + static_cast<uint64_t>(y); }, true);
    case Op::vumaxv:
      return across_u(in, false, [](int64_t x, auto y) {
        return static_cast<uint64_t>(x) > y ? static_cast<uint64_t>(x) : y;
      });
    case Op::vuminv:
      return across_u(in, false, [](int64_t x, auto y) {
        return static_cast<uint64_t>(x) < y ? static_cast<uint64_t>(x) : y;
      });
    case Op::vsmaxv:
      return across_s(in, [](int64_t x, auto y) { return x > y ? x : y; });
    case Op::vsminv:
      return across_s(in, [](int64_t x, auto y) { return x < y ? x : y; });
    case Op::vudot:
      return dot<uint8_t>(in);
    case Op::vsdot:
      return dot<int8_t>(in);
    case Op::vurecpe:
      return map_lanes<uint32_t>(a, sf::urecpe);
    case Op::vursqrte:
      return map_lanes<uint32_t>(a, sf::ursqrte);
    default:
      return evaluate_packed(in);
  }
}

}  // namespace mynah::ir
