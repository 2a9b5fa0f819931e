// SPDX-License-Identifier: Apache-2.0
//
// Vcpu: one guest processor that runs. It owns the parts and decides which of them runs next; each has its
// own file: Core (address space, memory path, instruction budget, stop points) is what the two ways to
// execute share, Dispatcher and Interpreter. It knows nothing of devices or time but two interfaces.
//
// Safepoints: translation and code invalidations asked for inside a helper take effect there (helpers that
// change translation end their block); interrupts, deadlines and kicks at the next region entry, when the
// down-counter has run out.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "engine/code_cache.h"
#include "engine/core.h"
#include "engine/dispatcher.h"
#include "engine/guest_memory.h"
#include "engine/interpreter.h"
#include "engine/translator.h"
#include "engine/vcpu_group.h"
#include "frontend/guest.h"
#include "ir/backend.h"

namespace mynah {

class Vcpu final {
 public:
  // Translates where the group has code memory, else interprets.
  Vcpu(GuestCpu& guest, VcpuGroup& group, DeviceBus& devices, const Techniques& techniques = {});
  ~Vcpu();
  Vcpu(const Vcpu&) = delete;

  // Runs about `budget` instructions; exact in deterministic mode: never more, and fewer only when the guest
  // halts, stops, or request_stop() was called. Interrupts are taken as they become deliverable. A guest that
  // sleeps is woken where what it waits for is there, else nothing is run.
  AfterExit run(uint64_t budget);
  void set_exact(bool exact) { exact_ = exact; }  // instruction counts end exactly at the budget

  // Instructions executed so far, exact also inside device accesses and helpers.
  uint64_t instructions() const { return core_.budget.executed(); }
  // run() returns at the next region entry. From inside device accesses and helpers (same thread).
  void request_stop();

  // Translation or code facts changed.
  void translation_changed() { core_.space.changed(); }
  void host_mapping_changed() { tlb().host_mapping_changed(); }
  Tlb& tlb() { return core_.space.tlb(); }
  CodeCache* cache() { return group_.cache(); }
  Translator* translator() { return &translator_; }
  Dispatcher* dispatcher() { return dispatcher_.get(); }  // null with Accelerator::kInterp
  DispatcherStats dispatcher_stats() const { return dispatcher_ ? dispatcher_->stats : DispatcherStats{}; }
  MemoryPath& memory_path() { return core_.memory_path; }  // for a guest's own accesses (helpers)
  MemoryPathStats memory_stats() const { return core_.memory_path.stats; }

  // --- debugger. Virtual memory as the guest's current regime maps it; false where nothing is mapped.
  bool debug_read(uint64_t va, std::span<uint8_t> to);
  bool debug_write(uint64_t va, std::span<const uint8_t> from);
  AfterExit step();  // one instruction
  // run() returns kDebug in front of a breakpoint, but for the first instruction it executes, and behind an
  // instruction whose access hit a watchpoint; step() behind each.
  // The watchpoint that was hit since this was last called.
  std::optional<StopPoints::Watchpoint> take_watch_hit() { return core_.stops.take_hit(); }

 private:
  AfterExit run_slice(uint64_t n);
  AfterExit stopped();  // pc is in a stop set
  void take_interrupt();

  const Techniques techniques_;
  VcpuGroup& group_;
  Core core_;
  Translator translator_;
  std::unique_ptr<Dispatcher> dispatcher_;
  Interpreter interpreter_{core_, translator_};
  bool exact_ = false;
};

}  // namespace mynah
