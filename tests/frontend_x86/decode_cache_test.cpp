// SPDX-License-Identifier: Apache-2.0
//
// A decoder with a memory says what one without says: of random bytes, and of each form that these are with
// other values behind its head, in every mode.
#include "frontend/x86/decode_cache.h"

#include <gtest/gtest.h>

#include <random>

namespace mynah::x86 {
namespace {

struct Mode {
  CodeWidth width;
  bool real;
};
constexpr Mode kModes[] = {
    {CodeWidth::k64, false}, {CodeWidth::k32, false}, {CodeWidth::k16, false}, {CodeWidth::k16, true}};

// Beginnings of the longer opcode maps, so that they are not met by chance alone.
constexpr std::initializer_list<uint8_t> kBeginnings[] = {{},           {0x0f},       {0x48},       {0x66},
                                                          {0x0f, 0x38}, {0x0f, 0x3a}, {0x66, 0x0f}, {0xc5},
                                                          {0xc4},       {0xf3, 0x0f}, {0xf2, 0x0f}, {0x67}};

class DecodeCacheTest : public testing::Test {
 protected:
  void compare(std::span<const uint8_t> bytes, const Mode& mode) {
    Decoded known;
    cache_.decode(bytes, mode.width, mode.real, known);
    ASSERT_EQ(known, decode(bytes, mode.width, mode.real)) << testing::PrintToString(bytes);
  }

  DecodeCache cache_;
  std::mt19937_64 random_{1};
};

TEST_F(DecodeCacheTest, SaysWhatTheDecoderSays) {
  for (int round = 0; round < 300'000; ++round) {
    std::array<uint8_t, kMaxInstructionBytes> bytes;
    for (uint8_t& b : bytes) b = static_cast<uint8_t>(random_());
    const auto& beginning = kBeginnings[random_() % std::size(kBeginnings)];
    std::copy(beginning.begin(), beginning.end(), bytes.begin());
    const Mode& mode = kModes[random_() % std::size(kModes)];
    compare(bytes, mode);
    Shape shape;
    if (decode(bytes, mode.width, mode.real, shape).status != Decoded::Status::kValid) continue;
    for (int values = 0; values < 3 && shape.head_bytes; ++values) {
      for (size_t i = shape.head_bytes; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(random_());
      compare(bytes, mode);
      if (HasFatalFailure()) return;
    }
  }
}

TEST_F(DecodeCacheTest, InstructionsThatTheBytesEndInAreNotComplete) {
  const std::array<uint8_t, 10> call{0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8};  // mov rax, imm64
  compare(call, kModes[0]);
  for (size_t n = 0; n < call.size(); ++n) compare(std::span(call).first(n), kModes[0]);
}

// The immediate names a register (VEX, is4), or there are two: nothing that may be kept.
TEST_F(DecodeCacheTest, OtherShapesHaveNone) {
  Shape shape;
  const std::array<uint8_t, 8> blend{0xc4, 0xe3, 0x71, 0x4b, 0xc2, 0x30, 0, 0};  // vblendvpd
  EXPECT_EQ(decode(blend, CodeWidth::k64, false, shape).status, Decoded::Status::kValid);
  EXPECT_EQ(shape.head_bytes, 0);
  const std::array<uint8_t, 4> enter{0xc8, 0x10, 0, 1};
  EXPECT_EQ(decode(enter, CodeWidth::k64, false, shape).status, Decoded::Status::kValid);
  EXPECT_EQ(shape.head_bytes, 0);
}

}  // namespace
}  // namespace mynah::x86
