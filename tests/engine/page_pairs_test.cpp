// SPDX-License-Identifier: Apache-2.0
//
// Accesses across two pages whose frames are no neighbours: they come to have one pointer, which is right
// whatever becomes of the mapping, and of the pages.
#include "engine/page_pairs.h"

#include <gtest/gtest.h>

#include <cstring>

#include "tests/engine/toy_test.h"

namespace mynah::test::toy {
namespace {

constexpr uint64_t kLow = 0x80000, kHigh = 0x81000;  // virtual
constexpr uint64_t kFrames[] = {kOther, kBuffer, kOther + 2 * kPage, kBuffer + 2 * kPage};
constexpr uint64_t kRounds = 200;

TEST(PagePairs, AreTheSameMemory) {
  GuestMemory memory;
  ASSERT_TRUE(memory.add_ram(0, 64 * kPage));
  ASSERT_TRUE(memory.add_rom(0x100000, kPage, 0xff));
  uint8_t* const a = memory.host(3 * kPage, kPage);
  uint8_t* const b = memory.host(kPage, kPage);
  PagePairs pairs(memory);
  uint8_t* both = nullptr;
  for (unsigned i = 0; i < 100 && !both; ++i) both = pairs.find(a, b);
  ASSERT_NE(both, nullptr);
  std::memset(both + kPage - 4, 0x55, 8);
  EXPECT_EQ(a[kPage - 1], 0x55);
  EXPECT_EQ(b[0], 0x55);
  a[7] = 0x77;
  EXPECT_EQ(both[7], 0x77);
  EXPECT_EQ(pairs.find(a, b), both);
  // One whose place it has waits for a time at which no code can have a pointer to it.
  uint8_t* other = nullptr;
  const auto number = [](const uint8_t* page) { return reinterpret_cast<uint64_t>(page); };
  for (unsigned i = 0; i < 64 * 64 && !other; ++i) {
    uint8_t* const first = memory.host(i / 64 * kPage, kPage);
    uint8_t* const second = memory.host(i % 64 * kPage, kPage);
    if (first == a && second == b) continue;
    if (ir::page_pair_index(number(first), number(second)) != ir::page_pair_index(number(a), number(b)))
      continue;
    for (unsigned asked = 0; asked < 100; ++asked) ASSERT_EQ(pairs.find(first, second), nullptr);
    EXPECT_EQ(pairs.find(a, b), both);
    pairs.settle();
    for (unsigned asked = 0; asked < 100 && !other; ++asked) other = pairs.find(first, second);
    EXPECT_EQ(other, both);
    EXPECT_EQ(std::memcmp(other, first, kPage), 0);
  }
  EXPECT_NE(other, nullptr);
  // More than there is room for, and one that is not shared.
  for (unsigned round = 0; round < 50; ++round)
    for (unsigned i = 0; i < 16; ++i)
      for (unsigned j = 0; j < 16; ++j) {
        uint8_t* const first = memory.host(i * kPage, kPage);
        uint8_t* const second = memory.host(j * kPage, kPage);
        uint8_t* const pair = pairs.find(first, second);
        pairs.settle();
        if (!pair) continue;
        first[100] = static_cast<uint8_t>(i);
        second[200] = static_cast<uint8_t>(j);
        ASSERT_EQ(pair[100], i);
        ASSERT_EQ(pair[kPage + 200], j);
      }
  for (unsigned i = 0; i < 100; ++i) EXPECT_EQ(pairs.find(a, memory.host(0x100000, kPage)), nullptr);
}

class PagePairsTest : public ToyTest {
 protected:
  // r1 += [kHigh - 3], which is stored to kHigh - 11 + kPage's end again, kRounds times.
  PagePairsTest() {
    Code code(kFar);
    code.move(2, kHigh - 3).move(3, kHigh - 5).move(7, kRounds);
    const uint64_t top = code.here();
    code.load(4, 2).add(1, 4).store(3, 1).loop(7, top).halt();
    m.load(kFar, code.bytes());
  }
  void map(uint64_t low, uint64_t high) {
    m.map(0, kLow, low);
    m.map(0, kHigh, high);
    m.invalidate_page(kLow);
    m.invalidate_page(kHigh);
  }
  void expect_sum(uint64_t low, uint64_t high) {
    uint8_t bytes[2 * kPage];
    m.memory.read(low, bytes, kPage);
    m.memory.read(high, bytes + kPage, kPage);
    uint64_t sum = 1;
    for (uint64_t i = 0; i < kRounds; ++i) {
      uint64_t v;
      std::memcpy(&v, bytes + kPage - 3, 8);
      sum += v;
      std::memcpy(bytes + kPage - 5, &sum, 8);
    }
    m.r(1) = 1;
    ASSERT_TRUE(m.run(kFar));
    EXPECT_EQ(m.r(1), sum);
    uint8_t now[2 * kPage];
    m.memory.read(low, now, kPage);
    m.memory.read(high, now + kPage, kPage);
    EXPECT_EQ(std::memcmp(now, bytes, sizeof now), 0);
  }
  uint64_t left() { return m.vcpu->dispatcher_stats().slow_entries; }
};

TEST_P(PagePairsTest, ManyMappings) {
  uint64_t seed = 1;
  for (const uint64_t low : kFrames)
    for (const uint64_t high : kFrames) {
      if (low == high) continue;
      for (uint64_t at = 0; at < kPage; at += 8, seed = seed * 6364136223846793005 + 1) {
        m.memory.write(low + at, &seed, 8);
        m.memory.write(high + at, &seed, 8);
      }
      map(low, high);
      const uint64_t before = left();
      expect_sum(low, high);
      if (jit()) {
        EXPECT_LT(left() - before, kRounds / 4);
      }
      expect_sum(low, high);
    }
}

// Code in the second page is seen to change.
TEST_P(PagePairsTest, StoresToCode) {
  map(kOther, kB);
  const uint64_t at = 0x100;
  const Code code = std::move(Code(kHigh + at).move(0, kValueA).halt());
  m.load(kB + at, code.bytes());
  for (unsigned i = 0; i < 3; ++i) expect_sum(kOther, kB);
  EXPECT_EQ(result(kHigh + at), kValueA);
  for (unsigned i = 0; i < 3; ++i) expect_sum(kOther, kB);
  // A store into the code's own first bytes, from the page in front.
  m.load(kB, Code(kHigh).move(0, kValueA).halt().bytes());
  EXPECT_EQ(result(kHigh), kValueA);
  Code store(kFar + 0x200);
  store.move(2, kHigh - 4).move(7, 20);
  const uint64_t top = store.here();
  store.store(2, 3).loop(7, top).halt();
  m.load(kFar + 0x200, store.bytes());
  for (uint64_t value = 1; value < 5; ++value) {
    m.r(3) = (uint64_t{0x0001} | value << 16) << 32;  // kMove r0, and two bytes of the number
    ASSERT_TRUE(m.run(kFar + 0x200));
    EXPECT_EQ(result(kHigh), (kValueA & ~uint64_t{0xffff}) | value);
  }
}
MYNAH_BOTH_ACCELERATORS(PagePairsTest);

}  // namespace
}  // namespace mynah::test::toy
