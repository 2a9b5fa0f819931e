// SPDX-License-Identifier: Apache-2.0
//
// Layout of the tables: DSDT, FACS where there is fixed hardware, FADT, MADT, MCFG where there is PCI
// Express, HPET, RSDT and XSDT. Addresses are filled in where they are noted, so that firmware can do the
// same.
#include "machines/acpi/tables.h"

#include <algorithm>
#include <numeric>
#include <string_view>
#include <utility>

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

// A register in I/O space.
void put_port(Bytes& to, uint64_t port, unsigned bytes) {
  put(to, 1, 1);
  put(to, 8 * bytes, 1);
  put(to, 0, 1);
  put(to, bytes == 4 ? 3 : bytes, 1);
  put(to, port, 8);
}

// Offsets of addresses in it.
constexpr size_t kFadtFacs = 36, kFadtDsdt = 40, kFadtXDsdt = 140;

Bytes reduced_fadt(const Description& d) {
  constexpr uint32_t kResetRegister = 1 << 10, kHardwareReduced = 1 << 20;
  constexpr uint16_t kNoVga = 1 << 2;
  Bytes t;
  t.resize(109 - 36);  // addresses; fixed hardware: none
  put(t, kNoVga, 2);
  put(t, 0, 1);
  put(t, kResetRegister | kHardwareReduced, 4);
  put_register(t, d.sleep_registers + 2);
  put(t, d.reset_value, 1);
  put(t, 0, 2);
  put(t, 3, 1);  // minor version
  t.resize(244 - 36);
  put_register(t, d.sleep_registers);
  put_register(t, d.sleep_registers + 1);
  put(t, 0, 8);
  return table("FACP", 6, t);
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
  put(t, 0, 8);            // general events: none
  put(t, 4, 1);
  put(t, 2, 1);
  put(t, 0, 1);
  put(t, 4, 1);
  put(t, 0, 4);
  put(t, kNoLatency, 2);
  put(t, kNoLatency, 2);
  put(t, 0, 7);
  put(t, 0, 1);     // no day alarm
  put(t, 0, 1);     // nor a month's
  put(t, 0x32, 1);  // the century
  t.resize(109 - 36);
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
  put(t, 0, 24);
  return table("FACP", 3, t);
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

Bytes hpet(uint64_t address) {
  Bytes t;
  put(t, 0x8086a201, 4);  // as its capabilities have it
  put(t, 0, 4);           // memory
  put(t, address, 8);
  put(t, 0, 4);
  return table("HPET", 1, t);
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

// All tables one behind the other; addresses in them are offsets until they are placed.
struct Laid {
  Bytes bytes;
  struct Address {
    size_t at;
    unsigned size;
    size_t table;  // that it is in: its sum is another then
  };
  std::vector<Address> addresses;
  size_t rsdt = 0, xsdt = 0;
};

uint64_t get(const Bytes& from, size_t at, unsigned n) {
  uint64_t value = 0;
  for (unsigned i = n; i-- > 0;) value = value << 8 | from[at + i];
  return value;
}
void set(Bytes& to, size_t at, uint64_t value, unsigned n) {
  for (unsigned i = 0; i < n; ++i) to[at + i] = static_cast<uint8_t>(value >> 8 * i);
}
constexpr size_t kTableSum = 9, kTableLength = 4;

void sum_up(Bytes& all, size_t table) {
  all[table + kTableSum] = 0;
  all[table + kTableSum] = checksum(all.data() + table, get(all, table + kTableLength, 4));
}

Laid lay_out(const Description& d, size_t begin) {
  Laid laid;
  laid.bytes.resize(begin);
  std::vector<size_t> listed;
  const auto add = [&laid](const Bytes& t, size_t alignment = 16) {
    laid.bytes.resize((laid.bytes.size() + alignment - 1) / alignment * alignment);
    const size_t at = laid.bytes.size();
    laid.bytes += t;
    return at;
  };
  const auto point = [&laid](size_t table, size_t at, unsigned size, size_t to) {
    set(laid.bytes, table + at, to, size);
    laid.addresses.push_back({table + at, size, table});
  };
  const size_t dsdt = add(table("DSDT", 2, d.dsdt));
  const size_t sleeping = d.fixed ? add(facs(), 64) : 0;
  const size_t fadt = add(d.fixed ? fixed_fadt(*d.fixed) : reduced_fadt(d));
  if (d.fixed) point(fadt, kFadtFacs, 4, sleeping);
  point(fadt, kFadtDsdt, 4, dsdt);
  point(fadt, kFadtXDsdt, 8, dsdt);
  listed.push_back(fadt);
  listed.push_back(add(madt(d)));
  if (d.pci_config) listed.push_back(add(mcfg(d)));
  if (d.hpet) listed.push_back(add(hpet(d.hpet)));
  laid.rsdt = add(table("RSDT", 1, Bytes(4 * listed.size())));
  laid.xsdt = add(table("XSDT", 1, Bytes(8 * listed.size())));
  for (size_t i = 0; i < listed.size(); ++i) {
    point(laid.rsdt, 36 + 4 * i, 4, listed[i]);
    point(laid.xsdt, 36 + 8 * i, 8, listed[i]);
  }
  for (const Laid::Address& a : laid.addresses) sum_up(laid.bytes, a.table);
  return laid;
}

constexpr size_t kRsdpSize = 36, kRsdpSum = 8, kRsdpRsdt = 16, kRsdpXsdt = 24, kRsdpLongSum = 32;
constexpr size_t kRsdpShort = 20;  // bytes of the first version

Bytes root_pointer(uint64_t rsdt, uint64_t xsdt) {
  Bytes rsdp;
  put(rsdp, "RSD PTR ", 8);
  put(rsdp, 0, 1);
  put(rsdp, "MYNAH ", 6);
  put(rsdp, 2, 1);
  put(rsdp, rsdt, 4);
  put(rsdp, kRsdpSize, 4);
  put(rsdp, xsdt, 8);
  put(rsdp, 0, 4);
  rsdp[kRsdpSum] = checksum(rsdp.data(), kRsdpShort);
  rsdp[kRsdpLongSum] = checksum(rsdp.data(), kRsdpSize);
  return rsdp;
}

// Commands of 128 bytes.
class Loader {
 public:
  enum class Zone : uint8_t { kHigh = 1, kFSegment = 2 };
  void place(const char* file, uint32_t alignment, Zone zone) {
    begin(1);
    put(bytes_, file, kName);
    put(bytes_, alignment, 4);
    put(bytes_, static_cast<uint8_t>(zone), 1);
    end();
  }
  void add_address(const char* to, const char* of, size_t at, unsigned size) {
    begin(2);
    put(bytes_, to, kName);
    put(bytes_, of, kName);
    put(bytes_, at, 4);
    put(bytes_, size, 1);
    end();
  }
  void sum_up(const char* file, size_t sum_at, size_t from, size_t n) {
    begin(3);
    put(bytes_, file, kName);
    put(bytes_, sum_at, 4);
    put(bytes_, from, 4);
    put(bytes_, n, 4);
    end();
  }
  Bytes take() { return std::move(bytes_); }

 private:
  static constexpr size_t kName = 56, kCommand = 128;
  void begin(uint32_t command) { put(bytes_, command, 4); }
  void end() { bytes_.resize((bytes_.size() + kCommand - 1) / kCommand * kCommand); }
  Bytes bytes_;
};

}  // namespace

std::vector<uint8_t> make_tables(const Description& d, uint64_t address) {
  constexpr size_t kBegin = 64;  // behind the root pointer
  Laid laid = lay_out(d, kBegin);
  for (const Laid::Address& a : laid.addresses) {
    const uint64_t to = address + get(laid.bytes, a.at, a.size);
    set(laid.bytes, a.at, a.size == 4 && to > 0xffffffff ? 0 : to, a.size);
  }
  for (const Laid::Address& a : laid.addresses) sum_up(laid.bytes, a.table);
  const Bytes rsdp = root_pointer(address + laid.rsdt, address + laid.xsdt);
  std::copy(rsdp.begin(), rsdp.end(), laid.bytes.begin());
  return std::move(laid.bytes);
}

LinkedTables link_tables(const Description& d) {
  constexpr const char *kTables = LinkedTables::kTablesFile, *kRoot = LinkedTables::kRootPointerFile;
  Laid laid = lay_out(d, 0);
  LinkedTables linked;
  Loader loader;
  loader.place(kRoot, 16, Loader::Zone::kFSegment);
  loader.place(kTables, 64, Loader::Zone::kHigh);
  size_t summed = ~size_t{0};
  const auto sum = [&] {
    if (summed != ~size_t{0})
      loader.sum_up(kTables, summed + kTableSum, summed, get(laid.bytes, summed + kTableLength, 4));
  };
  std::stable_sort(laid.addresses.begin(), laid.addresses.end(),
                   [](const Laid::Address& a, const Laid::Address& b) { return a.table < b.table; });
  for (const Laid::Address& a : laid.addresses) {
    if (a.table != summed) sum();
    summed = a.table;
    loader.add_address(kTables, kTables, a.at, a.size);
  }
  sum();
  linked.root_pointer = root_pointer(laid.rsdt, laid.xsdt);
  loader.add_address(kRoot, kTables, kRsdpRsdt, 4);
  loader.add_address(kRoot, kTables, kRsdpXsdt, 8);
  loader.sum_up(kRoot, kRsdpSum, 0, kRsdpShort);
  loader.sum_up(kRoot, kRsdpLongSum, 0, kRsdpSize);
  linked.tables = std::move(laid.bytes);
  linked.commands = loader.take();
  return linked;
}

}  // namespace mynah::acpi
