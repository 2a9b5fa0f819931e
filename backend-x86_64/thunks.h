// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backend-x86_64/emitter.h"

namespace mynah::x86_64 {

// Writes the thunks; their addresses go to `table`.
ir::Thunks emit_thunks(Emitter& e, ir::CodeSpan at, ThunkTable& table);

}  // namespace mynah::x86_64
