// SPDX-License-Identifier: Apache-2.0
//
// The header of an Image is that of Documentation/arm64/booting.rst, an EFI zboot image's that of the
// kernel's drivers/firmware/efi/libstub/zboot-header.S. Whatever else is given as a kernel is called by its
// name.
#include "machines/arm_boot.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <string_view>

extern "C" {
#include <libfdt.h>
}

namespace mynah {

namespace {
constexpr uint64_t kMiB = 1 << 20;
constexpr size_t kHeaderSize = 64;
constexpr uint32_t kMagic = 0x644d5241;  // "ARM\x64"
uint64_t align_up(uint64_t v, uint64_t to) { return (v + to - 1) / to * to; }

template <typename T>
T load(std::span<const uint8_t> from, uint64_t at) {  // little-endian; zero past the end
  T value{};
  if (at <= from.size() && sizeof value <= from.size() - at)
    std::memcpy(&value, from.data() + at, sizeof value);
  return value;
}
bool has(std::span<const uint8_t> image, uint64_t at, std::string_view bytes) {
  return at <= image.size() && bytes.size() <= image.size() - at &&
         std::memcmp(image.data() + at, bytes.data(), bytes.size()) == 0;
}

// What a file is that is no arm64 Image, as the end of a sentence about it.
std::string describe_other(std::span<const uint8_t> image) {
  using namespace std::literals;
  constexpr std::string_view kGive = "; give -kernel an arm64 Image";
  struct Machine {
    uint16_t id;
    const char* name;
  };
  static constexpr Machine kMachines[] = {
      {3, "i386"},        {8, "MIPS"},    {20, "PowerPC"},  {21, "PowerPC"}, {22, "s390"},
      {40, "32-bit Arm"}, {62, "x86-64"}, {183, "AArch64"}, {243, "RISC-V"}, {258, "LoongArch"}};
  if (has(image, 0,
          "\x7f"
          "ELF"sv)) {
    const auto id = load<uint16_t>(image, 18);
    for (const Machine& m : kMachines)
      if (m.id == id && id != 183)
        return fmt::format("is an ELF file for {}, and this machine has an AArch64 processor{}", m.name,
                           kGive);
    return fmt::format("is an ELF file, which this machine does not load{}", kGive);
  }
  if (has(image, 0x202, "HdrS"))
    return fmt::format("is built for x86, and this machine has an Arm processor{}", kGive);
  if (has(image, 0x24, "\x18\x28\x6f\x01")) return fmt::format("is a 32-bit Arm zImage{}", kGive);
  if (has(image, 0x30, "RISCV") || has(image, 0x38, "RSC\x05"))
    return fmt::format("is built for RISC-V, and this machine has an Arm processor{}", kGive);
  struct Format {
    std::string_view magic;
    const char* name;
  };
  static constexpr Format kFormats[] = {{"\xfd"
                                         "7zXZ",
                                         "xz"},
                                        {"BZh", "bzip2"},
                                        {"\x28\xb5\x2f\xfd", "zstd"},
                                        {"\x02\x21\x4c\x18", "lz4"},
                                        {"\x89LZO", "lzop"}};
  for (const Format& f : kFormats)
    if (has(image, 0, f.magic)) return fmt::format("is compressed with {}; uncompress it first", f.name);
  if (has(image, 0, "\x27\x05\x19\x56")) return fmt::format("is a U-Boot image (uImage){}", kGive);
  if (has(image, 0, "\xd0\x0d\xfe\xed"sv)) return "is a device tree or FIT image; a device tree goes to -dtb";
  if (has(image, 0, "070701") || (image.size() > 2 && image[0] == 0x1f && image[1] == 0x8b))
    return "looks like an initrd; give it to -initrd, and an arm64 Image to -kernel";
  return "is not an arm64 Image (its magic number is missing); check -kernel";
}

// Bytes that the sections of the PE header in an Image with an EFI stub take; 0 when there is none.
uint64_t pe_file_size(std::span<const uint8_t> image) {
  if (!has(image, 0, "MZ")) return 0;
  const uint64_t pe = load<uint32_t>(image, 0x3c);
  if (!has(image, pe, std::string_view("PE\0\0", 4))) return 0;
  const unsigned sections = load<uint16_t>(image, pe + 6);
  const uint64_t table = pe + 24 + load<uint16_t>(image, pe + 20);
  uint64_t size = 0;
  for (unsigned i = 0; i < sections && i < 96; ++i) {
    const uint64_t at = table + 40 * i;
    size =
        std::max<uint64_t>(size, uint64_t{load<uint32_t>(image, at + 20)} + load<uint32_t>(image, at + 16));
  }
  return size;
}
}  // namespace

Result<ArmBootLayout> place_arm_kernel(std::span<const uint8_t> image, uint64_t ram_base, uint64_t ram_bytes,
                                       uint64_t initrd_bytes) {
  if (image.size() < kHeaderSize)
    return error("the kernel file is too short to be an arm64 Image ({} bytes); check -kernel", image.size());
  uint32_t magic;
  uint64_t text_offset, image_size;
  std::memcpy(&text_offset, image.data() + 8, 8);
  std::memcpy(&image_size, image.data() + 16, 8);
  std::memcpy(&magic, image.data() + 56, 4);
  if (magic != kMagic) return error("the kernel file {}", describe_other(image));
  if (pe_file_size(image) > image.size())
    return error("the kernel file is cut short: it has {} bytes of {}; get it again", image.size(),
                 pe_file_size(image));
  if (image_size == 0) text_offset = 0x80000;  // kernels before 3.17
  if (text_offset % 4 != 0)
    return Error{"the kernel image has a load offset that no code can have; it is corrupt"};
  // The image goes text_offset beyond a multiple of 2 MiB: the first of RAM, because many kernels lose what
  // is below it, or the next where the image would begin in the first page, which other loaders of this board
  // keep for themselves.
  if (text_offset < 4096) text_offset += 2 * kMiB;
  const uint64_t need = std::max<uint64_t>(image_size, image.size());
  if (text_offset > ram_bytes || need > ram_bytes - text_offset) {
    const uint64_t all = text_offset > UINT64_MAX - need ? UINT64_MAX : text_offset + need;
    return error("the kernel needs {} MiB and the machine has {}; use a larger -m", all / kMiB + 1,
                 ram_bytes / kMiB);
  }
  ArmBootLayout layout;
  layout.kernel = ram_base + text_offset;
  const uint64_t end = ram_base + ram_bytes;
  layout.entry = layout.kernel;
  layout.initrd = align_up(
      std::max(layout.kernel + need, ram_base + std::min<uint64_t>(ram_bytes / 2, 128 * kMiB)), 4096);
  if (layout.initrd > end || initrd_bytes > end - layout.initrd)
    return error("kernel and initrd do not fit into {} MiB; use a larger -m", ram_bytes / kMiB);
  layout.dtb = align_up(layout.initrd + initrd_bytes, 2 * kMiB);
  return layout;
}

Result<void> gunzip_image(std::vector<uint8_t>& image, uint64_t limit) {
  if (has(image, 0, "MZ") &&
      has(image, 4, "zimg")) {  // EFI zboot: offset and size of the payload, and its format
    const uint64_t at = load<uint32_t>(image, 8), n = load<uint32_t>(image, 12);
    if (!has(image, 24, "gzip"))
      return Error{
          "the kernel is an EFI zboot image that is not compressed with gzip; give -kernel the Image in it"};
    if (at > image.size() || n > image.size() - at)
      return Error{"the kernel file is cut short; get it again"};
    image = std::vector<uint8_t>(image.begin() + static_cast<ptrdiff_t>(at),
                                 image.begin() + static_cast<ptrdiff_t>(at + n));
  }
  if (image.size() < 18 || image[0] != 0x1f || image[1] != 0x8b) return {};
  if (image.size() > UINT32_MAX) return Error{"the compressed kernel is larger than 4 GiB; check -kernel"};
  z_stream z{};
  if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK) return Error{"cannot start zlib to uncompress the kernel"};
  std::vector<uint8_t> out(std::min<uint64_t>(limit, image.size() * 4 + kMiB));
  z.next_in = image.data();
  z.avail_in = static_cast<uInt>(image.size());
  int result = Z_OK;
  uint64_t size = 0;
  while (result == Z_OK) {
    if (size == out.size()) {
      if (size >= limit) break;
      out.resize(std::min<uint64_t>(limit, size * 2));
    }
    z.next_out = out.data() + size;
    z.avail_out = static_cast<uInt>(std::min<uint64_t>(out.size() - size, 1u << 30));
    const uInt room = z.avail_out;
    result = inflate(&z, Z_NO_FLUSH);
    size += room - z.avail_out;
    if (result == Z_BUF_ERROR && z.avail_in == 0) break;
    if (result == Z_BUF_ERROR) result = Z_OK;
  }
  inflateEnd(&z);
  if (result != Z_STREAM_END)
    return Error{size >= limit ? "the compressed kernel is larger than the machine's memory; use a larger -m"
                               : "the compressed kernel is corrupt or cut short; check -kernel"};
  out.resize(size);
  image = std::move(out);
  return {};
}

