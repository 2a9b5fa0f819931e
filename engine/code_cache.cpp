// SPDX-License-Identifier: Apache-2.0
//
// The translation cache: code memory, versions of a block, metadata.
#include "engine/code_cache.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>

#include "engine/site_codec.h"

namespace mynah {

namespace {
constexpr size_t kSlab = 4096;
constexpr size_t kSmallestCache = 64 << 10;
constexpr unsigned kDeadVersions =
    8;  // of one block that are kept for revival; code that keeps changing has no end of them
constexpr size_t kChunk = 512;
// A miss costs some hundred nanoseconds. What walks through memory meets one page's end more seldom than
// this.
constexpr unsigned kMostWideMisses = 64, kInstructionsAMiss = 1000;
constexpr size_t aligned(size_t n) { return (n + ir::kCodeAlignment - 1) & ~(ir::kCodeAlignment - 1); }
}  // namespace

CodeCache::CodeCache(GuestMemory& memory, ir::Backend* backend, size_t code_bytes)
    : backend_(backend),
      size_((std::max(code_bytes, kSmallestCache) + kGuestPageSize - 1) & ~(kGuestPageSize - 1)),
      pages_(memory) {}

CodeCache::~CodeCache() {
  if (execute_ && execute_ != write_) munmap(execute_, size_);
  if (write_) munmap(write_, size_);
}

Result<void> CodeCache::init() {
  const int fd = memfd_create("code", MFD_CLOEXEC);
  const auto map = [&](int protection) {
    void* const at = mmap(nullptr, size_, protection, MAP_SHARED | MAP_NORESERVE, fd, 0);
    return at == MAP_FAILED ? nullptr : static_cast<uint8_t*>(at);
  };
  if (fd >= 0 && ftruncate(fd, static_cast<off_t>(size_)) == 0) {
    write_ = map(PROT_READ | PROT_WRITE);
    execute_ = map(PROT_READ | PROT_EXEC);
  }
  if (fd >= 0) close(fd);
  if (!write_ || !execute_)
    return error(
        "the host gives no memory for translated code: {}; run with -accel interp, or allow executable "
        "memory",
        std::strerror(errno));
  sites_.reserve(size_);  // touched as it fills, and never copied
  thunks_ = backend_->emit_thunks({write_, execute_, size_});
  backend_->publish({write_, execute_, thunks_.size});
  used_ = first_block_ = (thunks_.size + 63) & ~size_t{63};
  return {};
}

TranslatedBlock* CodeCache::find(const BlockKey& start, BlockSource& source) {
  for (TranslatedBlock* b = index_.first(start); b; b = b->next_in_bucket)
    if (b->live && b->key.same_start(start) && (!b->crosses() || b->key.second_page == source.next_page_pa()))
      return b;
  return nullptr;
}

ir::CodeSpan CodeCache::take(size_t n) {
  const ir::CodeSpan at{write_ + used_, execute_ + used_, n};
  used_ += aligned(n);
  return at;
}

TranslatedBlock* CodeCache::commit(const BlockKey& key, BlockSource& source, const ir::Region& region,
                                   const ir::CompiledCode& code) {
  if (size_ - used_ < aligned(code.size) + aligned(backend_->portal_bytes())) return nullptr;
  if (slabs_.empty() || slab_used_ == kSlab) {
    slabs_.push_back(std::make_unique<TranslatedBlock[]>(kSlab));
    slab_used_ = 0;
  }
  TranslatedBlock* b = &slabs_.back()[slab_used_++];
  b->key = key;
  b->linkable = region.linkable;
  b->apart = keeps_apart(key);
  b->code = static_cast<uint32_t>(used_);
  b->code_size = code.size;
  b->guest_insts = static_cast<uint16_t>(region.guest_insts);
  b->guest_bytes = static_cast<uint16_t>(region.guest_bytes);
  source.append(region.pc_offset, region.guest_bytes, sites_);
  b->sites = static_cast<uint32_t>(sites_.size());
  encode_sites(code, sites_);
  stats.metadata_bytes = sites_.size();
  const ir::CodeSpan place = take(code.size);
  backend_->install(code, place);
  backend_->publish(place);
  index_.insert(*b);
  b->live = true;
  while (chunk_first_.size() * kChunk < used_)
    chunk_first_.push_back(static_cast<uint32_t>(
        chunk_first_.size() * kChunk < b->code && !by_code_.empty() ? by_code_.size() - 1 : by_code_.size()));
  by_code_.push_back(b);
  forget_old_versions(*b);
  forward_dead(*b);
  pages_.add(*b);
  ++stats.blocks_made;
  stats.guest_bytes += b->guest_bytes;
  stats.host_bytes += b->code_size;
  return b;
}

void CodeCache::forget_old_versions(TranslatedBlock& newest) {
  unsigned versions = 0;
  for (TranslatedBlock** link = &newest.next_in_bucket; *link;) {
    TranslatedBlock& old = **link;
    if (old.key != newest.key || old.live) {
      link = &old.next_in_bucket;
      continue;
    }
    if (versions == 0) newest.portal = old.portal;
    if (++versions > kDeadVersions) {
      if (!newest.portal) {
        newest.portal = static_cast<uint32_t>(used_);
        take(backend_->portal_bytes());
      }
      backend_->patch(span(old), ir::Patch::forward(portal(newest).execute));
      *link = old.next_in_bucket;
      index_.unlinked_one();
    } else {
      link = &old.next_in_bucket;
    }
  }
  if (versions) ++stats.remade;
}

TranslatedBlock* CodeCache::revive(const BlockKey& start, BlockSource& source) {
  const bool apart = keeps_apart(start);
  const auto page_rest = source.page().subspan(start.pa & (kGuestPageSize - 1));
  for (TranslatedBlock* b = index_.first(start); b; b = b->next_in_bucket) {
    if (b->live || !b->key.same_start(start) || b->apart != apart) continue;
    const auto bytes = guest_bytes(*b);
    if (!std::ranges::equal(bytes.first(b->first_bytes()), page_rest.first(b->first_bytes()))) continue;
    if (b->crosses()) {
      if (b->key.second_page != source.next_page_pa()) continue;
      const auto rest = bytes.subspan(b->first_bytes());
      if (!std::ranges::equal(rest, source.next_page().first(rest.size()))) continue;
    }
    backend_->patch(span(*b), ir::Patch::revive(b->killed_entry));
    b->live = true;
    pages_.add(*b);
    forward_dead(*b);
    ++stats.revived;
    return b;
  }
  return nullptr;
}

void CodeCache::kill(TranslatedBlock& b) {
  b.killed_entry = backend_->patch(span(b), ir::Patch::kill());
  b.live = false;
}

void CodeCache::note_wide_miss(TranslatedBlock& block, uint64_t address, uint64_t executed) {
  if (!block.live || block.apart) return;
  WideMisses& misses = wide_misses_[&block];
  const uint64_t page = address / kGuestPageSize;
  if (page != misses.page || executed - misses.since > kMostWideMisses * kInstructionsAMiss)
    misses = {.page = page, .since = executed};
  if (++misses.count < kMostWideMisses) return;
  wide_misses_.erase(&block);
  apart_.insert(hash_start(block.key));
  pages_.remove(block);
  kill(block);
}

// Whoever still jumps to an older translation of the same code comes here without a way through the engine.
void CodeCache::forward_dead(const TranslatedBlock& live) {
  if (live.portal) backend_->patch(portal(live), ir::Patch::forward(entry(live)));
  for (TranslatedBlock* b = index_.first(live.key); b; b = b->next_in_bucket)
    if (!b->live && b->key == live.key) backend_->patch(span(*b), ir::Patch::forward(entry(live)));
}

void CodeCache::link_page(TranslatedBlock& from, const ir::Site& site,
                          const ir::Patch::PageCondition& condition, const TranslatedBlock& to) {
  backend_->patch(span(from), ir::Patch::link_page(site, condition, entry(to)));
  page_links_[condition.name].push_back({&from, site.offset});
}

void CodeCache::unlink_name(uint32_t name) {
  const auto links = page_links_.find(name);
  if (links == page_links_.end()) return;
  for (const PageLink& link : links->second)
    backend_->patch(span(*link.from), ir::Patch::unlink(link.site_offset));
  page_links_.erase(links);
}

bool CodeCache::invalidate(uint64_t pa, uint64_t n, bool by_device) {
  const auto& hit = pages_.overlapping(pa, n);
  for (TranslatedBlock* b : hit) {
    pages_.remove(*b);
    kill(*b);
    ++(by_device ? stats.killed_by_device : stats.killed_by_store);
  }
  return !hit.empty();
}

void CodeCache::flush() {
  pages_.clear();
  index_.clear();
  slabs_.clear();
  by_code_.clear();
  chunk_first_.clear();
  sites_.clear();
  page_links_.clear();
  wide_misses_.clear();
  apart_.clear();
  used_ = first_block_;
  ++stats.flushes;
}

TranslatedBlock* CodeCache::at(uint64_t host_address) {
  // A return address may be the first byte behind its block.
  const uint64_t offset = host_address - 1 - reinterpret_cast<uint64_t>(execute_);
  size_t i = chunk_first_[offset / kChunk];
  while (i + 1 < by_code_.size() && by_code_[i + 1]->code <= offset) ++i;
  return by_code_[i];
}

ir::Site CodeCache::site(const TranslatedBlock& block, uint64_t host_address,
                         std::vector<ir::SavedSlot>& saved) const {
  const auto offset = static_cast<uint32_t>(host_address - reinterpret_cast<uint64_t>(execute_ + block.code));
  return decode_site(sites_.data() + block.sites, offset, saved);
}

}  // namespace mynah
