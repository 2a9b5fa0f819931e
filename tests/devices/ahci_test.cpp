// SPDX-License-Identifier: Apache-2.0
//
// AHCI by its registers and structures in memory: a disk by DMA, by words and by queued commands, a CD by
// packets, resets, errors, messages. Expected values are of AHCI 1.3.1, Serial ATA 3.1 and ACS-2.
#include "devices/storage/ahci.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <memory>

#include "devices/storage/ata_disk.h"
#include "devices/storage/atapi_cd.h"
#include "tests/devices/card_machine.h"

namespace mynah::dev {
namespace {

using namespace ahci;

struct AhciTest : testing::Test {
  static constexpr uint64_t kList = 0x4000'0000, kFis = 0x4000'0400, kTable = 0x4000'1000,
                            kBuffer = 0x4000'4000;
  static constexpr unsigned kBar = 5;
  AhciTest() {
    m.card->plug_drive(0, 0, std::make_unique<AtaDisk>(disk, AtaDisk::Options{"SERIAL"}, log));
    m.card->plug_drive(1, 0, std::make_unique<AtapiCd>(&cd, log));
    for (size_t i = 0; i < disk.data.size(); ++i) disk.data[i] = static_cast<uint8_t>(i / 512 * 5 + i);
    for (size_t i = 0; i < cd.data.size(); ++i) cd.data[i] = static_cast<uint8_t>(i / 2048 * 3 + i);
    cd.only_read = true;
    m.host.reset();
    m.command(7);
  }
  uint32_t get(uint32_t at) { return static_cast<uint32_t>(m.r(at, Width::k4, kBar)); }
  void set(uint32_t at, uint32_t value) { m.w(at, value, Width::k4, kBar); }
  uint32_t get(unsigned port, Port at) { return get(kPortBase + port * kPortStride + at); }
  void set(unsigned port, Port at, uint32_t value) { set(kPortBase + port * kPortStride + at, value); }
  void start(unsigned port) {
    set(port, kPxClb, static_cast<uint32_t>(kList));
    set(port, kPxFb, static_cast<uint32_t>(kFis));
    set(port, kPxSerr, ~0u);
    set(port, kPxIe, ~0u);
    set(port, kPxCmd, kReceive | kStart | kSpinUp | kPowerOn);
    set(kGhc, kGhcAhci | kGhcInterrupts);
  }
  struct Piece {
    uint64_t pa;
    uint32_t bytes;
  };
  // In table `slot`; `flags` of the header beside its lengths.
  void command(unsigned slot, std::array<uint8_t, 16> fis, std::vector<Piece> pieces, uint32_t flags = 0,
               std::vector<uint8_t> packet = {}) {
    const uint64_t table = kTable + 0x100 * slot;
    const uint32_t header[8] = {5 | flags | static_cast<uint32_t>(pieces.size()) << 16, 0,
                                static_cast<uint32_t>(table), 0};
    std::memcpy(m.memory.at(kList + 32 * slot), header, sizeof header);
    std::memset(m.memory.at(table), 0, 0x80);
    fis[0] = kRegisterToDevice;
    fis[1] = kFisCommand;
    std::memcpy(m.memory.at(table), fis.data(), fis.size());
    std::copy(packet.begin(), packet.end(), m.memory.at(table + kPacketOffset));
    for (size_t i = 0; i < pieces.size(); ++i) {
      const uint32_t entry[4] = {static_cast<uint32_t>(pieces[i].pa), 0, 0, pieces[i].bytes - 1};
      std::memcpy(m.memory.at(table + kTableOffset + 16 * i), entry, sizeof entry);
    }
  }
  static std::array<uint8_t, 16> sectors(uint8_t code, uint32_t lba, uint8_t count) {
    return {0, 0, code, 0,    static_cast<uint8_t>(lba), static_cast<uint8_t>(lba >> 8), 0, 0x40, 0,
            0, 0, 0,    count};
  }
  static std::array<uint8_t, 16> queued(uint8_t code, uint32_t lba, uint8_t count, uint8_t tag) {
    auto fis = sectors(code, lba, static_cast<uint8_t>(tag << 3));
    fis[3] = count;
    return fis;
  }
  std::vector<uint8_t> memory(uint64_t pa, size_t n) { return {m.memory.at(pa), m.memory.at(pa) + n}; }
  std::vector<uint8_t> of(const fake::Disk& from, size_t at, size_t n) {
    const auto begin = from.data.begin() + static_cast<ptrdiff_t>(at);
    return {begin, begin + static_cast<ptrdiff_t>(n)};
  }
  uint32_t moved(unsigned slot) { return m.peek<uint32_t>(kList + 32 * slot + 4); }

