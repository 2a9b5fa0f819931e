// SPDX-License-Identifier: Apache-2.0
//
// Trees of any names and sizes as FAT file systems: no crash, and every cluster belongs to one file.
#include "devices/host/image/fat_layout.h"

#include "tests/fuzz/fuzz_input.h"

using namespace mynah;

namespace {

std::vector<host::FatEntry> make_tree(fuzz::Input& in, unsigned depth, unsigned& left) {
  std::vector<host::FatEntry> entries;
  for (unsigned n = in.u8() % 12; n && left && !in.empty(); --n, --left) {
    host::FatEntry entry;
    for (unsigned i = in.u8() % 40; i; --i) entry.name += static_cast<char>(in.u8());
    entry.folder = depth < 6 && in.u8() % 3 == 0;
    entry.bytes = entry.folder ? 0 : in.u8() & 1 ? in.u64() : in.u16();
    entry.modified = static_cast<int64_t>(in.u64() >> 28);
    if (entry.folder) entry.inside = make_tree(in, depth + 1, left);
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input in(data, size);
  const host::FatGeometry& geometry = in.u8() & 1 ? host::kFatDisk : host::kFatFloppy;
  unsigned left = 200;
  const auto tree = make_tree(in, 0, left);
  const auto layout = host::FatLayout::make(geometry, tree);
  if (!layout) return 0;
  fuzz::require(layout->head().size() == (geometry.hidden + uint64_t{geometry.first_data()}) * 512);
  for (unsigned n = 0; n < 64; ++n) {
    const uint32_t cluster = in.u16();
    const auto* file = layout->file_at(cluster);
    if (file) fuzz::require(cluster >= file->first && cluster - file->first < file->clusters);
  }
  return 0;
}
