// SPDX-License-Identifier: Apache-2.0
//
// Pm1: ACPI's fixed registers (ACPI 6.4, 4.8.3) as Intel's chipsets have them at PMBASE, twelve bytes:
// status, enable, control, a timer of 24 bits at 3.579545 MHz.
//
// What is not modelled: sleeping with memory on.
#pragma once

#include <functional>
#include <string>

#include "devices/core/device.h"
#include "devices/core/event_queue.h"

namespace mynah::dev {

class Pm1 {
 public:
  static constexpr int64_t kTimerHz = 3579545;
  static constexpr unsigned kSize = 12;
  static constexpr unsigned kOffType = 0;  // of \_S5
  enum Register : Offset { kStatus = 0, kEnable = 2, kControl = 4, kTimer = 8 };
  enum Bits : uint16_t { kTimerBit = 1 << 0, kGlobalBit = 1 << 5, kPowerButton = 1 << 8, kRtc = 1 << 10 };

  // Registers the event "acpi.timer". `off` is called from inside of the guest's write.
  Pm1(EventQueue& events, IrqLine sci, std::function<void()> off, std::function<void()> sleeps);

  void reset();
  // Offsets below kSize.
  uint64_t read(Offset, Width);
  void write(Offset, Width, uint64_t);
  void press_power_button();
  void turn_on(bool on);  // as firmware does it: who has the events
  void serialize(StateStream&);

 private:
  uint8_t read_byte(Offset offset) const;
  void write_byte(Offset offset, uint8_t value);
  void write_control_high(uint8_t value);
  int64_t ticks() const;
  void look();
  void update();

  EventQueue& events_;
  const IrqLine sci_;
  const std::function<void()> off_, sleeps_;
  EventId timer_event_;
  uint16_t status_ = 0, enable_ = 0, control_ = 0;
  int64_t seen_ = 0;  // ticks when the timer was looked at last
};

}  // namespace mynah::dev
