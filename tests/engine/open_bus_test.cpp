// SPDX-License-Identifier: Apache-2.0
//
// What guests expect of memory that need no alignment and fault for nothing but translation: open bus, and
// instructions that make several accesses, as long as they like.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/engine/toy_test.h"

namespace mynah::test::toy {
namespace {

using OpenBusTest = ToyTest;

// --- open bus

TEST_P(OpenBusTest, NothingBehindThePage) {
  m.map(0, kBehind, kNothing);
  m.invalidate_page(kBehind);
  EXPECT_EQ(result(), 0xffff'ffff'ff00'0001u);
  EXPECT_EQ(m.cpu->pc(), kBehind + 5);
  m.cpu->faults_where_nothing_is = true;
  m.map(0, kBehind, kNothing + kPage);
  m.invalidate_page(kBehind);
  for (int i = 0; i < 3; ++i) {
    m.cpu->faulted.reset();
    EXPECT_EQ(result(), 0u);
    ASSERT_TRUE(m.cpu->faulted);
    EXPECT_EQ(m.cpu->faulted->pc, kAt);
    EXPECT_EQ(m.cpu->faulted->va, kBehind);
  }
}

TEST_P(OpenBusTest, NothingThere) {
  m.map(0, kOther, kNothing);
  m.map(0, kOther + kPage, kNothing + kPage);
  m.load(kFar, Code(kFar).store(2, 3).load(0, 2).halt().bytes());
  m.r(3) = 5;
  for (const uint64_t at : {kOther, kOther + 3, kOther + kPage - 3}) {
    m.r(2) = at;
    EXPECT_EQ(result(kFar), ~uint64_t{0});
  }
  // Half of it there.
  m.map(0, kOther + kPage, kA);
  m.invalidate_page(kOther + kPage);
  m.r(2) = kOther + kPage - 4;
  m.r(3) = 0x1234567800000000;
  EXPECT_EQ(result(kFar), 0x12345678ffffffffu);
  EXPECT_EQ(m.read(kA) & 0xffffffff, 0x12345678u);
  EXPECT_FALSE(m.cpu->faulted);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(m.run(kOther + 0x123));
    EXPECT_EQ(m.cpu->pc(), kOther + 0x123);
  }
}

// An access that begins where no device is and ends in one reaches the one.
TEST_P(OpenBusTest, PartOfADevice) {
  m.device_from = 4;
  m.map(0, kOther, kDevice);
  m.load(kFar, Code(kFar).store(2, 3).load(0, 2).halt().bytes());
  m.r(2) = kOther + 1;
  m.r(3) = 0x1122334455667788;
  EXPECT_EQ(result(kFar), 0x1122334455ffffffu);
  EXPECT_EQ(m.device[8], 0x11);
  EXPECT_EQ(m.device[4], 0x55);
  EXPECT_EQ(m.device[3], 0);
}

// --- copies

class CopyTest : public ToyTest {
 protected:
  void copy(unsigned n, uint64_t to, uint64_t from) {
    m.load(kFar, Code(kFar).copy(2, 3, n).halt().bytes());
    m.r(2) = to;
    m.r(3) = from;
    EXPECT_TRUE(m.run(kFar));
  }
  static std::vector<uint8_t> pattern(size_t n, unsigned seed) {
    std::vector<uint8_t> bytes(n);
    for (size_t i = 0; i < n; ++i) bytes[i] = static_cast<uint8_t>(i * 7 + seed);
    return bytes;
  }
  std::vector<uint8_t> bytes(uint64_t pa, size_t n) {
    std::vector<uint8_t> to(n);
    EXPECT_TRUE(m.memory.read(pa, to.data(), n));
    return to;
  }
};

// Virtual neighbours that are no physical ones, and ones that are.
TEST_P(CopyTest, AcrossPages) {
  for (const bool scattered : {false, true}) {
    if (scattered) {
      m.map(0, kBuffer + kPage, 0x80000);
      m.map(0, kOther + kPage, 0x90000);
      m.vcpu->tlb().invalidate_all();
    }
    const uint64_t from2 = scattered ? 0x80000 : kBuffer + kPage, to2 = scattered ? 0x90000 : kOther + kPage;
    unsigned seed = 1;
    for (const unsigned n : {1u, 7u, 8u, 64u, 511u, 512u})
      for (const uint64_t from : {uint64_t{0}, uint64_t{0xffd}, kPage - n})
        for (const uint64_t to : {uint64_t{3}, uint64_t{0xfff}, kPage - n}) {
          const auto data = pattern(n, ++seed);
          for (unsigned i = 0; i < n; ++i) {
            const uint64_t at = from + i;
            m.memory.write(at < kPage ? kBuffer + at : from2 + at - kPage, &data[i], 1);
          }
          copy(n, kOther + to, kBuffer + from);
          for (unsigned i = 0; i < n; ++i) {
            const uint64_t at = to + i;
            uint8_t byte = 0;
            m.memory.read(at < kPage ? kOther + at : to2 + at - kPage, &byte, 1);
            ASSERT_EQ(byte, data[i]) << n << ' ' << from << ' ' << to << ' ' << i;
          }
        }
  }
  EXPECT_FALSE(m.cpu->faulted);
}

TEST_P(CopyTest, Devices) {
  m.map(0, kOther, kDevice).device = true;
  m.map(0, kOther + kPage, kDevice + kPage).device = true;
  const auto data = pattern(512, 3);
  m.load(kBuffer + kPage - 100, data);
  for (const uint64_t at : {uint64_t{0}, uint64_t{0xf00}, uint64_t{0xf08}}) {
    m.device = {};
    copy(512, kOther + at, kBuffer + kPage - 100);
    EXPECT_TRUE(std::equal(data.begin(), data.end(), m.device.begin() + static_cast<ptrdiff_t>(at))) << at;
    EXPECT_GT(m.device_accesses, 0u);
    copy(512, kBuffer + 2 * kPage, kOther + at);
    EXPECT_EQ(bytes(kBuffer + 2 * kPage, 512), data) << at;
    // From device to device.
    copy(256, kOther + 0x800, kOther + at);
    EXPECT_TRUE(std::equal(data.begin(), data.begin() + 256, m.device.begin() + 0x800)) << at;
  }
  EXPECT_FALSE(m.cpu->faulted);
}

TEST_P(CopyTest, FromRamIntoADeviceInOneGo) {
  m.map(0, kOther + kPage, kDevice).device = true;
  const auto data = pattern(512, 9);
  m.load(kBuffer, data);
  copy(512, kOther + kPage - 256, kBuffer);
  EXPECT_EQ(bytes(kOther + kPage - 256, 256), std::vector(data.begin(), data.begin() + 256));
  EXPECT_TRUE(std::equal(data.begin() + 256, data.end(), m.device.begin()));
  copy(512, kBuffer + kPage, kOther + kPage - 256);
  EXPECT_EQ(bytes(kBuffer + kPage, 512), data);
}

TEST_P(CopyTest, FaultOfTheSecondLeavesNothingWritten) {
  const auto before = pattern(512, 1), data = pattern(512, 77);
  m.load(kBuffer, data);
  for (const uint64_t at : {kOther + kPage - 256, kOther + kPage}) {
    for (const bool scattered : {false, true}) {
      m.map(0, kOther, scattered ? 0x80000 : kOther);
      m.unmap(0, kOther + kPage);
      m.vcpu->tlb().invalidate_all();
      const uint64_t frame = scattered ? 0x80000 : kOther;
      m.load(frame + kPage - 512, before);
      m.cpu->faulted.reset();
      copy(512, at, kBuffer);
      ASSERT_TRUE(m.cpu->faulted);
      EXPECT_EQ(m.cpu->faulted->pc, kFar);
      EXPECT_EQ(m.cpu->faulted->va, kOther + kPage);
      EXPECT_EQ(m.cpu->faulted->access, Access::kWrite);
      EXPECT_EQ(bytes(frame + kPage - 512, 512), before);
    }
  }
  // And one of the first guard is a read's.
  m.cpu->faulted.reset();
  copy(512, kBuffer + kPage, kOther + kPage - 1);
  ASSERT_TRUE(m.cpu->faulted);
  EXPECT_EQ(m.cpu->faulted->va, kOther + kPage);
  EXPECT_EQ(m.cpu->faulted->access, Access::kRead);
}

// A fault forgets what the instruction has guarded: the next one writes its own bytes alone.
TEST_P(CopyTest, NothingIsLeftOfAFault) {
  m.map(0, kOther, kDevice).device = true;
  m.unmap(0, kOther + kPage);
  m.vcpu->tlb().invalidate_all();
  m.device = {};
  copy(512, kOther + kPage - 256, kBuffer);
  ASSERT_TRUE(m.cpu->faulted);
  const auto data = pattern(8, 5);
  m.load(kBuffer, data);
  copy(8, kOther + 8, kBuffer);
  EXPECT_TRUE(std::equal(data.begin(), data.end(), m.device.begin() + 8));
  EXPECT_EQ(std::count(m.device.begin(), m.device.end(), 0), static_cast<ptrdiff_t>(m.device.size() - 8));
}

// Code on both sides of a page's end is copied over, by one instruction.
TEST_P(CopyTest, OverCode) {
  EXPECT_EQ(result(), kValueA);
  m.load(kBuffer, crossing(0x7777777777777777));
  copy(16, kAt, kBuffer);
  EXPECT_EQ(result(), 0x7777777777777777u);
}

MYNAH_BOTH_ACCELERATORS(OpenBusTest);
MYNAH_BOTH_ACCELERATORS(CopyTest);

}  // namespace
}  // namespace mynah::test::toy
