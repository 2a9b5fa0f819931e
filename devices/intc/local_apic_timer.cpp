// SPDX-License-Identifier: Apache-2.0
//
// The local APIC's timer (Intel SDM volume 3, "APIC Timer"). A count takes divider() nanoseconds.
#include "devices/intc/local_apic.h"

namespace mynah::dev {

namespace {
constexpr uint32_t kOneShot = 0, kPeriodic = 1, kDeadline = 2;
}

// Bits 3, 1, 0: 2, 4, ... 128, 1.
uint64_t LocalApic::divider() const {
  const unsigned n = (divide_ & 3) | (divide_ >> 1 & 4);
  return n == 7 ? 1 : uint64_t{2} << n;
}

uint32_t LocalApic::current_count() const {
  if (timer_mode() == kDeadline || start_count_ == 0) return 0;
  const auto counts = static_cast<uint64_t>(events_.now() - timer_start_) / divider();
  if (counts < start_count_) return start_count_ - static_cast<uint32_t>(counts);
  if (timer_mode() != kPeriodic || initial_count_ == 0) return 0;
  return initial_count_ - static_cast<uint32_t>((counts - start_count_) % initial_count_);
}

void LocalApic::stop_timer() {
  events_.cancel(timer_event_);
  start_count_ = 0;
  deadline_ = 0;
}

void LocalApic::start_timer(TimeNs from, uint32_t count) {
  events_.cancel(timer_event_);
  timer_start_ = from;
  start_count_ = count;
  if (count == 0) return;
  const auto length = static_cast<TimeNs>(count * divider());
  if (length < kNever - from) events_.schedule(timer_event_, from + length);
}

// The count goes on at another pace.
void LocalApic::set_divider(uint32_t value) {
  const uint32_t left = current_count();
  divide_ = value & 0xb;
  if (left) start_timer(events_.now(), left);
}

// To and from TSC deadline the timer is disarmed. Between the other two the count goes on, as processors have
// it, although the manual's section on TSC deadline can be read otherwise: the mode is looked at when the
// count is at its end.
void LocalApic::set_timer_mode(uint32_t entry) {
  const uint32_t before = timer_mode(), left = current_count();
  lvt_[kTimer] = entry;
  const uint32_t after = timer_mode();
  if (before == after) return;
  if (before == kDeadline || after == kDeadline) {
    stop_timer();
    initial_count_ = 0;
  } else if (left) {
    start_timer(events_.now(), left);
  }
}

void LocalApic::set_deadline(uint64_t tsc_value) {
  deadline_ = tsc_value;
  events_.cancel(timer_event_);
  if (tsc_value == 0) return;
  const uint64_t now = tsc();
  const uint64_t ahead = tsc_value > now ? tsc_value - now : 0;
  // Farther than time goes: never.
  if (ahead < static_cast<uint64_t>(kNever - events_.now()))
    events_.schedule(timer_event_, events_.now() + static_cast<TimeNs>(ahead));
}

void LocalApic::set_tsc_offset(uint64_t offset) {
  tsc_offset_ = offset;
  if (timer_mode() == kDeadline && deadline_) set_deadline(deadline_);
}

void LocalApic::timer_expired(TimeNs late) {
  switch (timer_mode()) {
    case kPeriodic: {
      // One that is late by more than a period has lost ticks, as a masked one loses them.
      const auto period = static_cast<TimeNs>(initial_count_ * divider());
      const TimeNs due = events_.now() - late;
      start_timer(period > 0 ? due + late / period * period : due, initial_count_);
      break;
    }
    case kDeadline:
      deadline_ = 0;
      break;
    default:
      start_count_ = 0;
      break;
  }
  fire(kTimer);
}

}  // namespace mynah::dev
