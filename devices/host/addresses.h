// SPDX-License-Identifier: Apache-2.0
//
// Names and ports of the Internet as people write them, and sockets for datagrams between two of them.
#pragma once

#include <netdb.h>
#include <sys/un.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "devices/host/fd.h"
#include "ir/result.h"

namespace mynah::host {

struct HostPort {
  std::string host;          // a name or a number; empty: any for who listens, this host for who connects
  std::string port;          // a number or the name of a service
  std::string text() const;  // with brackets around an address that has colons
};
// "HOST:PORT", ":PORT", "[::1]:PORT". Nothing when there is no port.
std::optional<HostPort> parse_host_port(std::string_view text);

class AddressList {
 public:
  AddressList() = default;
  explicit AddressList(addrinfo* first) : first_(first) {}
  AddressList(AddressList&& other) noexcept : first_(std::exchange(other.first_, nullptr)) {}
  AddressList& operator=(AddressList&& other) noexcept {
    std::swap(first_, other.first_);
    return *this;
  }
  ~AddressList() {
    if (first_) ::freeaddrinfo(first_);
  }
  const addrinfo* first() const { return first_; }

 private:
  addrinfo* first_ = nullptr;
};

// `kind` is SOCK_STREAM or SOCK_DGRAM; at least one address.
Result<AddressList> resolve(const HostPort& address, int kind, bool to_listen);

// A datagram socket that sends to `remote` and takes what comes from there; bound to `local` where that has a
// port.
Result<UniqueFd> connected_datagrams(const HostPort& remote, const HostPort& local);

// Of a Unix socket.
Result<sockaddr_un> unix_address(const std::string& path);

}  // namespace mynah::host
