// SPDX-License-Identifier: Apache-2.0
//
// udp(7). A datagram that finds the receiver full waits, and so do those behind it, in the kernel.
#include "devices/host/char_udp.h"

#include <sys/socket.h>

#include <algorithm>

#include "devices/host/addresses.h"

namespace mynah::host {

Result<std::unique_ptr<UdpChar>> UdpChar::open(const UdpAddress& a, Poller& poller) {
  auto fd = connected_datagrams({a.host, a.port}, {a.local_host, a.local_port});
  if (!fd) return fd.error();
  return std::unique_ptr<UdpChar>(new UdpChar(std::move(*fd), poller));
}

UdpChar::UdpChar(UniqueFd fd, Poller& poller)
    : fd_(std::move(fd)), watch_(poller.watch(fd_.get(), Poller::kNone, [this](unsigned) { ready(); })) {}

void UdpChar::write(std::span<const uint8_t> bytes) {
  constexpr size_t kMost = 1472;  // bytes that one Ethernet frame carries
  while (!bytes.empty()) {
    const auto part = bytes.first(std::min(bytes.size(), kMost));
    [[maybe_unused]] const ssize_t sent =
        ::send(fd_.get(), part.data(), part.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    bytes = bytes.subspan(part.size());
  }
}

void UdpChar::attach(dev::CharReceiver* receiver) {
  receiver_ = receiver;
  accept_input();
}

void UdpChar::accept_input() {
  deliver();
  watch_.set_interest(receiver_ && datagram_.empty() ? Poller::kRead : Poller::kNone);
}

void UdpChar::ready() {
  uint8_t bytes[65536];
  const ssize_t n = ::recv(fd_.get(), bytes, sizeof bytes, MSG_DONTWAIT);
  if (n > 0) datagram_.assign(bytes, bytes + n);
  accept_input();
}

void UdpChar::deliver() {
  while (receiver_ && !datagram_.empty()) {
    const size_t n = std::min(receiver_->can_receive(), datagram_.size());
    if (n == 0) return;
    const std::vector<uint8_t> part(datagram_.begin(), datagram_.begin() + static_cast<ptrdiff_t>(n));
    datagram_.erase(datagram_.begin(), datagram_.begin() + static_cast<ptrdiff_t>(n));
    receiver_->receive(part);
  }
}

}  // namespace mynah::host
