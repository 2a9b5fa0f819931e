// SPDX-License-Identifier: Apache-2.0
//
// virtio-scsi: requests to a disk and a CD, what is said of places without a unit, task management, hostile
// requests. Expected values are of VIRTIO 1.2, 5.6, SPC-4 and SBC-3.
#include "devices/virtio/virtio_scsi.h"

#include "devices/core/big_endian.h"
#include "devices/storage/mmc_unit.h"
#include "devices/storage/sbc_unit.h"
#include "tests/devices/fakes.h"
#include "tests/devices/virtio_test_driver.h"

namespace mynah::dev::test {
namespace {

using Bytes = std::vector<uint8_t>;
constexpr unsigned kRequests = 2;
constexpr uint64_t kHeader = kData, kAnswer = kData + 0x100, kOut = kData + 0x1000, kIn = kData + 0x8000;
constexpr uint32_t kHeaderBytes = 51, kAnswerBytes = 108;

class VirtioScsiTest : public testing::Test {
 protected:
  VirtioScsiTest() {
    for (size_t i = 0; i < disk.data.size(); ++i) disk.data[i] = static_cast<uint8_t>(i / 512 * 3 + i);
    for (size_t i = 0; i < cd.data.size(); ++i) cd.data[i] = static_cast<uint8_t>(i / 2048 * 7 + i);
    cd.only_read = true;
  }
  void SetUp() override { driver.start(); }

  std::vector<VirtioScsi::Place> places() {
    std::vector<VirtioScsi::Place> units;
    units.push_back({0, 0,
                     std::make_unique<SbcUnit>(disk, ScsiUnit::Identity{.product = "DISK", .serial = "S1"},
                                               SbcUnit::Options{})});
    auto drive = std::make_unique<MmcUnit>(&cd, ScsiUnit::Identity{.product = "CD"});
    tray = drive.get();
    units.push_back({3, 1, std::move(drive)});
    return units;
  }
  struct Reply {
    uint8_t code, status;
    uint32_t residual;
    ScsiUnit::Sense sense;
    Bytes data;
  };
  // `in`: room for the answer's data; `out`: what the command writes.
  Reply send(Bytes command, uint32_t in = 0, const Bytes& out = {}, unsigned target = 0, unsigned lun = 0) {
    Bytes header(kHeaderBytes);
    header[0] = 1;
    header[1] = static_cast<uint8_t>(target);
    header[2] = static_cast<uint8_t>(0x40 | lun >> 8);
    header[3] = static_cast<uint8_t>(lun);
    std::copy(command.begin(), command.end(), header.begin() + 19);
    memory.put_bytes(kHeader, header);
    memory.put_bytes(kAnswer, Bytes(kAnswerBytes, 0xee));
    std::vector<Desc> chain{{kHeader, kHeaderBytes}};
    if (!out.empty()) {
      memory.put_bytes(kOut, out);
      chain.push_back({kOut, static_cast<uint32_t>(out.size())});
    }
    chain.push_back({kAnswer, kAnswerBytes, kWrite});
    if (in) chain.push_back({kIn, in, kWrite});
    driver.queue(kRequests).add(chain);
    driver.kick(kRequests);
    Reply reply{memory.get<uint8_t>(kAnswer + 11),
                memory.get<uint8_t>(kAnswer + 10),
                memory.get<uint32_t>(kAnswer + 4),
                {},
                {}};
    if (memory.get<uint32_t>(kAnswer))
      reply.sense = {memory.get<uint8_t>(kAnswer + 12 + 2), memory.get<uint8_t>(kAnswer + 12 + 12),
                     memory.get<uint8_t>(kAnswer + 12 + 13)};
    reply.data = memory.get_bytes(kIn, in - std::min(in, reply.residual));
    return reply;
  }
  Bytes of(const fake::Disk& from, size_t at, size_t n) {
    const auto begin = from.data.begin() + static_cast<ptrdiff_t>(at);
    return {begin, begin + static_cast<ptrdiff_t>(n)};
  }

