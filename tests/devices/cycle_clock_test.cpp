// SPDX-License-Identifier: Apache-2.0
//
// The cycle clock: stands while the processor sleeps, calls after cycles awake, keeps its state.
#include "devices/timer/cycle_clock.h"

#include <gtest/gtest.h>

#include "tests/devices/fakes.h"

namespace mynah::dev {
namespace {

struct Machine {
  void run_to(TimeNs t) {
    clock.time = t;
    events.run_due();
  }
  ManualClock clock;
  EventQueue events{clock};
  unsigned calls = 0;
  CycleClock cycles{events, 0, [this] { ++calls; }};
};

TEST(CycleClock, StandsStillAsleep) {
  Machine m;
  m.run_to(100);
  EXPECT_EQ(m.cycles.now(), 100u);
  m.cycles.sleep();
  m.run_to(150);
  m.cycles.sleep();
  m.run_to(1000);
  EXPECT_EQ(m.cycles.now(), 100u);
  m.cycles.wake();
  EXPECT_EQ(m.cycles.now(), 100u);
  m.run_to(1010);
  m.cycles.wake();
  EXPECT_EQ(m.cycles.now(), 110u);
  m.cycles.sleep();
  m.run_to(2000);
  m.cycles.wake();
  m.run_to(2001);
  EXPECT_EQ(m.cycles.now(), 111u);
}

TEST(CycleClock, CallsAfterCyclesNotTime) {
  Machine m;
  m.run_to(1000);
  m.cycles.call_after(50);
  EXPECT_EQ(m.events.next_deadline(), 1050);
  m.run_to(1020);
  m.cycles.sleep();
  EXPECT_EQ(m.events.next_deadline(), kNever) << "nobody is woken by the cycles he does not use";
  m.run_to(5000);
  EXPECT_EQ(m.calls, 0u);
  m.cycles.wake();
  EXPECT_EQ(m.events.next_deadline(), 5030);
  m.run_to(5029);
  EXPECT_EQ(m.calls, 0u);
  m.run_to(5030);
  EXPECT_EQ(m.calls, 1u);
  EXPECT_EQ(m.events.next_deadline(), kNever);
}

TEST(CycleClock, TheLastCallCounts) {
  Machine m;
  m.cycles.call_after(50);
  m.cycles.call_after(70);
  EXPECT_EQ(m.events.next_deadline(), 70);
  m.cycles.call_after(20);
  EXPECT_EQ(m.events.next_deadline(), 20);
  m.cycles.call_after(0);
  EXPECT_EQ(m.events.next_deadline(), kNever);
  m.cycles.sleep();
  m.cycles.call_after(30);
  EXPECT_EQ(m.events.next_deadline(), kNever);
  m.run_to(100);
  m.cycles.wake();
  EXPECT_EQ(m.events.next_deadline(), 130);
  m.cycles.reset();
  EXPECT_EQ(m.events.next_deadline(), kNever);
}

TEST(CycleClock, FarFuture) {
  Machine m;
  m.run_to(1000);
  for (const uint64_t cycles : {~uint64_t{0}, ~uint64_t{0} - 999, uint64_t{1} << 63}) {
    m.cycles.call_after(cycles);
    EXPECT_EQ(m.events.next_deadline(), kNever);
  }
  m.cycles.call_after((uint64_t{1} << 63) - 2000);
  EXPECT_EQ(m.events.next_deadline(), kNever - 999);
}

TEST(CycleClock, SaveAndRestore) {
  Machine a;
  a.cycles.call_after(500);
  a.run_to(100);
  a.cycles.sleep();
  a.run_to(300);
  const auto events = fake::save(a.events), cycles = fake::save(a.cycles);
  Machine b;
  b.clock.time = 300;
  ASSERT_TRUE(fake::load(b.events, events));
  ASSERT_TRUE(fake::load(b.cycles, cycles));
  EXPECT_EQ(fake::save(b.cycles), cycles);
  EXPECT_EQ(b.cycles.now(), 100u);
  b.cycles.wake();
  EXPECT_EQ(b.events.next_deadline(), 700);
  b.run_to(700);
  EXPECT_EQ(b.calls, 1u);
}

}  // namespace
}  // namespace mynah::dev
