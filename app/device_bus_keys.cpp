// SPDX-License-Identifier: Apache-2.0
//
// What devices take because of the bus that they are on.
#include <charconv>

#include "app/device_rows.h"
#include "app/options_parser.h"
#include "app/text.h"
#include "devices/pci/bus.h"

namespace mynah::app {
namespace {

using D = DeviceOption;

// SLOT or SLOT.FUNCTION in hexadecimal, as lspci prints them.
std::string set_address(D& to, const std::string& value) {
  constexpr auto kForm = "a slot up to 1f and perhaps a function up to 7, in hexadecimal: 3, 0x1f, 3.1";
  const auto number = [](std::string_view text) -> std::optional<unsigned> {
    if (text.starts_with("0x") || text.starts_with("0X")) text.remove_prefix(2);
    unsigned parsed = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), parsed, 16);
    if (text.empty() || end.ec != std::errc() || end.ptr != text.data() + text.size()) return std::nullopt;
    return parsed;
  };
  const size_t dot = value.find('.');
  const auto slot = number(std::string_view(value).substr(0, dot));
  const auto function =
      dot == std::string::npos ? std::optional(0u) : number(std::string_view(value).substr(dot + 1));
  if (!slot || !function || *slot >= dev::pci::kSlots || *function >= dev::pci::kFunctions) return kForm;
  to.slot = *slot;
  to.function = *function;
  return {};
}
std::string set_rom_bar(D& to, const std::string& value) {
  const auto number = parse_u64(value);
  if (!number) return "0 or 1";
  to.rom_bar = *number != 0;
  return {};
}
std::string set_rom_file(D& to, const std::string& value) {
  to.rom_file = value;
  return {};
}
std::string set_any_number(D&, const std::string& value) { return parse_u64(value) ? "" : "a number"; }
std::string set_any_switch(D&, const std::string& value) {
  return host::parse_switch(value) ? "" : "on or off";
}

std::string set_disable_legacy(D& to, const std::string& value) {
  to.disable_legacy.reset();
  if (value == "auto") return {};
  to.disable_legacy = host::parse_switch(value);
  return to.disable_legacy ? "" : "on, off or auto";
}
std::string set_vectors(D& to, const std::string& value) {
  const auto vectors = parse_u64(value);
  if (!vectors || *vectors > 2048) return "a number from 0 (no MSI-X) to 2048";
  to.vectors = static_cast<unsigned>(*vectors);
  return {};
}

std::string set_unit(D& to, const std::string& value) {
  to.unit = value == "0" ? 0 : 1;
  return value == "0" || value == "1" ? "" : "0 or 1";
}
std::string set_channel(D&, const std::string& value) { return value == "0" ? "" : "0: there is one"; }
std::string set_target(D& to, const std::string& value) {
  const auto number = parse_u64(value);
  if (!number || *number >= dev::VirtioScsi::kTargets) return "a number from 0 to 255";
  to.target = static_cast<unsigned>(*number);
  return {};
}
std::string set_lun(D& to, const std::string& value) {
  const auto number = parse_u64(value);
  if (!number || *number >= dev::VirtioScsi::kLuns) return "a number from 0 to 16383";
  to.lun = static_cast<unsigned>(*number);
  return {};
}
std::string set_mmio_bus(D& to, const std::string& value) {
  constexpr std::string_view kPrefix = "virtio-mmio-bus.";
  const auto slot =
      value.starts_with(kPrefix) ? parse_u64(value.substr(kPrefix.size())) : std::optional<uint64_t>();
  if (!slot || *slot > 255) return "virtio-mmio-bus.N; for a PCI bus use the -pci form of the device";
  to.slot = static_cast<unsigned>(*slot);
  return {};
}

