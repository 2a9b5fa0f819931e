// SPDX-License-Identifier: Apache-2.0
//
// Local APIC: priorities, destinations, delivery modes, timer, x2APIC's MSRs (SDM volume 3, "Advanced
// Programmable Interrupt Controller").
#include "devices/intc/local_apic.h"

#include <gtest/gtest.h>

#include <memory>

#include "tests/devices/apic_fakes.h"
#include "tests/devices/fakes.h"

namespace mynah::dev {
namespace {

constexpr Offset kId = 0x20, kTpr = 0x80, kPpr = 0xa0, kEoi = 0xb0, kLdr = 0xd0, kDfr = 0xe0, kSvr = 0xf0,
                 kIsr = 0x100, kTmr = 0x180, kIrr = 0x200, kEsr = 0x280, kIcr = 0x300, kIcrHigh = 0x310,
                 kLvtTimer = 0x320, kLint0 = 0x350, kLint1 = 0x360, kLvtError = 0x370, kInitial = 0x380,
                 kCurrent = 0x390, kDivide = 0x3e0;
constexpr uint32_t kApicBase = 0x1b, kTscDeadline = 0x6e0;
constexpr uint64_t kX2 = 0xfee00c00;

struct LocalApicTest : testing::Test {
  LocalApicTest() {
    for (uint32_t i = 0; i < 4; ++i)
      apics.push_back(std::make_unique<LocalApic>(events, bus, cpus[i], i, i == 0, log));
    bus.current = [this]() -> LocalApic& { return *apics[self]; };
    bus.on_end_of_interrupt = [this](uint8_t v) { ended.push_back(v); };
    for (self = 0; self < 4; ++self) wr(kSvr, 0x1ff);
    self = 0;
  }
  uint32_t rd(Offset o) { return static_cast<uint32_t>(bus.read(o, Width::k4)); }
  void wr(Offset o, uint32_t v) { bus.write(o, Width::k4, v); }
  void at(TimeNs t) {
    clock.time = t;
    events.run_due();
  }
  void ipi(uint8_t destination, uint32_t low) {
    wr(kIcrHigh, uint32_t{destination} << 24);
    wr(kIcr, low);
  }
  bool irr(unsigned n, uint8_t v) { return apics[n]->read_register(0x20u + v / 32) >> v % 32 & 1; }
  uint64_t msr(uint32_t n) {
    uint64_t v = 0;
    EXPECT_TRUE(apics[self]->read_msr(n, v)) << std::hex << n;
    return v;
  }
  bool wrmsr(uint32_t n, uint64_t v) { return apics[self]->write_msr(n, v); }
  LocalApic& apic(unsigned n = 0) { return *apics[n]; }

