// SPDX-License-Identifier: Apache-2.0
//
// Where blocks lie in code memory, how they are found, dropped and revived; see code_cache.h.
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
constexpr size_t aligned(size_t n) { return (n + ir::kCodeAlignment - 1) & ~(ir::kCodeAlignment - 1); }
}  // namespace

CodeCache::CodeCache(GuestMemory& memory, ir::Backend* backend, size_t code_bytes)
    : memory_(memory),
      backend_(backend),
      size_((std::max(code_bytes, kSmallestCache) + kGuestPageSize - 1) & ~(kGuestPageSize - 1)),
      buckets_(1 << 16) {}

CodeCache::~CodeCache() {
  if (execute_ && execute_ != write_) munmap(execute_, size_);
  if (write_) munmap(write_, size_);
}

std::string CodeCache::init() {
  const int fd = memfd_create("code", MFD_CLOEXEC);
  void* write = MAP_FAILED;
  void* execute = MAP_FAILED;
  if (fd >= 0 && ftruncate(fd, static_cast<off_t>(size_)) == 0) {
    write = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
    execute = mmap(nullptr, size_, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_NORESERVE, fd, 0);
  }
  if (fd >= 0) close(fd);
  if (write == MAP_FAILED || execute == MAP_FAILED)
    return std::string("the host gives no memory for translated code: ") + std::strerror(errno) +
           "; run with -accel interp, or allow executable memory";
  write_ = static_cast<uint8_t*>(write);
  execute_ = static_cast<uint8_t*>(execute);
  thunks_ = backend_->emit_thunks({write_, execute_, size_});
  backend_->publish({write_, execute_, thunks_.size});
  used_ = first_block_ = (thunks_.size + 63) & ~size_t{63};
  return {};
}

TranslatedBlock* CodeCache::find(uint64_t pa, uint64_t mode) {
  for (TranslatedBlock* b = buckets_[bucket(pa, mode)]; b; b = b->next_in_bucket)
    if (b->pa == pa && b->mode == mode && b->live) return b;
  return nullptr;
}

ir::CodeSpan CodeCache::take(size_t n) {
  const ir::CodeSpan at{write_ + used_, execute_ + used_, n};
  used_ += aligned(n);
  return at;
}

TranslatedBlock* CodeCache::commit(uint64_t pa, uint64_t mode, std::span<const uint8_t> bytes,
                                   const ir::Region& region, const ir::CompiledCode& code) {
  if (size_ - used_ < aligned(code.size) + aligned(backend_->portal_bytes())) return nullptr;
  if (slabs_.empty() || slab_used_ == kSlab) {
    slabs_.push_back(std::make_unique<TranslatedBlock[]>(kSlab));
    slab_used_ = 0;
  }
  TranslatedBlock* b = &slabs_.back()[slab_used_++];
  b->pa = pa;
  b->mode = mode;
  b->code = static_cast<uint32_t>(used_);
  b->code_size = code.size;
  b->guest_insts = static_cast<uint16_t>(region.guest_insts);
  b->guest_bytes = static_cast<uint16_t>(bytes.size());
  sites_.insert(sites_.end(), bytes.begin(), bytes.end());
  b->sites = static_cast<uint32_t>(sites_.size());
  encode_sites(code, sites_);
  stats.metadata_bytes = sites_.size();
  const ir::CodeSpan place = take(code.size);
  backend_->install(code, place);
  backend_->publish(place);
  const size_t at = bucket(pa, mode);
  b->next_in_bucket = buckets_[at];
  buckets_[at] = b;
  b->live = true;
  while (chunk_first_.size() * kChunk < used_)
    chunk_first_.push_back(static_cast<uint32_t>(
        chunk_first_.size() * kChunk < b->code && !by_code_.empty() ? by_code_.size() - 1 : by_code_.size()));
  by_code_.push_back(b);
  forget_old_versions(*b);
  forward_dead(*b);
  add_to_page(*b);
  ++stats.blocks_made;
  stats.guest_bytes += b->guest_bytes;
  stats.host_bytes += b->code_size;
  return b;
}

void CodeCache::forget_old_versions(TranslatedBlock& newest) {
  unsigned versions = 0;
  for (TranslatedBlock** link = &newest.next_in_bucket; *link;) {
    TranslatedBlock& old = **link;
    if (old.pa != newest.pa || old.mode != newest.mode || old.live) {
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
    } else {
      link = &old.next_in_bucket;
    }
  }
  if (versions) ++stats.remade;
}

