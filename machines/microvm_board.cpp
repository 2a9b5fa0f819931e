// SPDX-License-Identifier: Apache-2.0
//
// From what a person chose to the board `microvm`.
#include "machines/microvm_board.h"

#include <fmt/core.h>

#include "machines/microvm.h"
#include "machines/x86_board.h"

namespace mynah {

namespace {

constexpr BoardProperty kProperties[] = {
    {"acpi", "auto|on|off", "ACPI tables, on by default"},
    {"pcie", "auto|on|off", "PCI Express, off by default"},
    {"rtc", "auto|on|off", "real-time clock, on by default"},
    {"pit", "auto|on|off", "accepted: the interval timer is there"},
    {"pic", "auto|on|off", "accepted: the 8259s are there"},
    {"isa-serial", "on|off", "accepted: the serial line is there"},
    {"ioapic2", "auto|on|off", "accepted: the second I/O APIC is there with ACPI"},
    {"x-option-roms", "on|off", "accepted: there is no firmware to run them"},
    {"auto-kernel-cmdline", "on|off",
     "virtio-mmio devices are named in the kernel's command line without ACPI"},
    {"usb", "off", "USB"},
};

constexpr BoardProperty kDeviceProperties[] = {
    {"virtio-mmio.force-legacy", "on|off", "registers of version 1, on by default"},
};

bool has_pci(const BoardChoice& choice) {
  bool on = false;
  for (const auto& [name, value] : choice.properties)
    if (name == "pcie") on = value == "on";
  return on;
}

std::unique_ptr<Machine> make(const BoardChoice& choice, MachineConfig config, dev::Log& log) {
  MicrovmConfig microvm;
  static_cast<MachineConfig&>(microvm) = std::move(config);
  microvm.cpu = *x86::parse_cpu(choice.cpu);
  for (const auto& [name, value] : choice.properties) {
    if (name == "acpi")
      microvm.acpi = value != "off";
    else if (name == "pcie")
      microvm.pcie = value == "on";
    else if (name == "rtc")
      microvm.rtc = value != "off";
    else if (name == "auto-kernel-cmdline")
      microvm.extend_command_line = value == "on";
    else if (name == "virtio-mmio.force-legacy")
      microvm.legacy_virtio = value == "on";
  }
  return std::make_unique<MicrovmMachine>(std::move(microvm), log);
}

constexpr Board microvm_board() {
  Board board = kX86Board;
  board.name = "microvm";
  board.help = "x86 board of virtio devices, without firmware";
  board.properties = kProperties;
  board.device_properties = kDeviceProperties;
  board.has_pci = has_pci;
  board.network_card = "virtio-net";
  board.make = make;
  return board;
}

}  // namespace

constexpr Board kMicrovmBoard = microvm_board();

}  // namespace mynah
