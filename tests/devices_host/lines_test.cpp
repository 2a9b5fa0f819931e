// SPDX-License-Identifier: Apache-2.0
//
// Lines by telnet, UDP, pipes and terminals, and the log of any line.
#include <sys/socket.h>
#include <sys/stat.h>

#include <fstream>

#include "devices/host/addresses.h"
#include "devices/host/char_socket.h"
#include "devices/host/make_char.h"
#include "devices/host/telnet.h"
#include "tests/devices_host/support.h"

namespace mynah::host::test {
namespace {

struct LineTest : WithPoller {
  TempFolder folder;
  Collector guest;
  Result<std::unique_ptr<dev::CharBackend>> make(const std::string& spec) {
    return make_char(spec, {.poller = poller.get(), .announce = announce(), .report = report()});
  }
  std::unique_ptr<dev::CharBackend> good(const std::string& spec) {
    auto made = make(spec);
    EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.message());
    return made.ok() ? std::move(*made) : nullptr;
  }
  std::string contents(const std::string& name) {
    std::ifstream file(folder / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
};

TEST(Telnet, CommandsAreTakenOutOfTheInput) {
  Telnet telnet;
  Collector guest;
  telnet.attach(&guest);
  const std::string input = std::string("a\r\0b", 4) + "\xff\xfd\x01" + "c\xff\xff" + "\xff\xf3" +
                            "\xff\xfa\x18\x01x\xff\xf0" + "d";
  for (const char c : input) telnet.receive(bytes_of(std::string(1, c)));
  EXPECT_EQ(guest.text, "a\rbc\xff<break>d");
  EXPECT_EQ(guest.breaks, 1);
  guest.text.clear();
  telnet.receive(bytes_of(input));
  EXPECT_EQ(guest.text, "a\rbc\xff<break>d");
  EXPECT_EQ(Telnet::escaped(bytes_of("a\xff")), (std::vector<uint8_t>{'a', 0xff, 0xff}));
}

TEST_F(LineTest, TelnetServersGreet) {
  for (const char* spec :
       {"telnet:127.0.0.1:0,server=on,wait=off", "tcp:127.0.0.1:0,telnet=on,server,nowait"}) {
    auto line = good(spec);
    line->attach(&guest);
    const int port = dynamic_cast<SocketChar&>(*line).port();
    auto list = resolve({"127.0.0.1", std::to_string(port)}, SOCK_STREAM, false);
    ASSERT_TRUE(list);
    UniqueFd client(::socket(AF_INET, SOCK_STREAM, 0));
    ASSERT_EQ(::connect(client.get(), list->first()->ai_addr, list->first()->ai_addrlen), 0);
    ASSERT_TRUE(poll_until([&] { return dynamic_cast<SocketChar&>(*line).connected(); }));
    line->write(bytes_of("hi\xff"));
    std::string got(64, '\0');
    size_t n = 0;
    ASSERT_TRUE(poll_until([&] {
      const ssize_t more = ::recv(client.get(), got.data() + n, got.size() - n, MSG_DONTWAIT);
      if (more > 0) n += static_cast<size_t>(more);
      return n == 16;
    }));
    const auto greeting = Telnet::greeting();
    EXPECT_EQ(got.substr(0, 12), std::string(greeting.begin(), greeting.end()));
    EXPECT_EQ(got.substr(12, 4), "hi\xff\xff");
    guest.text.clear();
    ASSERT_EQ(::send(client.get(), "x\xff\xf1y", 4, 0), 4);
    ASSERT_TRUE(poll_until([&] { return guest.text == "xy"; }));
  }
}

TEST_F(LineTest, DatagramsGoBothWays) {
  auto a = good("udp:127.0.0.1:45675@127.0.0.1:45674"), b = good("udp:127.0.0.1:45674@:45675");
  Collector other;
  a->attach(&guest);
  b->attach(&other);
  guest.room = 3;
  b->write(bytes_of("hello"));
  ASSERT_TRUE(poll_until([&] { return guest.text == "hel"; }));
  guest.room = 100;
  a->accept_input();
  EXPECT_EQ(guest.text, "hello");
  a->write(bytes_of("you"));
  ASSERT_TRUE(poll_until([&] { return other.text == "you"; }));
  EXPECT_FALSE(make("udp:nowhere"));
  EXPECT_FALSE(make("udp:127.0.0.1:1,server=on"));
}

TEST_F(LineTest, PipesByTwoAndByOne) {
  ASSERT_EQ(::mkfifo((folder / "p.in").c_str(), 0600), 0);
  ASSERT_EQ(::mkfifo((folder / "p.out").c_str(), 0600), 0);
  auto line = good("pipe:" + (folder / "p"));
  line->attach(&guest);
  UniqueFd in(::open((folder / "p.in").c_str(), O_WRONLY)),
      out(::open((folder / "p.out").c_str(), O_RDONLY | O_NONBLOCK));
  ASSERT_EQ(::write(in.get(), "to guest", 8), 8);
  ASSERT_TRUE(poll_until([&] { return guest.text == "to guest"; }));
  line->write(bytes_of("from guest"));
  char bytes[32];
  ASSERT_TRUE(poll_until([&] { return ::read(out.get(), bytes, sizeof bytes) == 10; }));
  const auto missing = make("pipe:" + (folder / "q"));
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.message().find("mkfifo"), std::string::npos);
}

TEST_F(LineTest, TerminalsOfTheHost) {
  UniqueFd master(::posix_openpt(O_RDWR | O_NOCTTY));
  ASSERT_TRUE(master);
  ASSERT_EQ(::grantpt(master.get()) | ::unlockpt(master.get()), 0);
  auto line = good(std::string("tty:") + ::ptsname(master.get()));
  line->attach(&guest);
  ASSERT_EQ(::write(master.get(), "key\r", 4), 4);
  ASSERT_TRUE(poll_until([&] { return guest.text == "key\r"; }));
  EXPECT_TRUE(make("/dev/null"));
  EXPECT_FALSE(make("/dev/zero"));
  EXPECT_FALSE(make("tty:" + (folder / "none")));
}

TEST_F(LineTest, OutputIsLogged) {
  std::ofstream(folder / "log") << "old ";
  {
    auto line =
        good("unix:" + (folder / "s") + ",server=on,wait=off,logfile=" + (folder / "log") + ",logappend=on");
    line->attach(&guest);
    line->write(bytes_of("new"));
  }
  EXPECT_EQ(contents("log"), "old new");
  CharEnv env{.poller = poller.get()};
  env.append = true;
  {
    auto line = make_char("file:" + (folder / "log"), env);
    ASSERT_TRUE(line);
    (*line)->write(bytes_of("er"));
  }
  EXPECT_EQ(contents("log"), "old newer");
}

}  // namespace
}  // namespace mynah::host::test
