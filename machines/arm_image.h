// SPDX-License-Identifier: Apache-2.0
//
// What a kernel file for a 64-bit Arm board is: an arm64 Linux Image (Documentation/arm64/booting.rst), an
// ELF program, a raw binary, or something that belongs elsewhere.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "ir/result.h"

namespace mynah {

struct Arm64Image {
  uint64_t text_offset = 0;  // from a multiple of 2 MiB
  uint64_t size = 0;         // in memory, the file's at least
};

// The header of an Image; nothing where the file has none. An error where the file is cut short or corrupt,
// as a sentence.
Result<std::optional<Arm64Image>> read_arm64_image(std::span<const uint8_t> file);

// What a file is that is for another machine or another option, as the end of a sentence about it; empty
// where nothing is known against it.
std::string foreign_kernel(std::span<const uint8_t> file);

}  // namespace mynah
