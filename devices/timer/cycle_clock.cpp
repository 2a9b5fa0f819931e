// SPDX-License-Identifier: Apache-2.0
//
// See cycle_clock.h.
#include "devices/timer/cycle_clock.h"

#include <string>

namespace mynah::dev {

CycleClock::CycleClock(EventQueue& events, unsigned cpu, std::function<void()> due)
    : events_(events), due_(std::move(due)) {
  id_ = events_.register_event("cycle-clock" + std::to_string(cpu), [this](uint64_t, TimeNs) {
    wanted_ = false;
    due_();
  });
}

void CycleClock::reset() {
  wake();
  call_after(0);
}

void CycleClock::serialize_state(StateStream& stream) {
  uint8_t flags = asleep_ | wanted_ << 1;
  stream.io(flags);
  stream.io(slept_at_);
  stream.io(slept_);
  stream.io(due_at_);
  asleep_ = flags & 1;
  wanted_ = flags >> 1 & 1;
}

void CycleClock::sleep() {
  if (asleep_) return;
  slept_at_ = events_.now();
  asleep_ = true;
  if (wanted_) events_.cancel(id_);
}

void CycleClock::wake() {
  if (!asleep_) return;
  slept_ += events_.now() - slept_at_;
  asleep_ = false;
  if (wanted_) schedule();
}

void CycleClock::call_after(uint64_t cycles) {
  if (wanted_) events_.cancel(id_);
  wanted_ = cycles != 0 && cycles < static_cast<uint64_t>(kNever);
  due_at_ = now() + cycles;
  if (wanted_ && !asleep_) schedule();
}

void CycleClock::schedule() {
  const uint64_t when = due_at_ + static_cast<uint64_t>(slept_);
  // Beyond the end of guest time (292 years): never.
  if (when < static_cast<uint64_t>(kNever)) events_.schedule(id_, static_cast<TimeNs>(when));
}

}  // namespace mynah::dev
