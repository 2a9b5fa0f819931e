// SPDX-License-Identifier: Apache-2.0
//
// getaddrinfo(3), udp(7).
#include "devices/host/addresses.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace mynah::host {

std::string HostPort::text() const {
  return (host.find(':') != std::string::npos ? "[" + host + "]" : host) + ":" + port;
}

std::optional<HostPort> parse_host_port(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon + 1 == text.size()) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  return HostPort{std::string(host), std::string(text.substr(colon + 1))};
}

Result<AddressList> resolve(const HostPort& address, int kind, bool to_listen) {
  addrinfo hints{};
  hints.ai_socktype = kind;
  if (to_listen) hints.ai_flags = AI_PASSIVE;
  addrinfo* first = nullptr;
  const int error = ::getaddrinfo(address.host.empty() ? nullptr : address.host.c_str(), address.port.c_str(),
                                  &hints, &first);
  if (error != 0 || !first)
    return Error{"cannot find the address " + address.text() + ": " + ::gai_strerror(error) +
                 "; check the host name and the port"};
  return AddressList(first);
}

Result<UniqueFd> connected_datagrams(const HostPort& remote, const HostPort& local) {
  auto to = resolve(remote, SOCK_DGRAM, false);
  if (!to) return to.error();
  AddressList from;
  if (!local.port.empty()) {
    auto found = resolve(local, SOCK_DGRAM, true);
    if (!found) return found.error();
    from = std::move(*found);
  }
  int error = EAFNOSUPPORT;
  for (const addrinfo* t = to->first(); t; t = t->ai_next) {
    UniqueFd fd(::socket(t->ai_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) continue;
    bool bound = !from.first();
    for (const addrinfo* f = from.first(); f && !bound; f = f->ai_next) {
      if (f->ai_family != t->ai_family) continue;
      const int on = 1;
      ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
      bound = ::bind(fd.get(), f->ai_addr, f->ai_addrlen) == 0;
      if (!bound) error = errno;
    }
    if (!bound) continue;
    if (::connect(fd.get(), t->ai_addr, t->ai_addrlen) == 0) return fd;
    error = errno;
  }
  return Error{"cannot send to " + remote.text() + (local.port.empty() ? "" : " from " + local.text()) +
               " by UDP: " + errno_text(error) + "; choose other addresses"};
}

Result<sockaddr_un> unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty()) return Error{"a unix socket needs a path; write unix:PATH"};
  if (path.size() >= sizeof address.sun_path)
    return Error{"the socket path '" + path + "' is longer than the system's limit of " +
                 std::to_string(sizeof address.sun_path - 1) + " bytes; use a shorter one"};
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

}  // namespace mynah::host
