// SPDX-License-Identifier: Apache-2.0
//
// What is written once, in front of all translated code.
#pragma once

#include <array>

#include "backend-x86_64/emitter.h"

namespace mynah::x86_64 {

constexpr size_t kMostThunkBytes = 8192;

// Where each thunk begins, by Thunk: bytes from the first one, or addresses where code runs.
using ThunkTable = std::array<uint64_t, static_cast<size_t>(Thunk::kCount)>;

// Writes them all; they refer to each other by relocations.
ThunkTable write_thunks(Emitter& e, ir::CompiledCode& out);

}  // namespace mynah::x86_64
