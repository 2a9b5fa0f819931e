// SPDX-License-Identifier: Apache-2.0
//
// qcow2 images with any bytes changed: opened, read and written to without a crash, and what is read lies in
// what the image has.
#include <algorithm>
#include <cstring>

#include "devices/host/image/qcow2_image.h"
#include "tests/devices/memory_store.h"
#include "tests/devices/tiny_qcow2.h"
#include "tests/fuzz/fuzz_input.h"

using namespace mynah;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input in(data, size);
  std::string image = dev::test::tiny_qcow2();
  for (unsigned n = in.u8() % 8; n; --n) {
    const size_t at = in.u8() & 1 ? in.u8() % 112u : in.u16() % image.size();
    image[at] = static_cast<char>(in.u8());
  }
  constexpr uint64_t kMost = 1 << 20;
  std::vector<uint8_t> bytes_of_image(image.begin(), image.end());
  auto store = std::make_unique<host::test::MemoryStore>(bytes_of_image, kMost);
  const auto header = host::read_qcow2_header(*store, "image", true);
  if (!header) return 0;
  auto disk = host::Qcow2Image::open(std::move(store), *header, nullptr, "image", {});
  if (!disk) return 0;
  std::vector<uint8_t> bytes(3000);
  for (unsigned steps = 0; steps < 64 && !in.empty(); ++steps) {
    const uint8_t what = in.u8();
    const uint64_t offset = in.u16() * uint64_t{what & 64 ? 512u : 3u};
    const auto part = std::span(bytes).first(in.u16() % bytes.size());
    switch (what % 5) {
      case 0:
        (void)(*disk)->read(offset, part);
        break;
      case 1:
        (void)(*disk)->write(offset, part);
        break;
      case 2:
        (void)(*disk)->write_zeroes(offset, part.size());
        break;
      case 3:
        (void)(*disk)->discard(offset, part.size());
        break;
      default:
        (void)(*disk)->flush();
    }
  }
  return 0;
}
