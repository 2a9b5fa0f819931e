// SPDX-License-Identifier: Apache-2.0
//
// Register behaviour after DDI 0224, section 3.3.
#include "devices/rtc/pl031.h"

#include <fmt/core.h>

#include <algorithm>

#include "devices/core/prime_cell.h"
#include "devices/core/registers.h"

namespace mynah::dev {
namespace {

constexpr PrimeCellId kId = {0x31, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
constexpr TimeNs kSecond = 1'000'000'000;
constexpr int64_t kWrap = int64_t{1} << 32;

// From the counter to the next time that it is at mr; not now.
int64_t ticks_to(uint32_t mr, uint32_t count) { return mr == count ? kWrap : mr - count; }

}  // namespace

Pl031::Pl031(EventQueue& events, IrqLine irq, const RtcClock& clock, Log& log, std::string name)
    : events_(events),
      clock_(clock),
      irq_(irq),
      log_(log),
      name_(std::move(name)),
      base_(static_cast<uint32_t>(clock.base_seconds())) {
  match_event_ = events_.register_event(name_ + ".match", [this](uint64_t, TimeNs) {
    scheduled_ = kNever;
    look();
  });
  reset();
}

void Pl031::reset() {
  mr_ = lr_ = 0;
  imsc_ = ris_ = 0;
  // The match with 0 is only due when the counter wraps, even if it is 0 now.
  seen_ = clock_.seconds();
  match_at_ = seen_ + ticks_to(mr_, count());
  schedule();
  update_irq();
}

// After a change of counter or match register.
void Pl031::program_match() {
  match_at_ = seen_ + static_cast<uint32_t>(mr_ - count());
  look();
}

void Pl031::look() {
  const int64_t now = clock_.seconds();
  const bool met = now >= match_at_;
  const bool set_back = now < seen_;
  seen_ = now;
  // After a match the next is counted from the counter as it is now: the event may come seconds late.
  if (met || set_back) match_at_ = now + ticks_to(mr_, count());
  if (met) ris_ = 1;
  schedule();
  update_irq();
}

void Pl031::schedule() {
  TimeNs when = kNever;
  if (imsc_ && !ris_) {
    when = RtcClock::time_of(match_at_);
    if (!clock_.guest_time()) when = events_.now() + std::clamp<TimeNs>(when - clock_.now(), 0, kSecond);
  }
  if (when == scheduled_) return;
  events_.cancel(match_event_);
  scheduled_ = when;
  if (when != kNever) events_.schedule(match_event_, when);
}

uint64_t Pl031::read(Offset offset, Width width) {
  if (!is_prime_cell_access(offset, width, "read", name_, log_)) return 0;
  look();
  uint32_t value = 0;
  switch (offset) {
    case kDr:
      value = count();
      break;
    case kMr:
      value = mr_;
      break;
    case kLr:
      value = lr_;
      break;
    case kCr:
      value = 1;
      break;
    case kImsc:
      value = imsc_;
      break;
    case kRis:
      value = ris_;
      break;
    case kMis:
      value = ris_ & imsc_;
      break;
    case kIcr:
      log_.guest_error(name_, "read of write-only RTCICR");
      break;
    default:
      value = read_prime_cell_id(kId, offset, name_, log_);
  }
  return low_bytes(value, width);
}

void Pl031::write(Offset offset, Width width, uint64_t raw) {
  if (!is_prime_cell_access(offset, width, "write", name_, log_)) return;
  look();
  const auto value = static_cast<uint32_t>(low_bytes(raw, width));
  switch (offset) {
    case kMr:
      mr_ = value;
      program_match();
      break;
    case kLr:
      lr_ = value;
      base_ += value - count();
      program_match();
      break;
    case kCr:
      break;  // enabling what is enabled; the manual ignores a 0
    case kImsc:
      imsc_ = value & 1;
      break;
    case kIcr:
      ris_ &= ~value;
      break;
    case kDr:
    case kRis:
    case kMis:
      log_.guest_error(name_, fmt::format("write of read-only register at {:#x}", offset));
      break;
    default:
      log_.guest_error(name_, fmt::format("write of no register at {:#x}", offset));
  }
  schedule();
  update_irq();
}

void Pl031::serialize_state(StateStream& s) {
  s.io(base_);
  s.io(match_at_);
  s.io(seen_);
  s.io(scheduled_);
  s.io(mr_);
  s.io(lr_);
  s.io(imsc_);
  s.io(ris_);
  if (s.loading()) update_irq();
}

}  // namespace mynah::dev
