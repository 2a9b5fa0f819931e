// SPDX-License-Identifier: Apache-2.0
//
// The ports by which test programs write and end, and fw_cfg's ports.
#include <gtest/gtest.h>

#include <optional>

#include "devices/debug/debug_console.h"
#include "devices/debug/debug_exit.h"
#include "devices/fwcfg/fw_cfg_ports.h"
#include "tests/devices/fakes.h"

namespace mynah::dev {
namespace {

TEST(DebugExit, CodeIsTwiceAndOne) {
  std::optional<int> code;
  DebugExit exit([&](int c) { code = c; });
  EXPECT_EQ(exit.read(0, Width::k4), 0u);
  EXPECT_FALSE(code);
  exit.write(0, Width::k4, 0);
  EXPECT_EQ(code, 1);
  exit.write(1, Width::k1, 0x1110);  // one byte of it counts
  EXPECT_EQ(code, 33);
  exit.write(0, Width::k4, 0xffffffff);
  EXPECT_EQ(code, 255);
}

TEST(DebugConsole, WritesBytesAndAnswers) {
  fake::Serial line;
  DebugConsole console(line, DebugConsole::kUsualAnswer);
  for (const char c : {'h', 'i'}) console.write(0, Width::k1, static_cast<uint8_t>(c));
  EXPECT_EQ(line.sent, "hi");
  EXPECT_EQ(console.read(0, Width::k1), 0xe9u);
}

struct FwCfgPortsTest : testing::Test {
  fake::Memory memory{0x1000, 0x1000};
  fake::RecordingLog log;
  FwCfg cfg{memory, log};
  FwCfgPorts ports{cfg, log};
};

TEST_F(FwCfgPortsTest, SelectorIsLittleEndian) {
  cfg.add_item(FwCfg::kFileDirectory - 1, std::vector<uint8_t>{1, 2, 3});
  ports.write(FwCfgPorts::kSelector, Width::k2, FwCfg::kFileDirectory - 1);
  EXPECT_EQ(ports.read(FwCfgPorts::kData, Width::k1), 1u);
  EXPECT_EQ(ports.read(FwCfgPorts::kData, Width::k1), 2u);
  ports.write(FwCfgPorts::kSelector, Width::k2, FwCfg::kFileDirectory - 1);
  EXPECT_EQ(ports.read(FwCfgPorts::kData, Width::k1), 1u);
  EXPECT_TRUE(log.errors.empty());
}

TEST_F(FwCfgPortsTest, DmaIsBigEndianByHalves) {
  // "QEMU CFG", in bytes' order.
  EXPECT_EQ(ports.read(FwCfgPorts::kDma, Width::k4), 0x554d4551u);
  EXPECT_EQ(ports.read(FwCfgPorts::kDma + 4, Width::k4), 0x47464320u);
  const uint8_t descriptor[16] = {0, 0,    0, FwCfg::kDmaSelect | FwCfg::kDmaRead, 0, 0, 0, 4, 0, 0, 0, 0, 0,
                                  0, 0x18, 0};
  ASSERT_TRUE(memory.write(0x1100, descriptor, sizeof descriptor));
  ports.write(FwCfgPorts::kDma, Width::k4, 0);
  ports.write(FwCfgPorts::kDma + 4, Width::k4, 0x00110000);  // 0x1100
  EXPECT_EQ(std::memcmp(memory.at(0x1800), "QEMU", 4), 0);
  EXPECT_EQ(memory.at(0x1100)[3], 0u);
}

TEST_F(FwCfgPortsTest, OtherAccessesAreMisuse) {
  ports.write(FwCfgPorts::kSelector, Width::k1, 5);
  ports.write(FwCfgPorts::kData, Width::k1, 5);
  EXPECT_EQ(ports.read(FwCfgPorts::kSelector, Width::k2), 0u);
  EXPECT_EQ(ports.read(FwCfgPorts::kWindowSize - 1, Width::k8), 0u);
  EXPECT_EQ(log.errors.size(), 4u);
  EXPECT_EQ(ports.read(FwCfgPorts::kData, Width::k1), 'Q');
}

}  // namespace
}  // namespace mynah::dev
