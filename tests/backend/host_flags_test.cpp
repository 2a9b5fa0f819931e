// SPDX-License-Identifier: Apache-2.0
//
// Flags groups against the processor that the tests run on: each x86 instruction's flags as IR, put together
// the way a front end would, evaluated and translated; operands of 8 to 64 bits, ends of ranges included.
#if defined(__x86_64__)
#include "host_flags.h"

#include <gtest/gtest.h>

#include <random>

#include "harness.h"
#include "ir/text.h"
#include "ir/text_names.h"
#include "ir/verify.h"

namespace mynah::ir::testing {
namespace {

constexpr Slot x(unsigned i) { return static_cast<Slot>(kX0 + i); }
constexpr unsigned kX = 0, kY = 1, kCarry = 2, kBits = 8, kConditions = 9;  // registers

struct Lifted {
  Value flags;
  uint32_t defined = kAllFlags;  // the others are undefined on the host
};

class X86 {
 public:
  X86(Builder& b, unsigned width) : b(b), width_(width), type_(width == 64 ? Type::i64 : Type::i32) {}

  Lifted lift(HostOp op, unsigned count) {
    const Value x = operand(kX), y = operand(kY);
    switch (op) {
      case HostOp::kAdd:
        return {flags(Op::fl_add, x, y)};
      case HostOp::kSub:
      case HostOp::kCmp:
        return {flags(Op::fl_sub, x, y, kFlagsBorrow)};
      case HostOp::kAdc:
        return {flags(Op::fl_adc, x, y, 0, carry())};
      case HostOp::kSbb:
        return {flags(Op::fl_sbc, x, y, kFlagsBorrow, carry())};
      case HostOp::kAnd:
        return {flags(Op::fl_logic, b.binary(Op::and_, x, y), kNoValue)};
      case HostOp::kTest:
        return {flags(Op::fl_and, x, y)};
      case HostOp::kOr:
        return {flags(Op::fl_logic, b.binary(Op::or_, x, y), kNoValue)};
      case HostOp::kXor:
        return {flags(Op::fl_logic, b.binary(Op::xor_, x, y), kNoValue)};
      case HostOp::kInc:
        return {flags(Op::fl_inc, x, old())};
      case HostOp::kDec:
        return {flags(Op::fl_dec, x, old())};
      case HostOp::kNeg:
        return {flags(Op::fl_sub, konst(0), x, kFlagsBorrow)};
      default:
        return shift(op, x, count);
    }
  }

 private:
  Value konst(uint64_t v) { return b.konst(type_, v); }
  Value operand(unsigned n) {
    const Value v = b.get(testing::x(n));
    return width_ == 64 ? v : b.trunc(v);
  }
  Value carry() { return b.emit(Op::testbit, Type::i1, b.get(testing::x(kCarry)), kNoValue, kNoValue, 0); }
  Value flags(Op op, Value p, Value q, uint8_t aux = 0, Value c = kNoValue) {
    return b.emit(op, Type::flags, p, q, c, 0,
                  static_cast<uint8_t>(aux | (width_ == 8    ? kFlags8
                                              : width_ == 16 ? kFlags16
                                                             : 0)));
  }
  Value old() {
    const Value bit = b.emit(Op::shl, Type::i32, b.trunc(b.get(testing::x(kCarry))), b.i32(8));
    return b.emit(Op::fl_of_bits, Type::flags, b.binary(Op::and_, bit, b.i32(kFlagC)));
  }
  Value bit(Value v, unsigned n) { return b.unary(Op::ubfx, v, 1, static_cast<uint8_t>(n)); }

  // By a count of 1 to the width.
  Lifted shift(HostOp op, Value v, unsigned n) {
    const bool left = op == HostOp::kShl;
    Value from = v;
    if (!left && width_ < 32)
      from = op == HostOp::kSar ? b.unary(width_ == 8 ? Op::sext8 : Op::sext16, v)
                                : b.unary(width_ == 8 ? Op::zext8 : Op::zext16, v);
    const Op ir_op = left ? Op::shl : op == HostOp::kShr ? Op::lshr : Op::ashr;
    const Value result = b.binary(ir_op, from, konst(n));
    const Value out = bit(from, left ? width_ - n : n - 1);
    Value over = konst(0);
    if (left) over = b.binary(Op::xor_, out, bit(result, width_ - 1));
    if (op == HostOp::kShr) over = bit(from, width_ - 1);
    Value both = b.binary(Op::or_, b.binary(Op::shl, out, konst(8)), over);
    if (width_ == 64) both = b.trunc(both);
    const Value apart = b.emit(Op::fl_of_bits, Type::flags, both);
    const Value f = b.emit(Op::fl_merge, Type::flags, flags(Op::fl_logic, result, kNoValue), apart, kNoValue,
                           kFlagC | kFlagV);
    return {f, kAllFlags & ~kFlagA & ~(n == 1 ? 0 : kFlagV)};
  }

