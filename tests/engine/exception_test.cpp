// SPDX-License-Identifier: Apache-2.0
//
// Exceptions are exact: registers, memory, ELR, ESR, FAR and the instruction count are those of the faulting
// instruction, wherever in a block it stands and whatever was merged or widened around it.
#include "tests/engine/engine_test.h"

namespace mynah::test {
namespace {

using namespace a64asm;

constexpr uint64_t kVa = 0x10000000;  // a page of data, mapped; the next one is not
// ESR_EL1: a data abort from EL1.
constexpr uint64_t data_abort(unsigned status, bool write = false) {
  return 0x96000000 | (write ? 0x40 : 0) | status;
}
constexpr unsigned kTranslation3 = 7, kPermission3 = 15, kAlignment = 0x21, kExternal = 0x10;

class Exceptions : public EngineTest {
 protected:
  void SetUp() override {
    m_ = std::make_unique<BareMachine>(options());
    m().map(m().kernel_table(), kVa, kData);
    for (uint64_t i = 0; i < kPage; i += 8) m().write(kData + i, 0x0101010101010101 * (i / 8 & 0xff));
  }
  BareMachine& m() { return *m_; }
  void run(const Code& code) {
    m().load(code);
    ASSERT_TRUE(m().run_to_hvc());
  }
  // The program ran straight to the instruction at `address`, which faulted; then the vector's HVC.
  void expect_fault(const Code& c, uint64_t address, uint64_t esr, uint64_t far) {
    EXPECT_EQ(m().vector(), 0x200u);
    EXPECT_EQ(m().state().elr, address);
    EXPECT_EQ(m().state().esr, esr) << std::hex << m().state().esr;
    EXPECT_EQ(m().state().far, far) << std::hex << m().state().far;
    EXPECT_EQ(m().vcpu->instructions(), (address - c.address()) / 4 + 2);
  }

