// SPDX-License-Identifier: Apache-2.0
//
// pci-testdev as a test program uses it.
#include "devices/pci/pci_testdev.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/devices/card_machine.h"

namespace mynah::dev {
namespace {

TEST(PciTestdev, CountsTheWritesThatItsHeaderNames) {
  NullLog log;
  fake::CardMachine<PciTestdev> m(0x1000, log);
  EXPECT_EQ(m.card->config_read(0, 4), 0x0005'1b36u);
  for (const unsigned bar : {0u, 1u}) {
    unsigned tests = 0;
    for (;; ++tests) {
      m.w(0, tests, Width::k1, bar);
      const uint64_t width = m.r(1, Width::k1, bar);
      if (width == 0) break;
      ASSERT_EQ(width, 1u);
      const uint64_t offset = m.r(4, Width::k4, bar), data = m.r(8, Width::k4, bar);
      EXPECT_EQ(m.r(12, Width::k4, bar), 0u);
      m.w(offset, data, Width::k1, bar);
      m.w(offset, data, Width::k1, bar);
      m.w(offset + 1, data, Width::k1, bar);
      EXPECT_EQ(m.r(12, Width::k4, bar), 2u);
      m.w(offset, data ^ 1, Width::k1, bar);
      std::string name;
      for (uint64_t at = 16; m.r(at, Width::k1, bar) != 0; ++at)
        name += static_cast<char>(m.r(at, Width::k1, bar));
      EXPECT_EQ(m.r(12, Width::k4, bar), name.ends_with("datamatch-eventfd") ? 2u : 3u);
      EXPECT_TRUE(name.starts_with(bar == 0 ? "mmio-" : "portio-"));
    }
    EXPECT_EQ(tests, 3u);
  }
  m.w(0, 1, Width::k1);
  const auto state = fake::save(*m.card);
  m.host.reset();
  EXPECT_EQ(m.r(1, Width::k1), 0u);
  ASSERT_TRUE(fake::load(*m.card, state));
  EXPECT_EQ(m.r(1, Width::k1), 1u);
  EXPECT_EQ(m.r(0xffc), 0u);
}

}  // namespace
}  // namespace mynah::dev