  FakeMemory memory;
  RecordingLog log;
  RecordingIrq irq;
  fake::Disk disk{512 * 300}, cd{2048 * 20};
  MmcUnit* tray = nullptr;
  VirtioScsi scsi{memory, log, places()};
  VirtioMmio mmio{&scsi, IrqLine(irq, 0), log};
  Driver driver{memory, mmio};
};

TEST_F(VirtioScsiTest, SaysWhatIsThere) {
  EXPECT_EQ(driver.reg(kRegDeviceId), 8u);
  const auto inquiry = send({0x12, 0, 0, 0, 36}, 36);
  EXPECT_EQ(inquiry.code, 0);
  EXPECT_EQ(inquiry.status, 0);
  EXPECT_EQ(inquiry.data.size(), 36u);
  EXPECT_EQ(inquiry.data[0], 0);
  EXPECT_EQ(std::string(inquiry.data.begin() + 8, inquiry.data.begin() + 20), "MYNAH   DISK");
  const auto serial = send({0x12, 1, 0x80, 0, 255}, 255);
  EXPECT_EQ(serial.data, (Bytes{0, 0x80, 0, 2, 'S', '1'}));
  EXPECT_EQ(serial.residual, 249u);
  EXPECT_EQ(send({0x12, 1, 0, 0, 255}, 255).data, (Bytes{0, 0, 0, 6, 0, 0x80, 0x83, 0xb0, 0xb1, 0xb2}));
  EXPECT_EQ(send({0x12, 0, 0, 0, 36}, 36, {}, 3, 1).data[0], 5) << "a CD drive";
  EXPECT_EQ(send({0x12, 0, 0, 0, 36}, 36, {}, 3, 0).data[0], 0x7f) << "a target, and no unit";
  EXPECT_EQ(send({0x12, 0, 0, 0, 36}, 36, {}, 7).code, 3) << "no target";
  EXPECT_EQ(send({0}, 0, {}, 3, 5).sense, (ScsiUnit::Sense{5, 0x25, 0}));
  const auto luns = send({0xa0, 0, 0, 0, 0, 0, 0, 0, 1, 0}, 256, {}, 3);
  EXPECT_EQ(luns.data.size(), 24u);
  EXPECT_EQ(luns.data[3], 16);
  EXPECT_EQ(luns.data[17], 1);
}

TEST_F(VirtioScsiTest, ReadsAndWrites) {
  EXPECT_EQ(send({0x28, 0, 0, 0, 0, 9, 0, 0, 2, 0}, 1024).data, of(disk, 9 * 512, 1024));
  EXPECT_EQ(send({0x88, 0, 0, 0, 0, 0, 0, 0, 1, 0x2b, 0, 0, 0, 1}, 512).data, of(disk, 299 * 512, 512));
  const auto all = send({0x2a, 8, 0, 0, 0, 20, 0, 0, 1}, 0, Bytes(512, 0x5a));
  EXPECT_EQ(all.status, 0);
  EXPECT_EQ(of(disk, 20 * 512, 512), Bytes(512, 0x5a));
  EXPECT_EQ(send({0x28, 0, 0, 0, 1, 0x2b, 0, 0, 2}, 1024).sense, (ScsiUnit::Sense{5, 0x21, 0}));
  EXPECT_EQ(send({0x28, 0, 0, 0, 0, 0, 0, 0, 2}, 512).code, 1) << "no room for the data";
  disk.only_read = true;
  EXPECT_EQ(send({0x2a, 0, 0, 0, 0, 20, 0, 0, 1}, 0, Bytes(512)).sense, (ScsiUnit::Sense{7, 0x27, 0}));
  disk.broken = true;
  EXPECT_EQ(send({0x28, 0, 0, 0, 0, 9, 0, 0, 1}, 512).sense, (ScsiUnit::Sense{3, 0x11, 0}));
  EXPECT_EQ(send({0x28, 0, 0, 0, 0, 5, 0, 0, 1}, 2048, {}, 3, 1).data, of(cd, 5 * 2048, 2048));
}

TEST_F(VirtioScsiTest, CapacityModesAndCache) {
  EXPECT_EQ(send({0x25}, 8).data, (Bytes{0, 0, 1, 0x2b, 0, 0, 2, 0}));
  const auto wide = send({0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32}, 32);
  EXPECT_EQ(load_big(wide.data.data(), 8), 299u);
  EXPECT_EQ(wide.data[14], 0x80) << "unmapping";
  const auto modes = send({0x1a, 8, 8, 0, 255}, 255);
  EXPECT_EQ(modes.data.size(), 24u);
  EXPECT_EQ(modes.data[6], 4) << "a write cache";
  EXPECT_EQ(send({0x15, 0x10, 0, 0, 24}, 0,
                 Bytes{0, 0, 0, 0, 8, 18, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
                .status,
            0);
  EXPECT_EQ(send({0x1a, 8, 8, 0, 255}, 255).data[6], 0);
  EXPECT_EQ(send({0x35}).status, 0);
  EXPECT_EQ(send({0x12, 1, 0xb0, 0, 255}, 255).data.size(), 64u);
  EXPECT_EQ(send({0xc1}).sense, (ScsiUnit::Sense{5, 0x20, 0}));
}

TEST_F(VirtioScsiTest, UnmapsAndZeroes) {
  Bytes ranges(24);
  store_big(&ranges[0], 2, 22);
  store_big(&ranges[2], 2, 16);
  store_big(&ranges[8], 8, 5);
  store_big(&ranges[16], 4, 3);
  EXPECT_EQ(send({0x42, 0, 0, 0, 0, 0, 0, 0, 24}, 0, ranges).status, 0);
  store_big(&ranges[8], 8, 299);
  EXPECT_EQ(send({0x42, 0, 0, 0, 0, 0, 0, 0, 24}, 0, ranges).sense, (ScsiUnit::Sense{5, 0x21, 0}));
  EXPECT_EQ(send({0x93, 0, 0, 0, 0, 0, 0, 0, 0, 30, 0, 0, 0, 4}, 0, Bytes(512)).status, 0);
  EXPECT_EQ(of(disk, 30 * 512, 2048), Bytes(2048));
  EXPECT_EQ(send({0x41, 0, 0, 0, 0, 40, 0, 0, 2}, 0, Bytes(512, 7)).status, 0);
  EXPECT_EQ(of(disk, 40 * 512, 1024), Bytes(1024, 7));
}

TEST_F(VirtioScsiTest, AnotherCdIsNoticed) {
  fake::Disk other(2048 * 4);
  send({0x1e, 0, 0, 0, 1}, 0, {}, 3, 1);
  EXPECT_FALSE(tray->change_medium(&other, false));
  EXPECT_TRUE(tray->change_medium(&other, true));
  EXPECT_EQ(send({0x25}, 8, {}, 3, 1).sense, (ScsiUnit::Sense{6, 0x28, 0}));
  EXPECT_EQ(send({0x25}, 8, {}, 3, 1).data[3], 3);
  tray->change_medium(nullptr, true);
  EXPECT_EQ(send({0}, 0, {}, 3, 1).sense, (ScsiUnit::Sense{2, 0x3a, 2}));
}

TEST_F(VirtioScsiTest, TaskManagement) {
  const auto ask = [this](uint32_t subtype, uint8_t target) {
    Bytes request(24);
    request[4] = static_cast<uint8_t>(subtype);
    request[8] = 1;
    request[9] = target;
    memory.put_bytes(kHeader, request);
    memory.put<uint8_t>(kAnswer, 0xee);
    driver.queue(0).add({{kHeader, 24}, {kAnswer, 1, kWrite}});
    driver.kick(0);
    return memory.get<uint8_t>(kAnswer);
  };
  EXPECT_EQ(ask(5, 0), 0) << "reset of a unit";
  EXPECT_EQ(ask(0, 0), 0);
  EXPECT_EQ(ask(5, 9), 3);
  EXPECT_EQ(ask(5, 3), 12);
  EXPECT_EQ(ask(99, 0), 11);
}

TEST_F(VirtioScsiTest, SavedWithItsSense) {
  send({0x15, 0x10, 0, 0, 24}, 0,
       Bytes{0, 0, 0, 0, 8, 18, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  const auto state = fake::save(mmio);
  mmio.reset();
  ASSERT_TRUE(fake::load(mmio, state));
  EXPECT_EQ(send({0x1a, 8, 8, 0, 255}, 255).data[6], 0) << "the cache is off still";
}

TEST_F(VirtioScsiTest, ARequestThatIsTooShortStopsIt) {
  driver.queue(kRequests).add({{kHeader, 20}, {kAnswer, kAnswerBytes, kWrite}});
  driver.kick(kRequests);
  EXPECT_TRUE(driver.needs_reset());
}

}  // namespace
}  // namespace mynah::dev::test
