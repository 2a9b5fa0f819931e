// SPDX-License-Identifier: Apache-2.0
//
// Whole frames only go into the output queue, so that a slow peer loses frames and not its place in the
// stream.
#include "devices/host/stream_net.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace mynah::host {
namespace {

constexpr size_t kLength = 4;  // bytes in front of a frame

}  // namespace

StreamNet::StreamNet(LinkOptions link, Poller& poller, NetEnv env)
    : link_(std::move(link)), poller_(poller), env_(std::move(env)), report_(env_.report) {}

StreamNet::~StreamNet() {
  if (owns_path_) ::unlink(link_.local.path.c_str());
}

Result<std::unique_ptr<StreamNet>> StreamNet::open(LinkOptions link, Poller& poller, NetEnv env) {
  std::unique_ptr<StreamNet> net(new StreamNet(std::move(link), poller, std::move(env)));
  if (net->link_.fd) {
    sockaddr_storage peer{};
    socklen_t length = sizeof peer;
    if (::getpeername(*net->link_.fd, reinterpret_cast<sockaddr*>(&peer), &length) != 0)
      return error("fd={} is no connected socket; open it before the emulator starts", *net->link_.fd);
    net->begin(UniqueFd(*net->link_.fd));
    return net;
  }
  if (auto ok = net->link_.server ? net->listen() : net->connect(); !ok) return ok.error();
  return net;
}

Result<void> StreamNet::listen() {
  const SocketEnd& at = link_.local;
  int failure = EADDRNOTAVAIL;
  if (at.is_unix) {
    auto address = unix_address(at.path);
    if (!address) return address.error();
    listener_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (listener_ &&
        ::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) == 0)
      owns_path_ = true;
    else
      failure = errno, listener_.reset();
  } else {
    auto list = resolve(at.at, SOCK_STREAM, true);
    if (!list) return list.error();
    for (const addrinfo* a = list->first(); a && !listener_; a = a->ai_next) {
      listener_.reset(::socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      const int on = 1;
      if (listener_) ::setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
      if (!listener_ || ::bind(listener_.get(), a->ai_addr, a->ai_addrlen) != 0)
        failure = errno, listener_.reset();
    }
  }
  if (!listener_ || ::listen(listener_.get(), 1) != 0)
    return Error{"cannot listen for the network's peer on " + at.text() + ": " +
                 errno_text(listener_ ? errno : failure) +
                 "; choose another address, or stop the program that uses it"};
  if (!at.is_unix) {
    sockaddr_storage bound{};
    socklen_t length = sizeof bound;
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&bound), &length);
    port_ = ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(bound).sin6_port
                                              : reinterpret_cast<sockaddr_in&>(bound).sin_port);
  }
  listener_watch_ = poller_.watch(listener_.get(), Poller::kRead, [this](unsigned) { accept(); });
  return {};
}

Result<void> StreamNet::connect() {
  const SocketEnd& to = link_.remote;
  int failure = ECONNREFUSED;
  if (to.is_unix) {
    auto address = unix_address(to.path);
    if (!address) return address.error();
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (fd && ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) == 0) {
      begin(std::move(fd));
      return {};
    }
    failure = errno;
  } else {
    auto list = resolve(to.at, SOCK_STREAM, false);
    if (!list) return list.error();
    for (const addrinfo* a = list->first(); a; a = a->ai_next) {
      UniqueFd fd(::socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
      if (fd && ::connect(fd.get(), a->ai_addr, a->ai_addrlen) == 0) {
        begin(std::move(fd));
        return {};
      }
      failure = errno;
    }
  }
  return Error{"cannot connect the network to " + to.text() + ": " + errno_text(failure) +
               "; start the machine that listens there first"};
}

void StreamNet::accept() {
  UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (fd) return begin(std::move(fd));
  if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED) return;
  report_(errno, "cannot accept the network's peer on " + link_.local.text() + ": " + errno_text(errno));
  listener_watch_.set_interest(Poller::kNone);
}

void StreamNet::begin(UniqueFd fd) {
  if (listener_) listener_watch_.set_interest(Poller::kNone);  // others wait for their turn
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // of a unix socket: refused, no matter
  fd_ = std::move(fd);
  input_.clear();
  output_ = std::make_unique<OutputQueue>(
      poller_, fd_.get(), OutputQueue::WhenFull::kDrop, kOutputLimit,
      OutputQueue::Events{.failed = [this](int failure) { end(errno_text(failure)); }});
  watch_ = poller_.watch(fd_.get(), Poller::kRead, [this](unsigned) { ready(); });
}

void StreamNet::end(const std::string& why) {
  watch_.reset();
  output_.reset();
  fd_.reset();
  input_.clear();
  if (listener_) return listener_watch_.set_interest(Poller::kRead);
  report_(0, "the network's connection to " + (link_.fd ? "its peer" : link_.remote.text()) + " ended (" +
                 why + "); the guest's cable is out");
}

void StreamNet::send(std::span<const uint8_t> frame) {
  if (!output_ || frame.size() > kMaxFrame || frame.size() + kLength > kOutputLimit - output_->pending())
    return;
  std::vector<uint8_t> bytes(kLength + frame.size());
  for (unsigned i = 0; i < kLength; ++i) bytes[i] = static_cast<uint8_t>(frame.size() >> (24 - 8 * i));
  std::memcpy(bytes.data() + kLength, frame.data(), frame.size());
  output_->write(bytes);
}

void StreamNet::ready() {
  uint8_t bytes[65536];
  const ssize_t n = ::recv(fd_.get(), bytes, sizeof bytes, MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) return end(n ? errno_text(errno) : "closed");
  input_.insert(input_.end(), bytes, bytes + n);
  take_frames();
}

void StreamNet::take_frames() {
  size_t at = 0;
  while (input_.size() - at >= kLength) {
    if (frames_.full()) frames_.deliver();
    if (frames_.full()) break;
    size_t size = 0;
    for (unsigned i = 0; i < kLength; ++i) size = size << 8 | input_[at + i];
    if (size > kMaxFrame) return end("a frame of " + std::to_string(size) + " bytes");
    if (input_.size() - at - kLength < size) break;
    frames_.push(std::span<const uint8_t>(input_).subspan(at + kLength, size));
    at += kLength + size;
  }
  input_.erase(input_.begin(), input_.begin() + static_cast<ptrdiff_t>(at));
  frames_.deliver();
  if (watch_) watch_.set_interest(frames_.full() ? Poller::kNone : Poller::kRead);
}

void StreamNet::buffers_available() {
  frames_.deliver();
  if (fd_ && watch_.interest() == Poller::kNone && !frames_.full()) take_frames();
}

}  // namespace mynah::host
