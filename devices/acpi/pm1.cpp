// SPDX-License-Identifier: Apache-2.0
//
// The timer's status is set whenever its bit 23 changes.
#include "devices/acpi/pm1.h"

#include <algorithm>
#include <utility>

#include "devices/core/registers.h"

namespace mynah::dev {

namespace {
constexpr int64_t kSecond = 1'000'000'000;
constexpr unsigned kHalf = 23;  // the bit of the timer whose change is told
constexpr uint32_t kTimerMask = 0xffffff;
constexpr uint16_t kStatusBits =
    Pm1::kTimerBit | 1 << 4 | Pm1::kGlobalBit | Pm1::kPowerButton | Pm1::kRtc | 1 << 15;
constexpr uint16_t kEvents = Pm1::kTimerBit | Pm1::kGlobalBit | Pm1::kPowerButton | Pm1::kRtc;
constexpr uint16_t kSciEnable = 1, kSleepType = 7 << 10, kSleepEnable = 1 << 13;

TimeNs time_of(int64_t ticks) {
  const __int128 ns = (static_cast<__int128>(ticks) * kSecond + Pm1::kTimerHz - 1) / Pm1::kTimerHz;
  return ns < kNever ? static_cast<TimeNs>(ns) : kNever;
}
}  // namespace

Pm1::Pm1(EventQueue& events, IrqLine sci, std::function<void()> off, std::function<void()> sleeps)
    : events_(events), sci_(sci), off_(std::move(off)), sleeps_(std::move(sleeps)) {
  timer_event_ = events_.register_event("acpi.timer", [this](uint64_t, TimeNs) { update(); });
}

void Pm1::reset() {
  status_ = enable_ = control_ = 0;
  seen_ = ticks();
  update();
}

void Pm1::press_power_button() {
  status_ |= kPowerButton;
  update();
}

void Pm1::turn_on(bool on) {
  control_ = static_cast<uint16_t>(on ? control_ | kSciEnable : control_ & ~kSciEnable);
}

int64_t Pm1::ticks() const {
  return static_cast<int64_t>(static_cast<__int128>(events_.now()) * kTimerHz / kSecond);
}

void Pm1::look() {
  const int64_t now = ticks();
  if (now >> kHalf != seen_ >> kHalf) status_ |= kTimerBit;
  seen_ = now;
}

void Pm1::update() {
  look();
  sci_.set((status_ & enable_ & kEvents) != 0);
  events_.cancel(timer_event_);
  if (!(enable_ & kTimerBit) || (status_ & kTimerBit)) return;
  if (const TimeNs when = time_of(((seen_ >> kHalf) + 1) << kHalf); when != kNever)
    events_.schedule(timer_event_, std::max(when, events_.now() + 1));
}

uint8_t Pm1::read_byte(Offset offset) const {
  const auto half = [offset](uint32_t value) { return static_cast<uint8_t>(value >> 8 * (offset & 3)); };
  switch (offset & ~Offset{3}) {
    case kStatus:
      return half(static_cast<uint32_t>(status_ | enable_ << 16));
    case kControl:
      return half(control_);
    case kTimer:
      return half(static_cast<uint32_t>(ticks()) & kTimerMask);
    default:
      return 0;
  }
}

uint64_t Pm1::read(Offset offset, Width width) {
  events_.run_due();
  look();
  return read_by_bytes(offset, width, [this](Offset at) { return read_byte(at); });
}

void Pm1::write_control_high(uint8_t value) {
  constexpr unsigned kSuspendType = 1;
  control_ = static_cast<uint16_t>((control_ & 0xff) | ((value << 8) & kSleepType));
  if (!(value << 8 & kSleepEnable)) return;
  const unsigned type = control_ >> 10 & 7;
  type == kSuspendType ? sleeps_() : off_();
}

void Pm1::write_byte(Offset offset, uint8_t value) {
  const unsigned shift = offset & 1 ? 8 : 0;
  const auto bits = static_cast<uint16_t>(value << shift);
  switch (offset & ~Offset{1}) {
    case kStatus:
      status_ &= static_cast<uint16_t>(~(bits & kStatusBits));
      break;
    case kEnable:
      enable_ = static_cast<uint16_t>((enable_ & (0xff00 >> shift)) | (bits & kEvents));
      break;
    case kControl:
      if (shift == 0)
        control_ = static_cast<uint16_t>((control_ & 0xff00) | (value & 0x03));
      else
        write_control_high(value);
      break;
    default:
      break;
  }
}

void Pm1::write(Offset offset, Width width, uint64_t value) {
  events_.run_due();
  look();
  write_by_bytes(offset, width, value, [this](Offset at, uint8_t byte) { write_byte(at, byte); });
  update();
}

void Pm1::serialize(StateStream& s) {
  for (uint16_t* word : {&status_, &enable_, &control_}) s.io(*word);
  s.io(seen_);
  if (!s.loading()) return;
  status_ &= kStatusBits;
  enable_ &= kEvents;
  control_ &= kSleepType | 3;
  seen_ = std::clamp<int64_t>(seen_, 0, ticks());
  sci_.set((status_ & enable_ & kEvents) != 0);
}

}  // namespace mynah::dev
