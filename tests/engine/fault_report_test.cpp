// SPDX-License-Identifier: Apache-2.0
//
// What ESR_EL1 and FAR_EL1 say of accesses that are more than a load or a store: atomic instructions, which
// read and write; store-exclusives, which are stores; DC ZVA and cache maintenance, which name an address
// within what they work on.
#include "tests/engine/engine_test.h"

namespace mynah::test {
namespace {

using namespace a64asm;

constexpr uint64_t kVa = 0x10000000, kPa = kData;
constexpr uint64_t kMde = 1 << 15, kKde = 1 << 13;
constexpr uint64_t kHardwareFlag = uint64_t{1} << 39, kTbi0 = uint64_t{1} << 37;
constexpr uint64_t kWnr = 1 << 6, kCm = 1 << 8;
constexpr unsigned kTranslation3 = 7, kAccessFlag3 = 11, kPermission3 = 15, kAlignment = 0x21;
constexpr uint64_t data_abort(uint64_t iss) { return 0x96000000 | iss; }
constexpr uint64_t watchpoint(uint64_t wnr) { return 0xd6000022 | wnr; }
constexpr uint64_t kAf = 1 << 10;
constexpr Word dc_ivac(unsigned t) { return system(1, 0, 7, 6, 1) | t; }
constexpr Word dc_civac(unsigned t) { return system(1, 3, 7, 14, 1) | t; }
constexpr Word dc_cvac(unsigned t) { return system(1, 3, 7, 10, 1) | t; }
constexpr Word dc_cvap(unsigned t) { return system(1, 3, 7, 12, 1) | t; }
constexpr Word dc_cvadp(unsigned t) { return system(1, 3, 7, 13, 1) | t; }

// Every atomic instruction that reads and writes [x1]; `bytes` it accesses.
struct Atomic {
  Word word;
  unsigned bytes;
};
std::vector<Atomic> atomics() {
  std::vector<Atomic> all;
  const auto orders = [&](Word word, unsigned acquire, unsigned release, unsigned bytes) {
    for (unsigned o = 0; o < 4; ++o) all.push_back({word | (o & 1) << acquire | (o >> 1) << release, bytes});
  };
  for (unsigned size = 0; size < 4; ++size) {
    for (unsigned op = 0; op < 9; ++op)   // LDADD to LDUMIN, SWP
      for (const unsigned t : {4u, kZr})  // into XZR: STADD and so on
        orders(0x38200000 | size << 30 | 2 << 16 | op << 12 | 1 << 5 | t, 23, 22, 1u << size);
    orders(0x08a07c00 | size << 30 | 2 << 16 | 1 << 5 | 4, 22, 15, 1u << size);  // CAS
  }
  for (unsigned wide = 0; wide < 2; ++wide)
    orders(0x08207c00 | wide << 30 | 2 << 16 | 1 << 5 | 4, 22, 15, 8u << wide);  // CASP
  return all;
}
// STXR, STLXR, STXP, STLXP, each size.
std::vector<Atomic> store_exclusives() {
  std::vector<Atomic> all;
  for (unsigned size = 0; size < 4; ++size)
    for (unsigned release = 0; release < 2; ++release) {
      all.push_back({0x08007c00 | size << 30 | 3 << 16 | release << 15 | 1 << 5 | 4, 1u << size});
      if (size >= 2)
        all.push_back({0x08200000 | size << 30 | 3 << 16 | release << 15 | 5 << 10 | 1 << 5 | 4, 2u << size});
    }
  return all;
}

class FaultReports : public EngineTest {
 protected:
  void SetUp() override {
    m_ = std::make_unique<BareMachine>(options());
    m().map(m().kernel_table(), kVa, kPa);
    m().state().oslsr = 0;
  }
  BareMachine& m() { return *m_; }
  // The one word at `address` with x1 as given, from nothing known. True if it faulted.
  bool faults(Word word, uint64_t x1, bool pan = false) {
    m().vcpu->tlb().invalidate_all();
    m().load(kCode, {msr_pan(pan), word, hvc(1)});
    m().state().esr = m().state().far = 0;
    for (unsigned n = 2; n < 8; ++n) m().x(n) = 0;
    m().x(1) = x1;
    m().start(kCode);
    EXPECT_TRUE(m().run_to_hvc());
    if (!m().vector()) return false;
    EXPECT_EQ(m().state().elr, kCode + 4);
    return true;
  }
  void expect(const Atomic& a, uint64_t x1, uint64_t esr, uint64_t far, bool pan = false) {
    ASSERT_TRUE(faults(a.word, x1, pan)) << std::hex << a.word;
    EXPECT_EQ(m().state().esr, esr) << std::hex << a.word << " " << m().state().esr;
    EXPECT_EQ(m().state().far, far) << std::hex << a.word << " " << m().state().far;
  }
  // Each kind of fault but permission, which is `esr`'s WnR for any access of this kind.
  void expect_everywhere(const Atomic& a, uint64_t wnr) {
    const uint64_t table = m().kernel_table();
    m().unmap(table, kVa);
    expect(a, kVa, data_abort(kTranslation3 | wnr), kVa);
    m().write(m().pte_address(table, kVa), BareMachine::pte(kPa, 0) & ~kAf);
    expect(a, kVa, data_abort(kAccessFlag3 | wnr), kVa);
    m().map(table, kVa, kPa, kMapReadOnly);
    expect(a, kVa, data_abort(kPermission3 | kWnr), kVa);
    m().map(table, kVa, kPa, kMapUser);
    expect(a, kVa, data_abort(kPermission3 | wnr), kVa, true);
    m().map(table, kVa, kPa, kMapUser | kMapReadOnly);
    expect(a, kVa, data_abort(kPermission3 | wnr), kVa, true);
    m().map(table, kVa, kPa);
    if (a.bytes > 1) {
      expect(a, kVa + a.bytes / 2, data_abort(kAlignment | wnr), kVa + a.bytes / 2);
    }
    EXPECT_FALSE(faults(a.word, kVa));
  }

