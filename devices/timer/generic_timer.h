// SPDX-License-Identifier: Apache-2.0
//
// GenericTimer: one CPU's view of the Arm generic timer at EL1: the system counter, the EL1 physical timer
// (CNTP_*, PPI 30) and the virtual timer (CNTV_*, PPI 27) with CNTVOFF_EL2 fixed at 0, so that both read one
// counter. Arm DDI 0487 chapter D12 (D11 in later issues). event_stream.h has the event stream. Not modelled:
// hypervisor and secure timers, the memory-mapped frames.
//
// The counter is floor(now * frequency / 10^9) in exact arithmetic. A timer's condition is met when the
// counter, as an unsigned 64-bit number, is at or above CVAL. The line of a timer that is enabled and not
// masked rises by an event at the first nanosecond where that holds, or when a register that shows it is read
// before the event ran.
//
// Loading does not touch the lines or the event queue: the interrupt controller and the queue restore theirs.
#pragma once

#include <array>
#include <cstdint>

#include "devices/core/device.h"
#include "devices/core/event_queue.h"

namespace mynah::dev {

class GenericTimer final : public Stateful {
 public:
  enum class Timer : uint8_t { kPhysical, kVirtual };
  static constexpr unsigned kPhysicalPpi = 30, kVirtualPpi = 27;  // interrupt IDs
  static constexpr uint32_t kDefaultFrequency = 62'500'000;       // Hz

  // CTL bits.
  static constexpr uint64_t kEnable = 1, kImask = 2, kIstatus = 4;

  // cpu only names the events. frequency is in Hz, not 0.
  GenericTimer(EventQueue& events, unsigned cpu, IrqLine physical, IrqLine virtual_,
               uint32_t frequency = kDefaultFrequency);

  GenericTimer(const GenericTimer&) = delete;  // the queue's callbacks point here
  GenericTimer& operator=(const GenericTimer&) = delete;

  std::string_view name() const override { return "generic-timer"; }
  void reset() override;
  uint32_t state_version() const override { return 1; }

  uint32_t frequency() const { return frequency_; }
  uint64_t counter() const { return counter_at(events_.now()); }
  uint64_t counter_at(TimeNs now) const;  // now >= 0
  // The first nanosecond at which the counter is at or above `value`; kNever when there is none.
  TimeNs time_of(uint64_t value) const;

  uint64_t read_ctl(Timer);
  uint64_t read_cval(Timer t) const { return at(t).cval; }
  uint64_t read_tval(Timer);
  void write_ctl(Timer, uint64_t value);
  void write_cval(Timer, uint64_t value);
  // A signed 32-bit distance from now.
  void write_tval(Timer, uint64_t value);

  bool line(Timer t) const { return at(t).level; }

 private:
  void serialize_state(StateStream&) override;
  struct State {
    uint8_t ctl = 0;  // ENABLE, IMASK
    uint64_t cval = 0;
    bool level = false;        // what the line carries
    TimeNs deadline = kNever;  // of the event in the queue, kNever when there is none
    IrqLine line;
    EventId event = 0;
  };
  State& at(Timer t) { return timers_[static_cast<unsigned>(t)]; }
  const State& at(Timer t) const { return timers_[static_cast<unsigned>(t)]; }
  void update(State& state) { update(state, counter()); }
  void update(State&, uint64_t counter);

  EventQueue& events_;
  const uint32_t frequency_;
  std::array<State, 2> timers_;
};

}  // namespace mynah::dev
