// SPDX-License-Identifier: Apache-2.0
//
// Reading the files that a machine starts from, with a sentence for a person when that fails.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/result.h"

namespace mynah::app {

enum class EmptyFile : uint8_t { kRefused, kTaken };

// The whole file. `what` names it in messages ("kernel"), `option` is where to look. A file larger than
// `limit` bytes, or that has no end, is refused.
Result<std::vector<uint8_t>> read_file(const std::string& path, const std::string& what,
                                       const std::string& option, uint64_t limit,
                                       EmptyFile empty = EmptyFile::kRefused);
// The path of a firmware file: as it is, or in one of the folders, the usual ones last.
std::string find_firmware(const std::string& name, std::span<const std::string> folders,
                          std::span<const std::string_view> usual);
// Whether it is an image of a CD or DVD (ISO 9660).
bool is_cd_image(const std::string& path);
// Writes a whole file.
Result<void> write_file(const std::string& path, const std::string& what, std::span<const uint8_t> bytes);

// Random access memory and swap of this host, in bytes; 0 when it does not say.
uint64_t host_memory();

}  // namespace mynah::app
