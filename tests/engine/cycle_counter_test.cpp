// SPDX-License-Identifier: Apache-2.0
//
// The cycle counter and its overflow interrupt. A cycle of this machine is an instruction, so an overflow
// comes at an exact one.
#include "frontend/arm/sysregs_fields.h"
#include "tests/engine/engine_test.h"

namespace mynah::test {
namespace {

using namespace a64asm;

constexpr uint64_t kUser = 0x10000000;
constexpr uint64_t kCycles = arm::kPmuCycleCounter;

class CycleCounter : public EngineTest {
 protected:
  void SetUp() override { m_ = std::make_unique<BareMachine>(options()); }
  BareMachine& m() { return *m_; }
  // Counts from `value` behind the last instruction of this. Leaves 1 << 31 in x1.
  static Code& enable(Code& c, uint64_t value, bool interrupt = true) {
    c.load(1, kCycles).load(2, value)(movz(3, 1), msr(kPmcntenset, 1), msr(kPmccntr, 2));
    if (interrupt) c(msr(kPmintenset, 1));
    return c(msr(kPmcr, 3));
  }
  static uint64_t count_of(const Code& c) { return (c.here() - c.address()) / 4; }

 private:
  std::unique_ptr<BareMachine> m_;
};
MYNAH_BOTH_ACCELERATORS(CycleCounter);

enum Label { kLoop, kEnd };

TEST_P(CycleCounter, OverflowInterrupt) {
  for (const uint64_t cycles : {5u, 17u, 64u, 100u, 1234u, 100'000u}) {
    BareMachine machine(options());
    Code c(kCode);
    c(daifclr(2));
    enable(c, 0 - cycles);
    const uint64_t start = count_of(c) - 1;  // PMCR's write sees the cycles before it
    c.bind(kLoop)(add_imm(0, 0, 1), kNop).b(kLoop);
    machine.load(c);
    ASSERT_TRUE(machine.run_to_hvc());
    EXPECT_EQ(machine.vector(), 0x280u);
    EXPECT_EQ(machine.vcpu->instructions(), start + cycles + 1) << cycles;
    EXPECT_EQ(machine.state().pmovs, kCycles);
    EXPECT_EQ(machine.state().irq_pending, 1u);
    EXPECT_EQ(machine.events.next_deadline(), dev::kNever);
  }
}

// The line is a level: the overflow, its enable, and the enable of all.
TEST_P(CycleCounter, LineFollowsItsCauses) {
  const Word off[] = {msr(kPmovsclr, 1), msr(kPmintenclr, 1), msr(kPmcr, kZr)};
  const Word on[] = {msr(kPmovsset, 1), msr(kPmintenset, 1), msr(kPmcr, 3)};
  for (unsigned i = 0; i < 3; ++i) {
    BareMachine machine(options());
    Code c(kCode);
    enable(c, 0 - uint64_t{10});
    for (unsigned k = 0; k < 20; ++k) c(kNop);
    c(hvc(1), off[i], hvc(2), on[i], hvc(3));
    machine.load(c);
    ASSERT_TRUE(machine.run_to_hvc());
    EXPECT_EQ(machine.state().irq_pending, 1u) << i;
    ASSERT_TRUE(machine.run_to_hvc());
    EXPECT_EQ(machine.state().irq_pending, 0u) << i;
    ASSERT_TRUE(machine.run_to_hvc());
    EXPECT_EQ(machine.state().irq_pending, 1u) << i;
  }
}

// A handler that sets the counter back, as perf's does: samples at equal distances.
TEST_P(CycleCounter, Samples) {
  constexpr uint64_t kPeriod = 1000;
  Code handler(kVectors + 0x280);
  handler.load(5, 0 - kPeriod)(mrs(6, kPmccntr), msr(kPmovsclr, 1), add(5, 5, 6), msr(kPmccntr, 5));
  handler(add_imm(7, 7, 1), str_post(7, 8, 8), kEret);
  m().load(handler);
  Code c(kCode);
  c.load(8, kData)(daifclr(2));
  enable(c, 0 - kPeriod).bind(kLoop)(add_imm(0, 0, 1), kNop).b(kLoop);
  m().load(c);
  // Three instructions a sample pass between the look at the counter and its new value, and are lost.
  m().run(100'000);
  EXPECT_GE(m().x(7), 98u);
  EXPECT_LE(m().x(7), 100u);
}

TEST_P(CycleCounter, SeenWithoutAnInterrupt) {
  Code c(kCode);
  enable(c, 0 - uint64_t{8}, false);
  c(mrs(5, kPmovsset), kNop, kNop, kNop, kNop, kNop, mrs(6, kPmovsset), mrs(7, kPmccntr), mrs(8, kPmovsset));
  c(mrs(9, kPmccntr), hvc(0));
  m().load(c);
  ASSERT_TRUE(m().run_to_hvc());
  EXPECT_EQ(m().x(5), 0u);
  EXPECT_EQ(m().x(6), 0u);
  EXPECT_EQ(m().x(7), 0u);
  EXPECT_EQ(m().x(8), kCycles);
  EXPECT_EQ(m().x(9), 2u);
  EXPECT_EQ(m().events.next_deadline(), dev::kNever) << "nobody waits for it";
  EXPECT_EQ(m().state().irq_pending, 0u);
}

// PMCR.LC is RES1 on a processor without AArch32: 32 bits do not overflow, and D divides nothing.
TEST_P(CycleCounter, IsAlways64BitsWide) {
  Code c(kCode);
  enable(c, 0xfffffff0);
  c(movz(3, 1 | 8), msr(kPmcr, 3));
  for (unsigned k = 0; k < 30; ++k) c(kNop);
  c(mrs(5, kPmovsset), mrs(6, kPmccntr), mrs(7, kPmcr), hvc(0));
  m().load(c);
  ASSERT_TRUE(m().run_to_hvc());
  EXPECT_EQ(m().x(5), 0u);
  EXPECT_EQ(m().x(6), uint64_t{0xfffffff0} + 34);
  EXPECT_EQ(m().x(7) & 0x7f, 0x49u);
}

TEST_P(CycleCounter, StandsStillAsleep) {
  Code c(kCode);
  enable(c, 0 - uint64_t{100});
  const uint64_t start = count_of(c) - 1;
  c(kWfi, mrs(5, kPmccntr), daifclr(2)).bind(kLoop)(add_imm(0, 0, 1)).b(kLoop);
  m().load(c);
  EXPECT_EQ(m().run(1000), AfterExit::kHalt);
  EXPECT_FALSE(m().skip()) << "the counter that does not count wakes nobody";
  m().time.skipped += 1'000'000;
  m().state().irq_pending = 1;
  m().run(1);
  m().state().irq_pending = 0;
  ASSERT_TRUE(m().run_to_hvc());
  EXPECT_EQ(m().x(5), 0 - uint64_t{98});
  EXPECT_EQ(m().vector(), 0x280u);
  EXPECT_EQ(m().vcpu->instructions(), start + 100 + 1);
}

// --- levels that are not counted

class CycleCounterFilter : public CycleCounter {
 protected:
  // x5: the counter when EL1 takes over again from 20 instructions and an SVC at EL0; x6: 4 instructions
  // later.
  void run_filtered(uint64_t filter) {
    m().map(m().kernel_table(), kUser, kData, kMapUser | kMapReadOnly);
    std::vector<Word> user(20, kNop);
    user.push_back(svc(0));
    m().load(kData, user);
    m().load(kVectors + 0x400, {mrs(5, kPmccntr), kNop, kNop, kNop, mrs(6, kPmccntr), hvc(0)});
    Code c(kCode);
    c.load(4, kUser)(msr(kElr, 4)).load(4, 0x3c0)(msr(kSpsr, 4)).load(4, filter)(msr(kPmccfiltr, 4));
    enable(c, 0)(kNop, kNop, kEret);  // from PMCR's write on: four
    m().load(c);
    ASSERT_TRUE(m().run_to_hvc());
  }
};
MYNAH_BOTH_ACCELERATORS(CycleCounterFilter);

TEST_P(CycleCounterFilter, None) {
  run_filtered(0);
  EXPECT_EQ(m().x(5), 4 + 21u);
  EXPECT_EQ(m().x(6), m().x(5) + 4);
}

TEST_P(CycleCounterFilter, NotAtEl0) {
  run_filtered(arm::pmccfiltr::kU);
  EXPECT_EQ(m().x(5), 4u);
  EXPECT_EQ(m().x(6), m().x(5) + 4);
}

TEST_P(CycleCounterFilter, NotAtEl1) {
  run_filtered(arm::pmccfiltr::kP);
  EXPECT_EQ(m().x(5), 21u);
  EXPECT_EQ(m().x(6), m().x(5));
}

TEST_P(CycleCounterFilter, Nowhere) {
  run_filtered(arm::pmccfiltr::kU | arm::pmccfiltr::kP);
  EXPECT_EQ(m().x(5), 0u);
  EXPECT_EQ(m().x(6), 0u);
}

// A program that calls the system all the time overflows a counter of its own cycles at the same one of them.
TEST_P(CycleCounterFilter, OverflowInAUserProgram) {
  m().map(m().kernel_table(), kUser, kData, kMapUser | kMapReadOnly);
  Code user(kUser);
  user.bind(kLoop)(add_imm(0, 0, 1), kNop, kNop, svc(0)).b(kLoop);
  m().load(kData, user.words());
  m().load(kVectors + 0x400, {kNop, kNop, kNop, kNop, kNop, kNop, kEret});
  Code c(kCode);
  c.load(4, kUser)(msr(kElr, 4)).load(4, 0)(msr(kSpsr, 4)).load(4, arm::pmccfiltr::kP)(msr(kPmccfiltr, 4));
  enable(c, 0 - uint64_t{5 * 200 + 2})(kEret);
  m().load(c);
  ASSERT_TRUE(m().run_to_hvc());
  EXPECT_EQ(m().vector(), 0x480u);
  EXPECT_EQ(m().x(0), 201u);
  EXPECT_EQ(m().state().elr, kUser + 8);
}

}  // namespace
}  // namespace mynah::test
