// SPDX-License-Identifier: Apache-2.0
//
// Guest memory that several threads use at once: aligned words are moved whole, exchanges are counted once,
// and every write passes the gate that tells of translated code.
#include "engine/guest_memory.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <atomic>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "ir/host_memory.h"

namespace mynah {
namespace {

constexpr uint64_t kRam = 0x40000000, kRom = 0x1000, kSize = 1 << 16;

struct GuestMemoryTest : testing::Test {
  GuestMemoryTest() {
    EXPECT_TRUE(memory.add_ram(kRam, kSize));
    EXPECT_TRUE(memory.add_rom(kRom, kGuestPageSize, 0xff));
  }
  GuestMemory memory;
};

// One thread writes n bytes at kRam + offset, all alike; another reads them and finds each aligned piece of
// `word` bytes, from `skip` on, to be of one write.
void hammer(GuestMemory& memory, uint64_t offset, size_t n, size_t skip, size_t word, size_t misalign) {
  const std::vector<uint8_t> zeroes(n);
  ASSERT_TRUE(memory.write(kRam + offset, zeroes.data(), n));
  std::atomic<bool> done = false;
  std::thread writer([&] {
    std::vector<uint8_t> bytes(n + 8);
    for (unsigned i = 0; i < 200000 && !done; ++i) {
      std::memset(bytes.data() + misalign, i & 1 ? 0xff : 0, n);
      EXPECT_TRUE(memory.write(kRam + offset, bytes.data() + misalign, n));
    }
    done = true;
  });
  std::vector<uint8_t> seen(n + 8);
  uint64_t torn = 0;
  while (!done) {
    EXPECT_TRUE(memory.read(kRam + offset, seen.data() + misalign, n));
    for (size_t at = skip; at + word <= n; at += word)
      for (size_t i = 1; i < word; ++i) torn += seen[misalign + at + i] != seen[misalign + at];
    if (torn) done = true;
  }
  writer.join();
  EXPECT_EQ(torn, 0u) << n << " bytes at " << offset << ", buffer at " << misalign;
}

TEST_F(GuestMemoryTest, WordsAreMovedWhole) {
  hammer(memory, 64, 8, 0, 8, 0);
  hammer(memory, 62, 2, 0, 2, 1);
  hammer(memory, 60, 4, 0, 4, 3);
  hammer(memory, 61, 27, 3, 8, 0);
  hammer(memory, 64, 4096, 0, 8, 0);
  hammer(memory, 60, 1000, 4, 8, 1);
}

TEST_F(GuestMemoryTest, CopiesAreExact) {
  std::vector<uint8_t> pattern(200);
  for (size_t i = 0; i < pattern.size(); ++i) pattern[i] = static_cast<uint8_t>(i * 7 + 1);
  for (size_t offset = 0; offset < 8; ++offset)
    for (size_t own = 0; own < 8; ++own)
      for (size_t n : {0, 1, 2, 3, 4, 7, 8, 9, 15, 16, 31, 63, 64, 65, 72, 73, 79, 130}) {
        const std::vector<uint8_t> blank(256, 0xee);
        ASSERT_TRUE(memory.write(kRam, blank.data(), blank.size()));
        ASSERT_TRUE(memory.write(kRam + 16 + offset, pattern.data() + own, n));
        std::vector<uint8_t> expected = blank;
        std::memcpy(expected.data() + 16 + offset, pattern.data() + own, n);
        ASSERT_EQ(std::memcmp(memory.host(kRam, 256), expected.data(), 256), 0)
            << n << " bytes at " << offset << " from " << own;
        std::vector<uint8_t> back(256, 0xee);
        ASSERT_TRUE(memory.read(kRam + 16 + offset, back.data() + own, n));
        std::vector<uint8_t> wanted(256, 0xee);
        std::memcpy(wanted.data() + own, pattern.data() + own, n);
        ASSERT_EQ(back, wanted) << n << " bytes at " << offset << " to " << own;
      }
}

// The pieces a copy is made of: natural alignment, as wide as they can be.
TEST_F(GuestMemoryTest, PiecesAreAligned) {
  alignas(8) static const uint8_t ram[256] = {};
  for (size_t offset = 0; offset < 8; ++offset)
    for (size_t n = 0; n < 130; ++n)
      for (size_t own = 0; own < 8; ++own) {
        size_t next = 0;
        ir::host_pieces(
            ram + offset, ram + own, n,
            [&](size_t at, unsigned size) {
              const size_t bytes = size_t{1} << size;
              ASSERT_EQ(at, next);
              ASSERT_EQ((offset + at) % bytes, 0u);
              const bool wider = size < 3 && (offset + at) % (2 * bytes) == 0 && 2 * bytes <= n - at;
              ASSERT_FALSE(wider);
              next += bytes;
            },
            [&](size_t at, size_t bytes) {
              ASSERT_EQ(at, next);
              ASSERT_EQ((offset + at) % 8, 0u);
              ASSERT_EQ((own + at) % 8, 0u);
              ASSERT_EQ(bytes % 8, 0u);
              ASSERT_GT(bytes, 56u);
              next += bytes;
            });
        ASSERT_EQ(next, n);
      }
}

TEST_F(GuestMemoryTest, WhatTheHostCannotGiveIsASentence) {
  GuestMemory none;
  const auto added = none.add_ram(kRam, uint64_t{1} << 62);
  ASSERT_FALSE(added);
  EXPECT_NE(added.message().find("4398046511104 MiB"), std::string::npos) << added.message();
  EXPECT_NE(added.message().find("smaller -m"), std::string::npos) << added.message();
  EXPECT_TRUE(none.regions().empty());
}

TEST_F(GuestMemoryTest, ExchangesCount) {
  constexpr unsigned kEach = 50000;
  const auto count = [&] {
    for (unsigned i = 0; i < kEach; ++i) {
      uint64_t seen;
      ASSERT_TRUE(memory.load64(kRam + 8, seen));
      while (!memory.compare_exchange64(kRam + 8, seen, seen + 0x100000001)) {
      }
    }
  };
  std::thread other(count);
  count();
  other.join();
  uint64_t value;
  ASSERT_TRUE(memory.load64(kRam + 8, value));
  EXPECT_EQ(value, 2 * kEach * 0x100000001);
}

TEST_F(GuestMemoryTest, AFailedExchangeSaysWhy) {
  uint64_t expected = 1;
  EXPECT_FALSE(memory.compare_exchange64(kRam, expected, 2));
  EXPECT_EQ(expected, 0u);
  EXPECT_TRUE(memory.compare_exchange64(kRam, expected, 2));
  expected = 1;
  for (const uint64_t pa : {kRam + kSize, kRam + 4, kRom, uint64_t{0}}) {
    EXPECT_FALSE(memory.compare_exchange64(pa, expected, 3)) << pa;
    EXPECT_EQ(expected, 1u) << pa;
  }
  uint64_t value = 0;
  EXPECT_TRUE(memory.load64(kRom, value));
  EXPECT_EQ(value, ~uint64_t{0});
  for (const uint64_t pa : {kRam + kSize, kRam + 4, uint64_t{0}})
    EXPECT_FALSE(memory.load64(pa, value)) << pa;
}

TEST_F(GuestMemoryTest, ExchangesPassTheCodeGate) {
  memory.page(kRam)->code_lines = 1;
  std::vector<uint64_t> told;
  memory.on_code_write = [&](uint64_t pa, uint64_t n) {
    uint64_t before;
    ASSERT_TRUE(memory.load64(pa, before));
    EXPECT_EQ(before, 0u);
    EXPECT_EQ(n, 8u);
    told.push_back(pa);
  };
  uint64_t expected = 0;
  EXPECT_TRUE(memory.compare_exchange64(kRam + 16, expected, 5));
  EXPECT_TRUE(memory.compare_exchange64(kRam + kGuestPageSize, expected, 5));
  EXPECT_EQ(told, std::vector<uint64_t>{kRam + 16});
  EXPECT_TRUE(memory.page(kRam)->dirty);
}

TEST_F(GuestMemoryTest, MemoryOfADeviceIsARegionUntilItIsRemoved) {
  std::vector<uint8_t> room(3 * kGuestPageSize);
  uint8_t* const pages = room.data() + (-reinterpret_cast<uintptr_t>(room.data()) % kGuestPageSize);
  const std::span<uint8_t> device{pages, 2 * kGuestPageSize};
  EXPECT_FALSE(memory.show(kRam + kSize - kGuestPageSize, device)) << "the place is taken";
  EXPECT_FALSE(memory.show(0, device));
  ASSERT_TRUE(memory.show(kRam + kSize, device));
  const uint64_t hash = memory.hash();
  EXPECT_TRUE(memory.write(kRam + kSize + 8, "ab", 3));
  EXPECT_EQ(std::memcmp(pages + 8, "ab", 3), 0);
  EXPECT_EQ(memory.hash(), hash) << "it is not RAM";
  EXPECT_FALSE(memory.share(pages));
  unsigned told = 0;
  memory.on_code_write = [&](uint64_t pa, uint64_t) { told += pa == kRam + kSize; };
  memory.page(kRam + kSize)->code_lines = 1;
  memory.remove(kRam + kSize);
  EXPECT_EQ(told, 1u) << "translated code of it goes";
  EXPECT_EQ(memory.host(kRam + kSize, 1), nullptr);
  memory.remove(kRam);
  EXPECT_NE(memory.host(kRam, 1), nullptr) << "RAM stays";
}

TEST(GuestMemory, SharedPagesKeepWhatTheyHoldAndCanBeMappedOnceMore) {
  constexpr uint64_t kPages = GuestMemory::kMaxShared + 8;
  GuestMemory memory;
  ASSERT_TRUE(memory.add_ram(0, kPages * kGuestPageSize));
  ASSERT_TRUE(memory.add_rom(1 << 30, kGuestPageSize, 0xff));
  uint8_t* const page = memory.host(2 * kGuestPageSize, kGuestPageSize);
  page[0] = 1;
  page[kGuestPageSize - 1] = 2;
  page[kGuestPageSize] = 3;
  ASSERT_TRUE(memory.share(page));
  ASSERT_TRUE(memory.share(page));
  EXPECT_EQ(page[0], 1);
  EXPECT_EQ(page[kGuestPageSize - 1], 2);
  EXPECT_EQ(page[kGuestPageSize], 3);
  void* const again = mremap(page, 0, kGuestPageSize, MREMAP_MAYMOVE);
  ASSERT_NE(again, MAP_FAILED);
  auto* const other = static_cast<uint8_t*>(again);
  other[7] = 77;
  EXPECT_EQ(page[7], 77);
  // What is thrown away is gone by every mapping.
  ASSERT_TRUE(memory.discard(kGuestPageSize, 3 * kGuestPageSize));
  EXPECT_EQ(page[7], 0);
  EXPECT_EQ(other[7], 0);
  EXPECT_EQ(page[kGuestPageSize], 0);
  page[9] = 99;
  EXPECT_EQ(other[9], 99);
  munmap(again, kGuestPageSize);

  EXPECT_FALSE(memory.share(memory.host(1 << 30, kGuestPageSize)));
  uint64_t shared = 1;
  for (uint64_t i = 3; i < kPages; ++i) shared += memory.share(memory.host(i * kGuestPageSize, 1));
  EXPECT_EQ(shared, uint64_t{GuestMemory::kMaxShared});
  EXPECT_TRUE(memory.share(page));
}

}  // namespace
}  // namespace mynah
