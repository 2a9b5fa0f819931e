// SPDX-License-Identifier: Apache-2.0
//
// Configuration space, BARs, capabilities, DMA, reset and state of a function on a root bus.
#include <gtest/gtest.h>

#include "tests/devices/pci_fakes.h"

namespace mynah::dev {
namespace {

using namespace pci;
using fake::Messages;
using fake::PciCard;

constexpr uint32_t kOnes = 0xffff'ffff;

struct PciFunction : testing::Test, fake::PciHost {
  PciFunction() : card(plug(std::make_unique<PciCard>(log), kSlot)) { host.reset(); }
  static constexpr unsigned kSlot = 3;
  uint32_t read(unsigned at, unsigned width = 4) { return get(kSlot, at, width); }
  void write(unsigned at, uint32_t value, unsigned width = 4) { set(kSlot, at, value, width); }
  unsigned cap(Capability id) const { return card.capability(id); }
  PciCard& card;
};

TEST_F(PciFunction, Identity) {
  EXPECT_EQ(read(kVendorId), 0x5678'1234u);
  EXPECT_EQ(read(kRevisionId), 0x0180'ff07u);
  EXPECT_EQ(read(kSubsystemVendorId), 0x1100'1af4u);
  EXPECT_EQ(read(kHeaderType, 1), 0u);
  EXPECT_EQ(read(kInterruptPin, 1), 1u);
  EXPECT_EQ(read(kVendorId + 1, 2), 0x7812u);
  write(kVendorId, 0);
  write(kRevisionId, 0);
  write(kSubsystemVendorId, 0);
  write(0x30, kOnes);  // no expansion ROM
  EXPECT_EQ(read(kVendorId), 0x5678'1234u);
  EXPECT_EQ(read(kRevisionId), 0x0180'ff07u);
  EXPECT_EQ(read(kSubsystemVendorId), 0x1100'1af4u);
  EXPECT_EQ(read(0x30), 0u);
}

TEST(PciRom, NamesTheCardThatItIsOn) {
  fake::PciHost pc;
  std::vector<uint8_t> rom(2048);
  const uint8_t header[] = {0x55, 0xaa, 2}, data[] = {'P', 'C', 'I', 'R', 1, 2, 3, 4};
  std::copy(std::begin(header), std::end(header), rom.begin());
  rom[0x18] = 0x40;
  std::copy(std::begin(data), std::end(data), rom.begin() + 0x40);
  rom[0x40 + 16] = 2;
  rom[0x40 + 21] = 0x80;
  const auto sum = [](const std::vector<uint8_t>& bytes) {
    uint8_t all = 0;
    for (const uint8_t byte : bytes) all = static_cast<uint8_t>(all + byte);
    return all;
  };
  const uint8_t before = sum(rom);
  auto card = std::make_unique<PciCard>(pc.log);
  card->add_rom(rom);
  pc.plug(std::move(card), 3);
  pc.host.reset();
  pc.set(3, kExpansionRom, 0xfe000001);
  pc.set(3, kCommand, kMemorySpace, 2);
  EXPECT_EQ(pc.memory_at(0xfe000044), 0x56781234u);
  std::vector<uint8_t> seen;
  for (unsigned i = 0; i < rom.size(); ++i)
    seen.push_back(static_cast<uint8_t>(pc.memory_at(0xfe000000 + i, Width::k1)));
  EXPECT_EQ(sum(seen), before);
}

TEST_F(PciFunction, CommandHasTheBitsThatAFunctionHas) {
  write(kCommand, 0xffff, 2);
  EXPECT_EQ(read(kCommand, 2), 0x0547u);
  write(kInterruptLine, 0x5a, 1);
  EXPECT_EQ(read(kInterruptLine, 1), 0x5au);
  EXPECT_EQ(read(kStatus, 2), uint32_t{kCapabilitiesList});
}

TEST_F(PciFunction, AbsentIsAllOnes) {
  EXPECT_EQ(get(4, kVendorId), kOnes);
  EXPECT_EQ(get(kSlot, kVendorId, 4, 0, 1), kOnes);
  EXPECT_EQ(get(kSlot, kVendorId, 4, 1), kOnes);
  EXPECT_EQ(get(kSlot, kVendorId, 2, 255), 0xffffu);
  set(4, kCommand, 7);
  EXPECT_EQ(host.read(Space::kMemory, 0x1000, Width::k8), ~uint64_t{0});
  EXPECT_EQ(host.read(Space::kIo, 0, Width::k1), 0xffu);
  host.write(Space::kMemory, 0, Width::k4, 1);
}

TEST_F(PciFunction, ConventionalFunctionsEndAt256Bytes) {
  struct Old final : Function {
    explicit Old(Log& log) : Function("old", {.vendor = 1, .device = 2}, log, ConfigSize::kConventional) {}
  };
  plug(std::make_unique<Old>(log), 5);
  EXPECT_EQ(get(5, 0xfc), 0u);
  EXPECT_EQ(get(5, 0x100), kOnes);
  set(5, 0x100, 0);
  EXPECT_EQ(read(0x100), 0u);  // an Express one has extended space: no capability there
}

TEST_F(PciFunction, SizesOfBars) {
  for (unsigned n = 0; n < 6; ++n) write(kBar0 + 4 * n, kOnes);
  EXPECT_EQ(read(kBar0), 0xffff'fff1u);
  EXPECT_EQ(read(kBar0 + 4), 0xffff'f000u);
  EXPECT_EQ(read(kBar0 + 8), 0xfff0'000cu);
  EXPECT_EQ(read(kBar0 + 12), kOnes);
  EXPECT_EQ(read(kBar0 + 16), 0xffff'f000u);
  EXPECT_EQ(read(kBar0 + 20), 0u);
}

TEST_F(PciFunction, BarsAnswerWhereTheyAre) {
  write(kBar0, 0x1000);
  write(kBar0 + 4, 0x2000'0000);
  write(kBar0 + 8, 0x4560'0000);
  write(kBar0 + 12, 0x80);
  EXPECT_EQ(memory_at(0x2000'0010), kOnes);  // not enabled
  write(kCommand, kMemorySpace, 2);
  EXPECT_EQ(memory_at(0x2000'0010), 0x0100'0010u);
  EXPECT_EQ(memory_at(0x80'4560'0020, Width::k2), 0x0020u);
  EXPECT_EQ(memory_at(0x80'456f'fffc), 0x020f'fffcu);
  EXPECT_EQ(memory_at(0x80'4570'0000), kOnes);
  EXPECT_EQ(memory_at(0x80'456f'fffe), kOnes);  // half of it is beyond
  EXPECT_EQ(io_at(0x1004), kOnes);
  write(kCommand, kMemorySpace | kIoSpace, 2);
  EXPECT_EQ(io_at(0x1004), 4u);
  EXPECT_EQ(io_at(0x1010), kOnes);
  host.write(Space::kIo, 0x1008, Width::k2, 0x1'2345);
  ASSERT_EQ(card.writes.size(), 1u);
  EXPECT_EQ(card.writes[0], (std::pair<uint64_t, uint64_t>{8, 0x2345}));
  write(kBar0 + 4, 0x3000'0000);
  EXPECT_EQ(memory_at(0x2000'0010), kOnes);
  EXPECT_EQ(memory_at(0x3000'0010), 0x0100'0010u);
}

TEST_F(PciFunction, WhereBarsOverlapTheLowerNumberAnswers) {
  auto& other = plug(std::make_unique<PciCard>(log), kSlot - 1);
  other.reset();
  write(kBar0 + 4, 0x2000'0000);
  write(kBar0 + 8, 0x2000'0000);
  write(kBar0 + 12, 0);
  write(kCommand, kMemorySpace, 2);
  EXPECT_EQ(memory_at(0x2000'0ffc), 0x0100'0ffcu);  // BAR 1
  EXPECT_EQ(memory_at(0x2000'1000), 0x0200'1000u);  // BAR 2 from there
  set(kSlot - 1, kBar0 + 4, 0x2000'2000);
  set(kSlot - 1, kCommand, kMemorySpace, 2);
  EXPECT_EQ(memory_at(0x2000'2004), 0x0100'0004u);  // the other card's, in the middle
  EXPECT_EQ(memory_at(0x2000'1ffc), 0x0200'1ffcu);
  EXPECT_EQ(memory_at(0x2000'3000), 0x0200'3000u);
  EXPECT_EQ(memory_at(0x2000'2ffe), kOnes);  // across two functions
}

TEST_F(PciFunction, BarsAtTheEndsOfTheAddressSpace) {
  write(kBar0 + 8, 0xfff0'0000);
  write(kBar0 + 12, kOnes);
  write(kBar0 + 4, 0);
  write(kCommand, kMemorySpace, 2);
  EXPECT_EQ(memory_at(~uint64_t{0} - 3), 0x020f'fffcu);
  EXPECT_EQ(memory_at(~uint64_t{0} - 2), kOnes);
  EXPECT_EQ(memory_at(0x8), 0x0100'0008u);
}

TEST_F(PciFunction, CapabilitiesAreAList) {
  std::vector<uint8_t> ids;
  for (unsigned at = read(kCapabilitiesPointer, 1); at; at = read(at + 1, 1))
    ids.push_back(static_cast<uint8_t>(read(at, 1)));
  EXPECT_EQ(ids, (std::vector<uint8_t>{0x10, 0x01, 0x05, 0x11}));
  const unsigned express = cap(Capability::kExpress);
  EXPECT_EQ(read(express + kExpressFlags, 2), 0x0092u);  // an integrated endpoint on a root bus
  EXPECT_EQ(read(express + kLinkCapabilities), 0u);
  EXPECT_TRUE(read(express + kDeviceCapabilities) & kFunctionLevelReset);
}

TEST_F(PciFunction, PowerStateTurnsItOff) {
  const unsigned pm = cap(Capability::kPowerManagement);
  write(kBar0 + 4, 0x2000'0000);
  write(kCommand, kMemorySpace | kBusMaster, 2);
  EXPECT_TRUE(card.bus_master());
  write(pm + kPmControl, 3, 2);
  EXPECT_EQ(read(pm + kPmControl, 2) & 3, 3u);
  EXPECT_EQ(memory_at(0x2000'0000), kOnes);
  EXPECT_FALSE(card.bus_master());
  write(pm + kPmControl, 0, 2);
  EXPECT_EQ(memory_at(0x2000'0000), 0x0100'0000u);
  EXPECT_EQ(card.resets, 1u);
}

TEST_F(PciFunction, DmaAsksForBusMastering) {
  uint32_t value = 0x1122'3344;
  EXPECT_FALSE(card.dma().write(0x4000'0100, &value, 4));
  EXPECT_EQ(card.dma().map(0x4000'0100, 4, true), nullptr);
  write(kCommand, kBusMaster, 2);
  EXPECT_TRUE(card.dma().write(0x4000'0100, &value, 4));
  value = 0;
  EXPECT_TRUE(card.dma().read(0x4000'0100, &value, 4));
  EXPECT_EQ(value, 0x1122'3344u);
  EXPECT_FALSE(card.dma().read(0x3fff'ffff, &value, 4));
  EXPECT_NE(card.dma().map(0x4000'0100, 4, true), nullptr);
}

TEST_F(PciFunction, TheLineAndItsDisableBit) {
  card.set_intx(true);  // slot 3, INTA: line 3
  EXPECT_TRUE(irq.level(3));
  EXPECT_EQ(read(kStatus, 2) & kInterruptStatus, uint32_t{kInterruptStatus});
  write(kCommand, kInterruptDisable, 2);
  EXPECT_FALSE(irq.level(3));
  EXPECT_EQ(read(kStatus, 2) & kInterruptStatus, uint32_t{kInterruptStatus});
  write(kCommand, 0, 2);
  EXPECT_TRUE(irq.level(3));
  card.set_intx(false);
  EXPECT_FALSE(irq.level(3));
  EXPECT_EQ(read(kStatus, 2) & kInterruptStatus, 0u);
}

TEST_F(PciFunction, LinesAreShared) {
  auto& other = plug(std::make_unique<PciCard>(log, 4), 4);  // slot 4, INTD: line 3, too
  card.set_intx(true);
  other.set_intx(true);
  card.set_intx(false);
  EXPECT_TRUE(irq.level(3));
  other.set_intx(false);
  EXPECT_FALSE(irq.level(3));
  EXPECT_EQ(irq.rises[3], 1u);
}

TEST_F(PciFunction, FunctionLevelReset) {
  const unsigned express = cap(Capability::kExpress);
  write(kBar0 + 4, 0x2000'0000);
  write(kCommand, 7, 2);
  card.set_intx(true);
  write(express + kDeviceControl, kInitiateReset, 2);
  EXPECT_EQ(card.resets, 2u);
  EXPECT_EQ(read(kCommand, 2), 0u);
  EXPECT_EQ(read(kBar0 + 4), 0u);
  EXPECT_EQ(read(express + kDeviceControl, 2), 0u);
  EXPECT_FALSE(irq.level(3));
  EXPECT_EQ(memory_at(0x2000'0000), kOnes);
  write(express + kDeviceControl, 0x00ff, 1);  // the other byte alone
  EXPECT_EQ(card.resets, 2u);
}

TEST_F(PciFunction, PortsFindTheSame) {
  Device& ports = host.config_ports();
  ports.write(0, Width::k4, 0x8000'0000 | kSlot << 11 | 0x04);
  EXPECT_EQ(ports.read(0, Width::k4), 0x8000'1804u);
  ports.write(4, Width::k2, kMemorySpace);
  EXPECT_EQ(read(kCommand, 2), uint32_t{kMemorySpace});
  EXPECT_EQ(ports.read(6, Width::k1), uint32_t{kCapabilitiesList});
  ports.write(0, Width::k4, 0x8000'0000 | kSlot << 11);
  EXPECT_EQ(ports.read(4, Width::k4), 0x5678'1234u);
  EXPECT_EQ(ports.read(6, Width::k4), kOnes);  // beyond the port
  ports.write(0, Width::k4, kSlot << 11);      // not enabled
  EXPECT_EQ(ports.read(4, Width::k4), kOnes);
  ports.write(0, Width::k4, 0x8000'0000 | 9 << 11);
  EXPECT_EQ(ports.read(4, Width::k4), kOnes);
  EXPECT_EQ(ports.read(1, Width::k1), 0xffu);
}

TEST_F(PciFunction, EcamTakesEightBytes) {
  EXPECT_EQ(host.ecam().read(place(0, kSlot, 0, 0), Width::k8) & kOnes, 0x5678'1234u);
  host.ecam().write(place(0, kSlot, 0, kBar0), Width::k8, 0x2000'0000'0000'1000);
  EXPECT_EQ(read(kBar0 + 4), 0x2000'0000u);
}

TEST_F(PciFunction, SavesAndRestores) {
  write(kBar0 + 4, 0x2000'0000);
  write(kCommand, kMemorySpace | kBusMaster, 2);
  card.value = 42;
  card.set_intx(true);
  StateStream saved;
  host.serialize(saved);

  fake::PciHost other;
  auto& copy = other.plug(std::make_unique<PciCard>(other.log), kSlot);
  other.host.reset();
  StateStream load(saved.bytes());
  other.host.serialize(load);
  ASSERT_FALSE(load.failed()) << load.error();
  EXPECT_EQ(copy.value, 42u);
  EXPECT_TRUE(copy.bus_master());
  EXPECT_TRUE(other.irq.level(3));
  EXPECT_EQ(other.memory_at(0x2000'0004), 0x0100'0004u);
  StateStream again;
  other.host.serialize(again);
  EXPECT_EQ(again.bytes(), saved.bytes());
}

TEST_F(PciFunction, StateOfAnotherMachineIsRefused) {
  StateStream saved;
  host.serialize(saved);
  fake::PciHost other;
  other.plug(std::make_unique<PciCard>(other.log), kSlot + 1);
  other.host.reset();
  StateStream load(saved.bytes());
  other.host.serialize(load);
  EXPECT_TRUE(load.failed());
  // Read-only bits that differ.
  auto bytes = saved.bytes();
  for (size_t i = 0; i + 1 < bytes.size(); ++i)
    if (bytes[i] == 0x34 && bytes[i + 1] == 0x12) bytes[i] = 0x35;
  StateStream damaged(bytes);
  host.serialize(damaged);
  EXPECT_TRUE(damaged.failed());
  EXPECT_EQ(read(kVendorId), 0x5678'1234u);
}

}  // namespace
}  // namespace mynah::dev
