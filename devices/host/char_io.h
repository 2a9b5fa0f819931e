// SPDX-License-Identifier: Apache-2.0
//
// The two halves that the character backends on file descriptors share.
//
// InputPump moves bytes from a descriptor to the receiver, never more than it can take; a full receiver means
// that the descriptor is not even polled until resume(). OutputQueue writes at once what the host takes and
// keeps the rest, in order, until the descriptor is writable again.
//
// Both call their owner's callback as their last action, so the owner may destroy them in it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "devices/core/char_backend.h"
#include "devices/host/poller.h"

namespace mynah::host {

class InputPump {
 public:
  // `ended` is called once, with 0 at end of file or an errno; reading has stopped then.
  using Ended = std::function<void(int error)>;
  InputPump(Poller& poller, int fd, Ended ended);
  void attach(dev::CharReceiver* receiver);
  void resume();  // the receiver has room again

 private:
  void ready();
  int fd_;
  bool done_ = false;
  dev::CharReceiver* receiver_ = nullptr;
  Ended ended_;
  Poller::Watch watch_;
};

class OutputQueue {
 public:
  enum class WhenFull {
    kDrop,  // drop what does not fit
    kWait,  // wait for the host, dropping only after kPatience without any progress
  };
  static constexpr std::chrono::milliseconds kPatience{2000};
  struct Events {
    std::function<void(int error)> failed;     // a write failed; see usable()
    std::function<void()> dropping = nullptr;  // bytes are lost because the queue is full
  };

  OutputQueue(Poller& poller, int fd, WhenFull when_full, size_t capacity, Events events);
  void write(std::span<const uint8_t> bytes);
  // Waits until all is written or nothing was for `patience`.
  void drain(std::chrono::milliseconds patience);
  size_t pending() const { return pending_.size() - head_; }
  // False after an error that later writes cannot outlive. A full disk is not one.
  bool usable() const { return usable_; }

 private:
  size_t write_now(std::span<const uint8_t> bytes, int& error);
  bool flush(int& error);  // true when something was written
  void fail(int error);
  void ready(unsigned what);
  int fd_;
  bool socket_ = false;
  bool may_block_ = false;
  bool usable_ = true;
  bool stalled_ = false;
  WhenFull when_full_;
  size_t capacity_;
  Events events_;
  std::vector<uint8_t> pending_;
  size_t head_ = 0;  // bytes of pending_ already written
  Poller::Watch watch_;
};

constexpr size_t kOutputLimit = size_t{1} << 20;  // bytes a slow reader may lag behind

}  // namespace mynah::host
