// SPDX-License-Identifier: Apache-2.0
//
// virtio-blk: every request type, odd layouts, errors, hostile requests.
#include "devices/virtio/virtio_blk.h"

#include "tests/devices/deferring_disk.h"
#include "tests/devices/virtio_test_driver.h"

namespace mynah::dev::test {
namespace {

class FakeDisk final : public fake::DeferringDisk {
 public:
  uint64_t size() const override { return bytes.size(); }
  bool read_only() const override { return is_read_only; }
  bool read(uint64_t offset, std::span<uint8_t> to) override {
    ++reads;
    if (failing || offset > bytes.size() || to.size() > bytes.size() - offset) return false;
    std::copy_n(bytes.begin() + static_cast<ptrdiff_t>(offset), to.size(), to.begin());
    return true;
  }
  bool write(uint64_t offset, std::span<const uint8_t> from) override {
    ++writes;
    if (failing || is_read_only || offset > bytes.size() || from.size() > bytes.size() - offset) return false;
    std::copy(from.begin(), from.end(), bytes.begin() + static_cast<ptrdiff_t>(offset));
    return true;
  }
  bool flush() override {
    ++flushes;
    return !failing;
  }
  bool discard(uint64_t offset, uint64_t n) override {
    discards.push_back({offset, n});
    return !failing;
  }
  bool write_zeroes(uint64_t offset, uint64_t n) override {
    if (failing) return false;
    std::fill_n(bytes.begin() + static_cast<ptrdiff_t>(offset), n, uint8_t{0});
    return true;
  }

  std::vector<uint8_t> bytes = pattern(256 * 512, 3);
  bool is_read_only = false;
  bool failing = false;
  int reads = 0, writes = 0, flushes = 0;
  std::vector<std::pair<uint64_t, uint64_t>> discards;
};

constexpr uint32_t kIn = 0, kOut = 1, kFlush = 4, kGetId = 8, kDiscard = 11, kWriteZeroes = 13;
constexpr uint8_t kOk = 0, kIoError = 1, kUnsupported = 2, kUntouched = 0xee;
constexpr uint64_t kFeatureFlush = 1 << 9, kFeatureWce = 1 << 11;

constexpr uint64_t kHeader = kData, kStatusByte = kData + 0x80, kPayload = kData + 0x1000;

class VirtioBlkTest : public testing::Test {
 protected:
  void SetUp() override { driver.start(); }

  void put_header(uint32_t type, uint64_t sector, uint64_t at = kHeader) {
    memory.put<uint32_t>(at, type);
    memory.put<uint32_t>(at + 4, 0);
    memory.put<uint64_t>(at + 8, sector);
    memory.put<uint8_t>(kStatusByte, kUntouched);
  }
  // Adds a header, then the payload descriptors, then the status.
  uint8_t request(uint32_t type, uint64_t sector, std::vector<Desc> payload) {
    put_header(type, sector);
    payload.insert(payload.begin(), Desc{kHeader, 16});
    payload.push_back({kStatusByte, 1, kWrite});
    driver.queue().add(payload);
    driver.kick();
    return memory.get<uint8_t>(kStatusByte);
  }
  uint8_t ranges(uint32_t type, const std::vector<std::array<uint64_t, 3>>& list) {
    uint64_t at = kPayload;
    for (const auto& [sector, sectors, flags] : list) {
      memory.put<uint64_t>(at, sector);
      memory.put<uint32_t>(at + 8, static_cast<uint32_t>(sectors));
      memory.put<uint32_t>(at + 12, static_cast<uint32_t>(flags));
      at += 16;
    }
    return request(type, 0, {{kPayload, static_cast<uint32_t>(16 * list.size())}});
  }
  std::vector<uint8_t> on_disk(uint64_t sector, size_t sectors) {
    const auto at = disk.bytes.begin() + static_cast<ptrdiff_t>(sector * 512);
    return {at, at + static_cast<ptrdiff_t>(sectors * 512)};
  }
  uint32_t last_length() { return driver.queue().used_element(driver.queue().used_index() - 1).length; }

