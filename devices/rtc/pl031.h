// SPDX-License-Identifier: Apache-2.0
//
// PL031: Arm PrimeCell real time clock. Manual: DDI 0224, chapters 2 and 3.
//
// Guest interface: one window of 4 KiB, 32-bit registers; one interrupt line (RTCINTR). The counter holds
// seconds (this board: of the Unix epoch) and counts guest time from the base given at construction.
//
// What differs from the silicon: the counter starts at the base instead of 0 and is always enabled, like a
// battery-backed clock that firmware set long ago; a load takes effect at once, not at the next tick of the 1
// Hz clock. Reset leaves the counter alone.
#pragma once

#include <string>

#include "devices/core/device.h"
#include "devices/core/event_queue.h"

namespace mynah::dev {

class Pl031 final : public Device {
 public:
  static constexpr uint64_t kWindowSize = 0x1000;

  enum Register : Offset {
    kDr = 0x00,
    kMr = 0x04,
    kLr = 0x08,
    kCr = 0x0c,
    kImsc = 0x10,
    kRis = 0x14,
    kMis = 0x18,
    kIcr = 0x1c,
  };

  // base_seconds: the counter's value at guest time 0. Registers the event "<name>.match".
  Pl031(EventQueue& events, IrqLine irq, uint32_t base_seconds, Log& log, std::string name = "pl031");

  std::string_view name() const override { return name_; }
  void reset() override;
  uint64_t read(Offset, Width) override;
  void write(Offset, Width, uint64_t) override;
  // The pending match is part of the event queue's state.
  void serialize(StateStream&) override;

 private:
  int64_t elapsed_seconds() const;
  uint32_t count() const { return base_ + static_cast<uint32_t>(elapsed_seconds()); }
  void schedule_match(uint64_t ticks);
  void program_match();
  void match();
  void update_irq() const { irq_.set((ris_ & imsc_) != 0); }

  EventQueue& events_;
  IrqLine irq_;
  Log& log_;
  std::string name_;
  EventId match_event_;

  uint32_t base_;
  uint32_t mr_ = 0;
  uint32_t lr_ = 0;
  uint8_t imsc_ = 0;
  uint8_t ris_ = 0;
};

}  // namespace mynah::dev
