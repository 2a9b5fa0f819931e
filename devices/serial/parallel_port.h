// SPDX-License-Identifier: Apache-2.0
//
// ParallelPort: the PC's standard parallel port (IEEE 1284-1994, compatibility mode; IBM's PC technical
// reference) with a printer behind it that takes every byte at once and shows it to a CharBackend: data,
// status and control, a byte each.
//
// What is not modelled: EPP and ECP, whose registers read as all ones; bytes from the printer.
#pragma once

#include "devices/core/char_backend.h"
#include "devices/core/device.h"

namespace mynah::dev {

class ParallelPort final : public Device {
 public:
  static constexpr uint64_t kWindowSize = 8;
  enum Register : Offset { kData = 0, kStatus = 1, kControl = 2 };
  // As the registers have them: busy, acknowledge and error are low where they are so.
  enum Status : uint8_t {
    kTimeout = 0x01,
    kNoError = 0x08,
    kSelected = 0x10,
    kNotAcknowledged = 0x40,
    kNotBusy = 0x80
  };
  enum Control : uint8_t {
    kStrobe = 0x01,
    kAutoFeed = 0x02,
    kNoInit = 0x04,
    kSelect = 0x08,
    kInterruptEnable = 0x10,
    kInput = 0x20
  };

  // `printer` outlives the device.
  ParallelPort(CharBackend& printer, IrqLine irq) : printer_(printer), irq_(irq) { reset(); }

  std::string_view name() const override { return "parallel"; }
  uint32_t state_version() const override { return 1; }
  void reset() override;
  uint64_t read(Offset, Width) override;
  void write(Offset, Width, uint64_t) override;

 private:
  void serialize_state(StateStream&) override;
  uint8_t read_byte(Offset);
  void write_byte(Offset, uint8_t);
  uint8_t read_status();
  void write_control(uint8_t);
  void show() { irq_.set(pending_); }

  CharBackend& printer_;
  const IrqLine irq_;
  uint8_t data_ = 0, status_ = 0, control_ = 0;
  bool pending_ = false;  // the interrupt of a byte that was taken, until status is read
};

}  // namespace mynah::dev
