// SPDX-License-Identifier: Apache-2.0
//
// A row a device: its name, what has to stand behind it, its keys, how it is made. Those on ISA are in
// device_rows_isa.cpp.
#include "app/device_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "app/options_parser.h"
#include "app/text.h"
#include "devices/net/e1000.h"
#include "devices/net/e1000e.h"
#include "devices/pci/bridge.h"
#include "devices/pci/pci_testdev.h"
#include "devices/pci/root_port.h"
#include "devices/serial/pci_serial.h"
#include "devices/storage/ahci.h"
#include "devices/storage/ata_disk.h"
#include "devices/storage/atapi_cd.h"
#include "devices/storage/mmc_unit.h"
#include "devices/storage/nvme.h"
#include "devices/storage/sbc_unit.h"
#include "devices/virtio/virtio_blk.h"
#include "devices/virtio/virtio_net.h"
#include "devices/virtio/virtio_rng.h"
#include "devices/watchdog/i6300esb.h"

namespace mynah::app {
namespace {

using D = DeviceOption;

// --- Setters.

std::string set_mac(D& to, const std::string& value) {
  to.mac = parse_mac(value);
  return to.mac ? "" : "six bytes as 52:54:00:12:34:56, the first even";
}
template <unsigned D::*member>
std::string set_block_size(D& to, const std::string& value) {
  const auto size = parse_size(value, 1);
  if (!size || *size < 512 || *size > 32768 || !std::has_single_bit(*size))
    return "a power of two from 512 to 32768";
  to.*member = static_cast<unsigned>(*size);
  return {};
}
std::string set_sector(D&, const std::string& value) { return value == "512" ? "" : "512, as IDE has it"; }
std::string set_any_number(D&, const std::string& value) { return parse_u64(value) ? "" : "a number"; }
std::string set_queue_count(D& to, const std::string& value) {  // with the one for administration
  const auto queues = parse_u64(value);
  if (!queues || *queues < 2 || *queues > 65) return "a number from 2 to 65";
  to.queue_pairs = static_cast<unsigned>(*queues - 1);
  return {};
}
std::string set_any_size(D&, const std::string& value) { return parse_size(value, 1) ? "" : "a size"; }
std::string set_port_number(D& to, const std::string& value) {
  const auto number = parse_u64(value);
  if (!number || *number >= dev::VirtioConsole::kMaxPorts) return "a number from 0 to 30";
  to.port = static_cast<unsigned>(*number);
  return {};
}
std::string set_any_on_off(D&, const std::string& value) {
  return host::parse_switch(value) ? "" : "on or off";
}
template <unsigned D::*member, unsigned most>
std::string set_number(D& to, const std::string& value) {
  const auto number = parse_u64(value);
  if (!number || *number > most) return "a number from 0 to " + std::to_string(most);
  to.*member = static_cast<unsigned>(*number);
  return {};
}
std::string set_queue_pairs(D& to, const std::string& value) {
  const auto pairs = parse_u64(value);
  if (!pairs || *pairs < 1 || *pairs > 64) return "a number from 1 to 64";
  to.queue_pairs = static_cast<unsigned>(*pairs);
  return {};
}

std::string set_boot_index(D& to, const std::string& value) {
  if (value == "-1") {
    to.boot_index.reset();
    return {};
  }
  const auto index = parse_u64(value);
  if (!index || *index > 0x7fffffff) return "a number from 0, or -1 for none";
  to.boot_index = static_cast<unsigned>(*index);
  return {};
}
std::string set_max_bytes(D& to, const std::string& value) {
  const auto n = parse_u64(value);
  if (!n || *n == 0) return "a number of bytes from 1";
  to.rng_limit = *n;
  return {};
}
std::string set_period(D& to, const std::string& value) {
  const auto ms = parse_u64(value);
  if (!ms || *ms == 0 || *ms > 0xffffffff) return "milliseconds from 1";
  to.rng_period_ms = *ms;
  return {};
}

// --- Keys.

constexpr KeyRow<D> kBlockKeys[] = {
    {"drive", "ID", "the -drive behind it", set_text<D, &D::drive>},
    {"serial", "TEXT", "serial number, at most 20 bytes", set_text<D, &D::serial>},
    {"logical_block_size", "BYTES", "512 by default", set_block_size<&D::logical_block>},
    {"physical_block_size", "BYTES", "512 by default", set_block_size<&D::physical_block>},
    {"bootindex", "N", "firmware starts from the least", set_boot_index},
    {"num-queues", "N", "accepted: there is one", set_any_number},
    {"queue-size", "N", "accepted", set_any_number},
    {"scsi", "off", "commands of SCSI", only_off<D>},
    {"share-rw", "on|off", "accepted", set_any_on_off},
};
constexpr KeyRow<D> kIdeDiskKeys[] = {
    {"drive", "ID", "the -drive behind it", set_text<D, &D::drive>},
    {"serial", "TEXT", "serial number, at most 20 bytes", set_text<D, &D::serial>},
    {"model", "TEXT", "what it calls itself, at most 40 bytes", set_text<D, &D::model>},
    {"bootindex", "N", "firmware starts from the least", set_boot_index},
    {"logical_block_size", "512", "accepted", set_sector},
    {"physical_block_size", "BYTES", "accepted", set_block_size<&D::physical_block>},
    {"rotation_rate", "N", "accepted", set_any_number},
    {"wwn", "N", "accepted", set_any_number},
    {"ver", "TEXT", "accepted", set_nothing<D>},
};
constexpr KeyRow<D> kIdeCdKeys[] = {
    {"drive", "ID", "the -drive behind it; without, it has no medium", set_text<D, &D::drive>},
    {"bootindex", "N", "firmware starts from the least", set_boot_index},
    {"serial", "TEXT", "accepted", set_nothing<D>},
    {"model", "TEXT", "accepted", set_nothing<D>},
    {"ver", "TEXT", "accepted", set_nothing<D>},
};
constexpr KeyRow<D> kScsiDiskKeys[] = {
    {"drive", "ID", "the -drive behind it", set_text<D, &D::drive>},
    {"serial", "TEXT", "serial number, at most 36 bytes; the drive's id by default", set_text<D, &D::serial>},
    {"vendor", "TEXT", "who made it, at most 8 bytes", set_text<D, &D::vendor>},
    {"product", "TEXT", "what it calls itself, at most 16 bytes", set_text<D, &D::product>},
    {"logical_block_size", "BYTES", "512 by default", set_block_size<&D::logical_block>},
    {"physical_block_size", "BYTES", "512 by default", set_block_size<&D::physical_block>},
    {"bootindex", "N", "firmware starts from the least", set_boot_index},
    {"rotation_rate", "N", "accepted", set_any_number},
    {"wwn", "N", "accepted", set_any_number},
    {"ver", "TEXT", "accepted", set_nothing<D>},
};
constexpr KeyRow<D> kScsiCdKeys[] = {
    {"drive", "ID", "the -drive behind it; without, it has no medium", set_text<D, &D::drive>},
    {"serial", "TEXT", "serial number, at most 36 bytes; the drive's id by default", set_text<D, &D::serial>},
    {"vendor", "TEXT", "who made it, at most 8 bytes", set_text<D, &D::vendor>},
    {"product", "TEXT", "what it calls itself, at most 16 bytes", set_text<D, &D::product>},
    {"bootindex", "N", "firmware starts from the least", set_boot_index},
    {"ver", "TEXT", "accepted", set_nothing<D>},
};
constexpr KeyRow<D> kScsiAdapterKeys[] = {
    {"num_queues", "N", "accepted: there is one", set_any_number},
    {"virtqueue_size", "N", "accepted", set_any_number},
    {"max_sectors", "N", "accepted", set_any_number},
    {"cmd_per_lun", "N", "accepted", set_any_number},
    {"hotplug", "on|off", "accepted: units do not come and go", set_any_on_off},
    {"param_change", "on|off", "accepted", set_any_on_off},
};
constexpr KeyRow<D> kNvmeKeys[] = {
    {"drive", "ID", "the -drive behind it", set_text<D, &D::drive>},
    {"serial", "TEXT", "serial number, at most 20 bytes; it must have one", set_text<D, &D::serial>},
    {"logical_block_size", "BYTES", "512 (default) to 4096", set_block_size<&D::logical_block>},
    {"physical_block_size", "BYTES", "accepted", set_block_size<&D::physical_block>},
    {"max_ioqpairs", "N", "pairs of I/O queues, 64 by default", set_queue_pairs},
    {"num_queues", "N", "the same, and one more", set_queue_count},
    {"bootindex", "N", "firmware starts from the least", set_boot_index},
};
constexpr KeyRow<D> kNetKeys[] = {
    {"netdev", "ID", "the -netdev behind it", set_text<D, &D::netdev>},
    {"mac", "ADDRESS", "hardware address", set_mac},
    {"bootindex", "N", "firmware starts from the least", set_boot_index},
};
constexpr KeyRow<D> kVirtioNetKeys[] = {
    kNetKeys[0],
    kNetKeys[1],
    kNetKeys[2],
    {"mq", "on|off", "accepted: there is one pair of queues", set_any_on_off},
    {"rx_queue_size", "N", "accepted", set_any_number},
    {"tx_queue_size", "N", "accepted", set_any_number},
};
constexpr KeyRow<D> kRngKeys[] = {
    {"rng", "ID", "the -object behind it; the host's random numbers by default", set_text<D, &D::rng>},
    {"max-bytes", "N", "as many bytes in each period at most", set_max_bytes},
    {"period", "MS", "how long a period is", set_period},
};
constexpr KeyRow<D> kBalloonKeys[] = {
    {"deflate-on-oom", "on|off", "accepted: the guest may always take memory back", set_any_on_off},
    {"free-page-reporting", "off", "reports of free pages", only_off<D>},
    {"free-page-hint", "off", "the same, for migration", only_off<D>},
};
constexpr KeyRow<D> kPciSerialKeys[] = {
    {"chardev", "ID", "the -chardev behind it", set_text<D, &D::chardev>},
};
constexpr KeyRow<D> kSerialKeys[] = {
    {"max_ports", "N", "accepted: as many as there are ports", set_any_number},
};
constexpr KeyRow<D> kPortKeys[] = {
    {"chardev", "ID", "the -chardev behind it", set_text<D, &D::chardev>},
    {"name", "NAME", "what the guest finds it by", set_text<D, &D::name>},
    {"bus", "ID.0", "the virtio-serial device it belongs to; the last one by default", set_text<D, &D::bus>},
    {"nr", "N",
     "its number, up to 30; 0 is for a console; by default the next from 1, 0 for the first console",
     set_port_number},
};
constexpr KeyRow<D> kRootPortKeys[] = {
    {"chassis", "N", "accepted", set_number<&D::chassis, 255>},
    {"slot", "N", "number that the guest shows for its slot", set_number<&D::slot_number, 0x1fff>},
    {"port", "N", "number of its link", set_number<&D::port_number, 255>},
    {"hotplug", "on|off", "the slot says that devices may come and go", set_on_off<D, &D::hot_plug>},
    {"bus-reserve", "N", "accepted: the guest chooses", set_any_number},
    {"io-reserve", "SIZE", "the same", set_any_size},
    {"mem-reserve", "SIZE", "the same", set_any_size},
    {"pref32-reserve", "SIZE", "the same", set_any_size},
    {"pref64-reserve", "SIZE", "the same", set_any_size},
    {"x-speed", "SPEED", "accepted", set_nothing<D>},
    {"x-width", "LANES", "accepted", set_any_number},
};
constexpr KeyRow<D> kBridgeKeys[] = {
    {"chassis_nr", "N", "number of the chassis behind it", set_number<&D::chassis, 255>},
    {"shpc", "off", "hot plugging", only_off<D>},
    {"msi", "on|off|auto", "accepted", set_nothing<D>},
};
constexpr KeyRow<D> kExpressBridgeKeys[] = {
    {"msi", "on|off|auto", "accepted", set_nothing<D>},
};

// --- Factories. Options and backends live longer than what is called.

Result<VirtioFactory> make_blk(const D& d, DeviceBackends& host) {
  return VirtioFactory([&d, &disk = host.disk(d.drive)](dev::DmaMemory& memory, dev::Log& log) {
    return std::make_unique<dev::VirtioBlk>(
        memory, log, disk, dev::VirtioBlk::Options{d.serial, d.logical_block, d.physical_block});
  });
}
Result<VirtioFactory> make_net(const D& d, DeviceBackends& host) {
  return VirtioFactory([&d, &network = host.network(d.netdev)](dev::DmaMemory& memory, dev::Log& log) {
    return std::make_unique<dev::VirtioNet>(memory, log, network, *d.mac);
  });
}
Result<VirtioFactory> make_rng(const D& d, DeviceBackends& host) {
  return VirtioFactory([&d, &host](dev::DmaMemory& memory, dev::Log& log) {
    dev::VirtioRng::Limit limit;
    if (d.rng_limit != UINT64_MAX)
      limit = {&host.events(), host.unique_name("virtio-rng"), d.rng_limit,
               static_cast<dev::TimeNs>(d.rng_period_ms * 1'000'000)};
    return std::make_unique<dev::VirtioRng>(memory, log, host.entropy(), std::move(limit));
  });
}
Result<VirtioFactory> make_serial(const D& d, DeviceBackends& host) {
  auto ports = host.ports(d);
  if (!ports) return ports.error();
  if (ports->empty())
    return Error{"-device " + std::string(d.row->name) +
                 " has no port; add a -device virtconsole or virtserialport"};
  return VirtioFactory([ports = std::move(*ports)](dev::DmaMemory& memory, dev::Log& log) {
    return std::make_unique<dev::VirtioConsole>(memory, log, ports);
  });
}

Result<VirtioFactory> make_balloon(const D&, DeviceBackends& host) {
  return VirtioFactory([&host](dev::DmaMemory& memory, dev::Log& log) {
    auto balloon = std::make_unique<dev::VirtioBalloon>(memory, log, host.ram_bytes());
    host.made_balloon(*balloon);
    return balloon;
  });
}
Result<PciFactory> make_pci_serial(const D& d, DeviceBackends& host) {
  auto line = host.line(d.chardev, d.row->name);
  if (!line) return line.error();
  return PciFactory([&line = **line](dev::EventQueue&, dev::Log& log) {
    return std::make_unique<dev::PciSerial>(log, line);
  });
}
Result<PciFactory> make_testdev(const D&, DeviceBackends&) {
  return PciFactory([](dev::EventQueue&, dev::Log& log) { return std::make_unique<dev::PciTestdev>(log); });
}
Result<PciFactory> make_watchdog(const D&, DeviceBackends& host) {
  return PciFactory([&host](dev::EventQueue& events, dev::Log& log) {
    return std::make_unique<dev::I6300Esb>(events, log, host.unique_name("watchdog"), host.watchdog_call());
  });
}
Result<PciFactory> make_nvme(const D& d, DeviceBackends& host) {
  if (d.serial.empty()) return Error{"-device nvme needs serial=TEXT, the serial number that the guest sees"};
  if (d.logical_block > 4096) return Error{"-device nvme: logical_block_size is 512 to 4096"};
  return PciFactory([&d, &disk = host.disk(d.drive)](dev::EventQueue&, dev::Log& log) {
    return std::make_unique<dev::Nvme>(
        log, std::vector<dev::BlockBackend*>{&disk},
        dev::Nvme::Options{
            .serial = d.serial, .logical_block_size = d.logical_block, .io_queues = d.queue_pairs});
  });
}
// Its events have the network's name: a network has one card.
template <typename Card>
Result<PciFactory> make_card(const D& d, DeviceBackends& host) {
  return PciFactory([&d, &network = host.network(d.netdev)](dev::EventQueue& events, dev::Log& log) {
    return std::make_unique<Card>(events, log, network,
                                  typename Card::Options{*d.mac, "network " + d.netdev});
  });
}

Result<PciFactory> make_root_port(const D& d, DeviceBackends&) {
  return PciFactory([&d](dev::EventQueue&, dev::Log& log) {
    return std::make_unique<dev::pci::RootPort>(
        log, dev::pci::RootPort::Options{.port = static_cast<uint8_t>(d.port_number),
                                         .slot = static_cast<uint16_t>(d.slot_number),
                                         .hot_plug = d.hot_plug});
  });
}
Result<PciFactory> make_bridge(const D& d, DeviceBackends&) {
  return PciFactory([&d](dev::EventQueue&, dev::Log& log) {
    return dev::pci::make_pci_bridge(log, static_cast<uint8_t>(d.chassis));
  });
}
Result<PciFactory> make_express_bridge(const D&, DeviceBackends&) {
  return PciFactory([](dev::EventQueue&, dev::Log& log) { return dev::pci::make_pcie_pci_bridge(log); });
}

Result<VirtioFactory> make_scsi_adapter(const D& d, DeviceBackends& host) {
  return VirtioFactory([&d, &host](dev::DmaMemory& memory, dev::Log& log) {
    return std::make_unique<dev::VirtioScsi>(memory, log, host.scsi_units(d));
  });
}
dev::ScsiUnit::Identity scsi_identity(const D& d, std::string_view product) {
  dev::ScsiUnit::Identity identity;
  if (!d.vendor.empty()) identity.vendor = d.vendor;
  identity.product = d.product.empty() ? product : d.product;
  identity.serial = d.serial.empty() ? d.drive : d.serial;
  return identity;
}
std::unique_ptr<dev::ScsiUnit> make_scsi_disk(const D& d, DeviceBackends& host) {
  return std::make_unique<dev::SbcUnit>(host.disk(d.drive), scsi_identity(d, "HARDDISK"),
                                        dev::SbcUnit::Options{d.logical_block, d.physical_block});
}
std::unique_ptr<dev::ScsiUnit> make_scsi_cd(const D& d, DeviceBackends& host) {
  auto cd = std::make_unique<dev::MmcUnit>(host.medium(d.drive), scsi_identity(d, "CD-ROM"));
  host.made_removable(d, *cd);
  return cd;
}
Result<PciFactory> make_ahci(const D&, DeviceBackends&) {
  return PciFactory([](dev::EventQueue&, dev::Log& log) { return std::make_unique<dev::Ahci>(log); });
}
Result<IdeFactory> make_ide_disk(const D& d, DeviceBackends& host) {
  return IdeFactory([&d, &disk = host.disk(d.drive)](unsigned number, dev::Log& log) {
    dev::AtaDisk::Options options;
    options.serial = d.serial.empty() ? fmt::format("MY{:05}", number) : d.serial;
    if (!d.model.empty()) options.model = d.model;
    return std::make_unique<dev::AtaDisk>(disk, options, log);
  });
}
Result<IdeFactory> make_ide_cd(const D& d, DeviceBackends& host) {
  return IdeFactory([&d, &host](unsigned, dev::Log& log) {
    auto cd = std::make_unique<dev::AtapiCd>(host.medium(d.drive), log);
    host.made_removable(d, *cd);
    return cd;
  });
}

using enum DeviceBus;

constexpr DeviceRow kRows[] = {
    {"virtio-blk-pci", DeviceKind::kBlock, kVirtioPci, kBlockKeys, "disk", make_blk},
    {"virtio-net-pci", DeviceKind::kNet, kVirtioPci, kVirtioNetKeys, "network card", make_net},
    {"virtio-rng-pci", DeviceKind::kRng, kVirtioPci, kRngKeys, "random numbers", make_rng},
    {"virtio-balloon-pci", DeviceKind::kOther, kVirtioPci, kBalloonKeys, "memory balloon", make_balloon},
    {"virtio-serial-pci", DeviceKind::kSerial, kVirtioPci, kSerialKeys,
     "takes virtconsole and virtserialport", make_serial},
    {"virtio-blk-device", DeviceKind::kBlock, kVirtioMmio, kBlockKeys, "disk on virtio-mmio", make_blk},
    {"virtio-net-device", DeviceKind::kNet, kVirtioMmio, kVirtioNetKeys, "network card on virtio-mmio",
     make_net},
    {"virtio-rng-device", DeviceKind::kRng, kVirtioMmio, kRngKeys, "random numbers on virtio-mmio", make_rng},
    {"virtio-balloon-device", DeviceKind::kOther, kVirtioMmio, kBalloonKeys, "memory balloon on virtio-mmio",
     make_balloon},
    {"virtio-serial-device", DeviceKind::kSerial, kVirtioMmio, kSerialKeys,
     "takes virtconsole and virtserialport, on virtio-mmio", make_serial},
    {"virtconsole", DeviceKind::kConsole, kSerialPort, kPortKeys, "console (hvc0) on a virtio-serial device"},
    {"virtserialport", DeviceKind::kSerialPort, kSerialPort, kPortKeys,
     "byte channel on a virtio-serial device"},
    {"nvme", DeviceKind::kBlock, kPci, kNvmeKeys, "NVMe disk", nullptr, make_nvme},
    {"virtio-scsi-pci", DeviceKind::kScsi, kVirtioPci, kScsiAdapterKeys, "takes scsi-hd and scsi-cd",
     make_scsi_adapter},
    {"virtio-scsi-device", DeviceKind::kScsi, kVirtioMmio, kScsiAdapterKeys,
     "takes scsi-hd and scsi-cd, on virtio-mmio", make_scsi_adapter},
    {.name = "scsi-hd",
     .kind = DeviceKind::kBlock,
     .bus = DeviceBus::kScsi,
     .keys = kScsiDiskKeys,
     .help = "disk behind a virtio-scsi adapter",
     .make_scsi = make_scsi_disk},
    {.name = "scsi-cd",
     .kind = DeviceKind::kRemovable,
     .bus = DeviceBus::kScsi,
     .keys = kScsiCdKeys,
     .help = "drive for CDs behind a virtio-scsi adapter",
     .make_scsi = make_scsi_cd},
    {"ich9-ahci",
     DeviceKind::kOther,
     kPci,
     {},
     "AHCI controller: six ports for ide-hd and ide-cd",
     nullptr,
     make_ahci},
    {"ahci", DeviceKind::kOther, kPci, {}, "the same", nullptr, make_ahci},
    {.name = "ide-hd",
     .kind = DeviceKind::kBlock,
     .bus = kIde,
     .keys = kIdeDiskKeys,
     .help = "disk on IDE or AHCI",
     .make_ide = make_ide_disk},
    {.name = "ide-cd",
     .kind = DeviceKind::kRemovable,
     .bus = kIde,
     .keys = kIdeCdKeys,
     .help = "drive for CDs on IDE or AHCI",
     .make_ide = make_ide_cd},
    {"e1000", DeviceKind::kNet, kPci, kNetKeys, "Intel 82540EM network card", nullptr, make_card<dev::E1000>},
    {"e1000e", DeviceKind::kNet, kPci, kNetKeys, "Intel 82574L network card", nullptr,
     make_card<dev::E1000e>},
    {"pci-serial", DeviceKind::kLine, kPci, kPciSerialKeys, "serial line, 16550A", nullptr, make_pci_serial},
    {"pci-testdev", DeviceKind::kOther, kPci, {}, "counts accesses, for tests", nullptr, make_testdev},
    {"i6300esb",
     DeviceKind::kOther,
     kPci,
     {},
     "watchdog; -watchdog-action says what it is for",
     nullptr,
     make_watchdog},
    {"pcie-root-port", DeviceKind::kOther, kPci, kRootPortKeys, "port for one more PCI Express device",
     nullptr, make_root_port},
    {"pcie-pci-bridge", DeviceKind::kOther, kPci, kExpressBridgeKeys, "PCI Express to PCI bridge", nullptr,
     make_express_bridge},
    {"pci-bridge", DeviceKind::kOther, kPci, kBridgeKeys, "PCI to PCI bridge", nullptr, make_bridge},
};

}  // namespace

std::span<const DeviceRow> device_rows() {
  static const std::vector<DeviceRow> all = [] {
    std::vector<DeviceRow> rows(std::begin(kRows), std::end(kRows));
    rows.insert(rows.end(), isa_device_rows().begin(), isa_device_rows().end());
    return rows;
  }();
  return all;
}

DeviceName find_device(std::string_view name) {
  constexpr std::string_view kModern = "-non-transitional", kTransitional = "-transitional";
  DeviceName found;
  if (name.ends_with(kModern)) {
    found.form = dev::VirtioPci::Form::kModern;
    name.remove_suffix(kModern.size());
  } else if (name.ends_with(kTransitional)) {
    found.form = dev::VirtioPci::Form::kTransitional;
    name.remove_suffix(kTransitional.size());
  }
  for (const DeviceRow& row : device_rows()) {
    // The short name of a virtio device is its PCI form.
    const bool same = row.name == name || (!found.form && row.bus == kVirtioPci &&
                                           row.name.substr(0, row.name.size() - 4) == name);
    if (same && (!found.form || row.bus == kVirtioPci)) {
      found.row = &row;
      return found;
    }
  }
  return {};
}

}  // namespace mynah::app
