// SPDX-License-Identifier: Apache-2.0
//
// The translation cache: host code by BlockKey. Code is found again whatever address space runs it; a store
// drops exactly the blocks whose instructions it changes. A dropped block's entry is patched to come back to
// the engine, so nothing needs to be unlinked; its translation is revived when the same bytes turn up at the
// same place again. The bytes themselves are compared: a guest can make any hash of them collide, and would
// run code of its own in another's place.
//
// Shared by all vCPUs of a machine that take turns on one thread. With threads: whoever holds the cache's
// lock may change anything here; others run installed code without it, and a patch is one they may run
// across. What they must not run any more is gone when the killer has seen each of them pass a safepoint, and
// memory of dropped code is used again only by flush(), with every vCPU at one.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "engine/block_index.h"
#include "engine/block_source.h"
#include "engine/code_pages.h"
#include "engine/translated_block.h"
#include "ir/backend.h"
#include "ir/result.h"

namespace mynah {

struct CodeCacheStats {
  uint64_t blocks_made = 0, guest_bytes = 0, host_bytes = 0, metadata_bytes = 0;
  uint64_t remade = 0;  // of blocks_made: there was one before, dropped since
  uint64_t killed_by_store = 0, killed_by_device = 0, revived = 0, flushes = 0;
};

class CodeCache {
 public:
  CodeCache(GuestMemory& memory, ir::Backend* backend, size_t code_bytes);
  ~CodeCache();
  CodeCache(const CodeCache&) = delete;

  Result<void> init();  // takes the code memory from the host

  // A live block with this start; one that goes on in the next page only where that is the source's.
  TranslatedBlock* find(const BlockKey& start, BlockSource& source);
  // Whether the cache can ever hold it.
  bool holds(const ir::CompiledCode& code) const { return code.size <= size_ / 4; }
  // Installs a region's code. Nullptr: the cache is full.
  TranslatedBlock* commit(const BlockKey& key, BlockSource& source, const ir::Region& region,
                          const ir::CompiledCode& code);
  // A dropped block with the same bytes as the source has now, back to life; or nullptr.
  TranslatedBlock* revive(const BlockKey& start, BlockSource& source);
  void flush();
  // A guard of several accesses has missed at an address that each access by itself might not, most of the
  // time since a page ends there; so many instructions had been executed. A block where that happens at one
  // place all the time is made again with a guard an access.
  void note_wide_miss(TranslatedBlock& block, uint64_t address, uint64_t executed);
  bool keeps_apart(const BlockKey& start) const {
    return !apart_.empty() && apart_.contains(hash_start(start));
  }

  // Links an exit of a block to another page's block; as long as condition.name lives.
  void link_page(TranslatedBlock& from, const ir::Site& site, const ir::Patch::PageCondition& condition,
                 const TranslatedBlock& to);
  void unlink_name(uint32_t name);

  // Drops the blocks with instructions in [pa, pa + n). True if there were any.
  bool invalidate(uint64_t pa, uint64_t n, bool by_device);
  // There are such; within one page.
  bool holds_code(uint64_t pa, uint64_t n) { return pages_.any(pa, n); }

  ir::CodeSpan span(const TranslatedBlock& block) const {
    return {write_ + block.code, execute_ + block.code, block.code_size};
  }
  const uint8_t* entry(const TranslatedBlock& block) const { return execute_ + block.code; }
  // Where C++ enters what it has just found, and nobody else.
  const uint8_t* checked_entry(const TranslatedBlock& block) const {
    return entry(block) + (block.crosses() ? backend_->check_bytes() : 0);
  }
  // Block whose code holds the host address.
  TranslatedBlock* at(uint64_t host_address);
  // The site of a block at a return address; its saved slots go to `saved`.
  ir::Site site(const TranslatedBlock& block, uint64_t host_address, std::vector<ir::SavedSlot>& saved) const;
  const ir::Thunks& thunks() const { return thunks_; }
  size_t code_used() const { return used_; }
  uint64_t looked_at() const { return pages_.looked_at; }  // blocks that invalidate() had to look at

  CodeCacheStats stats;

 private:
  void kill(TranslatedBlock& block);
  void forward_dead(const TranslatedBlock& live);
  // Versions of a key beyond those that are kept are forgotten. What still leads to them goes on through one
  // jump, the key's portal: chains of them, each leading to the next, would have no end.
  void forget_old_versions(TranslatedBlock& newest);
  ir::CodeSpan portal(const TranslatedBlock& b) const {
    return {write_ + b.portal, execute_ + b.portal, backend_->portal_bytes()};
  }
  // Room for n bytes of code; the caller has seen that it is there.
  ir::CodeSpan take(size_t n);
  std::span<const uint8_t> guest_bytes(const TranslatedBlock& block) const {
    return {sites_.data() + block.sites - block.guest_bytes, block.guest_bytes};
  }

  ir::Backend* backend_;
  size_t size_;
  uint8_t* write_ = nullptr;
  uint8_t* execute_ = nullptr;
  size_t used_ = 0, first_block_ = 0;
  ir::Thunks thunks_;
  BlockIndex index_;
  CodePages pages_;
  std::vector<std::unique_ptr<TranslatedBlock[]>> slabs_;
  size_t slab_used_ = 0;
  std::vector<TranslatedBlock*> by_code_;
  std::vector<uint32_t>
      chunk_first_;  // for each 512 bytes of code memory: the block that holds its first byte
  std::vector<uint8_t> sites_;
  // Of a block: how many at the page of this number, and how many instructions had been executed then.
  struct WideMisses {
    uint64_t page = 0, since = 0;
    unsigned count = 0;
  };
  std::unordered_map<const TranslatedBlock*, WideMisses> wide_misses_;
  std::unordered_set<uint64_t> apart_;  // hash_start() of blocks that note_wide_miss() gave up
  struct PageLink {
    TranslatedBlock* from;
    uint32_t site_offset;
  };
  std::unordered_map<uint32_t, std::vector<PageLink>> page_links_;  // by code name
};

}  // namespace mynah
