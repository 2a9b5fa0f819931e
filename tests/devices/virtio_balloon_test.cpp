// SPDX-License-Identifier: Apache-2.0
//
// virtio-balloon.
#include "devices/virtio/virtio_balloon.h"

#include <set>

#include "tests/devices/virtio_test_driver.h"

namespace mynah::dev::test {
namespace {

// FakeMemory, and what was given back.
class Memory final : public DmaMemory {
 public:
  explicit Memory(FakeMemory& ram) : ram(ram) {}
  bool read(uint64_t pa, void* to, size_t n) override { return ram.read(pa, to, n); }
  bool write(uint64_t pa, const void* from, size_t n) override { return ram.write(pa, from, n); }
  uint8_t* map(uint64_t pa, size_t n, bool w) override { return ram.map(pa, n, w); }
  bool discard(uint64_t pa, size_t n) override {
    EXPECT_EQ(n, 4096u);
    if (!ram.map(pa, n, true)) return false;
    EXPECT_TRUE(discarded.insert(pa).second);
    return true;
  }
  FakeMemory& ram;
  std::set<uint64_t> discarded;
};

constexpr uint64_t kPages = FakeMemory::kBase >> 12;

class VirtioBalloonTest : public testing::Test {
 protected:
  void SetUp() override { driver.start(); }
  void give(unsigned queue, std::vector<uint32_t> pages) {
    memory.put_bytes(kData, {reinterpret_cast<const uint8_t*>(pages.data()), pages.size() * 4});
    driver.queue(queue).add({{kData, static_cast<uint32_t>(pages.size() * 4)}});
    driver.kick(queue);
  }
  void give_statistics(std::vector<std::pair<uint16_t, uint64_t>> values) {
    uint64_t at = kData + 0x1000;
    for (const auto& [tag, value] : values) {
      memory.put(at, tag);
      memory.put(at + 2, value);
      at += 10;
    }
    driver.queue(2).add({{kData + 0x1000, static_cast<uint32_t>(10 * values.size())}});
    driver.kick(2);
  }
  FakeMemory memory;
  Memory gate{memory};
  RecordingLog log;
  RecordingIrq irq;
  VirtioBalloon balloon{gate, log, 1 << 20};
  VirtioMmio mmio{&balloon, IrqLine(irq, 0), log};
  Driver driver{memory, mmio};
};

TEST_F(VirtioBalloonTest, InflatesAndDeflates) {
  EXPECT_EQ(driver.reg(kRegDeviceId), 5u);
  EXPECT_EQ(driver.device_features() & 0x3f, 0x6u);
  give(0, {kPages + 0x80, kPages + 0x81, kPages + 0x80, 0, 0xffffffff});
  EXPECT_EQ(gate.discarded, (std::set<uint64_t>{0x40080000, 0x40081000}));
  EXPECT_EQ(driver.queue(0).used_index(), 1);
  EXPECT_TRUE(irq.level);
  gate.discarded.clear();
  give(1, {kPages + 0x80, kPages + 0x90});
  give(0, {kPages + 0x80, kPages + 0x81});
  EXPECT_EQ(gate.discarded, std::set<uint64_t>{0x40080000});
  EXPECT_TRUE(log.errors.empty());
}

TEST_F(VirtioBalloonTest, TargetAndActual) {
  EXPECT_EQ(driver.reg(kRegConfig), 0u);
  EXPECT_EQ(balloon.actual(), 1u << 20);
  balloon.set_target(768 << 10);
  EXPECT_EQ(driver.reg(kRegConfig), 64u);
  EXPECT_TRUE(irq.level);
  EXPECT_EQ(driver.reg(kRegInterruptStatus) & 2, 2u);
  driver.set_reg(kRegConfig + 4, 64);
  EXPECT_EQ(balloon.actual(), 768u << 10);
  driver.set_reg(kRegConfig, 5);  // the driver's wish counts for nothing
  EXPECT_EQ(driver.reg(kRegConfig), 64u);
  balloon.set_target(~uint64_t{0});
  EXPECT_EQ(driver.reg(kRegConfig), 0u);
  driver.set_reg(kRegConfig + 4, ~0u);
  EXPECT_EQ(balloon.actual(), 0u);
}

TEST_F(VirtioBalloonTest, Statistics) {
  give_statistics({{4, 1000}, {5, 2000}, {0x7777, 1}});
  EXPECT_EQ(driver.queue(2).used_index(), 0);  // kept
  const auto& first = balloon.statistics();
  EXPECT_EQ(first[VirtioBalloon::kFreeMemory], 1000u);
  EXPECT_EQ(first[VirtioBalloon::kTotalMemory], 2000u);
  EXPECT_FALSE(first[VirtioBalloon::kSwapIn]);
  EXPECT_EQ(driver.queue(2).used_index(), 1);  // it may say new ones
  give_statistics({{4, 900}});
  EXPECT_EQ(balloon.statistics()[VirtioBalloon::kFreeMemory], 900u);
  EXPECT_FALSE(balloon.statistics()[VirtioBalloon::kTotalMemory]);
  EXPECT_EQ(driver.queue(2).used_index(), 2);
}

TEST_F(VirtioBalloonTest, HostileRequests) {
  driver.queue(0).add({{kData, 0x8000}});
  driver.kick(0);
  EXPECT_EQ(log.errors.size(), 1u);  // 8192 page numbers: the first 4096
  EXPECT_EQ(driver.queue(0).used_index(), 1);
  driver.queue(0).add({{0x1000, 64}});
  driver.kick(0);
  EXPECT_TRUE(driver.needs_reset());
  driver.start();
  driver.queue(2).add({{0x1000, 64}});
  driver.kick(2);
  EXPECT_TRUE(driver.needs_reset());
}

TEST_F(VirtioBalloonTest, SaveAndRestore) {
  balloon.set_target(512 << 10);
  driver.set_reg(kRegConfig + 4, 32);
  give_statistics({{4, 1000}});
  StateStream saved;
  mmio.serialize(saved);
  mmio.reset();
  EXPECT_EQ(balloon.actual(), 1u << 20);
  StateStream load(saved.bytes());
  mmio.serialize(load);
  ASSERT_FALSE(load.failed());
  EXPECT_EQ(balloon.actual(), (1u << 20) - (32 << 12));
  EXPECT_EQ(driver.reg(kRegConfig), 128u);
  balloon.statistics();
  EXPECT_EQ(driver.queue(2).used_index(), 1);
}

}  // namespace
}  // namespace mynah::dev::test
