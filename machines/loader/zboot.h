// SPDX-License-Identifier: Apache-2.0
//
// Kernels as they come: compressed, or as EFI zboot images, which are small EFI programs with a compressed
// kernel in them (the kernel's drivers/firmware/efi/libstub/zboot-header.S).
#pragma once

#include <cstdint>
#include <vector>

#include "ir/result.h"

namespace mynah {

// Takes the kernel out of what it is packed in, in place; leaves anything else alone. At most `limit` bytes
// come out. The error is a sentence about "the kernel file".
Result<void> unpack_kernel(std::vector<uint8_t>& kernel, uint64_t limit);

}  // namespace mynah
