// SPDX-License-Identifier: Apache-2.0
//
// Loading an arm64 Linux Image and handing over as its boot protocol says (Documentation/arm64/booting).
// Input is untrusted: every header field is checked against the memory there is.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace mynah {

struct ArmBootLayout {
  uint64_t kernel = 0, entry = 0, initrd = 0, dtb = 0;  // physical addresses
};

// Empty, or a sentence that says what is wrong with the image or the memory size.
std::string place_arm_kernel(std::span<const uint8_t> image, uint64_t ram_base, uint64_t ram_bytes,
                             uint64_t initrd_bytes, ArmBootLayout& layout);

// Uncompresses a kernel in place: gzip, or an EFI zboot image with a gzip-compressed kernel in it. Leaves
// anything else alone. At most limit bytes come out.
std::string gunzip_image(std::vector<uint8_t>& image, uint64_t limit);

// Puts bootargs and initrd range into a device tree that the user gave.
std::string patch_chosen(std::vector<uint8_t>& dtb, const std::string& command_line, uint64_t initrd_start,
                         uint64_t initrd_end);

}  // namespace mynah
