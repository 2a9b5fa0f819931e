// SPDX-License-Identifier: Apache-2.0
//
// PCI with its interrupts as firmware routes them, what is on ISA, and off.
#include "machines/pc_acpi.h"

#include <algorithm>

#include "devices/acpi/pm1.h"
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
  Bytes all = name("_ADR", integer(d.chipset->isa_slot << 16));
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

// Where each pin of each slot goes: without the I/O APIC to ISA's interrupts, as firmware has routed the
// PIRQs; with it to inputs of its own, where the chipset has those.
Bytes routes(const PcChipsetFacts& chipset, bool with_io_apic) {
  std::vector<Bytes> all;
  for (unsigned slot = 0; slot < 32; ++slot)
    for (unsigned pin = 0; pin < 4; ++pin) {
      const unsigned pirq = chipset.pirq_of(slot, pin);
      all.push_back(package(
          {integer(slot << 16 | 0xffff), integer(pin), integer(0),
           integer(with_io_apic && chipset.first_gsi ? chipset.first_gsi + pirq : kPirqIrqs[pirq % 4])}));
    }
  return package(all);
}

// _PIC says which of the two a system uses.
Bytes all_routes(const PcChipsetFacts& chipset) {
  if (!chipset.first_gsi) return name("_PRT", routes(chipset, false));
  return join({name("PRTP", routes(chipset, false)), name("PRTA", routes(chipset, true)),
               method("_PRT", 0, join({if_name("\\PICM", return_name("PRTA")), return_name("PRTP")}))});
}

Bytes pci(const PcDescription& d) {
  const auto window = [](uint64_t begin, uint64_t end) {
    return begin < end ? memory_window(static_cast<uint32_t>(begin), static_cast<uint32_t>(end - begin))
                       : Bytes();
  };
  const uint64_t config = d.chipset->pci_config;
  Bytes all = config ? join({name("_HID", eisa_id("PNP0A08")), name("_CID", eisa_id("PNP0A03"))})
                     : name("_HID", eisa_id("PNP0A03"));
  all += name("_ADR", integer(0));
  all += name("_UID", integer(0));
  all += name(
      "_CRS",
      resources(
          {bus_range(0, 255), io_range(kPciConfigPort, 8), port_window(0, 0xcf7), port_window(0xd00, 0xffff),
           window(kVideo, kVideoEnd), window(d.pci_memory, config ? config : kPciMemoryEnd),
           config ? window(std::max(d.pci_memory, d.chipset->pci_memory_begin), kPciMemoryEnd) : Bytes()}));
  // Whatever a system wants to do itself it may.
  constexpr unsigned kCapabilities = 3;
  if (config) all += method("_OSC", 4, return_argument(kCapabilities));
  all += all_routes(*d.chipset);
  return device("PCI0", join({all, isa(d)}));
}

// Configuration space is nobody else's.
Bytes config_space(const PcChipsetFacts& chipset) {
  return device("DRAC",
                join({name("_HID", eisa_id("PNP0C01")),
                      name("_CRS", resources({memory_range(static_cast<uint32_t>(chipset.pci_config),
                                                           static_cast<uint32_t>(chipset.pci_memory_begin -
                                                                                 chipset.pci_config))}))}));
}

}  // namespace

Description describe_pc(const PcDescription& d) {
  const PcChipsetFacts& chipset = *d.chipset;
  Bytes devices = pci(d);
  if (chipset.pci_config) devices += config_space(chipset);
  devices +=
      device("FWCF", join({name("_HID", string("QEMU0002")), name("_STA", integer(11)),
                           name("_CRS", resources({io_range(kFwCfgPort, dev::FwCfgPorts::kWindowSize)}))}));
  if (d.hpet)
    devices += device("HPET", join({name("_HID", eisa_id("PNP0103")), name("_UID", integer(0)),
                                    name("_CRS", resources({memory_range(static_cast<uint32_t>(kHpet),
                                                                         dev::Hpet::kWindowSize)}))}));
  const Bytes off = name(
      "\\_S5", package({integer(dev::Pm1::kOffType), integer(dev::Pm1::kOffType), integer(0), integer(0)}));
  Bytes choice;
  if (chipset.first_gsi)
    choice = join({name("PICM", integer(0)), method("_PIC", 1, store_argument(0, "PICM"))});
  Description all{.processors = d.processors,
                  .io_apics = {{0, static_cast<uint32_t>(kIoApic), 0}},
                  .timer_on_input_2 = true,
                  .pci_config = chipset.pci_config,
                  .dsdt = join({choice, scope("\\_SB", devices), off})};
  const uint16_t power = d.power_base ? d.power_base : kPmBase;
  all.fixed = FixedHardware{.base = power,
                            .sci = kSciIrq,
                            .command_port = kApmPort,
                            .enable = chipset.acpi_enable,
                            .disable = chipset.acpi_disable,
                            .reset_port = kPciConfigPort + 1,
                            .reset_value = chipset.reset_value,
                            .events = static_cast<uint16_t>(chipset.events ? power + chipset.events : 0),
                            .events_bytes = chipset.events_bytes};
  if (d.hpet) all.hpet = EventTimers{.id = dev::Hpet::kId, .address = kHpet};
  // PCI's interrupts, and ACPI's.
  for (const uint8_t irq : {uint8_t{5}, uint8_t{kSciIrq}, uint8_t{10}, uint8_t{11}})
    all.overrides.push_back({irq, irq, InterruptOverride::kActiveHighLevel});
  return all;
}

}  // namespace mynah