namespace {
// Lines of the page that a block touches.
struct Lines {
  unsigned first, last;
};
Lines lines_of(const TranslatedBlock& b) {
  const unsigned offset = b.pa & (kGuestPageSize - 1);
  return {offset >> 6, std::min(63u, (offset + b.guest_bytes - 1) >> 6)};
}
}  // namespace

void CodeCache::add_to_page(TranslatedBlock& b) {
  CodePage& page = pages_[b.pa / kGuestPageSize];
  TranslatedBlock*& chain = page.chains[(b.pa & (kGuestPageSize - 1)) / CodePage::kChainBytes];
  b.next_in_page = chain;
  chain = &b;
  ++page.blocks;
  longest_ = std::max<uint32_t>(longest_, b.guest_bytes);
  PageFlags* flags = memory_.page(b.pa);
  for (auto [line, last] = lines_of(b); line <= last; ++line) {
    ++page.line_blocks[line];
    if (flags) flags->code_lines |= uint64_t{1} << line;
  }
}

TranslatedBlock* CodeCache::revive(uint64_t pa, uint64_t mode, std::span<const uint8_t> page_rest) {
  for (TranslatedBlock* b = buckets_[bucket(pa, mode)]; b; b = b->next_in_bucket) {
    if (b->pa != pa || b->mode != mode || b->live || b->guest_bytes > page_rest.size()) continue;
    if (!std::ranges::equal(guest_bytes(*b), page_rest.first(b->guest_bytes))) continue;
    backend_->patch(span(*b), ir::Patch::revive(b->killed_entry));
    b->live = true;
    add_to_page(*b);
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

// Whoever still jumps to an older translation of the same code comes here without a way through the engine.
void CodeCache::forward_dead(const TranslatedBlock& live) {
  if (live.portal) backend_->patch(portal(live), ir::Patch::forward(entry(live)));
  for (TranslatedBlock* b = buckets_[bucket(live.pa, live.mode)]; b; b = b->next_in_bucket)
    if (!b->live && b->pa == live.pa && b->mode == live.mode)
      backend_->patch(span(*b), ir::Patch::forward(entry(live)));
}

template <typename Drop>
void CodeCache::for_each_overlap(CodePage& blocks, uint64_t page, uint64_t pa, uint64_t n, Drop drop) {
  // Blocks do not leave their page; they may start as far in front of the bytes as the longest reaches.
  const uint64_t end = pa + n, start = page * kGuestPageSize, reach = longest_ ? longest_ - 1 : 0;
  const uint64_t from = std::max(start, pa) - start, to = std::min(end - start, kGuestPageSize);
  for (uint64_t i = (from > reach ? from - reach : 0) / CodePage::kChainBytes; i * CodePage::kChainBytes < to;
       ++i) {
    for (TranslatedBlock** link = &blocks.chains[i]; *link;) {
      TranslatedBlock& b = **link;
      ++stats.looked_at;
      if (b.pa < end && b.pa + b.guest_bytes > pa && drop(b))
        *link = b.next_in_page;
      else
        link = &b.next_in_page;
    }
  }
}

bool CodeCache::invalidate(uint64_t pa, uint64_t n, bool by_device) {
  bool any = false;
  for (uint64_t page = pa / kGuestPageSize; page <= (pa + n - 1) / kGuestPageSize; ++page) {
    const auto it = pages_.find(page);
    if (it == pages_.end()) continue;
    CodePage& blocks = it->second;
    PageFlags* flags = memory_.page(page * kGuestPageSize);
    for_each_overlap(blocks, page, pa, n, [&](TranslatedBlock& b) {
      for (auto [line, last] = lines_of(b); line <= last; ++line)
        if (--blocks.line_blocks[line] == 0 && flags) flags->code_lines &= ~(uint64_t{1} << line);
      --blocks.blocks;
      kill(b);
      ++(by_device ? stats.killed_by_device : stats.killed_by_store);
      return any = true;
    });
    if (blocks.blocks == 0) pages_.erase(it);
  }
  return any;
}

bool CodeCache::holds_code(uint64_t pa, uint64_t n) {
  bool any = false;
  if (const auto it = pages_.find(pa / kGuestPageSize); it != pages_.end())
    for_each_overlap(it->second, it->first, pa, n, [&](TranslatedBlock&) {
      any = true;
      return false;
    });
  return any;
}

void CodeCache::flush() {
  for (const auto& [page, blocks] : pages_)
    if (PageFlags* flags = memory_.page(page * kGuestPageSize)) flags->code_lines = 0;
  pages_.clear();
  std::fill(buckets_.begin(), buckets_.end(), nullptr);
  slabs_.clear();
  by_code_.clear();
  chunk_first_.clear();
  sites_.clear();
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
