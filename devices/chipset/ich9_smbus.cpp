// SPDX-License-Identifier: Apache-2.0
//
// A transfer is over when it is started.
#include "devices/chipset/ich9_smbus.h"

#include "devices/core/registers.h"

namespace mynah::dev {

Ich9Smbus::Ich9Smbus(Log& log)
    : Function(
          "ICH9-SMB",
          {.vendor = 0x8086, .device = 0x2930, .class_code = 0x0c0500, .revision = 2, .interrupt_pin = 1},
          log, pci::ConfigSize::kConventional) {
  add_bar(kBar, pci::BarKind::kIo, kSize);
  let_write(kHostConfig, 1, 0x05);
}

void Ich9Smbus::reset_model() {
  registers_ = {};
  show();
}

void Ich9Smbus::show() {
  set_intx((registers_[kStatus] & kErrors) && (registers_[kControl] & kInterruptEnable));
}

uint64_t Ich9Smbus::bar_read(unsigned, uint64_t offset, Width width) {
  return read_by_bytes(offset, width,
                       [this](Offset at) { return at < registers_.size() ? registers_[at] : uint8_t{0}; });
}

void Ich9Smbus::bar_write(unsigned, uint64_t offset, Width width, uint64_t value) {
  write_by_bytes(offset, width, value, [this](Offset at, uint8_t byte) { write_byte(at, byte); });
  show();
}

void Ich9Smbus::write_byte(Offset at, uint8_t value) {
  constexpr uint8_t kInUse = 1 << 6;
  if (at >= registers_.size()) return;
  if (at == kStatus) {
    registers_[kStatus] &= static_cast<uint8_t>(~(value & (kErrors | kInUse)));
    return;
  }
  registers_[at] = at == kControl ? static_cast<uint8_t>(value & ~kStart) : value;
  if (at == kControl && value & kStart) registers_[kStatus] |= kDeviceError;
}

void Ich9Smbus::serialize_model(StateStream& s) {
  s.io(registers_);
  if (!s.loading()) return;
  registers_[kControl] &= static_cast<uint8_t>(~kStart);
  show();
}

}  // namespace mynah::dev
