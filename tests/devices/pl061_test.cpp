// SPDX-License-Identifier: Apache-2.0
//
// PL061: masked data, directions, and interrupts by edge and by level.
#include "devices/gpio/pl061.h"

#include <gtest/gtest.h>

#include "tests/devices/fakes.h"

namespace mynah::dev {
namespace {

constexpr Offset kAllData = 0x3fc;

struct Pl061Test : testing::Test {
  uint64_t rd(Offset o) { return gpio.read(o, Width::k4); }
  void wr(Offset o, uint64_t v) { gpio.write(o, Width::k4, v); }

  ManualClock clock;
  EventQueue events{clock};
  fake::Irq irq;
  fake::Irq out;
  fake::RecordingLog log;
  Pl061 gpio{events, irq.line(), log};
};

TEST_F(Pl061Test, ResetValues) {
  for (Offset o = Pl061::kDir; o <= Pl061::kAfsel; o += 4) {
    if (o != Pl061::kIc) {
      EXPECT_EQ(rd(o), 0u) << o;
    }
  }
  EXPECT_EQ(rd(kAllData), 0u);
  const uint8_t id[8] = {0x61, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
  for (unsigned i = 0; i < 8; ++i) EXPECT_EQ(rd(0xfe0 + 4 * i), id[i]);
}

TEST_F(Pl061Test, AddressBitsMaskData) {
  wr(Pl061::kDir, 0xff);
  wr(kAllData, 0xa5);
  EXPECT_EQ(rd(kAllData), 0xa5u);
  wr(0x0f << 2, 0xff);
  EXPECT_EQ(rd(kAllData), 0xafu);
  wr(0x000, 0xff);
  EXPECT_EQ(rd(kAllData), 0xafu);
  EXPECT_EQ(rd(0x81 << 2), 0x81u);
  EXPECT_EQ(rd(0x000), 0u);
}

TEST_F(Pl061Test, DirectionChoosesTheSource) {
  gpio.set_irq(0, true);
  gpio.set_irq(4, true);
  wr(kAllData, 0xff);  // all inputs: lost
  EXPECT_EQ(rd(kAllData), 0x11u);
  wr(Pl061::kDir, 0x0f);
  EXPECT_EQ(rd(kAllData), 0x10u);
  wr(kAllData, 0x02);
  EXPECT_EQ(rd(kAllData), 0x12u);
}

TEST_F(Pl061Test, DrivesItsOutputs) {
  for (unsigned i = 0; i < 8; ++i) gpio.connect_output(i, out.line(i));
  wr(kAllData, 0x03);
  EXPECT_FALSE(out.level(0));
  wr(Pl061::kDir, 0x03);
  wr(kAllData, 0x01);
  EXPECT_TRUE(out.level(0));
  EXPECT_FALSE(out.level(1));
  wr(Pl061::kDir, 0x00);
  EXPECT_FALSE(out.level(0));
}

TEST_F(Pl061Test, EdgesLatch) {
  wr(Pl061::kIev, 0x01);  // line 0 rising, line 1 falling
  wr(Pl061::kIe, 0x03);
  gpio.set_irq(0, true);
  gpio.set_irq(1, true);
  EXPECT_EQ(rd(Pl061::kMis), 0x01u);
  EXPECT_TRUE(irq.level());
  wr(Pl061::kIc, 0x01);
  EXPECT_FALSE(irq.level());
  gpio.set_irq(0, false);
  EXPECT_FALSE(irq.level());
  gpio.set_irq(1, false);
  EXPECT_EQ(rd(Pl061::kRis), 0x02u);
  EXPECT_TRUE(irq.level());
}

TEST_F(Pl061Test, BothEdges) {
  wr(Pl061::kIbe, 0x80);
  wr(Pl061::kIe, 0x80);
  gpio.set_irq(7, true);
  EXPECT_TRUE(irq.level());
  wr(Pl061::kIc, 0x80);
  gpio.set_irq(7, true);  // no edge
  EXPECT_FALSE(irq.level());
  gpio.set_irq(7, false);
  EXPECT_TRUE(irq.level());
}

TEST_F(Pl061Test, LevelsFollowThePin) {
  wr(Pl061::kIs, 0x03);
  wr(Pl061::kIev, 0x01);  // line 0 high, line 1 low
  wr(Pl061::kIe, 0x01);
  EXPECT_EQ(rd(Pl061::kRis), 0x02u);
  EXPECT_FALSE(irq.level());
  gpio.set_irq(0, true);
  EXPECT_TRUE(irq.level());
  wr(Pl061::kIc, 0x01);  // only the source ends it
  EXPECT_TRUE(irq.level());
  gpio.set_irq(0, false);
  EXPECT_FALSE(irq.level());
}

TEST_F(Pl061Test, MaskDecidesAboutTheLineNotTheRawStatus) {
  wr(Pl061::kIev, 0x04);
  gpio.set_irq(2, true);
  EXPECT_EQ(rd(Pl061::kRis), 0x04u);
  EXPECT_EQ(rd(Pl061::kMis), 0u);
  EXPECT_FALSE(irq.level());
  wr(Pl061::kIe, 0x04);
  EXPECT_TRUE(irq.level());
}

TEST_F(Pl061Test, SwitchToLevelForgetsTheEdge) {
  wr(Pl061::kIev, 0x01);
  gpio.set_irq(0, true);
  gpio.set_irq(0, false);
  EXPECT_EQ(rd(Pl061::kRis), 0x01u);
  wr(Pl061::kIs, 0x01);
  wr(Pl061::kIs, 0x00);
  EXPECT_EQ(rd(Pl061::kRis), 0x00u);
}

TEST_F(Pl061Test, OutputsRaiseNoInterrupt) {
  wr(Pl061::kIbe, 0xff);
  wr(Pl061::kIe, 0xff);
  wr(Pl061::kDir, 0xff);
  wr(kAllData, 0xff);
  gpio.set_irq(3, true);
  wr(Pl061::kDir, 0x00);
  EXPECT_EQ(rd(Pl061::kRis), 0u);
  EXPECT_FALSE(irq.level());
}

TEST_F(Pl061Test, PulseIsAKeyPress) {
  wr(Pl061::kIbe, 0x08);
  wr(Pl061::kIe, 0x08);
  gpio.pulse_input(3);
  EXPECT_EQ(rd(kAllData), 0x08u);
  EXPECT_TRUE(irq.level());
  wr(Pl061::kIc, 0x08);
  clock.time = 60'000'000;
  events.run_due();
  gpio.pulse_input(3);  // prolongs
  clock.time = 100'000'000;
  events.run_due();
  EXPECT_EQ(rd(kAllData), 0x08u);
  EXPECT_FALSE(irq.level());
  clock.time = 160'000'000;
  events.run_due();
  EXPECT_EQ(rd(kAllData), 0x00u);
  EXPECT_TRUE(irq.level());
}

TEST_F(Pl061Test, ResetKeepsThePins) {
  gpio.set_irq(5, true);
  wr(Pl061::kDir, 0x0f);
  gpio.reset();
  EXPECT_EQ(rd(kAllData), 0x20u);
  EXPECT_EQ(rd(Pl061::kRis), 0u);
}

TEST_F(Pl061Test, LogsMisuse) {
  EXPECT_EQ(gpio.read(0, Width::k8), 0u);
  EXPECT_EQ(rd(Pl061::kIc), 0u);
  wr(Pl061::kMis, 1);
  wr(0x424, 1);
  gpio.set_irq(8, true);
  gpio.pulse_input(9);
  EXPECT_EQ(log.errors.size(), 4u);
  wr(Pl061::kAfsel, 1);
  EXPECT_EQ(log.missing.size(), 1u);
}

TEST_F(Pl061Test, SavesAndRestores) {
  for (unsigned i = 0; i < 8; ++i) gpio.connect_output(i, out.line(i));
  wr(Pl061::kDir, 0x80);
  wr(kAllData, 0x80);
  wr(Pl061::kIbe, 0x08);
  wr(Pl061::kIe, 0x08);
  gpio.pulse_input(3);
  const auto state = fake::save(gpio);
  const auto queue_state = fake::save(events);

  ManualClock clock2;
  EventQueue events2(clock2);
  fake::Irq irq2, out2;
  Pl061 copy(events2, irq2.line(), log);
  for (unsigned i = 0; i < 8; ++i) copy.connect_output(i, out2.line(i));
  ASSERT_TRUE(fake::load(events2, queue_state));
  ASSERT_TRUE(fake::load(copy, state));
  EXPECT_EQ(fake::save(copy), state);
  EXPECT_EQ(copy.read(kAllData, Width::k4), 0x88u);
  EXPECT_TRUE(irq2.level());
  EXPECT_EQ(out2.rises[7], 0u);  // restoring plays no edge to the board
  clock2.time = 100'000'000;
  events2.run_due();
  EXPECT_EQ(copy.read(kAllData, Width::k4), 0x80u);
}

}  // namespace
}  // namespace mynah::dev
