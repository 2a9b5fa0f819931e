// SPDX-License-Identifier: Apache-2.0
//
// The soft TLB: a set of contexts (a table of host pointers each, with its jump cache and return stack),
// found by everything that changes translation, and one second level behind them all that keeps translations
// by (page, address-space id) as a processor's own TLB does, so that a cold context refills without a page
// walk. Switching address space or privilege selects a context and flushes nothing.
//
// Invariants: a first-level entry is always covered by what the second level or the guest's tables said when
// it was made, and every invalidation that drops the latter drops the former. A write entry never names a
// page that holds translated code.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_set>
#include <vector>

#include "engine/guest_memory.h"
#include "frontend/guest.h"
#include "ir/runtime.h"

namespace mynah {

struct TranslationContext : ir::Context {
  uint16_t number = 0;  // in Tlb::contexts()
  ContextKey key;
  uint64_t last_used = 0;
  bool live = false;       // key is meaningful
  bool jump_used = false;  // something may be in the jump cache or the return stack
  // Pieces of tlb that something was put into since they were cleared: most contexts use few, and there is a
  // new one for each process.
  static constexpr unsigned kPieces = 32, kPieceEntries = ir::kTlbSize / kPieces;
  std::bitset<kPieces> tlb_used;

  TranslationContext();
  bool is_named() const { return epoch[0] && epoch[1]; }
  void note_tlb_entry(unsigned index) { tlb_used.set(index / kPieceEntries); }
  void clear_tlb();
  void clear_jumps();
};

// A name of a mapping of code in one half of the address space, see Tlb::refresh_epochs.
struct Epoch {
  struct Key {
    uint64_t space;
    Regime regime;
    uint64_t mode;
    uint32_t stops, asid, permission_class;
    bool operator==(const Key&) const = default;
  } key;
  uint32_t number;
  std::unordered_set<uint64_t> pages;  // virtual pages of code that ran under this name
};

struct TlbStats {
  uint64_t refills = 0;  // first-level misses
  uint64_t walks = 0;    // second-level misses
  uint64_t context_switches = 0;
  uint64_t epochs = 0;          // names of mappings of code that were given
  uint64_t context_misses = 0;  // no context for the key: one was recycled
  uint64_t invalidations = 0;
  uint64_t full_invalidations = 0;  // of them: everything
};

class Tlb {
 public:
  // stack_bytes: what translated code wants of each context (ir::Backend::stack_bytes).
  explicit Tlb(size_t stack_bytes = 0);
  ~Tlb();
  Tlb(const Tlb&) = delete;

  // The context for a key; recycles the least recently used one when there is none.
  TranslationContext* select(const ContextKey& key);

  // --- second level
  struct Entry {
    uint64_t page = ~uint64_t{0};  // virtual page number
    uint64_t pa = 0;               // page-aligned
    uint32_t asid = 0;
    uint32_t generation = 0;       // of everything; a lower one is invalid
    uint32_t asid_generation = 0;  // of the id, for entries that are not global
    Regime regime{};
    uint8_t permissions[kMaxClasses] = {};
    bool global = false, device = false, always_aligned = false, guarded = false;
  };
  const Entry* lookup(uint64_t va, const ContextKey& key) const;
  const Entry* insert(uint64_t va, const ContextKey& key, const Translation& translation);

  // --- invalidation; ranges in 4 KiB pages
  void invalidate_all();
  void invalidate_asid(uint32_t asid);
  void invalidate_pages(uint64_t va, uint64_t pages, bool any_asid, uint32_t asid);
  // First-level entries for a virtual page, so that its next access asks again.
  void drop_page(uint64_t va);
  // Removes every write entry for a host page (it is about to hold translated code); `flags` are the page's.
  void protect(uint64_t host_page, PageFlags& flags);
  // Host addresses changed meaning (flash switched mode): all but the second level.
  void clear_contexts();
  void clear_all_jumps();  // those of translated code that is gone

  // --- names of mappings of code (ir::Context::epoch), for direct links between pages and the jump caches.
  // Two contexts share one where the same tables are read under the same rules; it dies with the first
  // invalidation of a page that something leads to under it.
  void refresh_epochs(TranslationContext& context);
  void note_code_page(TranslationContext& context, uint64_t va);  // code there is about to run
  // What leads to code at va's page is forgotten: what is to run there has changed, though no mapping did.
  void forget_code_page(uint64_t va);
  // For tests of the numbers' end. Before anything runs.
  void start_epochs_at(uint32_t number) { next_epoch_ = number; }
  // Called with an epoch that has died, before anything runs again.
  std::function<void(uint32_t epoch)> on_epoch_death;

  std::vector<std::unique_ptr<TranslationContext>>& contexts() { return contexts_; }
  ir::SecondJumpEntry* second_jumps() { return second_jumps_.data(); }
  TlbStats stats;
  bool many_contexts = true;  // else two
  bool second_level = true;   // else every refill walks

 private:
  static constexpr unsigned kContexts = 32;
  static constexpr unsigned kWays = 4;
  static constexpr unsigned kSets = 4096;
  static unsigned set_of(uint64_t page) { return (page ^ page >> 10) & (kSets - 1); }

  void clear_jumps(TranslationContext& context);
  void kill_all_epochs();
  template <typename Which>
  void kill_epochs(unsigned half, Which which);
  static Epoch::Key epoch_key(const ContextKey& key, unsigned half);
  std::vector<std::unique_ptr<Epoch>> live_epochs_[2];
  Epoch* last_epoch_ = nullptr;  // what note_code_page saw last
  uint64_t last_page_ = 0;
  uint32_t next_epoch_ = 1;
  size_t noted_pages_ = 0;  // of all live epochs
  // A guest can run one page of code at ever new addresses. Some hundred processes with a thousand pages each
  // are below this; 40 bytes or so a page.
  static constexpr size_t kMostNotedPages = 1 << 18;

  std::vector<std::unique_ptr<TranslationContext>> contexts_;
  size_t stack_stride_;
  uint8_t* return_stacks_ = nullptr;
  std::vector<ir::SecondJumpEntry> second_jumps_;
  TranslationContext* current_ = nullptr;
  uint64_t clock_ = 0;
  std::vector<std::array<Entry, kWays>> sets_;
  uint32_t generation_ = 1;
  std::vector<uint32_t> asid_generations_;  // by the id's low 16 bits
  bool valid(const Entry& e) const {
    return e.generation == generation_ &&
           (e.global || e.asid_generation == asid_generations_[e.asid & 0xffff]);
  }
  unsigned victim_ = 0;
  // Mappings larger than a page that entries were made from, exactly: invalidating one address of such a
  // mapping ends all of it.
  struct LargeMappings {
    unsigned bits;  // log2 of their size
    std::unordered_set<uint64_t> numbers;
  };
  std::vector<LargeMappings> large_;  // a granule and a level each: few
  size_t large_count_ = 0;
  static constexpr size_t kMostLarge = 1 << 16;
  void note_large(uint64_t va, unsigned bits);
  void invalidate_range(uint64_t va, uint64_t pages);  // whatever its id
};

}  // namespace mynah
