// SPDX-License-Identifier: Apache-2.0
//
// Port92: "system control port A" of PS/2s and what came after them, one byte: bit 0 resets the processor
// when it is set, bit 1 opens the gate of address line 20. It keeps that gate, in which the keyboard
// controller has a say, too: whoever set it last is who counts.
#pragma once

#include <functional>
#include <utility>

#include "devices/core/device.h"

namespace mynah::dev {

class Port92 final : public Device {
 public:
  // Both are called from inside of the guest's write; `a20` also at reset, and when state is restored.
  Port92(std::function<void(bool on)> a20, std::function<void()> reset)
      : a20_(std::move(a20)), reset_(std::move(reset)) {}

  void set_a20(bool on) {
    open_ = on;
    a20_(on);
  }

  std::string_view name() const override { return "port92"; }
  uint32_t state_version() const override { return 1; }
  void reset() override {
    value_ = 0;
    set_a20(true);
  }
  uint64_t read(Offset, Width) override { return value_; }
  void write(Offset, Width, uint64_t value) override {
    const bool resets = value & kReset && !(value_ & kReset);
    value_ = static_cast<uint8_t>(value & (kReset | kA20));
    set_a20(value_ & kA20);
    if (resets) reset_();
  }

 private:
  static constexpr uint8_t kReset = 1, kA20 = 2;
  void serialize_state(StateStream& s) override {
    s.io(value_);
    s.io(open_);
    if (!s.loading()) return;
    value_ &= kReset | kA20;
    a20_(open_);
  }
  const std::function<void(bool)> a20_;
  const std::function<void()> reset_;
  uint8_t value_ = 0;
  bool open_ = true;
};

}  // namespace mynah::dev
