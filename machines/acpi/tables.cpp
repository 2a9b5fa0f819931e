// SPDX-License-Identifier: Apache-2.0
//
// Contents of the tables: DSDT, FADT, MADT, MCFG where there is PCI.
#include "machines/acpi/tables.h"

namespace mynah::acpi {

namespace {

constexpr size_t kFadtDsdt = 40, kFadtLongDsdt = 140;  // in the table

// The pointers to the DSDT are made by who adds it.
Bytes fadt(const Description& d) {
  constexpr uint32_t kResetRegister = 1 << 10, kHardwareReduced = 1 << 20;
  constexpr uint16_t kNoVga = 1 << 2;
  Bytes t;
  t.resize(109 - kTableHeader);  // fixed hardware: none
  put(t, kNoVga, 2);
  put(t, 0, 1);
  put(t, kResetRegister | kHardwareReduced, 4);
  put_memory_register(t, d.sleep_registers + 2, 8);
  put(t, d.reset_value, 1);
  put(t, 0, 2);
  put(t, 3, 1);  // minor version
  t.resize(244 - kTableHeader);
  put_memory_register(t, d.sleep_registers, 8);
  put_memory_register(t, d.sleep_registers + 1, 8);
  put(t, 0, 8);
  return t;
}

Bytes madt(const Description& d) {
  Bytes t;
  put(t, 0xfee00000, 4);
  put(t, 1, 4);  // there are 8259s
  for (unsigned i = 0; i < d.processors; ++i) {
    if (i < 255) {
      put(t, 0, 1);
      put(t, 8, 1);
      put(t, i, 1);
      put(t, i, 1);
      put(t, 1, 4);
    } else {
      put(t, 9, 1);
      put(t, 16, 1);
      put(t, 0, 2);
      put(t, i, 4);
      put(t, 1, 4);
      put(t, i, 4);
    }
  }
  for (const IoApicEntry& entry : d.io_apics) {
    put(t, 1, 1);
    put(t, 12, 1);
    put(t, entry.id, 1);
    put(t, 0, 1);
    put(t, entry.address, 4);
    put(t, entry.first_gsi, 4);
  }
  if (d.timer_on_input_2) {
    put(t, 2, 1);
    put(t, 10, 1);
    put(t, 0, 2);  // ISA, interrupt 0
    put(t, 2, 4);
    put(t, 0, 2);
  }
  put(t, 4, 1);  // NMI at LINT1 of all
  put(t, 6, 1);
  put(t, 0xff, 1);
  put(t, 0, 2);
  put(t, 1, 1);
  return t;
}

}  // namespace

Bytes mcfg(uint64_t pci_config, unsigned buses) {
  Bytes t;
  put(t, 0, 8);
  put(t, pci_config, 8);
  put(t, 0, 2);
  put(t, 0, 1);
  put(t, buses - 1, 1);
  put(t, 0, 4);
  return t;
}

std::vector<uint8_t> make_tables(const Description& d, uint64_t address) {
  TableSet tables;
  const size_t dsdt = tables.add("DSDT", 2, d.dsdt, TableSet::Listed::kNo);
  const size_t fixed = tables.add("FACP", 6, fadt(d));
  tables.point(fixed, kFadtDsdt, 4, dsdt);
  tables.point(fixed, kFadtLongDsdt, 8, dsdt);
  tables.add("APIC", 4, madt(d));
  if (d.pci_config) tables.add("MCFG", 1, mcfg(d.pci_config, 256));
  return tables.place(address);
}

}  // namespace mynah::acpi
