// SPDX-License-Identifier: Apache-2.0
//
// Event timers by registers and clock, as the IA-PC HPET Specification 1.0a has them.
#include "devices/timer/hpet.h"

#include <gtest/gtest.h>

#include "tests/devices/fakes.h"

namespace mynah::dev {
namespace {

constexpr unsigned kRouted = 2;  // the only input that is to be had

struct HpetTest : testing::Test {
  uint64_t in(Offset at, Width width = Width::k8) { return hpet.read(at, width); }
  void out(Offset at, uint64_t value, Width width = Width::k4) { hpet.write(at, width, value); }
  static Offset timer(unsigned n) { return Hpet::kTimer0 + n * Hpet::kTimerBytes; }
  void at(uint64_t tick) {
    clock.time = static_cast<TimeNs>(tick) * Hpet::kTick;
    events.run_due();
  }
  // By edges, at the routed input.
  void set(unsigned n, uint32_t more, uint64_t comparator) {
    out(timer(n), Hpet::kInterruptEnable | kRouted << 9 | more);
    out(timer(n) + Hpet::kComparator, comparator, Width::k8);
  }
  ManualClock clock;
  EventQueue events{clock};
  fake::Irq irq;
  fake::RecordingLog log;
  Hpet hpet{events, irq, 1 << kRouted, log};
};

TEST_F(HpetTest, SaysWhatItIs) {
  EXPECT_EQ(in(Hpet::kCapabilities), 0x009896808086a201u) << "10 ns, three timers, legacy replacement";
  EXPECT_EQ(in(Hpet::kCapabilities + 4, Width::k4), 0x00989680u);
  EXPECT_EQ(in(timer(2)), 0x400000030u);
  EXPECT_EQ(in(timer(0) + Hpet::kComparator), ~uint64_t{0});
  out(timer(1), 0xffffffff);
  EXPECT_EQ(in(timer(1), Width::k4), 0x3f7eu) << "no messages";
  EXPECT_EQ(in(0x3f8), 0u);
}

TEST_F(HpetTest, CounterCountsWhileItMay) {
  at(100);
  EXPECT_EQ(in(Hpet::kCounter), 0u);
  out(Hpet::kCounter, 0xfffffff0);
  out(Hpet::kConfiguration, Hpet::kEnable);
  at(120);
  EXPECT_EQ(in(Hpet::kCounter), 0x100000004u);
  EXPECT_EQ(in(Hpet::kCounter + 4, Width::k4), 1u);
  out(Hpet::kCounter, 0);
  EXPECT_EQ(in(Hpet::kCounter), 0x100000004u) << "not while it counts";
  out(Hpet::kConfiguration, 0);
  at(200);
  EXPECT_EQ(in(Hpet::kCounter), 0x100000004u);
}

TEST_F(HpetTest, MatchesOnceAtItsComparator) {
  set(2, 0, 5000);
  at(6000);
  EXPECT_EQ(irq.rises[kRouted], 0u) << "nothing counts";
  out(Hpet::kConfiguration, Hpet::kEnable);
  at(10999);
  EXPECT_EQ(irq.rises[kRouted], 0u);
  at(11000);
  EXPECT_EQ(irq.rises[kRouted], 1u);
  EXPECT_FALSE(irq.level(kRouted)) << "an edge";
  EXPECT_EQ(in(Hpet::kStatus), 0u);
  at(uint64_t{1} << 40);
  EXPECT_EQ(irq.rises[kRouted], 1u) << "a round of 64 bits is long";
}

TEST_F(HpetTest, A32BitTimerMatchesEachRound) {
  out(Hpet::kConfiguration, Hpet::kEnable);
  set(0, Hpet::kForce32, 0x7'0000'1000);
  EXPECT_EQ(in(timer(0) + Hpet::kComparator), 0x1000u);
  at(0x1000);
  EXPECT_EQ(irq.rises[kRouted], 1u);
  at(0x1'0000'0fff);
  EXPECT_EQ(irq.rises[kRouted], 1u);
  at(0x1'0000'1000);
  EXPECT_EQ(irq.rises[kRouted], 2u);
}

TEST_F(HpetTest, LevelStaysUntilItsStatusIsCleared) {
  out(Hpet::kConfiguration, Hpet::kEnable);
  set(1, Hpet::kLevel, 2000);
  at(2000);
  EXPECT_TRUE(irq.level(kRouted));
  EXPECT_EQ(in(Hpet::kStatus), 2u);
  out(Hpet::kStatus, 5);
  EXPECT_TRUE(irq.level(kRouted)) << "another one's";
  out(timer(1), kRouted << 9 | Hpet::kLevel);
  EXPECT_FALSE(irq.level(kRouted)) << "disabled";
  out(timer(1), Hpet::kInterruptEnable | kRouted << 9 | Hpet::kLevel);
  EXPECT_TRUE(irq.level(kRouted));
  out(Hpet::kStatus, 2);
  EXPECT_FALSE(irq.level(kRouted));
}

// As Linux sets it: the first match with kSetValue, then the period.
TEST_F(HpetTest, PeriodicGoesOn) {
  at(500);
  out(Hpet::kConfiguration, Hpet::kEnable);
  set(0, Hpet::kPeriodic | Hpet::kSetValue, 3000);
  EXPECT_FALSE(in(timer(0)) & Hpet::kSetValue);
  out(timer(0) + Hpet::kComparator, 2000);
  EXPECT_EQ(in(timer(0) + Hpet::kComparator), 3000u);
  at(500 + 3000);
  EXPECT_EQ(irq.rises[kRouted], 1u);
  EXPECT_EQ(in(timer(0) + Hpet::kComparator), 5000u);
  at(500 + 5000);
  EXPECT_EQ(irq.rises[kRouted], 2u);
  at(500 + 20999);
  EXPECT_EQ(irq.rises[kRouted], 3u) << "late: what has passed is one";
  EXPECT_EQ(in(timer(0) + Hpet::kComparator), 21000u);
}

TEST_F(HpetTest, ShortestPeriodsDoNotStopTheHost) {
  out(Hpet::kConfiguration, Hpet::kEnable);
  set(0, Hpet::kPeriodic | Hpet::kSetValue, 1);
  out(timer(0) + Hpet::kComparator, 1);
  for (uint64_t tick = 1; tick <= 10000; ++tick) at(tick);
  EXPECT_GE(irq.rises[kRouted], 9u);
  EXPECT_LE(irq.rises[kRouted], 11u);
}

TEST_F(HpetTest, LegacyReplacementTakesTwoLines) {
  hpet.interval_timer().set(true);
  hpet.calendar().set(true);
  EXPECT_TRUE(irq.level(0) && irq.level(8)) << "passed on";
  out(Hpet::kConfiguration, Hpet::kEnable | Hpet::kLegacy);
  EXPECT_FALSE(irq.level(0) || irq.level(8));
  out(timer(0), Hpet::kInterruptEnable);
  out(timer(0) + Hpet::kComparator, 1500, Width::k8);
  out(timer(1), Hpet::kInterruptEnable | Hpet::kLevel);
  out(timer(1) + Hpet::kComparator, 1600, Width::k8);
  at(1600);
  EXPECT_EQ(irq.rises[0], 2u);
  EXPECT_TRUE(irq.level(8));
  out(Hpet::kConfiguration, Hpet::kEnable);
  EXPECT_TRUE(irq.level(0) && irq.level(8)) << "as they are";
  hpet.calendar().set(false);
  EXPECT_FALSE(irq.level(8));
}

TEST_F(HpetTest, ReservedRoutesGoNowhere) {
  out(Hpet::kConfiguration, Hpet::kEnable);
  out(timer(0), Hpet::kInterruptEnable | 5 << 9);
  out(timer(0) + Hpet::kComparator, 1500, Width::k8);
  at(1600);
  for (unsigned line = 0; line < 32; ++line) EXPECT_EQ(irq.rises[line], 0u);
}

TEST_F(HpetTest, SavedInTheMiddle) {
  out(Hpet::kConfiguration, Hpet::kEnable);
  set(1, Hpet::kLevel, 2000);
  set(2, 0, 4000);
  at(3000);
  const auto state = fake::save(hpet), due = fake::save(events);
  hpet.reset();
  EXPECT_FALSE(irq.level(kRouted));
  EXPECT_EQ(in(Hpet::kCounter), 0u);
  ASSERT_TRUE(fake::load(hpet, state) && fake::load(events, due));
  EXPECT_TRUE(irq.level(kRouted));
  EXPECT_EQ(in(Hpet::kCounter), 3000u);
  out(Hpet::kStatus, 2);
  at(4000);
  EXPECT_EQ(irq.rises[kRouted], 3u);
}

}  // namespace
}  // namespace mynah::dev
