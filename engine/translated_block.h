// SPDX-License-Identifier: Apache-2.0
//
// TranslatedBlock: one piece of translated code and what is known of it. Made and owned by the code cache.
#pragma once

#include <cstdint>

#include "engine/block_key.h"
#include "engine/guest_memory.h"
#include "ir/backend.h"

namespace mynah {

struct TranslatedBlock {
  // What finding one looks at comes first.
  BlockKey key;
  TranslatedBlock* next_in_bucket = nullptr;  // BlockIndex
  uint32_t code = 0;                          // offset in code memory
  uint32_t code_size = 0;
  uint32_t sites = 0;  // offset of the encoded sites; the guest's bytes stand in front of them
  uint16_t guest_insts = 0;
  uint16_t guest_bytes = 0;  // in both pages
  bool live = false;
  bool linkable = true;  // ir::Region::linkable
  bool apart = false;    // CodeCache::keeps_apart() when it was made
  uint32_t portal = 0;   // offset in code memory of the jump to the newest version of this key; 0: none yet
  uint32_t entry_name = 0;  // Patch::entry_name; 0: none yet
  ir::NameKind entry_name_kind{};
  uint64_t killed_entry = 0;                // Patch::revive() wants it, while !live
  TranslatedBlock* next_in_page = nullptr;  // CodePages, while live
  TranslatedBlock* next_in_second_page = nullptr;

  bool crosses() const { return key.second_page != kNoPage; }
  // Guest bytes in the first page.
  uint32_t first_bytes() const {
    const auto rest = static_cast<uint32_t>(kGuestPageSize - (key.pa & (kGuestPageSize - 1)));
    return guest_bytes < rest ? guest_bytes : rest;
  }
};

}  // namespace mynah
