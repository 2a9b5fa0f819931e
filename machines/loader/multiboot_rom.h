// SPDX-License-Identifier: Apache-2.0
//
// Multiboot kernels behind a BIOS. Such a kernel may call the BIOS, so that must have started, and what it
// has made of memory is what the kernel is to be told. The kernel and its modules lie above 1 MiB at reset,
// where a BIOS does not write while it starts; what lies below, and the kernel's first registers, is the work
// of an option ROM that the BIOS starts as it starts a network card's (Plug and Play BIOS Specification 1.0A,
// appendix B; BIOS Boot Specification 1.01, 3.3).
#pragma once

#include <cstdint>
#include <vector>

#include "ir/result.h"
#include "machines/loader/x86_boot.h"

namespace mynah {

// The memory that a loader may use: not the BIOS's own, below 1 MiB and at the end of RAM below 4 GiB.
X86Memory memory_beside_bios(X86Memory memory);

// What place_multiboot() made of that memory: takes its pieces below 1 MiB away and makes the ROM that puts
// them there. The error is a sentence of its own.
Result<std::vector<uint8_t>> make_multiboot_rom(X86Boot& boot);

}  // namespace mynah
