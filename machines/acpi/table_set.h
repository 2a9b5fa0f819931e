// SPDX-License-Identifier: Apache-2.0
//
// A set of ACPI tables (ACPI 6.4, chapter 5) that point to each other: built before anybody knows where it
// will lie. Either the board places it in memory itself, or firmware does from files of fw_cfg, by the script
// that goes with them (QEMU's docs/specs: "bios-linker-loader").
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "machines/acpi/aml.h"

namespace mynah::acpi {

constexpr size_t kTableHeader = 36;  // bytes before a table's own contents

// Appends the low `n` bytes of value, little-endian; text, filled up with NUL.
void put(Bytes& to, uint64_t value, unsigned n);
void put(Bytes& to, std::string_view text, size_t n);
// A generic address structure of `bits` in system memory.
void put_memory_register(Bytes& to, uint64_t address, unsigned bits);

class TableSet {
 public:
  // As the files are called that firmware looks for.
  static constexpr std::string_view kTablesFile = "etc/acpi/tables", kRootFile = "etc/acpi/rsdp",
                                    kScriptFile = "etc/table-loader";
  struct Files {
    Bytes tables, root, script;
  };

  enum class Listed : uint8_t { kNo, kYes };  // in the XSDT
  // Adds a table and gives its number.
  size_t add(std::string_view signature, uint8_t revision, const Bytes& contents, Listed = Listed::kYes);
  // One without the header and sum of all others, on a boundary of 64 bytes: the FACS.
  size_t add_plain(const Bytes& bytes);
  // `size` (4 or 8) bytes at `offset`, counted from the header's first, hold the address of table `to`.
  void point(size_t from, size_t offset, unsigned size, size_t to);

  // All of it, to lie from `address` (a multiple of 16) on, the root pointer first.
  Bytes place(uint64_t address) const;
  Files files() const;

 private:
  struct Table {
    Bytes bytes;
    Listed listed;
    bool plain = false;
  };
  struct Pointer {
    size_t from, offset;
    unsigned size;
    size_t to;
  };
  struct Layout;
  Layout layout(uint64_t first) const;

  std::vector<Table> tables_;
  std::vector<Pointer> pointers_;
};

}  // namespace mynah::acpi
