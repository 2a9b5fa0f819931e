// SPDX-License-Identifier: Apache-2.0
//
// Selection of ops over extended floats: the host's instructions have memory operands, which a load in front
// of one or a store behind it becomes.
#include "backend-x86_64/select.h"
#include "ir/f80.h"

namespace mynah::x86_64 {

using ir::alloc::kNone;

namespace {

// Bytes of the operand in memory; 0: the op has none.
unsigned memory_bytes(const Inst& inst) {
  switch (inst.op) {
    case Op::f80_load:
    case Op::f80_store:
      return ir::bytes(static_cast<ir::F80Format>(inst.aux & 15));
    case Op::f80_op_with:
    case Op::f80_compare_with:
      return ir::bytes(static_cast<ir::F80Format>(inst.aux >> 4));
    default:
      return 0;
  }
}

}  // namespace

// The instruction behind i that is no constant.
Value Selector::next_of(Value i) const {
  do {
    ++i;
  } while (i < r_->insts.size() && (inst(i).op == Op::konst || inst(i).op == Op::fl_konst));
  return i < r_->insts.size() ? i : ir::kNoValue;
}

bool Selector::goes_to_f80(Value load) const {
  const Info& info = info_[load];
  if (info.uses != 1 || info.saved || ir::is_vector_register(type(load)) || inst(load).aux & ir::kMemSigned)
    return false;
  const Value user = next_of(load);
  return user != ir::kNoValue && inst(user).op != Op::f80_store && !info_[user].done &&
         memory_bytes(inst(user)) == 1u << inst(load).access_size() && inst(user).args[1] == load;
}

void Selector::fuse_memory(Step& step) {
  const Inst& in = inst(step.inst);
  Value access = in.args[1];
  if (in.op == Op::f80_store) {
    access = next_of(step.inst);
    if (access == ir::kNoValue || info_[step.inst].uses != 1 || info_[step.inst].saved) return;
    const Inst& store = inst(access);
    if (store.op != Op::store || store.args[1] != step.inst || info_[access].done ||
        memory_bytes(in) != 1u << store.access_size() || (smp() && store.aux & ir::kMemRelease))
      return;
    info_[access].done = true;
    step.result = ir::kNoValue;
    step.result_where = kNone;
  } else if (!info_[access].fused) {
    return;
  }
  if (operand(step, 1, inst(access).args[0], kReg)) bring_in(step.value[1]);
  step.target |= kFusedMemory;
}

}  // namespace mynah::x86_64
