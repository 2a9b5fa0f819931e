// SPDX-License-Identifier: Apache-2.0
//
// TlbContexts: the first level of the soft TLB. A context is a table of host pointers that translated code
// looks at by itself; there are a few, found by everything that changes translation, so that switching
// address space or privilege selects one and flushes nothing. The least recently used one is recycled.
//
// Invariant: a write entry never names a page that holds translated code.
//
// Owned by one vCPU. Another one's invalidation, or its protect(), takes effect at this one's next safepoint.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/context_hint.h"
#include "engine/guest_memory.h"
#include "frontend/translation.h"
#include "ir/runtime.h"

namespace mynah {

struct TlbContext : ir::TlbTable {
  uint16_t number = 0;  // among those of all vCPUs
  TranslationKey key;
  uint64_t last_used = 0;
  // Pieces of the table that something was put into since they were cleared: most contexts use few, and there
  // is a new one for each process.
  static constexpr unsigned kPieces = ir::kTlbSize / 128, kPieceEntries = ir::kTlbSize / kPieces;
  std::bitset<kPieces> used;
  // Where an entry was made that is not global, since these were cleared; more than there is room for:
  // anywhere.
  static constexpr unsigned kMostOwn = 1024;
  std::array<uint16_t, kMostOwn> own;
  unsigned own_count = 0;

  TlbContext();
  void note_entry(unsigned index, bool global) {
    used.set(index / kPieceEntries);
    if (global || own_count > kMostOwn) return;
    if (own_count < kMostOwn) own[own_count] = static_cast<uint16_t>(index);
    ++own_count;
  }
  void clear();
  void clear_own();  // all that are not global
};

class TlbContexts {
 public:
  // tag_bits: of an address, that translation may ignore (GuestCpu::tag_bits()).
  explicit TlbContexts(uint64_t tag_bits) : tag_bits_(tag_bits) {}

  // Contexts of different vCPUs have different numbers. Before anything runs.
  void set_owner(unsigned vcpu) { first_number_ = vcpu * kContexts; }

  TlbContext* select(const TranslationKey& key);

  void clear();
  void clear_asid(uint32_t asid);  // but global entries
  // Entries for a virtual page, so that its next access asks again.
  void drop_page(uint64_t va);
  void drop_pages(uint64_t va, uint64_t pages);
  // Removes every write entry for a host page (it is about to hold translated code); `flags` are the page's.
  void protect(uint64_t host_page, const PageFlags& flags);

  bool many = true;  // else two contexts
  uint64_t switches = 0;
  uint64_t misses = 0;  // no context for the key: one was recycled

 private:
  static constexpr unsigned kContexts = 32;
  void drop(TlbContext& context, uint64_t page_address) const;

  const uint64_t tag_bits_;
  unsigned first_number_ = 0;
  std::vector<std::unique_ptr<TlbContext>> contexts_;  // made as they are wanted
  ContextHints<TlbContext> hints_;
  TlbContext* current_ = nullptr;
  uint64_t clock_ = 0;
};

}  // namespace mynah
