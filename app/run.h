// SPDX-License-Identifier: Apache-2.0
//
// The program: arguments in, exit code out.
#pragma once

#include <span>
#include <string_view>

namespace mynah::app {

// Arguments without the program's name. 0: done, or ended by a person; 1: something is wrong, and standard
// error has a sentence that says what.
int run_program(std::span<const std::string_view> arguments);

}  // namespace mynah::app
