// SPDX-License-Identifier: Apache-2.0
//
// Dispatcher: runs translated code. It finds or makes the block at the guest's pc, enters it, and each time
// code leaves does what is to be done there, making what it found known to translated code: links between
// blocks, jump caches, the return stack.
//
// Owned by one vCPU. A block's entry is the safepoint: what others have taken away meanwhile is gone there.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "engine/code_cache.h"
#include "engine/core.h"
#include "engine/enter.h"
#include "engine/site_cache.h"
#include "engine/techniques.h"
#include "engine/translator.h"
#include "engine/vcpu_group.h"
#include "ir/backend.h"

namespace mynah {

class PagePairs;

struct DispatcherStats {
  uint64_t leaves[8] = {};  // by ir::Leave
  uint64_t guard_misses = 0, narrow_entries = 0, slow_entries = 0;
  uint64_t changes = 0;  // of context that did not leave translated code
};

// What a log wants of it.
struct EntryTrace {
  std::function<void(const TranslatedBlock&)> log;  // every block entered; complete with single_regions
  bool single_regions = false;                      // no links: every block comes back
};

class Dispatcher {
 public:
  Dispatcher(Core& core, VcpuGroup& group, Translator& translator, const Techniques& techniques);
  ~Dispatcher();

  // Runs the budget's slice. `exact`: never beyond it; else a block is run, however short it is. Inlined,
  // since a return from here would be mispredicted: see engine/enter.h.
  [[gnu::always_inline]] inline AfterExit run(bool exact);

  EntryTrace trace;
  DispatcherStats stats;

  // --- the C++ entries that thunks call; true: translated code goes on
  bool guard_miss(uint64_t site_address, ir::HostRegisters& registers);
  bool call_helper(uint64_t site_address, const ir::HostRegisters& registers);

 private:
  // Where execution goes on: code, or the block that it is of, or neither.
  struct Next {
    const void* code = nullptr;
    TranslatedBlock* block = nullptr;
    explicit operator bool() const { return code || block; }
  };
  // The block at pc, and what may lead to it.
  struct Found {
    TranslatedBlock* block = nullptr;
    std::optional<ir::BranchKind> alike;  // see Entry
    bool by_link = false;
    ir::NameKind name{};
    bool one_name = true;  // both pages go by it, where there are two
  };
  Next first();
  AfterExit after_engine(uint64_t site_address);
  Next after_leave(ir::Leave leave, uint64_t site_address);
  bool goes_on() const;
  bool goes_on_here() const;
  uint64_t after_change();
  Next after_link(uint64_t site_address);
  Next after_indirect();
  Next after_dead(uint64_t site_address);
  void after_deadline(uint64_t site_address);
  void arrive_at(const TranslatedBlock& block);

  Found find(uint64_t pc, const Entry& entry, Flavour flavour);
  TranslatedBlock* make(CodeFetch& fetch, const BlockKey& start);
  void name_entry(TranslatedBlock& block, ir::NameKind kind);
  bool note(uint64_t pc, const TranslatedBlock& block, const CodeFetch& fetch);
  void remember(uint64_t pc, ir::BranchKind branch, const Found& found);
  void link(TranslatedBlock& from, const ir::Site& site, uint64_t target, const Found& to);

  // What became of an access: made, raised as a fault, or left to whoever runs the instruction next.
  enum class Made : uint8_t { kYes, kFault, kLater };
  Made guard(uint64_t site_address, TranslatedBlock& block, const ir::Site& site,
             ir::HostRegisters& registers);
  uint8_t* across_pages(uint64_t base, const ir::GuardRange& range, uint8_t aux);
  Made commit(uint64_t site_address, const ir::Site& site, const ir::HostRegisters& registers);
  ir::Site rebuild_slots(uint64_t site_address, const ir::HostRegisters& registers);
  void rebuild(uint64_t site_address, const ir::HostRegisters& registers);  // with the pc

  Core& core_;
  ir::Backend& backend_;
  VcpuGroup& group_;
  CodeCache& cache_;
  Translator& translator_;
  const Techniques& techniques_;
  SiteCache sites_{cache_};
  std::vector<ir::SavedSlot> saved_;
  std::unique_ptr<PagePairs> pairs_;
};

inline AfterExit Dispatcher::run(bool exact) {
  InstructionBudget& budget = core_.budget;
  Next next = first();
  while (next && !core_.stop_requested) {
    if (!next.code) {
      if (next.block->guest_insts > budget.left()) {
        if (exact) return AfterExit::kContinue;
        budget.stretch(next.block->guest_insts);
      }
      if (trace.log) trace.log(*next.block);
      next.code = cache_.checked_entry(*next.block);
    }
    core_.space.tlb().code().forget_deep_returns();
    // Counting restarts at every entry: what was raised on the way here is not the code's.
    budget.restart();
    enter(cache_.thunks(), &core_.runtime, next.code);
    const auto leave = static_cast<ir::Leave>(core_.runtime.exit_reason);
    const uint64_t site_address = core_.runtime.exit_site;
    ++stats.leaves[static_cast<unsigned>(leave)];
    if (leave == ir::Leave::kDeadline) {
      after_deadline(site_address);
      return AfterExit::kContinue;
    }
    budget.settle();
    if (leave == ir::Leave::kEngine) {
      const AfterExit after = after_engine(site_address);
      if (after != AfterExit::kContinue) return after;
      next = {};
    } else {
      next = after_leave(leave, site_address);
    }
    if (trace.single_regions || budget.left() <= 0) return AfterExit::kContinue;
    if (!next && goes_on_here()) {  // elsewhere, and perhaps in another context
      core_.space.refresh();
      next = first();
    }
  }
  return AfterExit::kContinue;
}

}  // namespace mynah
