// SPDX-License-Identifier: Apache-2.0
//
// A PC's screen on the terminal: text of a firmware that writes video memory, the monitor beside it, pictures
// in files, and how the terminal is left.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/app/guests.h"
#include "tests/app/on_terminal.h"

namespace mynah::app {
namespace {

using namespace test;
using testing::EndsWith;
using testing::HasSubstr;

constexpr const char* kLeft = "\x1b[?1049l";

// At f000:fff0: jumps to f000:e000, which makes a text mode and writes "Hi", grey on blue.
std::vector<uint8_t> firmware() {
  std::vector<uint8_t> image(0x20000, 0xff);
  const auto put = [&image](size_t at, std::vector<uint8_t> bytes) {
    std::copy(bytes.begin(), bytes.end(), image.begin() + static_cast<long>(at));
  };
  put(0x1fff0, {0xea, 0x00, 0xe0, 0x00, 0xf0});
  std::vector<uint8_t> code;
  const auto out = [&code](uint16_t port, std::vector<uint8_t> bytes) {
    code.insert(code.end(), {0xba, static_cast<uint8_t>(port), static_cast<uint8_t>(port >> 8)});
    for (const uint8_t& byte : bytes) {
      code.insert(code.end(), {0xb0, byte, 0xee});
      if (&byte == &bytes.front() && bytes.size() == 2) code.push_back(0x42);
    }
  };
  out(0x3c2, {0x63});
  const struct {
    uint16_t port;
    uint8_t index, value;
  } kMode[] = {{0x3c4, 1, 1},       {0x3c4, 2, 3},       {0x3c4, 4, 2},    {0x3ce, 5, 0x10},
               {0x3ce, 6, 0x0e},    {0x3d4, 0x01, 79},   {0x3d4, 0x07, 2}, {0x3d4, 0x09, 15},
               {0x3d4, 0x0a, 0x20}, {0x3d4, 0x12, 0x8f}, {0x3d4, 0x13, 40}};
  for (const auto& r : kMode) out(r.port, {r.index, r.value});
  // mov ax, 0xb800; mov ds, ax; mov dword [160], "H" 0x17 "i" 0x1e; hlt; jmp $-1
  code.insert(code.end(), {0xb8, 0x00, 0xb8, 0x8e, 0xd8, 0x66, 0xc7, 0x06, 0xa0, 0x00, 'H', 0x17, 'i', 0x17,
                           0xf4, 0xeb, 0xfd});
  put(0x1e000, code);
  return image;
}

struct CursesSession : testing::Test {
  Folder folder;
  Args with(Args more) const {
    Args args{"-M", "pc", "-nic", "none", "-bios", folder.write("bios", firmware())};
    args.insert(args.end(), more.begin(), more.end());
    return args;
  }
};

TEST_F(CursesSession, ShowsTextAndTheMonitor) {
  OnTerminal program(with({"-display", "curses"}));
  ASSERT_TRUE(program.wait_for("Hi")) << program.screen;
  EXPECT_THAT(program.screen, HasSubstr("\x1b[44m")) << "blue";
  program.type(
      "\x1b"
      "2");
  EXPECT_TRUE(program.wait_for("(mynah) "));
  program.type("info status\r");
  EXPECT_TRUE(program.wait_for("VM status: running"));
  program.type("screendump " + folder / "screen.ppm" + "\rquit\r");
  EXPECT_EQ(program.finish(), 0);
  EXPECT_THAT(program.screen, HasSubstr(kLeft));
  const std::string picture = folder.read("screen.ppm");
  ASSERT_EQ(picture.size(), 15 + 640 * 400 * 3u);
  EXPECT_TRUE(picture.starts_with("P6\n640 400\n255\n"));
}

TEST_F(CursesSession, LeavesTheTerminalAtSignalsAndCrashes) {
  for (const int number : {SIGTERM, SIGSEGV}) {
    OnTerminal program(with({"-curses"}));
    ASSERT_TRUE(program.wait_for("Hi")) << program.screen;
    program.signal(number);
    EXPECT_EQ(program.finish(), number == SIGTERM ? 0 : 128 + number);
    EXPECT_THAT(program.screen, HasSubstr(kLeft)) << number;
    if (number == SIGTERM) {
      EXPECT_THAT(program.screen, HasSubstr("mynah: terminating on signal 15"));
    }
  }
}

TEST_F(CursesSession, RefusedWithASentence) {
  Program no_terminal(with({"-display", "curses"}));
  EXPECT_EQ(no_terminal.finish(), 1);
  EXPECT_THAT(no_terminal.errors, HasSubstr("-display curses draws on a terminal"));
  OnTerminal shared(with({"-display", "curses", "-serial", "stdio"}));
  EXPECT_EQ(shared.finish(), 1);
  EXPECT_THAT(shared.screen, HasSubstr("which -serial, -monitor or -chardev has as stdio"));
  Program both(with({"-display", "curses", "-nographic"}));
  EXPECT_EQ(both.finish(), 1);
  EXPECT_THAT(both.errors, HasSubstr("use one of them"));
  Program no_screen(
      {"-M", "virt", "-display", "curses", "-nic", "none", "-kernel", folder.write("echo", echo_guest())});
  EXPECT_EQ(no_screen.finish(), 1);
  EXPECT_THAT(no_screen.errors, HasSubstr("has no screen"));
}

TEST_F(CursesSession, ScreendumpSaysWhatIsWrong) {
  Program program(with({"-display", "none", "-serial", "null", "-monitor", "stdio"}));
  ASSERT_TRUE(program.wait_for("(mynah) "));
  program.type("screendump\nscreendump a -f gif\nscreendump /absent/a\nscreendump " + folder / "a.png" +
               " -f png\nquit\n");
  EXPECT_EQ(program.finish(), 0);
  EXPECT_THAT(program.output, HasSubstr("screendump FILE [-f ppm|png]"));
  EXPECT_THAT(program.output, HasSubstr("cannot write the picture to '/absent/a'"));
  EXPECT_TRUE(folder.read("a.png").starts_with("\x89PNG"));
}

}  // namespace
}  // namespace mynah::app
