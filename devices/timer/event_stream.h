// SPDX-License-Identifier: Apache-2.0
//
// EventStream: the events that the generic timer sends to one CPU for its WFE, one whenever a chosen bit of
// the virtual counter changes in the chosen direction. Arm DDI 0487 chapter D12 (D11 in later issues), "Event
// streams", and CNTKCTL_EL1.
//
// A stream is thousands of events a second that hardly anybody looks at. So none is in the queue but
// the one that a sleeping CPU waits for: whether others have passed meanwhile is computed when asked.
#pragma once

#include <functional>

#include "devices/timer/generic_timer.h"

namespace mynah::dev {

class EventStream final : public Stateful {
 public:
  // cpu only names the event. `event` is called when the one that wait() asked for comes.
  EventStream(EventQueue& events, const GenericTimer& timer, unsigned cpu, std::function<void()> event);

  EventStream(const EventStream&) = delete;  // the queue's callback points here
  EventStream& operator=(const EventStream&) = delete;

  std::string_view name() const override { return "event-stream"; }
  void reset() override { set(false, 0, false); }
  uint32_t state_version() const override { return 1; }

  // bit: of the counter, 0 to 63. falling: from 1 to 0, else from 0 to 1. Nobody may be waiting.
  void set(bool enabled, unsigned bit, bool falling);
  bool enabled() const { return enabled_; }
  // Whether there was an event since the last take(), set() or event called.
  bool take();

  void wait();
  void stop_waiting();

 private:
  void serialize_state(StateStream&) override;
  uint64_t count_at(uint64_t counter) const;  // events while the counter went from 0 to there
  uint64_t counter_of(uint64_t count) const;  // the counter at the count-th event

  EventQueue& events_;
  const GenericTimer& timer_;
  std::function<void()> event_;
  EventId id_ = 0;
  bool enabled_ = false, falling_ = false, waiting_ = false;
  uint8_t bit_ = 0;
  uint64_t seen_ = 0;  // the counter when take() last answered
};

}  // namespace mynah::dev
