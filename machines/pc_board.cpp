// SPDX-License-Identifier: Apache-2.0
//
// From what a person chose to the board `pc`.
#include "machines/pc_board.h"

#include "machines/loader/zboot.h"
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
    {"kernel-irqchip", "on|off|split", "accepted, for kvm"},
};

constexpr std::string_view kVersions[] = {
    "i440fx-2.0", "i440fx-2.1", "i440fx-2.2", "i440fx-2.3",  "i440fx-2.4",  "i440fx-2.5",  "i440fx-2.6",
    "i440fx-2.7", "i440fx-2.8", "i440fx-2.9", "i440fx-2.10", "i440fx-2.11", "i440fx-2.12", "i440fx-3.0",
    "i440fx-3.1", "i440fx-4.0", "i440fx-4.1", "i440fx-4.2",  "i440fx-5.0",  "i440fx-5.1",  "i440fx-5.2",
    "i440fx-6.0", "i440fx-6.1", "i440fx-6.2", "i440fx-7.0",  "i440fx-7.1",  "i440fx-7.2",  "i440fx-8.0",
    "i440fx-8.1", "i440fx-8.2", "i440fx-9.0", "i440fx-9.1",  "i440fx-9.2",  "i440fx-10.0"};

constexpr std::string_view kFirmwareFolders[] = {"/usr/share/seabios", "/usr/share/qemu", "/usr/share/ovmf",
                                                 "/usr/share/OVMF"};

std::unique_ptr<Machine> make(const BoardChoice& choice, MachineConfig config, dev::Log& log) {
  PcConfig pc;
  static_cast<MachineConfig&>(pc) = std::move(config);
  pc.cpu = *x86::parse_cpu(choice.cpu);
  for (const auto& [name, value] : choice.properties) {
    if (name == "acpi") pc.acpi = value != "off";
    if (name == "hpet") pc.hpet = value != "off";
  }
  return std::make_unique<PcMachine>(std::move(pc), log);
}

}  // namespace

constexpr Board kPcBoard = {
    .name = "pc",
    .help = "PC with 440FX, PIIX3 and BIOS",
    .versions = kVersions,
    .guest = "x86",
    .default_cpu = "max",
    .properties = kProperties,
    .device_properties = {},
    .has_pci = [](const BoardChoice&) { return true; },
    .serial_lines = 2,
    .flash_bytes = pc_map::kMostFirmware,
    .firmware_folders = kFirmwareFolders,
    .firmware = "bios-256k.bin",
    .firmware_package = "seabios",
    .console = "ttyS0",
    .cpu_properties = kX86CpuProperties,
    .cpu_names = x86::cpu_model_names,
    .cpu_left_out = x86::cpu_left_out,
    .check_cpu = check_x86_cpu,
    .most_processors = most_x86_processors,
    .more_processors = more_x86_processors,
    .unpack_kernel = unpack_kernel,
    .check_kernel = check_x86_kernel,
    .make = make,
    .starts_firmware = true,
    .video_bios = "vgabios-stdvga.bin",
    .legacy_disks = true,
    .parallel_port = true,
    .flash_as_file = true,
};

}  // namespace mynah
