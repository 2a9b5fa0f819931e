// SPDX-License-Identifier: Apache-2.0
//
// Names that QEMU's command line knows and this one does not: whoever asks for one has not misspelt anything,
// and no similar name helps.
#pragma once

#include <cstdint>
#include <string_view>

namespace mynah::app {

enum class Known : uint8_t { kOption, kDevice, kMachine, kProcessor, kObject, kChar };

bool known_elsewhere(Known kind, std::string_view name);

}  // namespace mynah::app
