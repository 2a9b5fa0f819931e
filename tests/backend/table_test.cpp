// SPDX-License-Identifier: Apache-2.0
//
// Tables looked up by indices that have upper bounds: their accesses share one guard, of the whole table, and
// read and write what the evaluator does, before and after the merging; a table that reaches into the next
// page misses, as a merged guard.
#include <gtest/gtest.h>

#include "harness.h"
#include "ir/passes/passes.h"
#include "ir/text.h"
#include "ir/verify.h"

namespace mynah::ir::testing {
namespace {

constexpr Slot x(unsigned i) { return static_cast<Slot>(kX0 + i); }

enum class Root { kRegister, kConstant, kNarrow };

// x8..x10 = table[x1 & 0xff], table[x2 & 0xff] (a store goes there), next table[x3 & 0xff]; 4 bytes each.
void build(Machine& m, Root root) {
  Builder& b = m.begin();
  m.region.guest_insts = 3;
  const auto address = [&](unsigned n) {
    const Value index = b.binary(Op::shl, b.unary(Op::zext8, b.get(x(n))), b.i64(2));
    switch (root) {
      case Root::kConstant:
        return b.add_imm(index, kGuestBase + 0x100);
      case Root::kNarrow:
        return b.zext32(b.add(b.trunc(b.get(x(0))), b.trunc(index)));
      default:
        return b.add(b.get(x(0)), index);
    }
  };
  const Value first = b.guard(address(1), {0, 4, 2}, kGuardRead);
  b.set(x(8), b.load(Type::i64, first, 0, 2));
  b.at(4, 1);
  const Value second = b.guard(address(2), {0, 4, 2}, kGuardRead);
  b.set(x(9), b.load(Type::i64, second, 0, 2));
  b.at(8, 2);
  b.exit_if(b.icmpz(Cond::ne, b.get(x(7))), 0x100);
  const Value third = b.guard(address(3), {64, 4, 2}, kGuardRead);
  b.set(x(10), b.load(Type::i64, third, 64, 2));
  b.exit(0x40);
  b.finish();
}

unsigned guards(const Region& r) {
  unsigned n = 0;
  for (const Inst& i : r.insts) n += i.op == Op::guard;
  return n;
}

class Tables : public ::testing::TestWithParam<Root> {};

TEST_P(Tables, ShareAGuard) {
  Machine m;
  m.evaluating = false;
  build(m, GetParam());
  const Region apart = m.region;
  ASSERT_EQ(guards(apart), 3u);
  merge_guards(m.region);
  EXPECT_EQ(guards(m.region), 1u) << print(m.region);
  ASSERT_EQ(verify(m.region), "") << print(m.region);
  if (GetParam() == Root::kNarrow) return;  // the harness has no memory there
  const Region merged = m.region;
  const uint8_t* code = m.compile_region();
  ASSERT_NE(code, nullptr);
  for (size_t i = 0; i < m.memory.size(); ++i) m.memory[i] = static_cast<uint8_t>(i * 7 + (i >> 8));
  for (const uint64_t a : {0x00, 0x1234, 0xff, 0x80})
    for (const uint64_t c : {0x01, 0xfe, 0x7f00})
      for (const uint64_t leaves : {0, 1}) {
        State start;
        start.page = kGuestBase;
        start.x[0] = kGuestBase + 0x100;
        start.x[1] = a;
        start.x[2] = c;
        start.x[3] = a ^ 0xff;
        start.x[7] = leaves;
        State results[3];
        for (int how = 0; how < 3; ++how) {
          m.state() = start;
          uint32_t sticky = 0;
          if (how == 0)
            m.run(code);
          else
            evaluate(how == 1 ? merged : apart, m.rt->state, sticky, m);
          results[how] = m.state();
        }
        EXPECT_EQ(difference(results[0], results[2]), "") << print(merged) << m.disassembly();
        EXPECT_EQ(difference(results[1], results[2]), "") << print(merged);
      }
}

TEST(Tables, OneUseHasItsOwnGuard) {
  Machine m;
  Builder& b = m.begin();
  const Value index = b.unary(Op::zext8, b.get(x(1)));
  const Value p = b.guard(b.add(b.get(x(0)), index), {0, 1, 0}, kGuardRead);
  b.set(x(8), b.load(Type::i64, p, 0, 0));
  const Value other = b.guard(b.get(x(2)), {0, 1, 0}, kGuardRead);
  b.set(x(9), b.load(Type::i64, other, 0, 0));
  b.exit(0x40);
  b.finish();
  merge_guards(m.region);
  for (const Inst& i : m.region.insts)
    if (i.op == Op::guard) EXPECT_EQ(guard_range(i).length, 1u) << print(m.region);
}

// A bounded address read and written: as another one is.
TEST(Tables, OneIndexTwiceIsOneGuard) {
  Machine m;
  Builder& b = m.begin();
  const Value index = b.binary(Op::shl, b.unary(Op::zext8, b.get(x(1))), b.i64(2));
  const Value address = b.add(b.get(x(0)), index);
  const Value from = b.guard(address, {0, 4, 2}, kGuardRead);
  b.set(x(8), b.load(Type::i64, from, 0, 2));
  const Value to = b.guard(address, {0, 4, 2}, kGuardWrite);
  b.store(to, 0, b.trunc(b.get(x(2))), 2);
  b.exit(0x40);
  b.finish();
  merge_guards(m.region);
  EXPECT_EQ(guards(m.region), 1u) << print(m.region);
  EXPECT_EQ(verify(m.region), "") << print(m.region);
}

TEST(Tables, TooGreatAnIndexIsNoBound) {
  Machine m;
  Builder& b = m.begin();
  for (const unsigned n : {1u, 2u}) {
    const Value index = b.binary(Op::shl, b.unary(Op::zext16, b.get(x(n))), b.i64(2));
    const Value p = b.guard(b.add(b.get(x(0)), index), {0, 4, 2}, kGuardRead);
    b.set(x(8 + n), b.load(Type::i64, p, 0, 2));
  }
  b.exit(0x40);
  b.finish();
  merge_guards(m.region);
  EXPECT_EQ(guards(m.region), 2u) << print(m.region);
}

INSTANTIATE_TEST_SUITE_P(Roots, Tables, ::testing::Values(Root::kRegister, Root::kConstant, Root::kNarrow));

}  // namespace
}  // namespace mynah::ir::testing
