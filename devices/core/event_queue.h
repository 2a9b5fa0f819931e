// SPDX-License-Identifier: Apache-2.0
//
// EventQueue: every timed thing of a machine. Guest time is in nanoseconds since machine start, read from a
// Clock (instruction count or host time; the queue does not care). Events are data, an id and an integer, so
// the queue can be saved; callbacks are registered by name at construction, in a fixed order.
//
// Contracts: events run in order of (time, order of scheduling). A callback is told how late it is (>= 0 ns).
// An event scheduled in the past runs at the next run_due(). A callback may schedule and cancel, itself too;
// an event it schedules for now or earlier runs in the same run_due().
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "devices/core/state_stream.h"

namespace mynah::dev {

using TimeNs = int64_t;
constexpr TimeNs kNever = std::numeric_limits<TimeNs>::max();

class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimeNs now() const = 0;
};

// A clock that a test sets by hand.
class ManualClock final : public Clock {
 public:
  TimeNs now() const override { return time; }
  TimeNs time = 0;
};

using EventId = uint32_t;

class EventQueue {
 public:
  using Callback = std::function<void(uint64_t data, TimeNs late)>;

  explicit EventQueue(const Clock& clock) : clock_(clock) {}

  // Names are unique; registering one twice is a programming error (asserts).
  EventId register_event(std::string name, Callback callback);

  TimeNs now() const { return clock_.now(); }
  void schedule(EventId id, TimeNs when, uint64_t data = 0);
  // Removes every pending occurrence of id.
  void cancel(EventId id);
  // cancel + schedule.
  void reschedule(EventId id, TimeNs when, uint64_t data = 0);
  bool pending(EventId id) const;
  // Time of the earliest pending event, kNever when there is none.
  TimeNs next_deadline() const { return heap_.empty() ? kNever : heap_.front().when; }
  // Runs every event whose time is <= now(), and returns that time. Whoever is about to show a condition of
  // the clock calls this first: then nobody sees the condition without what comes of it, an interrupt.
  TimeNs run_due();
  // Called whenever next_deadline() may have moved earlier (the engine shortens its slice).
  void on_earlier_deadline(std::function<void()> notify) { notify_ = std::move(notify); }
  void serialize(StateStream&);

 private:
  struct Entry {
    TimeNs when;
    uint64_t order;
    EventId id;
    uint64_t data;
  };
  struct Registration {
    std::string name;
    Callback callback;
  };
  static bool later(const Entry& a, const Entry& b) {
    return a.when != b.when ? a.when > b.when : a.order > b.order;
  }
  const Clock& clock_;
  std::vector<Registration> registrations_;
  std::vector<Entry> heap_;
  uint64_t next_order_ = 0;
  std::function<void()> notify_;
};

}  // namespace mynah::dev
