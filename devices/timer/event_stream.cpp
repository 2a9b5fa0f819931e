// SPDX-License-Identifier: Apache-2.0
//
// See event_stream.h.
#include "devices/timer/event_stream.h"

#include <string>

namespace mynah::dev {

EventStream::EventStream(EventQueue& events, const GenericTimer& timer, unsigned cpu,
                         std::function<void()> event)
    : events_(events), timer_(timer), event_(std::move(event)) {
  id_ = events_.register_event("event-stream" + std::to_string(cpu), [this](uint64_t, TimeNs) {
    waiting_ = false;
    seen_ = timer_.counter();
    event_();
  });
}

void EventStream::serialize_state(StateStream& stream) {
  uint8_t flags = enabled_ | falling_ << 1 | waiting_ << 2;
  stream.io(flags);
  stream.io(bit_);
  stream.io(seen_);
  enabled_ = flags & 1;
  falling_ = flags >> 1 & 1;
  waiting_ = flags >> 2 & 1;
  bit_ &= 63;
}

void EventStream::set(bool enabled, unsigned bit, bool falling) {
  stop_waiting();
  enabled_ = enabled;
  bit_ = bit & 63;
  falling_ = falling;
  seen_ = timer_.counter();
}

bool EventStream::take() {
  const uint64_t now = timer_.counter();
  const bool passed = enabled_ && count_at(now) != count_at(seen_);
  seen_ = now;
  return passed;
}

void EventStream::wait() {
  if (!enabled_ || waiting_) return;
  const TimeNs when = timer_.time_of(counter_of(count_at(timer_.counter()) + 1));
  if (when == kNever) return;
  waiting_ = true;
  events_.schedule(id_, when);
}

void EventStream::stop_waiting() {
  if (waiting_) events_.cancel(id_);
  waiting_ = false;
}

// The bit's changes, counted from 0: the first is to 1, the second to 0, and so on.
uint64_t EventStream::count_at(uint64_t counter) const {
  const uint64_t changes = counter >> bit_;
  return falling_ ? changes >> 1 : (changes >> 1) + (changes & 1);
}

uint64_t EventStream::counter_of(uint64_t count) const { return (2 * count - (falling_ ? 0 : 1)) << bit_; }

}  // namespace mynah::dev
