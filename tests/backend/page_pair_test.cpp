// SPDX-License-Identifier: Apache-2.0
//
// Merged guards whose range lies across two pages: translated code serves them where the first-level TLB has
// both pages, and the host has these side by side, of old or by a page pair. Else they are misses.
#include <gtest/gtest.h>

#include <cstring>

#include "tests/backend/harness.h"

namespace mynah::ir::testing {
namespace {

constexpr unsigned kGuards = 10;
constexpr uint64_t kEnd = kGuestBase + 2 * kPageSize;  // of the first page

Slot x(unsigned i) { return static_cast<Slot>(kX0 + i); }

struct PagePairGuard : ::testing::TestWithParam<bool> {
  alignas(kPageSize) static inline uint8_t host[3 * kPageSize], both[2 * kPageSize];
  std::vector<PagePair> pairs = std::vector<PagePair>(kPagePairs);
  Machine m;
  const uint8_t* code;
  uint8_t* low = host;

  // x10... = what is at x0..., by as many pointers at a time; each in a register of its own, half of them in
  // that of their base.
  PagePairGuard() {
    m.rt->page_pairs = pairs.data();
    Builder& b = m.begin();
    const auto aux =
        static_cast<uint8_t>(kGuardMerged | (GetParam() ? kGuardWrite | kGuardReadWrite : kGuardRead));
    Value pointers[kGuards];
    for (unsigned i = 0; i < kGuards; ++i) {
      Value base = b.get(x(i));
      if (i & 1) base = b.add_imm(base, 0x10);
      pointers[i] = b.guard(base, {i & 1 ? -0x10 : 0, 8, 3}, aux);
    }
    for (unsigned i = 0; i < kGuards; ++i)
      b.set(x(kGuards + i), b.load(Type::i64, pointers[i], i & 1 ? -0x10 : 0, 3));
    code = m.compile();
    m.fill_tlb = false;
    fill(host, sizeof host, 1);
    fill(both, sizeof both, 3);
    fill(m.memory.data(), m.memory.size(), 7);
  }
  static void fill(uint8_t* to, size_t n, unsigned step) {
    for (size_t i = 0; i < n; ++i) to[i] = static_cast<uint8_t>(i * step + (i >> 8));
  }
  void enter(uint64_t page, const uint8_t* to) {
    TlbPair& pair = m.tlb->tlb[tlb_index(page)];
    (GetParam() ? pair.write : pair.read) = {page, reinterpret_cast<uint64_t>(to)};
  }
  void enter_pair(const uint8_t* second) {
    const auto a = reinterpret_cast<uint64_t>(low), b = reinterpret_cast<uint64_t>(second);
    pairs[page_pair_index(a, b)] = {a, b, reinterpret_cast<uint64_t>(both), 0};
  }
  // `page`: what the bytes are expected in, from the first page's start on.
  void expect(const uint8_t* page, unsigned misses) {
    for (unsigned shift = 1; shift < 8; ++shift) {
      for (unsigned i = 0; i < kGuards; ++i) m.state().x[i] = kEnd - 1 - (i + shift) % 7;
      m.misses = 0;
      ASSERT_EQ(m.run(code), Leave::kLink);
      EXPECT_EQ(m.misses, misses);
      for (unsigned i = 0; i < kGuards; ++i) {
        uint64_t wanted;
        std::memcpy(&wanted, page + kPageSize - 1 - (i + shift) % 7, 8);
        EXPECT_EQ(m.state().x[kGuards + i], wanted) << i;
        EXPECT_EQ(m.state().x[i], kEnd - 1 - (i + shift) % 7);
      }
    }
  }
};

TEST_P(PagePairGuard, NeighboursOnTheHost) {
  enter(kEnd - kPageSize, low);
  enter(kEnd, low + kPageSize);
  expect(low, 0);
}

TEST_P(PagePairGuard, MappedSideBySide) {
  uint8_t* const second = low + 2 * kPageSize;
  enter(kEnd - kPageSize, low);
  enter(kEnd, second);
  enter_pair(second);
  expect(both, 0);
}

TEST_P(PagePairGuard, MissesAreMisses) {
  const uint8_t* const slow = m.memory.data() + kPageSize;
  expect(slow, kGuards);  // neither page
  enter(kEnd, low + kPageSize);
  expect(slow, kGuards);  // the second alone
  m.clear_tlb();
  enter(kEnd - kPageSize, low);
  expect(slow, kGuards);  // the first alone
  enter(kEnd, low + 2 * kPageSize);
  expect(slow, kGuards);  // both, and no pair
  enter_pair(low + kPageSize);
  expect(slow, kGuards);  // another one's
  enter_pair(low + 2 * kPageSize);
  pairs[page_pair_index(reinterpret_cast<uint64_t>(low), reinterpret_cast<uint64_t>(low + 2 * kPageSize))]
      .both = 0;
  expect(slow, kGuards);  // one that is not mapped
}

INSTANTIATE_TEST_SUITE_P(, PagePairGuard, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "write" : "read"; });

}  // namespace
}  // namespace mynah::ir::testing
