// SPDX-License-Identifier: Apache-2.0
//
// The evaluator's floating-point ops that have x86's shape (Intel SDM volume 2: SQRTSS, ROUNDSS, CVTSS2SD,
// CMPPS, VFMADDxxxPS, ADDSUBPS, HADDPS, DPPS, RCPPS, CVTPD2DQ, COMISS).
#include "ir/eval_lanes.h"
#include "ir/softfloat/approximate.h"
#include "ir/softfloat/softfloat.h"

namespace mynah::ir {

namespace {

sf::Round rounding(FpRound round, const sf::Env& env) {
  return round >= FpRound::kCurrent ? env.round : static_cast<sf::Round>(round);
}

// 2 single, 3 double.
template <typename F>
V128 by_format(unsigned format, F f) {
  return format == 2 ? f(uint32_t{}) : f(uint64_t{});
}

// a with f of b's low lane in its own.
template <typename F>
V128 low(const OpInput& in, F f) {
  return by_format(in.aux & 3, [&](auto zero) {
    using T = decltype(zero);
    Lanes<T> r(in.args[0]);
    r[0] = f(static_cast<T>(in.args[1].lo));
    return r.pack();
  });
}

V128 convert_low(const OpInput& in, sf::Env& env) {
  if ((in.aux & 3) == 2)
    return {sf::convert<uint64_t>(static_cast<uint32_t>(in.args[1].lo), env), in.args[0].hi};
  Lanes<uint32_t> r(in.args[0]);
  r[0] = sf::convert<uint32_t>(in.args[1].lo, env);
  return r.pack();
}

// Bits 2:0 of a predicate: EQ, LT, LE, UNORD and their opposites. Bit 4 turns round which of them signal for
// quiet NaNs (of the first eight LT, LE and their opposites do); bit 3 turns round what unordered gives, for
// all but UNORD and ORD, where together with bit 2 it gives FALSE and TRUE.
bool compare(unsigned predicate, sf::Order order) {
  using enum sf::Order;
  const bool unordered = order == kUnordered;
  switch (predicate & 15) {
    case 0:
      return order == kEqual;
    case 1:
      return order == kLess;
    case 2:
      return order == kLess || order == kEqual;
    case 3:
      return unordered;
    case 4:
      return order != kEqual;
    case 5:
      return order != kLess;
    case 6:
      return order == kGreater || unordered;
    case 7:
      return !unordered;
    case 8:
      return order == kEqual || unordered;
    case 9:
      return order == kLess || unordered;
    case 10:
      return order != kGreater;
    case 11:
      return false;
    case 12:
      return order == kLess || order == kGreater;
    case 13:
      return order == kGreater || order == kEqual;
    case 14:
      return order == kGreater;
    default:
      return true;
  }
}
constexpr bool signals(unsigned predicate) {
  const bool of_first_eight = (predicate & 3) == 1 || (predicate & 3) == 2;
  return of_first_eight != ((predicate & 16) != 0);
}

V128 compare_lanes(const OpInput& in, sf::Env& env) {
  const auto predicate = static_cast<unsigned>(in.imm & 31);
  return by_format(in.aux & 3, [&](auto zero) {
    using T = decltype(zero);
    const Lanes<T> a(in.args[0]), b(in.args[1]);
    Lanes<T> r = a;
    for (unsigned i = 0; i < (in.aux & kLowLane ? 1 : r.kCount); ++i) {
      const sf::Order order = sf::compare(a[i], b[i], signals(predicate), env);
      r[i] = compare(predicate, order) ? static_cast<T>(~T{0}) : T{0};
    }
    return r.pack();
  });
}

V128 fused(const OpInput& in, sf::Env& env) {
  return by_format(in.aux & 3, [&](auto zero) {
    using T = decltype(zero);
    const Lanes<T> a(in.args[0]), b(in.args[1]), c(in.args[2]);
    Lanes<T> r(in.args[in.imm >> kFusedPlaceShift & 3]);
    for (unsigned i = 0; i < (in.aux & kLowLane ? 1 : r.kCount); ++i) {
      unsigned kind = in.imm & 15;
      if (kind == kFusedAddSub) kind = i & 1 ? kFusedAdd : kFusedSub;
      if (kind == kFusedSubAdd) kind = i & 1 ? kFusedSub : kFusedAdd;
      r[i] = sf::fma_signs(a[i], b[i], c[i], kind >= kFusedNegAdd, kind & 1, env);
    }
    return r.pack();
  });
}

template <typename T>
T add_or_subtract(T a, T b, bool subtract, sf::Env& env) {
  return subtract ? sf::sub(a, b, env) : sf::add(a, b, env);
}

V128 alternate(const OpInput& in, sf::Env& env) {
  return by_format(in.aux & 3, [&](auto zero) {
    const Lanes<decltype(zero)> a(in.args[0]), b(in.args[1]);
    Lanes<decltype(zero)> r;
    for (unsigned i = 0; i < r.kCount; ++i) r[i] = add_or_subtract(a[i], b[i], i % 2 == 0, env);
    return r.pack();
  });
}

V128 horizontal(const OpInput& in, bool subtract, sf::Env& env) {
  return by_format(in.aux & 3, [&](auto zero) {
    const Lanes<decltype(zero)> a(in.args[0]), b(in.args[1]);
    Lanes<decltype(zero)> r;
    constexpr unsigned kHalf = r.kCount / 2;
    for (unsigned i = 0; i < kHalf; ++i) {
      r[i] = add_or_subtract(a[2 * i], a[2 * i + 1], subtract, env);
      r[kHalf + i] = add_or_subtract(b[2 * i], b[2 * i + 1], subtract, env);
    }
    return r.pack();
  });
}

V128 dot(const OpInput& in, sf::Env& env) {
  return by_format(in.aux & 3, [&](auto zero) {
    using T = decltype(zero);
    const Lanes<T> a(in.args[0]), b(in.args[1]);
    Lanes<T> p, r;
    for (unsigned i = 0; i < p.kCount; ++i)
      if (in.imm >> (4 + i) & 1) p[i] = sf::mul(a[i], b[i], env);
    T sum = sf::add(p[0], p[1], env);
    if constexpr (p.kCount == 4) sum = sf::add(sum, sf::add(p[2], p[3], env), env);
    for (unsigned i = 0; i < r.kCount; ++i)
      if (in.imm >> i & 1) r[i] = sum;
    return r.pack();
  });
}

uint32_t ordering_flags(sf::Order order) {
  switch (order) {
    case sf::Order::kLess:
      return kFlagC;
    case sf::Order::kEqual:
      return kFlagZ;
    case sf::Order::kGreater:
      return 0;
    default:
      return kFlagZ | kFlagP | kFlagC;
  }
}

}  // namespace

V128 evaluate_fp_x86(const OpInput& in, sf::Env& env) {
  switch (in.op) {
    case Op::fsqrt_low:
      return low(in, [&](auto x) { return sf::sqrt(x, env); });
    case Op::fround_low:
      return low(in, [&](auto x) {
        return sf::round_to_int(x, rounding(static_cast<FpRound>(in.imm & 7), env), in.imm & 8, env);
      });
    case Op::fcvt_low:
      return convert_low(in, env);
    case Op::int_to_f_low: {
      const FtoI how = ftoi(in.imm);
      const unsigned width = bits(in.arg_types[1]);
      const uint64_t i = how.is_unsigned ? in.args[1].lo & width_mask(width)
                                         : static_cast<uint64_t>(sign_extend(in.args[1].lo, width));
      return low(in, [&](auto x) {
        return sf::from_int<decltype(x)>(i, !how.is_unsigned, how.fraction_bits, rounding(how.round, env),
                                         env);
      });
    }
    case Op::fcmp:
      return compare_lanes(in, env);
    case Op::fma_signs:
      return fused(in, env);
    case Op::faddsub:
      return alternate(in, env);
    case Op::fhadd:
      return horizontal(in, false, env);
    case Op::fhsub:
      return horizontal(in, true, env);
    case Op::fdot:
      return dot(in, env);
    case Op::frcp:
      return map_lanes<uint32_t>(in.args[0], sf::approximate_reciprocal);
    case Op::frsqrt:
      return map_lanes<uint32_t>(in.args[0], sf::approximate_reciprocal_root);
    case Op::fto_int_narrow: {
      const FtoI how = ftoi(in.imm);
      const auto word = [&](uint64_t x) {
        return sf::to_int(x, 32, !how.is_unsigned, how.fraction_bits, rounding(how.round, env), env);
      };
      const uint64_t first = word(in.args[0].lo);
      return {first | word(in.args[0].hi) << 32, 0};
    }
    case Op::int_to_f_wide: {
      const auto number = [&](uint64_t x) {
        return sf::from_int<uint64_t>(static_cast<uint64_t>(sign_extend(x, 32)), true, 0, env.round, env);
      };
      return {number(in.args[0].lo & 0xffffffff), number(in.args[0].lo >> 32)};
    }
    case Op::fl_comi:
      return by_format(in.arg_types[0] == Type::f32 ? 2 : 3, [&](auto zero) {
        using T = decltype(zero);
        return V128{ordering_flags(sf::compare(static_cast<T>(in.args[0].lo), static_cast<T>(in.args[1].lo),
                                               in.aux & 1, env)),
                    0};
      });
    default:
      return {};
  }
}

}  // namespace mynah::ir
