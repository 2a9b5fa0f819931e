// SPDX-License-Identifier: Apache-2.0
//
// The table; what only has a name is in known_elsewhere.cpp.
#include "app/refused_options.h"

namespace mynah::app {
namespace {

struct RefusedOption {
  std::string_view name, reason;
};
constexpr RefusedOption kRefused[] = {
    {"vnc", "there are no windows yet; use -display curses or -nographic"},
    {"spice", "there are no windows yet; use -display curses or -nographic"},
    {"full-screen", "there are no windows yet; use -display curses or -nographic"},
    {"sdl", "there are no windows yet; use -display curses or -nographic"},
    {"gtk", "there are no windows yet; use -display curses or -nographic"},
    {"usbdevice", "the machine has no USB; leave it out"},
    {"audio", "the machine has no sound; leave it out"},
    {"soundhw", "the machine has no sound; leave it out"},
    {"set", "set the property at its -device instead"},
    {"readconfig", "give the options on the command line"},
    {"writeconfig", "keep the command line in a script instead"},
    {"virtfs", "shared folders are not supported; use a disk image or the network"},
    {"fsdev", "shared folders are not supported; use a disk image or the network"},
    {"acpitable", "the machine has no ACPI tables; leave it out"},
    {"qmp", "use the monitor (-monitor) instead"},
    {"qmp-pretty", "use the monitor (-monitor) instead"},
    {"loadvm", "saving and loading machines is not supported; use -snapshot to keep a disk as it is"},
    {"incoming", "migration is not supported; leave it out"},
    {"runas", "start the emulator as that user"},
    {"chroot", "start the emulator under chroot"},
    {"trace", "use -d instead"},
    {"plugin", "plugins are not supported; use -d exec or GDB"},
    {"singlestep", "use -d nochain, or GDB"},
    {"one-insn-per-tb", "use -d nochain, or GDB"},
    {"tpmdev", "the machine has no TPM; leave it out"},
    {"sd", "the machine has no SD card; use -drive if=virtio"},
    {"mtdblock", "use -drive if=pflash"},
};

}  // namespace

std::string_view refused_option(std::string_view name) {
  for (const RefusedOption& refused : kRefused)
    if (refused.name == name) return refused.reason;
  return {};
}

}  // namespace mynah::app
