// SPDX-License-Identifier: Apache-2.0
//
// An Image with an EFI stub has a PE header, too, whose sections say how long the file should be. Input is
// untrusted: every field is checked against what there is.
#include "machines/arm_image.h"

#include <algorithm>

#include "machines/loader/bytes.h"
#include "machines/loader/compression.h"

namespace mynah {
namespace {

using namespace std::literals;

constexpr uint64_t kTextOffset = 8, kImageSize = 16, kMagic = 56, kHeaderSize = 64;
constexpr uint64_t kOldTextOffset = 0x80000;  // of kernels before 3.17, whose header says no size

// Bytes that the sections of the PE header in an Image with an EFI stub take; 0 when there is none.
uint64_t pe_file_size(std::span<const uint8_t> image) {
  if (!has_text(image, 0, "MZ")) return 0;
  const uint64_t pe = load_field<uint32_t>(image, 0x3c);
  if (!has_text(image, pe, "PE\0\0"sv)) return 0;
  const unsigned sections = load_field<uint16_t>(image, pe + 6);
  const uint64_t table = pe + 24 + load_field<uint16_t>(image, pe + 20);
  uint64_t size = 0;
  for (unsigned i = 0; i < sections && i < 96; ++i) {
    const uint64_t at = table + 40 * i;
    size = std::max<uint64_t>(
        size, uint64_t{load_field<uint32_t>(image, at + 20)} + load_field<uint32_t>(image, at + 16));
  }
  return size;
}

}  // namespace

Result<std::optional<Arm64Image>> read_arm64_image(std::span<const uint8_t> file) {
  if (file.size() < kHeaderSize || !has_text(file, kMagic, "ARM\x64")) return std::optional<Arm64Image>();
  if (pe_file_size(file) > file.size())
    return error("the kernel file is cut short: it has {} bytes of {}; get it again", file.size(),
                 pe_file_size(file));
  Arm64Image image{load_field<uint64_t>(file, kTextOffset), load_field<uint64_t>(file, kImageSize)};
  if (image.size == 0) image.text_offset = kOldTextOffset;
  if (image.text_offset % 4 != 0)
    return Error{"the kernel image has a load offset that no code can have; it is corrupt"};
  image.size = std::max<uint64_t>(image.size, file.size());
  return std::optional(image);
}

std::string foreign_kernel(std::span<const uint8_t> file) {
  constexpr std::string_view kGive = "; give -kernel an arm64 Image, an ELF program or a raw binary";
  if (has_text(file, 0x202, "HdrS"))
    return fmt::format("is built for x86, and this machine has an Arm processor{}", kGive);
  if (has_text(file, 0x24, "\x18\x28\x6f\x01")) return fmt::format("is a 32-bit Arm zImage{}", kGive);
  if (has_text(file, 0x30, "RISCV") || has_text(file, 0x38, "RSC\x05"))
    return fmt::format("is built for RISC-V, and this machine has an Arm processor{}", kGive);
  if (const Compression c = compression_of(file); c != Compression::kNone && c != Compression::kLzma)
    return fmt::format("is compressed with {}; uncompress it first", name_of(c));
  if (has_text(file, 0, "\x27\x05\x19\x56"))
    return fmt::format("is a U-Boot image (uImage), which is not supported{}", kGive);
  if (has_text(file, 0, "\xd0\x0d\xfe\xed"sv))
    return "is a device tree or FIT image; a device tree goes to -dtb";
  if (has_text(file, 0, "070701")) return "looks like an initrd; give it to -initrd, and a kernel to -kernel";
  return {};
}

}  // namespace mynah
