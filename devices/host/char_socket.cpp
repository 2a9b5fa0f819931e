// SPDX-License-Identifier: Apache-2.0
//
// unix(7), getaddrinfo(3). A socket file that nothing listens on is left over from a process that was killed,
// and is replaced; any other file is not touched.
#include "devices/host/char_socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "devices/host/addresses.h"

namespace mynah::host {
namespace {

// A socket file that nothing listens on is left over from a process that was killed.
bool is_stale(const sockaddr_un& address) {
  struct stat info {};
  if (::lstat(address.sun_path, &info) != 0 || !S_ISSOCK(info.st_mode)) return false;
  UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return probe && ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
         errno == ECONNREFUSED;
}

}  // namespace

std::string SocketAddress::text() const {
  if (is_unix) return "unix:" + path;
  return (telnet ? "telnet:" : "tcp:") + HostPort{host, port}.text();
}

SocketChar::SocketChar(SocketAddress address, Poller& poller, Report report)
    : address_(std::move(address)), poller_(poller), report_(std::move(report)) {}

SocketChar::~SocketChar() {
  if (connection_ && connection_->output) connection_->output->drain(std::chrono::milliseconds(100));
  if (owns_path_) ::unlink(address_.path.c_str());
}

Result<std::unique_ptr<SocketChar>> SocketChar::open(SocketAddress address, Poller& poller, Report announce,
                                                     Report report) {
  std::unique_ptr<SocketChar> socket(new SocketChar(std::move(address), poller, std::move(report)));
  if (!socket->address_.server) {
    if (auto connected = socket->connect(); !connected) return connected.error();
    return socket;
  }
  if (auto listening = socket->listen(); !listening) return listening.error();
  if (announce)
    announce((socket->address_.wait ? "waiting for a connection on " : "listening on ") +
             socket->address_.text());
  if (socket->address_.wait) {
    if (auto came = socket->wait_for_client(); !came) return came.error();
  }
  return socket;
}

Result<void> SocketChar::listen() {
  auto bound = address_.is_unix ? listen_unix() : listen_tcp();
  if (!bound) return bound;
  if (::listen(listener_.get(), 1) != 0)
    return Error{"cannot listen on " + address_.text() + ": " + errno_text(errno) +
                 "; choose another address"};
  listener_watch_ = poller_.watch(listener_.get(), Poller::kRead, [this](unsigned) { accept(); });
  return {};
}

Result<void> SocketChar::listen_unix() {
  auto address = unix_address(address_.path);
  if (!address) return address.error();
  listener_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (listener_ && is_stale(*address)) ::unlink(address->sun_path);
  if (!listener_ ||
      ::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0)
    return Error{"cannot listen on " + address_.text() + ": " + errno_text(errno) +
                 (errno == EADDRINUSE
                      ? "; stop the program that uses it, remove the file, or choose another path"
                      : "; choose a path in a folder that you may write to")};
  owns_path_ = true;
  return {};
}

Result<void> SocketChar::listen_tcp() {
  auto list = resolve({address_.host, address_.port}, SOCK_STREAM, true);
  if (!list) return list.error();
  int error = 0;
  for (const addrinfo* info = list->first(); info; info = info->ai_next) {
    listener_.reset(::socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int on = 1;
    if (listener_ && ::setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        ::bind(listener_.get(), info->ai_addr, info->ai_addrlen) == 0) {
      sockaddr_storage bound{};
      socklen_t length = sizeof bound;
      ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&bound), &length);
      bound_port_ = ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(bound).sin6_port
                                                      : reinterpret_cast<sockaddr_in&>(bound).sin_port);
      address_.port = std::to_string(bound_port_);
      return {};
    }
    error = errno;
  }
  listener_.reset();
  return Error{"cannot listen on " + address_.text() + ": " + errno_text(error) +
               (error == EADDRINUSE ? "; choose another port or stop the program that uses it"
                                    : "; choose another address or port")};
}

Result<void> SocketChar::connect() {
  int error = ECONNREFUSED;
  if (address_.is_unix) {
    auto address = unix_address(address_.path);
    if (!address) return address.error();
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (fd && ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) == 0) {
      begin(std::move(fd));
      return {};
    }
    error = errno;
  } else {
    auto list = resolve({address_.host, address_.port}, SOCK_STREAM, false);
    if (!list) return list.error();
    for (const addrinfo* info = list->first(); info; info = info->ai_next) {
      UniqueFd fd(::socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
      if (fd && ::connect(fd.get(), info->ai_addr, info->ai_addrlen) == 0) {
        begin(std::move(fd));
        return {};
      }
      error = errno;
    }
  }
  return Error{"cannot connect to " + address_.text() + ": " + errno_text(error) +
               "; start the program that listens there first, or add ,server=on to listen here"};
}

