// SPDX-License-Identifier: Apache-2.0
//
// LoadList: what lies in a machine's memory when it starts (kernel, initrd, device tree, files of loaders).
// It is checked once, and written at every reset. Each piece has a name for sentences: "the initrd".
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/guest_memory.h"
#include "ir/result.h"
#include "machines/loader/elf.h"

namespace mynah {

struct AddressSpan {
  uint64_t begin = 0, end = 0;  // end is beyond the last
  uint64_t size() const { return end - begin; }
};

struct LoadPiece {
  std::string name;
  uint64_t at = 0;                 // physical address
  std::span<const uint8_t> bytes;  // outlive the list
  uint64_t size = 0;               // zeroes follow the bytes up to it
};

class LoadList {
 public:
  // Nothing is added of no size.
  void add(std::string name, uint64_t at, std::span<const uint8_t> bytes);
  void add(LoadPiece piece);
  // The segments, named "segment N of <of>". Of what lies below `memory`, the file's headers, which a linker
  // puts in front of a program's first section, and zeroes are left out.
  void add(const ElfProgram& program, std::string_view of, const AddressSpan& memory);

  // Whether all lies in `memory`, and nothing on something else.
  Result<void> check(const AddressSpan& memory) const;
  // The same where memory has holes: each piece lies in one of the parts, which are sorted.
  Result<void> check(std::span<const AddressSpan> memory) const;
  // Before write(), and where it succeeded.
  void write(GuestMemory& memory) const;

  // The highest place for `size` bytes that begins at a multiple of `alignment` (a power of two), ends at or
  // below `limit`, and where nothing of it lies; nothing where there is none.
  std::optional<uint64_t> highest_place(std::span<const AddressSpan> memory, uint64_t size,
                                        uint64_t alignment, uint64_t limit) const;
  // The largest part of `memory` where nothing of it lies; the lowest of several.
  AddressSpan largest_gap(const AddressSpan& memory) const;
  // From the lowest to the highest address of all; both zero where there is none.
  AddressSpan extent() const;
  std::span<const LoadPiece> pieces() const { return pieces_; }

 private:
  std::vector<const LoadPiece*> sorted() const;
  std::vector<LoadPiece> pieces_;
};

}  // namespace mynah
