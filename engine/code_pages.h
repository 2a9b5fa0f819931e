// SPDX-License-Identifier: Apache-2.0
//
// CodePages: which live blocks have instructions in which bytes of guest memory. A block is filed under every
// page it touches; a store looks at the few blocks whose start is near enough to reach its bytes. Keeps
// PageFlags::code_lines.
#pragma once

#include <array>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "engine/guest_memory.h"
#include "engine/translated_block.h"

namespace mynah {

class CodePages {
 public:
  explicit CodePages(GuestMemory& memory) : memory_(memory) {}

  void add(TranslatedBlock& block);
  void remove(TranslatedBlock& block);
  // Blocks with instructions in [pa, pa + n). Valid to the next call.
  const std::vector<TranslatedBlock*>& overlapping(uint64_t pa, uint64_t n);
  // Whether there are such. A range without is remembered: data beside code are stored to again and again.
  bool any(uint64_t pa, uint64_t n) {
    if (pa >= free_ && pa + n <= free_end_) return false;
    if (!overlapping(pa, n).empty()) return true;
    free_ = pa;
    free_end_ = pa + n;
    return false;
  }
  void clear();
  uint64_t looked_at = 0;  // blocks that overlapping() had to look at

 private:
  // The blocks that start in a page, by where; those that only end in it; and how many of both touch each
  // line of 64 bytes.
  struct Page {
    static constexpr unsigned kChainBytes = 256, kChains = kGuestPageSize / kChainBytes;
    std::array<TranslatedBlock*, kChains> chains{};
    TranslatedBlock* incoming = nullptr;
    std::array<uint16_t, 64> line_blocks{};
  };
  static TranslatedBlock*& chain_of(Page& page, const TranslatedBlock& block) {
    return page.chains[(block.key.pa & (kGuestPageSize - 1)) / Page::kChainBytes];
  }
  void count_lines(uint64_t page_address, uint32_t offset, uint32_t bytes, int change);
  void count_lines(const TranslatedBlock& block, int change);

  GuestMemory& memory_;
  std::unordered_map<uint64_t, Page> pages_;  // by physical page number
  uint32_t longest_ = 0;                      // guest bytes of any block
  std::vector<TranslatedBlock*> found_;
  uint64_t free_ = 0, free_end_ = 0;  // no block has instructions there
};

}  // namespace mynah
