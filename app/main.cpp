// SPDX-License-Identifier: Apache-2.0
//
// The process begins here; all else is a library that tests use, too (run.h).
#include <string_view>
#include <vector>

#include "app/run.h"

int main(int argc, char** argv) {
  const std::vector<std::string_view> arguments(argv + 1, argv + argc);
  return mynah::app::run_program(arguments);
}
