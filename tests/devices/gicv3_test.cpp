// SPDX-License-Identifier: Apache-2.0
//
// GICv3: the same life cycles through system registers, redistributors and routing by affinity.
#include "devices/intc/gicv3.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
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

struct Machine {
  explicit Machine(std::vector<uint64_t> affinities = {0}, unsigned spis = 256)
      : cpus(static_cast<unsigned>(affinities.size())), gic(log, {spis, std::move(affinities)}) {
    for (unsigned c = 0; c < cpus; c++) gic.connect_cpu(c, {wires, 2 * c}, {wires, 2 * c + 1});
  }
  bool irq(unsigned c = 0) { return wires.levels[2 * c]; }
  bool fiq(unsigned c = 0) { return wires.levels[2 * c + 1]; }
  uint64_t d(Offset at, Width w = Width::k4) { return gic.read(at, w); }
  void dw(Offset at, uint64_t value, Width w = Width::k4) { gic.write(at, w, value); }
  uint64_t r(unsigned c, Offset at, Width w = Width::k4) {
    return gic.redistributors().read(c * 0x20000ull + at, w);
  }
  void rw(unsigned c, Offset at, uint64_t value, Width w = Width::k4) {
    gic.redistributors().write(c * 0x20000ull + at, w, value);
  }
  uint64_t icc(IccReg reg, unsigned c = 0) {
    uint64_t value = 0xdead;
    EXPECT_TRUE(gic.read_icc(c, reg, value));
    return value;
  }
  void icc_w(IccReg reg, uint64_t value, unsigned c = 0) { EXPECT_TRUE(gic.write_icc(c, reg, value)); }

  // As Linux leaves it: everything in Group 1 at priority 0xa0, SPIs to CPU 0.
  void on() {
    dw(0x0000, 0x13);
    for (unsigned c = 0; c < cpus; c++) {
      rw(c, 0x14, 0);
      rw(c, 0x10080, 0xffffffff);
      for (unsigned i = 0; i < 32; i += 4) rw(c, 0x10400 + i, 0xa0a0a0a0);
      icc_w(IccReg::kPmr, 0xf0, c);
      icc_w(IccReg::kIgrpen1, 1, c);
    }
    for (unsigned i = 32; i < 288; i += 32) dw(0x80 + i / 8, 0xffffffff);
  }
  void enable(unsigned id, uint8_t priority, uint64_t affinity = 0) {
    dw(0x400 + id, priority, Width::k1);
    dw(0x6000 + 8 * id, affinity, Width::k8);
    dw(0x100 + id / 32 * 4, 1u << (id % 32));
  }
  uint64_t iar(unsigned c = 0) { return icc(IccReg::kIar1, c); }
  void eoi(uint64_t id, unsigned c = 0) { icc_w(IccReg::kEoir1, id, c); }
  bool active(unsigned id) { return d(0x300 + id / 32 * 4) >> (id % 32) & 1; }

  fake::RecordingLog log;
  Wires wires;
  unsigned cpus;
  Gicv3 gic;
};

TEST(Gicv3, Identification) {
  Machine m({0x000, 0x001, 0x100, 0x01'00'02'03'04});
  EXPECT_EQ(m.d(0xffe8) & 0xf0, 0x30u);
  EXPECT_EQ(m.r(3, 0xffe8) & 0xf0, 0x30u);
  EXPECT_EQ(m.d(0x0000), 0x50u);  // DS, ARE; RWP never set
  const uint64_t typer = m.d(0x0004);
  EXPECT_EQ(typer & 0x1f, 8u);
  EXPECT_EQ(typer >> 10 & 1, 0u);  // one Security state
  EXPECT_EQ(typer >> 16 & 3, 0u);  // no MBIs, no LPIs
  EXPECT_EQ(typer >> 19 & 0x1f, 15u);
  EXPECT_EQ(typer >> 24 & 7, 3u);  // A3V, No1N, no range selector
  EXPECT_EQ(m.r(0, 0x8, Width::k8), 0u);
  EXPECT_EQ(m.r(2, 0x8, Width::k8), 0x0000010000000000u | 2u << 8);
  EXPECT_EQ(m.r(3, 0x8, Width::k8), 0x0102030400000000u | 3u << 8 | 1u << 4);
  EXPECT_EQ(m.r(3, 0xc), 0x01020304u);
  EXPECT_EQ(m.r(3, 0x8), 3u << 8 | 1u << 4);
}

