// SPDX-License-Identifier: Apache-2.0
//
// PL031: seconds of guest time or of the host's clock, and matches at the second they are due.
#include "devices/rtc/pl031.h"

#include <gtest/gtest.h>

#include "tests/devices/fakes.h"

namespace mynah::dev {
namespace {

constexpr uint32_t kBase = 1'700'000'000;
constexpr TimeNs kSecond = 1'000'000'000;

struct Pl031Test : testing::Test {
  uint64_t rd(Offset o) { return rtc.read(o, Width::k4); }
  void wr(Offset o, uint64_t v) { rtc.write(o, Width::k4, v); }
  void at(TimeNs t) {
    clock.time = t;
    events.run_due();
  }

  ManualClock clock;
  EventQueue events{clock};
  fake::Irq irq;
  fake::RecordingLog log;
  RtcClock calendar{clock, kBase, true};
  Pl031 rtc{events, irq.line(), calendar, log};
};

TEST_F(Pl031Test, CountsSecondsFromItsBase) {
  EXPECT_EQ(rd(Pl031::kDr), kBase);
  at(kSecond - 1);
  EXPECT_EQ(rd(Pl031::kDr), kBase);
  at(kSecond);
  EXPECT_EQ(rd(Pl031::kDr), kBase + 1);
  at(100 * kSecond + 5);
  EXPECT_EQ(rd(Pl031::kDr), kBase + 100);
  EXPECT_EQ(rd(Pl031::kCr), 1u);
  const uint8_t id[8] = {0x31, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
  for (unsigned i = 0; i < 8; ++i) EXPECT_EQ(rd(0xfe0 + 4 * i), id[i]);
}

TEST_F(Pl031Test, LoadsTheCounter) {
  at(10 * kSecond);
  wr(Pl031::kLr, 5000);
  EXPECT_EQ(rd(Pl031::kLr), 5000u);
  EXPECT_EQ(rd(Pl031::kDr), 5000u);
  at(13 * kSecond);
  EXPECT_EQ(rd(Pl031::kDr), 5003u);
  wr(Pl031::kLr, 0xffff'ffff);
  at(15 * kSecond);
  EXPECT_EQ(rd(Pl031::kDr), 1u);  // wrapped
}

TEST_F(Pl031Test, RaisesTheMatchInterruptAtTheSecond) {
  at(kSecond / 2);
  wr(Pl031::kImsc, 1);
  wr(Pl031::kMr, kBase + 3);
  EXPECT_EQ(events.next_deadline(), 3 * kSecond);
  at(3 * kSecond - 1);
  EXPECT_FALSE(irq.level());
  at(3 * kSecond);
  EXPECT_TRUE(irq.level());
  EXPECT_EQ(rd(Pl031::kMis), 1u);
  wr(Pl031::kIcr, 1);
  EXPECT_FALSE(irq.level());
  at(4 * kSecond);
  EXPECT_FALSE(irq.level());
}

TEST_F(Pl031Test, MaskedMatchIsRawOnly) {
  wr(Pl031::kMr, kBase + 1);
  at(kSecond);
  EXPECT_EQ(rd(Pl031::kRis), 1u);
  EXPECT_EQ(rd(Pl031::kMis), 0u);
  EXPECT_FALSE(irq.level());
  wr(Pl031::kImsc, 1);
  EXPECT_TRUE(irq.level());
}

TEST_F(Pl031Test, MatchWithThePresentSecondIsImmediate) {
  wr(Pl031::kImsc, 1);
  wr(Pl031::kMr, kBase);
  EXPECT_TRUE(irq.level());
  wr(Pl031::kIcr, 1);
  wr(Pl031::kMr, kBase + 10);
  wr(Pl031::kLr, kBase + 10);
  EXPECT_TRUE(irq.level());
}

TEST_F(Pl031Test, LoadMovesThePendingMatch) {
  wr(Pl031::kImsc, 1);
  wr(Pl031::kMr, kBase + 100);
  wr(Pl031::kLr, kBase + 98);
  at(kSecond);
  EXPECT_FALSE(irq.level());
  at(2 * kSecond);
  EXPECT_TRUE(irq.level());
}

TEST_F(Pl031Test, MatchThatLiesBehindWaitsForTheWrap) {
  wr(Pl031::kImsc, 1);
  wr(Pl031::kMr, kBase - 1);
  at(1000 * kSecond);
  EXPECT_FALSE(irq.level());
  at(((TimeNs{1} << 32) - 1) * kSecond);
  EXPECT_TRUE(irq.level());
  wr(Pl031::kIcr, 1);
  at(((TimeNs{2} << 32) - 1) * kSecond);
  EXPECT_TRUE(irq.level());
}

TEST_F(Pl031Test, SurvivesTheEndOfTime) {
  at(kNever - 1);
  wr(Pl031::kIcr, 1);  // the match with 0 at the wraps on the way
  wr(Pl031::kMr, static_cast<uint32_t>(rd(Pl031::kDr)) - 1);
  EXPECT_EQ(rd(Pl031::kRis), 0u);
}

TEST_F(Pl031Test, ResetKeepsTheTime) {
  at(7 * kSecond);
  wr(Pl031::kImsc, 1);
  wr(Pl031::kMr, kBase + 7);
  rtc.reset();
  EXPECT_FALSE(irq.level());
  EXPECT_EQ(rd(Pl031::kDr), kBase + 7);
  EXPECT_EQ(rd(Pl031::kMr), 0u);
}

// The clock has moved and no event has run.
TEST_F(Pl031Test, WhoSeesTheMatchSeesTheInterrupt) {
  for (const auto reg : {Pl031::kDr, Pl031::kRis, Pl031::kMis}) {
    wr(Pl031::kImsc, 1);
    wr(Pl031::kMr, rd(Pl031::kDr) + 2);
    clock.time += 2 * kSecond - 1;
    rd(reg);
    EXPECT_FALSE(irq.level());
    ++clock.time;
    EXPECT_EQ(rd(reg), reg == Pl031::kDr ? rd(Pl031::kMr) : 1u);
    EXPECT_TRUE(irq.level());
    EXPECT_EQ(events.next_deadline(), kNever);
    wr(Pl031::kIcr, 1);
    EXPECT_FALSE(irq.level());
    clock.time += kSecond;
  }
}

// A calendar by a clock of the host's: guest time and the calendar go apart.
struct Pl031HostClock : Pl031Test {
  void pass(TimeNs guest, TimeNs host) {
    clock.time += guest;
    host_clock.time += host;
    events.run_due();
  }
  ManualClock host_clock;
  RtcClock wall{host_clock, kBase, false};
  fake::Irq irq2;
  Pl031 rtc2{events, irq2.line(), wall, log, "pl031b"};
  uint32_t date() { return static_cast<uint32_t>(rtc2.read(Pl031::kDr, Width::k4)); }
  void alarm(uint32_t at) {
    rtc2.write(Pl031::kMr, Width::k4, at);
    rtc2.write(Pl031::kImsc, Width::k4, 1);
  }
};

TEST_F(Pl031HostClock, GoesOnWhileTheGuestStands) {
  pass(0, 5 * kSecond);
  EXPECT_EQ(date(), kBase + 5);
  EXPECT_EQ(rd(Pl031::kDr), kBase);
  rtc2.write(Pl031::kLr, Width::k4, 100);
  pass(0, 5 * kSecond);
  EXPECT_EQ(date(), 105u);
}

TEST_F(Pl031HostClock, InterruptsAtTheHostsSecond) {
  pass(0, kSecond / 4);
  alarm(kBase + 3);
  for (unsigned i = 0; i < 11; ++i) {
    EXPECT_FALSE(irq2.level());
    pass(kSecond / 4, kSecond / 4);
  }
  EXPECT_TRUE(irq2.level());
}

TEST_F(Pl031HostClock, FindsAnAlarmThatPassedUnseen) {
  alarm(kBase + 1000);
  pass(kSecond, kSecond);
  pass(0, 2000 * kSecond);  // set forward
  EXPECT_FALSE(irq2.level());
  pass(kSecond, kSecond);
  EXPECT_TRUE(irq2.level());
  // The guest was stopped.
  rtc2.write(Pl031::kIcr, Width::k4, 1);
  alarm(date() + 1000);
  pass(0, 1000 * kSecond);
  EXPECT_FALSE(irq2.level());
  rtc2.clock_moved();
  EXPECT_TRUE(irq2.level());
}

TEST_F(Pl031HostClock, AnAlarmComesAgainWhenTheClockIsSetBack) {
  alarm(kBase + 10);
  pass(10 * kSecond, 10 * kSecond);
  EXPECT_TRUE(irq2.level());
  rtc2.write(Pl031::kIcr, Width::k4, 1);
  pass(kSecond, -5 * kSecond);
  EXPECT_EQ(date(), kBase + 5);
  for (unsigned i = 0; i < 4; ++i) pass(kSecond, kSecond);
  EXPECT_FALSE(irq2.level());
  pass(kSecond, kSecond);
  EXPECT_TRUE(irq2.level());
}

TEST_F(Pl031HostClock, AsksTheClockOnlyWhileAnAlarmIsWaitedFor) {
  EXPECT_EQ(events.next_deadline(), kNever);
  alarm(kBase + 10);
  EXPECT_EQ(events.next_deadline(), kSecond);
  rtc2.write(Pl031::kImsc, Width::k4, 0);
  EXPECT_EQ(events.next_deadline(), kNever);
}

TEST_F(Pl031Test, LogsMisuse) {
  EXPECT_EQ(rtc.read(0, Width::k8), 0u);
  EXPECT_EQ(rd(Pl031::kIcr), 0u);
  wr(Pl031::kDr, 1);
  wr(0x100, 1);
  EXPECT_EQ(log.errors.size(), 4u);
}

TEST_F(Pl031Test, SavesAndRestoresWithTheQueue) {
  at(2 * kSecond);
  wr(Pl031::kLr, 100);
  wr(Pl031::kMr, 105);
  wr(Pl031::kImsc, 1);
  const auto rtc_state = fake::save(rtc);
  const auto queue_state = fake::save(events);

  ManualClock clock2;
  EventQueue events2(clock2);
  fake::Irq irq2;
  const RtcClock calendar2(clock2, 1, true);
  Pl031 copy(events2, irq2.line(), calendar2, log);
  clock2.time = clock.time;
  ASSERT_TRUE(fake::load(events2, queue_state));
  ASSERT_TRUE(fake::load(copy, rtc_state));
  EXPECT_EQ(fake::save(copy), rtc_state);
  EXPECT_EQ(fake::save(events2), queue_state);
  EXPECT_EQ(copy.read(Pl031::kDr, Width::k4), 100u);
  clock2.time = 7 * kSecond;
  events2.run_due();
  EXPECT_TRUE(irq2.level());
}

}  // namespace
}  // namespace mynah::dev
