// SPDX-License-Identifier: Apache-2.0
//
// ITS and LPIs by their registers, commands and tables, as IHI 0069 chapters 5 and 12 have them.
#include "devices/intc/gicv3_its.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/devices/fakes.h"

namespace mynah::dev {
namespace {

constexpr uint64_t kRam = 0x40000000, kBase = 0x08080000;
constexpr uint64_t kDeviceTable = kRam + 0x10000, kCollectionTable = kRam + 0x20000, kQueue = kRam + 0x30000,
                   kItt = kRam + 0x31000, kConfig = kRam + 0x40000, kPendingTables = kRam + 0x50000,
                   kLevel2 = kRam + 0x80000;
constexpr uint64_t kValid = uint64_t{1} << 63;
constexpr unsigned kCpus = 3, kLpi = 8192;

enum Its : Offset {
  kCtlr = 0,
  kIidr = 4,
  kTyper = 8,
  kCbaser = 0x80,
  kCwriter = 0x88,
  kCreadr = 0x90,
  kBaser0 = 0x100,
  kBaser1 = 0x108,
};

struct Machine {
  Machine() {
    for (unsigned id = 0; id < 256; id++) memory.ram[kConfig - kRam + id] = 0xa1;
  }
  uint64_t its_r(Offset at, Width w = Width::k8) { return its.read(at, w); }
  void its_w(Offset at, uint64_t value, Width w = Width::k8) { its.write(at, w, value); }
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
  uint64_t iar(unsigned c = 0) { return icc(IccReg::kIar1, c); }
  void eoi(uint64_t id, unsigned c = 0) { icc_w(IccReg::kEoir1, id, c); }
  uint64_t take(unsigned c = 0) {
    const uint64_t id = iar(c);
    if (id != 1023) eoi(id, c);
    return id;
  }

  void enable_lpis() {
    for (unsigned c = 0; c < kCpus; c++) {
      rw(c, 0x70, kConfig | 15, Width::k8);
      rw(c, 0x78, kPendingTables + 0x10000 * c, Width::k8);
      rw(c, 0x00, 1);
    }
  }
  // Interrupts on, LPIs on, the ITS on with a flat device table and one collection a CPU.
  void on() {
    gic.write(0, Width::k4, 3);
    for (unsigned c = 0; c < kCpus; c++) {
      icc_w(IccReg::kPmr, 0xf0, c);
      icc_w(IccReg::kIgrpen1, 1, c);
    }
    enable_lpis();
    its_w(kBaser0, kValid | kDeviceTable);  // one page of 4 KiB: 512 devices
    its_w(kBaser1, kValid | kCollectionTable);
    its_w(kCbaser, kValid | kQueue);
    its_w(kCtlr, 1, Width::k4);
    for (unsigned c = 0; c < kCpus; c++) mapc(c, c);
    mapd(8, kItt, 4);
  }
  void command(uint64_t w0, uint64_t w1 = 0, uint64_t w2 = 0, uint64_t w3 = 0) {
    const uint64_t at = its_r(kCwriter), words[] = {w0, w1, w2, w3};
    memory.write(kQueue + at, words, sizeof words);
    its_w(kCwriter, (at + 32) % 0x1000);
    EXPECT_EQ(its_r(kCreadr), its_r(kCwriter));
  }
  void mapd(uint64_t device, uint64_t itt, unsigned bits) {
    command(0x08 | device << 32, bits - 1, itt | kValid);
  }
  void mapc(uint64_t collection, uint64_t cpu) { command(0x09, 0, collection | cpu << 16 | kValid); }
  void mapti(uint64_t device, uint64_t event, uint64_t intid, uint64_t collection) {
    command(0x0a | device << 32, event | intid << 32, collection);
  }
  void on_event(uint8_t opcode, uint64_t device, uint64_t event, uint64_t collection = 0) {
    command(opcode | device << 32, event, collection);
  }
  bool message(unsigned device, unsigned event) {
    return its.message(kBase + Gicv3Its::kTranslater, event, static_cast<uint16_t>(device));
  }
  void configure(unsigned intid, uint8_t config) { *memory.at(kConfig + intid - kLpi) = config; }
  bool table_pending(unsigned c, unsigned intid) {
    return *memory.at(kPendingTables + 0x10000 * c + intid / 8) >> (intid % 8) & 1;
  }

