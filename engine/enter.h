// SPDX-License-Identifier: Apache-2.0
//
// The way into translated code of the host that this is built for. The one place where the engine names a
// backend: the way in must be inlined, so the interface cannot hide it.
#pragma once

#if defined(__x86_64__)
#include "backend-x86_64/enter.h"
namespace mynah {
using x86_64::enter;
}
#else
#include "ir/backend.h"
namespace mynah {
// Where the host's stack is not the guest's return stack, a call is as good.
inline void enter(const ir::Thunks& thunks, ir::Runtime* runtime, const void* code) {
  reinterpret_cast<void (*)(ir::Runtime*, const void*)>(reinterpret_cast<uintptr_t>(thunks.enter))(runtime,
                                                                                                   code);
}
}  // namespace mynah
#endif
