// SPDX-License-Identifier: Apache-2.0
//
// An x86 machine that runs the same bytes evaluated and translated, and what of it differs. An episode begins
// with registers of its own in a mode of one's choice and ends where something halts, or after so many
// instructions; exceptions go to handlers that halt.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/lockstep/random.h"
#include "tests/x86_system/bare_machine.h"

namespace mynah::lockstep {

enum class X86Mode : uint8_t { kReal, kProtected16, kProtected32, kVm86, kCompatibility, kLong64 };
constexpr unsigned kX86Modes = 6;
std::string_view name_of(X86Mode mode);

// Bytes that are instructions often enough.
std::vector<uint8_t> random_code(Random& random, size_t bytes, bool code64);

class X86Episodes {
 public:
  explicit X86Episodes(X86Mode mode);
  ~X86Episodes();

  // Runs `code` with registers by `seed` on both machines. What differs, as a report; empty: nothing.
  std::string run(const std::vector<uint8_t>& code, uint64_t seed, uint64_t instructions = 400);
  uint64_t instructions = 0, exceptions = 0;  // executed, taken in all

 private:
  class Side;
  const X86Mode mode_;
  std::unique_ptr<Side> evaluated_, translated_;
};

}  // namespace mynah::lockstep
