// SPDX-License-Identifier: Apache-2.0
#include "engine/tlb.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>
#include <span>

namespace mynah {

TranslationContext::TranslationContext() {
  tlb_used.set();
  clear_tlb();
  clear_jumps();
}

void TranslationContext::clear_tlb() {
  for (unsigned piece = 0; piece < kPieces; ++piece) {
    if (!tlb_used.test(piece)) continue;
    for (unsigned i = piece * kPieceEntries; i < (piece + 1) * kPieceEntries; ++i)
      tlb[i] = {{ir::tlb_invalid_tag(i), 0}, {ir::tlb_invalid_tag(i), 0}};
  }
  tlb_used.reset();
}

void TranslationContext::clear_jumps() {
  for (unsigned i = 0; i < ir::kJumpEntries; ++i) jump[i] = {ir::jump_invalid_address(i), 0};
  forget_returns();
}

// The current context may go on making entries.
void Tlb::clear_jumps(TranslationContext& context) {
  if (!context.jump_used) return;
  context.clear_jumps();
  context.jump_used = &context == current_;
}

void Tlb::note_code_page(const TranslationContext& context, uint64_t va) {
  const unsigned half = va >> 63;
  const uint64_t page = va >> 12;
  if (!last_epoch_ || last_epoch_->number != context.epoch[half]) {
    const auto& live = live_epochs_[half];
    const auto at = std::find_if(live.begin(), live.end(),
                                 [&](const auto& e) { return e->number == context.epoch[half]; });
    if (at == live.end()) return;
    last_epoch_ = at->get();
  } else if (last_page_ == page) {
    return;
  }
  last_page_ = page;
  last_epoch_->pages.insert(page);
}

// Jump caches of contexts that lose a name go too: only its pages are known.
template <typename Which>
void Tlb::kill_epochs(unsigned half, Which which) {
  std::erase_if(live_epochs_[half], [&](const std::unique_ptr<Epoch>& e) {
    if (!which(*e)) return false;
    for (auto& c : contexts_) {
      if (c->epoch[half] != e->number) continue;
      c->epoch[half] = 0;
      clear_jumps(*c);
    }
    if (on_epoch_death) on_epoch_death(e->number);
    if (last_epoch_ == e.get()) last_epoch_ = nullptr;
    return true;
  });
}

// The address-space id is no part of the upper half's key: the tables that TTBR1 (or its like) names say it
// all.
Epoch::Key Tlb::epoch_key(const ContextKey& key, unsigned half) {
  constexpr uint64_t kTableBase = 0x0000fffffffffffe;  // without an id that shares the register
  return {key.spaces[half] & kTableBase, key.regime, key.mode, half ? 0 : key.asid, key.permission_class};
}

void Tlb::refresh_epochs(TranslationContext& context) {
  for (unsigned half = 0; half < 2; ++half) {
    if (context.epoch[half]) continue;
    const Epoch::Key key = epoch_key(context.key, half);
    auto& live = live_epochs_[half];
    for (const auto& e : live)
      if (e->key == key) context.epoch[half] = e->number;
    if (context.epoch[half]) continue;
    constexpr size_t kMost = 256;
    if (live.size() == kMost) kill_epochs(half, [](const Epoch&) { return true; });
    ++stats.epochs;
    live.push_back(std::make_unique<Epoch>(Epoch{key, next_epoch_, {}}));
    context.epoch[half] = next_epoch_++;
  }
}

Tlb::Tlb() : second_jumps_(ir::kSecondJumpSize), sets_(kSets), asid_generations_(65536, 1) {
  void* stacks = mmap(nullptr, kContexts * ir::kReturnStackBytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (stacks == MAP_FAILED) throw std::bad_alloc();
  return_stacks_ = static_cast<uint8_t*>(stacks);
  madvise(stacks, kContexts * ir::kReturnStackBytes, MADV_NOHUGEPAGE);  // a page or two of each are used
  for (unsigned i = 0; i < kContexts; ++i) {
    contexts_.push_back(std::make_unique<TranslationContext>());
    contexts_.back()->set_return_stack(return_stacks_ + i * ir::kReturnStackBytes);
  }
}

Tlb::~Tlb() { munmap(return_stacks_, kContexts * ir::kReturnStackBytes); }

TranslationContext* Tlb::select(const ContextKey& key) {
  if (current_ && current_->key == key) return current_;
  ++stats.context_switches;
  ++clock_;
  TranslationContext* oldest = contexts_.front().get();
  for (auto& c : std::span(contexts_).first(many_contexts ? kContexts : 2)) {
    if (c->live && c->key == key) {
      c->last_used = clock_;
      return current_ = c.get();
    }
    if (!c->live ? oldest->live : (oldest->live && c->last_used < oldest->last_used)) oldest = c.get();
  }
  ++stats.context_misses;
  oldest->clear_tlb();
  clear_jumps(*oldest);
  oldest->key = key;
  oldest->epoch = {};
  oldest->live = true;
  oldest->last_used = clock_;
  return current_ = oldest;
}

const Tlb::Entry* Tlb::lookup(uint64_t va, const ContextKey& key) const {
  if (!second_level) return nullptr;
  const uint64_t page = va >> 12;
  for (const Entry& e : sets_[set_of(page)])
    if (e.page == page && e.regime == key.regime && (e.global || e.asid == key.asid) && valid(e)) return &e;
  return nullptr;
}

const Tlb::Entry* Tlb::insert(uint64_t va, const ContextKey& key, const Translation& t) {
  const uint64_t page = va >> 12;
  auto& set = sets_[set_of(page)];
  Entry* to = nullptr;
  for (Entry& e : set) {
    if (e.page == page && e.regime == key.regime && (e.global || t.global || e.asid == key.asid)) {
      to = &e;
      break;
    }
    if (!to && (e.page == ~uint64_t{0} || !valid(e))) to = &e;
  }
  if (!to) to = &set[victim_++ % kWays];
  to->page = page;
  to->pa = t.pa & ~uint64_t{0xfff};
  to->asid = key.asid;
  to->generation = generation_;
  to->asid_generation = asid_generations_[key.asid & 0xffff];
  to->regime = key.regime;
  for (unsigned i = 0; i < kMaxClasses; ++i) to->permissions[i] = t.permissions[i];
  to->global = t.global;
  to->device = t.device;
  to->guarded = t.guarded;
  if (t.page_bits > 12) large_regions_.set(large_slot(va));
  return to;
}

void Tlb::invalidate_all() {
  ++stats.invalidations;
  if (++generation_ == 0) {
    for (auto& set : sets_)
      for (Entry& e : set) e = {};
    generation_ = 1;
  }
  large_regions_.reset();
  for (unsigned half = 0; half < 2; ++half) kill_epochs(half, [](const Epoch&) { return true; });
  for (auto& c : contexts_) {
    c->clear_tlb();
    clear_jumps(*c);
  }
}

void Tlb::clear_contexts() {
  for (auto& c : contexts_) c->clear_tlb();
  clear_all_jumps();
}

void Tlb::clear_all_jumps() {
  for (auto& c : contexts_) clear_jumps(*c);
  std::fill(second_jumps_.begin(), second_jumps_.end(), ir::SecondJumpEntry{});
}

void Tlb::invalidate_asid(uint32_t asid) {
  ++stats.invalidations;
  if (++asid_generations_[asid & 0xffff] == 0) return invalidate_all();
  kill_epochs(0, [&](const Epoch& e) { return e.key.asid == asid; });
  for (auto& c : contexts_)
    if (c->key.asid == asid) c->clear_tlb();
}

void Tlb::invalidate_pages(uint64_t va, uint64_t pages, bool any_asid, uint32_t asid) {
  if (pages > 512) return invalidate_all();
  ++stats.invalidations;
  for (uint64_t i = 0; i < pages; ++i) {
    const uint64_t at = va + i * 4096;
    if (large_regions_.test(large_slot(at))) return invalidate_all();
    const uint64_t page = at >> 12;
    for (Entry& e : sets_[set_of(page)])
      if (e.page == page && (any_asid || e.global || e.asid == asid)) e.page = ~uint64_t{0};
    // First levels do not know which of their entries are global: the page goes from all of them.
    const unsigned index = ir::tlb_index(at);
    const uint64_t base = at & ~uint64_t{0xfff};
    for (auto& c : contexts_) {
      if (!c->live) continue;
      auto& pair = c->tlb[index];
      // The top byte may be a tag (TBI): compare what translation sees.
      if (((pair.read.tag ^ base) << 8) == 0) pair.read.tag = ir::tlb_invalid_tag(index);
      if (((pair.write.tag ^ base) << 8) == 0) pair.write.tag = ir::tlb_invalid_tag(index);
    }
    // The upper half's names are for every id.
    const unsigned half = at >> 63;
    kill_epochs(half, [&](const Epoch& e) {
      return (half || any_asid || e.key.asid == asid) && e.pages.contains(page);
    });
  }
}

void Tlb::protect(uint64_t host_page) {
  for (auto& c : contexts_) {
    for (unsigned i = 0; i < ir::kTlbSize; ++i) {
      if (!c->tlb_used.test(i / TranslationContext::kPieceEntries)) {
        i += TranslationContext::kPieceEntries - 1;
      } else if (c->tlb[i].write.addend == host_page) {
        c->tlb[i].write = {ir::tlb_invalid_tag(i), 0};
      }
    }
  }
}

}  // namespace mynah
