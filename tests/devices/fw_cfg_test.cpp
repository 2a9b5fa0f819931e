// SPDX-License-Identifier: Apache-2.0
//
// fw_cfg: items and directory through the registers and through DMA, writable files, misuse.
#include "devices/fwcfg/fw_cfg.h"

#include <gtest/gtest.h>

#include "tests/devices/fakes.h"

namespace mynah::dev {
namespace {

constexpr uint64_t kRam = 0x4000'0000;
constexpr size_t kRamSize = 0x10000;
constexpr uint64_t kDescriptor = kRam + 0x100;
constexpr uint64_t kBuffer = kRam + 0x1000;

uint64_t swap(uint64_t v, unsigned n) {
  uint64_t r = 0;
  for (unsigned i = 0; i < n; ++i) r = r << 8 | (v >> (8 * i) & 0xff);
  return r;
}

std::vector<uint8_t> bytes_of(std::string_view s) { return {s.begin(), s.end()}; }

struct FwCfgTest : testing::Test {
  void select(uint16_t key) { cfg.write(FwCfg::kSelector, Width::k2, swap(key, 2)); }
  std::string text(size_t n) {
    std::string s;
    while (n-- != 0) s += static_cast<char>(cfg.read(FwCfg::kData, Width::k1));
    return s;
  }
  void put_descriptor(uint64_t at, uint32_t control, uint32_t length, uint64_t address) {
    uint8_t* p = memory.at(at);
    for (unsigned i = 0; i < 4; ++i) p[i] = static_cast<uint8_t>(control >> (24 - 8 * i));
    for (unsigned i = 0; i < 4; ++i) p[4 + i] = static_cast<uint8_t>(length >> (24 - 8 * i));
    for (unsigned i = 0; i < 8; ++i) p[8 + i] = static_cast<uint8_t>(address >> (56 - 8 * i));
  }
  // Runs an operation and returns the control word it left.
  uint32_t dma(uint32_t control, uint32_t length, uint64_t address) {
    put_descriptor(kDescriptor, control, length, address);
    cfg.write(FwCfg::kDma, Width::k8, swap(kDescriptor, 8));
    const uint8_t* p = memory.at(kDescriptor);
    return uint32_t{p[0]} << 24 | uint32_t{p[1]} << 16 | uint32_t{p[2]} << 8 | p[3];
  }
  std::string ram(uint64_t pa, size_t n) { return {reinterpret_cast<const char*>(memory.at(pa)), n}; }
  static uint32_t with_key(uint16_t key, uint32_t control) {
    return uint32_t{key} << 16 | FwCfg::kDmaSelect | control;
  }

