// SPDX-License-Identifier: Apache-2.0
//
// ResetPorts: the eight ports of PCI's configuration mechanism from 0xcf8 on, of which chipsets have reset
// control for themselves: one byte at 0xcf9 (Intel data sheet 290550, 2.5.3), beside the address that is
// written as 32 bits.
#pragma once

#include <functional>
#include <utility>

#include "devices/core/stateless_device.h"

namespace mynah::dev {

class ResetPorts final : public StatelessDevice {
 public:
  // `reset` is called from inside of the guest's write; `kept`: bits of reset control that read as written.
  // The owner saves and resets `control`.
  ResetPorts(std::string_view name, Device& config, uint8_t kept, std::function<void()> reset)
      : StatelessDevice(name), config_(config), kept_(kept), reset_(std::move(reset)) {}

  uint64_t read(Offset offset, Width width) override {
    if (offset == kResetControl && width == Width::k1) return control;
    return config_.read(offset, width);
  }
  void write(Offset offset, Width width, uint64_t value) override {
    if (offset != kResetControl || width != Width::k1) return config_.write(offset, width, value);
    control = static_cast<uint8_t>(value & kept_);
    if (value & kResetProcessor) reset_();
  }

  uint8_t control = 0;

 private:
  static constexpr Offset kResetControl = 1;
  static constexpr uint8_t kResetProcessor = 4;
  Device& config_;
  const uint8_t kept_;
  const std::function<void()> reset_;
};

}  // namespace mynah::dev
