// SPDX-License-Identifier: Apache-2.0
//
// The builder's bookkeeping. Of each slot it knows the current value and whether memory has it too;
// snapshots are shared by whatever leaves between two changes of that, so taking one is free most of the
// time. Nothing here looks back over the region: a pure computation is found again through one table of
// hashes, a constant among the last few.
#include "ir/builder.h"

#include <algorithm>
#include <iterator>

#include "ir/fold.h"
#include "ir/verify.h"

namespace mynah::ir {

namespace {

// Values that are not in memory and stay in registers over a call: about as many as a host has registers that
// calls keep. More would be stored twice, on the stack and on the way out.
constexpr unsigned kKeptOverCalls = 3;

// Made again where they are used, next to their branch: cheaper than a value that is kept.
bool is_condition(Type type) { return type == Type::i1 || type == Type::flags; }

uint32_t hash(const Inst& i) {
  uint64_t h = static_cast<uint64_t>(i.op) | uint64_t{i.aux} << 16 | uint64_t{i.args[0]} << 24;
  h = (h ^ uint64_t{i.args[1]} << 44 ^ i.imm) * 0x9e3779b97f4a7c15;
  return static_cast<uint32_t>(h >> 40);
}

bool equal(const Inst& a, const Inst& b) {
  return a.op == b.op && a.type == b.type && a.aux == b.aux && a.imm == b.imm &&
         std::equal(std::begin(a.args), std::end(a.args), std::begin(b.args));
}

}  // namespace

void Builder::begin(std::span<const SlotInfo> slots, std::span<const HelperInfo> helpers) {
  r_.clear();
  r_.slots = slots;
  r_.helpers = helpers;
  if (slots.size() > SlotSet::kMaxSlots) broken(r_, "a guest has more slots than the builder knows");
  for (Slot s : known_) slots_[s] = {};
  known_.clear();
  dirty_.clear();
  consts_.clear();
  pc_offset_ = 0;
  completed_ = 0;
  snapshot_valid_ = false;
  ended_ = false;
}

void Builder::finish() {
  if (!ended_) broken(r_, "a region is finished that nothing ends");
  r_.blocks.push_back({0, static_cast<uint32_t>(r_.insts.size())});
}

Value Builder::append(const Inst& inst) {
  r_.insts.push_back(inst);
  return static_cast<Value>(r_.insts.size() - 1);
}

Value Builder::get(Slot slot) {
  SlotState& s = slots_[slot];
  if (s.value == kNoValue) {
    s.value = append({.op = Op::get, .type = r_.slots[slot].type, .imm = slot});
    known_.push_back(slot);
  }
  return s.value;
}

Value Builder::get_now(Slot slot) {
  return append({.op = Op::get, .type = r_.slots[slot].type, .imm = slot});
}

void Builder::set(Slot slot, Value v) {
  if (type(v) != r_.slots[slot].type) broken(r_, "a slot is set to a value of another type");
  SlotState& s = slots_[slot];
  if (s.value == v) return;
  if (s.value == kNoValue) known_.push_back(slot);
  s.value = v;
  if (!s.dirty) {
    s.dirty = true;
    dirty_.push_back(slot);
  }
  snapshot_valid_ = false;
}

void Builder::assume(Slot slot, Value v) {
  SlotState& s = slots_[slot];
  if (s.value == kNoValue) known_.push_back(slot);
  s.value = v;
  if (s.dirty) snapshot_valid_ = false;
}

void Builder::flush(const SlotSet& slots) {
  const size_t before = dirty_.size();
  std::erase_if(dirty_, [&](Slot slot) {
    if (!slots.contains(slot)) return false;
    SlotState& s = slots_[slot];
    append({.op = Op::set, .type = Type::none, .args = {s.value, kNoValue, kNoValue, kNoValue}, .imm = slot});
    s.dirty = false;
    return true;
  });
  if (dirty_.size() != before) snapshot_valid_ = false;
}

void Builder::forget(const SlotSet& slots) {
  std::erase_if(known_, [&](Slot slot) {
    SlotState& s = slots_[slot];
    // What memory has is cheaper to load again than to keep over a call; a constant costs nothing.
    if (!slots.contains(slot) && (s.dirty || as_const(s.value))) return false;
    s = {};
    return true;
  });
  if (std::erase_if(dirty_, [&](Slot slot) { return slots.contains(slot); })) snapshot_valid_ = false;
}

uint32_t Builder::take_snapshot() {
  if (snapshot_valid_) return last_snapshot_;
  Snapshot s{pc_offset_, completed_, static_cast<uint32_t>(r_.snapshot_entries.size()),
             static_cast<uint32_t>(dirty_.size())};
  for (Slot slot : dirty_) r_.snapshot_entries.push_back({slot, slots_[slot].value});
  r_.snapshots.push_back(s);
  last_snapshot_ = static_cast<uint32_t>(r_.snapshots.size() - 1);
  snapshot_valid_ = true;
  return last_snapshot_;
}

Value Builder::konst(Type type, uint64_t value) {
  if (bits(type) < 64) value &= (uint64_t{1} << bits(type)) - 1;
  // Few distinct constants a region: a linear look at the latest ones finds nearly all repeats.
  const size_t n = consts_.size();
  for (size_t i = n; i-- > 0 && n - i <= 8;) {
    const Inst& c = r_.insts[consts_[i]];
    if (c.imm == value && c.type == type) return consts_[i];
  }
  const Value v = append({.op = Op::konst, .type = type, .imm = value});
  consts_.push_back(v);
  return v;
}

Value Builder::konst_v128(uint64_t lo, uint64_t hi) {
  r_.wide_constants.push_back({lo, hi});
  return append({.op = Op::konst, .type = Type::v128, .imm = r_.wide_constants.size() - 1});
}

Value Builder::emit(Op op, Type type, Value a, Value b, Value c, uint64_t imm, uint8_t aux) {
  Inst inst{.op = op, .type = type, .aux = aux, .args = {a, b, c, kNoValue}, .imm = imm};
  const Folded f = fold(*this, inst);
  if (f.value != kNoValue) return f.value;
  if (!reuse_ || facts(f.inst.op).effects != kPure || is_condition(f.inst.type)) return append(f.inst);
  Value& known = computed_[hash(f.inst) % computed_.size()];
  if (known < r_.insts.size() && equal(r_.insts[known], f.inst)) return known;
  return known = append(f.inst);
}

bool Builder::split(Value base, BoundedAddress& parts) {
  const auto def = [&](Value v) -> const Inst& { return r_.insts[v]; };
  const auto bounded = [&](Value v) { return def(v).op != Op::konst && upper_bound(r_, v) <= kMostIndex; };
  const auto is_sum = [&](Value v) { return def(v).op == Op::add; };
  const auto has_constant = [&](Value v) { return is_sum(v) && def(def(v).args[1]).op == Op::konst; };
  uint64_t offset = 0;
  Value v = base;
  if (has_constant(v)) {
    offset = def(def(v).args[1]).imm;
    v = def(v).args[0];
  }
  if (offset && bounded(v)) {  // a table at a constant address
    parts.root = i64(offset);
    parts.index = v;
    parts.offset = 0;
    return true;
  }
  const bool narrow = def(v).op == Op::zext32;
  const Value sum = narrow ? def(v).args[0] : v;
  if (!is_sum(sum) || def(def(sum).args[1]).op == Op::konst) return false;
  Value root = def(sum).args[0], index = def(sum).args[1];
  if (!bounded(index)) std::swap(root, index);
  if (!bounded(index)) return false;
  parts.root = narrow ? zext32(root) : root;
  parts.index = narrow ? zext32(index) : index;
  parts.offset = offset;
  return true;
}

Value Builder::guard(Value base, GuardRange range, uint8_t aux) {
  BoundedAddress parts{};
  const bool bounded = !slow_ && !(aux & 7 << kGuardAlignShift) && split(base, parts);
  const Value zero = bounded ? i64(0) : kNoValue;
  const uint32_t snapshot = take_snapshot();
  const Value guard = append({.op = Op::guard,
                              .type = Type::ptr,
                              .aux = static_cast<uint8_t>(aux | (slow_ ? kGuardSlow : 0)),
                              .args = {base, kNoValue, kNoValue, kNoValue},
                              .snapshot = snapshot,
                              .imm = pack(range)});
  if (!bounded) return guard;
  parts.guard = guard;
  r_.bounded.push_back(parts);
  return append({.op = Op::index, .type = Type::ptr, .args = {guard, zero, kNoValue, kNoValue}});
}

void Builder::commit(Value ptr) {
  if (!slow_) return;
  const uint32_t snapshot = take_snapshot();
  append({.op = Op::commit,
          .type = Type::none,
          .args = {ptr, kNoValue, kNoValue, kNoValue},
          .snapshot = snapshot});
}

void Builder::exit_if(Value cond, int64_t target_offset) {
  const uint32_t snapshot = take_snapshot();
  append({.op = Op::exit_if,
          .type = Type::none,
          .args = {cond, kNoValue, kNoValue, kNoValue},
          .snapshot = snapshot,
          .imm = static_cast<uint64_t>(target_offset)});
}

void Builder::exit(int64_t target_offset, BranchKind branch, Value return_address) {
  const uint32_t snapshot = take_snapshot();
  append({.op = Op::exit,
          .type = Type::none,
          .aux = static_cast<uint8_t>(branch),
          .args = {return_address, kNoValue, kNoValue, kNoValue},
          .snapshot = snapshot,
          .imm = static_cast<uint64_t>(target_offset)});
  ended_ = true;
}

void Builder::exit_indirect(Value target, BranchKind branch, Value return_address) {
  const uint32_t snapshot = take_snapshot();
  append({.op = Op::exit_indirect,
          .type = Type::none,
          .aux = static_cast<uint8_t>(branch),
          .args = {target, return_address, kNoValue, kNoValue},
          .snapshot = snapshot});
  ended_ = true;
}

void Builder::exit_engine(uint8_t reason, uint64_t imm, Value argument) {
  const uint32_t snapshot = take_snapshot();
  append({.op = Op::exit_engine,
          .type = Type::none,
          .aux = reason,
          .args = {argument, kNoValue, kNoValue, kNoValue},
          .snapshot = snapshot,
          .imm = imm});
  ended_ = true;
}

void Builder::exit_engine_if(Value cond, uint8_t reason, uint64_t imm) {
  if (const auto known = as_const(cond); known && !(*known & 1)) return;
  const uint32_t snapshot = take_snapshot();
  append({.op = Op::exit_engine_if,
          .type = Type::none,
          .aux = reason,
          .args = {cond, kNoValue, kNoValue, kNoValue},
          .snapshot = snapshot,
          .imm = imm});
}

Value Builder::f80(Op op, Type type, uint32_t file, uint8_t aux, Value a, Value v1, Value c) {
  flush(r_.f80_slots);
  if (facts(op).effects & kWriteState) {  // no call: registers keep what they have
    std::erase_if(known_, [&](Slot slot) {
      if (!r_.f80_slots.contains(slot)) return false;
      slots_[slot] = {};
      return true;
    });
  }
  return append({.op = op, .type = type, .aux = aux, .args = {a, v1, c, kNoValue}, .imm = file});
}

Value Builder::call(Type type, unsigned helper, Value a, Value b, Value c, Value d) {
  Inst inst{.op = Op::call, .type = type, .args = {a, b, c, d}, .imm = helper};
  const HelperInfo& what = r_.helper(inst);
  const auto kept = std::count_if(dirty_.begin(), dirty_.end(), [&](Slot slot) {
    return !what.needs().contains(slot) && !as_const(slots_[slot].value);
  });
  flush(kept > kKeptOverCalls ? SlotSet::all() : what.needs());
  forget(what.writes);
  // What the helper looks at is in memory, and what is not there it leaves alone: its snapshot is the pc.
  r_.snapshots.push_back({pc_offset_, completed_, static_cast<uint32_t>(r_.snapshot_entries.size()), 0});
  inst.snapshot = static_cast<uint32_t>(r_.snapshots.size() - 1);
  return append(inst);
}

}  // namespace mynah::ir
