// SPDX-License-Identifier: Apache-2.0
//
// The translation cache: host code by (physical address, block key). Code is found again whatever address
// space runs it; a store drops exactly the blocks whose instructions it changes. A dropped block's entry is
// patched to come back to the engine, so nothing needs to be unlinked; its translation is revived when the
// same bytes turn up at the same place again. The bytes themselves are compared: a guest can make any hash of
// them collide, and would run code of its own in another's place.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/guest_memory.h"
#include "frontend/guest.h"
#include "ir/backend.h"

namespace mynah {

struct TranslatedBlock {
  uint64_t pa = 0;    // of the first instruction
  uint64_t mode = 0;  // block key and flavour
  uint32_t code = 0;  // offset in code memory
  uint32_t code_size = 0;
  uint32_t sites = 0;  // offset of the encoded sites; the guest's bytes stand in front of them
  uint16_t guest_insts = 0;
  uint16_t guest_bytes = 0;
  bool live = false;
  uint32_t portal = 0;  // offset in code memory of the jump to the newest version of this key; 0: none yet
  uint64_t killed_entry = 0;  // Patch::revive() wants it, while !live
  TranslatedBlock* next_in_bucket = nullptr;
  TranslatedBlock* next_in_page = nullptr;  // while live: see CodePage
};

// Flavours of a block, in its key. Narrow: guards are not merged, for where a merged one missed (mostly since
// it reached into the next page). Slow: every access goes through C++, for what a plain pointer cannot serve.
constexpr uint64_t kNarrowFlavour = uint64_t{1} << 62;
constexpr uint64_t kSlowFlavour = uint64_t{1} << 63;
// The number of the page's stop set (StopPoints::number), 16 bits.
constexpr unsigned kStopsShift = kModeBits;
static_assert(kStopsShift + 16 <= 62);

// The live blocks of a guest page, by where they start, so that a store looks at the few that could reach its
// bytes; and how many of them touch each line of 64 bytes.
struct CodePage {
  static constexpr unsigned kChainBytes = 256, kChains = kGuestPageSize / kChainBytes;
  std::array<TranslatedBlock*, kChains> chains{};
  std::array<uint16_t, 64> line_blocks{};
  uint32_t blocks = 0;
};

struct CodeCacheStats {
  uint64_t blocks_made = 0, guest_bytes = 0, host_bytes = 0, metadata_bytes = 0;
  uint64_t remade = 0;  // of blocks_made: there was one before, dropped since
  uint64_t killed_by_store = 0, killed_by_device = 0, revived = 0, flushes = 0;
  uint64_t looked_at = 0;  // blocks that invalidate() had to look at
};

class CodeCache {
 public:
  CodeCache(GuestMemory& memory, ir::Backend* backend, size_t code_bytes);
  ~CodeCache();
  CodeCache(const CodeCache&) = delete;

  std::string init();  // empty, or why the host gives no code memory

  TranslatedBlock* find(uint64_t pa, uint64_t mode);
  // Whether the cache can ever hold it.
  bool holds(const ir::CompiledCode& code) const { return code.size <= size_ / 4; }
  // Installs a region's code. `bytes`: of the guest, that the region was made from. Nullptr: the cache is
  // full.
  TranslatedBlock* commit(uint64_t pa, uint64_t mode, std::span<const uint8_t> bytes,
                          const ir::Region& region, const ir::CompiledCode& code);
  // A dropped block with the same bytes as memory has now, back to life; or nullptr.
  TranslatedBlock* revive(uint64_t pa, uint64_t mode, std::span<const uint8_t> page_rest);
  void flush();

  // Drops the blocks with instructions in [pa, pa + n). True if there were any.
  bool invalidate(uint64_t pa, uint64_t n, bool by_device);
  // There are such; within one page.
  bool holds_code(uint64_t pa, uint64_t n);

  ir::CodeSpan span(const TranslatedBlock& block) const {
    return {write_ + block.code, execute_ + block.code, block.code_size};
  }
  const uint8_t* entry(const TranslatedBlock& block) const { return execute_ + block.code; }
  // Block whose code holds the host address.
  TranslatedBlock* at(uint64_t host_address);
  // The site of a block at a return address; its saved slots go to `saved`.
  ir::Site site(const TranslatedBlock& block, uint64_t host_address, std::vector<ir::SavedSlot>& saved) const;
  const ir::Thunks& thunks() const { return thunks_; }
  size_t code_used() const { return used_; }

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
  void add_to_page(TranslatedBlock& block);
  // Calls drop(block) for each block of a page with instructions in [pa, pa + n); true removes it from the
  // page.
  template <typename Drop>
  void for_each_overlap(CodePage& blocks, uint64_t page, uint64_t pa, uint64_t n, Drop drop);
  std::span<const uint8_t> guest_bytes(const TranslatedBlock& block) const {
    return {sites_.data() + block.sites - block.guest_bytes, block.guest_bytes};
  }

  static size_t bucket(uint64_t pa, uint64_t mode) {
    return ((pa >> 2) * 0x9e3779b97f4a7c15 ^ mode * 0xd6e8feb86659fd93) >> 48;
  }

  GuestMemory& memory_;
  ir::Backend* backend_;
  size_t size_;
  uint8_t* write_ = nullptr;
  uint8_t* execute_ = nullptr;
  size_t used_ = 0, first_block_ = 0;
  ir::Thunks thunks_;
  std::vector<TranslatedBlock*> buckets_;
  std::vector<std::unique_ptr<TranslatedBlock[]>> slabs_;
  size_t slab_used_ = 0;
  std::vector<TranslatedBlock*> by_code_;
  std::vector<uint32_t>
      chunk_first_;  // for each 512 bytes of code memory: the block that holds its first byte
  std::vector<uint8_t> sites_;
  std::unordered_map<uint64_t, CodePage> pages_;  // by physical page number
  uint32_t longest_ = 0;                          // guest bytes of any block
};

}  // namespace mynah
