// SPDX-License-Identifier: Apache-2.0
//
// Networks of every kind, made from what a person asked for.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "devices/core/host_backends.h"
#include "devices/host/addresses.h"
#include "devices/host/slirp_net.h"
#include "devices/host/slirp_options.h"

namespace mynah::host {

enum class NetKind : uint8_t {
  kUser,       // libslirp
  kStream,     // frames with their length over a stream socket, as client or server
  kDatagram,   // a frame a datagram
  kMulticast,  // the same to a group
  kTap,        // an interface of the host
  kBridge,     // the same, made by a helper that may
};

struct SocketEnd {
  bool is_unix = false;
  std::string path;  // unix
  HostPort at;       // else
  bool given() const { return is_unix ? !path.empty() : !at.port.empty(); }
  std::string text() const { return is_unix ? "unix:" + path : at.text(); }
};

struct LinkOptions {
  SocketEnd local, remote;  // kStream: a server is at `local`, a client goes to `remote`
  bool server = false;
  std::optional<int> fd;                               // of a socket or a tap that somebody opened
  std::string interface_name, up_script, down_script;  // kTap; empty: none
  std::string bridge = "br0";
  std::string helper = "/usr/lib/qemu/qemu-bridge-helper";
};

struct NetEnv {
  SlirpNet::Env user;
  Report announce = nullptr;
  Report report = nullptr;  // failures of the host at run time, each kind once
};

Result<std::unique_ptr<dev::NetBackend>> make_net(NetKind kind, SlirpOptions user, LinkOptions link,
                                                  Poller& poller, NetEnv env);

}  // namespace mynah::host
