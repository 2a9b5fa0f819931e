// SPDX-License-Identifier: Apache-2.0
//
// Guest physical memory: its regions on the host, and the gate that every write to one passes.
#include "engine/guest_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "engine/huge_pages.h"
#include "ir/host_memory.h"

namespace mynah {

namespace {
Error no_memory(uint64_t size, int why) {
  return error("cannot get {} MiB of guest memory: {}; use a smaller -m", size >> 20, std::strerror(why));
}
}  // namespace

GuestMemory::~GuestMemory() {
  for (Region& r : regions_)
    if (r.own) munmap(r.own, r.size);
  if (shared_file_ >= 0) close(shared_file_);
}

Result<void> GuestMemory::add_ram(uint64_t pa, uint64_t size, std::span<const uint64_t> cuts) {
  uint8_t* const host = map_huge(size);
  if (!host) return no_memory(size, errno);
  uint64_t from = pa;
  const auto add_to = [&](uint64_t end) {
    if (end > from && end <= pa + size) add_region(from, end - from, host + (from - pa), false);
    from = std::max(from, std::min(end, pa + size));
  };
  for (const uint64_t cut : cuts) add_to(cut);
  add_to(pa + size);
  return {};
}

Result<void> GuestMemory::add_rom(uint64_t pa, uint64_t size, uint8_t fill) {
  // One piece of `fill`, mapped as often as it takes; pages that are written get copies.
  const std::vector<uint8_t> piece(std::min<uint64_t>(size, 1 << 20), fill);
  const int fd = memfd_create("guest-rom", MFD_CLOEXEC);
  if (fd < 0) return no_memory(size, errno);
  void* host = MAP_FAILED;
  bool done = false;
  if (::write(fd, piece.data(), piece.size()) == static_cast<ssize_t>(piece.size())) {
    host = mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    done = host != MAP_FAILED;
  }
  for (uint64_t at = 0; done && at < size; at += piece.size())
    done = mmap(static_cast<uint8_t*>(host) + at, std::min<uint64_t>(piece.size(), size - at),
                PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE | MAP_FIXED, fd, 0) != MAP_FAILED;
  const int why = errno;
  close(fd);
  if (!done) {
    if (host != MAP_FAILED) munmap(host, size);
    return no_memory(size, why);
  }
  add_region(pa, size, static_cast<uint8_t*>(host), true);
  return {};
}

void GuestMemory::add_region(uint64_t pa, uint64_t size, uint8_t* host, bool rom) {
  Region region{pa, size, host, rom, true, host, !rom, std::vector<PageFlags>(size / kGuestPageSize)};
  const auto at = std::lower_bound(regions_.begin(), regions_.end(), pa,
                                   [](const Region& r, uint64_t a) { return r.pa < a; });
  regions_.insert(at, std::move(region));
  last_ = nullptr;
}

void GuestMemory::set_visible(uint64_t pa, bool visible) {
  if (Region* r = find(pa)) r->visible = visible;
}

void GuestMemory::route(uint64_t pa, uint8_t* reads, bool writable) {
  Region* r = find(pa);
  if (!r) return;
  before_write(*r, r->pa, r->size);
  r->visible = reads != nullptr;
  r->host = reads ? reads : r->own;
  r->rom = !writable;
}

bool GuestMemory::show(uint64_t pa, std::span<uint8_t> memory) {
  if (std::ranges::any_of(regions_,
                          [&](const Region& r) { return r.pa < pa + memory.size() && pa < r.pa + r.size; }))
    return false;
  add_region(pa, memory.size(), memory.data(), true);
  Region* const region = find(pa);
  region->rom = false;
  region->own = nullptr;
  return true;
}

void GuestMemory::remove(uint64_t pa) {
  Region* const region = find(pa);
  if (!region || region->own) return;
  before_write(*region, region->pa, region->size);
  last_ = nullptr;
  regions_.erase(regions_.begin() + (region - regions_.data()));
}

void GuestMemory::put(uint64_t pa, const void* from, size_t n) {
  Region* r = find(pa);
  if (!r || !r->ram || n > r->size - (pa - r->pa)) return;
  before_write(*r, pa, n);
  std::memcpy(r->own + (pa - r->pa), from, n);
}

GuestMemory::Region* GuestMemory::find(uint64_t pa) {
  if (last_ && pa - last_->pa < last_->size) return last_;
  for (Region& r : regions_)
    if (pa - r.pa < r.size) return last_ = &r;
  return nullptr;
}

// The region that goes on where this one ends, in guest memory and on the host.
GuestMemory::Region* GuestMemory::after(const Region& region) {
  Region* next = const_cast<Region*>(&region) + 1;
  const bool goes_on = next != regions_.data() + regions_.size() && next->pa == region.pa + region.size &&
                       next->visible && next->host == region.host + region.size;
  return goes_on ? next : nullptr;
}

uint8_t* GuestMemory::host(uint64_t pa, uint64_t n) {
  Region* r = find(pa);
  if (!r || !r->visible) return nullptr;
  uint8_t* const at = r->host + (pa - r->pa);
  for (uint64_t left = r->size - (pa - r->pa); n > left; left += r->size)
    if (r = after(*r); !r) return nullptr;
  return at;
}

PageFlags* GuestMemory::page(uint64_t pa) {
  Region* r = find(pa);
  return r ? &r->pages[(pa - r->pa) / kGuestPageSize] : nullptr;
}

bool GuestMemory::read(uint64_t pa, void* to, size_t n) {
  const uint8_t* from = host(pa, n);
  if (!from) return false;
  ir::copy_from_ram(to, from, n);
  return true;
}

uint8_t* GuestMemory::for_write(uint64_t pa, size_t n) {
  uint8_t* to = host(pa, n);
  if (!to || last_->rom) return nullptr;
  if (n <= last_->size - (pa - last_->pa)) {
    before_write(*last_, pa, n);
    return to;
  }
  // In several regions, all of which are there.
  const uint64_t end = pa + n;
  Region* last = last_;
  while (last->pa + last->size < end) ++last;
  for (Region* r = last_; r <= last; ++r)
    if (r->rom) return nullptr;
  for (Region* r = last_; r <= last; ++r) {
    const uint64_t from = std::max(pa, r->pa);
    before_write(*r, from, std::min(end, r->pa + r->size) - from);
  }
  return to;
}

bool GuestMemory::discard(uint64_t pa, size_t n) {
  if ((pa | n) % kGuestPageSize != 0) return false;
  uint8_t* const at = for_write(pa, n);
  if (!at || madvise(at, n, MADV_DONTNEED) != 0) return false;
  // Shared memory outlives its mappings.
  for (size_t i = 0; i < n; i += kGuestPageSize)
    if (page(pa + i)->shared && madvise(at + i, kGuestPageSize, MADV_REMOVE) != 0) return false;
  return true;
}

bool GuestMemory::share(uint8_t* page) {
  const auto r = std::ranges::find_if(regions_, [page](const Region& region) {
    return region.ram && page >= region.own && page < region.own + region.size;
  });
  if (r == regions_.end()) return false;
  PageFlags& flags = r->pages[static_cast<uint64_t>(page - r->own) / kGuestPageSize];
  if (flags.shared) return true;
  if (shared_count_ == kMaxShared) return false;
  if (shared_file_ < 0) shared_file_ = memfd_create("guest-ram", MFD_CLOEXEC);
  const auto at = static_cast<off_t>(shared_count_ * kGuestPageSize);
  if (shared_file_ < 0 || pwrite(shared_file_, page, kGuestPageSize, at) != ssize_t{kGuestPageSize} ||
      mmap(page, kGuestPageSize, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, shared_file_, at) ==
          MAP_FAILED)
    return false;
  ++shared_count_;
  return flags.shared = true;
}

bool GuestMemory::write(uint64_t pa, const void* from, size_t n) {
  uint8_t* to = for_write(pa, n);
  if (!to) return false;
  ir::copy_to_ram(to, from, n);
  return true;
}

bool GuestMemory::load64(uint64_t pa, uint64_t& value) {
  const uint8_t* from = pa % 8 == 0 ? host(pa, 8) : nullptr;
  if (!from) return false;
  value = ir::host_load<uint64_t>(from);
  return true;
}

bool GuestMemory::compare_exchange64(uint64_t pa, uint64_t& expected, uint64_t desired) {
  uint8_t* at = pa % 8 == 0 ? for_write(pa, 8) : nullptr;
  return at && ir::host_compare_exchange(at, expected, desired);
}

void GuestMemory::will_change(uint64_t pa, uint64_t n) {
  if (Region* r = find(pa)) before_write(*r, pa, n);
}

void GuestMemory::before_write(Region& region, uint64_t pa, uint64_t n) {
  if (n == 0) return;
  const uint64_t first = (pa - region.pa) / kGuestPageSize, last = (pa - region.pa + n - 1) / kGuestPageSize;
  bool code = false;
  for (uint64_t i = first; i <= last; ++i) {
    region.pages[i].dirty = true;
    code |= region.pages[i].code_lines != 0;
  }
  if (code && on_code_write) on_code_write(pa, n);
}

uint64_t GuestMemory::hash() const {
  // FNV-1a over 64-bit words, a multiply a word: quick enough for gigabytes, order-sensitive.
  uint64_t h = 0xcbf29ce484222325;
  for (const Region& r : regions_) {
    if (!r.own) continue;
    const auto* p = reinterpret_cast<const uint64_t*>(r.own);
    for (uint64_t i = 0; i < r.size / 8; ++i) h = (h ^ p[i]) * 0x100000001b3;
  }
  return h;
}

}  // namespace mynah
