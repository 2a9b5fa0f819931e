// SPDX-License-Identifier: Apache-2.0
//
// What -d shows of the processor, in the forms that people know: guest code (in_asm), intermediate code (ir,
// ir_opt), host code (out_asm), exceptions (int), blocks (exec), registers (cpu), and instructions that the
// processor model lacks (unimp).
#pragma once

#include <string>
#include <vector>

#include "app/log.h"
#include "app/options.h"
#include "machines/machine.h"

namespace mynah::app {

// Hooks into an initialized machine. Machine, log and output outlive each other's use.
void install_traces(Machine& machine, const Options& options, LogOutput& output, dev::Log& log);

}  // namespace mynah::app
