// SPDX-License-Identifier: Apache-2.0
//
// The chipset of a PC: routes of memory and interrupts, reset control, power management with its timer,
// port 92. Expected values are of Intel's data sheets 290549, 290550 and 290562.
#include <gtest/gtest.h>

#include <map>

#include "devices/chipset/i440fx.h"
#include "devices/chipset/piix3.h"
#include "devices/chipset/piix4_pm.h"
#include "devices/chipset/port92.h"
#include "tests/devices/pci_fakes.h"

namespace mynah::dev {
namespace {

TEST(I440Fx, PamRoutesPieces) {
  fake::PciHost pc;
  std::map<unsigned, I440Fx::Route> told;
  auto& bridge = pc.plug(
      std::make_unique<I440Fx>([&](unsigned piece, I440Fx::Route to) { told[piece] = to; }, pc.log), 0);
  EXPECT_EQ(pc.get(0, 0), 0x12378086u);
  pc.set(0, I440Fx::kPam0, 0xff, 1);
  EXPECT_EQ(pc.get(0, I440Fx::kPam0, 1), 0x33u) << "the other bits are not there";
  EXPECT_EQ(told.size(), 1u);
  EXPECT_EQ(told[12], (I440Fx::Route{true, true})) << "0xf0000 is PAM0's high half";
  EXPECT_EQ(I440Fx::address_of(12), 0xf0000u);
  told.clear();
  pc.set(0, I440Fx::kPam0 + 1, 0x12, 1);
  EXPECT_EQ(told[0], (I440Fx::Route{false, true})) << "0xc0000";
  EXPECT_EQ(told[1], (I440Fx::Route{true, false})) << "0xc4000";
  told.clear();
  pc.set(0, I440Fx::kPam6, 0x30, 1);
  EXPECT_EQ(told[11], (I440Fx::Route{true, true})) << "0xec000";
  EXPECT_EQ(bridge.route(10), I440Fx::Route{});

  const auto state = fake::save(pc.host);
  pc.host.reset();
  EXPECT_EQ(bridge.route(12), I440Fx::Route{});
  EXPECT_EQ(told[11], I440Fx::Route{});
  ASSERT_TRUE(fake::load(pc.host, state));
  EXPECT_EQ(told[11], (I440Fx::Route{true, true})) << "told when it is restored";
}

struct IsaBridge : testing::Test {
  IsaBridge() {
    std::array<IrqLine, 16> lines;
    for (unsigned i = 0; i < 16; ++i) lines[i] = isa.line(i);
    bridge = &pc.plug(std::make_unique<Piix3>(
                          lines, [this] { ++resets; }, pc.host.config_ports(), pc.log),
                      1, 0, true);
  }
  fake::PciHost pc;
  fake::Irq isa;
  unsigned resets = 0;
  Piix3* bridge;
};

TEST_F(IsaBridge, RoutesPciLines) {
  bridge->pirqs().set_irq(0, true);
  for (unsigned i = 0; i < 16; ++i) EXPECT_FALSE(isa.level(i)) << "routed nowhere at reset";
  pc.set(1, Piix3::kPirqA, 10, 1);
  EXPECT_TRUE(isa.level(10));
  pc.set(1, Piix3::kPirqA + 2, 10, 1);
  bridge->pirqs().set_irq(2, true);
  bridge->pirqs().set_irq(0, false);
  EXPECT_TRUE(isa.level(10)) << "shared";
  bridge->pirqs().set_irq(2, false);
  EXPECT_FALSE(isa.level(10));
  pc.set(1, Piix3::kPirqA, 8, 1);
  bridge->pirqs().set_irq(0, true);
  EXPECT_FALSE(isa.level(8)) << "the calendar's is no choice";
  pc.set(1, Piix3::kPirqA, 11, 1);
  EXPECT_TRUE(isa.level(11));
  pc.set(1, Piix3::kPirqA, 0x8b, 1);
  EXPECT_FALSE(isa.level(11));
}

TEST_F(IsaBridge, ResetControlIsBesideTheConfigurationPorts) {
  Device& ports = bridge->ports();
  ports.write(0, Width::k4, 0x80000800);  // the bridge's first register
  EXPECT_EQ(ports.read(4, Width::k4), 0x70008086u);
  ports.write(1, Width::k1, 2);
  EXPECT_EQ(resets, 0u);
  EXPECT_EQ(ports.read(1, Width::k1), 2u);
  ports.write(1, Width::k1, 6);
  EXPECT_EQ(resets, 1u);
  EXPECT_EQ(ports.read(0, Width::k4), 0x80000800u) << "the address is as it was";
}

struct PowerManagement : testing::Test {
  PowerManagement() {
    pm = &pc.plug(std::make_unique<Piix4Pm>(
                      events, irq.line(), [this] { ++off; }, pc.log),
                  1, 3);
    pc.host.reset();
    pc.set(1, Piix4Pm::kPmBase, 0x601, 4, 0, 3);
    pc.set(1, Piix4Pm::kPmRegMisc, 1, 1, 0, 3);
  }
  uint64_t in(unsigned at, Width width = Width::k2) {
    return pc.host.read(pci::Space::kIo, 0x600 + at, width);
  }
  void out(unsigned at, uint64_t value, Width width = Width::k2) {
    pc.host.write(pci::Space::kIo, 0x600 + at, width, value);
  }
  void at(TimeNs time) {
    clock.time = time;
    events.run_due();
  }
  fake::PciHost pc;
  ManualClock clock;
  EventQueue events{clock};
  fake::Irq irq;
  unsigned off = 0;
  Piix4Pm* pm;
};

TEST_F(PowerManagement, RegistersAreWherePmbaseSays) {
  EXPECT_EQ(in(Pm1::kEnable), 0u);
  pc.set(1, Piix4Pm::kPmBase, 0xb001, 4, 0, 3);
  EXPECT_EQ(in(Pm1::kEnable), 0xffffu) << "not any more";
  EXPECT_EQ(pc.host.read(pci::Space::kIo, 0xb002, Width::k2), 0u);
  pc.set(1, Piix4Pm::kPmRegMisc, 0, 1, 0, 3);
  EXPECT_EQ(pc.host.read(pci::Space::kIo, 0xb002, Width::k2), 0xffffu);
}

TEST_F(PowerManagement, TimerCountsAndTellsOfItsTopBit) {
  at(1'000'000'000);
  EXPECT_EQ(in(Pm1::kTimer, Width::k4), 3579545u);
  out(Pm1::kEnable, Pm1::kTimerBit);
  at(2'343'484'000);  // 2^23 clocks are 2343.4845 ms
  EXPECT_FALSE(irq.level());
  at(2'343'485'000);
  EXPECT_TRUE(irq.level());
  EXPECT_EQ(in(Pm1::kStatus), Pm1::kTimerBit);
  out(Pm1::kStatus, Pm1::kTimerBit);
  EXPECT_FALSE(irq.level());
  at(4'686'970'000);
  EXPECT_TRUE(irq.level());
  EXPECT_LT(in(Pm1::kTimer, Width::k4), 100u) << "24 bits";
}

TEST_F(PowerManagement, PowerButtonAndOff) {
  out(Pm1::kEnable, Pm1::kPowerButton);
  pm->press_power_button();
  EXPECT_TRUE(irq.level());
  EXPECT_EQ(in(Pm1::kStatus), Pm1::kPowerButton);
  out(Pm1::kControl, 1u << 13 | Pm1::kOffType << 10);
  EXPECT_EQ(off, 1u);
}

TEST_F(PowerManagement, AcpiIsTurnedOnByTheApmPort) {
  EXPECT_EQ(in(Pm1::kControl), 0u);
  EXPECT_EQ(pc.get(1, Piix4Pm::kDevActB, 4, 0, 3) >> 25 & 1, 1u) << "firmware leaves SMM alone";
  pm->apm().write(0, Width::k1, Piix4Pm::kAcpiEnable);
  EXPECT_EQ(in(Pm1::kControl), 1u);
  pm->apm().write(0, Width::k1, Piix4Pm::kAcpiDisable);
  EXPECT_EQ(in(Pm1::kControl), 0u);
}

TEST_F(PowerManagement, SavedInTheMiddle) {
  out(Pm1::kEnable, Pm1::kTimerBit | Pm1::kPowerButton);
  pm->press_power_button();
  const auto state = fake::save(pc.host);
  pc.host.reset();
  EXPECT_FALSE(irq.level());
  ASSERT_TRUE(fake::load(pc.host, state));
  EXPECT_TRUE(irq.level());
  EXPECT_EQ(in(Pm1::kStatus), Pm1::kPowerButton) << "at its place";
}

TEST(Port92, GateAndReset) {
  bool gate = false;
  unsigned resets = 0;
  Port92 port([&](bool on) { gate = on; }, [&] { ++resets; });
  port.reset();
  EXPECT_TRUE(gate);
  port.write(0, Width::k1, 0);
  EXPECT_FALSE(gate);
  const auto state = fake::save(port);
  port.set_a20(true);
  EXPECT_TRUE(gate);
  ASSERT_TRUE(fake::load(port, state));
  EXPECT_FALSE(gate);
  port.write(0, Width::k1, 3);
  port.write(0, Width::k1, 3);
  EXPECT_EQ(resets, 1u) << "by the edge";
  EXPECT_EQ(port.read(0, Width::k1), 3u);
}

}  // namespace
}  // namespace mynah::dev
