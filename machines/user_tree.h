// SPDX-License-Identifier: Apache-2.0
//
// A device tree that a person gave, completed as the machine's own would be: the memory there is, the command
// line, where the initrd lies, and the calls of the machine's firmware (PSCI).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ir/result.h"

namespace mynah {

struct TreeFacts {
  uint64_t ram_base = 0, ram_bytes = 0;
  std::string command_line;                   // empty: the tree's own stays
  uint64_t initrd_start = 0, initrd_end = 0;  // equal: there is none
  bool psci = true;                           // by HVC
};

// An error is a sentence.
Result<std::vector<uint8_t>> complete_tree(std::span<const uint8_t> dtb, const TreeFacts& facts);

}  // namespace mynah