TEST(Gicv3, Waker) {
  Machine m;
  EXPECT_EQ(m.r(0, 0x14), 6u);
  m.rw(0, 0x14, m.r(0, 0x14) & ~2ull);
  EXPECT_EQ(m.r(0, 0x14), 0u);
  m.rw(0, 0x14, 2);
  EXPECT_EQ(m.r(0, 0x14), 6u);
}

TEST(Gicv3, RegisterEncodings) {
  EXPECT_EQ(icc_reg_from_encoding(3, 0, 4, 6, 0), IccReg::kPmr);
  EXPECT_EQ(icc_reg_from_encoding(3, 0, 12, 12, 0), IccReg::kIar1);
  EXPECT_EQ(icc_reg_from_encoding(3, 0, 12, 11, 5), IccReg::kSgi1r);
  EXPECT_EQ(icc_reg_from_encoding(3, 0, 12, 9, 3), IccReg::kAp1r3);
  EXPECT_FALSE(icc_reg_from_encoding(3, 4, 12, 12, 0));
  EXPECT_FALSE(icc_reg_from_encoding(3, 0, 12, 9, 4));
  EXPECT_FALSE(icc_reg_from_encoding(3, 0, 12, 11, 0));
  EXPECT_FALSE(icc_reg_from_encoding(2, 0, 12, 12, 0));
  std::set<IccReg> found;
  for (unsigned crn = 0; crn < 16; crn++) {
    for (unsigned crm = 0; crm < 16; crm++) {
      for (unsigned op2 = 0; op2 < 8; op2++) {
        const auto reg = icc_reg_from_encoding(3, 0, crn, crm, op2);
        EXPECT_TRUE(!reg || found.insert(*reg).second);
      }
    }
  }
  EXPECT_EQ(found.size(), 26u);
}

TEST(Gicv3, SystemRegisterDirectionsAndWidths) {
  Machine m;
  uint64_t value = 0;
  for (IccReg reg : {IccReg::kEoir0, IccReg::kEoir1, IccReg::kDir, IccReg::kSgi0r, IccReg::kSgi1r,
                     IccReg::kAsgi1r, IccReg::kAp0r1, IccReg::kAp1r1, IccReg::kAp1r2, IccReg::kAp0r3}) {
    EXPECT_FALSE(m.gic.read_icc(0, reg, value));
  }
  for (IccReg reg : {IccReg::kIar0, IccReg::kIar1, IccReg::kHppir0, IccReg::kHppir1, IccReg::kRpr,
                     IccReg::kAp0r2, IccReg::kAp1r1}) {
    EXPECT_FALSE(m.gic.write_icc(0, reg, 0));
  }
  m.icc_w(IccReg::kPmr, 0xffff);
  EXPECT_EQ(m.icc(IccReg::kPmr), 0xf8u);
  m.icc_w(IccReg::kPmr, 1u << 3);  // Linux's test for Group 0
  EXPECT_EQ(m.icc(IccReg::kPmr), 8u);
  EXPECT_EQ(m.icc(IccReg::kCtlr) >> 8 & 7, 4u);  // 5 priority bits
  EXPECT_EQ(m.icc(IccReg::kCtlr) >> 11 & 7, 0u);
  EXPECT_EQ(m.icc(IccReg::kCtlr) >> 15 & 1, 1u);
  m.icc_w(IccReg::kCtlr, ~0ull);
  EXPECT_EQ(m.icc(IccReg::kCtlr) & 0xff, 3u);
  m.icc_w(IccReg::kSre, 0);
  EXPECT_EQ(m.icc(IccReg::kSre), 7u);
  m.icc_w(IccReg::kCtlr, 0);
  m.icc_w(IccReg::kBpr0, 0);
  m.icc_w(IccReg::kBpr1, 0);
  EXPECT_EQ(m.icc(IccReg::kBpr0), 2u);
  EXPECT_EQ(m.icc(IccReg::kBpr1), 3u);
  m.icc_w(IccReg::kBpr0, 7);
  m.icc_w(IccReg::kCtlr, 1);  // CBPR: BPR1 shows BPR0 + 1, at most 7, and ignores writes
  EXPECT_EQ(m.icc(IccReg::kBpr1), 7u);
  m.icc_w(IccReg::kBpr1, 4);
  m.icc_w(IccReg::kCtlr, 0);
  EXPECT_EQ(m.icc(IccReg::kBpr1), 3u);
}

