// SPDX-License-Identifier: Apache-2.0
//
// OurSide: runs cases on the engine, interpreted or translated, in an address space that has what the host's
// has: the code area and the data, for user mode. Behind a case's code is INT3, which ends it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/techniques.h"
#include "tests/x86_oracle/state.h"

namespace mynah::x86_oracle {

// Vector of a case that needs what is not there yet (an instruction without lifter, a helper).
constexpr uint8_t kUnsupported = 252;

struct Way {
  std::string_view name;
  bool translated = true;
  bool plain = false;  // for a host without AVX, BMI and the like
  Techniques techniques{};
  bool narrow = false;  // only the evaluator's or the slow flavour's regions
};
// All that are compared: the evaluator first.
const std::vector<Way>& ways();

class OurSide {
 public:
  static std::unique_ptr<OurSide> make(const Way& way);
  virtual ~OurSide() = default;
  // Runs the case in place.
  virtual void run(Case& c) = 0;
};

// Whether there is a lift function for the mnemonic (Zydis' number).
bool has_lifter(unsigned mnemonic);

}  // namespace mynah::x86_oracle
