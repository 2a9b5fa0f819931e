// SPDX-License-Identifier: Apache-2.0
//
// The timer's status is set whenever its bit 23 changes.
#include "devices/chipset/piix4_pm.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "devices/core/registers.h"

namespace mynah::dev {

namespace {
constexpr int64_t kSecond = 1'000'000'000;
constexpr unsigned kHalf = 23;  // the bit of the timer whose change is told
constexpr uint32_t kTimerMask = 0xffffff;
constexpr uint16_t kStatusBits =
    Piix4Pm::kTimerBit | 1 << 4 | Piix4Pm::kGlobalBit | Piix4Pm::kPowerButton | Piix4Pm::kRtc | 1 << 15;
constexpr uint16_t kEvents = Piix4Pm::kTimerBit | Piix4Pm::kGlobalBit | Piix4Pm::kPowerButton | Piix4Pm::kRtc;
constexpr uint16_t kSciEnable = 1, kSleepType = 7 << 10, kSleepEnable = 1 << 13;
constexpr unsigned kRegisters = pci::Function::kOwnRange, kSmbus = pci::Function::kOwnRange + 1;
constexpr uint64_t kSmbusSize = 16;
constexpr uint32_t kApmSmiEnable = 1 << 25;

TimeNs time_of(int64_t ticks) {
  const __int128 ns = (static_cast<__int128>(ticks) * kSecond + Piix4Pm::kTimerHz - 1) / Piix4Pm::kTimerHz;
  return ns < kNever ? static_cast<TimeNs>(ns) : kNever;
}
}  // namespace

Piix4Pm::Piix4Pm(EventQueue& events, IrqLine sci, std::function<void()> off, Log& log)
    : Function(
          "PIIX4_PM",
          {.vendor = 0x8086, .device = 0x7113, .class_code = 0x068000, .revision = 3, .interrupt_pin = 1},
          log, pci::ConfigSize::kConventional),
      events_(events),
      sci_(sci),
      off_(std::move(off)) {
  timer_event_ = events_.register_event("acpi.timer", [this](uint64_t, TimeNs) { update(); });
  add_range(0, pci::Space::kIo, kRegistersSize);
  add_range(1, pci::Space::kIo, kSmbusSize);
  set_config(kPmBase, 4, 1);
  let_write(kPmBase, 4, 0xffc0);
  // Firmware that finds APM's SMI on does not set up SMM.
  set_config(kDevActB, 4, kApmSmiEnable);
  let_write(kDevActB, 4, 0x0fffffff);
  let_write(kPmRegMisc, 1, 1);
  set_config(kSmbBase, 4, 1);
  let_write(kSmbBase, 4, 0xfff0);
  let_write(kSmbConfig, 1, 0x0f);
  for (unsigned at = 0x44; at < 0x58; at += 4) let_write(at, 4, 0xffffffff);
  for (unsigned at = 0x5c; at < 0x7c; at += 4) let_write(at, 4, 0xffffffff);
}

void Piix4Pm::reset_model() {
  status_ = enable_ = control_ = 0;
  apm_control_ = apm_status_ = 0;
  seen_ = ticks();
  place();
  update();
}

void Piix4Pm::place() {
  const auto at = [this](unsigned base, unsigned enable) -> std::optional<uint64_t> {
    const uint32_t address = config(base, 4) & 0xfff0;
    if (!(config(enable, 1) & 1) || address == 0) return std::nullopt;
    return address;
  };
  place_range(0, at(kPmBase, kPmRegMisc));
  place_range(1, at(kSmbBase, kSmbConfig));
}

void Piix4Pm::press_power_button() {
  status_ |= kPowerButton;
  update();
}

int64_t Piix4Pm::ticks() const {
  return static_cast<int64_t>(static_cast<__int128>(events_.now()) * kTimerHz / kSecond);
}

void Piix4Pm::look() {
  const int64_t now = ticks();
  if (now >> kHalf != seen_ >> kHalf) status_ |= kTimerBit;
  seen_ = now;
}

void Piix4Pm::update() {
  look();
  sci_.set((status_ & enable_ & kEvents) != 0);
  events_.cancel(timer_event_);
  if (!(enable_ & kTimerBit) || (status_ & kTimerBit)) return;
  if (const TimeNs when = time_of(((seen_ >> kHalf) + 1) << kHalf); when != kNever)
    events_.schedule(timer_event_, std::max(when, events_.now() + 1));
}

uint8_t Piix4Pm::read_byte(Offset offset) {
  const auto half = [offset](uint32_t value) { return static_cast<uint8_t>(value >> 8 * (offset & 3)); };
  switch (offset & ~Offset{3}) {
    case kPm1Status:
      return half(static_cast<uint32_t>(status_ | enable_ << 16));
    case kPm1Control:
      return half(control_);
    case kTimer:
      return half(static_cast<uint32_t>(ticks()) & kTimerMask);
    default:
      return 0;
  }
}

uint64_t Piix4Pm::bar_read(unsigned bar, uint64_t offset, Width width) {
  if (bar != kRegisters) return 0;
  events_.run_due();
  look();
  return read_by_bytes(offset, width, [this](Offset at) { return read_byte(at); });
}

void Piix4Pm::write_control_high(uint8_t value) {
  constexpr unsigned kSuspendType = 1;
  control_ = static_cast<uint16_t>((control_ & 0xff) | ((value << 8) & kSleepType));
  if (!(value << 8 & kSleepEnable)) return;
  const unsigned type = control_ >> 10 & 7;
  if (type == kSuspendType) return unimplemented("sleeping with memory on (S3)");
  off_();
}

void Piix4Pm::write_pm1(Offset offset, uint8_t value) {
  const unsigned shift = offset & 1 ? 8 : 0;
  const auto bits = static_cast<uint16_t>(value << shift);
  switch (offset & ~Offset{1}) {
    case kPm1Status:
      status_ &= static_cast<uint16_t>(~(bits & kStatusBits));
      break;
    case kPm1Enable:
      enable_ = static_cast<uint16_t>((enable_ & (0xff00 >> shift)) | (bits & kEvents));
      break;
    case kPm1Control:
      if (shift == 0)
        control_ = static_cast<uint16_t>((control_ & 0xff00) | (value & 0x03));
      else
        write_control_high(value);
      break;
    default:
      break;
  }
}

void Piix4Pm::bar_write(unsigned bar, uint64_t offset, Width width, uint64_t value) {
  if (bar != kRegisters) return;
  events_.run_due();
  look();
  write_by_bytes(offset, width, value, [this](Offset at, uint8_t byte) { write_pm1(at, byte); });
  update();
}

uint64_t Piix4Pm::Apm::read(Offset offset, Width width) {
  return read_by_bytes(offset, width, [this](Offset at) -> uint8_t {
    return at == 0 ? pm_.apm_control_ : at == 1 ? pm_.apm_status_ : 0xff;
  });
}

void Piix4Pm::Apm::write(Offset offset, Width width, uint64_t value) {
  write_by_bytes(offset, width, value, [this](Offset at, uint8_t byte) {
    if (at == 1) pm_.apm_status_ = byte;
    if (at != 0) return;
    pm_.apm_control_ = byte;
    if (byte == kAcpiEnable) pm_.control_ |= kSciEnable;
    if (byte == kAcpiDisable) pm_.control_ &= static_cast<uint16_t>(~kSciEnable);
  });
}

void Piix4Pm::serialize_model(StateStream& s) {
  for (uint16_t* word : {&status_, &enable_, &control_}) s.io(*word);
  s.io(seen_);
  s.io(apm_control_);
  s.io(apm_status_);
  if (!s.loading()) return;
  status_ &= kStatusBits;
  enable_ &= kEvents;
  control_ &= kSleepType | 3;
  seen_ = std::clamp<int64_t>(seen_, 0, ticks());
  place();
  sci_.set((status_ & enable_ & kEvents) != 0);
}

}  // namespace mynah::dev