TEST(Gicv3, Spurious) {
  Machine m;
  m.on();
  for (IccReg reg : {IccReg::kIar0, IccReg::kIar1, IccReg::kHppir0, IccReg::kHppir1})
    EXPECT_EQ(m.icc(reg), 1023u);
  EXPECT_EQ(m.icc(IccReg::kRpr), 0xffu);
  m.eoi(1023);
  EXPECT_TRUE(m.log.errors.empty());
}

TEST(Gicv3, LevelInterruptLifeCycle) {
  Machine m;
  m.on();
  m.enable(33, 0xa0);
  m.gic.set_irq(1, true);
  EXPECT_TRUE(m.irq());
  EXPECT_FALSE(m.fiq());
  EXPECT_EQ(m.icc(IccReg::kHppir1), 33u);
  EXPECT_EQ(m.icc(IccReg::kHppir0), 1023u);
  EXPECT_EQ(m.icc(IccReg::kIar0), 1023u);
  EXPECT_TRUE(m.irq());
  EXPECT_EQ(m.iar(), 33u);
  EXPECT_FALSE(m.irq());
  EXPECT_TRUE(m.active(33));
  EXPECT_EQ(m.icc(IccReg::kRpr), 0xa0u);
  EXPECT_EQ(m.icc(IccReg::kAp1r0), 1u << 20);
  EXPECT_EQ(m.icc(IccReg::kAp0r0), 0u);
  m.eoi(33);
  EXPECT_TRUE(m.irq());
  EXPECT_EQ(m.iar(), 33u);
  m.gic.set_irq(1, false);
  m.eoi(33);
  EXPECT_FALSE(m.irq());
  EXPECT_FALSE(m.active(33));
}

TEST(Gicv3, EdgeInterrupt) {
  Machine m;
  m.on();
  m.enable(40, 0xa0);
  m.dw(0xc08, 2u << 16);
  EXPECT_EQ(m.d(0xc08), 2u << 16);
  m.gic.set_irq(8, true);
  m.gic.set_irq(8, false);
  EXPECT_EQ(m.iar(), 40u);
  m.gic.set_irq(8, true);
  EXPECT_FALSE(m.irq());
  m.eoi(40);
  EXPECT_EQ(m.iar(), 40u);
  m.eoi(40);
  EXPECT_EQ(m.iar(), 1023u);
}

TEST(Gicv3, DisableWhilePending) {
  Machine m;
  m.on();
  m.enable(33, 0xa0);
  m.gic.set_irq(1, true);
  m.dw(0x184, 2);
  EXPECT_FALSE(m.irq());
  EXPECT_EQ(m.d(0x204), 2u);
  EXPECT_EQ(m.iar(), 1023u);
  m.dw(0x104, 2);
  EXPECT_TRUE(m.irq());
  m.icc_w(IccReg::kIgrpen1, 0);
  EXPECT_FALSE(m.irq());
  EXPECT_EQ(m.iar(), 1023u);
  m.icc_w(IccReg::kIgrpen1, 1);
  m.dw(0x0000, 0x11);
  EXPECT_FALSE(m.irq());
  m.dw(0x0000, 0x12);
  EXPECT_TRUE(m.irq());
}

