// SPDX-License-Identifier: Apache-2.0
//
// PL031: Arm PrimeCell real time clock. Manual: DDI 0224, chapters 2 and 3.
//
// Guest interface: one window of 4 KiB, 32-bit registers; one interrupt line (RTCINTR). The counter holds
// seconds (this board: of the Unix epoch) and goes by an RtcClock.
//
// The match is looked for when an event says so and at each access, so that no register shows a counter
// beyond it without RTCRIS and the line. A clock that is not guest time may have moved unseen: while the
// interrupt is waited for, the device looks once a second of guest time; else the next access finds what
// happened.
//
// What differs from the silicon: the counter starts at the base instead of 0 and is always enabled, like a
// battery-backed clock that firmware set long ago; a load takes effect at once, not at the next tick of the 1
// Hz clock; a match that the clock jumped over counts, and comes again where the clock was set back. Reset
// leaves the counter alone.
#pragma once

#include <string>

#include "devices/core/device.h"
#include "devices/core/event_queue.h"
#include "devices/rtc/rtc_clock.h"

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

  // The clock outlives the device. Registers the event "<name>.match".
  Pl031(EventQueue& events, IrqLine irq, const RtcClock& clock, Log& log, std::string name = "pl031");

  std::string_view name() const override { return name_; }
  void reset() override;
  uint64_t read(Offset, Width) override;
  void write(Offset, Width, uint64_t) override;
  // The pending match is part of the event queue's state.
  uint32_t state_version() const override { return 2; }

  // The clock may have moved otherwise than guest time: looks for the match now.
  void clock_moved() { look(); }

 private:
  void serialize_state(StateStream&) override;
  // As of the last look: with a match at that time comes its interrupt.
  uint32_t count() const { return base_ + static_cast<uint32_t>(seen_); }
  void program_match();
  void look();
  void schedule();
  void update_irq() const { irq_.set((ris_ & imsc_) != 0); }

  EventQueue& events_;
  const RtcClock& clock_;
  IrqLine irq_;
  Log& log_;
  std::string name_;
  EventId match_event_;

  uint32_t base_;              // what the counter is ahead of the clock's seconds
  int64_t match_at_ = 0;       // the clock's second of the next match
  int64_t seen_ = 0;           // the clock's second when the device looked last
  TimeNs scheduled_ = kNever;  // the event in the queue
  uint32_t mr_ = 0;
  uint32_t lr_ = 0;
  uint8_t imsc_ = 0;
  uint8_t ris_ = 0;
};

}  // namespace mynah::dev
