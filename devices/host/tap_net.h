// SPDX-License-Identifier: Apache-2.0
//
// An interface of the host as the other end of the guest's cable: a tap that this process makes or is let
// use, one that comes as a descriptor, or one on a bridge that a privileged helper makes.
#pragma once

#include <memory>
#include <string>

#include "devices/host/frame_queue.h"
#include "devices/host/make_net.h"
#include "devices/host/poller.h"

namespace mynah::host {

class TapNet final : public dev::NetBackend {
 public:
  static Result<std::unique_ptr<TapNet>> open(LinkOptions link, bool by_helper, Poller& poller,
                                              Report report);
  ~TapNet() override;
  void send(std::span<const uint8_t> frame) override;
  void attach(Receiver receiver) override { frames_.attach(std::move(receiver)); }
  void buffers_available() override;

 private:
  TapNet(UniqueFd fd, LinkOptions link, Poller& poller, Report report);
  void ready();
  UniqueFd fd_;
  LinkOptions link_;
  OnceReport report_;
  FrameQueue frames_;
  Poller::Watch watch_;
};

}  // namespace mynah::host
