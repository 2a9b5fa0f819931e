// SPDX-License-Identifier: Apache-2.0
//
// MSI and MSI-X: what is sent, masked, kept pending, reset and saved.
#include <gtest/gtest.h>

#include "tests/devices/pci_fakes.h"

namespace mynah::dev {
namespace {

using namespace pci;
using fake::Messages;
using fake::PciCard;

struct PciMessage : testing::Test, fake::PciHost {
  PciMessage() : card(plug(std::make_unique<PciCard>(log), kSlot)) {
    host.reset();
    msi = card.capability(Capability::kMsi);
    msix = card.capability(Capability::kMsix);
    set(kSlot, kBar0 + 16, kTable);
    set(kSlot, kCommand, kMemorySpace | kBusMaster, 2);
  }
  static constexpr unsigned kSlot = 2;
  static constexpr uint16_t kRequester = kSlot << 3;
  static constexpr uint32_t kTable = 0x2000'0000, kPending = kTable + 0x800;

  void enable_msi(unsigned log2, uint32_t data = 0x40) {
    set(kSlot, msi + kMsiAddress, Messages::kPage | 4);
    set(kSlot, msi + kMsiData, data, 2);
    set(kSlot, msi + kMsiControl, kMsiEnable | log2 << 4, 2);
  }
  void entry(unsigned n, uint64_t address, uint32_t data, bool masked = false) {
    const uint64_t at = kTable + 16 * n;
    host.write(Space::kMemory, at, Width::k8, address);
    host.write(Space::kMemory, at + 8, Width::k4, data);
    host.write(Space::kMemory, at + 12, Width::k4, masked);
  }
  void msix_control(uint32_t bits) { set(kSlot, msix + kMsixControl, bits, 2); }

