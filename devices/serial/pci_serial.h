// SPDX-License-Identifier: Apache-2.0
//
// pci-serial: a 16550A behind an I/O BAR, 1b36:0002.
#pragma once

#include "devices/pci/function.h"
#include "devices/serial/uart_16550.h"

namespace mynah::dev {

class PciSerial final : public pci::Function, private IrqSink {
 public:
  PciSerial(Log& log, CharBackend& backend);
  uint32_t state_version() const override { return 1; }

 private:
  void set_irq(unsigned, bool level) override { set_intx(level); }
  uint64_t bar_read(unsigned bar, uint64_t offset, Width width) override;
  void bar_write(unsigned bar, uint64_t offset, Width width, uint64_t value) override;
  void reset_model() override { uart_.reset(); }
  void serialize_model(StateStream& s) override { uart_.serialize(s); }

  Uart16550 uart_;
};

}  // namespace mynah::dev
