// SPDX-License-Identifier: Apache-2.0
//
// Where devices go on the board `virt`: free slots in order, buses by name, and a sentence where there is no
// place; what the guest finds in configuration space, in the windows, and through to the interrupt
// controller.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "devices/pci/describe.h"
#include "devices/pci/root_port.h"
#include "devices/virtio/virtio_rng.h"
#include "machines/virt.h"
#include "tests/devices/fakes.h"

namespace mynah {
namespace {

using testing::HasSubstr;

struct FixedEntropy final : dev::EntropySource {
  void fill(std::span<uint8_t> to) override { std::fill(to.begin(), to.end(), uint8_t{0x5a}); }
};

struct Board {
  explicit Board(bool high = true, unsigned gic = 2) {
    VirtConfig config;
    config.gic_version = gic;
    config.high_pci_config = config.high_pci_memory = high;
    config.cpu = *arm::make_cpu_model("cortex-a57").model;
    config.clock = GuestClock::Kind::kDeterministic;
    config.ram_bytes = 16 << 20;
    config.code_bytes = 8 << 20;
    config.firmware = {0x00, 0x00, 0x00, 0x14};
    machine = std::make_unique<VirtMachine>(std::move(config), log);
  }
  Result<void> add(PciPlace place) {
    return machine->add_virtio(
        [this](dev::DmaMemory& memory, dev::Log& l) {
          return std::make_unique<dev::VirtioRng>(memory, l, entropy);
        },
        VirtioPciPlace{std::move(place), {}});
  }
  Result<void> add_port(PciPlace place) {
    return machine->add_pci(
        [](dev::EventQueue&, dev::Log& l) {
          return std::make_unique<dev::pci::RootPort>(l, dev::pci::RootPort::Options{});
        },
        std::move(place));
  }
  uint64_t read(uint64_t pa, dev::Width width = dev::Width::k4) {
    return machine->bus().read(pa, width).value_or(0xdead);
  }
  std::string refused(PciPlace place) {
    const auto added = add(std::move(place));
    EXPECT_FALSE(added);
    return added ? "" : added.message();
  }
  dev::NullLog log;
  FixedEntropy entropy;
  std::unique_ptr<VirtMachine> machine;
};

constexpr uint64_t kEcam = virt_map::kPciHighConfig;

TEST(PciPlaces, FreeSlotsInOrder) {
  Board board;
  ASSERT_TRUE(board.add({}));
  ASSERT_TRUE(board.add({.slot = 2}));
  ASSERT_TRUE(board.add({}));
  ASSERT_TRUE(board.machine->init());
  EXPECT_EQ(board.read(kEcam), 0x0008'1b36u);
  for (uint64_t slot : {1, 2, 3}) EXPECT_EQ(board.read(kEcam + (slot << 15)), 0x1005'1af4u) << slot;
  EXPECT_EQ(board.read(kEcam + (4 << 15)), 0xffff'ffffu);
}

TEST(PciPlaces, Errors) {
  Board board;
  ASSERT_TRUE(board.add({.slot = 4, .id = "first"}));
  EXPECT_THAT(board.refused({.slot = 4}),
              HasSubstr("slot 0x4 function 0 of bus 'pcie.0' has virtio-rng-pci 'first' already"));
  EXPECT_THAT(board.refused({.slot = 0}), HasSubstr("gpex-root"));
  EXPECT_THAT(board.refused({.slot = 0x20}), HasSubstr("there is no slot 0x20 on bus 'pcie.0'"));
  EXPECT_THAT(board.refused({.bus = "pcie.1"}), HasSubstr("there is no PCI bus 'pcie.1'; there are pcie.0"));
  EXPECT_THAT(board.refused({.slot = 4, .function = 1}), HasSubstr("say multifunction=on there"));
  ASSERT_TRUE(board.add({.slot = 5, .function = 1}));
  EXPECT_THAT(board.refused({.slot = 5}), HasSubstr("say multifunction=on with function 0"));
  ASSERT_TRUE(board.add({.slot = 5, .multifunction = true}));
  ASSERT_TRUE(board.add_port({.id = "port"}));
  EXPECT_THAT(board.refused({.bus = "port", .slot = 1}), HasSubstr("slot 0 alone"));
  ASSERT_TRUE(board.add({.bus = "port"}));
  EXPECT_THAT(board.refused({.bus = "port"}), HasSubstr("takes one device"));
  EXPECT_THAT(board.refused({.bus = "prot"}), HasSubstr("there are pcie.0, port"));
}

TEST(PciPlaces, AFullBus) {
  Board board;
  for (unsigned i = 1; i < 32; ++i) ASSERT_TRUE(board.add({}));
  EXPECT_THAT(board.refused({}), HasSubstr("no free slot"));
}

TEST(PciPlaces, PortsWithoutANameAreNumbered) {
  Board board;
  ASSERT_TRUE(board.add_port({}));
  ASSERT_TRUE(board.add_port({}));
  ASSERT_TRUE(board.add({.bus = "pcie.2"}));
}

// The paths are those that firmware knows.
TEST(PciPlaces, FirmwareTriesThemByTheirIndex) {
  Board board;
  ASSERT_TRUE(board.add({.slot = 3, .boot = {5, "disk@0,0"}}));
  ASSERT_TRUE(board.add_port({.slot = 8, .function = 1, .id = "port"}));
  ASSERT_TRUE(board.add({.bus = "port", .boot = {2, "disk@0,0"}}));
  EXPECT_THAT(board.refused({.boot = {5, "disk@0,0"}}), HasSubstr("two devices have bootindex=5"));
  EXPECT_EQ(
      board.machine->boot_order(),
      (std::map<unsigned, std::string>{{2, "/pci@ffffffffffffffff/pci-bridge@8,1/pci1af4,1044@0/disk@0,0"},
                                       {5, "/pci@ffffffffffffffff/pci1af4,1005@3/disk@0,0"}}));
}

TEST(PciPlaces, MmioSlots) {
  Board board;
  const auto add = [&](std::optional<unsigned> slot) {
    return board.machine->add_virtio(
        [&](dev::DmaMemory& memory, dev::Log& l) {
          return std::make_unique<dev::VirtioRng>(memory, l, board.entropy);
        },
        VirtioMmioPlace{slot});
  };
  ASSERT_TRUE(add(3));
  EXPECT_THAT(add(3).message(), HasSubstr("virtio-mmio-bus.3 has a device already"));
  EXPECT_THAT(add(32).message(), HasSubstr("there is no bus virtio-mmio-bus.32"));
  for (unsigned i = 0; i < 31; ++i) ASSERT_TRUE(add({}));
  EXPECT_THAT(add({}).message(), HasSubstr("no free virtio-mmio slot"));
  ASSERT_TRUE(board.machine->init());
  EXPECT_EQ(board.read(virt_map::kVirtio + 3 * virt_map::kVirtioSize + 8), 4u);
}

TEST(PciPlaces, LowConfigurationSpaceHas16Buses) {
  Board board(false);
  ASSERT_TRUE(board.machine->init());
  EXPECT_EQ(board.read(virt_map::kPciConfig), 0x0008'1b36u);
  EXPECT_EQ(board.read(virt_map::kPciConfig + (15 << 20)), 0xffff'ffffu);
  EXPECT_FALSE(board.machine->bus().read(kEcam, dev::Width::k4));
  EXPECT_FALSE(board.machine->bus().read(virt_map::kPciHighMemory, dev::Width::k4));
}

// From the processor's windows to the function, and its message to the interrupt controller.
TEST(PciPlaces, WindowsAndMessages) {
  Board board;
  ASSERT_TRUE(board.add({}));
  ASSERT_TRUE(board.machine->init());
  const dev::Bus& bus = board.machine->bus();
  const uint64_t config = kEcam + (1 << 15);
  const auto set = [&](uint64_t pa, uint64_t value, dev::Width width = dev::Width::k4) {
    ASSERT_TRUE(bus.write(pa, width, value));
  };
  set(config + 0x10, 0x1000);
  set(config + 0x14, virt_map::kPciMemory);
  set(config + 0x20, 0);
  set(config + 0x24, virt_map::kPciHighMemory >> 32);
  EXPECT_EQ(board.read(virt_map::kPciMemory + 12), 0xffff'ffffu);
  set(config + 4, 7, dev::Width::k2);
  EXPECT_EQ(board.read(virt_map::kPciMemory + 12), 1u);                        // a masked vector
  EXPECT_EQ(board.read(virt_map::kPciHighMemory + 18, dev::Width::k2), 1u);    // queues
  EXPECT_EQ(board.read(virt_map::kPciIo + 0x1000 + 12, dev::Width::k2), 64u);  // legacy: size of queue 0
  // Interrupt 80, enabled as an edge; a message of the change of configuration.
  constexpr uint64_t kPendingOf80 = virt_map::kGicDistributor + 0x200 + 4 * (80 / 32);
  set(virt_map::kGicDistributor + 0xc00 + 4 * (80 / 16), 2);
  EXPECT_EQ(board.read(kPendingOf80), 0u);
  set(virt_map::kGicV2m + 0x40, 80);
  EXPECT_EQ(board.read(kPendingOf80), 1u << 80 % 32);
  EXPECT_THAT(dev::pci::describe(*board.machine->pci()),
              HasSubstr("  Bus  0, device   1, function 0:\n    Class 0255: PCI device 1af4:1005\n"
                        "      PCI subsystem 1af4:0004\n      IRQ 0, pin A\n"
                        "      BAR0: I/O at 0x1000 [0x101f].\n"
                        "      BAR1: 32 bit memory at 0x10000000 [0x10000fff].\n"
                        "      BAR4: 64 bit prefetchable memory at 0x8000000000 [0x8000003fff].\n"
                        "      id \"\"\n"));
}

}  // namespace
}  // namespace mynah
