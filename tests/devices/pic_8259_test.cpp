// SPDX-License-Identifier: Apache-2.0
//
// The PC's 8259As: initialization, priorities, ends, rotation, poll, cascade (data sheet 231468).
#include "devices/intc/pic_8259.h"

#include <gtest/gtest.h>

#include "tests/devices/fakes.h"

namespace mynah::dev {
namespace {

struct Pic8259Test : testing::Test {
  Pic8259Test() { init(0x01); }
  void init(uint8_t icw4) {
    out(0, 0, 0x11), out(0, 1, 0x30), out(0, 1, 0x04), out(0, 1, icw4);
    out(1, 0, 0x11), out(1, 1, 0x38), out(1, 1, 0x02), out(1, 1, icw4);
  }
  void out(unsigned chip, Offset o, uint8_t v) { (chip ? pic.second() : pic.first()).write(o, Width::k1, v); }
  uint8_t in(unsigned chip, Offset o) {
    return static_cast<uint8_t>((chip ? pic.second() : pic.first()).read(o, Width::k1));
  }
  uint8_t irr(unsigned chip) {
    out(chip, 0, 0x0a);
    return in(chip, 0);
  }
  uint8_t isr(unsigned chip) {
    out(chip, 0, 0x0b);
    return in(chip, 0);
  }
  void pulse(unsigned line) {
    pic.set_irq(line, false);
    pic.set_irq(line, true);
  }
  bool asks() { return cpu.level(); }

