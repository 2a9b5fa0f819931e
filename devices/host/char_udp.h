// SPDX-License-Identifier: Apache-2.0
//
// A serial line over UDP: what the guest writes at a time is a datagram to one address, and datagrams are its
// input. Nobody knows whether anybody listens.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "devices/core/char_backend.h"
#include "devices/host/poller.h"

namespace mynah::host {

struct UdpAddress {
  std::string host, port;              // where to; host empty: this one
  std::string local_host, local_port;  // where from; empty: any
};

class UdpChar final : public dev::CharBackend {
 public:
  static Result<std::unique_ptr<UdpChar>> open(const UdpAddress& address, Poller& poller);
  void write(std::span<const uint8_t> bytes) override;
  void attach(dev::CharReceiver* receiver) override;
  void accept_input() override;

 private:
  UdpChar(UniqueFd fd, Poller& poller);
  void ready();
  void deliver();
  UniqueFd fd_;
  dev::CharReceiver* receiver_ = nullptr;
  std::vector<uint8_t> datagram_;  // what the receiver has not taken of it
  Poller::Watch watch_;
};

}  // namespace mynah::host
