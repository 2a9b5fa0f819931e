// SPDX-License-Identifier: Apache-2.0
//
// Fields are big-endian: the magic number at 0, the contents' size at 12, the type in the byte at 30.
#include "machines/loader/uimage.h"

#include "machines/loader/bytes.h"

namespace mynah {

std::span<const uint8_t> ramdisk_contents(std::span<const uint8_t> file) {
  constexpr uint64_t kHeader = 64, kSize = 12, kType = 30;
  constexpr uint8_t kRamdisk = 3;
  if (file.size() < kHeader || !has_text(file, 0, "\x27\x05\x19\x56") || file[kType] != kRamdisk) return file;
  uint64_t size = 0;
  for (uint64_t i = 0; i < 4; ++i) size = size << 8 | file[kSize + i];
  return size <= file.size() - kHeader ? file.subspan(kHeader, size) : file;
}

}  // namespace mynah
