// SPDX-License-Identifier: Apache-2.0
//
// The verifier: a region is what ir.h's invariants and ops.def's declarations say. Passes and backends assume
// a region that it accepts.
#pragma once

#include <string>

#include "ir/ir.h"

namespace mynah::ir {

// An empty string, or the first violation: which instruction, what is wrong.
std::string verify(const Region& region);

}  // namespace mynah::ir
