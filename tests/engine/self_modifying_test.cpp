// SPDX-License-Identifier: Apache-2.0
//
// Code that changes: by the guest's own stores, near and far, through other mappings, by devices; and what
// that costs where code and data share a page.
#include <chrono>
#include <utility>

#include "tests/engine/engine_test.h"

namespace mynah::test {
namespace {

using namespace a64asm;

class SelfModifying : public EngineTest {
 protected:
  // The store of a word and what the manual asks for before it may be executed.
  static void patch(Code& c, unsigned word, unsigned address) {
    c(str_w(word, address), dc_cvau(address), kDsb, ic_ivau(address), kDsb, kIsb);
  }
};
MYNAH_BOTH_ACCELERATORS(SelfModifying);

enum Label { kLoop, kTarget, kFunction, kEnd, kNewWord };

// The changed instruction follows in what would be the same block.
TEST_P(SelfModifying, SameBlock) {
  BareMachine m(options());
  Code c(kCode);
  c(movz(0, 0), movz(9, 3)).adr(1, kTarget).load(2, add_imm(0, 0, 16));
  c.bind(kLoop);
  patch(c, 2, 1);
  c.bind(kTarget)(add_imm(0, 0, 1));
  c.load(2, add_imm(0, 0, 256))(subs_imm(9, 9, 1)).b_cc(kNe, kLoop)(hvc(0));
  m.load(c);
  ASSERT_TRUE(m.run_to_hvc());
  EXPECT_EQ(m.x(0), 16u + 256 + 256);
}

TEST_P(SelfModifying, NextBlock) {
  BareMachine m(options());
  Code c(kCode);
  c(movz(0, 0), movz(9, 4)).adr(1, kTarget);
  c.bind(kLoop);
  // The word's immediate grows with each round.
  c.load(2, add_imm(0, 0, 0))(movz(3, 1 << 10), madd(2, 9, 3, 2));
  patch(c, 2, 1);
  c.b(kTarget).bind(kTarget)(add_imm(0, 0, 1))(subs_imm(9, 9, 1)).b_cc(kNe, kLoop)(hvc(0));
  m.load(c);
  ASSERT_TRUE(m.run_to_hvc());
  EXPECT_EQ(m.x(0), 4u + 3 + 2 + 1);
}

// A block that branches to itself and changes itself.
TEST_P(SelfModifying, OwnLoop) {
  BareMachine m(options());
  Code c(kCode);
  c(movz(0, 0), movz(9, 50)).adr(1, kTarget).load(2, add_imm(0, 0, 1))(movz(3, 1 << 10));
  c.bind(kLoop).bind(kTarget)(add_imm(0, 0, 0), add(2, 2, 3));
  patch(c, 2, 1);
  c(subs_imm(9, 9, 1)).b_cc(kNe, kLoop)(hvc(0));
  m.load(c);
  ASSERT_TRUE(m.run_to_hvc());
  uint64_t expected = 0;
  for (unsigned i = 2; i <= 50; ++i) expected += i;
  EXPECT_EQ(m.x(0), expected);
}

// An eight-byte store whose upper half is the first instruction of a page.
TEST_P(SelfModifying, StoreAcrossPages) {
  BareMachine m(options());
  const uint64_t function = kCode + 4 * kPage;
  m.load(function - 4, {kNop, movz(0, 1), ret()});
  Code c(kCode);
  c.load(1, function).load(2, uint64_t{movz(0, 2)} << 32 | kNop);
  c(blr(1), mov(10, 0), stur(2, 1, -4), kDsb, kIsb, blr(1), mov(11, 0), hvc(0));
  m.load(c);
  ASSERT_TRUE(m.run_to_hvc());
  EXPECT_EQ(m.x(10), 1u);
  EXPECT_EQ(m.x(11), 2u);
}

// A pair whose first register ends a page without code and whose second begins a page of code that the guest
// mapped elsewhere than next to it.
TEST_P(SelfModifying, PairAcrossPagesThatAreNotNeighbours) {
  BareMachine m(options());
  const uint64_t va = 0x10000000, code_pa = kCode + 8 * kPage, data_pa = kData + 3 * kPage;
  m.map(m.kernel_table(), va, data_pa);
  m.map(m.kernel_table(), va + kPage, code_pa);
  m.load(code_pa, {movz(0, 1), ret()});
  Code c(kCode);
  c.load(1, va + kPage).load(2, 0x1122334455667788).load(3, uint64_t{ret()} << 32 | movz(0, 2));
  c(blr(1), mov(10, 0), stp(2, 3, 1, -8), kDsb, kIsb, blr(1), mov(11, 0), hvc(0));
  m.load(c);
  ASSERT_TRUE(m.run_to_hvc());
  EXPECT_EQ(m.x(10), 1u);
  EXPECT_EQ(m.x(11), 2u);
  EXPECT_EQ(m.read(data_pa + kPage - 8), 0x1122334455667788u);
}

// Two virtual addresses of the code page: written through one, executed through both.
TEST_P(SelfModifying, Alias) {
  BareMachine m(options());
  const uint64_t alias = 0x20000000, function = kCode + 4 * kPage;
  m.map(m.kernel_table(), alias, function);
  m.load(function, {movz(0, 1), ret()});
  Code c(kCode);
  c.load(1, function).load(2, alias).load(3, movz(0, 2)).load(4, movz(0, 3));
  // The alias is written once before there is code, so that a write entry for it exists.
  c(str(2, 2, 64));
  c(blr(1), mov(10, 0), blr(2), mov(11, 0));
  patch(c, 3, 2);
  c(blr(1), mov(12, 0), blr(2), mov(13, 0));
  patch(c, 4, 1);
  c(blr(2), mov(14, 0), blr(1), mov(15, 0), hvc(0));
  m.load(c);
  ASSERT_TRUE(m.run_to_hvc());
  for (unsigned i = 0; i < 6; ++i) EXPECT_EQ(m.x(10 + i), i / 2 + 1) << i;
}

// A block that ends where its page ends; what follows is another page's, which changes.
TEST_P(SelfModifying, ContinuesInTheNextPage) {
  BareMachine m(options());
  const uint64_t second = kCode + 5 * kPage;
  Code c(second - 3 * 4);
  c(add_imm(0, 0, 1), add_imm(0, 0, 2), add_imm(0, 0, 4));  // end of the first page
  c(add_imm(0, 0, 8), ret());
  m.load(c);
  Code start(kCode);
  start.load(1, second - 12).load(2, second).load(3, add_imm(0, 0, 64))(movz(0, 0), blr(1), mov(10, 0));
  patch(start, 3, 2);
  start(movz(0, 0), blr(1), mov(11, 0), hvc(0));
  m.load(start);
  ASSERT_TRUE(m.run_to_hvc());
  EXPECT_EQ(m.x(10), 15u);
  EXPECT_EQ(m.x(11), 7u + 64);
}

// The second page is mapped to other memory instead.
TEST_P(SelfModifying, NextPageRemapped) {
  BareMachine m(options());
  const uint64_t va = 0x30000000, first = kCode + 5 * kPage, second = kCode + 6 * kPage,
                 other = kCode + 9 * kPage;
  m.map(m.kernel_table(), va, first);
  m.map(m.kernel_table(), va + kPage, second);
  m.load(first + kPage - 4, {add_imm(0, 0, 1)});
  m.load(second, {add_imm(0, 0, 2), ret()});
  m.load(other, {add_imm(0, 0, 4), ret()});
  const uint64_t pte = m.pte_address(m.kernel_table(), va + kPage);
  Code c(kCode);
  c.load(1, va + kPage - 4).load(2, pte).load(3, BareMachine::pte(other, 0)).load(4, (va + kPage) >> 12);
  c(movz(0, 0), movz(9, 100)).bind(kLoop)(blr(1), subs_imm(9, 9, 1)).b_cc(kNe, kLoop)(mov(10, 0));
  c(str(3, 2), kDsb, tlbi_va(4), kDsb, kIsb, movz(0, 0), blr(1), mov(11, 0), hvc(0));
  m.load(c);
  ASSERT_TRUE(m.run_to_hvc());
  EXPECT_EQ(m.x(10), 300u);
  EXPECT_EQ(m.x(11), 5u);
}

// One page of code at two addresses, with other pages behind it.
TEST_P(SelfModifying, AliasesWithDifferentNeighbours) {
  BareMachine m(options());
  const uint64_t va[] = {0x30000000, 0x30010000}, shared = kCode + 5 * kPage;
  m.load(shared + kPage - 8, {add_imm(0, 0, 1), add_imm(0, 0, 1)});
  for (unsigned i = 0; i < 2; ++i) {
    const uint64_t second = kCode + (7 + i) * kPage;
    m.map(m.kernel_table(), va[i], shared);
    m.map(m.kernel_table(), va[i] + kPage, second);
    m.load(second, {movz(3, i + 1), madd(20, 20, 0, 3), ret()});
  }
  Code c(kCode);
  c.load(1, va[0] + kPage - 8).load(2, va[1] + kPage - 8)(movz(20, 0), movz(9, 20));
  c.bind(kLoop)(movz(0, 0), blr(1), movz(0, 1), blr(2), subs_imm(9, 9, 1)).b_cc(kNe, kLoop)(hvc(0));
  m.load(c);
  ASSERT_TRUE(m.run_to_hvc());
  uint64_t expected = 0;
  for (unsigned i = 0; i < 20; ++i) expected = (expected * 2 + 1) * 3 + 2;
  EXPECT_EQ(m.x(20), expected);
}

// A page of code replaced by another one at the same virtual address, reached by all kinds of branches.
TEST_P(SelfModifying, CodePageRemapped) {
  BareMachine m(options());
  const uint64_t va = kCode + 16 * kPage, pages[] = {kCode + 20 * kPage, kCode + 24 * kPage};
  for (unsigned i = 0; i < 2; ++i) {
    Code f(va);
    f(movz(0, 10 * (i + 1))).b(kTarget).bind(kTarget)(add_imm(0, 0, i), ret());
    m.load(pages[i], f.words());
  }
  m.map(m.kernel_table(), va, pages[0]);
  const uint64_t pte = m.pte_address(m.kernel_table(), va);
  Code c(kCode);
  c.load(1, va).load(2, pte).load(4, va >> 12).load(5, BareMachine::pte(pages[0], 0));
  c.load(6, BareMachine::pte(pages[1], 0))(movz(9, 20), movz(20, 0));
  c.bind(kLoop);
  c(a64asm::bl(static_cast<int64_t>(va - c.here())), add(20, 20, 0), blr(1), add(20, 20, 0));
  c(str(6, 2), kDsb, tlbi_va(4), kDsb, kIsb, mov(7, 5), mov(5, 6), mov(6, 7));  // the other one from now on
  c(subs_imm(9, 9, 1)).b_cc(kNe, kLoop)(hvc(0));
  m.load(c);
  ASSERT_TRUE(m.run_to_hvc());
  EXPECT_EQ(m.x(20), 20u * (10 + 21));
  if (jit()) {
    EXPECT_EQ(m.cache_stats().killed_by_store + m.cache_stats().killed_by_device, 0u);
    EXPECT_LT(m.cache_stats().blocks_made, 20u);
  }
}

TEST_P(SelfModifying, WrittenByDevice) {
  BareMachine m(options());
  m.load(kCode + kPage, {movz(0, 1), ret()});
  Code c(kCode);
  c.load(1, kCode + kPage).bind(kLoop)(blr(1), hvc(0)).b(kLoop);
  m.load(c);
  ASSERT_TRUE(m.run_to_hvc());
  EXPECT_EQ(m.x(0), 1u);
  for (unsigned i = 2; i < 40; ++i) {
    m.load(kCode + kPage, {movz(0, i)});
    ASSERT_TRUE(m.run_to_hvc());
    EXPECT_EQ(m.x(0), i);
  }
  if (jit()) {
    EXPECT_EQ(m.cache_stats().killed_by_device, 38u);
    EXPECT_EQ(m.cache_stats().killed_by_store, 0u);
  }
}

// Ten thousand versions of one function: time and memory stay bounded.
TEST_P(SelfModifying, TenThousandVersions) {
  BareOptions o = options();
  o.validate = false;
  BareMachine m(o);
  constexpr unsigned kRounds = 10000;
  m.load(kCode + kPage, {movz(0, 0), ret()});
  Code c(kCode);
  c.load(1, kCode + kPage).load(2, movz(0, 0))(movz(3, 1 << 5), movz(20, 0)).load(9, kRounds);
  c.bind(kLoop)(add(2, 2, 3));
  patch(c, 2, 1);
  c(blr(1), add(20, 20, 0), subs_imm(9, 9, 1)).b_cc(kNe, kLoop)(hvc(0));
  m.load(c);
  const auto start = std::chrono::steady_clock::now();
  ASSERT_TRUE(m.run_to_hvc());
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  EXPECT_EQ(m.x(20), uint64_t{kRounds} * (kRounds + 1) / 2);
  EXPECT_LT(seconds, 5) << "rewriting code takes too long";
  if (jit()) {
    const CodeCacheStats stats = m.cache_stats();
    EXPECT_EQ(stats.killed_by_store, kRounds - 1u);  // the first one was not translated yet
    EXPECT_LT(stats.blocks_made, kRounds + 100);
    EXPECT_LT(stats.metadata_bytes, kRounds * 64u);
    EXPECT_LE(m.vcpu->cache()->code_used(), o.code_bytes);
  }
}

// The same with more versions than the cache has room for.
TEST_P(SelfModifying, MoreVersionsThanCodeMemory) {
  BareOptions o = options();
  o.validate = false;
  o.code_bytes = 256 << 10;
  BareMachine m(o);
  constexpr unsigned kRounds = 5000;
  m.load(kCode + kPage, {movz(0, 0), ret()});
  Code c(kCode);
  c.load(1, kCode + kPage).load(2, movz(0, 0))(movz(3, 1 << 5), movz(20, 0)).load(9, kRounds);
  c.bind(kLoop)(add(2, 2, 3));
  patch(c, 2, 1);
  c(blr(1), add(20, 20, 0), subs_imm(9, 9, 1)).b_cc(kNe, kLoop)(hvc(0));
  m.load(c);
  ASSERT_TRUE(m.run_to_hvc());
  EXPECT_EQ(m.x(20), uint64_t{kRounds} * (kRounds + 1) / 2);
  if (jit()) {
    EXPECT_GT(m.cache_stats().flushes, 0u);
  }
}

// Two versions in turn: each is translated once.
TEST_P(SelfModifying, VersionsComeBack) {
  BareMachine m(options());
  constexpr unsigned kRounds = 1000;
  m.load(kCode + kPage, {movz(0, 1), ret()});
  Code c(kCode);
  c.load(1, kCode + kPage).load(2, movz(0, 1)).load(3, movz(0, 2))(movz(20, 0)).load(9, kRounds);
  c.bind(kLoop);
  for (unsigned word : {2, 3}) {
    patch(c, word, 1);
    c(blr(1), add(20, 20, 0));
  }
  c(subs_imm(9, 9, 1)).b_cc(kNe, kLoop)(hvc(0));
  m.load(c);
  ASSERT_TRUE(m.run_to_hvc());
  EXPECT_EQ(m.x(20), 3u * kRounds);
  if (jit()) {
    EXPECT_LT(m.cache_stats().blocks_made, 60u);
    EXPECT_GT(m.cache_stats().revived, 1000u);
  }
}

// Two pieces of code that a hash of 64 bits confuses, one multiplication a word, invertible as those are: the
// second one's bytes must be what runs, not the first one's translation.
TEST_P(SelfModifying, BytesOfTheSameHash) {
  const auto step = [](uint64_t h, uint64_t word) {
    h = (h ^ word) * 0x9e3779b97f4a7c15;
    return h ^ h >> 29;
  };
  const auto pair = [](Word low, Word high) { return uint64_t{high} << 32 | low; };
  const uint64_t first[] = {pair(movz(0, 1), kNop), pair(kNop, ret())};
  uint64_t second[] = {pair(movz(0, 2), ret()), 0};
  constexpr uint64_t kStart = 0xcbf29ce484222325 ^ 16;
  second[1] = first[1] ^ step(kStart, first[0]) ^ step(kStart, second[0]);
  ASSERT_EQ(step(step(kStart, first[0]), first[1]), step(step(kStart, second[0]), second[1]));
  BareMachine m(options());
  Code c(kCode);
  c.load(1, kCode + kPage);
  for (unsigned round = 0; round < 2; ++round) {
    for (const uint64_t* version : {&first[0], &std::as_const(second[0])}) {
      c.load(2, version[0]).load(3, version[1])(stp(2, 3, 1, 0), dc_cvau(1), kDsb, ic_ivau(1), kDsb, kIsb);
      c(blr(1), mov(10, 11), mov(11, 12), mov(12, 13), mov(13, 0));
    }
  }
  c(hvc(0));
  m.load(c);
  ASSERT_TRUE(m.run_to_hvc());
  for (unsigned i = 0; i < 4; ++i) EXPECT_EQ(m.x(10 + i), i % 2 + 1) << i;
}

// A page full of functions, one of which is rewritten all the time: the others cost nothing.
TEST_P(SelfModifying, AmongManyBlocks) {
  if (!jit()) GTEST_SKIP() << "about the translation cache";
  BareMachine m(options());
  constexpr unsigned kRounds = 2000, kFunctions = 500;
  const uint64_t page = kCode + kPage;
  for (unsigned i = 0; i < kFunctions; ++i) m.load(page + 8 * i, {add_imm(0, 0, 1), ret()});
  Code c(kCode);
  c.load(1, page).load(9, kFunctions)(movz(0, 0)).bind(kLoop)(blr(1), add_imm(1, 1, 8), subs_imm(9, 9, 1));
  c.b_cc(kNe, kLoop).load(1, page + 8 * 250).load(2, add_imm(0, 0, 0))(movz(3, 1 << 10)).load(9, kRounds);
  c.bind(kFunction)(add(2, 2, 3));
  patch(c, 2, 1);
  c(blr(1), subs_imm(9, 9, 1)).b_cc(kNe, kFunction)(hvc(0));
  m.load(c);
  ASSERT_TRUE(m.run_to_hvc());
  EXPECT_EQ(m.x(0), kFunctions + uint64_t{kRounds} * (kRounds + 1) / 2);
  EXPECT_EQ(m.cache_stats().killed_by_store, kRounds);
  EXPECT_LT(m.vcpu->cache()->looked_at(), kRounds * 80u);
}

// A counter that lives next to the code that increments it: no translation is lost, and none is made again.
TEST_P(SelfModifying, DataInTheCodePage) {
  for (const bool same_line : {false, true}) {
    BareMachine m(options());
    const uint64_t counter = kCode + (same_line ? 0x38 : 0x800);
    Code c(kCode);
    c.load(9, 20000).load(1, counter).bind(kLoop)(ldr(2, 1), add_imm(2, 2, 1), str(2, 1), subs_imm(9, 9, 1));
    c.b_cc(kNe, kLoop)(hvc(0));
    ASSERT_LE(c.here(), kCode + 0x38);
    m.load(c);
    m.write(counter, 0);
    ASSERT_TRUE(m.run_to_hvc());
    EXPECT_EQ(m.read(counter), 20000u);
    if (jit()) {
      EXPECT_LT(m.cache_stats().blocks_made, 20u) << same_line;
      EXPECT_EQ(m.cache_stats().killed_by_store + m.cache_stats().killed_by_device, 0u) << same_line;
    }
  }
}

// Once nothing in it was translated any more, a page is as quick to write as any other.
TEST_P(SelfModifying, PageIsDataAgain) {
  if (!jit()) GTEST_SKIP() << "about the translation cache";
  BareMachine m(options());
  const uint64_t page = kCode + 4 * kPage;
  m.load(page, {movz(0, 1), ret()});
  Code c(kCode);
  c.load(1, page)(blr(1), str(kZr, 1));  // the code is gone
  c.load(9, 10000).bind(kLoop)(str(9, 1, 8), str(9, 1, 128), subs_imm(9, 9, 1)).b_cc(kNe, kLoop)(hvc(0));
  m.load(c);
  ASSERT_TRUE(m.run_to_hvc());
  EXPECT_LT(m.vcpu->dispatcher_stats().guard_misses, 50u);
  EXPECT_EQ(m.read(page + 128), 1u);
}

// DC ZVA over code.
TEST_P(SelfModifying, ZeroedLine) {
  BareMachine m(options());
  m.load(kCode + kPage, {movz(0, 1), ret()});
  Code c(kCode);
  c.load(1, kCode + kPage)(blr(1), dc_zva(1), kDsb, kIsb, movz(0, 9), blr(1), hvc(0));
  m.load(c);
  ASSERT_TRUE(m.run_to_hvc());
  EXPECT_EQ(m.vector(), 0x200u);  // a word of zeros is undefined
  EXPECT_EQ(m.state().elr, kCode + kPage);
  EXPECT_EQ(m.x(0), 9u);
}

}  // namespace
}  // namespace mynah::test
