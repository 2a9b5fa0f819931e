// SPDX-License-Identifier: Apache-2.0
//
// Linux for x86 as it comes (bzImage, zImage): Documentation/arch/x86/boot.rst and zero-page.rst, protocols
// 2.00 to 2.15. The real-mode code is for a BIOS and is left out: the kernel is entered at its 32-bit or its
// 64-bit entry point, with all that it would have asked a BIOS for in the zero page.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ir/result.h"
#include "machines/loader/x86_boot.h"

namespace mynah {

struct BzImage {
  uint16_t version = 0;             // of the protocol: 0x020f is 2.15
  std::span<const uint8_t> header;  // the setup header, to be copied into the zero page
  std::span<const uint8_t> kernel;  // the protected-mode code, and what follows it in the file
  uint64_t load_at = 0;             // physical
  uint64_t run_at = 0;              // where the kernel moves itself to, and needs
  uint64_t run_size = 0;            //   this much
  uint64_t initrd_max = 0;          // the last address that an initrd may have
  uint64_t command_line_max = 0;    // bytes without the zero
  bool entry_64 = false;            // has a 64-bit entry point
  bool above_4g = false;            // an initrd may lie there
  std::span<const uint8_t> packed;  // the compressed vmlinux (2.08); else empty
};

bool is_bzimage(std::span<const uint8_t> file);

// The error goes on from the file's name: "is cut short: ...".
Result<BzImage> read_bzimage(std::span<const uint8_t> file);

// The kernel's ELF file out of it, as one finds it in the kernel's build folder without symbols.
Result<std::vector<uint8_t>> unpack_bzimage(std::span<const uint8_t> file, uint64_t limit);

enum class X86Entry : uint8_t {
  k32,      // the 32-bit entry, which every kernel has
  k64,      // the 64-bit entry, or an error
  kBest64,  // the 64-bit entry where the kernel has it
};

// The error is a sentence of its own.
Result<X86Boot> place_bzimage(const X86KernelFiles& files, const X86Memory& memory, X86Entry entry);

}  // namespace mynah
