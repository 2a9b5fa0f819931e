// SPDX-License-Identifier: Apache-2.0
//
// See pci_serial.h.
#include "devices/serial/pci_serial.h"

namespace mynah::dev {

PciSerial::PciSerial(Log& log, CharBackend& backend)
    : Function(
          "pci-serial",
          {.vendor = 0x1b36, .device = 0x0002, .class_code = 0x070002, .revision = 1, .interrupt_pin = 1},
          log, pci::ConfigSize::kConventional),
      uart_(backend, IrqLine(*this, 0), log) {
  add_bar(0, pci::BarKind::kIo, Uart16550::kWindowSize);
}

// A wider access has the registers from there on, as a bus of bytes splits it.
uint64_t PciSerial::bar_read(unsigned, uint64_t offset, Width width) {
  uint64_t value = 0;
  for (unsigned i = 0; i < bytes(width); ++i) value |= uart_.read(offset + i, Width::k1) << (8 * i);
  return value;
}

void PciSerial::bar_write(unsigned, uint64_t offset, Width width, uint64_t value) {
  for (unsigned i = 0; i < bytes(width); ++i) uart_.write(offset + i, Width::k1, value >> (8 * i) & 0xff);
}

}  // namespace mynah::dev
