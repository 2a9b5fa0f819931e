// SPDX-License-Identifier: Apache-2.0
//
// Where a kernel and what comes with it go on a 64-bit Arm board without firmware, and how it is entered: an
// arm64 Linux Image or a raw binary by Linux's boot protocol (Documentation/arm64/booting.rst), an ELF
// program with all registers zero. Places are those of the QEMU machines. Input is untrusted: everything that
// is placed lies in the memory there is.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ir/result.h"
#include "machines/loader/load_list.h"

namespace mynah {

constexpr ElfTarget kArm64Elf{.machine = 183, .is_64 = true, .processor = "AArch64"};

struct ArmBootLayout {
  // By Linux's protocol: X0 has the device tree's address, and there may be an initrd. Else X0 is 0, nobody
  // tells the program of an initrd, and the device tree is at the start of memory where the program leaves
  // tree_room bytes.
  bool linux_protocol = false;
  uint64_t entry = 0;
  LoadList kernel;      // pieces of the image
  uint64_t initrd = 0;  // linux_protocol
  uint64_t dtb = 0;
  uint64_t tree_room = 0;
};

// The pieces of `image` have its bytes, which outlive the layout. `memory` is where the machine has RAM.
Result<ArmBootLayout> place_arm_kernel(std::span<const uint8_t> image, const AddressSpan& memory,
                                       uint64_t initrd_bytes);

}  // namespace mynah
