// SPDX-License-Identifier: Apache-2.0
//
// BlockSource: guest code for lifting, from a known page and perhaps the one behind it in the address space.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "engine/block_key.h"
#include "frontend/frontend.h"

namespace mynah {

class BlockSource : public CodeSource {
 public:
  using CodeSource::CodeSource;
  // pa of next_page(), or kNoPage where fetching from it faults.
  virtual uint64_t next_page_pa() { return kNoPage; }

  // Appends the n bytes from the page offset on, which may go on in the next page.
  void append(uint32_t offset, uint32_t n, std::vector<uint8_t>& to) {
    const auto first = page().subspan(offset).first(std::min<size_t>(n, page().size() - offset));
    to.insert(to.end(), first.begin(), first.end());
    if (first.size() == n) return;
    const auto rest = next_page().first(n - first.size());
    to.insert(to.end(), rest.begin(), rest.end());
  }
};

}  // namespace mynah
