// SPDX-License-Identifier: Apache-2.0
//
// Compressed kernels and EFI zboot images, each made by the library that the program reads it with.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "machines/loader/compression.h"
#include "machines/loader/zboot.h"
#include "tests/machines/packing.h"
#include "tests/machines/sentence.h"

namespace mynah {
namespace {

using testing::HasSubstr;
using namespace packing;

constexpr uint64_t kMiB = 1 << 20;

// Half of it repeats, half does not.
std::vector<uint8_t> contents(size_t n = 300'000) {
  std::vector<uint8_t> bytes(n);
  for (size_t i = n / 2; i < n; ++i) bytes[i] = static_cast<uint8_t>(i * 2654435761u >> 13);
  return bytes;
}

class Packed : public testing::TestWithParam<Packer> {};
INSTANTIATE_TEST_SUITE_P(, Packed, testing::ValuesIn(kPackers),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_P(Packed, IsUncompressed) {
  for (const size_t n : {size_t{1}, size_t{4096}, size_t{300'000}, size_t{5'000'000}}) {
    const auto plain = contents(n);
    auto file = GetParam().pack(plain);
    EXPECT_EQ(name_of(compression_of(file)), GetParam().name);
    ASSERT_EQ(sentence(unpack_kernel(file, 8 * kMiB)), "") << n;
    EXPECT_EQ(file, plain);
  }
}

TEST_P(Packed, BytesBehindItAreLeft) {
  const auto plain = contents();
  auto file = GetParam().pack(plain);
  file.insert(file.end(), 100, 0x5a);
  ASSERT_EQ(sentence(unpack_kernel(file, kMiB)), "");
  EXPECT_EQ(file, plain);
}

TEST_P(Packed, DamageAndSizeAreNoticed) {
  const auto file = GetParam().pack(contents());
  for (const size_t n : {size_t{20}, file.size() / 2, file.size() - 1}) {
    auto shorter = file;
    shorter.resize(n);
    EXPECT_THAT(sentence(unpack_kernel(shorter, kMiB)),
                HasSubstr("the kernel file is compressed, and corrupt or cut"))
        << n;
  }
  auto large = file;
  EXPECT_THAT(sentence(unpack_kernel(large, 1000)), HasSubstr("use a larger -m"));
  if (GetParam().name == std::string_view("lzma")) return;  // has no sums
  auto wrong = file;
  wrong[file.size() / 2] ^= 0xff;
  wrong[file.size() / 2 + 1] ^= 0xff;
  EXPECT_THAT(sentence(unpack_kernel(wrong, kMiB)), HasSubstr("corrupt"));
}

TEST_P(Packed, InZbootItIsOpened) {
  const auto plain = contents();
  const auto image = zboot(GetParam().pack(plain), GetParam().in_zboot);
  auto opened = image;
  ASSERT_EQ(sentence(unpack_kernel(opened, kMiB)), "");
  EXPECT_EQ(opened, plain);
  for (const size_t n : {size_t{64}, size_t{80}, image.size() - 101}) {
    auto shorter = image;
    shorter.resize(n);
    EXPECT_THAT(sentence(unpack_kernel(shorter, kMiB)), HasSubstr("cut short")) << n;
  }
}

TEST(Packing, OthersAreLeftAlone) {
  for (const std::string text :
       {"BZh91AY&SY", "\x04\x22\x4d\x18", "\x89LZO", "plain", "", "M", "MZ\0\0zim"}) {
    std::vector<uint8_t> file(text.begin(), text.end());
    const auto before = file;
    EXPECT_EQ(sentence(unpack_kernel(file, kMiB)), "");
    EXPECT_EQ(file, before);
  }
}

TEST(Packing, ZbootOfAnotherCompressionNamesIt) {
  std::vector<uint8_t> lz4(100, 1);
  auto image = zboot(lz4, "lz4");
  EXPECT_THAT(sentence(unpack_kernel(image, kMiB)), HasSubstr("compressed with lz4, which is not known"));
}

// Frames one after another, as parallel compressors write them.
TEST(Packing, ZstdOfSeveralFrames) {
  const auto plain = contents();
  auto file = zstd(plain);
  const std::vector<uint8_t> skipped = {0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4};
  const auto second = zstd(plain);
  file.insert(file.end(), skipped.begin(), skipped.end());
  file.insert(file.end(), second.begin(), second.end());
  ASSERT_EQ(sentence(unpack_kernel(file, kMiB)), "");
  EXPECT_EQ(file.size(), 2 * plain.size());
}

}  // namespace
}  // namespace mynah
