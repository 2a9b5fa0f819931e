// SPDX-License-Identifier: Apache-2.0
//
// The frame has no state: all of it is the distributor's.
#include "devices/intc/gicv2m.h"

#include <fmt/format.h>

namespace mynah::dev {
namespace {

enum Register : Offset {
  kTyper = 0x008,    // MSI_TYPER
  kSetSpi = 0x040,   // MSI_SETSPI_NS
  kIidr = 0xfcc,     // MSI_IIDR
  kIdFirst = 0xfd0,  // identification registers, all 0
};
constexpr unsigned kFirstSpiId = 32;      // interrupt id of line 0
constexpr uint32_t kInterruptId = 0x3ff;  // of a value written to MSI_SETSPI_NS
constexpr uint32_t kImplementer = 0x43b;  // Arm

}  // namespace

uint64_t Gicv2m::read(Offset offset, Width width) {
  if (width == Width::k4) {
    if (offset == kTyper) return (config_.first_spi + kFirstSpiId) << 16 | config_.count;
    if (offset == kIidr) return kImplementer;
    if (offset >= kIdFirst || offset == kSetSpi) return 0;
  }
  log_.guest_error(name(), fmt::format("read of unknown register {:#x}", offset));
  return 0;
}

void Gicv2m::write(Offset offset, Width width, uint64_t value) {
  if (offset == kSetSpi && (width == Width::k4 || width == Width::k2))
    return signal(static_cast<uint32_t>(value));
  log_.guest_error(name(), fmt::format("write to read-only or unknown register {:#x}", offset));
}

bool Gicv2m::message(uint64_t address, uint32_t data, uint16_t) {
  if (address != config_.base + kSetSpi) return false;
  signal(data);
  return true;
}

void Gicv2m::signal(uint32_t value) {
  const uint32_t line = (value & kInterruptId) - kFirstSpiId;
  if (line - config_.first_spi >= config_.count)
    return log_.guest_error(name(), fmt::format("message for interrupt {}, which is not the frame's", value));
  distributor_.set_irq(line, true);
  distributor_.set_irq(line, false);
}

}  // namespace mynah::dev
