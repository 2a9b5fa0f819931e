// SPDX-License-Identifier: Apache-2.0
//
// Keys by the names that scripts have for the monitor's sendkey.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "ir/result.h"

namespace mynah::app {

// "ctrl-alt-delete", "a", "0x1c": their codes in set 1, with 0xe000 the extended ones, as a keyboard takes
// them.
Result<std::vector<uint16_t>> keys_of(std::string_view names);

}  // namespace mynah::app
