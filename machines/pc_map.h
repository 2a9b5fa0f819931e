// SPDX-License-Identifier: Apache-2.0
//
// Addresses, ports and interrupts of the boards `pc` and `q35`, as systems know them from PCs and from the
// QEMU machine of that name. What firmware places (BARs, PMBASE) is not here.
#pragma once

#include <cstdint>

namespace mynah::pc_map {

constexpr uint64_t kVideo = 0xa0000, kVideoEnd = 0xc0000;
// Where what the window shows may begin.
constexpr uint64_t kVideoPieces[] = {kVideo, 0xb0000, 0xb8000, kVideoEnd};
constexpr uint64_t kOptionRoms = 0xc0000, kShadow = 0xe0000, kOneMiB = 0x100000;
constexpr uint64_t kIoApic = 0xfec00000, kHpet = 0xfed00000;
constexpr uint64_t kPciMemoryEnd = kIoApic;  // from the end of RAM on
constexpr uint64_t kFirmwareEnd = uint64_t{1} << 32;
constexpr uint64_t kMostFirmware = 8 << 20;

constexpr uint16_t kDmaPort = 0x00, kPicPort = 0x20, kPitPort = 0x40, kKeyboardPort = 0x60,
                   kSpeakerPort = 0x61, kKeyboardCommandPort = 0x64, kRtcPort = 0x70, kDmaPagePort = 0x80,
                   kPort92 = 0x92, kSecondPicPort = 0xa0, kApmPort = 0xb2, kSecondDmaPort = 0xc0,
                   kSecondIdePort = 0x170, kDispiPort = 0x1ce, kIdePort = 0x1f0, kSecondSerialPort = 0x2f8,
                   kSecondIdeControlPort = 0x376, kParallelPort = 0x378, kMonoPort = 0x3b4,
                   kMonoStatusPort = 0x3ba, kVgaPort = 0x3c0, kFloppyPort = 0x3f0, kIdeControlPort = 0x3f6,
                   kFloppyLastPort = 0x3f7, kSerialPort = 0x3f8, kFirmwareLogPort = 0x402, kLevelPort = 0x4d0,
                   kFwCfgPort = 0x510, kPciConfigPort = 0xcf8;
constexpr unsigned kPitIrq = 0, kKeyboardIrq = 1, kSecondSerialIrq = 3, kSerialIrq = 4, kFloppyIrq = 6,
                   kParallelIrq = 7, kRtcIrq = 8, kSciIrq = 9, kMouseIrq = 12, kIdeIrq = 14,
                   kSecondIdeIrq = 15;
constexpr unsigned kTimerInput = 2;  // where the I/O APIC has ISA interrupt 0

// Where firmware puts what it chooses, which a system that is started without it finds there, too.
constexpr uint16_t kPmBase = 0x600, kSmbBase = 0x700, kFirstPciPort = 0xc000;
constexpr uint8_t kPirqIrqs[4] = {10, 10, 11, 11};  // four more go the same ways

}  // namespace mynah::pc_map
