// SPDX-License-Identifier: Apache-2.0
//
// What people ask for with -device loader: a file in memory, ELF or as it is; a few bytes there; a
// processor's first instruction. As QEMU's device of that name (its docs/system/generic-loader.rst).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/guest_memory.h"
#include "ir/result.h"
#include "machines/loader/load_list.h"

namespace mynah {

struct LoadRequest {
  std::string file;                   // its name; empty: there is none
  std::vector<uint8_t> bytes;         // the file's, or without one up to 8 to be put into memory
  bool raw = false;                   // the file is taken as it is, whatever it looks like
  uint64_t address = 0;               // physical; an ELF file's own count
  std::optional<unsigned> processor;  // begins at the address, or with a file at its entry
};

class LoadRequests {
 public:
  struct Start {
    unsigned processor;
    uint64_t pc;
  };

  // Adds the files' pieces to `list`. The requests outlive this and the list. `processors`: how many there
  // are.
  Result<void> place(std::span<const LoadRequest> requests, const ElfTarget& target, unsigned processors,
                     const AddressSpan& memory, LoadList& list);
  // The bytes without a file. What the list writes afterwards lies over them.
  void write(GuestMemory& memory) const;
  std::span<const Start> starts() const { return starts_; }

 private:
  Result<uint64_t> place_file(const LoadRequest& request, const ElfTarget& target, const AddressSpan& memory,
                              LoadList& list);
  std::vector<const LoadRequest*> data_;
  std::vector<Start> starts_;
};

}  // namespace mynah
