// SPDX-License-Identifier: Apache-2.0
//
// What is put into a machine's memory at the start: ELF programs, files and data of loaders, and what is
// refused of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "machines/arm_boot.h"
#include "machines/loader/load_requests.h"
#include "tests/machines/elf_builder.h"
#include "tests/machines/sentence.h"

namespace mynah {
namespace {

using elf_test::File;
using elf_test::Segment;
using testing::HasSubstr;

constexpr AddressSpan kRam{0x40000000, 0x48000000};
constexpr ElfTarget kI386{.machine = 3, .is_64 = false, .processor = "i386"};

std::vector<uint8_t> counted(size_t n) {
  std::vector<uint8_t> bytes(n);
  std::iota(bytes.begin(), bytes.end(), uint8_t{1});
  return bytes;
}

TEST(Elf, SegmentsAndEntryAreRead) {
  for (const bool is_64 : {true, false}) {
    File f{.entry = 0x40100000,
           .segments = {{.at = 0x40100000, .bytes = counted(100)},
                        {.at = 0x1000, .bytes = counted(8), .type = 4},  // a note
                        {.at = 0x40200000, .bytes = counted(16), .memory = 4096},
                        {.at = 0x40300000, .memory = 64},
                        {.at = 0x40400000}},  // of nothing
           .is_64 = is_64,
           .machine = static_cast<uint16_t>(is_64 ? 183 : 3)};
    const auto file = make(f);
    ASSERT_TRUE(is_elf(file));
    const auto read = read_elf(file, is_64 ? kArm64Elf : kI386);
    ASSERT_TRUE(read) << read.message();
    EXPECT_EQ(read->entry, 0x40100000u);
    ASSERT_EQ(read->segments.size(), 3u);
    const ElfSegment& code = read->segments[0];
    EXPECT_EQ(code.number, 0u);
    EXPECT_EQ(code.at, 0x40100000u);
    EXPECT_EQ(std::vector<uint8_t>(code.bytes.begin(), code.bytes.end()), counted(100));
    EXPECT_EQ(code.size, 100u);
    EXPECT_EQ(read->segments[1].number, 2u);
    EXPECT_EQ(read->segments[1].bytes.size(), 16u);
    EXPECT_EQ(read->segments[1].size, 4096u);
    EXPECT_EQ(read->segments[2].bytes.size(), 0u);
    EXPECT_EQ(read->segments[2].size, 64u);
  }
}

TEST(Elf, TheEntryMovesWithItsSegment) {
  const auto file =
      make(File{.entry = 0xffff000000000010,
                .segments = {{.at = 0x40000000, .bytes = counted(64), .virtual_address = 0xffff000000000000},
                             {.at = 0x41000000, .bytes = counted(64)}}});
  const auto read = read_elf(file, kArm64Elf);
  ASSERT_TRUE(read) << read.message();
  EXPECT_EQ(read->entry, 0x40000010u);
  EXPECT_EQ(read->segments[0].at, 0x40000000u);
}

// Laid out for a ROM: the data segment's zeroes have another's bytes behind its own in the ROM.
TEST(Elf, ZeroesOverAnotherSegmentAreLeftOut) {
  const auto file = make(File{.segments = {{.at = 0x40000000, .bytes = counted(16), .memory = 64},
                                           {.at = 0x40000010, .bytes = counted(16)},
                                           {.at = 0x40001000, .bytes = counted(16), .memory = 64}}});
  const auto read = read_elf(file, kArm64Elf);
  ASSERT_TRUE(read) << read.message();
  EXPECT_EQ(read->segments[0].size, 16u);
  EXPECT_EQ(read->segments[2].size, 64u);
}

TEST(Elf, OthersAreNamed) {
  const File good{.segments = {{.at = 0x40000000, .bytes = counted(16)}}};
  const auto refused = [](const std::vector<uint8_t>& file) { return sentence(read_elf(file, kArm64Elf)); };
  ASSERT_EQ(refused(make(good)), "");
  File f = good;
  f.type = 3;  // position-independent, as it is
  EXPECT_EQ(refused(make(f)), "");
  f.machine = 62;
  EXPECT_THAT(refused(make(f)), HasSubstr("for x86-64, and this machine has an AArch64"));
  f.machine = 9999;
  EXPECT_THAT(refused(make(f)), HasSubstr("number 9999"));
  f = good;
  f.is_64 = false;
  EXPECT_THAT(refused(make(f)), HasSubstr("32-bit ELF"));
  f = good;
  f.data = 2;
  f.machine = 183 << 8;
  f.type = 2 << 8;
  EXPECT_THAT(refused(make(f)), HasSubstr("big-endian"));
  f = good;
  f.type = 1;
  EXPECT_THAT(refused(make(f)), HasSubstr("linked"));
  f.type = 4;
  EXPECT_THAT(refused(make(f)), HasSubstr("core dump"));
  f = good;
  f.segments.clear();
  EXPECT_THAT(refused(make(f)), HasSubstr("anything to load"));
  f.segments.push_back({.at = 0x40000000, .bytes = counted(16), .type = 4});
  EXPECT_THAT(refused(make(f)), HasSubstr("anything to load"));
  f = good;
  f.segments[0].at = ~uint64_t{7};
  EXPECT_THAT(refused(make(f)), HasSubstr("segment 0 makes no sense"));
}

TEST(Elf, EveryShorterFileIsRefused) {
  const auto file = make(File{.segments = {{.at = 0x40000000, .bytes = counted(16)}}});
  for (size_t n = 4; n < file.size(); ++n) EXPECT_FALSE(read_elf(std::span(file).first(n), kArm64Elf)) << n;
}

TEST(LoadList, WritesBytesAndZeroes) {
  GuestMemory memory;
  ASSERT_TRUE(memory.add_ram(kRam.begin, kRam.size()));
  const auto bytes = counted(10);
  std::vector<uint8_t> old(64, 0xee);
  ASSERT_TRUE(memory.write(0x40001000, old.data(), old.size()));
  LoadList list;
  list.add({"it", 0x40001000, bytes, 20});
  ASSERT_EQ(sentence(list.check(kRam)), "");
  list.write(memory);
  std::vector<uint8_t> now(64);
  ASSERT_TRUE(memory.read(0x40001000, now.data(), now.size()));
  for (size_t i = 0; i < now.size(); ++i) EXPECT_EQ(now[i], i < 10 ? bytes[i] : i < 20 ? 0 : 0xee) << i;
}

TEST(LoadList, WhatOverlapsOrLiesOutsideIsNamed) {
  const auto bytes = counted(16);
  LoadList list;
  list.add("the one", 0x40000000, bytes);
  list.add("the next", 0x40000010, bytes);
  EXPECT_EQ(sentence(list.check(kRam)), "");
  LoadList over = list;
  over.add("the third", 0x4000001f, bytes);
  EXPECT_THAT(
      sentence(over.check(kRam)),
      HasSubstr("the next (0x40000010 to 0x40000020) and the third (0x4000001f to 0x4000002f) overlap"));
  for (const uint64_t at : {uint64_t{0}, kRam.begin - 1, kRam.end - 15, kRam.end, ~uint64_t{0}}) {
    LoadList outside = list;
    outside.add("the third", at, bytes);
    EXPECT_THAT(sentence(outside.check(kRam)), HasSubstr("the third belongs at")) << at;
  }
  LoadList last = list;
  last.add("the last", kRam.end - 16, bytes);
  EXPECT_EQ(sentence(last.check(kRam)), "");
}

TEST(LoadList, TheLargestGapIsFound) {
  LoadList list;
  EXPECT_EQ(list.largest_gap(kRam).size(), kRam.size());
  const auto bytes = counted(16);
  list.add("a", 0x40001000, bytes);
  EXPECT_EQ(list.largest_gap(kRam).begin, 0x40001010u);
  EXPECT_EQ(list.largest_gap(kRam).end, kRam.end);
  list.add("b", 0x47000000, bytes);
  EXPECT_EQ(list.largest_gap(kRam).end, 0x47000000u);
  list.add({"all", kRam.begin, {}, kRam.size()});
  EXPECT_EQ(list.largest_gap(kRam).size(), 0u);
}

// --- kernels

std::string refused(const std::vector<uint8_t>& file) { return sentence(place_arm_kernel(file, kRam, 0)); }

TEST(ElfKernel, IsPlacedWhereItSays) {
  const auto file = make(File{.entry = 0x40300004, .segments = {{.at = 0x40300000, .bytes = counted(64)}}});
  const auto placed = place_arm_kernel(file, kRam, 1 << 20);
  ASSERT_TRUE(placed) << placed.message();
  EXPECT_FALSE(placed->linux_protocol);
  EXPECT_EQ(placed->entry, 0x40300004u);
  EXPECT_EQ(placed->dtb, kRam.begin);
  EXPECT_EQ(placed->tree_room, 0x300000u);
}

// A linker that is told where code is to be puts the file's headers into the page before it.
TEST(ElfKernel, HeadersMayLieBelowMemory) {
  File f{.entry = kRam.begin, .segments = {{.at = kRam.begin - 0x1000, .with_headers = true}}};
  f.segments[0].bytes.resize(0x1000 - header_bytes(f) + 8);
  f.segments[0].bytes[0x1000 - header_bytes(f)] = 0x55;
  const auto file = make(f);
  const auto placed = place_arm_kernel(file, kRam, 0);
  ASSERT_TRUE(placed) << placed.message();
  ASSERT_EQ(placed->kernel.pieces().size(), 1u);
  EXPECT_EQ(placed->kernel.pieces()[0].at, kRam.begin);
  EXPECT_EQ(placed->kernel.pieces()[0].bytes.size(), 8u);
  EXPECT_EQ(placed->kernel.pieces()[0].bytes[0], 0x55);
  EXPECT_EQ(placed->tree_room, 0u);
  f.segments[0].bytes[0] = 1;  // and nothing else
  EXPECT_THAT(refused(make(f)), HasSubstr("segment 0 of the kernel belongs at"));
}

TEST(ElfKernel, OutsideOfMemoryOrOverItselfIsRefused) {
  const auto at = [](uint64_t a) {
    return make(File{.entry = a, .segments = {{.at = a, .bytes = counted(8)}}});
  };
  EXPECT_THAT(refused(at(0)), HasSubstr("segment 0 of the kernel belongs at 0x0"));  // the flash
  EXPECT_THAT(refused(at(0x9000000)), HasSubstr("the machine has memory at"));       // a device
  EXPECT_THAT(refused(at(kRam.end)), HasSubstr("larger -m"));
  const auto twice = make(
      File{.segments = {{.at = 0x40000000, .bytes = counted(8)}, {.at = 0x40000004, .bytes = counted(8)}}});
  EXPECT_THAT(refused(twice), HasSubstr("segment 0 of the kernel (0x40000000 to 0x40000008) and segment 1"));
}

// --- -device loader

struct Loader : testing::Test {
  Result<void> place(std::vector<LoadRequest> given, unsigned processors = 1) {
    requests = std::move(given);
    list = {};
    loads = {};
    return loads.place(requests, kArm64Elf, processors, kRam, list);
  }
  std::vector<LoadRequest> requests;
  LoadList list;
  LoadRequests loads;
};

TEST_F(Loader, FilesGoWhereTheyShould) {
  const auto elf = make(File{.entry = 0x40200000, .segments = {{.at = 0x40200000, .bytes = counted(8)}}});
  ASSERT_EQ(sentence(place({{.file = "a", .bytes = counted(5), .address = 0x41000000},
                            {.file = "b", .bytes = elf, .address = 0x42000000, .processor = 0},
                            {.file = "c", .bytes = elf, .raw = true, .address = 0x43000000, .processor = 1}},
                           2)),
            "");
  ASSERT_EQ(list.pieces().size(), 3u);
  EXPECT_EQ(list.pieces()[0].at, 0x41000000u);
  EXPECT_EQ(list.pieces()[1].at, 0x40200000u);
  EXPECT_EQ(list.pieces()[2].at, 0x43000000u);
  EXPECT_EQ(list.pieces()[2].size, elf.size());
  ASSERT_EQ(loads.starts().size(), 2u);
  EXPECT_EQ(loads.starts()[0].pc, 0x40200000u);
  EXPECT_EQ(loads.starts()[1].processor, 1u);
  EXPECT_EQ(loads.starts()[1].pc, 0x43000000u);
}

TEST_F(Loader, DataIsWrittenAndStartsNothing) {
  GuestMemory memory;
  ASSERT_TRUE(memory.add_ram(kRam.begin, kRam.size()));
  ASSERT_EQ(sentence(place({{.bytes = counted(3), .address = 0x41000001, .processor = 0},
                            {.address = 0x42000000, .processor = 0}})),
            "");
  loads.write(memory);
  uint8_t now[5];
  ASSERT_TRUE(memory.read(0x41000000, now, sizeof now));
  EXPECT_THAT(now, testing::ElementsAre(0, 1, 2, 3, 0));
  ASSERT_EQ(loads.starts().size(), 1u);
  EXPECT_EQ(loads.starts()[0].pc, 0x42000000u);
}

TEST_F(Loader, WhatCannotBeIsRefused) {
  const std::string hex = ":10010000214601360121470136007EFE09D2190140\n";
  EXPECT_THAT(sentence(place({{.file = "a", .bytes = {hex.begin(), hex.end()}}})), HasSubstr("Intel HEX"));
  EXPECT_THAT(sentence(place({{.file = "a", .bytes = {0x27, 0x05, 0x19, 0x56}}})), HasSubstr("uImage"));
  EXPECT_THAT(sentence(place({{.file = "a", .bytes = make(File{.machine = 62})}})),
              HasSubstr("the file 'a' is an ELF file for x86-64"));
  EXPECT_THAT(sentence(place({{.file = "a", .bytes = counted(4), .processor = 1}})),
              HasSubstr("no processor 1"));
  EXPECT_THAT(sentence(place({{.bytes = counted(4), .address = 0x9000000}})), HasSubstr("the data of"));
}

}  // namespace
}  // namespace mynah
