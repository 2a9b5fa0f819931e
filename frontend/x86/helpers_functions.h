// SPDX-License-Identifier: Apache-2.0
//
// The functions behind helpers.def: each has the arguments and the result of its `call` op.
#pragma once

#include <cstdint>

namespace mynah::x86 {

class X86Cpu;

using HelperFunction = bool(X86Cpu& cpu, const uint64_t args[4], uint64_t& result);
#define HELPER(name, function, ...) HelperFunction function;
#include "frontend/x86/helpers.def"
#undef HELPER

}  // namespace mynah::x86
