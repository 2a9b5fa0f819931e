// SPDX-License-Identifier: Apache-2.0
//
// What this backend keeps in a frame (Runtime::backend): MXCSR of the guest, with its sticky flags, which is
// loaded while translated code runs, and of C++; and the stack of C++, where enter left it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ir/runtime.h"

namespace mynah::x86_64 {

struct HostFrame {
  uint32_t guest_mxcsr;
  uint32_t host_mxcsr;
  void* stack;
};
static_assert(sizeof(HostFrame) <= sizeof(ir::Runtime::backend));

inline HostFrame& host_frame(ir::Runtime& runtime) { return *reinterpret_cast<HostFrame*>(runtime.backend); }
inline const HostFrame& host_frame(const ir::Runtime& runtime) {
  return *reinterpret_cast<const HostFrame*>(runtime.backend);
}

// A frame as enter wants it; the guest rounds to the nearest and has no flags.
void prepare_frame(ir::Runtime& runtime);

}  // namespace mynah::x86_64
