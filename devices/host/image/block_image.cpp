// SPDX-License-Identifier: Apache-2.0
//
// Reads in pieces of blocks; sentences.
#include "devices/host/image/block_image.h"

#include <algorithm>

#include "devices/host/image/image_file.h"

namespace mynah::host {

bool BlockImage::read(uint64_t offset, std::span<uint8_t> to) {
  if (!in_range(offset, to.size(), size_)) return false;
  while (!to.empty()) {
    const uint64_t within = offset % block_size_;
    const auto n = static_cast<size_t>(std::min<uint64_t>(to.size(), block_size_ - within));
    if (!read_block(offset / block_size_, within, to.first(n))) return false;
    to = to.subspan(n);
    offset += n;
  }
  return true;
}

Error damaged_image(std::string_view format, const std::string& name, std::string_view what) {
  return error("the {} image '{}' cannot be used: {}; make another one with qemu-img convert -O qcow2",
               format, name, what);
}

bool lies_in(const ByteStore& store, uint64_t offset, uint64_t n) {
  return in_range(offset, n, store.size());
}

}  // namespace mynah::host
