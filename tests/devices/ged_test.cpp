// SPDX-License-Identifier: Apache-2.0
//
// Generic event device: the power button, sleep and reset.
#include "devices/acpi/ged.h"

#include <gtest/gtest.h>

#include "tests/devices/fakes.h"

namespace mynah::dev {
namespace {

struct GedTest : testing::Test {
  fake::Irq irq;
  fake::RecordingLog log;
  unsigned offs = 0, resets = 0;
  GenericEventDevice ged{irq.line(), {.off = [this] { ++offs; }, .reset = [this] { ++resets; }}, log};
};

TEST_F(GedTest, PowerButton) {
  EXPECT_EQ(ged.read(0, Width::k4), 0u);
  ged.press_power_button();
  EXPECT_TRUE(irq.level());
  const auto state = fake::save(ged);
  EXPECT_EQ(ged.read(0, Width::k4), 2u);
  EXPECT_FALSE(irq.level());
  EXPECT_EQ(ged.read(0, Width::k4), 0u);
  ASSERT_TRUE(fake::load(ged, state));
  EXPECT_TRUE(irq.level());
  ged.reset();
  EXPECT_FALSE(irq.level());
}

TEST_F(GedTest, SleepAndReset) {
  Device& r = ged.registers();
  r.write(0, Width::k1, 5 << 2);  // without the enable bit
  EXPECT_EQ(offs, 0u);
  r.write(0, Width::k1, 5 << 2 | 0x20);
  EXPECT_EQ(offs, 1u);
  r.write(0, Width::k1, 3 << 2 | 0x20);
  EXPECT_EQ(offs, 1u);
  EXPECT_EQ(log.missing.size(), 1u);
  r.write(2, Width::k1, 0x41);
  EXPECT_EQ(resets, 0u);
  r.write(2, Width::k1, 0x42);
  EXPECT_EQ(resets, 1u);
  EXPECT_EQ(r.read(1, Width::k1), 0u);
}

}  // namespace
}  // namespace mynah::dev
