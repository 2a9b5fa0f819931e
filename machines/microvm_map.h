// SPDX-License-Identifier: Apache-2.0
//
// Addresses and interrupt numbers of the board `microvm`, as systems know them from the QEMU machine of that
// name. Interrupts are numbered globally (GSI): 0 to 23 the first I/O APIC's inputs, from 24 the second
// one's.
#pragma once

#include <cstdint>

namespace mynah::microvm_map {

constexpr uint64_t kLowRamEnd = 0xc0000000;  // more RAM goes on at 4 GiB
constexpr uint64_t kPciMemory = 0xc0000000, kPciMemorySize = 0x20000000;
constexpr uint64_t kPciConfig = 0xe0000000, kPciConfigSize = 0x10000000;
constexpr uint64_t kGed = 0xfea00000, kGedRegisters = 0xfea00200;
constexpr uint64_t kVirtio = 0xfeb00000, kVirtioSize = 0x200;
constexpr unsigned kVirtioSlots = 24, kVirtioSlotsWithoutAcpi = 8;
constexpr uint64_t kIoApic = 0xfec00000, kSecondIoApic = 0xfec10000;
constexpr unsigned kSecondIoApicGsi = 24;
constexpr unsigned kVirtioGsi = 24, kVirtioGsiWithoutAcpi = 5;

constexpr uint16_t kPicPort = 0x20, kPitPort = 0x40, kSpeakerPort = 0x61, kRtcPort = 0x70,
                   kSecondPicPort = 0xa0, kSecondSerialPort = 0x2f8, kSerialPort = 0x3f8, kLevelPort = 0x4d0,
                   kFwCfgPort = 0x510;
constexpr unsigned kPitIrq = 0, kSecondSerialIrq = 3, kSerialIrq = 4, kRtcIrq = 8, kGedIrq = 9, kPciIrq = 12;
constexpr unsigned kTimerInput = 2;  // where the I/O APIC has ISA interrupt 0

}  // namespace mynah::microvm_map
