// SPDX-License-Identifier: Apache-2.0
//
// Registers, descriptors and bits of Intel's gigabit controllers: PCI/PCI-X Family of Gigabit Ethernet
// Controllers Software Developer's Manual (317453), chapters 3, 5 and 13; 82574 Datasheet (318694),
// chapter 10.
#pragma once

#include <cstdint>

namespace mynah::dev::e1000 {

enum Register : uint32_t {
  CTRL = 0x00000,
  CTRL_DUP = 0x00004,
  STATUS = 0x00008,
  EECD = 0x00010,
  EERD = 0x00014,
  CTRL_EXT = 0x00018,
  MDIC = 0x00020,
  VET = 0x00038,
  ICR = 0x000c0,
  ITR = 0x000c4,
  ICS = 0x000c8,
  IMS = 0x000d0,
  IMC = 0x000d8,
  EIAC = 0x000dc,
  IAM = 0x000e0,
  IVAR = 0x000e4,
  EITR = 0x000e8,  // five
  EITR_END = 0x000fc,
  RCTL = 0x00100,
  TCTL = 0x00400,
  EXTCNF_CTRL = 0x00f00,
  PBA = 0x01000,
  EEMNGCTL = 0x01010,
  RX_RING = 0x02800,
  RDTR = 0x02820,
  RADV = 0x0282c,
  TX_RING = 0x03800,
  TX_RING1 = 0x03900,
  TIDV = 0x03820,
  TADV = 0x0382c,
  STATISTICS = 0x04000,
  STATISTICS_END = 0x04128,
  RXCSUM = 0x05000,
  RFCTL = 0x05008,
  MTA = 0x05200,
  RAL0 = 0x05400,
  RAH0 = 0x05404,
  RAR_END = 0x05480,
  VFTA = 0x05600,
  SWSM = 0x05b50,
  REGISTERS_END = 0x06000,
};
// Of a ring, from its first register.
constexpr uint32_t kBaseLow = 0x00, kBaseHigh = 0x04, kLength = 0x08, kHead = 0x10, kTail = 0x18;

enum Statistic : uint32_t {
  MPC = 0x04010,
  ROC = 0x040ac,
  RUC = 0x040a4,
  PRC64 = 0x0405c,  // six sizes
  GPRC = 0x04074,
  BPRC = 0x04078,
  MPRC = 0x0407c,
  GPTC = 0x04080,
  GORCL = 0x04088,
  GOTCL = 0x04090,
  TORL = 0x040c0,
  TOTL = 0x040c8,
  TPR = 0x040d0,
  TPT = 0x040d4,
  PTC64 = 0x040d8,  // six sizes
  MPTC = 0x040f0,
  BPTC = 0x040f4,
  TSCTC = 0x040f8,
};

// CTRL
constexpr uint32_t kCtrlMasterDisable = 1u << 2, kCtrlReset = 1u << 26, kCtrlVlanMode = 1u << 30,
                   kCtrlPhyReset = 1u << 31;
// STATUS: full duplex, link up, 1000 Mb/s.
constexpr uint32_t kStatusLinkUp = 0x00000283, kStatusMasterEnable = 1u << 19;
// CTRL_EXT
constexpr uint32_t kExtEiame = 1u << 24, kExtIame = 1u << 27;
// EECD: the Microwire wires, request and grant, presence; EERD's busy bits are elsewhere in each.
constexpr uint32_t kEecdClock = 1, kEecdSelect = 2, kEecdIn = 4, kEecdOut = 8, kEecdRequest = 1u << 6,
                   kEecdGrant = 1u << 7, kEecdPresent = 1u << 8, kEecdAutoRead = 1u << 9;
// MDIC
constexpr uint32_t kMdicWrite = 1u << 26, kMdicRead = 2u << 26, kMdicOp = 3u << 26, kMdicReady = 1u << 28,
                   kMdicInterrupt = 1u << 29, kMdicError = 1u << 30;

// ICR, ICS, IMS, IMC
constexpr uint32_t kTxdw = 1u << 0, kTxqe = 1u << 1, kLsc = 1u << 2, kRxdmt0 = 1u << 4, kRxo = 1u << 6,
                   kRxt0 = 1u << 7, kMdac = 1u << 9, kRxq0 = 1u << 20, kTxq0 = 1u << 22, kOther = 1u << 24,
                   kIntAsserted = 1u << 31;

// RCTL
constexpr uint32_t kRctlEnable = 1u << 1, kRctlUnicastAll = 1u << 3, kRctlMulticastAll = 1u << 4,
                   kRctlLong = 1u << 5, kRctlLoopback = 3u << 6, kRctlBroadcast = 1u << 15,
                   kRctlVlanFilter = 1u << 18, kRctlSizeExtension = 1u << 25, kRctlStripCrc = 1u << 26;
// TCTL
constexpr uint32_t kTctlEnable = 1u << 1, kTctlPad = 1u << 3;
// RDTR, TIDV: flush.
constexpr uint32_t kFlushDelayed = 1u << 31;
// RXCSUM
constexpr uint32_t kRxcsumIp = 1u << 8, kRxcsumTcp = 1u << 9;
// RFCTL
constexpr uint32_t kRfctlExtended = 1u << 15;
constexpr uint32_t kRahValid = 1u << 31;

// Transmit descriptors: command, from bit 24 of the third word; type of the extended ones.
constexpr uint32_t kTxEop = 1u << 24, kTxInsertSum = 1u << 26, kTxTse = 1u << 26, kTxReport = 1u << 27,
                   kTxReportSent = 1u << 28, kTxExtended = 1u << 29, kTxVlan = 1u << 30, kTxDelay = 1u << 31;
constexpr uint32_t kTxType = 0xfu << 20, kTxTypeData = 1u << 20;
constexpr uint32_t kContextTcp = 1u << 24, kContextIpv4 = 1u << 25;
constexpr uint8_t kTxDone = 1, kOptionIpSum = 1, kOptionTcpSum = 2;

// Receive descriptors: status and errors.
constexpr uint8_t kRxDone = 1 << 0, kRxEop = 1 << 1, kRxVlan = 1 << 3, kRxUdpSum = 1 << 4, kRxTcpSum = 1 << 5,
                  kRxIpSum = 1 << 6;
constexpr uint8_t kRxTcpError = 1 << 5, kRxIpError = 1 << 6;

constexpr unsigned kDescriptorSize = 16;

}  // namespace mynah::dev::e1000
