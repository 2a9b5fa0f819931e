// SPDX-License-Identifier: Apache-2.0
//
// IDE by its ports: a disk by PIO and by bus-master DMA, a CD by packets, two drives on a channel, reset.
// Expected values are of ATA/ATAPI-6 and MMC-5.
#include <gtest/gtest.h>

#include <cstring>
#include <numeric>

#include "devices/storage/ata_disk.h"
#include "devices/storage/atapi_cd.h"
#include "devices/storage/piix_ide.h"
#include "tests/devices/pci_fakes.h"

namespace mynah::dev {
namespace {

struct Ide : testing::Test {
  static constexpr unsigned kBusMaster = 0xc000;
  static constexpr uint64_t kTable = 0x4000'1000, kBuffer = 0x4000'2000;
  Ide() {
    ide = &pc.plug(std::make_unique<PiixIde>(irq.line(14), irq.line(15), pc.log), 1, 1);
    ide->channel(0).plug(0, std::make_unique<AtaDisk>(disk, AtaDisk::Options{"SERIAL"}, pc.log));
    ide->channel(1).plug(0, std::make_unique<AtapiCd>(&cd, pc.log));
    pc.host.reset();
    pc.set(1, pci::kBar0 + 16, kBusMaster, 4, 0, 1);
    pc.set(1, pci::kCommand, pci::kIoSpace | pci::kBusMaster, 2, 0, 1);
    for (size_t i = 0; i < disk.data.size(); ++i) disk.data[i] = static_cast<uint8_t>(i / 512 + i);
    for (size_t i = 0; i < cd.data.size(); ++i) cd.data[i] = static_cast<uint8_t>(i / 2048 * 3 + i);
    cd.only_read = true;
  }
  uint8_t in(unsigned n, unsigned channel = 0) {
    return static_cast<uint8_t>(ide->channel(channel).command_block().read(n, Width::k1));
  }
  void out(unsigned n, uint8_t value, unsigned channel = 0) {
    ide->channel(channel).command_block().write(n, Width::k1, value);
  }
  std::vector<uint8_t> words(size_t n, unsigned channel = 0) {
    std::vector<uint8_t> bytes(2 * n);
    for (size_t i = 0; i < n; ++i) {
      const auto word = static_cast<uint16_t>(ide->channel(channel).command_block().read(0, Width::k2));
      std::memcpy(&bytes[2 * i], &word, 2);
    }
    return bytes;
  }
  void lba28(uint32_t lba, uint8_t count) {
    out(IdeDrive::kSectorCount, count);
    out(IdeDrive::kLbaLow, static_cast<uint8_t>(lba));
    out(IdeDrive::kLbaMid, static_cast<uint8_t>(lba >> 8));
    out(IdeDrive::kLbaHigh, static_cast<uint8_t>(lba >> 16));
    out(IdeDrive::kDevice, static_cast<uint8_t>(0xe0 | lba >> 24));
  }
  std::vector<uint8_t> on_disk(size_t sector, size_t n) const {
    const auto at = disk.data.begin() + static_cast<ptrdiff_t>(512 * sector);
    return {at, at + static_cast<ptrdiff_t>(512 * n)};
  }
  void master(unsigned n, uint64_t value, Width width = Width::k1) {
    pc.host.write(pci::Space::kIo, kBusMaster + n, width, value);
  }
  uint8_t master_status(unsigned channel = 0) {
    return static_cast<uint8_t>(pc.host.read(pci::Space::kIo, kBusMaster + 8 * channel + 2, Width::k1));
  }
  void region(unsigned n, uint64_t address, uint32_t bytes, bool last) {
    const uint32_t entry[2] = {static_cast<uint32_t>(address), bytes | (last ? 1u << 31 : 0)};
    std::memcpy(pc.ram.at(kTable + 8 * n), entry, sizeof entry);
  }
  void packet(std::initializer_list<uint8_t> bytes, bool by_dma = false, unsigned limit = 0xfffe) {
    out(IdeDrive::kDevice, 0xa0, 1);
    out(IdeDrive::kErrorFeatures, by_dma, 1);
    out(IdeDrive::kLbaMid, static_cast<uint8_t>(limit), 1);
    out(IdeDrive::kLbaHigh, static_cast<uint8_t>(limit >> 8), 1);
    out(IdeDrive::kStatusCommand, 0xa0, 1);
    EXPECT_EQ(in(IdeDrive::kStatusCommand, 1), 0x58);
    uint8_t whole[12] = {};
    std::copy(bytes.begin(), bytes.end(), whole);
    for (unsigned i = 0; i < 12; i += 2)
      ide->channel(1).command_block().write(0, Width::k2, whole[i] | whole[i + 1] << 8);
  }

