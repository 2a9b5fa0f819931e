// SPDX-License-Identifier: Apache-2.0
//
// The installer's kernel and UEFI find devices on PCI: on the root bus and behind a root port, with the
// windows above and below 4 GiB, by messages and by lines.
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/app/program.h"
#include "tests/boot/images.h"

namespace mynah {
namespace {

using namespace std::chrono_literals;
using app::test::Args;
using app::test::Program;

struct Way {
  const char* machine;
  const char* controller;  // as Linux prints it
};

struct Pci : testing::TestWithParam<Way> {};

TEST_P(Pci, LinuxHasItsCardAndTheOneBehindAPort) {
  if (!std::filesystem::exists(boot::image_path("linux")))
    GTEST_SKIP() << "no kernel; install debian-installer-12-netboot-arm64";
  Program program({"-M",
                   GetParam().machine,
                   "-cpu",
                   "cortex-a57",
                   "-m",
                   "512",
                   "-nographic",
                   "-kernel",
                   boot::image_path("linux"),
                   "-initrd",
                   boot::image_path("initrd.gz"),
                   "-append",
                   "console=ttyAMA0",
                   "-nic",
                   "user",
                   "-device",
                   "pcie-root-port,id=port,chassis=1",
                   "-netdev",
                   "user,id=n",
                   "-device",
                   "virtio-net-pci,bus=port,netdev=n"});
  ASSERT_TRUE(program.wait_for("enp0s1: renamed", 100s)) << program.output << program.errors;
  if (program.output.find("enp1s0: renamed") == std::string::npos) {
    EXPECT_TRUE(program.wait_for("enp1s0: renamed", 30s)) << program.output;
  }
  const std::string expected[] = {
      GetParam().controller,
      "pci 0000:00:01.0: [1af4:1000] type 00 class 0x020000",  // transitional
      "pci 0000:00:02.0: [1b36:000c] type 01 class 0x060400",
      "pci 0000:01:00.0: [1af4:1041] type 00 class 0x020000",  // modern
      "pci 0000:00:02.0: PCI bridge to [bus 01]",
  };
  for (const std::string& line : expected)
    EXPECT_NE(program.output.find(line), std::string::npos) << line << "\n" << program.output;
  program.signal(SIGTERM);
  EXPECT_EQ(program.finish(), 0) << program.errors;
}

INSTANTIATE_TEST_SUITE_P(Ways, Pci,
                         testing::Values(Way{"virt", "GICv2m: range[mem 0x08020000-0x08020fff], SPI[80:143]"},
                                         Way{"virt,gic-version=3,highmem=off",
                                             "ECAM at [mem 0x3f000000-0x3fffffff] for [bus 00-0f]"}),
                         [](const auto& info) { return info.index == 0 ? "Messages" : "Low"; });

TEST(Uefi, FindsADiskOnPci) {
  const std::string uefi = "/usr/share/qemu-efi-aarch64/QEMU_EFI.fd";
  if (!std::filesystem::exists(uefi)) GTEST_SKIP() << "no UEFI; install qemu-efi-aarch64";
  const app::test::Folder folder;
  const std::string disk = folder.write("disk", std::string(1 << 20, '\0'));
  Program program({"-M", "virt", "-cpu", "cortex-a57", "-m", "512", "-nographic", "-nic", "none", "-bios",
                   uefi, "-drive", "if=virtio,format=raw,file=" + disk});
  ASSERT_TRUE(program.wait_for("to skip", 100s)) << program.output << program.errors;
  program.type("\x1b");
  ASSERT_TRUE(program.wait_for("Shell> ")) << program.output;
  program.type("map -b\r");
  EXPECT_TRUE(program.wait_for("PciRoot(0x0)/Pci(0x1,0x0)")) << program.output;
  program.type("reset -s\r");
  EXPECT_EQ(program.finish(), 0);
}

}  // namespace
}  // namespace mynah
