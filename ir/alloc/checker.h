// SPDX-License-Identifier: Apache-2.0
//
// Allocation checker: follows an allocated program symbolically, knowing for each register and spill slot
// only which value it holds, and verifies that every operand, result and snapshot agrees. Shares nothing with
// the allocator but the data it reads.
#pragma once

#include <string>

#include "ir/alloc/steps.h"

namespace mynah::ir::alloc {

// Empty when the allocation is right, else what is wrong.
std::string check_allocation(const Program& program, const Target& target);

}  // namespace mynah::ir::alloc
