// SPDX-License-Identifier: Apache-2.0
//
// What the terminal is sent for something, by its name in terminfo(5); empty where it cannot do that. Once
// curses has the terminal.
#pragma once

#include <string>

namespace mynah::host {

std::string terminal_capability(const char* name);

}  // namespace mynah::host
