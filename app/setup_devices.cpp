// SPDX-License-Identifier: Apache-2.0
//
// Devices of the command line go into the machine, in their order, with what stands behind them.
#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "app/device_rows.h"
#include "app/files.h"
#include "app/session.h"

namespace mynah::app {

struct Session::Backends final : DeviceBackends {
  explicit Backends(Session& session) : session(session) {}

  dev::BlockBackend& disk(const std::string& id) override {
    return *session.disks_[session.disk_number(id)].backend;
  }
  dev::BlockBackend* medium(const std::string& id) override {
    return id.empty() ? nullptr : session.disks_[session.disk_number(id)].backend.get();
  }
  void made_removable(const DeviceOption& device, dev::RemovableDrive& drive) override {
    session.add_removable(device.drive.empty() ? device.id : device.drive, device.id, drive);
  }
  dev::NetBackend& network(const std::string& id) override {
    const auto found = std::find_if(session.networks_.begin(), session.networks_.end(),
                                    [&](const Network& n) { return n.id == id; });
    return *found->backend;
  }
  dev::EntropySource& entropy() override { return *session.entropy_; }
  dev::EventQueue& events() override { return session.machine_->events(); }
  std::string unique_name(std::string_view kind) override { return fmt::format("{}{}", kind, named++); }
  uint64_t ram_bytes() const override { return session.options_.ram_bytes; }
  std::function<void(int)> exit_call() override {
    return [&s = session](int code) { s.end_from_guest(code); };
  }
  std::function<void()> watchdog_call() override {
    return [&s = session] { s.watchdog_expired(); };
  }
  void made_balloon(dev::VirtioBalloon& balloon) override { session.balloon_ = &balloon; }
  Result<dev::CharBackend*> line(const std::string& chardev, std::string_view what) override {
    return session.lines_->take("chardev:" + chardev, std::string(what));
  }
  Result<std::vector<dev::VirtioConsole::PortOptions>> ports(const DeviceOption& device) override {
    const auto& all = session.options_.devices;
    std::vector<dev::VirtioConsole::PortOptions> ports;
    for (const DeviceOption& p : all) {
      if (p.row->bus != DeviceBus::kSerialPort || &all[p.owner] != &device) continue;
      auto backend = line(p.chardev, p.row->name);
      if (!backend) return backend.error();
      ports.push_back({**backend, p.name, p.kind == DeviceKind::kConsole, *p.port});
    }
    return ports;
  }

  std::vector<dev::VirtioScsi::Place> scsi_units(const DeviceOption& adapter) override {
    std::vector<dev::VirtioScsi::Place> units;
    for (const DeviceOption& d : behind(adapter))
      units.push_back({*d.target, d.lun, d.row->make_scsi(d, *this)});
    return units;
  }
  std::vector<std::reference_wrapper<const DeviceOption>> behind(const DeviceOption& adapter) const {
    const auto& all = session.options_.devices;
    std::vector<std::reference_wrapper<const DeviceOption>> found;
    for (const DeviceOption& d : all)
      if (d.row->bus == DeviceBus::kScsi && &all[d.owner] == &adapter) found.emplace_back(d);
    return found;
  }
  // Its place, with what firmware may start from behind it.
  VirtioPlace place(const DeviceOption& device, std::vector<uint8_t> rom) const {
    VirtioPlace place = virtio_place(device);
    auto* const pci = std::get_if<VirtioPciPlace>(&place);
    if (pci) pci->place.rom = std::move(rom);
    auto& boots = pci ? pci->place.behind : std::get<VirtioMmioPlace>(place).behind;
    for (const DeviceOption& d : behind(device))
      boots.push_back({d.boot_index, fmt::format("channel@0/disk@{:x},{:x}", *d.target, d.lun)});
    return place;
  }

  Session& session;
  unsigned named = 0;
};

namespace {

// What Debian's package ipxe-qemu has for cards: network boot for BIOS and UEFI.
struct CardRom {
  std::string_view card, file;
};
constexpr CardRom kCardRoms[] = {
    {"e1000", "efi-e1000.rom"}, {"e1000e", "efi-e1000e.rom"}, {"virtio-net-pci", "efi-virtio.rom"}};
constexpr std::string_view kRomFolders[] = {"/usr/share/qemu", "/usr/lib/ipxe/qemu", "/usr/share/seabios"};
constexpr uint64_t kMostRom = 16 << 20;

}  // namespace

// One that nobody asked for may be absent.
Result<std::vector<uint8_t>> Session::option_rom(const DeviceOption& device) const {
  std::string name = device.rom_file.value_or("");
  if (!device.rom_file && options_.board->option_roms)
    for (const CardRom& known : kCardRoms)
      if (known.card == device.row->name) name = known.file;
  if (name.empty() || !device.rom_bar) return std::vector<uint8_t>{};
  const std::string path = find_firmware(name, options_.firmware_folders, kRomFolders);
  if (!device.rom_file && path == name) return std::vector<uint8_t>{};
  return read_file(path, "option ROM", "romfile=", kMostRom);
}

void Session::watchdog_expired() {
  switch (options_.watchdog_action) {
    case WatchdogAction::kReset:
      return machine_->ask_for(AfterExit::kReset);
    case WatchdogAction::kShutdown:
      return machine_->press_power_key();
    case WatchdogAction::kPowerOff:
      return machine_->ask_for(AfterExit::kShutdown);
    case WatchdogAction::kPause:
      pause_wanted_ = true;
      return machine_->request_stop();
    case WatchdogAction::kDebug:
      return report("the guest's watchdog has expired", false);
    case WatchdogAction::kNone:
      return;
  }
}

Result<void> Session::set_up_devices() {
  Backends backends(*this);
  for (const DeviceOption& device : options_.devices) {
    const DeviceRow& row = *device.row;
    Result<void> added;
    auto rom = option_rom(device);
    if (!rom) return error("-device {}: {}", row.name, rom.message());
    if (row.make_virtio) {
      auto make = row.make_virtio(device, backends);
      if (!make) return make.error();
      added = machine_->add_virtio(*make, backends.place(device, std::move(*rom)));
    } else if (row.make_pci) {
      auto make = row.make_pci(device, backends);
      if (!make) return make.error();
      PciPlace place = pci_place(device);
      place.rom = std::move(*rom);
      added = machine_->add_pci(*make, place);
    } else if (row.make_isa) {
      auto make = row.make_isa(device, backends);
      if (!make) return make.error();
      added = machine_->add_isa(*make, isa_place(device));
    } else if (row.make_ide) {
      auto make = row.make_ide(device, backends);
      if (!make) return make.error();
      added = machine_->add_ide(*make, ide_place(device));
    }
    if (!added) return error("-device {}: {}", row.name, added.message());
  }
  for (size_t i = 0; i < options_.drives.size(); ++i) {
    const DriveOption& drive = options_.drives[i];
    if (drive.interface != DriveOption::Interface::kFloppy) continue;
    auto added = machine_->add_floppy(*drive.unit, disks_[i].backend.get());
    if (!added) return added.error();
    add_removable(drive.id, {}, **added);
  }
  return {};
}

}  // namespace mynah::app
