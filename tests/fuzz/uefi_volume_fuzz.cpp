// SPDX-License-Identifier: Apache-2.0
//
// Firmware of any bytes, with sections that say they are compressed.
#include "machines/loader/uefi_volume.h"

#include <algorithm>
#include <vector>

#include "tests/fuzz/fuzz_input.h"

using namespace mynah;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr uint8_t kSection[] = {0x98, 0x58, 0x4e, 0xee, 0x14, 0x39, 0x59, 0x42,
                                  0x9d, 0x6e, 0xdc, 0x7b, 0xd7, 0x94, 0x03, 0xcf};
  constexpr uint8_t kLzma[] = {0x5d, 0, 0, 0x10, 0};
  std::vector<uint8_t> image(data, data + size);
  if (size > 1) {
    for (size_t at = data[0]; at + sizeof kSection + 8 < size; at += 64 + data[1]) {
      std::copy(std::begin(kSection), std::end(kSection), &image[at]);
      image[at + sizeof kSection] = static_cast<uint8_t>(24 + (data[1] & 1));
      image[at + sizeof kSection + 1] = data[1] & 2 ? 0xff : 0;
      if (at + 32 < size) std::copy(std::begin(kLzma), std::end(kLzma), &image[at + 20]);
    }
  }
  (void)needs_management_mode(image);
  return 0;
}
