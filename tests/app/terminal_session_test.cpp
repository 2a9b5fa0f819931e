// SPDX-License-Identifier: Apache-2.0
//
// The program on a terminal: who has the keys, and how the screen is left.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/app/guests.h"
#include "tests/app/on_terminal.h"

namespace mynah::app {
namespace {

using namespace test;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

struct TerminalSession : testing::Test {
  Folder folder;
  const std::string echo = folder.write("echo", echo_guest());
  Args with(Args more) const {
    Args args{"-kernel", echo, "-nic", "none"};
    args.insert(args.end(), more.begin(), more.end());
    return args;
  }
};

TEST_F(TerminalSession, NographicSharesStdioWithTheMonitor) {
  for (const Args& line : {Args{"-nographic"}, Args{"-nographic", "-serial", "mon:stdio"},
                           Args{"-nographic", "-serial", "stdio"}, Args{"-serial", "stdio", "-nographic"}}) {
    OnTerminal program(with(line));
    ASSERT_TRUE(program.wait_raw());
    program.type(
        "a\x03"
        "b");  // Ctrl-C is the guest's
    EXPECT_TRUE(
        program.wait_for("a\x03"
                         "b"));
    program.type(
        "\x01"
        "cinfo status\r");
    EXPECT_TRUE(program.wait_for("VM status: running"));
    program.type(
        "\x01"
        "c\x01x");
    EXPECT_EQ(program.finish(), 0);
  }
}

TEST_F(TerminalSession, WithoutTheMonitorCtrlCEnds) {
  for (const Args& line : {Args{"-nographic", "-serial", "stdio", "-monitor", "none"},
                           Args{"-display", "none", "-serial", "stdio"}}) {
    OnTerminal program(with(line));
    ASSERT_TRUE(program.wait_raw());
    program.type("ab");
    EXPECT_TRUE(program.wait_for("ab"));
    program.type("\x03");
    EXPECT_EQ(program.finish(), 0);
    EXPECT_THAT(program.screen, HasSubstr("ab\r\nmynah: terminating on signal 2"));  // on a line of its own
  }
}

TEST_F(TerminalSession, TheShellGetsALineOfItsOwn) {
  for (const char* way : {"\x01x",
                          "\x01"
                          "cquit\r",
                          "q"}) {
    OnTerminal program(with({"-nographic"}));
    ASSERT_TRUE(program.wait_raw());
    program.type("login: ");
    EXPECT_TRUE(program.wait_for("login: "));
    program.type(way);
    EXPECT_EQ(program.finish(), 0);
    EXPECT_THAT(program.screen, EndsWith("\r\n")) << way;
    EXPECT_THAT(program.screen, Not(EndsWith("\r\n\r\n"))) << way;
    EXPECT_THAT(program.screen, Not(EndsWith("(mynah) \r\n")));
  }
  // And what the guest left on goes off.
  OnTerminal program(with({"-nographic"}));
  ASSERT_TRUE(program.wait_raw());
  program.type("\x1b[31m\x1b[?25l\x1b[?2004hmenu");
  EXPECT_TRUE(program.wait_for("menu"));
  program.type("\x01x");
  EXPECT_EQ(program.finish(), 0);
  EXPECT_THAT(program.screen, EndsWith("menu\x1b[?25h\x1b[?2004l\x1b[0m\r\n"));
}

TEST_F(TerminalSession, HelpGoesAway) {
  OnTerminal program(with({"-nographic"}));
  ASSERT_TRUE(program.wait_raw());
  program.type("\x01h");
  EXPECT_TRUE(program.wait_for("Press a key to go back."));
  program.type(" after");
  EXPECT_TRUE(program.wait_for("\x1b[?1049lafter"));
  program.type("\x01h");
  program.type("\x01x");
  EXPECT_EQ(program.finish(), 0);
  EXPECT_THAT(program.screen, EndsWith("\x1b[?1049l\r\n"));
}

TEST_F(TerminalSession, NothingIsAddedForFiles) {
  Program program({"-nographic", "-kernel", echo, "-nic", "none"});
  program.type("\x1b[31mtext");
  EXPECT_TRUE(program.wait_for("text"));
  program.type("\x01hz");
  EXPECT_TRUE(program.wait_for("After Ctrl-A:"));
  EXPECT_TRUE(program.wait_for("z"));
  program.type("\x01x");
  EXPECT_EQ(program.finish(), 0);
  EXPECT_THAT(program.output, Not(HasSubstr("1049")));
  EXPECT_THAT(program.output, EndsWith("z"));
}

}  // namespace
}  // namespace mynah::app
