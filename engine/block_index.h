// SPDX-License-Identifier: Apache-2.0
//
// BlockIndex: blocks by where and how they start (BlockKey::same_start), a hash table that grows with them.
// The newest of a chain comes first.
#pragma once

#include <vector>

#include "engine/translated_block.h"

namespace mynah {

class BlockIndex {
 public:
  BlockIndex() : buckets_(kFewest) {}

  void insert(TranslatedBlock& block) {
    if (2 * ++count_ > buckets_.size()) grow();
    TranslatedBlock*& bucket = buckets_[bucket_of(block.key)];
    block.next_in_bucket = bucket;
    bucket = &block;
  }
  // First of the chain that has the blocks with this start, among others.
  TranslatedBlock* first(const BlockKey& start) const { return buckets_[bucket_of(start)]; }
  void unlinked_one() { --count_; }  // from a chain, by whoever walked it
  void clear() {
    buckets_.assign(kFewest, nullptr);
    count_ = 0;
  }

 private:
  static constexpr size_t kFewest = 1 << 14;
  size_t bucket_of(const BlockKey& key) const { return hash_start(key) & (buckets_.size() - 1); }

  // Most buckets are empty or have one block: each look at one is a miss of the host's cache. A chain is
  // parted into two, in order.
  void grow() {
    const size_t half = buckets_.size();
    buckets_.resize(2 * half);
    for (size_t i = 0; i < half; ++i) {
      TranslatedBlock* rest = buckets_[i];
      TranslatedBlock** end[2] = {&buckets_[i], &buckets_[i + half]};
      for (; rest; rest = rest->next_in_bucket) {
        TranslatedBlock**& to = end[bucket_of(rest->key) >= half];
        *to = rest;
        to = &rest->next_in_bucket;
      }
      *end[0] = *end[1] = nullptr;
    }
  }

  std::vector<TranslatedBlock*> buckets_;
  size_t count_ = 0;
};

}  // namespace mynah
