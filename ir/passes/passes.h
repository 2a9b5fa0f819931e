// SPDX-License-Identifier: Apache-2.0
//
// The passes, in the order in which run_passes() applies them. Each is a free function in a file of its own
// that states what it assumes and guarantees. Every pass can be switched off. What nobody uses a backend
// leaves out by itself.
#pragma once

#include "ir/ir.h"
#include "ir/verify.h"

namespace mynah::ir {

struct PassOptions {
  bool merge_guards = true;
  bool verify = kVerifyByDefault;  // what comes in, and what each pass makes of it
};

void merge_guards(Region& region);  // passes/merge_guards.cpp

inline void run_passes(Region& region, const PassOptions& options = {}) {
  const auto verified = [&](const char* stage) {
    if (options.verify) verify_after(stage, region);
  };
  verified("lifting");
  if (options.merge_guards) {
    merge_guards(region);
    verified("merging of guards");
  }
}

}  // namespace mynah::ir
