// SPDX-License-Identifier: Apache-2.0
//
// What a kernel file for an x86 board is, and its way into memory.
#pragma once

#include <cstdint>
#include <span>

#include "ir/result.h"
#include "machines/loader/bzimage.h"
#include "machines/loader/x86_boot.h"

namespace mynah {

enum class X86KernelKind : uint8_t {
  kLinux,      // bzImage
  kMultiboot,  // modules are several, each with a command line of its own
  kPvh         // ELF with Xen's note
};

// Of a file that is not compressed (unpack_kernel). The error goes on from the file's name: "is built for
// AArch64, ...".
Result<X86KernelKind> x86_kernel_kind(std::span<const uint8_t> file);

// The error is a sentence of its own. `entry` is for Linux.
Result<X86Boot> place_x86_kernel(const X86KernelFiles& files, const X86Memory& memory, X86Entry entry);

}  // namespace mynah
