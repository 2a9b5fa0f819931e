// SPDX-License-Identifier: Apache-2.0
//
// Buses behind bridges and root ports: numbers, windows, lines, DMA, reset, slots.
#include <gtest/gtest.h>

#include "tests/devices/pci_fakes.h"

namespace mynah::dev {
namespace {

using namespace pci;
using fake::Messages;
using fake::PciCard;

constexpr uint32_t kOnes = 0xffff'ffff;

// 0:1.0 is a root port; 1:0.0 a bridge to a conventional bus; 2:5.0 a card.
struct PciBridge : testing::Test, fake::PciHost {
  PciBridge()
      : port(plug(std::make_unique<RootPort>(log, RootPort::Options{.port = 9, .slot = 17}), 1)),
        bridge(static_cast<Bridge&>(port.secondary().plug(make_pcie_pci_bridge(log), 0))),
        card(static_cast<PciCard&>(bridge.secondary().plug(std::make_unique<PciCard>(log), devfn_of(5, 0)))) {
    host.reset();
  }
  void number() {
    set(1, kPrimaryBus, 0x02'01'00);
    set(0, kPrimaryBus, 0x02'02'01, 4, 1);
  }
  void open() {
    number();
    for (unsigned bus : {0u, 1u}) {
      const unsigned slot = bus ? 0 : 1;
      set(slot, kMemoryBase, 0x2000, 2, bus);
      set(slot, kMemoryLimit, 0x20f0, 2, bus);  // 0x20000000 to 0x20ffffff
      set(slot, kPrefetchableBase, 0x1000, 2, bus);
      set(slot, kPrefetchableLimit, 0x1ff0, 2, bus);
      set(slot, kPrefetchableBaseUpper, 0x80, 4, bus);
      set(slot, kPrefetchableLimitUpper, 0x80, 4, bus);
      set(slot, kIoBase, 0x2020, 2, bus);  // 0x2000 to 0x2fff
      set(slot, kCommand, kMemorySpace | kIoSpace | kBusMaster, 2, bus);
    }
    set(5, kBar0, 0x2100, 4, 2);
    set(5, kBar0 + 4, 0x2080'0000, 4, 2);
    set(5, kBar0 + 8, 0x1230'0000, 4, 2);
    set(5, kBar0 + 12, 0x80, 4, 2);
    set(5, kCommand, kMemorySpace | kIoSpace | kBusMaster, 2, 2);
  }
  RootPort& port;
  Bridge& bridge;
  PciCard& card;
};

TEST_F(PciBridge, HeaderOfAPort) {
  EXPECT_EQ(get(1, kVendorId), 0x000c'1b36u);
  EXPECT_EQ(get(1, kRevisionId) >> 8, 0x060400u);
  EXPECT_EQ(get(1, kHeaderType, 1), 1u);
  EXPECT_EQ(get(1, kSubsystemVendorId), 0u);
  set(1, kBar0, kOnes);
  EXPECT_EQ(get(1, kBar0), 0xffff'f000u);
  const unsigned express = port.Function::config(kCapabilitiesPointer, 1);
  unsigned at = express;
  while (get(1, at, 1) != 0x10) at = get(1, at + 1, 1);
  EXPECT_EQ(get(1, at + kExpressFlags, 2), 0x0142u);  // a root port with a slot, version 2
  EXPECT_EQ(get(1, at + kSlotCapabilities) >> 19, 17u);
  EXPECT_EQ(get(1, at + kLinkCapabilities) >> 24, 9u);
  EXPECT_EQ(get(1, at + kSlotStatus, 2), 0x0040u);  // something is in it
  EXPECT_TRUE(get(1, at + kLinkStatus, 2) & 0x2000);
}

TEST_F(PciBridge, NumbersLeadToBuses) {
  EXPECT_EQ(get(0, kVendorId, 4, 1), kOnes);
  number();
  EXPECT_EQ(get(0, kVendorId, 4, 1), 0x000e'1b36u);
  EXPECT_EQ(get(5, kVendorId, 4, 2), 0x5678'1234u);
  EXPECT_EQ(get(5, kVendorId, 4, 3), kOnes);
  EXPECT_EQ(card.requester_id(), 2 << 8 | 5 << 3);
  set(1, kSubordinateBus, 1, 1);
  EXPECT_EQ(get(5, kVendorId, 4, 2), kOnes);
  set(1, kPrimaryBus, 0);  // numbers of nonsense: to itself
  set(0, kVendorId, 0, 4, 0);
  EXPECT_EQ(get(1, kVendorId), 0x000c'1b36u);
}

TEST_F(PciBridge, WindowsAreClosedAfterReset) {
  number();
  EXPECT_GT(port.memory_window().first, port.memory_window().last);
  EXPECT_GT(port.prefetchable_window().first, port.prefetchable_window().last);
  EXPECT_GT(port.io_window().first, port.io_window().last);
  set(5, kBar0 + 4, 0x2080'0000, 4, 2);
  set(5, kCommand, kMemorySpace, 2, 2);
  EXPECT_EQ(memory_at(0x2080'0000), kOnes);
}

TEST_F(PciBridge, WindowsForward) {
  open();
  EXPECT_EQ(memory_at(0x2080'0010), 0x0100'0010u);
  EXPECT_EQ(memory_at(0x80'1230'0010), 0x0200'0010u);
  EXPECT_EQ(io_at(0x2104), 4u);
  set(1, kMemoryLimit, 0x2070, 2);  // a window that ends below it
  EXPECT_EQ(memory_at(0x2080'0010), kOnes);
  set(1, kMemoryLimit, 0x2080, 2);
  EXPECT_EQ(memory_at(0x2080'0010), 0x0100'0010u);
  set(0, kCommand, kIoSpace, 2, 1);
  EXPECT_EQ(memory_at(0x2080'0010), kOnes);
  EXPECT_EQ(io_at(0x2104), 4u);
}

TEST_F(PciBridge, PartOfABarBehindAWindow) {
  open();
  set(5, kBar0 + 8, 0x1ff0'0000, 4, 2);
  EXPECT_EQ(memory_at(0x80'1fff'fffc), 0x020f'fffcu);
  set(1, kPrefetchableLimit, 0x1fe0, 2);
  EXPECT_EQ(memory_at(0x80'1fff'fffc), kOnes);
}

TEST_F(PciBridge, MasteringThroughEveryBridge) {
  open();
  uint32_t value = 1;
  EXPECT_TRUE(card.dma().write(0x4000'0000, &value, 4));
  set(0, kCommand, kMemorySpace, 2, 1);
  EXPECT_FALSE(card.dma().write(0x4000'0000, &value, 4));
  set(0, kCommand, kMemorySpace | kBusMaster, 2, 1);
  set(1, kCommand, kMemorySpace, 2);
  EXPECT_FALSE(card.dma().read(0x4000'0000, &value, 4));
}

TEST_F(PciBridge, PinsTurnAtEachBridge) {
  card.set_intx(
      true);  // INTA of slot 5 -> INTB of the bridge in slot 0 -> INTB of the port in slot 1 -> line 2
  EXPECT_TRUE(irq.level(2));
  card.set_intx(false);
  EXPECT_FALSE(irq.level(2));
}

TEST_F(PciBridge, SecondaryBusReset) {
  open();
  const unsigned resets = card.resets;
  card.set_intx(true);
  set(1, kBridgeControl, kSecondaryBusReset, 2);
  EXPECT_EQ(card.resets, resets + 1);
  EXPECT_FALSE(irq.level(2));
  EXPECT_EQ(get(0, kVendorId, 4, 1), 0x000e'1b36u);
  EXPECT_EQ(get(0, kPrimaryBus, 4, 1) & 0xff'ffff, 0u);  // the bridge below, too
  set(1, kBridgeControl, kSecondaryBusReset, 2);
  EXPECT_EQ(card.resets, resets + 1);
  set(1, kBridgeControl, 0, 2);
  EXPECT_EQ(card.resets, resets + 1);
  EXPECT_EQ(get(1, kSecondaryBus, 1), 1u);
}

TEST_F(PciBridge, BelowAPortThereIsOneSlot) {
  EXPECT_EQ(port.secondary().slots(), 1u);
  EXPECT_FALSE(port.secondary().free_slot());
  EXPECT_EQ(bridge.secondary().slots(), 32u);
  EXPECT_EQ(bridge.secondary().free_slot(), 0u);
}

TEST_F(PciBridge, SavesAndRestores) {
  open();
  card.value = 7;
  StateStream saved;
  host.serialize(saved);
  host.reset();
  EXPECT_EQ(memory_at(0x2080'0010), kOnes);
  StateStream load(saved.bytes());
  host.serialize(load);
  ASSERT_FALSE(load.failed()) << load.error();
  EXPECT_EQ(card.value, 7u);
  EXPECT_EQ(memory_at(0x2080'0010), 0x0100'0010u);
  EXPECT_EQ(get(5, kVendorId, 4, 2), 0x5678'1234u);
}

}  // namespace
}  // namespace mynah::dev
