// SPDX-License-Identifier: Apache-2.0
//
// The virtio-pci transport, behind a device that returns its chains: forms, capabilities, modern and legacy
// registers, interrupts both ways, reset and state.
#include "devices/virtio/virtio_pci.h"

#include <gtest/gtest.h>

#include <functional>

#include "tests/devices/pci_fakes.h"

namespace mynah::dev {
namespace {

using namespace pci;
using fake::Messages;

class Echo final : public VirtioDevice {
 public:
  Echo(DmaMemory& memory, Log& log) : VirtioDevice("echo", memory, log, {16, 8}) {}
  uint32_t device_id() const override { return 4; }
  uint32_t state_version() const override { return 1; }
  bool write_config(uint64_t offset, std::span<const uint8_t> from) override {
    if (offset + from.size() > bytes.size()) return false;
    std::copy(from.begin(), from.end(), bytes.begin() + static_cast<ptrdiff_t>(offset));
    return true;
  }
  using VirtioDevice::config_changed;
  bool legacy() const { return !(offered_features() >> virtio::kVersion1 & 1); }

  std::vector<uint8_t> bytes = {0x11, 0x22, 0x33, 0x44};
  unsigned handled = 0;
  std::function<void()> on_chain = [] {};

 private:
  uint64_t device_features() const override { return 0x5 | uint64_t{1} << 40; }
  void config(std::span<uint8_t> to) const override { std::copy(bytes.begin(), bytes.end(), to.begin()); }
  void notify(unsigned index) override {
    process(index, [this](const DescriptorChain&) {
      ++handled;
      on_chain();
      return 0u;
    });
  }
  void reset_device() override {}
  void serialize_device(StateStream& stream) override { stream.io(handled); }
};

constexpr unsigned kSlot = 2;
constexpr uint64_t kIo = 0x1000, kModern = 0x80'0000'0000, kTable = 0x2000'0000;
constexpr uint64_t kIsr = kModern + 0x1000, kDeviceCfg = kModern + 0x2000, kNotify = kModern + 0x3000;
constexpr uint64_t kRing = 0x4000'1000;

struct VirtioPciTest : testing::Test, fake::PciHost {
  VirtioPci& add(VirtioPci::Options options = {}) {
    auto& function = plug(make(options), kSlot);
    power_on();
    return function;
  }
  std::unique_ptr<VirtioPci> make(VirtioPci::Options options) {
    return std::make_unique<VirtioPci>(
        [this](DmaMemory& memory, Log& l) {
          auto made = std::make_unique<Echo>(memory, l);
          echo = made.get();
          return made;
        },
        events, log, options);
  }
  void power_on() {
    host.reset();
    set(kSlot, kBar0, kIo);
    set(kSlot, kBar0 + 4, kTable);
    set(kSlot, kBar0 + 16, 0);
    set(kSlot, kBar0 + 20, kModern >> 32);
    set(kSlot, kCommand, kMemorySpace | kIoSpace | kBusMaster, 2);
  }
  void put(uint64_t at, uint64_t value, unsigned width) {
    host.write(Space::kMemory, kModern + at, static_cast<Width>(width), value);
  }
  uint64_t common(uint64_t at, unsigned width) { return memory_at(kModern + at, static_cast<Width>(width)); }
  void out(uint64_t at, uint64_t value, unsigned width) {
    host.write(Space::kIo, kIo + at, static_cast<Width>(width), value);
  }
  uint64_t in(uint64_t at, unsigned width) { return io_at(kIo + at, static_cast<Width>(width)); }
  template <typename T>
  void poke(uint64_t pa, T value) {
    ram.write(pa, &value, sizeof value);
  }
  unsigned structure(unsigned type) {
    for (unsigned at = get(kSlot, kCapabilitiesPointer, 1); at; at = get(kSlot, at + 1, 1))
      if (get(kSlot, at, 1) == 9 && get(kSlot, at + 3, 1) == type) return at;
    return 0;
  }
  unsigned msix() {
    for (unsigned at = get(kSlot, kCapabilitiesPointer, 1); at; at = get(kSlot, at + 1, 1))
      if (get(kSlot, at, 1) == 0x11) return at;
    return 0;
  }
  void bring_up() {
    put(20, 0, 1);
    put(20, 3, 1);
    put(8, 1, 4);
    put(12, 1, 4);  // VERSION_1
    put(20, 11, 1);
    ASSERT_EQ(common(20, 1), 11u);
    put(22, 0, 2);
    put(32, kRing, 4);
    put(36, 0, 4);
    put(40, kRing + 0x200, 8);
    put(48, kRing + 0x400, 8);
    put(28, 1, 2);
    ASSERT_EQ(common(28, 2), 1u);
    put(20, 15, 1);
  }
  // A chain of one writable descriptor in the ring whose available part lies there.
  void offer(uint64_t available = kRing + 0x200) {
    poke<uint64_t>(kRing, 0x4000'8000);
    poke<uint32_t>(kRing + 8, 16);
    poke<uint16_t>(kRing + 12, 2);
    poke<uint16_t>(available + 4 + 2 * (offered % 16), 0);
    poke<uint16_t>(available + 2, ++offered);
  }
  void enable_messages() {
    for (unsigned n = 0; n < 3; ++n) {
      host.write(Space::kMemory, kTable + 16 * n, Width::k8, Messages::kPage);
      host.write(Space::kMemory, kTable + 16 * n + 8, Width::k4, 0x50 + n);
      host.write(Space::kMemory, kTable + 16 * n + 12, Width::k4, 0);
    }
    set(kSlot, msix() + kMsixControl, kMsixEnable, 2);
  }

  ManualClock clock;
  EventQueue events{clock};
  Echo* echo = nullptr;
  uint16_t offered = 0;
};

TEST_F(VirtioPciTest, TransitionalOnARootBus) {
  add();
  EXPECT_EQ(get(kSlot, kVendorId), 0x1005'1af4u);
  EXPECT_EQ(get(kSlot, kRevisionId), 0x00ff'0000u);
  EXPECT_EQ(get(kSlot, kSubsystemVendorId), 0x0004'1af4u);
  set(kSlot, kBar0, ~0u);
  EXPECT_EQ(get(kSlot, kBar0), 0xffff'ffe1u);
}

TEST_F(VirtioPciTest, ModernBelowAPort) {
  auto& port = plug(std::make_unique<RootPort>(log, RootPort::Options{}), 1);
  port.secondary().plug(make({}), 0);
  host.reset();
  set(1, kPrimaryBus, 0x010100);
  EXPECT_EQ(get(0, kVendorId, 4, 1), 0x1044'1af4u);
  EXPECT_EQ(get(0, kRevisionId, 1, 1), 1u);
  EXPECT_EQ(get(0, kSubsystemVendorId, 4, 1), 0x1100'1af4u);
  set(0, kBar0, ~0u, 4, 1);
  EXPECT_EQ(get(0, kBar0, 4, 1), 0u);
  unsigned express = get(0, kCapabilitiesPointer, 1, 1);
  while (get(0, express, 1, 1) != 0x10) express = get(0, express + 1, 1, 1);
  EXPECT_EQ(get(0, express + kExpressFlags, 2, 1), 2u);  // an endpoint
  set(0, kCommand, 7, 2, 1);
  set(0, express + kDeviceControl, kInitiateReset, 2, 1);
  EXPECT_EQ(get(0, kCommand, 2, 1), 0u);
}

TEST_F(VirtioPciTest, FormsThatAreAskedFor) {
  plug(make({.form = VirtioPci::Form::kModern}), 4);
  plug(make({.form = VirtioPci::Form::kLegacy, .vectors = 0}), 5);
  EXPECT_EQ(get(4, kDeviceId, 2), 0x1044u);
  EXPECT_EQ(get(5, kDeviceId, 2), 0x1005u);
  EXPECT_EQ(get(5, kStatus, 2) & kCapabilitiesList, 0u);
}

TEST_F(VirtioPciTest, CapabilitiesSayWhere) {
  add();
  const auto where = [&](unsigned type) {
    const unsigned at = structure(type);
    EXPECT_EQ(get(kSlot, at + 4, 1), 4u);
    return std::pair(get(kSlot, at + 8), get(kSlot, at + 12));
  };
  EXPECT_EQ(where(1), std::pair(0u, 0x1000u));
  EXPECT_EQ(where(3), std::pair(0x1000u, 0x1000u));
  EXPECT_EQ(where(4), std::pair(0x2000u, 0x1000u));
  EXPECT_EQ(where(2), std::pair(0x3000u, 0x1000u));
  EXPECT_EQ(get(kSlot, structure(2) + 2, 1), 20u);
  EXPECT_EQ(get(kSlot, structure(2) + 16), 4u);  // multiplier
  EXPECT_NE(structure(5), 0u);
  EXPECT_EQ(get(kSlot, msix() + kMsixControl, 2), 2u);  // three vectors: a queue each, and one
}

TEST_F(VirtioPciTest, CommonConfiguration) {
  add();
  put(0, 0, 4);
  EXPECT_EQ(common(4, 4), 0x3000'0005u);
  put(0, 1, 4);
  EXPECT_EQ(common(4, 4), 0x0000'0101u);
  put(0, 2, 4);
  EXPECT_EQ(common(4, 4), 0u);
  EXPECT_EQ(common(18, 2), 2u);
  EXPECT_EQ(common(24, 2), 16u);
  put(22, 1, 2);
  EXPECT_EQ(common(24, 2), 8u);
  EXPECT_EQ(common(30, 2), 1u);
  put(24, 3, 2);
  EXPECT_EQ(common(24, 2), 8u);  // no power of two
  put(24, 4, 2);
  EXPECT_EQ(common(24, 2), 4u);
  put(32, 0x1122'3344'5566'7788, 8);
  EXPECT_EQ(common(32, 4), 0x5566'7788u);
  EXPECT_EQ(common(36, 4), 0x1122'3344u);
  EXPECT_EQ(common(32, 8), 0x1122'3344'5566'7788u);
  put(22, 2, 2);
  EXPECT_EQ(common(24, 2), 0u);
  EXPECT_EQ(common(26, 2), 0xffffu);
  EXPECT_EQ(common(58, 2), 0u);
  EXPECT_EQ(common(24, 4), 0u);  // of another width
  EXPECT_EQ(common(0xff0, 4), 0u);
  EXPECT_EQ(memory_at(kDeviceCfg), 0x4433'2211u);
  host.write(Space::kMemory, kDeviceCfg + 1, Width::k2, 0xbeef);
  EXPECT_EQ(memory_at(kDeviceCfg), 0x44be'ef11u);
}

TEST_F(VirtioPciTest, QueueAndLine) {
  add();
  bring_up();
  offer();
  host.write(Space::kMemory, kNotify, Width::k2, 0);
  EXPECT_EQ(echo->handled, 1u);
  EXPECT_TRUE(irq.level(2));
  EXPECT_EQ(memory_at(kIsr, Width::k1), 1u);
  EXPECT_FALSE(irq.level(2));
  EXPECT_EQ(memory_at(kIsr, Width::k1), 0u);
  echo->config_changed();
  EXPECT_EQ(memory_at(kIsr, Width::k1), 2u);
  EXPECT_EQ(common(21, 1), 1u);
  host.write(Space::kMemory, kNotify + 4 * 7, Width::k2, 7);  // no such queue
  offer();
  host.write(Space::kMemory, kNotify, Width::k4, 0xdead);  // the place says which
  EXPECT_EQ(echo->handled, 2u);
}

TEST_F(VirtioPciTest, Messages) {
  add();
  bring_up();
  enable_messages();
  put(16, 2, 2);
  put(22, 0, 2);
  put(26, 1, 2);
  EXPECT_EQ(common(16, 2), 2u);
  EXPECT_EQ(common(26, 2), 1u);
  put(26, 3, 2);  // there is none
  EXPECT_EQ(common(26, 2), 0xffffu);
  put(26, 1, 2);
  offer();
  host.write(Space::kMemory, kNotify, Width::k2, 0);
  echo->config_changed();
  EXPECT_EQ(messages.seen, (std::vector<Messages::Message>{{Messages::kPage, 0x51, kSlot << 3},
                                                           {Messages::kPage, 0x52, kSlot << 3}}));
  EXPECT_FALSE(irq.level(2));
  put(26, 0xffff, 2);
  offer();
  host.write(Space::kMemory, kNotify, Width::k2, 0);
  EXPECT_EQ(messages.seen.size(), 2u);
  EXPECT_EQ(echo->handled, 2u);
}

// A queue that refills itself is put off, and goes on though nobody acknowledges a message.
TEST_F(VirtioPciTest, WhatIsPutOffGoesOn) {
  add();
  bring_up();
  enable_messages();
  put(26, 1, 2);
  unsigned rest = 5000;
  echo->on_chain = [&] {
    if (rest && --rest) offer();
  };
  offer();
  host.write(Space::kMemory, kNotify, Width::k2, 0);
  EXPECT_LT(echo->handled, 5000u);
  for (int i = 0; i < 10; ++i) {
    clock.time += 100'000;
    events.run_due();
  }
  EXPECT_EQ(echo->handled, 5000u);
}

TEST_F(VirtioPciTest, LegacyDriver) {
  add();
  out(18, 0, 1);
  EXPECT_EQ(in(0, 4), 0x3800'0005u);  // with ANY_LAYOUT
  out(18, 3, 1);
  out(4, 0x1, 4);
  EXPECT_EQ(in(4, 4), 1u);
  EXPECT_TRUE(echo->legacy());
  out(14, 0, 2);
  EXPECT_EQ(in(12, 2), 16u);
  out(8, kRing >> 12, 4);
  EXPECT_EQ(in(8, 4), kRing >> 12);
  set(kSlot, kCommand, kIoSpace, 2);  // old drivers forget the bus mastering
  out(18, 7, 1);
  EXPECT_EQ(get(kSlot, kCommand, 2), uint32_t{kIoSpace | kBusMaster});
  offer(kRing + 16 * 16);
  out(16, 0, 2);
  EXPECT_EQ(echo->handled, 1u);
  EXPECT_TRUE(irq.level(2));
  EXPECT_EQ(in(19, 1), 1u);
  EXPECT_FALSE(irq.level(2));
  EXPECT_EQ(in(20, 4), 0x4433'2211u);
  set(kSlot, msix() + kMsixControl, kMsixEnable, 2);
  EXPECT_EQ(in(24, 4), 0x4433'2211u);
  out(22, 1, 2);
  EXPECT_EQ(in(22, 2), 1u);
  out(22, 9, 2);
  EXPECT_EQ(in(22, 2), 0xffffu);
}

TEST_F(VirtioPciTest, OneDriverAtATime) {
  add();
  bring_up();
  out(18, 3, 1);
  EXPECT_FALSE(echo->legacy());
  EXPECT_EQ(in(8, 4), kRing >> 12);  // sees it all the same
  out(18, 0, 1);
  out(18, 1, 1);
  EXPECT_TRUE(echo->legacy());
  put(20, 0, 1);
  put(20, 1, 1);
  EXPECT_FALSE(echo->legacy());
}

TEST_F(VirtioPciTest, WindowInConfigurationSpace) {
  add();
  const unsigned at = structure(5);
  const auto window = [&](unsigned bar, uint32_t offset, uint32_t width) {
    set(kSlot, at + 4, bar, 1);
    set(kSlot, at + 8, offset);
    set(kSlot, at + 12, width);
  };
  window(4, 0x2000, 4);
  EXPECT_EQ(get(kSlot, at + 16), 0x4433'2211u);
  window(4, 20, 1);
  set(kSlot, at + 16, 3);
  EXPECT_EQ(common(20, 1), 3u);
  window(4, 0x2001, 2);  // not aligned, too far, no such BAR, no width
  set(kSlot, at + 16, 0xffff);
  window(4, 0x4000, 4);
  set(kSlot, at + 16, 0xffff);
  window(1, 0, 4);
  set(kSlot, at + 16, 0xffff);
  window(4, 0x2000, 8);
  set(kSlot, at + 16, 0xffff);
  EXPECT_EQ(memory_at(kDeviceCfg), 0x4433'2211u);
}

TEST_F(VirtioPciTest, StatusZeroResets) {
  add();
  bring_up();
  enable_messages();
  put(16, 2, 2);
  put(20, 0, 1);
  EXPECT_EQ(common(16, 2), 0xffffu);
  EXPECT_EQ(common(28, 2), 0u);
  EXPECT_EQ(get(kSlot, msix() + kMsixControl, 2), uint32_t{kMsixEnable | 2});  // the function's own stay
}

TEST_F(VirtioPciTest, SavesAndRestores) {
  add();
  bring_up();
  enable_messages();
  put(26, 1, 2);
  StateStream saved;
  host.serialize(saved);
  power_on();
  EXPECT_EQ(common(20, 1), 0u);
  StateStream load(saved.bytes());
  host.serialize(load);
  ASSERT_FALSE(load.failed()) << load.error();
  offer();
  host.write(Space::kMemory, kNotify, Width::k2, 0);
  EXPECT_EQ(echo->handled, 1u);
  ASSERT_EQ(messages.seen.size(), 1u);
  EXPECT_EQ(messages.seen[0].data, 0x51u);
}

TEST_F(VirtioPciTest, ALegacyDriverIsRestored) {
  add();
  out(18, 3, 1);
  out(4, 0x1, 4);
  out(8, kRing >> 12, 4);
  out(18, 7, 1);
  StateStream saved;
  host.serialize(saved);
  power_on();
  StateStream load(saved.bytes());
  host.serialize(load);
  ASSERT_FALSE(load.failed()) << load.error();
  EXPECT_TRUE(echo->legacy());
  EXPECT_EQ(in(8, 4), kRing >> 12);
}

}  // namespace
}  // namespace mynah::dev
