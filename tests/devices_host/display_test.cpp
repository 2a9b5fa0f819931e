// SPDX-License-Identifier: Apache-2.0
//
// What a display needs beside the terminal: files of pictures, keys for characters, the console's lines.
#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>

#include "devices/host/code_page_437.h"
#include "devices/host/key_codes.h"
#include "devices/host/picture_file.h"
#include "devices/host/text_console.h"

namespace mynah::host {
namespace {

const dev::Screen::Picture kPicture{2, 2, {0x112233, 0x445566, 0x778899, 0xaabbcc}};

TEST(PictureFile, Ppm) {
  const auto file = ppm_file(kPicture);
  EXPECT_EQ(std::string(file.begin(), file.end()),
            std::string("P6\n2 2\n255\n"
                        "\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc"));
}

TEST(PictureFile, PngIsChunksAndAStream) {
  const auto file = png_file(kPicture);
  ASSERT_GT(file.size(), 60u);
  EXPECT_EQ(std::memcmp(file.data(), "\x89PNG\r\n\x1a\n", 8), 0);
  const auto number = [&](size_t at) {
    return uint32_t{file[at]} << 24 | uint32_t{file[at + 1]} << 16 | uint32_t{file[at + 2]} << 8 |
           file[at + 3];
  };
  std::string kinds;
  std::vector<uint8_t> stream;
  size_t at = 8;
  while (at < file.size()) {
    const uint32_t length = number(at);
    ASSERT_LE(at + 12 + length, file.size());
    const std::string kind(file.begin() + long(at) + 4, file.begin() + long(at) + 8);
    kinds += kind + " ";
    if (kind == "IHDR") {
      EXPECT_EQ(number(at + 8), 2u);
      EXPECT_EQ(number(at + 12), 2u);
    }
    if (kind == "IDAT") stream.assign(file.begin() + long(at) + 8, file.begin() + long(at + 8 + length));
    EXPECT_EQ(::crc32(0, file.data() + at + 4, length + 4), number(at + 8 + length)) << kind;
    at += 12 + length;
  }
  EXPECT_EQ(kinds, "IHDR IDAT IEND ");
  uint8_t lines[64];
  uLongf size = sizeof lines;
  ASSERT_EQ(::uncompress(lines, &size, stream.data(), stream.size()), Z_OK);
  EXPECT_EQ(std::string(lines, lines + size), std::string("\0\x11\x22\x33\x44\x55\x66"
                                                          "\0\x77\x88\x99\xaa\xbb\xcc",
                                                          14));
}

// Codes that go down and up, as hexadecimal numbers, an exclamation mark in front of those that go up.
std::string keys(std::optional<Stroke> stroke) {
  if (!stroke) return "none";
  std::string text;
  for (const KeyChange& change : changes_of(*stroke)) {
    char word[16];
    std::snprintf(word, sizeof word, "%s%s%x", text.empty() ? "" : " ", change.down ? "" : "!", change.code);
    text += word;
  }
  return text;
}

TEST(KeyCodes, Characters) {
  EXPECT_EQ(keys(stroke_of_character('a')), "1e !1e");
  EXPECT_EQ(keys(stroke_of_character('A')), "2a 1e !1e !2a");
  EXPECT_EQ(keys(stroke_of_character('0')), "b !b");
  EXPECT_EQ(keys(stroke_of_character('_')), "2a c !c !2a");
  EXPECT_EQ(keys(stroke_of_character('?')), "2a 35 !35 !2a");
  EXPECT_EQ(keys(stroke_of_character('~')), "2a 29 !29 !2a");
  EXPECT_EQ(keys(stroke_of_character(' ')), "39 !39");
  EXPECT_EQ(keys(stroke_of_character(3)), "1d 2e !2e !1d");
  EXPECT_EQ(keys(stroke_of_character(0x1c)), "1d 2b !2b !1d") << "Control and backslash";
  EXPECT_EQ(keys(stroke_of_character('\r')), "1c !1c");
  EXPECT_EQ(keys(stroke_of_character(0x7f)), "e !e");
  EXPECT_EQ(keys(stroke_of_character(0x1b)), "1 !1");
  EXPECT_EQ(keys(stroke_of_character(0xe4)), "none");
  EXPECT_EQ(keys(stroke_of_character(0x1000061)), "none");
  for (uint32_t c = 0; c < 0x80; ++c) EXPECT_NE(keys(stroke_of_character(c)), "none") << c;
}

TEST(KeyCodes, FunctionKeys) {
  EXPECT_EQ(keys(stroke_of_function_key(1)), "3b !3b");
  EXPECT_EQ(keys(stroke_of_function_key(10)), "44 !44");
  EXPECT_EQ(keys(stroke_of_function_key(12)), "58 !58");
  EXPECT_EQ(keys(stroke_of_function_key(13)), "none");
}

TEST(CodePage437, HasEachCharacterOnce) {
  std::u16string sorted(kCodePage437);
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(std::unique(sorted.begin(), sorted.end()) - sorted.begin(), 255) << "the first is a blank, too";
  EXPECT_EQ(kCodePage437['A'], u'A');
  EXPECT_EQ(kCodePage437[0xdb], u'\u2588');
  for (unsigned c = 0; c < 256; ++c) EXPECT_GE(near_in_ascii(static_cast<uint8_t>(c)), ' ') << c;
}

struct Typed final : dev::CharReceiver {
  size_t can_receive() const override { return 3; }
  void receive(std::span<const uint8_t> bytes) override { text.append(bytes.begin(), bytes.end()); }
  std::string text;
};

TEST(TextConsole, Lines) {
  TextConsole console;
  Typed typed;
  console.type("nobody listens");
  console.attach(&typed);
  console.type("abcd");
  EXPECT_EQ(typed.text, "abc");
  const auto write = [&](std::string_view text) {
    console.write({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  };
  write("one\r\ntwx\b \bo\x1b");
  EXPECT_EQ(console.lines(), (std::deque<std::string>{"one", "two"}));
  EXPECT_EQ(console.column(), 3u);
  write(std::string(5000, 'x') + std::string(3000, '\n'));
  EXPECT_EQ(console.lines().size(), TextConsole::kMostLines);
}

}  // namespace
}  // namespace mynah::host
