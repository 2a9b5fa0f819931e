// SPDX-License-Identifier: Apache-2.0
//
// A tick is 2^15 or 2^5 cycles of PCI's 33 MHz: about a millisecond, or a microsecond.
#include "devices/watchdog/i6300esb.h"

#include <utility>

namespace mynah::dev {

namespace {

constexpr uint32_t kPreloadMask = 0xfffff;
constexpr unsigned kLongShift = 15, kShortShift = 5;
constexpr TimeNs kMegahertz = 33;

}  // namespace

I6300Esb::I6300Esb(EventQueue& events, Log& log, std::string event, std::function<void()> expired)
    : Function("i6300esb", {.vendor = 0x8086, .device = 0x25ab, .class_code = 0x088000}, log,
               pci::ConfigSize::kConventional),
      events_(events),
      event_(events.register_event(std::move(event), [this](uint64_t, TimeNs late) { stage_over(late); })),
      expired_(std::move(expired)) {
  add_bar(0, pci::BarKind::kMemory32, 16);
  let_write(kConfig, 2, kInterruptType | kMicroseconds | kOutputOff);
  let_write(kLock, 1, kLocked | kEnable | kFreeRunning);
  let_change(kLock, 1, kLocked | kEnable | kFreeRunning);
}

void I6300Esb::reset_model() {
  events_.cancel(event_);
  preload_[0] = preload_[1] = kPreloadMask;
  stage_ = unlocking_ = lock_ = 0;
  interrupt_ = false;
}

void I6300Esb::start_stage(unsigned stage, TimeNs late) {
  stage_ = static_cast<uint8_t>(stage);
  const unsigned shift = config(kConfig, 2) & kMicroseconds ? kShortShift : kLongShift;
  events_.reschedule(
      event_, events_.now() - late + (static_cast<TimeNs>(preload_[stage]) << shift) * 1000 / kMegahertz);
}

void I6300Esb::stage_over(TimeNs late) {
  if (stage_ == 0) {
    interrupt_ = true;
    if ((config(kConfig, 2) & kInterruptType) != kInterruptType)
      unimplemented("interrupt of the first stage");
    return start_stage(1, late);
  }
  if (!(config(kConfig, 2) & kOutputOff)) {
    timeout_ = true;
    expired_();
  }
  if (lock_ & kFreeRunning) start_stage(0, late);
}

// Once it is locked it stays as it is until a reset.
void I6300Esb::config_written(unsigned offset, unsigned width) {
  if (offset > kLock || offset + width <= kLock) return;
  if (lock_ & kLocked) return set_config(kLock, 1, lock_);
  const auto now = static_cast<uint8_t>(config(kLock, 1));
  const uint8_t before = std::exchange(lock_, now);
  if (!(now & kEnable)) return events_.cancel(event_);
  if (!(before & kEnable)) start_stage(0);
}

uint64_t I6300Esb::bar_read(unsigned, uint64_t offset, Width) {
  switch (offset) {
    case kPreload1:
    case kPreload2:
      return preload_[offset / 4];
    case kInterrupt:
      return interrupt_;
    case kReload:
      return timeout_ ? kTimeout : 0;
    default:
      return 0;
  }
}

// Each write to the preload and reload registers wants the sequence before it.
void I6300Esb::bar_write(unsigned, uint64_t offset, Width, uint64_t value) {
  if (offset == kInterrupt) {
    if (value & 1) interrupt_ = false;
    return;
  }
  if (unlocking_ < 2) {
    const bool next = offset == kReload && (value & 0xffff) == (unlocking_ ? kUnlock2 : kUnlock1);
    unlocking_ = static_cast<uint8_t>(next ? unlocking_ + 1 : 0);
    return;
  }
  unlocking_ = 0;
  if (offset == kPreload1 || offset == kPreload2) {
    preload_[offset / 4] = static_cast<uint32_t>(value) & kPreloadMask;
  } else if (offset == kReload) {
    if (value & kTimeout) timeout_ = false;
    if ((value & kDoReload) && (lock_ & kEnable)) start_stage(0);
  }
}

void I6300Esb::serialize_model(StateStream& s) {
  for (uint32_t& preload : preload_) {
    s.io(preload);
    preload &= kPreloadMask;
  }
  s.io(stage_);
  s.io(unlocking_);
  s.io(interrupt_);
  s.io(timeout_);
  stage_ &= 1;
  lock_ = static_cast<uint8_t>(config(kLock, 1));
  if (unlocking_ > 2) unlocking_ = 0;
}

}  // namespace mynah::dev
