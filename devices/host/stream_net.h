// SPDX-License-Identifier: Apache-2.0
//
// A network of two machines over a stream socket: each frame behind its length, four bytes, the most
// significant first. A server has one client at a time, and frames without one are dropped.
#pragma once

#include <memory>
#include <vector>

#include "devices/host/char_io.h"
#include "devices/host/frame_queue.h"
#include "devices/host/make_net.h"
#include "devices/host/poller.h"

namespace mynah::host {

class StreamNet final : public dev::NetBackend {
 public:
  static constexpr size_t kMaxFrame = 65550;  // bytes; a longer one ends the connection
  static Result<std::unique_ptr<StreamNet>> open(LinkOptions link, Poller& poller, NetEnv env);
  ~StreamNet() override;
  void send(std::span<const uint8_t> frame) override;
  void attach(Receiver receiver) override { frames_.attach(std::move(receiver)); }
  void buffers_available() override;
  int port() const { return port_; }  // of a TCP server

 private:
  StreamNet(LinkOptions link, Poller& poller, NetEnv env);
  Result<void> listen();
  Result<void> connect();
  void begin(UniqueFd fd);
  void end(const std::string& why);
  void accept();
  void ready();
  void take_frames();

  LinkOptions link_;
  Poller& poller_;
  NetEnv env_;
  OnceReport report_;
  FrameQueue frames_;
  int port_ = 0;
  bool owns_path_ = false;
  UniqueFd listener_, fd_;
  Poller::Watch listener_watch_, watch_;
  std::unique_ptr<OutputQueue> output_;
  std::vector<uint8_t> input_;
};

}  // namespace mynah::host
