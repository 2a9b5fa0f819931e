// SPDX-License-Identifier: Apache-2.0
//
// ACPI tables (ACPI 6.4, chapter 5) for x86 boards with fixed power management registers, and for those whose
// hardware is "reduced", without them; and what boards of every family share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "machines/acpi/table_set.h"

namespace mynah::acpi {

// Where the fixed description (FADT) has the 64-bit address of the definitions.
constexpr size_t kFadtLongDsdt = 140;

struct IoApicEntry {
  uint8_t id;
  uint32_t address, first_gsi;
};

// Fixed power management registers, in I/O space, as PIIX4 has them (chapter 4.8).
struct FixedHardware {
  uint16_t base = 0;  // status, enable; 4: control; 8: timer of 24 bits
  uint8_t sci = 9;
  uint16_t command_port = 0;
  uint8_t enable = 0, disable = 0;  // what is written there
  uint16_t reset_port = 0;
  uint8_t reset_value = 0;
  uint16_t events = 0;  // general purpose events: status, then enable, each half of the bytes; 0: none
  uint8_t events_bytes = 0;
  bool legacy = true;  // there are a keyboard controller and VGA
};

// An interrupt of ISA that is another one at the I/O APICs, or has another polarity and trigger.
struct InterruptOverride {
  uint8_t irq = 0;
  uint32_t gsi = 0;
  uint16_t flags = 0;
  static constexpr uint16_t kActiveHighLevel = 0xd;
};

// High precision event timers: the low half of their capabilities, and where they are in memory.
struct EventTimers {
  uint32_t id = 0;
  uint64_t address = 0;
};

struct Description {
  unsigned processors = 1;
  std::vector<IoApicEntry> io_apics;
  bool timer_on_input_2 = true;  // ISA interrupt 0 is the I/O APIC's input 2
  uint64_t sleep_registers = 0;  // sleep control, sleep status and reset, a byte each
  uint8_t reset_value = 0;
  uint64_t pci_config = 0;  // ECAM of 256 buses; 0: no PCI
  Bytes dsdt;               // definitions
  std::optional<FixedHardware> fixed = {};
  std::vector<InterruptOverride> overrides = {};
  std::optional<EventTimers> hpet = {};
};

// Contents of the MCFG of one segment whose buses start at 0.
Bytes mcfg(uint64_t pci_config, unsigned buses);

TableSet table_set(const Description& description);
// All tables, to lie one behind the other from `address` on; the root pointer comes first.
std::vector<uint8_t> make_tables(const Description& description, uint64_t address);

}  // namespace mynah::acpi
