// SPDX-License-Identifier: Apache-2.0
//
// CharBackend: the host side of a serial line, as a device sees it. Host to guest bytes are pushed by the
// backend's owner through CharReceiver (the device), which says how many it can take now; guest to host bytes
// go through write().
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

namespace mynah::dev {

class CharReceiver {
 public:
  virtual ~CharReceiver() = default;
  virtual size_t can_receive() const = 0;                    // bytes, 0 when full
  virtual void receive(std::span<const uint8_t> bytes) = 0;  // at most can_receive() bytes
  virtual void receive_break() {}
};

class CharBackend {
 public:
  virtual ~CharBackend() = default;
  virtual void write(std::span<const uint8_t> bytes) = 0;  // never blocks; drops when the host side is gone
  virtual void attach(CharReceiver* receiver) = 0;         // nullptr detaches
  // The device calls this when can_receive() grew from 0.
  virtual void accept_input() {}
  // Nothing will come any more; where that is not known, false.
  virtual bool input_ended() const { return false; }
};

class NullCharBackend final : public CharBackend {
 public:
  void write(std::span<const uint8_t>) override {}
  void attach(CharReceiver*) override {}
  bool input_ended() const override { return true; }
};

}  // namespace mynah::dev
