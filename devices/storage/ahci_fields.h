// SPDX-License-Identifier: Apache-2.0
//
// Registers and structures in memory of AHCI: Serial ATA AHCI 1.3.1, chapters 3 and 4; the FISes are those
// of Serial ATA 3.1, 10.3.
#pragma once

#include <cstdint>

namespace mynah::dev::ahci {

constexpr unsigned kPorts = 6, kSlots = 32;

// Of the controller, 3.1.
enum Hba : uint32_t { kCap = 0x00, kGhc = 0x04, kIs = 0x08, kPi = 0x0c, kVs = 0x10, kCap2 = 0x24 };
constexpr uint32_t kPortBase = 0x100, kPortStride = 0x80;
constexpr uint32_t kGhcReset = 1u << 0, kGhcInterrupts = 1u << 1, kGhcAhci = 1u << 31;
constexpr uint32_t kCap64 = 1u << 31, kCapNcq = 1u << 30, kCapCommandListOverride = 1u << 24,
                   kCapGen3 = 3u << 20, kCapAhciOnly = 1u << 18;
constexpr uint32_t kVersion131 = 0x0001'0301;

// Of a port, 3.3.
enum Port : uint32_t {
  kPxClb = 0x00,
  kPxClbu = 0x04,
  kPxFb = 0x08,
  kPxFbu = 0x0c,
  kPxIs = 0x10,
  kPxIe = 0x14,
  kPxCmd = 0x18,
  kPxTfd = 0x20,
  kPxSig = 0x24,
  kPxSsts = 0x28,
  kPxSctl = 0x2c,
  kPxSerr = 0x30,
  kPxSact = 0x34,
  kPxCi = 0x38,
};
enum PortInterrupt : uint32_t {
  kDhrs = 1u << 0,   // a register FIS
  kPss = 1u << 1,    // a PIO setup FIS
  kSdbs = 1u << 3,   // a set device bits FIS
  kDps = 1u << 5,    // a descriptor that asks for it was processed
  kPcs = 1u << 6,    // PxSERR.DIAG.X
  kOfs = 1u << 24,   // more data than the table has room for
  kIfs = 1u << 27,   // the interface: fatal
  kHbfs = 1u << 29,  // memory: fatal
  kTfes = 1u << 30,  // the drive said that there was an error
  kPortInterrupts = 0xfdc0'00ff,
};
enum PortCommand : uint32_t {
  kStart = 1u << 0,
  kSpinUp = 1u << 1,
  kPowerOn = 1u << 2,
  kOverride = 1u << 3,
  kReceive = 1u << 4,
  kReceives = 1u << 14,
  kRuns = 1u << 15,
  kIsAtapi = 1u << 24,
};
constexpr uint32_t kSlotShift = 8, kSlotMask = 0x1f00;  // of PxCMD: the command that is processed
constexpr uint32_t kExchanged = 1u << 26;               // PxSERR.DIAG.X: a drive has come

// The command list and tables, 4.2.
constexpr unsigned kHeaderBytes = 32, kPacketOffset = 0x40, kTableOffset = 0x80, kRegionBytes = 16;
constexpr uint32_t kHeaderAtapi = 1u << 5, kHeaderClearBusy = 1u << 10;
constexpr uint32_t kRegionInterrupt = 1u << 31, kRegionCount = 0x3f'ffff;

// Where received FISes go, 4.2.1.
constexpr unsigned kPioSetupAt = 0x20, kRegisterAt = 0x40, kSetBitsAt = 0x58;
enum Fis : uint8_t { kRegisterToDevice = 0x27, kRegisterToHost = 0x34, kPioSetup = 0x5f, kSetBits = 0xa1 };
constexpr uint8_t kFisCommand = 0x80, kFisInterrupt = 0x40, kFisToHost = 0x20;
constexpr unsigned kCommandFisBytes = 20;

}  // namespace mynah::dev::ahci
