// SPDX-License-Identifier: Apache-2.0
//
// One guest processor of a machine: its state, what runs it, and how a debugger sees it.
#pragma once

#include <memory>

#include "engine/vcpu.h"
#include "frontend/guest.h"
#include "frontend/guest_debug.h"
#include "ir/runtime.h"

namespace mynah {

struct DeleteRuntime {
  void operator()(ir::Runtime* runtime) const { ir::delete_runtime(runtime); }
};
using RuntimePtr = std::unique_ptr<ir::Runtime, DeleteRuntime>;

struct Processor {
  RuntimePtr runtime;  // the guest's state is in it
  std::unique_ptr<GuestCpu> guest;
  std::unique_ptr<GuestDebug> debug;
  std::unique_ptr<Vcpu> vcpu;  // from Machine::init() on
  // Awake, and its next instruction cannot complete before the host has something for it. It is tried again
  // when others have run, and in each slice; a try that comes to nothing leaves no trace.
  bool waits_for_host = false;
  bool gave_way = false;  // its last turn ended because it waits for another processor
};

}  // namespace mynah