TEST(Gicv3, PriorityMaskAndPreemption) {
  Machine m;
  m.on();
  m.enable(33, 0xa7);  // three low bits do not exist
  EXPECT_EQ(m.d(0x400 + 33, Width::k1), 0xa0u);
  m.enable(34, 0x98);
  m.gic.set_irq(1, true);
  m.icc_w(IccReg::kPmr, 0xa0);
  EXPECT_FALSE(m.irq());
  EXPECT_EQ(m.icc(IccReg::kHppir1), 33u);
  m.icc_w(IccReg::kPmr, 0xa8);
  EXPECT_TRUE(m.irq());
  EXPECT_EQ(m.iar(), 33u);
  m.gic.set_irq(2, true);
  EXPECT_TRUE(m.irq());
  EXPECT_EQ(m.iar(), 34u);
  EXPECT_EQ(m.icc(IccReg::kRpr), 0x98u);
  EXPECT_EQ(m.icc(IccReg::kAp1r0), 1u << 20 | 1u << 19);
  m.gic.set_irq(1, false);
  m.gic.set_irq(2, false);
  m.eoi(34);
  EXPECT_EQ(m.icc(IccReg::kRpr), 0xa0u);
  m.eoi(33);

  m.icc_w(IccReg::kBpr1, 5);  // group priority is [7:5]
  m.gic.set_irq(1, true);
  EXPECT_EQ(m.iar(), 33u);
  EXPECT_EQ(m.icc(IccReg::kRpr), 0xa0u);
  m.gic.set_irq(2, true);  // 0x98 is in group 0x80
  EXPECT_TRUE(m.irq());
  m.dw(0x400 + 34, 0xa0, Width::k1);
  EXPECT_FALSE(m.irq());
  m.icc_w(IccReg::kAp1r0, 0);
  EXPECT_TRUE(m.irq());
}

TEST(Gicv3, EoiModeSplitsDropAndDeactivate) {
  Machine m;
  m.on();
  m.enable(33, 0xa0);
  m.icc_w(IccReg::kDir, 33);
  EXPECT_EQ(m.log.errors.size(), 1u);
  m.icc_w(IccReg::kCtlr, 2);
  m.gic.set_irq(1, true);
  EXPECT_EQ(m.iar(), 33u);
  m.eoi(33);
  EXPECT_EQ(m.icc(IccReg::kRpr), 0xffu);
  EXPECT_TRUE(m.active(33));
  EXPECT_FALSE(m.irq());
  m.icc_w(IccReg::kDir, 33);
  EXPECT_FALSE(m.active(33));
  EXPECT_TRUE(m.irq());
  m.icc_w(IccReg::kDir, 1023);
  m.icc_w(IccReg::kDir, 0xffffff);
  m.icc_w(IccReg::kDir, 1019);
  EXPECT_EQ(m.log.errors.size(), 2u + 1u);
}

TEST(Gicv3, GroupsUseTheirOwnRegisters) {
  Machine m;
  m.on();
  m.enable(33, 0x80);
  m.enable(34, 0xa0);
  m.dw(0x084, ~2u);  // 33 in Group 0
  m.gic.set_irq(1, true);
  m.gic.set_irq(2, true);
  EXPECT_TRUE(m.irq());  // Group 0 is off in the CPU interface and does not hide Group 1
  EXPECT_FALSE(m.fiq());
  m.icc_w(IccReg::kIgrpen0, 1);
  EXPECT_TRUE(m.fiq());
  EXPECT_FALSE(m.irq());
  EXPECT_EQ(m.iar(), 1023u);
  EXPECT_EQ(m.icc(IccReg::kHppir0), 33u);
  EXPECT_EQ(m.icc(IccReg::kIar0), 33u);
  EXPECT_EQ(m.icc(IccReg::kAp0r0), 1u << 16);
  EXPECT_EQ(m.icc(IccReg::kAp1r0), 0u);
  m.eoi(33);  // the wrong group
  EXPECT_EQ(m.log.errors.size(), 1u);
  EXPECT_TRUE(m.active(33));
  m.gic.set_irq(1, false);
  m.icc_w(IccReg::kEoir0, 33);
  EXPECT_FALSE(m.active(33));
  EXPECT_TRUE(m.irq());
  EXPECT_EQ(m.iar(), 34u);
}

