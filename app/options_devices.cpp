// SPDX-License-Identifier: Apache-2.0
//
// -device, and what devices, drives and networks make of each other.
#include <fmt/core.h>

#include <algorithm>
#include <bit>

#include "app/json_list.h"
#include "app/known_elsewhere.h"
#include "app/options_parser.h"
#include "app/text.h"
#include "devices/virtio/virtio_console.h"

namespace mynah::app {
namespace {

std::string set_mac(DeviceOption& to, const std::string& value) {
  to.mac = parse_mac(value);
  return to.mac ? "" : "six bytes as 52:54:00:12:34:56, the first even";
}
template <unsigned DeviceOption::*member>
std::string set_block_size(DeviceOption& to, const std::string& value) {
  const auto size = parse_size(value, 1);
  if (!size || *size < 512 || *size > 32768 || !std::has_single_bit(*size))
    return "a power of two from 512 to 32768";
  to.*member = static_cast<unsigned>(*size);
  return {};
}
std::string set_any_number(DeviceOption&, const std::string& value) {
  return parse_u64(value) ? "" : "a number";
}

std::string set_port_number(DeviceOption& to, const std::string& value) {
  const auto number = parse_u64(value);
  if (!number || *number >= dev::VirtioConsole::kMaxPorts) return "a number from 0 to 30";
  to.port = static_cast<unsigned>(*number);
  return {};
}

using D = DeviceOption;
std::string set_boot_index(DeviceOption& to, const std::string& value) {
  if (value == "-1") {
    to.boot_index.reset();
    return {};
  }
  const auto index = parse_u64(value);
  if (!index || *index > 0x7fffffff) return "a number from 0, or -1 for none";
  to.boot_index = static_cast<unsigned>(*index);
  return {};
}
std::string set_max_bytes(DeviceOption& to, const std::string& value) {
  const auto n = parse_u64(value);
  if (!n || *n == 0) return "a number of bytes from 1";
  to.rng_limit = *n;
  return {};
}
std::string set_period(DeviceOption& to, const std::string& value) {
  const auto ms = parse_u64(value);
  if (!ms || *ms == 0 || *ms > 0xffffffff) return "milliseconds from 1";
  to.rng_period_ms = *ms;
  return {};
}

constexpr KeyRow<D> kId = {"id", "ID", "name of the device", set_text<D, &D::id>};
constexpr KeyRow<D> kSlot = {"bus", "virtio-mmio-bus.N", "where it is; the last free by default",
                             set_text<D, &D::slot>};
constexpr KeyRow<D> kBlockKeys[] = {
    {"drive", "ID", "the -drive behind it", set_text<D, &D::drive>},
    {"serial", "TEXT", "serial number, at most 20 bytes", set_text<D, &D::serial>},
    {"logical_block_size", "BYTES", "512 by default", set_block_size<&D::logical_block>},
    {"physical_block_size", "BYTES", "512 by default", set_block_size<&D::physical_block>},
    {"bootindex", "N", "firmware starts from the least", set_boot_index},
    kSlot,
    kId,
};
constexpr KeyRow<D> kNetKeys[] = {
    {"netdev", "ID", "the -netdev behind it", set_text<D, &D::netdev>},
    {"mac", "ADDRESS", "hardware address", set_mac},
    {"bootindex", "N", "firmware starts from the least", set_boot_index},
    kSlot,
    kId,
};
constexpr KeyRow<D> kRngKeys[] = {
    {"rng", "ID", "the -object behind it; the host's random numbers by default", set_text<D, &D::rng>},
    {"max-bytes", "N", "as many bytes in each period at most", set_max_bytes},
    {"period", "MS", "how long a period is", set_period},
    kSlot,
    kId,
};
constexpr KeyRow<D> kSerialKeys[] = {
    {"max_ports", "N", "accepted: as many as there are ports", set_any_number},
    kSlot,
    kId,
};
constexpr KeyRow<D> kPortKeys[] = {
    {"chardev", "ID", "the -chardev behind it", set_text<D, &D::chardev>},
    {"name", "NAME", "what the guest finds it by", set_text<D, &D::name>},
    {"bus", "ID.0", "the virtio-serial-device it belongs to; the last one by default", set_text<D, &D::bus>},
    {"nr", "N",
     "its number, up to 30; 0 is for a console; by default the next from 1, 0 for the first console",
     set_port_number},
    kId,
};

struct DeviceRow {
  std::string_view name, alias;
  DeviceKind kind;
  std::span<const KeyRow<D>> keys;
  std::string_view help;
};
constexpr DeviceRow kDevices[] = {
    {"virtio-blk-device", "virtio-blk", DeviceKind::kBlock, kBlockKeys, "disk"},
    {"virtio-net-device", "virtio-net", DeviceKind::kNet, kNetKeys, "network card"},
    {"virtio-rng-device", "virtio-rng", DeviceKind::kRng, kRngKeys, "random numbers"},
    {"virtio-serial-device", "virtio-serial", DeviceKind::kSerial, kSerialKeys,
     "takes virtconsole and virtserialport"},
    {"virtconsole", "", DeviceKind::kConsole, kPortKeys, "console (hvc0) on a virtio-serial-device"},
    {"virtserialport", "", DeviceKind::kSerialPort, kPortKeys, "byte channel on a virtio-serial-device"},
};

std::vector<KeyNames> names_of(const DeviceRow& row) { return key_names(row.keys); }

const DeviceRow* find_device(std::string_view name) {
  for (const DeviceRow& row : kDevices)
    if (row.name == name || (!row.alias.empty() && row.alias == name)) return &row;
  return nullptr;
}

// PCI devices that people ask for, and what serves in their place.
struct PciDevice {
  std::string_view name, instead;
};
constexpr PciDevice kPciDevices[] = {
    {"e1000", "virtio-net-device"},   {"e1000e", "virtio-net-device"}, {"igb", "virtio-net-device"},
    {"rtl8139", "virtio-net-device"}, {"nvme", "virtio-blk-device"},   {"ahci", "virtio-blk-device"},
};

std::string device_list() {
  std::string text = "devices (-device NAME[,PROPERTY=VALUE...]; NAME,help lists the properties):\n";
  for (const DeviceRow& row : kDevices) text += fmt::format("  {:<22} {}\n", row.name, row.help);
  return text;
}

template <typename T>
Result<void> duplicate_id(const std::vector<T>& list, std::string_view what) {
  for (size_t i = 0; i < list.size(); ++i)
    for (size_t j = 0; j < i; ++j)
      if (!list[i].id.empty() && list[i].id == list[j].id)
        return Error{"two " + std::string(what) + "s have the id '" + list[i].id + "'; give each its own"};
  return {};
}

template <typename T>
T* find_id(std::vector<T>& list, std::string_view id) {
  const auto found = std::find_if(list.begin(), list.end(), [&](const T& t) { return t.id == id; });
  return found == list.end() ? nullptr : &*found;
}

template <typename T>
std::string no_such(const std::vector<T>& list, std::string_view option, const std::string& id) {
  std::vector<std::string_view> ids;
  for (const T& t : list)
    if (!t.id.empty()) ids.push_back(t.id);
  const std::string what = "there is no " + std::string(option) + " with id=" + id;
  const std::string near = suggestion(id, ids);
  return what + (near.empty() ? "; add one" : near);
}

// The parts of finish().

// The virtio-serial-device of a port and the port's number there, as QEMU gives them in the order of the
// command line.
Result<void> number_port(std::span<DeviceOption> before, DeviceOption& device) {
  const std::string what = device.kind == DeviceKind::kConsole ? "virtconsole" : "virtserialport";
  const std::string bus = device.bus.substr(0, device.bus.find('.'));
  const auto owner = std::find_if(before.rbegin(), before.rend(), [&](const DeviceOption& d) {
    return d.kind == DeviceKind::kSerial && (bus.empty() || d.id == bus);
  });
  if (owner == before.rend())
    return Error{bus.empty()
                     ? "-device " + what + " needs a -device virtio-serial-device before it"
                     : "there is no -device virtio-serial-device with id=" + bus + " before -device " + what};
  device.owner = static_cast<size_t>(before.rend() - owner) - 1;

  bool taken[dev::VirtioConsole::kMaxPorts] = {};
  for (const DeviceOption& d : before)
    if ((d.kind == DeviceKind::kConsole || d.kind == DeviceKind::kSerialPort) && d.owner == device.owner)
      taken[*d.port] = true;
  if (device.port) {
    const std::string number = std::to_string(*device.port);
    if (*device.port == 0 && device.kind == DeviceKind::kSerialPort)
      return Error{"-device virtserialport: nr=0 is for a virtconsole; use another number, or leave nr out"};
    if (taken[*device.port])
      return Error{"-device " + what + ": there is a port with nr=" + number +
                   " already; use another number, or leave nr out"};
    return {};
  }
  unsigned number = device.kind == DeviceKind::kConsole && !taken[0] ? 0 : 1;
  while (number < std::size(taken) && taken[number]) ++number;
  if (number == std::size(taken))
    return Error{"-device " + what + ": its virtio-serial-device is full (31 ports); add another one"};
  device.port = number;
  return {};
}

Result<void> check_devices(Options& options) {
  for (DeviceOption& device : options.devices) {
    switch (device.kind) {
      case DeviceKind::kBlock: {
        if (device.drive.empty())
          return Error{"-device virtio-blk-device needs drive=ID, the id of a -drive if=none"};
        DriveOption* drive = find_id(options.drives, device.drive);
        if (!drive) return Error{no_such(options.drives, "-drive", device.drive)};
        if (drive->interface == DriveOption::Interface::kFlash)
          return Error{"drive '" + device.drive +
                       "' is a flash; say if=none for a drive that a -device uses"};
        if (drive->interface == DriveOption::Interface::kVirtio)
          return Error{"drive '" + device.drive +
                       "' has a disk already; say if=none for a drive that a -device uses"};
        if (drive->used)
          return Error{"drive '" + device.drive +
                       "' is used by two devices; make another -drive for the second"};
        drive->used = true;
        if (device.physical_block < device.logical_block)
          return Error{"-device virtio-blk-device: physical_block_size is smaller than logical_block_size"};
        break;
      }
      case DeviceKind::kNet: {
        if (device.netdev.empty())
          return Error{"-device virtio-net-device needs netdev=ID, the id of a -netdev"};
        NetOption* net = find_id(options.nets, device.netdev);
        if (!net) return Error{no_such(options.nets, "-netdev", device.netdev)};
        if (net->used)
          return Error{"network '" + device.netdev +
                       "' is used by two devices; make another -netdev for the second"};
        net->used = true;
        break;
      }
      case DeviceKind::kRng:
        if (!device.rng.empty() &&
            std::find(options.rng_ids.begin(), options.rng_ids.end(), device.rng) == options.rng_ids.end())
          return Error{"there is no -object with id=" + device.rng +
                       "; add -object rng-random,id=" + device.rng};
        break;
      case DeviceKind::kSerial:
        break;
      case DeviceKind::kConsole:
      case DeviceKind::kSerialPort: {
        const std::string what = device.kind == DeviceKind::kConsole ? "virtconsole" : "virtserialport";
        if (device.chardev.empty())
          return Error{"-device " + what + " needs chardev=ID, the id of a -chardev"};
        if (!find_id(options.chars, device.chardev))
          return Error{no_such(options.chars, "-chardev", device.chardev)};
        if (auto ok = number_port({options.devices.data(), &device}, device); !ok) return ok;
        break;
      }
    }
  }
  return {};
}

// What was made and is behind nothing that the guest sees.
void warn_of_unused(Options& options) {
  for (const DriveOption& drive : options.drives) {
    if (drive.used || drive.interface != DriveOption::Interface::kNone) continue;
    const std::string id = drive.id.empty() ? "ID" : drive.id;
    options.warnings.push_back("the guest does not see the disk '" + drive.file +
                               "', because of if=none; add " + (drive.id.empty() ? "id=ID to it and " : "") +
                               "-device virtio-blk-device,drive=" + id + ", or leave if=none out");
  }
  for (const NetOption& net : options.nets)
    if (!net.used)
      options.warnings.push_back("the guest does not see the network '" + net.id +
                                 "', which has no card; add -device virtio-net-device,netdev=" + net.id +
                                 ", or write -nic in place of -netdev");
}

}  // namespace

std::optional<MacAddress> parse_mac(std::string_view text) {
  MacAddress mac{};
  if (text.size() != 17) return std::nullopt;
  for (size_t i = 0; i < 6; ++i) {
    const auto byte = parse_u64("0x" + std::string(text.substr(3 * i, 2)));
    if (!byte || (i < 5 && text[3 * i + 2] != ':')) return std::nullopt;
    mac[i] = static_cast<uint8_t>(*byte);
  }
  if (mac[0] & 1) return std::nullopt;  // a group's address, not a card's
  return mac;
}

MacAddress default_mac(unsigned index) {
  return {0x52, 0x54, 0x00, 0x12, 0x34, static_cast<uint8_t>(0x56 + index)};
}

bool is_device(std::string_view name) { return find_device(name); }

std::string needs_pci(const std::string& name) {
  std::string_view instead;
  for (const PciDevice& device : kPciDevices)
    if (device.name == name) instead = device.instead;
  for (std::string_view suffix : {"-pci", "-pci-non-transitional", "-pci-transitional"})
    if (name.ends_with(suffix))
      if (const DeviceRow* row = find_device(name.substr(0, name.size() - suffix.size())))
        instead = row->name;
  if (instead.empty()) return {};
  return "device '" + name + "' needs PCI, which the machine does not have; use " + std::string(instead);
}

Result<void> apply_device(OptionParser& p, const std::string& value) {
  if (is_json(value)) {
    const auto list = json_as_list("-device", value, "driver");
    return list ? apply_device(p, *list) : Result<void>(list.error());
  }
  const size_t comma = value.find(',');
  std::string name = value.substr(0, comma);
  if (name.starts_with("driver=")) name.erase(0, 7);
  if (name == "help" || name == "?") {
    p.print(device_list());
    return {};
  }
  const DeviceRow* row = find_device(name);
  if (!row) {
    if (std::string error = needs_pci(name); !error.empty()) return Error{std::move(error)};
    std::vector<std::string_view> names;
    for (const DeviceRow& r : kDevices) names.push_back(r.name);
    return Error{"device '" + name +
                 (known_elsewhere(Known::kDevice, name) ? "' is not supported yet; leave it out"
                                                        : "' is not known" + suggestion(name, names)) +
                 " (-device help lists what there is)"};
  }
  DeviceOption device;
  device.kind = row->kind;
  if (const std::string properties =
          p.with_globals(row->name, comma == std::string::npos ? "" : value.substr(comma + 1));
      !properties.empty()) {
    const std::string what = "-device " + std::string(row->name);
    const auto list =
        apply_key_list(properties, {what, ""}, names_of(*row),
                       [&](size_t key, const std::string& v) { return row->keys[key].set(device, v); });
    if (!list) return list.error();
    if (*list == KeyList::kHelp) {
      p.print(key_help(what, names_of(*row)));
      return {};
    }
  }
  p.options.devices.push_back(std::move(device));
  return {};
}

Result<void> OptionParser::finish() {
  if (auto ok = choose_cpu(); !ok) return ok;
  if (auto ok = place_machine_flashes(); !ok) return ok;
  if (options.daemonize && options.nographic)
    return Error{
        "-daemonize leaves the terminal, which -nographic is about; use -display none, and -serial for the "
        "line"};
  for (const Result<void>& ok :
       {duplicate_id(options.drives, "-drive"), duplicate_id(options.devices, "-device"),
        duplicate_id(options.nets, "-netdev"), duplicate_id(options.chars, "-chardev"), check_flash(options)})
    if (!ok) return ok;

  // Disks of -drive if=virtio come after the devices that were asked for by name, in the order of their
  // units.
  std::vector<DriveOption*> disks;
  for (size_t i = 0; i < options.drives.size(); ++i)
    if (options.drives[i].interface == DriveOption::Interface::kVirtio) disks.push_back(&options.drives[i]);
  std::stable_sort(disks.begin(), disks.end(), [](const DriveOption* a, const DriveOption* b) {
    return a->unit.value_or(~0u) < b->unit.value_or(~0u);
  });
  if (auto ok = check_objects(); !ok) return ok;
  if (auto ok = check_devices(options); !ok) return ok;
  unsigned number = 0;
  for (DriveOption* drive : disks) {
    if (drive->id.empty()) {
      do drive->id = "disk" + std::to_string(number++);
      while (std::count_if(options.drives.begin(), options.drives.end(),
                           [&](const DriveOption& d) { return d.id == drive->id; }) > 1);
    }
    drive->used = true;
    options.devices.push_back({.kind = DeviceKind::kBlock, .drive = drive->id, .serial = drive->serial});
  }

  if (auto ok = join_old_networks(); !ok) return ok;
  if (!network_given && !options.no_defaults)
    if (auto ok = apply_nic(*this, "user"); !ok) return ok;
  for (DeviceOption& device : default_devices) {
    find_id(options.nets, device.netdev)->used = true;
    options.devices.push_back(std::move(device));
  }
  warn_of_unused(options);
  unsigned cards = 0;
  for (DeviceOption& device : options.devices)
    if (device.kind == DeviceKind::kNet) {
      if (!device.mac) device.mac = default_mac(cards);
      ++cards;
    }
  if (options.clock == GuestClock::Kind::kDeterministic) {
    // Router advertisements come at random times, which a run that is to be repeated must not see.
    for (NetOption& net : options.nets)
      if (!net.ipv6_given) net.user.ipv6 = false;
  }
  return {};
}

}  // namespace mynah::app
