// SPDX-License-Identifier: Apache-2.0
//
// Files, pipes and terminals as serial lines.
#include <pty.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>

#include <thread>

#include "devices/host/char_file.h"
#include "devices/host/char_pty.h"
#include "devices/host/char_stdio.h"
#include "tests/devices_host/support.h"

namespace mynah::host::test {
namespace {

using FileCharTest = WithPoller;
using StdioCharTest = WithPoller;
using PtyCharTest = WithPoller;

TEST_F(FileCharTest, WritesAFreshFile) {
  TempFolder folder;
  write_file(folder / "log", "old old old");
  {
    auto file = FileChar::open(folder / "log", *poller, report());
    ASSERT_TRUE(file) << file.message();
    (*file)->write(bytes_of("hello "));
    (*file)->write(bytes_of("there"));
  }
  EXPECT_EQ(read_file(folder / "log"), "hello there");
  EXPECT_EQ(reports, "");
}

TEST_F(FileCharTest, FullDiskIsSaidOnce) {
  auto file = FileChar::open("/dev/full", *poller, report());
  ASSERT_TRUE(file) << file.message();
  for (int i = 0; i < 3; ++i) (*file)->write(bytes_of("hello"));
  EXPECT_EQ(std::count(reports.begin(), reports.end(), '\n'), 1);
  EXPECT_NE(reports.find("No space left"), std::string::npos) << reports;
}

TEST_F(FileCharTest, BadPathsAreErrors) {
  auto file = FileChar::open("/nowhere/at/all", *poller, nullptr);
  ASSERT_FALSE(file);
  EXPECT_NE(file.message().find("/nowhere/at/all"), std::string::npos);
  TempFolder folder;
  EXPECT_FALSE(FileChar::open(folder.path, *poller, nullptr));
  ASSERT_EQ(::mkfifo((folder / "fifo").c_str(), 0600), 0);
  auto fifo = FileChar::open(folder / "fifo", *poller, nullptr);
  ASSERT_FALSE(fifo);
  EXPECT_NE(fifo.message().find("nothing reads"), std::string::npos) << fifo.message();
}

TEST_F(StdioCharTest, PipesBothWays) {
  Pipe in, out;
  auto made = StdioChar::open({.input = in.read.get(), .output = out.write.get()}, *poller, report());
  ASSERT_TRUE(made) << made.message();
  auto& stdio = **made;
  Collector guest;
  stdio.attach(&guest);
  ASSERT_EQ(::write(in.write.get(), "typed", 5), 5);
  EXPECT_TRUE(poll_until([&] { return guest.text == "typed"; }));
  stdio.write(bytes_of("shown"));
  EXPECT_EQ(read_some(out.read.get(), 5), "shown");
}

TEST_F(StdioCharTest, FullReceiverLeavesBytesToTheKernel) {
  Pipe in, out;
  auto made = StdioChar::open({.input = in.read.get(), .output = out.write.get()}, *poller, report());
  auto& stdio = **made;
  Collector guest;
  guest.room = 3;
  stdio.attach(&guest);
  ASSERT_EQ(::write(in.write.get(), "abcdefgh", 8), 8);
  poll_a_while();
  EXPECT_EQ(guest.text, "abc");
  EXPECT_EQ(poller->poll(std::chrono::nanoseconds(0)), 0) << "a full receiver must not keep the loop busy";
  guest.room = 100;
  stdio.accept_input();
  EXPECT_TRUE(poll_until([&] { return guest.text == "abcdefgh"; }));
}

TEST_F(StdioCharTest, EndOfInputStopsReadingOnly) {
  Pipe in, out;
  auto made = StdioChar::open({.input = in.read.get(), .output = out.write.get()}, *poller, report());
  auto& stdio = **made;
  Collector guest;
  stdio.attach(&guest);
  ASSERT_EQ(::write(in.write.get(), "last", 4), 4);
  in.write.reset();
  EXPECT_TRUE(poll_until([&] { return guest.text == "last"; }));
  poll_a_while();
  EXPECT_EQ(poller->poll(std::chrono::nanoseconds(0)), 0);
  stdio.accept_input();
  EXPECT_EQ(poller->poll(std::chrono::nanoseconds(0)), 0);
  stdio.write(bytes_of("still here"));
  EXPECT_EQ(read_some(out.read.get(), 10), "still here");
  EXPECT_EQ(reports, "");
}

TEST_F(StdioCharTest, SlowReaderLosesNothing) {
  Pipe in, out;
  std::string sent, got;
  for (int i = 0; i < 60000; ++i) sent += std::to_string(i) + "\n";  // several pipes and queues full
  std::thread reader([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    got = read_some(out.read.get(), sent.size());
  });
  {
    auto made = StdioChar::open({.input = in.read.get(), .output = out.write.get()}, *poller, report());
    for (size_t at = 0; at < sent.size(); at += 1000)
      (*made)->write(bytes_of(sent).subspan(at, std::min<size_t>(1000, sent.size() - at)));
  }
  reader.join();
  EXPECT_EQ(got.size(), sent.size());
  EXPECT_TRUE(got == sent);
  EXPECT_FALSE(::fcntl(out.write.get(), F_GETFL) & O_NONBLOCK) << "the shared description was changed";
}

TEST_F(StdioCharTest, QueuedOutputGoesOutFromTheLoop) {
  Pipe in, out;
  auto made = StdioChar::open({.input = in.read.get(), .output = out.write.get()}, *poller, report());
  const std::string sent(100000, 'x');  // more than a pipe holds
  (*made)->write(bytes_of(sent));
  std::string got;
  EXPECT_TRUE(poll_until([&] {
    got += read_some(out.read.get(), 1, 0);
    return got.size() >= sent.size();
  }));
  EXPECT_EQ(got, sent);
  EXPECT_EQ(poller->poll(std::chrono::nanoseconds(0)), 0);
}

TEST_F(StdioCharTest, NobodyReadingIsSaidAndDoesNotHoldTheGuestForEver) {
  Pipe in, out;
  auto made = StdioChar::open({.input = in.read.get(), .output = out.write.get()}, *poller, report());
  const std::string sent(200000, 'x');
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 10; ++i) (*made)->write(bytes_of(sent));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, OutputQueue::kPatience * 2);
  EXPECT_EQ(std::count(reports.begin(), reports.end(), '\n'), 1) << reports;
  out.read.reset();
}

