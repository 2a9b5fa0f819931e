// SPDX-License-Identifier: Apache-2.0
//
// Header of a zboot image: "MZ" at 0, "zimg" at 4, the payload's offset and size at 8 and 12, and at 24 the
// name of the kernel's make rule for the compression ("gzip", "xzkern", "zstd22"). What the payload is
// compressed with, it says itself; the name is for those that are not known here.
#include "machines/loader/zboot.h"

#include <span>
#include <string>

#include "machines/loader/bytes.h"
#include "machines/loader/compression.h"

namespace mynah {
namespace {

constexpr uint64_t kOffset = 8, kSize = 12, kCompression = 24, kCompressionSize = 32;

std::string payload_name(std::span<const uint8_t> image) {
  std::string name;
  for (uint64_t i = 0; i < kCompressionSize; ++i) {
    const char c = load_field<char>(image, kCompression + i);
    if (c < 0x20 || c > 0x7e) break;
    name += c;
  }
  return name.empty() ? "nothing that has a name" : name;
}

Error about_kernel(const Error& e) { return error("the kernel file {}", e.message); }

}  // namespace

Result<void> unpack_kernel(std::vector<uint8_t>& kernel, uint64_t limit) {
  std::span<const uint8_t> packed = kernel;
  const bool zboot = has_text(packed, 0, "MZ") && has_text(packed, 4, "zimg");
  if (zboot) {
    const uint64_t at = load_field<uint32_t>(packed, kOffset), n = load_field<uint32_t>(packed, kSize);
    if (at > packed.size() || n > packed.size() - at)
      return Error{"the kernel file is an EFI zboot image that is cut short; get it again"};
    packed = packed.subspan(at, n);
  }
  const Compression compression = compression_of(packed);
  if (!can_uncompress(compression)) {
    if (!zboot) return {};
    return error(
        "the kernel file is an EFI zboot image compressed with {}, which is not known here (gzip, xz, lzma "
        "and "
        "zstd are); give -kernel the Image in it",
        payload_name(kernel));
  }
  auto plain = uncompress(packed, compression, limit);
  if (!plain) return about_kernel(plain.error());
  kernel = std::move(*plain);
  return {};
}

}  // namespace mynah
