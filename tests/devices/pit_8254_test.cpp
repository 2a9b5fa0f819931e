// SPDX-License-Identifier: Apache-2.0
//
// 8254: modes, latches, gates and port 0x61 (data sheet 231164).
#include "devices/timer/pit_8254.h"

#include <gtest/gtest.h>

#include "tests/devices/fakes.h"

namespace mynah::dev {
namespace {

struct Pit8254Test : testing::Test {
  void out(Offset o, uint8_t v) { pit.write(o, Width::k1, v); }
  uint8_t in(Offset o) { return static_cast<uint8_t>(pit.read(o, Width::k1)); }
  void start(unsigned n, unsigned mode, uint16_t count, bool bcd = false) {
    out(3, static_cast<uint8_t>(n << 6 | 0x30 | mode << 1 | bcd));
    out(n, static_cast<uint8_t>(count));
    out(n, static_cast<uint8_t>(count >> 8));
  }
  unsigned count(unsigned n) {
    out(3, static_cast<uint8_t>(n << 6));
    const unsigned low = in(n);
    return low | unsigned{in(n)} << 8;
  }
  bool output(unsigned n) {
    out(3, static_cast<uint8_t>(0xe0 | 2u << n));
    return in(n)&0x80;
  }
  // Time goes on by whole clocks of the timer, counted from 0.
  void at(uint64_t ticks) {
    clock.time = static_cast<TimeNs>((ticks * 1'000'000'000 + Pit8254::kHz - 1) / Pit8254::kHz);
    events.run_due();
  }
  void gate(bool on) { pit.speaker_port().write(0, Width::k1, on); }
  uint8_t port61() { return static_cast<uint8_t>(pit.speaker_port().read(0, Width::k1)); }

  ManualClock clock;
  EventQueue events{clock};
  fake::Irq irq;
  fake::RecordingLog log;
  Pit8254 pit{events, irq.line(), log};
};

TEST_F(Pit8254Test, Mode0RisesAtItsEnd) {
  start(0, 0, 1000);
  EXPECT_FALSE(irq.level());
  at(400);
  EXPECT_EQ(count(0), 600u);
  at(999);
  EXPECT_FALSE(irq.level());
  at(1000);
  EXPECT_TRUE(irq.level());
  at(1001);
  EXPECT_EQ(count(0), 0xffffu);  // counts on
  out(0, 5);                     // the first byte stops it
  EXPECT_FALSE(irq.level());
}

TEST_F(Pit8254Test, Mode2InterruptsEachPeriod) {
  start(0, 2, 1193);
  EXPECT_TRUE(irq.level());
  const unsigned before = irq.rises[0];
  for (uint64_t t = 1; t <= 1193 * 10; ++t) at(t);
  EXPECT_EQ(irq.rises[0], before + 10);
  at(1193 * 10 + 93);
  EXPECT_EQ(count(0), 1100u);
}

TEST_F(Pit8254Test, Mode3IsSquare) {
  start(0, 3, 101);
  at(50);
  EXPECT_TRUE(irq.level());
  at(51);  // 51 high, 50 low
  EXPECT_FALSE(irq.level());
  at(100);
  EXPECT_FALSE(irq.level());
  at(101);
  EXPECT_TRUE(irq.level());
  EXPECT_EQ(count(0) & 1, 0u);
}

TEST_F(Pit8254Test, Mode4Strobes) {
  start(0, 4, 100);
  at(99);
  EXPECT_TRUE(irq.level());
  at(100);
  EXPECT_FALSE(irq.level());
  at(101);
  EXPECT_TRUE(irq.level());
}

TEST_F(Pit8254Test, Modes1And5WaitForTheGate) {
  start(2, 1, 100);
  EXPECT_TRUE(port61() & 0x20);
  at(50);
  gate(true);
  EXPECT_FALSE(port61() & 0x20);
  at(149);
  EXPECT_FALSE(port61() & 0x20);
  at(151);
  EXPECT_TRUE(port61() & 0x20);
  gate(false);
  gate(true);
  EXPECT_FALSE(port61() & 0x20);
  gate(false);
  at(1000);
  start(2, 5, 100);
  EXPECT_TRUE(port61() & 0x20);
  gate(true);
  at(1099);
  EXPECT_TRUE(port61() & 0x20);
}

TEST_F(Pit8254Test, GateHoldsMode0) {
  start(2, 0, 1000);  // the gate is low
  at(5000);
  EXPECT_FALSE(port61() & 0x20);
  EXPECT_EQ(count(2), 1000u);
  gate(true);
  at(5400);
  EXPECT_NEAR(count(2), 600, 1);
  gate(false);
  at(9000);
  EXPECT_NEAR(count(2), 600, 1);
  EXPECT_FALSE(port61() & 0x20);
  gate(true);
  at(9602);
  EXPECT_TRUE(port61() & 0x20);
}

TEST_F(Pit8254Test, CalibrationByChannel2) {
  gate(true);
  start(2, 0, 59659);  // 50 ms
  at(59658);
  EXPECT_FALSE(port61() & 0x20);
  at(59659);
  EXPECT_TRUE(port61() & 0x20);
}

TEST_F(Pit8254Test, Bcd) {
  start(0, 0, 0x1000, true);
  at(1);
  EXPECT_EQ(count(0), 0x0999u);
}

TEST_F(Pit8254Test, BcdZeroIsTenThousand) {
  start(0, 2, 0, true);
  at(9998);
  EXPECT_TRUE(irq.level());
  at(9999);
  EXPECT_FALSE(irq.level());
}

TEST_F(Pit8254Test, LatchesAndReadBack) {
  start(0, 2, 0x1234);
  at(0x34);
  out(3, 0x00);
  at(0x100);
  out(3, 0x00);  // held: the first one counts
  EXPECT_EQ(in(0), 0x00);
  EXPECT_EQ(in(0), 0x12);
  out(3, 0xc2);  // status and count
  EXPECT_EQ(in(0), 0x80 | 0x30 | 2 << 1);
  EXPECT_EQ(in(0), 0x34);
  EXPECT_EQ(in(0), 0x11);
  out(3, 0x10);  // low byte only: no count yet
  out(3, 0xe2);
  EXPECT_EQ(in(0) & 0x7f, 0x40 | 0x10);
}

TEST_F(Pit8254Test, Port61) {
  EXPECT_EQ(port61() & 3, 0);
  pit.speaker_port().write(0, Width::k1, 3);
  EXPECT_EQ(port61() & 3, 3);
  const uint8_t before = port61() & 0x10;
  clock.time += 15085;
  EXPECT_NE(port61() & 0x10, before);
}

TEST_F(Pit8254Test, SavesAndRestores) {
  start(0, 2, 1000);
  start(2, 3, 77);
  at(300);
  const auto state = fake::save(pit);
  pit.reset();
  ASSERT_TRUE(fake::load(pit, state));
  EXPECT_EQ(fake::save(pit), state);
  EXPECT_EQ(count(0), 700u);
}

// A host that comes late sees the edges that have passed as one.
TEST_F(Pit8254Test, LateEdgesAreOne) {
  start(0, 2, 1000);
  unsigned rises = irq.rises[0];
  at(1500);  // the pulse of one clock before 1000 has come and gone
  EXPECT_EQ(irq.rises[0], ++rises);
  at(7300);
  EXPECT_EQ(irq.rises[0], ++rises);
  EXPECT_TRUE(irq.level());
  at(7999);
  EXPECT_FALSE(irq.level());
  at(8000);
  EXPECT_EQ(irq.rises[0], ++rises);
  at(10000);
  start(0, 4, 100);
  rises = irq.rises[0];
  at(12000);
  EXPECT_EQ(irq.rises[0], rises + 1);
  EXPECT_EQ(events.next_deadline(), kNever);
}

TEST_F(Pit8254Test, Mode2TakesANewCountAtItsNextRound) {
  start(0, 2, 1000);
  const unsigned rises = irq.rises[0];
  at(300);
  out(0, 500 & 0xff), out(0, 500 >> 8);
  EXPECT_EQ(count(0), 700u);
  out(3, 0xe2);
  EXPECT_TRUE(in(0) & 0x40);  // null count: it is not there yet
  at(999);
  EXPECT_FALSE(irq.level());
  at(1100);
  EXPECT_EQ(count(0), 400u);
  out(3, 0xe2);
  EXPECT_FALSE(in(0) & 0x40);
  at(1499);
  EXPECT_FALSE(irq.level());
  at(1500);
  EXPECT_EQ(irq.rises[0], rises + 2);
}

TEST_F(Pit8254Test, Mode3TakesANewCountAtItsNextHalf) {
  start(2, 3, 1000);
  gate(true);  // starts anew, at 0
  at(100);
  out(2, 20), out(2, 0);
  EXPECT_TRUE(output(2));
  at(499);
  EXPECT_TRUE(output(2));
  at(500);  // ten low, ten high
  EXPECT_FALSE(output(2));
  at(509);
  EXPECT_FALSE(output(2));
  at(510);
  EXPECT_TRUE(output(2));
  at(520);
  EXPECT_FALSE(output(2));
}

TEST_F(Pit8254Test, Mode1TakesANewCountAtItsNextTrigger) {
  start(2, 1, 100);
  gate(true);
  at(50);
  out(2, 10), out(2, 0);
  at(99);
  EXPECT_FALSE(output(2));
  at(100);
  EXPECT_TRUE(output(2));
  gate(false), gate(true);
  at(109);
  EXPECT_FALSE(output(2));
  at(110);
  EXPECT_TRUE(output(2));
}

TEST_F(Pit8254Test, GateHoldsThePeriodicModes) {
  gate(true);
  start(2, 2, 100);
  at(30);
  gate(false);
  at(500);
  EXPECT_EQ(count(2), 70u);
  EXPECT_TRUE(output(2));
  gate(true);  // from its beginning
  EXPECT_EQ(count(2), 100u);
  at(599);
  EXPECT_FALSE(output(2));
}

TEST_F(Pit8254Test, WiderAccessesAreByBytes) {
  out(3, 0x34);
  pit.write(0, Width::k2, 0xe8);  // the port beside it is channel 1
  out(0, 3);
  out(3, 0x00);
  EXPECT_EQ(in(0), 0xe8);
  EXPECT_EQ(pit.read(0, Width::k2) & 0xff, 3u);
}

}  // namespace
}  // namespace mynah::dev