 private:
  std::unique_ptr<BareMachine> m_;
};
MYNAH_BOTH_ACCELERATORS(FaultReports);

TEST_P(FaultReports, Atomics) {
  for (const Atomic& a : atomics()) expect_everywhere(a, 0);
}

TEST_P(FaultReports, StoreExclusives) {
  for (const Atomic& a : store_exclusives()) expect_everywhere(a, kWnr);
}

// With the flag kept by hardware a page that is not writable is still one that can be read.
TEST_P(FaultReports, AtomicWithHardwareAccessFlag) {
  m().state().tcr |= kHardwareFlag;
  m().write(m().pte_address(m().kernel_table(), kVa), BareMachine::pte(kPa, kMapReadOnly) & ~kAf);
  expect({ldadd(2, 3, 1), 8}, kVa, data_abort(kPermission3 | kWnr), kVa);
}

// What was merged around the atomic faults as it would alone.
TEST_P(FaultReports, AtomicAmongOthers) {
  constexpr Word kLdaddb = 0x38220024;
  m().map(m().kernel_table(), kVa, kPa, kMapReadOnly);
  for (const bool mapped : {true, false}) {
    if (!mapped) m().unmap(m().kernel_table(), kVa);
    Code c(kCode);
    c.load(1, mapped ? kVa : kVa + kPage - 1)(kIsb);
    if (mapped) c(ldrb(5, 1));
    const uint64_t at = c.here();
    c(kLdaddb, ldrb(6, 1), strb(6, 1), hvc(1));
    m().load(c);
    m().start(kCode);
    m().vcpu->tlb().invalidate_all();
    ASSERT_TRUE(m().run_to_hvc());
    EXPECT_EQ(m().state().elr, at);
    EXPECT_EQ(m().state().esr, data_abort(mapped ? kPermission3 | kWnr : kTranslation3));
  }
}

TEST_P(FaultReports, Watchpoints) {
  constexpr uint64_t kOnLoad = 1 << 3, kOnStore = 1 << 4;
  m().state().mdscr = kMde | kKde;
  const auto watch = [&](uint64_t on) {
    m().state().dbgwvr[0] = kVa;
    m().state().dbgwcr[0] = 1 | 1 << 1 | 0xff << 5 | on;
  };
  const auto run = [&](Word word) {
    m().load(kCode, {daifclr(8), word, hvc(1)});
    m().x(1) = kVa;
    m().state().esr = m().state().far = 0;
    m().start(kCode);
    EXPECT_TRUE(m().run_to_hvc());
    return m().vector() ? m().state().esr : 0;
  };
  for (const Atomic& a : atomics()) {
    watch(kOnLoad);
    EXPECT_EQ(run(a.word), watchpoint(0)) << std::hex << a.word;
    watch(kOnStore);
    EXPECT_EQ(run(a.word), watchpoint(kWnr)) << std::hex << a.word;
    watch(kOnLoad | kOnStore);
    EXPECT_EQ(run(a.word), watchpoint(0)) << std::hex << a.word;
    EXPECT_EQ(m().state().far, kVa);
  }
  for (const Atomic& a : store_exclusives()) {
    watch(kOnLoad);
    EXPECT_EQ(run(a.word), 0u) << std::hex << a.word;
    watch(kOnStore);
    EXPECT_EQ(run(a.word), watchpoint(kWnr)) << std::hex << a.word;
    watch(kOnLoad | kOnStore);
    EXPECT_EQ(run(a.word), watchpoint(kWnr)) << std::hex << a.word;
  }
}

// FAR_EL1 keeps the tag of the address that the instruction had.
TEST_P(FaultReports, Tags) {
  constexpr uint64_t kTag = uint64_t{0x5a} << 56;
  m().state().tcr |= kTbi0;
  m().state().mdscr = kMde | kKde;
  m().state().dbgwvr[0] = kVa + 8;
  m().state().dbgwcr[0] = 1 | 1 << 1 | 3 << 3 | 0xff << 5;
  m().load(kCode, {daifclr(8), str(2, 1, 8), hvc(1)});
  m().x(1) = kVa | kTag;
  m().start(kCode);
  ASSERT_TRUE(m().run_to_hvc());
  EXPECT_EQ(m().state().esr, watchpoint(kWnr));
  EXPECT_EQ(m().state().far, (kVa + 8) | kTag);
  m().state().mdscr = 0;
  m().unmap(m().kernel_table(), kVa);
  expect({ldr(2, 1), 8}, kVa | kTag, data_abort(kTranslation3), kVa | kTag);
  expect({dc_zva(1), 1}, kVa | kTag | 9, data_abort(kTranslation3 | kWnr), kVa | kTag | 9);
}

TEST_P(FaultReports, ZeroBlock) {
  const Atomic zva{dc_zva(1), 1};
  const uint64_t table = m().kernel_table();
  for (const uint64_t at : {kVa, kVa + 1, kVa + 0x7f, kVa + kPage - 1}) {
    m().unmap(table, kVa);
    expect(zva, at, data_abort(kTranslation3 | kWnr), at);
    m().write(m().pte_address(table, kVa), BareMachine::pte(kPa, 0) & ~kAf);
    expect(zva, at, data_abort(kAccessFlag3 | kWnr), at);
    m().map(table, kVa, kPa, kMapReadOnly);
    expect(zva, at, data_abort(kPermission3 | kWnr), at);
    m().map(table, kVa, kPa, kMapUser);
    expect(zva, at, data_abort(kPermission3 | kWnr), at, true);
    // Device memory: RAM mapped as such, and registers.
    m().map(table, kVa, kPa, kMapDevice);
    expect(zva, at, data_abort(kAlignment | kWnr), at);
    m().map(table, kVa, kDevice, kMapDevice);
    expect(zva, at, data_abort(kAlignment | kWnr), at);
    EXPECT_EQ(m().device_writes, 0u);
    m().map(table, kVa, kPa);
    for (unsigned i = 0; i < 8; ++i) m().write(kPa + ((at - kVa) & ~63) + 8 * i, ~uint64_t{0});
    EXPECT_FALSE(faults(zva.word, at));
    for (unsigned i = 0; i < 8; ++i) EXPECT_EQ(m().read(kPa + ((at - kVa) & ~63) + 8 * i), 0u);
  }
  m().unmap(table, 0);
  expect({dc_zva(kZr), 1}, 0, data_abort(kTranslation3 | kWnr), 0);
  // SCTLR_EL1.A asks nothing of it.
  m().state().sctlr |= 2;
  EXPECT_FALSE(faults(zva.word, kVa + 1));
}

// The address comes from the register as it is when the fault happens.
TEST_P(FaultReports, ZeroBlockAmongOthers) {
  Code c(kCode);
  c.load(1, kVa + kPage - 64)(kIsb, str(kZr, 1), dc_zva(1), add_imm(1, 1, 64 + 5));
  const uint64_t at = c.here();
  c(dc_zva(1), str(kZr, 1), add_imm(1, 1, 8), hvc(1));
  m().load(c);
  m().start(kCode);
  ASSERT_TRUE(m().run_to_hvc());
  EXPECT_EQ(m().state().elr, at);
  EXPECT_EQ(m().state().far, kVa + kPage + 5);
  EXPECT_EQ(m().state().esr, data_abort(kTranslation3 | kWnr));
}

TEST_P(FaultReports, ZeroBlockWithoutMmu) {
  BareOptions o = options();
  o.mmu = false;
  BareMachine machine(o);
  machine.load(kCode, {dc_zva(1), hvc(1)});
  machine.write(kData, 77);
  machine.x(1) = kData + 33;
  ASSERT_TRUE(machine.run_to_hvc());
  EXPECT_EQ(machine.vector(), 0x200u);
  EXPECT_EQ(machine.state().esr, data_abort(kAlignment | kWnr));
  EXPECT_EQ(machine.state().far, kData + 33);
  EXPECT_EQ(machine.read(kData), 77u);
}

// Maintenance by address: always reported as a write, with CM, at the address in the register.
TEST_P(FaultReports, CacheMaintenance) {
  const uint64_t table = m().kernel_table(), at = kVa + 0x35;
  for (const Word word :
       {dc_ivac(1), dc_cvac(1), dc_cvau(1), dc_civac(1), dc_cvap(1), dc_cvadp(1), ic_ivau(1)}) {
    const Atomic a{word, 1};
    m().unmap(table, kVa);
    expect(a, at, data_abort(kTranslation3 | kWnr | kCm), at);
    m().write(m().pte_address(table, kVa), BareMachine::pte(kPa, 0) & ~kAf);
    expect(a, at, data_abort(kAccessFlag3 | kWnr | kCm), at);
    m().map(table, kVa, kPa, kMapReadOnly);
    if (word == dc_ivac(1))
      expect(a, at, data_abort(kPermission3 | kWnr | kCm), at);
    else
      EXPECT_FALSE(faults(word, at));
    m().map(table, kVa, kPa, kMapUser);
    EXPECT_FALSE(faults(word, at, true)) << "PAN is not for these";
    m().map(table, kVa, kPa, kMapDevice);
    EXPECT_FALSE(faults(word, at));
  }
}

}  // namespace
}  // namespace mynah::test
