// SPDX-License-Identifier: Apache-2.0
//
// Tlb: what each invalidation ends.
#include "engine/tlb.h"

namespace mynah {

namespace {
constexpr uint64_t kMostPages = 512;  // of a range; larger ones end everything
}  // namespace

const TlbEntry* Tlb::insert(uint64_t va, const TranslationKey& key, const Translation& translation) {
  if (second_.is_full_for(va, translation.page_bits)) invalidate_all();
  return second_.insert(va, key, translation);
}

void Tlb::invalidate_all() {
  names_.kill_all();  // and what code contexts lead to
  drop_all();
}

void Tlb::invalidate_asid(uint32_t asid) {
  names_.invalidate_asid(asid);
  drop_asid(asid);
}

void Tlb::invalidate_pages(uint64_t va, uint64_t pages, bool any_asid, uint32_t asid) {
  if (pages > kMostPages) return invalidate_all();
  drop_pages(va, pages, any_asid, asid);
  names_.invalidate_pages(va, pages, any_asid, asid);
}

void Tlb::drop_all() {
  ++stats.invalidations;
  ++stats.full_invalidations;
  second_.invalidate_all();
  contexts_.clear();
}

void Tlb::drop_asid(uint32_t asid) {
  if (!second_.invalidate_asid(asid)) return invalidate_all();
  ++stats.invalidations;
  contexts_.clear_asid(asid);
}

void Tlb::drop_pages(uint64_t va, uint64_t pages, bool any_asid, uint32_t asid) {
  if (pages > kMostPages) return drop_all();
  ++stats.invalidations;
  second_.take_large(va, pages, [&](uint64_t first, uint64_t count) {
    second_.invalidate_range(first, count);
    contexts_.drop_pages(first, count);
    names_.invalidate_pages(first, count, true, 0);
  });
  for (uint64_t i = 0; i < pages; ++i) {
    const uint64_t at = va + i * ir::kPageSize;
    second_.invalidate_page(at, any_asid, asid);
    // The first level does not know which of its entries are global: the page goes from all contexts.
    contexts_.drop_page(at);
  }
}

void Tlb::host_mapping_changed() {
  contexts_.clear();
  code_.clear_jumps();
}

}  // namespace mynah
