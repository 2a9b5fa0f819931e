// SPDX-License-Identifier: Apache-2.0
//
// SecondLevelTlb: translations by (page, address-space id), as a processor's own TLB keeps them, so that a
// cold context refills without a walk. 4 KiB entries; what a larger mapping's invalidation ends is exact.
//
// Owned by one vCPU; nobody else looks at it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <unordered_set>
#include <vector>

#include "frontend/translation.h"

namespace mynah {

struct TlbEntry {
  uint64_t page = ~uint64_t{0};  // virtual page number
  Translation translation;       // of the page's first byte
  uint32_t asid = 0;
  uint32_t generation = 0;       // of everything; a lower one is invalid
  uint32_t asid_generation = 0;  // of the id, for entries that are not global
  Regime regime{};
};

class SecondLevelTlb {
 public:
  explicit SecondLevelTlb(uint32_t address_space_ids)
      : sets_(kSets), asid_generations_(address_space_ids, 1) {}

  const TlbEntry* lookup(uint64_t va, const TranslationKey& key) const;
  // Where is_full_for() says no.
  const TlbEntry* insert(uint64_t va, const TranslationKey& key, const Translation& translation);
  // A mapping of this size, at va, is one too many to remember: invalidate_all() must come first.
  bool is_full_for(uint64_t va, unsigned page_bits) const;

  void invalidate_all();
  // False: the id's numbers have ended, everything must go.
  bool invalidate_asid(uint32_t asid);
  void invalidate_page(uint64_t va, bool any_asid, uint32_t asid);
  void invalidate_range(uint64_t va, uint64_t pages);  // whatever its id
  // Calls each(first address, pages) for the large mappings that entries were made from and that have
  // addresses in [va, va + pages); they are forgotten.
  template <typename Each>
  void take_large(uint64_t va, uint64_t pages, Each each) {
    for (LargeMappings& large : large_) {
      const uint64_t last = (va + (pages - 1) * 4096) >> large.bits;
      for (uint64_t number = va >> large.bits; number <= last; ++number) {
        if (!large.numbers.erase(number)) continue;
        --large_count_;
        each(number << large.bits, uint64_t{1} << (large.bits - 12));
      }
    }
  }

 private:
  static constexpr unsigned kWays = 4;
  static constexpr unsigned kSets = 4096;
  static constexpr size_t kMostLarge = 1 << 16;
  static unsigned set_of(uint64_t page) { return (page ^ page >> 10) & (kSets - 1); }
  bool valid(const TlbEntry& e) const {
    return e.generation == generation_ &&
           (e.translation.global || e.asid_generation == asid_generations_[e.asid]);
  }
  void note_large(uint64_t va, unsigned bits);

  std::vector<std::array<TlbEntry, kWays>> sets_;
  uint32_t generation_ = 1;
  std::vector<uint32_t> asid_generations_;
  unsigned victim_ = 0;
  // Mappings larger than a page that entries were made from, exactly: invalidating one address of such a
  // mapping ends all of it.
  struct LargeMappings {
    unsigned bits;  // log2 of their size
    std::unordered_set<uint64_t> numbers;
  };
  std::vector<LargeMappings> large_;  // a granule and a level each: few
  size_t large_count_ = 0;
};

}  // namespace mynah
