// SPDX-License-Identifier: Apache-2.0
//
// A PC's UEFI has one section that is compressed with LZMA, and in it a volume of first drivers, which comes
// in front. Files of a volume begin with their name, a GUID.
#include "machines/loader/uefi_volume.h"

#include <lzma.h>

#include <algorithm>
#include <array>
#include <vector>

#include "machines/loader/bytes.h"

namespace mynah {

namespace {

using Guid = std::array<uint8_t, 16>;
// ee4e5898-3914-4259-9d6e-dc7bd79403cf: a section of LZMA.
constexpr Guid kLzmaSection = {0x98, 0x58, 0x4e, 0xee, 0x14, 0x39, 0x59, 0x42,
                               0x9d, 0x6e, 0xdc, 0x7b, 0xd7, 0x94, 0x03, 0xcf};
// 6c0e75b4-b0b9-44d1-8210-3377d7b4e066: the driver that opens that memory.
constexpr Guid kMemoryDriver = {0xb4, 0x75, 0x0e, 0x6c, 0xb9, 0xb0, 0xd1, 0x44,
                                0x82, 0x10, 0x33, 0x77, 0xd7, 0xb4, 0xe0, 0x66};
constexpr size_t kFirstDrivers = 1 << 20;  // bytes, in which they lie
constexpr unsigned kSections = 8;          // that are looked at

std::vector<uint8_t> begin_of_section(std::span<const uint8_t> packed) {
  constexpr uint64_t kMostMemory = 64 << 20;
  lzma_stream z = LZMA_STREAM_INIT;
  if (lzma_alone_decoder(&z, kMostMemory) != LZMA_OK) return {};
  std::vector<uint8_t> out(kFirstDrivers);
  z.next_in = packed.data();
  z.avail_in = packed.size();
  z.next_out = out.data();
  z.avail_out = out.size();
  while (z.avail_out != 0 && lzma_code(&z, LZMA_RUN) == LZMA_OK && z.avail_in != 0) {
  }
  out.resize(out.size() - z.avail_out);
  lzma_end(&z);
  return out;
}

bool has(std::span<const uint8_t> bytes, const Guid& guid) {
  return std::search(bytes.begin(), bytes.end(), guid.begin(), guid.end()) != bytes.end();
}

}  // namespace

bool needs_management_mode(std::span<const uint8_t> firmware) {
  auto at = firmware.begin();
  for (unsigned n = 0; n < kSections; ++n) {
    at = std::search(at, firmware.end(), kLzmaSection.begin(), kLzmaSection.end());
    if (at == firmware.end()) return false;
    // Behind the GUID the section says where in it the data begin; its header has four bytes before.
    constexpr size_t kHeader = 4;
    const auto guid = static_cast<size_t>(at - firmware.begin());
    const size_t begin = guid + load_field<uint16_t>(firmware, guid + kLzmaSection.size());
    if (begin >= kHeader && begin - kHeader < firmware.size() &&
        has(begin_of_section(firmware.subspan(begin - kHeader)), kMemoryDriver))
      return true;
    at += kLzmaSection.size();
  }
  return false;
}

}  // namespace mynah
