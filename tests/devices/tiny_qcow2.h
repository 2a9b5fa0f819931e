// SPDX-License-Identifier: Apache-2.0
//
// A qcow2 image in few bytes, for tests that want one where qemu-img is not: version 3, clusters of 512
// bytes, a disk of 64 KiB whose first cluster is filled with 0x5a.
#pragma once

#include <cstdint>
#include <string>

namespace mynah::dev::test {

inline std::string tiny_qcow2() {
  constexpr size_t kCluster = 512;
  std::string image(6 * kCluster, '\0');
  const auto put = [&](size_t at, uint64_t value, unsigned n) {
    for (unsigned i = 0; i < n; ++i) image[at + i] = static_cast<char>(value >> 8 * (n - 1 - i));
  };
  put(0, 0x514649fb, 4);
  put(4, 3, 4);
  put(20, 9, 4);         // cluster bits
  put(24, 64 << 10, 8);  // of the disk
  put(36, 2, 4);         // first table: entries and place
  put(40, 3 * kCluster, 8);
  put(48, kCluster, 8);  // counts: a table of one cluster
  put(56, 1, 4);
  put(96, 4, 4);  // of 16 bits
  put(100, 104, 4);
  put(kCluster, 2 * kCluster, 8);
  for (unsigned i = 0; i < 6; ++i) put(2 * kCluster + 2 * i, 1, 2);
  constexpr uint64_t kOwn = uint64_t{1} << 63;
  put(3 * kCluster, kOwn | 4 * kCluster, 8);
  put(4 * kCluster, kOwn | 5 * kCluster, 8);
  image.replace(5 * kCluster, kCluster, kCluster, '\x5a');
  return image;
}

}  // namespace mynah::dev::test
