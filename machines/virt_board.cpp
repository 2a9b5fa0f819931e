// SPDX-License-Identifier: Apache-2.0
//
// From what a person chose to the board `virt`.
#include "machines/virt_board.h"

#include <fmt/core.h>

#include "machines/arm_boot.h"
#include "machines/loader/zboot.h"
#include "machines/virt.h"

namespace mynah {

namespace {

constexpr BoardProperty kProperties[] = {
    {"gic-version", "2|3|max|host", "generation of the interrupt controller, 2 by default", "4"},
    {"highmem", "on|off", "devices and memory above 4 GiB"},
    {"highmem-ecam", "on|off", "PCI configuration space there"},
    {"highmem-mmio", "on|off", "PCI memory there"},
    {"highmem-mmio-size", "", "accepted"},
    {"highmem-redists", "on|off", "more interrupt redistributors there"},
    {"compact-highmem", "on|off", "these without gaps"},
    {"dtb-randomness", "on|off", "random seeds in the device tree"},
    {"dtb-kaslr-seed", "on|off", "the older name of that"},
    {"secure", "off", "security extensions"},
    {"virtualization", "off", "hypervisor extensions"},
    {"mte", "off", "memory tagging"},
    {"ras", "off", "errors reported to the guest"},
    {"its", "on|off", "interrupt translation service of GICv3, on by default"},
    {"iommu", "none", "IOMMU", "smmuv3"},
    {"default-bus-bypass-iommu", "on|off", "accepted: there is no IOMMU"},
    {"acpi", "auto|on|off", "ACPI tables for firmware, on by default"},
    {"oem-id", "", "accepted: for ACPI tables"},
    {"oem-table-id", "", "the same"},
    {"x-oem-id", "", "the same"},
    {"x-oem-table-id", "", "the same"},
};

constexpr BoardProperty kDeviceProperties[] = {
    {"virtio-mmio.force-legacy", "on|off", "registers of version 1, on by default"},
    {"cfi.pflash01.secure", "off", "flash that only secure firmware writes"},
};

// What those differ in is not kept apart: each is the board as it is.
constexpr std::string_view kVersions[] = {
    "2.6", "2.7", "2.8", "2.9", "2.10", "2.11", "2.12", "3.0", "3.1", "4.0", "4.1", "4.2", "5.0", "5.1",
    "5.2", "6.0", "6.1", "6.2", "7.0",  "7.1",  "7.2",  "8.0", "8.1", "8.2", "9.0", "9.1", "9.2", "10.0"};

constexpr std::string_view kFirmwareFolders[] = {"/usr/share/qemu-efi-aarch64", "/usr/share/AAVMF",
                                                 "/usr/share/qemu", "/usr/share/edk2/aarch64",
                                                 "/usr/lib/u-boot/qemu_arm64"};

WrongChoice check_cpu(std::string_view specification) {
  arm::CpuModelResult made = arm::make_cpu_model(specification);
  return {std::move(made.error), std::move(made.unknown), std::move(made.known)};
}

Result<std::string> check_kernel(std::span<const uint8_t> kernel, uint64_t ram_bytes, bool with_initrd) {
  const auto layout = place_arm_kernel(kernel, {virt_map::kRam, virt_map::kRam + ram_bytes}, 0);
  if (!layout) return layout.error();
  if (layout->linux_protocol || !with_initrd) return std::string();
  return std::string(
      "the kernel is an ELF program, which gets no initrd; give -kernel an arm64 Image, or the file to "
      "-device "
      "loader,file=FILE,addr=ADDRESS,force-raw=on");
}

unsigned gic_version(const BoardChoice& choice) {
  unsigned version = 2;
  for (const auto& [name, value] : choice.properties)
    if (name == "gic-version") version = value == "2" ? 2 : 3;
  return version;
}

unsigned most_processors(const BoardChoice& choice) {
  if (gic_version(choice) == 2) return dev::kGicv2MaxCpus;
  bool high = true;
  for (const auto& [name, value] : choice.properties)
    if (name == "highmem" || name == "highmem-redists") high &= value == "on";
  return high ? dev::kGicv3MaxCpus : virt_map::kLowRedistributors;
}

std::string more_processors(const BoardChoice& choice) {
  if (gic_version(choice) == 3) return "; use a smaller number";
  return fmt::format(" with this interrupt controller; use a smaller number, or -M virt,gic-version=3 for {}",
                     most_processors({.cpu = {}, .properties = {{"gic-version", "3"}}}));
}

std::unique_ptr<Machine> make(const BoardChoice& choice, MachineConfig config, dev::Log& log) {
  VirtConfig virt;
  static_cast<MachineConfig&>(virt) = std::move(config);
  virt.cpu = *arm::make_cpu_model(choice.cpu).model;
  virt.gic_version = gic_version(choice);
  bool high = true;
  for (const auto& [name, value] : choice.properties) {
    if (name == "its")
      virt.its = value == "on";
    else if (name == "acpi")
      virt.acpi = value != "off";
    else if (name == "highmem")
      high = value == "on";
    else if (name == "highmem-ecam")
      virt.high_pci_config = value == "on";
    else if (name == "highmem-mmio")
      virt.high_pci_memory = value == "on";
    else if ((name == "dtb-randomness" || name == "dtb-kaslr-seed") && value == "off")
      virt.rng_seed.clear();
    else if (name == "virtio-mmio.force-legacy")
      virt.legacy_virtio = value == "on";
  }
  virt.high_pci_config &= high;
  virt.high_pci_memory &= high;
  return std::make_unique<VirtMachine>(std::move(virt), log);
}

}  // namespace

constexpr Board kVirtBoard = {
    .name = "virt",
    .help = "board of virtio devices, as Arm systems know it",
    .versions = kVersions,
    .guest = "AArch64",
    .default_cpu = "max",
    .properties = kProperties,
    .device_properties = kDeviceProperties,
    .has_pci = [](const BoardChoice&) { return true; },
    .network_card = "virtio-net",
    .serial_lines = 2,
    .flash_bytes = virt_map::kFlashSize,
    .firmware_folders = kFirmwareFolders,
    .firmware = "QEMU_EFI.fd",
    .firmware_package = "qemu-efi-aarch64",
    .console = "ttyAMA0",
    .cpu_properties =
        "pmu; pauth and pauth-impdef (where there is pointer authentication); accepted as they are here: "
        "aarch64=on, "
        "neon=on, vfp=on, and off: sve, sme, lpa2, has_el2, has_el3, x-rme, mte",
    .cpu_names = arm::cpu_model_names,
    .cpu_left_out = arm::cpu_model_left_out,
    .check_cpu = check_cpu,
    .most_processors = most_processors,
    .more_processors = more_processors,
    .unpack_kernel = unpack_kernel,
    .check_kernel = check_kernel,
    .kernel_modules = [](std::span<const uint8_t>,
                         std::string_view) { return std::vector<std::pair<std::string, std::string>>(); },
    .make = make,
};

}  // namespace mynah
