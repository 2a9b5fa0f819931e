// SPDX-License-Identifier: Apache-2.0
//
// Random cases of a form: bytes with random registers, addressing forms and immediates, and states with many
// edge values whose registers lead each access into the data pages, or just out of them.
#pragma once

#include <optional>

#include "tests/x86_oracle/forms.h"

namespace mynah::x86_oracle {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15 + 1) {}
  uint64_t next();
  uint32_t below(uint32_t n) { return static_cast<uint32_t>((next() >> 32) * n >> 32); }
  bool chance(unsigned percent) { return below(100) < percent; }
  // Of so many bits: 0, 1, -1, the least and the greatest, a power of two and its neighbours, small, any.
  uint64_t integer(unsigned bits);
  // Bits of a float of 16, 32 or 64 bits: zeros, infinities, quiet and signalling NaNs, subnormals, ones
  // around integers' limits, any.
  uint64_t real(unsigned bits);
  void extended(uint8_t out[10]);  // of 80 bits, encodings that are no number among them

 private:
  uint64_t state_;
};

// An instruction at its place.
struct Instance {
  uint64_t rip = kCode;
  uint8_t bytes[16] = {};
  uint8_t length = 0;
  bool low = false;  // its accesses go to the low data
  Decoded decoded;
};

struct CaseLimits {
  bool low_data = true;  // Case::low is possible
  bool bases = true;     // FS and GS as state says
  bool faults = true;    // some accesses go out of the data
  bool unmasked = true;  // some floating-point exceptions are not masked
  uint64_t rip = 0;      // of the instruction; 0: any
  bool based = false;    // addresses go by RBX and RBP, or lie at a fixed place
};

// Nothing, if none was found in many tries.
std::optional<Instance> random_instance(Random& random, const Form& form, const CaseLimits& limits);
Case random_case(Random& random, const Instance& instance, const CaseLimits& limits);
// All registers that no instruction leads.
void random_registers(Random& random, const Decoded* decoded, Case& c, const CaseLimits& limits);
// Leads the instruction's accesses into the data. Registers in `taken` (by bit) keep their values.
void lead_accesses(Random& random, const Instance& instance, Case& c, const CaseLimits& limits,
                   uint32_t taken = 0);

// What the manuals, or processors that differ, leave open of an instruction's result.
struct Undefined {
  uint32_t flags = 0;      // x86's bits
  uint16_t codes = 0;      // condition codes: the x87 status word's bits
  bool registers = false;  // the result, too, if it is a register
  bool data = false;       // or memory
  uint32_t flags_on_fault = 0;
  bool registers_on_fault = false;  // what was done before a fault
  bool data_on_fault = false;
  bool address = false;     // where in the pages a fault was found
  bool faults = false;      // whether there is a page fault
  bool protection = false;  // whether there is #GP
};
Undefined undefined_of(const Decoded& decoded, const Case& before);

}  // namespace mynah::x86_oracle
