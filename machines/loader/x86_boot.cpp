// SPDX-License-Identifier: Apache-2.0
//
// E820 by sweeping over the edges of all ranges: between two of them one type holds, the most restrictive of
// those that claim it.
#include "machines/loader/x86_boot.h"

#include <algorithm>
#include <cstring>

namespace mynah {
namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kLowMemory = 0xa0000, kBiosRom = 0xf0000;

// What claims more goes over what claims less.
unsigned rank(E820Type type) {
  switch (type) {
    case E820Type::kRam:
      return 0;
    case E820Type::kAcpi:
      return 1;
    case E820Type::kNvs:
      return 2;
    case E820Type::kReserved:
      return 3;
    case E820Type::kUnusable:
      return 4;
  }
  return 4;
}

// Type in bits 0 to 3, S, DPL, P; then AVL, L, D/B, G in 12 to 15 of the segment's attributes.
constexpr uint16_t kCode32 = 0xc09b, kCode64 = 0xa09b, kData = 0xc093, kBusyTss = 0x008b;

X86BootSegment flat(uint16_t selector, uint16_t attributes) { return {selector, 0, 0xffffffff, attributes}; }

// Intel SDM volume 3, figure 3-8.
uint64_t descriptor(const X86BootSegment& s) {
  const uint64_t limit = s.attributes & 0x8000 ? s.limit >> 12 : s.limit;
  return (limit & 0xffff) | (s.base & 0xffffff) << 16 | uint64_t{s.attributes & 0xffu} << 40 |
         (limit >> 16 & 0xf) << 48 | uint64_t{s.attributes} >> 12 << 52 | (s.base >> 24 & 0xff) << 56;
}

std::vector<uint8_t> bytes_of(std::span<const uint64_t> words) {
  std::vector<uint8_t> bytes(words.size_bytes());
  std::memcpy(bytes.data(), words.data(), bytes.size());
  return bytes;
}

}  // namespace

std::vector<E820Range> e820_table(const X86Memory& memory) {
  std::vector<E820Range> ranges;
  const auto add = [&](uint64_t begin, uint64_t end, E820Type type) {
    if (begin < end) ranges.push_back({{begin, end}, type});
  };
  add(0, std::min(memory.below_4g, kLowMemory), E820Type::kRam);
  add(kX86LowMemoryEnd, kLowMemory, E820Type::kReserved);
  add(kBiosRom, kMiB, E820Type::kReserved);
  add(kMiB, std::min(memory.below_4g, kFourGiB), E820Type::kRam);
  add(kFourGiB, kFourGiB + std::min(memory.above_4g, ~kFourGiB), E820Type::kRam);
  for (const E820Range& r : memory.reserved) add(r.span.begin, r.span.end, r.type);

  std::vector<uint64_t> edges;
  for (const E820Range& r : ranges) edges.insert(edges.end(), {r.span.begin, r.span.end});
  std::sort(edges.begin(), edges.end());
  edges.erase(std::unique(edges.begin(), edges.end()), edges.end());

  std::vector<E820Range> table;
  for (size_t i = 0; i + 1 < edges.size(); ++i) {
    const E820Range* over = nullptr;
    for (const E820Range& r : ranges)
      if (r.span.begin <= edges[i] && edges[i] < r.span.end && (!over || rank(r.type) > rank(over->type)))
        over = &r;
    if (!over) continue;
    if (!table.empty() && table.back().type == over->type && table.back().span.end == edges[i])
      table.back().span.end = edges[i + 1];
    else
      table.push_back({{edges[i], edges[i + 1]}, over->type});
  }
  return table;
}

std::vector<AddressSpan> usable_ram(std::span<const E820Range> table) {
  std::vector<AddressSpan> ram;
  for (const E820Range& r : table)
    if (r.type == E820Type::kRam) ram.push_back(r.span);
  return ram;
}

std::vector<AddressSpan> without(std::span<const AddressSpan> spans, const AddressSpan& hole) {
  std::vector<AddressSpan> rest;
  for (const AddressSpan& s : spans) {
    if (s.begin < hole.begin) rest.push_back({s.begin, std::min(s.end, hole.begin)});
    if (hole.end < s.end) rest.push_back({std::max(s.begin, hole.end), s.end});
  }
  return rest;
}

void X86Boot::add(std::string name, uint64_t at, std::vector<uint8_t> bytes) {
  made.push_back(std::move(bytes));
  memory.add(std::move(name), at, made.back());
}

void add_boot_segments(X86Boot& boot, X86BootState::Mode mode, uint64_t gdt) {
  X86BootState& s = boot.state;
  s.mode = mode;
  s.cs = flat(kX86BootCs, mode == X86BootState::Mode::kLong ? kCode64 : kCode32);
  s.data = flat(kX86BootDs, kData);
  s.tr = {kX86BootTr, 0, 0x67, kBusyTss};
  // The task's descriptor has two words in long mode.
  const uint64_t table[] = {0, 0, descriptor(s.cs), descriptor(s.data), descriptor(s.tr), 0};
  s.gdt_base = gdt;
  s.gdt_limit = sizeof table - 1;
  boot.add("the segment table", gdt, bytes_of(table));
}

// Intel SDM volume 3, section 4.5: one entry, four entries, four tables of 512 pages of 2 MiB.
void add_identity_map(X86Boot& boot, uint64_t at) {
  constexpr uint64_t kPresentWritable = 3, kLarge = 0x80, kPage = 4096, kEntries = 512;
  std::vector<uint64_t> words(6 * kEntries);
  words[0] = (at + kPage) | kPresentWritable;
  for (uint64_t i = 0; i < 4; ++i) words[kEntries + i] = (at + (2 + i) * kPage) | kPresentWritable;
  for (uint64_t i = 0; i < 4 * kEntries; ++i) words[2 * kEntries + i] = i << 21 | kLarge | kPresentWritable;
  boot.state.cr3 = at;
  boot.add("the page tables", at, bytes_of(words));
}

}  // namespace mynah
