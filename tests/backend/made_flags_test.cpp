// SPDX-License-Identifier: Apache-2.0
//
// Flags that no register keeps: a guard that misses, a side exit and the last exit find them as the evaluator
// has them, whatever became of the operands since.
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>

#include "harness.h"

namespace mynah::ir::testing {
namespace {

constexpr Op kOps[] = {Op::fl_add,  Op::fl_sub,  Op::fl_and,  Op::fl_logic, Op::fl_shl,
                       Op::fl_lshr, Op::fl_ashr, Op::fl_smul, Op::fl_inc,   Op::fl_dec};
constexpr uint64_t kEdges[] = {0,
                               1,
                               0x7f,
                               0x80,
                               0xff,
                               0x7fff,
                               0x8000,
                               0x7fffffff,
                               0x80000000,
                               0xffffffff,
                               0x12345678,
                               0x7fffffffffffffff,
                               0x8000000000000000,
                               ~uint64_t{0}};

Slot x(unsigned i) { return static_cast<Slot>(kX0 + i); }

enum class Second { kSlot, kChangedSlot, kConst, kLoaded };
enum class Result { kNone, kKept, kInPlace };
enum class Leaving { kGuard, kSideExit, kEnd };

struct Case {
  Op op;
  Type type;
  uint8_t aux;
  Second second;
  Result result;
  Leaving leaving;
};

void build(Machine& m, const Case& c) {
  Builder& b = m.begin();
  m.region.guest_insts = 3;
  const bool narrow = c.type == Type::i32;
  const auto cut = [&](Value v) { return narrow ? b.trunc(v) : v; };
  const auto widen = [&](Value v) { return narrow ? b.zext32(v) : v; };
  const bool steps = c.op == Op::fl_inc || c.op == Op::fl_dec;  // their second operand is a group
  const bool shift = c.op == Op::fl_shl || c.op == Op::fl_lshr || c.op == Op::fl_ashr;
  Value second = cut(b.get(x(1)));
  if (shift) {
    second = narrow ? b.i32(5) : b.i64(5);
  } else if (c.second == Second::kConst) {
    second = narrow ? b.i32(0xffffff80) : b.i64(~uint64_t{127});
  } else if (c.second == Second::kChangedSlot) {
    b.set(x(1), b.i64(77));
  } else if (c.second == Second::kLoaded) {
    const Value p = b.guard(b.get(x(3)), {0, 8, 3}, kGuardRead);
    second = b.load(c.type, p, 0, narrow ? 2 : 3);
  }
  const Value first = cut(b.get(x(0)));
  const auto compute = [&] {
    static constexpr Op kResults[] = {Op::add,  Op::sub,  Op::and_, Op::or_, Op::shl,
                                      Op::lshr, Op::ashr, Op::mul,  Op::add, Op::sub};
    const Op op = kResults[std::find(std::begin(kOps), std::end(kOps), c.op) - std::begin(kOps)];
    return b.binary(op, first, steps ? b.konst(c.type, 1) : second);
  };
  const auto flags = [&](Value a, Value v) {
    if (steps) {
      const bool constant = c.second == Second::kConst;
      v = constant ? b.emit(Op::fl_konst, Type::flags, kNoValue, kNoValue, kNoValue, kFlagC)
                   : b.get(kFlagsSlot);
      if (c.second == Second::kLoaded) b.set(kFlagsSlot, b.emit(Op::fl_konst, Type::flags));
    }
    return b.emit(c.op, Type::flags, a, c.op == Op::fl_logic ? kNoValue : v, kNoValue, 0, c.aux);
  };
  if (c.result == Result::kNone) {
    b.set(kFlagsSlot, flags(first, second));
  } else {
    const Value r = compute();
    b.set(kFlagsSlot, flags(c.op == Op::fl_logic ? r : first, second));
    b.set(x(c.result == Result::kKept ? 2 : 0), widen(r));
  }
  b.at(4, 1);
  if (c.leaving == Leaving::kSideExit) {
    b.emit(Op::mul, Type::i64, b.get(x(5)), b.get(x(6)));
    b.exit_if(b.icmpz(Cond::ne, b.get(x(7))), 0x100);
  } else {
    // Misses where x4 is nowhere.
    const Value p = b.guard(b.get(x(4)), {0, 8, 3}, kGuardWrite);
    b.store(p, 0, b.get(x(7)), 3);
  }
  b.at(8, 2);
  b.set(x(8), b.add_imm(b.get(x(8)), 3));
  if (c.leaving != Leaving::kEnd) b.set(kFlagsSlot, b.emit(Op::fl_konst, Type::flags));
}

class MadeFlags : public ::testing::TestWithParam<Op> {};

TEST_P(MadeFlags, AsTheEvaluatorHasThem) {
  Machine m;
  for (const Type type : {Type::i32, Type::i64})
    for (const uint8_t width : {0, 1, 2})
      for (const bool borrow : {false, true})
        for (const Second second : {Second::kSlot, Second::kChangedSlot, Second::kConst, Second::kLoaded})
          for (const Result result : {Result::kNone, Result::kKept, Result::kInPlace})
            for (const Leaving leaving : {Leaving::kGuard, Leaving::kSideExit, Leaving::kEnd}) {
              if ((borrow && GetParam() != Op::fl_sub) ||
                  (width && (type == Type::i64 || GetParam() == Op::fl_smul)))
                continue;
              const Case c{GetParam(), type,   static_cast<uint8_t>(width | (borrow ? kFlagsBorrow : 0)),
                           second,     result, leaving};
              build(m, c);
              const uint8_t* code = m.compile();
              ASSERT_NE(code, nullptr);
              for (const uint64_t a : kEdges)
                for (const uint64_t v : kEdges) {
                  State start;
                  start.page = kGuestBase;
                  start.x[0] = a;
                  start.x[1] = v;
                  start.x[3] = kGuestBase + 0x20;
                  start.x[4] = leaving == Leaving::kGuard ? 77 : kGuestBase + 0x40;
                  start.x[7] = 1;
                  start.flags = kFlagC | kFlagA;
                  std::memcpy(m.memory.data() + 0x20, &v, 8);
                  m.state() = start;
                  m.run(code);
                  const State translated = m.state();
                  m.state() = start;
                  uint32_t sticky = 0;
                  evaluate(m.region, m.rt->state, sticky, m);
                  ASSERT_EQ(difference(translated, m.state()), "")
                      << info(c.op).name << " " << bits(type) << " aux " << unsigned{c.aux} << " second "
                      << static_cast<int>(second) << " result " << static_cast<int>(result) << " leaving "
                      << static_cast<int>(leaving) << std::hex << " of " << a << ", " << v << "\n"
                      << m.disassembly();
                  ASSERT_EQ(translated.flags & kAllFlags, m.state().flags & kAllFlags)
                      << info(c.op).name << std::hex << " of " << a << ", " << v << "\n"
                      << m.disassembly();
                }
            }
}
INSTANTIATE_TEST_SUITE_P(Ops, MadeFlags, ::testing::ValuesIn(kOps),
                         [](const auto& op) { return std::string(ir::info(op.param).name); });

}  // namespace
}  // namespace mynah::ir::testing
