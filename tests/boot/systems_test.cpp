// SPDX-License-Identifier: Apache-2.0
//
// Systems that are no Linux, as Debian packages them, from -kernel, -cdrom and -bios to their own words on
// the serial line: Xen with Linux as its first domain, GNU Mach, Memtest86+, U-Boot. `scripts/boot-systems`
// goes on from here.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "tests/app/program.h"
#include "tests/boot/images.h"

namespace mynah {
namespace {

using namespace std::chrono_literals;
using app::test::Args;
using app::test::Folder;
using app::test::Program;

const std::string kUBoot = "/usr/lib/u-boot/";

struct Systems : testing::TestWithParam<const char*> {
  static Args with(Args more, const char* memory = "512") {
    Args args{"-M", GetParam(), "-m", memory, "-nographic", "-nic", "none"};
    args.insert(args.end(), more.begin(), more.end());
    return args;
  }
  // A kernel that lies packed in /boot; empty: it is not installed.
  std::string unpacked(const std::string& name) const {
    const std::string file = folder / "kernel";
    if (std::system(("gzip -dc /boot/" + name + " > " + file + " 2>/dev/null").c_str()) != 0) return {};
    return file;
  }
  const Folder folder;
};
INSTANTIATE_TEST_SUITE_P(, Systems, testing::Values("pc", "q35"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(Systems, XenStartsItsFirstDomain) {
  const std::string xen = unpacked("xen-4.17-amd64.gz"), kernel = boot::image_path("amd64", "linux");
  if (xen.empty() || !std::filesystem::exists(kernel))
    GTEST_SKIP()
        << "no Xen or no installer; install xen-hypervisor-4.17-amd64 and debian-installer-12-netboot-amd64";
  Program program(with({"-kernel", xen, "-append", "console=com1 com1=115200,8n1", "-initrd",
                        kernel + " console=hvc0," + boot::image_path("amd64", "initrd.gz")},
                       "1024"));
  ASSERT_TRUE(program.wait_for("(XEN)  VGA is text mode 80x25", 2min))  // the BIOS says so
      << program.output << program.errors;
  ASSERT_TRUE(program.wait_for("Hypervisor detected: Xen PV", 3min)) << program.output;
  ASSERT_TRUE(program.wait_for("Run /init as init process", 3min)) << program.output;
}

TEST_P(Systems, GnuMachLooksForItsServers) {
  const std::string mach = unpacked("gnumach-1.8-486.gz");
  if (mach.empty()) GTEST_SKIP() << "no GNU Mach; install gnumach-image-1.8-486";
  Program program(with({"-kernel", mach, "-append", "console=com0"}));
  ASSERT_TRUE(program.wait_for("GNU Mach 1.8", 2min)) << program.output << program.errors;
  ASSERT_TRUE(program.wait_for("No bootstrap code loaded with the kernel", 2min)) << program.output;
}

TEST_P(Systems, MemtestFindsNoErrors) {
  const std::string memtest = "/boot/memtest86+x64.bin";
  if (!std::filesystem::exists(memtest)) GTEST_SKIP() << "no Memtest86+; install memtest86+";
  Program program(with({"-kernel", memtest, "-append", "console=ttyS0,115200"}, "64"));
  // Behind the tests that compute, the last one of a pass waits for minutes.
  ASSERT_TRUE(program.wait_for("Bit fade test", 5min)) << program.output << program.errors;
  EXPECT_NE(program.output.find("Errors: 0 "), std::string::npos);
  EXPECT_EQ(program.output.find("Errors: 1"), std::string::npos) << program.output;
}

TEST_P(Systems, UBootHasItsPrompt) {
  const std::string rom = kUBoot + "qemu-x86_64/u-boot.rom";
  if (!std::filesystem::exists(rom)) GTEST_SKIP() << "no U-Boot for x86; install u-boot-qemu";
  Program program(with({"-bios", rom}));
  ASSERT_TRUE(program.wait_for("Hit any key to stop autoboot", 2min)) << program.output << program.errors;
  program.type("\r");
  ASSERT_TRUE(program.wait_for("=> ", 1min)) << program.output;
  program.type("echo at ${baudrate} bits\r");
  EXPECT_TRUE(program.wait_for("at 115200 bits", 1min)) << program.output;
}

}  // namespace
}  // namespace mynah
