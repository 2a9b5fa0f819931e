// SPDX-License-Identifier: Apache-2.0
//
// ELF kernels that say by a note where they are entered in 32-bit protected mode, paging off: the PVH entry
// of Xen (its docs/misc/pvh.pandoc and public/arch-x86/hvm/start_info.h). Linux's vmlinux, BSD kernels and
// unikernels have it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "ir/result.h"
#include "machines/loader/x86_boot.h"

namespace mynah {

// Any x86 ELF file, of the class and processor that it says; the error as of read_elf.
Result<ElfProgram> read_x86_elf(std::span<const uint8_t> file);

// The entry that the file's note names; nothing where it has none.
std::optional<uint64_t> pvh_entry(const ElfProgram& program);

// The error is a sentence of its own.
Result<X86Boot> place_pvh(const X86KernelFiles& files, const X86Memory& memory);

}  // namespace mynah
