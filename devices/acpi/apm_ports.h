// SPDX-License-Identifier: Apache-2.0
//
// ApmPorts: the ports 0xb2 and 0xb3 of Intel's chipsets (APM control and status). A write of the first would
// call system management mode; without it what firmware would do for ACPI there is done: power management is
// turned on and off.
#pragma once

#include <functional>
#include <utility>

#include "devices/core/registers.h"
#include "devices/core/stateless_device.h"

namespace mynah::dev {

class ApmPorts final : public StatelessDevice {
 public:
  static constexpr unsigned kSize = 2;
  // `turn` is called from inside of the guest's write. The owner saves and resets what the ports hold.
  ApmPorts(std::string_view name, uint8_t enable, uint8_t disable, std::function<void(bool)> turn)
      : StatelessDevice(name), enable_(enable), disable_(disable), turn_(std::move(turn)) {}

  uint64_t read(Offset offset, Width width) override {
    return read_by_bytes(offset, width, [this](Offset at) -> uint8_t {
      return at == 0 ? control : at == 1 ? status : 0xff;
    });
  }
  void write(Offset offset, Width width, uint64_t value) override {
    write_by_bytes(offset, width, value, [this](Offset at, uint8_t byte) {
      if (at == 1) status = byte;
      if (at != 0) return;
      control = byte;
      if (byte == enable_ || byte == disable_) turn_(byte == enable_);
    });
  }

  uint8_t control = 0, status = 0;

 private:
  const uint8_t enable_, disable_;
  const std::function<void(bool)> turn_;
};

}  // namespace mynah::dev
