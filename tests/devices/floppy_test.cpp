// SPDX-License-Identifier: Apache-2.0
//
// The 8237 DMA controllers, and the floppy controller with them, by ports (data sheets 231466 and 290166).
#include "devices/storage/fdc_82077.h"

#include <gtest/gtest.h>

#include <cstring>

#include "tests/devices/fakes.h"

namespace mynah::dev {
namespace {

constexpr uint8_t kWritesMemory = 0x44, kReadsMemory = 0x48;  // modes, but for the channel

struct Floppy : testing::Test {
  Floppy() {
    for (size_t i = 0; i < disk.data.size(); ++i) disk.data[i] = static_cast<uint8_t>(i / 512 * 7 + i);
    fdc.plug(0, &disk);
    fdc.reset();
  }
  void program(uint16_t address, uint16_t count, uint8_t mode) {
    Device& d = dma.first();
    d.write(10, Width::k1, 4 | 2);
    d.write(12, Width::k1, 0);
    d.write(11, Width::k1, mode | 2u);
    d.write(4, Width::k1, address & 0xff);
    d.write(4, Width::k1, address >> 8);
    d.write(5, Width::k1, count & 0xff);
    d.write(5, Width::k1, count >> 8);
    dma.pages().write(1, Width::k1, 0);
    d.write(10, Width::k1, 2);
  }
  void send(std::initializer_list<uint8_t> bytes) {
    for (const uint8_t byte : bytes) {
      EXPECT_EQ(fdc.read(Fdc82077::kMainStatus, Width::k1) & 0xc0, 0x80u);
      fdc.write(Fdc82077::kFifo, Width::k1, byte);
    }
  }
  std::vector<unsigned> result() {
    std::vector<unsigned> bytes;
    while (fdc.read(Fdc82077::kMainStatus, Width::k1) & 0x40)
      bytes.push_back(static_cast<unsigned>(fdc.read(Fdc82077::kFifo, Width::k1)));
    return bytes;
  }
  using Bytes = std::vector<unsigned>;

