// SPDX-License-Identifier: Apache-2.0
//
// Slot and root registers, PCI Express Base 4.0, 7.5.3.9 to 7.5.3.14. No command of the slot takes time, so
// none is reported as completed (No Command Completed Support).
#include "devices/pci/root_port.h"

#include <cassert>

namespace mynah::dev::pci {
namespace {

constexpr uint32_t kHotPlugSurprise = 1u << 5, kHotPlugCapable = 1u << 6, kNoCommandCompleted = 1u << 18;
constexpr unsigned kSlotNumberShift = 19;
constexpr uint16_t kSlotControlBits = 0x1fff, kSlotChanges = 0x011f, kPresent = 0x0040;
constexpr uint32_t kLinkActiveReporting = 1u << 20;
constexpr uint16_t kLinkActive = 0x2000;
constexpr uint32_t kPmeStatus = 1u << 16;

}  // namespace

RootPort::RootPort(Log& log, const Options& options)
    : Bridge("pcie-root-port",
             {.vendor = 0x1b36, .device = 0x000c, .class_code = 0x060400, .interrupt_pin = 1}, log,
             ConfigSize::kExpress, true, 1) {
  assert(options.slot < 0x2000);
  add_bar(0, BarKind::kMemory32, 0x1000);
  add_msix(1, 0, 0, 0x800);
  add_express(PortType::kRootPort);
  const unsigned at = capability(Capability::kExpress);
  set_config(at + kExpressFlags, 2, config(at + kExpressFlags, 2) | kSlotImplemented);
  set_config(at + kLinkCapabilities, 4,
             config(at + kLinkCapabilities, 4) | kLinkActiveReporting | uint32_t{options.port} << 24);
  let_change(at + kLinkStatus, 2, kLinkActive);
  set_config(at + kSlotCapabilities, 4,
             kNoCommandCompleted | (options.hot_plug ? kHotPlugCapable | kHotPlugSurprise : 0) |
                 uint32_t{options.slot} << kSlotNumberShift);
  let_write(at + kSlotControl, 2, kSlotControlBits);
  let_clear(at + kSlotStatus, 2, kSlotChanges);
  let_change(at + kSlotStatus, 2, kPresent);
  let_write(at + kRootControl, 2, 0x000f);
  let_clear(at + kRootStatus, 4, kPmeStatus);
  add_power_management();
}

void RootPort::reset_model() {
  const unsigned at = capability(Capability::kExpress);
  if (secondary().at(0)) {
    set_config(at + kSlotStatus, 2, kPresent);
    set_config(at + kLinkStatus, 2, config(at + kLinkStatus, 2) | kLinkActive);
  }
  Bridge::reset_model();
}

}  // namespace mynah::dev::pci
