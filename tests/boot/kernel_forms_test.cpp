// SPDX-License-Identifier: Apache-2.0
//
// The Debian installer's kernel in every packing: compressed, and as EFI zboot image, as distributions ship
// them. Skipped where the package is not installed.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "tests/app/program.h"
#include "tests/boot/images.h"
#include "tests/machines/packing.h"

namespace mynah {
namespace {

class KernelForms : public testing::TestWithParam<packing::Packer> {};
INSTANTIATE_TEST_SUITE_P(, KernelForms, testing::ValuesIn(packing::kPackers),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_P(KernelForms, LinuxStarts) {
  std::ifstream file(boot::image_path("linux"), std::ios::binary);
  const std::vector<uint8_t> image{std::istreambuf_iterator<char>(file), {}};
  if (image.empty())
    GTEST_SKIP() << "no kernel; install debian-installer-12-netboot-arm64 or set MYNAH_BOOT_IMAGES";
  const app::test::Folder folder;
  const packing::Bytes packed = GetParam().pack(image);
  for (const auto& kernel : {packed, packing::zboot(packed, GetParam().in_zboot)}) {
    app::test::Program program({"-M", "virt", "-m", "512", "-nographic", "-nic", "none", "-kernel",
                                folder.write("kernel", kernel), "-append",
                                "console=ttyAMA0 earlycon panic=-1", "-no-reboot"});
    EXPECT_TRUE(program.wait_for("Linux version 6.1", std::chrono::seconds(60))) << program.errors;
    program.signal(SIGTERM);
    program.finish();
  }
}

}  // namespace
}  // namespace mynah
