// SPDX-License-Identifier: Apache-2.0
//
// ACPI tables (ACPI 6.4, chapter 5) for x86 boards whose hardware is "reduced": no fixed power management
// registers; and what boards of every family share.
#pragma once

#include <cstdint>
#include <vector>

#include "machines/acpi/table_set.h"

namespace mynah::acpi {

struct IoApicEntry {
  uint8_t id;
  uint32_t address, first_gsi;
};

struct Description {
  unsigned processors = 1;
  std::vector<IoApicEntry> io_apics;
  bool timer_on_input_2 = true;  // ISA interrupt 0 is the I/O APIC's input 2
  uint64_t sleep_registers = 0;  // sleep control, sleep status and reset, a byte each
  uint8_t reset_value = 0;
  uint64_t pci_config = 0;  // ECAM of 256 buses; 0: no PCI
  Bytes dsdt;               // definitions
};

// Contents of the MCFG of one segment whose buses start at 0.
Bytes mcfg(uint64_t pci_config, unsigned buses);

// All tables, to lie one behind the other from `address` on; the root pointer comes first.
std::vector<uint8_t> make_tables(const Description& description, uint64_t address);

}  // namespace mynah::acpi