  FakeMemory memory;
  RecordingLog log;
  RecordingIrq irq;
  FakeDisk disk;
  VirtioBlk blk{memory, log, disk, {.serial = "MYNAH-0001"}};
  VirtioMmio mmio{&blk, IrqLine(irq, 0), log};
  Driver driver{memory, mmio};
};

TEST_F(VirtioBlkTest, Configuration) {
  EXPECT_EQ(driver.reg(kRegDeviceId), 2u);
  EXPECT_EQ(driver.reg(kRegConfig), 256u);
  EXPECT_EQ(driver.reg(kRegConfig + 4), 0u);
  EXPECT_EQ(driver.reg(kRegConfig + 12), 254u);  // seg_max
  EXPECT_EQ(driver.reg(kRegConfig + 20), 512u);  // blk_size
  EXPECT_EQ(mmio.read(kRegConfig + 32, Width::k1), 1u);
  driver.set_reg(kRegQueueSel, 0);
  EXPECT_EQ(driver.reg(kRegQueueNumMax), 256u);
  EXPECT_EQ(driver.device_features() & (1 << 5), 0u);
}

TEST_F(VirtioBlkTest, Read) {
  EXPECT_EQ(request(kIn, 5, {{kPayload, 1024, kWrite}}), kOk);
  EXPECT_EQ(memory.get_bytes(kPayload, 1024), on_disk(5, 2));
  EXPECT_EQ(last_length(), 1025u);
  EXPECT_TRUE(irq.level);
}

TEST_F(VirtioBlkTest, Write) {
  const auto bytes = pattern(1024, 99);
  memory.put_bytes(kPayload, bytes);
  EXPECT_EQ(request(kOut, 7, {{kPayload, 1024}}), kOk);
  EXPECT_EQ(on_disk(7, 2), bytes);
  EXPECT_EQ(last_length(), 1u);
  EXPECT_EQ(disk.flushes, 0);
}

TEST_F(VirtioBlkTest, WhatTheHostDoesLaterCompletesLater) {
  disk.defers = true;
  EXPECT_EQ(request(kIn, 5, {{kPayload, 1024, kWrite}}), kUntouched);
  EXPECT_EQ(driver.queue().used_index(), 0);
  EXPECT_FALSE(irq.level);
  EXPECT_EQ(disk.waiting(), 1u);
  disk.settle();
  EXPECT_EQ(memory.get<uint8_t>(kStatusByte), kOk);
  EXPECT_EQ(memory.get_bytes(kPayload, 1024), on_disk(5, 2));
  EXPECT_EQ(driver.queue().used_index(), 1);
  EXPECT_EQ(last_length(), 1025u);
  EXPECT_TRUE(irq.level);

  // The bytes are those of the time when the request was made.
  const auto bytes = pattern(512, 99);
  memory.put_bytes(kPayload, bytes);
  EXPECT_EQ(request(kOut, 7, {{kPayload, 512}}), kUntouched);
  memory.put_bytes(kPayload, pattern(512, 1));
  disk.settle();
  EXPECT_EQ(memory.get<uint8_t>(kStatusByte), kOk);
  EXPECT_EQ(on_disk(7, 1), bytes);

  disk.failing = true;
  EXPECT_EQ(request(kFlush, 0, {}), kUntouched);
  EXPECT_EQ(disk.flushes, 0);
  disk.settle();
  EXPECT_EQ(disk.flushes, 1);
  EXPECT_EQ(memory.get<uint8_t>(kStatusByte), kIoError);
  EXPECT_EQ(driver.queue().used_index(), 3);
}

TEST_F(VirtioBlkTest, RequestsEndBeforeAReset) {
  disk.defers = true;
  EXPECT_EQ(request(kIn, 5, {{kPayload, 512, kWrite}}), kUntouched);
  driver.set_reg(kRegStatus, 0);
  EXPECT_EQ(disk.waiting(), 0u);
  EXPECT_EQ(memory.get_bytes(kPayload, 512), on_disk(5, 1));
  EXPECT_EQ(driver.status(), 0);
}

TEST_F(VirtioBlkTest, AQueueThatIsGoneIsLeftAlone) {
  disk.defers = true;
  EXPECT_EQ(request(kIn, 5, {{kPayload, 512, kWrite}}), kUntouched);
  driver.set_reg(kRegQueueSel, 0);
  driver.set_reg(kRegQueueReady, 0);
  disk.settle();
  EXPECT_EQ(driver.queue().used_index(), 0);
  EXPECT_FALSE(irq.level);
}

TEST_F(VirtioBlkTest, PayloadIsNotCopied) {
  memory.bytes_copied = 0;
  EXPECT_EQ(request(kIn, 0, {{kPayload, 64 * 1024, kWrite}}), kOk);
  EXPECT_EQ(request(kOut, 0, {{kPayload, 64 * 1024}}), kOk);
  EXPECT_LT(memory.bytes_copied, 500u);
  EXPECT_EQ(disk.reads, 1);
}

TEST_F(VirtioBlkTest, NeighbouringPagesAreOneTransfer) {
  std::vector<Desc> pages;
  for (uint32_t i = 0; i < 8; ++i) pages.push_back({kPayload + 4096 * i, 4096, kWrite});
  EXPECT_EQ(request(kIn, 0, pages), kOk);
  EXPECT_EQ(disk.reads, 1);
}

TEST_F(VirtioBlkTest, ScatteredOddPieces) {
  EXPECT_EQ(
      request(kIn, 1,
              {{kPayload, 1, kWrite}, {kPayload + 0x1003, 510, kWrite}, {kPayload + 0x2001, 1, kWrite}}),
      kOk);
  const auto want = on_disk(1, 1);
  EXPECT_EQ(memory.get<uint8_t>(kPayload), want[0]);
  EXPECT_TRUE(
      std::equal(want.begin() + 1, want.begin() + 511, memory.get_bytes(kPayload + 0x1003, 510).begin()));
  EXPECT_EQ(memory.get<uint8_t>(kPayload + 0x2001), want[511]);
}

TEST_F(VirtioBlkTest, PayloadAcrossASeam) {
  memory.seam = kPayload + 700;
  EXPECT_EQ(request(kIn, 3, {{kPayload, 2048, kWrite}}), kOk);
  EXPECT_EQ(memory.get_bytes(kPayload, 2048), on_disk(3, 4));
  memory.put_bytes(kPayload, pattern(2048, 50));
  EXPECT_EQ(request(kOut, 3, {{kPayload, 2048}}), kOk);
  EXPECT_EQ(on_disk(3, 4), pattern(2048, 50));
}

TEST_F(VirtioBlkTest, HeaderSplitAndJoined) {
  // The header in three pieces, the payload's first bytes in the last of them; data and status in one buffer.
  put_header(kOut, 9);
  memory.put_bytes(kHeader + 16, pattern(512, 77));
  driver.queue().add(
      {{kHeader, 3}, {kHeader + 3, 10}, {kHeader + 13, 3 + 512}, {kStatusByte + 0x400, 1, kWrite}});
  driver.kick();
  EXPECT_EQ(on_disk(9, 1), pattern(512, 77));
  EXPECT_EQ(memory.get<uint8_t>(kStatusByte + 0x400), kOk);

  put_header(kIn, 9);
  driver.queue().add({{kHeader, 16}, {kPayload, 513, kWrite}});
  driver.kick();
  EXPECT_EQ(memory.get_bytes(kPayload, 512), pattern(512, 77));
  EXPECT_EQ(memory.get<uint8_t>(kPayload + 512), kOk);
}

TEST_F(VirtioBlkTest, Indirect) {
  put_header(kIn, 2);
  driver.queue().add_indirect({{kHeader, 16}, {kPayload, 512, kWrite}, {kStatusByte, 1, kWrite}},
                              kData + 0x800);
  driver.kick();
  EXPECT_EQ(memory.get<uint8_t>(kStatusByte), kOk);
  EXPECT_EQ(memory.get_bytes(kPayload, 512), on_disk(2, 1));
}

TEST_F(VirtioBlkTest, LongIndirectTable) {
  std::vector<Desc> chain{{kHeader, 16}};
  for (uint32_t i = 0; i < 254; ++i) chain.push_back({kPayload + 1024 * i, 512, kWrite});
  chain.push_back({kStatusByte, 1, kWrite});
  put_header(kIn, 0);
  driver.queue().add_indirect(chain, kPayload + 0x80000);
  driver.kick();
  EXPECT_EQ(memory.get<uint8_t>(kStatusByte), kOk);
  EXPECT_EQ(memory.get_bytes(kPayload + 1024 * 253, 512), on_disk(253, 1));
}

TEST_F(VirtioBlkTest, Flush) {
  EXPECT_EQ(request(kFlush, 0, {}), kOk);
  EXPECT_EQ(disk.flushes, 1);
  disk.failing = true;
  EXPECT_EQ(request(kFlush, 0, {}), kIoError);
}

TEST_F(VirtioBlkTest, GetId) {
  EXPECT_EQ(request(kGetId, 0, {{kPayload, 20, kWrite}}), kOk);
  EXPECT_EQ(
      memory.get_bytes(kPayload, 20),
      (std::vector<uint8_t>{'M', 'Y', 'N', 'A', 'H', '-', '0', '0', '0', '1', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(request(kGetId, 0, {{kPayload + 64, 3, kWrite}}), kOk);
  EXPECT_EQ(memory.get_bytes(kPayload + 64, 4), (std::vector<uint8_t>{'M', 'Y', 'N', 0}));
}

TEST_F(VirtioBlkTest, DiscardAndWriteZeroes) {
  EXPECT_EQ(ranges(kDiscard, {{{8, 8, 0}}, {{100, 1, 0}}}), kOk);
  EXPECT_EQ(disk.discards, (std::vector<std::pair<uint64_t, uint64_t>>{{4096, 4096}, {51200, 512}}));
  EXPECT_EQ(ranges(kWriteZeroes, {{{4, 2, 0}}, {{10, 1, 1}}}), kOk);
  EXPECT_EQ(on_disk(4, 2), std::vector<uint8_t>(1024));
  EXPECT_EQ(on_disk(10, 1), std::vector<uint8_t>(512));
  EXPECT_NE(on_disk(6, 1), std::vector<uint8_t>(512));
}

TEST_F(VirtioBlkTest, RangesThatAreRefused) {
  const auto before = disk.bytes;
  EXPECT_EQ(ranges(kDiscard, {{{0, 1, 1}}}), kUnsupported);
  EXPECT_EQ(ranges(kWriteZeroes, {{{0, 1, 2}}}), kUnsupported);
  EXPECT_EQ(ranges(kWriteZeroes, {{{0, 1, 0}}, {{256, 1, 0}}}), kIoError);
  EXPECT_EQ(ranges(kWriteZeroes, {{{255, 2, 0}}}), kIoError);
  EXPECT_EQ(ranges(kWriteZeroes, {{{~uint64_t{0}, 0xffff'ffff, 0}}}), kIoError);
  EXPECT_EQ(request(kDiscard, 0, {}), kIoError);
  EXPECT_EQ(request(kDiscard, 0, {{kPayload, 15}}), kIoError);
  EXPECT_EQ(request(kDiscard, 0, {{kPayload, 16 * 65}}), kIoError);
  EXPECT_TRUE(disk.discards.empty());
  EXPECT_EQ(disk.bytes, before);
  disk.failing = true;
  EXPECT_EQ(ranges(kDiscard, {{{0, 1, 0}}}), kIoError);
  EXPECT_FALSE(driver.needs_reset());
}

TEST_F(VirtioBlkTest, FeaturesThatWereNotNegotiated) {
  driver.start(0);
  EXPECT_EQ(ranges(kDiscard, {{{0, 1, 0}}}), kUnsupported);
  EXPECT_EQ(ranges(kWriteZeroes, {{{0, 1, 0}}}), kUnsupported);
}

TEST_F(VirtioBlkTest, UnknownType) {
  EXPECT_EQ(request(2, 0, {}), kUnsupported);
  EXPECT_EQ(request(0xffff'ffff, 0, {{kPayload, 512, kWrite}}), kUnsupported);
}

TEST_F(VirtioBlkTest, SectorsOutsideTheDisk) {
  EXPECT_EQ(request(kIn, 255, {{kPayload, 512, kWrite}}), kOk);
  EXPECT_EQ(request(kIn, 256, {{kPayload, 512, kWrite}}), kIoError);
  EXPECT_EQ(request(kIn, 255, {{kPayload, 1024, kWrite}}), kIoError);
  EXPECT_EQ(request(kOut, 256, {{kPayload, 512}}), kIoError);
  EXPECT_EQ(request(kIn, ~uint64_t{0}, {{kPayload, 512, kWrite}}), kIoError);
  EXPECT_EQ(request(kIn, uint64_t{1} << 55, {{kPayload, 512, kWrite}}), kIoError);
  EXPECT_EQ(disk.writes, 0);
  EXPECT_FALSE(driver.needs_reset());
}

TEST_F(VirtioBlkTest, PartsOfSectors) {
  EXPECT_EQ(request(kIn, 0, {{kPayload, 511, kWrite}}), kIoError);
  EXPECT_EQ(request(kOut, 0, {{kPayload, 513}}), kIoError);
  EXPECT_EQ(disk.writes, 0);
}

TEST_F(VirtioBlkTest, HostErrors) {
  disk.failing = true;
  EXPECT_EQ(request(kIn, 0, {{kPayload, 512, kWrite}}), kIoError);
  EXPECT_EQ(request(kOut, 0, {{kPayload, 512}}), kIoError);
  disk.failing = false;
  EXPECT_EQ(request(kIn, 0, {{kPayload, 512, kWrite}}), kOk);
}

TEST_F(VirtioBlkTest, ReadOnly) {
  disk.is_read_only = true;
  EXPECT_NE(driver.device_features() & (1 << 5), 0u);
  EXPECT_EQ(driver.device_features() & (1 << 13 | 1 << 14), 0u);
  driver.start();
  EXPECT_EQ(request(kOut, 0, {{kPayload, 512}}), kIoError);
  EXPECT_EQ(ranges(kWriteZeroes, {{{0, 1, 0}}}), kUnsupported);
  EXPECT_EQ(request(kIn, 0, {{kPayload, 512, kWrite}}), kOk);
  EXPECT_EQ(disk.writes, 0);
}

TEST_F(VirtioBlkTest, WriteThrough) {
  driver.start(0);  // neither FLUSH nor CONFIG_WCE: each write is stable when it completes
  request(kOut, 0, {{kPayload, 512}});
  EXPECT_EQ(disk.flushes, 1);
  driver.start(kFeatureFlush | kFeatureWce);
  request(kOut, 0, {{kPayload, 512}});
  EXPECT_EQ(disk.flushes, 1);
  mmio.write(kRegConfig + 32, Width::k1, 0);
  EXPECT_EQ(mmio.read(kRegConfig + 32, Width::k1), 0u);
  EXPECT_EQ(disk.flushes, 2);
  request(kOut, 0, {{kPayload, 512}});
  EXPECT_EQ(disk.flushes, 3);
  driver.start(kFeatureFlush);
  mmio.write(kRegConfig + 32, Width::k1, 0);  // not negotiated
  EXPECT_EQ(mmio.read(kRegConfig + 32, Width::k1), 1u);
}

TEST_F(VirtioBlkTest, LargeBlocks) {
  VirtioBlk large(memory, log, disk, {.logical_block_size = 4096, .physical_block_size = 8192});
  VirtioMmio large_mmio(&large, IrqLine(irq, 1), log);
  disk.bytes.resize(10 * 4096 + 512);
  driver.~Driver();
  new (&driver) Driver(memory, large_mmio);
  driver.start();
  EXPECT_EQ(driver.reg(kRegConfig), 80u);
  EXPECT_EQ(driver.reg(kRegConfig + 20), 4096u);
  EXPECT_EQ(large_mmio.read(kRegConfig + 24, Width::k1), 1u);
  EXPECT_EQ(request(kIn, 8, {{kPayload, 4096, kWrite}}), kOk);
  EXPECT_EQ(request(kIn, 1, {{kPayload, 4096, kWrite}}), kIoError);
  EXPECT_EQ(request(kIn, 8, {{kPayload, 512, kWrite}}), kIoError);
  EXPECT_EQ(request(kIn, 80, {{kPayload, 4096, kWrite}}), kIoError);
}

// ---- Hostile requests: the device stops, and says why once.

TEST_F(VirtioBlkTest, NotARequest) {
  const std::vector<std::vector<Desc>> chains = {
      {{kHeader, 15}, {kStatusByte, 1, kWrite}},                         // header too short
      {{kHeader, 16}},                                                   // no status
      {{kHeader, 16, kWrite}, {kStatusByte, 1, kWrite}},                 // header of the wrong direction
      {{0x1000, 16}, {kStatusByte, 1, kWrite}},                          // header outside RAM
      {{kHeader, 16}, {0x1000, 512, kWrite}, {kStatusByte, 1, kWrite}},  // payload outside RAM
      {{kHeader, 16}, {kPayload, 512, kWrite}, {0x1000, 1, kWrite}},     // status outside RAM
      {{kHeader, 16}, {kPayload, 0xffff'ffff, kWrite}, {kPayload, 2, kWrite}},  // more than 4 GiB
      {{kHeader, 16}, {~uint64_t{0}, 512, kWrite}, {kStatusByte, 1, kWrite}},   // wraps
      {{kHeader, 16}, {kStatusByte, 1, kWrite}, {kPayload, 512}},               // order
  };
  for (const auto& chain : chains) {
    log.errors.clear();
    driver.start();
    put_header(kIn, 0);
    driver.queue().add(chain);
    driver.kick();
    EXPECT_TRUE(driver.needs_reset()) << &chain - &chains[0];
    EXPECT_EQ(log.errors.size(), 1u);
    EXPECT_EQ(driver.queue().used_index(), 0);
    driver.kick();
    EXPECT_EQ(log.errors.size(), 1u);
  }
  driver.start();
  EXPECT_EQ(request(kIn, 0, {{kPayload, 512, kWrite}}), kOk);
}

TEST_F(VirtioBlkTest, HugeLengthIsAnIoErrorWhenTheDiskIsSmaller) {
  EXPECT_EQ(request(kIn, 0, {{kPayload, 0xffff'fe00, kWrite}}), kIoError);
  EXPECT_EQ(disk.reads, 0);
}

TEST_F(VirtioBlkTest, RequestThatOverwritesItsOwnRings) {
  EXPECT_EQ(request(kIn, 0, {{FakeMemory::kBase, 0x4000, kWrite}}), kOk);
  driver.kick();  // whatever the rings say now
  driver.ack();
  driver.start();
  EXPECT_EQ(request(kIn, 0, {{kPayload, 512, kWrite}}), kOk);
}

TEST_F(VirtioBlkTest, ResetInTheMiddle) {
  put_header(kIn, 0);
  driver.queue().add({{kHeader, 16}, {kPayload, 512, kWrite}, {kStatusByte, 1, kWrite}});
  driver.set_reg(kRegStatus, 0);
  driver.kick();
  EXPECT_EQ(memory.get<uint8_t>(kStatusByte), kUntouched);
  driver.start();
  EXPECT_EQ(request(kIn, 0, {{kPayload, 512, kWrite}}), kOk);
}

TEST_F(VirtioBlkTest, SaveAndRestore) {
  mmio.write(kRegConfig + 32, Width::k1, 0);
  EXPECT_EQ(request(kIn, 0, {{kPayload, 512, kWrite}}), kOk);
  StateStream saved;
  mmio.serialize(saved);
  mmio.reset();
  StateStream load(saved.bytes());
  mmio.serialize(load);
  ASSERT_FALSE(load.failed());
  EXPECT_EQ(driver.status(), 15);
  EXPECT_EQ(mmio.read(kRegConfig + 32, Width::k1), 0u);
  EXPECT_EQ(request(kIn, 1, {{kPayload, 512, kWrite}}), kOk);
  EXPECT_EQ(driver.queue().used_index(), 2);

  disk.is_read_only = true;  // a machine whose disk offers less than was negotiated
  StateStream other(saved.bytes());
  mmio.serialize(other);
  EXPECT_TRUE(other.failed());
}

}  // namespace
}  // namespace mynah::dev::test
