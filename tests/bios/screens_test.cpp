// SPDX-License-Identifier: Apache-2.0
//
// Pictures of modes that the VGA BIOS makes, with a pattern that a guest writes: text, four planes, 256
// colors, VBE. Each is what it was (a sum of all pixels), and where QEMU is installed what QEMU draws.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "tests/bios/bios_machine.h"

namespace mynah::test {
namespace {

struct Mode {
  const char* name;
  unsigned width, height;
  uint64_t sum;
};

// FNV-1a.
uint64_t sum_of(const dev::Screen::Picture& picture) {
  uint64_t h = 0xcbf29ce484222325;
  for (const uint32_t pixel : picture.pixels) h = (h ^ pixel) * 0x100000001b3;
  return h;
}

// QEMU's picture in PPM; empty where that is not installed.
std::vector<uint8_t> qemus_picture(const std::string& guest_file) {
  constexpr const char* kQemu = "/usr/bin/qemu-system-x86_64";
  if (!std::filesystem::exists(kQemu)) return {};
  char folder[] = "/tmp/mynah-screens-XXXXXX";
  if (!::mkdtemp(folder)) return {};
  const std::string picture = std::string(folder) + "/picture.ppm";
  std::filesystem::copy(guest_file, std::string(folder) + "/guest");
  std::filesystem::resize_file(std::string(folder) + "/guest", BiosMachine::kFloppyBytes);
  const std::string line =
      "(sleep 3; echo screendump " + picture + "; sleep 1; echo quit) | " + kQemu +
      " -display none -monitor stdio -nodefaults -vga std -accel tcg -m 32 -boot a -drive "
      "if=floppy,format=raw,file=" +
      folder + "/guest >/dev/null 2>&1";
  const int status = std::system(line.c_str());
  const auto made = status == 0 ? contents(picture) : std::vector<uint8_t>{};
  std::filesystem::remove_all(folder);
  return made;
}

struct Screens : BiosTest, testing::WithParamInterface<Mode> {};
INSTANTIATE_TEST_SUITE_P(, Screens,
                         testing::Values(Mode{"0x3", 720, 400, 4445719108116866465u},
                                         Mode{"0x12", 640, 480, 16259886272983900453u},
                                         Mode{"0x13", 320, 200, 15884245719295750044u},
                                         Mode{"0x101", 640, 480, 4399531683157564294u},
                                         Mode{"0x111", 640, 480, 4802830151713022757u}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_P(Screens, AreDrawn) {
  const Mode& mode = GetParam();
  BiosMachine pc(std::string("screen_") + mode.name, Medium::kFloppy);
  ASSERT_TRUE(pc.run_until([&] { return pc.word(0x7000) == 0x600d; })) << pc.screen();
  const auto picture = pc.machine->screen()->picture();
  ASSERT_EQ(picture.width, mode.width);
  ASSERT_EQ(picture.height, mode.height);
  EXPECT_EQ(pc.machine->screen()->size().width, mode.width);
  EXPECT_EQ(sum_of(picture), mode.sum);

  const auto other = qemus_picture(std::string(MYNAH_GUESTS) + "/screen_" + mode.name + ".bin");
  if (other.empty()) return;
  // Doubled lines and dots are one here. A color's lowest bits are made otherwise there.
  unsigned width = 0, height = 0;
  int begin = 0;
  const std::string head(other.begin(), other.begin() + std::min<ptrdiff_t>(32, std::ssize(other)));
  ASSERT_EQ(std::sscanf(head.c_str(), "P6\n%u %u\n255\n%n", &width, &height, &begin), 2) << head;
  ASSERT_EQ(width % mode.width, 0u);
  ASSERT_EQ(height % mode.height, 0u);
  ASSERT_EQ(other.size(), static_cast<size_t>(begin) + 3 * width * height);
  constexpr int kNear = 7;
  constexpr unsigned kTextWidth = 720;
  unsigned different = 0;
  for (unsigned y = 0; y < mode.height; ++y)
    for (unsigned x = 0; x < mode.width; ++x) {
      if (mode.width == kTextWidth && x % 9 == 8) continue;  // of more characters there than IBM says
      const size_t at = static_cast<size_t>(begin) +
                        3 * (size_t{y} * (height / mode.height) * width + x * (width / mode.width));
      for (unsigned part = 0; part < 3; ++part) {
        const int ours = picture.pixels[size_t{y} * mode.width + x] >> (16 - 8 * part) & 0xff;
        different += std::abs(ours - other[at + part]) > kNear;
      }
    }
  EXPECT_EQ(different, 0u) << "of " << 3 * mode.width * mode.height;
}

}  // namespace
}  // namespace mynah::test
