// SPDX-License-Identifier: Apache-2.0
//
// Programs as ELF files (System V ABI, chapters 4 and 5), as a loader without an operating system sees them:
// what of the file goes to which physical address, and where execution begins. Nothing is relocated; symbols
// and sections are not looked at.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "ir/result.h"

namespace mynah {

// What a machine takes.
struct ElfTarget {
  uint16_t machine;            // e_machine
  bool is_64;                  // the class; little-endian either way
  std::string_view processor;  // for sentences: "AArch64"
};

struct ElfSegment {
  unsigned number;                 // in the file's table
  uint64_t at;                     // physical address
  std::span<const uint8_t> bytes;  // of the file
  uint64_t size;                   // in memory: zeroes follow the bytes
  uint64_t headers;                // so many of the bytes are the file's own headers
};

struct ElfProgram {
  uint64_t entry = 0;                // physical
  std::vector<ElfSegment> segments;  // those that are not empty, in the file's order

  struct Notes {
    std::span<const uint8_t> bytes;  // of the file
    uint64_t alignment;              // of each one's parts: 4 or 8
  };
  std::vector<Notes> notes;  // segments of notes, as far as they lie inside of the file

  // The description of the first note of that owner and type.
  std::optional<std::span<const uint8_t>> note(std::string_view owner, uint32_t type) const;
};

bool is_elf(std::span<const uint8_t> file);

// The segments lie inside of the file and of the address space; they may overlap, and lie where there is no
// memory. A segment whose zeroes would lie over another has none: such files are laid out for a ROM, and
// clear that memory themselves. The error goes on from the file's name: "is an ELF file for x86-64, ...".
Result<ElfProgram> read_elf(std::span<const uint8_t> file, const ElfTarget& target);

}  // namespace mynah
