// SPDX-License-Identifier: Apache-2.0
//
// The telnet protocol of a serial line's client (RFC 854): its commands are taken out of the input, a break
// becomes one, and 0xff in the output is doubled. The client is asked to send each key at once, and all eight
// bits; what it answers does not matter.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "devices/core/char_backend.h"

namespace mynah::host {

class Telnet final : public dev::CharReceiver {
 public:
  static std::span<const uint8_t> greeting();  // to each client, first
  static std::vector<uint8_t> escaped(std::span<const uint8_t> output);
  void begin() { state_ = State::kData; }  // of a connection
  void attach(dev::CharReceiver* receiver) { receiver_ = receiver; }

  size_t can_receive() const override { return receiver_ ? receiver_->can_receive() : 0; }
  void receive(std::span<const uint8_t> bytes) override;

 private:
  enum class State : uint8_t {
    kData,
    kAfterReturn,
    kCommand,
    kOption,
    kSubnegotiation,
    kSubnegotiationCommand
  };
  dev::CharReceiver* receiver_ = nullptr;
  State state_ = State::kData;
};

}  // namespace mynah::host
