// SPDX-License-Identifier: Apache-2.0
//
// UEFI of PCs (Debian's package ovmf) as a person starts it, in flash and by -bios: its shell, variables that
// stay, a kernel from what fw_cfg holds, GRUB from a disk; the build that cannot run.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "tests/app/program.h"
#include "tests/boot/images.h"
#include "tests/boot/uefi_shell.h"

namespace mynah {
namespace {

using namespace std::chrono_literals;
using app::test::Args;
using app::test::Program;

const std::string kCode = "/usr/share/OVMF/OVMF_CODE_4M.fd", kVariables = "/usr/share/OVMF/OVMF_VARS_4M.fd";

struct PcUefi : testing::TestWithParam<const char*> {
  void SetUp() override {
    if (!std::filesystem::exists(kCode)) GTEST_SKIP() << "no UEFI for PCs; install the package ovmf";
    std::filesystem::copy_file(kVariables, variables);
  }
  Args with(Args more) const {
    Args args{"-M",        GetParam(),
              "-m",        "1024",
              "-nic",      "none",
              "-drive",    "if=pflash,format=raw,readonly=on,file=" + kCode,
              "-drive",    "if=pflash,format=raw,file=" + variables,
              "-nographic"};
    args.insert(args.end(), more.begin(), more.end());
    return args;
  }
  const app::test::Folder folder;
  const std::string variables = folder / "variables";
};
INSTANTIATE_TEST_SUITE_P(, PcUefi, testing::Values("pc", "q35"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(PcUefi, KeepsVariables) { app::test::expect_variables_are_kept(with({"-no-reboot"}), 2min); }

TEST_P(PcUefi, StartsAKernel) {
  const std::string kernel = boot::image_path("amd64", "linux");
  if (!std::filesystem::exists(kernel))
    GTEST_SKIP() << "no installer images; install debian-installer-12-netboot-amd64";
  Program program(with(
      {"-kernel", kernel, "-initrd", boot::image_path("amd64", "initrd.gz"), "-append", "console=ttyS0"}));
  ASSERT_TRUE(program.wait_for("Freeing initrd memory", 3min)) << program.output << program.errors;
  EXPECT_NE(program.output.find("efi: EFI v2"), std::string::npos) << program.output;
  // Where UEFI places power management on each.
  const std::string timer = GetParam() == std::string("pc") ? "0xb008" : "0x608";
  EXPECT_NE(program.output.find("ACPI: PM-Timer IO Port: " + timer), std::string::npos) << program.output;
  EXPECT_NE(program.output.find("DMI: Mynah Standard PC ("), std::string::npos) << program.output;
}

TEST_P(PcUefi, StartsGrubFromADisk) {
  const std::string grub = boot::image_path("amd64", "grubx64.efi"), disk = folder / "disk";
  const std::string make = "mformat -C -T 32768 -i " + disk + " :: && mmd -i " + disk +
                           " ::EFI ::EFI/BOOT && mcopy -i " + disk + " " + grub + " ::EFI/BOOT/BOOTX64.EFI";
  if (!std::filesystem::exists(grub) || std::system((make + " 2>/dev/null").c_str()) != 0)
    GTEST_SKIP() << "no GRUB or no mtools; install debian-installer-12-netboot-amd64 and mtools";
  Program program(with({"-drive", "format=raw,file=" + disk}));
  EXPECT_TRUE(program.wait_for("grub>", 2min)) << program.output << program.errors;
}

TEST_P(PcUefi, WithoutFlashAndWithManagementMode) {
  Program shell({"-M", GetParam(), "-m", "512", "-nographic", "-nic", "none", "-bios", "OVMF.fd"});
  EXPECT_TRUE(shell.wait_for("to skip", 2min)) << shell.output << shell.errors;
  for (const char* name : {"OVMF_CODE_4M.secboot.fd", "OVMF_CODE.secboot.fd"}) {
    Program refused({"-M", GetParam(), "-nographic", "-bios", name});
    EXPECT_EQ(refused.finish(), 1);
    EXPECT_NE(refused.errors.find("OVMF_CODE_4M.fd or OVMF_CODE.fd"), std::string::npos) << refused.errors;
  }
}

}  // namespace
}  // namespace mynah
