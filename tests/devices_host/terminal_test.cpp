// SPDX-License-Identifier: Apache-2.0
//
// What a guest did to the terminal, and how it is undone.
#include "devices/host/terminal_state.h"
#include "tests/devices_host/support.h"

namespace mynah::host::test {
namespace {

std::string undo_after(std::string_view written) {
  TerminalState whole, pieces;
  whole.wrote(bytes_of(written));
  for (char c : written) pieces.wrote(bytes_of(std::string(1, c)));
  EXPECT_EQ(whole.undo(), pieces.undo()) << written;
  return whole.undo();
}

TEST(TerminalState, PlainTextNeedsANewLineAtMost) {
  EXPECT_EQ(undo_after(""), "");
  EXPECT_EQ(undo_after("hello\r\n"), "");
  EXPECT_EQ(undo_after("login: "), "\r\n");
  EXPECT_EQ(undo_after("login: \r"), "\r\n");
}

TEST(TerminalState, WhatIsPutBackByTheGuestItselfNeedsNothing) {
  for (const char* text : {"\x1b[31mred\x1b[0m\n", "\x1b[?25l\x1b[?25h", "\x1b[?1049h\x1b[1;1Hvi\x1b[?1049l",
                           "\x1b(0\x1b(B", "\x0e\x0f", "\x1b=\x1b>", "\x1b[5;10r\x1b[r", "\x1b[4h\x1b[4l",
                           "\x1b[31m\x1b[?2004h\x1b=text\x1b"
                           "c",
                           "\x1b]0;title\x07", "\x1b]0;title\x1b\\",
                           "\x1b"
                           "7\x1b[1m\x1b"
                           "8"}) {
    // The cursor may have been anywhere.
    const std::string undo = undo_after(text);
    EXPECT_TRUE(undo == "" || undo == "\x1b[999;1H\r\n") << undo;
  }
}

TEST(TerminalState, WhatWasLeftIsUndone) {
  EXPECT_EQ(undo_after("\x1b[31m\n"), "\x1b[0m");
  EXPECT_EQ(undo_after("\x1b[?25l"), "\x1b[?25h");
  EXPECT_EQ(undo_after("\x1b[?7l\x1b[?2004h"), "\x1b[?7h\x1b[?2004l");
  EXPECT_EQ(undo_after("\x1b[?1000;1006h"), "\x1b[?1000l\x1b[?1006l");
  EXPECT_EQ(undo_after("\x1b[?1049h\x1b[2J\x1b[Hvi"), "\x1b[?1049l\r\n");
  EXPECT_EQ(undo_after("\x1b[?47h"), "\x1b[?1049l\r\n");
  EXPECT_EQ(undo_after("\x1b(0"), "\x1b(B");
  EXPECT_EQ(undo_after("\x0e"), "\x0f");
  EXPECT_EQ(undo_after("\x1b="), "\x1b>");
  EXPECT_EQ(undo_after("\x1b[4h"), "\x1b[4l");
  EXPECT_EQ(undo_after("\x1b[2;20r"),
            "\x1b"
            "7\x1b[r\x1b"
            "8");
  // From the middle of a full screen to below it.
  EXPECT_EQ(undo_after("\x1b[5;5Hmenu"), "\x1b[999;1H\r\n");
  EXPECT_EQ(undo_after("\x1b[5;5Hmenu" + std::string(500, '\n')), "");
}

TEST(TerminalState, UndoneIsUndone) {
  for (uint32_t seed = 1; seed < 300; ++seed) {
    // Pieces of sequences in any order: nothing of it may stay, and nothing may grow.
    static constexpr std::string_view kPieces[] = {"\x1b", "[", "?", "25",   "1049", ";",  "h",  "l",
                                                   "m",    "r", "H", "(0",   "text", "\n", "\r", "7",
                                                   "8",    "c", "]", "\x07", "\x0e", "=",  "4"};
    std::string text;
    uint32_t random = seed;
    for (int i = 0; i < 200; ++i) {
      random = random * 1664525 + 1013904223;
      text += kPieces[(random >> 16) % std::size(kPieces)];
    }
    TerminalState state;
    state.wrote(bytes_of(text));
    state.wrote(bytes_of("\x1b\\"));  // ends what is open
    const std::string undo = state.undo();
    EXPECT_LT(undo.size(), 400u);
    state.wrote(bytes_of(undo));
    // Being on a known line is all that may be left.
    const std::string rest = state.undo();
    EXPECT_TRUE(rest == "" || rest == "\x1b[999;1H\r\n") << seed;
    EXPECT_FALSE(state.alternate_screen());
  }
}

}  // namespace
}  // namespace mynah::host::test
