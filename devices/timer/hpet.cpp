// SPDX-License-Identifier: Apache-2.0
//
// Registers are of 64 bits and may be had by halves (2.3.1). A line is high where a timer with an interrupt
// by level has its status set, or what it stands for is high.
#include "devices/timer/hpet.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "devices/core/registers.h"

namespace mynah::dev {

namespace {
constexpr uint32_t kTimerWritable =
    Hpet::kLevel | Hpet::kInterruptEnable | Hpet::kPeriodic | Hpet::kSetValue | Hpet::kForce32 | Hpet::kRoute;
constexpr uint64_t kFemtosecondsPerTick = Hpet::kTick * 1'000'000;
constexpr unsigned kInputs = 24;  // of the I/O APIC
constexpr uint32_t bit(unsigned line) { return uint32_t{1} << line; }
}  // namespace

Hpet::Hpet(EventQueue& events, IrqSink& interrupts, uint32_t routes, Log& log)
    : events_(events), interrupts_(interrupts), routes_(routes), log_(log) {
  for (unsigned n = 0; n < kTimers; ++n)
    timers_[n].event =
        events_.register_event(fmt::format("hpet.{}", n), [this, n](uint64_t, TimeNs) { match(n); });
  reset();
}

void Hpet::reset() {
  config_ = status_ = 0;
  held_ = 0;
  for (Timer& timer : timers_) {
    events_.cancel(timer.event);
    timer = {.config = 0, .comparator = ~uint64_t{0}, .period = 0, .event = timer.event};
  }
  show();
}

uint64_t Hpet::counter() const {
  if (!(config_ & kEnable)) return held_;
  return held_ + static_cast<uint64_t>(std::max<TimeNs>(events_.now() - started_, 0) / kTick);
}

void Hpet::start(uint64_t value) {
  held_ = value;
  started_ = events_.now();
  for (unsigned n = 0; n < kTimers; ++n) arm(n, false);
}

// Behind a match the next one is a whole round away.
void Hpet::arm(unsigned n, bool after_match) {
  Timer& timer = timers_[n];
  events_.cancel(timer.event);
  if (!(config_ & kEnable)) return;
  const uint64_t now = counter();
  uint64_t ahead = (timer.comparator - now) & timer.mask();
  if (ahead == 0 && after_match) {
    if (timer.mask() == ~uint64_t{0}) return;
    ahead = timer.mask() + 1;
  }
  const unsigned __int128 ticks = static_cast<unsigned __int128>(now - held_) + ahead;
  if (ticks >= static_cast<uint64_t>(kNever - started_) / kTick) return;
  const TimeNs when = started_ + static_cast<TimeNs>(ticks) * kTick;
  events_.schedule(timer.event, after_match ? std::max(when, events_.now() + kShortest) : when);
}

void Hpet::match(unsigned n) {
  Timer& timer = timers_[n];
  if (timer.is(kPeriodic) && timer.period) {
    const uint64_t behind = (counter() - timer.comparator) & timer.mask();
    timer.comparator = (timer.comparator + (behind / timer.period + 1) * timer.period) & timer.mask();
  }
  if (timer.is(kLevel)) {
    status_ |= static_cast<uint8_t>(1 << n);
    show();
  } else if (const unsigned line = route(n); timer.is(kInterruptEnable) && line < kInputs) {
    interrupts_.set_irq(line, false);
    interrupts_.set_irq(line, true);
    interrupts_.set_irq(line, (shown_ & bit(line)) != 0);
  }
  arm(n, true);
}

unsigned Hpet::route(unsigned n) const {
  if (config_ & kLegacy && n == 0) return kIntervalTimer;
  if (config_ & kLegacy && n == 1) return kCalendar;
  const unsigned line = timers_[n].config >> 9 & 31;
  return routes_ & bit(line) ? line : kInputs;
}

uint32_t Hpet::levels() const {
  uint32_t lines = 0;
  for (unsigned n = 0; n < kTimers; ++n)
    if (status_ & 1 << n && timers_[n].is(kLevel | kInterruptEnable))
      if (const unsigned line = route(n); line < kInputs) lines |= bit(line);
  if (config_ & kLegacy) return lines;
  return lines | (interval_level_ ? bit(kIntervalTimer) : 0) | (calendar_level_ ? bit(kCalendar) : 0);
}

void Hpet::show() {
  const uint32_t now = levels(), changed = std::exchange(shown_, now) ^ now;
  for (unsigned line = 0; line < kInputs; ++line)
    if (changed & bit(line)) interrupts_.set_irq(line, (now & bit(line)) != 0);
}

// --- registers

uint64_t Hpet::read_register(Offset at) const {
  switch (at) {
    case kCapabilities:
      return kFemtosecondsPerTick << 32 | kId;
    case kConfiguration:
      return config_;
    case kStatus:
      return status_;
    case kCounter:
      return counter();
    default:
      break;
  }
  if (at < kTimer0 || at >= kTimer0 + kTimers * kTimerBytes) return 0;
  const Timer& timer = timers_[(at - kTimer0) / kTimerBytes];
  switch (at % kTimerBytes) {
    case 0:
      return uint64_t{routes_} << 32 | kCanBePeriodic | kCanBe64 | timer.config;
    case kComparator:
      return timer.comparator;
    default:
      return 0;
  }
}

uint64_t Hpet::read(Offset offset, Width width) {
  events_.run_due();
  const unsigned shift = 8 * static_cast<unsigned>(offset % 8);
  return low_bytes(read_register(offset & ~Offset{7}) >> shift, width);
}

void Hpet::write(Offset offset, Width width, uint64_t value) {
  events_.run_due();
  const unsigned shift = 8 * static_cast<unsigned>(offset % 8);
  write_register(offset & ~Offset{7}, low_bytes(value, width) << shift,
                 low_bytes(~uint64_t{0}, width) << shift);
}

void Hpet::write_register(Offset at, uint64_t value, uint64_t changes) {
  const auto merged = [&](uint64_t old) { return (old & ~changes) | value; };
  switch (at) {
    case kConfiguration:
      return write_configuration(merged(config_));
    case kStatus:
      status_ &= static_cast<uint8_t>(~value);
      return show();
    case kCounter:
      if (config_ & kEnable) return log_.guest_error(name(), "write of the counter while it counts");
      held_ = merged(held_);
      return;
    default:
      break;
  }
  if (at < kTimer0 || at >= kTimer0 + kTimers * kTimerBytes) return;
  const auto n = static_cast<unsigned>((at - kTimer0) / kTimerBytes);
  if (at % kTimerBytes == 0) write_timer_configuration(n, merged(timers_[n].config));
  if (at % kTimerBytes != kComparator) return;
  write_comparator(timers_[n], value, changes);
  arm(n, false);
}

void Hpet::write_configuration(uint64_t value) {
  const uint64_t now = counter();
  const auto before = std::exchange(config_, static_cast<uint8_t>(value & (kEnable | kLegacy)));
  if ((config_ ^ before) & kEnable) start(now);
  show();
}

void Hpet::write_timer_configuration(unsigned n, uint64_t value) {
  Timer& timer = timers_[n];
  const uint64_t mask = timer.mask();
  timer.config = static_cast<uint32_t>(value) & kTimerWritable;
  timer.comparator &= timer.mask();
  timer.period &= timer.mask();
  if (!timer.is(kLevel)) status_ &= static_cast<uint8_t>(~(1 << n));
  show();
  if (mask != timer.mask()) arm(n, false);
}

// Of a periodic timer what is written is the period, and with kSetValue the next match, too (2.3.9.2.2).
void Hpet::write_comparator(Timer& timer, uint64_t value, uint64_t changes) {
  const auto merged = [&](uint64_t old) { return ((old & ~changes) | value) & timer.mask(); };
  if (!timer.is(kPeriodic) || timer.is(kSetValue)) timer.comparator = merged(timer.comparator);
  if (timer.is(kPeriodic)) timer.period = merged(timer.period);
  timer.config &= ~uint32_t{kSetValue};
}

void Hpet::serialize_state(StateStream& s) {
  for (Timer& timer : timers_) {
    s.io(timer.config);
    s.io(timer.comparator);
    s.io(timer.period);
    if (!s.loading()) continue;
    timer.config &= kTimerWritable;
    timer.comparator &= timer.mask();
    timer.period &= timer.mask();
  }
  s.io(config_);
  s.io(status_);
  s.io(held_);
  s.io(started_);
  s.io(interval_level_);
  s.io(calendar_level_);
  if (!s.loading()) return;
  config_ &= kEnable | kLegacy;
  status_ &= (1 << kTimers) - 1;
  started_ = std::clamp<TimeNs>(started_, 0, events_.now());
  show();
}

}  // namespace mynah::dev