  fake::Memory memory{kRam, kRamSize};
  fake::RecordingLog log;
  FwCfg cfg{memory, log};
};

TEST_F(FwCfgTest, SignatureAndFeatures) {
  EXPECT_EQ(text(4), "QEMU");
  EXPECT_EQ(text(1), std::string(1, '\0'));
  select(FwCfg::kId);
  EXPECT_EQ(cfg.read(FwCfg::kData, Width::k4), 3u);
  EXPECT_EQ(cfg.read(FwCfg::kDma, Width::k8), swap(0x51454d5520434647, 8));
  EXPECT_EQ(cfg.read(FwCfg::kDma + 4, Width::k4), swap(0x20434647, 4));
}

TEST_F(FwCfgTest, DataKeepsStringOrderAtEachWidth) {
  cfg.add_item(FwCfg::kUuid, bytes_of("0123456789abcdef"));
  select(FwCfg::kUuid);
  EXPECT_EQ(cfg.read(FwCfg::kData, Width::k1), uint64_t{'0'});
  EXPECT_EQ(cfg.read(FwCfg::kData, Width::k2), 0x3231u);
  EXPECT_EQ(cfg.read(FwCfg::kData, Width::k4), 0x36353433u);
  EXPECT_EQ(cfg.read(FwCfg::kData, Width::k8), 0x6564636261393837u);
  EXPECT_EQ(cfg.read(FwCfg::kData, Width::k8), 0x66u);  // the last byte, then zeroes
  EXPECT_EQ(cfg.read(FwCfg::kData, Width::k8), 0u);
  select(FwCfg::kUuid | FwCfg::kWriteChannel);
  EXPECT_EQ(text(3), "012");
}

TEST_F(FwCfgTest, Items) {
  cfg.add_item_u16(FwCfg::kCpuCount, 0x1234);
  cfg.add_item_u64(FwCfg::kRamSize, 0x1122334455667788);
  cfg.add_item(FwCfg::kCommandLineData, std::string_view("quiet"));
  cfg.add_item(0x8001, bytes_of("arch"));
  select(FwCfg::kCpuCount);
  EXPECT_EQ(cfg.read(FwCfg::kData, Width::k2), 0x1234u);
  select(FwCfg::kRamSize);
  EXPECT_EQ(cfg.read(FwCfg::kData, Width::k8), 0x1122334455667788u);
  select(FwCfg::kCommandLineData);
  EXPECT_EQ(text(6), std::string("quiet\0", 6));
  select(0x8001);
  EXPECT_EQ(text(4), "arch");
  select(0x1234);
  EXPECT_EQ(cfg.read(FwCfg::kData, Width::k8), 0u);
}

TEST_F(FwCfgTest, DirectoryListsFilesByName) {
  const auto second = cfg.add_file("opt/b", bytes_of("two"));
  const auto first = cfg.add_file("etc/a", bytes_of("o"));
  ASSERT_EQ(second, std::optional<uint16_t>(0x20));
  ASSERT_EQ(first, std::optional<uint16_t>(0x21));
  select(FwCfg::kFileDirectory);
  EXPECT_EQ(text(4), std::string("\0\0\0\2", 4));
  EXPECT_EQ(text(8), std::string("\0\0\0\1\0\x21\0\0", 8));
  EXPECT_EQ(text(56), std::string("etc/a") + std::string(51, '\0'));
  EXPECT_EQ(text(8), std::string("\0\0\0\3\0\x20\0\0", 8));
  EXPECT_EQ(text(56), std::string("opt/b") + std::string(51, '\0'));
  select(*second);
  EXPECT_EQ(text(3), "two");
  EXPECT_TRUE(cfg.replace_file("opt/b", bytes_of("deux")));
  EXPECT_FALSE(cfg.replace_file("opt/c", {}));
  select(*second);
  EXPECT_EQ(text(4), "deux");
  ASSERT_NE(cfg.file("opt/b"), nullptr);
  EXPECT_EQ(cfg.file("opt/b")->size(), 4u);
}

TEST_F(FwCfgTest, ContentsAreMadeWhenAFileIsSelected) {
  const auto key = cfg.add_file("opt/a", bytes_of("one"));
  ASSERT_TRUE(key);
  EXPECT_TRUE(cfg.set_on_select("opt/a", [this] { cfg.replace_file("opt/a", bytes_of("two")); }));
  EXPECT_FALSE(cfg.set_on_select("opt/b", [] {}));
  select(*key);
  EXPECT_EQ(text(3), "two");
}

TEST_F(FwCfgTest, RefusesImpossibleFiles) {
  EXPECT_FALSE(cfg.add_file("", {}));
  EXPECT_FALSE(cfg.add_file(std::string(56, 'x'), {}));
  EXPECT_TRUE(cfg.add_file(std::string(55, 'x'), {}));
  EXPECT_FALSE(cfg.add_file(std::string(55, 'x'), {}));
  EXPECT_FALSE(cfg.add_file(std::string("a\0b", 3), {}));
  for (unsigned i = 1; i < FwCfg::kMaxFiles; ++i) ASSERT_TRUE(cfg.add_file("f" + std::to_string(i), {}));
  EXPECT_FALSE(cfg.add_file("one too many", {}));
}

TEST_F(FwCfgTest, DmaReadsWithSelectAndGoesOn) {
  const uint16_t key = *cfg.add_file("f", bytes_of("abcdefgh"));
  EXPECT_EQ(dma(with_key(key, FwCfg::kDmaRead), 3, kBuffer), 0u);
  EXPECT_EQ(ram(kBuffer, 3), "abc");
  EXPECT_EQ(dma(FwCfg::kDmaSkip, 2, 0), 0u);
  EXPECT_EQ(dma(FwCfg::kDmaRead, 2, kBuffer), 0u);
  EXPECT_EQ(ram(kBuffer, 2), "fg");
  EXPECT_EQ(text(1), "h");
}

TEST_F(FwCfgTest, DmaReadPastTheEndGivesZeroes) {
  const uint16_t key = *cfg.add_file("f", bytes_of("ab"));
  std::fill_n(memory.at(kBuffer), 0x9000, 0xee);
  EXPECT_EQ(dma(with_key(key, FwCfg::kDmaRead), 0x8000, kBuffer), 0u);
  EXPECT_EQ(ram(kBuffer, 0x8001), "ab" + std::string(0x7ffe, '\0') + "\xee");
  EXPECT_EQ(dma(with_key(0x3999, FwCfg::kDmaRead), 1, kBuffer + 0x8000), 0u);
  EXPECT_EQ(ram(kBuffer + 0x8000, 1), std::string(1, '\0'));
}

TEST_F(FwCfgTest, DmaStartsAtTheLowHalf) {
  const uint16_t key = *cfg.add_file("f", bytes_of("abc"));
  put_descriptor(kDescriptor, with_key(key, FwCfg::kDmaRead), 3, kBuffer);
  cfg.write(FwCfg::kDma, Width::k4, 0);
  EXPECT_EQ(ram(kBuffer, 3), std::string(3, '\0'));
  cfg.write(FwCfg::kDma + 4, Width::k4, swap(kDescriptor, 4));
  EXPECT_EQ(ram(kBuffer, 3), "abc");
  // The high half was used up: a low half alone is a 32-bit address.
  cfg.write(FwCfg::kDma, Width::k4, swap(1, 4));
  cfg.write(FwCfg::kDma + 4, Width::k4, swap(kDescriptor, 4));
  EXPECT_EQ(log.errors.size(), 1u);
  put_descriptor(kDescriptor, with_key(key, FwCfg::kDmaRead), 1, kBuffer + 8);
  cfg.write(FwCfg::kDma + 4, Width::k4, swap(kDescriptor, 4));
  EXPECT_EQ(ram(kBuffer + 8, 1), "a");
}

TEST_F(FwCfgTest, DmaWritesInsideAWritableFile) {
  size_t at = 0, count = 0;
  std::string seen;
  const uint16_t key = *cfg.add_writable_file("w", bytes_of("........"),
                                              [&](std::span<const uint8_t> all, size_t offset, size_t n) {
                                                seen.assign(all.begin(), all.end());
                                                at = offset;
                                                count = n;
                                              });
  std::memcpy(memory.at(kBuffer), "XYZ", 3);
  EXPECT_EQ(dma(with_key(key, FwCfg::kDmaSkip), 2, 0), 0u);
  EXPECT_EQ(dma(FwCfg::kDmaWrite, 3, kBuffer), 0u);
  EXPECT_EQ(seen, "..XYZ...");
  EXPECT_EQ(at, 2u);
  EXPECT_EQ(count, 3u);
  EXPECT_EQ(dma(FwCfg::kDmaWrite, 4, kBuffer), FwCfg::kDmaError);  // three bytes are left
  EXPECT_EQ(seen, "..XYZ...");
  select(key);
  EXPECT_EQ(text(8), "..XYZ...");
}

TEST_F(FwCfgTest, DmaWriteToReadOnlyOrNoItemFails) {
  const uint16_t key = *cfg.add_file("r", bytes_of("abc"));
  EXPECT_EQ(dma(with_key(key, FwCfg::kDmaWrite), 1, kBuffer), FwCfg::kDmaError);
  EXPECT_EQ(dma(with_key(0x1fff, FwCfg::kDmaWrite), 0, kBuffer), FwCfg::kDmaError);
  EXPECT_EQ(dma(with_key(FwCfg::kSignature, FwCfg::kDmaWrite), 4, kBuffer), FwCfg::kDmaError);
  select(0);
  EXPECT_EQ(text(4), "QEMU");
}

TEST_F(FwCfgTest, DmaChecksAddresses) {
  const uint16_t r = *cfg.add_file("r", bytes_of("abcdefgh"));
  const uint16_t w = *cfg.add_writable_file("w", bytes_of("12345678"));
  EXPECT_EQ(dma(with_key(r, FwCfg::kDmaRead), 4, 0x1000), FwCfg::kDmaError);
  EXPECT_EQ(dma(with_key(r, FwCfg::kDmaRead), 4, kRam + kRamSize - 3), FwCfg::kDmaError);
  EXPECT_EQ(dma(with_key(r, FwCfg::kDmaRead), 0xffff'ffff, kBuffer), FwCfg::kDmaError);
  EXPECT_EQ(dma(with_key(r, FwCfg::kDmaRead), 4, ~uint64_t{0} - 1), FwCfg::kDmaError);
  EXPECT_EQ(dma(with_key(w, FwCfg::kDmaWrite), 4, 0x1000), FwCfg::kDmaError);
  EXPECT_EQ(dma(with_key(w, FwCfg::kDmaWrite), 0xffff'ffff, kBuffer), FwCfg::kDmaError);
  EXPECT_EQ(dma(with_key(w, FwCfg::kDmaSkip), 0xffff'ffff, kBuffer), 0u);
  EXPECT_EQ(dma(FwCfg::kDmaSkip, 0xffff'ffff, kBuffer), 0u);
  EXPECT_EQ(text(1), std::string(1, '\0'));
  select(w);
  EXPECT_EQ(text(8), "12345678");
  for (const uint64_t bad : {uint64_t{0}, kRam + kRamSize - 15, ~uint64_t{0} - 7, ~uint64_t{0}}) {
    cfg.write(FwCfg::kDma, Width::k8, swap(bad, 8));
  }
}

TEST_F(FwCfgTest, LogsMisuse) {
  EXPECT_EQ(cfg.read(FwCfg::kSelector, Width::k2), 0u);
  EXPECT_EQ(cfg.read(4, Width::k8), 0u);
  EXPECT_EQ(cfg.read(0x14, Width::k8), 0u);
  cfg.write(FwCfg::kData, Width::k1, 1);
  cfg.write(FwCfg::kSelector, Width::k4, 1);
  cfg.write(0x12, Width::k4, 1);
  EXPECT_EQ(log.errors.size(), 6u);
}

TEST_F(FwCfgTest, SavesAndRestores) {
  const uint16_t key = *cfg.add_writable_file("w", bytes_of("12345678"));
  std::memcpy(memory.at(kBuffer), "XY", 2);
  ASSERT_EQ(dma(with_key(key, FwCfg::kDmaWrite), 2, kBuffer), 0u);
  cfg.write(FwCfg::kDma, Width::k4, swap(0x12, 4));
  const auto state = fake::save(cfg);

  FwCfg copy(memory, log);
  ASSERT_FALSE(fake::load(copy, state) && fake::save(copy) == state);  // it has no such file
  *copy.add_writable_file("w", bytes_of("????????"));
  ASSERT_TRUE(fake::load(copy, state));
  EXPECT_EQ(fake::save(copy), state);
  EXPECT_EQ(copy.read(FwCfg::kData, Width::k8), 0x383736353433u);
  EXPECT_EQ(copy.file("w")->at(0), 'X');

  FwCfg other(memory, log);
  *other.add_writable_file("w", bytes_of("longer than that"));
  EXPECT_FALSE(fake::load(other, state));
  EXPECT_EQ(other.file("w")->at(0), 'l');
}

}  // namespace
}  // namespace mynah::dev