TEST_F(StdioCharTest, ClosedOutputIsSaidOnce) {
  Pipe in, out;
  auto made = StdioChar::open({.input = in.read.get(), .output = out.write.get()}, *poller, report());
  out.read.reset();
  (*made)->write(bytes_of("a"));
  (*made)->write(bytes_of("b"));
  EXPECT_EQ(std::count(reports.begin(), reports.end(), '\n'), 1) << reports;
  EXPECT_NE(reports.find("Broken pipe"), std::string::npos) << reports;
}

struct Terminal {
  UniqueFd person, emulator;
  Terminal() {
    int a, b;
    if (::openpty(&a, &b, nullptr, nullptr, nullptr) != 0) std::abort();
    person.reset(a);
    emulator.reset(b);
  }
  termios modes() const {
    termios t{};
    ::tcgetattr(emulator.get(), &t);
    return t;
  }
};

TEST_F(StdioCharTest, TerminalIsRawMeanwhileAndRestored) {
  Terminal terminal;
  const termios before = terminal.modes();
  ASSERT_TRUE(before.c_lflag & ECHO);
  {
    auto made = StdioChar::open({.input = terminal.emulator.get(), .output = terminal.emulator.get()},
                                *poller, report());
    ASSERT_TRUE(made) << made.message();
    EXPECT_FALSE(terminal.modes().c_lflag & (ECHO | ICANON | ISIG));
    EXPECT_FALSE(terminal.modes().c_iflag & (ICRNL | IXON));
    Collector guest;
    (*made)->attach(&guest);
    ASSERT_EQ(::write(terminal.person.get(), "\x03\r\x13q", 4), 4);  // Ctrl-C, return, Ctrl-S
    EXPECT_TRUE(poll_until([&] { return guest.text == "\x03\r\x13q"; }));
    (*made)->write(bytes_of("out"));
    EXPECT_EQ(read_some(terminal.person.get(), 3), "out");

    auto second = StdioChar::open({.input = terminal.emulator.get()}, *poller, report());
    ASSERT_FALSE(second);
    EXPECT_NE(second.message().find("mon:stdio"), std::string::npos);

    restore_terminal();
    EXPECT_EQ(terminal.modes().c_lflag, before.c_lflag);
    resume_terminal();
    EXPECT_FALSE(terminal.modes().c_lflag & ECHO);
    (*made)->restore();
    EXPECT_EQ(terminal.modes().c_lflag, before.c_lflag);
    resume_terminal();
  }
  const termios after = terminal.modes();
  EXPECT_EQ(after.c_lflag, before.c_lflag);
  EXPECT_EQ(after.c_iflag, before.c_iflag);
  EXPECT_EQ(after.c_cc[VMIN], before.c_cc[VMIN]);
  restore_terminal();  // nothing to restore: no crash
}