TEST(Gicv3, GroupChangeWhilePendingMovesTheOutput) {
  Machine m;
  m.on();
  m.icc_w(IccReg::kIgrpen0, 1);
  m.enable(33, 0x80);
  m.gic.set_irq(1, true);
  EXPECT_TRUE(m.irq());
  m.dw(0x084, ~2u);
  EXPECT_TRUE(m.fiq());
  EXPECT_FALSE(m.irq());
}

TEST(Gicv3, EndOfInterruptWithoutOneIsHarmless) {
  Machine m;
  m.on();
  m.eoi(33);
  m.eoi(5000);
  m.icc_w(IccReg::kEoir0, ~0ull);
  EXPECT_EQ(m.log.errors.size(), 3u);
}

TEST(Gicv3, PpisAndSgisLiveInTheRedistributor) {
  Machine m({0, 1});
  m.on();
  m.dw(0x100, 0xffffffff);  // RAZ/WI in the distributor
  m.dw(0x400, 0xffffffff);
  EXPECT_EQ(m.d(0x100), 0u);
  EXPECT_EQ(m.d(0x400), 0u);
  m.rw(1, 0x10100, 1u << 30);
  EXPECT_EQ(m.r(1, 0x10100), 1u << 30);
  EXPECT_EQ(m.r(0, 0x10100), 0u);
  m.rw(1, 0x1041e, 0x40, Width::k1);
  EXPECT_EQ(m.r(1, 0x1041c), 0xa040a0a0u);
  const IrqLine timer = m.gic.ppi_line(1, 30);
  timer.set(true);
  EXPECT_FALSE(m.irq(0));
  EXPECT_TRUE(m.irq(1));
  EXPECT_EQ(m.iar(0), 1023u);
  EXPECT_EQ(m.iar(1), 30u);
  EXPECT_EQ(m.r(1, 0x10300), 1u << 30);
  timer.set(false);
  m.eoi(30, 1);
  EXPECT_EQ(m.r(1, 0x10300), 0u);
  EXPECT_EQ(m.r(0, 0x10c00), 0xaaaaaaaau);
  EXPECT_EQ(m.r(0, 0x10c04), 0u);
  EXPECT_TRUE(m.log.errors.empty());
  m.rw(0, 0x10104, 1);  // word 1 is not a redistributor's
  EXPECT_EQ(m.log.errors.size(), 1u);
  EXPECT_EQ(m.d(0x104), 0u);
}

TEST(Gicv3, Sgi) {
  Machine m({0x000, 0x001, 0x102});
  m.on();
  for (unsigned c = 0; c < 3; c++) m.rw(c, 0x10100, 0xffff);
  m.icc_w(IccReg::kSgi1r, 3ull << 24 | 0b110);  // cluster 0: Aff0 1, and 2 which does not exist
  EXPECT_FALSE(m.irq(0));
  EXPECT_TRUE(m.irq(1));
  EXPECT_FALSE(m.irq(2));
  EXPECT_EQ(m.iar(1), 3u);
  EXPECT_EQ(m.r(1, 0x10200), 0u);
  m.eoi(3, 1);
  m.icc_w(IccReg::kSgi1r, 1ull << 16 | 4ull << 24 | 0b100, 1);  // Aff1 1
  EXPECT_TRUE(m.irq(2));
  EXPECT_EQ(m.iar(2), 4u);
  m.eoi(4, 2);
  m.icc_w(IccReg::kSgi1r, 1ull << 40 | 5ull << 24, 1);  // all but self
  EXPECT_TRUE(m.irq(0) && m.irq(2));
  EXPECT_FALSE(m.irq(1));
  EXPECT_EQ(m.iar(0), 5u);
  EXPECT_EQ(m.iar(2), 5u);
  m.eoi(5, 0);
  m.eoi(5, 2);
  m.icc_w(IccReg::kSgi0r, 6ull << 24 | 1);  // configured for Group 1: not sent
  EXPECT_EQ(m.r(0, 0x10200), 0u);
  m.rw(0, 0x10080, ~(1u << 6));
  m.icc_w(IccReg::kSgi1r, 6ull << 24 | 1);
  EXPECT_EQ(m.r(0, 0x10200), 0u);
  m.icc_w(IccReg::kSgi0r, 6ull << 24 | 1);
  EXPECT_EQ(m.r(0, 0x10200), 1u << 6);
  m.rw(0, 0x10280, 1u << 6);
  EXPECT_EQ(m.r(0, 0x10200), 0u);
}