  Builder& b;
  const unsigned width_;
  const Type type_;
};

constexpr Cond kAsked[] = {Cond::pe, Cond::ab, Cond::cs, Cond::lt, Cond::gt, Cond::mi, Cond::vs, Cond::eq,
                           Cond::po, Cond::be, Cond::cc, Cond::ge, Cond::le, Cond::pl, Cond::vc, Cond::ne};

void compare(HostOp op, unsigned width, unsigned count, bool conditions_first, bool plain) {
  Machine m(plain);
  Builder& b = m.begin();
  const Lifted l = X86(b, width).lift(op, count);
  const auto bits = [&] { b.set(x(kBits), b.zext32(b.emit(Op::fl_bits, Type::i32, l.flags))); };
  // Packed first, or while the host's flags have them.
  if (!conditions_first) bits();
  Value seen = b.i64(0);
  for (unsigned i = 0; i < std::size(kAsked); ++i) {
    const Value bit = b.emit(Op::bool_int, Type::i64, b.cond(kAsked[i], l.flags));
    seen = b.binary(Op::or_, seen, b.binary(Op::shl, bit, b.i64(i)));
  }
  b.set(x(kConditions), seen);
  if (conditions_first) bits();
  const uint8_t* code = m.compile();
  ASSERT_EQ(verify(m.region), "") << print(m.region);

  static constexpr uint64_t kEdges[] = {0,
                                        1,
                                        0xf,
                                        0x10,
                                        0x7f,
                                        0x80,
                                        0xff,
                                        0x7fff,
                                        0x8000,
                                        0xffff,
                                        0x7fffffff,
                                        0x80000000,
                                        0xffffffff,
                                        ~uint64_t{0} >> 1,
                                        uint64_t{1} << 63,
                                        ~uint64_t{0}};
  std::mt19937_64 random(width * 100 + count);
  for (unsigned n = 0; n < 2 * (256 + 100); ++n) {
    const bool carry = n & 1;
    const unsigned k = n / 2;
    const uint64_t p = k < 256 ? kEdges[k % 16] : random(), q = k < 256 ? kEdges[k / 16] : random();
    const auto is_shift = op >= HostOp::kShl;
    const HostFlags host = host_flags(op, width, p, is_shift ? count : q, carry);
    const bool asked[] = {host.parity_even, host.above, host.below,    host.less,
                          host.greater,     host.sign,  host.overflow, host.zero};
    for (const bool translated : {false, true}) {
      m.state() = {};
      m.state().x[kX] = p;
      m.state().x[kY] = q;
      m.state().x[kCarry] = carry;
      uint32_t sticky = 0;
      if (translated)
        ASSERT_EQ(m.run(code), Leave::kLink);
      else
        evaluate(m.region, m.rt->state, sticky, m);
      const auto where = [&] {
        return std::to_string(width) + " bits, " + std::to_string(p) + ", " + std::to_string(q) +
               (carry ? " carry " : " ") + (translated ? "translated\n" : "evaluated\n") + print(m.region);
      };
      ASSERT_EQ(m.state().x[kBits] & l.defined, host.group & l.defined) << where();
      for (unsigned i = 0; i < 8; ++i) {
        if ((flags_read(kAsked[i]) & ~l.defined) != 0) continue;
        ASSERT_EQ(m.state().x[kConditions] >> i & 1, asked[i])
            << text::kConds[static_cast<unsigned>(kAsked[i])] << where();
        ASSERT_EQ(m.state().x[kConditions] >> (i + 8) & 1, !asked[i]) << where();
      }
    }
  }
}

TEST(HostFlags, EveryInstructionAndWidth) {
  for (unsigned op = 0; op < kHostOps; ++op) {
    for (const unsigned width : {8u, 16u, 32u, 64u}) {
      const auto what = static_cast<HostOp>(op);
      const bool is_shift = what >= HostOp::kShl;
      for (const unsigned count : {1u, 2u, 5u, 7u, width - 1}) {
        for (const bool conditions_first : {false, true}) {
          compare(what, width, count, conditions_first, count == 2);
          if (HasFatalFailure()) FAIL() << "instruction " << op;
        }
        if (!is_shift && count == 2) break;
      }
    }
  }
}

// INC and DEC leave the carry as it was: a branch on it looks through them.
TEST(HostFlags, ConditionsLookThroughMerges) {
  Machine m;
  Builder& b = m.begin();
  const Value before = b.emit(Op::fl_sub, Type::flags, b.get(x(0)), b.get(x(1)), kNoValue, 0, kFlagsBorrow);
  Value f = before;
  for (unsigned i = 0; i < 3; ++i)
    f = b.emit(Op::fl_merge, Type::flags, b.emit(Op::fl_add, Type::flags, b.get(x(2 + i)), b.i64(1)), f,
               kNoValue, kFlagC);
  EXPECT_EQ(m.region.insts[b.cond(Cond::cs, f)].args[0], before);
  EXPECT_EQ(m.region.insts[f].args[1], before);
  const Value zero = b.cond(Cond::eq, f);
  EXPECT_EQ(m.region.insts[m.region.insts[zero].args[0]].op, Op::fl_add);
  b.exit(0);
}

}  // namespace
}  // namespace mynah::ir::testing
#endif
