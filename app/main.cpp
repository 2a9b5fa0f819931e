// SPDX-License-Identifier: Apache-2.0
//
// The process begins here; all else is a library that tests use, too (run.h).
#include <string_view>
#include <vector>

#include "app/run.h"

int main(int argc, char** argv) {
  std::vector<std::string_view> arguments(argv + 1, argv + argc);
  // By the name that scripts call the emulator of that guest.
  const std::string_view name = argv[0];
  if (name.ends_with("-x86_64") || name.ends_with("-i386")) arguments.insert(arguments.begin(), {"-M", "pc"});
  return mynah::app::run_program(arguments);
}
