// SPDX-License-Identifier: Apache-2.0
//
// Liveness of a program's values in one backward walk: for each operand the next step that wants the value in
// a register, for each value the last step whose snapshot holds it.
#pragma once

#include "ir/alloc/steps.h"

namespace mynah::ir::alloc {

// Fills Step::next, Step::result_next and Program::snapshot_end; drops optional results that nobody asks for.
// next_use is scratch, kept by the caller so that its memory is reused.
void find_next_uses(Program& program, std::vector<uint32_t>& next_use);

}  // namespace mynah::ir::alloc
