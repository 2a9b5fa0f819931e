// SPDX-License-Identifier: Apache-2.0
//
// What the fuzz targets of the x86 loaders share: machines of any memory, files that come with a kernel, and
// what holds of every result.
#pragma once

#include <algorithm>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "machines/loader/x86_boot.h"
#include "tests/fuzz/fuzz_input.h"

namespace mynah::fuzz {

inline X86Memory memory(Input& in) {
  X86Memory m;
  m.below_4g = in.u8() % 4 ? (in.u8() + uint64_t{1}) << 24 : in.u16() * (uint64_t{1} << in.u8() % 17);
  if (in.u8() % 4 == 0) m.above_4g = in.number(in.u8() % 9);
  for (unsigned n = in.u8() % 8; n < 3; ++n) {
    const uint64_t begin = in.number(in.u8() % 9);
    m.reserved.push_back({{begin, begin + in.u32()}, static_cast<E820Type>(in.u8() % 5 + 1)});
  }
  return m;
}

// Modules are views of these, which are shared by all inputs: their contents do not matter.
inline X86Module module(Input& in) {
  static const std::vector<uint8_t> kBytes(1 << 22);
  const size_t size = in.number(3) % (kBytes.size() + 1);
  return {std::span(kBytes).first(in.u8() % 4 ? size % 10000 : size), std::string(in.u8() % 16, 'm')};
}

inline void check(const X86Boot& boot, const X86Memory& memory) {
  const std::vector<E820Range> table = e820_table(memory);
  for (size_t i = 0; i < table.size(); ++i) {
    require(table[i].span.begin < table[i].span.end);
    require(i == 0 || table[i - 1].span.end <= table[i].span.begin);
  }
  const std::vector<AddressSpan> ram = usable_ram(table);
  require(static_cast<bool>(boot.memory.check(ram)));
  for (const LoadPiece& p : boot.memory.pieces()) {
    require(p.bytes.size() <= p.size);
    // Reads all that would be written.
    uint64_t sum = 0;
    for (size_t i = 0; i < p.bytes.size(); i += 4096) sum += p.bytes[i];
    require(sum <= 255 * (p.bytes.size() / 4096 + 1));
  }
  const X86BootState& s = boot.state;
  require(s.entry < kFourGiB && s.gdt_limit == 47);
  require((s.mode == X86BootState::Mode::kLong) == (s.cr3 != 0));
  const auto holds = [&](const LoadPiece& p) { return p.at <= s.entry && s.entry < p.at + p.size; };
  require(std::any_of(boot.memory.pieces().begin(), boot.memory.pieces().end(), holds));
}

}  // namespace mynah::fuzz
