// SPDX-License-Identifier: Apache-2.0
//
// GICv3 with its redistributors in several windows (Arm IHI 0069, GICR_TYPER.Last).
#include <gtest/gtest.h>

#include "devices/intc/gicv3.h"
#include "tests/devices/fakes.h"

namespace mynah::dev {
namespace {

// A board without room for all redistributors in one place has a second window for the rest.
TEST(Gicv3, RedistributorsInTwoRegions) {
  fake::RecordingLog log;
  Gicv3 gic(log, {.affinities = {0, 1, 2, 0x100, 0x101}, .regions = {3, 2}});
  ASSERT_EQ(gic.regions(), 2u);
  EXPECT_EQ(gic.redistributors_size(), 0x60000u);
  EXPECT_EQ(gic.redistributors_size(1), 0x40000u);
  const auto typer = [&](unsigned region, unsigned n) {
    return gic.redistributors(region).read(n * 0x20000ull + 8, Width::k8);
  };
  EXPECT_EQ(typer(0, 0), 0u);
  EXPECT_EQ(typer(0, 1), 1ull << 32 | 1 << 8);
  EXPECT_EQ(typer(0, 2), 2ull << 32 | 2 << 8 | 0x10);  // the last of its region
  EXPECT_EQ(typer(1, 0), 0x100ull << 32 | 3 << 8);
  EXPECT_EQ(typer(1, 1), 0x101ull << 32 | 4 << 8 | 0x10);
  gic.redistributors(1).write(0x20000 + 0x10080, Width::k4, 0x12345678);
  EXPECT_EQ(gic.redistributors(1).read(0x20000 + 0x10080, Width::k4), 0x12345678u);
  EXPECT_EQ(gic.redistributors(1).read(0x10080, Width::k4), 0u);
  EXPECT_TRUE(log.errors.empty());
  EXPECT_EQ(typer(0, 3), 0u);
  EXPECT_EQ(typer(1, 2), 0u);
  gic.redistributors(1).write(0x40000 + 0x10080, Width::k4, 1);
  EXPECT_EQ(log.errors.size(), 3u);
}

}  // namespace
}  // namespace mynah::dev
