// SPDX-License-Identifier: Apache-2.0
//
// The evaluator's floating-point ops: softfloat under the region's FpMode, one lane or all of them. Complex
// arithmetic follows the Arm ARM (DDI 0487), FCADD and FCMLA.
#include "ir/eval_lanes.h"
#include "ir/softfloat/softfloat.h"

namespace mynah::ir {

namespace {

sf::Env environment(const FpMode& mode) {
  sf::Env env;
  env.round = static_cast<sf::Round>(mode.round & 3);
  env.default_nan = mode.default_nan;
  env.flush_inputs = env.flush_outputs = mode.flush;
  env.flush_half = mode.flush_half;
  env.alt_half = mode.alternative_half;  // looked at by conversions between formats alone
  if (mode.x86_nans) {
    env.nan = sf::NanRule::kX86;
    env.tiny_before_rounding = false;
    env.flush_inputs = mode.denormals_zero;
  }
  env.overflow_traps = mode.overflow_traps;
  env.underflow_traps = mode.underflow_traps;
  return env;
}

sf::Round rounding(FpRound round, const sf::Env& env) {
  return round >= FpRound::kCurrent ? env.round : static_cast<sf::Round>(round);
}

// 1 half, 2 single, 3 double.
unsigned format_of(Type type) { return static_cast<unsigned>(type) - static_cast<unsigned>(Type::f16) + 1; }

template <typename F>
V128 by_format(unsigned format, F f) {
  switch (format) {
    case 1:
      return f(uint16_t{});
    case 2:
      return f(uint32_t{});
    case 3:
      return f(uint64_t{});
    default:
      return {};
  }
}

// f on the low lane of a scalar, on every lane of a vector or its low one.
template <typename F>
V128 each(const OpInput& in, F f) {
  const bool scalar = is_fp(in.type);
  return by_format(scalar ? format_of(in.type) : in.aux & 3, [&](auto zero) {
    using T = decltype(zero);
    const Lanes<T> a(in.args[0]);
    const bool low = !scalar && facts(in.op).aux == AuxForm::kFormatLow && in.aux & kLowLane;
    Lanes<T> r = low ? a : Lanes<T>{};
    const unsigned count = scalar || low ? 1 : r.kCount;
    if constexpr (std::is_invocable_v<F, T>) {
      for (unsigned i = 0; i < count; ++i) r[i] = static_cast<T>(f(a[i]));
    } else if constexpr (std::is_invocable_v<F, T, T>) {
      const Lanes<T> b(in.args[1]);
      for (unsigned i = 0; i < count; ++i) r[i] = static_cast<T>(f(a[i], b[i]));
    } else {
      const Lanes<T> b(in.args[1]), c(in.args[2]);
      for (unsigned i = 0; i < count; ++i) r[i] = static_cast<T>(f(a[i], b[i], c[i]));
    }
    return r.pack();
  });
}

template <typename T>
constexpr T magnitude(T x) {
  return static_cast<T>(x & ~sf::Format<T>::kSign);
}
template <typename T>
constexpr T negated(T x) {
  return static_cast<T>(x ^ sf::Format<T>::kSign);
}
template <typename T>
constexpr T lane_mask(bool set) {
  return set ? static_cast<T>(~T{0}) : T{0};
}

template <typename From>
uint64_t convert_to(Type to, From x, sf::Env& env) {
  if constexpr (!std::is_same_v<From, uint16_t>) {
    if (to == Type::f16) return sf::convert<uint16_t>(x, env);
  }
  if constexpr (!std::is_same_v<From, uint32_t>) {
    if (to == Type::f32) return sf::convert<uint32_t>(x, env);
  }
  if constexpr (!std::is_same_v<From, uint64_t>) {
    if (to == Type::f64) return sf::convert<uint64_t>(x, env);
  }
  return x;
}

V128 narrow_format(const OpInput& in, sf::Env& env) {
  if ((in.aux & 3) == 2) {
    const Lanes<uint32_t> x(in.args[0]);
    Lanes<uint16_t> r;
    if (in.imm & 8) env.round = rounding(static_cast<FpRound>(in.imm & 7), env);
    for (unsigned i = 0; i < 4; ++i) r[i] = sf::convert<uint16_t>(x[i], env);
    return r.pack();
  }
  Lanes<uint32_t> r;
  if (in.imm & 8) env.round = rounding(static_cast<FpRound>(in.imm & 7), env);
  for (unsigned i = 0; i < 2; ++i) {
    const uint64_t x = i == 0 ? in.args[0].lo : in.args[0].hi;
    r[i] = in.imm == 1 ? sf::fcvtxn(x, env) : sf::convert<uint32_t>(x, env);
  }
  return r.pack();
}

V128 widen_format(const OpInput& in, sf::Env& env) {
  if ((in.aux & 3) == 1) {
    const Lanes<uint16_t> x(in.args[0]);
    Lanes<uint32_t> r;
    for (unsigned i = 0; i < 4; ++i) r[i] = sf::convert<uint32_t>(x[i], env);
    return r.pack();
  }
  const Lanes<uint32_t> x(in.args[0]);
  return {sf::convert<uint64_t>(x[0], env), sf::convert<uint64_t>(x[1], env)};
}

template <typename T>
V128 complex_add(const OpInput& in, sf::Env& env) {
  const Lanes<T> a(in.args[0]), b(in.args[1]);
  Lanes<T> r;
  for (unsigned i = 0; i + 1 < r.kCount; i += 2) {
    const T real = in.imm & 1 ? b[i + 1] : negated(b[i + 1]);
    const T imaginary = in.imm & 1 ? negated(b[i]) : b[i];
    r[i] = sf::add(a[i], real, env);
    r[i + 1] = sf::add(a[i + 1], imaginary, env);
  }
  return r.pack();
}

template <typename T>
V128 complex_multiply_add(const OpInput& in, sf::Env& env) {
  const Lanes<T> a(in.args[0]), b(in.args[1]), c(in.args[2]);
  Lanes<T> r;
  const unsigned rotation = in.imm & 3;
  const unsigned element = in.imm >> 4 & 15;
  for (unsigned i = 0; i + 1 < r.kCount; i += 2) {
    const unsigned j = (element == 0 ? i : 2 * (element - 1)) % r.kCount;
    T real, imaginary;  // c's factors for the sums of the even and the odd lane
    switch (rotation) {
      case 0:
        real = c[j], imaginary = c[j + 1];
        break;
      case 1:
        real = negated(c[j + 1]), imaginary = c[j];
        break;
      case 2:
        real = negated(c[j]), imaginary = negated(c[j + 1]);
        break;
      default:
        real = c[j + 1], imaginary = negated(c[j]);
        break;
    }
    const T factor = b[i + (rotation & 1)];
    r[i] = sf::fma(factor, real, a[i], env);
    r[i + 1] = sf::fma(factor, imaginary, a[i + 1], env);
  }
  return r.pack();
}

uint32_t compare_flags(sf::Order order) {
  switch (order) {
    case sf::Order::kLess:
      return kFlagN;
    case sf::Order::kEqual:
      return kFlagZ | kFlagC;
    case sf::Order::kGreater:
      return kFlagC;
    default:
      return kFlagC | kFlagV;
  }
}

V128 round_to_integral(const OpInput& in, sf::Env& env) {
  const sf::Round round = rounding(static_cast<FpRound>(in.imm & 7), env);
  const bool exact = in.imm & 8;
  const unsigned range = in.imm >> 4 & 3;
  return each(in, [&](auto x) {
    return range == 0 ? sf::round_to_int(x, round, exact, env)
                      : sf::round_to_int_sized(x, range == 1 ? 32 : 64, round, env);
  });
}

V128 evaluate(const OpInput& in, sf::Env& env) {
  switch (in.op) {
    case Op::fadd:
      return each(in, [&](auto x, auto y) { return sf::add(x, y, env); });
    case Op::fsub:
      return each(in, [&](auto x, auto y) { return sf::sub(x, y, env); });
    case Op::fmul:
      return each(in, [&](auto x, auto y) { return sf::mul(x, y, env); });
    case Op::fmulx:
      return each(in, [&](auto x, auto y) { return sf::mulx(x, y, env); });
    case Op::fdiv:
      return each(in, [&](auto x, auto y) { return sf::div(x, y, env); });
    case Op::fmin:
      return each(in, [&](auto x, auto y) { return sf::min(x, y, env); });
    case Op::fmax:
      return each(in, [&](auto x, auto y) { return sf::max(x, y, env); });
    case Op::fminnm:
      return each(in, [&](auto x, auto y) { return sf::minnm(x, y, env); });
    case Op::fmaxnm:
      return each(in, [&](auto x, auto y) { return sf::maxnm(x, y, env); });
    case Op::fabs:
      return each(in, [](auto x) { return magnitude(x); });
    case Op::fneg:
      return each(in, [](auto x) { return negated(x); });
    case Op::fsqrt:
      return each(in, [&](auto x) { return sf::sqrt(x, env); });
    case Op::fma:
      return each(in, [&](auto x, auto y, auto z) { return sf::fma(x, y, z, env); });
    case Op::frecpe:
      return each(in, [&](auto x) { return sf::recpe(x, env); });
    case Op::frsqrte:
      return each(in, [&](auto x) { return sf::rsqrte(x, env); });
    case Op::frecpx:
      return each(in, [&](auto x) { return sf::recpx(x, env); });
    case Op::frecps:
      return each(in, [&](auto x, auto y) { return sf::recps(x, y, env); });
    case Op::frsqrts:
      return each(in, [&](auto x, auto y) { return sf::rsqrts(x, y, env); });
    case Op::fround:
      return round_to_integral(in, env);

    case Op::fcvt:
      return by_format(format_of(in.arg_types[0]), [&](auto zero) {
        return V128{convert_to(in.type, static_cast<decltype(zero)>(in.args[0].lo), env), 0};
      });
    case Op::fcvt_wide:
      return widen_format(in, env);
    case Op::fcvt_narrow:
      return narrow_format(in, env);
    case Op::fto_int: {
      const FtoI how = ftoi(in.imm);
      return by_format(format_of(in.arg_types[0]), [&](auto zero) {
        return V128{sf::to_int(static_cast<decltype(zero)>(in.args[0].lo), bits(in.type), !how.is_unsigned,
                               how.fraction_bits, rounding(how.round, env), env),
                    0};
      });
    }
    case Op::fto_fixed: {
      const FtoI how = ftoi(in.imm);
      return each(in, [&](auto x) {
        return sf::to_int(x, 8 * sizeof(x), !how.is_unsigned, how.fraction_bits, rounding(how.round, env),
                          env);
      });
    }
    case Op::int_to_f: {
      const FtoI how = ftoi(in.imm);
      const unsigned width = bits(in.arg_types[0]);
      const uint64_t x = how.is_unsigned ? in.args[0].lo & width_mask(width)
                                         : static_cast<uint64_t>(sign_extend(in.args[0].lo, width));
      return by_format(format_of(in.type), [&](auto zero) {
        return V128{sf::from_int<decltype(zero)>(x, !how.is_unsigned, how.fraction_bits,
                                                 rounding(how.round, env), env),
                    0};
      });
    }
    case Op::fixed_to_f: {
      const FtoI how = ftoi(in.imm);
      return each(in, [&](auto x) {
        using T = decltype(x);
        const uint64_t wide =
            how.is_unsigned ? uint64_t{x} : static_cast<uint64_t>(sign_extend(x, 8 * sizeof(T)));
        return sf::from_int<T>(wide, !how.is_unsigned, how.fraction_bits, rounding(how.round, env), env);
      });
    }
    case Op::fjcvtzs:
      return {sf::fjcvtzs(in.args[0].lo, env).value, 0};
    case Op::fjcvtzs_z: {
      sf::Env quiet = env;
      return {sf::fjcvtzs(in.args[0].lo, quiet).exact, 0};
    }

    case Op::fcmeq:
      return each(in, [&](auto x, auto y) { return lane_mask<decltype(x)>(sf::eq(x, y, env)); });
    case Op::fcmge:
      return each(in, [&](auto x, auto y) { return lane_mask<decltype(x)>(sf::ge(x, y, env)); });
    case Op::fcmgt:
      return each(in, [&](auto x, auto y) { return lane_mask<decltype(x)>(sf::gt(x, y, env)); });
    case Op::facge:
      return each(in, [&](auto x, auto y) {
        return lane_mask<decltype(x)>(sf::ge(magnitude(x), magnitude(y), env));
      });
    case Op::facgt:
      return each(in, [&](auto x, auto y) {
        return lane_mask<decltype(x)>(sf::gt(magnitude(x), magnitude(y), env));
      });
    case Op::fl_fcmp:
      return by_format(format_of(in.arg_types[0]), [&](auto zero) {
        using T = decltype(zero);
        return V128{compare_flags(sf::compare(static_cast<T>(in.args[0].lo), static_cast<T>(in.args[1].lo),
                                              in.aux & 1, env)),
                    0};
      });

    case Op::fcadd:
      return by_format(in.aux & 3, [&](auto zero) { return complex_add<decltype(zero)>(in, env); });
    case Op::fcmla:
      return by_format(in.aux & 3, [&](auto zero) { return complex_multiply_add<decltype(zero)>(in, env); });
    default:
      return evaluate_fp_x86(in, env);
  }
}

}  // namespace

V128 evaluate_fp(const OpInput& in, const FpMode& mode, uint32_t& sticky) {
  sf::Env env = environment(mode);
  const V128 result = evaluate(in, env);
  sticky |= env.flags;
  return result;
}

}  // namespace mynah::ir
