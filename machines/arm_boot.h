// SPDX-License-Identifier: Apache-2.0
//
// Loading an arm64 Linux Image and handing over as its boot protocol says (Documentation/arm64/booting).
// Input is untrusted: every header field is checked against the memory there is.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ir/result.h"

namespace mynah {

struct ArmBootLayout {
  uint64_t kernel = 0, entry = 0, initrd = 0, dtb = 0;  // physical addresses
};

// Where an image and what comes with it go.
Result<ArmBootLayout> place_arm_kernel(std::span<const uint8_t> image, uint64_t ram_base, uint64_t ram_bytes,
                                       uint64_t initrd_bytes);

// Uncompresses a kernel in place: gzip, or an EFI zboot image with a gzip-compressed kernel in it. Leaves
// anything else alone. At most limit bytes come out.
Result<void> gunzip_image(std::vector<uint8_t>& image, uint64_t limit);

// A device tree that the user gave, with bootargs and initrd range in it.
Result<std::vector<uint8_t>> patch_chosen(std::span<const uint8_t> dtb, const std::string& command_line,
                                          uint64_t initrd_start, uint64_t initrd_end);

}  // namespace mynah
