// SPDX-License-Identifier: Apache-2.0
//
// Files that a machine starts from: kernels of all packings, device trees, initial RAM disks. What cannot be
// started is refused with the reason.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "app/initrd_check.h"
#include "machines/arm_boot.h"
#include "machines/loader/zboot.h"
#include "machines/user_tree.h"
#include "tests/app/guests.h"
#include "tests/machines/packing.h"

namespace mynah {
namespace {

using packing::gzip;
using testing::HasSubstr;
constexpr uint64_t kRam = 0x40000000, kMiB = 1 << 20;

void put(std::vector<uint8_t>& image, size_t at, std::string_view bytes) {
  if (image.size() < at + bytes.size()) image.resize(at + bytes.size());
  std::memcpy(&image[at], bytes.data(), bytes.size());
}
template <typename T>
void put_number(std::vector<uint8_t>& image, size_t at, T value) {
  put(image, at, {reinterpret_cast<const char*>(&value), sizeof value});
}

// Empty where it is no error.
template <typename T>
std::string sentence(const Result<T>& result) {
  return result ? std::string() : result.message();
}

Result<ArmBootLayout> placed_in(std::span<const uint8_t> image, uint64_t ram, uint64_t initrd) {
  return place_arm_kernel(image, {kRam, kRam + ram}, initrd);
}
std::string place(std::span<const uint8_t> image, uint64_t ram = 128 * kMiB, uint64_t initrd = 0) {
  return sentence(placed_in(image, ram, initrd));
}

TEST(KernelImage, IsPlacedBeforeInitrdAndDeviceTree) {
  const auto placed = placed_in(app::test::hello_guest(), 128 * kMiB, 5 * kMiB);
  ASSERT_TRUE(placed) << placed.message();
  const ArmBootLayout& layout = *placed;
  EXPECT_TRUE(layout.linux_protocol);
  EXPECT_EQ(layout.entry, kRam + 2 * kMiB);
  EXPECT_EQ(layout.kernel.extent().begin, layout.entry);
  EXPECT_GE(layout.initrd, layout.entry + 0x10000);
  EXPECT_EQ(layout.initrd % 4096, 0u);
  EXPECT_GE(layout.dtb, layout.initrd + 5 * kMiB);
}

TEST(KernelImage, IsPlacedAtItsOffset) {
  struct Case {
    uint64_t text_offset, image_size, at;
  };
  static constexpr Case kCases[] = {
      {0, 0x10000, 2 * kMiB},  // not into the first page
      {0x800, 0x10000, 2 * kMiB + 0x800},
      {0x1000, 0x10000, 0x1000},
      {0x80000, 0x10000, 0x80000},
      {0x1ff000, 0x10000, 0x1ff000},
      {0x200000, 0x10000, 0x200000},
      {0x1080000, 0x10000, 0x1080000},
      {0x1080000, 0, 0x80000},  // without a size the field means nothing
      {0x3fff000, 80 * kMiB, 0x3fff000},
      {128 * kMiB - 0x10000, 0x10000, 128 * kMiB - 0x10000},
  };
  for (const Case& c : kCases) {
    for (const uint64_t flags : {0x2, 0xa}) {  // near the start of RAM, anywhere
      for (const uint64_t initrd : {uint64_t{0}, 5 * kMiB}) {
        auto image = app::test::hello_guest();
        put_number(image, 8, c.text_offset);
        put_number(image, 16, c.image_size);
        put_number(image, 24, flags);
        const auto placed = placed_in(image, 256 * kMiB, initrd);
        ASSERT_TRUE(placed) << c.text_offset;
        const ArmBootLayout& layout = *placed;
        EXPECT_EQ(layout.entry, kRam + c.at);
        EXPECT_EQ(layout.kernel.extent().begin, layout.entry);
        EXPECT_GE(layout.initrd, layout.entry + std::max<uint64_t>(c.image_size, image.size()));
        EXPECT_GE(layout.dtb, layout.initrd + initrd);
        EXPECT_EQ(layout.dtb % (2 * kMiB), 0u);
      }
    }
  }
}

TEST(KernelImage, OffsetsBeyondMemoryAreRefused) {
  for (const uint64_t offset : std::initializer_list<uint64_t>{
           128 * kMiB - 0xf000, 128 * kMiB, uint64_t{1} << 40, ~uint64_t{7}, ~uint64_t{0xffff}}) {
    auto image = app::test::hello_guest();
    put_number(image, 8, offset);
    EXPECT_THAT(place(image), HasSubstr("use a larger -m")) << offset;
  }
}

TEST(KernelImage, WhatDoesNotFitIsRefused) {
  EXPECT_THAT(place(app::test::hello_guest(), 2 * kMiB), HasSubstr("use a larger -m"));
  EXPECT_THAT(place(app::test::hello_guest(), 128 * kMiB, 100 * kMiB), HasSubstr("use a larger -m"));
  EXPECT_THAT(place(app::test::hello_guest(), 128 * kMiB, ~uint64_t{0}), HasSubstr("use a larger -m"));
  auto image = app::test::hello_guest();
  put_number(image, 16, ~uint64_t{0});
  EXPECT_THAT(place(image), HasSubstr("use a larger -m"));
  image = app::test::hello_guest();
  put_number(image, 8, ~uint64_t{0});
  EXPECT_THAT(place(image), HasSubstr("corrupt"));
}

TEST(KernelImage, OtherFilesAreNamed) {
  std::vector<uint8_t> file(4096);
  auto x86 = file;
  put(x86, 0x202, "HdrS");
  EXPECT_THAT(place(x86), HasSubstr("built for x86"));
  auto elf = file;
  put(elf, 0,
      "\x7f"
      "ELF");
  elf[18] = 62;
  EXPECT_THAT(place(elf), HasSubstr("ELF file for x86-64"));
  auto riscv = file;
  put(riscv, 0x38, "RSC\x05");
  EXPECT_THAT(place(riscv), HasSubstr("RISC-V"));
  auto arm = file;
  put(arm, 0x24, "\x18\x28\x6f\x01");
  EXPECT_THAT(place(arm), HasSubstr("32-bit Arm"));
  auto bzip2 = file;
  put(bzip2, 0, "BZh");
  EXPECT_THAT(place(bzip2), HasSubstr("compressed with bzip2"));
  auto cpio = file;
  put(cpio, 0, "070701");
  EXPECT_THAT(place(cpio), HasSubstr("initrd"));
}

TEST(KernelImage, ShortFilesAreNoticedByTheirSections) {
  auto image = app::test::hello_guest();
  image.resize(4096);
  put(image, 0, "MZ");
  put_number<uint32_t>(image, 0x3c, 0x40);
  put(image, 0x40, std::string_view("PE\0\0", 4));
  put_number<uint16_t>(image, 0x46, 1);     // sections
  put_number<uint16_t>(image, 0x54, 0x20);  // optional header
  put_number<uint32_t>(image, 0x78 + 16, 3000);
  put_number<uint32_t>(image, 0x78 + 20, 1000);
  EXPECT_EQ(place(image), "");
  put_number<uint32_t>(image, 0x78 + 16, 3097);
  EXPECT_THAT(place(image), HasSubstr("cut short"));
  put_number<uint32_t>(image, 0x3c, ~0u);  // a header outside of the file is no header
  EXPECT_EQ(place(image), "");
}

// As QEMU places what it knows nothing of.
TEST(KernelImage, RawBinariesArePlaced) {
  for (const size_t size : {size_t{1}, size_t{4}, size_t{100'000}}) {
    const std::vector<uint8_t> file(size, 0x55);
    const auto placed = placed_in(file, 128 * kMiB, 5'000'000);
    ASSERT_TRUE(placed) << placed.message();
    EXPECT_TRUE(placed->linux_protocol);
    EXPECT_EQ(placed->entry, 0x40080000u);
    EXPECT_EQ(placed->kernel.extent().end, 0x40080000u + size);
    EXPECT_EQ(placed->initrd, 0x44000000u);
    EXPECT_EQ(placed->dtb, 0x44600000u);
  }
}

TEST(DeviceTreeFile, DamagedOnesAreRefused) {
  std::vector<uint8_t> tree(100);
  EXPECT_THAT(sentence(complete_tree(tree, {})), HasSubstr("not a valid"));
  put(tree, 0, std::string_view("\xd0\x0d\xfe\xed\0\0\x10\0", 8));
  EXPECT_THAT(sentence(complete_tree(tree, {})), HasSubstr("cut short"));
  tree.assign(3 << 20, 0);
  EXPECT_THAT(sentence(complete_tree(tree, {})), HasSubstr("2 MiB"));
}

// --- initial RAM disks

std::string cpio_entry(const std::string& name, const std::string& contents) {
  char header[128];
  std::snprintf(header, sizeof header, "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x", 1,
                0100644, 0, 0, 1, 0, contents.size(), 0, 0, 0, 0, name.size() + 1, 0);
  std::string entry = header + name + '\0';
  entry.resize((entry.size() + 3) & ~size_t{3});
  entry += contents;
  entry.resize((entry.size() + 3) & ~size_t{3});
  return entry;
}
std::vector<uint8_t> archive() {
  const std::string text = cpio_entry("init", "#!/bin/sh\n") + cpio_entry("TRAILER!!!", "");
  return {text.begin(), text.end()};
}
std::string check(const std::vector<uint8_t>& image) {
  const std::atomic<bool> go_on{false};
  return sentence(app::check_initrd(image, "x", go_on));
}

TEST(Initrd, ArchivesAreGood) {
  const auto plain = archive();
  EXPECT_EQ(check(plain), "");
  EXPECT_EQ(check(gzip(plain)), "");
  auto both = plain;
  both.resize(both.size() + 512);
  const auto packed = gzip(plain);
  both.insert(both.end(), packed.begin(), packed.end());
  EXPECT_EQ(check(both), "");
  std::vector<uint8_t> ext2(2048);
  put(ext2, 0x438, "\x53\xef");
  EXPECT_EQ(check(ext2), "");
}

TEST(Initrd, BadOnesAreNamed) {
  auto shorter = archive();
  shorter.resize(shorter.size() - 100);
  EXPECT_THAT(check(shorter), HasSubstr("cut short"));
  auto packed = gzip(archive());
  packed.resize(packed.size() - 9);
  EXPECT_THAT(check(packed), HasSubstr("cut short"));
  packed = gzip(archive());
  packed[packed.size() - 6] ^= 1;  // its checksum
  EXPECT_THAT(check(packed), HasSubstr("corrupt"));
  auto wrong = archive();
  put(wrong, 6 + 8 * 6, "zzzzzzzz");
  EXPECT_THAT(check(wrong), HasSubstr("corrupt"));
  EXPECT_THAT(check(std::vector<uint8_t>(1000, 0x55)), HasSubstr("neither"));
}

}  // namespace
}  // namespace mynah
