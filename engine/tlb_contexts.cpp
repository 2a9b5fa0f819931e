// SPDX-License-Identifier: Apache-2.0
//
// TlbContexts: selecting one, and taking entries away.
#include "engine/tlb_contexts.h"

#include <algorithm>
#include <span>

namespace mynah {

TlbContext::TlbContext() {
  used.set();
  clear();
}

void TlbContext::clear() {
  for (unsigned piece = 0; piece < kPieces; ++piece) {
    if (!used.test(piece)) continue;
    for (unsigned i = piece * kPieceEntries; i < (piece + 1) * kPieceEntries; ++i)
      tlb[i] = {{ir::tlb_invalid_tag(i), 0}, {ir::tlb_invalid_tag(i), 0}};
  }
  used.reset();
  own_count = 0;
}

void TlbContext::clear_own() {
  if (own_count > kMostOwn) return clear();
  for (unsigned n = 0; n < own_count; ++n)
    tlb[own[n]] = {{ir::tlb_invalid_tag(own[n]), 0}, {ir::tlb_invalid_tag(own[n]), 0}};
  own_count = 0;
}

TlbContext* TlbContexts::select(const TranslationKey& key) {
  if (current_ && same(current_->key, key)) return current_;
  ++switches;
  ++clock_;
  TlbContext*& hint = hints_.at(key);
  if (hint && same(hint->key, key)) {
    hint->last_used = clock_;
    return current_ = hint;
  }
  const size_t most = many ? kContexts : 2;
  TlbContext* oldest = nullptr;
  for (auto& c : std::span(contexts_).first(std::min(most, contexts_.size()))) {
    if (c->key == key) {
      c->last_used = clock_;
      return current_ = hint = c.get();
    }
    if (!oldest || c->last_used < oldest->last_used) oldest = c.get();
  }
  ++misses;
  if (contexts_.size() < most) {
    oldest = contexts_.emplace_back(std::make_unique<TlbContext>()).get();
    oldest->number = static_cast<uint16_t>(first_number_ + contexts_.size() - 1);
  }
  oldest->clear();
  oldest->key = key;
  oldest->last_used = clock_;
  return current_ = hint = oldest;
}

void TlbContexts::clear() {
  for (auto& c : contexts_) c->clear();
}

void TlbContexts::clear_asid(uint32_t asid) {
  for (auto& c : contexts_)
    if (c->key.asid == asid) c->clear_own();
}

// Entries are by the address as it was used; translation may see less of it.
void TlbContexts::drop(TlbContext& context, uint64_t page_address) const {
  const unsigned index = ir::tlb_index(page_address);
  if (!context.used.test(index / TlbContext::kPieceEntries)) return;
  ir::TlbPair& pair = context.tlb[index];
  if (((pair.read.tag ^ page_address) & ~tag_bits_) == 0) pair.read.tag = ir::tlb_invalid_tag(index);
  if (((pair.write.tag ^ page_address) & ~tag_bits_) == 0) pair.write.tag = ir::tlb_invalid_tag(index);
}

void TlbContexts::drop_page(uint64_t va) {
  for (auto& c : contexts_) drop(*c, va & ~(ir::kPageSize - 1));
}

void TlbContexts::drop_pages(uint64_t va, uint64_t pages) {
  if (pages >= ir::kTlbSize) return clear();
  for (auto& c : contexts_) {
    if (c->used.none()) continue;
    for (uint64_t i = 0; i < pages; ++i) drop(*c, va + i * ir::kPageSize);
  }
}

void TlbContexts::protect(uint64_t host_page, const PageFlags& flags) {
  const auto remove = [&](TlbContext& c, unsigned i) {
    if (c.tlb[i].write.addend == host_page) c.tlb[i].write = {ir::tlb_invalid_tag(i), 0};
  };
  switch (flags.writers) {
    case PageFlags::Writers::kNone:
      break;
    case PageFlags::Writers::kOne: {  // a page whose code is rewritten again and again, most of the time
      const unsigned i = flags.writer_context - first_number_;
      if (i < contexts_.size()) remove(*contexts_[i], flags.writer_index[0]);
      break;
    }
    case PageFlags::Writers::kTwo:
      for (auto& c : contexts_)
        for (const unsigned i : flags.writer_index)
          if (c->used.test(i / TlbContext::kPieceEntries)) remove(*c, i);
      break;
    case PageFlags::Writers::kMany:
      for (auto& c : contexts_) {
        for (unsigned i = 0; i < ir::kTlbSize; ++i) {
          if (c->used.test(i / TlbContext::kPieceEntries))
            remove(*c, i);
          else
            i += TlbContext::kPieceEntries - 1;
        }
      }
  }
}

}  // namespace mynah
