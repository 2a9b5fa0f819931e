// SPDX-License-Identifier: Apache-2.0
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
constexpr size_t kRegionReserve = 64 << 10;  // no region's code is larger
constexpr size_t kSlab = 4096;
constexpr size_t kSmallestCache = 4 * kRegionReserve;
constexpr unsigned kDeadVersions =
    8;  // of one block that are kept for revival; code that keeps changing has no end of them
constexpr size_t kChunk = 512;
}  // namespace

uint64_t content_hash(std::span<const uint8_t> bytes) {
  uint64_t h = 0xcbf29ce484222325 ^ bytes.size();
  size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    uint64_t w;
    std::memcpy(&w, bytes.data() + i, 8);
    h = (h ^ w) * 0x9e3779b97f4a7c15;
    h ^= h >> 29;
  }
  for (; i < bytes.size(); ++i) h = (h ^ bytes[i]) * 0x100000001b3;
  return h;
}

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
  used_ = first_block_ = (thunks_.size + 63) & ~size_t{63};
  return {};
}

TranslatedBlock* CodeCache::find(uint64_t pa, uint64_t mode) {
  for (TranslatedBlock* b = buckets_[bucket(pa, mode)]; b; b = b->next_in_bucket)
    if (b->pa == pa && b->mode == mode && b->live) return b;
  return nullptr;
}

ir::CodeSpan CodeCache::reserve() {
  if (size_ - used_ < kRegionReserve) return {nullptr, nullptr, 0};
  return {write_ + used_, execute_ + used_, kRegionReserve};
}

TranslatedBlock* CodeCache::commit(uint64_t pa, uint64_t mode, const ir::Region& region,
                                   const ir::CompiledCode& code) {
  if (slabs_.empty() || slab_used_ == kSlab) {
    slabs_.push_back(std::make_unique<TranslatedBlock[]>(kSlab));
    slab_used_ = 0;
  }
  TranslatedBlock* b = &slabs_.back()[slab_used_++];
  b->pa = pa;
  b->mode = mode;
  b->code = static_cast<uint32_t>(used_);
  b->code_size = code.size;
  b->sites = static_cast<uint32_t>(sites_.size());
  b->guest_insts = static_cast<uint16_t>(region.guest_insts);
  b->guest_bytes = static_cast<uint16_t>(region.guest_bytes);
  if (const uint8_t* bytes = memory_.host(pa, b->guest_bytes))
    b->content_hash = content_hash({bytes, b->guest_bytes});
  encode_sites(code, sites_);
  stats.metadata_bytes = sites_.size();
  used_ += (code.size + 15) & ~size_t{15};
  const size_t at = bucket(pa, mode);
  b->next_in_bucket = buckets_[at];
  buckets_[at] = b;
  b->live = true;
  unsigned dead = 0;
  for (TranslatedBlock** link = &b->next_in_bucket; *link;) {
    TranslatedBlock& old = **link;
    if (old.pa == pa && old.mode == mode && !old.live && ++dead > kDeadVersions) {
      *link = old.next_in_bucket;
    } else {
      link = &old.next_in_bucket;
    }
  }
  if (dead) ++stats.remade;
  while (chunk_first_.size() * kChunk < used_)
    chunk_first_.push_back(static_cast<uint32_t>(
        chunk_first_.size() * kChunk < b->code && !by_code_.empty() ? by_code_.size() - 1 : by_code_.size()));
  by_code_.push_back(b);
  forward_dead(*b);
  pages_[pa / kGuestPageSize].push_back(b);
  mark_lines(*b);
  ++stats.blocks_made;
  stats.guest_bytes += b->guest_bytes;
  stats.host_bytes += b->code_size;
  return b;
}

void CodeCache::mark_lines(const TranslatedBlock& b) {
  PageFlags* page = memory_.page(b.pa);
  if (!page) return;
  const unsigned first = (b.pa & 0xfff) >> 6, last = ((b.pa & 0xfff) + b.guest_bytes - 1) >> 6;
  for (unsigned i = first; i <= last && i < 64; ++i) page->code_lines |= uint64_t{1} << i;
}

TranslatedBlock* CodeCache::revive(uint64_t pa, uint64_t mode, std::span<const uint8_t> page_rest) {
  for (TranslatedBlock* b = buckets_[bucket(pa, mode)]; b; b = b->next_in_bucket) {
    if (b->pa != pa || b->mode != mode || b->live || b->guest_bytes > page_rest.size()) continue;
    if (content_hash(page_rest.first(b->guest_bytes)) != b->content_hash) continue;
    std::memcpy(write_ + b->code, b->killed_bytes, sizeof b->killed_bytes);
    b->live = true;
    pages_[pa / kGuestPageSize].push_back(b);
    mark_lines(*b);
    forward_dead(*b);
    ++stats.revived;
    return b;
  }
  return nullptr;
}

void CodeCache::kill(TranslatedBlock& b) {
  std::memcpy(b.killed_bytes, write_ + b.code, sizeof b.killed_bytes);
  backend_->kill(span(b));
  b.live = false;
}

// Whoever still jumps to an older translation of the same code comes here without a way through the engine.
void CodeCache::forward_dead(const TranslatedBlock& live) {
  for (TranslatedBlock* b = buckets_[bucket(live.pa, live.mode)]; b; b = b->next_in_bucket)
    if (!b->live && b->pa == live.pa && b->mode == live.mode) backend_->link(span(*b), 5, entry(live));
}

bool CodeCache::invalidate(uint64_t pa, uint64_t n, bool by_device) {
  bool any = false;
  const uint64_t end = pa + n;
  for (uint64_t page = pa / kGuestPageSize; page <= (end - 1) / kGuestPageSize; ++page) {
    const auto it = pages_.find(page);
    if (it == pages_.end()) continue;
    auto& list = it->second;
    std::erase_if(list, [&](TranslatedBlock* b) {
      if (b->pa >= end || b->pa + b->guest_bytes <= pa) return false;
      kill(*b);
      ++(by_device ? stats.killed_by_device : stats.killed_by_store);
      return any = true;
    });
    if (PageFlags* flags = memory_.page(page * kGuestPageSize)) {
      flags->code_lines = 0;
      for (const TranslatedBlock* b : list) mark_lines(*b);
    }
    if (list.empty()) pages_.erase(it);
  }
  return any;
}

void CodeCache::flush() {
  for (const auto& [page, list] : pages_)
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
