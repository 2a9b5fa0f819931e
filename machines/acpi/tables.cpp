// SPDX-License-Identifier: Apache-2.0
//
// Contents of the tables: DSDT, FADT, FACS where hardware is fixed, MADT, MCFG where there is PCI Express,
// HPET.
#include "machines/acpi/tables.h"

namespace mynah::acpi {

namespace {

constexpr size_t kFadtFacs = 36, kFadtDsdt = 40;  // in the table

// A register in I/O space.
void put_port(Bytes& to, uint64_t port, unsigned bytes) {
  put(to, 1, 1);
  put(to, 8 * bytes, 1);
  put(to, 0, 1);
  put(to, bytes == 4 ? 3 : bytes, 1);
  put(to, port, 8);
}

// The pointers in an FADT are made by who adds it.
Bytes reduced_fadt(const Description& d) {
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

Bytes fixed_fadt(const FixedHardware& f) {
  constexpr uint32_t kWriteBack = 1 << 0, kC1 = 1 << 2, kNoSleepButton = 1 << 5, kResetRegister = 1 << 10;
  constexpr uint16_t kLegacyDevices = 1 << 0, kKeyboard = 1 << 1, kNoVga = 1 << 2;
  constexpr uint16_t kNoLatency = 0xfff;
  Bytes t;
  put(t, 0, 8);  // addresses
  put(t, 1, 1);
  put(t, 0, 1);  // unspecified profile
  put(t, f.sci, 2);
  put(t, f.command_port, 4);
  put(t, f.enable, 1);
  put(t, f.disable, 1);
  put(t, 0, 2);
  put(t, f.base, 4);  // events
  put(t, 0, 4);
  put(t, f.base + 4u, 4);  // control
  put(t, 0, 4);
  put(t, 0, 4);
  put(t, f.base + 8u, 4);  // timer
  put(t, f.events, 4);
  put(t, 0, 4);
  put(t, 4, 1);
  put(t, 2, 1);
  put(t, 0, 1);
  put(t, 4, 1);
  put(t, f.events_bytes, 1);
  put(t, 0, 3);
  put(t, kNoLatency, 2);
  put(t, kNoLatency, 2);
  put(t, 0, 7);
  put(t, 0, 1);     // no day alarm
  put(t, 0, 1);     // nor a month's
  put(t, 0x32, 1);  // the century
  t.resize(109 - kTableHeader);
  put(t, kLegacyDevices | (f.legacy ? kKeyboard : kNoVga), 2);
  put(t, 0, 1);
  put(t, kWriteBack | kC1 | kNoSleepButton | kResetRegister, 4);
  put_port(t, f.reset_port, 1);
  put(t, f.reset_value, 1);
  put(t, 0, 3);
  put(t, 0, 16);  // addresses
  put_port(t, f.base, 4);
  put(t, 0, 12);
  put_port(t, f.base + 4u, 2);
  put(t, 0, 12);
  put(t, 0, 12);
  put_port(t, f.base + 8u, 4);
  if (f.events)
    put_port(t, f.events, f.events_bytes);
  else
    put(t, 0, 12);
  put(t, 0, 12);
  return t;
}

// Aligned to 64 bytes, without a sum.
Bytes facs() {
  Bytes t;
  put(t, "FACS", 4);
  put(t, 64, 4);
  t.resize(32);
  put(t, 1, 1);  // version
  t.resize(64);
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
  for (const InterruptOverride& o : d.overrides) {
    put(t, 2, 1);
    put(t, 10, 1);
    put(t, 0, 1);
    put(t, o.irq, 1);
    put(t, o.gsi, 4);
    put(t, o.flags, 2);
  }
  put(t, 4, 1);  // NMI at LINT1 of all
  put(t, 6, 1);
  put(t, 0xff, 1);
  put(t, 0, 2);
  put(t, 1, 1);
  return t;
}

// IA-PC HPET Specification 1.0a, 3.2.4.
Bytes hpet(const EventTimers& timers) {
  Bytes t;
  put(t, timers.id, 4);
  put(t, 0, 4);  // in memory, of no width
  put(t, timers.address, 8);
  put(t, 0, 1);  // the first
  put(t, 0, 2);
  put(t, 0, 1);
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

TableSet table_set(const Description& d) {
  TableSet tables;
  const size_t dsdt = tables.add("DSDT", 2, d.dsdt, TableSet::Listed::kNo);
  const size_t fadt =
      d.fixed ? tables.add("FACP", 3, fixed_fadt(*d.fixed)) : tables.add("FACP", 6, reduced_fadt(d));
  if (d.fixed) tables.point(fadt, kFadtFacs, 4, tables.add_plain(facs()));
  tables.point(fadt, kFadtDsdt, 4, dsdt);
  tables.point(fadt, kFadtLongDsdt, 8, dsdt);
  tables.add("APIC", 4, madt(d));
  if (d.hpet) tables.add("HPET", 1, hpet(*d.hpet));
  if (d.pci_config) tables.add("MCFG", 1, mcfg(d.pci_config, 256));
  return tables;
}

std::vector<uint8_t> make_tables(const Description& d, uint64_t address) {
  return table_set(d).place(address);
}

}  // namespace mynah::acpi
