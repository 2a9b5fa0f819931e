// SPDX-License-Identifier: Apache-2.0
//
// User networking. The test plays the guest: it crafts the Ethernet frames of ARP, DHCP, UDP and a minimal
// TCP.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cstring>
#include <fstream>

#include "devices/host/slirp_net.h"
#include "tests/devices/fakes.h"
#include "tests/devices_host/support.h"

namespace mynah::host::test {
namespace {

using Bytes = std::vector<uint8_t>;
constexpr uint32_t kGuest = 0x0a00020f, kHost = 0x0a000202, kDns = 0x0a000203;
const Bytes kGuestMac = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};
const Bytes kAll = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

void put16(Bytes& b, uint32_t v) { b.insert(b.end(), {uint8_t(v >> 8), uint8_t(v)}); }
void put32(Bytes& b, uint32_t v) {
  put16(b, v >> 16);
  put16(b, v & 0xffff);
}
void put(Bytes& b, const Bytes& more) { b.insert(b.end(), more.begin(), more.end()); }
uint32_t get16(const Bytes& b, size_t at) {
  return at + 2 <= b.size() ? uint32_t(b[at] << 8 | b[at + 1]) : 0;
}
uint32_t get32(const Bytes& b, size_t at) { return get16(b, at) << 16 | get16(b, at + 2); }

uint16_t checksum(const Bytes& b, size_t from = 0) {
  uint32_t sum = 0;
  for (size_t i = from; i < b.size(); i += 2) sum += uint32_t(b[i] << 8) + (i + 1 < b.size() ? b[i + 1] : 0);
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return uint16_t(~sum);
}

Bytes ethernet(const Bytes& to, uint16_t type) {
  Bytes frame = to;
  put(frame, kGuestMac);
  put16(frame, type);
  return frame;
}

Bytes arp(uint16_t operation, const Bytes& to_mac, uint32_t to) {
  Bytes frame = ethernet(to_mac, 0x0806);
  put16(frame, 1);
  put16(frame, 0x0800);
  put16(frame, 0x0604);
  put16(frame, operation);
  put(frame, kGuestMac);
  put32(frame, kGuest);
  put(frame, operation == 1 ? Bytes(6) : to_mac);
  put32(frame, to);
  return frame;
}

Bytes ip(const Bytes& to_mac, uint32_t from, uint32_t to, uint8_t protocol, const Bytes& payload) {
  Bytes header;
  put16(header, 0x4500);
  put16(header, uint32_t(20 + payload.size()));
  put32(header, 0);
  header.push_back(64);
  header.push_back(protocol);
  put16(header, 0);
  put32(header, from);
  put32(header, to);
  const uint16_t sum = checksum(header);
  header[10] = uint8_t(sum >> 8);
  header[11] = uint8_t(sum);
  Bytes frame = ethernet(to_mac, 0x0800);
  put(frame, header);
  put(frame, payload);
  return frame;
}

// UDP or TCP with its checksum at `sum_at`.
Bytes transport(uint32_t from, uint32_t to, uint8_t protocol, Bytes segment, size_t sum_at) {
  Bytes pseudo;
  put32(pseudo, from);
  put32(pseudo, to);
  put16(pseudo, protocol);
  put16(pseudo, uint32_t(segment.size()));
  put(pseudo, segment);
  const uint16_t sum = checksum(pseudo);
  segment[sum_at] = uint8_t(sum >> 8);
  segment[sum_at + 1] = uint8_t(sum);
  return segment;
}

Bytes udp(uint32_t from, uint16_t from_port, uint32_t to, uint16_t to_port, const Bytes& data) {
  Bytes segment;
  put16(segment, from_port);
  put16(segment, to_port);
  put16(segment, uint32_t(8 + data.size()));
  put16(segment, 0);
  put(segment, data);
  return transport(from, to, 17, segment, 6);
}

constexpr uint8_t kFin = 1, kSyn = 2, kPush = 8, kAck = 16;
Bytes tcp(uint32_t from, uint16_t from_port, uint32_t to, uint16_t to_port, uint32_t seq, uint32_t ack,
          uint8_t flags, const std::string& data) {
  Bytes segment;
  put16(segment, from_port);
  put16(segment, to_port);
  put32(segment, seq);
  put32(segment, ack);
  segment.push_back(0x50);
  segment.push_back(flags);
  put16(segment, 65000);
  put32(segment, 0);
  segment.insert(segment.end(), data.begin(), data.end());
  return transport(from, to, 6, segment, 16);
}

bool is_ip(const Bytes& f, uint8_t protocol) {
  return get16(f, 12) == 0x0800 && f.size() >= 34 && f[23] == protocol;
}

struct SlirpTest : WithPoller {
  std::unique_ptr<SlirpNet> net;
  std::vector<Bytes> frames;
  size_t buffers = 1000;
  Bytes router_mac;

