// SPDX-License-Identifier: Apache-2.0
//
// The soft TLB as a program sees it: address spaces, privilege, what each kind of invalidation reaches; and
// that a code cache which overflows is nothing that a program can notice.
#include "tests/engine/engine_test.h"

namespace mynah::test {
namespace {

using namespace a64asm;

constexpr uint64_t kVa = 0x10000000;
constexpr uint64_t kTagged = uint64_t{0xab} << 56;

enum Label { kLoop, kFault, kEnd };

class TranslationTest : public EngineTest {
 protected:
  // TTBR0 with an ASID. The program's own page must be mapped there, too.
  static Code& switch_to(Code& c, uint64_t table, unsigned asid) {
    return c.load(16, table | uint64_t{asid} << 48)(msr(kTtbr0, 16), kIsb);
  }
  // A table with the program, the vectors, the data page of `i` at kVa.
  static uint64_t new_space(BareMachine& m, uint64_t data_pa, uint64_t flags) {
    const uint64_t table = m.new_table();
    for (uint64_t at = kRam; at < kRam + (2 << 20); at += kPage) m.map(table, at, at);
    for (uint64_t at = kTables; at < kTables + (4 << 20); at += kPage) m.map(table, at, at);
    m.map(table, kVa, data_pa, flags);
    return table;
  }
};
MYNAH_BOTH_ACCELERATORS(TranslationTest);

TEST_P(TranslationTest, AddressSpaces) {
  BareMachine m(options());
  constexpr unsigned kSpaces = 40;  // more than there are contexts
  std::vector<uint64_t> tables;
  for (unsigned i = 0; i < kSpaces; ++i) {
    tables.push_back(new_space(m, kData + i * kPage, kMapNotGlobal));
    m.write(kData + i * kPage, i + 1);
  }
  Code c(kCode);
  c.load(1, kVa)(movz(20, 0), movz(9, 5)).bind(kLoop);
  for (unsigned i = 0; i < kSpaces; ++i) {
    switch_to(c, tables[i], i + 1);
    c(ldr(2, 1), add(20, 20, 2), add_imm(2, 2, 1), str(2, 1));
  }
  c(subs_imm(9, 9, 1)).b_cc(kNe, kLoop)(hvc(0));
  m.load(c);
  ASSERT_TRUE(m.run_to_hvc());
  EXPECT_FALSE(m.vector());
  EXPECT_EQ(m.x(20), 5u * kSpaces * (kSpaces + 1) / 2 + 10 * kSpaces);
  for (unsigned i = 0; i < kSpaces; ++i) EXPECT_EQ(m.read(kData + i * kPage), i + 6u);
}

// Code at one virtual address of two spaces: each executes its own.
TEST_P(TranslationTest, CodeOfAddressSpaces) {
  BareMachine m(options());
  std::vector<uint64_t> tables;
  for (unsigned i = 0; i < 3; ++i) {
    tables.push_back(new_space(m, kData + i * kPage, kMapNotGlobal));
    m.load(kData + i * kPage, {movz(0, i + 1), add_imm(0, 0, 10), ret()});
  }
  Code c(kCode);
  c.load(1, kVa)(movz(20, 0), movz(9, 30)).bind(kLoop);
  for (unsigned i = 0; i < 3; ++i) {
    switch_to(c, tables[i], i + 1);
    c(blr(1), ror_imm(20, 20, 3), add(20, 20, 0));
  }
  c(subs_imm(9, 9, 1)).b_cc(kNe, kLoop)(hvc(0));
  m.load(c);
  ASSERT_TRUE(m.run_to_hvc());
  uint64_t expected = 0;
  for (unsigned i = 0; i < 90; ++i) expected = (expected >> 3 | expected << 61) + 11 + i % 3;
  EXPECT_EQ(m.x(20), expected);
}

// Spaces that share a page of code and differ in the next one, which it runs into and branches to.
TEST_P(TranslationTest, NextPagesOfAddressSpaces) {
  BareMachine m(options());
  constexpr uint64_t kShared = kCode + 16 * kPage;
  constexpr unsigned kSpaces = 6;
  std::vector<uint64_t> tables;
  for (unsigned i = 0; i < kSpaces; ++i) {
    tables.push_back(new_space(m, kShared, kMapNotGlobal));
    m.map(tables[i], kVa + kPage, kData + i * kPage, kMapNotGlobal);
    m.load(kData + i * kPage, {add_imm(20, 20, 1 << i), ret(), add_imm(21, 21, 1 << i), ret()});
  }
  m.load(kShared + kPage - 12, {b(12 + 8), add_imm(20, 20, 0), add_imm(21, 21, 0)});
  Code c(kCode);
  c.load(1, kVa + kPage - 8).load(2, kVa + kPage - 12)(movz(20, 0), movz(21, 0), movz(9, 50)).bind(kLoop);
  for (unsigned i = 0; i < kSpaces; ++i) {
    switch_to(c, tables[i], i / 2 + 1);  // two tables an ASID
    if (i % 2) c.load(3, uint64_t{i / 2 + 1} << 48)(tlbi_asid(3), kDsb, kIsb);
    c(blr(1), blr(2), blr(1));
    if (i % 2) c(tlbi_asid(3), kDsb, kIsb);
  }
  c(subs_imm(9, 9, 1)).b_cc(kNe, kLoop)(hvc(0));
  m.load(c);
  ASSERT_TRUE(m.run_to_hvc());
  EXPECT_EQ(m.x(20), 2u * 50 * 63);
  EXPECT_EQ(m.x(21), 50u * 63);
}

// One ASID for two spaces, with the invalidation that this takes.
TEST_P(TranslationTest, ReusedAsid) {
  BareMachine m(options());
  const uint64_t a = new_space(m, kData, kMapNotGlobal), b = new_space(m, kData + kPage, kMapNotGlobal);
  m.write(kData, 1);
  m.write(kData + kPage, 2);
  Code c(kCode);
  c.load(1, kVa);
  switch_to(c, a, 7);
  c(ldr(2, 1)).load(3, uint64_t{7} << 48)(kDsb, tlbi_asid(3), kDsb);
  switch_to(c, b, 7);
  c(ldr(4, 1), hvc(0));
  m.load(c);
  ASSERT_TRUE(m.run_to_hvc());
  EXPECT_EQ(m.x(2), 1u);
  EXPECT_EQ(m.x(4), 2u);
}

// An entry changed in memory is seen after any invalidation that covers it.
TEST_P(TranslationTest, Invalidations) {
  struct Row {
    const char* name;
    Word word;
    uint64_t argument;
    uint64_t flags;
  };
  constexpr uint64_t kAsid5 = uint64_t{5} << 48;
  constexpr uint64_t kRange = uint64_t{1} << 46;  // 4 KiB pages, two of them
  for (const Row row :
       {Row{"VMALLE1", kTlbiAll, 0, 0}, Row{"VAE1", tlbi_va(3), kVa >> 12 | kAsid5, kMapNotGlobal},
        Row{"VAE1, global", tlbi_va(3), kVa >> 12, 0}, Row{"VAAE1", tlbi_va_all(3), kVa >> 12, kMapNotGlobal},
        Row{"ASIDE1", tlbi_asid(3), kAsid5, kMapNotGlobal},
        Row{"RVAE1", tlbi_range(3), kVa >> 12 | kAsid5 | kRange, kMapNotGlobal}}) {
    BareMachine m(options());
    const uint64_t table = new_space(m, kData, row.flags);
    m.write(kData, 1);
    m.write(kData + kPage, 2);
    Code c(kCode);
    switch_to(c, table, 5);
    c.load(1, kVa)
        .load(2, m.pte_address(table, kVa))
        .load(3, row.argument)
        .load(4, BareMachine::pte(kData + kPage, row.flags));
    c(ldr(10, 1), str(10, 1, 8), str(4, 2), kDsb, row.word, kDsb, kIsb, ldr(11, 1), str(11, 1, 16), hvc(0));
    m.load(c);
    ASSERT_TRUE(m.run_to_hvc()) << row.name;
    EXPECT_EQ(m.x(10), 1u) << row.name;
    EXPECT_EQ(m.x(11), 2u) << row.name;
    EXPECT_EQ(m.read(kData + 8), 1u) << row.name;
    EXPECT_EQ(m.read(kData + kPage + 16), 2u) << row.name;
    EXPECT_EQ(m.read(kData + 16), 0u) << row.name;
  }
}

// Invalidating one address of a 2 MiB block drops all of it.
TEST_P(TranslationTest, InvalidationOfABlock) {
  BareMachine m(options());
  const uint64_t table = new_space(m, kData, 0), block_va = 0x20000000;
  m.pte_address(table, block_va);  // makes the level 2 table
  const uint64_t level2 = m.read(table + (block_va >> 30) * 8) & 0xfffffffff000;
  const uint64_t entry = level2 + (block_va >> 21 & 511) * 8;
  constexpr uint64_t kBlock = 0x701;
  m.write(entry, (kRam + (4 << 20)) | kBlock);
  m.write(kRam + (4 << 20) + 0x5000, 1);
  m.write(kRam + (6 << 20) + 0x5000, 2);
  Code c(kCode);
  switch_to(c, table, 1);
  c.load(1, block_va + 0x5000)
      .load(2, entry)
      .load(3, (block_va + 0x100000) >> 12)
      .load(4, (kRam + (6 << 20)) | kBlock);
  c(ldr(10, 1), str(4, 2), kDsb, tlbi_va(3), kDsb, kIsb, ldr(11, 1), hvc(0));
  m.load(c);
  ASSERT_TRUE(m.run_to_hvc());
  EXPECT_EQ(m.x(10), 1u);
  EXPECT_EQ(m.x(11), 2u);
}

// A mapping that becomes read-only, and one that goes away.
TEST_P(TranslationTest, PermissionsTaken) {
  for (const bool gone : {false, true}) {
    BareMachine m(options());
    m.map(m.kernel_table(), kVa, kData);
    Code c(kCode);
    c.load(1, kVa).load(2, m.pte_address(m.kernel_table(), kVa)).load(3, kVa >> 12);
    c.load(4, gone ? 0 : BareMachine::pte(kData, kMapReadOnly));
    c(movz(5, 5), str(5, 1), str(4, 2), kDsb, tlbi_va(3), kDsb, kIsb);
    c(gone ? kNop : ldr(6, 1)).bind(kFault)(str(kZr, 1), hvc(0));
    m.load(c);
    ASSERT_TRUE(m.run_to_hvc());
    EXPECT_EQ(m.vector(), 0x200u);
    EXPECT_EQ(m.state().elr, c.at(kFault));
    EXPECT_EQ(m.state().esr, gone ? 0x96000047u : 0x9600004fu);
    EXPECT_EQ(m.read(kData), 5u);
  }
}

// TTBR1 maps the upper half.
TEST_P(TranslationTest, UpperHalf) {
  BareMachine m(options());
  const uint64_t va = 0xffffffc000000000 | 0x12345000, table = m.new_table();
  m.map(table, va & 0x7fffffffff, kData);
  m.load(kData, {movz(0, 3), ret()});
  Code c(kCode);
  c.load(1, va).load(2, table)(msr(kTtbr1, 2), kIsb, ldr_w(3, 1), blr(1), hvc(0));
  m.load(c);
  ASSERT_TRUE(m.run_to_hvc());
  EXPECT_EQ(m.x(3), movz(0, 3));
  EXPECT_EQ(m.x(0), 3u);
}

// Code of the upper half that is not global: what it leads to is the same for every id as long as the tables
// are, and an invalidation by id ends that for the id, whichever is current; an id that was never used sees
// the tables as they are.
TEST_P(TranslationTest, UpperHalfByAddressSpaceId) {
  for (const unsigned invalidated_from : {5u, 7u}) {
    BareMachine m(options());
    const uint64_t va = 0xffffffc000000000 | 0x12345000, table = m.new_table();
    const uint64_t pages[] = {kData, kData + kPage, kData + 2 * kPage};
    m.map(table, va & 0x7fffffffff, pages[0], kMapNotGlobal);
    m.map(table, (va + kPage) & 0x7fffffffff, pages[1], kMapNotGlobal);
    m.load(pages[0], {b(int64_t{kPage})});
    m.load(pages[1], {movz(0, 1), ret()});
    m.load(pages[2], {movz(0, 2), ret()});
    const uint64_t pte = m.pte_address(table, (va + kPage) & 0x7fffffffff);
    Code c(kCode);
    c.load(1, va).load(2, table)(msr(kTtbr1, 2), kIsb, movz(20, 0), movz(9, 10));
    c.bind(kLoop);
    for (const unsigned asid : {5u, 7u})
      for (unsigned i = 0; i < 3; ++i) switch_to(c, m.kernel_table(), asid)(blr(1), add(20, 20, 0));
    c(subs_imm(9, 9, 1)).b_cc(kNe, kLoop);
    switch_to(c, m.kernel_table(), invalidated_from);
    c.load(3, pte).load(4, BareMachine::pte(pages[2], kMapNotGlobal)).load(5, uint64_t{5} << 48);
    c(str(4, 3), kDsb, tlbi_asid(5), kDsb, kIsb);
    switch_to(c, m.kernel_table(), 5)(blr(1), add_imm(21, 0, 0));
    switch_to(c, m.kernel_table(), 9)(blr(1), add_imm(22, 0, 0));
    switch_to(c, m.kernel_table(), 5)(blr(1), add_imm(23, 0, 0), hvc(0));
    m.load(c);
    ASSERT_TRUE(m.run_to_hvc());
    EXPECT_EQ(m.x(20), 60u);
    EXPECT_EQ(m.x(21), 2u) << invalidated_from;
    EXPECT_EQ(m.x(22), 2u) << invalidated_from;
    EXPECT_EQ(m.x(23), 2u) << invalidated_from;
  }
}

// TBI: the top byte is not part of the address.
TEST_P(TranslationTest, TopByteIgnored) {
  BareMachine m(options());
  m.map(m.kernel_table(), kVa, kData);
  m.map(m.kernel_table(), kVa + kPage, kData + 5 * kPage);
  m.state().tcr |= uint64_t{1} << 37;
  m.vcpu->translation_changed();
  m.load(kData + 64, {movz(0, 3), ret()});
  m.write(kData + kPage - 8, 0x1111111111111111);
  m.write(kData + 5 * kPage, 0x2222222222222222);
  Code c(kCode);
  c.load(1, kVa).load(2, kVa | kTagged).load(3, (kVa + 64) | kTagged).load(4, (kVa + kPage) | kTagged);
  c(movz(5, 5), str(5, 2, 8), ldr(6, 1, 8), ldr(7, 2, 8), blr(3), ldur(8, 4, -4));
  // The write permission goes away for the address with and without a tag.
  c.load(10, m.pte_address(m.kernel_table(), kVa))
      .load(11, BareMachine::pte(kData, kMapReadOnly))
      .load(12, kVa >> 12);
  c(str(11, 10), kDsb, tlbi_va(12), kDsb, kIsb).bind(kFault)(str(5, 2, 8), hvc(0));
  m.load(c);
  ASSERT_TRUE(m.run_to_hvc());
  EXPECT_EQ(m.x(6), 5u);
  EXPECT_EQ(m.x(7), 5u);
  EXPECT_EQ(m.x(0), 3u);
  EXPECT_EQ(m.x(8), 0x2222222211111111u);
  EXPECT_EQ(m.vector(), 0x200u);
  EXPECT_EQ(m.state().elr, c.at(kFault));
}

// --- privilege

TEST_P(TranslationTest, Pan) {
  BareMachine m(options());
  m.map(m.kernel_table(), kVa, kData, kMapUser);
  m.write(kData, 7);
  Code c(kCode);
  c.load(1, kVa)(msr_pan(0), ldr(2, 1), str(2, 1, 8), msr_pan(1), ldtr(3, 1), sttr(3, 1, 16));
  c.bind(kFault)(ldr(4, 1), hvc(1));
  m.load(c);
  ASSERT_TRUE(m.run_to_hvc());
  EXPECT_EQ(m.vector(), 0x200u);
  EXPECT_EQ(m.state().elr, c.at(kFault));
  EXPECT_EQ(m.state().esr, 0x9600000fu);
  EXPECT_EQ(m.state().far, kVa);
  EXPECT_EQ(m.x(2), 7u);
  EXPECT_EQ(m.x(3), 7u);
  EXPECT_EQ(m.read(kData + 8), 7u);
  EXPECT_EQ(m.read(kData + 16), 7u);
  EXPECT_EQ(m.state().spsr >> 22 & 1, 1u);
}

TEST_P(TranslationTest, PanOnAndOff) {
  for (const bool hidden : {false, true}) {  // by TCR_EL1.E0PD0, which is nothing to PAN
    BareMachine m(options());
    if (hidden) m.state().tcr |= uint64_t{1} << 55;
    m.map(m.kernel_table(), kVa, kData, kMapUser);
    m.load(kVectors + 0x200, {mrs(10, kElr), add_imm(10, 10, 4), msr(kElr, 10), add_imm(20, 20, 1), kEret});
    Code c(kCode);
    c.load(1, kVa)(movz(9, 50), movz(20, 0), movz(21, 0)).bind(kLoop);
    c(msr_pan(1), ldr(2, 1), msr_pan(0), ldr(2, 1), add_imm(2, 2, 1), str(2, 1), subs_imm(9, 9, 1))
        .b_cc(kNe, kLoop);
    c(hvc(0));
    m.load(c);
    ASSERT_TRUE(m.run_to_hvc());
    EXPECT_EQ(m.x(20), 50u);
    EXPECT_EQ(m.read(kData), 50u);
  }
}

// LDTR and STTR have EL0's permissions.
TEST_P(TranslationTest, Unprivileged) {
  struct Row {
    uint64_t flags;
    Word word;
    bool faults;
  };
  for (const Row row :
       {Row{0, ldtr(3, 1), true}, Row{0, sttr(3, 1), true}, Row{kMapUser, sttr(3, 1), false},
        Row{kMapUser | kMapReadOnly, ldtr(3, 1), false}, Row{kMapUser | kMapReadOnly, sttr(3, 1), true}}) {
    BareMachine m(options());
    m.map(m.kernel_table(), kVa, kData, row.flags);
    Code c(kCode);
    c.load(1, kVa)(msr_pan(0), ldr(2, 1));  // privileged reads of it come first, and are in the TLB
    if (!(row.flags & kMapReadOnly)) c(str(2, 1));
    c.bind(kFault)(row.word, hvc(1));
    m.load(c);
    ASSERT_TRUE(m.run_to_hvc());
    EXPECT_EQ(m.vector().has_value(), row.faults) << std::hex << row.word << " " << row.flags;
    if (row.faults) {
      EXPECT_EQ(m.state().elr, c.at(kFault));
      EXPECT_EQ(m.state().esr & 0xfc00003f, 0x9400000fu);
    }
  }
}

// EL0 does not get at what EL1 put into the TLB, nor EL1 at what it may not execute.
TEST_P(TranslationTest, LevelsInTurn) {
  BareMachine m(options());
  m.map(m.kernel_table(), kVa, kData, kMapUser | kMapReadOnly);
  Code user(kVa);
  user(ldr(2, 1), svc(0)).b(kLoop).bind(kLoop)(svc(0));
  m.load(kData, user.words());
  Code lower(kVectors + 0x400);
  lower(add_imm(20, 20, 1), hvc(0));
  m.load(lower);
  Code c(kCode);
  c.load(1, kData + kPage)(ldr(2, 1), str(2, 1)).load(3, kVa)(msr(kElr, 3), msr(kSpsr, kZr), kEret);
  m.load(c);
  ASSERT_TRUE(m.run_to_hvc());
  EXPECT_EQ(m.state().esr, 0x9200000fu);
  EXPECT_EQ(m.state().elr, kVa);
}

// --- the code cache is full

TEST_P(TranslationTest, CodeCacheOverflows) {
  BareOptions o = options();
  o.code_bytes = 64 << 10;  // the smallest there is
  o.validate = false;
  BareMachine m(o);
  // Two thousand pieces of code; each goes on to the next one or to another, as the value so far has it.
  constexpr unsigned kPieces = 2000, kWords = 8;
  constexpr uint64_t kBase = kRam + 0x200000;
  uint64_t seed = 1;
  std::vector<Word> words(kPieces * kWords, kNop);
  for (unsigned i = 0; i < kPieces; ++i) {
    seed = seed * 6364136223846793005 + 1442695040888963407;
    const auto other = static_cast<unsigned>(seed >> 33) % kPieces, next = (i + 1) % kPieces;
    const auto distance = [&](unsigned to, unsigned word) {
      return 4 * (static_cast<int64_t>(to * kWords) - static_cast<int64_t>(i * kWords + word));
    };
    Word* w = &words[i * kWords];
    w[0] = add_imm(20, 20, i & 0xfff);
    w[1] = ror_imm(20, 20, 7);
    w[2] = tbnz(20, 5, 8);
    w[3] = b(distance(other, 3));
    w[4] = b(distance(next, 4));
  }
  m.load(kBase, words);
  Code c(kCode);
  c(movz(20, 0)).load(1, kBase)(br(1));
  m.load(c);
  uint64_t expected[2];
  for (uint64_t& x : expected) {
    m.run(300'000);
    x = m.x(20);
  }
  BareMachine other({.accelerator = Accelerator::kInterp});
  other.load(kBase, words);
  other.load(c);
  for (const uint64_t x : expected) {
    other.run(300'000);
    EXPECT_EQ(other.x(20), x);
  }
  EXPECT_EQ(other.snapshot(), m.snapshot());
  if (jit()) {
    EXPECT_GT(m.cache_stats().flushes, 3u);
    EXPECT_LE(m.vcpu->cache()->code_used(), o.code_bytes);
  }
}

// Less than one region needs: the cache takes what it must.
TEST_P(TranslationTest, CodeCacheTooSmall) {
  BareOptions o = options();
  o.code_bytes = 4096;
  BareMachine m(o);
  Code c(kCode);
  c(movz(0, 0)).bind(kLoop)(add_imm(0, 0, 1), cmp_imm(0, 100)).b_cc(kNe, kLoop)(hvc(0));
  m.load(c);
  ASSERT_TRUE(m.run_to_hvc());
  EXPECT_EQ(m.x(0), 100u);
}

}  // namespace
}  // namespace mynah::test
