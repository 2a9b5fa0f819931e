// SPDX-License-Identifier: Apache-2.0
//
// Addresses and interrupts of the board `virt`: as its device tree publishes them, in one place.
#pragma once

#include <cstdint>

namespace mynah::virt_map {

constexpr uint64_t kFlash = 0x00000000, kFlashSize = 0x04000000;  // two of them
constexpr uint64_t kGicDistributor = 0x08000000;
constexpr uint64_t kGicCpu = 0x08010000;
constexpr uint64_t kGicIts = 0x08080000;
constexpr uint64_t kGicV2m = 0x08020000;
constexpr uint64_t kGicRedistributor = 0x080a0000, kGicRedistributorSpace = 0xf60000;
constexpr unsigned kLowRedistributors = 123;  // as many as have room there
constexpr uint64_t kUart = 0x09000000;
constexpr uint64_t kRtc = 0x09010000;
constexpr uint64_t kFwCfg = 0x09020000;
constexpr uint64_t kGpio = 0x09030000;
constexpr uint64_t kSecondUart = 0x09040000;
constexpr uint64_t kVirtio = 0x0a000000, kVirtioSize = 0x200;
constexpr unsigned kVirtioSlots = 32;
// PCI: memory, I/O, configuration; and, with more redistributors before it, what is above 4 GiB where the
// machine has it.
constexpr uint64_t kPciMemory = 0x10000000, kPciMemorySize = 0x2eff0000;
constexpr uint64_t kPciIo = 0x3eff0000, kPciIoSize = 0x10000;
constexpr uint64_t kPciConfig = 0x3f000000, kPciConfigSize = 0x01000000;  // 16 buses
constexpr uint64_t kGicHighRedistributor = 0x4000000000, kGicHighRedistributorSpace = 0x4000000;
constexpr uint64_t kPciHighConfig = 0x4010000000, kPciHighConfigSize = 0x10000000;
constexpr uint64_t kPciHighMemory = 0x8000000000, kPciHighMemorySize = 0x8000000000;
constexpr uint64_t kRam = 0x40000000;

// Shared peripheral interrupts (interrupt id - 32).
constexpr unsigned kUartIrq = 1, kRtcIrq = 2, kPciIrq = 3, kGpioIrq = 7, kSecondUartIrq = 8, kVirtioIrq = 16;
constexpr unsigned kGicV2mIrq = 48, kGicV2mIrqs = 64;
constexpr unsigned kPmuPpi = 23;       // interrupt id
constexpr unsigned kPowerKeyLine = 3;  // of the PL061

}  // namespace mynah::virt_map
