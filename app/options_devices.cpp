// SPDX-License-Identifier: Apache-2.0
//
// -device, and what devices, drives and networks make of each other.
#include <fmt/core.h>

#include <algorithm>

#include "app/device_rows.h"
#include "app/json_list.h"
#include "app/known_elsewhere.h"
#include "app/options_parser.h"
#include "app/text.h"

namespace mynah::app {
namespace {

std::string device_list() {
  std::string text = "devices (-device NAME[,PROPERTY=VALUE...]; NAME,help lists the properties):\n";
  for (const DeviceRow& row : device_rows()) text += fmt::format("  {:<22} {}\n", row.name, row.help);
  text += fmt::format("  {:<22} {}\n", "loader", "a file or a number in memory at the start");
  text +=
      "  virtio-NAME is virtio-NAME-pci; with -transitional or -non-transitional behind that, it says which\n"
      "  drivers it is for.\n";
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

// The adapter of a disk or CD on SCSI, and its target there.
Result<void> number_unit(std::span<DeviceOption> before, DeviceOption& device) {
  const std::string what = "-device " + std::string(device.row->name);
  const std::string bus = device.bus.substr(0, device.bus.rfind('.'));
  const auto owner = std::find_if(before.begin(), before.end(), [&](const DeviceOption& d) {
    return d.kind == DeviceKind::kScsi && (bus.empty() || d.id == bus);
  });
  if (owner == before.end())
    return Error{bus.empty() ? what + " needs a -device virtio-scsi-pci before it"
                             : "there is no -device virtio-scsi-pci with id=" + bus + " before " + what};
  device.owner = static_cast<size_t>(owner - before.begin());
  const auto taken = [&](unsigned target) {
    return std::any_of(before.begin(), before.end(), [&](const DeviceOption& d) {
      return d.row->bus == DeviceBus::kScsi && d.owner == device.owner && d.target == target &&
             d.lun == device.lun;
    });
  };
  if (device.target) {
    if (!taken(*device.target)) return {};
    return Error{what + ": there is a unit with scsi-id=" + std::to_string(*device.target) +
                 " and lun=" + std::to_string(device.lun) + " already; use another, or leave scsi-id out"};
  }
  unsigned target = 0;
  while (target < dev::VirtioScsi::kTargets && taken(target)) ++target;
  if (target == dev::VirtioScsi::kTargets) return Error{what + ": its adapter is full; add another one"};
  device.target = target;
  return {};
}

// The virtio-serial-device of a port and the port's number there, as QEMU gives them in the order of the
// command line.
Result<void> number_port(std::span<DeviceOption> before, DeviceOption& device) {
  const std::string what(device.row->name);
  const std::string bus = device.bus.substr(0, device.bus.find('.'));
  const auto owner = std::find_if(before.rbegin(), before.rend(), [&](const DeviceOption& d) {
    return d.kind == DeviceKind::kSerial && (bus.empty() || d.id == bus);
  });
  if (owner == before.rend())
    return Error{bus.empty()
                     ? "-device " + what + " needs a -device virtio-serial-pci before it"
                     : "there is no -device virtio-serial-pci with id=" + bus + " before -device " + what};
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
    return Error{"-device " + what + ": its virtio-serial device is full (31 ports); add another one"};
  device.port = number;
  return {};
}

Result<void> check_devices(Options& options) {
  for (DeviceOption& device : options.devices) {
    const std::string what = "-device " + std::string(device.row->name);
    if (device.disable_legacy == true && device.disable_modern)
      return Error{what + ": with disable-legacy and disable-modern no driver could use it; leave one out"};
    if (device.index) continue;  // of a -drive
    if (device.row->bus == DeviceBus::kScsi)
      if (auto ok = number_unit({options.devices.data(), &device}, device); !ok) return ok;
    switch (device.kind) {
      case DeviceKind::kRemovable:
        if (device.drive.empty()) break;
        [[fallthrough]];
      case DeviceKind::kBlock: {
        if (device.drive.empty()) return Error{what + " needs drive=ID, the id of a -drive if=none"};
        DriveOption* drive = find_id(options.drives, device.drive);
        if (!drive) return Error{no_such(options.drives, "-drive", device.drive)};
        if (drive->interface == DriveOption::Interface::kFlash)
          return Error{"drive '" + device.drive +
                       "' is a flash; say if=none for a drive that a -device uses"};
        if (drive->interface != DriveOption::Interface::kNone)
          return Error{"drive '" + device.drive +
                       "' has a disk already; say if=none for a drive that a -device uses"};
        if (drive->file.empty() && device.kind == DeviceKind::kBlock)
          return Error{"drive '" + device.drive + "' has no file=, which " + what + " needs"};
        if (drive->used)
          return Error{"drive '" + device.drive +
                       "' is used by two devices; make another -drive for the second"};
        drive->used = true;
        if (device.physical_block < device.logical_block)
          return Error{what + ": physical_block_size is smaller than logical_block_size"};
        break;
      }
      case DeviceKind::kNet: {
        if (device.netdev.empty()) return Error{what + " needs netdev=ID, the id of a -netdev"};
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
      case DeviceKind::kScsi:
      case DeviceKind::kOther:
        break;
      case DeviceKind::kLine:
      case DeviceKind::kConsole:
      case DeviceKind::kSerialPort: {
        if (device.chardev.empty()) return Error{what + " needs chardev=ID, the id of a -chardev"};
        if (!find_id(options.chars, device.chardev))
          return Error{no_such(options.chars, "-chardev", device.chardev)};
        if (device.kind == DeviceKind::kLine) break;
        if (auto ok = number_port({options.devices.data(), &device}, device); !ok) return ok;
        break;
      }
    }
  }
  return {};
}

// Disks of -drive if=ide have their places before others take what is free.
void make_legacy_disks(Options& options) {
  std::vector<DeviceOption> disks;
  for (DriveOption& drive : options.drives) {
    using enum DriveOption::Interface;
    if (drive.interface == kIde || drive.interface == kFloppy) drive.used = true;
    if (drive.interface != kIde) continue;
    disks.push_back({.row = find_device(drive.cd ? "ide-cd" : "ide-hd").row,
                     .kind = drive.cd ? DeviceKind::kRemovable : DeviceKind::kBlock,
                     .drive = drive.id,
                     .serial = drive.serial,
                     .index = drive.unit});
  }
  options.devices.insert(options.devices.begin(), disks.begin(), disks.end());
}

// What was made and is behind nothing that the guest sees.
void warn_of_unused(Options& options) {
  for (const DriveOption& drive : options.drives) {
    if (drive.used || drive.interface != DriveOption::Interface::kNone) continue;
    const std::string id = drive.id.empty() ? "ID" : drive.id;
    options.warnings.push_back("the guest does not see the disk '" + drive.file +
                               "', because of if=none; add " + (drive.id.empty() ? "id=ID to it and " : "") +
                               "-device virtio-blk-pci,drive=" + id + ", or leave if=none out");
  }
  for (const NetOption& net : options.nets)
    if (!net.used)
      options.warnings.push_back("the guest does not see the network '" + net.id +
                                 "', which has no card; add -device virtio-net-pci,netdev=" + net.id +
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

bool is_device(std::string_view name) { return find_device(name).row != nullptr; }

Result<const DeviceRow*> find_network_card(const std::string& model) {
  const std::string_view name = model == "virtio" ? "virtio-net-pci" : std::string_view(model);
  if (const DeviceRow* row = find_device(name).row; row && row->kind == DeviceKind::kNet) return row;
  return Error{
      "network card '" + model +
      (known_elsewhere(Known::kDevice, model) ? "' is not supported yet" : "' is not known") +
      "; leave model= out for the board's own, or take virtio-net-pci (model=help lists what there is)"};
}

std::string network_card_list() {
  std::string text = "network cards:";
  for (const DeviceRow& row : device_rows())
    if (row.kind == DeviceKind::kNet) text += " " + std::string(row.name);
  return text + "\n";
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
  if (name == "loader")
    return apply_loader(
        p, comma == std::string::npos ? std::string_view() : std::string_view(value).substr(comma + 1));
  const DeviceName found = find_device(name);
  if (!found.row) {
    std::vector<std::string_view> names;
    for (const DeviceRow& r : device_rows()) names.push_back(r.name);
    return Error{"device '" + name +
                 (known_elsewhere(Known::kDevice, name) ? "' is not supported yet; leave it out"
                                                        : "' is not known" + suggestion(name, names)) +
                 " (-device help lists what there is)"};
  }
  DeviceOption device;
  device.row = found.row;
  device.kind = found.row->kind;
  if (found.form) device.disable_legacy = *found.form == dev::VirtioPci::Form::kModern;
  if (const std::string properties =
          p.with_globals(found.row->name, comma == std::string::npos ? "" : value.substr(comma + 1));
      !properties.empty()) {
    const std::string what = "-device " + std::string(found.row->name);
    const std::vector<KeyRow<DeviceOption>> keys = device_keys(*found.row);
    const std::vector<KeyNames> names = key_names(std::span<const KeyRow<DeviceOption>>(keys));
    const auto list = apply_key_list(properties, {what, ""}, names, [&](size_t key, const std::string& v) {
      return keys[key].set(device, v);
    });
    if (!list) return list.error();
    if (*list == KeyList::kHelp) {
      p.print(key_help(what, names));
      return {};
    }
  }
  p.options.devices.push_back(std::move(device));
  return {};
}

// What a device is called on the bus that the board has: -pci, or -device.
std::string OptionParser::virtio_form(std::string_view kind) const {
  return fmt::format("{}-{}", kind, options.board->has_pci(options.board_choice) ? "pci" : "device");
}

// Network cards of -nic and -net nic, or the default one: they are on their bus first.
Result<void> OptionParser::make_cards() {
  if (auto ok = join_old_networks(); !ok) return ok;
  if (!network_given && !options.no_defaults)
    if (auto ok = apply_nic(*this, "user"); !ok) return ok;
  const std::string_view usual = options.board->network_card;
  for (DeviceOption& card : default_devices)
    if (!card.row && usual != "virtio-net")
      card.row = find_device(usual).row;
    else if (!card.row || card.row->name == "virtio-net-pci")
      card.row = find_device(virtio_form("virtio-net")).row;
  options.devices.insert(options.devices.begin(), default_devices.begin(), default_devices.end());
  return {};
}

Result<void> OptionParser::finish() {
  if (no_acpi) options.board_choice.properties.emplace_back("acpi", "off");
  if (no_hpet) options.board_choice.properties.emplace_back("hpet", "off");
  if (auto ok = check_parallel(options); !ok) return ok;
  if (auto ok = choose_cpu(); !ok) return ok;
  if (auto ok = place_machine_flashes(); !ok) return ok;
  if (options.curses && (options.nographic || options.daemonize))
    return Error{std::string("-display curses draws on the terminal, and ") +
                 (options.nographic ? "-nographic leaves it to the serial line" : "-daemonize leaves it") +
                 "; use one of them"};
  if (options.daemonize && options.nographic)
    return Error{
        "-daemonize leaves the terminal, which -nographic is about; use -display none, and -serial for the "
        "line"};
  if (auto ok = choose_processors(); !ok) return ok;
  if (auto ok = attach_board_parts(options); !ok) return ok;
  for (const Result<void>& ok :
       {duplicate_id(options.drives, "-drive"), duplicate_id(options.devices, "-device"),
        duplicate_id(options.nets, "-netdev"), duplicate_id(options.chars, "-chardev"), check_flash(options),
        place_legacy_disks(options)})
    if (!ok) return ok;

  for (const DriveOption& drive : options.drives)
    if (drive.file.empty() && (drive.interface == DriveOption::Interface::kVirtio ||
                               drive.interface == DriveOption::Interface::kFlash))
      return Error{"-drive needs file=FILE: only drives of IDE and SCSI may be without a medium"};

  // Disks of -drive if=virtio come after the devices that were asked for by name, in the order of their
  // units.
  std::vector<DriveOption*> disks;
  for (size_t i = 0; i < options.drives.size(); ++i)
    if (options.drives[i].interface == DriveOption::Interface::kVirtio) disks.push_back(&options.drives[i]);
  std::stable_sort(disks.begin(), disks.end(), [](const DriveOption* a, const DriveOption* b) {
    return a->unit.value_or(~0u) < b->unit.value_or(~0u);
  });
  if (auto ok = check_objects(); !ok) return ok;
  if (auto ok = make_cards(); !ok) return ok;
  make_legacy_disks(options);
  if (auto ok = check_devices(options); !ok) return ok;
  unsigned number = 0;
  for (DriveOption* drive : disks) {
    if (drive->id.empty()) {
      do drive->id = "disk" + std::to_string(number++);
      while (std::count_if(options.drives.begin(), options.drives.end(),
                           [&](const DriveOption& d) { return d.id == drive->id; }) > 1);
    }
    drive->used = true;
    options.devices.push_back({.row = find_device(virtio_form("virtio-blk")).row,
                               .kind = DeviceKind::kBlock,
                               .drive = drive->id,
                               .serial = drive->serial});
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
