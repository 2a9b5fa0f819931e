// SPDX-License-Identifier: Apache-2.0
//
// Instruction cases as text, one a line, in tests/a64_cases/*.txt:
//
//   1ac20c20  sdiv w0, w1, w2  | x1=0x80000000 x2=0xffffffff | x0=0x80000000
//
// the word, its assembly, what is set before, and everything that is different afterwards. Registers: x0 to
// x30, sp, nzcv (four bits), fpcr, fpsr, and v0 to v31 as high:low; b, h, s and d name a vector register
// whose other bits are zero. Numbers are decimal or hexadecimal (with _ between digits where it helps); s and
// d also take decimals with a point, inf and nan. What is not set before is zero. `#` starts a comment line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/a64_oracle/state.h"

namespace mynah::a64_cases {

struct TextCase {
  std::string file;
  unsigned line = 0;
  std::string head;  // of the line, up to the results
  uint32_t word = 0;
  a64_oracle::State before{}, after{};
};

// Throws std::runtime_error with file, line and cause.
std::vector<TextCase> read_cases(const std::string& path);
// What differs, as the last column has it.
std::string results(const a64_oracle::State& before, const a64_oracle::State& after);

}  // namespace mynah::a64_cases
