// SPDX-License-Identifier: Apache-2.0
//
// Layout of the tables. RSDP (36 bytes), then XSDT, FADT, MADT, MCFG where there is PCI, DSDT.
#include "machines/acpi/tables.h"

#include <numeric>
#include <string_view>

namespace mynah::acpi {

namespace {

void put(Bytes& to, uint64_t value, unsigned n) {
  for (unsigned i = 0; i < n; ++i) to.push_back(static_cast<uint8_t>(value >> 8 * i));
}
void put(Bytes& to, std::string_view text, size_t n) {
  for (size_t i = 0; i < n; ++i) to.push_back(i < text.size() ? static_cast<uint8_t>(text[i]) : 0);
}
uint8_t checksum(const uint8_t* bytes, size_t n) {
  return static_cast<uint8_t>(-std::accumulate(bytes, bytes + n, 0u));
}

Bytes table(std::string_view signature, uint8_t revision, const Bytes& contents) {
  Bytes t;
  put(t, signature, 4);
  put(t, 36 + contents.size(), 4);
  put(t, revision, 1);
  put(t, 0, 1);  // checksum
  put(t, "MYNAH ", 6);
  put(t, "MYNAHTBL", 8);
  put(t, 1, 4);
  put(t, "MYNA", 4);
  put(t, 1, 4);
  t += contents;
  t[9] = checksum(t.data(), t.size());
  return t;
}

// A generic address: a byte in system memory.
void put_register(Bytes& to, uint64_t address) {
  put(to, 0, 1);
  put(to, 8, 1);
  put(to, 0, 1);
  put(to, 1, 1);
  put(to, address, 8);
}

Bytes fadt(const Description& d, uint64_t dsdt) {
  constexpr uint32_t kResetRegister = 1 << 10, kHardwareReduced = 1 << 20;
  constexpr uint16_t kNoVga = 1 << 2;
  Bytes t;
  put(t, 0, 4);  // FIRMWARE_CTRL
  put(t, dsdt <= 0xffffffff ? dsdt : 0, 4);
  t.resize(109 - 36);  // fixed hardware: none
  put(t, kNoVga, 2);
  put(t, 0, 1);
  put(t, kResetRegister | kHardwareReduced, 4);
  put_register(t, d.sleep_registers + 2);
  put(t, d.reset_value, 1);
  put(t, 0, 2);
  put(t, 3, 1);  // minor version
  put(t, 0, 8);  // X_FIRMWARE_CTRL
  put(t, dsdt, 8);
  t.resize(244 - 36);
  put_register(t, d.sleep_registers);
  put_register(t, d.sleep_registers + 1);
  put(t, 0, 8);
  return table("FACP", 6, t);
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
  return table("APIC", 4, t);
}

Bytes mcfg(const Description& d) {
  Bytes t;
  put(t, 0, 8);
  put(t, d.pci_config, 8);
  put(t, 0, 2);
  put(t, 0, 1);
  put(t, 255, 1);
  put(t, 0, 4);
  return table("MCFG", 1, t);
}

}  // namespace

std::vector<uint8_t> make_tables(const Description& d, uint64_t address) {
  constexpr size_t kRsdpSize = 36, kAlignment = 16;
  Bytes all(48);
  std::vector<uint64_t> listed;
  const auto add = [&](const Bytes& t) {
    all.resize((all.size() + kAlignment - 1) / kAlignment * kAlignment);
    const uint64_t at = address + all.size();
    all += t;
    return at;
  };
  const uint64_t dsdt = add(table("DSDT", 2, d.dsdt));
  listed.push_back(add(fadt(d, dsdt)));
  listed.push_back(add(madt(d)));
  if (d.pci_config) listed.push_back(add(mcfg(d)));
  Bytes pointers;
  for (const uint64_t at : listed) put(pointers, at, 8);
  const uint64_t xsdt = add(table("XSDT", 1, pointers));

  Bytes rsdp;
  put(rsdp, "RSD PTR ", 8);
  put(rsdp, 0, 1);
  put(rsdp, "MYNAH ", 6);
  put(rsdp, 2, 1);
  put(rsdp, 0, 4);
  put(rsdp, kRsdpSize, 4);
  put(rsdp, xsdt, 8);
  put(rsdp, 0, 4);
  rsdp[8] = checksum(rsdp.data(), 20);
  rsdp[32] = checksum(rsdp.data(), kRsdpSize);
  std::copy(rsdp.begin(), rsdp.end(), all.begin());
  return all;
}

}  // namespace mynah::acpi
