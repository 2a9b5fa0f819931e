// SPDX-License-Identifier: Apache-2.0
//
// Core: what the two ways to execute (Dispatcher, Interpreter) share of a vCPU.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "engine/address_space.h"
#include "engine/block_source.h"
#include "engine/guest_memory.h"
#include "engine/instruction_budget.h"
#include "engine/memory_path.h"
#include "engine/stops.h"
#include "frontend/guest.h"
#include "ir/runtime.h"

namespace mynah {

struct Core {
  Core(GuestCpu& guest, GuestMemory& memory, DeviceBus& devices, const Techniques& techniques,
       size_t stack_bytes, CodeNames& names, StopPoints& stop_points)
      : guest(guest),
        memory(memory),
        runtime(*ir::runtime_of(guest.state())),
        budget(runtime),
        space(guest, runtime, techniques, stack_bytes, names),
        stops(guest, space, stop_points),
        memory_path(guest, memory, devices, space, stops) {}

  GuestCpu& guest;
  GuestMemory& memory;
  ir::Runtime& runtime;
  InstructionBudget budget;
  AddressSpace space;
  Stops stops;
  MemoryPath memory_path;
  Flavour next_flavour = Flavour::kFast;  // of the next block
  bool stop_requested = false;

  // The guest takes the fault's exception. It counts as an instruction, so that no guest can stand still.
  void raise(const Fault& fault, Access access, uint8_t note = 0) {
    guest.raise_fault(fault, access, note);
    space.changed();
    budget.count(1);
  }
  // pc_page, the state's first slot, and an offset from it.
  uint64_t pc_at(int64_t offset) const {
    return *reinterpret_cast<const uint64_t*>(runtime.state) + static_cast<uint64_t>(offset);
  }
  AfterExit engine_exit(uint8_t reason, uint64_t imm, uint64_t argument) {
    space.changed();
    const AfterExit after = guest.engine_exit(reason, imm, argument);
    if (after == AfterExit::kHalt && !guest.asleep()) budget.take_back(1);  // it will be tried again
    if (after != AfterExit::kSlow) return after;
    next_flavour = Flavour::kSlow;
    return AfterExit::kContinue;
  }
};

// The code at the guest's pc, ready to be lifted.
class CodeFetch final : public BlockSource {
 public:
  // Nothing: it faults, and that was raised.
  static std::optional<CodeFetch> at(Core& core, uint64_t pc, const Entry& entry);

  // What a block here is found by.
  const BlockKey& start() const { return start_; }
  const Translation& translation() const { return translation_; }
  std::span<const uint8_t> next_page() override;
  uint64_t next_page_pa() override;
  uint64_t next_page_va() const;
  const Translation& next_translation() const { return next_->page; }  // behind next_page_pa()
  void raise_next_fault();                                             // where next_page() is empty

  CodeFetch(CodeFetch&& other) noexcept;

 private:
  CodeFetch(Core& core, uint64_t pc, const Translation& translation, std::span<const uint8_t> page);
  static std::span<const uint8_t> page_at(Core& core, uint64_t va, uint64_t pa, std::optional<Fault>& fault);

  Core& core_;
  const uint64_t pc_;
  Translation translation_;
  BlockKey start_;
  std::optional<TranslateResult> next_;
  std::span<const uint8_t> next_bytes_;  // empty where next_ is not ok
};

}  // namespace mynah