  NullLog log;
  fake::Disk disk{512 * 300}, cd{2048 * 20};
  fake::CardMachine<Ahci> m{0x10000, log};
};

TEST_F(AhciTest, SaysWhatItIs) {
  EXPECT_EQ(m.card->config(0, 4), 0x2922'8086u);
  EXPECT_EQ(m.card->config(8, 4), 0x0106'0102u);
  EXPECT_EQ(get(kPi), 0x3fu);
  EXPECT_EQ(get(kCap) & 0x1f, 5u);
  EXPECT_EQ(get(kCap) >> 8 & 0x1f, 31u);
  EXPECT_TRUE(get(kCap) & kCapNcq);
  EXPECT_EQ(get(kGhc), kGhcAhci);
  EXPECT_EQ(get(kVs), kVersion131);
  m.w(0x10, kVs, Width::k4, 4);
  EXPECT_EQ(m.r(0x14, Width::k4, 4), kVersion131) << "by index and data";
}

TEST_F(AhciTest, LinksAndSignatures) {
  EXPECT_EQ(get(0, kPxSsts), 0x133u);
  EXPECT_EQ(get(0, kPxSig), 0x0000'0101u);
  EXPECT_EQ(get(0, kPxTfd), 0x0150u);
  EXPECT_EQ(get(1, kPxSig), 0xeb14'0101u);
  EXPECT_EQ(get(2, kPxSsts), 0u);
  EXPECT_EQ(get(2, kPxSig), ~0u);
  EXPECT_EQ(get(2, kPxTfd), 0x7fu);
  EXPECT_TRUE(get(0, kPxIs) & kPcs);
  start(0);
  EXPECT_EQ(m.peek<uint8_t>(kFis + kRegisterAt), kRegisterToHost) << "the first FIS waited for FRE";
  EXPECT_EQ(get(0, kPxIs), 0u);

  set(0, kPxSctl, 1);
  EXPECT_EQ(get(0, kPxSsts), 0u);
  set(0, kPxSctl, 0);
  EXPECT_EQ(get(0, kPxSsts), 0x133u);
  EXPECT_TRUE(get(0, kPxSerr) & kExchanged);
}

TEST_F(AhciTest, ReadsAndWritesByDma) {
  start(0);
  command(3, sectors(0x25, 7, 4), {{kBuffer, 512}, {kBuffer + 0x800, 1024}, {kBuffer + 0xc00, 512}});
  set(0, kPxCi, 8);
  EXPECT_EQ(get(0, kPxCi), 0u);
  EXPECT_EQ(get(0, kPxIs), kDhrs);
  EXPECT_EQ(get(kIs), 1u);
  EXPECT_TRUE(m.line());
  EXPECT_EQ(moved(3), 2048u);
  EXPECT_EQ(get(0, kPxTfd), 0x50u);
  EXPECT_EQ(memory(kBuffer, 512), of(disk, 7 * 512, 512));
  EXPECT_EQ(memory(kBuffer + 0x800, 1536), of(disk, 8 * 512, 1536));
  EXPECT_EQ(get(0, kPxCmd) >> 8 & 31, 3u);
  set(0, kPxIs, kDhrs);
  EXPECT_TRUE(m.line()) << "the port's bit is left";
  set(kIs, 1);
  EXPECT_FALSE(m.line());

  std::fill_n(m.memory.at(kBuffer), 1024, 0x5a);
  command(0, sectors(0x35, 298, 2), {{kBuffer, 1024}}, 1 << 6);
  set(0, kPxCi, 1);
  EXPECT_EQ(of(disk, 298 * 512, 1024), std::vector<uint8_t>(1024, 0x5a));
}

TEST_F(AhciTest, IdentifiesByWords) {
  start(0);
  command(0, sectors(0xec, 0, 0), {{kBuffer, 512}});
  set(0, kPxCi, 1);
  EXPECT_EQ(get(0, kPxIs), kPss) << "the last data of a PIO read has no register FIS";
  EXPECT_EQ(m.peek<uint8_t>(kFis + kPioSetupAt), kPioSetup);
  EXPECT_EQ(m.peek<uint8_t>(kFis + kPioSetupAt + 2), 0x58);
  EXPECT_EQ(m.peek<uint8_t>(kFis + kPioSetupAt + 15), 0x50);
  EXPECT_EQ(m.peek<uint16_t>(kFis + kPioSetupAt + 16), 512);
  EXPECT_EQ(m.peek<uint16_t>(kBuffer + 2 * 75), 31);
  EXPECT_TRUE(m.peek<uint16_t>(kBuffer + 2 * 76) & 1 << 8);
  EXPECT_EQ(m.peek<uint16_t>(kBuffer + 2 * 93), 0);

  command(0, sectors(0x34, 20, 2), {{kBuffer, 1024}}, 1 << 6);
  std::fill_n(m.memory.at(kBuffer), 1024, 0x77);
  set(0, kPxIs, ~0u);
  set(0, kPxCi, 1);
  EXPECT_EQ(get(0, kPxIs), kPss | kDhrs);
  EXPECT_EQ(of(disk, 20 * 512, 1024), std::vector<uint8_t>(1024, 0x77));
}

TEST_F(AhciTest, QueuedCommands) {
  start(0);
  command(1, queued(0x60, 30, 2, 1), {{kBuffer, 1024}});
  std::fill_n(m.memory.at(kBuffer + 0x400), 512, 0x33);
  command(9, queued(0x61, 40, 1, 9), {{kBuffer + 0x400, 512}}, 1 << 6);
  set(0, kPxSact, 1 << 1 | 1 << 9);
  set(0, kPxCi, 1 << 1 | 1 << 9);
  EXPECT_EQ(get(0, kPxSact), 0u);
  EXPECT_EQ(get(0, kPxCi), 0u);
  EXPECT_EQ(get(0, kPxIs), kSdbs);
  EXPECT_EQ(memory(kBuffer, 1024), of(disk, 30 * 512, 1024));
  EXPECT_EQ(of(disk, 40 * 512, 512), std::vector<uint8_t>(512, 0x33));
}

TEST_F(AhciTest, AQueuedCommandThatFailsIsInTheLog) {
  start(0);
  command(4, queued(0x60, 299, 2, 4), {{kBuffer, 1024}});
  command(5, queued(0x60, 0, 1, 5), {{kBuffer, 512}});
  set(0, kPxSact, 3 << 4);
  set(0, kPxCi, 3 << 4);
  EXPECT_TRUE(get(0, kPxIs) & kTfes);
  EXPECT_EQ(get(0, kPxSact), 3u << 4) << "neither is done";
  EXPECT_TRUE(get(0, kPxTfd) & 1);
  // The port is stopped and started again; the log says which it was.
  set(0, kPxCmd, kReceive);
  EXPECT_EQ(get(0, kPxCi), 0u);
  start(0);
  set(0, kPxIs, ~0u);
  command(0, sectors(0x2f, 0x10, 1), {{kBuffer, 512}});
  set(0, kPxCi, 1);
  EXPECT_EQ(m.peek<uint8_t>(kBuffer), 4);
  EXPECT_EQ(m.peek<uint8_t>(kBuffer + 4), 299 & 255);
  uint8_t sum = 0;
  for (unsigned i = 0; i < 512; ++i) sum = static_cast<uint8_t>(sum + m.peek<uint8_t>(kBuffer + i));
  EXPECT_EQ(sum, 0);
}

TEST_F(AhciTest, Packets) {
  start(1);
  auto fis = sectors(0xa0, 0, 0);
  fis[3] = 1;  // DMA
  command(0, fis, {{kBuffer, 2 * 2048}}, kHeaderAtapi, {0x28, 0, 0, 0, 0, 3, 0, 0, 2});
  set(1, kPxCi, 1);
  EXPECT_EQ(get(1, kPxIs), kDhrs);
  EXPECT_EQ(moved(0), 4096u);
  EXPECT_EQ(memory(kBuffer, 4096), of(cd, 3 * 2048, 4096));

  set(1, kPxIs, ~0u);
  fis[3] = 0;  // by words, in pieces of the byte count's limit
  fis[6] = 8;
  command(0, fis, {{kBuffer, 4096}}, kHeaderAtapi, {0x28, 0, 0, 0, 0, 5, 0, 0, 2});
  set(1, kPxCi, 1);
  EXPECT_EQ(get(1, kPxIs), kPss | kDhrs);
  EXPECT_EQ(memory(kBuffer, 4096), of(cd, 5 * 2048, 4096));

  command(0, fis, {}, kHeaderAtapi, {0x28, 0, 0, 0, 1, 0, 0, 0, 1});  // behind its end
  set(1, kPxCi, 1);
  EXPECT_TRUE(get(1, kPxIs) & kTfes);
  EXPECT_EQ(get(1, kPxTfd), 0x5451u);
}

TEST_F(AhciTest, SoftwareReset) {
  start(1);
  command(0, {}, {}, 1 << 8 | kHeaderClearBusy);
  m.poke<uint8_t>(kTable + 1, 0);
  m.poke<uint8_t>(kTable + 15, 4);
  set(1, kPxCi, 1);
  EXPECT_EQ(get(1, kPxCi), 0u);
  command(1, {}, {});
  m.poke<uint8_t>(kTable + 0x101, 0);
  m.poke<uint8_t>(kFis + kRegisterAt, 0);
  set(1, kPxCi, 2);
  EXPECT_EQ(get(1, kPxCi), 0u);
  EXPECT_EQ(m.peek<uint8_t>(kFis + kRegisterAt), kRegisterToHost);
  EXPECT_EQ(m.peek<uint8_t>(kFis + kRegisterAt + 5), 0x14);
}

TEST_F(AhciTest, WhatMemoryDoesNotHave) {
  start(0);
  command(0, sectors(0x25, 0, 4), {{kBuffer, 512}});
  set(0, kPxCi, 1);
  EXPECT_TRUE(get(0, kPxIs) & kOfs) << "more data than room";
  set(0, kPxCmd, kReceive);
  start(0);
  set(0, kPxIs, ~0u);
  command(0, sectors(0x25, 0, 1), {{0x1000, 512}});
  set(0, kPxCi, 1);
  EXPECT_EQ(get(0, kPxIs), kHbfs);
  EXPECT_EQ(get(0, kPxCi), 1u);
  set(0, kPxCi, 2);
  EXPECT_EQ(get(0, kPxCi), 3u) << "no command is taken";
  set(kGhc, kGhcReset);
  EXPECT_EQ(get(0, kPxCi), 0u);
  EXPECT_EQ(get(kGhc), kGhcAhci);
  EXPECT_FALSE(m.line());
  disk.broken = true;
  start(0);
  command(0, sectors(0x25, 0, 1), {{kBuffer, 512}});
  set(0, kPxCi, 1);
  EXPECT_TRUE(get(0, kPxIs) & kTfes);
  EXPECT_EQ(get(0, kPxTfd), 0x4051u);
}

TEST_F(AhciTest, SendsMessages) {
  unsigned at = m.card->config_read(pci::kCapabilitiesPointer, 1);
  while (m.card->config_read(at, 1) != static_cast<unsigned>(pci::Capability::kMsi))
    at = m.card->config_read(at + 1, 1);
  m.card->config_write(at + pci::kMsiAddress, 4, fake::Messages::kPage);
  m.card->config_write(at + pci::kMsiData, 2, 0x42);
  m.card->config_write(at + pci::kMsiControl, 2, pci::kMsiEnable);
  start(0);
  m.messages.seen.clear();
  command(0, sectors(0x25, 0, 1), {{kBuffer, 512}});
  set(0, kPxCi, 1);
  EXPECT_EQ(m.messages_of(0x42), 1u);
  EXPECT_FALSE(m.line());
  set(kIs, 1);
  EXPECT_EQ(m.messages_of(0x42), 1u) << "the port has its interrupt still";
  set(0, kPxIs, ~0u);
  set(kIs, 1);
  EXPECT_EQ(m.messages_of(0x42), 0u);
}

TEST_F(AhciTest, IsSavedInTheMiddle) {
  start(0);
  command(0, sectors(0x25, 0, 1), {{0x1000, 512}});
  command(1, sectors(0x25, 9, 1), {{kBuffer, 512}});
  set(0, kPxCi, 3);  // stopped at the first
  const auto state = fake::save(*m.card);
  set(kGhc, kGhcReset);
  ASSERT_TRUE(fake::load(*m.card, state));
  EXPECT_EQ(get(0, kPxIs), kHbfs);
  EXPECT_EQ(get(0, kPxCi), 3u);
  EXPECT_EQ(get(0, kPxClb), kList);
  set(0, kPxCmd, kReceive);
  start(0);
  set(0, kPxCi, 2);
  EXPECT_EQ(memory(kBuffer, 512), of(disk, 9 * 512, 512));
}

}  // namespace
}  // namespace mynah::dev
