// SPDX-License-Identifier: Apache-2.0
//
// Host code as the goldens have it, and how they are compared.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace mynah::test {

// On the way: in front of the first cold stub, which is where the jump of the block's second instruction
// goes.
inline unsigned instructions_on_the_way(const std::string& text) {
  std::istringstream in(text);
  std::vector<uint64_t> addresses;
  uint64_t stubs = 0;
  for (std::string line; std::getline(in, line);) {
    addresses.push_back(std::stoull(line, nullptr, 16));
    if (const size_t at = line.find("js 0x"); addresses.size() == 2 && at != line.npos)
      stubs = std::stoull(line.substr(at + 3), nullptr, 16);
  }
  return static_cast<unsigned>(std::ranges::lower_bound(addresses, stubs) - addresses.begin());
}

inline void compare_with_golden(const char* name, const std::string& text) {
  const std::string path = std::string(MYNAH_SOURCE_DIR "/tests/counts/") + name;
  if (std::getenv("MYNAH_UPDATE_GOLDENS")) {
    std::ofstream(path) << text;
    return;
  }
  // Line by line: a test's message of thousands of lines is read by nobody.
  std::ifstream file(path);
  std::istringstream now(text);
  std::string expected, actual, differences;
  while (std::getline(now, actual)) {
    if (!std::getline(file, expected)) expected.clear();
    if (actual != expected) differences += "- " + expected + "\n+ " + actual + "\n";
  }
  while (std::getline(file, expected)) differences += "- " + expected + "\n";
  EXPECT_EQ(differences, "") << "set MYNAH_UPDATE_GOLDENS=1 to accept";
}

}  // namespace mynah::test
