// SPDX-License-Identifier: Apache-2.0
//
// Many iterations of REP MOVS and REP STOS at once: as many as stay in the pages that source and destination
// are in, and none where an iteration crosses one or either is no plain memory. How many depends on addresses
// and counts alone.
#include <algorithm>
#include <cstring>

#include "frontend/x86/cpu.h"
#include "frontend/x86/helpers.h"
#include "frontend/x86/helpers_functions.h"

namespace mynah::x86 {

namespace {

constexpr uint64_t kPage = 4096;

uint64_t iterations_in_page(uint64_t linear, uint64_t element) { return (kPage - linear % kPage) / element; }

// The counter and index registers, of the address size of the code.
void advance(X86State& s, uint64_t n, uint64_t element, bool source) {
  const uint64_t mask = s.in_64bit_code() ? ~uint64_t{0} : 0xffffffff;
  s.r(kRcx) = (s.r(kRcx) - n) & mask;
  s.r(kRdi) = (s.r(kRdi) + n * element) & mask;
  if (source) s.r(kRsi) = (s.r(kRsi) + n * element) & mask;
}

}  // namespace

bool helper_rep_movs(X86Cpu& cpu, const uint64_t args[4], uint64_t& result) {
  X86State& s = cpu.x86();
  const uint64_t from = args[0], to = args[1], element = args[2];
  const uint64_t n =
      std::min({s.r(kRcx), iterations_in_page(from, element), iterations_in_page(to, element)});
  result = s.r(kRcx) == 0 ? kRepDone : 0;
  if (n == 0) return true;
  const auto bytes = static_cast<unsigned>(n * element);
  const uint8_t* source = cpu.system().ram(from, bytes, false, cpu.permission_class());
  if (!source) return true;
  uint8_t* destination = cpu.system().ram(to, bytes, true, cpu.permission_class());
  if (!destination) return true;
  // One that runs into itself repeats what it has written.
  if (destination > source && destination < source + bytes) {
    for (uint64_t i = 0; i < n; ++i) {
      uint64_t word = 0;
      std::memcpy(&word, source + i * element, element);
      std::memcpy(destination + i * element, &word, element);
    }
  } else {
    std::memmove(destination, source, bytes);
  }
  advance(s, n, element, true);
  result = s.r(kRcx) == 0 ? kRepDone : kRepMore;
  return true;
}

bool helper_rep_stos(X86Cpu& cpu, const uint64_t args[4], uint64_t& result) {
  X86State& s = cpu.x86();
  const uint64_t to = args[0], element = args[1];
  uint64_t value = args[2];
  const uint64_t n = std::min(s.r(kRcx), iterations_in_page(to, element));
  result = s.r(kRcx) == 0 ? kRepDone : 0;
  if (n == 0) return true;
  uint8_t* destination =
      cpu.system().ram(to, static_cast<unsigned>(n * element), true, cpu.permission_class());
  if (!destination) return true;
  if (element == 1 || value == 0) {
    std::memset(destination, static_cast<uint8_t>(value), n * element);
  } else {
    for (uint64_t i = 0; i < n; ++i) std::memcpy(destination + i * element, &value, element);
  }
  advance(s, n, element, false);
  result = s.r(kRcx) == 0 ? kRepDone : kRepMore;
  return true;
}

}  // namespace mynah::x86
