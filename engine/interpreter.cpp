// SPDX-License-Identifier: Apache-2.0
//
// Interpreter: one block at a time; the evaluator asks back for memory and helpers.
#include "engine/interpreter.h"

#include <algorithm>

namespace mynah {

AfterExit Interpreter::run_alone() {
  core_.stops.begin_alone();
  const AfterExit after = run(1, false);
  core_.stops.end_alone();
  return core_.stops.has_hit() && after == AfterExit::kContinue ? AfterExit::kDebug : after;
}

AfterExit Interpreter::run(uint64_t max_insts, bool stop) {
  core_.next_flavour = Flavour::kFast;  // every access is made by itself anyway
  const uint64_t pc = core_.guest.pc();
  auto fetch = CodeFetch::at(core_, pc, core_.guest.enter());
  if (!fetch) return AfterExit::kContinue;
  BlockKey start = fetch->start();
  start.flavour = Flavour::kSlow;
  if (stop) start.stops = core_.stops.number_at(pc);
  const auto limit = static_cast<unsigned>(std::min<uint64_t>(max_insts, translator_.max_insts));
  const ir::Region* region = translator_.lift(start, *fetch, limit, core_.stops.offsets(start.stops));
  if (!region) {
    fetch->raise_next_fault();
    return AfterExit::kContinue;
  }
  const ir::EvalResult r = ir::evaluate(*region, core_.runtime.state, core_.runtime.fp_sticky, *this);
  const ir::Inst& inst = region->insts[r.inst];
  const ir::Snapshot& snapshot = region->snapshot(inst);
  core_.budget.count(snapshot.completed);
  switch (r.leave) {
    case ir::Leave::kLink:
      core_.guest.arrive((pc & ~(kGuestPageSize - 1)) + inst.imm, Arrival::by(ir::BranchKind::kReturn));
      break;
    case ir::Leave::kIndirect:
      core_.guest.arrive(r.target, Arrival::by(static_cast<ir::BranchKind>(inst.aux)));
      break;
    case ir::Leave::kEngine:
      core_.guest.set_pc((pc & ~(kGuestPageSize - 1)) + static_cast<uint64_t>(int64_t{snapshot.pc_offset}));
      return core_.engine_exit(inst.aux, inst.imm, r.target);
    default:
      break;
  }
  return AfterExit::kContinue;
}

bool Interpreter::guard(const ir::Region& region, const ir::Inst& inst, uint64_t base, uint8_t*& pointer) {
  const ir::GuardRange range = ir::guard_range(inst);
  const ir::Snapshot& snapshot = region.snapshot(inst);
  count_to(snapshot);
  Fault fault;
  const auto result = core_.memory_path.guard(base, range, inst.aux, pointer, fault);
  if (result == MemoryPath::Result::kPointer) {
    pointer -= range.lo;  // the value stands for the base
  } else {
    core_.guest.set_pc(core_.pc_at(snapshot.pc_offset));
    if (result == MemoryPath::Result::kFault)
      core_.raise(fault, inst.aux & ir::kGuardWrite ? Access::kWrite : Access::kRead, range.note);
  }
  core_.budget.set_ahead(0);
  return result == MemoryPath::Result::kPointer;
}

bool Interpreter::commit(const ir::Region& region, const ir::Inst& inst, uint8_t* pointer) {
  const ir::Snapshot& snapshot = region.snapshot(inst);
  count_to(snapshot);
  Fault fault;
  // The value stands for the guard's base.
  const bool ok = core_.memory_path.commit(pointer + ir::guard_range(region.insts[inst.args[0]]).lo, fault);
  if (!ok) {
    core_.guest.set_pc(core_.pc_at(snapshot.pc_offset));
    core_.raise(fault, Access::kWrite);
  }
  core_.budget.set_ahead(0);
  return ok;
}

bool Interpreter::call(const ir::Region& region, const ir::Inst& inst, const uint64_t args[4],
                       uint64_t& result) {
  const ir::Snapshot& snapshot = region.snapshot(inst);
  count_to(snapshot);
  core_.guest.set_pc(core_.pc_at(snapshot.pc_offset));
  const bool go_on = core_.guest.call_helper(static_cast<unsigned>(inst.imm), args, result);
  core_.budget.set_ahead(0);
  if (!go_on) {
    core_.budget.count(1);
    core_.space.changed();
  }
  return go_on;
}

}  // namespace mynah
