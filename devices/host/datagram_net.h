// SPDX-License-Identifier: Apache-2.0
//
// A network over datagrams, a frame each: to one other machine (UDP or unix sockets), or to all that joined a
// multicast group. A group brings a machine's own frames back; they are known by the address that the machine
// last sent from.
#pragma once

#include <array>
#include <memory>

#include "devices/host/frame_queue.h"
#include "devices/host/make_net.h"
#include "devices/host/poller.h"

namespace mynah::host {

class DatagramNet final : public dev::NetBackend {
 public:
  static Result<std::unique_ptr<DatagramNet>> open(const LinkOptions& link, bool multicast, Poller& poller,
                                                   Report report);
  ~DatagramNet() override;
  void send(std::span<const uint8_t> frame) override;
  void attach(Receiver receiver) override { frames_.attach(std::move(receiver)); }
  void buffers_available() override;

 private:
  DatagramNet(UniqueFd fd, Poller& poller, Report report);
  void ready();
  UniqueFd fd_;
  std::string own_path_;  // of a unix socket
  bool multicast_ = false;
  std::array<uint8_t, 6> own_{};  // the guest's Ethernet address
  alignas(8) std::array<uint8_t, 128> to_{};
  unsigned to_size_ = 0;  // 0: the socket is connected
  OnceReport report_;
  FrameQueue frames_;
  Poller::Watch watch_;
};

}  // namespace mynah::host
