// SPDX-License-Identifier: Apache-2.0
//
// I/O APIC: Intel 82093AA with the EOI register of its successors (version 0x20). Data sheet 290566,
// chapter 3.
//
// Guest interface: a page; a select register at 0, a window at 0x10, EOI at 0x40. 24 inputs, each with a
// redirection entry that says what message the input becomes.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "devices/core/device.h"
#include "devices/intc/local_apic.h"

namespace mynah::dev {

class IoApic final : public Device, public IrqSink {
 public:
  static constexpr uint64_t kWindowSize = 0x1000;
  static constexpr unsigned kInputs = 24;

  IoApic(ApicBus& bus, uint8_t id, Log& log, std::string name = "ioapic")
      : bus_(bus), first_id_(id), log_(log), name_(std::move(name)) {
    reset();
  }

  std::string_view name() const override { return name_; }
  uint32_t state_version() const override { return 1; }
  void reset() override;
  uint64_t read(Offset, Width) override;
  void write(Offset, Width, uint64_t) override;
  void set_irq(unsigned line, bool level) override;
  // A level-triggered interrupt with this vector has ended.
  void end_of_interrupt(uint8_t vector);

 private:
  void serialize_state(StateStream&) override;
  void service(unsigned input);
  uint32_t read_selected();
  void write_selected(uint32_t value);

  ApicBus& bus_;
  const uint8_t first_id_;
  Log& log_;
  const std::string name_;
  uint8_t id_ = 0, select_ = 0;
  uint32_t lines_ = 0;  // as they are
  uint32_t edges_ = 0;  // have risen, and were not sent yet
  std::array<uint64_t, kInputs> entries_{};
};

}  // namespace mynah::dev
