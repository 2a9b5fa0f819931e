// SPDX-License-Identifier: Apache-2.0
//
// The generic timer: the counter is exact, a line rises at the first nanosecond its condition holds.
#include "devices/timer/generic_timer.h"

#include <gtest/gtest.h>

#include <limits>

namespace mynah::dev {
namespace {

constexpr auto kPhys = GenericTimer::Timer::kPhysical;
constexpr auto kVirt = GenericTimer::Timer::kVirtual;

struct Wires : IrqSink {
  void set_irq(unsigned line, bool level) override {
    levels[line] = level;
    changes++;
  }
  bool levels[2] = {};
  int changes = 0;
};

struct Machine {
  explicit Machine(uint32_t hz = GenericTimer::kDefaultFrequency)
      : timer(events, 0, {wires, 0}, {wires, 1}, hz) {}
  void run_to(TimeNs t) {
    clock.time = t;
    events.run_due();
  }
  ManualClock clock;
  EventQueue events{clock};
  Wires wires;
  GenericTimer timer;
};

TEST(GenericTimer, CounterIsExact) {
  Machine m;
  EXPECT_EQ(m.timer.frequency(), 62'500'000u);
  EXPECT_EQ(m.timer.counter_at(0), 0u);
  EXPECT_EQ(m.timer.counter_at(15), 0u);
  EXPECT_EQ(m.timer.counter_at(16), 1u);
  EXPECT_EQ(m.timer.counter_at(1'000'000'000), 62'500'000u);
  EXPECT_EQ(m.timer.counter_at(kNever), static_cast<uint64_t>(kNever) / 16);
  Machine fast(1'000'000'000);
  EXPECT_EQ(fast.timer.counter_at(kNever), static_cast<uint64_t>(kNever));
}

TEST(GenericTimer, TimeOfIsTheFirstNanosecond) {
  for (uint32_t hz :
       {62'500'000u, 19'200'000u, 24'576'000u, 1u, 3u, 999'999'937u, 1'000'000'000u, 4'294'967'295u}) {
    Machine m(hz);
    for (uint64_t value : {0ull, 1ull, 2ull, 3ull, 12345ull, 62'500'000ull, 987'654'321ull}) {
      const TimeNs t = m.timer.time_of(value);
      ASSERT_NE(t, kNever);
      EXPECT_GE(m.timer.counter_at(t), value) << hz;
      EXPECT_TRUE(t == 0 || m.timer.counter_at(t - 1) < value) << hz;
    }
    // At 2 GHz and above even the largest value is within range.
    const TimeNs last = m.timer.time_of(~0ull);
    EXPECT_EQ(last == kNever, hz < 2'000'000'000) << hz;
  }
}

// The clock has moved and no event has run: what shows the condition raises the line with it.
TEST(GenericTimer, WhoReadsTheConditionRaisesTheLine) {
  for (const auto timer : {kPhys, kVirt}) {
    for (const bool by_ctl : {true, false}) {
      Machine m;
      const bool& level = m.wires.levels[static_cast<unsigned>(timer)];
      m.timer.write_cval(timer, 100);
      m.timer.write_ctl(timer, GenericTimer::kEnable);
      m.clock.time = m.timer.time_of(100) - 1;
      EXPECT_EQ(m.timer.read_ctl(timer), GenericTimer::kEnable);
      EXPECT_EQ(m.timer.read_tval(timer), 1u);
      EXPECT_FALSE(level);
      ++m.clock.time;
      if (by_ctl)
        EXPECT_EQ(m.timer.read_ctl(timer), GenericTimer::kEnable | GenericTimer::kIstatus);
      else
        EXPECT_EQ(m.timer.read_tval(timer), 0u);
      EXPECT_TRUE(level);
      EXPECT_EQ(m.events.next_deadline(), kNever);
      m.events.run_due();
      EXPECT_EQ(m.wires.changes, 1);
    }
  }
}

TEST(GenericTimer, FiresAtTheFirstNanosecond) {
  Machine m(19'200'000);  // 52.083.. ns a tick
  m.timer.write_cval(kVirt, 7);
  m.timer.write_ctl(kVirt, 1);
  const TimeNs due = 365;  // ceil(7 * 10^9 / 19200000)
  EXPECT_EQ(m.events.next_deadline(), due);
  m.run_to(due - 1);
  EXPECT_FALSE(m.wires.levels[1]);
  EXPECT_EQ(m.timer.read_ctl(kVirt), 1u);
  m.run_to(due);
  EXPECT_TRUE(m.wires.levels[1]);
  EXPECT_FALSE(m.wires.levels[0]);
  EXPECT_EQ(m.timer.read_ctl(kVirt), 5u);
  EXPECT_EQ(m.events.next_deadline(), kNever);
  m.timer.write_cval(kVirt, 1000);
  EXPECT_FALSE(m.wires.levels[1]);
  EXPECT_EQ(m.timer.read_ctl(kVirt), 1u);
}

TEST(GenericTimer, TimersAreIndependent) {
  Machine m;
  m.timer.write_cval(kPhys, 100);
  m.timer.write_cval(kVirt, 200);
  m.timer.write_ctl(kPhys, 1);
  m.timer.write_ctl(kVirt, 1);
  EXPECT_EQ(m.timer.read_cval(kPhys), 100u);
  EXPECT_EQ(m.timer.read_cval(kVirt), 200u);
  m.run_to(1600);
  EXPECT_TRUE(m.timer.line(kPhys));
  EXPECT_FALSE(m.timer.line(kVirt));
  m.run_to(3200);
  EXPECT_TRUE(m.timer.line(kVirt));
}

TEST(GenericTimer, CvalInThePast) {
  Machine m;
  m.run_to(1'000'000);
  m.timer.write_cval(kVirt, 1);
  m.timer.write_ctl(kVirt, 1);
  EXPECT_TRUE(m.wires.levels[1]);
  m.timer.write_ctl(kVirt, 0);
  EXPECT_FALSE(m.wires.levels[1]);
  m.timer.write_ctl(kVirt, 1);  // CVAL 0 and enabled at once
  m.timer.write_cval(kVirt, 0);
  EXPECT_TRUE(m.wires.levels[1]);
}

TEST(GenericTimer, TvalIsSigned) {
  Machine m;
  m.run_to(16'000);  // counter 1000
  m.timer.write_tval(kVirt, 500);
  EXPECT_EQ(m.timer.read_cval(kVirt), 1500u);
  EXPECT_EQ(m.timer.read_tval(kVirt), 500u);
  m.timer.write_tval(kVirt, 0xffffffff);
  EXPECT_EQ(m.timer.read_cval(kVirt), 999u);
  EXPECT_EQ(m.timer.read_tval(kVirt), 0xffffffffu);
  m.timer.write_tval(kVirt, 0xffffffff'00000001);  // the upper half is ignored
  EXPECT_EQ(m.timer.read_cval(kVirt), 1001u);
  m.timer.write_tval(kVirt, 0x7fffffff);
  EXPECT_EQ(m.timer.read_cval(kVirt), 1000u + 0x7fffffffu);
  m.timer.write_ctl(kVirt, 1);
  EXPECT_FALSE(m.wires.levels[1]);
  m.timer.write_tval(kVirt, static_cast<uint32_t>(-1000));
  EXPECT_EQ(m.timer.read_cval(kVirt), 0u);
  EXPECT_TRUE(m.wires.levels[1]);
  m.run_to(32'000);
  EXPECT_EQ(m.timer.read_tval(kVirt), static_cast<uint32_t>(-2000));
  // Below 0 the compare value wraps to the far future: comparison is unsigned, 64 bits wide.
  m.timer.write_tval(kVirt, static_cast<uint32_t>(-2001));
  EXPECT_EQ(m.timer.read_cval(kVirt), ~0ull);
  EXPECT_FALSE(m.wires.levels[1]);
}

TEST(GenericTimer, FarFutureDoesNotOverflow) {
  for (uint32_t hz : {1u, 62'500'000u, 1'000'000'000u, 4'294'967'295u}) {
    Machine m(hz);
    m.run_to(1'000'000'000);
    m.timer.write_ctl(kVirt, 1);
    for (uint64_t cval : {~0ull, ~0ull - 1, 1ull << 63, 1ull << 62, 1ull << 56}) {
      m.timer.write_cval(kVirt, cval);
      EXPECT_EQ(m.timer.read_ctl(kVirt), 1u);
      EXPECT_FALSE(m.wires.levels[1]);
      EXPECT_GT(m.events.next_deadline(), m.clock.time);
    }
  }
  Machine m;
  m.timer.write_ctl(kVirt, 1);
  m.timer.write_cval(kVirt, ~0ull);
  EXPECT_EQ(m.events.next_deadline(), kNever);  // 9000 years away
  m.run_to(std::numeric_limits<TimeNs>::max() - 1);
  EXPECT_FALSE(m.wires.levels[1]);
}

TEST(GenericTimer, MaskAndDisable) {
  Machine m;
  m.timer.write_cval(kVirt, 100);
  m.timer.write_ctl(kVirt, 3);
  EXPECT_EQ(m.events.next_deadline(), kNever);  // nothing to wake for
  m.run_to(16'000);
  EXPECT_FALSE(m.wires.levels[1]);
  EXPECT_EQ(m.timer.read_ctl(kVirt), 7u);
  m.timer.write_ctl(kVirt, 1);
  EXPECT_TRUE(m.wires.levels[1]);
  m.timer.write_ctl(kVirt, 3);
  EXPECT_FALSE(m.wires.levels[1]);
  m.timer.write_ctl(kVirt, 0);
  EXPECT_EQ(m.timer.read_ctl(kVirt), 0u);  // ISTATUS of a disabled timer
  m.timer.write_ctl(kVirt, ~0ull);
  EXPECT_EQ(m.timer.read_ctl(kVirt), 7u);  // ISTATUS is read-only, the rest reserved

  m.timer.write_ctl(kVirt, 1);
  m.timer.write_cval(kVirt, 2000);
  EXPECT_NE(m.events.next_deadline(), kNever);
  m.timer.write_ctl(kVirt, 0);
  EXPECT_EQ(m.events.next_deadline(), kNever);
  m.run_to(1'000'000);
  EXPECT_FALSE(m.wires.levels[1]);
}

TEST(GenericTimer, LateEventAndRewrittenDeadline) {
  Machine m;
  m.timer.write_cval(kVirt, 100);
  m.timer.write_ctl(kVirt, 1);
  m.timer.write_cval(kVirt, 50);
  EXPECT_EQ(m.events.next_deadline(), 800);
  m.timer.write_cval(kVirt, 200);
  EXPECT_EQ(m.events.next_deadline(), 3200);
  m.run_to(1'000'000);  // long overdue
  EXPECT_TRUE(m.wires.levels[1]);
  EXPECT_EQ(m.wires.changes, 1);
}

TEST(GenericTimer, PeriodicTicks) {
  Machine m;
  m.timer.write_ctl(kVirt, 1);
  m.timer.write_tval(kVirt, 250'000);  // 4 ms
  int ticks = 0;
  while (m.clock.time < 1'000'000'000 && m.events.next_deadline() != kNever) {
    m.run_to(m.events.next_deadline());
    ASSERT_TRUE(m.wires.levels[1]);
    ticks++;
    m.timer.write_tval(kVirt, 250'000);
    ASSERT_FALSE(m.wires.levels[1]);
  }
  EXPECT_EQ(ticks, 250);
}

TEST(GenericTimer, SaveAndRestore) {
  Machine a;
  a.timer.write_cval(kVirt, 100);
  a.timer.write_ctl(kVirt, 1);
  a.timer.write_cval(kPhys, 10);
  a.timer.write_ctl(kPhys, 1);
  a.run_to(200);
  EXPECT_TRUE(a.wires.levels[0]);
  StateStream saved;
  a.events.serialize(saved);
  a.timer.serialize(saved);

  Machine b;
  b.clock.time = 200;
  StateStream loading(saved.bytes());
  b.events.serialize(loading);
  b.timer.serialize(loading);
  ASSERT_FALSE(loading.failed());
  EXPECT_EQ(b.wires.changes, 0);  // the interrupt controller restores its own inputs
  EXPECT_TRUE(b.timer.line(kPhys));
  EXPECT_EQ(b.timer.read_ctl(kPhys), 5u);
  EXPECT_EQ(b.events.next_deadline(), 1600);
  StateStream again;
  b.events.serialize(again);
  b.timer.serialize(again);
  EXPECT_EQ(again.bytes(), saved.bytes());
  b.run_to(1600);
  EXPECT_TRUE(b.wires.levels[1]);
  b.timer.write_ctl(kPhys, 0);
  EXPECT_EQ(b.wires.changes, 2);
}

TEST(GenericTimer, Reset) {
  Machine m;
  m.timer.write_ctl(kVirt, 1);
  m.timer.write_cval(kPhys, 1000);
  m.timer.write_ctl(kPhys, 1);
  EXPECT_TRUE(m.wires.levels[1]);
  m.timer.reset();
  EXPECT_FALSE(m.wires.levels[1]);
  EXPECT_EQ(m.events.next_deadline(), kNever);
  EXPECT_EQ(m.timer.read_ctl(kVirt), 0u);
  EXPECT_EQ(m.timer.read_cval(kPhys), 0u);
}

}  // namespace
}  // namespace mynah::dev