 private:
  std::unique_ptr<BareMachine> m_;
};
MYNAH_BOTH_ACCELERATORS(Exceptions);

enum Label { kFault, kLoop, kHandler };

// Loads that one guard covers, of which the third leaves the page.
TEST_P(Exceptions, MergedLoads) {
  Code c(kCode);
  c.load(1, kVa + kPage - 16)(movz(2, 2), movz(3, 3), movz(4, 4), movz(10, 0), adds_imm(11, 10, 0));
  c(ldr(2, 1), add_imm(10, 10, 1), ldr(3, 1, 8), add_imm(10, 10, 1));
  c.bind(kFault)(ldr(4, 1, 16), add_imm(10, 10, 1), subs_imm(11, 10, 1), hvc(1));
  run(c);
  expect_fault(c, c.at(kFault), data_abort(kTranslation3), kVa + kPage);
  EXPECT_EQ(m().x(2), 0x0101010101010101u * 0xfe);
  EXPECT_EQ(m().x(3), 0x0101010101010101u * 0xff);
  EXPECT_EQ(m().x(4), 4u);
  EXPECT_EQ(m().x(10), 2u);
  EXPECT_EQ(m().state().spsr & 0xf0000000, 0x40000000u);  // Z, of the ADDS
}

// The first access faults though later ones of the same guard would not.
TEST_P(Exceptions, FirstOfMergedLoads) {
  m().pte_address(m().kernel_table(), kVa - 8);  // level 3 is where it is missing
  Code c(kCode);
  c.load(1, kVa)(movz(10, 0));
  c.bind(kFault)(ldur(2, 1, -8), ldr(3, 1), ldr(4, 1, 8), hvc(1));
  run(c);
  expect_fault(c, c.at(kFault), data_abort(kTranslation3), kVa - 8);
}

// Stores before the fault are done, later ones are not.
TEST_P(Exceptions, MergedStores) {
  Code c(kCode);
  c.load(1, kVa + kPage - 16).load(2, 0x1111).load(3, 0x2222);
  c(str(2, 1), str(3, 1, 8)).bind(kFault)(str(2, 1, 16), str(kZr, 1), hvc(1));
  run(c);
  expect_fault(c, c.at(kFault), data_abort(kTranslation3, true), kVa + kPage);
  EXPECT_EQ(m().read(kData + kPage - 16), 0x1111u);
  EXPECT_EQ(m().read(kData + kPage - 8), 0x2222u);
}

TEST_P(Exceptions, StoreToReadOnlyAfterLoads) {
  m().map(m().kernel_table(), kVa, kData, kMapReadOnly);
  Code c(kCode);
  c.load(1, kVa)(movz(5, 5), ldr(2, 1, 8), ldr(3, 1, 16), add_imm(5, 5, 1));
  c.bind(kFault)(str(5, 1, 8), add_imm(5, 5, 1), ldr(4, 1, 24), hvc(1));
  run(c);
  expect_fault(c, c.at(kFault), data_abort(kPermission3, true), kVa + 8);
  EXPECT_EQ(m().x(2), 0x0101010101010101u);
  EXPECT_EQ(m().x(5), 6u);
  EXPECT_EQ(m().read(kData + 8), 0x0101010101010101u);
}

// A conditional exit lies between the accesses: the second one never happens.
TEST_P(Exceptions, AccessBehindAnExitNotTaken) {
  Code c(kCode);
  c.load(1, kVa + kPage - 8)(ldr(2, 1)).cbnz(2, kLoop)(ldr(3, 1, 8), hvc(1)).bind(kLoop)(hvc(2));
  run(c);
  EXPECT_EQ(m().cpu->pc(), c.at(kLoop) + 4);
}

TEST_P(Exceptions, PairsAcrossIntoNothing) {
  struct Row {
    Word word;
    bool write;
  };
  for (const Row row : {Row{ldp(2, 3, 1), false}, Row{stp(2, 3, 1), true}, Row{ldp_post(2, 3, 1, 16), false},
                        Row{stp_pre(2, 3, 1, 0), true}, Row{ldr_q(2, 1), false}, Row{str_q(2, 1), true}}) {
    BareMachine m(options());
    m.map(m.kernel_table(), kVa, kData);
    m.write(kData + kPage - 8, 0x5555);
    Code c(kCode);
    c.load(1, kVa + kPage - 8)(movz(2, 2), movz(3, 3), kNop).bind(kFault)(row.word, hvc(1));
    m.load(c);
    ASSERT_TRUE(m.run_to_hvc());
    EXPECT_EQ(m.vector(), 0x200u);
    EXPECT_EQ(m.state().elr, c.at(kFault));
    EXPECT_EQ(m.state().esr, data_abort(kTranslation3, row.write));
    EXPECT_EQ(m.state().far, kVa + kPage);
    EXPECT_EQ(m.read(kData + kPage - 8), 0x5555u) << "half of it was stored";
    EXPECT_EQ(m.x(1), kVa + kPage - 8);
    EXPECT_EQ(m.x(2), 2u);
    EXPECT_EQ(m.x(3), 3u);
  }
}

TEST_P(Exceptions, UnalignedAcrossIntoNothing) {
  Code c(kCode);
  c.load(1, kVa + kPage - 3).load(2, 0x1234).bind(kFault)(str(2, 1), hvc(1));
  run(c);
  expect_fault(c, c.at(kFault), data_abort(kTranslation3, true), kVa + kPage);
  EXPECT_EQ(m().read(kData + kPage - 8), 0x0101010101010101u * 0xff);
}

TEST_P(Exceptions, BaseRegisterUnchanged) {
  for (const Word word : {ldr_post(2, 1, 8), ldr_pre(2, 1, 8), str_post(2, 1, 8), ldp_post(2, 3, 1, 16)}) {
    BareMachine m(options());
    Code c(kCode);
    c.load(1, kVa).bind(kFault)(word, hvc(1));
    m.load(c);
    ASSERT_TRUE(m.run_to_hvc());
    EXPECT_EQ(m.state().elr, c.at(kFault));
    EXPECT_EQ(m.x(1), kVa);
  }
}

// Accesses over a page boundary, the second page mapped to memory elsewhere.
TEST_P(Exceptions, PageCrossing) {
  const uint64_t second = kData + 7 * kPage;
  m().map(m().kernel_table(), kVa + kPage, second);
  m().write(kData + kPage - 8, 0x1122334455667788);
  m().write(second, 0x99aabbccddeeff00);
  Code c(kCode);
  c.load(1, kVa + kPage).load(9, 0xa1a2a3a4a5a6a7a8);
  c(ldur(2, 1, -4), ldur(3, 1, -7), ldp(4, 5, 1, -8), stur(9, 1, -3), ldur(6, 1, -3), ldp(7, 8, 1, -8),
    hvc(1));
  run(c);
  EXPECT_FALSE(m().vector());
  EXPECT_EQ(m().x(2), 0xddeeff0011223344u);
  EXPECT_EQ(m().x(3), 0x0011223344556677u);
  EXPECT_EQ(m().x(4), 0x1122334455667788u);
  EXPECT_EQ(m().x(5), 0x99aabbccddeeff00u);
  EXPECT_EQ(m().x(6), 0xa1a2a3a4a5a6a7a8u);
  EXPECT_EQ(m().x(7), 0xa6a7a84455667788u);
  EXPECT_EQ(m().x(8), 0x99aabba1a2a3a4a5u);
  EXPECT_EQ(m().read(second), 0x99aabba1a2a3a4a5u);
}

TEST_P(Exceptions, Unaligned) {
  Code c(kCode);
  c.load(1, kVa + 1)(ldr(2, 1, 8), ldr_w(3, 1, 20), ldrh(4, 1, 30))
      .load(5, 0x8877665544332211)(str(5, 1, 64), hvc(1));
  run(c);
  EXPECT_EQ(m().x(2), 0x0201010101010101u);
  EXPECT_EQ(m().x(3), 0x02020202u + 0x01000000u);
  EXPECT_EQ(m().x(4), 0x0403u);
  EXPECT_EQ(m().read(kData + 64), 0x7766554433221108u);
  EXPECT_EQ(m().read(kData + 72), 0x0909090909090988u);
}

TEST_P(Exceptions, AlignmentCheck) {
  m().state().sctlr |= 2;  // A
  Code c(kCode);
  c.load(1, kVa + 4)(ldr_w(2, 1)).bind(kFault)(ldr(3, 1), hvc(1));
  run(c);
  expect_fault(c, c.at(kFault), data_abort(kAlignment), kVa + 4);
}

// Exclusive and ordered accesses are aligned whatever SCTLR.A says.
TEST_P(Exceptions, ExclusiveAlignment) {
  for (const Word word : {ldxr(2, 1), ldar(2, 1), stxr(4, 2, 1), ldadd(2, 3, 1)}) {
    BareMachine m(options());
    m.map(m.kernel_table(), kVa, kData);
    Code c(kCode);
    c.load(1, kVa + 4).bind(kFault)(word, hvc(1));
    m.load(c);
    ASSERT_TRUE(m.run_to_hvc());
    EXPECT_EQ(m.state().elr, c.at(kFault));
    EXPECT_EQ(m.state().esr & ~uint64_t{0x40}, data_abort(kAlignment));
    EXPECT_EQ(m.state().far, kVa + 4);
  }
}

// RAM mapped as device memory: aligned accesses alone.
TEST_P(Exceptions, UnalignedDeviceMemory) {
  m().map(m().kernel_table(), kVa, kData, kMapDevice);
  Code c(kCode);
  c.load(1, kVa)(ldr(2, 1, 8), str(2, 1, 16)).bind(kFault)(ldur(3, 1, 12), hvc(1));
  run(c);
  expect_fault(c, c.at(kFault), data_abort(kAlignment), kVa + 12);
  EXPECT_EQ(m().read(kData + 16), 0x0101010101010101u);
}

// Nothing answers at the physical address.
TEST_P(Exceptions, ExternalAbort) {
  m().map(m().kernel_table(), kVa, 0x0a000000, kMapDevice);
  Code c(kCode);
  c.load(1, kVa)(movz(2, 2), add_imm(10, 2, 1)).bind(kFault)(ldr_w(2, 1, 4), hvc(1));
  run(c);
  expect_fault(c, c.at(kFault), data_abort(kExternal), kVa + 4);
  EXPECT_EQ(m().x(2), 2u);
  EXPECT_EQ(m().x(10), 3u);
}

TEST_P(Exceptions, DeviceAccessesInABlock) {
  m().device[0] = 0x1122334455667788;
  Code c(kCode);
  c.load(1, kDevice)
      .load(2, kVa)(ldr(3, 2, 8), ldr_w(4, 1, 4), ldrb(5, 1, 1), str_w(3, 1, 16), ldr(6, 2, 16), hvc(1));
  run(c);
  EXPECT_EQ(m().x(4), 0x11223344u);
  EXPECT_EQ(m().x(5), 0x77u);
  EXPECT_EQ(m().x(6), 0x0202020202020202u);
  EXPECT_EQ(m().device[2], 0x01010101u);
  EXPECT_EQ(m().device_reads, 2u);
  EXPECT_EQ(m().device_writes, 1u);
}

// --- instructions that raise

TEST_P(Exceptions, Generated) {
  struct Row {
    Word word;
    uint64_t esr;
    unsigned returns;  // to the instruction plus this
  };
  for (const Row row :
       {Row{svc(0x123), 0x56000123, 4}, Row{brk(0x77), 0xf2000077, 0}, Row{kUndefined, 0x02000000, 0},
        Row{msr(system(3, 7, 15, 15, 7), 0), 0x02000000, 0}}) {
    BareMachine m(options());
    Code c(kCode);
    c(movz(1, 1), movz(2, 2), subs_imm(3, 2, 1)).bind(kFault)(row.word, movz(1, 9), hvc(1));
    m.load(c);
    ASSERT_TRUE(m.run_to_hvc());
    EXPECT_EQ(m.vector(), 0x200u);
    EXPECT_EQ(m.state().esr, row.esr) << std::hex << row.word;
    EXPECT_EQ(m.state().elr, c.at(kFault) + row.returns);
    EXPECT_EQ(m.state().spsr & 0xf00003cf, 0x200003c5u);  // C; D A I F, EL1h
    EXPECT_EQ(m.vcpu->instructions(), 5u);
    EXPECT_EQ(m.x(1), 1u);
  }
}

TEST_P(Exceptions, BranchToNothing) {
  Code c(kCode);
  c.load(1, kVa + kPage + 8)(movz(2, 2), blr(1), hvc(1));
  run(c);
  EXPECT_EQ(m().vector(), 0x200u);
  EXPECT_EQ(m().state().elr, kVa + kPage + 8);
  EXPECT_EQ(m().state().far, kVa + kPage + 8);
  EXPECT_EQ(m().state().esr, 0x86000007u);
}

TEST_P(Exceptions, BranchToNoExecute) {
  m().map(m().kernel_table(), kVa, kData, kMapNoExecute);
  Code c(kCode);
  c.load(1, kVa)(ldr(2, 1), br(1));  // the page is in the TLB, for data
  run(c);
  EXPECT_EQ(m().state().elr, kVa);
  EXPECT_EQ(m().state().esr, 0x8600000fu);
}

// The program counter's alignment is checked before the address is translated.
TEST_P(Exceptions, BranchToMisaligned) {
  for (const uint64_t page : {kCode, kVa + kPage}) {
    BareMachine m(options());
    Code c(kCode);
    c.load(1, page + 0x802)(br(1));
    m.load(c);
    ASSERT_TRUE(m.run_to_hvc());
    EXPECT_EQ(m.state().esr, 0x8a000000u) << std::hex << page;
    EXPECT_EQ(m.state().elr, page + 0x802);
    EXPECT_EQ(m.state().far, page + 0x802);
  }
}

// Running off the end of the last mapped page.
TEST_P(Exceptions, FallsOffThePage) {
  Code c(kVa + kPage - 8);
  c(movz(2, 7), movz(3, 8));
  m().load(kData + kPage - 8, c.words());
  Code start(kCode);
  start.load(1, kVa + kPage - 8)(br(1));
  run(start);
  EXPECT_EQ(m().state().elr, kVa + kPage);
  EXPECT_EQ(m().state().far, kVa + kPage);
  EXPECT_EQ(m().state().esr, 0x86000007u);
  EXPECT_EQ(m().x(3), 8u);
}

// --- demand paging: a handler maps the page and the access is made again

TEST_P(Exceptions, DemandPaging) {
  constexpr unsigned kPages = 60;
  const uint64_t base = 0x18000000;
  for (unsigned i = 0; i < kPages; ++i) {
    m().pte_address(m().kernel_table(), base + i * kPage);  // the tables are there, the entries are not
    m().write(kData + (i + 1) * kPage, i + 1);
    m().write(kData + (i + 1) * kPage + 8, 100);
  }
  // The handler keeps nothing of x16 to x18.
  Code handler(kVectors + 0x200);
  handler.b(kHandler);
  handler.pad_to(kVectors + 0x800).bind(kHandler);
  handler.load(17, m().pte_address(m().kernel_table(), base) - (base >> 12) * 8);
  handler(mrs(16, kFar), 0xd34cfe10 /* lsr x16, x16, #12 */, 0x8b100e31 /* add x17, x17, x16, lsl #3 */);
  handler.load(18, base >> 12)(sub(16, 16, 18)).load(18, BareMachine::pte(kData + kPage, 0));
  handler(0x8b103252 /* add x18, x18, x16, lsl #12 */, str(18, 17), kDsb, kIsb, kEret);
  m().load(handler);
  Code c(kCode);
  c.load(1, base)(movz(20, 0), movz(21, 0), movz(9, kPages));
  c.bind(kLoop)(add_imm(21, 21, 1), ldr(2, 1), ldr(3, 1, 8), add(20, 20, 2), add(20, 20, 3), str(20, 1, 16));
  c(add_imm(1, 1, 2048), add_imm(1, 1, 2048), subs_imm(9, 9, 1)).b_cc(kNe, kLoop)(hvc(1));
  run(c);
  EXPECT_FALSE(m().vector());
  EXPECT_EQ(m().x(21), kPages);
  EXPECT_EQ(m().x(20), kPages * (kPages + 1) / 2 + 100u * kPages);
  EXPECT_EQ(m().read(kData + kPages * kPage + 16), m().x(20));
}

// The return from an exception opens the exclusive monitor.
TEST_P(Exceptions, ReturnClearsTheMonitor) {
  m().load(kVectors + 0x200, {kEret});
  Code c(kCode);
  c.load(1, kVa)(ldxr(2, 1), stxr(10, 2, 1), ldxr(2, 1), svc(0), stxr(11, 2, 1), stxr(12, 2, 1), hvc(1));
  run(c);
  EXPECT_EQ(m().x(10), 0u);
  EXPECT_EQ(m().x(11), 1u);
  EXPECT_EQ(m().x(12), 1u);
}

// From EL0, and back to it.
TEST_P(Exceptions, FromEl0) {
  m().map(m().kernel_table(), kVa, kData, kMapUser | kMapReadOnly);
  Code user(kVa);
  user(movz(0, 5), svc(9), ldr(1, 2), hvc(3));
  m().load(kData, user.words());
  m().load(kVectors + 0x400, {hvc(0), kEret});
  Code c(kCode);
  c.load(1, kVa)(msr(kElr, 1), msr(kSpsr, kZr)).load(2, kCode)(kEret);
  run(c);
  EXPECT_EQ(m().vector(), 0x400u);
  EXPECT_EQ(m().state().esr, 0x56000009u);
  EXPECT_EQ(m().state().elr, kVa + 8);
  EXPECT_EQ(m().state().spsr, 0u);
  ASSERT_TRUE(m().run_to_hvc());  // back, and on to the load of what EL0 may not read
  EXPECT_EQ(m().state().esr, 0x9200000fu);
  EXPECT_EQ(m().state().far, kCode);
  EXPECT_EQ(m().state().elr, kVa + 8);
}

// What is wrong with a branch's target is found when time comes to execute it: an interrupt may be first.
TEST_P(Exceptions, ABudgetEndsBeforeTheTargetsFault) {
  for (const uint64_t target : {kVa + 1, kVa + 4 * kPage}) {
    for (unsigned round = 0; round < 3; ++round) {
      m().vcpu->set_exact(true);
      Code c(kCode);
      c.load(1, target)(br(1));
      m().load(c);
      m().start(kCode);
      const uint64_t before = m().vcpu->instructions(), n = c.words().size();
      ASSERT_EQ(m().run(n), AfterExit::kContinue);
      EXPECT_EQ(m().vcpu->instructions() - before, n);
      EXPECT_EQ(m().cpu->pc(), target);
      ASSERT_TRUE(m().run_to_hvc());
      EXPECT_EQ(m().vcpu->instructions() - before, n + 2);
      EXPECT_EQ(m().state().elr, target);
    }
  }
}

// With TCR_EL1.TBI0 a branch drops the tag of its target: from the pc, and so from FAR_EL1, ADR and BL.
TEST_P(Exceptions, TaggedBranchTargets) {
  constexpr uint64_t kTag = uint64_t{0x35} << 56;
  m().state().tcr |= uint64_t{1} << 37;
  m().load(kData, {0x10000002 /* adr x2, . */, hvc(2)});
  for (unsigned round = 0; round < 4; ++round) {
    for (const Word branch : {br(1), blr(1), ret(1)}) {
      for (const uint64_t target : {kVa, kVa + 4 * kPage}) {
        m().load(kCode, {branch});
        m().x(1) = target | kTag;
        m().x(2) = 0;
        m().start(kCode);
        ASSERT_TRUE(m().run_to_hvc());
        if (target == kVa) {
          EXPECT_FALSE(m().vector());
          EXPECT_EQ(m().x(2), kVa);
          EXPECT_EQ(m().cpu->pc(), kVa + 8);
        } else {
          EXPECT_EQ(m().vector(), 0x200u);
          EXPECT_EQ(m().state().far, target);
          EXPECT_EQ(m().state().elr, target);
        }
      }
    }
  }
}

// An access that faults does so at its own time: what the exception starts or stops counts from there.
TEST_P(Exceptions, TimeOfAFault) {
  uint64_t at = 0;
  m().cpu->on_exception = [&](const arm::Exception&, uint64_t) { at = m().vcpu->instructions(); };
  for (const uint64_t base : {kVa + 4 * kPage, kDevice + 0x1000}) {
    Code c(kCode);
    c.load(1, base)(kNop, kNop, ldr(2, 1), hvc(1));
    m().load(c);
    m().start(kCode);
    const uint64_t before = m().vcpu->instructions();
    ASSERT_TRUE(m().run_to_hvc());
    EXPECT_EQ(at - before, c.words().size() - 2);
  }
}

// Instructions that may leave behind themselves, as the last ones of a page.
TEST_P(Exceptions, AtThePagesEnd) {
  m().load(kVectors + 0x280, {hvc(0x280)});
  for (const Word word : {daifclr(2), add_imm(kSp, 1, 8), msr(system(3, 3, 4, 2, 1), kZr)}) {
    for (unsigned round = 0; round < 3; ++round) {
      const uint64_t next = kCode + kPage;
      m().load(next - 12, {kNop, kNop, word, daifclr(2), ldr(3, kSp), hvc(1)});
      m().state().sctlr |= 8;  // SA
      m().state().irq_pending = 1;
      m().start(next - 12);
      m().state().sp() = kData;
      m().x(1) = kData;
      ASSERT_TRUE(m().run_to_hvc());
      EXPECT_EQ(m().vector(), 0x280u);
      EXPECT_EQ(m().state().elr, word == add_imm(kSp, 1, 8) ? next + 4 : next) << std::hex << word;
    }
  }
}

}  // namespace
}  // namespace mynah::test