Result<std::vector<uint8_t>> patch_chosen(std::span<const uint8_t> dtb, const std::string& command_line,
                                          uint64_t initrd_start, uint64_t initrd_end) {
  if (dtb.size() >= 8 && fdt_magic(dtb.data()) == FDT_MAGIC && fdt_totalsize(dtb.data()) > dtb.size())
    return error("the device tree file is cut short: it has {} bytes of {}; get it again", dtb.size(),
                 fdt_totalsize(dtb.data()));
  if (dtb.size() > (1 << 21))
    return Error{"the device tree file is larger than 2 MiB, which no kernel takes; check -dtb"};
  if (dtb.size() < 40 || fdt_check_full(dtb.data(), dtb.size()) != 0)
    return Error{"the device tree file is not a valid flattened device tree; check -dtb"};
  std::vector<uint8_t> out(dtb.size() + command_line.size() + 4096);
  if (fdt_open_into(dtb.data(), out.data(), static_cast<int>(out.size())) != 0)
    return Error{"the device tree file cannot be opened for editing; check -dtb"};
  int chosen = fdt_path_offset(out.data(), "/chosen");
  if (chosen < 0) chosen = fdt_add_subnode(out.data(), 0, "chosen");
  if (chosen < 0) return Error{"the device tree has no room for /chosen; check -dtb"};
  if (!command_line.empty()) fdt_setprop_string(out.data(), chosen, "bootargs", command_line.c_str());
  if (initrd_end > initrd_start) {
    fdt_setprop_u64(out.data(), chosen, "linux,initrd-start", initrd_start);
    fdt_setprop_u64(out.data(), chosen, "linux,initrd-end", initrd_end);
  }
  fdt_pack(out.data());
  out.resize(fdt_totalsize(out.data()));
  return out;
}

}  // namespace mynah
