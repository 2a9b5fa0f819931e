// SPDX-License-Identifier: Apache-2.0
//
// Files that a machine starts from: any bytes are placed inside of memory, or refused.
#include <atomic>
#include <cstring>
#include <string_view>

#include "app/initrd_check.h"
#include "machines/arm_boot.h"
#include "machines/loader/zboot.h"
#include "machines/user_tree.h"
#include "tests/fuzz/fuzz_input.h"

using namespace mynah;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input in(data, size);
  const uint8_t shape = in.u8();
  const uint64_t ram = (in.u16() + uint64_t{1}) << (in.u8() % 24);
  const uint64_t initrd = in.number(in.u8() % 9);
  std::vector<uint8_t> image;
  while (!in.empty()) image.push_back(in.u8());
  const auto put = [&](size_t at, std::string_view bytes) {
    if (image.size() < at + bytes.size()) image.resize(at + bytes.size());
    std::memcpy(&image[at], bytes.data(), bytes.size());
  };
  using namespace std::literals;
  if (shape & 1) put(56, "ARM\x64");
  if (shape & 2) put(0, "MZ");
  if (shape & 4 && image.size() > 0x40) {
    put(0x3c, "\x40\0\0\0"sv);
    put(0x40, "PE\0\0"sv);
  }
  switch (shape >> 4) {
    case 1:
      put(4, "zimg");
      break;
    case 2:
      put(0, "\x1f\x8b\x08\0"sv);
      break;
    case 3:
      put(0, "070701");
      break;
    case 4:
      put(0, "\xd0\x0d\xfe\xed\0\0"sv);
      break;
    case 5:
      put(0, "\x28\xb5\x2f\xfd"sv);
      break;
    case 6:
      put(0,
          "\xfd"
          "7zXZ\0"sv);
      break;
    case 7:
      put(0, "\x5d\0\0"sv);
      break;
  }

  constexpr uint64_t kBase = 0x40000000;
  std::vector<uint8_t> kernel = image;
  if (unpack_kernel(kernel, 1 << 20)) fuzz::require(kernel.size() <= std::max<size_t>(image.size(), 1 << 20));
  for (const auto& candidate : {image, kernel}) {
    const auto placed = place_arm_kernel(candidate, {kBase, kBase + ram}, initrd);
    if (!placed) continue;
    const ArmBootLayout& layout = *placed;
    const AddressSpan all = layout.kernel.extent();
    fuzz::require(layout.kernel.pieces().empty() || (all.begin >= kBase && all.end <= kBase + ram));
    if (!layout.linux_protocol) continue;
    fuzz::require(layout.initrd >= all.end && layout.initrd + initrd <= kBase + ram);
  }
  const TreeFacts facts{.ram_base = kBase,
                        .ram_bytes = ram,
                        .command_line = "console=ttyAMA0",
                        .initrd_start = 1,
                        .initrd_end = initrd};
  if (const auto tree = complete_tree(image, facts)) fuzz::require(!tree->empty());
  const std::atomic<bool> go_on{false};
  (void)app::check_initrd(image, "x", go_on);
  return 0;
}
