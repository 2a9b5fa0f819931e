// SPDX-License-Identifier: Apache-2.0
//
// WorkerPool and PooledDisk: who runs what, the limits, the order of ends; requests of a device on such a
// disk.
#include "devices/host/worker_pool.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <future>
#include <thread>
#include <vector>

#include "devices/host/pooled_disk.h"
#include "devices/virtio/disk_transfer.h"

namespace mynah::host {
namespace {

using dev::BlockBackend;
using Answer = BlockBackend::Answer;

class VectorDisk final : public BlockBackend {
 public:
  uint64_t size() const override { return bytes.size(); }
  bool read_only() const override { return false; }
  bool read(uint64_t offset, std::span<uint8_t> to) override {
    gate.get_future().wait();
    gate = {};
    std::copy_n(bytes.begin() + static_cast<ptrdiff_t>(offset), to.size(), to.begin());
    return good;
  }
  bool write(uint64_t offset, std::span<const uint8_t> from) override {
    std::copy(from.begin(), from.end(), bytes.begin() + static_cast<ptrdiff_t>(offset));
    return good;
  }
  Answer read_now(uint64_t offset, std::span<uint8_t> to) override {
    if (cold) return Answer::kWaits;
    std::copy_n(bytes.begin() + static_cast<ptrdiff_t>(offset), to.size(), to.begin());
    return Answer::kDone;
  }
  bool flush() override { return good; }
  bool discard(uint64_t, uint64_t) override { return true; }
  bool write_zeroes(uint64_t, uint64_t) override { return true; }

