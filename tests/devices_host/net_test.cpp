// SPDX-License-Identifier: Apache-2.0
//
// Networks between two machines: stream sockets, datagrams, groups; taps; records of frames.
#include <gmock/gmock.h>
#include <sys/socket.h>

#include <fstream>

#include "devices/host/dump_net.h"
#include "devices/host/make_net.h"
#include "devices/host/stream_net.h"
#include "tests/devices_host/support.h"

namespace mynah::host::test {
namespace {

using testing::HasSubstr;

// A guest's card: takes frames while it has buffers.
struct Card {
  explicit Card(std::unique_ptr<dev::NetBackend> net) : net(std::move(net)) {
    this->net->attach([this](std::span<const uint8_t> frame) {
      if (buffers == 0) return false;
      --buffers;
      frames.emplace_back(frame.begin(), frame.end());
      return true;
    });
  }
  ~Card() { net->attach(nullptr); }
  void send(const std::string& frame) { net->send(bytes_of(frame)); }
  std::unique_ptr<dev::NetBackend> net;
  std::vector<std::string> frames;
  size_t buffers = 1000;
};

struct NetTest : WithPoller {
  TempFolder folder;
  Result<std::unique_ptr<dev::NetBackend>> make(NetKind kind, LinkOptions link) {
    NetEnv env;
    env.report = report();
    return make_net(kind, {}, std::move(link), *poller, std::move(env));
  }
  std::unique_ptr<dev::NetBackend> good(NetKind kind, LinkOptions link) {
    auto made = make(kind, std::move(link));
    EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.message());
    return made.ok() ? std::move(*made) : nullptr;
  }
  std::string bad(NetKind kind, LinkOptions link) {
    auto made = make(kind, std::move(link));
    EXPECT_FALSE(made.ok());
    return made.ok() ? "" : made.message();
  }
};

std::string frame_from(char who, const std::string& rest) {
  return std::string(6, '\xff') + std::string(6, who) + rest;
}

TEST_F(NetTest, TwoMachinesOverTcpAndUnixSockets) {
  for (const bool is_unix : {false, true}) {
    LinkOptions server;
    server.server = true;
    server.local.is_unix = is_unix;
    server.local.path = folder / "net";
    server.local.at = {"127.0.0.1", "0"};
    Card a(good(NetKind::kStream, server));
    LinkOptions client;
    client.remote = server.local;
    if (!is_unix) client.remote.at.port = std::to_string(dynamic_cast<StreamNet&>(*a.net).port());
    for (int round = 0; round < 2; ++round) {
      a.frames.clear();
      Card b(good(NetKind::kStream, client));
      b.send(frame_from('b', "hello"));
      b.send(frame_from('b', std::string(60000, 'x')));
      ASSERT_TRUE(poll_until([&] { return a.frames.size() == 2; }));
      EXPECT_EQ(a.frames[0], frame_from('b', "hello"));
      EXPECT_EQ(a.frames[1].size(), 60012u);
      a.send(frame_from('a', "to you"));
      ASSERT_TRUE(poll_until([&] { return b.frames.size() == 1; }));
      EXPECT_EQ(b.frames[0], frame_from('a', "to you"));
    }
  }
}

TEST_F(NetTest, AFullCardHoldsTheStreamAndLosesNothing) {
  LinkOptions server;
  server.server = true;
  server.local.is_unix = true;
  server.local.path = folder / "net";
  Card a(good(NetKind::kStream, server));
  LinkOptions client;
  client.remote = server.local;
  Card b(good(NetKind::kStream, client));
  a.buffers = 0;
  for (unsigned i = 0; i < 700; ++i) b.send(frame_from('b', std::to_string(i)));
  for (unsigned i = 0; i < 20; ++i) poller->poll(std::chrono::milliseconds(1));
  EXPECT_TRUE(a.frames.empty());
  a.buffers = 1000;
  a.net->buffers_available();
  ASSERT_TRUE(poll_until([&] {
    a.net->buffers_available();
    return a.frames.size() == 700;
  }));
  for (unsigned i = 0; i < 700; ++i) EXPECT_EQ(a.frames[i], frame_from('b', std::to_string(i)));
}

TEST_F(NetTest, AStreamOfNonsenseEndsTheConnection) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  UniqueFd other(ends[0]);
  LinkOptions link;
  link.fd = ends[1];
  Card a(good(NetKind::kStream, link));
  ASSERT_EQ(::write(other.get(), "\xff\xff\xff\xff....", 8), 8);
  EXPECT_TRUE(poll_until([&] { return !reports.empty(); }));
  EXPECT_THAT(reports, HasSubstr("cable is out"));
  a.send(frame_from('a', ""));
  link.fd = 999;
  EXPECT_THAT(bad(NetKind::kStream, link), HasSubstr("no connected socket"));
}

