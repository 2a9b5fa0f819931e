// SPDX-License-Identifier: Apache-2.0
//
// Compressed files and EFI zboot images: any bytes, and files that were right before some were changed. No
// more comes out than is allowed.
#include <cstring>

#include "machines/loader/compression.h"
#include "machines/loader/zboot.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/machines/packing.h"

using namespace mynah;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input in(data, size);
  const uint8_t shape = in.u8();
  const uint64_t limit = in.u16() + 1;
  const unsigned changes = in.u8() % 4;
  std::vector<std::pair<uint16_t, uint8_t>> changed;
  for (unsigned i = 0; i < changes; ++i) changed.emplace_back(in.u16(), in.u8());
  std::vector<uint8_t> plain(in.u8(), 7);
  while (!in.empty()) plain.push_back(in.u8());

  const packing::Packer& packer = packing::kPackers[shape & 3];
  std::vector<uint8_t> file = shape & 4 ? plain : packer.pack(plain);
  if (shape & 8) file = packing::zboot(file, packer.in_zboot);
  for (const auto& [at, byte] : changed)
    if (!file.empty()) file[at % file.size()] ^= byte;
  if (shape & 16) file.resize(limit % (file.size() + 1));

  std::vector<uint8_t> opened = file;
  const bool good = unpack_kernel(opened, limit).ok();
  fuzz::require(!good || opened == file || opened.size() <= limit);
  if (changes == 0 && !(shape & (4 | 16))) fuzz::require(good ? opened == plain : plain.size() > limit);
  for (const Compression c : {Compression::kGzip, Compression::kXz, Compression::kLzma, Compression::kZstd})
    if (const auto out = uncompress(file, c, limit)) fuzz::require(out->size() <= limit);
  return 0;
}