TEST(Gicv3, Routing) {
  Machine m({0x000, 0x001, 0x100});
  m.on();
  m.enable(33, 0xa0, 0x100);
  m.gic.set_irq(1, true);
  EXPECT_TRUE(m.irq(2));
  EXPECT_FALSE(m.irq(0) || m.irq(1));
  m.dw(0x6108, 1, Width::k8);
  EXPECT_TRUE(m.irq(1));
  EXPECT_FALSE(m.irq(0) || m.irq(2));
  m.dw(0x6108, 0x55);  // no such CPU; 32-bit access
  EXPECT_FALSE(m.irq(0) || m.irq(1) || m.irq(2));
  EXPECT_EQ(m.d(0x6108, Width::k8), 0x55u);
  m.dw(0x610c, 0xffffffff);
  EXPECT_EQ(m.d(0x6108, Width::k8), 0xff00000055u);
  m.dw(0x6108, 0xffffff00ff000000 | 1u << 31, Width::k8);  // reserved bits and IRM read as zero
  EXPECT_EQ(m.d(0x6108, Width::k8), 0u);
  EXPECT_TRUE(m.irq(0));
  EXPECT_EQ(m.iar(1), 1023u);
  EXPECT_EQ(m.iar(0), 33u);
  m.dw(0x6108, 1, Width::k8);  // moving an active interrupt: the new CPU sees it after deactivation
  EXPECT_FALSE(m.irq(1));
  m.eoi(33, 0);
  EXPECT_TRUE(m.irq(1));
  m.dw(0x6000, 0x1234, Width::k8);  // private interrupts have no route
  EXPECT_EQ(m.d(0x6000, Width::k8), 0u);
}

TEST(Gicv3, AccessWidths) {
  Machine m;
  m.dw(0x420, 0x10203040);
  EXPECT_EQ(m.d(0x421, Width::k1), 0x30u);
  EXPECT_EQ(m.d(0x422, Width::k2), 0x1020u);
  EXPECT_TRUE(m.log.errors.empty());
  EXPECT_EQ(m.d(0x420, Width::k8), 0u);
  EXPECT_EQ(m.d(0x6104, Width::k8), 0u);
  EXPECT_EQ(m.r(0, 0x2), 0u);
  m.dw(0x420, ~0ull, Width::k8);
  EXPECT_EQ(m.d(0x420), 0x10203040u);
  EXPECT_EQ(m.gic.redistributors().read(0x20000, Width::k4), 0u);
  EXPECT_EQ(m.gic.redistributors().read(~0ull - 3, Width::k4), 0u);
  EXPECT_EQ(m.d(0x10000), 0u);
  EXPECT_EQ(m.log.errors.size(), 7u);
  EXPECT_EQ(m.r(0, 0x70, Width::k8), 0u);
  EXPECT_EQ(m.d(0xd04), 0u);
  EXPECT_EQ(m.d(0xf00), 0u);
}

