// SPDX-License-Identifier: Apache-2.0
//
// Mappings larger than a page together with invalidation by address: an invalidation ends the mapping that it
// names, all of it, and nothing else.
#include "tests/engine/engine_test.h"

namespace mynah::test {
namespace {

using namespace a64asm;

constexpr uint64_t kBlock = 2 << 20, kGiga = 1 << 30, kFirst = 0x1000000000;
constexpr uint64_t block(uint64_t pa) { return pa | 0x701; }  // AF, inner shareable, normal memory

TlbEntry look(BareMachine& m, uint64_t va) {
  const TlbEntry* e = m.vcpu->tlb().lookup(va, m.cpu->context_key().translation);
  return e ? *e : TlbEntry{};
}
bool known(BareMachine& m, uint64_t va) { return look(m, va).page == va >> 12; }

Translation mapping(uint64_t pa, unsigned bits) {
  Translation t;
  t.pa = pa;
  t.page_bits = static_cast<uint8_t>(bits);
  t.permissions[1] = kCanRead | kCanWrite | kCanExecute;
  return t;
}

// 8 GiB by 2 MiB pages, all touched, as a kernel's map of its memory; a program's pages come and go beside
// it.
TEST(LargeMappings, InvalidatingAPageLeavesTheRest) {
  BareMachine m;
  Tlb& tlb = m.vcpu->tlb();
  const TranslationKey key = m.cpu->context_key().translation;
  const uint64_t program = 0x55'5000'0000;
  for (uint64_t at = 0; at < 8 * kGiga; at += kBlock) tlb.insert(kFirst + at, key, mapping(kRam, 21));
  for (unsigned i = 0; i < 64; ++i) tlb.insert(program + i * kPage, key, mapping(kRam, 12));
  const uint64_t full = tlb.stats.full_invalidations;
  unsigned before = 0, after = 0;
  for (uint64_t at = 0; at < 8 * kGiga; at += kBlock) before += known(m, kFirst + at);
  for (unsigned i = 0; i < 64; ++i) {
    EXPECT_TRUE(known(m, program + i * kPage));
    tlb.invalidate_pages(program + i * kPage, 1, false, key.asid);
    EXPECT_FALSE(known(m, program + i * kPage));
    if (i < 63) {
      EXPECT_TRUE(known(m, program + (i + 1) * kPage));
    }
  }
  for (uint64_t at = 0; at < 8 * kGiga; at += kBlock) after += known(m, kFirst + at);
  EXPECT_EQ(after, before);
  EXPECT_EQ(tlb.stats.full_invalidations, full);
}

TEST(LargeMappings, AnyOfItsAddressesEndsAllOfIt) {
  for (const unsigned bits : {14u, 16u, 21u, 25u, 30u}) {
    BareMachine m;
    Tlb& tlb = m.vcpu->tlb();
    const TranslationKey key = m.cpu->context_key().translation;
    const uint64_t size = uint64_t{1} << bits, other = kFirst + size;
    for (const uint64_t at : {kFirst, kFirst + kPage, other - kPage, other})
      tlb.insert(at, key, mapping(kRam, bits));
    tlb.invalidate_pages(kFirst + size / 2, 1, false, key.asid);
    EXPECT_FALSE(known(m, kFirst)) << bits;
    EXPECT_FALSE(known(m, kFirst + kPage)) << bits;
    EXPECT_FALSE(known(m, other - kPage)) << bits;
    EXPECT_TRUE(known(m, other)) << bits;
    EXPECT_EQ(tlb.stats.full_invalidations, 0u) << bits;
  }
}

// More of them than are remembered.
TEST(LargeMappings, AreBounded) {
  BareMachine m;
  Tlb& tlb = m.vcpu->tlb();
  const TranslationKey key = m.cpu->context_key().translation;
  for (uint64_t i = 0; i < 200'000; ++i) tlb.insert(i * kBlock, key, mapping(kRam, 21));
  EXPECT_GE(tlb.stats.full_invalidations, 2u);
  tlb.insert(kFirst, key, mapping(kRam, 21));
  tlb.invalidate_pages(kFirst + 5 * kPage, 1, true, 0);
  EXPECT_FALSE(known(m, kFirst));
}

// A guest that reads through blocks of 2 MiB while a page elsewhere is invalidated walks its tables no more
// than it must; and sees at once that a block has moved, whatever address of it is named.
TEST(LargeMappings, InAGuest) {
  BareMachine m;
  constexpr unsigned kBlocks = 4;
  const uint64_t level2 = m.new_table(), page = 0x30000000;
  for (unsigned i = 0; i < kBlocks; ++i) m.write(level2 + 8 * i, block(kRam + i % 2 * kBlock));
  m.write(m.kernel_table() + 8 * (kFirst >> 30), level2 | 3);
  m.map(m.kernel_table(), page, kData);
  m.write(kRam + 0x1ff000, 1);
  m.write(kRam + kBlock + 0x1ff000, 2);
  enum Label { kLoop };
  Code c(kCode);
  c.load(1, kFirst + 0x1ff000).load(2, page).load(3, page >> 12).load(9, 1000)(movz(0, 0)).load(5, kBlock);
  c.bind(kLoop)(mov(6, 1));
  for (unsigned i = 0; i < kBlocks; ++i) c(ldr(7, 6), add(0, 0, 7), add(6, 6, 5));
  c(ldr(7, 2), tlbi_va(3), kDsb, kIsb, subs_imm(9, 9, 1)).b_cc(kNe, kLoop);
  // The first block moves; its invalidation names another of its pages.
  c.load(4, level2).load(6, block(kRam + kBlock))(str(6, 4)).load(6, (kFirst + 0x3000) >> 12);
  c(kDsb, tlbi_va(6), kDsb, kIsb, ldr(20, 1), hvc(0));
  m.load(c);
  ASSERT_TRUE(m.run_to_hvc());
  EXPECT_EQ(m.x(0), 1000u * (1 + 2 + 1 + 2));
  EXPECT_EQ(m.x(20), 2u);
  EXPECT_EQ(m.vcpu->tlb().stats.full_invalidations, 0u);
  EXPECT_LT(m.vcpu->tlb().stats.walks, 1100u);  // the page's, each round
}

// A backend whose code needs no stack costs none.
TEST(ReturnStackMemory, NoneWhereNoneIsWanted) {
  const ReturnStacks stacks(4, 0);
  EXPECT_EQ(stacks.end(3), nullptr);
}

// Between the stacks of two contexts lies a page that nobody may touch.
TEST(ReturnStackMemoryDeathTest, EndsInAGuardPage) {
  const ReturnStacks stacks(4, ir::kReturnStackBytes);
  for (unsigned i = 0; i < 4; ++i) {
    volatile uint8_t* stack = reinterpret_cast<uint8_t*>(stacks.end(i) + 1) - ir::kReturnStackBytes;
    stack[0] = 1;
    EXPECT_DEATH(stack[-1] = 1, "");
  }
}

}  // namespace
}  // namespace mynah::test
