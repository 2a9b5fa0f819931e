// SPDX-License-Identifier: Apache-2.0
//
// Exception vectors (SDM vol. 3, 6.3.1).
#pragma once

#include <cstdint>

namespace mynah::x86 {

namespace vector {
constexpr uint8_t kDivide = 0, kDebug = 1, kNmi = 2, kBreakpoint = 3, kOverflow = 4, kBound = 5,
                  kInvalidOpcode = 6, kDeviceNotAvailable = 7, kDoubleFault = 8, kInvalidTss = 10,
                  kNotPresent = 11, kStack = 12, kGeneralProtection = 13, kPage = 14, kX87 = 16,
                  kAlignment = 17, kMachineCheck = 18, kSimd = 19;
}  // namespace vector

}  // namespace mynah::x86
