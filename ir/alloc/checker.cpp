// SPDX-License-Identifier: Apache-2.0
//
// Follows every value through registers and spill slots, symbolically; see checker.h.
#include "ir/alloc/checker.h"

namespace mynah::ir::alloc {

namespace {

class Checker {
 public:
  Checker(const Program& p, const Target& t) : p_(p), target_(t) {
    registers_.fill(kNoValue);
    spills_.assign(t.spill_slots + 1, kNoValue);
  }

  std::string run() {
    for (uint32_t s = 0; s < p_.steps.size() && error_.empty(); ++s) check(s);
    return error_;
  }

 private:
  void fail(const std::string& what) {
    if (error_.empty())
      error_ = "step " + std::to_string(step_) + " (%" + std::to_string(p_.steps[step_].inst) + " " +
               std::string(info(p_.region->insts[p_.steps[step_].inst].op).name) + "): " + what;
  }
  void expect(Reg r, Value v, const char* what) {
    if (!is_register(r) || registers_[r] != v)
      fail(std::string(what) + " %" + std::to_string(v) + " is not in register " + std::to_string(r));
  }
  void usable(Reg r, Value v) {
    if (!is_register(r) || !(target_.allocatable & bit(r)))
      fail("register " + std::to_string(r) + " may not be used");
    else if (v != kNoValue && !(class_of(p_.type(v)) & bit(r)))
      fail("register " + std::to_string(r) + " of the wrong kind");
  }
  void write_spill(unsigned slot, Value v) {
    const unsigned n = class_of(p_.type(v)) == kVector ? 2 : 1;
    if (slot + n > target_.spill_slots) return fail("spill slot out of range");
    for (unsigned i = 0; i < n; ++i) spills_[slot + i] = v;
  }
  bool spill_holds(unsigned slot, Value v) {
    const unsigned n = class_of(p_.type(v)) == kVector ? 2 : 1;
    if (slot + n > target_.spill_slots) return false;
    for (unsigned i = 0; i < n; ++i)
      if (spills_[slot + i] != v) return false;
    return true;
  }

  void move(const Move& m) {
    switch (m.kind) {
      case Move::Kind::kCopy:
        expect(m.from, m.value, "copied value");
        break;
      case Move::Kind::kSpill:
        expect(m.from, m.value, "spilled value");
        write_spill(m.spill, m.value);
        return;
      case Move::Kind::kReload:
        if (!spill_holds(m.spill, m.value)) fail("reload from a slot that holds another value");
        break;
      case Move::Kind::kConst:
        if (!p_.facts[m.value].constant) fail("no constant");
        break;
      case Move::Kind::kHome:
        if (!p_.facts[m.value].home || p_.region->insts[m.value].op != Op::get) fail("no slot to load again");
        break;
    }
    usable(m.to, m.value);
    if (is_register(m.to)) registers_[m.to] = m.value;
  }

  void check(uint32_t s) {
    step_ = s;
    const Step& step = p_.steps[s];
    for (unsigned i = 0; i < step.move_count; ++i) move(p_.moves[step.first_move + i]);
    RegSet operands = 0, others = 0;
    for (unsigned k = 0; k < 4; ++k) {
      if (k >= step.arguments && step.where[k] != kNone) fail("uncounted operand");
      if (!is_register(step.where[k])) {
        if (step.where[k] == kAny) fail("operand without a register");
        continue;
      }
      expect(step.where[k], step.value[k], "operand");
      operands |= bit(step.where[k]);
      if (k != step.tied) others |= bit(step.where[k]);
    }
    const Inst& inst = p_.region->insts[step.inst];
    if (inst.snapshot != kNoSnapshot) check_snapshot(step, inst);
    // What the step destroys must hold nothing that is used later: registers simply forget.
    RegSet temps = 0;
    for (const Reg t : step.temp) {
      if (t == kNone) continue;
      usable(t, kNoValue);
      if ((operands | temps) & bit(t)) fail("temporary shares a register");
      temps |= bit(t);
    }
    if ((step.traits & kArgsSurvive) && (operands & step.clobbers))
      fail("operand in an overwritten register");
    if (step.result_where != kNone) {
      usable(step.result_where, step.result);
      if (temps & bit(step.result_where)) fail("result shares a register with a temporary");
      if (step.tied != kNotTied && step.where[step.tied] != step.result_where)
        fail("result is not in its operand's register");
      if ((step.traits & kEarlyResult) && (others & bit(step.result_where)))
        fail("result overwrites an operand early");
    }
    for (Reg r = 0; r < 64; ++r)
      if ((step.clobbers | temps) & bit(r)) registers_[r] = kNoValue;
    if (step.result_where != kNone) registers_[step.result_where] = step.result;
  }

  void check_snapshot(const Step& step, const Inst& inst) {
    const Snapshot& snapshot = p_.region->snapshots[inst.snapshot];
    for (uint32_t i = 0; i < snapshot.count; ++i) {
      const Value v = p_.facts[p_.region->snapshot_entries[snapshot.first + i].value].root;
      const Spot& spot = p_.spots[step.first_spot + i];
      if (spot.kind != Spot::Kind::kRecipe) {
        check_spot(step, spot, v);
        continue;
      }
      const Recipe* recipe = p_.recipe(v);
      if (!recipe) {
        fail("snapshot names no recipe");
        continue;
      }
      for (unsigned k = 0; k < recipe->leaves; ++k) {
        const Spot& leaf = p_.leaf_spots[spot.leaves + k];
        const Value root = p_.facts[recipe->leaf[k]].root;
        if (leaf.kind != Spot::Kind::kSlot)
          check_spot(step, leaf, root);
        else if (!p_.in_slot(root, *recipe))
          fail("snapshot names a state slot that changes");
      }
    }
  }

  void check_spot(const Step& step, const Spot& spot, Value v) {
    switch (spot.kind) {
      case Spot::Kind::kRegister:
        expect(spot.reg, v, "snapshot value");
        break;
      case Spot::Kind::kSpill:
        if (!spill_holds(spot.spill, v))
          fail("snapshot has %" + std::to_string(v) + " in a slot that holds another value");
        break;
      case Spot::Kind::kConst:
        if (!p_.facts[v].constant) fail("snapshot names no constant");
        break;
      case Spot::Kind::kFlags:
        if (v != step.in_flags) fail("snapshot names other flags");
        break;
      case Spot::Kind::kSlot:
        fail("only a recipe's operand may be in a state slot");
        break;
      case Spot::Kind::kRecipe:
        fail("recipe in a recipe");
        break;
    }
    // A guard's cold path writes its result before the snapshot is read again: it may not lie in a value's
    // place.
    if (spot.kind == Spot::Kind::kRegister && step.result_where == spot.reg && (step.traits & kEarlyResult))
      fail("result overwrites a snapshot value");
  }

  const Program& p_;
  const Target& target_;
  std::array<Value, 64> registers_{};
  std::vector<Value> spills_;
  std::string error_;
  uint32_t step_ = 0;
};

}  // namespace

std::string check_allocation(const Program& program, const Target& target) {
  return Checker(program, target).run();
}

}  // namespace mynah::ir::alloc
