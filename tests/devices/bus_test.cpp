// SPDX-License-Identifier: Apache-2.0
//
// The bus: which window an access reaches, gaps, edges, and windows that overlap.
#include "devices/core/bus.h"

#include <gtest/gtest.h>

namespace mynah::dev {
namespace {

class Probe final : public Device {
 public:
  std::string_view name() const override { return "probe"; }
  void reset() override {}
  uint64_t read(Offset offset, Width width) override {
    last = offset;
    return offset << 8 | bytes(width);
  }
  void write(Offset offset, Width width, uint64_t value) override {
    last = offset;
    written = value;
    written_width = width;
  }
  uint32_t state_version() const override { return 1; }

  Offset last = ~uint64_t{0};
  uint64_t written = 0;
  Width written_width = Width::k1;

 private:
  void serialize_state(StateStream&) override {}
};

TEST(Bus, FindsTheWindowAndPassesOffsets) {
  Bus bus;
  Probe low, middle, high;
  bus.map(0x2000, 0x1000, middle);
  bus.map(0x9000, 0x10, high);
  bus.map(0x1000, 0x1000, low);
  ASSERT_EQ(bus.windows().size(), 3u);
  EXPECT_EQ(bus.windows()[0].base, 0x1000u);

  EXPECT_EQ(bus.read(0x2010, Width::k4), std::optional<uint64_t>(0x1004));
  EXPECT_EQ(middle.last, 0x10u);
  EXPECT_EQ(bus.read(0x1fff, Width::k1), std::optional<uint64_t>(0xfff01));
  EXPECT_EQ(low.last, 0xfffu);
  EXPECT_TRUE(bus.write(0x9008, Width::k8, 77));
  EXPECT_EQ(high.last, 8u);
  EXPECT_EQ(high.written, 77u);
  EXPECT_EQ(high.written_width, Width::k8);
}

TEST(Bus, FindsNothingInGapsAndAcrossEdges) {
  Bus bus;
  Probe a, b;
  bus.map(0x1000, 0x1000, a);
  bus.map(0x2000, 0x1000, b);
  EXPECT_FALSE(bus.read(0xfff, Width::k1));
  EXPECT_FALSE(bus.read(0xffe, Width::k4));
  EXPECT_FALSE(bus.read(0x3000, Width::k1));
  EXPECT_FALSE(bus.read(0x1ffd, Width::k4));  // leaves its window, though the neighbour is mapped
  EXPECT_FALSE(bus.write(0x2ffc, Width::k8, 0));
  EXPECT_FALSE(bus.write(~uint64_t{0}, Width::k8, 0));
  EXPECT_TRUE(bus.read(0x1ffc, Width::k4));
}

TEST(Bus, MapsTheTopOfTheAddressSpace) {
  Bus bus;
  Probe a;
  bus.map(0xffff'ffff'ffff'f000, 0x1000, a);
  EXPECT_TRUE(bus.read(0xffff'ffff'ffff'fff8, Width::k8));
  EXPECT_FALSE(bus.read(0xffff'ffff'ffff'fffc, Width::k8));
}

TEST(BusDeathTest, RefusesOverlap) {
  Bus bus;
  Probe a;
  bus.map(0x1000, 0x1000, a);
  EXPECT_DEATH(bus.map(0x1fff, 1, a), "overlaps");
  EXPECT_DEATH(bus.map(0x1000, 1, a), "overlaps");
  EXPECT_DEATH(bus.map(0x800, 0x801, a), "overlaps");
  EXPECT_DEATH(bus.map(0x5000, 0, a), "empty");
  EXPECT_DEATH(bus.map(0xffff'ffff'ffff'f000, 0x1001, a), "overlaps");
}

}  // namespace
}  // namespace mynah::dev
