// SPDX-License-Identifier: Apache-2.0
//
// -drive and its short forms: which image, how it is used, and which of the flashes it fills.
#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "app/options_parser.h"
#include "app/text.h"
#include "devices/host/foreign_format.h"
#include "devices/host/image/open_image.h"

namespace mynah::app {
namespace {

std::string set_interface(DriveOption& to, const std::string& value) {
  using enum DriveOption::Interface;
  static constexpr std::pair<std::string_view, DriveOption::Interface> kNames[] = {
      {"virtio", kVirtio}, {"none", kNone}, {"pflash", kFlash}, {"ide", kIde}, {"floppy", kFloppy}};
  for (const auto& [name, interface] : kNames)
    if (value == name) {
      to.interface = interface;
      return {};
    }
  return "virtio, none, pflash, ide or floppy";
}
std::string set_format(DriveOption& to, const std::string& value) {
  to.format = value;
  return host::is_image_format(value) || host::foreign_format_named(value) ? ""
                                                                           : std::string(host::kImageFormats);
}
std::string set_drive_snapshot(DriveOption& to, const std::string& value) {
  to.snapshot = host::parse_switch(value);
  return to.snapshot ? "" : "on or off";
}
std::string set_unit(DriveOption& to, const std::string& value) {
  const auto unit = parse_u64(value);
  if (!unit || *unit > 31) return "a number from 0 to 31";
  to.unit = static_cast<unsigned>(*unit);
  return {};
}
std::string set_bus(DriveOption& to, const std::string& value) {
  const auto bus = parse_u64(value);
  if (!bus || *bus > 31) return "a number from 0 to 31";
  to.bus = static_cast<unsigned>(*bus);
  return {};
}
std::string set_index(DriveOption& to, const std::string& value) {
  to.by_index = true;
  return set_unit(to, value);
}
std::string set_media(DriveOption& to, const std::string& value) {
  if (value == "cdrom") to.read_only = to.cd = true;
  return value == "cdrom" || value == "disk" ? "" : "disk or cdrom";
}
std::string set_cache(DriveOption& to, const std::string& value) {
  static constexpr std::string_view kModes[] = {"writeback", "none", "writethrough", "directsync", "unsafe"};
  if (std::find(std::begin(kModes), std::end(kModes), value) == std::end(kModes)) return joined(kModes);
  to.unsafe = value == "unsafe";
  to.write_through = value == "writethrough" || value == "directsync";
  return {};
}
std::string set_error_action(DriveOption& to, const std::string& value) {
  if (value == "stop" || value == "ignore") to.stops_on_error = value;
  return value == "report" || value == "enospc" || value == "auto" || !to.stops_on_error.empty()
             ? ""
             : "report, enospc, stop, ignore or auto";
}
std::string set_file_driver(DriveOption&, const std::string& value) {
  return value == "file" || value == "host_device" || value == "host_cdrom"
             ? ""
             : "file or host_device; network and other protocols are missing";
}
std::string set_no_writeback(DriveOption& to, const std::string& value) {
  const auto on = host::parse_switch(value);
  if (!on) return "on or off";
  to.write_through = !*on;
  return {};
}

}  // namespace

std::string set_drive_discard(DriveOption& to, const std::string& value) {
  to.discard = value == "unmap" || value == "on";
  return to.discard || value == "ignore" || value == "off" ? "" : "ignore or unmap";
}
std::string set_drive_aio(DriveOption&, const std::string& value) {
  return value == "threads" || value == "native" || value == "io_uring" ? "" : "threads, native or io_uring";
}
std::string set_drive_locking(DriveOption& to, const std::string& value) {
  to.lock = value != "off";
  return value == "auto" || host::parse_switch(value) ? "" : "auto, on or off";
}
std::string set_detect_zeroes(DriveOption&, const std::string& value) {
  return value == "off" || value == "on" || value == "unmap" ? "" : "off, on or unmap";
}

namespace {

constexpr KeyRow<DriveOption> kDriveKeys[] = {
    {"file", "FILE", "the image, or fat:FOLDER for what is in a folder; in it ,, is a comma",
     set_text<DriveOption, &DriveOption::file>},
    {"if", "virtio|none|pflash|ide|floppy",
     "make such a disk for it (by default what the machine has), leave that to -device, or put it into the "
     "next "
     "flash",
     set_interface},
    {"id", "ID", "name for -device", set_text<DriveOption, &DriveOption::id>},
    {"format", "raw|qcow2|vmdk|vdi|vhdx",
     "the image's format, as the file says by default; vmdk, vdi and vhdx are only read; raw with "
     "readonly=on: compressed files and such are "
     "disks as "
     "they are, too",
     set_format},
    {"readonly", "on|off", "the guest cannot write", set_on_off<DriveOption, &DriveOption::read_only>},
    {"read-only", "on|off", "the same", set_on_off<DriveOption, &DriveOption::read_only>},
    {"snapshot", "on|off", "keep the image as it is: writes are gone after the run", set_drive_snapshot},
    {"unit", "N", "which flash, 0 or 1; for disks the order", set_unit},
    {"index", "N", "the same, counted over all buses", set_index},
    {"bus", "N", "which bus of IDE, of which unit= is a place", set_bus},
    {"media", "disk|cdrom", "cdrom: readonly=on", set_media},
    {"cache", "writeback|none|writethrough|directsync|unsafe",
     "unsafe: flushes do nothing; the modes ending in through or sync: every write is flushed", set_cache},
    {"cache.direct", "on|off", "accepted", set_nothing<DriveOption>},
    {"cache.writeback", "on|off", "off: every write is flushed", set_no_writeback},
    {"cache.no-flush", "on|off", "on: flushes do nothing", set_on_off<DriveOption, &DriveOption::unsafe>},
    {"discard", "ignore|unmap", "give space back to the host's file system", set_drive_discard},
    {"detect-zeroes", "off|on|unmap", "accepted", set_detect_zeroes},
    {"aio", "threads|native|io_uring", "accepted", set_drive_aio},
    {"werror", "report|enospc", "errors of writing are reported to the guest", set_error_action},
    {"rerror", "report", "the same of reading", set_error_action},
    {"serial", "TEXT", "serial number of the disk that if=virtio makes",
     set_text<DriveOption, &DriveOption::serial>},
    {"driver", "raw|qcow2|vmdk|vdi|vhdx", "the same as format", set_format},
    {"node-name", "ID", "accepted", set_nothing<DriveOption>},
    {"file.filename", "FILE", "the same as file", set_text<DriveOption, &DriveOption::file>},
    {"file.driver", "file|host_device", "accepted", set_file_driver},
    {"file.locking", "auto|on|off", "lock the image for as long as it is open", set_drive_locking},
    {"file.aio", "threads|native|io_uring", "accepted", set_drive_aio},
    {"locking", "auto|on|off", "the same as file.locking", set_drive_locking},
    {"auto-read-only", "on|off", "accepted", set_nothing<DriveOption>},
    {"copy-on-read", "off", "copies of a base image", only_off<DriveOption>},
    {"force-share", "off", "share the image with other writers", only_off<DriveOption>},
};

// "throttling.bps-total", and as it was spelled before.
std::string throttling_key(const std::string& list) {
  for (const std::string& part : host::split_options(list))
    for (std::string_view prefix : {"throttling.", "bps", "iops", "group="})
      if (part.starts_with(prefix)) return part;
  return {};
}

}  // namespace

Result<void> apply_drive(OptionParser& p, const std::string& value) {
  DriveOption drive;
  if (const std::string key = throttling_key(value); !key.empty())
    return Error{"-drive: '" + key + "' asks for throttling, which is missing here; leave it out"};
  if (auto ok = keys_or_help(p, value, {"-drive", ""}, kDriveKeys, drive); !ok || p.options.print) return ok;
  const bool removable = drive.cd || drive.interface == DriveOption::Interface::kFloppy;
  if (drive.file.empty() && !removable)
    return Error{
        "-drive needs file=FILE, the disk image; a drive without a medium is media=cdrom or if=floppy"};
  if (const auto* other = host::foreign_format_named(drive.format);
      other && !host::is_image_format(drive.format))
    return Error{"-drive: format=" + drive.format + " is not supported; make a raw image with " +
                 host::plain_file_command(*other, drive.file) + " and use that with format=raw"};
  if (!drive.stops_on_error.empty())
    p.options.warnings.push_back("errors of the disk '" + drive.file + "' are reported to the guest: to " +
                                 drive.stops_on_error + " at them is missing here");
  p.options.drives.push_back(std::move(drive));
  return {};
}

Result<void> apply_disk_file(OptionParser& p, const std::string& file, unsigned index, bool cdrom) {
  if (file.empty()) return Error{"a disk image's name is empty; leave the option out if there is no disk"};
  DriveOption drive;
  drive.file = file;
  drive.unit = index;
  drive.read_only = drive.cd = cdrom;
  p.options.drives.push_back(std::move(drive));
  return {};
}

Result<void> apply_floppy_file(OptionParser& p, const std::string& file, unsigned unit) {
  if (auto ok = apply_disk_file(p, file, unit, false); !ok) return ok;
  p.options.drives.back().interface = DriveOption::Interface::kFloppy;
  return {};
}

// bus= and unit= say what index= says at once. Where there is one bus, as for virtio, it is number 0.
Result<void> place_on_bus(const Options& options, DriveOption& drive) {
  if (!drive.bus) return {};
  if (drive.by_index) return error("-drive: index={} says the bus, too; leave bus= out", *drive.unit);
  if (drive.interface != DriveOption::Interface::kIde)
    return *drive.bus == 0 ? Result<void>()
                           : error("-drive: bus={} is for if=ide; there is bus 0", *drive.bus);
  const unsigned buses = options.board->ide_buses, units = options.board->ide_units;
  if (*drive.bus >= buses || drive.unit.value_or(0) >= units)
    return error("-drive if=ide: the machine has {} buses of {} each; bus= and unit= are numbers below that",
                 buses, units);
  const unsigned first = *drive.bus * units;
  const auto taken = [&](unsigned unit) {
    return std::ranges::any_of(options.drives, [&](const DriveOption& other) {
      return &other != &drive && other.interface == drive.interface && other.unit == unit;
    });
  };
  unsigned unit = drive.unit.value_or(0);
  while (!drive.unit && unit + 1 < units && taken(first + unit)) ++unit;
  drive.unit = first + unit;
  return {};
}

// Of IDE and floppy disks, those that say no unit get the first that is free.
Result<void> place_legacy_disks(Options& options) {
  using enum DriveOption::Interface;
  const bool has = options.board->legacy_disks;
  for (DriveOption& drive : options.drives) {
    if (drive.interface == kUsual) drive.interface = has ? kIde : kVirtio;
    if (auto ok = place_on_bus(options, drive); !ok) return ok;
  }
  for (const auto& [kind, name, units] :
       {std::tuple(kIde, "ide", options.board->ide_buses * options.board->ide_units),
        std::tuple(kFloppy, "floppy", 2u)}) {
    std::vector<const DriveOption*> at(units);
    for (const DriveOption& drive : options.drives) {
      if (drive.interface != kind) continue;
      if (!has)
        return error("-drive if={}: the machine {} has no such controller; use virtio, none or pflash", name,
                     options.board->name);
      if (!drive.unit) continue;
      if (*drive.unit >= units)
        return error("-drive if={}: the machine has {} of them; index= is a number below that", name, units);
      if (at[*drive.unit])
        return error("the disks '{}' and '{}' are both the {} number {}; give one another index=",
                     at[*drive.unit]->file, drive.file, name, *drive.unit);
      at[*drive.unit] = &drive;
    }
    for (DriveOption& drive : options.drives) {
      if (drive.interface != kind || drive.unit) continue;
      unsigned unit = 0;
      while (unit < units && at[unit]) ++unit;
      if (unit == units)
        return error("the disk '{}' has no place: the machine has {} for if={}", drive.file, units, name);
      drive.unit = unit;
      at[unit] = &drive;
    }
    // As the monitor calls them.
    for (DriveOption& drive : options.drives) {
      if (drive.interface != kind || !drive.id.empty()) continue;
      const unsigned per_bus = options.board->ide_units;
      drive.id = kind == kFloppy ? fmt::format("floppy{}", *drive.unit)
                                 : fmt::format("ide{}-{}{}", *drive.unit / per_bus, drive.cd ? "cd" : "hd",
                                               *drive.unit % per_bus);
    }
  }
  return {};
}

Result<void> check_flash(Options& options) {
  bool taken[2] = {!options.bios.empty(), false};
  for (DriveOption& drive : options.drives) {
    if (drive.interface != DriveOption::Interface::kFlash) continue;
    if (!drive.unit) drive.unit = taken[0] && !taken[1] && options.bios.empty() ? 1 : taken[0] ? 1 : 0;
    if (*drive.unit > 1)
      return Error{"the machine has two flashes; use unit=0 or unit=1 with -drive if=pflash"};
    if (taken[*drive.unit] && *drive.unit == 0 && !options.bios.empty())
      return Error{
          "-bios and -drive if=pflash both fill the first flash; leave one of them out, or add unit=1"};
    if (taken[*drive.unit])
      return error("two -drive if=pflash fill flash {}; the machine has two: unit=0 and unit=1", *drive.unit);
    taken[*drive.unit] = true;
  }
  return {};
}

}  // namespace mynah::app
