// SPDX-License-Identifier: Apache-2.0
//
// GICv2: life cycles of interrupts, priorities, groups, banked registers, and Linux's way to bring it up.
#include "devices/intc/gicv2.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "tests/devices/fakes.h"

namespace mynah::dev {
namespace {

struct Wires : IrqSink {
  void set_irq(unsigned line, bool level) override {
    levels[line] = level;
    changes++;
  }
  std::map<unsigned, bool> levels;
  int changes = 0;
};

// A machine of `cpus` CPUs; wire 2n is CPU n's irq, 2n + 1 its fiq.
struct Machine {
  explicit Machine(unsigned cpus = 1, unsigned spis = 256)
      : gic(log, {.cpus = cpus, .spis = spis, .current_cpu = [this] { return cpu; }}) {
    for (unsigned c = 0; c < cpus; c++) gic.connect_cpu(c, {wires, 2 * c}, {wires, 2 * c + 1});
  }
  bool irq(unsigned c = 0) { return wires.levels[2 * c]; }
  bool fiq(unsigned c = 0) { return wires.levels[2 * c + 1]; }
  uint32_t d(Offset at, Width w = Width::k4) { return static_cast<uint32_t>(gic.read(at, w)); }
  void d(Offset at, uint32_t value, Width w) { gic.write(at, w, value); }
  void dw(Offset at, uint32_t value) { gic.write(at, Width::k4, value); }
  void db(Offset at, uint8_t value) { gic.write(at, Width::k1, value); }
  uint32_t c(Offset at) { return static_cast<uint32_t>(gic.cpu_interface().read(at, Width::k4)); }
  void cw(Offset at, uint32_t value) { gic.cpu_interface().write(at, Width::k4, value); }

  void on(unsigned cpus = 1) {
    dw(0x000, 3);
    for (cpu = 0; cpu < cpus; cpu++) {
      cw(0x004, 0xf0);
      cw(0x000, 1);
    }
    cpu = 0;
  }
  void enable(unsigned id, uint8_t priority, uint8_t targets = 1) {
    db(0x400 + id, priority);
    if (id >= 32) db(0x800 + id, targets);
    dw(0x100 + id / 32 * 4, 1u << (id % 32));
  }
  void edge(unsigned id) {
    const uint32_t old = d(0xc00 + id / 16 * 4);
    dw(0xc00 + id / 16 * 4, old | 2u << (id % 16 * 2));
  }
  uint32_t iar() { return c(0x00c); }
  void eoi(uint32_t v) { cw(0x010, v); }
  bool pending(unsigned id) { return d(0x200 + id / 32 * 4) >> (id % 32) & 1; }
  bool active(unsigned id) { return d(0x300 + id / 32 * 4) >> (id % 32) & 1; }

