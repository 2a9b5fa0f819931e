// SPDX-License-Identifier: Apache-2.0
//
// I/O APIC: redirection entries, edges and levels, ends of interrupts (data sheet 290566).
#include "devices/intc/ioapic.h"

#include <gtest/gtest.h>

#include "tests/devices/apic_fakes.h"
#include "tests/devices/fakes.h"

namespace mynah::dev {
namespace {

struct IoApicTest : testing::Test {
  IoApicTest() {
    bus.current = [this]() -> LocalApic& { return apic; };
    bus.on_end_of_interrupt = [this](uint8_t v) { io.end_of_interrupt(v); };
    bus.write(0xf0, Width::k4, 0x1ff);
  }
  uint32_t rd(uint8_t n) {
    io.write(0, Width::k4, n);
    return static_cast<uint32_t>(io.read(0x10, Width::k4));
  }
  void wr(uint8_t n, uint32_t v) {
    io.write(0, Width::k4, n);
    io.write(0x10, Width::k4, v);
  }
  void entry(unsigned input, uint32_t low) { wr(static_cast<uint8_t>(0x10 + 2 * input), low); }
  uint32_t entry(unsigned input) { return rd(static_cast<uint8_t>(0x10 + 2 * input)); }
  void eoi() { bus.write(0xb0, Width::k4, 0); }

  ManualClock clock;
  EventQueue events{clock};
  fake::RecordingLog log;
  ApicBus bus{log};
  fake::ApicCpu cpu;
  LocalApic apic{events, bus, cpu, 0, true, log};
  IoApic io{bus, 0, log};
};

TEST_F(IoApicTest, Identification) {
  EXPECT_EQ(rd(1), 0x00170020u);
  wr(0, 0x05000000);
  EXPECT_EQ(rd(0), 0x05000000u);
  wr(1, 0);
  EXPECT_EQ(rd(1), 0x00170020u);
  for (unsigned i = 0; i < IoApic::kInputs; ++i) EXPECT_EQ(entry(i), 0x10000u);
  EXPECT_EQ(rd(0x40), 0u);
  EXPECT_EQ(rd(0x08), 0u);
}

TEST_F(IoApicTest, EntriesKeepWhatIsWritable) {
  entry(3, 0xffffffff);
  EXPECT_EQ(entry(3), 0x1afffu);
  wr(0x17, 0xffffffff);
  EXPECT_EQ(rd(0x17), 0xff000000u);
}

TEST_F(IoApicTest, EdgesAreSentOnce) {
  entry(4, 0x44);
  io.set_irq(4, true);
  EXPECT_EQ(apic.accept(), 0x44);
  eoi();
  io.set_irq(4, true);
  EXPECT_FALSE(apic.interrupt_pending());
  io.set_irq(4, false);
  io.set_irq(4, true);
  EXPECT_EQ(apic.accept(), 0x44);
}

TEST_F(IoApicTest, LevelsComeAgainUntilTheyAreLow) {
  entry(9, 0x8000 | 0x49);
  io.set_irq(9, true);
  EXPECT_EQ(entry(9), 0xc049u);
  EXPECT_EQ(apic.accept(), 0x49);
  io.set_irq(9, false);
  io.set_irq(9, true);
  EXPECT_FALSE(apic.interrupt_pending());
  eoi();
  EXPECT_EQ(apic.accept(), 0x49);  // still active
  io.set_irq(9, false);
  eoi();
  EXPECT_FALSE(apic.interrupt_pending());
  EXPECT_EQ(entry(9), 0x8049u);
}

TEST_F(IoApicTest, EndByRegister) {
  bus.write(0xf0, Width::k4, 0x11ff);  // no broadcasts
  entry(9, 0x8000 | 0x49);
  io.set_irq(9, true);
  apic.accept();
  eoi();
  EXPECT_EQ(entry(9), 0xc049u);
  io.write(0x40, Width::k4, 0x48);  // another vector
  EXPECT_EQ(entry(9), 0xc049u);
  io.set_irq(9, false);
  io.write(0x40, Width::k4, 0x49);
  EXPECT_EQ(entry(9), 0x8049u);
}

TEST_F(IoApicTest, MaskedLevelIsSentWhenUnmasked) {
  entry(9, 0x18049);
  io.set_irq(9, true);
  EXPECT_FALSE(apic.interrupt_pending());
  entry(9, 0x8049);
  EXPECT_EQ(apic.accept(), 0x49);
}

TEST_F(IoApicTest, SwitchToEdgeClearsRemoteIrr) {
  entry(9, 0x8049);
  io.set_irq(9, true);
  entry(9, 0x10049);  // as Linux clears it where there is no EOI register
  entry(9, 0x18049);
  EXPECT_EQ(entry(9), 0x18049u);
}

TEST_F(IoApicTest, NmiAndNoSuchInput) {
  entry(2, 0x400);
  io.set_irq(2, true);
  EXPECT_EQ(cpu.nmis, 1u);
  io.set_irq(24, true);
  io.set_irq(~0u, true);
  EXPECT_EQ(io.read(0x20, Width::k4), 0u);
  EXPECT_EQ(log.errors.size(), 1u);
}

TEST_F(IoApicTest, SavesAndRestores) {
  entry(9, 0x8049);
  wr(0x23, 0x01000000);
  io.set_irq(9, true);
  const auto state = fake::save(io);
  io.reset();
  ASSERT_TRUE(fake::load(io, state));
  EXPECT_EQ(fake::save(io), state);
}

TEST_F(IoApicTest, ALevelThatNobodyTakesIsNotWaitedFor) {
  bus.write(0xf0, Width::k4, 0xff);  // the local APIC is off
  entry(9, 0x8049);
  io.set_irq(9, true);
  EXPECT_EQ(entry(9), 0x8049u);
  bus.write(0xf0, Width::k4, 0x1ff);
  entry(9, 0x8049);  // as a system writes it again
  EXPECT_EQ(apic.accept(), 0x49);
  EXPECT_EQ(entry(9), 0xc049u);
}

TEST_F(IoApicTest, NmisAreEdges) {
  entry(2, 0x8400);
  io.set_irq(2, true);
  EXPECT_EQ(entry(2), 0x8400u);
  io.set_irq(2, false);
  io.set_irq(2, true);
  EXPECT_EQ(cpu.nmis, 2u);
}

}  // namespace
}  // namespace mynah::dev
