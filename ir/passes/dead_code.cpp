// SPDX-License-Identifier: Apache-2.0
//
// Dead-code removal. Assumes a verified region. Guarantees: an instruction that remains has an effect, or a
// value that is used by one that remains; the list is dense again (values are renumbered), and so are
// snapshots and their entries.
//
// Dead loads go (their guard, which may fault, stays); so do dead reads of state. Ops that accumulate sticky
// flags stay. Block parameters stay, with the jump arguments that feed them.
#include <algorithm>

#include "ir/passes/passes.h"

namespace mynah::ir {

namespace {

constexpr uint8_t kMustStay = kWriteState | kWriteMemory | kFpStatus | kLeave | kEnd;

}  // namespace

void remove_dead_code(Region& region) {
  std::vector<Inst>& insts = region.insts;
  const auto count = static_cast<uint32_t>(insts.size());
  // First marks what is used, then holds each instruction's new number.
  std::vector<Value> renumber(count, kNoValue);
  std::vector<uint8_t> snapshot_used(region.snapshots.size(), 0);
  const auto use = [&](Value v) {
    if (v != kNoValue) renumber[v] = 0;
  };

  uint32_t remaining = 0, snapshots_used = 0;
  for (uint32_t i = count; i-- > 0;) {
    const Inst& inst = insts[i];
    const OpFacts& op = facts(inst.op);
    if (renumber[i] == kNoValue && (op.effects & kMustStay) == 0 && inst.op != Op::param) continue;
    renumber[i] = 0;
    ++remaining;
    for (unsigned k = 0; k < op.arguments; ++k) use(inst.args[k]);
    if (op.imm == ImmForm::kEdges) {
      for (const Edge& e : region.edges_of(inst))
        for (uint32_t k = 0; k < e.count; ++k) use(region.jump_arguments[e.first + k]);
    }
    if (inst.snapshot != kNoSnapshot && !snapshot_used[inst.snapshot]) {
      snapshot_used[inst.snapshot] = 1;
      ++snapshots_used;
      for (const SnapshotEntry& e : region.entries(region.snapshot(inst))) use(e.value);
    }
  }
  const bool all_snapshots = snapshots_used == region.snapshots.size();
  if (remaining == count && all_snapshots) return;

  if (!all_snapshots) {
    // Entries move to the front in the order of their snapshots, which is the order they were taken in.
    std::vector<uint32_t> moved(region.snapshots.size(), kNoSnapshot);
    std::vector<SnapshotEntry> entries;
    entries.reserve(region.snapshot_entries.size());
    uint32_t next = 0;
    for (uint32_t s = 0; s < region.snapshots.size(); ++s) {
      if (!snapshot_used[s]) continue;
      Snapshot snapshot = region.snapshots[s];
      const auto old = region.entries(snapshot);
      snapshot.first = static_cast<uint32_t>(entries.size());
      entries.insert(entries.end(), old.begin(), old.end());
      moved[s] = next;
      region.snapshots[next++] = snapshot;
    }
    region.snapshots.resize(next);
    region.snapshot_entries.swap(entries);
    for (Inst& inst : insts) {
      if (inst.snapshot != kNoSnapshot) inst.snapshot = moved[inst.snapshot];
    }
  }
  if (remaining == count) return;

  uint32_t next = 0;
  const auto moved_to = [&](Value v) { return v == kNoValue ? kNoValue : renumber[v]; };
  size_t block = 0;
  for (uint32_t i = 0; i < count; ++i) {
    // Blocks lie in order and cover the list without gaps.
    if (block < region.blocks.size() && region.blocks[block].first == i) region.blocks[block].first = next;
    const bool block_ends = block < region.blocks.size() && region.blocks[block].end == i + 1;
    if (renumber[i] != kNoValue) {
      renumber[i] = next;
      Inst inst = insts[i];
      const unsigned arguments = facts(inst.op).arguments;
      for (unsigned k = 0; k < arguments; ++k) inst.args[k] = moved_to(inst.args[k]);
      insts[next++] = inst;
    }
    if (block_ends) region.blocks[block++].end = next;
  }
  insts.resize(next);
  for (SnapshotEntry& e : region.snapshot_entries) e.value = renumber[e.value];
  for (Value& v : region.jump_arguments) v = renumber[v];
}

}  // namespace mynah::ir
