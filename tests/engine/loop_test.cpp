// SPDX-License-Identifier: Apache-2.0
//
// Blocks that go through their own loop's next rounds, and over jumps: whatever the number of rounds, and
// wherever one of them faults, registers and instruction counts are those of one instruction after another.
#include "frontend/block_walk.h"
#include "tests/engine/engine_test.h"

namespace mynah::test {
namespace {

using namespace a64asm;
using Way = BlockWalk::Way;

TEST(BlockWalk, GoesRoundWithinItsLimits) {
  for (unsigned round = 1; round < 40; ++round) {
    BlockWalk walk(0x100, true);
    unsigned instructions = round, rounds = 1;
    while (walk.branch(0x100, 0x100 + 4 * round, instructions) == Way::kTarget) {
      instructions += round;
      ++rounds;
    }
    EXPECT_LE(rounds, 8u) << round;
    EXPECT_LE(rounds == 1 ? 0 : instructions, 48u) << round;
    if (round <= 24) {
      EXPECT_GE(rounds, 2u) << round;
    }
  }
}

TEST(BlockWalk, GoesOnBehindForwardBranchesAndOverShortJumps) {
  BlockWalk walk(0x100, true);
  for (unsigned i = 0; i < 4; ++i) EXPECT_EQ(walk.branch(0x200, 0x104, 1 + i), Way::kNext);
  EXPECT_EQ(walk.branch(0x200, 0x104, 5), Way::kEnds);
  EXPECT_EQ(walk.branch(0x104, 0x110, 5), Way::kEnds);  // back, but not to the start
  EXPECT_TRUE(walk.jump(0x140, 0x114, 5));
  EXPECT_FALSE(walk.jump(0x180, 0x114, 5));
  EXPECT_FALSE(walk.jump(0x1000, 0xffc, 5));  // the next page
  EXPECT_FALSE(walk.jump(0x80, 0x114, 5));
  EXPECT_TRUE(walk.jump(0x100, 0x114, 5));
  // Each round may have side exits of its own.
  EXPECT_EQ(walk.branch(0x200, 0x104, 6), Way::kNext);
}

TEST(BlockWalk, OffEndsAtEachBranch) {
  BlockWalk walk(0x100, false);
  EXPECT_EQ(walk.branch(0x200, 0x104, 1), Way::kEnds);
  EXPECT_EQ(walk.branch(0x100, 0x104, 1), Way::kEnds);
  EXPECT_FALSE(walk.jump(0x108, 0x104, 1));
  EXPECT_FALSE(walk.jump(0x100, 0x104, 1));
}

class Loops : public EngineTest {
 protected:
  // x0 rounds of `code` at kCode, which ends with HVC: what x1 and the count come to.
  struct Outcome {
    uint64_t x1, instructions;
  };
  Outcome run(const std::vector<Word>& code, uint64_t rounds) {
    BareMachine m(options());
    m.load(kCode, code);
    m.x(0) = rounds;
    m.x(1) = 0;
    m.x(2) = kData;
    m.start(kCode);
    EXPECT_TRUE(m.run_to_hvc());
    return {m.x(1), m.vcpu->instructions()};
  }
};
MYNAH_BOTH_ACCELERATORS(Loops);

TEST_P(Loops, EveryNumberOfRounds) {
  for (uint64_t n = 1; n < 80; ++n) {
    const Outcome flags = run({add(1, 1, 0), subs_imm(0, 0, 1), b_cc(kNe, -8), hvc(0)}, n);
    EXPECT_EQ(flags.x1, n * (n + 1) / 2);
    EXPECT_EQ(flags.instructions, 3 * n + 1);
    const Outcome zero = run({add(1, 1, 0), sub_imm(0, 0, 1), cbnz(0, -8), hvc(0)}, n);
    EXPECT_EQ(zero.x1, n * (n + 1) / 2);
    EXPECT_EQ(zero.instructions, 3 * n + 1);
    // The way out is in the middle, the way back a jump.
    const Outcome middle = run({sub_imm(0, 0, 1), cbz(0, 12), add_imm(1, 1, 3), b(-12), hvc(0)}, n);
    EXPECT_EQ(middle.x1, 3 * (n - 1));
    EXPECT_EQ(middle.instructions, 4 * n - 1);
    // A jump over what is never executed.
    const Outcome over =
        run({b(12), movz(1, 99), movz(0, 0), add_imm(1, 1, 5), subs_imm(0, 0, 1), b_cc(kNe, -20), hvc(0)}, n);
    EXPECT_EQ(over.x1, 5 * n);
    EXPECT_EQ(over.instructions, 4 * n + 1);
  }
}

// Two loads that one guard serves lie on both sides of a page's end: the block comes to have two guards. What
// walks over the ends of pages keeps one.
TEST_P(Loops, GuardsThatKeepMissingAreParted) {
  if (!jit()) GTEST_SKIP() << "the evaluator has no guards to merge";
  constexpr uint64_t kRounds = 20'000;
  const auto misses = [&](Word step, uint64_t from) {
    BareMachine m(options());
    m.load(kCode,
           {ldur(3, 2, -16), ldr(4, 2, 16), add(1, 1, 3), step, subs_imm(0, 0, 1), b_cc(kNe, -20), hvc(0)});
    m.x(0) = kRounds;
    m.x(2) = from;
    m.start(kCode);
    EXPECT_TRUE(m.run_to_hvc());
    EXPECT_EQ(m.vcpu->instructions(), 6 * kRounds + 1);
    return m.vcpu->dispatcher_stats().guard_misses;
  };
  EXPECT_LT(misses(add_imm(2, 2, 0), kData + kPage), 200u);
  EXPECT_LT(misses(add_imm(2, 2, 1), kData + kPage / 2), 30 * kRounds / kPage);
}

// Each round loads from the next eight bytes; from the end of the page on there is nothing.
TEST_P(Loops, FaultsInEveryRound) {
  for (uint64_t n = 1; n < 40; ++n) {
    BareMachine m(options());
    const uint64_t table = m.kernel_table();
    m.map(table, kData, kData);
    m.unmap(table, kData + kPage);
    m.load(kCode, {ldr_post(3, 2, 8), add_imm(1, 1, 1), subs_imm(0, 0, 1), b_cc(kNe, -12), hvc(0)});
    m.load(kVectors + 0x200, {hvc(0)});
    m.x(0) = 1000;
    m.x(1) = 0;
    m.x(2) = kData + kPage - 8 * n;
    m.start(kCode);
    ASSERT_TRUE(m.run_to_hvc());
    EXPECT_EQ(m.vector(), 0x200u);
    EXPECT_EQ(m.x(0), 1000 - n);
    EXPECT_EQ(m.x(1), n);
    EXPECT_EQ(m.x(2), kData + kPage);
    EXPECT_EQ(m.vcpu->instructions(), 4 * n + 2);
  }
}

// A loop that writes over one of its own instructions sees it in the next round.
TEST_P(Loops, ChangedFromWithin) {
  for (uint64_t n = 2; n < 40; ++n) {
    BareMachine m(options());
    m.load(kCode, {add_imm(1, 1, 1), str_w(4, 3), subs_imm(0, 0, 1), b_cc(kNe, -12), hvc(0)});
    m.x(0) = n;
    m.x(1) = 0;
    m.x(3) = kCode;
    m.x(4) = add_imm(1, 1, 7);
    m.start(kCode);
    ASSERT_TRUE(m.run_to_hvc());
    EXPECT_EQ(m.x(1), 1 + 7 * (n - 1));
    EXPECT_EQ(m.vcpu->instructions(), 4 * n + 1);
  }
}

}  // namespace
}  // namespace mynah::test
