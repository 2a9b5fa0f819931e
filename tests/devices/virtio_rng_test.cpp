// SPDX-License-Identifier: Apache-2.0
//
// virtio-rng.
#include "devices/virtio/virtio_rng.h"

#include "tests/devices/virtio_test_driver.h"

namespace mynah::dev::test {
namespace {

class CountingSource final : public EntropySource {
 public:
  void fill(std::span<uint8_t> to) override {
    for (uint8_t& b : to) b = ++next;
  }
  uint8_t next = 0;
};

class VirtioRngTest : public testing::Test {
 protected:
  void SetUp() override { driver.start(); }
  FakeMemory memory;
  RecordingLog log;
  RecordingIrq irq;
  CountingSource source;
  VirtioRng rng{memory, log, source};
  VirtioMmio mmio{&rng, IrqLine(irq, 0), log};
  Driver driver{memory, mmio};
};

TEST_F(VirtioRngTest, Fills) {
  EXPECT_EQ(driver.reg(kRegDeviceId), 4u);
  driver.queue().add({{kData, 5, kWrite}, {kData + 0x100, 3, kWrite}});
  driver.kick();
  EXPECT_EQ(memory.get_bytes(kData, 6), (std::vector<uint8_t>{1, 2, 3, 4, 5, 0}));
  EXPECT_EQ(memory.get_bytes(kData + 0x100, 4), (std::vector<uint8_t>{6, 7, 8, 0}));
  EXPECT_EQ(driver.queue().used_element(0).length, 8u);
  EXPECT_TRUE(irq.level);
}

TEST_F(VirtioRngTest, LargeRequestsAreCutShort) {
  driver.queue().add({{kData, 0x2'0000, kWrite}});
  driver.kick();
  EXPECT_EQ(driver.queue().used_element(0).length, 0x1'0000u);
  EXPECT_EQ(memory.get<uint8_t>(kData + 0x1'0000), 0);
}

TEST_F(VirtioRngTest, HostileRequests) {
  const std::vector<std::vector<Desc>> chains = {
      {{kData, 16}},                         // wrong direction
      {{0, 16, kWrite}},                     // outside RAM
      {{kData + 0xd'ffff, 0x1000, kWrite}},  // half outside
  };
  for (const auto& chain : chains) {
    log.errors.clear();
    driver.start();
    driver.queue().add(chain);
    driver.kick();
    EXPECT_TRUE(driver.needs_reset());
    EXPECT_EQ(log.errors.size(), 1u);
  }
}

TEST_F(VirtioRngTest, SaveAndRestore) {
  driver.queue().add({{kData, 4, kWrite}});
  driver.kick();
  StateStream saved;
  mmio.serialize(saved);
  mmio.reset();
  StateStream load(saved.bytes());
  mmio.serialize(load);
  ASSERT_FALSE(load.failed());
  driver.queue().add({{kData, 4, kWrite}});
  driver.kick();
  EXPECT_EQ(driver.queue().used_index(), 2);
}

}  // namespace
}  // namespace mynah::dev::test
