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

void Tlb::note_code_page(TranslationContext& context, uint64_t va) {
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
  if (!last_epoch_->pages.insert(page).second || ++noted_pages_ <= kMostNotedPages) return;
  kill_all_epochs();
  refresh_epochs(context);
  note_code_page(context, va);
}

void Tlb::forget_code_page(uint64_t va) {
  const uint64_t page = va >> 12;
  kill_epochs(va >> 63, [&](const Epoch& e) { return e.pages.contains(page); });
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
    noted_pages_ -= e->pages.size();
    if (last_epoch_ == e.get()) last_epoch_ = nullptr;
    return true;
  });
}

void Tlb::kill_all_epochs() {
  for (unsigned half = 0; half < 2; ++half) kill_epochs(half, [](const Epoch&) { return true; });
}

// The address-space id is no part of the upper half's key: the tables that TTBR1 (or its like) names say it
// all.
Epoch::Key Tlb::epoch_key(const ContextKey& key, unsigned half) {
  constexpr uint64_t kTableBase = 0x0000fffffffffffe;  // without an id that shares the register
  return {key.spaces[half] & kTableBase, key.regime,          key.mode, key.stops,
          half ? 0 : key.asid,           key.permission_class};
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
    if (next_epoch_ == ir::kEpochEnd) {
      // Numbers begin again: nothing may be left that an old one names.
      kill_all_epochs();
      std::fill(second_jumps_.begin(), second_jumps_.end(), ir::SecondJumpEntry{});
      next_epoch_ = 1;
      return refresh_epochs(context);
    }
    live.push_back(std::make_unique<Epoch>(Epoch{key, next_epoch_, {}}));
    context.epoch[half] = next_epoch_++;
  }
}

namespace {
// Below each return stack lies a page that nobody may touch: whoever breaks a stack's bound does not go on in
// another context's.
constexpr size_t kStackGuard = ir::kPageSize;
}  // namespace

Tlb::Tlb(size_t stack_bytes)
    : stack_stride_(stack_bytes + kStackGuard),
      second_jumps_(ir::kSecondJumpSize),
      sets_(kSets),
      asid_generations_(65536, 1) {
  for (unsigned i = 0; i < kContexts; ++i) {
    contexts_.push_back(std::make_unique<TranslationContext>());
    contexts_.back()->number = static_cast<uint16_t>(i);
  }
  if (!stack_bytes) return;
  void* stacks =
      mmap(nullptr, kContexts * stack_stride_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (stacks == MAP_FAILED) throw std::bad_alloc();
  return_stacks_ = static_cast<uint8_t*>(stacks);
  madvise(stacks, kContexts * stack_stride_, MADV_NOHUGEPAGE);  // a page or two of each are used
  for (unsigned i = 0; i < kContexts; ++i) {
    uint8_t* stack = return_stacks_ + i * stack_stride_ + kStackGuard;
    if (mprotect(stack, stack_bytes, PROT_READ | PROT_WRITE)) throw std::bad_alloc();
    contexts_[i]->set_return_stack(stack, stack_bytes);
  }
}

Tlb::~Tlb() {
  if (return_stacks_) munmap(return_stacks_, kContexts * stack_stride_);
}

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
  to->always_aligned = t.always_aligned;
  to->guarded = t.guarded;
  if (t.page_bits > ir::kPageBits) note_large(va, t.page_bits);
  return to;
}

void Tlb::note_large(uint64_t va, unsigned bits) {
  auto at = std::ranges::find(large_, bits, &LargeMappings::bits);
  if (at == large_.end()) at = large_.insert(at, {bits, {}});
  if (!at->numbers.insert(va >> bits).second || ++large_count_ <= kMostLarge) return;
  // Too many to remember: forget them with the entries, but for the one that is being made.
  const uint64_t number = va >> bits;
  invalidate_all();
  large_.push_back({bits, {number}});
  large_count_ = 1;
}