// The sequence of Linux's irq-gic-v3.c on the boot CPU, then timer ticks.
TEST(Gicv3, LinuxBringUp) {
  Machine m({0, 1});
  m.dw(0x0000, 0);
  ASSERT_EQ(m.d(0x0000) >> 31, 0u);
  for (unsigned i = 32; i < 288; i += 32) m.dw(0x80 + i / 8, 0xffffffff);
  for (unsigned i = 32; i < 288; i += 16) m.dw(0xc00 + i / 4, 0);
  for (unsigned i = 32; i < 288; i += 4) m.dw(0x400 + i, 0xa0a0a0a0);
  for (unsigned i = 32; i < 288; i += 32) {
    m.dw(0x380 + i / 8, 0xffffffff);
    m.dw(0x180 + i / 8, 0xffffffff);
  }
  m.d(0x000c);
  m.dw(0x0000, 0x13);
  for (unsigned i = 32; i < 288; i++) m.dw(0x6000 + i * 8, 0, Width::k8);
  for (unsigned c = 0; c < 2; c++) {
    m.rw(c, 0x14, m.r(c, 0x14) & ~2ull);
    ASSERT_EQ(m.r(c, 0x14) & 4, 0u);
    m.rw(c, 0x10080, ~0u);
    m.rw(c, 0x10380, ~0u);
    m.rw(c, 0x10180, ~0u);
    for (unsigned i = 0; i < 32; i += 4) m.rw(c, 0x10400 + i, 0xa0a0a0a0);
    ASSERT_EQ(m.r(c, 0x0) & 8, 0u);
    m.icc_w(IccReg::kPmr, 0xf0, c);
    m.icc_w(IccReg::kBpr1, 0, c);
    m.icc_w(IccReg::kCtlr, 0, c);
    m.icc_w(IccReg::kAp0r0, 0, c);
    m.icc_w(IccReg::kAp1r0, 0, c);
    m.icc_w(IccReg::kIgrpen1, 1, c);
    m.rw(c, 0x10100, 1u << 27);
  }
  EXPECT_TRUE(m.log.errors.empty());
  const int before = m.wires.changes;
  for (int tick = 0; tick < 3; tick++) {
    m.gic.set_ppi(1, 27, true);
    EXPECT_TRUE(m.irq(1));
    EXPECT_EQ(m.iar(1), 27u);
    m.gic.set_ppi(1, 27, false);
    m.eoi(27, 1);
    EXPECT_EQ(m.iar(1), 1023u);
  }
  EXPECT_EQ(m.wires.changes - before, 6);
}

TEST(Gicv3, SaveAndRestoreInTheMiddle) {
  Machine a({0, 1});
  a.on();
  a.enable(33, 0xa0, 0);
  a.enable(34, 0x40, 0);
  a.enable(35, 0x40, 1);
  a.dw(0xc08, 2u << 4);
  a.gic.set_irq(1, true);
  EXPECT_EQ(a.iar(), 33u);
  a.gic.set_irq(2, true);
  a.gic.set_irq(3, true);
  StateStream saved;
  a.gic.serialize(saved);

  Machine b({0, 1});
  StateStream loading(saved.bytes());
  b.gic.serialize(loading);
  ASSERT_FALSE(loading.failed());
  EXPECT_TRUE(b.irq(0) && b.irq(1));
  StateStream again;
  b.gic.serialize(again);
  EXPECT_EQ(again.bytes(), saved.bytes());
  EXPECT_EQ(b.r(0, 0x14), 0u);
  EXPECT_EQ(b.iar(), 34u);
  b.eoi(34);
  EXPECT_EQ(b.icc(IccReg::kRpr), 0xa0u);
  b.eoi(33);
  EXPECT_EQ(b.iar(), 33u);
  EXPECT_EQ(b.iar(1), 35u);

  for (size_t n = 0; n < saved.bytes().size(); n += 13) {
    StateStream cut(
        std::vector<uint8_t>(saved.bytes().begin(), saved.bytes().begin() + static_cast<long>(n)));
    b.gic.serialize(cut);
    EXPECT_TRUE(cut.failed());
    b.iar();
  }
}

TEST(Gicv3, Reset) {
  Machine m;
  m.on();
  m.enable(33, 0xa0);
  m.gic.set_irq(1, true);
  EXPECT_TRUE(m.irq());
  m.gic.reset();
  EXPECT_FALSE(m.irq());
  EXPECT_EQ(m.icc(IccReg::kPmr), 0u);
  EXPECT_EQ(m.d(0x0000), 0x50u);
  m.on();
  m.enable(33, 0xa0);
  EXPECT_TRUE(m.irq());
}

}  // namespace
}  // namespace mynah::dev
