// SPDX-License-Identifier: Apache-2.0
//
// Devices of -device that the board itself has: serial lines and floppy drives. What is asked for becomes the
// line (-serial) or the drive (-drive if=floppy) of that number.
#include <algorithm>

#include "app/device_rows.h"
#include "app/options_parser.h"

namespace mynah::app {
namespace {

struct Port {
  uint16_t base;
  unsigned irq;
};
constexpr Port kSerialPorts[] = {{0x3f8, 4}, {0x2f8, 3}};

Result<void> attach_serial(Options& options, const DeviceOption& device) {
  const Board& board = *options.board;
  if (board.guest != "x86") return error("-device isa-serial: the machine {} has no ISA bus", board.name);
  if (device.chardev.empty()) return Error{"-device isa-serial needs chardev=ID, the id of a -chardev"};
  const auto free = [&](size_t n) { return n >= options.serials.size() || options.serials[n] == "none"; };
  size_t number = 0;
  if (device.io_base) {
    while (number < std::size(kSerialPorts) && kSerialPorts[number].base != *device.io_base) ++number;
    if (device.unit && *device.unit != number) number = std::size(kSerialPorts);
  } else if (device.unit) {
    number = *device.unit;
  } else {
    while (!free(number)) ++number;
  }
  if (number >= board.serial_lines || number >= std::size(kSerialPorts) ||
      (device.irq && *device.irq != kSerialPorts[number].irq))
    return Error{
        "-device isa-serial: the machine has two, index=0 at iobase=0x3f8 with irq=4 and index=1 at "
        "iobase=0x2f8 with irq=3; more are missing here, use -device pci-serial"};
  if (!free(number))
    return error("-device isa-serial: serial line {} is {} already; use another index=", number,
                 options.serials[number]);
  if (options.serials.size() <= number) options.serials.resize(number + 1, "none");
  options.serials[number] = "chardev:" + device.chardev;
  return {};
}

Result<void> attach_floppy(Options& options, const DeviceOption& device) {
  using enum DriveOption::Interface;
  if (!options.board->legacy_disks)
    return error("-device floppy: the machine {} has no floppy controller", options.board->name);
  if (device.drive.empty()) {
    DriveOption empty;
    empty.interface = kFloppy;
    empty.id = device.id;
    empty.unit = device.unit;
    options.drives.push_back(std::move(empty));
    return {};
  }
  const auto drive = std::ranges::find(options.drives, device.drive, &DriveOption::id);
  if (drive == options.drives.end())
    return error("-device floppy: there is no -drive or -blockdev with the id {}; add one", device.drive);
  if (drive->interface != kNone)
    return error("-device floppy: the drive '{}' has a place already; say if=none for it", device.drive);
  drive->interface = kFloppy;
  drive->unit = device.unit;
  return {};
}

}  // namespace

Result<void> attach_board_parts(Options& options) {
  std::vector<DeviceOption> others;
  for (DeviceOption& device : options.devices) {
    if (device.row->bus != DeviceBus::kBoard) {
      others.push_back(std::move(device));
      continue;
    }
    const auto attach = device.row->name == "floppy" ? attach_floppy : attach_serial;
    if (auto ok = attach(options, device); !ok) return ok;
  }
  options.devices = std::move(others);
  return {};
}

}  // namespace mynah::app
