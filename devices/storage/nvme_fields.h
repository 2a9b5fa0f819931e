// SPDX-License-Identifier: Apache-2.0
//
// Numbers of NVM Express 1.4: registers (3.1), opcodes (5, 6), status (4.6.1), and the entries of queues
// (4.2, 4.6).
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace mynah::dev::nvme {

static_assert(std::endian::native == std::endian::little, "NVMe structures are little-endian in memory");

enum Register : uint32_t {
  kCap = 0x00,
  kVs = 0x08,
  kIntms = 0x0c,
  kIntmc = 0x10,
  kCc = 0x14,
  kCsts = 0x1c,
  kNssr = 0x20,
  kAqa = 0x24,
  kAsq = 0x28,
  kAcq = 0x30,
  kDoorbells = 0x1000,
};

// CC and CSTS.
constexpr uint32_t kCcEnable = 1, kCcWritable = 0x00ff'fff1;
constexpr uint32_t kCstsReady = 1, kCstsFatal = 2, kCstsShutdown = 0xc, kCstsShutdownComplete = 0x8;
constexpr unsigned cc_shutdown(uint32_t cc) { return cc >> 14 & 3; }
constexpr unsigned cc_page_bits(uint32_t cc) { return 12 + (cc >> 7 & 0xf); }

enum class Admin : uint8_t {
  kDeleteSq = 0x00,
  kCreateSq = 0x01,
  kGetLogPage = 0x02,
  kDeleteCq = 0x04,
  kCreateCq = 0x05,
  kIdentify = 0x06,
  kAbort = 0x08,
  kSetFeatures = 0x09,
  kGetFeatures = 0x0a,
  kAsyncEvent = 0x0c,
};
enum class Io : uint8_t {
  kFlush = 0x00,
  kWrite = 0x01,
  kRead = 0x02,
  kCompare = 0x05,
  kWriteZeroes = 0x08,
  kDatasetManagement = 0x09,
};

// Status code type << 8 | status code.
enum Status : uint16_t {
  kSuccess = 0x000,
  kInvalidOpcode = 0x001,
  kInvalidField = 0x002,
  kDataTransferError = 0x004,
  kInternalError = 0x006,
  kAbortRequested = 0x007,
  kInvalidNamespace = 0x00b,
  kInvalidPrpOffset = 0x013,
  kWriteProtected = 0x020,
  kLbaOutOfRange = 0x080,
  kCompletionQueueInvalid = 0x100,
  kInvalidQueueId = 0x101,
  kInvalidQueueSize = 0x102,
  kTooManyAsyncEvents = 0x105,
  kInvalidVector = 0x108,
  kInvalidLogPage = 0x109,
  kInvalidQueueDeletion = 0x10c,
  kNotSaveable = 0x10d,
  kNotChangeable = 0x10e,
  kWriteFault = 0x280,
  kUnrecoveredRead = 0x281,
  kCompareFailure = 0x285,
};

enum Feature : uint8_t {
  kArbitration = 0x01,
  kPowerManagement = 0x02,
  kTemperatureThreshold = 0x04,
  kErrorRecovery = 0x05,
  kVolatileWriteCache = 0x06,
  kNumberOfQueues = 0x07,
  kInterruptCoalescing = 0x08,
  kInterruptVector = 0x09,
  kWriteAtomicity = 0x0a,
  kAsyncEventConfiguration = 0x0b,
};

struct Command {
  uint8_t opcode;
  uint8_t flags;  // FUSE [1:0], PSDT [7:6]
  uint16_t id;
  uint32_t nsid;
  uint32_t dw2, dw3;
  uint64_t metadata;
  uint64_t prp1, prp2;
  uint32_t dw10, dw11, dw12, dw13, dw14, dw15;
};
static_assert(sizeof(Command) == 64);

struct Completion {
  uint32_t result;
  uint32_t reserved;
  uint16_t sq_head, sq_id;
  uint16_t command_id;
  uint16_t status;  // phase [0], status [15:1]
};
static_assert(sizeof(Completion) == 16);

// A structure of identify or a log page, filled by offset.
template <typename T>
void put(std::span<uint8_t> to, size_t offset, T value) {
  std::memcpy(to.subspan(offset, sizeof value).data(), &value, sizeof value);
}

}  // namespace mynah::dev::nvme
