// SPDX-License-Identifier: Apache-2.0
//
// Regions of one op, operands with many edge values, and the comparison; see op_check.h.
#include "op_check.h"

#include <cstdio>

namespace mynah::ir::testing {

namespace {

constexpr uint64_t kStartFlags[] = {0, 0x1f | 1u << 27};

std::string text(const V128& v) {
  char s[48];
  std::snprintf(s, sizeof s, "%016llx:%016llx", static_cast<unsigned long long>(v.hi),
                static_cast<unsigned long long>(v.lo));
  return s;
}

// Where the operands, the result and the values that live across stand.
constexpr Slot kOperand = kV0, kResultV = kV0 + 3, kOther = kV0 + 4;
constexpr unsigned kOthers = 4;

}  // namespace

namespace {

// What a group of this op's can be asked.
std::vector<Cond> conditions(Op op) {
  using enum Cond;
  if (op == Op::fl_comi) return {eq, ne, cs, cc, mi, pl, vs, vc, pe, po, ab, be};
  return {eq, ne, cs, cc, mi, pl, vs, vc, hi, ls, ge, lt, gt, le};
}
// The integer that has the answer.
unsigned answer(unsigned i) { return 4 + (i < 4 ? i : i + 4); }

}  // namespace

std::string name(const OpCase& c) {
  std::string s(info(c.op).name);
  static const char* const kTypes[] = {"none",  "i1",  "i8",  "i16", "i32", "i64",  "i128",
                                       "flags", "ptr", "f16", "f32", "f64", "v128", "v256"};
  s += std::string(" ") + kTypes[static_cast<unsigned>(c.type)] + " <-";
  for (const Type t : c.args) s += std::string(" ") + kTypes[static_cast<unsigned>(t)];
  return s + " aux=" + std::to_string(c.aux) + " imm=" + std::to_string(c.imm);
}

void OpChecker::build(const OpCase& c, const FpMode& mode, Shape shape, bool extra) {
  Builder& b = m_.begin();
  m_.region.fp = mode;
  b.at(0, 0);
  std::vector<Value> args;
  for (unsigned k = 0; k < c.args.size(); ++k) {
    const unsigned from = shape.same && c.args[k] == c.args[0] ? 0 : k;
    Value v = kNoValue;
    switch (c.args[k]) {
      case Type::v128:
        v = b.get(static_cast<Slot>(kOperand + from));
        break;
      case Type::f16:
      case Type::f32:
      case Type::f64:
        v = b.emit(Op::vlow, c.args[k], b.get(static_cast<Slot>(kOperand + from)));
        break;
      case Type::i32:
        v = b.trunc(b.get(static_cast<Slot>(kX0 + from)));
        break;
      default:
        v = b.get(static_cast<Slot>(kX0 + from));
    }
    args.push_back(v);
  }
  if (extra) {
    for (unsigned i = 0; i < kOthers; ++i) {
      b.set(static_cast<Slot>(kOther + i), b.vec(Op::vnot, 0, b.get(static_cast<Slot>(kOther + i))));
      b.set(static_cast<Slot>(kX0 + 8 + i), b.unary(Op::not_, b.get(static_cast<Slot>(kX0 + 8 + i))));
    }
  }
  args.resize(3, kNoValue);
  const Value r = b.emit(c.op, c.type, args[0], args[1], args[2], c.imm, c.aux);
  switch (c.type) {
    case Type::v128:
      b.set(kResultV, r);
      break;
    case Type::f16:
      b.set(kH0, r);
      break;
    case Type::f32:
      b.set(kS0, r);
      break;
    case Type::f64:
      b.set(kD0, r);
      break;
    case Type::i32:
      b.set(kW0, r);
      break;
    case Type::i64:
      b.set(kX0 + 3, r);
      break;
    case Type::i1:
      b.set(kB0, r);
      break;
    case Type::flags:
      b.set(kFlagsSlot, r);
      break;
    default:
      std::abort();
  }
  if (c.type == Type::flags && extra)
    for (unsigned i = 0; const Cond cond : conditions(c.op))
      b.set(static_cast<Slot>(kX0 + answer(i++)), b.emit(Op::bool_int, Type::i64, b.cond(cond, r)));
  if (shape.live)
    for (unsigned k = 0; k < c.args.size(); ++k)
      if (is_vector_register(c.args[k]))
        b.set(static_cast<Slot>(kV0 + 8 + k), b.vec(Op::vnot, 0, b.get(static_cast<Slot>(kOperand + k))));
  b.exit(64);
  b.finish();
}

std::string OpChecker::check(const OpCase& c, const FpMode& mode, const std::vector<Operands>& operands,
                             Shape shape) {
  build(c, mode, shape, true);
  const uint8_t* code = m_.compile();
  if (!code) return name(c) + ": does not compile";
  set_fp_mode(*m_.rt, mode);
  for (size_t n = 0; n < operands.size(); ++n) {
    Operands values = operands[n];
    if (shape.same)
      for (unsigned k = 1; k < c.args.size(); ++k)
        if (c.args[k] == c.args[0]) values[k] = values[0];
    State start{};
    for (unsigned i = 0; i < kXCount; ++i) start.x[i] = uint64_t{0x1111111111111111} * i + n;
    for (unsigned i = 0; i < kVCount; ++i) start.v[i] = {uint64_t{0x0101010101010101} * i, ~uint64_t{n}};
    std::array<V128, 3> inputs;
    for (unsigned k = 0; k < c.args.size(); ++k) {
      start.v[k] = operands[n][k];
      start.x[k] = operands[n][k].lo;
      const unsigned w = bits(c.args[k]);
      inputs[k] = values[k];
      if (w < 128) inputs[k].hi = 0;
      if (w < 64) inputs[k].lo &= (uint64_t{1} << w) - 1;
    }
    const uint32_t before = kStartFlags[n & 1];
    uint32_t sticky = before;
    const V128 expected =
        evaluate_op({c.op, c.type, c.aux, c.imm, inputs.data(), c.args.data()}, mode, sticky);

    m_.state() = start;
    set_fp_flags(*m_.rt, before);
    m_.run(code);
    const State& s = m_.state();
    V128 got;
    switch (c.type) {
      case Type::v128:
        got = s.v[3];
        break;
      case Type::f16:
        got.lo = static_cast<uint16_t>(s.h);
        break;
      case Type::f32:
        got.lo = static_cast<uint32_t>(s.s);
        break;
      case Type::f64:
        got.lo = s.d;
        break;
      case Type::i32:
        got.lo = s.w[0];
        break;
      case Type::i64:
        got.lo = s.x[3];
        break;
      case Type::i1:
        got.lo = s.b & 1;
        break;
      default:
        got.lo = s.flags & (c.op == Op::fl_fcmp ? kFlagMask : kAllFlags);
    }
    std::string bad;
    if (got != expected) bad += "result " + text(got) + ", expected " + text(expected) + "\n";
    if (const uint32_t flags = fp_flags(*m_.rt); flags != sticky)
      bad += "flags " + std::to_string(flags) + ", expected " + std::to_string(sticky) + "\n";
    for (unsigned i = 0; i < kOthers; ++i) {
      if (s.v[4 + i] != V128{~start.v[4 + i].lo, ~start.v[4 + i].hi})
        bad += "a vector that lives across changed\n";
      if (s.x[8 + i] != ~start.x[8 + i]) bad += "an integer that lives across changed\n";
    }
    if (shape.live)
      for (unsigned k = 0; k < c.args.size(); ++k)
        if (is_vector_register(c.args[k]) && s.v[8 + k] != V128{~start.v[k].lo, ~start.v[k].hi})
          bad += "operand " + std::to_string(k) + " changed\n";
    if (c.type == Type::flags)
      for (unsigned i = 0; const Cond cond : conditions(c.op))
        if (s.x[answer(i++)] != holds(cond, static_cast<uint32_t>(expected.lo)))
          bad += "condition " + std::to_string(i - 1) + " is wrong\n";
    if (!bad.empty()) {
      bad = name(c) + (shape.same ? " same" : "") + (shape.live ? " live" : "") + "\n" + bad;
      for (unsigned k = 0; k < c.args.size(); ++k) bad += "  operand " + text(inputs[k]) + "\n";
      char modes[128];
      std::snprintf(modes, sizeof modes,
                    "  round %u dn %d flush %d half %d alt %d x86 %d daz %d traps %d %d\n", mode.round,
                    mode.default_nan, mode.flush, mode.flush_half, mode.alternative_half, mode.x86_nans,
                    mode.denormals_zero, mode.overflow_traps, mode.underflow_traps);
      return bad + modes + m_.disassembly();
    }
  }
  return {};
}

uint64_t Source::integer(unsigned bits) {
  const uint64_t mask = bits == 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1,
                 top = uint64_t{1} << (bits - 1);
  switch (below(6)) {
    case 0: {
      const uint64_t edges[] = {0,       1,       2,        mask, mask - 1, top,
                                top - 1, top + 1, bits - 1, bits, bits / 2, 0 - uint64_t{bits},
                                255,     128,     127};
      return edges[below(std::size(edges))] & mask;
    }
    case 1:
      return below(2 * bits) & mask;
    case 2:
      return (0 - below(2 * bits)) & mask;
    case 3:
      return (next() & mask) >> below(bits);
    default:
      return next() & mask;
  }
}

V128 Source::integers(unsigned lane) {
  V128 v;
  const unsigned bits = 8u << lane;
  for (unsigned at = 0; at < 128; at += bits) (at < 64 ? v.lo : v.hi) |= integer(bits) << (at & 63);
  return v;
}

uint64_t Source::fp(unsigned format) {
  const unsigned bits = 8u << format, fraction = format == 1 ? 10 : format == 2 ? 23 : 52;
  const uint64_t sign = uint64_t{1} << (bits - 1), one = uint64_t{1} << fraction, infinity = sign - one;
  const uint64_t bias = (infinity >> fraction) / 2;
  const uint64_t sign_bit = below(2) ? sign : 0;
  switch (below(11)) {
    case 10:
      return sign_bit;
    case 0: {
      const uint64_t edges[] = {0,
                                1,
                                2,
                                one - 1,
                                one,
                                one + 1,
                                infinity,
                                infinity - 1,
                                infinity + 1,
                                infinity | one >> 1,
                                infinity | one >> 1 | 5,
                                infinity | 7,
                                bias << fraction,
                                (bias << fraction) - 1,
                                (bias << fraction) + 1,
                                (bias - 1) << fraction,
                                ((bias - 1) << fraction) - 1,
                                (bias + 1) << fraction};
      return edges[below(std::size(edges))] | sign_bit;
    }
    case 1:
      return (next() & (one - 1)) | sign_bit;  // subnormal
    case 2:
      return ((next() & (one - 1)) + (below(4) + 1) * one) | sign_bit;  // next to it
    case 3:
      return (infinity - 1 - (next() & (2 * one - 1))) | sign_bit;  // near overflow
    case 4:
      return (infinity | (next() & (one - 1))) | sign_bit;  // NaN, mostly
    case 5:
      return ((bias << fraction) + below(64 * one / 8)) | sign_bit;  // some integers and halves
    case 6: {
      // k + 1/2 and integers, exactly
      const uint64_t k = below(1u << (fraction < 14 ? fraction - 1 : 14));
      unsigned exponent = 0;
      while (k >> exponent > 1) ++exponent;
      if (k == 0) return ((bias - 1) << fraction) | sign_bit;
      uint64_t m = (k << (fraction - exponent)) - one;
      if (below(2) && fraction > exponent) m |= one >> (exponent + 1);
      return ((bias + exponent) << fraction | m) | sign_bit;
    }
    case 7: {
      // around powers of two up to the widths of integers
      const uint64_t e = bias + below(66);
      const uint64_t clipped = e < infinity >> fraction ? e : bias;
      return ((clipped << fraction) + below(5) - 2) | sign_bit;
    }
    case 8:
      return ((bias - 4 + below(9)) << fraction | (next() & (one - 1))) | sign_bit;
    default:
      return next() & (bits == 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1);
  }
}

V128 Source::fps(unsigned format) {
  V128 v;
  const unsigned bits = 8u << format;
  // Mostly ordinary lanes beside at most one odd one, so that checks of each lane matter.
  for (unsigned at = 0; at < 128; at += bits) (at < 64 ? v.lo : v.hi) |= fp(format) << (at & 63);
  return v;
}

}  // namespace mynah::ir::testing
