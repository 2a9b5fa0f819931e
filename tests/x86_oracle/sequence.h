// SPDX-License-Identifier: Apache-2.0
//
// Random sequences of instructions: flags and parts of registers live from one to the next, in one block and,
// with branches forward and a loop, over several.
//
// RBX, RBP and RSP (and in loops RDI) keep their values but for pushes and pops, and every access goes by
// them. No instruction reads what one before it has left undefined.
#pragma once

#include <functional>

#include "tests/x86_oracle/random_case.h"

namespace mynah::x86_oracle {

struct Sequence {
  Case before;
  Undefined undefined;
};

class SequenceMaker {
 public:
  // Of forms of this mode that pass.
  SequenceMaker(Mode mode, const CaseLimits& limits, const std::function<bool(const Form&)>& use);
  Sequence make(Random& random, unsigned length, bool branches) const;

 private:
  std::optional<Instance> draw(Random& random, uint64_t rip, bool loop, uint32_t undefined) const;

  Mode mode_;
  CaseLimits limits_;
  std::vector<std::vector<Form>> forms_;  // by group
};

}  // namespace mynah::x86_oracle
