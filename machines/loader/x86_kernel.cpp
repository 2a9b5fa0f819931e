// SPDX-License-Identifier: Apache-2.0
//
// A bzImage is known by its boot sector, which no ELF file has. Of an ELF file with a multiboot header and a
// PVH note, the header counts for 32-bit files, for which it is made; a 64-bit one needs the note, or
// addresses in the header.
#include "machines/loader/x86_kernel.h"

#include <string_view>

#include "machines/loader/bytes.h"
#include "machines/loader/compression.h"
#include "machines/loader/multiboot.h"
#include "machines/loader/pvh.h"

namespace mynah {
namespace {

using namespace std::literals;

constexpr std::string_view kGive =
    "; give -kernel a Linux bzImage, an ELF kernel with a PVH entry, or a multiboot kernel";

bool is_elf_64(std::span<const uint8_t> file) { return is_elf(file) && load_field<uint8_t>(file, 4) == 2; }

// What is known of a file that cannot be started here; empty where nothing is.
std::string foreign(std::span<const uint8_t> file) {
  if (file.empty()) return "is empty";
  if (has_text(file, 56, "ARM\x64"))
    return fmt::format("is built for AArch64, and this machine has an x86 processor{}", kGive);
  if (has_text(file, 0x24, "\x18\x28\x6f\x01"))
    return fmt::format("is built for 32-bit Arm, and this machine has an x86 processor{}", kGive);
  if (has_text(file, 0x30, "RISCV") || has_text(file, 0x38, "RSC\x05"))
    return fmt::format("is built for RISC-V, and this machine has an x86 processor{}", kGive);
  if (const Compression c = compression_of(file); c != Compression::kNone && c != Compression::kLzma)
    return fmt::format("is compressed with {}; uncompress it first", name_of(c));
  if (has_text(file, 0, "\x27\x05\x19\x56")) return fmt::format("is a U-Boot image (uImage){}", kGive);
  if (has_text(file, 0, "\xd0\x0d\xfe\xed"sv))
    return "is a device tree or FIT image; a device tree goes to -dtb";
  if (has_text(file, 0, "070701")) return "looks like an initrd; give it to -initrd, and a kernel to -kernel";
  constexpr uint32_t kMultiboot2 = 0xe85250d6;
  for (uint64_t at = 0; at + 16 <= file.size() && at < 32768; at += 8)
    if (load_field<uint32_t>(file, at) == kMultiboot2)
      return fmt::format("is a multiboot 2 kernel, which needs a boot loader{}", kGive);
  return {};
}

}  // namespace

Result<X86KernelKind> x86_kernel_kind(std::span<const uint8_t> file) {
  if (is_bzimage(file)) return X86KernelKind::kLinux;
  const auto header = find_multiboot(file);
  if (header && (header->has_addresses() || !is_elf_64(file))) return X86KernelKind::kMultiboot;
  if (is_elf(file)) {
    const auto program = read_x86_elf(file);
    if (!program) return program.error();
    if (pvh_entry(*program)) return X86KernelKind::kPvh;
    if (header) return X86KernelKind::kMultiboot;
    return error(
        "is an ELF file without a PVH entry (a note of Xen's of type 18) or a multiboot header; build "
        "Linux with CONFIG_PVH, or give its bzImage");
  }
  if (const std::string known = foreign(file); !known.empty()) return Error{known};
  // By its own words: too old, or no kernel at all.
  if (load_field<uint16_t>(file, 0x1fe) == 0xaa55) return read_bzimage(file).error();
  return error("is no kernel that is known here{}", kGive);
}

Result<X86Boot> place_x86_kernel(const X86KernelFiles& files, const X86Memory& memory, X86Entry entry) {
  const auto kind = x86_kernel_kind(files.kernel);
  if (!kind) return error("the kernel file {}", kind.message());
  if (*kind == X86KernelKind::kLinux && files.modules.size() > 1)
    return Error{
        "the kernel takes one initrd; only multiboot kernels and those with a PVH entry take several "
        "modules"};
  switch (*kind) {
    case X86KernelKind::kLinux:
      return place_bzimage(files, memory, entry);
    case X86KernelKind::kMultiboot:
      return place_multiboot(files, memory);
    case X86KernelKind::kPvh:
      return place_pvh(files, memory);
  }
  return Error{"the kernel file is of no kind"};
}

}  // namespace mynah
