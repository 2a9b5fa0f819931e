// SPDX-License-Identifier: Apache-2.0
//
// SecondLevelTlb: four ways a set; generations make the two common invalidations cheap.
#include "engine/second_level_tlb.h"

#include <algorithm>

namespace mynah {

const TlbEntry* SecondLevelTlb::lookup(uint64_t va, const TranslationKey& key) const {
  const uint64_t page = va >> 12;
  for (const TlbEntry& e : sets_[set_of(page)])
    if (e.page == page && e.regime == key.regime && (e.translation.global || e.asid == key.asid) && valid(e))
      return &e;
  return nullptr;
}

const TlbEntry* SecondLevelTlb::insert(uint64_t va, const TranslationKey& key, const Translation& t) {
  const uint64_t page = va >> 12;
  auto& set = sets_[set_of(page)];
  TlbEntry* to = nullptr;
  for (TlbEntry& e : set) {
    if (e.page == page && e.regime == key.regime &&
        (e.translation.global || t.global || e.asid == key.asid)) {
      to = &e;
      break;
    }
    if (!to && (e.page == ~uint64_t{0} || !valid(e))) to = &e;
  }
  if (!to) to = &set[victim_++ % kWays];
  *to = {page, t, key.asid, generation_, asid_generations_[key.asid], key.regime};
  to->translation.pa &= ~uint64_t{0xfff};
  if (t.page_bits > 12) note_large(va, t.page_bits);
  return to;
}

bool SecondLevelTlb::is_full_for(uint64_t va, unsigned page_bits) const {
  if (page_bits <= 12 || large_count_ < kMostLarge) return false;
  const auto at = std::ranges::find(large_, page_bits, &LargeMappings::bits);
  return at == large_.end() || !at->numbers.contains(va >> page_bits);
}

void SecondLevelTlb::note_large(uint64_t va, unsigned bits) {
  auto at = std::ranges::find(large_, bits, &LargeMappings::bits);
  if (at == large_.end()) at = large_.insert(at, {bits, {}});
  if (at->numbers.insert(va >> bits).second) ++large_count_;
}

void SecondLevelTlb::invalidate_all() {
  if (++generation_ == 0) {
    for (auto& set : sets_)
      for (TlbEntry& e : set) e = {};
    generation_ = 1;
  }
  large_.clear();
  large_count_ = 0;
}

bool SecondLevelTlb::invalidate_asid(uint32_t asid) { return ++asid_generations_[asid] != 0; }

void SecondLevelTlb::invalidate_page(uint64_t va, bool any_asid, uint32_t asid) {
  const uint64_t page = va >> 12;
  for (TlbEntry& e : sets_[set_of(page)])
    if (e.page == page && (any_asid || e.translation.global || e.asid == asid)) e.page = ~uint64_t{0};
}

void SecondLevelTlb::invalidate_range(uint64_t va, uint64_t pages) {
  const uint64_t first = va >> 12;
  const auto clear = [&](std::array<TlbEntry, kWays>& set) {
    for (TlbEntry& e : set)
      if (e.page - first < pages) e.page = ~uint64_t{0};
  };
  if (pages >= kSets)
    std::ranges::for_each(sets_, clear);
  else
    for (uint64_t page = first; page < first + pages; ++page) clear(sets_[set_of(page)]);
}

}  // namespace mynah
