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
    {"gic-version", "2|3|max", "generation of the interrupt controller, 2 by default"},
    {"highmem", "on|off", "devices and memory above 4 GiB"},
    {"highmem-ecam", "on|off", "PCI configuration space there"},
    {"highmem-mmio", "on|off", "PCI memory there"},
    {"secure", "off", "security extensions"},
    {"virtualization", "off", "hypervisor extensions"},
    {"mte", "off", "memory tagging"},
    {"its", "on|off", "interrupt translation service of GICv3, on by default"},
    {"acpi", "off", "ACPI tables"},
    {"usb", "off", "USB controller"},
    {"graphics", "off", "graphics card"},
};

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
  return gic_version(choice) == 2
             ? dev::kGicv2MaxCpus
             : static_cast<unsigned>(virt_map::kGicRedistributorSpace / dev::Gicv3::kRedistributorSize);
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
    if (name == "its") virt.its = value == "on";
    if (name == "highmem") high = value == "on";
    if (name == "highmem-ecam") virt.high_pci_config = value == "on";
    if (name == "highmem-mmio") virt.high_pci_memory = value == "on";
  }
  virt.high_pci_config &= high;
  virt.high_pci_memory &= high;
  return std::make_unique<VirtMachine>(std::move(virt), log);
}

}  // namespace

constexpr Board kVirtBoard = {
    .name = "virt",
    .help = "board of virtio devices, as Arm systems know it",
    .guest = "AArch64",
    .default_cpu = "max",
    .properties = kProperties,
    .flash_bytes = virt_map::kFlashSize,
    .firmware_folders = kFirmwareFolders,
    .firmware = "QEMU_EFI.fd",
    .firmware_package = "qemu-efi-aarch64",
    .console = "ttyAMA0",
    .cpu_properties = "aarch64, pauth and pauth-impdef (max only), pmu, sve, sme, lpa2",
    .cpu_names = arm::cpu_model_names,
    .check_cpu = check_cpu,
    .most_processors = most_processors,
    .more_processors = more_processors,
    .unpack_kernel = unpack_kernel,
    .check_kernel = check_kernel,
    .make = make,
};

}  // namespace mynah
