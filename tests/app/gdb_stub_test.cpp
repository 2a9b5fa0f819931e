// SPDX-License-Identifier: Apache-2.0
//
// The debugger's protocol against a target of its own: framing, acknowledgements, each packet, stops and
// farewells.
#include "app/gdb_stub.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/app/gdb_fake_target.h"

namespace mynah::app {
namespace {

using test::FakeGdbTarget;
using test::frame;
using testing::HasSubstr;
using testing::StartsWith;

struct Gdb : testing::Test {
  FakeGdbTarget target;
  std::string sent;
  GdbStub stub{target, [this](std::string_view bytes) { sent += bytes; }};

  void raw(std::string_view bytes) {
    stub.receive({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
  }
  // The reply's body.
  std::string ask(std::string_view body) {
    sent.clear();
    raw(frame(body));
    EXPECT_THAT(sent, StartsWith("+"));
    const size_t start = sent.find('$'), end = sent.rfind('#');
    std::string body_sent;
    for (size_t i = start + 1; start != std::string::npos && i < end; ++i)
      body_sent += sent[i] == '}' ? static_cast<char>(sent[++i] ^ 0x20) : sent[i];
    return body_sent;
  }
};

TEST_F(Gdb, GoodPacketsAreAcknowledgedAndAnswered) {
  raw("$?#3f");
  EXPECT_EQ(sent, "+" + frame("T05thread:1;"));
}

TEST_F(Gdb, GarbledPacketsAreRefused) {
  raw("$?#3e");
  EXPECT_EQ(sent, "-");
  sent.clear();
  raw("$?#zz");
  EXPECT_EQ(sent, "-");
  sent.clear();
  raw("noise$g$?#3f");  // cut off, then a whole one
  EXPECT_EQ(sent, "+" + frame("T05thread:1;"));
  sent.clear();
  raw(frame(std::string(GdbStub::kMaxPacket + 1, 'x')));
  EXPECT_EQ(sent, "-");
}

TEST_F(Gdb, ALostReplyIsSentAgain) {
  ask("qC");
  sent.clear();
  raw("-");
  EXPECT_EQ(sent, frame("QC1"));
}

TEST_F(Gdb, NoAcknowledgementsWhenAgreed) {
  EXPECT_EQ(ask("QStartNoAckMode"), "OK");
  sent.clear();
  raw(frame("qC"));
  EXPECT_EQ(sent, frame("QC1"));
  stub.connected();  // another client starts from the beginning
  EXPECT_EQ(ask("qC"), "QC1");
}

TEST_F(Gdb, Registers) {
  EXPECT_EQ(ask("p1"), "0101010101010101");
  EXPECT_EQ(ask("p2"), "02020202");
  EXPECT_EQ(ask("pff"), "E16");
  EXPECT_EQ(ask("P1=1122334455667788"), "OK");
  EXPECT_EQ(target.registers[1], std::string("\x11\x22\x33\x44\x55\x66\x77\x88"));
  EXPECT_EQ(ask("P1=11"), "E16");
  EXPECT_EQ(ask("P1"), "E16");
  // Not among those of g; and it cannot be written.
  EXPECT_EQ(ask("p3"), "6c6f6e65");
  EXPECT_EQ(ask("P3=11223344"), "E16");
  EXPECT_EQ(ask("p4"), "E16");
  EXPECT_EQ(ask("P4=11"), "E16");
  EXPECT_EQ(ask("P1000000000=11"), "E16");
  EXPECT_EQ(ask("g"), std::string(16, '0') + "112233445566778802020202");
  EXPECT_EQ(ask("G" + std::string(40, 'a')), "OK");
  EXPECT_EQ(target.registers[2], std::string(4, '\xaa'));
  EXPECT_EQ(ask("Gabc"), "E16");
}

TEST_F(Gdb, Memory) {
  target.memory = "abcdef";
  EXPECT_EQ(ask("m1000,3"), "616263");
  EXPECT_EQ(ask("m1004,10"), "6566");  // as much as there is
  EXPECT_EQ(ask("m2000,4"), "E0e");
  EXPECT_EQ(ask("m1000"), "E16");
  EXPECT_EQ(ask("M1001,2:5859"), "OK");
  EXPECT_EQ(target.memory, "aXYdef");
  EXPECT_EQ(ask("M1001,2:58"), "E16");
  EXPECT_EQ(ask("M3000,1:58"), "E0e");
  EXPECT_EQ(ask("X1000,0:"), "OK");
  EXPECT_EQ(ask(std::string("X1000,3:}\x03}\x04z")), "OK");  // '#' and '$' escaped
  EXPECT_EQ(target.memory, "#$zdef");
  EXPECT_LE(ask("m1000,ffffffffffffffff").size(), GdbStub::kMaxPacket);
}

TEST_F(Gdb, StepsAndStopsAreReportedWhenTheyHappen) {
  EXPECT_EQ(ask("s"), "");
  EXPECT_EQ(target.calls, "step1;");
  target.calls.clear();
  sent.clear();
  stub.stopped({});
  EXPECT_EQ(sent, frame("T05thread:1;"));
  sent.clear();
  stub.stopped({});  // nobody waits for this one
  EXPECT_EQ(sent, "");
  target.calls.clear();
  EXPECT_EQ(ask("vCont;c"), "");
  EXPECT_EQ(target.calls, "continue;");
  raw("\x03");
  EXPECT_EQ(target.calls, "continue;interrupt;");
  sent.clear();
  stub.stopped({.signal = GdbStop::kInterrupt});
  EXPECT_EQ(sent, frame("T02thread:1;"));
  EXPECT_EQ(ask("vCont;s:1;c"), "");
  EXPECT_THAT(target.calls, HasSubstr("interrupt;thread1;step1;"));
  EXPECT_EQ(ask("c"), "");  // it is running already
}

TEST_F(Gdb, ThreadsAreProcessors) {
  EXPECT_EQ(ask("Hg2"), "OK");
  EXPECT_EQ(target.calls, "thread2;");
  EXPECT_EQ(ask("Hg0"), "OK");  // any: as it was
  EXPECT_EQ(ask("Hg4"), "E16");
  EXPECT_EQ(ask("T3"), "OK");
  EXPECT_EQ(ask("T4"), "E16");
  EXPECT_EQ(ask("qThreadExtraInfo,3"), "4350552033");
  EXPECT_EQ(ask("qThreadExtraInfo,9"), "E16");
  target.calls.clear();
  EXPECT_EQ(ask("vCont;s:2;c"), "");
  EXPECT_EQ(target.calls, "step2;");
  sent.clear();
  stub.stopped({.thread = 3});
  EXPECT_EQ(sent, frame("T05thread:3;"));
  EXPECT_EQ(ask("qC"), "QC3");
  target.calls.clear();
  EXPECT_EQ(ask("s"), "");  // the one that stopped
  EXPECT_EQ(target.calls, "step3;");
  stub.stopped({.thread = 3});
  EXPECT_EQ(ask("Hc1"), "OK");
  target.calls.clear();
  EXPECT_EQ(ask("s"), "");
  EXPECT_EQ(target.calls, "step1;");
  stub.stopped({.thread = 1});
  EXPECT_EQ(ask("vCont;s:7"), "E16");
  EXPECT_EQ(ask("vCont;s:p1.2"), "");
}

TEST_F(Gdb, BreakAndWatchpoints) {
  EXPECT_EQ(ask("Z0,40080000,4"), "OK");
  EXPECT_EQ(ask("Z2,1000,8"), "OK");
  EXPECT_EQ(ask("z0,40080000,4"), "OK");
  EXPECT_EQ(target.calls, "+0@40080000/4;+2@1000/8;-0@40080000/4;");
  EXPECT_EQ(ask("Z7,0,0"), "");
  EXPECT_EQ(ask("Z0"), "E16");
  ask("qSupported:swbreak+;hwbreak+");
  ask("c");
  sent.clear();
  stub.stopped({.reason = GdbStop::Reason::kSoftwareBreakpoint});
  EXPECT_EQ(sent, frame("T05thread:1;swbreak:;"));
  ask("c");
  sent.clear();
  stub.stopped({.reason = GdbStop::Reason::kWatchpoint, .watch = GdbPoint::kAccess, .address = 0x1000});
  EXPECT_EQ(sent, frame("T05thread:1;awatch:1000;"));
}

TEST_F(Gdb, Queries) {
  EXPECT_THAT(ask("qSupported:multiprocess+"), HasSubstr("PacketSize=4000"));
  EXPECT_EQ(ask("qfThreadInfo"), "m1,2,3");
  EXPECT_EQ(ask("qsThreadInfo"), "l");
  EXPECT_EQ(ask("qAttached"), "1");
  EXPECT_EQ(ask("vMustReplyEmpty"), "");
  EXPECT_EQ(ask("vCont?"), "vCont;c;C;s;S;t");
  EXPECT_EQ(ask("Hg0"), "OK");
  EXPECT_EQ(ask("Hg7"), "E16");
  EXPECT_EQ(ask("T1"), "OK");
  EXPECT_EQ(ask("qRcmd,68656c70"),
            "73616964206865"
            "6c70");  // "said help"
  EXPECT_EQ(ask("qRcmd,6"), "E16");
}

TEST_F(Gdb, MemoryMayBePhysical) {
  EXPECT_EQ(ask("qqemu.Supported"), "PhyMemMode");
  EXPECT_EQ(ask("qqemu.PhyMemMode"), "0");
  EXPECT_EQ(ask("Qqemu.PhyMemMode:1"), "OK");
  EXPECT_EQ(ask("qqemu.PhyMemMode"), "1");
  EXPECT_EQ(ask("Qqemu.PhyMemMode:2"), "E16");
  EXPECT_EQ(ask("qqemu.PhyMemMode"), "1");
  EXPECT_EQ(ask("Qqemu.PhyMemMode:0"), "OK");
  EXPECT_EQ(target.calls, "physical;virtual;");
  // The next client starts anew.
  ask("Qqemu.PhyMemMode:1");
  stub.disconnected();
  stub.connected();
  EXPECT_EQ(ask("qqemu.PhyMemMode"), "0");
  EXPECT_EQ(target.calls, "physical;virtual;physical;virtual;clear;");
}

TEST_F(Gdb, TheTargetDescriptionComesInPieces) {
  std::string xml;
  for (;;) {
    const std::string piece = ask(fmt::format("qXfer:features:read:target.xml:{:x},7", xml.size()));
    ASSERT_FALSE(piece.empty());
    xml += piece.substr(1);
    if (piece[0] == 'l') break;
  }
  EXPECT_EQ(xml, target.gdb_target_xml());
  EXPECT_EQ(ask("qXfer:features:read:other.xml:0,7"), "E00");
  EXPECT_EQ(ask("qXfer:features:read:target.xml:ffffffffffff,7"), "l");
}

TEST_F(Gdb, LeavingLetsTheMachineRun) {
  EXPECT_EQ(ask("D"), "OK");
  EXPECT_EQ(target.calls, "clear;continue;");
  raw(frame("k"));
  EXPECT_EQ(target.calls, "clear;continue;kill;");
  ask("c");
  sent.clear();
  stub.exited(0);
  EXPECT_EQ(sent, frame("W00"));
}

}  // namespace
}  // namespace mynah::app
