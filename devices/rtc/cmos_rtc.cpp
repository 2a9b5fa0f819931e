// SPDX-License-Identifier: Apache-2.0
//
// Calendar, alarm and interrupts of the MC146818A.
#include "devices/rtc/cmos_rtc.h"

#include <algorithm>

#include "devices/core/registers.h"

namespace mynah::dev {

namespace {
constexpr TimeNs kSecond = 1'000'000'000;
constexpr uint8_t kUpdateInProgress = 0x80, kInterrupt = 0x80, kPeriodic = 0x40, kAlarm = 0x20,
                  kUpdated = 0x10;
constexpr int64_t kFar = int64_t{1} << 40;  // beyond all years that registers can say
constexpr uint8_t kBinary = 0x04, k24Hours = 0x02;

// Days from 1970-01-01 and back, in the Gregorian calendar.
int64_t days_from(int64_t year, int month, int day) {
  year -= month <= 2;
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const auto of_era = static_cast<unsigned>(year - era * 400);
  const unsigned of_year =
      (153u * static_cast<unsigned>(month + (month > 2 ? -3 : 9)) + 2) / 5 + static_cast<unsigned>(day) - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}
}  // namespace

CmosRtc::CmosRtc(EventQueue& events, IrqLine irq, const RtcClock& clock, Log& log)
    : events_(events), clock_(clock), irq_(irq), log_(log), distance_(clock.base_seconds()) {
  look_event_ = events_.register_event("cmos-rtc.look", [this](uint64_t, TimeNs) { look(); });
  memory_[kA] = 0x26;
  memory_[kB] = k24Hours;
  memory_[kD] = 0x80;
  seen_ = seconds();
  reset();
}

void CmosRtc::reset() {
  index_ = 0;
  memory_[kB] &= 0x87;  // PIE, AIE, UIE, SQWE
  memory_[kC] = 0;
  irq_.set(false);
  schedule();
}

// A day beyond its month's end counts as the last one.
int64_t CmosRtc::seconds_of(const Calendar& c) {
  const int64_t first = days_from(c.year, c.month, 1);
  const int64_t next = c.month == 12 ? days_from(c.year + 1, 1, 1) : days_from(c.year, c.month + 1, 1);
  const int64_t day = std::min(first + c.day, next) - 1;
  return day * 86400 + c.hour * 3600 + c.minute * 60 + c.second;
}

CmosRtc::Calendar CmosRtc::calendar_of(int64_t now) {
  int64_t days = now / 86400, rest = now % 86400;
  if (rest < 0) {
    rest += 86400;
    --days;
  }
  const int64_t z = days + 719468;
  const int64_t era = (z >= 0 ? z : z - 146096) / 146097;
  const auto of_era = static_cast<unsigned>(z - era * 146097);
  const unsigned year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  const unsigned of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const unsigned m = (5 * of_year + 2) / 153;
  Calendar c;
  c.day = static_cast<int>(of_year - (153 * m + 2) / 5 + 1);
  c.month = static_cast<int>(m < 10 ? m + 3 : m - 9);
  c.year = static_cast<int>(year_of_era + era * 400 + (c.month <= 2));
  c.hour = static_cast<int>(rest / 3600);
  c.minute = static_cast<int>(rest / 60 % 60);
  c.second = static_cast<int>(rest % 60);
  c.weekday = static_cast<int>(((days + 4) % 7 + 7) % 7) + 1;
  return c;
}

uint8_t CmosRtc::shown(int value) const {
  return static_cast<uint8_t>(memory_[kB] & kBinary ? value : value / 10 << 4 | value % 10);
}
int CmosRtc::meant(uint8_t value) const {
  return memory_[kB] & kBinary ? value : (value >> 4) * 10 + (value & 15);
}
uint8_t CmosRtc::shown_hour(int hour) const {
  if (memory_[kB] & k24Hours) return shown(hour);
  return static_cast<uint8_t>(shown(hour % 12 == 0 ? 12 : hour % 12) | (hour >= 12 ? 0x80 : 0));
}
int CmosRtc::meant_hour(uint8_t value) const {
  if (memory_[kB] & k24Hours) return meant(value);
  return meant(value & 0x7f) % 12 + (value & 0x80 ? 12 : 0);
}

uint8_t CmosRtc::read_register(uint8_t index) {
  look();
  const Calendar c = calendar();
  switch (index) {
    case kSeconds:
      return shown(c.second);
    case kMinutes:
      return shown(c.minute);
    case kHours:
      return shown_hour(c.hour);
    case kDayOfWeek:
      return shown(calendar_of(seconds()).weekday);
    case kDayOfMonth:
      return shown(c.day);
    case kMonth:
      return shown(c.month);
    case kYear:
      return shown(c.year % 100);
    case kCentury:
      return shown(c.year / 100);
    case kA: {
      // 244 us before the second ends the registers are not to be read.
      const TimeNs left = second_left();
      return static_cast<uint8_t>(memory_[kA] | (!halted() && left <= 244'000 ? kUpdateInProgress : 0));
    }
    case kC: {
      const uint8_t flags = memory_[kC];
      memory_[kC] = 0;
      irq_.set(false);
      schedule();
      return flags;
    }
    default:
      return memory_[index];
  }
}

void CmosRtc::set_distance(int64_t distance) { distance_ = std::clamp(distance, -kFar, kFar); }

void CmosRtc::set_time(uint8_t index, uint8_t value) {
  Calendar c = calendar();
  switch (index) {
    case kSeconds:
      c.second = std::min(meant(value), 59);
      break;
    case kMinutes:
      c.minute = std::min(meant(value), 59);
      break;
    case kHours:
      c.hour = std::min(meant_hour(value), 23);
      break;
    case kDayOfMonth:
      c.day = std::clamp(meant(value), 1, 31);
      break;
    case kMonth:
      c.month = std::clamp(meant(value), 1, 12);
      break;
    case kYear:
      c.year = c.year / 100 * 100 + meant(value) % 100;
      break;
    case kCentury:
      c.year = meant(value) * 100 + c.year % 100;
      break;
    default:
      return;
  }
  if (halted())
    held_ = c;
  else
    set_distance(distance_ + seconds_of(c) - seconds());
  seen_ = seconds();
}

void CmosRtc::write_register(uint8_t index, uint8_t value) {
  look();
  switch (index) {
    case kSeconds:
    case kMinutes:
    case kHours:
    case kDayOfMonth:
    case kMonth:
    case kYear:
    case kCentury:
      set_time(index, value);
      break;
    case kDayOfWeek:
    case kC:
    case kD:
      break;
    case kA:
      memory_[kA] = value & 0x7f;
      periodic_at_ = events_.now();
      break;
    case kB: {
      const bool was_halted = halted();
      if (value & 0x80) value &= static_cast<uint8_t>(~kUpdated);
      if (!was_halted && value & 0x80) held_ = calendar();
      if (was_halted && !(value & 0x80)) set_distance(seconds_of(held_) - clock_.seconds());
      if ((value & ~memory_[kB]) & kPeriodic) periodic_at_ = events_.now();
      memory_[kB] = value;
      seen_ = seconds();
      raise(0);
      break;
    }
    default:
      memory_[index] = value;
  }
  schedule();
}

bool CmosRtc::alarm_matches(int64_t at) const {
  const int64_t of_day = (at % 86400 + 86400) % 86400;
  const auto is = [](uint8_t wanted, int is_meant, int64_t now) { return wanted >= 0xc0 || is_meant == now; };
  return is(memory_[kSecondsAlarm], meant(memory_[kSecondsAlarm]), of_day % 60) &&
         is(memory_[kMinutesAlarm], meant(memory_[kMinutesAlarm]), of_day / 60 % 60) &&
         is(memory_[kHoursAlarm], meant_hour(memory_[kHoursAlarm]), of_day / 3600);
}

// Of the periodic interrupt; 0: none. Rates 1 and 2 are 8 and 9.
TimeNs CmosRtc::period() const {
  unsigned rate = memory_[kA] & 15;
  if (rate == 0 || (memory_[kA] & 0x70) != 0x20) return 0;
  if (rate <= 2) rate += 7;
  return kSecond * (int64_t{1} << (rate - 1)) / 32768;
}

void CmosRtc::raise(uint8_t flag) {
  memory_[kC] |= flag;
  const bool on = memory_[kC] & memory_[kB] & (kPeriodic | kAlarm | kUpdated);
  memory_[kC] = static_cast<uint8_t>((memory_[kC] & 0x7f) | (on ? kInterrupt : 0));
  irq_.set(on);
}

void CmosRtc::look() {
  const int64_t now = seconds();
  if (now != seen_ && !halted()) {
    uint8_t flags = kUpdated;
    // Of a clock that jumped, the last day is looked through.
    for (int64_t at = std::max(seen_ + 1, now - 86400); at <= now && !(flags & kAlarm); ++at)
      if (alarm_matches(at)) flags |= kAlarm;
    seen_ = now;
    raise(flags);
  }
  if (const TimeNs each = period(); each && events_.now() - periodic_at_ >= each) {
    periodic_at_ += (events_.now() - periodic_at_) / each * each;
    raise(kPeriodic);
  }
  schedule();
}

// Of the clock's second.
TimeNs CmosRtc::second_left() const { return kSecond - (clock_.now() % kSecond + kSecond) % kSecond; }

// From now; kNever beyond the end of time.
TimeNs CmosRtc::after(TimeNs time) const {
  return time < kNever - events_.now() ? events_.now() + time : kNever;
}

void CmosRtc::schedule() {
  TimeNs when = kNever;
  const uint8_t wanted = memory_[kB] & static_cast<uint8_t>(~memory_[kC]);
  if (wanted & (kAlarm | kUpdated) && !halted()) {
    when = after(second_left());
  }
  if (const TimeNs each = period(); each && (wanted & kPeriodic))
    when = std::min(when, after(periodic_at_ + each - events_.now()));
  events_.cancel(look_event_);
  if (when != kNever) events_.schedule(look_event_, std::max(when, events_.now() + 1));
}

uint64_t CmosRtc::read(Offset offset, Width width) {
  events_.run_due();
  return read_by_bytes(offset, width,
                       [this](Offset o) -> uint8_t { return o == 1 ? read_register(index_) : 0xff; });
}

void CmosRtc::write(Offset offset, Width width, uint64_t value) {
  events_.run_due();
  write_by_bytes(offset, width, value, [this](Offset o, uint8_t byte) {
    if (o == 0) index_ = byte & 0x7f;
    if (o == 1) write_register(index_, byte);
  });
}

void CmosRtc::serialize_state(StateStream& s) {
  s.io(index_);
  for (uint8_t& byte : memory_) s.io(byte);
  s.io(distance_);
  for (int* field :
       {&held_.second, &held_.minute, &held_.hour, &held_.weekday, &held_.day, &held_.month, &held_.year})
    s.io(*field);
  s.io(seen_);
  s.io(periodic_at_);
  if (!s.loading()) return;
  // What no saved state has, but a damaged one may.
  held_.second = std::clamp(held_.second, 0, 59);
  held_.minute = std::clamp(held_.minute, 0, 59);
  held_.hour = std::clamp(held_.hour, 0, 23);
  held_.day = std::clamp(held_.day, 1, 31);
  held_.month = std::clamp(held_.month, 1, 12);
  held_.year = std::clamp(held_.year, -40000, 40099);
  held_.weekday = std::clamp(held_.weekday, 1, 7);
  index_ &= 0x7f;
  set_distance(distance_);
  seen_ = std::clamp(seen_, -2 * kFar, 2 * kFar);
  periodic_at_ = std::clamp<TimeNs>(periodic_at_, 0, events_.now());
  raise(0);
}

}  // namespace mynah::dev