TEST_F(StdioCharTest, SignalsCanBeKept) {
  Terminal terminal;
  auto made = StdioChar::open(
      {.input = terminal.emulator.get(), .output = terminal.emulator.get(), .keep_signals = true}, *poller,
      report());
  EXPECT_TRUE(terminal.modes().c_lflag & ISIG);
  EXPECT_FALSE(terminal.modes().c_lflag & ECHO);
}

TEST_F(StdioCharTest, FatalSignalRestoresTheTerminal) {
  Terminal terminal;
  const termios before = terminal.modes();
  const pid_t child = ::fork();
  if (child == 0) {
    auto made = StdioChar::open({.input = terminal.emulator.get(), .output = terminal.emulator.get()},
                                *poller, nullptr);
    if (!made) ::_exit(1);
    ::signal(SIGTERM, [](int) {
      restore_terminal();
      ::_exit(42);
    });
    ::raise(SIGTERM);
    ::_exit(2);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 42);
  EXPECT_EQ(terminal.modes().c_lflag, before.c_lflag);
}

TEST_F(PtyCharTest, ServesOneVisitorAfterTheOther) {
  auto made = PtyChar::open(*poller, announce(), report());
  ASSERT_TRUE(made) << made.message();
  auto& pty = **made;
  EXPECT_NE(announcements.find(pty.path()), std::string::npos) << announcements;
  Collector guest;
  pty.attach(&guest);
  EXPECT_FALSE(pty.connected());
  pty.write(bytes_of("nobody hears this"));
  EXPECT_EQ(poller->poll(std::chrono::nanoseconds(0)), 0);

  for (int visit = 0; visit < 3; ++visit) {
    guest.text.clear();
    UniqueFd slave(::open(pty.path().c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC));
    ASSERT_TRUE(slave);
    EXPECT_TRUE(poll_until([&] { return pty.connected(); }));
    pty.write(bytes_of("login: "));
    EXPECT_EQ(read_some(slave.get(), 7), "login: ");
    ASSERT_EQ(::write(slave.get(), "root\r", 5), 5);
    EXPECT_TRUE(poll_until([&] { return guest.text == "root\r"; })) << guest.text;
    slave.reset();
    EXPECT_TRUE(poll_until([&] { return !pty.connected(); }));
    EXPECT_EQ(poller->poll(std::chrono::nanoseconds(0)), 0)
        << "a hung-up terminal must not keep the loop busy";
  }
}

TEST_F(PtyCharTest, VisitorLeavingUnnoticedIsNoticedByTheWrite) {
  auto made = PtyChar::open(*poller, nullptr, report());
  auto& pty = **made;
  UniqueFd slave(::open(pty.path().c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  EXPECT_TRUE(poll_until([&] { return pty.connected(); }));
  slave.reset();
  pty.write(bytes_of("x"));  // no receiver is attached, so the line is not polled for input
  EXPECT_FALSE(pty.connected());
}

TEST_F(PtyCharTest, SlowReaderIsBufferedThenDropped) {
  auto made = PtyChar::open(*poller, nullptr, report());
  auto& pty = **made;
  UniqueFd slave(::open(pty.path().c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  EXPECT_TRUE(poll_until([&] { return pty.connected(); }));
  const std::string chunk(1 << 16, 'y');
  for (int i = 0; i < 32; ++i) pty.write(bytes_of(chunk));
  EXPECT_EQ(std::count(reports.begin(), reports.end(), '\n'), 1) << reports;
  size_t got = 0;
  for (size_t n = 1; n;) {
    poller->poll(std::chrono::nanoseconds(0));
    n = read_some(slave.get(), 1, 50).size();
    got += n;
  }
  EXPECT_GE(got, kOutputLimit);
  EXPECT_LT(got, 32u << 16);
}

}  // namespace
}  // namespace mynah::host::test
