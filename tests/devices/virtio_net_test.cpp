// SPDX-License-Identifier: Apache-2.0
//
// virtio-net: frames both ways, merged buffers, back-pressure, control queue, hostile buffers.
#include "devices/virtio/virtio_net.h"

#include "tests/devices/virtio_test_driver.h"

namespace mynah::dev::test {
namespace {

class FakeNetwork final : public NetBackend {
 public:
  void send(std::span<const uint8_t> frame) override {
    sent.emplace_back(frame.begin(), frame.end());
    if (echo) receiver(frame);
  }
  void attach(Receiver to) override { receiver = std::move(to); }
  void buffers_available() override {
    ++wakeups;
    while (!held.empty() && receiver(held.front())) held.erase(held.begin());
  }
  void push(std::vector<uint8_t> frame) {
    if (!held.empty() || !receiver(frame)) held.push_back(std::move(frame));
  }

  Receiver receiver;
  bool echo = false;
  int wakeups = 0;
  std::vector<std::vector<uint8_t>> sent;
  std::vector<std::vector<uint8_t>> held;
};

constexpr unsigned kRx = 0, kTx = 1, kCtrl = 2;
constexpr uint64_t kMrg = 1 << 15;
constexpr uint64_t kNoMrg = kAllFeatures & ~kMrg;

class VirtioNetTest : public testing::Test {
 protected:
  void SetUp() override { driver.start(); }
  static uint64_t buffer(unsigned i) { return kData + 0x1000 * i; }
  void add_rx(uint32_t size, uint16_t head = 0) {
    driver.queue(kRx).add({{buffer(head), size, kWrite}}, head);
    driver.kick(kRx);
  }
  uint8_t control(std::vector<uint8_t> command) {
    memory.put_bytes(kData + 0x8000, command);
    memory.put<uint8_t>(kData + 0x9000, 0xee);
    driver.queue(kCtrl).add(
        {{kData + 0x8000, static_cast<uint32_t>(command.size())}, {kData + 0x9000, 1, kWrite}});
    driver.kick(kCtrl);
    return memory.get<uint8_t>(kData + 0x9000);
  }

