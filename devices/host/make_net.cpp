// SPDX-License-Identifier: Apache-2.0
//
// One case a kind.
#include "devices/host/make_net.h"

#include "devices/host/datagram_net.h"
#include "devices/host/stream_net.h"
#include "devices/host/tap_net.h"

namespace mynah::host {
namespace {

using Backend = std::unique_ptr<dev::NetBackend>;

template <typename T>
Result<Backend> as_backend(Result<std::unique_ptr<T>> made) {
  if (!made) return made.error();
  return Backend(std::move(*made));
}

}  // namespace

Result<Backend> make_net(NetKind kind, SlirpOptions user, LinkOptions link, Poller& poller, NetEnv env) {
  ignore_write_signals();
  switch (kind) {
    case NetKind::kUser:
      break;
    case NetKind::kStream:
      return as_backend(StreamNet::open(std::move(link), poller, std::move(env)));
    case NetKind::kDatagram:
    case NetKind::kMulticast:
      return as_backend(DatagramNet::open(link, kind == NetKind::kMulticast, poller, std::move(env.report)));
    case NetKind::kTap:
    case NetKind::kBridge:
      return as_backend(
          TapNet::open(std::move(link), kind == NetKind::kBridge, poller, std::move(env.report)));
  }
  return as_backend(SlirpNet::create(std::move(user), poller, std::move(env.user)));
}

}  // namespace mynah::host
