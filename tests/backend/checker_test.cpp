// SPDX-License-Identifier: Apache-2.0
//
// The allocation checker finds what is wrong: a right allocation is damaged in one place at a time.
#include <gtest/gtest.h>

#include <cstring>

#include "backend-x86_64/select.h"
#include "harness.h"
#include "ir/alloc/checker.h"
#include "ir/alloc/linear_scan.h"
#include "ir/alloc/liveness.h"

namespace mynah::ir::testing {
namespace {

using namespace alloc;

class Checker : public ::testing::Test {
 protected:
  void SetUp() override {
    Builder b(region_);
    b.begin(slots());
    std::vector<Value> v;
    for (unsigned i = 0; i < 20; ++i)
      v.push_back(b.emit(Op::mul, Type::i64, b.get(static_cast<Slot>(kX0 + i)), b.i64(i + 3)));
    for (unsigned i = 0; i < 20; ++i) b.set(static_cast<Slot>(kX0 + i), v[i]);
    const Value p = b.guard(v[0], {0, 8, 3}, kGuardRead);
    Value sum = b.load(Type::i64, p, 0, 3);
    for (const Value x : v) sum = b.binary(Op::xor_, sum, x);
    b.set(kX0, sum);
    b.exit(4);
    b.finish();
    selector_.run(region_);
    std::vector<uint32_t> scratch;
    find_next_uses(program_, scratch);
    LinearScan(x86_64::kTarget).run(program_);
    ASSERT_EQ(check_allocation(program_, x86_64::kTarget), "");
  }
  bool wrong(const Program& p) { return !check_allocation(p, x86_64::kTarget).empty(); }

  Region region_;
  Program program_;
  x86_64::Selector selector_{program_, x86_64::host_features()};
};

TEST_F(Checker, WrongOperandRegister) {
  for (size_t s = 0; s < program_.steps.size(); ++s)
    for (unsigned k = 0; k < 4; ++k) {
      if (!is_register(program_.steps[s].where[k])) continue;
      Program bad = program_;
      bad.steps[s].where[k] ^= 1;
      EXPECT_TRUE(wrong(bad)) << s << " " << k;
    }
}

TEST_F(Checker, LostMove) {
  ASSERT_GT(program_.moves.size(), 5u);
  for (size_t m = 0; m < program_.moves.size(); ++m) {
    Program bad = program_;
    bad.moves[m].value = bad.moves[m].value ? 0 : 1;
    EXPECT_TRUE(wrong(bad)) << m;
  }
}

TEST_F(Checker, SharedSpillSlot) {
  Program bad = program_;
  unsigned spills = 0;
  for (Move& m : bad.moves)
    if (m.kind == Move::Kind::kSpill || m.kind == Move::Kind::kReload) {
      m.spill = 0;
      ++spills;
    }
  ASSERT_GT(spills, 2u);
  EXPECT_TRUE(wrong(bad));
}

TEST_F(Checker, WrongSnapshot) {
  for (size_t i = 0; i < program_.spots.size(); ++i) {
    Program bad = program_;
    Spot& spot = bad.spots[i];
    if (spot.kind == Spot::Kind::kRegister)
      spot.reg ^= 1;
    else if (spot.kind == Spot::Kind::kSpill)
      ++spot.spill;
    else
      continue;
    EXPECT_TRUE(wrong(bad)) << i;
  }
}

TEST_F(Checker, ResultInAForbiddenRegister) {
  Program bad = program_;
  for (Step& s : bad.steps)
    if (s.result_where != kNone) {
      s.result_where = x86_64::kRsp;
      break;
    }
  EXPECT_TRUE(wrong(bad));
}

}  // namespace
}  // namespace mynah::ir::testing
