// SPDX-License-Identifier: Apache-2.0
//
// How often what is taken is told, and what a debugger's watchpoint on a frame makes of its delivery.
#include "tests/x86_system/system_test.h"

namespace mynah::test {

MYNAH_SYSTEM_TEST(Events);

TEST_P(Events, AreToldOnce) {
  MYNAH_NOT_ON_HOST("it does not tell");
  BareMachine m(options(Start::kLong64));
  m.run({0x0f, 0x0b});
  EXPECT_EQ(m.taken, std::vector<unsigned>{6});
  BareMachine n(options(Start::kLong64));
  n.set_gate(13, kCode64, 0x0e);  // not present
  n.set_gate(8, kCode64, 0x8e, 1);
  n.r(kRax) = uint64_t{1} << 60;
  n.run({0x8b, 0x00});
  EXPECT_EQ(n.vector(), 8u);
  EXPECT_EQ(n.taken, (std::vector<unsigned>{13, 8}));
}

StopPoints::Watchpoint frame_of(const BareMachine& m) {
  return {.address = (m.cpu->x86().r(kRsp) & ~uint64_t{15}) - 40,
          .length = 40,
          .on_read = false,
          .on_write = true};
}

// An interrupt is delivered though its frame is watched, and the stop is in front of its handler.
TEST_P(Events, InterruptWithWatchedFrame) {
  MYNAH_NOT_ON_HOST("the watchpoints are the debugger's");
  BareMachine m(options(Start::kLong64));
  m.s().eflags |= eflags::kIf;
  m.group->set_watchpoint(frame_of(m), true);
  m.interrupt = 0x33;
  m.cpu->interrupt_changed();
  EXPECT_EQ(m.run({0x90, 0x90}), AfterExit::kDebug);
  EXPECT_EQ(m.s().pc(), kHandlers + 0x33 * 16);
  EXPECT_TRUE(m.vcpu->take_watch_hit().has_value());
  EXPECT_EQ(m.frame(0), kCode);
  EXPECT_EQ(m.go_on(), AfterExit::kHalt);
  EXPECT_EQ(m.vector(), 0x33u);
}

TEST_P(Events, NmiWithWatchedFrame) {
  MYNAH_NOT_ON_HOST("the watchpoints are the debugger's");
  BareMachine m(options(Start::kLong64));
  m.group->set_watchpoint(frame_of(m), true);
  m.cpu->nmi();
  EXPECT_EQ(m.run({0x90, 0x90}), AfterExit::kDebug);
  EXPECT_EQ(m.go_on(), AfterExit::kHalt);
  EXPECT_EQ(m.vector(), 2u);
}

// Behind a fault with a watched frame no helper is taken for one that is to be called again: IRETQ completes.
TEST_P(Events, FaultWithWatchedFrame) {
  MYNAH_NOT_ON_HOST("the watchpoints are the debugger's");
  BareMachine m(options(Start::kLong64));
  m.s().eflags |= eflags::kTf;  // a step is noted when IRETQ completes
  m.group->set_watchpoint(frame_of(m), true);
  m.load(kHandlers + 6 * 16, {0x48, 0x83, 0x04, 0x24, 0x02, 0x48, 0xcf});  // add qword [rsp], 2; iretq
  EXPECT_EQ(m.run({0x0f, 0x0b, 0x90, 0x90}), AfterExit::kDebug);
  EXPECT_EQ(m.s().pc(), kHandlers + 6 * 16);
  m.vcpu->take_watch_hit();
  m.group->clear_stop_points();
  m.s().eflags &= ~eflags::kTf;
  EXPECT_EQ(m.go_on(), AfterExit::kHalt);
  EXPECT_EQ(m.vector(), 1u);  // TF is set again, behind the NOP
  EXPECT_EQ(m.frame(0), kCode + 3);
}

}  // namespace mynah::test
