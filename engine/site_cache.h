// SPDX-License-Identifier: Apache-2.0
//
// SiteCache: sites that were decoded lately, by return address: a guard that misses is likely to miss again.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/code_cache.h"

namespace mynah {

struct CachedSite {
  uint64_t address = 0;
  TranslatedBlock* block = nullptr;
  ir::Site site;  // its saved slots are decoded again where they are needed
};

class SiteCache {
 public:
  explicit SiteCache(CodeCache& cache) : cache_(cache) {}
  const CachedSite& at(uint64_t address);
  // The site with its saved slots.
  ir::Site with_saved(uint64_t address, std::vector<ir::SavedSlot>& saved) const {
    return cache_.site(*cache_.at(address), address, saved);
  }

 private:
  static constexpr unsigned kSize = 4096;
  CodeCache& cache_;
  std::vector<CachedSite> sites_;
  std::vector<ir::SavedSlot> saved_;
  uint64_t flushes_ = 0;
};

}  // namespace mynah
