// SPDX-License-Identifier: Apache-2.0
//
// Register behaviour after DDI 0224, section 3.3.
#include "devices/rtc/pl031.h"

#include "devices/core/register_text.h"

namespace mynah::dev {
namespace {

constexpr PrimeCellId kId = {0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
constexpr TimeNs kSecond = 1'000'000'000;
constexpr uint64_t kWrap = uint64_t{1} << 32;

}  // namespace

Pl031::Pl031(EventQueue& events, IrqLine irq, uint32_t base_seconds, Log& log, std::string name)
    : events_(events), irq_(irq), log_(log), name_(std::move(name)), base_(base_seconds) {
  match_event_ = events_.register_event(name_ + ".match", [this](uint64_t, TimeNs) { match(); });
  reset();
}

void Pl031::reset() {
  mr_ = lr_ = 0;
  imsc_ = ris_ = 0;
  // The match with 0 is only due when the counter wraps, even if it is 0 now.
  const uint32_t ticks = mr_ - count();
  schedule_match(ticks == 0 ? kWrap : ticks);
  update_irq();
}

int64_t Pl031::elapsed_seconds() const {
  const TimeNs now = events_.now();
  const int64_t seconds = now / kSecond;
  return now % kSecond < 0 ? seconds - 1 : seconds;
}

void Pl031::schedule_match(uint64_t ticks) {
  events_.cancel(match_event_);
  // A match beyond the end of guest time (292 years) never comes.
  const int64_t now = elapsed_seconds();
  if (now > kNever / kSecond - static_cast<int64_t>(ticks)) return;
  events_.schedule(match_event_, (now + static_cast<int64_t>(ticks)) * kSecond);
}

// After a change of counter or match register.
void Pl031::program_match() {
  const uint32_t ticks = mr_ - count();
  if (ticks == 0) {
    match();
  } else {
    schedule_match(ticks);
  }
}

void Pl031::match() {
  ris_ = 1;
  // The event may come seconds late, so the next match is counted from the counter as it is now.
  const uint32_t ticks = mr_ - count();
  schedule_match(ticks == 0 ? kWrap : ticks);
  update_irq();
}

uint64_t Pl031::read(Offset offset, Width width) {
  if (width == Width::k8 || offset % 4 != 0) {
    log_.guest_error(name_, "unaligned or 64-bit read at " + hex(offset));
    return 0;
  }
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
      if (is_prime_cell_id(offset)) {
        value = prime_cell_id(kId, offset);
      } else {
        log_.guest_error(name_, "read of no register at " + hex(offset));
      }
  }
  return low_bytes(value, width);
}

void Pl031::write(Offset offset, Width width, uint64_t raw) {
  if (width == Width::k8 || offset % 4 != 0) {
    log_.guest_error(name_, "unaligned or 64-bit write at " + hex(offset));
    return;
  }
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
      log_.guest_error(name_, "write of read-only register at " + hex(offset));
      break;
    default:
      log_.guest_error(name_, "write of no register at " + hex(offset));
  }
  update_irq();
}

void Pl031::serialize(StateStream& s) {
  s.section(name_, 1);
  s.io(base_);
  s.io(mr_);
  s.io(lr_);
  s.io(imsc_);
  s.io(ris_);
  if (s.loading()) update_irq();
}

}  // namespace mynah::dev
