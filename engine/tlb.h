// SPDX-License-Identifier: Apache-2.0
//
// Tlb: everything of a vCPU that a translation of addresses is kept in, and what its invalidations end: the
// contexts of the first level, the second level, the names of mappings of code and the ways that go by them.
//
// Invariant: an entry of the first level is always covered by what the second level or the guest's tables
// said when it was made, and every invalidation that drops the latter drops the former; a code name by what
// every page noted under it was.
#pragma once

#include <cstdint>

#include "engine/code_contexts.h"
#include "engine/code_names.h"
#include "engine/second_level_tlb.h"
#include "engine/tlb_contexts.h"

namespace mynah {

struct TlbStats {
  uint64_t refills = 0;  // first-level misses
  uint64_t walks = 0;    // second-level misses
  uint64_t invalidations = 0;
  uint64_t full_invalidations = 0;  // of them: everything
};

class Tlb {
 public:
  // tag_bits, address_space_ids: as GuestCpu has them; stack_bytes: as ir::Backend has it.
  Tlb(ir::Runtime& runtime, uint64_t tag_bits, uint32_t address_space_ids, size_t stack_bytes,
      CodeNames& names)
      : contexts_(tag_bits), second_(address_space_ids), code_(runtime, stack_bytes), names_(names) {
    names_.add(code_);
  }
  ~Tlb() { names_.remove(code_); }
  Tlb(const Tlb&) = delete;

  TlbContexts& contexts() { return contexts_; }
  CodeContexts& code() { return code_; }
  CodeNames& names() { return names_; }

  const TlbEntry* lookup(uint64_t va, const TranslationKey& key) const {
    return second_level ? second_.lookup(va, key) : nullptr;
  }
  const TlbEntry* insert(uint64_t va, const TranslationKey& key, const Translation& translation);

  // --- invalidation; ranges in 4 KiB pages
  void invalidate_all();
  void invalidate_asid(uint32_t asid);
  void invalidate_pages(uint64_t va, uint64_t pages, bool any_asid, uint32_t asid);
  // The same for another vCPU than the one that asked and has ended the names, which they share.
  void drop_all();
  void drop_asid(uint32_t asid);
  void drop_pages(uint64_t va, uint64_t pages, bool any_asid, uint32_t asid);
  // What the second level has of va's page; an entry may be dropped at any time.
  void forget_translation(uint64_t va) { second_.invalidate_page(va, true, 0); }
  // Host addresses changed meaning (flash switched mode): all but the second level.
  void host_mapping_changed();

  TlbStats stats;
  bool second_level = true;  // else every refill walks

 private:
  TlbContexts contexts_;
  SecondLevelTlb second_;
  CodeContexts code_;
  CodeNames& names_;  // all vCPUs'
};

}  // namespace mynah
