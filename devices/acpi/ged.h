// SPDX-License-Identifier: Apache-2.0
//
// Generic event device of boards whose ACPI is "hardware reduced" (ACPI 6.4, 5.6.9 and 4.8.3): a register
// that says what has happened, and the sleep and reset registers that the FADT names. QEMU's
// docs/specs/acpi_hw_reduced_hotplug publishes the former.
//
// Guest interface: two windows. Events: 4 bytes, what happened since the last read, which clears it.
// Registers, a byte each: 0 sleep control, 1 sleep status, 2 reset.
#pragma once

#include <cstdint>
#include <functional>

#include "devices/core/device.h"
#include "devices/core/registers.h"
#include "devices/core/stateless_device.h"

namespace mynah::dev {

class GenericEventDevice final : public Device {
 public:
  static constexpr uint64_t kWindowSize = 4, kRegistersSize = 3;
  static constexpr uint32_t kPowerButton = 1 << 1;
  static constexpr uint8_t kResetValue = 0x42;
  static constexpr uint8_t kSleepEnable = 1 << 5, kSleepTypeShift = 2, kOffType = 5;

  struct Requests {
    std::function<void()> off, reset;
  };
  GenericEventDevice(IrqLine irq, Requests requests, Log& log)
      : irq_(irq), requests_(std::move(requests)), log_(log), registers_(*this) {}

  void press_power_button() { happen(kPowerButton); }
  Device& registers() { return registers_; }

  std::string_view name() const override { return "acpi-ged"; }
  uint32_t state_version() const override { return 1; }
  void reset() override;
  uint64_t read(Offset, Width) override;
  void write(Offset, Width, uint64_t) override;

 private:
  class Registers final : public StatelessDevice {
   public:
    explicit Registers(GenericEventDevice& ged) : StatelessDevice("acpi-ged-regs"), ged_(ged) {}
    uint64_t read(Offset, Width) override { return 0; }
    void write(Offset offset, Width width, uint64_t value) override {
      write_by_bytes(offset, width, value, [this](Offset o, uint8_t byte) { ged_.write_register(o, byte); });
    }

   private:
    GenericEventDevice& ged_;
  };

  void serialize_state(StateStream&) override;
  void happen(uint32_t event);
  void write_register(Offset offset, uint8_t value);

  IrqLine irq_;
  const Requests requests_;
  Log& log_;
  Registers registers_;
  uint32_t events_ = 0;
};

}  // namespace mynah::dev
