// SPDX-License-Identifier: Apache-2.0
//
// The board's devices as AML.
#include "machines/microvm_acpi.h"

#include <fmt/core.h>

#include "devices/acpi/ged.h"
#include "devices/fwcfg/fw_cfg_ports.h"
#include "machines/microvm_map.h"

namespace mynah {

using namespace acpi;
using namespace microvm_map;

namespace {

Bytes serial(std::string_view device_name, unsigned number, uint16_t port, unsigned irq) {
  return device(device_name, join({name("_HID", eisa_id("PNP0501")), name("_UID", integer(number)),
                                   name("_STA", integer(15)),
                                   name("_CRS", resources({io_range(port, 8), isa_irq(irq)}))}));
}

// The power button comes as an event of the generic event device.
Bytes events() {
  const Bytes button = if_local0_and(dev::GenericEventDevice::kPowerButton, notify("\\_SB.PWRB", 0x80));
  return device("GED",
                join({name("_HID", string("ACPI0013")), name("_UID", integer(0)),
                      name("_CRS", resources({interrupt(kGedIrq, false)})), memory_word("EREG", "ESEL", kGed),
                      method("_EVT", 1, join({store_to_local0("ESEL"), button}))}));
}

Bytes virtio(const MicrovmDescription::Virtio& v) {
  const auto base = static_cast<uint32_t>(kVirtio + v.slot * kVirtioSize);
  return device(fmt::format("VR{:02}", v.slot),
                join({name("_HID", string("LNRO0005")), name("_UID", integer(v.slot)),
                      name("_STA", integer(15)), name("_CCA", integer(1)),
                      name("_CRS", resources({memory_range(base, kVirtioSize), interrupt(v.gsi, true)}))}));
}

// Pins of neighbouring devices are on different lines, as pci::Host has them. The configuration window is
// claimed by a device of its own: systems use it only where somebody does.
Bytes pci() {
  std::vector<Bytes> routes;
  for (unsigned slot = 0; slot < 32; ++slot)
    for (unsigned pin = 0; pin < 4; ++pin)
      routes.push_back(package(
          {integer(slot << 16 | 0xffff), integer(pin), integer(0), integer(kPciIrq + (slot + pin) % 4)}));
  const Bytes bridge = device(
      "PCI0",
      join(
          {name("_HID", eisa_id("PNP0A08")), name("_CID", eisa_id("PNP0A03")), name("_SEG", integer(0)),
           name("_BBN", integer(0)), name("_UID", integer(0)), name("_CCA", integer(1)),
           name("_CRS", resources({bus_range(0, 255), memory_window(static_cast<uint32_t>(kPciMemory),
                                                                    static_cast<uint32_t>(kPciMemorySize))})),
           name("_PRT", package(routes))}));
  const Bytes config =
      device("MRES", join({name("_HID", eisa_id("PNP0C02")), name("_UID", integer(0)),
                           name("_CRS", resources({memory_range(static_cast<uint32_t>(kPciConfig),
                                                                static_cast<uint32_t>(kPciConfigSize))}))}));
  return join({bridge, config});
}

}  // namespace

Bytes describe_microvm(const MicrovmDescription& d) {
  Bytes devices = serial("COM1", 1, kSerialPort, kSerialIrq);
  if (d.second_serial) devices += serial("COM2", 2, kSecondSerialPort, kSecondSerialIrq);
  if (d.rtc)
    devices += device("RTC", join({name("_HID", eisa_id("PNP0B00")),
                                   name("_CRS", resources({io_range(kRtcPort, 8), isa_irq(kRtcIrq)}))}));
  if (d.fw_cfg)
    devices +=
        device("FWCF", join({name("_HID", string("QEMU0002")), name("_STA", integer(11)),
                             name("_CRS", resources({io_range(kFwCfgPort, dev::FwCfgPorts::kWindowSize)}))}));
  devices += device("PWRB", name("_HID", eisa_id("PNP0C0C")));
  devices += events();
  if (d.pci) devices += pci();
  for (const auto& v : d.virtio) devices += virtio(v);
  const Bytes off = name(
      "\\_S5", package({integer(dev::GenericEventDevice::kOffType), integer(0), integer(0), integer(0)}));
  return join({scope("\\_SB", devices), off});
}

}  // namespace mynah
