// SPDX-License-Identifier: Apache-2.0
//
// Rows of the devices on ISA.
#include "app/device_rows.h"
#include "app/options_parser.h"
#include "app/text.h"
#include "devices/debug/debug_console.h"
#include "devices/debug/debug_exit.h"

namespace mynah::app {
namespace {

using D = DeviceOption;

std::string set_port(D& to, const std::string& value) {
  const auto port = parse_u64(value);
  if (!port || *port > 0xffff) return "an I/O port from 0 to 0xffff";
  to.io_base = static_cast<uint16_t>(*port);
  return {};
}
std::string set_port_count(D& to, const std::string& value) {
  const auto ports = parse_u64(value);
  if (!ports || *ports < 1 || *ports > 0x10000) return "a number of ports from 1";
  to.io_size = static_cast<unsigned>(*ports);
  return {};
}
std::string set_answer(D& to, const std::string& value) {
  const auto byte = parse_u64(value);
  if (!byte || *byte > 0xff) return "a byte, 0xe9 by default";
  to.answer = static_cast<uint8_t>(*byte);
  return {};
}

template <unsigned most>
std::string set_unit(D& to, const std::string& value) {
  const auto number = parse_u64(value);
  if (!number || *number > most) return "a number from 0 to " + std::to_string(most);
  to.unit = static_cast<unsigned>(*number);
  return {};
}
std::string set_irq(D& to, const std::string& value) {
  const auto number = parse_u64(value);
  if (!number || *number > 15) return "a number from 0 to 15";
  to.irq = static_cast<unsigned>(*number);
  return {};
}
std::string set_drive_type(D&, const std::string& value) {
  return value == "auto" ? "" : "auto: a drive is of its first disk's kind, or of 1.44 MB";
}

constexpr KeyRow<D> kDebugExitKeys[] = {
    {"iobase", "PORT", "the first of its I/O ports, 0x501 by default", set_port},
    {"iosize", "N", "how many there are, 2 by default", set_port_count},
};
constexpr KeyRow<D> kDebugConsoleKeys[] = {
    {"chardev", "ID", "the -chardev behind it", set_text<D, &D::chardev>},
    {"iobase", "PORT", "its I/O port, 0xe9 by default", set_port},
    {"readback", "BYTE", "what it reads as, 0xe9 by default", set_answer},
};

Result<IsaFactory> make_debug_exit(const D&, DeviceBackends& host) {
  return IsaFactory([exit = host.exit_call()](dev::Log&) { return std::make_unique<dev::DebugExit>(exit); });
}
Result<IsaFactory> make_debug_console(const D& d, DeviceBackends& host) {
  auto line = host.line(d.chardev, d.row->name);
  if (!line) return line.error();
  return IsaFactory(
      [&d, &line = **line](dev::Log&) { return std::make_unique<dev::DebugConsole>(line, d.answer); });
}

constexpr KeyRow<D> kIsaSerialKeys[] = {
    {"chardev", "ID", "the -chardev behind it", set_text<D, &D::chardev>},
    {"index", "0|1", "which of the machine's; the first that is free by default", set_unit<3>},
    {"iobase", "PORT", "the same, by its ports: 0x3f8 or 0x2f8", set_port},
    {"irq", "N", "its interrupt, 4 or 3", set_irq},
};
constexpr KeyRow<D> kFloppyKeys[] = {
    {"drive", "ID", "the -drive behind it; without, it has no disk", set_text<D, &D::drive>},
    {"unit", "0|1", "its place; the first free one by default", set_unit<1>},
    {"bus", "floppy-bus.0", "accepted: there is one", set_nothing<D>},
    {"drive-type", "auto", "its kind", set_drive_type},
};

constexpr DeviceRow kRows[] = {
    {"isa-serial", DeviceKind::kOther, DeviceBus::kBoard, kIsaSerialKeys, "serial line of a PC, 16550A"},
    {"floppy", DeviceKind::kOther, DeviceBus::kBoard, kFloppyKeys, "drive for floppy disks"},
    {"isa-debug-exit",
     DeviceKind::kOther,
     DeviceBus::kIsa,
     kDebugExitKeys,
     "a write of N to its port ends the emulator with exit code 2 N + 1",
     nullptr,
     nullptr,
     make_debug_exit,
     {0x501, 2}},
    {"isa-debugcon",
     DeviceKind::kLine,
     DeviceBus::kIsa,
     kDebugConsoleKeys,
     "console at an I/O port",
     nullptr,
     nullptr,
     make_debug_console,
     {dev::DebugConsole::kUsualPort, 1}},
};

}  // namespace

std::span<const DeviceRow> isa_device_rows() { return kRows; }

}  // namespace mynah::app
