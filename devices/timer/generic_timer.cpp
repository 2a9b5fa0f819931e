// SPDX-License-Identifier: Apache-2.0
//
// See generic_timer.h.
#include "devices/timer/generic_timer.h"

#include <cassert>
#include <string>

namespace mynah::dev {

namespace {

__extension__ using Wide = unsigned __int128;
constexpr uint64_t kNsPerSecond = 1'000'000'000;

}  // namespace

GenericTimer::GenericTimer(EventQueue& events, unsigned cpu, IrqLine physical, IrqLine virtual_,
                           uint32_t frequency)
    : events_(events), frequency_(frequency) {
  assert(frequency != 0);
  const std::string prefix = "generic-timer" + std::to_string(cpu);
  auto connect = [&](Timer timer, const char* suffix, IrqLine line) {
    State& state = at(timer);
    state.line = line;
    state.event = events_.register_event(prefix + suffix, [this, &state](uint64_t, TimeNs) {
      state.deadline = kNever;
      update(state);
    });
  };
  connect(Timer::kPhysical, ".physical", physical);
  connect(Timer::kVirtual, ".virtual", virtual_);
}

void GenericTimer::reset() {
  for (State& state : timers_) {
    state.ctl = 0;
    state.cval = 0;
    update(state);
  }
}

void GenericTimer::serialize_state(StateStream& stream) {
  for (State& state : timers_) {
    stream.io(state.ctl);
    stream.io(state.cval);
    uint8_t level = state.level;  // a bool read from a damaged stream must be 0 or 1
    stream.io(level);
    state.level = level & 1;
    stream.io(state.deadline);
    state.ctl &= kEnable | kImask;
  }
}

uint64_t GenericTimer::counter_at(TimeNs now) const {
  return static_cast<uint64_t>(Wide{static_cast<uint64_t>(now)} * frequency_ / kNsPerSecond);
}

TimeNs GenericTimer::time_of(uint64_t value) const {
  const Wide ns = (Wide{value} * kNsPerSecond + frequency_ - 1) / frequency_;
  return ns >= Wide{static_cast<uint64_t>(kNever)} ? kNever : static_cast<TimeNs>(ns);
}

// One reading of the counter for what is shown and for the line.
uint64_t GenericTimer::read_ctl(Timer timer) {
  State& state = at(timer);
  const uint64_t now = counter();
  update(state, now);
  // ISTATUS of a disabled timer is UNKNOWN: 0 here.
  const bool met = (state.ctl & kEnable) && now >= state.cval;
  return state.ctl | (met ? kIstatus : 0);
}

uint64_t GenericTimer::read_tval(Timer timer) {
  const uint64_t now = counter();
  update(at(timer), now);
  return static_cast<uint32_t>(at(timer).cval - now);
}

void GenericTimer::write_ctl(Timer timer, uint64_t value) {
  at(timer).ctl = value & (kEnable | kImask);
  update(at(timer));
}

void GenericTimer::write_cval(Timer timer, uint64_t value) {
  at(timer).cval = value;
  update(at(timer));
}

void GenericTimer::write_tval(Timer timer, uint64_t value) {
  const auto distance = static_cast<int64_t>(static_cast<int32_t>(static_cast<uint32_t>(value)));
  write_cval(timer, counter() + static_cast<uint64_t>(distance));
}

void GenericTimer::update(State& state, uint64_t counter) {
  const bool live = (state.ctl & (kEnable | kImask)) == kEnable;
  const bool level = live && counter >= state.cval;
  // A masked timer needs no event: its status is computed when read.
  const TimeNs deadline = live && !level ? time_of(state.cval) : kNever;
  if (deadline != state.deadline) {
    state.deadline = deadline;
    if (deadline == kNever) {
      events_.cancel(state.event);
    } else {
      events_.reschedule(state.event, deadline);
    }
  }
  if (level != state.level) {
    state.level = level;
    state.line.set(level);
  }
}

}  // namespace mynah::dev
