// SPDX-License-Identifier: Apache-2.0
//
// PCI with its interrupts as firmware routes them, what is on ISA, and off.
#include "machines/pc_acpi.h"

#include "devices/chipset/piix4_pm.h"
#include "devices/fwcfg/fw_cfg_ports.h"
#include "devices/timer/hpet.h"
#include "machines/pc_map.h"

namespace mynah {

using namespace acpi;
using namespace pc_map;

namespace {

Bytes isa_device(std::string_view device_name, std::string_view id, std::initializer_list<Bytes> what,
                 unsigned number = 0) {
  Bytes contents = name("_HID", eisa_id(id));
  if (number) contents += name("_UID", integer(number));
  contents += name("_STA", integer(15));
  contents += name("_CRS", resources(what));
  return device(device_name, contents);
}

Bytes isa(const PcDescription& d) {
  Bytes all = name("_ADR", integer(kIsaSlot << 16));
  all += isa_device("RTC", "PNP0B00", {io_range(kRtcPort, 8), isa_irq(kRtcIrq)});
  all += isa_device("KBD", "PNP0303",
                    {io_range(kKeyboardPort, 1), io_range(kKeyboardCommandPort, 1), isa_irq(kKeyboardIrq)});
  all += isa_device("MOU", "PNP0F13", {isa_irq(kMouseIrq)});
  all += isa_device("COM1", "PNP0501", {io_range(kSerialPort, 8), isa_irq(kSerialIrq)}, 1);
  if (d.second_serial)
    all += isa_device("COM2", "PNP0501", {io_range(kSecondSerialPort, 8), isa_irq(kSecondSerialIrq)}, 2);
  if (d.parallel)
    all += isa_device("LPT1", "PNP0400", {io_range(kParallelPort, 8), isa_irq(kParallelIrq)}, 1);
  return device("ISA", all);
}

// A pin's line is chosen by its slot, and its interrupt is what firmware has routed the line to.
Bytes routes() {
  std::vector<Bytes> all;
  for (unsigned slot = 0; slot < 32; ++slot)
    for (unsigned pin = 0; pin < 4; ++pin)
      all.push_back(package({integer(slot << 16 | 0xffff), integer(pin), integer(0),
                             integer(kPirqIrqs[(slot + pin + 3) % 4])}));
  return package(all);
}

Bytes pci(const PcDescription& d) {
  const auto memory = static_cast<uint32_t>(d.pci_memory);
  return device(
      "PCI0",
      join({name("_HID", eisa_id("PNP0A03")), name("_ADR", integer(0)), name("_UID", integer(0)),
            name("_CRS", resources({bus_range(0, 255), io_range(kPciConfigPort, 8), port_window(0, 0xcf7),
                                    port_window(0xd00, 0xffff),
                                    memory_window(static_cast<uint32_t>(kVideo),
                                                  static_cast<uint32_t>(kVideoEnd - kVideo)),
                                    memory_window(memory, static_cast<uint32_t>(kPciMemoryEnd) - memory)})),
            name("_PRT", routes()), isa(d)}));
}

}  // namespace

Description describe_pc(const PcDescription& d) {
  Bytes devices = pci(d);
  devices +=
      device("FWCF", join({name("_HID", string("QEMU0002")), name("_STA", integer(11)),
                           name("_CRS", resources({io_range(kFwCfgPort, dev::FwCfgPorts::kWindowSize)}))}));
  if (d.hpet)
    devices += device("HPET", join({name("_HID", eisa_id("PNP0103")), name("_UID", integer(0)),
                                    name("_CRS", resources({memory_range(static_cast<uint32_t>(kHpet),
                                                                         dev::Hpet::kWindowSize)}))}));
  const Bytes off = name("\\_S5", package({integer(dev::Piix4Pm::kOffType), integer(dev::Piix4Pm::kOffType),
                                           integer(0), integer(0)}));
  constexpr uint8_t kReset = 6;
  Description all{.processors = d.processors,
                  .io_apics = {{0, static_cast<uint32_t>(kIoApic), 0}},
                  .timer_on_input_2 = true,
                  .dsdt = join({scope("\\_SB", devices), off})};
  all.fixed = FixedHardware{.base = kPmBase,
                            .sci = kSciIrq,
                            .command_port = kApmPort,
                            .enable = dev::Piix4Pm::kAcpiEnable,
                            .disable = dev::Piix4Pm::kAcpiDisable,
                            .reset_port = kPciConfigPort + 1,
                            .reset_value = kReset};
  if (d.hpet) all.hpet = EventTimers{.id = dev::Hpet::kId, .address = kHpet};
  // PCI's interrupts, and ACPI's.
  for (const uint8_t irq : {uint8_t{5}, uint8_t{kSciIrq}, uint8_t{10}, uint8_t{11}})
    all.overrides.push_back({irq, irq, InterruptOverride::kActiveHighLevel});
  return all;
}

}  // namespace mynah