  fake::PciHost pc;
  fake::Irq irq;
  fake::Disk disk{512 * 300}, cd{2048 * 20};
  PiixIde* ide;
};

TEST_F(Ide, SignaturesTellTheKinds) {
  EXPECT_EQ(in(IdeDrive::kLbaMid), 0);
  EXPECT_EQ(in(IdeDrive::kStatusCommand), 0x50);
  EXPECT_EQ(in(IdeDrive::kLbaMid, 1), 0x14);
  EXPECT_EQ(in(IdeDrive::kLbaHigh, 1), 0xeb);
  EXPECT_EQ(in(IdeDrive::kStatusCommand, 1), 0);
  out(IdeDrive::kDevice, 0xb0);
  EXPECT_EQ(in(IdeDrive::kStatusCommand), 0) << "no second drive";
}

TEST_F(Ide, IdentifiesTheDisk) {
  out(IdeDrive::kStatusCommand, 0xec);
  EXPECT_TRUE(irq.level(14));
  EXPECT_EQ(in(IdeDrive::kStatusCommand), 0x58);
  EXPECT_FALSE(irq.level(14)) << "reading the status";
  const auto id = words(256);
  EXPECT_EQ(in(IdeDrive::kStatusCommand), 0x50);
  const auto word = [&](unsigned n) { return id[2 * n] | id[2 * n + 1] << 8; };
  EXPECT_EQ(word(60), 300);
  EXPECT_EQ(word(100), 300);
  EXPECT_EQ(word(49) & 0x300, 0x300);
  EXPECT_EQ(std::string(id.begin() + 20, id.begin() + 26), "ESIRLA") << "bytes of words are swapped";
}

TEST_F(Ide, ReadsAndWritesByWords) {
  lba28(7, 2);
  out(IdeDrive::kStatusCommand, 0x20);
  EXPECT_EQ(irq.rises[14], 1u);
  auto read = words(256);
  EXPECT_EQ(irq.rises[14], 1u) << "not before the first is acknowledged";
  EXPECT_EQ(in(IdeDrive::kStatusCommand), 0x58);
  const auto second = words(256);
  read.insert(read.end(), second.begin(), second.end());
  EXPECT_EQ(read, on_disk(7, 2));
  EXPECT_EQ(in(IdeDrive::kStatusCommand), 0x50);

  lba28(299, 1);
  out(IdeDrive::kStatusCommand, 0x30);
  EXPECT_EQ(in(IdeDrive::kStatusCommand), 0x58);
  for (unsigned i = 0; i < 256; ++i) ide->channel(0).command_block().write(0, Width::k2, 0xa000 + i);
  EXPECT_TRUE(irq.level(14));
  EXPECT_EQ(in(IdeDrive::kStatusCommand), 0x50);
  EXPECT_EQ(disk.data[299 * 512], 0x00);
  EXPECT_EQ(disk.data[299 * 512 + 1], 0xa0);
  EXPECT_EQ(disk.data[300 * 512 - 2], 0xff);
}

TEST_F(Ide, ReadsSeveralSectorsAtOnceAndByCylinders) {
  out(IdeDrive::kSectorCount, 4);
  out(IdeDrive::kStatusCommand, 0xc6);
  lba28(10, 5);
  out(IdeDrive::kStatusCommand, 0xc4);
  EXPECT_EQ(words(1024), on_disk(10, 4));
  EXPECT_EQ(words(256), on_disk(14, 1));
  EXPECT_EQ(in(IdeDrive::kStatusCommand), 0x50);
  // Cylinder 0, head 2, sector 5 of 63 a track.
  lba28(0, 1);
  out(IdeDrive::kLbaLow, 5);
  out(IdeDrive::kDevice, 0xa2);
  out(IdeDrive::kStatusCommand, 0x20);
  EXPECT_EQ(words(256), on_disk(2 * 63 + 4, 1));
}

TEST_F(Ide, RefusesWhatIsNotThere) {
  lba28(299, 2);
  out(IdeDrive::kStatusCommand, 0x20);
  EXPECT_EQ(in(IdeDrive::kStatusCommand), 0x51);
  EXPECT_EQ(in(IdeDrive::kErrorFeatures), IdeDrive::kNotFound);
  out(IdeDrive::kStatusCommand, 0xf1);
  EXPECT_EQ(in(IdeDrive::kErrorFeatures), IdeDrive::kAbort);
  disk.only_read = true;
  lba28(0, 1);
  out(IdeDrive::kStatusCommand, 0x30);
  EXPECT_EQ(in(IdeDrive::kStatusCommand), 0x51);
  disk.broken = true;
  lba28(0, 1);
  out(IdeDrive::kStatusCommand, 0x20);
  EXPECT_EQ(in(IdeDrive::kErrorFeatures), IdeDrive::kUncorrectable);
}

TEST_F(Ide, DmaInTwoRegions) {
  region(0, kBuffer, 0x300, false);
  region(1, kBuffer + 0x1000, 0x500, true);
  master(4, kTable, Width::k4);
  master(0, 8);
  lba28(3, 4);
  out(IdeDrive::kStatusCommand, 0xc8);
  EXPECT_FALSE(irq.level(14)) << "the engine has not been started";
  master(0, 9);
  EXPECT_TRUE(irq.level(14));
  EXPECT_EQ(master_status() & 7, 4);
  const auto want = on_disk(3, 4);
  EXPECT_EQ(std::memcmp(pc.ram.at(kBuffer), want.data(), 0x300), 0);
  EXPECT_EQ(std::memcmp(pc.ram.at(kBuffer + 0x1000), want.data() + 0x300, 0x500), 0);
  EXPECT_EQ(in(IdeDrive::kStatusCommand), 0x50);
  master(0, 0);
  master(2, 4);
  EXPECT_EQ(master_status() & 7, 0);

  // To the disk, with 48 bits of address.
  std::iota(pc.ram.at(kBuffer), pc.ram.at(kBuffer) + 512, uint8_t{1});
  region(0, kBuffer, 512, true);
  for (const unsigned previous : {1u, 0u}) {
    out(IdeDrive::kSectorCount, previous ? 0 : 1);
    out(IdeDrive::kLbaLow, previous ? 0 : 20);
    out(IdeDrive::kLbaMid, 0);
    out(IdeDrive::kLbaHigh, 0);
  }
  out(IdeDrive::kDevice, 0xe0);
  master(0, 1);
  out(IdeDrive::kStatusCommand, 0x35);
  EXPECT_TRUE(irq.level(14));
  EXPECT_EQ(disk.data[20 * 512], 1);
  EXPECT_EQ(disk.data[20 * 512 + 1], 2);
}

TEST_F(Ide, DmaThatCannotBe) {
  region(0, 0x1000, 512, true);  // no memory
  master(4, kTable, Width::k4);
  master(0, 9);
  lba28(0, 1);
  out(IdeDrive::kStatusCommand, 0xc8);
  EXPECT_EQ(master_status() & 3, 2);
  // A table that is shorter than the command: the drive waits, and can be reset.
  region(0, kBuffer, 512, true);
  out(IdeDrive::kStatusCommand, 0x08);
  ide->channel(0).control().write(0, Width::k1, 4);
  EXPECT_EQ(in(IdeDrive::kStatusCommand), IdeDrive::kBusy);
  ide->channel(0).control().write(0, Width::k1, 0);
  EXPECT_EQ(in(IdeDrive::kStatusCommand), 0x50);
}

TEST_F(Ide, CdReadsByWordsInPieces) {
  packet({0x28, 0, 0, 0, 0, 5, 0, 0, 2}, false, 2048);
  EXPECT_TRUE(irq.level(15));
  EXPECT_EQ(in(IdeDrive::kSectorCount, 1), 2) << "data to the host";
  EXPECT_EQ(in(IdeDrive::kLbaHigh, 1), 8);
  EXPECT_EQ(in(IdeDrive::kStatusCommand, 1), 0x58);
  auto read = words(1024, 1);
  EXPECT_EQ(in(IdeDrive::kStatusCommand, 1), 0x58);
  const auto second = words(1024, 1);
  read.insert(read.end(), second.begin(), second.end());
  EXPECT_TRUE(std::equal(read.begin(), read.end(), cd.data.begin() + 5 * 2048));
  EXPECT_EQ(in(IdeDrive::kSectorCount, 1), 3);
  EXPECT_EQ(in(IdeDrive::kStatusCommand, 1), 0x50);
}

TEST_F(Ide, CdByDmaAndItsSense) {
  region(0, kBuffer, 2048, true);
  master(12, kTable, Width::k4);
  master(8, 9);
  packet({0x28, 0, 0, 0, 0, 19, 0, 0, 1}, true);
  EXPECT_EQ(std::memcmp(pc.ram.at(kBuffer), cd.data.data() + 19 * 2048, 2048), 0);
  EXPECT_EQ(master_status(1) & 7, 4);

  packet({0x28, 0, 0, 0, 0, 20, 0, 0, 1});
  EXPECT_EQ(in(IdeDrive::kStatusCommand, 1), 0x51);
  EXPECT_EQ(in(IdeDrive::kErrorFeatures, 1) >> 4, 5);
  packet({0x03, 0, 0, 0, 18});
  const auto sense = words(9, 1);
  EXPECT_EQ(sense[2], 5);
  EXPECT_EQ(sense[12], 0x21);
  packet({0x25});
  const auto capacity = words(4, 1);
  EXPECT_EQ(capacity[3], 19);
  EXPECT_EQ(capacity[6], 8);
  // Track 1 at 00:02:00, lead-out at block 20.
  packet({0x43, 2, 0, 0, 0, 0, 0, 0, 20});
  const auto toc = words(10, 1);
  EXPECT_EQ(toc[1], 18);
  EXPECT_EQ(toc[10], 2);
  EXPECT_EQ(toc[14], 0xaa);
  EXPECT_EQ(toc[19], 20);
}

TEST_F(Ide, AnotherMediumIsNoticed) {
  fake::Disk other(2048 * 3);
  auto& drive = static_cast<AtapiCd&>(*ide->channel(1).drive(0));
  packet({0x1e, 0, 0, 0, 1});
  EXPECT_FALSE(drive.change_medium(&other)) << "locked";
  EXPECT_TRUE(drive.locked());
  const auto event = [this] {
    packet({0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8});
    return words(4, 1)[4];
  };
  drive.ask_for_medium();
  EXPECT_EQ(event(), 1) << "it is asked to let the medium go, once";
  EXPECT_EQ(event(), 0);
  packet({0x1e, 0, 0, 0, 0});
  EXPECT_TRUE(drive.change_medium(&other));
  EXPECT_EQ(event(), 2) << "a new medium";
  packet({0x00});
  EXPECT_EQ(in(IdeDrive::kErrorFeatures, 1) >> 4, 6);
  packet({0x00});
  EXPECT_EQ(in(IdeDrive::kStatusCommand, 1), 0x50);
  EXPECT_TRUE(drive.change_medium(nullptr));
  EXPECT_TRUE(drive.tray_open());
  EXPECT_EQ(event(), 3) << "the medium has gone";
  packet({0x25});
  EXPECT_EQ(in(IdeDrive::kErrorFeatures, 1) >> 4, 2);
}

TEST_F(Ide, SavedInTheMiddleOfASector) {
  lba28(40, 1);
  out(IdeDrive::kStatusCommand, 0x20);
  auto read = words(100);
  const auto state = fake::save(pc.host);
  pc.host.reset();
  ASSERT_TRUE(fake::load(pc.host, state));
  const auto rest = words(156);
  read.insert(read.end(), rest.begin(), rest.end());
  EXPECT_EQ(read, on_disk(40, 1));
}

}  // namespace
}  // namespace mynah::dev
