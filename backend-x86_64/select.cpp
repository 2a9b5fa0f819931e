// SPDX-License-Identifier: Apache-2.0
//
// Which values share a host instruction, and who holds the host's flags when; see select.h.
#include "backend-x86_64/select.h"

#include <algorithm>
#include <utility>

namespace mynah::x86_64 {

using namespace ir::alloc;
using ir::Cond;
using ir::kNoSnapshot;
using ir::kNoValue;

namespace {

constexpr unsigned argument_count(Op op) { return ir::facts(op).arguments; }
// Nobody misses it where nobody uses its value.
constexpr bool removable(Op op) {
  return (ir::facts(op).effects &
          (ir::kWriteState | ir::kWriteMemory | ir::kFpStatus | ir::kLeave | ir::kEnd)) == 0;
}

constexpr bool is_exit(Op op) {
  return op == Op::exit || op == Op::exit_if || op == Op::exit_indirect || op == Op::exit_engine;
}

// The op's emitter leaves its flags group in the host's flags.
constexpr bool leaves_flags(Op op) {
  switch (op) {
    case Op::fl_comi:
    case Op::fl_fcmp:
    case Op::fl_shl:
    case Op::fl_lshr:
    case Op::fl_ashr:
    case Op::fl_inc:
    case Op::fl_dec:
    case Op::vtest:
    case Op::vstr_flags:
    case Op::vstrl_flags:
      return true;
    default:
      return false;
  }
}

bool fits_imm32(uint64_t v, Type t) {
  return ir::bits(t) <= 32 || static_cast<int64_t>(v) == static_cast<int32_t>(v);
}

constexpr bool is_shift(Op op) { return op == Op::fl_shl || op == Op::fl_lshr || op == Op::fl_ashr; }

// They are made again at an exit, too: another group's C has to be at hand for it.
constexpr bool is_step(Op op) { return op == Op::fl_inc || op == Op::fl_dec; }

constexpr bool is_alias(Op op) { return op == Op::trunc || op == Op::zext32 || op == Op::vlow; }

}  // namespace

void Selector::need_register(Step& step, unsigned k, Reg r) {
  if (step.where[k] == kMemory) bring_in(step.value[k]);
  step.where[k] = r;
}

void Selector::run(const ir::Region& region) {
  r_ = &region;
  p_.clear(region);
  const size_t n = region.insts.size();
  p_.facts.resize(n);
  for (size_t i = 0; i < n; ++i) p_.facts[i] = {static_cast<Value>(i), false, false};
  info_.assign(n, Info{});
  pending_.clear();
  held_.clear();
  host_ = kNoValue;
  count_uses();
  for (Value i = 0; i < n; ++i)
    if (!info_[i].done) select(i);
  mark_live_flags();
}

// Only now is it known how far the flags of each holder are read.
void Selector::mark_live_flags() {
  for (uint32_t s = 0; s < held_.size(); ++s)
    if (held_[s] != kNoValue && info_[held_[s]].served_until > s) p_.steps[s].target |= kFlagsLive;
}

void Selector::count_uses() {
  const ir::Region& r = *r_;
  snapshot_seen_.assign(r.snapshots.size(), 0);
  find_written();
  for (Value i = static_cast<Value>(r.insts.size()); i-- > 0;) {
    const Inst& inst = r.insts[i];
    Info& info = info_[i];
    if (info.remade || (info.leaves_with && is_step(inst.op)))
      make_recipe(i);
    else if (info.leaves_with)
      info.saved = true;
    if (removable(inst.op) && info.uses == 0 && !info.saved && !info.leaves_with) {
      info.done = true;
      continue;
    }
    const unsigned n = argument_count(inst.op);
    for (unsigned k = 0; k < n; ++k) {
      if (inst.args[k] == kNoValue) continue;
      Info& argument = info_[inst.args[k]];
      if (is_alias(inst.op)) {
        argument.uses = static_cast<uint16_t>(argument.uses + info.uses);
        argument.saved |= info.saved;
      } else {
        ++argument.uses;
      }
    }
    if (inst.snapshot != kNoSnapshot && !snapshot_seen_[inst.snapshot]) {
      snapshot_seen_[inst.snapshot] = 1;
      for (const ir::SnapshotEntry& e : r.entries(r.snapshots[inst.snapshot])) {
        Info& entry = info_[e.value];
        if (type(e.value) != Type::flags) {
          entry.saved = true;
          continue;
        }
        // An exit likes best what the host's flags still hold.
        if (is_exit(inst.op)) entry.leaves_with = true;
        if (!is_exit(inst.op) || inst.op == Op::exit_if) entry.remade = true;
      }
    }
  }
}

void Selector::find_written() {
  p_.written = {};
  for (const Inst& inst : r_->insts) {
    if (inst.op == Op::set) p_.written.add(inst.slot());
    if (inst.op == Op::call) p_.written = p_.written | r_->helper(inst).writes;
    if (ir::family(inst.op) == ir::Family::kExtended) p_.written = p_.written | r_->f80_slots;
  }
}

// What a recipe names an operand by: a truncation makes nothing.
Value Selector::leaf(Value v) const {
  while (inst(v).op == Op::trunc) v = inst(v).args[0];
  return v;
}

// The arithmetic beside flags i that has the same operands, and somebody uses; kNoValue where there is none.
Value Selector::twin(Value i) const {
  constexpr Value kNear = 4;
  const Inst& f = r_->insts[i];
  const auto fits = [&](const Inst& a) {
    if (a.args[0] != f.args[0] || a.type != type(f.args[0])) return false;
    if (is_step(f.op)) {
      if (a.op != Op::add || inst(a.args[1]).op != Op::konst) return false;
      const uint64_t step = f.op == Op::fl_inc ? 1 : ~uint64_t{0};
      return (inst(a.args[1]).imm - step) << (64 - ir::bits(a.type)) == 0;
    }
    if (a.args[1] == f.args[1])
      return a.op == (f.op == Op::fl_add ? Op::add : f.op == Op::fl_sub ? Op::sub : Op::and_);
    return f.op == Op::fl_sub && a.op == Op::add && inst(f.args[1]).op == Op::konst &&
           inst(a.args[1]).op == Op::konst &&
           (inst(a.args[1]).imm + inst(f.args[1]).imm) << (64 - ir::bits(a.type)) == 0;
  };
  for (Value j = i; j-- > 0 && j + kNear >= i;)
    if (fits(r_->insts[j])) return info_[j].uses || info_[j].saved ? j : kNoValue;
  for (Value j = i + 1; j < r_->insts.size() && j <= i + kNear; ++j) {
    if (r_->insts[j].snapshot != kNoSnapshot) break;
    if (fits(r_->insts[j])) return info_[j].done ? kNoValue : j;
  }
  return kNoValue;
}

// Flags that snapshots want are made again from their operands, which then have to live as long. Often they
// do anyway, and packing a group takes four instructions of the fast path. Where that cannot be, the group is
// saved.
void Selector::make_recipe(Value i) {
  const Inst& f = r_->insts[i];
  ir::alloc::Recipe recipe{.op = f.op, .aux = f.aux};
  bool possible = true;
  switch (f.op) {
    case Op::fl_logic:
      recipe.leaves = 1;
      break;
    case Op::fl_add:
    case Op::fl_sub:
    case Op::fl_and:
    case Op::fl_smul:
      recipe.leaves = 2;
      break;
    case Op::fl_inc:
    case Op::fl_dec: {
      // A recipe has no recipe for an operand.
      const Op old = inst(f.args[1]).op;
      recipe.leaves = 2;
      possible = old == Op::get || old == Op::fl_konst;
      break;
    }
    case Op::fl_shl:
    case Op::fl_lshr:
    case Op::fl_ashr:
      recipe.leaves = 2;
      possible = features.shift_flags && inst(f.args[1]).op == Op::konst;
      break;
    default:
      possible = false;
  }
  if (possible && recipe.leaves == 2 && inst(f.args[1]).op == Op::konst)
    possible = fits_imm32(inst(f.args[1]).imm, type(f.args[1]));
  if (!possible) {
    info_[i].saved = true;
    return;
  }
  recipe.type = type(f.args[0]);
  for (unsigned k = 0; k < recipe.leaves; ++k) recipe.leaf[k] = leaf(f.args[k]);
  if (is_step(f.op)) info_[i].leaves_with = false;
  const auto constant = [&](Value v) { return inst(v).op == Op::konst || inst(v).op == Op::fl_konst; };
  const auto free = [&](Value v) { return constant(v) || p_.in_slot(v, recipe); };
  if (!free(recipe.leaf[0]) && f.op != Op::fl_logic && f.op != Op::fl_smul && !is_shift(f.op)) {
    if (const Value result = twin(i); result != kNoValue) {
      recipe.leaf[0] = result;
      if (f.op == Op::fl_and) {
        recipe.op = Op::fl_logic;
        recipe.leaves = 1;
      } else {
        recipe.undo = true;
      }
    }
  }
  for (unsigned k = 0; k < recipe.leaves; ++k) {
    if (constant(recipe.leaf[k]))
      p_.facts[recipe.leaf[k]].constant = true;
    else if (!p_.in_slot(recipe.leaf[k], recipe))
      info_[recipe.leaf[k]].saved = true;
  }
  p_.recipes.push_back(recipe);
  p_.facts[i].recipe = static_cast<uint16_t>(p_.recipes.size());
}

// A state slot's load that waited: its step goes in front of its user.
void Selector::bring_in(Value get) {
  info_[get].pending = false;
  Step step{.inst = get, .result = get, .result_where = kAny, .target = kKeepsFlags};
  info_[get].placed = true;
  held_.push_back(host_);
  p_.steps.push_back(step);
}

void Selector::bring_in_slots(const ir::SlotSet& slots) {
  for (size_t i = 0; i < pending_.size(); ++i) {
    const Value v = pending_[i];
    if (info_[v].pending && slots.contains(inst(v).slot())) bring_in(v);
  }
  std::erase_if(pending_, [this](Value v) { return !info_[v].pending; });
}

// Whether operand v can be read from its state slot. An extended operand cannot: the slot is narrower.
bool Selector::foldable(Value v) const {
  const Value get = root(v);
  return info_[get].pending && ir::bits(type(get)) >= ir::bits(type(v));
}

void Selector::serve(Value holder) {
  info_[holder].served_until = static_cast<uint32_t>(p_.steps.size()) + 1;
}

// Places one operand. True when a pending load must come in first (the caller's step has not been pushed
// yet).
bool Selector::operand(Step& step, unsigned k, Value v, Use use) {
  const Value at = root(v);
  step.value[k] = at;
  step.where[k] = kAny;
  const Type t = type(v);
  if (p_.facts[at].constant) {
    const bool small = ir::bits(t) <= 64;
    const bool immediate = use == kRegImm || use == kRegImmMem
                               ? small && fits_imm32(inst(at).imm, t)
                               : small && (use == kRegConst || use == kBool || use == kFlagsValue);
    if (immediate) step.where[k] = kImmediate;
    return false;
  }
  if (use == kBool && info_[at].holder.value != kNoValue && info_[at].holder.value == host_) {
    step.where[k] = kHostFlags;
    return false;
  }
  if (use == kFlagsValue && at == host_ && type(at) == Type::flags) {
    step.where[k] = kHostFlags;
    return false;
  }
  if (info_[at].pending) {
    if ((use == kRegMem || use == kRegImmMem) && !memory_used_ && foldable(v)) {
      memory_used_ = true;
      step.where[k] = kMemory;
      return false;
    }
    return true;
  }
  return false;
}

void Selector::operands(Step& step, const Inst& inst, const Row& row) {
  const unsigned n = argument_count(inst.op);
  memory_used_ = false;
  Value v[4];
  for (unsigned k = 0; k < 4; ++k) v[k] = k < n ? inst.args[k] : kNoValue;
  if ((row.traits & kCommutative) && foldable(v[0]) && !is_const(v[1]) && !foldable(v[1]))
    std::swap(v[0], v[1]);
  for (unsigned k = n; k-- > 0;) {  // the last operand is the one that memory and immediates are for
    if (v[k] == kNoValue) continue;
    if (operand(step, k, v[k], row.args[k])) bring_in(step.value[k]);
  }
}

// Appends the step and follows the host flags.
void Selector::push(Step& step, FlagsEffect effect) {
  const Inst& inst = r_->insts[step.inst];
  const uint32_t index = static_cast<uint32_t>(p_.steps.size());
  held_.push_back(host_);
  for (unsigned k = 4; k-- > 0;) {
    if (step.where[k] == kNone) continue;
    if (step.arguments == 0) step.arguments = static_cast<uint8_t>(k + 1);
    if (step.where[k] == kHostFlags)
      serve(host_);
    else if (step.where[k] == kMemory)
      info_[step.value[k]].pending = false;
  }
  if (inst.op == Op::exit_if && step.where[0] != kHostFlags) host_ = kNoValue;
  if (inst.snapshot != kNoSnapshot && is_exit(inst.op) && host_ != kNoValue && type(host_) == Type::flags) {
    for (const ir::SnapshotEntry& e : r_->entries(r_->snapshots[inst.snapshot])) {
      if (root(e.value) == host_) {
        step.in_flags = host_;
        info_[host_].served_until = index + 1;
      }
    }
  }
  step.target = static_cast<uint8_t>((step.target & ~kEffectMask) | effect);
  if (effect == kClobbersFlags) {
    host_ = kNoValue;
  } else if (effect == kSetsFlags) {
    host_ = step.inst;
    host_step_ = index;
  }
  if (step.result != kNoValue) {
    info_[step.result].placed = true;
    info_[step.result].step = index;
  }
  p_.steps.push_back(step);
}

void Selector::select(Value i) {
  const Inst& in = r_->insts[i];
  ValueFacts& facts = p_.facts[i];
  switch (in.op) {
    case Op::konst:
    case Op::fl_konst:
      facts.constant = true;
      return;
    case Op::get:
      facts.home = !p_.written.contains(in.slot()) && !info_[i].saved;
      if (info_[i].uses == 1 && !info_[i].saved) {
        info_[i].pending = true;
        if (!facts.home) pending_.push_back(i);
      } else {
        Step step{.inst = i, .result = i, .result_where = kAny};
        push(step, kKeepsFlags);
      }
      return;
    case Op::trunc:
    case Op::vlow:
      facts.root = root(in.args[0]);
      return;
    case Op::index:
      if (is_const(in.args[1]) && inst(in.args[1]).imm == 0) {
        facts.root = root(in.args[0]);
        return;
      }
      break;
    case Op::zext32: {
      // Whatever makes an i32 value clears the upper half, except that a truncation makes nothing.
      const Value from = root(in.args[0]);
      if (p_.facts[from].constant ? ir::bits(type(from)) <= 32 || !(inst(from).imm >> 32)
                                  : ir::bits(type(from)) <= 32) {
        facts.root = from;
        return;
      }
      break;
    }
    case Op::vzext: {
      // Loads clear what lies above a scalar.
      const Value from = root(in.args[0]);
      const Op made = inst(from).op;
      if (type(from) == type(in.args[0]) && (made == Op::load || made == Op::get) && !info_[from].pending) {
        facts.root = from;
        p_.facts[from].home = false;  // this value may be in a snapshot
        return;
      }
      break;
    }
    case Op::load:
      info_[i].fused = goes_to_f80(i);
      if (info_[i].fused) return;
      break;
    case Op::cond:
      return select_cond(i);
    case Op::bool_not:
      return select_not(i);
    case Op::aese:
    case Op::aesd:
      if (select_aes_round(i)) return;
      break;
    case Op::fl_add:
    case Op::fl_sub:
    case Op::fl_adc:
    case Op::fl_sbc:
    case Op::fl_logic:
    case Op::fl_and:
    case Op::fl_shl:
    case Op::fl_lshr:
    case Op::fl_ashr:
      return select_flags(i);
    case Op::set:
      bring_in_slots({in.slot()});
      break;
    case Op::call:
      bring_in_slots(r_->helper(in).writes);
      break;
    default:
      if (ir::family(in.op) == ir::Family::kExtended) bring_in_slots(r_->f80_slots);
      break;
  }
  select_row(i);
}

void Selector::select_row(Value i) {
  const Inst& in = r_->insts[i];
  const Row& rw = row(in.op);
  Step step{.inst = i};
  step.traits = rw.traits;
  step.general_temps = rw.temps;
  step.vector_temps = rw.vector_temps;
  step.clobbers = rw.clobbers;
  operands(step, in, rw);
  if (in.type != Type::none) {
    step.result = i;
    step.result_where = kAny;
    switch (rw.result) {
      case kSame0:
        step.tied = 0;
        break;
      case kSame1:
        step.tied = 1;
        break;
      case kSame2:
        step.tied = 2;
        break;
      case kVex0:
        step.tied = features.avx ? kNotTied : 0;
        break;
      default:
        break;
    }
  }
  step.target = rw.flags;
  for (unsigned k = 0; k < 4; ++k)  // an i1 in a register is tested first
    if (rw.args[k] == kBool && step.where[k] == kAny && rw.flags == kKeepsFlags) step.target = kClobbersFlags;
  if (rw.adjust) rw.adjust(*this, in, step);
  // A result can only take the register of an operand that has one.
  if (step.tied != kNotTied && !is_register(step.where[step.tied]) && step.where[step.tied] != kAny)
    need_register(step, step.tied);
  if (step.traits & kClobbersAll) step.target = kClobbersFlags;
  push(step, static_cast<FlagsEffect>(step.target & kEffectMask));
  if (in.op == Op::icmp || in.op == Op::icmpz) {
    info_[i].holder = {i, in.cond()};
    host_ = i;
  } else if (in.op == Op::testbit) {
    info_[i].holder = {i, kAsTested};
    host_ = i;
  } else if (leaves_flags(in.op) && !(step.traits & kClobbersAll)) {
    host_ = i;
  }
}

// A comparison whose operands are at hand is made again: one instruction, where packing its group and asking
// it are five. Afterwards the host holds it.
bool Selector::compare_again(Value flags) {
  const Inst& f = inst(flags);
  if (f.op != Op::fl_sub && f.op != Op::fl_and && f.op != Op::fl_logic) return false;
  for (unsigned k = 0; k < argument_count(f.op); ++k) {
    const Value v = root(f.args[k]);
    if (!p_.facts[v].constant && !p_.facts[v].home && !info_[v].placed) return false;
  }
  if (!info_[flags].placed) return false;
  if (p_.facts[root(f.args[0])].constant) return false;
  if (info_[flags].served_until == 0) p_.steps[info_[flags].step].target |= kOnlyResult;
  Step step{.inst = flags};
  operands(step, f, row(f.op));
  push(step, kClobbersFlags);
  host_ = flags;
  return true;
}

// cond over flags that the host holds costs nothing here. Over packed flags: a bit test, or, for conditions
// over several flags, all of them go back to the host's.
void Selector::select_cond(Value i) {
  const Inst& in = r_->insts[i];
  const Value flags = root(in.args[0]);
  Step step{.inst = i, .result = i, .result_where = kAny, .traits = kOptionalResult};
  if (p_.facts[flags].constant) {  // left by a frontend that does not fold
    step.value[0] = flags;
    step.where[0] = kImmediate;
    push(step, kKeepsFlags);
    return;
  }
  if (flags == host_) {
    info_[i].holder = {flags, in.cond()};
    step.value[0] = flags;
    step.where[0] = kHostFlags;
    push(step, kKeepsFlags);
    return;
  }
  if (compare_again(flags)) return select_cond(i);
  memory_used_ = false;
  const bool compound = ir::is_compound(in.cond());
  if (operand(step, 0, in.args[0], compound ? kReg : kRegMem)) bring_in(step.value[0]);
  push(step, kClobbersFlags);
  if (compound) {
    info_[i].holder = {flags, in.cond()};
    host_ = flags;
  } else {
    info_[i].holder = {i, kAsTested};
    host_ = i;
  }
}

void Selector::select_not(Value i) {
  const Inst& in = r_->insts[i];
  const Value from = root(in.args[0]);
  Step step{.inst = i, .result = i, .result_where = kAny};
  const Holder h = info_[from].holder;
  if (h.value != kNoValue && h.value == host_) {
    info_[i].holder = {h.value, static_cast<Cond>(static_cast<uint8_t>(h.cond) ^ 1)};
    step.traits = kOptionalResult;
    step.value[0] = from;
    step.where[0] = kHostFlags;
    push(step, kKeepsFlags);
    return;
  }
  memory_used_ = false;
  if (operand(step, 0, in.args[0], kReg)) bring_in(step.value[0]);
  step.tied = 0;
  push(step, kClobbersFlags);
}

// Whether the host flags that `arithmetic` leaves are the group that `flags` wants.
bool Selector::claims(Value flags, Value arithmetic) const {
  const Inst& f = r_->insts[flags];
  const Inst& a = r_->insts[arithmetic];
  if (f.aux & ir::kFlagsWidthMask) return false;  // flags of less than the arithmetic's width
  if (f.op == Op::fl_logic)
    return root(f.args[0]) == arithmetic && type(f.args[0]) == a.type &&
           (a.op == Op::and_ || a.op == Op::or_ || a.op == Op::xor_ || a.op == Op::andn);
  if (a.type != type(f.args[0])) return false;
  const auto shifts = [&](Op op) {
    return a.op == op && features.shift_flags && f.args[0] == a.args[0] && f.args[1] == a.args[1] &&
           is_const(f.args[1]) && (const_bits(f.args[1]) & (ir::bits(a.type) - 1)) != 0;
  };
  const auto same = [&](unsigned n) {
    for (unsigned k = 0; k < n; ++k)
      if (f.args[k] != a.args[k]) return false;
    return true;
  };
  switch (f.op) {
    case Op::fl_shl:
      return shifts(Op::shl);
    case Op::fl_lshr:
      return shifts(Op::lshr);
    case Op::fl_ashr:
      return shifts(Op::ashr);
    case Op::fl_add:
      return a.op == Op::add && same(2);
    case Op::fl_and:
      return a.op == Op::and_ && same(2);
    case Op::fl_adc:
      return a.op == Op::adc && same(3);
    case Op::fl_sbc:
      return a.op == Op::sbc && same(3) && !(f.aux & ir::kFlagsBorrow);
    case Op::fl_sub:
      if (a.op == Op::sub) return same(2);
      if (a.op == Op::neg) return a.args[0] == f.args[1] && is_const(f.args[0]) && const_bits(f.args[0]) == 0;
      if (a.op == Op::add && a.args[0] == f.args[0] && is_const(f.args[1]) && is_const(a.args[1])) {
        // x + -k sets what x - k does, k being neither zero nor the most negative number. C and A are the
        // other way round then; where they are to be a borrow, the host subtracts k.
        const unsigned shift = 64 - ir::bits(a.type);
        const uint64_t k = const_bits(f.args[1]) << shift, minus = const_bits(a.args[1]) << shift;
        if (f.aux & ir::kFlagsBorrow &&
            !(fits_imm32(const_bits(f.args[1]), a.type) && fits_imm32(const_bits(a.args[1]), a.type)))
          return false;
        return k + minus == 0 && k != 0 && k != uint64_t{1} << 63;
      }
      return false;
    default:
      return false;
  }
}

// A comparison that only the fl_select behind it uses, against a constant: a conditional comparison. One
// step, with a branch around the comparison.
bool Selector::select_conditional_compare(Value i) {
  const Inst& in = r_->insts[i];
  if ((in.op != Op::fl_sub && in.op != Op::fl_add) || in.aux || info_[i].uses != 1 || info_[i].saved)
    return false;
  Value j = i + 1;
  for (; j < r_->insts.size() && (r_->insts[j].op == Op::konst || r_->insts[j].op == Op::fl_konst); ++j)
    p_.facts[j].constant = true;
  if (j >= r_->insts.size() || info_[j].done) return false;
  const Inst& choice = r_->insts[j];
  if (choice.op != Op::fl_select || choice.args[1] != i || !is_const(choice.args[2]) ||
      is_const(choice.args[0]))
    return false;
  Step step{.inst = j, .result = j, .result_where = kAny, .traits = kOptionalResult, .target = kFusedCompare};
  memory_used_ = false;
  if (operand(step, 2, in.args[1], kRegImmMem)) bring_in(step.value[2]);
  if (operand(step, 1, in.args[0], kReg)) bring_in(step.value[1]);
  operand(step, 0, choice.args[0], kBool);
  info_[j].done = true;
  push(step, kClobbersFlags);
  host_ = j;
  return true;
}

// The two halves of an AES round, the first used by the second alone: one step.
bool Selector::select_aes_round(Value i) {
  const Value j = i + 1;
  if (!features.avx || !features.aes || info_[i].uses != 1 || info_[i].saved || j >= r_->insts.size())
    return false;
  const Inst& in = r_->insts[i];
  const Inst& mix = r_->insts[j];
  if (info_[j].done || mix.op != (in.op == Op::aese ? Op::aesmc : Op::aesimc) || mix.args[0] != i)
    return false;
  Step step{.inst = j, .result = j, .result_where = kAny, .target = kFusedRound};
  operands(step, in, row(in.op));
  info_[j].done = true;
  push(step, kKeepsFlags);
  return true;
}

void Selector::select_flags(Value i) {
  if (select_conditional_compare(i)) return;
  const Inst& in = r_->insts[i];
  const bool held = host_ != kNoValue && claims(i, host_);
  if (!held && in.op != Op::fl_logic) {
    // The arithmetic over the same operands often follows: it moves up.
    const Value end = std::min<Value>(static_cast<Value>(r_->insts.size()), i + 5);
    for (Value j = i + 1; j < end; ++j) {
      if (info_[j].done) continue;
      const Op op = r_->insts[j].op;
      if (claims(i, j)) {
        bool ready = true;  // its operands stand before i
        for (unsigned k = 0; k < argument_count(op); ++k)
          ready &= r_->insts[j].args[k] < i || is_const(r_->insts[j].args[k]);
        if (!ready) break;
        select_row(j);
        info_[j].done = true;
        break;
      }
      if (op == Op::konst) {
        select(j);
        info_[j].done = true;
        continue;
      }
      if (!is_alias(op)) break;
    }
  }
  Step step{.inst = i, .result = i, .result_where = kAny, .traits = kOptionalResult};
  if (host_ != kNoValue && claims(i, host_)) {
    Step& source = p_.steps[host_step_];
    source.traits |= kWantsFlags;
    if (in.op == Op::fl_sub && in.aux & ir::kFlagsBorrow && r_->insts[host_].op == Op::add)
      source.target |= kFusedSubtract;
    info_[host_].served_until = static_cast<uint32_t>(p_.steps.size()) + 1;
    // An addition may not become an address computation now.
    if (source.tied == kNotTied && r_->insts[host_].op != Op::andn) source.tied = 0;
    push(step, kKeepsFlags);
    host_ = i;
    return;
  }
  if (in.op == Op::fl_shl || in.op == Op::fl_lshr || in.op == Op::fl_ashr) return select_row(i);
  operands(step, in, row(in.op));
  // Constants are only good as the right operand.
  if (step.where[0] == kImmediate) need_register(step, 0);
  push(step, kClobbersFlags);
  host_ = i;
}

}  // namespace mynah::x86_64
