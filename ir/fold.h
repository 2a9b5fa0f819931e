// SPDX-License-Identifier: Apache-2.0
//
// Local simplification while building: constant folding (with the evaluator's own meaning of each op),
// identities, canonical operand order (constants last), chains of constant additions joined.
#pragma once

#include "ir/ir.h"

namespace mynah::ir {

class Builder;

struct Folded {
  Value value;  // an existing value that equals the instruction, or kNoValue
  Inst inst;    // otherwise: what to append, perhaps simpler than what was asked
};
Folded fold(Builder& b, const Inst& inst);

}  // namespace mynah::ir
