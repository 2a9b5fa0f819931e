// SPDX-License-Identifier: Apache-2.0
//
// Files that hold a disk in another form: other emulators' image formats, compressed files and archives. They
// are known by their first bytes. Nothing here reads them; a person is told the command that makes a plain
// file of one.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace mynah::host {

constexpr size_t kForeignHead = 512;  // bytes from the start of a file that say what it is

struct ForeignFormat {
  enum class Kind : uint8_t { kImage, kCompressed, kArchive };
  std::string_view name;  // "qcow2", "xz"
  Kind kind;
  // Writes the plain contents of the file after it to standard output; of kImage, the file after that.
  std::string_view command;
};

// Null when the bytes look like nothing known, as a plain disk's do.
const ForeignFormat* foreign_format(std::span<const uint8_t> head);

// An image format by its name, or null.
const ForeignFormat* foreign_format_named(std::string_view name);

// "is compressed with xz", "is a qcow2 image".
std::string describe(const ForeignFormat& format);
// The command that makes a plain file of `path`: "xz -dc disk.raw.xz > disk.raw". The name that it writes to
// is free now, in a folder that may be written to where possible; it ends with `suffix` where `path` says
// nothing better.
std::string plain_file_command(const ForeignFormat& format, const std::string& path,
                               const std::string& suffix = ".raw");

}  // namespace mynah::host
