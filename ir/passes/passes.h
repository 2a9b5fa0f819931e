// SPDX-License-Identifier: Apache-2.0
//
// The passes, in the order in which run_passes() applies them. Each is a free function in a file of its own
// that states what it assumes and guarantees. Every pass can be switched off.
#pragma once

#include "ir/ir.h"

namespace mynah::ir {

struct PassOptions {
  bool merge_guards = true;
  bool dead_code = true;
};

void merge_guards(Region& region);      // passes/merge_guards.cpp
void remove_dead_code(Region& region);  // passes/dead_code.cpp

inline void run_passes(Region& region, const PassOptions& options = {}) {
  if (options.merge_guards) merge_guards(region);
  if (options.dead_code) remove_dead_code(region);
}

}  // namespace mynah::ir
