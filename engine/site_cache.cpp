// SPDX-License-Identifier: Apache-2.0
//
// SiteCache: direct-mapped; a flush of the code cache empties it.
#include "engine/site_cache.h"

namespace mynah {

const CachedSite& SiteCache::at(uint64_t address) {
  if (flushes_ != cache_.stats.flushes || sites_.empty()) {
    sites_.assign(kSize, {});
    flushes_ = cache_.stats.flushes;
  }
  CachedSite& cached = sites_[(address ^ address >> 10) & (kSize - 1)];
  if (cached.address != address) {
    cached.address = address;
    cached.block = cache_.at(address);
    cached.site = cache_.site(*cached.block, address, saved_);
  }
  return cached;
}

}  // namespace mynah
