// SPDX-License-Identifier: Apache-2.0
//
// TlbContexts: selecting one, and taking entries away.
#include "engine/tlb_contexts.h"

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
}

TlbContexts::TlbContexts(uint64_t tag_bits) : tag_bits_(tag_bits) {
  for (unsigned i = 0; i < kContexts; ++i) {
    contexts_.push_back(std::make_unique<TlbContext>());
    contexts_.back()->number = static_cast<uint16_t>(i);
  }
}

void TlbContexts::set_owner(unsigned vcpu) {
  for (unsigned i = 0; i < kContexts; ++i) contexts_[i]->number = static_cast<uint16_t>(vcpu * kContexts + i);
}

TlbContext* TlbContexts::select(const TranslationKey& key) {
  if (current_ && current_->key == key) return current_;
  ++switches;
  ++clock_;
  TlbContext* oldest = contexts_.front().get();
  for (auto& c : std::span(contexts_).first(many ? kContexts : 2)) {
    if (c->live && c->key == key) {
      c->last_used = clock_;
      return current_ = c.get();
    }
    if (!c->live ? oldest->live : (oldest->live && c->last_used < oldest->last_used)) oldest = c.get();
  }
  ++misses;
  oldest->clear();
  oldest->key = key;
  oldest->live = true;
  oldest->last_used = clock_;
  return current_ = oldest;
}

void TlbContexts::clear() {
  for (auto& c : contexts_) c->clear();
}

void TlbContexts::clear_asid(uint32_t asid) {
  for (auto& c : contexts_)
    if (c->key.asid == asid) c->clear();
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
  for (auto& c : contexts_)
    if (c->live) drop(*c, va & ~(ir::kPageSize - 1));
}

void TlbContexts::drop_pages(uint64_t va, uint64_t pages) {
  if (pages >= ir::kTlbSize) return clear();
  for (auto& c : contexts_) {
    if (!c->live || c->used.none()) continue;
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
      const unsigned i = flags.writer_context - contexts_.front()->number;
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
