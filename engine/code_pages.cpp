// SPDX-License-Identifier: Apache-2.0
//
// CodePages: chains by start, a count for each line.
#include "engine/code_pages.h"

#include <algorithm>

namespace mynah {

void CodePages::count_lines(uint64_t page_address, uint32_t offset, uint32_t bytes, int change) {
  Page& page = pages_[page_address / kGuestPageSize];
  PageFlags* const flags = memory_.page(page_address);
  for (uint32_t line = offset >> 6; line <= (offset + bytes - 1) >> 6; ++line) {
    const uint64_t bit = uint64_t{1} << line;
    page.line_blocks[line] = static_cast<uint16_t>(page.line_blocks[line] + change);
    if (flags)
      flags->code_lines = page.line_blocks[line] ? flags->code_lines | bit : flags->code_lines & ~bit;
  }
}

void CodePages::count_lines(const TranslatedBlock& b, int change) {
  const auto offset = static_cast<uint32_t>(b.key.pa & (kGuestPageSize - 1));
  count_lines(b.key.pa - offset, offset, b.first_bytes(), change);
  if (b.crosses()) count_lines(b.key.second_page, 0, b.guest_bytes - b.first_bytes(), change);
}

void CodePages::add(TranslatedBlock& b) {
  free_end_ = 0;
  count_lines(b, 1);
  TranslatedBlock*& chain = chain_of(pages_[b.key.pa / kGuestPageSize], b);
  b.next_in_page = chain;
  chain = &b;
  if (b.crosses()) {
    TranslatedBlock*& incoming = pages_[b.key.second_page / kGuestPageSize].incoming;
    b.next_in_second_page = incoming;
    incoming = &b;
  }
  longest_ = std::max<uint32_t>(longest_, b.guest_bytes);
}

void CodePages::remove(TranslatedBlock& b) {
  const auto unlink = [&](TranslatedBlock** link, TranslatedBlock* TranslatedBlock::*next) {
    while (*link != &b) link = &((*link)->*next);
    *link = b.*next;
  };
  unlink(&chain_of(pages_[b.key.pa / kGuestPageSize], b), &TranslatedBlock::next_in_page);
  if (b.crosses())
    unlink(&pages_[b.key.second_page / kGuestPageSize].incoming, &TranslatedBlock::next_in_second_page);
  count_lines(b, -1);
}

const std::vector<TranslatedBlock*>& CodePages::overlapping(uint64_t pa, uint64_t n) {
  found_.clear();
  for (uint64_t number = pa / kGuestPageSize; number <= (pa + n - 1) / kGuestPageSize; ++number) {
    const auto it = pages_.find(number);
    if (it == pages_.end()) continue;
    Page& page = it->second;
    const uint64_t start = number * kGuestPageSize, reach = longest_ ? longest_ - 1 : 0;
    // In this page: [from, to). Blocks may start as far in front of it as the longest reaches.
    const uint64_t from = std::max(start, pa) - start, to = std::min(pa + n - start, kGuestPageSize);
    for (uint64_t i = (from > reach ? from - reach : 0) / Page::kChainBytes; i * Page::kChainBytes < to; ++i)
      for (TranslatedBlock* b = page.chains[i]; b; b = b->next_in_page) {
        ++looked_at;
        const uint64_t offset = b->key.pa - start;
        if (offset < to && offset + b->first_bytes() > from) found_.push_back(b);
      }
    for (TranslatedBlock* b = page.incoming; b; b = b->next_in_second_page) {
      ++looked_at;
      if (b->guest_bytes - b->first_bytes() > from) found_.push_back(b);
    }
  }
  const auto twice = [&](auto at) { return std::find(found_.begin(), at, *at) != at; };
  for (auto at = found_.begin(); at != found_.end();)  // one that is in two of the pages
    at = (*at)->crosses() && twice(at) ? found_.erase(at) : at + 1;
  return found_;
}

void CodePages::clear() {
  for (const auto& [number, page] : pages_)
    if (PageFlags* flags = memory_.page(number * kGuestPageSize)) flags->code_lines = 0;
  pages_.clear();
}

}  // namespace mynah
