// SPDX-License-Identifier: Apache-2.0
//
// What the text form and the verifier share about the shape of an instruction, beyond what ops.def declares.
#pragma once

#include "ir/ir.h"

namespace mynah::ir {

// Their reason and number come first in the text.
constexpr bool is_engine_exit(Op op) { return op == Op::exit_engine || op == Op::exit_engine_if; }

// How many arguments must be there; the others may be kNoValue.
constexpr size_t required_arguments(Op op) {
  switch (op) {
    case Op::call:
    case Op::exit:
    case Op::exit_engine:
      return 0;
    case Op::exit_indirect:
      return 1;
    default:
      return 4;
  }
}

}  // namespace mynah::ir
