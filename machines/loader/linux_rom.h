// SPDX-License-Identifier: Apache-2.0
//
// An option ROM by which a BIOS starts the Linux kernel that fw_cfg has (Documentation/arch/x86/boot.rst, the
// real-mode kernel): it is one of the BIOS's boot devices, copies what the items name to where they say, and
// enters the kernel's real-mode code.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "devices/fwcfg/fw_cfg.h"
#include "ir/result.h"
#include "machines/loader/bzimage.h"

namespace mynah {

std::vector<uint8_t> linux_rom();

// Where the parts of the kernel go, as items and in `setup`, its real-mode code, 544 bytes at least. The
// others' sizes in bytes, the command line's with its zero; `ram_end`: of RAM below 4 GiB.
Result<void> add_linux_items(dev::FwCfg& fw_cfg, const BzImage& image, std::span<uint8_t> setup,
                             uint64_t initrd, uint64_t command_line, uint64_t ram_end);

}  // namespace mynah