constexpr KeyRow<D> kPciKeys[] = {
    {"bus", "NAME", "the bus: pcie.0 (default), or the id of a pcie-root-port or bridge",
     set_text<D, &D::bus>},
    {"addr", "SLOT[.FUNCTION]", "its place there, hexadecimal; the first free slot by default", set_address},
    {"multifunction", "on|off", "with function 0: the slot has other functions",
     set_on_off<D, &D::multifunction>},
    {"romfile", "FILE", "its option ROM; empty: none", set_rom_file},
    {"rombar", "0|1", "0: without its option ROM", set_rom_bar},
    {"romsize", "BYTES", "accepted", set_any_number},
    {"acpi-index", "N", "accepted: there are no ACPI tables", set_any_number},
};
constexpr KeyRow<D> kVirtioKeys[] = {
    {"packed", "off", "packed queues", only_off<D>},
    {"iommu_platform", "off", "addresses by an IOMMU", only_off<D>},
    {"indirect_desc", "on", "accepted", only_on<D>},
    {"event_idx", "on", "accepted", only_on<D>},
    {"any_layout", "on|off", "accepted", set_any_switch},
    {"notify_on_empty", "on|off", "accepted", set_any_switch},
    {"queue_reset", "on|off", "accepted", set_any_switch},
};
constexpr KeyRow<D> kVirtioPciKeys[] = {
    {"disable-legacy", "on|off|auto", "no registers for drivers older than VIRTIO 1.0; auto: on below a port",
     set_disable_legacy},
    {"disable-modern", "on|off", "registers for those alone", set_on_off<D, &D::disable_modern>},
    {"vectors", "N", "MSI-X vectors; 0: none", set_vectors},
    {"ioeventfd", "on|off", "accepted", set_any_switch},
    {"modern-pio-notify", "off", "notifications by I/O", only_off<D>},
    {"page-per-vq", "off", "notifications by a page each", only_off<D>},
    {"ats", "off", "address translation services", only_off<D>},
    {"aer", "off", "advanced error reporting", only_off<D>},
};
constexpr KeyRow<D> kVirtioMmioKeys[] = {
    {"bus", "virtio-mmio-bus.N", "its transport; the last free one by default", set_mmio_bus},
};
constexpr KeyRow<D> kIdeKeys[] = {
    {"bus", "NAME", "ide.N of the board's, or ID.N of an ich9-ahci; the first that is free by default",
     set_text<D, &D::bus>},
    {"unit", "0|1", "its place there; on AHCI 0", set_unit},
};
constexpr KeyRow<D> kScsiKeys[] = {
    {"bus", "ID.0", "the virtio-scsi adapter it belongs to; the first one by default", set_text<D, &D::bus>},
    {"channel", "0", "accepted", set_channel},
    {"scsi-id", "N", "its target, up to 255; the first free one by default", set_target},
    {"lun", "N", "its unit there, up to 16383", set_lun},
};
constexpr KeyRow<D> kId = {"id", "ID", "name of the device", set_text<D, &D::id>};

}  // namespace

std::vector<KeyRow<DeviceOption>> device_keys(const DeviceRow& row) {
  std::vector<KeyRow<D>> keys(row.keys.begin(), row.keys.end());
  const auto add = [&](std::span<const KeyRow<D>> more) {
    keys.insert(keys.end(), more.begin(), more.end());
  };
  if (row.bus == DeviceBus::kPci || row.bus == DeviceBus::kVirtioPci) add(kPciKeys);
  if (row.bus == DeviceBus::kVirtioPci) add(kVirtioPciKeys);
  if (row.bus == DeviceBus::kVirtioMmio) add(kVirtioMmioKeys);
  if (row.bus == DeviceBus::kIde) add(kIdeKeys);
  if (row.bus == DeviceBus::kScsi) add(kScsiKeys);
  if (row.bus == DeviceBus::kVirtioPci || row.bus == DeviceBus::kVirtioMmio) add(kVirtioKeys);
  keys.push_back(kId);
  return keys;
}

namespace {
BootPlace boot_choice(const DeviceOption& d) {
  return {d.boot_index, d.kind == DeviceKind::kNet ? "ethernet-phy@0"
                        : d.row->name == "nvme"    ? "namespace@1,0"
                                                   : "disk@0,0"};
}
}  // namespace

PciPlace pci_place(const DeviceOption& d) {
  return {.bus = d.bus,
          .slot = d.slot,
          .function = d.function,
          .multifunction = d.multifunction,
          .id = d.id,
          .boot = boot_choice(d)};
}

VirtioPlace virtio_place(const DeviceOption& d) {
  using Form = dev::VirtioPci::Form;
  if (d.row->bus == DeviceBus::kVirtioMmio) return VirtioMmioPlace{d.slot, boot_choice(d)};
  Form form = d.disable_modern ? Form::kLegacy : Form::kByBus;
  if (d.disable_legacy && !d.disable_modern) form = *d.disable_legacy ? Form::kModern : Form::kTransitional;
  return VirtioPciPlace{pci_place(d), {.form = form, .vectors = d.vectors}};
}

IdePlace ide_place(const DeviceOption& d) {
  return {.bus = d.bus, .unit = d.unit, .index = d.index, .boot_index = d.boot_index};
}

IsaPlace isa_place(const DeviceOption& d) {
  const IsaPlace& usual = d.row->usual_ports;
  return {d.io_base.value_or(usual.port), d.io_size.value_or(usual.ports)};
}

}  // namespace mynah::app
