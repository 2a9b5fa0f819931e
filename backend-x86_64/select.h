// SPDX-License-Identifier: Apache-2.0
//
// Instruction selection: turns a region into the allocator's steps. Decides what shares a host instruction:
// constants and state slots as operands, truncations and extensions as nothing, comparisons with the
// conditional ops behind them, flags groups with the arithmetic over the same operands. Dead pure
// instructions are left out.
//
// Who holds the host's flags is decided here alone, and stands in the steps: an operand in them (kHostFlags),
// an operand that takes them over (none), and whether they are still wanted (kFlagsLive). A row says whether
// an emitter leaves the flags alone. Moves that the allocator inserts never touch them.
#pragma once

#include "backend-x86_64/rows.h"

namespace mynah::x86_64 {

using ir::Inst;
using ir::Op;
using ir::Type;
using ir::Value;
using ir::alloc::Step;

class Selector {
 public:
  Selector(ir::alloc::Program& program, const Features& features) : features(features), p_(program) {}
  void run(const ir::Region& region);

  const Features& features;

  // --- for adjust functions
  const Inst& inst(Value v) const { return r_->insts[v]; }
  bool is_const(Value v) const { return p_.facts[p_.facts[v].root].constant; }
  uint64_t const_bits(Value v) const { return r_->constant(r_->insts[p_.facts[v].root]).lo; }
  Type type(Value v) const { return r_->insts[v].type; }
  bool smp() const { return r_->smp; }
  const ir::FpMode& fp() const { return r_->fp; }
  Value root(Value v) const { return p_.facts[v].root; }
  bool used(Value v) const { return info_[v].uses || info_[v].saved; }
  // Operand k must be in a register (or in this one).
  void need_register(Step& step, unsigned k, Reg r = ir::alloc::kAny);
  // Of an op over extended floats: it reads, or writes, memory itself (kFusedMemory), where it can.
  void fuse_memory(Step& step);

  // --- for the emitter
  // What an i1 that the host's flags hold asks of them; of a bit test: kAsTested or kInverted.
  static constexpr ir::Cond kAsTested = ir::Cond::eq, kInverted = ir::Cond::ne;
  ir::Cond condition_of(Value v) const { return info_[v].holder.cond; }

 private:
  struct Holder {
    Value value = ir::kNoValue;  // the instruction whose host flags decide
    ir::Cond cond = kAsTested;   // see condition_of()
  };
  struct Info {
    uint16_t uses = 0;
    bool saved = false;        // in a snapshot
    bool remade = false;       // flags in a snapshot, to be made by a recipe if there can be one
    bool leaves_with = false;  // flags in an exit's
    bool done = false;         // dead, or selected ahead of its place
    bool pending = false;      // a state slot's load that waits for its only user
    bool placed = false;       // a step makes it: `step`
    bool fused = false;        // a load that its only user makes (kFusedMemory)
    Holder holder;
    uint32_t step = 0;
    uint32_t served_until = 0;  // 1 + the last step that reads the host flags of this holder
  };

  void count_uses();
  void find_written();
  Value leaf(Value v) const;
  Value twin(Value flags) const;
  void make_recipe(Value flags);
  void select(Value i);
  void select_row(Value i);
  void select_cond(Value i);
  bool compare_again(Value flags);
  void select_not(Value i);
  void select_flags(Value i);
  bool select_conditional_compare(Value i);
  bool select_aes_round(Value i);
  Value next_of(Value i) const;
  bool goes_to_f80(Value load) const;
  void operands(Step& step, const Inst& inst, const Row& row);
  bool operand(Step& step, unsigned k, Value v, Use use);
  void push(Step& step, FlagsEffect effect);
  void mark_live_flags();
  void bring_in(Value get);
  void bring_in_slots(const ir::SlotSet& slots);
  bool foldable(Value v) const;
  bool claims(Value flags, Value arithmetic) const;
  void serve(Value holder);

  ir::alloc::Program& p_;
  const ir::Region* r_ = nullptr;
  std::vector<Info> info_;
  std::vector<Value> pending_;
  std::vector<Value> held_;  // by step: host_ in front of it
  std::vector<uint8_t> snapshot_seen_;
  Value host_ = ir::kNoValue;  // whose flags the host's flags register holds
  uint32_t host_step_ = 0;     // the step that set them
  bool memory_used_ = false;   // the current step reads a state slot
};

}  // namespace mynah::x86_64
