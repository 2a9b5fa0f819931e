// SPDX-License-Identifier: Apache-2.0
//
// Sockets as serial lines, and the parser of all kinds.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <thread>

#include "devices/host/char_mux.h"
#include "devices/host/char_socket.h"
#include "devices/host/make_char.h"
#include "tests/devices_host/support.h"

namespace mynah::host::test {
namespace {

UniqueFd connect_unix(const std::string& path) {
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fd.reset();
  return fd;
}

UniqueFd connect_tcp(int port) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fd.reset();
  return fd;
}

struct SocketCharTest : WithPoller {
  TempFolder folder;
  Collector guest;
  Result<std::unique_ptr<dev::CharBackend>> make(const std::string& spec) {
    return make_char(spec, {.poller = poller.get(), .announce = announce(), .report = report()});
  }
  static SocketChar& socket(Result<std::unique_ptr<dev::CharBackend>>& made) {
    return dynamic_cast<SocketChar&>(**made);
  }
};

TEST_F(SocketCharTest, UnixServerServesClientsInTurn) {
  auto made = make("unix:" + (folder / "s") + ",server=on,wait=off");
  ASSERT_TRUE(made) << made.message();
  auto& line = socket(made);
  line.attach(&guest);
  EXPECT_NE(announcements.find("listening on unix:"), std::string::npos) << announcements;
  line.write(bytes_of("nobody"));
  for (int i = 0; i < 3; ++i) {
    guest.text.clear();
    UniqueFd client = connect_unix(folder / "s");
    ASSERT_TRUE(client);
    EXPECT_TRUE(poll_until([&] { return line.connected(); }));
    line.write(bytes_of("hello"));
    EXPECT_EQ(read_some(client.get(), 5), "hello");
    ASSERT_EQ(::write(client.get(), "world", 5), 5);
    EXPECT_TRUE(poll_until([&] { return guest.text == "world"; }));
    UniqueFd waiting = connect_unix(folder / "s");  // waits its turn
    ASSERT_TRUE(waiting);
    poll_a_while();
    client.reset();
    EXPECT_TRUE(poll_until([&] { return !line.connected(); }));
    EXPECT_TRUE(poll_until([&] { return line.connected(); }));
    line.write(bytes_of("next"));
    EXPECT_EQ(read_some(waiting.get(), 4), "next");
    waiting.reset();
    EXPECT_TRUE(poll_until([&] { return !line.connected(); }));
  }
  made->reset();
  EXPECT_FALSE(std::filesystem::exists(folder / "s"));
}

TEST_F(SocketCharTest, OthersCanBeRefusedWithAnAnswer) {
  auto made = make("unix:" + (folder / "s") + ",server=on,wait=off");
  ASSERT_TRUE(made) << made.message();
  auto& line = socket(made);
  line.attach(&guest);
  std::string said;
  line.refuse_others({.after = '#', .answer = "no", .said = [&](const std::string& s) { said += s + "\n"; }});
  for (int i = 0; i < 2; ++i) {
    UniqueFd client = connect_unix(folder / "s");
    EXPECT_TRUE(poll_until([&] { return line.connected(); }));
    for (int j = 0; j < 3; ++j) {
      said.clear();
      UniqueFd other = connect_unix(folder / "s");
      EXPECT_TRUE(poll_until([&] { return !said.empty(); }));
      EXPECT_NE(said.find("was refused"), std::string::npos) << said;
      ASSERT_EQ(::write(other.get(), "+$q#", 4), 4);
      poll_a_while();
      EXPECT_EQ(read_some(other.get(), 2), "no");
      char byte;
      EXPECT_EQ(::read(other.get(), &byte, 1), 0);  // closed
    }
    // Those that never ask: their number is bounded, and the first client does not notice.
    std::vector<UniqueFd> silent;
    for (int j = 0; j < 30; ++j) {
      silent.push_back(connect_unix(folder / "s"));
      poll_a_while();
    }
    silent.resize(25);
    poll_a_while();
    ASSERT_EQ(::write(client.get(), "a", 1), 1);
    EXPECT_TRUE(poll_until([&] { return guest.text == std::string(static_cast<size_t>(i) + 1, 'a'); }));
    client.reset();
    EXPECT_TRUE(poll_until([&] { return !line.connected(); }));
  }
}

TEST_F(SocketCharTest, StaleSocketIsReplacedLiveOneRefused) {
  {
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (folder / "s").copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  auto first = make("unix:" + (folder / "s") + ",server,nowait");
  ASSERT_TRUE(first) << first.message();
  auto second = make("unix:" + (folder / "s") + ",server,nowait");
  ASSERT_FALSE(second);
  EXPECT_NE(second.message().find("in use"), std::string::npos) << second.message();
  EXPECT_TRUE(std::filesystem::exists(folder / "s"));
  write_file(folder / "precious", "data");
  EXPECT_FALSE(make("unix:" + (folder / "precious") + ",server,nowait"));
  EXPECT_EQ(read_file(folder / "precious"), "data");
}

TEST_F(SocketCharTest, WaitBlocksUntilTheFirstClient) {
  UniqueFd client;
  std::thread other([&] {
    for (int i = 0; i < 200 && !client; ++i) {
      client = connect_unix(folder / "s");
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  });
  auto made = make("unix:" + (folder / "s") + ",server=on");
  other.join();
  ASSERT_TRUE(made) << made.message();
  EXPECT_NE(announcements.find("waiting for a connection"), std::string::npos);
  EXPECT_TRUE(socket(made).connected());
  (*made)->write(bytes_of("first words"));
  EXPECT_EQ(read_some(client.get(), 11), "first words");
}

TEST_F(SocketCharTest, TcpServerAndClient) {
  auto server = make("tcp:127.0.0.1:0,server=on,wait=off");
  ASSERT_TRUE(server) << server.message();
  const int port = socket(server).port();
  ASSERT_GT(port, 0);
  EXPECT_NE(announcements.find(std::to_string(port)), std::string::npos);
  auto client = make("tcp:127.0.0.1:" + std::to_string(port));
  ASSERT_TRUE(client) << client.message();
  Collector far;
  (*server)->attach(&guest);
  (*client)->attach(&far);
  EXPECT_TRUE(poll_until([&] { return socket(server).connected(); }));
  (*server)->write(bytes_of("ping"));
  (*client)->write(bytes_of("pong"));
  EXPECT_TRUE(poll_until([&] { return far.text == "ping" && guest.text == "pong"; }));
  server->reset();
  EXPECT_TRUE(poll_until([&] { return !socket(client).connected(); }));
  EXPECT_NE(reports.find("closed"), std::string::npos) << reports;
  (*client)->write(bytes_of("into the void"));
  auto refused = make("tcp:127.0.0.1:" + std::to_string(port));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.message().find("refused"), std::string::npos) << refused.message();
}

TEST_F(SocketCharTest, BusyPortIsAnError) {
  auto first = make("tcp:127.0.0.1:0,server=on,wait=off");
  auto second = make("tcp:127.0.0.1:" + std::to_string(socket(first).port()) + ",server=on,wait=off");
  ASSERT_FALSE(second);
  EXPECT_NE(second.message().find("choose another port"), std::string::npos) << second.message();
}

TEST_F(SocketCharTest, SlowReaderIsBufferedThenDropped) {
  auto made = make("tcp:127.0.0.1:0,server=on,wait=off");
  UniqueFd client = connect_tcp(socket(made).port());
  ASSERT_TRUE(client);
  EXPECT_TRUE(poll_until([&] { return socket(made).connected(); }));
  const std::string chunk(1 << 20, 'z');
  for (int i = 0; i < 64 && reports.empty(); ++i) (*made)->write(bytes_of(chunk));
  EXPECT_NE(reports.find("too slow"), std::string::npos) << reports;
  size_t got = 0;
  for (size_t n = 1; n;) {
    poller->poll(std::chrono::nanoseconds(0));
    n = read_some(client.get(), 1, 50).size();
    got += n;
  }
  EXPECT_GT(got, kOutputLimit);
  (*made)->write(bytes_of("again"));
  EXPECT_EQ(read_some(client.get(), 5), "again");
}

TEST_F(SocketCharTest, ClientGoneWhileGuestDoesNotRead) {
  auto made = make("unix:" + (folder / "s") + ",server=on,wait=off");
  auto& line = socket(made);
  guest.room = 0;
  line.attach(&guest);
  UniqueFd client = connect_unix(folder / "s");
  EXPECT_TRUE(poll_until([&] { return line.connected(); }));
  ASSERT_EQ(::write(client.get(), "x", 1), 1);
  poll_a_while();
  client.reset();
  line.write(bytes_of("a"));
  line.write(bytes_of("b"));
  EXPECT_FALSE(line.connected());
  UniqueFd next = connect_unix(folder / "s");
  EXPECT_TRUE(poll_until([&] { return line.connected(); }));
}

using MakeCharTest = SocketCharTest;

TEST_F(MakeCharTest, Kinds) {
  EXPECT_TRUE(make("null"));
  EXPECT_TRUE(make("none"));
  EXPECT_TRUE(make("pty"));
  auto file = make("file:" + (folder / "a,b=c"));
  ASSERT_TRUE(file) << file.message();
  (*file)->write(bytes_of("x"));
  EXPECT_EQ(read_file(folder / "a,b=c"), "x");
}

TEST_F(MakeCharTest, MonStdioIsAMuxOverTheGivenDescriptors) {
  Pipe in, out;
  int quits = 0;
  CharEnv env{.poller = poller.get(),
              .mux = {.quit = [&] { ++quits; }},
              .input = in.read.get(),
              .output = out.write.get()};
  auto made = make_char("mon:stdio", env);
  ASSERT_TRUE(made) << made.message();
  auto* mux = dynamic_cast<MuxChar*>(made->get());
  ASSERT_NE(mux, nullptr);
  Collector monitor;
  mux->add_port().attach(&monitor);
  mux->attach(&guest);
  ASSERT_EQ(::write(in.write.get(),
                    "hi\x01"
                    "cinfo\x01x",
                    10),
            10);
  EXPECT_TRUE(poll_until([&] { return quits == 1; }));
  EXPECT_EQ(guest.text, "hi");
  EXPECT_EQ(monitor.text, "info");
  auto plain = make_char("stdio,signal=off", env);
  EXPECT_TRUE(plain) << plain.message();
}

TEST_F(MakeCharTest, PathsMayHoldCommas) {
  auto made = make("unix:" + (folder / "a,,b") + ",server=on,wait=off");
  ASSERT_TRUE(made) << made.message();
  EXPECT_TRUE(std::filesystem::exists(folder / "a,b"));
}

TEST_F(MakeCharTest, MistakesAreSentences) {
  for (const char* spec : {"", "stdoi", "telnet:localhost:1", "vc", "file:", "unix:", "unix:,server",
                           "tcp:1234", "tcp:localhost:", "tcp:127.0.0.1:99999", "tcp:127.0.0.1:12x",
                           "unix:/tmp/x,server=maybe", "unix:/tmp/x,colour=red", "unix:/tmp/x,wait=off",
                           "stdio,signal=7", "mon:mon:stdio", "mon:", "unix:/nowhere/at/all"}) {
    auto made = make(spec);
    ASSERT_FALSE(made) << spec;
    EXPECT_GT(made.message().size(), 20u) << spec;
  }
  auto made = make("unix:/tmp/" + std::string(200, 'x'));
  ASSERT_FALSE(made);
  EXPECT_NE(made.message().find("longer"), std::string::npos);
}

}  // namespace
}  // namespace mynah::host::test