  fake::RecordingLog log;
  Wires wires;
  unsigned cpu = 0;
  Gicv2 gic;
};

TEST(Gicv2, Identification) {
  Machine m;
  EXPECT_EQ(m.d(0x004), 8u);  // 288 interrupts, 1 CPU, no Security Extensions
  EXPECT_EQ(m.d(0xfe8) & 0xf0, 0x20u);
  EXPECT_EQ(m.c(0x0fc) & 0xff0fff, 0x02043bu);  // what Linux checks before it uses GICC_DIR
  Machine two(2, 992);
  EXPECT_EQ(two.d(0x004), 31u | 1u << 5);
}

TEST(Gicv2, SpuriousWhenNothingIsPending) {
  Machine m;
  m.on();
  EXPECT_EQ(m.iar(), 1023u);
  EXPECT_EQ(m.c(0x018), 1023u);
  EXPECT_EQ(m.c(0x014), 0xffu);
  m.eoi(1023);
  EXPECT_TRUE(m.log.errors.empty());
}

TEST(Gicv2, LevelInterruptLifeCycle) {
  Machine m;
  m.on();
  m.enable(33, 0xa0);
  m.gic.set_irq(1, true);
  EXPECT_TRUE(m.irq());
  EXPECT_FALSE(m.fiq());
  EXPECT_EQ(m.c(0x018), 33u);
  EXPECT_EQ(m.iar(), 33u);
  EXPECT_FALSE(m.irq());
  EXPECT_TRUE(m.active(33));
  EXPECT_TRUE(m.pending(33));  // active and pending: the line is still up
  EXPECT_EQ(m.iar(), 1023u);
  EXPECT_EQ(m.c(0x014), 0xa0u);
  m.eoi(33);
  EXPECT_TRUE(m.irq());  // and again, as the device was not served
  EXPECT_EQ(m.iar(), 33u);
  m.gic.set_irq(1, false);
  EXPECT_FALSE(m.pending(33));
  m.eoi(33);
  EXPECT_FALSE(m.irq());
  EXPECT_EQ(m.c(0x014), 0xffu);
}

TEST(Gicv2, LevelThatFallsBeforeAcknowledgeIsSpurious) {
  Machine m;
  m.on();
  m.enable(33, 0xa0);
  m.gic.set_irq(1, true);
  m.gic.set_irq(1, false);
  EXPECT_FALSE(m.irq());
  EXPECT_EQ(m.iar(), 1023u);
}

TEST(Gicv2, EdgeInterruptLatches) {
  Machine m;
  m.on();
  m.enable(34, 0xa0);
  m.edge(34);
  m.gic.set_irq(2, true);
  m.gic.set_irq(2, false);
  EXPECT_TRUE(m.irq());
  EXPECT_EQ(m.iar(), 34u);
  EXPECT_FALSE(m.pending(34));
  m.gic.set_irq(2, true);  // a second edge while active: pending again after the end
  EXPECT_TRUE(m.pending(34));
  EXPECT_FALSE(m.irq());
  m.eoi(34);
  EXPECT_EQ(m.iar(), 34u);
  m.eoi(34);
  EXPECT_FALSE(m.irq());  // the line is up but made no new edge
}

TEST(Gicv2, SoftwarePendingOfLevelInterrupt) {
  Machine m;
  m.on();
  m.enable(40, 0xa0);
  m.dw(0x204, 1u << 8);
  EXPECT_TRUE(m.irq());
  m.gic.set_irq(8, true);
  m.dw(0x284, 1u << 8);  // clears the latch, not the line
  EXPECT_TRUE(m.irq());
  m.gic.set_irq(8, false);
  EXPECT_FALSE(m.irq());
  m.dw(0x204, 1u << 8);
  EXPECT_EQ(m.iar(), 40u);
  EXPECT_FALSE(m.pending(40));
}

TEST(Gicv2, DisableWhilePendingKeepsItPending) {
  Machine m;
  m.on();
  m.enable(34, 0xa0);
  m.edge(34);
  m.gic.set_irq(2, true);
  m.dw(0x184, 1u << 2);
  EXPECT_FALSE(m.irq());
  EXPECT_EQ(m.iar(), 1023u);
  EXPECT_TRUE(m.pending(34));
  EXPECT_EQ(m.d(0x104), 0u);
  m.dw(0x104, 1u << 2);
  EXPECT_TRUE(m.irq());
  m.dw(0x000, 0);
  EXPECT_FALSE(m.irq());
  m.dw(0x000, 1);
  EXPECT_TRUE(m.irq());
  m.cw(0x000, 0);
  EXPECT_FALSE(m.irq());
  EXPECT_EQ(m.iar(), 1023u);
}

TEST(Gicv2, PriorityMask) {
  Machine m;
  m.on();
  m.enable(33, 0xa0);
  m.gic.set_irq(1, true);
  m.cw(0x004, 0xa0);
  EXPECT_FALSE(m.irq());  // must be higher than the mask, not equal
  EXPECT_EQ(m.iar(), 1023u);
  EXPECT_EQ(m.c(0x018), 33u);
  m.cw(0x004, 0xa1);
  EXPECT_TRUE(m.irq());
  m.db(0x400 + 33, 0xb0);
  EXPECT_FALSE(m.irq());
  m.db(0x400 + 33, 0x10);
  EXPECT_TRUE(m.irq());
}

TEST(Gicv2, HighestPriorityThenLowestIdFirst) {
  Machine m;
  m.on();
  m.enable(35, 0x80);
  m.enable(36, 0x40);
  m.enable(37, 0x40);
  m.enable(200, 0x20);
  for (unsigned line : {3u, 5u, 4u, 168u}) m.gic.set_irq(line, true);
  m.cw(0x008, 7);  // no preemption
  for (unsigned id : {200u, 36u, 37u, 35u}) {
    EXPECT_EQ(m.iar(), id);
    m.gic.set_irq(id - 32, false);
    EXPECT_EQ(m.iar(), 1023u);
    m.eoi(id);
  }
  EXPECT_EQ(m.iar(), 1023u);
}

TEST(Gicv2, PreemptionAndNesting) {
  Machine m;
  m.on();
  m.enable(33, 0xa0);
  m.enable(34, 0x80);
  m.enable(35, 0x40);
  m.gic.set_irq(1, true);
  EXPECT_EQ(m.iar(), 33u);
  m.gic.set_irq(2, true);
  EXPECT_TRUE(m.irq());
  EXPECT_EQ(m.iar(), 34u);
  m.gic.set_irq(3, true);
  EXPECT_EQ(m.iar(), 35u);
  EXPECT_EQ(m.c(0x014), 0x40u);
  EXPECT_EQ(m.c(0x0d0), 0u);
  EXPECT_EQ(m.c(0x0d4), 1u << 0);
  EXPECT_EQ(m.c(0x0d8), 1u << 0 | 1u << 16);
  for (unsigned line : {1u, 2u, 3u}) m.gic.set_irq(line, false);
  m.eoi(35);
  EXPECT_EQ(m.c(0x014), 0x80u);
  m.eoi(34);
  EXPECT_EQ(m.c(0x014), 0xa0u);
  m.eoi(33);
  EXPECT_EQ(m.c(0x014), 0xffu);
  EXPECT_FALSE(m.active(33) || m.active(34) || m.active(35));
}

TEST(Gicv2, BinaryPointDecidesPreemption) {
  Machine m;
  m.on();
  m.enable(33, 0xa7);
  m.enable(34, 0xa0);
  m.cw(0x008, 3);  // group priority is [7:4]
  m.gic.set_irq(1, true);
  EXPECT_EQ(m.iar(), 33u);
  EXPECT_EQ(m.c(0x014), 0xa0u);
  m.gic.set_irq(2, true);
  EXPECT_FALSE(m.irq());
  EXPECT_EQ(m.iar(), 1023u);
  m.db(0x400 + 34, 0x9f);
  EXPECT_TRUE(m.irq());
  m.db(0x400 + 34, 0xa0);
  m.gic.set_irq(1, false);
  m.eoi(33);
  EXPECT_TRUE(m.irq());
  m.cw(0x01c, 0);  // ABPR's minimum is 1
  EXPECT_EQ(m.c(0x01c), 1u);
  EXPECT_EQ(m.c(0x008), 3u);
}

TEST(Gicv2, EoiModeSplitsDropAndDeactivate) {
  Machine m;
  m.on();
  m.enable(33, 0xa0);
  m.enable(34, 0xa0);
  m.cw(0x1000, 33);
  EXPECT_EQ(m.log.errors.size(), 1u);  // GICC_DIR without EOImode
  m.cw(0x000, 1 | 1 << 9);
  m.gic.set_irq(1, true);
  EXPECT_EQ(m.iar(), 33u);
  m.eoi(33);
  EXPECT_TRUE(m.active(33));
  EXPECT_EQ(m.c(0x014), 0xffu);
  EXPECT_FALSE(m.irq());  // still active, so its raised line says nothing
  m.gic.set_irq(2, true);
  EXPECT_EQ(m.iar(), 34u);
  m.eoi(34);
  m.cw(0x1000, 33);
  EXPECT_FALSE(m.active(33));
  EXPECT_TRUE(m.irq());
  EXPECT_TRUE(m.active(34));
  m.cw(0x1000, 34);
  EXPECT_FALSE(m.active(34));
}

TEST(Gicv2, EndOfInterruptWithoutOneIsHarmless) {
  Machine m;
  m.on();
  m.eoi(33);
  m.eoi(900);
  EXPECT_EQ(m.log.errors.size(), 2u);
  EXPECT_EQ(m.c(0x014), 0xffu);
}

TEST(Gicv2, ActiveRegisters) {
  Machine m;
  m.on();
  m.enable(33, 0xa0);
  m.gic.set_irq(1, true);
  m.dw(0x304, 2);
  EXPECT_FALSE(m.irq());
  EXPECT_EQ(m.d(0x384), 2u);
  m.dw(0x384, 2);
  EXPECT_TRUE(m.irq());
}

TEST(Gicv2, SgiCarriesItsSource) {
  Machine m(2);
  m.on(2);
  EXPECT_EQ(m.d(0x100) & 0xffff, 0xffffu);  // SGIs are always enabled
  m.dw(0x180, 0xffffffff);
  EXPECT_EQ(m.d(0x100), 0xffffu);
  m.cpu = 1;
  m.dw(0xf00, 1u << 16 | 5);  // CPU 1 to CPU 0
  m.cpu = 0;
  EXPECT_TRUE(m.irq(0));
  EXPECT_FALSE(m.irq(1));
  m.dw(0xf00, 2u << 24 | 5);  // and CPU 0 to itself
  EXPECT_EQ(m.d(0xf24), 3u << 8);
  EXPECT_EQ(m.iar(), 5u);
  EXPECT_TRUE(m.pending(5));
  EXPECT_EQ(m.iar(), 1023u);
  m.eoi(5);
  EXPECT_EQ(m.c(0x018), 5u | 1u << 10);
  EXPECT_EQ(m.iar(), 5u | 1u << 10);
  m.eoi(5 | 1u << 10);
  EXPECT_FALSE(m.pending(5));
  EXPECT_FALSE(m.irq());
  m.dw(0xf00, 1u << 24 | 0xff << 16 | 7);  // all but self
  EXPECT_FALSE(m.irq(0));
  EXPECT_TRUE(m.irq(1));
  m.cpu = 1;
  EXPECT_EQ(m.iar(), 7u);
  m.eoi(7);
}

TEST(Gicv2, SgiPendingRegisters) {
  Machine m(2);
  m.on(2);
  m.dw(0x200, 0xffff);  // read-only for SGIs
  EXPECT_FALSE(m.irq());
  m.db(0xf20 + 3, 0xff);
  EXPECT_EQ(m.d(0xf20), 3u << 24);  // two CPUs exist
  EXPECT_EQ(m.d(0xf13, Width::k1), 3u);
  EXPECT_TRUE(m.irq());
  m.dw(0x280, 0xffff);
  EXPECT_TRUE(m.irq());
  m.db(0xf10 + 3, 1);
  EXPECT_EQ(m.iar(), 3u | 1u << 10);
  m.eoi(3);
}

TEST(Gicv2, PpisAreBanked) {
  Machine m(2);
  m.on(2);
  for (m.cpu = 0; m.cpu < 2; m.cpu++) m.enable(27, m.cpu ? 0x20 : 0x80);
  m.cpu = 0;
  EXPECT_EQ(m.d(0x400 + 27, Width::k1), 0x80u);
  const IrqLine timer = m.gic.ppi_line(1, 27);
  timer.set(true);
  EXPECT_FALSE(m.irq(0));
  EXPECT_TRUE(m.irq(1));
  EXPECT_EQ(m.iar(), 1023u);
  m.cpu = 1;
  EXPECT_EQ(m.iar(), 27u);
  timer.set(false);
  m.eoi(27);
  EXPECT_FALSE(m.irq(1));
}

TEST(Gicv2, TargetsChooseCpus) {
  Machine m(2);
  m.on(2);
  EXPECT_EQ(m.d(0x800), 0x01010101u);  // a CPU finds its own number
  m.cpu = 1;
  EXPECT_EQ(m.d(0x81c), 0x02020202u);
  m.cpu = 0;
  m.enable(33, 0xa0, 0x02);
  m.gic.set_irq(1, true);
  EXPECT_FALSE(m.irq(0));
  EXPECT_TRUE(m.irq(1));
  m.db(0x800 + 33, 0xff);
  EXPECT_EQ(m.d(0x820), 0x00000300u);
  EXPECT_TRUE(m.irq(0) && m.irq(1));
  EXPECT_EQ(m.iar(), 33u);  // the first to acknowledge takes it from the other
  EXPECT_FALSE(m.irq(1));
  m.cpu = 1;
  EXPECT_EQ(m.iar(), 1023u);
  m.dw(0x820, 0);
  EXPECT_EQ(m.d(0x820), 0u);
  m.cpu = 0;
  m.eoi(33);
  EXPECT_FALSE(m.irq(0) || m.irq(1));
}

TEST(Gicv2, UniprocessorTargetsReadAsZero) {
  Machine m;
  m.on();
  m.enable(33, 0xa0, 0);
  EXPECT_EQ(m.d(0x800), 0u);
  EXPECT_EQ(m.d(0x820), 0u);
  m.gic.set_irq(1, true);
  EXPECT_TRUE(m.irq());
}

TEST(Gicv2, Groups) {
  Machine m;
  m.on();
  m.enable(33, 0xa0);
  m.enable(34, 0xb0);
  m.dw(0x084, 1u << 1);  // 33 in Group 1
  m.cw(0x000, 3);
  m.gic.set_irq(1, true);
  EXPECT_TRUE(m.irq());
  EXPECT_EQ(m.c(0x018), 1022u);
  EXPECT_EQ(m.iar(), 1022u);
  EXPECT_EQ(m.c(0x028), 33u);
  EXPECT_EQ(m.c(0x020), 33u);  // AIAR
  EXPECT_EQ(m.c(0x0e8), 1u << 16);
  EXPECT_EQ(m.c(0x0d8), 0u);
  m.gic.set_irq(1, false);
  m.cw(0x024, 33);
  EXPECT_EQ(m.c(0x014), 0xffu);
  m.gic.set_irq(1, true);
  m.cw(0x000, 3 | 4);  // AckCtl
  EXPECT_EQ(m.iar(), 33u);
  m.gic.set_irq(1, false);
  m.eoi(33);
  EXPECT_FALSE(m.active(33));

  m.gic.set_irq(2, true);
  EXPECT_TRUE(m.irq());
  EXPECT_FALSE(m.fiq());
  m.cw(0x000, 3 | 8);  // FIQEn: Group 0 goes to fiq
  EXPECT_FALSE(m.irq());
  EXPECT_TRUE(m.fiq());
  EXPECT_EQ(m.c(0x020), 1023u);
  EXPECT_EQ(m.iar(), 34u);
  m.cw(0x024, 34);
  EXPECT_EQ(m.log.errors.size(), 1u);
  EXPECT_EQ(m.c(0x014), 0xb0u);
  m.eoi(34);
  m.dw(0x000, 2);
  EXPECT_FALSE(m.fiq());
}

TEST(Gicv2, GroupChangeWhilePendingMovesTheOutput) {
  Machine m;
  m.on();
  m.cw(0x000, 3 | 8);
  m.enable(33, 0xa0);
  m.gic.set_irq(1, true);
  EXPECT_TRUE(m.fiq());
  m.dw(0x084, 2);
  EXPECT_TRUE(m.irq());
  EXPECT_FALSE(m.fiq());
}

TEST(Gicv2, AccessWidths) {
  Machine m;
  m.dw(0x420, 0x11223344);
  EXPECT_EQ(m.d(0x420, Width::k1), 0x44u);
  EXPECT_EQ(m.d(0x423, Width::k1), 0x11u);
  EXPECT_EQ(m.d(0x422, Width::k2), 0x1122u);
  m.d(0x421, 0x99, Width::k1);
  EXPECT_EQ(m.d(0x420), 0x11229944u);
  m.gic.write(0x422, Width::k2, 0xffffffff5566);
  EXPECT_EQ(m.d(0x420), 0x55669944u);
  EXPECT_TRUE(m.log.errors.empty());
  EXPECT_EQ(m.gic.read(0x420, Width::k8), 0u);
  EXPECT_EQ(m.gic.read(0x421, Width::k2), 0u);
  EXPECT_EQ(m.gic.cpu_interface().read(0x00c, Width::k1), 0u);
  m.gic.cpu_interface().write(0x004, Width::k2, 0xff);
  EXPECT_EQ(m.log.errors.size(), 4u);
  EXPECT_EQ(m.c(0x004), 0u);
  EXPECT_EQ(m.gic.read(0xfffc, Width::k4), 0u);
  EXPECT_EQ(m.gic.read(0x123456789000, Width::k4), 0u);
  EXPECT_EQ(m.log.errors.size(), 6u);
}

TEST(Gicv2, RegistersBeyondTheLastInterruptAreReserved) {
  Machine m(1, 32);
  for (Offset at : {0x088, 0x108, 0x208, 0x308, 0x440, 0x840, 0xc10}) {
    m.dw(at, 0xffffffff);
    EXPECT_EQ(m.d(at), 0u) << at;
  }
  Machine full(1, 992);
  full.dw(0x17c, 0xffffffff);
  EXPECT_EQ(full.d(0x17c), 0x0fffffffu);  // 1020 to 1023 are not interrupts
  EXPECT_EQ(m.d(0xc00), 0xaaaaaaaau);
  m.dw(0xc00, 0);
  EXPECT_EQ(m.d(0xc00), 0xaaaaaaaau);
  m.dw(0xc08, 0xffffffff);
  EXPECT_EQ(m.d(0xc08), 0xaaaaaaaau);
  m.dw(0xc08, 0x00000008);
  EXPECT_EQ(m.d(0xc08), 0x00000008u);
}

// The sequence of Linux's irq-gic.c: distributor, then CPU interface, then a timer tick.
TEST(Gicv2, LinuxBringUp) {
  Machine m(2);
  m.dw(0x000, 0);
  const uint32_t mask = m.d(0x800);
  for (unsigned i = 32; i < 288; i += 4) m.dw(0x800 + i, mask);
  for (unsigned i = 32; i < 288; i += 16) m.dw(0xc00 + i / 4, 0);
  for (unsigned i = 32; i < 288; i += 4) m.dw(0x400 + i, 0xa0a0a0a0);
  for (unsigned i = 32; i < 288; i += 32) {
    m.dw(0x380 + i / 8, 0xffffffff);
    m.dw(0x180 + i / 8, 0xffffffff);
  }
  m.dw(0x000, 1);
  for (m.cpu = 0; m.cpu < 2; m.cpu++) {
    m.dw(0x380, 0xffffffff);
    m.dw(0x180, 0xffff0000);
    m.dw(0x100, 0x0000ffff);
    for (unsigned i = 0; i < 32; i += 4) m.dw(0x400 + i, 0xa0a0a0a0);
    m.cw(0x004, 0xf0);
    for (unsigned i = 0; i < 4; i++) m.cw(0x0d0 + 4 * i, 0);
    m.cw(0x000, (m.c(0x000) & 0x1e0) | 1);
    m.dw(0x100, 1u << 27);
  }
  m.cpu = 0;
  EXPECT_TRUE(m.log.errors.empty());
  for (int tick = 0; tick < 3; tick++) {
    m.gic.set_ppi(0, 27, true);
    EXPECT_TRUE(m.irq(0));
    EXPECT_EQ(m.iar(), 27u);
    m.gic.set_ppi(0, 27, false);
    m.eoi(27);
    EXPECT_EQ(m.iar(), 1023u);
  }
  EXPECT_EQ(m.wires.changes, 4 + 6);  // four at connect, then two a tick
}

TEST(Gicv2, SaveAndRestoreInTheMiddle) {
  Machine a(2);
  a.on(2);
  a.enable(33, 0xa0, 3);
  a.enable(34, 0x40, 1);
  a.edge(34);
  a.gic.set_irq(1, true);
  EXPECT_EQ(a.iar(), 33u);
  a.gic.set_irq(2, true);
  a.dw(0xf00, 2u << 16 | 9);
  StateStream saved;
  a.gic.serialize(saved);

  Machine b(2);
  StateStream loading(saved.bytes());
  b.gic.serialize(loading);
  ASSERT_FALSE(loading.failed());
  EXPECT_TRUE(b.irq(0) && b.irq(1));
  StateStream again;
  b.gic.serialize(again);
  EXPECT_EQ(again.bytes(), saved.bytes());
  EXPECT_EQ(b.iar(), 34u);
  b.eoi(34);
  EXPECT_EQ(b.c(0x014), 0xa0u);
  b.eoi(33);
  EXPECT_EQ(b.iar(), 33u);  // its line was up in the saved state
  b.cpu = 1;
  EXPECT_EQ(b.iar(), 9u);

  Machine other(1);
  StateStream wrong(saved.bytes());
  other.gic.serialize(wrong);
  EXPECT_TRUE(wrong.failed());
  for (size_t n = 0; n < saved.bytes().size(); n += 7) {
    StateStream cut(
        std::vector<uint8_t>(saved.bytes().begin(), saved.bytes().begin() + static_cast<long>(n)));
    b.gic.serialize(cut);
    EXPECT_TRUE(cut.failed());
    b.iar();
  }
}

TEST(Gicv2, ResetLowersOutputsAndKeepsInputs) {
  Machine m;
  m.on();
  m.enable(33, 0xa0);
  m.gic.set_irq(1, true);
  EXPECT_TRUE(m.irq());
  m.gic.reset();
  EXPECT_FALSE(m.irq());
  EXPECT_EQ(m.c(0x000), 0u);
  m.on();
  m.enable(33, 0xa0);
  EXPECT_TRUE(m.irq());
}

}  // namespace
}  // namespace mynah::dev
