// SPDX-License-Identifier: Apache-2.0
//
// Guest physical memory: RAM and ROM regions at fixed addresses, with facts a 4 KiB page: it holds translated
// code (a 64-bit map of its 64-byte lines), it may have been written since the flag was last cleared, and it
// can be mapped once more. RAM is anonymous memory, which the host gives huge pages where it may: first
// touches and misses of the host's TLB cost a fraction then. Everything that writes RAM goes through the soft
// TLB's write entries (never given for code pages) or through write() and for_write(), which tell the code
// cache first.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "ir/result.h"

namespace mynah {

constexpr uint64_t kGuestPageSize = 4096;

// One page's share of the translation bookkeeping.
struct PageFlags {
  uint64_t code_lines = 0;  // bit i: line i of 64 bytes holds translated code
  // Write TLB entries that may name this page: none, the one of a context and index, those of two indexes in
  // any context, or any.
  enum class Writers : uint8_t { kNone, kOne, kTwo, kMany } writers = Writers::kNone;
  bool dirty = false;
  bool shared = false;  // GuestMemory::share
  uint16_t writer_context = 0;
  std::array<uint16_t, 2> writer_index{};

  void note_writer(uint16_t context, uint16_t index) {
    switch (writers) {
      case Writers::kNone:
        writers = Writers::kOne;
        writer_context = context;
        writer_index = {index, index};
        break;
      case Writers::kOne:
        if (writer_context == context && writer_index[0] == index) break;
        writers = Writers::kTwo;
        writer_index[1] = index;
        break;
      case Writers::kTwo:
        if (writer_index[0] == index || writer_index[1] == index) break;
        if (writer_index[0] != writer_index[1]) writers = Writers::kMany;
        writer_index[1] = index;
        break;
      case Writers::kMany:
        break;
    }
  }
};

class GuestMemory {
 public:
  GuestMemory() = default;
  GuestMemory(const GuestMemory&) = delete;
  GuestMemory& operator=(const GuestMemory&) = delete;
  ~GuestMemory();

  // Adds size bytes (a multiple of the page size) of zeroed RAM at pa, or says why the host cannot give it.
  // `cuts`: addresses in it, in order, at which another region begins; the host has all of it in one piece.
  Result<void> add_ram(uint64_t pa, uint64_t size, std::span<const uint64_t> cuts = {});
  // The same, which the guest cannot write, with all bytes `fill`. The board writes it through host(), and
  // the host needs memory for those pages only.
  Result<void> add_rom(uint64_t pa, uint64_t size, uint8_t fill);
  // Shows or hides a region (flash in command mode is a device, not memory). The caller flushes TLBs.
  void set_visible(uint64_t pa, bool visible);
  // What a region of RAM is to reads (null: nothing that is memory, so a device), and whether writes go
  // there, too. Translated code of what was there is dropped; the caller flushes TLBs. `reads` has as many
  // bytes.
  void route(uint64_t pa, uint8_t* reads, bool writable);
  // A device's memory, whole pages, is a region until remove(). It is not RAM: whoever has it clears and
  // saves it. False: some of the place is taken. The caller flushes TLBs behind remove().
  bool show(uint64_t pa, std::span<uint8_t> memory);
  void remove(uint64_t pa);

  struct Region {
    uint64_t pa, size;
    uint8_t* host;  // what is seen
    bool rom;
    bool visible;
    uint8_t* own;  // its memory, whatever is seen; null: a device's
    bool ram;      // own is RAM
    std::vector<PageFlags> pages;
  };
  const std::vector<Region>& regions() const { return regions_; }

  // Region that holds pa, or nullptr.
  Region* find(uint64_t pa);
  // Host address of [pa, pa + n) when that is visible and in one piece on the host, else nullptr. Says
  // nothing of writes.
  uint8_t* host(uint64_t pa, uint64_t n);
  PageFlags* page(uint64_t pa);

  // For device models and loaders; writes invalidate translated code through on_code_write. False: not all
  // of it is visible memory that may be so used, and nothing happened. Aligned words in it are moved whole
  // (ir/host_memory.h).
  bool read(uint64_t pa, void* to, size_t n);
  bool write(uint64_t pa, const void* from, size_t n);
  uint8_t* for_write(uint64_t pa, size_t n);
  // Whole pages of RAM become zero, and the host has them back.
  bool discard(uint64_t pa, size_t n);
  // Makes the page of RAM at this host address one that mremap(2) can map once more: it moves to shared
  // memory, at the same address and with what it holds. Nobody may access it meanwhile. False: it is no page
  // of RAM, or there are kMaxShared.
  bool share(uint8_t* page);
  static constexpr uint32_t kMaxShared = 4096;  // each may cost the host two mappings more
  // For table walks: aligned words, read and changed atomically. False with `expected` as it was: there is no
  // memory at pa, or none to write; with another: that is the word's value.
  bool load64(uint64_t pa, uint64_t& value);
  bool compare_exchange64(uint64_t pa, uint64_t& expected, uint64_t desired);
  // For whoever writes ROM through host() while the guest runs.
  void will_change(uint64_t pa, uint64_t n);
  // Into RAM, whatever is seen there. Within one region.
  void put(uint64_t pa, const void* from, size_t n);

  // Called before bytes of a page with translated code change.
  std::function<void(uint64_t pa, uint64_t n)> on_code_write;
  uint64_t hash() const;  // of all RAM contents, for comparing runs

 private:
  void add_region(uint64_t pa, uint64_t size, uint8_t* host, bool rom);
  Region* after(const Region& region);
  void before_write(Region& region, uint64_t pa, uint64_t n);
  std::vector<Region> regions_;
  Region* last_ = nullptr;
  int shared_file_ = -1;
  uint32_t shared_count_ = 0;
};

}  // namespace mynah