void Tlb::invalidate_all() {
  ++stats.invalidations;
  if (++generation_ == 0) {
    for (auto& set : sets_)
      for (Entry& e : set) e = {};
    generation_ = 1;
  }
  ++stats.full_invalidations;
  large_.clear();
  large_count_ = 0;
  kill_all_epochs();
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

namespace {
void drop(TranslationContext& context, uint64_t page_address) {
  const unsigned index = ir::tlb_index(page_address);
  auto& pair = context.tlb[index];
  // The top byte may be a tag (TBI): compare what translation sees.
  if (((pair.read.tag ^ page_address) << 8) == 0) pair.read.tag = ir::tlb_invalid_tag(index);
  if (((pair.write.tag ^ page_address) << 8) == 0) pair.write.tag = ir::tlb_invalid_tag(index);
}
}  // namespace

void Tlb::drop_page(uint64_t va) {
  for (auto& c : contexts_)
    if (c->live) drop(*c, va & ~(ir::kPageSize - 1));
}

void Tlb::invalidate_pages(uint64_t va, uint64_t pages, bool any_asid, uint32_t asid) {
  if (pages > 512) return invalidate_all();
  ++stats.invalidations;
  for (LargeMappings& large : large_) {
    const uint64_t last = (va + (pages - 1) * 4096) >> large.bits;
    for (uint64_t number = va >> large.bits; number <= last; ++number) {
      if (!large.numbers.erase(number)) continue;
      --large_count_;
      invalidate_range(number << large.bits, uint64_t{1} << (large.bits - ir::kPageBits));
    }
  }
  for (uint64_t i = 0; i < pages; ++i) {
    const uint64_t at = va + i * 4096;
    const uint64_t page = at >> 12;
    for (Entry& e : sets_[set_of(page)])
      if (e.page == page && (any_asid || e.global || e.asid == asid)) e.page = ~uint64_t{0};
    // First levels do not know which of their entries are global: the page goes from all of them.
    drop_page(at);
    // The upper half's names are for every id.
    const unsigned half = at >> 63;
    kill_epochs(half, [&](const Epoch& e) {
      return (half || any_asid || e.key.asid == asid) && e.pages.contains(page);
    });
  }
}

void Tlb::invalidate_range(uint64_t va, uint64_t pages) {
  const uint64_t first = va >> 12;
  const auto clear = [&](std::array<Entry, kWays>& set) {
    for (Entry& e : set)
      if (e.page - first < pages) e.page = ~uint64_t{0};
  };
  if (pages >= kSets) {
    for (auto& set : sets_) clear(set);
    for (auto& c : contexts_) c->clear_tlb();
  } else {
    for (uint64_t page = first; page < first + pages; ++page) clear(sets_[set_of(page)]);
    for (auto& c : contexts_) {
      if (!c->live || c->tlb_used.none()) continue;
      for (uint64_t i = 0; i < pages; ++i) drop(*c, va + i * ir::kPageSize);
    }
  }
  kill_epochs(va >> 63, [&](const Epoch& e) {
    return std::ranges::any_of(e.pages, [&](uint64_t page) { return page - first < pages; });
  });
}

void Tlb::protect(uint64_t host_page, PageFlags& flags) {
  const auto remove = [&](TranslationContext& c, unsigned i) {
    if (c.tlb[i].write.addend == host_page) c.tlb[i].write = {ir::tlb_invalid_tag(i), 0};
  };
  // A page whose code is rewritten again and again has one writer most of the time.
  if (flags.writers == PageFlags::Writers::kOne) {
    remove(*contexts_[flags.writer_context], flags.writer_index);
  } else if (flags.writers == PageFlags::Writers::kMany) {
    for (auto& c : contexts_) {
      for (unsigned i = 0; i < ir::kTlbSize; ++i) {
        if (c->tlb_used.test(i / TranslationContext::kPieceEntries))
          remove(*c, i);
        else
          i += TranslationContext::kPieceEntries - 1;
      }
    }
  }
  flags.writers = PageFlags::Writers::kNone;
}

}  // namespace mynah