  std::vector<uint8_t> bytes = std::vector<uint8_t>(65536, 0x5a);
  std::promise<void> gate;  // of read()
  bool cold = true, good = true;
};

class VectorMemory final : public dev::DmaMemory {
 public:
  bool read(uint64_t pa, void* to, size_t n) override {
    if (!inside(pa, n)) return false;
    std::copy_n(ram.begin() + static_cast<ptrdiff_t>(pa), n, static_cast<uint8_t*>(to));
    return true;
  }
  bool write(uint64_t pa, const void* from, size_t n) override {
    if (!inside(pa, n)) return false;
    std::copy_n(static_cast<const uint8_t*>(from), n, ram.begin() + static_cast<ptrdiff_t>(pa));
    return true;
  }
  uint8_t* map(uint64_t pa, size_t n, bool) override { return inside(pa, n) ? &ram[pa] : nullptr; }
  bool inside(uint64_t pa, size_t n) const { return pa <= ram.size() && n <= ram.size() - pa; }
  std::vector<uint8_t> ram = std::vector<uint8_t>(65536);
};

TEST(WorkerPool, WorkRunsElsewhereAndEndsHere) {
  std::atomic<int> announced = 0;
  const auto here = std::this_thread::get_id();
  std::thread::id worked, ended;
  {
    WorkerPool pool([&] { ++announced; });
    pool.start(
        10,
        [&] {
          worked = std::this_thread::get_id();
          return false;
        },
        [&](bool good) {
          EXPECT_FALSE(good);
          ended = std::this_thread::get_id();
        });
    pool.settle();
    EXPECT_FALSE(pool.has_finished());
  }
  EXPECT_NE(worked, here);
  EXPECT_EQ(ended, here);
  EXPECT_EQ(announced, 1);
}

TEST(WorkerPool, NothingEndsBeforeItIsAskedFor) {
  WorkerPool pool([] {});
  bool ended = false;
  pool.start(
      0, [] { return true; }, [&](bool) { ended = true; });
  while (!pool.has_finished()) std::this_thread::yield();
  EXPECT_FALSE(ended);
  pool.finish();
  EXPECT_TRUE(ended);
}

TEST(WorkerPool, AnEndMayStartAndSettle) {
  WorkerPool pool([] {});
  int ends = 0;
  for (int i = 0; i < 3; ++i)
    pool.start(
        0, [] { return true; },
        [&](bool) {
          ++ends;
          if (ends == 1)
            pool.start(
                0, [] { return true; }, [&](bool) { ++ends; });
          if (ends == 2) pool.settle();
        });
  pool.settle();
  EXPECT_EQ(ends, 4);
}

TEST(WorkerPool, RequestsHaveALimit) {
  WorkerPool pool([] {});
  std::promise<void> gate;
  const std::shared_future<void> opened = gate.get_future().share();
  const auto wait = [opened] {
    opened.wait();
    return true;
  };
  EXPECT_TRUE(pool.has_room(uint64_t{64} << 20));
  EXPECT_FALSE(pool.has_room((uint64_t{64} << 20) + 1));
  EXPECT_FALSE(pool.has_room(~uint64_t{0}));
  pool.start(uint64_t{63} << 20, wait, [](bool) {});
  EXPECT_FALSE(pool.has_room(uint64_t{2} << 20));
  int started = 1;
  for (; pool.has_room(0); ++started) pool.start(0, wait, [](bool) {});
  EXPECT_EQ(started, 1024);
  gate.set_value();
  pool.settle();
  EXPECT_TRUE(pool.has_room(uint64_t{64} << 20));
}

TEST(WorkerPool, WhatHasNotBegunIsDroppedAtTheEnd) {
  bool ended = false;
  {
    WorkerPool pool([] {});
    for (int i = 0; i < 100; ++i)
      pool.start(
          0, [] { return true; }, [&](bool) { ended = true; });
  }
  EXPECT_FALSE(ended);
}

TEST(WorkerPool, TasksOfAnyThread) {
  WorkerPool pool([] {});
  std::thread::id ran;
  std::thread([&] { pool.post([&] { ran = std::this_thread::get_id(); }); }).join();
  ASSERT_TRUE(pool.has_finished());
  pool.finish();
  EXPECT_EQ(ran, std::this_thread::get_id());
}

class PooledDiskTest : public testing::Test {
 protected:
  PooledDiskTest() {
    auto made = std::make_unique<VectorDisk>();
    inner = made.get();
    disk = std::make_unique<PooledDisk>(std::move(made), pool);
  }
  dev::Ended note() {
    return [this](dev::Transfer took) { ended = took; };
  }
  WorkerPool pool{[] {}};
  VectorDisk* inner;
  std::unique_ptr<PooledDisk> disk;
  VectorMemory memory;
  const std::array<dev::Segment, 2> segments{{{100, 700}, {5000, 324}}};
  std::optional<dev::Transfer> ended;
};

TEST_F(PooledDiskTest, AWarmReadIsDoneAtOnce) {
  inner->cold = false;
  const auto took = dev::read_disk(*disk, 512, 1024, memory, segments, note());
  EXPECT_EQ(took, dev::Transfer::kDone);
  EXPECT_EQ(memory.ram[100], 0x5a);
  EXPECT_EQ(memory.ram[5323], 0x5a);
  EXPECT_EQ(memory.ram[5324], 0);
  pool.settle();
  EXPECT_FALSE(ended);
}

TEST_F(PooledDiskTest, AColdReadEndsLater) {
  EXPECT_EQ(dev::read_disk(*disk, 512, 1024, memory, segments, note()), std::nullopt);
  EXPECT_EQ(memory.ram[100], 0);
  EXPECT_FALSE(ended);
  inner->gate.set_value();
  disk->settle();
  EXPECT_EQ(ended, dev::Transfer::kDone);
  EXPECT_EQ(memory.ram[100], 0x5a);
  EXPECT_EQ(memory.ram[5323], 0x5a);
  EXPECT_EQ(memory.ram[5324], 0);
}

TEST_F(PooledDiskTest, AColdReadThatFailsChangesNothing) {
  inner->good = false;
  EXPECT_EQ(dev::read_disk(*disk, 512, 1024, memory, segments, note()), std::nullopt);
  inner->gate.set_value();
  disk->settle();
  EXPECT_EQ(ended, dev::Transfer::kRefused);
  EXPECT_EQ(memory.ram[100], 0);
}

TEST_F(PooledDiskTest, MemoryThatIsNotThereIsTold) {
  const std::array<dev::Segment, 1> nowhere{{{1 << 20, 1024}}};
  EXPECT_EQ(dev::read_disk(*disk, 512, 1024, memory, nowhere, note()), std::nullopt);
  inner->gate.set_value();
  disk->settle();
  EXPECT_EQ(ended, dev::Transfer::kUnreachable);
}

TEST_F(PooledDiskTest, AReadWithoutRoomIsDoneAtOnce) {
  std::promise<void> gate;
  pool.start(
      uint64_t{64} << 20,
      [opened = gate.get_future().share()] {
        opened.wait();
        return true;
      },
      [](bool) {});
  inner->gate.set_value();
  const std::array<dev::Segment, 1> one{{{100, 512}}};
  EXPECT_EQ(dev::read_disk(*disk, 512, 512, memory, one, note()), dev::Transfer::kDone);
  EXPECT_EQ(memory.ram[100], 0x5a);
  gate.set_value();
  pool.settle();
}

TEST_F(PooledDiskTest, AStableWriteEndsWithItsFlush) {
  memory.ram[100] = 7;
  const auto took =
      dev::write_disk(*disk, 0, 1024, dev::ScatterCursor(memory, segments), /*stable=*/true, note());
  EXPECT_EQ(took, std::nullopt);
  EXPECT_EQ(inner->bytes[0], 7);
  disk->settle();
  EXPECT_EQ(ended, dev::Transfer::kDone);
}

TEST_F(PooledDiskTest, WhileAThreadHasTheDiskOthersWait) {
  EXPECT_EQ(dev::read_disk(*disk, 512, 1024, memory, segments, note()), std::nullopt);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  std::optional<dev::Transfer> written;
  memory.ram[100] = 9;
  const auto took = dev::write_disk(*disk, 0, 1024, dev::ScatterCursor(memory, segments), false,
                                    [&](dev::Transfer t) { written = t; });
  memory.ram[100] = 1;  // it has its copy, or has been done
  inner->gate.set_value();
  disk->settle();
  EXPECT_EQ(took ? took : written, dev::Transfer::kDone);
  EXPECT_EQ(inner->bytes[0], 9);
}

}  // namespace
}  // namespace mynah::host