  fake::RecordingLog log;
  fake::Memory memory{kRam, 0x100000};
  Gicv3 gic{log, {.spis = 64, .affinities = {0, 1, 2}, .lpi_tables = &memory}};
  Gicv3Its its{gic, memory, log, kBase};
};

TEST(Gicv3Its, Identification) {
  Machine m;
  EXPECT_EQ(m.its_r(0xffe8, Width::k4) & 0xf0, 0x30u);
  EXPECT_EQ(m.its_r(kIidr, Width::k4), 0x43bu);
  EXPECT_EQ(m.its_r(kCtlr, Width::k4), 0x80000000u);  // quiescent
  // Physical; entries of 8 bytes; 16 bits of event and device IDs; no virtual LPIs, PTA 0, HCC 0.
  EXPECT_EQ(m.its_r(kTyper), 1u | 7 << 4 | 15 << 8 | 15 << 13);
  EXPECT_EQ(m.its_r(kTyper + 4, Width::k4), 0u);
  EXPECT_EQ(m.its_r(kBaser0) >> 48, 0x0107u);
  EXPECT_EQ(m.its_r(kBaser1) >> 48, 0x0407u);
  for (Offset at = 0x110; at < 0x140; at += 8) EXPECT_EQ(m.its_r(at), 0u);
  EXPECT_EQ(m.gic.read(4, Width::k4) & 1u << 17, 1u << 17);  // GICD_TYPER.LPIS
  for (unsigned c = 0; c < kCpus; c++) {
    EXPECT_EQ(m.r(c, 0x08) & 0x03000001, 1u);  // GICR_TYPER: PLPIS, one configuration table for all
    EXPECT_EQ(m.r(c, 0x00), 2u);               // GICR_CTLR.CES
  }
  EXPECT_TRUE(m.log.errors.empty());
}

TEST(Gicv3Its, WithoutTablesThereAreNoLpis) {
  NullLog log;
  Gicv3 gic(log, {});
  EXPECT_EQ(gic.read(4, Width::k4) & 1u << 17, 0u);
  EXPECT_EQ(gic.redistributors().read(8, Width::k4) & 1, 0u);
  gic.redistributors().write(0, Width::k4, 1);
  gic.redistributors().write(0x70, Width::k8, ~uint64_t{0});
  EXPECT_EQ(gic.redistributors().read(0, Width::k4), 0u);
  EXPECT_EQ(gic.redistributors().read(0x70, Width::k8), 0u);
  gic.set_lpi(0, kLpi, true);
  uint64_t value = 0;
  gic.read_icc(0, IccReg::kHppir1, value);
  EXPECT_EQ(value, 1023u);
}

TEST(Gicv3Its, BaseRegistersKeepWhatTheyHave) {
  Machine m;
  m.its_w(kBaser0, ~uint64_t{0});
  // Type and Entry_Size are fixed; the reserved page size is 64 KiB.
  EXPECT_EQ(m.its_r(kBaser0),
            (~uint64_t{0} & ~(uint64_t{0x71f} << 48) & ~uint64_t{0x100}) | uint64_t{0x107} << 48);
  m.its_w(kBaser0 + 4, 0x80000000, Width::k4);
  EXPECT_EQ(m.its_r(kBaser0), 0x81070000'fffffeffu);
  m.its_w(kCbaser, ~uint64_t{0});
  EXPECT_EQ(m.its_r(kCbaser), 0xb8ef'ffff'ffff'fcffu);
  m.its_w(kCwriter, ~uint64_t{0});
  EXPECT_EQ(m.its_r(kCwriter), 0xfffe0u);
  m.its_w(kCtlr, 1, Width::k4);
  EXPECT_EQ(m.its_r(kCtlr, Width::k4), 1u);
  m.log.errors.clear();
  m.its_w(kBaser0, 0);
  m.its_w(kCbaser, 0);
  EXPECT_EQ(m.its_r(kCbaser), 0xb8ef'ffff'ffff'fcffu);
  EXPECT_EQ(m.log.errors.size(), 2u);

  m.rw(0, 0x70, ~uint64_t{0}, Width::k8);
  m.rw(0, 0x78, ~uint64_t{0}, Width::k8);
  EXPECT_EQ(m.r(0, 0x70, Width::k8), 0x070f'ffff'ffff'ff9fu);
  EXPECT_EQ(m.r(0, 0x78, Width::k8), 0x070f'ffff'ffff'0f80u);  // PTZ reads as zero
  EXPECT_EQ(m.r(1, 0x70, Width::k8), 0u);
}

TEST(Gicv3Its, AMessageBecomesAnInterrupt) {
  Machine m;
  m.on();
  m.mapti(8, 3, kLpi + 5, 0);
  EXPECT_FALSE(m.gic.irq(0));
  EXPECT_TRUE(m.message(8, 3));
  EXPECT_TRUE(m.gic.irq(0));
  EXPECT_EQ(m.icc(IccReg::kHppir1), kLpi + 5u);
  EXPECT_EQ(m.icc(IccReg::kIar0), 1023u);
  EXPECT_EQ(m.iar(), kLpi + 5u);
  EXPECT_EQ(m.icc(IccReg::kRpr), 0xa0u);
  EXPECT_FALSE(m.gic.irq(0));
  // No active state: it is pending again at once, and waits for its own running priority.
  m.message(8, 3);
  EXPECT_EQ(m.icc(IccReg::kHppir1), kLpi + 5u);
  EXPECT_FALSE(m.gic.irq(0));
  m.eoi(kLpi + 5);
  EXPECT_TRUE(m.gic.irq(0));
  EXPECT_EQ(m.take(), kLpi + 5u);
  EXPECT_EQ(m.take(), 1023u);
  EXPECT_TRUE(m.log.errors.empty());
  EXPECT_FALSE(m.its.message(kBase + 0x10000, 3, 8));  // another address
}

TEST(Gicv3Its, MapiAndTheTranslationRegister) {
  Machine m;
  m.on();
  m.mapd(0, kItt + 0x1000, 14);  // a processor's write has no requester: device 0
  m.on_event(0x0b, 0, 8200, 1);
  m.its_w(Gicv3Its::kTranslater, 8200, Width::k4);
  EXPECT_FALSE(m.gic.irq(0));
  EXPECT_EQ(m.take(1), 8200u);
  m.its_w(Gicv3Its::kTranslater, 8200, Width::k2);
  EXPECT_EQ(m.take(1), 8200u);
  m.on_event(0x0b, 0, 12, 1);  // event 12 is no LPI
  EXPECT_EQ(m.log.errors.size(), 1u);
}

TEST(Gicv3Its, PrioritiesAndOrder) {
  Machine m;
  m.on();
  for (unsigned event = 0; event < 4; event++) m.mapti(8, event, kLpi + event, 0);
  m.configure(kLpi + 0, 0xa1);
  m.configure(kLpi + 1, 0x81);
  m.configure(kLpi + 2, 0x81);
  m.configure(kLpi + 3, 0x40);  // disabled
  for (unsigned event = 4; event-- > 0;) m.message(8, event);
  EXPECT_EQ(m.take(), kLpi + 1u);
  EXPECT_EQ(m.take(), kLpi + 2u);
  EXPECT_EQ(m.take(), kLpi + 0u);
  EXPECT_EQ(m.take(), 1023u);
  // Enabled in the table: nothing happens until it is told.
  m.configure(kLpi + 3, 0x41);
  EXPECT_EQ(m.take(), 1023u);
  m.on_event(0x0c, 8, 3);
  EXPECT_EQ(m.take(), kLpi + 3u);

  // An SPI of the same priority has the lower ID and goes first; of a lower one it goes last.
  m.gic.write(0x84, Width::k4, ~0u);
  m.gic.write(0x420, Width::k1, 0xa0);
  m.gic.write(0x104, Width::k4, 1);
  m.gic.set_irq(0, true);
  m.message(8, 0);
  EXPECT_EQ(m.icc(IccReg::kHppir1), 32u);
  m.message(8, 1);
  EXPECT_EQ(m.icc(IccReg::kHppir1), kLpi + 1u);
  // Neither group 1 nor a priority mask lets them through.
  m.icc_w(IccReg::kIgrpen1, 0);
  EXPECT_EQ(m.icc(IccReg::kHppir1), 1023u);
  m.icc_w(IccReg::kIgrpen1, 1);
  EXPECT_TRUE(m.gic.irq(0));
  m.icc_w(IccReg::kPmr, 0x80);
  EXPECT_FALSE(m.gic.irq(0));
  m.icc_w(IccReg::kPmr, 0xf0);
  m.gic.write(0, Width::k4, 1);
  EXPECT_FALSE(m.gic.irq(0));
}

TEST(Gicv3Its, InvalidateAllReadsTheTableAgain) {
  Machine m;
  m.on();
  for (unsigned event = 0; event < 4; event++) {
    m.configure(kLpi + event, 0xa0);
    m.mapti(8, event, kLpi + event, 2);
    m.message(8, event);
  }
  EXPECT_FALSE(m.gic.irq(2));
  for (unsigned event = 0; event < 4; event++)
    m.configure(kLpi + event, static_cast<uint8_t>(0x81 - 8 * event));
  m.command(0x0d, 0, 2);
  for (unsigned event = 4; event-- > 0;) EXPECT_EQ(m.take(2), kLpi + event);
  EXPECT_EQ(m.take(2), 1023u);
}

TEST(Gicv3Its, MovesTakePendingInterruptsAlong) {
  Machine m;
  m.on();
  m.mapti(8, 0, kLpi, 0);
  m.mapti(8, 1, kLpi + 1, 0);
  m.message(8, 0);
  m.message(8, 1);
  m.on_event(0x01, 8, 0, 1);  // MOVI to collection 1
  EXPECT_EQ(m.take(1), kLpi);
  m.message(8, 0);
  EXPECT_EQ(m.take(1), kLpi);
  m.message(8, 0);
  m.command(0x0e, 0, uint64_t{1} << 16, uint64_t{2} << 16);  // MOVALL from processor 1 to 2
  EXPECT_FALSE(m.gic.irq(1));
  EXPECT_EQ(m.take(2), kLpi);
  EXPECT_EQ(m.take(0), kLpi + 1u);
  // The collection goes elsewhere: so do later messages.
  m.mapc(0, 2);
  m.message(8, 1);
  EXPECT_EQ(m.take(2), kLpi + 1u);
  EXPECT_TRUE(m.log.errors.empty());
}

TEST(Gicv3Its, IntClearDiscard) {
  Machine m;
  m.on();
  m.mapti(8, 15, kLpi + 9, 0);
  m.on_event(0x03, 8, 15);
  EXPECT_TRUE(m.gic.irq(0));
  m.on_event(0x04, 8, 15);
  EXPECT_FALSE(m.gic.irq(0));
  m.on_event(0x03, 8, 15);
  m.command(0x05, 0, 0);  // SYNC
  EXPECT_TRUE(m.log.errors.empty());
  m.on_event(0x0f, 8, 15);
  EXPECT_FALSE(m.gic.irq(0));
  m.message(8, 15);
  EXPECT_FALSE(m.gic.irq(0));
  EXPECT_EQ(m.log.errors.size(), 1u);
}

TEST(Gicv3Its, DeviceTableOfTwoLevels) {
  Machine m;
  m.on();
  m.its_w(kCtlr, 0, Width::k4);
  m.its_w(kBaser0, kValid | uint64_t{1} << 62 | kDeviceTable);
  m.its_w(kCtlr, 1, Width::k4);
  m.mapd(0x2008, kItt, 4);  // the page of its entries is missing
  EXPECT_EQ(m.log.errors.size(), 1u);
  const uint64_t first = kValid | kLevel2;
  m.memory.write(kDeviceTable + 0x2008 / 512 * 8, &first, 8);
  m.mapd(0x2008, kItt, 4);
  m.mapti(0x2008, 2, kLpi + 2, 0);
  m.message(0x2008, 2);
  EXPECT_EQ(m.take(), kLpi + 2u);
  EXPECT_NE(*m.memory.at(kLevel2 + 0x2008 % 512 * 8 + 7), 0);
  EXPECT_EQ(m.log.errors.size(), 1u);
}

TEST(Gicv3Its, WrongCommandsAreLeftOut) {
  Machine m;
  m.on();
  m.mapti(8, 0, kLpi, 0);
  const auto wrong = [&m](uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3 = 0) {
    const size_t before = m.log.errors.size();
    m.command(w0, w1, w2, w3);
    EXPECT_EQ(m.log.errors.size(), before + 1) << w0;
  };
  wrong(0x08 | uint64_t{0x10000} << 32, 3, kItt | kValid);            // device out of range
  wrong(0x08 | uint64_t{512} << 32, 3, kItt | kValid);                // beyond the table
  wrong(0x08 | uint64_t{9} << 32, 16, kItt | kValid);                 // too many events
  wrong(0x09, 0, 1 | uint64_t{kCpus} << 16 | kValid);                 // no such processor
  wrong(0x09, 0, 512 | kValid);                                       // beyond the collection table
  wrong(0x0a | uint64_t{8} << 32, 16 | uint64_t{kLpi} << 32, 0);      // no such event
  wrong(0x0a | uint64_t{7} << 32, 0 | uint64_t{kLpi} << 32, 0);       // device not mapped
  wrong(0x0a | uint64_t{8} << 32, 1 | uint64_t{8191} << 32, 0);       // no LPI
  wrong(0x0a | uint64_t{8} << 32, 1 | uint64_t{0x10000} << 32, 0);    // no LPI
  wrong(0x0a | uint64_t{8} << 32, 1 | uint64_t{kLpi} << 32, 0x8000);  // collection out of range
  wrong(0x0c | uint64_t{8} << 32, 1, 0);                              // event not mapped
  wrong(0x01 | uint64_t{8} << 32, 0, 5);                              // collection not mapped
  wrong(0x0d, 0, 5);
  wrong(0x0e, 0, 0, uint64_t{kCpus} << 16);
  wrong(0x05, 0, uint64_t{kCpus} << 16);
  wrong(0x2a, 0, 0);  // virtual
  wrong(0xff, 0, 0);
  m.message(8, 0);
  EXPECT_EQ(m.take(), kLpi);
}

TEST(Gicv3Its, QueueWrapsAndStalls) {
  Machine m;
  m.on();
  for (unsigned i = 0; i < 1000; i++) m.command(0x05);
  EXPECT_TRUE(m.log.errors.empty());
  m.its_w(kCwriter, 0x1000);  // beyond its end
  EXPECT_EQ(m.log.errors.size(), 1u);
  m.its_w(kCtlr, 0, Width::k4);
  m.its_w(kCbaser, kValid | 0x1000);  // not in RAM
  EXPECT_EQ(m.its_r(kCreadr), 0u);
  m.its_w(kCwriter, 0x20);
  EXPECT_EQ(m.its_r(kCreadr), 0u);  // the ITS is disabled
  m.its_w(kCtlr, 1, Width::k4);
  EXPECT_EQ(m.its_r(kCreadr), 1u);  // stalled
  m.its_w(kCwriter, 0x40);
  EXPECT_EQ(m.its_r(kCreadr), 1u);
  m.its_w(kCwriter, 0x41);  // retry
  EXPECT_EQ(m.its_r(kCreadr), 1u);
}

TEST(Gicv3Its, PendingTable) {
  Machine m;
  *m.memory.at(kPendingTables + kLpi / 8) = 0x0a;
  m.on();
  EXPECT_EQ(m.take(), kLpi + 1u);
  m.mapti(8, 0, kLpi + 70, 0);
  m.message(8, 0);
  m.rw(0, 0x70, 0, Width::k8);  // ignored while LPIs are enabled
  EXPECT_EQ(m.r(0, 0x00), 3u);
  m.rw(0, 0x00, 0);
  EXPECT_FALSE(m.gic.irq(0));
  EXPECT_FALSE(m.table_pending(0, kLpi + 1));
  EXPECT_TRUE(m.table_pending(0, kLpi + 3));
  EXPECT_TRUE(m.table_pending(0, kLpi + 70));
  m.message(8, 0);                                               // lost: LPIs are disabled
  m.rw(0, 0x78, kPendingTables | uint64_t{1} << 62, Width::k8);  // PTZ: the table is not read
  m.rw(0, 0x00, 1);
  EXPECT_FALSE(m.gic.irq(0));
  m.rw(0, 0x00, 0);
  EXPECT_FALSE(m.table_pending(0, kLpi + 3));

  m.rw(0, 0x70, kConfig | 12, Width::k8);  // 13 bits of IDs: no LPI
  m.rw(0, 0x00, 1);
  m.message(8, 0);
  EXPECT_FALSE(m.gic.irq(0));
}

TEST(Gicv3Its, TablesOutsideRam) {
  Machine m;
  m.on();
  m.mapti(8, 0, kLpi, 0);
  m.rw(0, 0x00, 0);
  m.rw(0, 0x70, 0xffff'ffff'f000 | 31, Width::k8);
  m.rw(0, 0x78, 0xffff'ffff'0000, Width::k8);
  m.rw(0, 0x00, 1);
  m.message(8, 0);
  EXPECT_FALSE(m.gic.irq(0));
  m.command(0x0d, 0, 0);
  m.mapd(9, 0xfffffffff00, 16);
  m.mapti(9, 0, kLpi, 0);
  EXPECT_FALSE(m.log.errors.empty());
}

TEST(Gicv3Its, SaveAndRestore) {
  Machine a, b;
  a.on();
  a.mapti(8, 3, kLpi + 5, 1);
  a.mapti(8, 4, kLpi + 6, 1);
  a.message(8, 3);
  a.message(8, 4);
  a.iar(1);
  b.memory.ram = a.memory.ram;
  const auto its = fake::save(a.its), gic = fake::save(a.gic);
  ASSERT_TRUE(fake::load(b.its, its) && fake::load(b.gic, gic));
  EXPECT_EQ(fake::save(b.its), its);
  EXPECT_EQ(fake::save(b.gic), gic);
  EXPECT_FALSE(b.gic.irq(1));
  b.eoi(kLpi + 5, 1);
  EXPECT_TRUE(b.gic.irq(1));
  EXPECT_EQ(b.take(1), kLpi + 6u);
  b.message(8, 3);
  EXPECT_EQ(b.take(1), kLpi + 5u);
  b.its.reset();
  b.gic.reset();
  EXPECT_EQ(b.its_r(kCtlr, Width::k4), 0x80000000u);
  EXPECT_EQ(b.r(1, 0), 2u);
  EXPECT_TRUE(b.log.errors.empty());
}

}  // namespace
}  // namespace mynah::dev
