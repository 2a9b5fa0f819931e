// SPDX-License-Identifier: Apache-2.0
//
// CycleClock: what a CPU's performance monitor counts as cycles. The clock is one of 1 GHz: a cycle is a
// nanosecond of guest time in which the CPU runs. It stands still while the CPU sleeps, as the manual allows
// and as perf expects, who would be woken by its own samples else. With the deterministic clock it advances
// by the same for every instruction.
//
// Loading does not touch the event queue, which restores its own.
#pragma once

#include <functional>

#include "devices/core/device.h"
#include "devices/core/event_queue.h"

namespace mynah::dev {

class CycleClock final : public Stateful {
 public:
  // cpu only names the event. `due` is called when the cycles of call_after() have passed.
  CycleClock(EventQueue& events, unsigned cpu, std::function<void()> due);

  CycleClock(const CycleClock&) = delete;  // the queue's callback points here
  CycleClock& operator=(const CycleClock&) = delete;

  std::string_view name() const override { return "cycle-clock"; }
  void reset() override;  // runs, and calls nobody; the count goes on
  uint32_t state_version() const override { return 1; }

  uint64_t now() const { return static_cast<uint64_t>((asleep_ ? slept_at_ : events_.now()) - slept_); }
  void sleep();
  void wake();
  // Replaces what was asked for before. 0: nothing.
  void call_after(uint64_t cycles);

 private:
  void serialize_state(StateStream&) override;
  void schedule();

  EventQueue& events_;
  std::function<void()> due_;
  EventId id_ = 0;
  bool asleep_ = false, wanted_ = false;
  TimeNs slept_at_ = 0, slept_ = 0;  // when it fell asleep, and how long it slept before
  uint64_t due_at_ = 0;              // in cycles, while wanted_
};

}  // namespace mynah::dev