  fake::Irq cpu;
  fake::RecordingLog log;
  Pic8259 pic{cpu.line(), log};
};

TEST_F(Pic8259Test, LifeOfAnInterrupt) {
  pulse(4);
  EXPECT_TRUE(asks());
  EXPECT_EQ(irr(0), 0x10);
  EXPECT_EQ(pic.acknowledge(), 0x34);
  EXPECT_FALSE(asks());
  EXPECT_EQ(irr(0), 0);
  EXPECT_EQ(isr(0), 0x10);
  pulse(5);
  EXPECT_FALSE(asks());  // lower
  pulse(1);
  EXPECT_EQ(pic.acknowledge(), 0x31);
  out(0, 0, 0x20);
  EXPECT_EQ(isr(0), 0x10);
  out(0, 0, 0x64);  // specific
  EXPECT_EQ(pic.acknowledge(), 0x35);
}

TEST_F(Pic8259Test, Masks) {
  out(0, 1, 0x10);
  EXPECT_EQ(in(0, 1), 0x10);
  pulse(4);
  EXPECT_FALSE(asks());
  out(0, 1, 0);
  EXPECT_TRUE(asks());
}

TEST_F(Pic8259Test, SpuriousSeven) {
  pulse(3);
  pic.set_irq(3, false);  // gone before the processor asks
  EXPECT_FALSE(asks());
  EXPECT_EQ(pic.acknowledge(), 0x37);
  EXPECT_EQ(isr(0), 0);
}

TEST_F(Pic8259Test, Cascade) {
  pulse(12);
  pulse(9);
  EXPECT_EQ(pic.acknowledge(), 0x39);
  EXPECT_EQ(isr(0), 0x04);
  EXPECT_EQ(isr(1), 0x02);
  out(1, 0, 0x20);
  EXPECT_FALSE(asks());  // the first chip still serves its input 2
  out(0, 0, 0x20);
  EXPECT_EQ(pic.acknowledge(), 0x3c);
  pic.set_irq(2, true);
  EXPECT_EQ(irr(0) & 4, 0);  // no such wire
}

TEST_F(Pic8259Test, SpecialFullyNested) {
  init(0x11);
  pulse(12);
  EXPECT_EQ(pic.acknowledge(), 0x3c);
  pulse(9);
  EXPECT_TRUE(asks());
  EXPECT_EQ(pic.acknowledge(), 0x39);
}

TEST_F(Pic8259Test, AutomaticEnds) {
  init(0x03);
  pulse(4);
  pulse(5);
  EXPECT_EQ(pic.acknowledge(), 0x34);
  EXPECT_EQ(isr(0), 0);
  EXPECT_EQ(pic.acknowledge(), 0x35);
}

TEST_F(Pic8259Test, AutomaticEndsOfTheSecondChip) {
  init(0x03);
  pulse(8);
  pulse(9);
  EXPECT_EQ(pic.acknowledge(), 0x38);
  EXPECT_TRUE(asks());
  EXPECT_EQ(pic.acknowledge(), 0x39);
  EXPECT_FALSE(asks());
}

TEST_F(Pic8259Test, Rotation) {
  pulse(3);
  pic.acknowledge();
  out(0, 0, 0xa0);  // 3 has the lowest priority now
  pulse(2 + 1), pulse(4);
  EXPECT_EQ(pic.acknowledge(), 0x34);
  out(0, 0, 0x20);
  out(0, 0, 0xc4);  // set priority: 4 is the lowest
  pulse(4);
  EXPECT_EQ(pic.acknowledge(), 0x33);
}

TEST_F(Pic8259Test, SpecialMask) {
  pulse(1);
  pic.acknowledge();
  pulse(5);
  EXPECT_FALSE(asks());
  out(0, 0, 0x68);
  out(0, 1, 0x02);
  EXPECT_EQ(pic.acknowledge(), 0x35);
  out(0, 0, 0x20);  // ends 5: 1 is masked
  EXPECT_EQ(isr(0), 0x02);
}

TEST_F(Pic8259Test, Poll) {
  out(0, 0, 0x0c);
  EXPECT_EQ(in(0, 0) & 0x80, 0);
  pulse(6);
  out(0, 0, 0x0c);
  EXPECT_EQ(in(0, 0), 0x86);
  EXPECT_EQ(isr(0), 0x40);
}

TEST_F(Pic8259Test, Levels) {
  pic.levels().write(0, Width::k1, 0xff);
  pic.levels().write(1, Width::k1, 0xff);
  EXPECT_EQ(pic.levels().read(0, Width::k1), 0xf8u);
  EXPECT_EQ(pic.levels().read(1, Width::k1), 0xdeu);
  pic.set_irq(5, true);
  EXPECT_EQ(pic.acknowledge(), 0x35);
  out(0, 0, 0x20);
  EXPECT_TRUE(asks());  // still active
  pic.acknowledge();
  pic.set_irq(5, false);
  out(0, 0, 0x20);
  EXPECT_FALSE(asks());
}

TEST_F(Pic8259Test, SavesAndRestores) {
  pulse(4), pulse(12);
  pic.acknowledge();
  const auto state = fake::save(pic);
  pic.reset();
  EXPECT_FALSE(asks());
  ASSERT_TRUE(fake::load(pic, state));
  EXPECT_EQ(fake::save(pic), state);
}

// One request of the second chip ends by itself in its poll; the first one asks for the other at once.
TEST_F(Pic8259Test, SecondChipAsksOn) {
  init(0x03);
  pulse(8), pulse(9);
  out(1, 0, 0x0c);
  EXPECT_EQ(in(1, 0), 0x80);
  EXPECT_TRUE(asks());
  EXPECT_EQ(pic.acknowledge(), 0x39);
  EXPECT_FALSE(asks());
}

TEST_F(Pic8259Test, LevelsAreChosenWhileALineIsActive) {
  pic.set_irq(5, true);
  EXPECT_EQ(pic.acknowledge(), 0x35);
  out(0, 0, 0x20);
  EXPECT_FALSE(asks());
  pic.levels().write(0, Width::k2, 0x0020);
  EXPECT_TRUE(asks());  // its level counts now
  pic.levels().write(0, Width::k1, 0);
  EXPECT_FALSE(asks());
  EXPECT_EQ(irr(0), 0);
}

TEST_F(Pic8259Test, WiderAccessesAreByBytes) {
  pic.first().write(0, Width::k2, 0xa520);  // an end, and a mask
  EXPECT_EQ(in(0, 1), 0xa5);
  pulse(1);
  EXPECT_EQ(pic.first().read(0, Width::k2), 0xa502u);
}

}  // namespace
}  // namespace mynah::dev
