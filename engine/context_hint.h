// SPDX-License-Identifier: Apache-2.0
//
// Small tables of the contexts that were selected lately: a guest changes between few of them again and
// again. What such a table says is no more than where to look first, so whoever finds a context there
// compares its key.
#pragma once

#include <array>
#include <cstdint>

#include "frontend/translation.h"

namespace mynah {

template <typename Context>
class ContextHints {
 public:
  Context*& at(const TranslationKey& key, uint64_t mode = 0) {
    const uint64_t n = key.own_root + key.asid + (uint64_t{key.permission_class} << 8) + (mode << 1);
    return hints_[n * 0x9e3779b97f4a7c15 >> (64 - kBits)];  // the upper bits depend on all
  }

 private:
  static constexpr unsigned kBits = 7;
  std::array<Context*, 1 << kBits> hints_{};
};

// As == says, without a branch a word.
inline bool same(const TranslationKey& a, const TranslationKey& b) {
  return ((a.own_root ^ b.own_root) | (a.common_root ^ b.common_root) | (a.regime[0] ^ b.regime[0]) |
          (a.regime[1] ^ b.regime[1]) | (a.regime[2] ^ b.regime[2]) | (a.asid ^ b.asid) |
          (a.permission_class ^ b.permission_class) | (a.stops ^ b.stops)) == 0;
}
inline bool same(const ContextKey& a, const ContextKey& b) {
  return a.code == b.code && same(a.translation, b.translation);
}

}  // namespace mynah