Result<void> SocketChar::wait_for_client() {
  while (!connection_) {
    pollfd fd{listener_.get(), POLLIN, 0};
    if (::poll(&fd, 1, -1) < 0)
      return Error{"interrupted while waiting for a connection on " + address_.text() +
                   "; add ,wait=off to start without one"};
    accept();
    if (listener_watch_.interest() == Poller::kNone && !connection_)
      return Error{"cannot accept a connection on " + address_.text() + "; choose another address"};
  }
  return {};
}

void SocketChar::accept() {
  if (connection_) {
    // Whoever comes right after a client that went has not come second: the end of that one brings it.
    pollfd gone{connection_->fd.get(), POLLRDHUP, 0};
    if (::poll(&gone, 1, 0) > 0) return listener_watch_.set_interest(Poller::kNone);
  }
  UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (fd && connection_) return refuse(std::move(fd));
  if (fd) return begin(std::move(fd));
  if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED) return;
  // Another try now would fail the same way and keep the loop busy; the end of a later connection brings it.
  report_(errno, "cannot accept a connection on " + address_.text() + ": " + errno_text(errno) +
                     "; the serial line stays unconnected");
  listener_watch_.set_interest(Poller::kNone);
}

void SocketChar::refuse_others(Refusal refusal) {
  refusal_ = std::move(refusal);
  if (listener_) listener_watch_.set_interest(Poller::kRead);
}

void SocketChar::refuse(UniqueFd fd) {
  constexpr size_t kMostSeen = 4096;
  if (refusal_->said)
    refusal_->said("another client came to " + address_.text() +
                   " and was refused, because there is one already");
  if (refused_.size() == kMostRefused) refused_.pop_front();
  const int number = fd.get();
  refused_.push_back({std::move(fd), {}, 0});
  const auto it = std::prev(refused_.end());
  it->watch = poller_.watch(number, Poller::kRead, [this, it, number](unsigned) {
    char bytes[512];
    const ssize_t n = ::recv(number, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    it->seen += static_cast<size_t>(std::max<ssize_t>(n, 0));
    const bool asked = n > 0 && std::memchr(bytes, refusal_->after, static_cast<size_t>(n));
    if (n > 0 && !asked && it->seen < kMostSeen) return;
    if (n > 0) {
      [[maybe_unused]] const ssize_t sent =
          ::send(number, refusal_->answer.data(), refusal_->answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      ::shutdown(number, SHUT_WR);
    }
    refused_.erase(it);
  });
}

void SocketChar::begin(UniqueFd fd) {
  // One client at a time; others wait in the kernel's queue, or are told.
  if (!refusal_) listener_watch_.set_interest(Poller::kNone);
  if (!address_.is_unix) {
    const int on = 1;  // keystrokes should not wait for more of them
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  connection_ = std::make_unique<Connection>();
  connection_->fd = std::move(fd);
  connection_->input =
      std::make_unique<InputPump>(poller_, connection_->fd.get(), [this](int error) { end(error); });
  connection_->output = std::make_unique<OutputQueue>(
      poller_, connection_->fd.get(), OutputQueue::WhenFull::kDrop, kOutputLimit,
      OutputQueue::Events{.failed = [this](int error) { end(error); },
                          .dropping =
                              [this] {
                                report_(-1, "the reader of " + address_.text() +
                                                " is too slow; serial output to it is being lost");
                              }});
  if (address_.telnet) {
    telnet_.begin();
    connection_->output->write(Telnet::greeting());
  }
  connection_->input->attach(receiver());
}

void SocketChar::end(int) {
  connection_.reset();
  if (listener_)
    listener_watch_.set_interest(Poller::kRead);
  else
    report_(0, "the connection to " + address_.text() +
                   " was closed; the serial line is unconnected from now on");
}

void SocketChar::write(std::span<const uint8_t> bytes) {
  if (!connection_) return;
  if (address_.telnet) return connection_->output->write(Telnet::escaped(bytes));
  connection_->output->write(bytes);
}

void SocketChar::attach(dev::CharReceiver* receiver) {
  receiver_ = receiver;
  telnet_.attach(receiver);
  if (connection_) connection_->input->attach(this->receiver());
}

void SocketChar::accept_input() {
  if (connection_) connection_->input->resume();
}

}  // namespace mynah::host
