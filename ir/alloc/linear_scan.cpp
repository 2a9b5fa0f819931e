// SPDX-License-Identifier: Apache-2.0
//
// The walk. A step goes through five stages: operands with a register of their own, other operands, the
// result with temporaries, the snapshot, and what is left behind it.
#include "ir/alloc/linear_scan.h"

#include <bit>
#include <utility>

namespace mynah::ir::alloc {

void LinearScan::run(Program& program) {
  p_ = &program;
  state_.assign(program.region->insts.size(), State{});
  holder_.fill(kNoValue);
  occupied_ = pinned_ = 0;
  spill_top_ = 0;
  next_call_.clear();
  for (uint32_t s = 0; s < program.steps.size(); ++s)
    if (program.steps[s].traits & kClobbersAll) next_call_.push_back(s);
  next_call_.push_back(kNever);
  next_call_index_ = 0;
  for (uint32_t s = 0; s < program.steps.size() && !program.too_complex; ++s) {
    if (next_call_[next_call_index_] < s) ++next_call_index_;
    step(s, program.steps[s]);
  }
}

void LinearScan::push(Step& step, const Move& move) {
  p_->moves.push_back(move);
  ++step.move_count;
}

void LinearScan::place(Value v, Reg r) {
  state_[v].reg = r;
  holder_[r] = v;
  occupied_ |= bit(r);
}

void LinearScan::release(Value v) {
  const Reg r = state_[v].reg;
  if (r == kNone) return;
  state_[v].reg = kNone;
  if (holder_[r] == v) {
    holder_[r] = kNoValue;
    occupied_ &= ~bit(r);
  }
}

void LinearScan::copy(Value v, Reg to, Reg from) {
  push(*step_, {.kind = Move::Kind::kCopy, .to = to, .from = from, .value = v});
}

void LinearScan::store(Value v) {
  State& s = state_[v];
  const unsigned slots = class_of(p_->type(v)) == kVector ? 2 : 1;
  if (spill_top_ + slots > target_.spill_slots) {
    p_->too_complex = true;
    return;
  }
  s.spill = static_cast<uint16_t>(spill_top_ + 1);
  spill_top_ += slots;
  push(*step_,
       {.kind = Move::Kind::kSpill, .from = s.reg, .spill = static_cast<uint16_t>(s.spill - 1), .value = v});
}

void LinearScan::load(Value v, Reg to) {
  const State& s = state_[v];
  if (p_->facts[v].constant)
    push(*step_, {.kind = Move::Kind::kConst, .to = to, .value = v});
  else if (s.spill)
    push(*step_,
         {.kind = Move::Kind::kReload, .to = to, .spill = static_cast<uint16_t>(s.spill - 1), .value = v});
  else
    push(*step_, {.kind = Move::Kind::kHome, .to = to, .value = v});
}

void LinearScan::evict(Reg r) {
  const Value v = holder_[r];
  if (!reloadable(v)) store(v);
  release(v);
}

// A free register of the class, or the one whose value is needed last.
Reg LinearScan::take(RegSet cls, RegSet avoid, Value wanted_for, uint32_t index) {
  const RegSet usable = target_.allocatable & cls & ~avoid & ~pinned_;
  const RegSet free = usable & ~occupied_;
  Reg r = kNone;
  if (free) {
    RegSet liked = free;
    if (wanted_for != kNoValue) {
      const uint32_t call = next_call_[next_call_index_] <= index
                                ? next_call_[next_call_index_ + (next_call_index_ + 1 < next_call_.size())]
                                : next_call_[next_call_index_];
      const bool narrow = bits(p_->type(wanted_for)) <= 32;
      const uint32_t next = wanted_for == step_->result ? step_->result_next : state_[wanted_for].next;
      const uint32_t end = p_->snapshot_end[wanted_for];
      const bool crosses = call != kNever && ((next != kNever && next > call) || end > call + 1);
      const RegSet kept = crosses ? ~target_.call_clobbers : target_.call_clobbers;
      const RegSet size = narrow ? target_.cheap : ~target_.cheap;
      if (liked & kept) liked &= kept;
      if (liked & size) liked &= size;
    }
    r = static_cast<Reg>(std::countr_zero(liked));
  } else {
    uint32_t farthest = 0;
    for (RegSet rest = usable & occupied_; rest; rest &= rest - 1) {
      const Reg c = static_cast<Reg>(std::countr_zero(rest));
      const Value v = holder_[c];
      // Twice the distance in favour of values that cost no store.
      const uint32_t next = state_[v].next;
      const uint32_t distance = next == kNever ? kNever - 1 : (next - index) * (reloadable(v) ? 2 : 1);
      if (r == kNone || distance > farthest) {
        farthest = distance;
        r = c;
      }
    }
    if (r == kNone) {
      p_->too_complex = true;  // a step's own operands exceed the registers: no rule set asks for that
      return static_cast<Reg>(std::countr_zero(target_.allocatable & cls));
    }
    evict(r);
  }
  pinned_ |= bit(r);
  return r;
}

// Values that outlive the step are moved away from registers that it overwrites.
void LinearScan::evacuate(uint32_t index, RegSet set) {
  for (RegSet rest = set & occupied_; rest; rest &= rest - 1) {
    const Reg r = static_cast<Reg>(std::countr_zero(rest));
    const Value v = holder_[r];
    if (!alive_after(v, index) || reloadable(v)) continue;
    const RegSet cls = r < kVectorBase ? kGeneral : kVector;
    const RegSet free = target_.allocatable & cls & ~set & ~occupied_ & ~pinned_;
    if (free && state_[v].next != kNever) {
      const Reg to = static_cast<Reg>(std::countr_zero(free));
      copy(v, to, r);
      release(v);
      place(v, to);
    } else {
      store(v);
    }
  }
}

void LinearScan::step(uint32_t index, Step& st) {
  step_ = &st;
  pinned_ = 0;
  st.first_move = static_cast<uint32_t>(p_->moves.size());
  const RegSet fixed = pass_uses(st);
  if (st.clobbers) evacuate(index, st.clobbers);
  if (fixed) place_fixed(index, st, fixed);
  place_operands(index, st, fixed);
  place_result(index, st);
  if (p_->region->insts[st.inst].snapshot != kNoSnapshot) note_snapshot(index, st);
  end_step(index, st);
}

// Operands' uses move on to the next one behind this step. Returns the registers that operands ask for.
RegSet LinearScan::pass_uses(const Step& st) {
  RegSet fixed = 0;
  for (unsigned k = 0; k < st.arguments; ++k) {
    if (st.where[k] == kAny) {
      state_[st.value[k]].next = st.next[k];
    } else if (is_register(st.where[k])) {
      state_[st.value[k]].next = st.next[k];
      fixed |= bit(st.where[k]);
    }
  }
  return fixed;
}

// Operands with a register of their own: whoever is there makes room.
void LinearScan::place_fixed(uint32_t index, const Step& st, RegSet fixed) {
  for (RegSet rest = fixed & occupied_; rest; rest &= rest - 1) {
    const Reg r = static_cast<Reg>(std::countr_zero(rest));
    const Value v = holder_[r];
    bool right = false, operand = false;
    for (unsigned k = 0; k < st.arguments; ++k) {
      if (st.value[k] != v) continue;
      right |= st.where[k] == r;
      operand |= st.where[k] == kAny || is_register(st.where[k]);
    }
    if (right) continue;
    if (!operand && p_->snapshot_end[v] <= index && state_[v].next == kNever) {
      release(v);
      continue;
    }
    const RegSet cls = r < kVectorBase ? kGeneral : kVector;
    const RegSet free = target_.allocatable & cls & ~fixed & ~st.clobbers & ~occupied_;
    if (free) {
      const Reg to = static_cast<Reg>(std::countr_zero(free));
      copy(v, to, r);
      release(v);
      place(v, to);
    } else {
      evict(r);
    }
  }
  for (unsigned k = 0; k < st.arguments; ++k) {
    if (!is_register(st.where[k])) continue;
    const Value v = st.value[k];
    const Reg r = st.where[k], at = state_[v].reg;
    pinned_ |= bit(r);
    if (at == r) continue;
    if (at == kNone) {
      load(v, r);
      place(v, r);
    } else {
      copy(v, r, at);
      // The value moves house unless the register is about to be overwritten.
      if (!(st.clobbers & bit(r)) && !(fixed & bit(at))) {
        release(v);
        place(v, r);
      }
    }
  }
}

// Other operands: first pin what is in place, then bring in the rest.
void LinearScan::place_operands(uint32_t index, Step& st, RegSet fixed) {
  const RegSet avoid = (st.traits & kArgsSurvive) ? st.clobbers : 0;
  for (unsigned k = 0; k < st.arguments; ++k) {
    if (st.where[k] != kAny) continue;
    const Reg r = state_[st.value[k]].reg;
    if (r != kNone && !(avoid & bit(r)) && !(fixed & bit(r) & st.clobbers)) pinned_ |= bit(r);
  }
  for (unsigned k = 0; k < st.arguments; ++k) {
    if (st.where[k] != kAny) continue;
    const Value v = st.value[k];
    const Reg r = state_[v].reg;
    if (r != kNone && (pinned_ & bit(r)) && !(avoid & bit(r))) {
      st.where[k] = r;
      continue;
    }
    const Reg to = take(class_of(p_->type(v)), avoid | fixed, v, index);
    // Taking a register may have moved the value's only copy to a spill slot.
    const Reg now = state_[v].reg;
    if (now != kNone) {
      copy(v, to, now);
      release(v);
    } else {
      load(v, to);
    }
    place(v, to);
    st.where[k] = to;
  }
}

// Whether operand k's register holds nothing of value once it has been read.
bool LinearScan::expires(uint32_t index, const Step& st, unsigned k) const {
  if (!is_register(st.where[k])) return false;
  const Value v = st.value[k];
  if (state_[v].reg != st.where[k]) return true;  // a copy made for this step
  const bool leaves = p_->region->insts[st.inst].snapshot != kNoSnapshot;
  return !alive_after(v, index) && !(leaves && p_->snapshot_end[v] > index);
}

// The result, in an operand's register where it must or can be, and temporaries.
void LinearScan::place_result(uint32_t index, Step& st) {
  if (st.result_where != kNone) {
    const RegSet cls = class_of(p_->type(st.result));
    if (st.tied != kNotTied) {
      if ((st.traits & kCommutative) && !expires(index, st, st.tied) && st.tied == 0 &&
          is_register(st.where[1]) && expires(index, st, 1)) {
        std::swap(st.value[0], st.value[1]);
        std::swap(st.where[0], st.where[1]);
        std::swap(st.next[0], st.next[1]);
      }
      const unsigned t = st.tied;
      bool shared = false;
      if (st.traits & kEarlyResult)
        for (unsigned k = 0; k < st.arguments; ++k) shared |= k != t && st.where[k] == st.where[t];
      if (!expires(index, st, t) || shared || (st.clobbers & bit(st.where[t]))) {
        const Reg to = take(cls, st.clobbers, st.result, index);
        copy(st.value[t], to, st.where[t]);
        st.where[t] = to;
      }
      st.result_where = st.where[t];
    } else if (st.result_where == kAny) {
      Reg r = kNone;
      if (!(st.traits & kEarlyResult))
        for (unsigned k = 0; k < st.arguments && r == kNone; ++k)
          if (is_register(st.where[k]) && (bit(st.where[k]) & cls & target_.allocatable & ~st.clobbers) &&
              expires(index, st, k))
            r = st.where[k];
      // After a call any register will do, also an overwritten one.
      if (r == kNone) r = take(cls, (st.traits & kClobbersAll) ? 0 : st.clobbers, st.result, index);
      st.result_where = r;
    }
    pinned_ |= bit(st.result_where);
  }
  unsigned temps = 0;
  for (unsigned i = 0; i < st.general_temps; ++i)
    st.temp[temps++] = take(kGeneral, st.clobbers, kNoValue, index);
  for (unsigned i = 0; i < st.vector_temps; ++i)
    st.temp[temps++] = take(kVector, st.clobbers, kNoValue, index);
}

// Where a value of a snapshot is.
Spot LinearScan::spot_of(Value v) const {
  Spot spot{.kind = Spot::Kind::kRegister};
  if (p_->facts[v].constant) {
    spot.kind = Spot::Kind::kConst;
  } else if (state_[v].reg != kNone) {
    spot.reg = state_[v].reg;
  } else {
    spot.kind = Spot::Kind::kSpill;
    spot.spill = static_cast<uint16_t>(state_[v].spill - 1);
  }
  return spot;
}

// Where the values of the step's snapshot are; those that nobody else needs go.
void LinearScan::note_snapshot(uint32_t index, Step& st) {
  const auto entries = p_->region->entries(p_->region->snapshots[p_->region->insts[st.inst].snapshot]);
  st.first_spot = static_cast<uint32_t>(p_->spots.size());
  for (const SnapshotEntry& e : entries) {
    const Value v = p_->facts[e.value].root;
    if (v == st.in_flags) {
      p_->spots.push_back({.kind = Spot::Kind::kFlags});
    } else if (const Recipe* recipe = p_->recipe(v)) {
      p_->spots.push_back({.kind = Spot::Kind::kRecipe,
                           .recipe = p_->facts[v].recipe - 1u,
                           .leaves = static_cast<uint32_t>(p_->leaf_spots.size())});
      for (unsigned k = 0; k < recipe->leaves; ++k) {
        const Value leaf = p_->facts[recipe->leaf[k]].root;
        p_->leaf_spots.push_back(p_->in_slot(leaf, *recipe) ? Spot{.kind = Spot::Kind::kSlot}
                                                            : spot_of(leaf));
      }
    } else {
      p_->spots.push_back(spot_of(v));
    }
  }
  const auto done = [&](Value v) {
    if (!alive_after(v, index)) release(v);
  };
  for (const SnapshotEntry& e : entries) {
    const Value v = p_->facts[e.value].root;
    done(v);
    if (const Recipe* recipe = p_->recipe(v))
      for (unsigned k = 0; k < recipe->leaves; ++k) done(p_->facts[recipe->leaf[k]].root);
  }
}

// Behind the step: what was read for the last time and what was overwritten is gone, the result is there.
void LinearScan::end_step(uint32_t index, const Step& st) {
  for (unsigned k = 0; k < st.arguments; ++k)
    if (is_register(st.where[k]) && !alive_after(st.value[k], index)) release(st.value[k]);
  const RegSet result = st.result_where != kNone ? bit(st.result_where) : 0;
  for (RegSet rest = (st.clobbers | result) & occupied_; rest; rest &= rest - 1)
    release(holder_[std::countr_zero(rest)]);
  if (st.result_where != kNone) {
    state_[st.result].next = st.result_next;
    if (alive_after(st.result, index)) place(st.result, st.result_where);
  }
}

}  // namespace mynah::ir::alloc
