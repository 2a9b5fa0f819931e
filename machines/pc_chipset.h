// SPDX-License-Identifier: Apache-2.0
//
// PcChipset: the functions on a PC's root bus that are its chipset, and what only a chipset decides: how
// PCI's interrupts go, what firmware leaves in it. A PcMachine (pc.h) has one of the two there are: 440FX
// with PIIX3 and PIIX4's power management, and Q35 with ICH9.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "devices/chipset/pam_bridge.h"
#include "devices/core/event_queue.h"
#include "devices/pci/host.h"
#include "devices/storage/ide_controller.h"

namespace mynah {

struct PcChipsetFacts {
  std::string_view name;     // the board's
  std::string_view product;  // what SMBIOS calls it
  // More RAM than the first goes on at 4 GiB; then the second is where it is cut.
  uint64_t most_low_ram, low_ram_where_more;
  uint64_t pci_config;        // ECAM of 256 buses, as firmware places it; 0: there is none
  uint64_t pci_memory_begin;  // below it nothing of PCI is placed by firmware
  unsigned isa_slot, video_slot;
  unsigned pirqs;
  unsigned (*pirq_of)(unsigned slot, unsigned pin);
  unsigned first_gsi;  // of PIRQ A at the I/O APIC; 0: its interrupt of ISA
  uint32_t hpet_routes;
  uint8_t acpi_enable, acpi_disable, reset_value;
  uint16_t events;  // general purpose events, from PMBASE on; 0: there are none
  uint8_t events_bytes;
  std::string_view ide_path;  // firmware's of the disk controller, on PCI
  bool floppies;              // the controller is there without a disk, too
};
extern const PcChipsetFacts kI440FxFacts, kIch9Facts;

class PcChipset {
 public:
  struct Parts {
    dev::EventQueue& events;
    dev::Log& log;
    dev::pci::Host& pci;
    std::function<dev::IrqLine(unsigned input)> device_line, pirq_line,
        sci_line;  // at the interrupt controllers
    dev::PamBridge::Changed route;
    std::function<void()> reset, off;
  };

  virtual ~PcChipset() = default;
  virtual dev::PamBridge& host_bridge() = 0;
  virtual dev::IdeController& ide() = 0;
  virtual dev::IrqSink& pirqs() = 0;
  virtual dev::Device& config_ports() = 0;
  virtual dev::Device& apm() = 0;
  virtual void press_power_button() = 0;
  virtual uint16_t power_base() const = 0;  // PMBASE, as firmware has it now; 0 before that
  // Ports that are not found by BARs.
  using Map = std::function<void(uint64_t port, uint64_t size, dev::Device& device)>;
  virtual void map_ports(const Map&) {}
  // As firmware leaves them: its registers before BARs are placed, and what goes by those.
  virtual void preset() = 0;
  virtual void preset_behind_bars() {}
};

// Plugs the functions into the host's root bus.
std::unique_ptr<PcChipset> make_i440fx(const PcChipset::Parts& parts);
std::unique_ptr<PcChipset> make_ich9(const PcChipset::Parts& parts);

}  // namespace mynah
