// SPDX-License-Identifier: Apache-2.0
//
// The terminal multiplexer: escapes, focus between guest and monitor, and input that a full guest holds.
#include "devices/host/char_mux.h"

#include "tests/devices_host/support.h"

namespace mynah::host::test {
namespace {

struct Lower : dev::CharBackend {
  std::string out;
  dev::CharReceiver* receiver = nullptr;
  int accepts = 0;
  void write(std::span<const uint8_t> bytes) override { out.append(bytes.begin(), bytes.end()); }
  void attach(dev::CharReceiver* to) override { receiver = to; }
  void accept_input() override { ++accepts; }
};

struct MuxTest : ::testing::Test {
  int quits = 0, saves = 0;
  std::vector<size_t> focuses;
  Lower* lower = nullptr;
  std::unique_ptr<MuxChar> mux;
  Collector guest, monitor;
  dev::CharBackend* monitor_port = nullptr;
  MuxTest() {
    auto owned = std::make_unique<Lower>();
    lower = owned.get();
    mux = std::make_unique<MuxChar>(std::move(owned),
                                    MuxHooks{.quit = [this] { ++quits; },
                                             .save = [this] { ++saves; },
                                             .focus = [this](size_t p) { focuses.push_back(p); }});
    monitor_port = &mux->add_port();
    mux->attach(&guest);
    monitor_port->attach(&monitor);
  }
  void type(std::string_view text) {
    ASSERT_LE(text.size(), lower->receiver->can_receive());
    lower->receiver->receive(bytes_of(text));
  }
};

TEST_F(MuxTest, PlainBytesReachTheGuest) {
  type("ls\r");
  EXPECT_EQ(guest.text, "ls\r");
  EXPECT_EQ(monitor.text, "");
}

TEST_F(MuxTest, EscapeCommands) {
  type("a\x01");
  type("xb");  // the escape spans two reads
  EXPECT_EQ(quits, 1);
  type("\x01s");
  EXPECT_EQ(saves, 1);
  type("\x01\x01");
  type("\x01z");  // unknown: swallowed
  type("\x01h");
  EXPECT_EQ(guest.text, "ab\x01");
  EXPECT_NE(lower->out.find("Ctrl-A"), std::string::npos);
  EXPECT_NE(lower->out.find("quit"), std::string::npos);
}

TEST_F(MuxTest, HelpOnATerminalLeavesNoTrace) {
  TerminalState screen;
  mux->set_screen(&screen);
  type("\x01h");
  EXPECT_NE(lower->out.find("\x1b[?1049h"), std::string::npos);
  EXPECT_NE(lower->out.find("quit the emulator"), std::string::npos);
  lower->out.clear();
  mux->write(bytes_of("guest"));
  EXPECT_EQ(lower->out, "");  // it waits
  type(" ");
  EXPECT_EQ(lower->out, "\x1b[?1049lguest");
  EXPECT_EQ(guest.text, "");  // the key was for the help
  // A cursor key, and the escape key, which goes on to mean what it does.
  type("\x01h");
  type("\x1b[A");
  EXPECT_EQ(guest.text, "");
  type("\x01h");
  type("\x01x");
  EXPECT_EQ(quits, 1);
  // Much output ends it.
  type("\x01h");
  lower->out.clear();
  for (int i = 0; i < 300; ++i) mux->write(bytes_of(std::string(1024, 'g')));
  EXPECT_EQ(lower->out.substr(0, 8), "\x1b[?1049l");
  EXPECT_EQ(lower->out.size(), 8u + 300 * 1024);
  // A guest that is on the other screen keeps it.
  const std::string vi = "\x1b[?1049h";
  screen.wrote(bytes_of(vi));
  lower->out.clear();
  type("\x01h");
  EXPECT_EQ(lower->out.find("\x1b"), std::string::npos);
  EXPECT_NE(lower->out.find("quit the emulator"), std::string::npos);
  lower->out.clear();
  mux->write(bytes_of("g"));
  EXPECT_EQ(lower->out, "g");
}

TEST_F(MuxTest, FocusMovesToTheMonitorAndBack) {
  type(
      "one\x01"
      "ctwo\x01"
      "cthree");
  EXPECT_EQ(guest.text, "onethree");
  EXPECT_EQ(monitor.text, "two");
  EXPECT_EQ(focuses, (std::vector<size_t>{1, 0}));
  mux->write(bytes_of("g"));
  monitor_port->write(bytes_of("m"));
  EXPECT_EQ(lower->out, "gm");
}

TEST_F(MuxTest, BreakKeepsItsPlace) {
  guest.room = 1;
  type(
      "ab\x01"
      "bcd");
  EXPECT_EQ(guest.text, "a");
  guest.room = 100;
  mux->accept_input();
  EXPECT_EQ(guest.text, "ab<break>cd");
  EXPECT_EQ(guest.breaks, 1);
}

TEST_F(MuxTest, FullGuestHoldsInputWithoutLoss) {
  guest.room = 0;
  std::string typed;
  while (lower->receiver->can_receive()) {
    type("x");
    typed += "x";
  }
  EXPECT_EQ(typed.size(), MuxChar::kBuffer);
  guest.room = 10;
  const int accepts = lower->accepts;
  mux->accept_input();
  EXPECT_GT(lower->accepts, accepts);
  EXPECT_EQ(lower->receiver->can_receive(), 10u);
  guest.room = 1 << 20;
  mux->accept_input();
  EXPECT_EQ(guest.text, typed);
}

TEST_F(MuxTest, ReceiverThatAsksForMoreFromWithinReceive) {
  struct Fifo : Collector {
    dev::CharBackend* line = nullptr;
    void receive(std::span<const uint8_t> bytes) override {
      Collector::receive(bytes);
      room = 1;
      line->accept_input();
    }
  } fifo;
  fifo.line = mux.get();
  fifo.room = 1;
  mux->attach(&fifo);
  type("a long line");
  EXPECT_EQ(fifo.text, "a long line");
}

TEST_F(MuxTest, TimeStampsAtLineStarts) {
  mux->write(bytes_of("boot"));
  type("\x01t");
  mux->write(bytes_of("ing\none\ntw"));
  mux->write(bytes_of("o\n"));
  EXPECT_EQ(lower->out.substr(0, 8), "booting\n");
  EXPECT_EQ(lower->out[8], '[');
  EXPECT_NE(lower->out.find("] one\n["), std::string::npos) << lower->out;
  EXPECT_NE(lower->out.find("] two\n"), std::string::npos) << lower->out;
  type("\x01t");
  const size_t length = lower->out.size();
  mux->write(bytes_of("plain\n"));
  EXPECT_EQ(lower->out.substr(length), "plain\n");
}

TEST_F(MuxTest, EscapeKeyCanBeChangedOrOff) {
  mux->set_escape(0x14);
  type("\x01\x14x");
  EXPECT_EQ(quits, 1);
  mux->set_escape(0);
  type("\x14x");
  EXPECT_EQ(quits, 1);
  EXPECT_EQ(guest.text, "\x01\x14x");
}

}  // namespace
}  // namespace mynah::host::test
