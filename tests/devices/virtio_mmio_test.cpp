// SPDX-License-Identifier: Apache-2.0
//
// The virtio-mmio transport and the part of a device that is common to all, behind a device that does nothing
// but return its chains.
#include "devices/virtio/virtio_mmio.h"

#include "tests/devices/virtio_test_driver.h"

namespace mynah::dev::test {
namespace {

class EchoDevice final : public VirtioDevice {
 public:
  EchoDevice(DmaMemory& memory, Log& log) : VirtioDevice("echo", memory, log, {64, 32}) {}
  uint32_t device_id() const override { return 42; }
  uint32_t state_version() const override { return 1; }
  bool write_config(uint64_t offset, std::span<const uint8_t> from) override {
    if (offset + from.size() > bytes.size()) return false;
    std::copy(from.begin(), from.end(), bytes.begin() + static_cast<ptrdiff_t>(offset));
    return true;
  }
  using VirtioDevice::config_changed;
  using VirtioDevice::fail;
  using VirtioDevice::has;

  std::vector<uint8_t> bytes = {0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa};
  int handled = 0;
  std::function<void()> on_chain = [] {};

 private:
  uint64_t device_features() const override { return 0x5 | uint64_t{1} << 40; }
  void config(std::span<uint8_t> to) const override { std::copy(bytes.begin(), bytes.end(), to.begin()); }
  void notify(unsigned index) override {
    process(index, [this](const DescriptorChain& chain) {
      ++handled;
      on_chain();
      return static_cast<uint32_t>(chain.writable_size);
    });
  }
  void reset_device() override {}
  void serialize_device(StateStream& stream) override { stream.io(handled); }
};

class VirtioMmioTest : public testing::Test {
 protected:
  FakeMemory memory;
  RecordingLog log;
  RecordingIrq irq;
  EchoDevice device{memory, log};
  VirtioMmio mmio{&device, IrqLine(irq, 0), log};
  Driver driver{memory, mmio};
};

TEST_F(VirtioMmioTest, Identification) {
  EXPECT_EQ(driver.reg(kRegMagic), 0x74726976u);
  EXPECT_EQ(driver.reg(kRegVersion), 2u);
  EXPECT_EQ(driver.reg(kRegDeviceId), 42u);
  EXPECT_EQ(driver.reg(kRegVendorId), 0x554d4551u);
  EXPECT_EQ(driver.status(), 0);
  EXPECT_TRUE(log.errors.empty());
}

TEST_F(VirtioMmioTest, EmptyTransport) {
  VirtioMmio empty(nullptr, IrqLine(irq, 1), log);
  Driver probe(memory, empty);
  EXPECT_EQ(probe.reg(kRegMagic), 0x74726976u);
  EXPECT_EQ(probe.reg(kRegVersion), 2u);
  EXPECT_EQ(probe.reg(kRegDeviceId), 0u);
  for (uint64_t offset = 0; offset < 0x200; offset += 4) {
    probe.set_reg(offset, 0xffff'ffff);
    probe.reg(offset);
  }
  EXPECT_EQ(probe.reg(kRegStatus), 0u);
  empty.reset();
  StateStream saved;
  empty.serialize(saved);
  StateStream load(saved.bytes());
  empty.serialize(load);
  EXPECT_FALSE(load.failed());
  EXPECT_EQ(irq.rises, 0);
}

TEST_F(VirtioMmioTest, FeatureWords) {
  EXPECT_EQ(driver.device_features(),
            0x5u | uint64_t{1} << 40 | kFeatureIndirect | kFeatureEventIndex | kFeatureVersion1);
  driver.set_reg(kRegDeviceFeaturesSel, 2);
  EXPECT_EQ(driver.reg(kRegDeviceFeatures), 0u);
}

TEST_F(VirtioMmioTest, Negotiation) {
  driver.start(0x4 | uint64_t{1} << 40);
  EXPECT_TRUE(device.has(2));
  EXPECT_FALSE(device.has(0));
  EXPECT_TRUE(device.has(40));
  EXPECT_TRUE(log.errors.empty());
  driver.set_driver_features(0);  // too late
  EXPECT_TRUE(device.has(2));
  EXPECT_FALSE(log.errors.empty());
}

TEST_F(VirtioMmioTest, FeaturesThatWereNotOffered) {
  driver.set_reg(kRegStatus, 3);
  driver.set_driver_features(kFeatureVersion1 | 0x2);
  driver.set_reg(kRegStatus, 11);
  EXPECT_EQ(driver.status(), 3);
  driver.set_reg(kRegStatus, 15);
  EXPECT_EQ(driver.status(), 3);  // and DRIVER_OK needs FEATURES_OK
  driver.set_driver_features(kFeatureVersion1);
  driver.set_reg(kRegStatus, 11);
  EXPECT_EQ(driver.status(), 11);
}

// An older driver on these registers, with the step that came with VIRTIO 1.0 and without it.
TEST_F(VirtioMmioTest, FeaturesWithoutVersion1) {
  for (const bool with_step : {true, false}) {
    driver.set_reg(kRegStatus, 0);
    driver.set_reg(kRegStatus, 3);
    driver.set_driver_features(0x1);
    if (with_step) {
      driver.set_reg(kRegStatus, 11);
      EXPECT_EQ(driver.status(), 11);
    }
    driver.set_reg(kRegStatus, with_step ? 15 : 7);
    EXPECT_EQ(driver.status(), with_step ? 15 : 7);
    EXPECT_TRUE(device.has(0));
    EXPECT_FALSE(device.has(32));
  }
  EXPECT_TRUE(log.errors.empty());
}

TEST_F(VirtioMmioTest, QueueSetUp) {
  driver.set_reg(kRegQueueSel, 0);
  EXPECT_EQ(driver.reg(kRegQueueNumMax), 64u);
  driver.set_reg(kRegQueueSel, 1);
  EXPECT_EQ(driver.reg(kRegQueueNumMax), 32u);
  for (uint32_t index : {2u, 64u, 0xffff'ffffu}) {
    driver.set_reg(kRegQueueSel, index);
    EXPECT_EQ(driver.reg(kRegQueueNumMax), 0u);
    EXPECT_EQ(driver.reg(kRegQueueReady), 0u);
    driver.set_reg(kRegQueueNum, 8);
    driver.set_reg(kRegQueueReady, 1);
    driver.set_reg(kRegQueueReady, 0);
    driver.set_reg(kRegQueueDesc, 0);
    EXPECT_EQ(driver.reg(kRegQueueReady), 0u);
  }
}

TEST_F(VirtioMmioTest, QueueIsFixedWhileReady) {
  driver.start();
  const Virtqueue::Addresses before = device.queue(0).addresses();
  driver.set_reg(kRegQueueSel, 0);
  driver.set_reg(kRegQueueNum, 8);
  driver.set_reg(kRegQueueDesc, 0x1000);
  driver.set_reg(kRegQueueDriver + 4, 1);
  EXPECT_EQ(device.queue(0).size(), 16);
  EXPECT_EQ(device.queue(0).addresses().descriptors, before.descriptors);
  EXPECT_EQ(device.queue(0).addresses().available, before.available);
  driver.set_reg(kRegQueueReady, 0);
  EXPECT_EQ(driver.reg(kRegQueueReady), 0u);
  driver.queue().add({{kData, 4}});
  driver.kick();
  EXPECT_EQ(device.handled, 0);
}

TEST_F(VirtioMmioTest, RequestAndInterrupt) {
  driver.start(0);
  driver.queue().add({{kData, 4}, {kData + 64, 12, kWrite}}, 5);
  EXPECT_EQ(device.handled, 0);
  driver.kick();
  EXPECT_EQ(device.handled, 1);
  EXPECT_EQ(driver.queue().used_index(), 1);
  EXPECT_EQ(driver.queue().used_element(0).id, 5u);
  EXPECT_EQ(driver.queue().used_element(0).length, 12u);
  EXPECT_EQ(driver.reg(kRegInterruptStatus), 1u);
  EXPECT_TRUE(irq.level);
  driver.ack();
  EXPECT_EQ(driver.reg(kRegInterruptStatus), 0u);
  EXPECT_FALSE(irq.level);
}

TEST_F(VirtioMmioTest, OneInterruptForABatch) {
  driver.start(0);
  for (uint16_t i = 0; i < 10; ++i) driver.queue().add({{kData, 4}}, i);
  driver.kick();
  EXPECT_EQ(device.handled, 10);
  EXPECT_EQ(irq.rises, 1);
}

TEST_F(VirtioMmioTest, InterruptSuppression) {
  driver.start(0);
  driver.queue().set_avail_flags(1);
  driver.queue().add({{kData, 4}});
  driver.kick();
  EXPECT_EQ(device.handled, 1);
  EXPECT_EQ(irq.rises, 0);
}

TEST_F(VirtioMmioTest, EventIndex) {
  driver.start();
  driver.queue().set_used_event(1);
  driver.queue().add({{kData, 4}});
  driver.kick();
  EXPECT_EQ(irq.rises, 0);
  EXPECT_EQ(driver.queue().avail_event(), 1);
  driver.queue().add({{kData, 4}});
  driver.kick();
  EXPECT_EQ(irq.rises, 1);
}

TEST_F(VirtioMmioTest, NothingBeforeDriverOk) {
  driver.prepare();
  driver.queue(1).add({{kData, 4}});
  driver.kick(1);
  EXPECT_EQ(device.handled, 0);
  EXPECT_EQ(irq.rises, 0);
  driver.set_reg(kRegStatus, 15);  // then what was offered is handled without another notification
  EXPECT_EQ(device.handled, 1);
}

TEST_F(VirtioMmioTest, NotificationOfNoQueue) {
  driver.start();
  driver.kick(2);
  driver.kick(0xffff'ffff);
  EXPECT_EQ(device.handled, 0);
  EXPECT_EQ(log.errors.size(), 2u);
}

TEST_F(VirtioMmioTest, MalformedChainStopsTheDevice) {
  driver.start();
  driver.queue().add({{kData, 0}});
  driver.kick();
  EXPECT_TRUE(driver.needs_reset());
  EXPECT_EQ(driver.reg(kRegInterruptStatus), 2u);
  EXPECT_TRUE(irq.level);
  ASSERT_EQ(log.errors.size(), 1u);
  EXPECT_NE(log.errors[0].find("length 0"), std::string::npos);
  // No more until reset, on any queue; and no more log.
  driver.queue(1).add({{kData, 4}});
  driver.kick(1);
  driver.kick(0);
  driver.set_reg(kRegStatus, 15);  // cannot be cleared this way
  EXPECT_TRUE(driver.needs_reset());
  EXPECT_EQ(device.handled, 0);
  EXPECT_EQ(log.errors.size(), 1u);
  driver.start();
  EXPECT_FALSE(driver.needs_reset());
  driver.queue().add({{kData, 4}});
  driver.kick();
  EXPECT_EQ(device.handled, 1);
}

TEST_F(VirtioMmioTest, ResetForgetsEverything) {
  driver.start();
  driver.queue().add({{kData, 4}});
  driver.kick();
  device.config_changed();
  EXPECT_TRUE(irq.level);
  driver.set_reg(kRegStatus, 0);
  EXPECT_EQ(driver.status(), 0);
  EXPECT_FALSE(irq.level);
  EXPECT_EQ(driver.reg(kRegInterruptStatus), 0u);
  EXPECT_EQ(driver.reg(kRegQueueReady), 0u);
  EXPECT_FALSE(device.has(2));
  driver.kick();
  EXPECT_EQ(device.handled, 1);
  driver.start();
  EXPECT_EQ(driver.queue().used_index(), 0);
  driver.queue().add({{kData, 4}});
  driver.kick();
  EXPECT_EQ(driver.queue().used_index(), 1);
}

TEST_F(VirtioMmioTest, MachineReset) {
  driver.start();
  driver.queue().add({{kData, 4}});
  driver.kick();
  mmio.reset();
  EXPECT_EQ(driver.status(), 0);
  EXPECT_FALSE(irq.level);
}

TEST_F(VirtioMmioTest, QueueThatRefillsItselfIsPutOff) {
  driver.start();
  driver.queue().set_avail_flags(1);
  driver.queue().set_used_event(0x8000);
  driver.queue().write_desc(0, {kData, 4});
  device.on_chain = [&] {
    if (device.handled < 5000) driver.queue().offer(0);
  };
  driver.queue().offer(0);
  driver.kick();
  const int first = device.handled;
  EXPECT_LT(first, 5000);
  EXPECT_TRUE(irq.level);  // though not wanted
  for (int i = 0; i < 10 && device.handled < 5000; ++i) driver.ack();
  EXPECT_EQ(device.handled, 5000);
  EXPECT_EQ(driver.queue().used_index(), 5000);
}

TEST_F(VirtioMmioTest, ConfigWidths) {
  EXPECT_EQ(mmio.read(0x100, Width::k1), 0x11u);
  EXPECT_EQ(mmio.read(0x101, Width::k1), 0x22u);
  EXPECT_EQ(mmio.read(0x102, Width::k2), 0x4433u);
  EXPECT_EQ(mmio.read(0x104, Width::k4), 0x88776655u);
  EXPECT_EQ(mmio.read(0x100, Width::k8), 0x8877665544332211u);
  EXPECT_EQ(mmio.read(0x108, Width::k4), 0xaa99u);
  EXPECT_EQ(mmio.read(0x1fc, Width::k4), 0u);
  EXPECT_EQ(mmio.read(0x1f8, Width::k8), 0u);
  mmio.write(0x101, Width::k1, 0xabcdef);
  mmio.write(0x102, Width::k2, 0x12345678);
  EXPECT_EQ(mmio.read(0x100, Width::k4), 0x5678ef11u);
  EXPECT_TRUE(log.errors.empty());
  mmio.write(0x10a, Width::k1, 0);
  EXPECT_EQ(log.errors.size(), 1u);
}

TEST_F(VirtioMmioTest, RegistersAreWords) {
  EXPECT_EQ(mmio.read(kRegMagic, Width::k1), 0u);
  EXPECT_EQ(mmio.read(kRegMagic, Width::k2), 0u);
  EXPECT_EQ(mmio.read(kRegMagic, Width::k8), 0u);
  EXPECT_EQ(mmio.read(kRegMagic + 2, Width::k4), 0u);
  mmio.write(kRegStatus, Width::k1, 1);
  EXPECT_EQ(driver.status(), 0);
  EXPECT_EQ(log.errors.size(), 5u);
}

TEST_F(VirtioMmioTest, NoSharedMemory) {
  driver.set_reg(0xac, 0);
  for (uint64_t offset = kRegShmLenLow; offset <= 0xbc; offset += 4)
    EXPECT_EQ(driver.reg(offset), 0xffff'ffffu);
}

TEST_F(VirtioMmioTest, ConfigGenerationAndInterrupt) {
  const uint32_t before = driver.reg(kRegGeneration);
  device.config_changed();
  EXPECT_NE(driver.reg(kRegGeneration), before);
  EXPECT_FALSE(irq.level);  // no driver
  driver.start();
  device.config_changed();
  EXPECT_EQ(driver.reg(kRegInterruptStatus), 2u);
  EXPECT_TRUE(irq.level);
  driver.set_reg(kRegInterruptAck, 1);
  EXPECT_TRUE(irq.level);
  driver.set_reg(kRegInterruptAck, 2);
  EXPECT_FALSE(irq.level);
}

TEST_F(VirtioMmioTest, SaveAndRestore) {
  driver.start(kFeatureEventIndex | 4);
  driver.queue().add({{kData, 4}}, 0);
  driver.kick();
  driver.queue().add({{kData, 4}}, 1);  // not yet notified
  StateStream saved;
  mmio.serialize(saved);

  EchoDevice other_device(memory, log);
  RecordingIrq other_irq;
  VirtioMmio other(&other_device, IrqLine(other_irq, 0), log);
  StateStream load(saved.bytes());
  other.serialize(load);
  ASSERT_FALSE(load.failed());
  EXPECT_TRUE(other_irq.level);
  EXPECT_TRUE(other_device.has(2));
  other.write(kRegInterruptAck, Width::k4, 1);
  other.write(kRegQueueNotify, Width::k4, 0);
  EXPECT_EQ(other_device.handled, 2);
  EXPECT_EQ(driver.queue().used_index(), 2);
  EXPECT_EQ(driver.queue().avail_event(), 2);

  // Short and foreign streams fail and do no harm.
  for (size_t n = 0; n < saved.bytes().size(); ++n) {
    StateStream part(
        std::vector<uint8_t>(saved.bytes().begin(), saved.bytes().begin() + static_cast<ptrdiff_t>(n)));
    other.serialize(part);
    EXPECT_TRUE(part.failed());
  }
  VirtioMmio empty(nullptr, IrqLine(), log);
  StateStream foreign(saved.bytes());
  empty.serialize(foreign);
  EXPECT_TRUE(foreign.failed());
}

// ---- Legacy register set.

class VirtioMmioLegacyTest : public VirtioMmioTest {
 protected:
  // Rings at kBase: 16 descriptors, the available ring behind them, the used ring at the next 4 KiB.
  void start_legacy(uint32_t features) {
    legacy.set_reg(kRegGuestPageSize, 4096);  // as drivers do: before their reset
    legacy.set_reg(kRegStatus, 0);
    legacy.set_reg(kRegStatus, 3);
    legacy.set_reg(kRegDriverFeaturesSel, 0);
    legacy.set_reg(kRegDriverFeatures, features);
    legacy.set_reg(kRegQueueSel, 0);
    legacy.set_reg(kRegQueueNum, 16);
    legacy.set_reg(kRegQueueAlign, 4096);
    legacy.set_reg(kRegQueuePfn, FakeMemory::kBase / 4096);
  }
  VirtioMmio legacy_mmio{&device, IrqLine(irq, 0), log, VirtioMmio::Version::kLegacy};
  Driver legacy{memory, legacy_mmio};
};

TEST_F(VirtioMmioLegacyTest, Identification) {
  EXPECT_EQ(legacy.reg(kRegVersion), 1u);
  EXPECT_EQ(legacy.device_features() & kFeatureVersion1, 0u);
  EXPECT_EQ(legacy.reg(kRegQueuePfn), 0u);
}

TEST_F(VirtioMmioLegacyTest, Request) {
  start_legacy(0x4 | 0x2);  // what is not offered is masked
  EXPECT_TRUE(device.has(2));
  EXPECT_FALSE(device.has(1));
  EXPECT_EQ(legacy.reg(kRegQueuePfn), FakeMemory::kBase / 4096);
  const uint64_t base = FakeMemory::kBase;
  memory.put<uint64_t>(base, kData);
  memory.put<uint32_t>(base + 8, 8);
  memory.put<uint16_t>(base + 256 + 2, 1);
  legacy.kick();  // before DRIVER_OK, as legacy drivers may
  EXPECT_EQ(device.handled, 1);
  EXPECT_EQ(memory.get<uint16_t>(base + 4096 + 2), 1);
  EXPECT_EQ(legacy.reg(kRegInterruptStatus), 1u);
  legacy.set_reg(kRegStatus, 7);
  EXPECT_EQ(legacy.status(), 7);
  legacy.set_reg(kRegQueuePfn, 0);
  EXPECT_EQ(legacy.reg(kRegQueuePfn), 0u);
  EXPECT_TRUE(log.errors.empty());
}

TEST_F(VirtioMmioLegacyTest, Misuse) {
  legacy.set_reg(kRegQueuePfn, 5);  // before the page size
  EXPECT_EQ(legacy.reg(kRegQueuePfn), 0u);
  legacy.set_reg(kRegGuestPageSize, 12345);
  legacy.set_reg(kRegQueueAlign, 3);
  legacy.set_reg(kRegQueueAlign, 0);
  legacy.set_reg(kRegQueueReady, 1);
  EXPECT_EQ(log.errors.size(), 5u);
  start_legacy(0);
  memory.put<uint16_t>(FakeMemory::kBase + 256 + 2, 1);  // descriptor 0 is all zero
  legacy.kick();
  legacy.kick();
  EXPECT_EQ(log.errors.size(), 6u);
  EXPECT_FALSE(legacy.needs_reset());  // legacy has no such bit
}

}  // namespace
}  // namespace mynah::dev::test
