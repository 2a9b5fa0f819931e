// SPDX-License-Identifier: Apache-2.0
//
// Tables of the board: ACPI 6.4, chapter 5 (FADT, MADT, GTDT, PPTT), Serial Port Console Redirection 2, and
// Arm's DEN0049 (IORT). Devices are those of the device tree, under the names that systems match.
#include "machines/virt_acpi.h"

#include <fmt/core.h>

#include "devices/fwcfg/fw_cfg.h"
#include "devices/gpio/pl061.h"
#include "devices/pci/host.h"
#include "devices/serial/pl011.h"
#include "devices/timer/generic_timer.h"
#include "machines/acpi/tables.h"
#include "machines/virt_map.h"

namespace mynah {

using namespace acpi;
using namespace virt_map;

namespace {

constexpr unsigned kFirstSpi = 32;  // global numbers are interrupt ids
constexpr unsigned kHypervisorTimer = 26, kSecureTimer = 29;

// --- DSDT

Bytes held(uint64_t base, uint64_t size) {
  return memory_range(static_cast<uint32_t>(base), static_cast<uint32_t>(size));
}

Bytes line(unsigned spi) { return interrupt(kFirstSpi + spi, true); }

Bytes processor_devices(size_t n) {
  Bytes out;
  for (size_t i = 0; i < n; ++i)
    out +=
        device(fmt::format("C{:03X}", i), join({name("_HID", string("ACPI0007")), name("_UID", integer(i))}));
  return out;
}

Bytes serial(unsigned number, uint64_t base, unsigned spi) {
  return device(fmt::format("COM{}", number),
                join({name("_HID", string("ARMH0011")), name("_UID", integer(number)),
                      name("_CRS", resources({held(base, dev::Pl011::kWindowSize), line(spi)}))}));
}

Bytes virtio(unsigned slot) {
  return device(fmt::format("VR{:02}", slot),
                join({name("_HID", string("LNRO0005")), name("_UID", integer(slot)), name("_CCA", integer(1)),
                      name("_CRS", resources({held(kVirtio + slot * kVirtioSize, kVirtioSize),
                                              line(kVirtioIrq + slot)}))}));
}

Bytes firmware_config() {
  return device("FWCF",
                join({name("_HID", string("QEMU0002")), name("_STA", integer(11)), name("_CCA", integer(1)),
                      name("_CRS", resources({held(kFwCfg, dev::FwCfg::kWindowSize)}))}));
}

Bytes flash() {
  Bytes out;
  for (unsigned i = 0; i < 2; ++i)
    out += device(fmt::format("FLS{}", i),
                  join({name("_HID", string("LNRO0015")), name("_UID", integer(i)),
                        name("_CRS", resources({held(kFlash + i * kFlashSize, kFlashSize)}))}));
  return out;
}

// The power key is a pin of the GPIO controller. A pin below 256 has a method of its own: _E and its number.
Bytes power_key() {
  const Bytes controller =
      device("GPO0", join({name("_HID", string("ARMH0061")), name("_UID", integer(0)),
                           name("_CRS", resources({held(kGpio, dev::Pl061::kWindowSize), line(kGpioIrq)})),
                           name("_AEI", resources({gpio_event(kPowerKeyLine, "\\_SB.GPO0")})),
                           method(fmt::format("_E{:02X}", kPowerKeyLine), 0, notify("\\_SB.PWRB", 0x80))}));
  return join(
      {controller, device("PWRB", join({name("_HID", eisa_id("PNP0C0C")), name("_UID", integer(0))}))});
}

// The configuration window is claimed by a device of its own: systems use it only where somebody does.
Bytes pci(const VirtPciWindows& windows) {
  std::vector<Bytes> routes;
  for (unsigned slot = 0; slot < 32; ++slot)
    for (unsigned pin = 0; pin < 4; ++pin)
      routes.push_back(package({integer(slot << 16 | 0xffff), integer(pin), integer(0),
                                integer(kFirstSpi + kPciIrq + (slot + pin) % 4)}));
  const auto last = static_cast<uint16_t>(windows.config_size / dev::pci::Host::kEcamBytesPerBus - 1);
  Bytes passed =
      join({bus_range(0, last),
            memory_window(static_cast<uint32_t>(kPciMemory), static_cast<uint32_t>(kPciMemorySize)),
            io_window(kPciIoSize, kPciIo)});
  if (windows.high_memory) passed += memory_window_64(kPciHighMemory, kPciHighMemorySize);
  const Bytes claim =
      device("RES0", join({name("_HID", eisa_id("PNP0C02")),
                           name("_CRS", resources({memory_range_64(windows.config, windows.config_size)}))}));
  return device("PCI0", join({name("_HID", eisa_id("PNP0A08")), name("_CID", eisa_id("PNP0A03")),
                              name("_SEG", integer(0)), name("_BBN", integer(0)), name("_UID", integer(0)),
                              name("_CCA", integer(1)), name("_CBA", integer(windows.config)),
                              name("_CRS", resources({passed})), name("_PRT", package(routes)), claim}));
}

Bytes dsdt(const VirtAcpiInput& in) {
  Bytes devices = processor_devices(in.affinities.size());
  devices += serial(0, kUart, kUartIrq);
  if (in.second_serial) devices += serial(1, kSecondUart, kSecondUartIrq);
  devices += join({flash(), firmware_config(), power_key()});
  for (const unsigned slot : in.virtio_slots) devices += virtio(slot);
  devices += pci(in.pci);
  return scope("\\_SB", devices);
}

// --- tables

Bytes fadt() {
  constexpr uint32_t kHardwareReduced = 1 << 20;
  constexpr uint16_t kPsci = 1 << 0, kPsciByHvc = 1 << 1;
  constexpr size_t kFlags = 112, kArmBoot = 129, kSize = 276;
  Bytes t(kFlags - kTableHeader);
  put(t, kHardwareReduced, 4);
  t.resize(kArmBoot - kTableHeader);
  put(t, kPsci | kPsciByHvc, 2);
  put(t, 3, 1);  // minor version
  t.resize(kSize - kTableHeader);
  return t;
}

// 5.2.12.14 to 5.2.12.18.
Bytes madt(const VirtAcpiInput& in) {
  Bytes t;
  const auto begin = [&t](uint8_t type, uint8_t length) {
    put(t, type, 1);
    put(t, length, 1);
    put(t, 0, 2);
  };
  const bool v2 = in.gic_version == 2;
  put(t, 0, 8);  // no local interrupt controllers of a PC
  begin(12, 24);
  put(t, 0, 4);
  put(t, kGicDistributor, 8);
  put(t, 0, 4);
  put(t, in.gic_version, 4);
  for (size_t i = 0; i < in.affinities.size(); ++i) {
    begin(11, 80);
    put(t, i, 4);  // its number in a GICv2
    put(t, i, 4);  // _UID
    put(t, 1, 4);  // enabled
    put(t, 0, 4);
    put(t, in.pmu ? kPmuPpi : 0, 4);
    put(t, 0, 8);
    put(t, v2 ? kGicCpu : 0, 8);
    put(t, 0, 8 + 8);  // of a hypervisor
    put(t, 0, 4 + 8);
    put(t, in.affinities[i], 8);
    put(t, 0, 4);
  }
  if (v2) {
    constexpr uint32_t kAsHere = 1;  // rather than as its TYPER says
    begin(13, 24);
    put(t, 0, 4);
    put(t, kGicV2m, 8);
    put(t, kAsHere, 4);
    put(t, kGicV2mIrqs, 2);
    put(t, kFirstSpi + kGicV2mIrq, 2);
    return t;
  }
  const auto redistributors = [&](uint64_t base, uint64_t size) {
    begin(14, 16);
    put(t, base, 8);
    put(t, size, 4);
  };
  redistributors(kGicRedistributor, kGicRedistributorSpace);
  if (in.affinities.size() > kLowRedistributors)
    redistributors(kGicHighRedistributor, kGicHighRedistributorSpace);
  if (in.its) {
    begin(15, 20);
    put(t, 0, 4);
    put(t, kGicIts, 8);
    put(t, 0, 4);
  }
  return t;
}

// 5.2.25: level, high.
Bytes gtdt() {
  constexpr uint32_t kAlwaysOn = 1 << 2;
  Bytes t;
  put(t, ~uint64_t{0}, 8);  // no frame in memory
  put(t, 0, 4);
  const auto timer = [&t](unsigned id, uint32_t flags) {
    put(t, id, 4);
    put(t, flags, 4);
  };
  timer(kSecureTimer, 0);
  timer(dev::GenericTimer::kPhysicalPpi, kAlwaysOn);
  timer(dev::GenericTimer::kVirtualPpi, 0);
  timer(kHypervisorTimer, 0);
  put(t, ~uint64_t{0}, 8);
  put(t, 0, 4 + 4);
  return t;
}

Bytes serial_console() {
  constexpr uint8_t kPl011 = 3, kGicInterrupt = 1 << 3, kAnsi = 3;
  constexpr uint16_t kNoPci = 0xffff;
  Bytes t;
  put(t, kPl011, 4);
  put_memory_register(t, kUart, 32);
  put(t, kGicInterrupt, 1);
  put(t, 0, 1);
  put(t, kFirstSpi + kUartIrq, 4);
  put(t, 7, 1);  // 115200
  put(t, 0, 1);
  put(t, 1, 1);  // stop bit
  put(t, 0, 1);
  put(t, kAnsi, 1);
  put(t, 0, 1);
  put(t, kNoPci, 2);
  put(t, kNoPci, 2);
  t.resize(80 - kTableHeader);
  return t;
}

// DEN0049: requester ids of PCI are the ITS's device ids.
Bytes iort() {
  constexpr uint8_t kItsGroup = 0, kRootComplex = 2;
  constexpr uint32_t kNodes = 48;
  Bytes t;
  put(t, 2, 4);
  put(t, kNodes, 4);
  put(t, 0, 4);
  const auto node = [&t](uint8_t type, uint16_t length, uint8_t revision, uint32_t mappings, uint32_t at) {
    put(t, type, 1);
    put(t, length, 2);
    put(t, revision, 1);
    put(t, 0, 4);
    put(t, mappings, 4);
    put(t, at, 4);
  };
  node(kItsGroup, 24, 0, 0, 0);
  put(t, 1, 4);
  put(t, 0, 4);  // the ITS's number in the MADT
  node(kRootComplex, 56, 1, 1, 36);
  put(t, 1, 4);  // coherent
  put(t, 0, 3);
  put(t, 3, 1);  // and its memory accesses are cacheable
  put(t, 0, 4);
  put(t, 0, 4);   // segment
  put(t, 64, 4);  // bits of an address
  put(t, 0, 4);
  put(t, 0xffff, 4);  // ids, less one
  put(t, 0, 4);
  put(t, kNodes, 4);
  put(t, 0, 4);
  return t;
}

// 5.2.29: sockets, clusters, cores and threads; each node says where its parent is.
Bytes topology(const ProcessorConfig& c) {
  enum Flag : uint32_t { kPackage = 1, kHasUid = 2, kThread = 4, kLeaf = 8 };
  Bytes t;
  unsigned uid = 0;
  const auto node = [&t](uint32_t flags, size_t parent, unsigned id) {
    const size_t at = kTableHeader + t.size();
    put(t, 0, 1);
    put(t, 20, 1);
    put(t, 0, 2);
    put(t, flags, 4);
    put(t, parent, 4);
    put(t, id, 4);
    put(t, 0, 4);
    return at;
  };
  for (unsigned s = 0; s < c.sockets && uid < c.now; ++s) {
    const size_t socket = node(kPackage, 0, s);
    for (unsigned k = 0; k < c.clusters && uid < c.now; ++k) {
      const size_t cluster = c.clusters > 1 ? node(0, socket, k) : socket;
      for (unsigned n = 0; n < c.cores && uid < c.now; ++n) {
        if (c.threads == 1) {
          node(kHasUid | kLeaf, cluster, uid++);
          continue;
        }
        const size_t core = node(0, cluster, n);
        for (unsigned i = 0; i < c.threads && uid < c.now; ++i) node(kHasUid | kThread | kLeaf, core, uid++);
      }
    }
  }
  return t;
}

}  // namespace

TableSet describe_virt(const VirtAcpiInput& in) {
  TableSet tables;
  const size_t definitions = tables.add("DSDT", 2, dsdt(in), TableSet::Listed::kNo);
  tables.point(tables.add("FACP", 6, fadt()), kFadtLongDsdt, 8, definitions);
  tables.add("APIC", 4, madt(in));
  tables.add("GTDT", 2, gtdt());
  tables.add("PPTT", 2, topology(in.processors));
  tables.add(
      "MCFG", 1,
      mcfg(in.pci.config, static_cast<unsigned>(in.pci.config_size / dev::pci::Host::kEcamBytesPerBus)));
  tables.add("SPCR", 2, serial_console());
  if (in.its) tables.add("IORT", 0, iort());
  return tables;
}

}  // namespace mynah
