// SPDX-License-Identifier: Apache-2.0
//
// Event counters of the performance monitor, on guests of a few instructions: what is counted is exact, and
// so is where an overflow interrupts.
#include "tests/engine/engine_test.h"

namespace mynah::test {
namespace {

using namespace a64asm;

constexpr Word kPmevcntr0 = system(3, 3, 14, 8, 0), kPmevtyper0 = system(3, 3, 14, 12, 0),
               kPmevcntr1 = system(3, 3, 14, 8, 1), kPmevtyper1 = system(3, 3, 14, 12, 1);

class EventCounters : public EngineTest {};
MYNAH_BOTH_ACCELERATORS(EventCounters);

enum Label { kLoop };

TEST_P(EventCounters, InstructionsAreExact) {
  for (const unsigned rounds : {1u, 7u, 100u, 5000u}) {
    BareMachine machine(options());
    Code c(kCode);
    c(movz(1, 0x08), msr(kPmevtyper0, 1), movz(1, 1), msr(kPmcntenset, 1), movz(2, rounds), msr(kPmcr, 1));
    c.bind(kLoop)(add_imm(0, 0, 1), subs_imm(2, 2, 1)).b_cc(Cc::kNe, kLoop);
    c(mrs(3, kPmevcntr0), mrs(4, kPmevcntr0), hvc(0));
    machine.load(c);
    ASSERT_TRUE(machine.run_to_hvc());
    const uint64_t counted = machine.state().x(3);
    EXPECT_EQ(counted, 3 * uint64_t{rounds} + 1) << "the loop, and the write that began it or the read";
    EXPECT_EQ(machine.state().x(4), counted + 1);
  }
}

TEST_P(EventCounters, AnOverflowInterruptsAtItsInstruction) {
  uint64_t before = 0;
  for (const uint64_t left : {10u, 11u, 100u, 12345u}) {
    BareMachine machine(options());
    Code c(kCode);
    c(daifclr(2), movz(1, 0x08), msr(kPmevtyper0, 1), movz(1, 1), msr(kPmcntenset, 1), msr(kPmintenset, 1));
    c.load(2, 0x100000000 - left)(msr(kPmevcntr0, 2), msr(kPmcr, 1));
    c.bind(kLoop)(add_imm(0, 0, 1), kNop).b(kLoop);
    machine.load(c);
    ASSERT_TRUE(machine.run_to_hvc());
    EXPECT_EQ(machine.vector(), 0x280u);
    EXPECT_EQ(machine.state().pmovs, 1u);
    const uint64_t at = machine.vcpu->instructions() - left;
    if (before) EXPECT_EQ(at, before) << left;
    before = at;
  }
}

TEST_P(EventCounters, ExceptionsAndSoftwareIncrements) {
  BareMachine machine(options());
  Code c(kCode);
  c(movz(1, 0), msr(kPmevtyper0, 1), movz(1, 0x11), msr(kPmevtyper1, 1), movz(1, 3), msr(kPmcntenset, 1));
  c(movz(1, 1), msr(kPmcr, 1));
  for (int i = 0; i < 5; ++i) c(msr(system(3, 3, 9, 12, 4), 1));
  c(mrs(3, kPmevcntr0), mrs(4, kPmevcntr1), mrs(5, kPmccntr), hvc(0));
  machine.load(c);
  ASSERT_TRUE(machine.run_to_hvc());
  EXPECT_EQ(machine.state().x(3), 5u);
  EXPECT_GE(machine.state().x(4), 6u);
}

}  // namespace
}  // namespace mynah::test
