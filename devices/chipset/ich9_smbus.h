// SPDX-License-Identifier: Apache-2.0
//
// Ich9Smbus: the SMBus controller of Intel's ICH9 (data sheet 316972, chapter 18) as a PCI function, with
// nothing on its bus: each transfer ends with "no acknowledgement".
//
// What is not modelled: the controller as a slave; registers in memory.
#pragma once

#include <array>

#include "devices/pci/function.h"

namespace mynah::dev {

class Ich9Smbus final : public pci::Function {
 public:
  static constexpr unsigned kBar = 4;
  enum Config : unsigned { kHostConfig = 0x40 };
  enum Register : Offset {
    kStatus = 0,
    kControl = 2,
    kCommand = 3,
    kAddress = 4,
    kData = 5,
    kAuxiliary = 13
  };
  enum Status : uint8_t { kDeviceError = 1 << 2, kErrors = 0x1e };
  enum Control : uint8_t { kInterruptEnable = 1 << 0, kStart = 1 << 6 };

  explicit Ich9Smbus(Log& log);

 private:
  static constexpr uint64_t kSize = 64;

  void reset_model() override;
  void serialize_model(StateStream&) override;
  uint64_t bar_read(unsigned bar, uint64_t offset, Width width) override;
  void bar_write(unsigned bar, uint64_t offset, Width width, uint64_t value) override;
  void write_byte(Offset at, uint8_t value);
  void show();

  std::array<uint8_t, 16> registers_{};
};

}  // namespace mynah::dev