  FakeMemory memory;
  RecordingLog log;
  RecordingIrq irq;
  FakeNetwork network;
  VirtioNet net{memory, log, network, {0x52, 0x54, 0, 0x12, 0x34, 0x56}};
  VirtioMmio mmio{&net, IrqLine(irq, 0), log};
  Driver driver{memory, mmio};
};

TEST_F(VirtioNetTest, Configuration) {
  EXPECT_EQ(driver.reg(kRegDeviceId), 1u);
  EXPECT_EQ(mmio.read(kRegConfig, Width::k1), 0x52u);
  EXPECT_EQ(mmio.read(kRegConfig + 5, Width::k1), 0x56u);
  EXPECT_EQ(mmio.read(kRegConfig + 6, Width::k2), 1u);
  mmio.write(kRegConfig, Width::k1, 0);
  EXPECT_EQ(mmio.read(kRegConfig, Width::k1), 0x52u);
}

TEST_F(VirtioNetTest, Transmit) {
  const auto frame = pattern(200);
  memory.put_bytes(kData + 12, frame);
  driver.queue(kTx).add({{kData, 212}});
  driver.kick(kTx);
  ASSERT_EQ(network.sent.size(), 1u);
  EXPECT_EQ(network.sent[0], frame);
  EXPECT_EQ(driver.queue(kTx).used_element(0).length, 0u);
  EXPECT_TRUE(irq.level);
}

TEST_F(VirtioNetTest, TransmitInOddPieces) {
  const auto frame = pattern(100);
  memory.put_bytes(kData + 0x100 + 5, std::span(frame).first(50));
  memory.put_bytes(kData + 0x200, std::span(frame).subspan(50));
  driver.queue(kTx).add_indirect({{kData, 7}, {kData + 0x100, 55}, {kData + 0x200, 50}}, kData + 0x1000);
  driver.kick(kTx);
  ASSERT_EQ(network.sent.size(), 1u);
  EXPECT_EQ(network.sent[0], frame);
}

TEST_F(VirtioNetTest, FramesOfSillySizesAreLost) {
  driver.queue(kTx).add({{kData, 12}}, 0);
  driver.queue(kTx).add({{kData, 12 + 13}}, 1);
  driver.queue(kTx).add({{kData, 0x2'0000}}, 2);
  driver.queue(kTx).add({{kData, 12 + 14}}, 3);
  driver.kick(kTx);
  EXPECT_EQ(network.sent.size(), 1u);
  EXPECT_EQ(driver.queue(kTx).used_index(), 4);
  EXPECT_FALSE(driver.needs_reset());
}

TEST_F(VirtioNetTest, Receive) {
  add_rx(2048, 3);
  const auto frame = pattern(300);
  network.push(frame);
  EXPECT_EQ(driver.queue(kRx).used_index(), 1);
  EXPECT_EQ(driver.queue(kRx).used_element(0).id, 3u);
  EXPECT_EQ(driver.queue(kRx).used_element(0).length, 312u);
  EXPECT_EQ(memory.get<uint16_t>(buffer(3) + 10), 1);
  EXPECT_EQ(memory.get_bytes(buffer(3) + 12, 300), frame);
  EXPECT_TRUE(irq.level);
}

TEST_F(VirtioNetTest, ReceiveMerged) {
  for (uint16_t i = 0; i < 4; ++i) add_rx(128, i);
  const auto frame = pattern(300);
  network.push(frame);
  ASSERT_EQ(driver.queue(kRx).used_index(), 3);
  EXPECT_EQ(memory.get<uint16_t>(buffer(0) + 10), 3);
  std::vector<uint8_t> got = memory.get_bytes(buffer(0) + 12, 116);
  for (uint16_t i = 1; i < 3; ++i) {
    const auto more = memory.get_bytes(buffer(i), driver.queue(kRx).used_element(i).length);
    got.insert(got.end(), more.begin(), more.end());
  }
  EXPECT_EQ(got, frame);
  EXPECT_EQ(driver.queue(kRx).used_element(0).length, 128u);
}

TEST_F(VirtioNetTest, ReceiveWithoutMerging) {
  driver.start(kNoMrg);
  driver.queue(kRx).add({{buffer(0), 12, kWrite}, {buffer(1), 1514, kWrite}});
  driver.kick(kRx);
  const auto frame = pattern(1514);
  network.push(frame);
  EXPECT_EQ(memory.get<uint16_t>(buffer(0) + 10), 1);
  EXPECT_EQ(memory.get_bytes(buffer(1), 1514), frame);
  EXPECT_EQ(driver.queue(kRx).used_element(0).length, 1526u);
}

TEST_F(VirtioNetTest, FrameThatFitsNoBufferIsLost) {
  driver.start(kNoMrg);
  add_rx(100);
  network.push(pattern(300));
  EXPECT_TRUE(network.held.empty());
  EXPECT_EQ(driver.queue(kRx).used_index(), 0);
  network.push(pattern(60));  // the buffer is still there
  EXPECT_EQ(driver.queue(kRx).used_index(), 1);
}

TEST_F(VirtioNetTest, FrameLargerThanTheWholeQueueIsLost) {
  for (uint16_t i = 0; i < 16; ++i) add_rx(16, i);
  network.push(pattern(300));
  EXPECT_TRUE(network.held.empty());
  network.push(pattern(60));
  EXPECT_EQ(driver.queue(kRx).used_index(), 5);
  EXPECT_FALSE(driver.needs_reset());
}

TEST_F(VirtioNetTest, BackPressure) {
  network.push(pattern(60, 1));
  network.push(pattern(60, 2));
  EXPECT_EQ(network.held.size(), 2u);
  EXPECT_EQ(driver.queue(kRx).used_index(), 0);
  add_rx(2048, 0);
  EXPECT_EQ(network.held.size(), 1u);
  EXPECT_EQ(memory.get_bytes(buffer(0) + 12, 60), pattern(60, 1));
  add_rx(2048, 1);
  EXPECT_TRUE(network.held.empty());
  EXPECT_EQ(memory.get_bytes(buffer(1) + 12, 60), pattern(60, 2));
}

TEST_F(VirtioNetTest, NotificationsOnlyWhenStarved) {
  driver.start(kMrg);  // no event index: flags
  add_rx(2048, 0);
  EXPECT_EQ(driver.queue(kRx).used_flags(), 1);
  const int wakeups = network.wakeups;
  add_rx(2048, 1);
  EXPECT_EQ(network.wakeups, wakeups);
  for (int i = 0; i < 3; ++i) network.push(pattern(60));
  EXPECT_EQ(network.held.size(), 1u);
  EXPECT_EQ(driver.queue(kRx).used_flags(), 0);
  add_rx(2048, 2);
  EXPECT_TRUE(network.held.empty());
}

TEST_F(VirtioNetTest, FramesBeforeTheDriverWait) {
  driver.set_reg(kRegStatus, 0);
  network.push(pattern(60));
  EXPECT_EQ(network.held.size(), 1u);
  driver.prepare();
  driver.queue(kRx).add({{buffer(0), 2048, kWrite}});
  driver.set_reg(kRegStatus, 15);
  EXPECT_TRUE(network.held.empty());
}

TEST_F(VirtioNetTest, ReplyFromWithinSend) {
  network.echo = true;
  add_rx(2048);
  memory.put_bytes(kData + 0x5000 + 12, pattern(64));
  driver.queue(kTx).add({{kData + 0x5000, 76}});
  driver.kick(kTx);
  EXPECT_EQ(memory.get_bytes(buffer(0) + 12, 64), pattern(64));
  EXPECT_EQ(driver.queue(kRx).used_index(), 1);
}

TEST_F(VirtioNetTest, Link) {
  net.set_link(false);
  EXPECT_EQ(mmio.read(kRegConfig + 6, Width::k2), 0u);
  EXPECT_EQ(driver.reg(kRegInterruptStatus), 2u);
  add_rx(2048);
  network.push(pattern(60));
  EXPECT_TRUE(network.held.empty());
  EXPECT_EQ(driver.queue(kRx).used_index(), 0);
  net.set_link(true);
  network.push(pattern(60));
  EXPECT_EQ(driver.queue(kRx).used_index(), 1);
}

TEST_F(VirtioNetTest, Control) {
  for (uint8_t command = 0; command < 6; ++command) EXPECT_EQ(control({0, command, 1}), 0);
  EXPECT_EQ(control({0, 6, 1}), 1);
  EXPECT_EQ(control({1, 0, 0, 0, 0, 0, 0, 0, 0, 0}), 0);
  EXPECT_EQ(control({1, 1, 2, 3, 4, 5, 6, 7}), 0);
  EXPECT_EQ(net.mac(), (VirtioNet::Mac{2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(mmio.read(kRegConfig + 5, Width::k1), 7u);
  EXPECT_EQ(control({1, 1, 2, 3}), 1);
  EXPECT_EQ(control({4, 0, 1, 0}), 1);
  EXPECT_FALSE(driver.needs_reset());
  driver.start();
  EXPECT_EQ(net.mac()[0], 0x52);  // reset restores it
}

TEST_F(VirtioNetTest, LegacyHeaderSize) {
  VirtioNet old(memory, log, network, {1, 2, 3, 4, 5, 6});
  VirtioMmio old_mmio(&old, IrqLine(irq, 1), log, VirtioMmio::Version::kLegacy);
  Driver guest(memory, old_mmio);
  guest.set_reg(kRegGuestPageSize, 4096);
  guest.set_reg(kRegDriverFeatures, 0);
  guest.set_reg(kRegQueueSel, 0);
  guest.set_reg(kRegQueueNum, 16);
  const uint64_t ring = kData + 0x20000;
  guest.set_reg(kRegQueuePfn, static_cast<uint32_t>(ring / 4096));
  memory.put<uint64_t>(ring, kData);
  memory.put<uint32_t>(ring + 8, 2048);
  memory.put<uint16_t>(ring + 12, kWrite);
  memory.put<uint16_t>(ring + 256 + 2, 1);
  guest.set_reg(kRegStatus, 7);
  network.push(pattern(60));
  EXPECT_EQ(memory.get_bytes(kData + 10, 60), pattern(60));
  EXPECT_EQ(memory.get<uint32_t>(ring + 4096 + 8), 70u);
}

// ---- Hostile buffers.

TEST_F(VirtioNetTest, HostileReceiveBuffers) {
  const std::vector<std::vector<Desc>> chains = {
      {{kData, 2048}},                          // wrong direction
      {{kData, 11, kWrite}},                    // no room for the header
      {{0, 2048, kWrite}},                      // outside RAM
      {{kData, 8, kWrite}, {0, 2048, kWrite}},  // partly
      {{kData, 0, kWrite}},                     // empty
  };
  for (const auto& chain : chains) {
    log.errors.clear();
    network.held.clear();
    driver.start();
    driver.queue(kRx).add(chain);
    driver.kick(kRx);
    network.push(pattern(60));
    EXPECT_TRUE(driver.needs_reset()) << &chain - &chains[0];
    EXPECT_EQ(log.errors.size(), 1u);
    EXPECT_EQ(driver.queue(kRx).used_index(), 0);
    network.push(pattern(60));
    EXPECT_EQ(log.errors.size(), 1u);
  }
}

TEST_F(VirtioNetTest, HostileReceiveRing) {
  memory.put<uint16_t>(driver.queue(kRx).avail() + 2, 1000);
  driver.kick(kRx);
  network.push(pattern(60));
  EXPECT_TRUE(driver.needs_reset());
}

TEST_F(VirtioNetTest, HostileTransmitAndControl) {
  const std::vector<std::pair<unsigned, std::vector<Desc>>> cases = {
      {kTx, {{kData, 2048, kWrite}}},
      {kTx, {{kData, 11}}},
      {kTx, {{0, 2048}}},
      {kCtrl, {{kData, 1}, {kData, 1, kWrite}}},
      {kCtrl, {{kData, 3}}},
      {kCtrl, {{0, 3}, {kData, 1, kWrite}}},
      {kCtrl, {{kData, 3}, {0, 1, kWrite}}},
  };
  for (const auto& [queue, chain] : cases) {
    log.errors.clear();
    driver.start();
    driver.queue(queue).add(chain);
    driver.kick(queue);
    EXPECT_TRUE(driver.needs_reset()) << &chain - &cases[0].second;
    EXPECT_EQ(log.errors.size(), 1u);
  }
  EXPECT_TRUE(network.sent.empty());
}

TEST_F(VirtioNetTest, SaveAndRestore) {
  EXPECT_EQ(control({1, 1, 2, 3, 4, 5, 6, 7}), 0);
  for (uint16_t i = 0; i < 2; ++i) add_rx(2048, i);
  network.push(pattern(60));
  StateStream saved;
  mmio.serialize(saved);
  mmio.reset();
  StateStream load(saved.bytes());
  mmio.serialize(load);
  ASSERT_FALSE(load.failed());
  EXPECT_EQ(net.mac()[0], 2);
  network.push(pattern(61));
  EXPECT_EQ(driver.queue(kRx).used_index(), 2);
  EXPECT_EQ(driver.queue(kRx).used_element(1).length, 73u);
}

}  // namespace
}  // namespace mynah::dev::test
