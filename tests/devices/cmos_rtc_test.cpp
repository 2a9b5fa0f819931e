// SPDX-License-Identifier: Apache-2.0
//
// MC146818A: calendar and its formats, setting it, interrupts, memory.
#include "devices/rtc/cmos_rtc.h"

#include <gtest/gtest.h>

#include "tests/devices/fakes.h"

namespace mynah::dev {
namespace {

constexpr TimeNs kSecond = 1'000'000'000;
constexpr int64_t kBase = 1'706'659'199;  // 2024-01-30 23:59:59, a Tuesday

struct CmosRtcTest : testing::Test {
  uint8_t rd(uint8_t n) {
    rtc.write(0, Width::k1, n);
    return static_cast<uint8_t>(rtc.read(1, Width::k1));
  }
  void wr(uint8_t n, uint8_t v) {
    rtc.write(0, Width::k1, n);
    rtc.write(1, Width::k1, v);
  }
  void at(TimeNs t) {
    clock.time = t;
    events.run_due();
  }

  ManualClock clock;
  EventQueue events{clock};
  fake::Irq irq;
  fake::RecordingLog log;
  RtcClock calendar{clock, kBase, true};
  CmosRtc rtc{events, irq.line(), calendar, log};
};

TEST_F(CmosRtcTest, Calendar) {
  EXPECT_EQ(rd(CmosRtc::kSeconds), 0x59);
  EXPECT_EQ(rd(CmosRtc::kHours), 0x23);
  EXPECT_EQ(rd(CmosRtc::kDayOfMonth), 0x30);
  EXPECT_EQ(rd(CmosRtc::kDayOfWeek), 3);
  EXPECT_EQ(rd(CmosRtc::kYear), 0x24);
  EXPECT_EQ(rd(CmosRtc::kCentury), 0x20);
  EXPECT_EQ(rd(CmosRtc::kD), 0x80);
  at(kSecond);
  EXPECT_EQ(rd(CmosRtc::kSeconds), 0);
  EXPECT_EQ(rd(CmosRtc::kHours), 0);
  EXPECT_EQ(rd(CmosRtc::kDayOfMonth), 0x31);
  wr(CmosRtc::kB, 0x06);  // binary
  EXPECT_EQ(rd(CmosRtc::kDayOfMonth), 31);
  wr(CmosRtc::kB, 0x00);  // 12 hours
  EXPECT_EQ(rd(CmosRtc::kHours), 0x12);
  at(13 * 3600 * kSecond + kSecond);
  EXPECT_EQ(rd(CmosRtc::kHours), 0x81);
}

TEST_F(CmosRtcTest, UpdateInProgress) {
  EXPECT_FALSE(rd(CmosRtc::kA) & 0x80);
  at(kSecond - 244'000);
  EXPECT_TRUE(rd(CmosRtc::kA) & 0x80);
  at(kSecond);
  EXPECT_FALSE(rd(CmosRtc::kA) & 0x80);
}

// As Linux sets it: updates halted; year, month, day, hours, minutes, seconds. On the way there are dates
// that do not exist.
TEST_F(CmosRtcTest, SetsADateByWayOfImpossibleOnes) {
  at(2 * kSecond);  // 31 January
  wr(CmosRtc::kB, 0x82);
  wr(CmosRtc::kYear, 0x23);
  wr(CmosRtc::kMonth, 0x02);
  wr(CmosRtc::kDayOfMonth, 0x10);
  wr(CmosRtc::kHours, 0x08);
  wr(CmosRtc::kMinutes, 0x15);
  wr(CmosRtc::kSeconds, 0x30);
  EXPECT_EQ(rd(CmosRtc::kMonth), 0x02);
  at(10 * kSecond);
  wr(CmosRtc::kB, 0x02);
  EXPECT_EQ(rd(CmosRtc::kYear), 0x23);
  EXPECT_EQ(rd(CmosRtc::kMonth), 0x02);
  EXPECT_EQ(rd(CmosRtc::kDayOfMonth), 0x10);
  EXPECT_EQ(rd(CmosRtc::kHours), 0x08);
  EXPECT_EQ(rd(CmosRtc::kMinutes), 0x15);
  EXPECT_EQ(rd(CmosRtc::kSeconds), 0x30);
  at(11 * kSecond);
  EXPECT_EQ(rd(CmosRtc::kSeconds), 0x31);
}

TEST_F(CmosRtcTest, HaltedClockStands) {
  wr(CmosRtc::kB, 0x82);
  at(100 * kSecond);
  EXPECT_EQ(rd(CmosRtc::kSeconds), 0x59);
  wr(CmosRtc::kB, 0x02);
  EXPECT_EQ(rd(CmosRtc::kSeconds), 0x59);
}

TEST_F(CmosRtcTest, UpdateEndedInterrupt) {
  wr(CmosRtc::kB, 0x12);
  EXPECT_FALSE(irq.level());
  EXPECT_EQ(events.next_deadline(), kSecond);
  at(kSecond);
  EXPECT_TRUE(irq.level());
  EXPECT_EQ(rd(CmosRtc::kC) & 0x90, 0x90);
  EXPECT_FALSE(irq.level());
  EXPECT_EQ(rd(CmosRtc::kC), 0);
  at(2 * kSecond);
  EXPECT_TRUE(irq.level());
}

TEST_F(CmosRtcTest, Alarm) {
  wr(CmosRtc::kHoursAlarm, 0xff);
  wr(CmosRtc::kMinutesAlarm, 0xc0);
  wr(CmosRtc::kSecondsAlarm, 0x05);
  wr(CmosRtc::kB, 0x22);
  at(5 * kSecond);
  EXPECT_FALSE(irq.level());
  at(6 * kSecond);
  EXPECT_TRUE(irq.level());
  EXPECT_EQ(rd(CmosRtc::kC) & 0xa0, 0xa0);
  at(7 * kSecond);
  EXPECT_FALSE(irq.level());
  wr(CmosRtc::kHoursAlarm, 0x01);
  wr(CmosRtc::kMinutesAlarm, 0x00);
  wr(CmosRtc::kSecondsAlarm, 0x00);
  for (int s = 8; s < 3601; ++s) {
    at(s * kSecond);
    ASSERT_FALSE(irq.level()) << s;
  }
  at(3601 * kSecond);
  EXPECT_TRUE(irq.level());
}

TEST_F(CmosRtcTest, Periodic) {
  wr(CmosRtc::kA, 0x26);  // 1024 Hz
  wr(CmosRtc::kB, 0x42);
  unsigned n = 0;
  for (TimeNs t = 0; t <= kSecond; t += 100'000) {
    at(t);
    if (irq.level()) {
      ++n;
      EXPECT_EQ(rd(CmosRtc::kC) & 0xc0, 0xc0);
    }
  }
  EXPECT_NEAR(n, 1024, 1);
  wr(CmosRtc::kA, 0x20);
  rd(CmosRtc::kC);
  at(3 * kSecond);
  EXPECT_FALSE(irq.level());
}

TEST_F(CmosRtcTest, Memory) {
  rtc.set_byte(0x17, 0x80);
  EXPECT_EQ(rd(0x17), 0x80);
  wr(0x7f, 0x5a);
  EXPECT_EQ(rd(0xff), 0x5a);  // bit 7 is NMI's
  wr(CmosRtc::kD, 0);
  EXPECT_EQ(rd(CmosRtc::kD), 0x80);
  rtc.reset();
  EXPECT_EQ(rd(0x7f), 0x5a);
}

TEST_F(CmosRtcTest, NoDateIsTooOdd) {
  for (unsigned v = 0; v < 256; ++v)
    for (const uint8_t n : {0, 2, 4, 7, 8, 9, 0x32}) {
      wr(n, static_cast<uint8_t>(v));
      rd(n);
    }
}

TEST_F(CmosRtcTest, SavesAndRestores) {
  wr(CmosRtc::kHours, 0x05);
  wr(CmosRtc::kB, 0x82);
  wr(CmosRtc::kMonth, 0x07);
  const auto state = fake::save(rtc);
  wr(CmosRtc::kMonth, 0x08);
  wr(CmosRtc::kB, 0x02);
  ASSERT_TRUE(fake::load(rtc, state));
  EXPECT_EQ(fake::save(rtc), state);
  EXPECT_EQ(rd(CmosRtc::kMonth), 0x07);
  EXPECT_EQ(rd(CmosRtc::kHours), 0x05);
}

TEST_F(CmosRtcTest, WiderAccessesAreByBytes) {
  rtc.write(0, Width::k2, 0x5a40);  // index and value at once
  EXPECT_EQ(rtc.read(1, Width::k1), 0x5au);
  EXPECT_EQ(rtc.read(0, Width::k2), 0x5affu);
}

}  // namespace
}  // namespace mynah::dev
