// SPDX-License-Identifier: Apache-2.0
//
// VcpuGroup: what the vCPUs of a machine have in common: translated code, the names of its mappings, a
// debugger's stop points; and what concerns them all wherever it begins (a page gets code, code memory is
// emptied, a stop point is set).
//
// All members take turns on one thread, so that every other one is at a safepoint whenever one runs. With
// threads of their own, whoever calls protect(), flush() or set_*() waits for the others' next safepoint.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/code_cache.h"
#include "engine/code_names.h"
#include "engine/core.h"
#include "engine/guest_memory.h"
#include "engine/stop_points.h"
#include "ir/backend.h"
#include "ir/result.h"

namespace mynah {

enum class Accelerator : uint8_t { kJit, kInterp };

class VcpuGroup {
 public:
  // backend: null only with Accelerator::kInterp, where there is no code cache.
  VcpuGroup(GuestMemory& memory, ir::Backend* backend, Accelerator accelerator, size_t code_bytes);
  ~VcpuGroup();
  VcpuGroup(const VcpuGroup&) = delete;

  Result<void> init();  // takes code memory from the host

  GuestMemory& memory() { return memory_; }
  ir::Backend* backend() { return backend_; }
  CodeCache* cache() { return cache_.get(); }
  CodeNames& names() { return names_; }

  // --- members; `core` leaves before it ends.
  unsigned join(Core& core);  // its number, from 0 in the order of joining
  void leave(Core& core);

  // --- code
  // The page, of `flags` and at this host address, is about to hold code: no write entry names it any more.
  void protect(uint64_t host_page, PageFlags& flags);
  // Ways of members to code that is gone.
  void forget_jumps();
  void flush();
  // Code that is keyed by numbers of stop sets that are given anew goes.
  void follow_numbering();

  // --- a debugger's stop points; in all members
  StopPoints& stop_points() { return stop_points_; }
  void set_breakpoint(uint64_t address, bool on);
  void set_watchpoint(const StopPoints::Watchpoint& watchpoint, bool on);
  void clear_stop_points();

 private:
  GuestMemory& memory_;
  ir::Backend* const backend_;
  std::unique_ptr<CodeCache> cache_;
  CodeNames names_;
  StopPoints stop_points_;
  uint64_t numbering_ = 0;  // StopPoints::flushes() that the cache's keys are of
  std::vector<Core*> members_;
};

}  // namespace mynah
