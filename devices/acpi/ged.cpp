// SPDX-License-Identifier: Apache-2.0
//
// The generic event device's registers. Its line is raised while something has happened that nobody has read.
#include "devices/acpi/ged.h"

#include <fmt/core.h>

#include "devices/core/registers.h"

namespace mynah::dev {

void GenericEventDevice::reset() {
  events_ = 0;
  irq_.set(false);
}

void GenericEventDevice::happen(uint32_t event) {
  events_ |= event;
  irq_.set(true);
}

uint64_t GenericEventDevice::read(Offset offset, Width width) {
  if (offset != 0) return 0;
  const uint32_t happened = events_;
  events_ = 0;
  irq_.set(false);
  return low_bytes(happened, width);
}

void GenericEventDevice::write(Offset offset, Width, uint64_t value) {
  log_.guest_error(name(), fmt::format("write of {:#x} at {:#x}, which is read only", value, offset));
}

void GenericEventDevice::write_register(Offset offset, uint8_t value) {
  if (offset == 0 && (value & kSleepEnable)) {
    if ((value >> kSleepTypeShift & 7) == kOffType) return requests_.off();
    return log_.unimplemented(name(), fmt::format("sleep state {}", value >> kSleepTypeShift & 7));
  }
  if (offset == 2 && value == kResetValue) requests_.reset();
}

void GenericEventDevice::serialize_state(StateStream& s) {
  s.io(events_);
  if (s.loading()) irq_.set(events_ != 0);
}

}  // namespace mynah::dev