  fake::Memory ram{0, 0x10000};
  fake::RecordingLog log;
  fake::Irq irq;
  fake::Disk disk{1440 << 10};
  Dma8237 dma{ram, log};
  Fdc82077 fdc{dma, irq.line(), log};
};

TEST_F(Floppy, ResetIsSensedFourTimes) {
  fdc.write(Fdc82077::kDor, Width::k1, 0);
  fdc.write(Fdc82077::kDor, Width::k1, 0x0c);
  EXPECT_TRUE(irq.level());
  for (unsigned drive = 0; drive < 4; ++drive) {
    send({0x08});
    EXPECT_EQ(result(), (Bytes{0xc0 + drive, 0}));
  }
  EXPECT_FALSE(irq.level());
  send({0x08});
  EXPECT_EQ(result(), Bytes{0x80}) << "there is nothing more";
  send({0x10});
  EXPECT_EQ(result(), Bytes{0x90});
}

// What a system finds that no firmware started: only the channel is programmed, not the cascade.
TEST_F(Floppy, TheCascadeIsOpenFromTheStart) {
  dma.reset();
  EXPECT_EQ(dma.second().read(2 * 15, Width::k1), 0xfeu) << "channel 4 is not masked";
  program(0x2000, 511, kWritesMemory);
  send({0xe6, 0, 0, 0, 1, 2, 18, 0x1b, 0xff});
  EXPECT_EQ(result()[0], 0u);
  dma.second().write(2 * 10, Width::k1, 4);
  program(0x2000, 511, kWritesMemory);
  send({0xe6, 0, 0, 0, 1, 2, 18, 0x1b, 0xff});
  EXPECT_EQ(result()[1], 0x10u) << "an overrun, where it is masked";
  dma.second().write(2 * 13, Width::k1, 0);
  EXPECT_EQ(dma.second().read(2 * 15, Width::k1), 0xffu) << "a master clear masks all";
}

TEST_F(Floppy, SeeksAndItsDiskChange) {
  fdc.write(Fdc82077::kDor, Width::k1, 0x1c);
  EXPECT_EQ(fdc.last().read(0, Width::k1), 0x80u);
  send({0x0f, 0, 33});
  EXPECT_TRUE(irq.level());
  send({0x08});
  EXPECT_EQ(result(), (Bytes{0x20, 33}));
  EXPECT_EQ(fdc.last().read(0, Width::k1), 0u);
  send({0x07, 1});
  send({0x08});
  EXPECT_EQ(result()[0], 0x71u) << "no second drive";
}

TEST_F(Floppy, ReadsOverTheEndOfATrack) {
  program(0x2000, 4 * 512 - 1, kWritesMemory);
  // Cylinder 2, head 0, from sector 17 of 18, on both sides.
  send({0xe6, 0, 2, 0, 17, 2, 18, 0x1b, 0xff});
  EXPECT_TRUE(irq.level());
  EXPECT_EQ(result(), (Bytes{0x04, 0, 0, 2, 1, 3, 2}));
  EXPECT_FALSE(irq.level());
  const size_t at = (2 * 2 * 18 + 16) * 512;
  EXPECT_EQ(std::memcmp(ram.at(0x2000), disk.data.data() + at, 4 * 512), 0);
  EXPECT_EQ(dma.first().read(8, Width::k1), 4u) << "channel 2 has ended";
}

TEST_F(Floppy, Writes) {
  program(0x3000, 511, kReadsMemory);
  std::memset(ram.at(0x3000), 0x5a, 512);
  send({0xc5, 4, 79, 1, 18, 2, 18, 0x1b, 0xff});
  EXPECT_EQ(result()[0], 0u) << "the next sector is on the other side";
  EXPECT_EQ(disk.data[disk.data.size() - 1], 0x5a);
  EXPECT_EQ(disk.data[disk.data.size() - 513], static_cast<uint8_t>(2878 * 7 + 2879 * 512 - 1));
  disk.only_read = true;
  program(0x3000, 511, kReadsMemory);
  send({0xc5, 0, 0, 0, 1, 2, 18, 0x1b, 0xff});
  EXPECT_EQ(result()[1], 2u);
}

TEST_F(Floppy, ErrorsAreNamed) {
  program(0x2000, 511, kWritesMemory);
  send({0xe6, 0, 80, 0, 1, 2, 18, 0x1b, 0xff});
  EXPECT_EQ(result()[1], 4u) << "no such cylinder";
  send({0xe6, 1, 0, 0, 1, 2, 18, 0x1b, 0xff});
  EXPECT_EQ(result()[1], 1u) << "no drive";
  program(0x2000, 1023, kWritesMemory);
  send({0x46, 0, 0, 0, 18, 2, 18, 0x1b, 0xff});
  EXPECT_EQ(result()[1], 0x80u) << "the cylinder ends before the transfer";
  send({0x1f});
  EXPECT_EQ(result(), Bytes{0x80});
}

TEST_F(Floppy, KindsFollowSizes) {
  fake::Disk small(360 << 10), odd(1296384);
  fdc.plug(1, &small);
  EXPECT_EQ(fdc.kind(1), Fdc82077::Kind::k360K);
  fdc.plug(1, &odd);
  EXPECT_EQ(fdc.kind(1), Fdc82077::Kind::k1440K);
  program(0x2000, 511, kWritesMemory);
  ram.ram[0x2000] = 1;
  send({0xe6, 1, 79, 0, 1, 2, 18, 0x1b, 0xff});
  EXPECT_EQ(result()[0], 1u);
  EXPECT_EQ(ram.ram[0x2000], 0) << "behind the image's end";
}

TEST_F(Floppy, AnotherDiskIsNoticed) {
  fake::Disk other(720 << 10, 0x72);
  RemovableDrive& drive = fdc.plug(1, &disk);
  const auto changed = [this] { return fdc.last().read(0, Width::k1) & 0x80; };
  fdc.write(Fdc82077::kDor, Width::k1, 0x2d);  // the second one's motor
  send({0x0f, 1, 3});
  send({0x08});
  result();
  EXPECT_FALSE(changed());
  ASSERT_TRUE(drive.change_medium(&other, false));
  EXPECT_TRUE(changed());
  send({0x0f, 1, 1});
  send({0x08});
  result();
  EXPECT_FALSE(changed()) << "the heads have moved";
  EXPECT_EQ(fdc.kind(1), Fdc82077::Kind::k1440K) << "the drive is what it was";
  program(0x2000, 511, kWritesMemory);
  send({0x46, 1, 79, 0, 9, 2, 9, 0x1b, 0xff});
  EXPECT_EQ(result()[0], 1u);
  EXPECT_EQ(ram.ram[0x2000], 0x72);
  drive.change_medium(nullptr, false);
  EXPECT_TRUE(changed());
  send({0xe6, 1, 0, 0, 1, 2, 9, 0x1b, 0xff});
  EXPECT_EQ(result()[1], 1u);
  send({0x0f, 1, 2});
  EXPECT_TRUE(changed()) << "no disk";
}

TEST_F(Floppy, SavedInTheMiddleOfACommand) {
  program(0x2000, 511, kWritesMemory);
  send({0xe6, 0, 0, 0});
  const auto state = fake::save(fdc), channels = fake::save(dma);
  fdc.reset();
  dma.reset();
  ASSERT_TRUE(fake::load(fdc, state));
  ASSERT_TRUE(fake::load(dma, channels));
  send({1, 2, 18, 0x1b, 0xff});
  EXPECT_EQ(std::memcmp(ram.at(0x2000), disk.data.data(), 512), 0);
}

TEST_F(Floppy, DmaByWordsAndAutoInitialize) {
  Device& d = dma.second();
  dma.pages().write(0xb, Width::k1, 0);
  d.write(2 * 11, Width::k1, 0x54 | 1);  // channel 5, to memory, begins again
  d.write(4, Width::k1, 0x00);
  d.write(4, Width::k1, 0x10);  // word 0x1000 is byte 0x2000
  d.write(6, Width::k1, 1);
  d.write(6, Width::k1, 0);
  d.write(2 * 10, Width::k1, 1);
  const uint8_t data[6] = {1, 2, 3, 4, 5, 6};
  EXPECT_EQ(dma.to_memory(5, data), 4u);
  EXPECT_TRUE(dma.terminal_count(5));
  EXPECT_EQ(std::memcmp(ram.at(0x2000), data, 4), 0);
  EXPECT_EQ(dma.to_memory(5, {data + 4, 2}), 2u);
  EXPECT_EQ(ram.ram[0x2000], 5);
}

}  // namespace
}  // namespace mynah::dev
