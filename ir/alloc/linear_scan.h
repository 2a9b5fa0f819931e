// SPDX-License-Identifier: Apache-2.0
//
// Register allocation in one forward walk over the steps of a block: values stay in registers until the one
// that is needed last has to make room (constants and unwritten state slots are simply loaded again, others
// are stored once). Needs find_next_uses() first. Guarantees: each step's operands, temporaries and result
// are in distinct registers as the step's rules demand; every value of a step's snapshot is somewhere the
// snapshot's spots say when the step runs; host flags survive the moves, which touch no flags.
#pragma once

#include "ir/alloc/steps.h"

namespace mynah::ir::alloc {

class LinearScan {
 public:
  explicit LinearScan(const Target& target) : target_(target) {}
  void run(Program& program);
  unsigned spill_slots_used() const { return spill_top_; }

 private:
  struct State {
    Reg reg = kNone;
    uint16_t spill = 0;  // 1 + first slot
    uint32_t next = kNever;
  };

  void step(uint32_t index, Step& step);
  RegSet pass_uses(const Step& step);
  // The stages of a step, in this order.
  void place_fixed(uint32_t index, const Step& step, RegSet fixed);
  void place_operands(uint32_t index, Step& step, RegSet fixed);
  void place_result(uint32_t index, Step& step);
  Spot spot_of(Value v) const;
  void note_snapshot(uint32_t index, Step& step);
  void end_step(uint32_t index, const Step& step);
  bool expires(uint32_t index, const Step& step, unsigned k) const;
  bool alive_after(Value v, uint32_t index) const {
    return state_[v].next != kNever || p_->snapshot_end[v] > index + 1;
  }
  bool reloadable(Value v) const { return p_->facts[v].constant || p_->facts[v].home || state_[v].spill; }
  void evacuate(uint32_t index, RegSet set);
  Reg take(RegSet cls, RegSet avoid, Value wanted_for, uint32_t index);
  void evict(Reg r);
  void store(Value v);
  void place(Value v, Reg r);
  void release(Value v);
  void copy(Value v, Reg to, Reg from);
  void load(Value v, Reg to);
  void push(Step& step, const Move& move);

  const Target target_;
  Program* p_ = nullptr;
  Step* step_ = nullptr;
  std::vector<State> state_;
  std::vector<uint32_t> next_call_;
  std::vector<uint16_t> free_pairs_;
  std::array<Value, 64> holder_{};
  RegSet occupied_ = 0, pinned_ = 0;
  unsigned spill_top_ = 0;
  uint32_t next_call_index_ = 0;
};

}  // namespace mynah::ir::alloc
