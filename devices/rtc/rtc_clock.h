// SPDX-License-Identifier: Apache-2.0
//
// RtcClock: what a real-time clock device goes by. A source of time and the calendar's distance from it,
// chosen outside: guest time, or a clock of the host that also goes on while the guest is stopped, and that
// somebody may set. Devices read no other clock for their calendars.
#pragma once

#include "devices/core/event_queue.h"

namespace mynah::dev {

class RtcClock {
 public:
  // base_seconds: of the Unix epoch, where the source is at 0. guest_time: the source is the event queue's
  // clock, so that one event comes at the right time; else who waits for a second looks again and again.
  RtcClock(const Clock& source, int64_t base_seconds, bool guest_time)
      : source_(source), base_seconds_(base_seconds), guest_time_(guest_time) {}

  int64_t base_seconds() const { return base_seconds_; }
  bool guest_time() const { return guest_time_; }
  // Whole seconds of the source.
  int64_t seconds() const {
    const TimeNs now = source_.now();
    return now / kSecond - (now % kSecond < 0 ? 1 : 0);
  }
  TimeNs now() const { return source_.now(); }
  // When the source's second begins; kNever beyond the end of time (292 years), 0 before its start.
  static TimeNs time_of(int64_t second) {
    return second > kNever / kSecond ? kNever : second < 0 ? 0 : second * kSecond;
  }

 private:
  static constexpr TimeNs kSecond = 1'000'000'000;
  const Clock& source_;
  int64_t base_seconds_;
  bool guest_time_;
};

}  // namespace mynah::dev
