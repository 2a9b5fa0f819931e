// SPDX-License-Identifier: Apache-2.0
//
// The chipset of a Q35 PC: host bridge with its configuration window, LPC bridge with its interrupts, power
// management and chipset configuration, SMBus. Expected values are of Intel's data sheets 316966 and 316972.
#include <gtest/gtest.h>

#include <map>

#include "devices/chipset/ich9_lpc.h"
#include "devices/chipset/ich9_smbus.h"
#include "devices/chipset/q35_mch.h"
#include "tests/devices/pci_fakes.h"

namespace mynah::dev {
namespace {

struct Mch : testing::Test {
  Mch() {
    bridge =
        &pc.plug(std::make_unique<Q35Mch>([this](unsigned piece, PamBridge::Route to) { told[piece] = to; },
                                          pc.host.ecam(), pc.log),
                 0);
    pc.host.reset();
  }
  uint64_t in(uint64_t at, Width width = Width::k4) { return pc.host.read(pci::Space::kMemory, at, width); }
  fake::PciHost pc;
  std::map<unsigned, PamBridge::Route> told;
  Q35Mch* bridge;
};

TEST_F(Mch, PamRoutesPieces) {
  EXPECT_EQ(pc.get(0, 0), 0x29c08086u);
  EXPECT_EQ(pc.get(0, Q35Mch::kSmram, 1), 0x02u);
  EXPECT_EQ(pc.get(0, Q35Mch::kEsmramc, 1), 0x38u);
  pc.set(0, Q35Mch::kPam0, 0x10, 1);
  EXPECT_EQ(told[12], (PamBridge::Route{true, false}));
  pc.set(0, Q35Mch::kPam6, 0x33, 1);
  EXPECT_EQ(told[10], (PamBridge::Route{true, true}));
  const auto state = fake::save(pc.host);
  pc.host.reset();
  EXPECT_EQ(told[10], PamBridge::Route{});
  ASSERT_TRUE(fake::load(pc.host, state));
  EXPECT_EQ(told[10], (PamBridge::Route{true, true}));
}

TEST_F(Mch, ConfigurationSpaceIsWherePciexbarSays) {
  EXPECT_EQ(pc.get(0, Q35Mch::kPciexbar), 0xb0000000u);
  EXPECT_EQ(in(0xb0000000), 0xffffffffu) << "not enabled";
  pc.set(0, Q35Mch::kPciexbar, 0xb0000001);
  EXPECT_EQ(in(0xb0000000), 0x29c08086u);
  EXPECT_EQ(in(0xb0000002, Width::k2), 0x29c0u);
  EXPECT_EQ(in(0xb0008000), 0xffffffffu) << "nobody's";
  pc.host.write(pci::Space::kMemory, 0xb0000000 + Q35Mch::kPam0, Width::k1, 0x30);
  EXPECT_EQ(told[12], (PamBridge::Route{true, true}));
  const auto state = fake::save(pc.host);
  // It may move itself.
  pc.host.write(pci::Space::kMemory, 0xb0000000 + Q35Mch::kPciexbar, Width::k4, 0xe4000003);
  EXPECT_EQ(in(0xb0000000), 0xffffffffu);
  EXPECT_EQ(in(0xe0000000), 0x29c08086u) << "128 MiB, at a multiple of it";
  EXPECT_EQ(in(0xe8000000), 0xffffffffu);
  pc.set(0, Q35Mch::kPciexbar, 0xe0000007);
  EXPECT_EQ(in(0xe0000000), 0xffffffffu) << "a reserved size";
  ASSERT_TRUE(fake::load(pc.host, state));
  EXPECT_EQ(in(0xb0000000), 0x29c08086u);
}

struct Lpc : testing::Test {
  static constexpr unsigned kSlot = 31, kSciLines = 32;
  Lpc() {
    Ich9Lpc::Lines lines;
    for (unsigned n = 0; n < 24; ++n) {
      lines.pirqs[n] = irq.line(n);
      lines.sci[n] = irq.line(kSciLines + n);
    }
    bridge =
        &pc.plug(std::make_unique<Ich9Lpc>(
                     events, lines, [this] { ++resets; }, [this] { ++off; }, pc.host.config_ports(), pc.log),
                 kSlot, 0, true);
    pc.host.reset();
    pc.set(kSlot, Ich9Lpc::kPmBase, 0x601);
    pc.set(kSlot, Ich9Lpc::kAcpiControl, Ich9Lpc::kAcpiOn, 1);
  }
  uint64_t in(unsigned at, Width width = Width::k2) {
    return pc.host.read(pci::Space::kIo, 0x600 + at, width);
  }
  void out(unsigned at, uint64_t value, Width width = Width::k2) {
    pc.host.write(pci::Space::kIo, 0x600 + at, width, value);
  }
  fake::PciHost pc;
  fake::Irq irq;
  ManualClock clock;
  EventQueue events{clock};
  unsigned resets = 0, off = 0;
  Ich9Lpc* bridge;
};

TEST_F(Lpc, PirqsAreInputsAndByTheirRouteIsaInterrupts) {
  EXPECT_EQ(pc.get(kSlot, 0), 0x29188086u);
  EXPECT_EQ(pc.get(kSlot, Ich9Lpc::kPirqE), 0x80808080u);
  bridge->pirqs().set_irq(0, true);
  bridge->pirqs().set_irq(6, true);
  EXPECT_TRUE(irq.level(16) && irq.level(22));
  EXPECT_FALSE(irq.level(10) || irq.level(11));
  pc.set(kSlot, Ich9Lpc::kPirqA, 10, 1);
  pc.set(kSlot, Ich9Lpc::pirq_register(6), 10, 1);
  EXPECT_TRUE(irq.level(10));
  bridge->pirqs().set_irq(0, false);
  EXPECT_TRUE(irq.level(10)) << "shared";
  EXPECT_FALSE(irq.level(16));
  pc.set(kSlot, Ich9Lpc::pirq_register(6), 13, 1);
  EXPECT_FALSE(irq.level(10) || irq.level(13)) << "the coprocessor's is no choice";
  EXPECT_EQ(Ich9Lpc::pirq_of(2, 0), 6u);
  EXPECT_EQ(Ich9Lpc::pirq_of(31, 0), 0u);
  EXPECT_EQ(Ich9Lpc::pirq_of(30, 1), 5u);
}

TEST_F(Lpc, PowerManagementIsAtPmbase) {
  out(Pm1::kEnable, Pm1::kPowerButton);
  bridge->press_power_button();
  EXPECT_TRUE(irq.level(kSciLines + 9));
  pc.set(kSlot, Ich9Lpc::kAcpiControl, Ich9Lpc::kAcpiOn | 4, 1);
  EXPECT_FALSE(irq.level(kSciLines + 9));
  EXPECT_TRUE(irq.level(kSciLines + 20)) << "as its register chooses";
  const auto state = fake::save(pc.host);
  out(Pm1::kStatus, Pm1::kPowerButton);
  EXPECT_FALSE(irq.level(kSciLines + 20));
  ASSERT_TRUE(fake::load(pc.host, state));
  EXPECT_TRUE(irq.level(kSciLines + 20));

  bridge->apm().write(0, Width::k1, Ich9Lpc::kAcpiEnable);
  EXPECT_EQ(in(Pm1::kControl), 1u);
  EXPECT_EQ(in(Ich9Lpc::kSmiEnable, Width::k4), 0x20u) << "firmware leaves SMM alone";
  out(Ich9Lpc::kGpeEnable, 0xffff);
  EXPECT_EQ(in(Ich9Lpc::kGpeEnable, Width::k4), 0xffffu);
  EXPECT_EQ(in(0x60, Width::k4), 0u) << "no watchdog";
  clock.time = 1'000'000'000;
  EXPECT_EQ(in(Pm1::kTimer, Width::k4), 3579545u);
  out(Pm1::kControl, 1u << 13 | Pm1::kOffType << 10);
  EXPECT_EQ(off, 1u);
  pc.set(kSlot, Ich9Lpc::kAcpiControl, 0, 1);
  EXPECT_EQ(in(Pm1::kEnable), 0xffffu) << "gone";
}

TEST_F(Lpc, ChipsetConfigurationIsAtRcba) {
  const auto word = [&](uint64_t at) {
    return pc.host.read(pci::Space::kMemory, 0xfed1c000 + at, Width::k2);
  };
  EXPECT_EQ(word(0x3140), 0xffffu);
  pc.set(kSlot, Ich9Lpc::kRcba, 0xfed1c001);
  EXPECT_EQ(word(0x3140), 0x3210u);
  pc.host.write(pci::Space::kMemory, 0xfed1c000 + 0x3410, Width::k4, 0);
  EXPECT_EQ(word(0x3410), 0x20u) << "its watchdog does not reset";
  pc.host.write(pci::Space::kMemory, 0xfed1c000 + 0x3ffc, Width::k4, 0x12345678);
  const auto state = fake::save(pc.host);
  pc.host.reset();
  EXPECT_EQ(word(0x3ffc), 0xffffu);
  ASSERT_TRUE(fake::load(pc.host, state));
  EXPECT_EQ(word(0x3ffc), 0x5678u);
}

TEST_F(Lpc, ResetControlIsBesideTheConfigurationPorts) {
  Device& ports = bridge->ports();
  ports.write(1, Width::k1, 0x0e);
  EXPECT_EQ(resets, 1u);
  EXPECT_EQ(ports.read(1, Width::k1), 0x0au);
  ports.write(0, Width::k4, 0x8000f800);
  EXPECT_EQ(ports.read(4, Width::k4), 0x29188086u);
}

TEST(Smbus, NobodyAnswers) {
  fake::PciHost pc;
  pc.plug(std::make_unique<Ich9Smbus>(pc.log), 31, 3);
  pc.host.reset();
  pc.set(31, pci::kBar0 + 16, 0x701, 4, 0, 3);
  pc.set(31, pci::kCommand, pci::kIoSpace, 2, 0, 3);
  const auto in = [&](unsigned at) { return pc.host.read(pci::Space::kIo, 0x700 + at, Width::k1); };
  const auto out = [&](unsigned at, uint8_t value) {
    pc.host.write(pci::Space::kIo, 0x700 + at, Width::k1, value);
  };
  out(Ich9Smbus::kAddress, 0xa1);
  EXPECT_EQ(in(Ich9Smbus::kStatus), 0u);
  out(Ich9Smbus::kControl, 0x48 | Ich9Smbus::kInterruptEnable);
  EXPECT_EQ(in(Ich9Smbus::kStatus), uint64_t{Ich9Smbus::kDeviceError});
  EXPECT_EQ(in(Ich9Smbus::kControl), 0x09u);
  EXPECT_EQ(pc.get(31, pci::kStatus, 2, 0, 3) & pci::kInterruptStatus, uint32_t{pci::kInterruptStatus});
  const auto state = fake::save(pc.host);
  out(Ich9Smbus::kStatus, 0xff);
  EXPECT_EQ(in(Ich9Smbus::kStatus), 0u);
  EXPECT_EQ(pc.get(31, pci::kStatus, 2, 0, 3) & pci::kInterruptStatus, 0u);
  ASSERT_TRUE(fake::load(pc.host, state));
  EXPECT_EQ(in(Ich9Smbus::kStatus), uint64_t{Ich9Smbus::kDeviceError});
  EXPECT_EQ(in(Ich9Smbus::kAddress), 0xa1u);
}

}  // namespace
}  // namespace mynah::dev
