// SPDX-License-Identifier: Apache-2.0
//
// GICv2m frame (Arm Server Base System Architecture, appendix E): messages become shared peripheral
// interrupts. A write of an interrupt's number to MSI_SETSPI_NS is an edge of its line. Interfaces: register
// window (Device), messages of PCI functions (MsiTarget), the distributor's lines (IrqSink).
#pragma once

#include "devices/core/stateless_device.h"
#include "devices/pci/msi_target.h"

namespace mynah::dev {

class Gicv2m final : public StatelessDevice, public pci::MsiTarget {
 public:
  static constexpr uint64_t kWindowSize = 0x1000;

  struct Config {
    uint64_t base;           // of the window, as functions see it
    unsigned first_spi = 0;  // line of the distributor, 0 to 987
    unsigned count = 0;      // of the frame's interrupts
  };
  Gicv2m(IrqSink& distributor, Log& log, const Config& config)
      : StatelessDevice("gicv2m"), distributor_(distributor), log_(log), config_(config) {}

  uint64_t read(Offset offset, Width width) override;
  void write(Offset offset, Width width, uint64_t value) override;
  bool message(uint64_t address, uint32_t data, uint16_t requester) override;

 private:
  void signal(uint32_t interrupt);

  IrqSink& distributor_;
  Log& log_;
  const Config config_;
};

}  // namespace mynah::dev
