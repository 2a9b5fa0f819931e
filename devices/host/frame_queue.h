// SPDX-License-Identifier: Apache-2.0
//
// FrameQueue: frames on their way to a network card, handed over one by one until it has no buffer. It holds
// kFrames; what does not fit is dropped, as on a wire.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "devices/core/host_backends.h"

namespace mynah::host {

class FrameQueue {
 public:
  static constexpr size_t kFrames = 256;
  void attach(dev::NetBackend::Receiver receiver);  // the queue is empty then
  void push(std::span<const uint8_t> frame);
  void deliver();  // what the card takes now; from within the card: it takes frames again
  bool empty() const { return frames_.empty(); }
  bool full() const { return frames_.size() >= kFrames; }
  bool blocked() const { return blocked_; }  // the card has no buffer

 private:
  dev::NetBackend::Receiver receiver_;
  std::deque<std::vector<uint8_t>> frames_;
  bool delivering_ = false;
  bool blocked_ = false;
};

}  // namespace mynah::host
