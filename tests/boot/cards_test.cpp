// SPDX-License-Identifier: Apache-2.0
//
// PCI cards under the drivers that systems have for them: the installer's kernel with a shell, and UEFI.
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/app/program.h"
#include "tests/boot/images.h"

namespace mynah {
namespace {

using namespace std::chrono_literals;
using app::test::Args;
using app::test::Folder;
using app::test::Program;

const std::string kUefi = "/usr/share/qemu-efi-aarch64/QEMU_EFI.fd";
const std::string kPrompt = "~ # ";

// The installer's initrd as a rescue system.
class Shell {
 public:
  explicit Shell(Args more) : program_(with(std::move(more))) {}
  bool started() {
    if (!program_.wait_for(kPrompt, 60s)) return false;
    run("mount -t proc proc /proc; mount -t sysfs sys /sys; depmod");
    return true;
  }
  // Types a line and reads up to the next prompt.
  std::string run(const std::string& line, std::chrono::milliseconds limit = 60s) {
    program_.output.clear();
    program_.type(line + "\r");
    EXPECT_TRUE(program_.wait_for("\n", limit) && program_.wait_for("\n" + kPrompt, limit))
        << line << program_.output;
    return program_.output;
  }
  std::string output() const { return program_.output + program_.errors; }

 private:
  static Args with(Args more) {
    Args args{"-m",
              "512",
              "-cpu",
              "cortex-a57",
              "-nographic",
              "-kernel",
              boot::image_path("linux"),
              "-initrd",
              boot::image_path("initrd.gz"),
              "-append",
              "console=ttyAMA0 rdinit=/bin/sh"};
    args.insert(args.begin(), more.begin(), more.end());
    return args;
  }
  Program program_;
};

bool has_installer() { return std::filesystem::exists(boot::image_path("linux")); }

// GICv3 with its translation service, as Linux says it, and messages of a card by it.
TEST(Gicv3ItsOfTheBoard, LinuxUsesIt) {
  if (!has_installer()) GTEST_SKIP() << "no installer images; install debian-installer-12-netboot-arm64";
  Shell on({"-M", "virt,gic-version=3", "-netdev", "user,id=n", "-device", "e1000e,netdev=n"});
  ASSERT_TRUE(on.started()) << on.output();
  const std::string said = on.run("dmesg | grep -E 'ITS|LPI'");
  EXPECT_NE(said.find("ITS [mem 0x08080000-0x0809ffff]"), std::string::npos) << said;
  EXPECT_NE(said.find("CPU0: using allocated LPI pending table"), std::string::npos) << said;
  const std::string lines =
      on.run("modprobe e1000e; ip link set eth0 up; sleep 1; grep eth0 /proc/interrupts");
  EXPECT_NE(lines.find("ITS-MSI"), std::string::npos) << lines;

  Shell off({"-M", "virt,gic-version=3,its=off", "-nic", "none"});
  ASSERT_TRUE(off.started()) << off.output();
  EXPECT_EQ(off.run("dmesg | grep 'ITS '").find("[mem"), std::string::npos);
}

struct Card {
  const char *name, *machine;
};
class NetworkCards : public testing::TestWithParam<Card> {};
INSTANTIATE_TEST_SUITE_P(, NetworkCards,
                         testing::Values(Card{"e1000", "virt"}, Card{"e1000", "virt,gic-version=3"},
                                         Card{"e1000e", "virt"}, Card{"e1000e", "virt,gic-version=3"}),
                         [](const auto& info) {
                           return std::string(info.param.name) +
                                  (std::string(info.param.machine) == "virt" ? "_gicv2" : "_gicv3");
                         });

// An address by DHCP and a file of megabytes through the card, whose bytes the guest can make itself.
TEST_P(NetworkCards, TakesAnAddressAndAFile) {
  if (!has_installer()) GTEST_SKIP() << "no installer images; install debian-installer-12-netboot-arm64";
  const Folder folder;
  std::string bytes;
  for (unsigned n = 1; n <= 100'000; ++n) bytes += std::to_string(n) + "\n";
  folder.write("file", bytes);
  Shell shell({"-M", GetParam().machine, "-netdev", "user,id=n,tftp=" + (folder / ""), "-device",
               std::string(GetParam().name) + ",netdev=n"});
  ASSERT_TRUE(shell.started()) << shell.output();
  shell.run(std::string("modprobe ") + GetParam().name + "; ip link set eth0 up");
  const std::string lease = shell.run("udhcpc -i eth0 -n -q -s /bin/true");
  EXPECT_NE(lease.find("10.0.2.15"), std::string::npos) << lease;
  shell.run("ip addr add 10.0.2.15/24 dev eth0; seq 1 100000 > /expected");
  const std::string got = shell.run("tftp -g -r file -l /got 10.0.2.2 && cmp /got /expected && echo equal");
  EXPECT_NE(got.find("\nequal"), std::string::npos) << got;
}

TEST(NvmeDisk, UefiFindsIt) {
  if (!std::filesystem::exists(kUefi)) GTEST_SKIP() << "no UEFI; install qemu-efi-aarch64";
  const Folder folder;
  const std::string disk = folder.write("disk", std::string(1 << 20, 0));
  Program program({"-M", "virt", "-cpu", "cortex-a57", "-m", "512", "-nographic", "-nic", "none", "-bios",
                   kUefi, "-drive", "if=none,id=d,format=raw,file=" + disk, "-device",
                   "nvme,drive=d,serial=abc"});
  EXPECT_TRUE(program.wait_for("UEFI Mynah NVMe Controller", 60s)) << program.output << program.errors;
}

}  // namespace
}  // namespace mynah
