// SPDX-License-Identifier: Apache-2.0
//
// udp(7), ip(7) for groups, unix(7).
#include "devices/host/datagram_net.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace mynah::host {
namespace {

constexpr size_t kMaxFrame = 65507;  // what a UDP datagram holds

Result<UniqueFd> join_group(const LinkOptions& link, sockaddr_in& to) {
  in_addr group{}, own{};
  const auto port = ::atoi(link.remote.at.port.c_str());
  if (::inet_pton(AF_INET, link.remote.at.host.c_str(), &group) != 1 || !IN_MULTICAST(ntohl(group.s_addr)) ||
      port < 1 || port > 65535)
    return Error{"'" + link.remote.at.text() + "' is no multicast group; write mcast=230.0.0.1:PORT"};
  own.s_addr = htonl(INADDR_ANY);
  if (!link.local.at.host.empty() && ::inet_pton(AF_INET, link.local.at.host.c_str(), &own) != 1)
    return Error{"localaddr=" + link.local.at.host + " is no IPv4 address"};
  to = {};
  to.sin_family = AF_INET;
  to.sin_addr = group;
  to.sin_port = htons(static_cast<uint16_t>(port));
  UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  const ip_mreq membership{group, own};
  const unsigned char loop = 1;  // machines on the same host see each other
  if (!fd || ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0 ||
      ::setsockopt(fd.get(), IPPROTO_IP, IP_ADD_MEMBERSHIP, &membership, sizeof membership) != 0 ||
      ::setsockopt(fd.get(), IPPROTO_IP, IP_MULTICAST_LOOP, &loop, sizeof loop) != 0 ||
      (own.s_addr != htonl(INADDR_ANY) &&
       ::setsockopt(fd.get(), IPPROTO_IP, IP_MULTICAST_IF, &own, sizeof own) != 0))
    return Error{"cannot join the group " + link.remote.at.text() + ": " + errno_text(errno) +
                 "; the host needs a network with multicast, or localaddr=127.0.0.1"};
  return fd;
}

// Its own end has a path; the other's may come later.
Result<UniqueFd> unix_datagrams(const LinkOptions& link, sockaddr_un& to) {
  auto own = unix_address(link.local.path), other = unix_address(link.remote.path);
  if (!own) return own.error();
  if (!other) return other.error();
  to = *other;
  UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  ::unlink(own->sun_path);
  if (!fd || ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&*own), sizeof *own) != 0)
    return Error{"cannot make the socket '" + link.local.path + "': " + errno_text(errno) +
                 "; choose a path in a folder that you may write to"};
  return fd;
}

}  // namespace

Result<std::unique_ptr<DatagramNet>> DatagramNet::open(const LinkOptions& link, bool multicast,
                                                       Poller& poller, Report report) {
  const auto made = [&](UniqueFd fd) {
    return std::unique_ptr<DatagramNet>(new DatagramNet(std::move(fd), poller, std::move(report)));
  };
  if (link.fd) {
    int kind = 0;
    socklen_t length = sizeof kind;
    if (::getsockopt(*link.fd, SOL_SOCKET, SO_TYPE, &kind, &length) != 0 || kind != SOCK_DGRAM)
      return error("fd={} is no datagram socket; open it before the emulator starts", *link.fd);
    return made(UniqueFd(*link.fd));
  }
  if (multicast) {
    sockaddr_in to{};
    auto fd = join_group(link, to);
    if (!fd) return fd.error();
    auto net = made(std::move(*fd));
    std::memcpy(net->to_.data(), &to, sizeof to);
    net->to_size_ = sizeof to;
    net->multicast_ = true;
    return net;
  }
  if (link.remote.is_unix) {
    sockaddr_un to{};
    auto fd = unix_datagrams(link, to);
    if (!fd) return fd.error();
    auto net = made(std::move(*fd));
    std::memcpy(net->to_.data(), &to, sizeof to);
    net->to_size_ = sizeof to;
    net->own_path_ = link.local.path;
    return net;
  }
  auto fd = connected_datagrams(link.remote.at, link.local.at);
  if (!fd) return fd.error();
  return made(std::move(*fd));
}

DatagramNet::DatagramNet(UniqueFd fd, Poller& poller, Report report)
    : fd_(std::move(fd)),
      report_(std::move(report)),
      watch_(poller.watch(fd_.get(), Poller::kRead, [this](unsigned) { ready(); })) {}

DatagramNet::~DatagramNet() {
  if (!own_path_.empty()) ::unlink(own_path_.c_str());
}

void DatagramNet::send(std::span<const uint8_t> frame) {
  if (frame.size() > kMaxFrame) return;
  if (frame.size() >= 12) std::copy_n(frame.begin() + 6, own_.size(), own_.begin());
  // Nobody may be there yet: a frame is lost then.
  [[maybe_unused]] const ssize_t sent =
      ::sendto(fd_.get(), frame.data(), frame.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
               to_size_ ? reinterpret_cast<const sockaddr*>(to_.data()) : nullptr, to_size_);
}

void DatagramNet::ready() {
  uint8_t bytes[65536];
  for (unsigned i = 0; i < 64 && !frames_.full(); ++i) {
    const ssize_t n = ::recv(fd_.get(), bytes, sizeof bytes, MSG_DONTWAIT);
    if (n < 0) {
      if (errno != EAGAIN && errno != EINTR && errno != ECONNREFUSED)
        report_(errno, "the network's socket failed: " + errno_text(errno));
      break;
    }
    const bool own = multicast_ && n >= 12 && std::equal(own_.begin(), own_.end(), bytes + 6);
    if (n > 0 && !own) frames_.push({bytes, static_cast<size_t>(n)});
  }
  frames_.deliver();
  watch_.set_interest(frames_.full() ? Poller::kNone : Poller::kRead);
}

void DatagramNet::buffers_available() {
  frames_.deliver();
  if (!frames_.full()) watch_.set_interest(Poller::kRead);
}

}  // namespace mynah::host