TEST_F(NetTest, TwoMachinesByDatagrams) {
  const auto end = [&](const char* own, const char* other) {
    LinkOptions link;
    link.local.is_unix = link.remote.is_unix = true;
    link.local.path = folder / own;
    link.remote.path = folder / other;
    return link;
  };
  Card a(good(NetKind::kDatagram, end("a", "b")));
  a.send(frame_from('a', "lost"));
  Card b(good(NetKind::kDatagram, end("b", "a")));
  a.send(frame_from('a', "1"));
  b.send(frame_from('b', "2"));
  ASSERT_TRUE(poll_until([&] { return a.frames.size() == 1 && b.frames.size() == 1; }));
  EXPECT_EQ(b.frames[0], frame_from('a', "1"));
  EXPECT_EQ(a.frames[0], frame_from('b', "2"));
}

TEST_F(NetTest, TwoMachinesByUdp) {
  const auto end = [](const char* own, const char* other) {
    LinkOptions link;
    link.local.at = {"127.0.0.1", own};
    link.remote.at = {"127.0.0.1", other};
    return link;
  };
  Card a(good(NetKind::kDatagram, end("45671", "45672")));
  Card b(good(NetKind::kDatagram, end("45672", "45671")));
  a.send(frame_from('a', "1"));
  ASSERT_TRUE(poll_until([&] { return b.frames.size() == 1; }));
  b.send(frame_from('b', "2"));
  ASSERT_TRUE(poll_until([&] { return a.frames.size() == 1; }));
}

TEST_F(NetTest, ThreeMachinesInAGroup) {
  LinkOptions link;
  link.remote.at = {"230.0.0.77", "45673"};
  link.local.at.host = "127.0.0.1";
  auto first = make(NetKind::kMulticast, link);
  if (!first) GTEST_SKIP() << first.message();
  Card a(std::move(*first)), b(good(NetKind::kMulticast, link)), c(good(NetKind::kMulticast, link));
  a.send(frame_from('a', "1"));
  ASSERT_TRUE(poll_until([&] { return b.frames.size() == 1 && c.frames.size() == 1; }));
  EXPECT_TRUE(a.frames.empty()) << "its own";
  link.remote.at.host = "10.0.0.1";
  EXPECT_THAT(bad(NetKind::kMulticast, link), HasSubstr("no multicast group"));
}

TEST_F(NetTest, WhatCannotBe) {
  LinkOptions link;
  link.remote.at = {"127.0.0.1", "1"};
  EXPECT_THAT(bad(NetKind::kStream, link), HasSubstr("start the machine that listens there first"));
  link.fd = 0;
  EXPECT_THAT(bad(NetKind::kTap, link), HasSubstr("no tap interface"));
  link.fd.reset();
  link.interface_name = "a-name-that-is-too-long";
  EXPECT_THAT(bad(NetKind::kTap, link), HasSubstr("longer than"));
  link.helper = "/nowhere";
  EXPECT_THAT(bad(NetKind::kBridge, link), HasSubstr("helper '/nowhere'"));
  link.helper = "/bin/false";
  EXPECT_THAT(bad(NetKind::kBridge, link), HasSubstr("ended with 1"));
}

TEST_F(NetTest, RecordsAreThoseOfLibpcap) {
  LinkOptions server;
  server.server = true;
  server.local.is_unix = true;
  server.local.path = folder / "net";
  Card a(good(NetKind::kStream, server));
  LinkOptions client;
  client.remote = server.local;
  auto recorded = DumpNet::open(
      good(NetKind::kStream, client), folder / "pcap", 16, [] { return 2'000'003'000; }, report());
  ASSERT_TRUE(recorded) << recorded.message();
  {
    Card b(std::move(*recorded));
    b.send(frame_from('b', "12345678"));
    ASSERT_TRUE(poll_until([&] { return a.frames.size() == 1; }));
    a.send(frame_from('a', ""));
    ASSERT_TRUE(poll_until([&] { return b.frames.size() == 1; }));
  }
  std::ifstream file(folder / "pcap", std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  ASSERT_EQ(bytes.size(), 24u + 16 + 16 + 16 + 12);
  const auto word = [&](size_t at) {
    uint32_t value;
    std::memcpy(&value, bytes.data() + at, 4);
    return value;
  };
  EXPECT_EQ(word(0), 0xa1b2c3d4u);
  EXPECT_EQ(word(20), 1u);
  EXPECT_EQ(word(24), 2u);
  EXPECT_EQ(word(28), 3u);
  EXPECT_EQ(word(32), 16u);
  EXPECT_EQ(word(36), 20u);
  EXPECT_EQ(bytes.substr(40, 16), frame_from('b', "1234"));
  EXPECT_EQ(bytes.substr(72), frame_from('a', ""));
}

}  // namespace
}  // namespace mynah::host::test
