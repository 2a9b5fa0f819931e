// SPDX-License-Identifier: Apache-2.0
//
// Virtqueue on its own: chains, hostile rings, notification suppression.
#include "devices/virtio/virtqueue.h"

#include "tests/devices/virtio_test_driver.h"

namespace mynah::dev::test {
namespace {

class VirtqueueTest : public testing::Test {
 protected:
  static constexpr uint16_t kSize = 8;
  void SetUp() override { start(false, true); }
  void start(bool event_index, bool indirect) {
    queue.reset();
    queue.set_features(event_index, indirect);
    ASSERT_TRUE(queue.set_size(kSize));
    queue.addresses() = {driver.desc(), driver.avail(), driver.used()};
    ASSERT_TRUE(queue.enable());
  }
  void expect_broken(const char* part_of_reason) {
    ASSERT_EQ(queue.pop(chain), Virtqueue::Pop::kBroken);
    ASSERT_NE(queue.error(), nullptr);
    EXPECT_NE(std::string(queue.error()).find(part_of_reason), std::string::npos) << queue.error();
    EXPECT_EQ(queue.pop(chain), Virtqueue::Pop::kBroken);  // and stays so
  }

  FakeMemory memory;
  DriverQueue driver{memory, 0, kSize};
  Virtqueue queue{memory, 256};
  DescriptorChain chain;
};

TEST_F(VirtqueueTest, EmptyUntilOffered) {
  EXPECT_EQ(queue.pop(chain), Virtqueue::Pop::kEmpty);
  driver.add({{kData, 16}, {kData + 0x1000, 32, kWrite}}, 3);
  ASSERT_EQ(queue.pop(chain), Virtqueue::Pop::kChain);
  EXPECT_EQ(chain.head, 3);
  ASSERT_EQ(chain.readable.size(), 1u);
  ASSERT_EQ(chain.writable.size(), 1u);
  EXPECT_EQ(chain.readable_size, 16u);
  EXPECT_EQ(chain.writable_size, 32u);
  EXPECT_EQ(queue.pop(chain), Virtqueue::Pop::kEmpty);
}

TEST_F(VirtqueueTest, NeighboursMerge) {
  driver.add(
      {{kData, 16}, {kData + 16, 16}, {kData + 32, 8, kWrite}, {kData + 40, 8, kWrite}, {kData, 8, kWrite}});
  ASSERT_EQ(queue.pop(chain), Virtqueue::Pop::kChain);
  ASSERT_EQ(chain.readable.size(), 1u);
  EXPECT_EQ(chain.readable[0].size, 32u);
  ASSERT_EQ(chain.writable.size(), 2u);
  EXPECT_EQ(chain.writable[0].size, 16u);
}

TEST_F(VirtqueueTest, IndicesWrapAround) {
  for (unsigned i = 0; i < 70000; ++i) {
    driver.add({{kData, 4, kWrite}}, i % kSize);
    ASSERT_EQ(queue.pop(chain), Virtqueue::Pop::kChain);
    ASSERT_EQ(chain.head, i % kSize);
    queue.add_used(chain.head, i);
    queue.publish();
    ASSERT_EQ(driver.used_index(), static_cast<uint16_t>(i + 1));
    ASSERT_EQ(driver.used_element(static_cast<uint16_t>(i)).length, i);
  }
}

TEST_F(VirtqueueTest, UnpopGivesBackInOrder) {
  driver.add({{kData, 4}}, 0);
  driver.add({{kData, 4}}, 1);
  ASSERT_EQ(queue.pop(chain), Virtqueue::Pop::kChain);
  ASSERT_EQ(queue.pop(chain), Virtqueue::Pop::kChain);
  queue.unpop(2);
  ASSERT_EQ(queue.pop(chain), Virtqueue::Pop::kChain);
  EXPECT_EQ(chain.head, 0);
}

TEST_F(VirtqueueTest, UsedElementsAppearTogether) {
  driver.add({{kData, 4}}, 0);
  driver.add({{kData, 4}}, 1);
  for (int i = 0; i < 2; ++i) {
    queue.pop(chain);
    queue.add_used(chain.head, 0);
    EXPECT_EQ(driver.used_index(), 0);
  }
  queue.publish();
  EXPECT_EQ(driver.used_index(), 2);
}

TEST_F(VirtqueueTest, Indirect) {
  driver.add_indirect({{kData, 8}, {kData + 0x100, 8, kWrite}, {kData + 0x200, 8, kWrite}}, kData + 0x1008);
  ASSERT_EQ(queue.pop(chain), Virtqueue::Pop::kChain);
  EXPECT_EQ(chain.readable_size, 8u);
  EXPECT_EQ(chain.writable_size, 16u);
}

TEST_F(VirtqueueTest, IndirectTableThatCannotBeMapped) {
  memory.seam = kData + 0x1014;
  driver.add_indirect({{kData, 8}, {kData + 0x100, 8, kWrite}, {kData + 0x200, 8, kWrite}}, kData + 0x1008);
  ASSERT_EQ(queue.pop(chain), Virtqueue::Pop::kChain);
  EXPECT_EQ(chain.writable_size, 16u);
}

TEST_F(VirtqueueTest, DirectThenIndirect) {
  driver.write_desc_at(kData + 0x1000, {kData + 0x100, 24, kWrite});
  driver.add({{kData, 8}, {kData + 0x1000, 16, kIndirect | kWrite}});  // the flag kWrite means nothing here
  ASSERT_EQ(queue.pop(chain), Virtqueue::Pop::kChain);
  EXPECT_EQ(chain.readable_size, 8u);
  EXPECT_EQ(chain.writable_size, 24u);
}

TEST_F(VirtqueueTest, BuffersNeedNotBeInRam) {
  driver.add({{0xffff'0000'0000, 8}});
  EXPECT_EQ(queue.pop(chain), Virtqueue::Pop::kChain);
}

// ---- Hostile rings.

TEST_F(VirtqueueTest, Loop) {
  driver.write_desc(0, {kData, 8, kNext, 1});
  driver.write_desc(1, {kData, 8, kNext, 0});
  driver.offer(0);
  expect_broken("loops");
}

TEST_F(VirtqueueTest, LoopToItself) {
  driver.write_desc(2, {kData, 8, kNext, 2});
  driver.offer(2);
  expect_broken("loops");
}

TEST_F(VirtqueueTest, LoopInIndirectTable) {
  driver.add_indirect({{kData, 8}, {kData, 8}}, kData + 0x1000);
  driver.write_desc_at(kData + 0x1010, {kData, 8, kNext, 0});
  expect_broken("loops");
}

TEST_F(VirtqueueTest, LongLoopInHugeIndirectTable) {
  for (unsigned i = 0; i < 4096; ++i) {
    driver.write_desc_at(kData + 0x1000 + 16 * i, {kData, 8, kNext, static_cast<uint16_t>((i + 1) % 4096)});
  }
  driver.write_desc(0, {kData + 0x1000, 16 * 4096, kIndirect});
  driver.offer(0);
  expect_broken("too long");
}

TEST_F(VirtqueueTest, HeadOutsideTable) {
  driver.offer(kSize);
  expect_broken("outside");
}

TEST_F(VirtqueueTest, NextOutsideTable) {
  driver.write_desc(0, {kData, 8, kNext, 0xffff});
  driver.offer(0);
  expect_broken("outside");
}

TEST_F(VirtqueueTest, NextOutsideIndirectTable) {
  driver.write_desc_at(kData + 0x1000, {kData, 8, kNext, 1});
  driver.write_desc(0, {kData + 0x1000, 16, kIndirect});
  driver.offer(0);
  expect_broken("outside");
}

TEST_F(VirtqueueTest, ZeroLength) {
  driver.add({{kData, 0}});
  expect_broken("length 0");
}

TEST_F(VirtqueueTest, BufferWraps) {
  driver.add({{~uint64_t{0} - 4, 16}});
  expect_broken("wraps");
}

TEST_F(VirtqueueTest, ChainOfMoreThanFourGiB) {
  driver.add({{kData, 0xffff'ffff}, {kData, 2}});
  expect_broken("4 GiB");
}

TEST_F(VirtqueueTest, ReadableAfterWritable) {
  driver.add({{kData, 8, kWrite}, {kData, 8}});
  expect_broken("after a writable");
}

TEST_F(VirtqueueTest, AvailableIndexTooFarAhead) {
  memory.put<uint16_t>(driver.avail() + 2, kSize + 1);
  expect_broken("ahead");
}

TEST_F(VirtqueueTest, AvailableIndexGoesBackward) {
  memory.put<uint16_t>(driver.avail() + 2, 0xffff);
  expect_broken("ahead");
}

TEST_F(VirtqueueTest, MoreInFlightThanEntries) {
  for (unsigned i = 0; i < kSize; ++i) {
    driver.add({{kData, 8}}, static_cast<uint16_t>(i));
    ASSERT_EQ(queue.pop(chain), Virtqueue::Pop::kChain);
  }
  driver.offer(0);
  expect_broken("in use");
}

TEST_F(VirtqueueTest, IndirectWithoutTheFeature) {
  start(false, false);
  driver.add_indirect({{kData, 8}}, kData + 0x1000);
  expect_broken("without the feature");
}

TEST_F(VirtqueueTest, IndirectInIndirect) {
  driver.add_indirect({{kData + 0x1000, 16, kIndirect}}, kData + 0x1000);
  expect_broken("in an indirect");
}

TEST_F(VirtqueueTest, IndirectWithNext) {
  driver.write_desc(0, {kData + 0x1000, 16, kIndirect | kNext, 1});
  driver.offer(0);
  expect_broken("next");
}

TEST_F(VirtqueueTest, IndirectTableOfBadSize) {
  for (uint32_t size : {0u, 8u, 17u, 0xffff'ffffu}) {
    start(false, true);
    memory.put<uint16_t>(driver.avail() + 2, 0);
    driver.write_desc(0, {kData, size, kIndirect});
    driver.offer(0);
    expect_broken("bad size");
  }
}

TEST_F(VirtqueueTest, IndirectTableOutsideRam) {
  for (uint64_t pa : {uint64_t{0}, uint64_t{0x1'0000'0000}}) {
    start(false, true);
    memory.put<uint16_t>(driver.avail() + 2, 0);
    driver.write_desc(0, {pa, 0xffff'fff0, kIndirect});
    driver.offer(0);
    expect_broken("not in RAM");
  }
}

TEST_F(VirtqueueTest, RingsOutsideRam) {
  queue.disable();
  queue.addresses().available = 0x10'0000'0000;
  ASSERT_TRUE(queue.enable());
  expect_broken("available ring");

  queue.reset();
  queue.addresses() = {0x10'0000'0000, driver.avail(), driver.used()};
  ASSERT_TRUE(queue.enable());
  driver.offer(0);
  expect_broken("descriptor table");

  queue.reset();
  queue.addresses() = {driver.desc(), driver.avail(), 0x10'0000'0000};
  ASSERT_TRUE(queue.enable());
  memory.put<uint16_t>(driver.avail() + 2, 0);
  driver.add({{kData, 8}});
  ASSERT_EQ(queue.pop(chain), Virtqueue::Pop::kChain);
  queue.add_used(chain.head, 0);
  EXPECT_NE(queue.error(), nullptr);
}

TEST_F(VirtqueueTest, AddressesThatAreRefused) {
  queue.disable();
  queue.addresses() = {driver.desc() + 8, driver.avail(), driver.used()};
  EXPECT_FALSE(queue.enable());
  queue.addresses() = {driver.desc(), driver.avail() + 1, driver.used()};
  EXPECT_FALSE(queue.enable());
  queue.addresses() = {driver.desc(), driver.avail(), driver.used() + 2};
  EXPECT_FALSE(queue.enable());
  queue.addresses() = {~uint64_t{15}, driver.avail(), driver.used()};
  EXPECT_FALSE(queue.enable());
  EXPECT_FALSE(queue.ready());
  for (uint32_t size : {0u, 3u, 512u, 65536u, 0xffff'ffffu}) EXPECT_FALSE(queue.set_size(size));
}

// ---- Notifications.

TEST_F(VirtqueueTest, InterruptFlag) {
  auto complete_one = [&] {
    driver.add({{kData, 8}});
    queue.pop(chain);
    queue.add_used(chain.head, 0);
    queue.publish();
    return queue.wants_interrupt();
  };
  EXPECT_FALSE(queue.wants_interrupt());  // nothing new
  EXPECT_TRUE(complete_one());
  EXPECT_FALSE(queue.wants_interrupt());
  driver.set_avail_flags(1);
  EXPECT_FALSE(complete_one());
}

TEST_F(VirtqueueTest, InterruptAtTheEventIndex) {
  start(true, true);
  driver.set_used_event(2);
  std::vector<bool> wanted;
  for (int i = 0; i < 5; ++i) {
    driver.add({{kData, 8}});
    queue.pop(chain);
    queue.add_used(chain.head, 0);
    queue.publish();
    wanted.push_back(queue.wants_interrupt());
  }
  EXPECT_EQ(wanted, (std::vector<bool>{false, false, true, false, false}));
}

TEST_F(VirtqueueTest, InterruptForABatchThatPassesTheEventIndex) {
  start(true, true);
  driver.set_used_event(1);
  for (uint16_t i = 0; i < 4; ++i) driver.add({{kData, 8}}, i);
  while (queue.pop(chain) == Virtqueue::Pop::kChain) queue.add_used(chain.head, 0);
  queue.publish();
  EXPECT_TRUE(queue.wants_interrupt());
}

TEST_F(VirtqueueTest, NotificationFlag) {
  queue.disable_notification();
  EXPECT_EQ(driver.used_flags(), 1);
  EXPECT_TRUE(queue.enable_notification());
  EXPECT_EQ(driver.used_flags(), 0);
  driver.add({{kData, 8}});
  EXPECT_FALSE(queue.enable_notification());  // one slipped in
}

TEST_F(VirtqueueTest, NotificationEventIndex) {
  start(true, true);
  driver.add({{kData, 8}});
  queue.pop(chain);
  EXPECT_TRUE(queue.enable_notification());
  EXPECT_EQ(driver.avail_event(), 1);
  EXPECT_EQ(driver.used_flags(), 0);
}

// ---- Cursors.

TEST_F(VirtqueueTest, CursorAcrossSegments) {
  const auto bytes = pattern(40);
  memory.put_bytes(kData, std::span(bytes).first(10));
  memory.put_bytes(kData + 0x100, std::span(bytes).subspan(10));
  const std::vector<Segment> list{{kData, 10}, {kData + 0x100, 30}};
  ScatterCursor cursor(memory, list);
  std::vector<uint8_t> got(40);
  ASSERT_TRUE(cursor.read(got.data(), 3));
  ASSERT_TRUE(cursor.skip(9));
  ASSERT_TRUE(cursor.read(got.data() + 12, 28));
  EXPECT_TRUE(std::equal(got.begin() + 12, got.end(), bytes.begin() + 12));
  EXPECT_FALSE(cursor.read(got.data(), 1));
  EXPECT_FALSE(cursor.skip(1));
  EXPECT_TRUE(cursor.skip(0));
}

TEST_F(VirtqueueTest, FillBouncesAcrossASeam) {
  memory.seam = kData + 100'000;
  const std::vector<Segment> list{{kData, 200'000}};
  const auto bytes = pattern(200'000);
  size_t at = 0;
  auto put = [&](std::span<uint8_t> to) {
    std::copy_n(bytes.begin() + static_cast<ptrdiff_t>(at), to.size(), to.begin());
    at += to.size();
    return true;
  };
  EXPECT_EQ(ScatterCursor(memory, list).fill(200'000, put), Transfer::kDone);
  EXPECT_EQ(memory.get_bytes(kData, 200'000), bytes);
  std::vector<uint8_t> got;
  auto take = [&](std::span<const uint8_t> from) {
    got.insert(got.end(), from.begin(), from.end());
    return true;
  };
  EXPECT_EQ(ScatterCursor(memory, list).drain(200'000, take), Transfer::kDone);
  EXPECT_EQ(got, bytes);
}

TEST_F(VirtqueueTest, SaveAndRestore) {
  start(true, true);
  for (uint16_t i = 0; i < 3; ++i) driver.add({{kData, 8}}, i);
  queue.pop(chain);
  queue.add_used(chain.head, 0);
  queue.publish();
  StateStream saved;
  queue.serialize(saved);

  Virtqueue other{memory, 256};
  StateStream load(saved.bytes());
  other.serialize(load);
  EXPECT_FALSE(load.failed());
  EXPECT_TRUE(other.ready());
  ASSERT_EQ(other.pop(chain), Virtqueue::Pop::kChain);
  EXPECT_EQ(chain.head, 1);
  other.add_used(chain.head, 0);
  other.publish();
  EXPECT_EQ(driver.used_index(), 2);

  Virtqueue small{memory, 4};
  StateStream load_small(saved.bytes());
  small.serialize(load_small);
  EXPECT_TRUE(load_small.failed());
}

}  // namespace
}  // namespace mynah::dev::test
