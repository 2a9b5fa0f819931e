// SPDX-License-Identifier: Apache-2.0
//
// Devices that a person adds to a machine: finds their place on its buses, or says why it is not to be had.
#include <fmt/format.h>

#include "devices/pci/bridge.h"
#include "machines/machine.h"
#include "machines/pci_root.h"

namespace mynah {

namespace {

using dev::pci::devfn_of;

void list_buses(const dev::pci::Bus& bus, std::string& names) {
  names += (names.empty() ? "" : ", ") + bus.name;
  for (const auto& [devfn, function] : bus.functions())
    if (dev::pci::Bridge* bridge = function->as_bridge()) list_buses(bridge->secondary(), names);
}

std::string describe(const dev::pci::Function& function) {
  std::string text = function.title.empty() ? std::string(function.name()) : function.title;
  if (!function.id.empty()) text += " '" + function.id + "'";
  return text;
}

// The device and function number, if it is there and free.
Result<unsigned> find_place(const dev::pci::Bus& bus, const PciPlace& place) {
  if (!place.slot) {
    const auto free = bus.free_slot();
    if (free) return devfn_of(*free, place.function);
    if (bus.slots() == 1)
      return error("bus '{}' takes one device and has {} already; add another pcie-root-port", bus.name,
                   describe(*bus.at(0)));
    return error("bus '{}' has no free slot; add a pcie-root-port and use its id as bus=", bus.name);
  }
  if (*place.slot >= bus.slots())
    return error("there is no slot {:#x} on bus '{}', which has {}; use another addr=, or leave it out",
                 *place.slot, bus.name, bus.slots() == 1 ? "slot 0 alone" : "slots 0 to 0x1f");
  const unsigned devfn = devfn_of(*place.slot, place.function);
  if (const auto* other = bus.at(devfn))
    return error("slot {:#x} function {} of bus '{}' has {} already; use another addr=, or leave it out",
                 *place.slot, place.function, bus.name, describe(*other));
  const auto* first = bus.at(devfn_of(*place.slot, 0));
  if (first && !(first->config(dev::pci::kHeaderType, 1) & dev::pci::kMultifunction))
    return error("slot {:#x} of bus '{}' has {} as its one function; say multifunction=on there", *place.slot,
                 bus.name, describe(*first));
  if (place.function == 0 && !place.multifunction)
    for (unsigned function = 1; function < dev::pci::kFunctions; ++function)
      if (bus.at(devfn_of(*place.slot, function)))
        return error("slot {:#x} of bus '{}' has other functions; say multifunction=on with function 0",
                     *place.slot, bus.name);
  return devfn;
}

// As Open Firmware names PCI devices: by class, or by vendor and device.
std::string boot_path(const dev::pci::Function& function, std::string_view host) {
  struct Name {
    unsigned code;
    std::string_view name;
  };
  static constexpr Name kNames[] = {
      {0x0100, "scsi"}, {0x0101, "ide"}, {0x0200, "ethernet"}, {0x0604, "pci-bridge"}};
  const dev::pci::Bridge* bridge = function.bus()->bridge();
  std::string path = bridge ? boot_path(*bridge, host) : std::string(host);
  std::string name = fmt::format("pci{:04x},{:04x}", function.config(dev::pci::kVendorId, 2),
                                 function.config(dev::pci::kDeviceId, 2));
  for (const Name& known : kNames)
    if (known.code == function.config(dev::pci::kClassCode + 1, 2)) name = known.name;
  path += fmt::format("/{}@{:x}", name, function.slot());
  if (const unsigned number = function.devfn() & 7) path += fmt::format(",{:x}", number);
  return path;
}

class GenericRoot final : public dev::pci::Function {
 public:
  explicit GenericRoot(dev::Log& log)
      : Function("gpex-root", {.vendor = 0x1b36, .device = 0x0008, .class_code = 0x060000}, log,
                 dev::pci::ConfigSize::kConventional) {}
};

}  // namespace

std::unique_ptr<dev::pci::Function> make_generic_root(dev::Log& log) {
  return std::make_unique<GenericRoot>(log);
}

Result<void> Machine::add_pci(const PciFactory& make, const PciPlace& place) {
  dev::pci::Host* host = pci();
  if (!host) return Error{"the machine has no PCI"};
  dev::pci::Bus* bus = place.bus.empty() ? &host->root() : host->find_bus(place.bus);
  if (!bus) {
    std::string names;
    list_buses(host->root(), names);
    return error("there is no PCI bus '{}'; there are {}", place.bus, names);
  }
  const auto devfn = find_place(*bus, place);
  if (!devfn) return devfn.error();
  std::unique_ptr<dev::pci::Function> function = make(events_, log_);
  function->id = place.id;
  if (!place.rom.empty()) function->add_rom(place.rom);
  dev::pci::Function& plugged = bus->plug(std::move(function), *devfn, place.multifunction);
  const std::string path = boot_path(plugged, pci_path());
  if (auto ok = add_boot_path(place.boot, path); !ok) return ok;
  for (const BootPlace& behind : place.behind)
    if (auto ok = add_boot_path(behind, path); !ok) return ok;
  if (auto* ide = dynamic_cast<dev::IdeController*>(&plugged)) add_ide_controller(*ide, place.id, path);
  if (dev::pci::Bridge* bridge = plugged.as_bridge()) {
    std::string& name = bridge->secondary().name;
    name = place.id;
    const std::string_view kind = bridge->secondary().express() ? "pcie" : "pci";
    for (unsigned n = 1; name.empty(); ++n)
      if (std::string next = fmt::format("{}.{}", kind, n); !host->find_bus(next)) name = next;
  }
  return {};
}

Result<void> Machine::add_isa(const IsaFactory& make, const IsaPlace& place) {
  constexpr unsigned kPorts = 0x10000;
  if (!has_isa()) return Error{"the machine has no ISA bus"};
  const uint64_t end = uint64_t{place.port} + place.ports;
  if (place.ports == 0 || end > kPorts)
    return error("ports {:#x} to {:#x} are not in I/O space, which ends at 0xffff", place.port, end - 1);
  for (const dev::Bus::Window& other : ports_.windows())
    if (place.port < other.base + other.size && other.base < end)
      return error("{} has ports {:#x} to {:#x} already; use another iobase=", other.device->name(),
                   other.base, other.base + other.size - 1);
  isa_devices_.push_back(make(log_));
  map_ports(place.port, place.ports, *isa_devices_.back());
  add_part(*isa_devices_.back());
  return {};
}

Result<void> Machine::add_boot_path(const BootPlace& boot, const std::string& path) {
  if (!boot.index) return {};
  if (!boot_order_.emplace(*boot.index, fmt::format("{}/{}", path, boot.unit)).second)
    return error("two devices have bootindex={}; give each its own", *boot.index);
  return {};
}

Result<void> Machine::add_virtio(const VirtioFactory& make, const VirtioPlace& place) {
  if (const auto* slot = std::get_if<VirtioMmioPlace>(&place)) return add_virtio_mmio(make, *slot);
  const auto& there = std::get<VirtioPciPlace>(place);
  return add_pci(
      [&](dev::EventQueue& events, dev::Log& log) {
        return std::make_unique<dev::VirtioPci>(make, events, log, there.options);
      },
      there.place);
}

}  // namespace mynah
