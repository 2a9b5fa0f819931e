// SPDX-License-Identifier: Apache-2.0
//
// A card that takes a frame may ask for more from within: that is noted, and the loop goes on.
#include "devices/host/frame_queue.h"

#include <utility>

namespace mynah::host {

void FrameQueue::attach(dev::NetBackend::Receiver receiver) {
  receiver_ = std::move(receiver);
  frames_.clear();
  blocked_ = false;
}

void FrameQueue::push(std::span<const uint8_t> frame) {
  if (receiver_ && !full()) frames_.emplace_back(frame.begin(), frame.end());
}

void FrameQueue::deliver() {
  blocked_ = false;
  if (delivering_) return;
  delivering_ = true;
  while (receiver_ && !frames_.empty()) {
    std::vector<uint8_t> frame = std::move(frames_.front());
    frames_.pop_front();
    if (!receiver_(frame)) {
      frames_.push_front(std::move(frame));
      blocked_ = true;
      break;
    }
  }
  delivering_ = false;
}

}  // namespace mynah::host
