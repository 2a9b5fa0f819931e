// SPDX-License-Identifier: Apache-2.0
//
// A PC as a person starts it: Debian's SeaBIOS (package seabios) to its own words, to GRUB on a CD, a disk
// and a floppy (package grub-rescue-pc); Debian's installers for amd64 and i386, started directly.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>

#include "tests/app/program.h"
#include "tests/boot/images.h"

namespace mynah {
namespace {

using namespace std::chrono_literals;
using app::test::Args;
using app::test::Program;

constexpr const char* kFirmware = "/usr/share/seabios/bios-256k.bin";
const std::string kRescue = "/usr/lib/grub-rescue/grub-rescue-";

struct Pc : testing::Test {
  void SetUp() override {
    if (!std::filesystem::exists(kFirmware)) GTEST_SKIP() << "no SeaBIOS; install the package seabios";
  }
  static Args with(Args more, const char* board = "pc") {
    Args args{"-M", board, "-m", "256", "-nographic", "-nic", "none"};
    args.insert(args.end(), more.begin(), more.end());
    return args;
  }
};

TEST_F(Pc, FirmwareFindsNothingToBoot) {
  Program program(with({}));
  ASSERT_TRUE(program.wait_for("No bootable device.", 3min)) << program.output << program.errors;
  EXPECT_NE(program.output.find("SeaBIOS (version "), std::string::npos);
  EXPECT_NE(program.output.find("Booting from Hard Disk..."), std::string::npos);
  program.signal(SIGTERM);
  EXPECT_EQ(program.finish(), 0) << program.errors;
}

// SeaBIOS puts the cursor anywhere between two characters.
std::string plain(const std::string& output) {
  std::string text;
  for (size_t at = 0; at < output.size(); ++at) {
    if (output[at] == '\x1b')
      at = std::min(output.find_first_of("ABCDHJKlhm", at), output.size());
    else
      text += output[at];
  }
  return text;
}

struct Media {
  const char* name;
  const char* board;
  const char* option;
  const char* file;
  const char* said;
};
struct Rescue : Pc, testing::WithParamInterface<Media> {};
INSTANTIATE_TEST_SUITE_P(
    , Rescue,
    testing::Values(Media{"Cd", "pc", "-cdrom", "cdrom.iso", "Booting from DVD/CD..."},
                    Media{"Disk", "pc", "-hda", "cdrom.iso", "Booting from Hard Disk..."},
                    Media{"Floppy", "pc", "-fda", "floppy.img", "Booting from Floppy..."},
                    Media{"Q35Cd", "q35", "-cdrom", "cdrom.iso", "Booting from DVD/CD..."},
                    Media{"Q35Disk", "q35", "-hda", "cdrom.iso", "Booting from Hard Disk..."}),
    [](const auto& info) { return std::string(info.param.name); });

// From the second of a controller's ports, with another disk first.
TEST_F(Pc, StartsFromAhciByBootIndex) {
  const std::string file = kRescue + "cdrom.iso";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "no GRUB; install the package grub-rescue-pc";
  for (const std::string device : {"ide-hd", "ide-cd"}) {
    Program program(with({"-snapshot", "-device", "ich9-ahci,id=ahci", "-drive",
                          "file=" + file + ",format=raw,if=none,id=d", "-device",
                          device + ",drive=d,bus=ahci.1,bootindex=0", "-device", "ide-cd"}));
    ASSERT_TRUE(program.wait_for("\x1b[23;", 3min)) << program.output << program.errors;
    EXPECT_NE(plain(program.output).find("GNU GRUB"), std::string::npos) << program.output;
    program.signal(SIGTERM);
    EXPECT_EQ(program.finish(), 0) << program.errors;
  }
}

TEST_F(Pc, StartsFromScsi) {
  const std::string file = kRescue + "cdrom.iso";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "no GRUB; install the package grub-rescue-pc";
  for (const std::string device : {"scsi-hd", "scsi-cd"}) {
    Program program(with({"-snapshot", "-device", "virtio-scsi-pci,id=s", "-drive",
                          "file=" + file + ",format=raw,if=none,id=d", "-device",
                          device + ",drive=d,bus=s.0,scsi-id=3,bootindex=0"}));
    ASSERT_TRUE(program.wait_for("\x1b[23;", 3min)) << program.output << program.errors;
    EXPECT_NE(plain(program.output).find("GNU GRUB"), std::string::npos) << program.output;
    program.signal(SIGTERM);
    EXPECT_EQ(program.finish(), 0) << program.errors;
  }
}

TEST_P(Rescue, Starts) {
  const std::string file = kRescue + GetParam().file;
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "no GRUB; install the package grub-rescue-pc";
  Program program(with({"-snapshot", GetParam().option, file}, GetParam().board));
  ASSERT_TRUE(program.wait_for(GetParam().said, 3min)) << program.output << program.errors;
  // The line below the menu, which counts down.
  ASSERT_TRUE(program.wait_for("\x1b[23;", 3min)) << program.output << program.errors;
  EXPECT_NE(plain(program.output).find("GNU GRUB"), std::string::npos) << program.output;
  program.signal(SIGTERM);
  EXPECT_EQ(program.finish(), 0) << program.errors;
}

struct PcInstaller : testing::TestWithParam<std::tuple<const char*, const char*>> {};
INSTANTIATE_TEST_SUITE_P(, PcInstaller,
                         testing::Combine(testing::Values("amd64", "i386"), testing::Values("pc", "q35")),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param)) + "_" + std::get<1>(info.param);
                         });

TEST_P(PcInstaller, AsksForALanguage) {
  const auto& [arch, board] = GetParam();
  const std::string kernel = boot::image_path(arch, "linux");
  if (!std::filesystem::exists(kernel))
    GTEST_SKIP() << "no installer images; install debian-installer-12-netboot-" << arch;
  Program program({"-M", board, "-m", "1024", "-nographic", "-kernel", kernel, "-initrd",
                   boot::image_path(arch, "initrd.gz"), "-append", "console=ttyS0"});
  ASSERT_TRUE(program.wait_for("Select a language", 6min)) << program.output << program.errors;
  EXPECT_EQ(program.output.find("Kernel panic"), std::string::npos);
  program.signal(SIGTERM);
  EXPECT_EQ(program.finish(), 0) << program.errors;
}

// By an option ROM, which leaves the kernel's real-mode code to ask the BIOS.
TEST_F(Pc, FirmwareStartsAKernel) {
  const std::string kernel = boot::image_path("amd64", "linux");
  if (!std::filesystem::exists(kernel))
    GTEST_SKIP() << "no installer images; install debian-installer-12-netboot-amd64";
  for (const char* board : {"pc", "q35"}) {
    Program program(
        with({"-bios", kFirmware, "-kernel", kernel, "-append", "console=ttyS0 rdinit=/absent"}, board));
    ASSERT_TRUE(program.wait_for("VFS: Unable to mount root fs", 3min)) << program.output << program.errors;
    EXPECT_NE(program.output.find("Console: colour VGA+ 80x25"), std::string::npos) << program.output;
    EXPECT_NE(program.output.find("DMI: Mynah Standard PC ("), std::string::npos) << program.output;
    program.signal(SIGTERM);
    EXPECT_EQ(program.finish(), 0) << program.errors;
  }
}

}  // namespace
}  // namespace mynah
