// SPDX-License-Identifier: Apache-2.0
//
// The GICv2m frame: what it says of itself, and which messages become edges.
#include "devices/intc/gicv2m.h"

#include <gtest/gtest.h>

#include "tests/devices/fakes.h"

namespace mynah::dev {
namespace {

struct Gicv2mTest : testing::Test {
  fake::Irq irq;
  NullLog log;
  Gicv2m frame{irq, log, {.base = 0x0802'0000, .first_spi = 8, .count = 4}};
};

TEST_F(Gicv2mTest, Registers) {
  EXPECT_EQ(frame.read(0x008, Width::k4), 40u << 16 | 4);
  EXPECT_EQ(frame.read(0xfcc, Width::k4), 0x43bu);
  EXPECT_EQ(frame.read(0xfe0, Width::k4), 0u);
  EXPECT_EQ(frame.read(0x040, Width::k4), 0u);
  EXPECT_EQ(frame.read(0x100, Width::k4), 0u);
  EXPECT_EQ(frame.read(0x008, Width::k1), 0u);
  frame.write(0x008, Width::k4, 0);
  EXPECT_EQ(frame.read(0x008, Width::k4), 40u << 16 | 4);
}

TEST_F(Gicv2mTest, MessagesAreEdges) {
  frame.write(0x040, Width::k4, 40);
  frame.write(0x040, Width::k2, 43);
  EXPECT_TRUE(frame.message(0x0802'0040, 43, 0));
  EXPECT_EQ(irq.rises[8], 1u);
  EXPECT_EQ(irq.rises[11], 2u);
  EXPECT_FALSE(irq.level(8));
}

TEST_F(Gicv2mTest, OthersAreNone) {
  for (uint32_t id : {0u, 31u, 39u, 44u, 1023u, ~0u}) frame.write(0x040, Width::k4, id);
  EXPECT_TRUE(frame.message(0x0802'0040, 44, 0));
  EXPECT_FALSE(frame.message(0x0802'0044, 40, 0));
  EXPECT_FALSE(frame.message(0x1'0802'0040, 40, 0));
  for (unsigned rises : irq.rises) EXPECT_EQ(rises, 0u);
}

}  // namespace
}  // namespace mynah::dev
