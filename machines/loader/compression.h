// SPDX-License-Identifier: Apache-2.0
//
// Compressed files: by which first bytes they are known, and the ones that are uncompressed here (gzip,
// RFC 1952; xz and its older form lzma; zstd, RFC 8878). The contents are not trusted: what comes out is
// bounded, and so is the memory that a file can ask for.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "ir/result.h"

namespace mynah {

enum class Compression : uint8_t { kNone, kGzip, kXz, kLzma, kZstd, kBzip2, kLz4, kLzop };

Compression compression_of(std::span<const uint8_t> file);
std::string_view name_of(Compression compression);
bool can_uncompress(Compression compression);

// What is in the first stream of the file; bytes behind it are left. The error goes on from the file's name:
// "is compressed with bzip2; ..." where that is not known here, "is corrupt ...". `limit`: bytes.
Result<std::vector<uint8_t>> uncompress(std::span<const uint8_t> file, Compression compression,
                                        uint64_t limit);

}  // namespace mynah
