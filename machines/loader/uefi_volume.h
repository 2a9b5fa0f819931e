// SPDX-License-Identifier: Apache-2.0
//
// What a UEFI firmware image says of itself before it runs (Platform Initialization 1.7, volume 3: firmware
// volumes, sections). The file is not trusted.
#pragma once

#include <cstdint>
#include <span>

namespace mynah {

// Whether its first drivers are among those that open system management mode's memory: without that mode such
// firmware stops. False for what is no UEFI for PCs.
bool needs_management_mode(std::span<const uint8_t> firmware);

}  // namespace mynah
