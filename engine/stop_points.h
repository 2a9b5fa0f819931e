// SPDX-License-Identifier: Apache-2.0
//
// A debugger's breakpoints and watchpoints, as the engine serves them: what they do not concern runs at full
// speed. Breakpoints are virtual addresses; blocks of a page that has some end in front of each, and a block
// that begins at one leaves. Watchpoints are ranges of virtual addresses; their pages get no entry in the
// first-level TLB, so that every access there is looked at.
//
// Blocks of a page with breakpoints are keyed by the number of the page's stop set (see number()): the same
// code may be mapped elsewhere without any. A number stands for one page and one set of offsets as long as
// flushes() does not change, so that code made with a breakpoint is found again when it is set again.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace mynah {

class StopPoints {
 public:
  struct Watchpoint {
    uint64_t address = 0, length = 0;  // bytes; without tag bits
    bool on_read = false, on_write = false;
    bool operator==(const Watchpoint&) const = default;
  };

  // Each returns whether that changed anything.
  bool insert_breakpoint(uint64_t address);
  bool remove_breakpoint(uint64_t address);
  bool insert_watchpoint(const Watchpoint& watchpoint);
  bool remove_watchpoint(const Watchpoint& watchpoint);

  bool has_breakpoint(uint64_t address) const { return breakpoints_.contains(address); }
  const std::unordered_set<uint64_t>& breakpoints() const { return breakpoints_; }
  const std::vector<Watchpoint>& watchpoints() const { return watchpoints_; }
  // The watchpoint that an access to [address, address + length) hits, or nullptr.
  const Watchpoint* watched(uint64_t address, uint64_t length, bool read, bool write) const;
  // An access in the page could hit one.
  bool watches_page(uint64_t address) const {
    return !watched_pages_.empty() && watched_pages_.contains(address >> 12);
  }

  // The stop set of the page at `address`, where `more` (sorted addresses, of any page) are to be in it
  // besides the breakpoints: at most kMostNumbers, 0 for the empty one.
  uint32_t number(uint64_t address, std::span<const uint64_t> more);
  std::span<const uint16_t> offsets(uint32_t number) const;  // in the page, ascending
  // Counts how often numbers were given anew: code that is keyed by older ones must go.
  uint64_t flushes() const { return flushes_; }
  static constexpr uint32_t kMostNumbers = 0xffff;

 private:
  using Set = std::pair<uint64_t, std::vector<uint16_t>>;  // page address and offsets
  uint32_t number_of(Set set);

  std::unordered_set<uint64_t> breakpoints_;
  std::unordered_map<uint64_t, std::vector<uint16_t>> pages_;  // by page address: offsets, ascending
  std::unordered_map<uint64_t, uint32_t> numbers_;             // of pages_' sets, where they are known
  std::map<Set, uint32_t> known_;
  std::vector<const Set*> by_number_;
  uint64_t flushes_ = 0;
  std::vector<Watchpoint> watchpoints_;
  std::unordered_set<uint64_t> watched_pages_;  // page numbers
};

}  // namespace mynah
