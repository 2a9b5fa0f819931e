// SPDX-License-Identifier: Apache-2.0
//
// From what a person chose to the boards `pc` and `q35`.
#include "machines/pc_board.h"

#include "machines/pc.h"
#include "machines/pc_map.h"
#include "machines/x86_board.h"

namespace mynah {

namespace {

constexpr BoardProperty kProperties[] = {
    {"acpi", "auto|on|off", "ACPI tables, on by default"},
    {"smm", "auto|off", "system management mode"},
    {"hpet", "on|off", "high precision event timers, on by default"},
    {"pit", "auto|on", "accepted: the interval timer is there"},
    {"pic", "auto|on", "accepted: the 8259s are there"},
    {"vmport", "auto|off", "VMware's port"},
    {"i8042", "on", "accepted: the keyboard controller is there"},
    {"smbus", "on|off", "accepted"},
    {"sata", "off", "AHCI"},
    {"smbios-entry-point-type", "auto|32|64", "where systems find SMBIOS tables: version 2.8 or 3.0"},
    {"kernel-irqchip", "on|off|split", "accepted, for kvm"},
};

constexpr std::string_view kVersions[] = {"2.0", "2.1",  "2.2",  "2.3",  "2.4", "2.5", "2.6", "2.7", "2.8",
                                          "2.9", "2.10", "2.11", "2.12", "3.0", "3.1", "4.0", "4.1", "4.2",
                                          "5.0", "5.1",  "5.2",  "6.0",  "6.1", "6.2", "7.0", "7.1", "7.2",
                                          "8.0", "8.1",  "8.2",  "9.0",  "9.1", "9.2", "10.0"};
constexpr size_t kFirstOfQ35 = 4;

constexpr std::string_view kFirmwareFolders[] = {"/usr/share/seabios", "/usr/share/qemu", "/usr/share/ovmf",
                                                 "/usr/share/OVMF"};

template <bool q35>
std::unique_ptr<Machine> make(const BoardChoice& choice, MachineConfig config, dev::Log& log) {
  PcConfig pc;
  static_cast<MachineConfig&>(pc) = std::move(config);
  pc.q35 = q35;
  pc.cpu = *x86::parse_cpu(choice.cpu);
  for (const auto& [name, value] : choice.properties) {
    if (name == "acpi") pc.acpi = value != "off";
    if (name == "smbios-entry-point-type") pc.smbios_64 = value == "64";
    if (name == "hpet") pc.hpet = value != "off";
  }
  return std::make_unique<PcMachine>(std::move(pc), log);
}

constexpr Board pc_board() {
  Board board = kX86Board;
  board.name = "pc";
  board.help = "PC with 440FX, PIIX3 and BIOS";
  board.versions = kVersions;
  board.versioned_name = "pc-i440fx";
  board.properties = kProperties;
  board.has_pci = [](const BoardChoice&) { return true; };
  board.network_card = "e1000";
  board.flash_bytes = pc_map::kMostFirmware;
  board.firmware_folders = kFirmwareFolders;
  board.firmware = "bios-256k.bin";
  board.firmware_package = "seabios";
  board.make = make<false>;
  board.starts_firmware = true;
  board.kernel_behind_firmware = starts_behind_bios;
  board.option_roms = true;
  board.video_bios = "vgabios-stdvga.bin";
  board.legacy_disks = true;
  board.parallel_port = true;
  board.flash_as_file = true;
  return board;
}

constexpr Board q35_board() {
  Board board = pc_board();
  board.name = "q35";
  board.help = "PC with Q35, ICH9 (AHCI) and BIOS";
  board.versioned_name = "pc-q35";
  board.versions = std::span(kVersions).subspan(kFirstOfQ35);
  board.network_card = "e1000e";
  board.make = make<true>;
  board.ide_buses = 6;
  board.ide_units = 1;
  return board;
}

}  // namespace

constexpr Board kPcBoard = pc_board();
constexpr Board kQ35Board = q35_board();

}  // namespace mynah
