// SPDX-License-Identifier: Apache-2.0
//
// One backward walk over the steps.
#include "ir/alloc/liveness.h"

namespace mynah::ir::alloc {

void find_next_uses(Program& p, std::vector<uint32_t>& next_use) {
  const Region& r = *p.region;
  next_use.assign(r.insts.size(), kNever);
  p.snapshot_end.assign(r.insts.size(), 0);
  uint32_t marked = kNoSnapshot;  // snapshots are shared by runs of instructions: each is marked once
  Value marked_flags = kNoValue;
  for (uint32_t s = static_cast<uint32_t>(p.steps.size()); s-- > 0;) {
    Step& step = p.steps[s];
    if (step.result != kNoValue) {
      step.result_next = next_use[step.result];
      if (step.result_next == kNever && p.snapshot_end[step.result] == 0 && (step.traits & kOptionalResult)) {
        step.result = kNoValue;
        step.result_where = kNone;
      }
    }
    for (unsigned k = 0; k < step.arguments; ++k)
      if (step.where[k] == kAny || is_register(step.where[k])) step.next[k] = next_use[step.value[k]];
    for (unsigned k = 0; k < step.arguments; ++k)
      if (step.where[k] == kAny || is_register(step.where[k])) next_use[step.value[k]] = s;
    const Inst& inst = r.insts[step.inst];
    if (inst.snapshot != kNoSnapshot && (inst.snapshot != marked || step.in_flags != marked_flags)) {
      marked = inst.snapshot;
      marked_flags = step.in_flags;
      for (const SnapshotEntry& e : r.entries(r.snapshots[inst.snapshot])) {
        const Value v = p.facts[e.value].root;
        if (v == step.in_flags) continue;
        if (const Recipe* recipe = p.recipe(v)) {
          for (unsigned k = 0; k < recipe->leaves; ++k) {
            const Value leaf = p.facts[recipe->leaf[k]].root;
            if (p.snapshot_end[leaf] == 0 && !p.in_slot(leaf, *recipe)) p.snapshot_end[leaf] = s + 1;
          }
        } else if (p.snapshot_end[v] == 0) {
          p.snapshot_end[v] = s + 1;
        }
      }
    }
  }
}

}  // namespace mynah::ir::alloc
