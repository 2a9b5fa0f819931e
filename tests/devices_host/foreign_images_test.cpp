// SPDX-License-Identifier: Apache-2.0
//
// Images of other emulators, made by qemu-img, and folders as FAT disks: what is read is what went in. Each
// kind of damage is a sentence.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "devices/host/image/fat_folder.h"
#include "devices/host/image/open_image.h"
#include "tests/devices_host/qcow2_support.h"

namespace mynah::host {
namespace {

using test::have_qemu_img;
using test::run_command;
using testing::HasSubstr;

struct Form {
  const char* name;
  const char* options;  // of qemu-img convert
  const char* format;
};

struct ForeignImages : testing::Test {
  void SetUp() override {
    folder = std::filesystem::temp_directory_path() / ("mynah-foreign-" + std::to_string(::getpid()));
    std::filesystem::remove_all(folder);
    std::filesystem::create_directory(folder);
  }
  void TearDown() override { std::filesystem::remove_all(folder); }
  std::string at(const std::string& name) const { return (folder / name).string(); }
  // 11 MiB and a sector, with data here and there.
  std::vector<uint8_t> make_raw() const {
    std::vector<uint8_t> bytes((11 << 20) + 512);
    std::mt19937 random(7);
    for (const size_t begin : {size_t{0}, size_t{70'000}, size_t{3 << 20}, size_t{(8 << 20) - 5000}})
      for (size_t i = begin; i < begin + 30'000; ++i)
        bytes[i] = static_cast<uint8_t>(random() >> (i % 3 * 4));
    for (size_t i = bytes.size() - 700; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(random());
    write("raw", bytes);
    return bytes;
  }
  void write(const std::string& name, const std::vector<uint8_t>& bytes) const {
    std::ofstream(at(name), std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  std::vector<uint8_t> load(const std::string& name) const {
    std::ifstream in(at(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static Result<std::unique_ptr<dev::BlockBackend>> open(const std::string& path) {
    ImageOptions options;
    options.read_only = true;
    return open_image(path, "", options);
  }
  std::filesystem::path folder;
};

struct EachForm : ForeignImages, testing::WithParamInterface<Form> {};
INSTANTIATE_TEST_SUITE_P(
    , EachForm,
    testing::Values(Form{"VmdkSparse", "", "vmdk"},
                    Form{"VmdkStream", "-o subformat=streamOptimized", "vmdk"},
                    Form{"VmdkFlat", "-o subformat=monolithicFlat", "vmdk"},
                    Form{"VmdkSplit", "-o subformat=twoGbMaxExtentSparse", "vmdk"},
                    Form{"VmdkSplitFlat", "-o subformat=twoGbMaxExtentFlat", "vmdk"},
                    Form{"VmdkZeroGrains", "-o subformat=monolithicSparse,zeroed_grain=on", "vmdk"},
                    Form{"Vdi", "", "vdi"}, Form{"VdiStatic", "-o static=on", "vdi"},
                    Form{"Vhdx", "", "vhdx"}, Form{"VhdxFixed", "-o subformat=fixed", "vhdx"},
                    Form{"VhdxLargeBlocks", "-o block_size=32M", "vhdx"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST_P(EachForm, ReadsAsItsDisk) {
  if (!have_qemu_img()) GTEST_SKIP() << "no qemu-img; install the package qemu-utils";
  const auto want = make_raw();
  std::string said;
  ASSERT_EQ(run_command("qemu-img convert -f raw -O " + std::string(GetParam().format) + " " +
                            GetParam().options + " '" + at("raw") + "' '" + at("image") + "'",
                        &said),
            0)
      << said;
  auto disk = open(at("image"));
  ASSERT_TRUE(disk) << disk.message();
  EXPECT_TRUE((*disk)->read_only());
  ASSERT_GE((*disk)->size(), want.size());
  std::vector<uint8_t> got(want.size());
  ASSERT_TRUE((*disk)->read(0, got));
  EXPECT_TRUE(got == want);
  for (const size_t begin : {size_t{65'000}, size_t{(8 << 20) - 6000}, want.size() - 512}) {
    std::vector<uint8_t> piece(std::min<size_t>(10'000, want.size() - begin));
    ASSERT_TRUE((*disk)->read(begin, piece));
    EXPECT_TRUE(std::equal(piece.begin(), piece.end(), want.begin() + static_cast<ptrdiff_t>(begin)));
  }
  EXPECT_FALSE((*disk)->read((*disk)->size(), std::span(got).first(1)));
  EXPECT_FALSE((*disk)->write(0, std::span(got).first(512)));

  disk->reset();
  const auto to_write = open_image(at("image"), "", {});
  ASSERT_FALSE(to_write);
  EXPECT_THAT(to_write.message(), HasSubstr("readonly=on or -snapshot"));
}

// Cut anywhere, or with a bit changed in what describes it: a sentence, or a disk that can be read from.
TEST_P(EachForm, DamageIsHarmless) {
  if (!have_qemu_img()) GTEST_SKIP() << "no qemu-img; install the package qemu-utils";
  make_raw();
  ASSERT_EQ(run_command("qemu-img convert -f raw -O " + std::string(GetParam().format) + " " +
                        GetParam().options + " '" + at("raw") + "' '" + at("image") + "'"),
            0);
  const auto whole = load("image");
  std::mt19937 random(3);
  std::vector<uint8_t> bytes(100'000);
  for (unsigned n = 0; n < 60; ++n) {
    auto image = whole;
    if (n % 3 == 0) image.resize(random() % image.size());
    for (unsigned i = 0; i < 8 && !image.empty(); ++i)
      image[random() % std::min<size_t>(image.size(), n % 2 ? 1024 : 0x40000)] ^=
          static_cast<uint8_t>(1 << random() % 8);
    write("image", image);
    ImageOptions options;
    options.read_only = true;
    auto disk = open_image(at("image"), GetParam().format, options);
    if (!disk) {
      EXPECT_THAT(disk.message(), HasSubstr("'"));
      continue;
    }
    for (const uint64_t offset : {uint64_t{0}, uint64_t{3} << 20, (*disk)->size() - 512})
      (void)(*disk)->read(offset,
                          std::span(bytes).first(std::min<uint64_t>(bytes.size(), (*disk)->size() - offset)));
  }
}

TEST_F(ForeignImages, AVmdkNamesFilesOfItsFolderAlone) {
  for (const std::string name : {"/etc/passwd", "../x", ".."}) {
    const std::string text =
        "# Disk DescriptorFile\nversion=1\nparentCID=ffffffff\ncreateType=\"monolithicFlat\"\n"
        "RW 8 FLAT \"" +
        name + "\" 0\n";
    write("image", {text.begin(), text.end()});
    const auto disk = open(at("image"));
    ASSERT_FALSE(disk);
    EXPECT_THAT(disk.message(), HasSubstr("not in its folder"));
  }
}

TEST_F(ForeignImages, AFolderIsAFatDisk) {
  std::filesystem::create_directories(at("in/Sub folder/deeper"));
  std::vector<uint8_t> big(100'000);
  for (size_t i = 0; i < big.size(); ++i) big[i] = static_cast<uint8_t>(i / 512 * 3 + i);
  write("in/BIG.BIN", big);
  write("in/a long name with more than thirteen units.txt", {'h', 'i'});
  write("in/Sub folder/deeper/x.c", {'x'});
  write("in/empty", {});
  std::error_code ignored;
  std::filesystem::create_directory_symlink(folder, at("in/loop"), ignored);
  for (const std::string kind : {"", "floppy:"}) {
    auto disk = open_fat_folder("fat:" + kind + at("in"));
    ASSERT_TRUE(disk) << disk.message();
    EXPECT_EQ((*disk)->size(), kind.empty() ? uint64_t{1024 * 16 * 63 * 512} : uint64_t{1440 << 10});
    std::vector<uint8_t> all(std::min<uint64_t>((*disk)->size(), 16 << 20));
    ASSERT_TRUE((*disk)->read(0, all));
    const size_t start = kind.empty() ? 63 * 512 : 0;
    EXPECT_EQ(all[start + 510], 0x55);
    EXPECT_EQ(all[start + 511], 0xaa);
    if (run_command("mdir --version") != 0) continue;
    write("disk", all);
    const std::string image = "'" + at("disk") + "'@@" + std::to_string(start);
    const std::string no_checks = "MTOOLS_SKIP_CHECK=1 ";
    std::string text;
    ASSERT_EQ(run_command(no_checks + "mdir -/ -b -i " + image, &text), 0) << text;
    EXPECT_THAT(text, HasSubstr("::/BIG.BIN"));
    EXPECT_THAT(text, HasSubstr("::/a long name with more than thirteen units.txt"));
    EXPECT_THAT(text, HasSubstr("::/Sub folder/deeper/x.c"));
    EXPECT_THAT(text, testing::Not(HasSubstr("loop")));
    ASSERT_EQ(run_command(no_checks + "mcopy -n -i " + image + " ::/BIG.BIN '" + at("out") + "'", &text), 0)
        << text;
    EXPECT_TRUE(load("out") == big);
    std::filesystem::remove(at("out"));
    ASSERT_EQ(run_command(no_checks + "mtype -i " + image + " '::/Sub folder/deeper/x.c'", &text), 0) << text;
    EXPECT_EQ(text, "x");
    if (kind.empty() || run_command("which fsck.fat") != 0) continue;
    ASSERT_EQ(run_command("fsck.fat -n '" + at("disk") + "'", &text), 0) << text;
  }
}

TEST_F(ForeignImages, WhatAFatDiskCannotBe) {
  EXPECT_THAT(open_fat_folder("fat:rw:" + folder.string()).message(), HasSubstr("only read"));
  EXPECT_THAT(open_fat_folder("fat:/no/such").message(), HasSubstr("there is no folder '/no/such'"));
  std::filesystem::create_directory(at("in"));
  write("in/big", std::vector<uint8_t>(2 << 20));
  EXPECT_THAT(open_fat_folder("fat:floppy:" + at("in")).message(), HasSubstr("more than there is room for"));
  EXPECT_TRUE(open_fat_folder("fat:" + at("in")));
}

}  // namespace
}  // namespace mynah::host
