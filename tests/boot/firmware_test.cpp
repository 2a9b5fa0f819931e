// SPDX-License-Identifier: Apache-2.0
//
// Firmware that Debian packages for the board, run as a person runs it: U-Boot (u-boot-qemu) and UEFI
// (qemu-efi-aarch64), and the installer's kernel started by each from what fw_cfg holds.
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/app/program.h"
#include "tests/boot/images.h"
#include "tests/boot/uefi_shell.h"

namespace mynah {
namespace {

using namespace std::chrono_literals;
using app::test::Args;
using app::test::Program;

const std::string kUBoot = "/usr/lib/u-boot/qemu_arm64/u-boot.bin";
const std::string kUefi = "/usr/share/qemu-efi-aarch64/QEMU_EFI.fd";
const std::string kUefiVariables = "/usr/share/AAVMF/AAVMF_VARS.fd";

bool exist(std::initializer_list<std::string> files) {
  for (const std::string& file : files)
    if (!std::filesystem::exists(file)) return false;
  return true;
}

Args with(Args more) {
  Args args{"-M", "virt", "-cpu", "cortex-a57", "-m", "512", "-nographic", "-nic", "none"};
  args.insert(args.end(), more.begin(), more.end());
  return args;
}
Args with_kernel(Args more) {
  const Args kernel{"-kernel", boot::image_path("linux"), "-initrd", boot::image_path("initrd.gz"),
                    "-append", "console=ttyAMA0"};
  more.insert(more.end(), kernel.begin(), kernel.end());
  return with(more);
}

// Types a line and reads the answer, up to the next prompt.
std::string ask(Program& program, const std::string& line, const std::string& prompt) {
  program.output.clear();
  program.type(line + "\r");
  EXPECT_TRUE(program.wait_for("\n") && program.wait_for("\n" + prompt)) << line << program.output;
  return program.output;
}

TEST(UBoot, HasAPrompt) {
  if (!exist({kUBoot})) GTEST_SKIP() << "no U-Boot; install u-boot-qemu";
  Program program(with({"-bios", kUBoot}));
  ASSERT_TRUE(program.wait_for("stop autoboot")) << program.output << program.errors;
  program.type("x");
  ASSERT_TRUE(program.wait_for("=> ")) << program.output;
  EXPECT_NE(ask(program, "bdinfo", "=> ").find("size     = 0x0000000020000000"), std::string::npos)
      << program.output;
  // The device tree, where firmware looks for it.
  EXPECT_NE(ask(program, "md.l 0x40000000 1", "=> ").find("40000000: edfe0dd0"), std::string::npos)
      << program.output;
  // It keeps its settings in the second flash, which it takes for one of 16 bits.
  EXPECT_NE(ask(program, "saveenv", "=> ").find("Writing to Flash... done"), std::string::npos)
      << program.output;
  program.type("poweroff\r");
  EXPECT_EQ(program.finish(), 0);
}

TEST(UBoot, StartsAKernel) {
  if (!exist({kUBoot, boot::image_path("linux")}))
    GTEST_SKIP() << "no U-Boot or kernel; install u-boot-qemu and debian-installer-12-netboot-arm64";
  Program program(with_kernel({"-bios", kUBoot}));
  ASSERT_TRUE(program.wait_for("stop autoboot")) << program.output << program.errors;
  program.type("x");
  ASSERT_TRUE(program.wait_for("=> "));
  ask(program, "qfw load $kernel_addr_r $ramdisk_addr_r", "=> ");
  program.type("booti $kernel_addr_r $ramdisk_addr_r:$filesize $fdtcontroladdr\r");
  EXPECT_TRUE(program.wait_for("Freeing initrd memory", 60s)) << program.output;
}

TEST(Uefi, StartsAKernel) {
  if (!exist({kUefi, boot::image_path("linux")}))
    GTEST_SKIP() << "no UEFI or kernel; install qemu-efi-aarch64 and debian-installer-12-netboot-arm64";
  Program program(with_kernel({"-bios", kUefi}));
  EXPECT_TRUE(program.wait_for("Freeing initrd memory", 100s)) << program.output;
  EXPECT_NE(program.output.find("EFI v2"), std::string::npos) << program.output;
  // The system goes by ACPI: interrupts, the console, and PCI with its configuration space.
  for (const char* line :
       {"ACPI: Using GIC for interrupt routing", "ACPI: SPCR: console: pl011,mmio32,0x9000000",
        "ECAM at [mem 0x4010000000", "psci: PSCIv1.1 detected"})
    EXPECT_NE(program.output.find(line), std::string::npos) << line << program.output;
}

TEST(Uefi, PassesOnTheDeviceTreeWithoutAcpi) {
  if (!exist({kUefi, boot::image_path("linux")}))
    GTEST_SKIP() << "no UEFI or kernel; install qemu-efi-aarch64 and debian-installer-12-netboot-arm64";
  Program program(with_kernel({"-bios", kUefi, "-no-acpi"}));
  EXPECT_TRUE(program.wait_for("Freeing initrd memory", 100s)) << program.output;
  EXPECT_NE(program.output.find("Machine model: linux,dummy-virt"), std::string::npos) << program.output;
}

// Its variables live in the second flash, and stay when the machine is restarted.
TEST(Uefi, KeepsVariablesInFlash) {
  if (!exist({kUefi, kUefiVariables})) GTEST_SKIP() << "no UEFI; install qemu-efi-aarch64";
  const app::test::Folder folder;
  const std::string variables = folder / "variables";
  std::filesystem::copy_file(kUefiVariables, variables);
  app::test::expect_variables_are_kept(
      with({"-bios", kUefi, "-drive", "if=pflash,unit=1,format=raw,file=" + variables, "-no-reboot"}), 100s);
}

}  // namespace
}  // namespace mynah