  ManualClock clock;
  EventQueue events{clock};
  fake::RecordingLog log;
  ApicBus bus{log};
  fake::ApicCpu cpus[4];
  unsigned self = 0;
  std::vector<uint8_t> ended;
  std::vector<std::unique_ptr<LocalApic>> apics;
};

TEST_F(LocalApicTest, PowerOn) {
  apic().reset();
  EXPECT_EQ(msr(kApicBase), 0xfee00900u);
  EXPECT_EQ(rd(kSvr), 0xffu);
  EXPECT_EQ(rd(kDfr), 0xffffffffu);
  for (Offset o = kLvtTimer; o <= kLvtError; o += 16) EXPECT_EQ(rd(o), 0x10000u);
  self = 2;
  EXPECT_EQ(rd(kId), 0x02000000u);
  EXPECT_EQ(msr(kApicBase), 0xfee00800u);  // not the bootstrap processor
}

TEST_F(LocalApicTest, LifeOfAnInterrupt) {
  ipi(0, 0x4000 | 0x51);
  EXPECT_EQ(rd(kIrr + 0x20), 1u << 0x11);
  ASSERT_TRUE(apic().interrupt_pending());
  EXPECT_EQ(apic().accept(), 0x51);
  EXPECT_EQ(rd(kIrr + 0x20), 0u);
  EXPECT_EQ(rd(kIsr + 0x20), 1u << 0x11);
  EXPECT_EQ(rd(kPpr), 0x50u);
  ipi(0, 0x5f);  // the same class waits
  EXPECT_FALSE(apic().interrupt_pending());
  ipi(0, 0x60);  // a higher one does not
  EXPECT_EQ(apic().accept(), 0x60);
  wr(kEoi, 0);
  EXPECT_FALSE(apic().interrupt_pending());
  wr(kEoi, 0);
  EXPECT_EQ(apic().accept(), 0x5f);
  wr(kEoi, 0);
  EXPECT_EQ(rd(kPpr), 0u);
  EXPECT_TRUE(ended.empty());  // edges
}

TEST_F(LocalApicTest, TaskPriorityMasksItsClass) {
  apic().set_cr8(5);
  EXPECT_EQ(rd(kTpr), 0x50u);
  wr(kTpr, 0x5c);
  EXPECT_EQ(apic().cr8(), 5u);
  EXPECT_EQ(rd(kPpr), 0x5cu);
  ipi(0, 0x5f);
  EXPECT_FALSE(apic().interrupt_pending());
  EXPECT_EQ(apic().accept(), 0xff);  // spurious, and nothing goes into service
  EXPECT_EQ(rd(kIsr + 0x20), 0u);
  apic().set_cr8(4);
  EXPECT_EQ(apic().accept(), 0x5f);
}

TEST_F(LocalApicTest, LevelTriggeredEndsAreBroadcast) {
  bus.send({.destination = 0, .vector = 0x70, .level = true});
  EXPECT_EQ(rd(kTmr + 0x30), 1u << 0x10);
  EXPECT_EQ(apic().accept(), 0x70);
  wr(kEoi, 0);
  EXPECT_EQ(ended, (std::vector<uint8_t>{0x70}));
  wr(kSvr, 0x11ff);  // suppressed
  bus.send({.destination = 0, .vector = 0x70, .level = true});
  EXPECT_EQ(apic().accept(), 0x70);
  wr(kEoi, 0);
  EXPECT_EQ(ended.size(), 1u);
}

TEST_F(LocalApicTest, Destinations) {
  ipi(2, 0x40);
  EXPECT_TRUE(irr(2, 0x40));
  EXPECT_FALSE(irr(1, 0x40));
  ipi(0xff, 0x41);
  for (unsigned i = 0; i < 4; ++i) EXPECT_TRUE(irr(i, 0x41));
  for (self = 0; self < 4; ++self) wr(kLdr, 0x01000000u << self);
  self = 0;
  ipi(0x0a, 0x800 | 0x42);  // flat
  for (unsigned i = 0; i < 4; ++i) EXPECT_EQ(irr(i, 0x42), i == 1 || i == 3);
  for (self = 0; self < 4; ++self) {
    wr(kDfr, 0x0fffffff);
    wr(kLdr, (self / 2) << 28 | 0x01000000u << self % 2);
  }
  self = 0;
  ipi(0x12, 0x800 | 0x43);  // cluster 1, its second
  for (unsigned i = 0; i < 4; ++i) EXPECT_EQ(irr(i, 0x43), i == 3);
  ipi(0xff, 0x800 | 0x44);
  for (unsigned i = 0; i < 4; ++i) EXPECT_TRUE(irr(i, 0x44));
}

TEST_F(LocalApicTest, Shorthands) {
  self = 1;
  ipi(3, 1 << 18 | 0x40);
  for (unsigned i = 0; i < 4; ++i) EXPECT_EQ(irr(i, 0x40), i == 1);
  ipi(3, 2 << 18 | 0x41);
  for (unsigned i = 0; i < 4; ++i) EXPECT_TRUE(irr(i, 0x41));
  ipi(3, 3 << 18 | 0x42);
  for (unsigned i = 0; i < 4; ++i) EXPECT_EQ(irr(i, 0x42), i != 1);
}

TEST_F(LocalApicTest, LowestPriorityTakesOne) {
  wr(kTpr, 0x80);
  self = 1;
  wr(kTpr, 0x20);
  self = 2;
  wr(kTpr, 0x30);
  self = 3;
  wr(kTpr, 0x90);
  ipi(0xff, 0x100 | 0xa0);
  for (unsigned i = 0; i < 4; ++i) EXPECT_EQ(irr(i, 0xa0), i == 1);
}

TEST_F(LocalApicTest, StartsOtherProcessors) {
  ipi(1, 0xc500);  // INIT, level, assert
  EXPECT_EQ(cpus[1].inits, 1u);
  ipi(1, 0x8500);  // de-assert
  EXPECT_EQ(cpus[1].inits, 1u);
  ipi(1, 0x4600 | 0x9a);
  EXPECT_EQ(cpus[1].start_ups, (std::vector<uint8_t>{0x9a}));
  ipi(3, 0x400);
  EXPECT_EQ(cpus[3].nmis, 1u);
  ipi(3, 0x200 | 0x44);  // SMI: nothing
  EXPECT_FALSE(irr(3, 0x44));
}

TEST_F(LocalApicTest, DeliveryStatusIsNeverPending) {
  ipi(1, 0x1000 | 0x40);
  EXPECT_EQ(rd(kIcr) & 0x1000, 0u);
}

TEST_F(LocalApicTest, Errors) {
  wr(kLvtError, 0xe0);
  ipi(1, 0x0f);
  EXPECT_EQ(rd(kEsr), 0u);  // until it is written
  EXPECT_EQ(apic().accept(), 0xe0);
  wr(kEsr, 0);
  EXPECT_EQ(rd(kEsr), 0x20u);
  wr(kEsr, 0);
  EXPECT_EQ(rd(kEsr), 0u);
  bus.send({.destination = 0, .vector = 3});
  wr(kEsr, 0);
  EXPECT_EQ(rd(kEsr), 0x40u);
  rd(0x3f0);
  wr(kEsr, 0);
  EXPECT_EQ(rd(kEsr), 0x80u);
}

TEST_F(LocalApicTest, SoftwareDisabled) {
  ipi(0, 0x40);
  wr(kLint0, 0x700);
  wr(kSvr, 0xff);
  EXPECT_EQ(rd(kLint0), 0x10700u);
  wr(kLint1, 0x400);
  EXPECT_EQ(rd(kLint1), 0x10400u);  // stays masked
  EXPECT_FALSE(apic().interrupt_pending());
  EXPECT_TRUE(irr(0, 0x40));  // kept
  ipi(0, 0x41);
  EXPECT_FALSE(irr(0, 0x41));
  ipi(0, 0x400);
  EXPECT_EQ(cpus[0].nmis, 1u);
  wr(kSvr, 0x1ff);
  EXPECT_EQ(apic().accept(), 0x40);
}

TEST_F(LocalApicTest, VirtualWire) {
  apic().set_virtual_wire();
  apic().external_vector = [] { return uint8_t{0x38}; };
  EXPECT_FALSE(apic().interrupt_pending());
  apic().set_external(true);
  wr(kTpr, 0xf0);  // does not hold ExtINT
  ASSERT_TRUE(apic().interrupt_pending());
  EXPECT_EQ(apic().accept(), 0x38);
  EXPECT_EQ(rd(kIsr + 0x10), 0u);
  wr(kLint0, 0x10700);
  EXPECT_FALSE(apic().interrupt_pending());
  apic().set_nmi_line(true);
  apic().set_nmi_line(true);
  EXPECT_EQ(cpus[0].nmis, 1u);
  // Without the APIC both are the processor's own pins.
  ASSERT_TRUE(wrmsr(kApicBase, 0xfee00000));
  EXPECT_TRUE(apic().interrupt_pending());
  EXPECT_EQ(apic().accept(), 0x38);
  EXPECT_EQ(rd(kId), 0xffffffffu);
}

TEST_F(LocalApicTest, OneShot) {
  wr(kDivide, 0x3);  // by 16
  wr(kLvtTimer, 0xec);
  wr(kInitial, 1000);
  at(8000);
  EXPECT_EQ(rd(kCurrent), 500u);
  at(15999);
  EXPECT_FALSE(apic().interrupt_pending());
  at(16000);
  EXPECT_EQ(apic().accept(), 0xec);
  EXPECT_EQ(rd(kCurrent), 0u);
  wr(kEoi, 0);
  at(1'000'000);
  EXPECT_FALSE(apic().interrupt_pending());
  wr(kInitial, 1000);
  wr(kInitial, 0);
  at(2'000'000);
  EXPECT_FALSE(apic().interrupt_pending());
}

TEST_F(LocalApicTest, Dividers) {
  constexpr uint32_t by[] = {2, 4, 8, 16, 32, 64, 128, 1};
  for (uint32_t n = 0; n < 8; ++n) {
    wr(kDivide, (n & 3) | (n & 4) << 1);
    wr(kInitial, 1000);
    at(clock.time + 128 * 5);
    EXPECT_EQ(rd(kCurrent), 1000 - 128 * 5 / by[n]);
  }
}

TEST_F(LocalApicTest, PeriodicKeepsItsPace) {
  wr(kDivide, 0xb);  // by 1
  wr(kLvtTimer, 1 << 17 | 0xec);
  wr(kInitial, 1000);
  at(1000);
  EXPECT_EQ(apic().accept(), 0xec);
  wr(kEoi, 0);
  at(3300);  // 300 late, one lost
  EXPECT_EQ(apic().accept(), 0xec);
  wr(kEoi, 0);
  EXPECT_EQ(rd(kCurrent), 700u);
  EXPECT_EQ(events.next_deadline(), 4000);
  wr(kLvtTimer, 1 << 17 | 0x100ec);  // masked: it counts on
  at(4000);
  EXPECT_FALSE(apic().interrupt_pending());
  EXPECT_EQ(events.next_deadline(), 5000);
}

TEST_F(LocalApicTest, TscDeadline) {
  EXPECT_TRUE(wrmsr(kTscDeadline, 500));  // another mode: ignored
  EXPECT_EQ(msr(kTscDeadline), 0u);
  wr(kLvtTimer, 2 << 17 | 0xec);
  wr(kInitial, 10);  // ignored in its turn
  EXPECT_EQ(rd(kInitial), 0u);
  apic().set_tsc_offset(1000);
  EXPECT_TRUE(wrmsr(kTscDeadline, 3000));
  at(1999);
  EXPECT_EQ(msr(kTscDeadline), 3000u);
  EXPECT_FALSE(apic().interrupt_pending());
  at(2000);
  EXPECT_EQ(apic().accept(), 0xec);
  EXPECT_EQ(msr(kTscDeadline), 0u);
  wr(kEoi, 0);
  EXPECT_TRUE(wrmsr(kTscDeadline, 1));  // has passed: now
  events.run_due();
  EXPECT_EQ(apic().accept(), 0xec);
  wr(kEoi, 0);
  EXPECT_TRUE(wrmsr(kTscDeadline, ~uint64_t{0}));  // never
  EXPECT_EQ(events.next_deadline(), kNever);
  EXPECT_TRUE(wrmsr(kTscDeadline, 9000));
  wr(kLvtTimer, 0xec);  // another mode disarms
  at(100'000);
  EXPECT_FALSE(apic().interrupt_pending());
}

TEST_F(LocalApicTest, X2Apic) {
  uint64_t v;
  EXPECT_FALSE(apic().read_msr(0x802, v));
  self = 3;
  EXPECT_FALSE(wrmsr(kApicBase, 0xfee00400));  // x2APIC without the APIC
  ASSERT_TRUE(wrmsr(kApicBase, kX2));
  EXPECT_EQ(rd(kId), 0xffffffffu);  // no page
  EXPECT_EQ(msr(0x802), 3u);
  EXPECT_EQ(msr(0x80d), 8u);
  EXPECT_FALSE(wrmsr(0x80d, 1));
  EXPECT_FALSE(apic(3).read_msr(0x80b, v));
  EXPECT_FALSE(apic(3).read_msr(0x809, v));
  EXPECT_FALSE(apic(3).read_msr(0x80e, v));
  EXPECT_FALSE(apic(3).read_msr(0x840, v));
  EXPECT_FALSE(wrmsr(0x80b, 1));
  EXPECT_FALSE(wrmsr(0x828, 1));
  EXPECT_FALSE(wrmsr(0x808, 0x100));
  EXPECT_FALSE(wrmsr(0x830, 1u << 13 | 0x40));
  EXPECT_TRUE(wrmsr(0x83f, 0x55));  // self IPI
  EXPECT_EQ(apic(3).accept(), 0x55);
  EXPECT_TRUE(wrmsr(0x80b, 0));
  EXPECT_EQ(msr(0x815), 0u);
  EXPECT_TRUE(wrmsr(0x830, uint64_t{1} << 32 | 0x66));
  EXPECT_TRUE(irr(1, 0x66));
  EXPECT_EQ(msr(0x830), uint64_t{1} << 32 | 0x66);
  EXPECT_FALSE(wrmsr(kApicBase, 0xfee00800));  // back only by way of off
  EXPECT_TRUE(wrmsr(kApicBase, 0xfee00000));
  EXPECT_TRUE(wrmsr(kApicBase, 0xfee00800));
  EXPECT_EQ(rd(kId), 0x03000000u);
}

// SDM 11.4.3, 11.4.4: where the registers are, and that there are none.
TEST_F(LocalApicTest, PageMoves) {
  constexpr uint64_t kElsewhere = 0x123456000;
  EXPECT_EQ(apic().page(), ApicBus::kWindow);
  ASSERT_TRUE(wrmsr(kApicBase, kElsewhere | 0x800));
  EXPECT_EQ(msr(kApicBase), kElsewhere | 0x900);  // the bootstrap processor's bit stays
  EXPECT_EQ(apic().page(), kElsewhere);
  EXPECT_EQ(apic(1).page(), ApicBus::kWindow);
  EXPECT_EQ(rd(kSvr), 0x1ffu);  // nothing else has changed
  ASSERT_TRUE(wrmsr(kApicBase, kElsewhere));
  EXPECT_EQ(apic().page(), ApicBus::kWindow);  // where nothing answers
  EXPECT_EQ(rd(kSvr), 0xffffffffu);
  ASSERT_TRUE(wrmsr(kApicBase, kElsewhere | 0x800));
  EXPECT_EQ(apic().page(), kElsewhere);
  EXPECT_EQ(rd(kSvr), 0xffu);  // as by a reset
  apic().reset_by_init();
  EXPECT_EQ(apic().page(), kElsewhere);
  apic().reset();
  EXPECT_EQ(apic().page(), ApicBus::kWindow);
  EXPECT_FALSE(wrmsr(kApicBase, uint64_t{1} << 46 | 0x800));
  apic().offer(true, true, 52);
  EXPECT_TRUE(wrmsr(kApicBase, uint64_t{1} << 46 | 0x800));
}

// SDM 11.12.5: every way from one state to another by IA32_APIC_BASE.
TEST_F(LocalApicTest, X2ApicTransitions) {
  constexpr uint64_t kOff = 0xfee00000, kOn = 0xfee00800, kInvalid = 0xfee00400;
  self = 2;
  wr(kSvr, 0x1ff);
  wr(kTpr, 0x20);
  wr(kLdr, 0x55000000);
  wr(kLvtTimer, 0x200ec);
  EXPECT_FALSE(wrmsr(kApicBase, kInvalid));
  ASSERT_TRUE(wrmsr(kApicBase, kX2));  // registers stay but for the logical id
  EXPECT_EQ(msr(0x808), 0x20u);
  EXPECT_EQ(msr(0x80d), 4u);
  EXPECT_EQ(msr(0x80f), 0x1ffu);
  EXPECT_EQ(msr(0x832), 0x200ecu);
  EXPECT_TRUE(wrmsr(kApicBase, kX2));
  EXPECT_FALSE(wrmsr(kApicBase, kOn));
  EXPECT_FALSE(wrmsr(kApicBase, kInvalid));
  EXPECT_EQ(msr(kApicBase), kX2);
  apic(2).reset_by_init();  // stays what it is
  EXPECT_EQ(msr(kApicBase), kX2);
  EXPECT_EQ(msr(0x802), 2u);
  EXPECT_EQ(msr(0x80d), 4u);
  EXPECT_EQ(msr(0x808), 0u);
  ASSERT_TRUE(wrmsr(kApicBase, kOff));
  EXPECT_FALSE(apic(2).enabled());
  uint64_t v;
  EXPECT_FALSE(apic(2).read_msr(0x802, v));
  EXPECT_FALSE(wrmsr(kApicBase, kX2));
  EXPECT_FALSE(wrmsr(kApicBase, kInvalid));
  EXPECT_TRUE(wrmsr(kApicBase, kOff));
  ASSERT_TRUE(wrmsr(kApicBase, kOn));
  EXPECT_EQ(rd(kId), 0x02000000u);
  EXPECT_EQ(rd(kLdr), 0u);
  ASSERT_TRUE(wrmsr(kApicBase, kX2));
  apic(2).reset();
  EXPECT_EQ(msr(kApicBase), kOn);
}

TEST_F(LocalApicTest, X2ApicHearsEightBitBroadcasts) {
  self = 1;
  ASSERT_TRUE(wrmsr(kApicBase, kX2));
  EXPECT_TRUE(bus.message(0xfeeff000, 0x61, 0));
  EXPECT_TRUE(irr(0, 0x61));
  EXPECT_TRUE(irr(1, 0x61));
}

TEST_F(LocalApicTest, Messages) {
  EXPECT_TRUE(bus.message(0xfee02000, 0x61, 0));
  EXPECT_TRUE(irr(2, 0x61));
  EXPECT_FALSE(bus.message(0xfed00000, 0x61, 0));
  EXPECT_FALSE(bus.message(0x1fee00000, 0x62, 0));
  self = 3;
  wr(kLdr, 0x08000000);
  EXPECT_TRUE(bus.message(0xfee08004, 0x62, 0));  // logical
  EXPECT_TRUE(irr(3, 0x62));
  EXPECT_TRUE(bus.message(0xfee01000, 0x400, 0));
  EXPECT_EQ(cpus[1].nmis, 1u);
}

TEST_F(LocalApicTest, AccessesThatAreNoRegisters) {
  EXPECT_EQ(bus.read(kSvr + 4, Width::k4), 0u);
  EXPECT_EQ(bus.read(kSvr + 1, Width::k1), 1u);
  bus.write(kSvr, Width::k1, 0);
  bus.write(kSvr + 4, Width::k4, 0);
  EXPECT_EQ(rd(kSvr), 0x1ffu);
}

TEST_F(LocalApicTest, InitKeepsTheId) {
  self = 1;
  wr(kTpr, 0x40);
  wr(kDivide, 0xb);
  wr(kInitial, 1000);
  ipi(1, 0x40);
  apic(1).reset_by_init();
  EXPECT_EQ(rd(kSvr), 0xffu);
  EXPECT_EQ(rd(kTpr), 0u);
  EXPECT_EQ(rd(kId), 0x01000000u);
  EXPECT_FALSE(irr(1, 0x40));
  EXPECT_EQ(events.next_deadline(), kNever);
}

TEST_F(LocalApicTest, SavesAndRestores) {
  wr(kTpr, 0x30);
  wr(kLvtTimer, 1 << 17 | 0xec);
  wr(kInitial, 1000);
  ipi(0, 0x71);
  apic().accept();
  ipi(0, 0x51);
  const auto state = fake::save(apic());
  apic().reset();
  ASSERT_TRUE(fake::load(apic(), state));
  EXPECT_EQ(fake::save(apic()), state);
  EXPECT_EQ(rd(kPpr), 0x70u);
  wr(kEoi, 0);
  EXPECT_EQ(apic().accept(), 0x51);
}

TEST_F(LocalApicTest, Lint0ByLevel) {
  wr(kLint0, 0x8000 | 0x45);
  apic().set_external(true);
  EXPECT_EQ(rd(kLint0), 0xc045u);  // remote IRR
  EXPECT_EQ(rd(kTmr + 0x20), 1u << 5);
  EXPECT_EQ(apic().accept(), 0x45);
  apic().set_external(false);
  apic().set_external(true);
  EXPECT_FALSE(apic().interrupt_pending());  // until its end
  wr(kEoi, 0);
  EXPECT_EQ(apic().accept(), 0x45);
  apic().set_external(false);
  wr(kEoi, 0);
  EXPECT_FALSE(apic().interrupt_pending());
  wr(kLint0, 0x18000 | 0x45);
  apic().set_external(true);
  wr(kLint0, 0x8000 | 0x46);  // unmasked while it is active
  EXPECT_EQ(apic().accept(), 0x46);
  wr(kLint0, 0x46);  // an edge has no remote IRR
  EXPECT_EQ(rd(kLint0), 0x46u);
  wr(kLint1, 0x8000 | 0x55);  // LINT1 goes by edges
  apic().set_nmi_line(true);
  EXPECT_EQ(rd(kLint1), 0x8055u);
}

TEST_F(LocalApicTest, OffItHearsNothing) {
  self = 1;
  ASSERT_TRUE(wrmsr(kApicBase, 0xfee00000));
  self = 0;
  for (const uint32_t low : {0x40u, 0x400u, 0x4500u, 0x4699u}) ipi(1, low);
  EXPECT_EQ(cpus[1].nmis + cpus[1].inits + cpus[1].start_ups.size(), 0u);
  // Nor is one that software turned off a candidate for the lowest priority.
  self = 2;
  wr(kSvr, 0xff);
  self = 3;
  wr(kTpr, 0x10);
  self = 0;
  wr(kTpr, 0x20);
  ipi(0xff, 0x100 | 0xa0);
  EXPECT_TRUE(irr(3, 0xa0));
}

TEST_F(LocalApicTest, CounterGoesOnAtAnotherPace) {
  wr(kDivide, 0xb);  // by 1
  wr(kLvtTimer, 0xec);
  wr(kInitial, 1000);
  at(400);
  wr(kDivide, 0);  // by 2
  EXPECT_EQ(rd(kCurrent), 600u);
  at(500);
  EXPECT_EQ(rd(kCurrent), 550u);
  wr(kLvtTimer, 1 << 17 | 0xec);  // periodic, and on from there
  EXPECT_EQ(rd(kCurrent), 550u);
  EXPECT_EQ(rd(kInitial), 1000u);
  at(1600);
  EXPECT_EQ(apic().accept(), 0xec);
  wr(kEoi, 0);
  EXPECT_EQ(rd(kCurrent), 1000u);
  EXPECT_EQ(events.next_deadline(), 3600);
  wr(kLvtTimer, 0xec);
  at(3600);
  EXPECT_EQ(apic().accept(), 0xec);
  wr(kEoi, 0);
  EXPECT_EQ(rd(kCurrent), 0u);
  wr(kLvtTimer, 1 << 17 | 0xec);  // one that has ended does not begin again
  EXPECT_EQ(rd(kCurrent), 0u);
  EXPECT_EQ(events.next_deadline(), kNever);
}

TEST_F(LocalApicTest, PerformanceEntryMasksItself) {
  wr(0x340, 0x400);
  apic().raise_performance();
  apic().raise_performance();
  EXPECT_EQ(cpus[0].nmis, 1u);
  EXPECT_EQ(rd(0x340), 0x10400u);
}

TEST_F(LocalApicTest, RegistersThatAreNoErrors) {
  for (const Offset o : {0x90u, 0xc0u}) EXPECT_EQ(rd(o), 0u);
  for (const Offset o : {0x90u, 0xa0u, 0xc0u, 0x100u, 0x390u}) wr(o, 0xffffffff);
  wr(kEsr, 0);
  EXPECT_EQ(rd(kEsr), 0u);
  wr(0x2f0, 0);
  wr(kEsr, 0);
  EXPECT_EQ(rd(kEsr), 0x80u);
}

TEST_F(LocalApicTest, X2ApicRefusesReservedBits) {
  ASSERT_TRUE(wrmsr(kApicBase, kX2 | 0x100));
  for (const uint32_t n : {0x832u, 0x833u, 0x834u, 0x835u, 0x836u, 0x837u, 0x838u, 0x83eu, 0x80fu})
    EXPECT_FALSE(wrmsr(n, uint64_t{1} << 32)) << std::hex << n;
  EXPECT_FALSE(wrmsr(0x832, 1 << 15));
  EXPECT_FALSE(wrmsr(0x837, 1 << 17));
  EXPECT_FALSE(wrmsr(0x83e, 4));
  EXPECT_FALSE(wrmsr(0x80f, 1 << 10));
  EXPECT_TRUE(wrmsr(0x835, 0x1f700));  // what is read only is passed over
  EXPECT_EQ(msr(0x835), 0x1a700u);
  EXPECT_TRUE(wrmsr(0x830, 0x1000 | 1 << 18 | 0x40));
  EXPECT_EQ(msr(0x830), 1u << 18 | 0x40);
}

TEST_F(LocalApicTest, WhatIsNotOffered) {
  apic().offer(false, false);
  EXPECT_FALSE(wrmsr(kApicBase, kX2));
  wr(kLvtTimer, 0x400ec);
  EXPECT_EQ(rd(kLvtTimer), 0xecu);
}

TEST_F(LocalApicTest, MessagesThatDoNothing) {
  EXPECT_TRUE(bus.message(0xfee00000, 0x8000 | 0x61, 0));  // the end of a level
  EXPECT_FALSE(irr(0, 0x61));
  EXPECT_TRUE(bus.message(0xfee00000, 0xc000 | 0x61, 0));
  EXPECT_TRUE(irr(0, 0x61));
  EXPECT_TRUE(bus.message(0xfee01000, 0x600 | 0x9a, 0));
  EXPECT_TRUE(cpus[1].start_ups.empty());
  EXPECT_TRUE(bus.message(0xfee01000, 0x700, 0));
  EXPECT_TRUE(bus.message(0xfee01000, 0x300, 0));
}

// The redirection hint sends to the one of them that has least to do.
TEST_F(LocalApicTest, RedirectionHint) {
  for (self = 0; self < 4; ++self) wr(kLdr, 0x01000000u << self);
  self = 1;
  wr(kTpr, 0x40);
  self = 0;
  EXPECT_TRUE(bus.message(0xfee0600c, 0x61, 0));
  EXPECT_FALSE(irr(1, 0x61));
  EXPECT_TRUE(irr(2, 0x61));
}

}  // namespace
}  // namespace mynah::dev
