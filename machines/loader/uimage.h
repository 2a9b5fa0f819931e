// SPDX-License-Identifier: Apache-2.0
//
// RAM disks in U-Boot's legacy image format (its doc/usage/environment and include/image.h): 64 bytes of
// header in front of the contents, which the machine takes off as U-Boot would.
#pragma once

#include <cstdint>
#include <span>

namespace mynah {

// What the guest is to be given of an initrd: the contents of such an image, or the file as it is.
std::span<const uint8_t> ramdisk_contents(std::span<const uint8_t> file);

}  // namespace mynah
