// SPDX-License-Identifier: Apache-2.0
//
// Breakpoints and watchpoints by the page they are in, and what translated code of such a page depends on.
#include "engine/stop_points.h"

#include <algorithm>

namespace mynah {

namespace {
constexpr uint64_t kOffsetMask = 0xfff;
uint64_t page_of(uint64_t address) { return address & ~kOffsetMask; }
uint16_t offset_of(uint64_t address) { return static_cast<uint16_t>(address & kOffsetMask); }
}  // namespace

bool StopPoints::insert_breakpoint(uint64_t address) {
  if (!breakpoints_.insert(address).second) return false;
  std::vector<uint16_t>& offsets = pages_[page_of(address)];
  offsets.insert(std::ranges::lower_bound(offsets, offset_of(address)), offset_of(address));
  numbers_.erase(page_of(address));
  return true;
}

bool StopPoints::remove_breakpoint(uint64_t address) {
  if (!breakpoints_.erase(address)) return false;
  const auto at = pages_.find(page_of(address));
  std::erase(at->second, offset_of(address));
  if (at->second.empty()) pages_.erase(at);
  numbers_.erase(page_of(address));
  return true;
}

bool StopPoints::insert_watchpoint(const Watchpoint& watchpoint) {
  if (std::ranges::find(watchpoints_, watchpoint) != watchpoints_.end()) return false;
  watchpoints_.push_back(watchpoint);
  const uint64_t first = watchpoint.address >> 12;
  const uint64_t last = (watchpoint.address + (watchpoint.length - 1)) >> 12;
  for (uint64_t page = first; page <= last; ++page) watched_pages_.insert(page);
  return true;
}

bool StopPoints::remove_watchpoint(const Watchpoint& watchpoint) {
  if (!std::erase(watchpoints_, watchpoint)) return false;
  const std::vector<Watchpoint> rest = std::exchange(watchpoints_, {});
  watched_pages_.clear();
  for (const Watchpoint& w : rest) insert_watchpoint(w);
  return true;
}

const StopPoints::Watchpoint* StopPoints::watched(uint64_t address, uint64_t length, bool read,
                                                  bool write) const {
  for (const Watchpoint& w : watchpoints_) {
    // Neither range wraps around: distances tell.
    const bool overlap = address - w.address < w.length || w.address - address < length;
    if (overlap && ((read && w.on_read) || (write && w.on_write))) return &w;
  }
  return nullptr;
}

uint32_t StopPoints::number(uint64_t address, std::span<const uint64_t> more) {
  const uint64_t page = page_of(address);
  const auto of_page = [&](uint64_t a) { return page_of(a) == page; };
  const auto at = pages_.find(page);
  if (std::ranges::none_of(more, of_page)) {
    if (at == pages_.end()) return 0;
    const auto [known, is_new] = numbers_.try_emplace(page, 0);
    if (is_new) {
      const uint32_t number = number_of({page, at->second});
      numbers_[page] = number;  // number_of() may have forgotten them all
      return number;
    }
    return known->second;
  }
  Set set{page, at == pages_.end() ? std::vector<uint16_t>{} : at->second};
  for (const uint64_t a : more)
    if (of_page(a)) set.second.push_back(offset_of(a));
  std::ranges::sort(set.second);
  set.second.erase(std::unique(set.second.begin(), set.second.end()), set.second.end());
  return number_of(std::move(set));
}

uint32_t StopPoints::number_of(Set set) {
  if (const auto found = known_.find(set); found != known_.end()) return found->second;
  if (known_.size() == kMostNumbers) {
    known_.clear();
    numbers_.clear();
    by_number_.clear();
    ++flushes_;
  }
  const auto at = known_.emplace(std::move(set), static_cast<uint32_t>(known_.size() + 1)).first;
  by_number_.push_back(&at->first);
  return at->second;
}

std::span<const uint16_t> StopPoints::offsets(uint32_t number) const {
  return number ? std::span<const uint16_t>(by_number_[number - 1]->second) : std::span<const uint16_t>{};
}

}  // namespace mynah
