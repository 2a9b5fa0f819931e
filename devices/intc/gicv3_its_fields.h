// SPDX-License-Identifier: Apache-2.0
//
// Fields that the ITS's registers, tables and commands share (gicv3_its.h has the layouts of tables; IHI 0069
// section 12.19 those of registers).
#pragma once

#include <cstdint>

namespace mynah::dev::its {

constexpr unsigned kDeviceBits = 16, kEventBits = 16, kCollectionBits = 16;
constexpr uint64_t kEntrySize = 8;  // of every table

constexpr uint64_t kValid = uint64_t{1} << 63;  // of registers, entries and commands
constexpr uint64_t kIndirect = uint64_t{1} << 62;
constexpr uint64_t kQueueAddress = 0x000f'ffff'ffff'f000;
constexpr uint64_t kIttAddress = 0x000f'ffff'ffff'ff00;
constexpr uint64_t kQueueOffset = 0xfffe0;  // GITS_CWRITER, GITS_CREADR
constexpr uint64_t kStalled = 1, kRetry = 1;

}  // namespace mynah::dev::its
