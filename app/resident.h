// SPDX-License-Identifier: Apache-2.0
//
// How much of the host's memory this process has now.
#pragma once

#include <cstdint>

#include "engine/guest_memory.h"

namespace mynah::app {

struct Resident {
  uint64_t all = 0;    // bytes; a page that is mapped twice counts twice, as the kernel counts it
  uint64_t guest = 0;  // the part of it that is the guest's RAM
};
Resident resident_memory(const GuestMemory& memory);  // zeros where the host does not say

}  // namespace mynah::app