  void start(const std::string& text = "") {
    auto options = parse_slirp_options(text);
    ASSERT_TRUE(options) << options.message();
    start(*options, {.guest_error = report()});
  }
  void start(const SlirpOptions& options, SlirpNet::Env env) {
    auto made = SlirpNet::create(options, *poller, std::move(env));
    ASSERT_TRUE(made) << made.message();
    net = std::move(*made);
    net->attach([this](std::span<const uint8_t> frame) {
      if (buffers == 0) return false;
      --buffers;
      frames.emplace_back(frame.begin(), frame.end());
      return true;
    });
  }
  // Takes the next frame that `wanted` likes, answering ARP requests for the guest on the way.
  template <typename Wanted>
  Bytes next(Wanted wanted) {
    Bytes found;
    poll_until([&] {
      while (!frames.empty() && found.empty()) {
        Bytes frame = std::move(frames.front());
        frames.erase(frames.begin());
        if (get16(frame, 12) == 0x0806 && get16(frame, 20) == 1 && get32(frame, 38) == kGuest)
          net->send(arp(2, Bytes(frame.begin() + 6, frame.begin() + 12), get32(frame, 28)));
        else if (wanted(frame))
          found = std::move(frame);
      }
      return !found.empty();
    });
    return found;
  }
  Bytes resolve(uint32_t address) {
    net->send(arp(1, kAll, address));
    const Bytes reply = next([&](const Bytes& f) {
      return get16(f, 12) == 0x0806 && get16(f, 20) == 2 && get32(f, 28) == address;
    });
    return reply.empty() ? Bytes(6) : Bytes(reply.begin() + 22, reply.begin() + 28);
  }
};

int free_port(int type) {
  UniqueFd fd(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
  socklen_t length = sizeof address;
  ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &length);
  return ntohs(address.sin_port);
}

UniqueFd connected(int type, int port) {
  UniqueFd fd(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fd.reset();
  return fd;
}

Bytes dhcp_request(uint8_t kind) {
  Bytes m = {1, 1, 6, 0, 0x12, 0x34, 0x56, 0x78};
  m.resize(28);
  put(m, kGuestMac);
  m.resize(236);
  put32(m, 0x63825363);
  put(m, {53, 1, kind, 255});
  m.resize(300);
  return ip(kAll, 0, 0xffffffff, 17, udp(0, 68, 0xffffffff, 67, m));
}

TEST_F(SlirpTest, AnswersArpForItsOwnAddresses) {
  start();
  EXPECT_EQ(resolve(kHost), (Bytes{0x52, 0x55, 10, 0, 2, 2}));
  EXPECT_EQ(resolve(kDns), (Bytes{0x52, 0x55, 10, 0, 2, 3}));
}

TEST_F(SlirpTest, NeverDeliversFromWithinSend) {
  start();
  net->send(arp(1, kAll, kHost));
  EXPECT_TRUE(frames.empty());
  const auto begin = std::chrono::steady_clock::now();
  poller->poll(std::chrono::seconds(5));  // does not wait with a frame in hand
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
  EXPECT_FALSE(frames.empty());
}

TEST_F(SlirpTest, DhcpOffersTheUsualAddresses) {
  start("user,hostname=bird,ipv6=off");
  net->send(dhcp_request(1));
  const Bytes offer = next([](const Bytes& f) { return is_ip(f, 17) && get16(f, 36) == 68; });
  ASSERT_GT(offer.size(), 282u);
  const size_t m = 42;
  EXPECT_EQ(get32(offer, m + 4), 0x12345678u);
  EXPECT_EQ(get32(offer, m + 16), kGuest);
  EXPECT_EQ(get32(offer, m + 236), 0x63825363u);
  uint32_t kind = 0, router = 0, dns = 0, mask = 0;
  std::string name;
  for (size_t at = m + 240; at + 1 < offer.size() && offer[at] != 255; at += 2 + offer[at + 1]) {
    if (offer[at] == 53) kind = offer[at + 2];
    if (offer[at] == 3) router = get32(offer, at + 2);
    if (offer[at] == 6) dns = get32(offer, at + 2);
    if (offer[at] == 1) mask = get32(offer, at + 2);
    if (offer[at] == 12)
      name.assign(offer.begin() + long(at) + 2, offer.begin() + long(at) + 2 + offer[at + 1]);
  }
  EXPECT_EQ(kind, 2u);
  EXPECT_EQ(router, kHost);
  EXPECT_EQ(dns, kDns);
  EXPECT_EQ(mask, 0xffffff00u);
  EXPECT_EQ(name, "bird");
}

TEST_F(SlirpTest, NetworkCanBeMoved) {
  start("net=192.168.76.0/24,dhcpstart=192.168.76.9");
  net->send(dhcp_request(1));
  const Bytes offer = next([](const Bytes& f) { return is_ip(f, 17) && get16(f, 36) == 68; });
  EXPECT_EQ(get32(offer, 58), 0xc0a84c09u);
}

TEST_F(SlirpTest, FramesWaitForBuffersWithinBounds) {
  start();
  buffers = 0;
  for (int i = 0; i < 400; ++i) net->send(arp(1, kAll, kHost));
  poll_a_while();
  EXPECT_TRUE(frames.empty());
  buffers = 3;
  net->buffers_available();
  EXPECT_EQ(frames.size(), 3u);
  buffers = 10000;
  net->buffers_available();
  EXPECT_EQ(frames.size(), SlirpNet::kQueue);
}

TEST_F(SlirpTest, HostForwardTcpRoundTrip) {
  const int port = free_port(SOCK_STREAM);
  start("hostfwd=tcp:127.0.0.1:" + std::to_string(port) + "-:22,restrict=on");
  net->send(arp(1, kAll, kHost));  // makes the guest known
  UniqueFd client = connected(SOCK_STREAM, port);
  ASSERT_TRUE(client);
  const Bytes syn = next([](const Bytes& f) { return is_ip(f, 6) && (f[47] & kSyn); });
  ASSERT_GE(syn.size(), 54u);
  EXPECT_EQ(get32(syn, 30), kGuest);
  EXPECT_EQ(get16(syn, 36), 22u);
  const Bytes mac(syn.begin() + 6, syn.begin() + 12);
  const uint32_t peer = get32(syn, 26);
  const uint16_t peer_port = uint16_t(get16(syn, 34));
  uint32_t seq = 1000, ack = get32(syn, 38) + 1;
  const auto reply = [&](uint8_t flags, const std::string& data) {
    net->send(ip(mac, kGuest, peer, 6, tcp(kGuest, 22, peer, peer_port, seq, ack, flags, data)));
    seq += uint32_t(data.size()) + (flags & (kSyn | kFin) ? 1 : 0);
  };
  reply(kSyn | kAck, "");
  ASSERT_EQ(::write(client.get(), "hello guest", 11), 11);
  const Bytes data = next([](const Bytes& f) {
    return is_ip(f, 6) && get16(f, 16) > 20u + (f[46] >> 4) * 4u;  // carries bytes
  });
  ASSERT_FALSE(data.empty());
  const size_t begin = 34 + (data[46] >> 4) * 4;
  EXPECT_EQ(std::string(data.begin() + long(begin), data.begin() + 14 + long(get16(data, 16))),
            "hello guest");
  ack += 11;
  reply(kAck | kPush, "hello host");
  std::string got;
  EXPECT_TRUE(poll_until([&] {
    got += read_some(client.get(), 1, 0);
    return got.size() >= 10;
  }));
  EXPECT_EQ(got, "hello host");
  EXPECT_NE(net->connection_info().find("22"), std::string::npos) << net->connection_info();
  reply(kAck | kFin, "");
  char byte;
  EXPECT_TRUE(poll_until([&] { return ::recv(client.get(), &byte, 1, MSG_DONTWAIT) == 0; }));
}

TEST_F(SlirpTest, HostForwardUdpRoundTrip) {
  const int port = free_port(SOCK_DGRAM);
  start("hostfwd=udp:127.0.0.1:" + std::to_string(port) + "-10.0.2.15:53");
  net->send(arp(1, kAll, kHost));
  UniqueFd client = connected(SOCK_DGRAM, port);
  ASSERT_EQ(::send(client.get(), "query", 5, 0), 5);
  const Bytes query = next([](const Bytes& f) { return is_ip(f, 17) && get16(f, 36) == 53; });
  ASSERT_GE(query.size(), 47u);
  EXPECT_EQ(std::string(query.begin() + 42, query.begin() + 47), "query");
  const Bytes mac(query.begin() + 6, query.begin() + 12);
  net->send(ip(mac, kGuest, get32(query, 26), 17,
               udp(kGuest, 53, get32(query, 26), uint16_t(get16(query, 34)), {'y', 'e', 's'})));
  poll_a_while();
  EXPECT_EQ(read_some(client.get(), 3), "yes");
}

TEST_F(SlirpTest, GuestReachesAServerOnTheHost) {
  UniqueFd server(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(server.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  socklen_t length = sizeof address;
  ::getsockname(server.get(), reinterpret_cast<sockaddr*>(&address), &length);
  start();
  const Bytes mac = resolve(kHost);
  net->send(ip(mac, kGuest, kHost, 17, udp(kGuest, 4000, kHost, ntohs(address.sin_port), {'h', 'i'})));
  poll_a_while();
  char data[16];
  length = sizeof address;
  ASSERT_EQ(::recvfrom(server.get(), data, sizeof data, MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&address),
                       &length),
            2);
  ASSERT_EQ(::sendto(server.get(), "ho", 2, 0, reinterpret_cast<sockaddr*>(&address), length), 2);
  const Bytes answer = next([](const Bytes& f) { return is_ip(f, 17) && get16(f, 36) == 4000; });
  ASSERT_GE(answer.size(), 44u);
  EXPECT_EQ(std::string(answer.begin() + 42, answer.begin() + 44), "ho");
}

// What the guest sends to such an address comes out of a line, and the other way round.
TEST_F(SlirpTest, GuestForwardIsALine) {
  dev::fake::Serial line;
  std::string asked;
  auto options = parse_slirp_options("guestfwd=:10.0.2.100:7777-chardev:c");
  ASSERT_TRUE(options) << options.message();
  SlirpNet::Env env{.guest_error = report()};
  env.line = [&](const std::string& spec, const std::string&) -> Result<dev::CharBackend*> {
    asked = spec;
    return &line;
  };
  start(*options, std::move(env));
  EXPECT_EQ(asked, "chardev:c");
  constexpr uint32_t kServer = kHost - 2 + 100;
  const Bytes mac = resolve(kServer);
  uint32_t seq = 1000, ack = 0;
  const auto send = [&](uint8_t flags, const std::string& data) {
    net->send(ip(mac, kGuest, kServer, 6, tcp(kGuest, 4000, kServer, 7777, seq, ack, flags, data)));
    seq += uint32_t(data.size()) + (flags & (kSyn | kFin) ? 1 : 0);
  };
  send(kSyn, "");
  const Bytes reply = next([](const Bytes& f) { return is_ip(f, 6) && (f[47] & kSyn); });
  ASSERT_GE(reply.size(), 54u);
  ack = get32(reply, 38) + 1;
  send(kAck, "");
  send(kAck | kPush, "hello line");
  EXPECT_TRUE(poll_until([&] { return line.sent.size() >= 10; }));
  EXPECT_EQ(line.sent, "hello line");
  line.type("hello guest");
  const Bytes data =
      next([](const Bytes& f) { return is_ip(f, 6) && get16(f, 16) > 20u + (f[46] >> 4) * 4u; });
  ASSERT_FALSE(data.empty());
  const size_t begin = 34 + (data[46] >> 4) * 4;
  EXPECT_EQ(std::string(data.begin() + long(begin), data.begin() + 14 + long(get16(data, 16))),
            "hello guest");
  net.reset();
}

TEST_F(SlirpTest, BusyPortIsASentence) {
  UniqueFd busy(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(busy.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(busy.get(), 1), 0);
  socklen_t length = sizeof address;
  ::getsockname(busy.get(), reinterpret_cast<sockaddr*>(&address), &length);
  const std::string port = std::to_string(ntohs(address.sin_port));
  auto options = parse_slirp_options("hostfwd=tcp:127.0.0.1:" + port + "-:22");
  ASSERT_TRUE(options);
  auto made = SlirpNet::create(*options, *poller, {});
  ASSERT_FALSE(made);
  EXPECT_NE(made.message().find("TCP port " + port), std::string::npos) << made.message();
  EXPECT_NE(made.message().find("choose another port"), std::string::npos) << made.message();
  poller->poll(std::chrono::nanoseconds(0));  // the failed one left nothing behind
}

TEST_F(SlirpTest, PortsThatCannotBeHadEachHaveTheirReason) {
  const auto refused = [&](const std::string& rule) {
    auto options = parse_slirp_options("hostfwd=" + rule);
    if (!options) return options.message();
    auto made = SlirpNet::create(*options, *poller, {});
    return made ? std::string("(none)") : made.message();
  };
  EXPECT_NE(refused("tcp:192.0.2.77:7000-:22").find("the host has no address 192.0.2.77"), std::string::npos)
      << refused("tcp:192.0.2.77:7000-:22");
  EXPECT_NE(refused("udp:192.0.2.77:7000-:22").find("the host has no address"), std::string::npos);
  EXPECT_NE(refused("tcp::65536-:22").find("there is no port 65536"), std::string::npos);
  HostForward low{.host_port = 80, .guest_port = 80, .text = "tcp::80-:80"};
  const std::string sentence = forward_error(low, EACCES);
  EXPECT_NE(sentence.find("such as 8080, in hostfwd=tcp::80-:80"), std::string::npos) << sentence;

  // As who may not have such a port.
  std::ifstream start("/proc/sys/net/ipv4/ip_unprivileged_port_start");
  unsigned first = 0;
  if (!(start >> first) || first < 1024) GTEST_SKIP() << "every port is free for all here";
  const pid_t child = ::fork();
  if (child == 0) {
    if (::getuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) ::_exit(77);
    ::_exit(refused("tcp:127.0.0.1:81-:80").find("ports below 1024") != std::string::npos ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST_F(SlirpTest, HostileFramesDoNoHarm) {
  start();
  uint32_t x = 12345;
  const auto random = [&] { return x = x * 1664525 + 1013904223, x >> 8; };
  for (size_t n = 0; n < 80; ++n) net->send(Bytes(n, 0xff));
  net->send(Bytes(SlirpNet::kMaxFrame, 0));
  net->send(Bytes(SlirpNet::kMaxFrame + 1, 0));
  const Bytes seeds[] = {
      arp(1, kAll, kHost), dhcp_request(1),
      ip({0x52, 0x55, 10, 0, 2, 2}, kGuest, kHost, 6, tcp(kGuest, 1, kHost, 2, 3, 4, kAck, "x"))};
  for (int i = 0; i < 3000; ++i) {
    Bytes frame = seeds[random() % 3];
    for (uint32_t flips = random() % 4 + 1; flips; --flips)
      frame[random() % frame.size()] = uint8_t(random());
    if (random() % 4 == 0) frame.resize(random() % (frame.size() + 1));
    // Only to the virtual network: a mutated destination must not leave this machine.
    if (frame.size() >= 34 && get16(frame, 12) == 0x0800) std::memcpy(&frame[30], "\x0a\x00\x02\x02", 4);
    net->send(frame);
    if (i % 100 == 0) poller->poll(std::chrono::nanoseconds(0));
  }
  frames.clear();
  buffers = 100000;
  EXPECT_EQ(resolve(kHost), (Bytes{0x52, 0x55, 10, 0, 2, 2}));
}

TEST_F(SlirpTest, RouterAdvertisementsComeByItsTimer) {
  int64_t now = 0;
  auto made = SlirpNet::create(SlirpOptions{}, *poller, {.clock = [&] { return now; }});
  ASSERT_TRUE(made);
  int advertisements = 0;
  (*made)->attach([&](std::span<const uint8_t> f) {
    if (f.size() > 54 && f[12] == 0x86 && f[13] == 0xdd && f[20] == 58 && f[54] == 134) ++advertisements;
    return true;
  });
  for (int i = 0; i < 100; ++i) {
    now += 30'000'000'000;
    poller->poll(std::chrono::nanoseconds(0));
  }
  EXPECT_GT(advertisements, 1);
}

TEST(SlirpOptions, Defaults) {
  auto o = parse_slirp_options("user,id=net0");
  ASSERT_TRUE(o);
  EXPECT_EQ(address_text(o->network), "10.0.2.0");
  EXPECT_EQ(address_text(o->host), "10.0.2.2");
  EXPECT_EQ(address_text(o->dns), "10.0.2.3");
  EXPECT_EQ(address_text(o->dhcp_start), "10.0.2.15");
  EXPECT_FALSE(o->restricted);
  EXPECT_TRUE(o->ipv6);
}

TEST(SlirpOptions, Settings) {
  auto o = parse_slirp_options(
      "dns=172.20.0.9,net=172.20.0.0/16,restrict=y,hostname=h,domainname=d.org,dnssearch=a,dnssearch=b,tftp=/"
      "srv,"
      "bootfile=x,hostfwd=tcp::2222-:22,hostfwd=udp:127.0.0.1:53-172.20.2.15:5353,hostfwd=::80-:8080");
  ASSERT_TRUE(o) << o.message();
  EXPECT_EQ(address_text(o->host), "172.20.2.2");
  EXPECT_EQ(address_text(o->dns), "172.20.0.9");
  EXPECT_EQ(o->mask, 0xffff0000u);
  EXPECT_TRUE(o->restricted);
  EXPECT_EQ(o->dnssearch, (std::vector<std::string>{"a", "b"}));
  ASSERT_EQ(o->forwards.size(), 3u);
  EXPECT_FALSE(o->forwards[0].udp);
  EXPECT_EQ(o->forwards[0].host_port, 2222);
  EXPECT_EQ(o->forwards[0].guest_port, 22);
  EXPECT_TRUE(o->forwards[1].udp);
  EXPECT_EQ(address_text(o->forwards[1].host_address), "127.0.0.1");
  EXPECT_EQ(address_text(o->forwards[1].guest_address), "172.20.2.15");
  EXPECT_FALSE(o->forwards[2].udp);
  EXPECT_EQ(parse_slirp_options("net=10.0.0.0")->mask, 0xff000000u);
  EXPECT_EQ(parse_slirp_options("net=192.168.5.0/255.255.255.0")->mask, 0xffffff00u);
}

TEST(SlirpOptions, MistakesAreSentences) {
  for (const char* text :
       {"hostfwd=tcp::2222:22", "hostfwd=tcp::2222-:0", "hostfwd=tcp::70000-:22", "hostfwd=sctp::1-:2",
        "hostfwd=", "hostfwd=tcp:nowhere:1-:2", "hostfwd=tcp::-:22", "net=10.0.2", "net=10.0.2.0/33",
        "net=10.0.2.0/255.0.255.0", "net=10.0.2.0/0", "host=10.0.3.2", "dns=10.0.2.2", "dhcpstart=x",
        "restrict=perhaps", "color=red", "smb=/x", "net=10.0.2.0/32", "host=10.0.2.255"}) {
    auto o = parse_slirp_options(text);
    ASSERT_FALSE(o) << text;
    EXPECT_GT(o.message().size(), 20u);
  }
}

}  // namespace
}  // namespace mynah::host::test
