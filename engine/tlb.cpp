// SPDX-License-Identifier: Apache-2.0
#include "engine/tlb.h"

namespace mynah {

void TranslationContext::clear_tlb() {
  tlb_used = false;
  for (unsigned i = 0; i < ir::kTlbSize; ++i) {
    tlb[i].read = {ir::tlb_invalid_tag(i), 0};
    tlb[i].write = {ir::tlb_invalid_tag(i), 0};
  }
}

void TranslationContext::clear_jumps() {
  for (unsigned i = 0; i < ir::kJumpEntries; ++i) jump[i] = {ir::jump_invalid_address(i), 0};
  for (auto& e : returns) e = {1, 0};
  return_top = 0;
  jump_pages.reset();
  jump_used = false;
}

void Tlb::note_epoch_page(uint32_t epoch, uint64_t va) {
  for (LiveEpoch& e : live_epochs_[va >> 63])
    if (e.epoch == epoch) e.pages.set(TranslationContext::jump_page_slot(va));
}

template <typename Which>
void Tlb::kill_epochs(unsigned half, Which which) {
  std::erase_if(live_epochs_[half], [&](const LiveEpoch& e) {
    if (!which(e)) return false;
    for (auto& c : contexts_)
      if (c->epoch[half] == e.epoch) c->epoch[half] = 0;
    if (on_epoch_death) on_epoch_death(e.epoch);
    return true;
  });
}

// The address-space id is no part of the upper half's key: the tables that TTBR1 (or its like) names say it
// all.
Tlb::EpochKey Tlb::epoch_key(const ContextKey& key, unsigned half) {
  constexpr uint64_t kTableBase = 0x0000fffffffffffe;  // without an id that shares the register
  return {key.spaces[half] & kTableBase, key.regime, key.mode, half ? 0 : key.asid, key.permission_class};
}

void Tlb::refresh_epochs(TranslationContext& context) {
  for (unsigned half = 0; half < 2; ++half) {
    if (context.epoch[half]) continue;
    const EpochKey key = epoch_key(context.key, half);
    auto& live = live_epochs_[half];
    for (const LiveEpoch& e : live)
      if (e.key == key) context.epoch[half] = e.epoch;
    if (context.epoch[half]) continue;
    constexpr size_t kMost = 256;
    if (live.size() == kMost) kill_epochs(half, [](const LiveEpoch&) { return true; });
    live.push_back({key, next_epoch_, {}});
    context.epoch[half] = next_epoch_++;
  }
}

Tlb::Tlb() : sets_(kSets), asid_generations_(65536, 1) {
  for (unsigned i = 0; i < kContexts; ++i) {
    contexts_.push_back(std::make_unique<TranslationContext>());
    contexts_.back()->clear_tlb();
    contexts_.back()->clear_jumps();
  }
}

TranslationContext* Tlb::select(const ContextKey& key) {
  if (current_ && current_->key == key) return current_;
  ++stats.context_switches;
  ++clock_;
  TranslationContext* oldest = contexts_.front().get();
  for (auto& c : contexts_) {
    if (c->live && c->key == key) {
      c->last_used = clock_;
      return current_ = c.get();
    }
    if (!c->live ? oldest->live : (oldest->live && c->last_used < oldest->last_used)) oldest = c.get();
  }
  ++stats.context_misses;
  if (oldest->tlb_used) oldest->clear_tlb();
  if (oldest->jump_used) oldest->clear_jumps();
  oldest->key = key;
  oldest->epoch = {};
  oldest->live = true;
  oldest->last_used = clock_;
  return current_ = oldest;
}

const Tlb::Entry* Tlb::lookup(uint64_t va, const ContextKey& key) const {
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
  for (unsigned half = 0; half < 2; ++half) kill_epochs(half, [](const LiveEpoch&) { return true; });
  clear_contexts();
}

void Tlb::clear_contexts() {
  for (auto& c : contexts_) {
    if (c->tlb_used) c->clear_tlb();
    if (c->jump_used) c->clear_jumps();
  }
}

void Tlb::clear_all_jumps() {
  for (auto& c : contexts_)
    if (c->jump_used) c->clear_jumps();
}

void Tlb::invalidate_asid(uint32_t asid) {
  ++stats.invalidations;
  if (++asid_generations_[asid & 0xffff] == 0) return invalidate_all();
  kill_epochs(0, [&](const LiveEpoch& e) { return e.key.asid == asid; });
  for (auto& c : contexts_) {
    if (c->key.asid != asid) continue;
    if (c->tlb_used) c->clear_tlb();
    if (c->jump_used) c->clear_jumps();
  }
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
      if (c->jump_used && c->jump_pages.test(TranslationContext::jump_page_slot(at))) c->clear_jumps();
    }
    kill_epochs(at >> 63,
                [&](const LiveEpoch& e) { return e.pages.test(TranslationContext::jump_page_slot(at)); });
  }
}

void Tlb::protect(uint64_t host_page) {
  for (auto& c : contexts_) {
    if (!c->tlb_used) continue;
    for (unsigned i = 0; i < ir::kTlbSize; ++i)
      if (c->tlb[i].write.addend == host_page) c->tlb[i].write = {ir::tlb_invalid_tag(i), 0};
  }
}

}  // namespace mynah
