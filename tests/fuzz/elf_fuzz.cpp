// SPDX-License-Identifier: Apache-2.0
//
// ELF files of any bytes, and of a header that is right with any table: what is accepted lies inside of the
// file, and as a kernel inside of memory.
#include <cstring>

#include "machines/arm_boot.h"
#include "machines/loader/load_requests.h"
#include "tests/fuzz/fuzz_input.h"

using namespace mynah;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input in(data, size);
  const uint8_t shape = in.u8();
  std::vector<uint8_t> file;
  const auto put = [&](size_t at, uint64_t value, unsigned n) {
    if (file.size() < at + n) file.resize(at + n);
    std::memcpy(&file[at], &value, n);
  };
  if (shape & 1) {  // a table of entries near what could be
    const unsigned count = in.u8() % 6;
    put(0, 0x00010102464c457f, 8);
    put(16, 2 + (in.u8() & 1), 2);
    put(18, 183, 2);
    put(24, in.u64(), 8);
    put(32, in.u8() % 8 ? 64 : in.u64(), 8);
    put(54, 56, 2);
    put(56, count, 2);
    for (unsigned i = 0; i < count; ++i) {
      const size_t at = 64 + 56 * i;
      put(at, in.u8() % 4 ? 1 : in.u8(), 4);
      put(at + 4, in.u8(), 4);
      put(at + 8, in.u8() % 8 ? in.u16() % 512 : in.u64(), 8);
      put(at + 16, in.u64(), 8);
      put(at + 24, in.u8() % 4 ? 0x40000000 + in.u16() : in.u64(), 8);
      put(at + 32, in.u8() % 8 ? in.u8() : in.u64(), 8);
      put(at + 40, in.u8() % 4 ? in.u16() : in.u64(), 8);
    }
  }
  while (!in.empty()) file.push_back(in.u8());
  for (const ElfTarget& target : {kArm64Elf, ElfTarget{3, false, "i386"}}) {
    const auto read = read_elf(file, target);
    if (!read) continue;
    for (const ElfSegment& s : read->segments) {
      fuzz::require(s.size != 0 && s.size >= s.bytes.size() && s.headers <= s.bytes.size());
      fuzz::require(s.bytes.empty() || (s.bytes.data() >= file.data() &&
                                        s.bytes.data() + s.bytes.size() <= file.data() + file.size()));
    }
  }
  constexpr AddressSpan kRam{0x40000000, 0x40000000 + (1 << 20)};
  const auto inside = [&](const LoadList& list) {
    const AddressSpan all = list.extent();
    fuzz::require(list.pieces().empty() || (all.begin >= kRam.begin && all.end <= kRam.end));
    const AddressSpan gap = list.largest_gap(kRam);
    fuzz::require(gap.begin >= kRam.begin && gap.end <= kRam.end && gap.begin <= gap.end);
  };
  if (is_elf(file))
    if (const auto placed = place_arm_kernel(file, kRam, 0)) inside(placed->kernel);
  const std::vector<LoadRequest> requests{
      {.file = "f", .bytes = file, .raw = (shape & 2) != 0, .address = 0x40000000}};
  LoadList list;
  LoadRequests loads;
  if (loads.place(requests, kArm64Elf, 1, kRam, list) && list.check(kRam)) inside(list);
  return 0;
}
