// SPDX-License-Identifier: Apache-2.0
//
// Offsets and bits of configuration space: PCI Local Bus 3.0, chapter 6; PCI-to-PCI Bridge 1.2, chapter 3;
// PCI Express Base 4.0, chapter 7; PCI Bus Power Management 1.2, chapter 3. Offsets of a capability's
// registers count from its header.
#pragma once

#include <cstdint>

namespace mynah::dev::pci {

// The header, 6.1.
enum Header : unsigned {
  kVendorId = 0x00,
  kDeviceId = 0x02,
  kCommand = 0x04,
  kStatus = 0x06,
  kRevisionId = 0x08,
  kClassCode = 0x09,
  kCacheLineSize = 0x0c,
  kLatencyTimer = 0x0d,
  kHeaderType = 0x0e,
  kBar0 = 0x10,
  kSubsystemVendorId = 0x2c,
  kSubsystemId = 0x2e,
  kExpansionRom = 0x30,
  kCapabilitiesPointer = 0x34,
  kInterruptLine = 0x3c,
  kInterruptPin = 0x3d,
  kFirstCapability = 0x40,
  kFirstExtendedCapability = 0x100,
};
constexpr uint8_t kMultifunction = 0x80;  // of the header type
constexpr uint8_t kTypeBridge = 0x01;

enum Command : uint16_t {
  kIoSpace = 0x0001,
  kMemorySpace = 0x0002,
  kBusMaster = 0x0004,
  kParityErrorResponse = 0x0040,
  kSerrEnable = 0x0100,
  kInterruptDisable = 0x0400,
};
enum StatusBits : uint16_t { kInterruptStatus = 0x0008, kCapabilitiesList = 0x0010 };

// Type 1 header, PCI-to-PCI Bridge 1.2, 3.2.
enum BridgeHeader : unsigned {
  kPrimaryBus = 0x18,
  kSecondaryBus = 0x19,
  kSubordinateBus = 0x1a,
  kSecondaryLatency = 0x1b,
  kIoBase = 0x1c,
  kIoLimit = 0x1d,
  kSecondaryStatus = 0x1e,
  kMemoryBase = 0x20,
  kMemoryLimit = 0x22,
  kPrefetchableBase = 0x24,
  kPrefetchableLimit = 0x26,
  kPrefetchableBaseUpper = 0x28,
  kPrefetchableLimitUpper = 0x2c,
  kIoBaseUpper = 0x30,
  kIoLimitUpper = 0x32,
  kBridgeControl = 0x3e,
};
constexpr uint16_t kSecondaryBusReset = 0x0040;  // of bridge control

enum class Capability : uint8_t {
  kPowerManagement = 0x01,
  kSlotNumbering = 0x04,
  kMsi = 0x05,
  kVendorSpecific = 0x09,
  kExpress = 0x10,
  kMsix = 0x11,
  kSata = 0x12,
};

// Power management: state 0 is D0, 3 is D3hot.
constexpr unsigned kPmCapabilities = 2, kPmControl = 4;
constexpr uint16_t kPmStateMask = 0x0003, kPmNoSoftReset = 0x0008;

// MSI, 6.8.1: always with a 64-bit address here.
constexpr unsigned kMsiControl = 2, kMsiAddress = 4, kMsiData = 12, kMsiMask = 16, kMsiPending = 20;
constexpr uint16_t kMsiEnable = 0x0001, kMsiMultipleEnable = 0x0070, kMsi64 = 0x0080,
                   kMsiPerVectorMask = 0x0100;

// MSI-X, 6.8.2.
constexpr unsigned kMsixControl = 2, kMsixTable = 4, kMsixPending = 8;
constexpr uint16_t kMsixEnable = 0x8000, kMsixFunctionMask = 0x4000;
constexpr unsigned kMsixEntryBytes = 16, kMsixVectorControl = 12;  // bit 0 of the latter masks the vector

// PCI Express, 7.5.3.
enum ExpressCapability : unsigned {
  kExpressFlags = 0x02,
  kDeviceCapabilities = 0x04,
  kDeviceControl = 0x08,
  kDeviceStatus = 0x0a,
  kLinkCapabilities = 0x0c,
  kLinkControl = 0x10,
  kLinkStatus = 0x12,
  kSlotCapabilities = 0x14,
  kSlotControl = 0x18,
  kSlotStatus = 0x1a,
  kRootControl = 0x1c,
  kRootStatus = 0x20,
  kDeviceCapabilities2 = 0x24,
  kDeviceControl2 = 0x28,
  kLinkCapabilities2 = 0x2c,
  kLinkControl2 = 0x30,
  kLinkStatus2 = 0x32,
  kExpressBytes = 0x3c,
};
constexpr uint32_t kFunctionLevelReset = 1u << 28;  // of the device capabilities
constexpr uint16_t kInitiateReset = 0x8000;         // of device control
constexpr uint16_t kSlotImplemented = 0x0100;       // of the flags

}  // namespace mynah::dev::pci