  PciCard& card;
  unsigned msi, msix;
};

TEST_F(PciMessage, WithoutThemThereIsNoMessage) {
  EXPECT_FALSE(card.notify(0));
  EXPECT_TRUE(messages.seen.empty());
}

TEST_F(PciMessage, MsiCountsInItsLowBits) {
  EXPECT_EQ(get(kSlot, msi + kMsiControl, 2), uint32_t{kMsi64 | kMsiPerVectorMask | 2 << 1});
  enable_msi(2);
  EXPECT_TRUE(card.notify(0));
  EXPECT_TRUE(card.notify(3));
  EXPECT_TRUE(card.notify(5));  // of four
  EXPECT_EQ(messages.seen, (std::vector<Messages::Message>{{Messages::kPage | 4, 0x40, kRequester},
                                                           {Messages::kPage | 4, 0x43, kRequester},
                                                           {Messages::kPage | 4, 0x41, kRequester}}));
}

TEST_F(PciMessage, MsiGivesNoMoreVectorsThanThereAre) {
  enable_msi(5);
  card.notify(4);
  ASSERT_EQ(messages.seen.size(), 1u);
  EXPECT_EQ(messages.seen[0].data, 0x40u);
}

TEST_F(PciMessage, MsiMaskKeepsThemPending) {
  enable_msi(2);
  set(kSlot, msi + kMsiMask, 0xa);
  card.notify(1);
  card.notify(1);
  card.notify(2);
  EXPECT_EQ(messages.seen.size(), 1u);
  EXPECT_EQ(get(kSlot, msi + kMsiPending), 2u);
  set(kSlot, msi + kMsiPending, 0);  // read-only
  EXPECT_EQ(get(kSlot, msi + kMsiPending), 2u);
  set(kSlot, msi + kMsiMask, 0x8);
  ASSERT_EQ(messages.seen.size(), 2u);
  EXPECT_EQ(messages.seen[1].data, 0x41u);
  EXPECT_EQ(get(kSlot, msi + kMsiPending), 0u);
}

TEST_F(PciMessage, MessagesSilenceTheLine) {
  card.set_intx(true);
  EXPECT_TRUE(irq.level(2));
  enable_msi(0);
  EXPECT_FALSE(irq.level(2));
  set(kSlot, msi + kMsiControl, 0, 2);
  EXPECT_TRUE(irq.level(2));
  msix_control(kMsixEnable);
  EXPECT_FALSE(irq.level(2));
}

TEST_F(PciMessage, MsixSendsWhatItsTableSays) {
  EXPECT_EQ(get(kSlot, msix + kMsixControl, 2), 5u);
  EXPECT_EQ(get(kSlot, msix + kMsixTable), 4u);
  EXPECT_EQ(get(kSlot, msix + kMsixPending), 0x804u);
  EXPECT_EQ(memory_at(kTable + 12), 1u);  // masked out of reset
  entry(5, Messages::kPage | 8, 0x1234'5678);
  EXPECT_EQ(memory_at(kTable + 16 * 5 + 8), 0x1234'5678u);
  msix_control(kMsixEnable);
  EXPECT_TRUE(card.notify(5));
  EXPECT_TRUE(card.notify(6));  // there is none
  EXPECT_TRUE(card.notify(~0u));
  EXPECT_EQ(messages.seen, (std::vector<Messages::Message>{{Messages::kPage | 8, 0x1234'5678, kRequester}}));
}

TEST_F(PciMessage, MsixIsPreferredToMsi) {
  enable_msi(0);
  entry(0, Messages::kPage, 9);
  msix_control(kMsixEnable);
  card.notify(0);
  ASSERT_EQ(messages.seen.size(), 1u);
  EXPECT_EQ(messages.seen[0].data, 9u);
}

TEST_F(PciMessage, MsixMasks) {
  entry(0, Messages::kPage, 10, true);
  entry(1, Messages::kPage, 11);
  msix_control(kMsixEnable | kMsixFunctionMask);
  card.notify(0);
  card.notify(1);
  EXPECT_EQ(memory_at(kPending), 3u);
  host.write(Space::kMemory, kPending, Width::k4, 0);  // read-only
  EXPECT_EQ(memory_at(kPending, Width::k8), 3u);
  EXPECT_TRUE(messages.seen.empty());
  msix_control(kMsixEnable);
  ASSERT_EQ(messages.seen.size(), 1u);
  EXPECT_EQ(messages.seen[0].data, 11u);
  EXPECT_EQ(memory_at(kPending), 1u);
  host.write(Space::kMemory, kTable + 12, Width::k4, 0);
  ASSERT_EQ(messages.seen.size(), 2u);
  EXPECT_EQ(messages.seen[1].data, 10u);
  EXPECT_EQ(memory_at(kPending), 0u);
}

TEST_F(PciMessage, BytesOfTheTable) {
  host.write(Space::kMemory, kTable, Width::k4, 0xffff'ffff);
  host.write(Space::kMemory, kTable + 12, Width::k4, 0xffff'ffff);
  EXPECT_EQ(memory_at(kTable), 0xffff'fffcu);
  EXPECT_EQ(memory_at(kTable + 12), 1u);
  host.write(Space::kMemory, kTable + 9, Width::k1, 0xab);
  EXPECT_EQ(memory_at(kTable + 8), 0xab00u);
  EXPECT_EQ(memory_at(kTable + 16 * 6), 0x0400'0060u);  // behind it the BAR is the model's
}

TEST_F(PciMessage, AMessageIsAWrite) {
  enable_msi(0);
  set(kSlot, kCommand, kMemorySpace, 2);
  EXPECT_TRUE(card.notify(0));  // no bus master: lost
  EXPECT_TRUE(messages.seen.empty());
  set(kSlot, kCommand, kMemorySpace | kBusMaster, 2);
  set(kSlot, msi + kMsiAddress, 0x4000'0040);
  card.notify(0);
  EXPECT_EQ(*ram.at(0x4000'0040), 0x40);
  set(kSlot, msi + kMsiAddress, 0x1000);  // nothing there
  card.notify(0);
  EXPECT_TRUE(messages.seen.empty());
}

TEST_F(PciMessage, ResetMasksEverything) {
  entry(0, Messages::kPage, 10);
  msix_control(kMsixEnable | kMsixFunctionMask);
  card.notify(0);
  host.reset();
  set(kSlot, kBar0 + 16, kTable);
  set(kSlot, kCommand, kMemorySpace | kBusMaster, 2);
  EXPECT_EQ(memory_at(kTable), 0u);
  EXPECT_EQ(memory_at(kTable + 12), 1u);
  EXPECT_EQ(memory_at(kPending), 0u);
  EXPECT_FALSE(card.notify(0));
}

TEST_F(PciMessage, PendingIsSaved) {
  entry(3, Messages::kPage, 13, true);
  msix_control(kMsixEnable);
  card.notify(3);
  StateStream saved;
  host.serialize(saved);
  host.reset();
  StateStream load(saved.bytes());
  host.serialize(load);
  ASSERT_FALSE(load.failed()) << load.error();
  EXPECT_TRUE(messages.seen.empty());
  host.write(Space::kMemory, kTable + 16 * 3 + 12, Width::k4, 0);
  ASSERT_EQ(messages.seen.size(), 1u);
  EXPECT_EQ(messages.seen[0].data, 13u);
}

}  // namespace
}  // namespace mynah::dev
