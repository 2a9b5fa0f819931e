// SPDX-License-Identifier: Apache-2.0
//
// Options that are known from other emulators and not here, where the reason helps more than a similar name.
#pragma once

#include <string_view>

namespace mynah::app {

std::string_view refused_option(std::string_view name);  // why, and what to do; empty: no such

}  // namespace mynah::app
