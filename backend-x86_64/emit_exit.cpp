// SPDX-License-Identifier: Apache-2.0
//
// Leaving a region: direct and indirect exits, exits to C++, helper calls, the generic expansion.
#include "backend-x86_64/emit.h"

#include <algorithm>

namespace mynah::x86_64 {

using namespace ir::alloc;

// The entry counted the whole region.
void Emitter::fix_count(const ir::Snapshot& snapshot) {
  const int32_t missing = static_cast<int32_t>(region_->guest_insts - snapshot.completed);
  if (missing) a.add(x86::r13d, missing);
}

// Within the page: a call that Patch::kLink turns into a jump; the call's return address names the site.
// Across pages: the page moves on first; then comes a call that Patch::kLinkPage turns into `cmp name; jne;
// cmp pc_page; jne; jmp target`, with a look into the jump cache behind it for other address spaces than the
// linked one.
void Emitter::exit_to(const Inst& inst, const ir::Snapshot& snapshot) {
  fix_count(snapshot);
  const int64_t target = inst.target();
  if (target >= 0 && target < static_cast<int64_t>(ir::kPageSize)) {
    call(Thunk::link);
    add_site(Site::Kind::kExit, inst);
    return;
  }
  const int64_t page = target & ~static_cast<int64_t>(ir::kPageSize - 1);
  const x86::Mem pc_page = slot(0, 8);
  if (page == static_cast<int32_t>(page)) {
    a.add(pc_page, static_cast<int32_t>(page));
  } else {
    load_const(x86::rax, static_cast<uint64_t>(page), false);
    a.add(pc_page, x86::rax);
  }
  call(Thunk::link);
  add_site(Site::Kind::kExit, inst);
  fill(kPageLinkSize - 5);
  a.mov(x86::eax, static_cast<uint32_t>(target - page));
  jump(Thunk::crosspage);
}

// Operand k: the call's return address, or none. Pushes it and, by a call over it, the address of the code
// that leads on there; everything is in the state. Not in front of the next page, which this block knows
// nothing of.
void Emitter::push_return(const Inst& inst, const Regs& r, unsigned k) {
  const int32_t target = ir().snapshot(inst).pc_offset;
  if (!options_.return_stack || !region_->linkable || r[k] == kNone ||
      target >= static_cast<int32_t>(ir::kPageSize))
    return;
  static_assert(sizeof(ir::ReturnEntry) == 16 && offsetof(ir::ReturnEntry, host) == 0);
  constexpr uint32_t kPop = 4, kLink = 5;
  a.push(r64(r[k]));
  a.embedUInt8(0xe8);
  a.embedUInt32(kPop + kLink);
  a.add(x86::rsp, 8);
  call(Thunk::link);
  add_site(Site::Kind::kExit, inst).imm = static_cast<uint64_t>(target);
}

void emit_exit(Emitter& e, const Inst& inst, const Regs& r) {
  const ir::Snapshot& snapshot = e.ir().snapshot(inst);
  if (!e.state_written) e.write_state(r.step, snapshot);
  e.push_return(inst, r, 0);
  e.exit_to(inst, snapshot);
}

bool Emitter::exit_shares_state() const {
  if (index_ + 1 >= program_->steps.size()) return false;
  const Step& next = program_->steps[index_ + 1];
  const Inst& exit = region_->insts[next.inst];
  if (exit.op != Op::exit || next.move_count) return false;
  const Step& step = program_->steps[index_];
  const auto here = region_->entries(region_->snapshot(region_->insts[step.inst]));
  for (uint32_t i = 0; i < here.size(); ++i)  // what is made again changes the flags
    if (program_->spots[step.first_spot + i].kind == Spot::Kind::kRecipe) return false;
  const auto there = region_->entries(region_->snapshot(exit));
  return std::equal(here.begin(), here.end(), there.begin(), there.end(),
                    [](const auto& x, const auto& y) { return x.slot == y.slot && x.value == y.value; });
}

bool Emitter::is_only_link(const Inst& exit, bool state_written) const {
  const ir::Snapshot& snapshot = region_->snapshot(exit);
  return (state_written || snapshot.count == 0) && f80.empty() &&
         snapshot.completed == region_->guest_insts && exit.imm < ir::kPageSize;
}

void emit_exit_if(Emitter& e, const Inst& inst, const Regs& r) {
  Emitter::Cold cold{.kind = Emitter::Cold::Kind::kExit};
  if (r.is_imm(0)) {
    if (!(e.imm(r, 0) & 1)) return;
    cold.from[0] = e.jump_near();
  } else {
    if (e.exit_shares_state()) {  // stores leave the flags alone
      e.write_state(r.step, e.ir().snapshot(inst), true);
      e.state_written = cold.state_written = true;
    }
    cold.from[0] = e.jump_near(e.bool_condition(r, 0));
    cold.only_link = e.is_only_link(inst, cold.state_written);
    if (cold.only_link) e.keep_near(cold.from[0]);
  }
  cold.flags = e.flags;
  e.add_cold(cold);
}

void Emitter::jump_entry(Reg entry, Reg address) {
  static_assert(sizeof(ir::JumpEntry) == 16);
  a.imul(r32(entry), r32(address), static_cast<int32_t>(ir::kJumpMix));
  a.shr(r32(entry), 32 - ir::kJumpBits - 4);
  a.and_(r32(entry), -16);
  a.add(r64(entry), runtime(MYNAH_RUNTIME(jumps)));
}

// To the address in `target`, if the jump cache knows it; every other register is free.
void Emitter::probe_jump_cache(Reg target, unsigned branch) {
  a.mov(x86::rax, r64(target));
  if (!region_->linkable) return jump(indirect_leave(branch));
  const Reg entry = target == kRcx ? kRdx : kRcx;
  jump_entry(entry, target);
  const int32_t disp = jump_disp(branch);
  a.cmp(x86::ptr(r64(entry), disp), x86::rax);
  jump(Cc::ne, indirect_miss(branch));
  a.and_(x86::rax, -static_cast<int32_t>(ir::kPageSize));
  a.mov(slot(0), x86::rax);
  a.jmp(x86::ptr(r64(entry), disp + 8));
}

// The return stack does not know the way: what is on it is of no use, then.
void Emitter::return_miss(const Inst& inst, const Regs& r) {
  a.mov(x86::rsp, runtime(MYNAH_RUNTIME(empty_return)));
  probe_jump_cache(r[0], static_cast<unsigned>(inst.branch()));
}

void emit_exit_indirect(Emitter& e, const Inst& inst, const Regs& r) {
  const ir::Snapshot& snapshot = e.ir().snapshot(inst);
  // The target may be what a spill slot's way to the state would overwrite: rax comes after the state.
  e.write_state(r.step, snapshot);
  e.push_return(inst, r, 1);
  e.fix_count(snapshot);
  // Every register is free from here on.
  if (!e.returns_by_stack(inst)) return e.probe_jump_cache(r[0], static_cast<unsigned>(inst.branch()));
  e.a.cmp(x86::ptr(x86::rsp, offsetof(ir::ReturnEntry, address)), e.r64(r[0]));
  e.add_cold({.kind = Emitter::Cold::Kind::kReturn, .from = {e.jump_near(Cc::ne)}});
  e.a.mov(x86::rax, e.r64(r[0]));  // for the stack's end
  e.a.and_(e.r64(r[0]), -static_cast<int32_t>(ir::kPageSize));
  e.a.mov(e.slot(0), e.r64(r[0]));
  e.a.ret();
}

void emit_exit_engine(Emitter& e, const Inst& inst, const Regs& r) {
  const ir::Snapshot& snapshot = e.ir().snapshot(inst);
  e.write_state(r.step, snapshot);
  if (r[0] != kNone) e.store_argument(inst, r, 0, MYNAH_RUNTIME(exit_argument), false);
  e.fix_count(snapshot);
  e.call(Thunk::engine);
  e.add_site(Site::Kind::kEngine, inst);
}

void emit_exit_engine_if(Emitter& e, const Inst&, const Regs& r) {
  Emitter::Cold cold{.kind = Emitter::Cold::Kind::kEngine};
  if (r.is_imm(0)) {
    if (!(e.imm(r, 0) & 1)) return;
    cold.from[0] = e.jump_near();
  } else {
    cold.from[0] = e.jump_near(e.bool_condition(r, 0));
  }
  e.add_cold(cold);
}

// An operand, zero-extended to 64 bits, to a field of Runtime; a vector whole when the field has room.
void Emitter::store_argument(const Inst& inst, const Regs& r, unsigned k, int32_t to, bool full_vector) {
  const Type t = arg_type(inst, k);
  const x86::Mem at = runtime(to);
  if (r.is_imm(k)) {
    uint64_t v = imm(r, k);
    if (ir::bits(t) < 64) v &= (uint64_t{1} << ir::bits(t)) - 1;
    if (v == static_cast<uint64_t>(static_cast<int64_t>(static_cast<int32_t>(v)))) {
      a.mov(runtime(to, 8), static_cast<int32_t>(v));
    } else {
      load_const(x86::rax, v, true);
      a.mov(at, x86::rax);
    }
    return;
  }
  switch (t) {
    case Type::i1:
      a.movzx(x86::eax, r8(r[k]));
      a.mov(at, x86::rax);
      break;
    case Type::i64:
    case Type::ptr:
      a.mov(at, r64(r[k]));
      break;
    case Type::f16:
      a.pextrw(x86::eax, xmm(r[k]), 0);
      a.mov(at, x86::rax);
      break;
    case Type::f32:
      a.movd(x86::eax, xmm(r[k]));
      a.mov(at, x86::rax);
      break;
    case Type::f64:
      a.movq(at, xmm(r[k]));
      break;
    case Type::v128:
      if (full_vector)
        a.movups(at, xmm(r[k]));
      else
        a.movq(at, xmm(r[k]));
      break;
    default:
      a.mov(x86::eax, r32(r[k]));
      a.mov(at, x86::rax);
  }
}

namespace {

void load_result(Emitter& e, const Inst& inst, const Regs& r, int32_t from) {
  if (!r.has_result()) return;
  const x86::Mem at = e.runtime(from);
  switch (inst.type) {
    case Type::i64:
    case Type::ptr:
      e.a.mov(e.r64(r.result()), at);
      break;
    case Type::f16:
    case Type::f32:
      e.a.movd(e.xmm(r.result()), at);
      break;
    case Type::f64:
      e.a.movq(e.xmm(r.result()), at);
      break;
    case Type::v128:
      e.a.movups(e.xmm(r.result()), at);
      break;
    default:
      e.a.mov(e.r32(r.result()), at);
  }
}

}  // namespace

// Scalars go in call_args, vectors whole in vector_args; the result likewise.
void emit_call(Emitter& e, const Inst& inst, const Regs& r) {
  for (unsigned k = 0; k < 4; ++k) {
    if (inst.args[k] == ir::kNoValue) continue;
    if (e.arg_type(inst, k) == Type::v128)
      e.store_argument(inst, r, k, MYNAH_RUNTIME(vector_args) + 16 * static_cast<int>(k), true);
    else
      e.store_argument(inst, r, k, MYNAH_RUNTIME(call_args) + 8 * static_cast<int>(k), false);
  }
  e.call(Thunk::call);
  Site& site = e.add_site(Site::Kind::kCall, inst);
  site.result = r.has_result() ? r.result() & 31 : 0;
  e.add_saved(site, r.step, inst);
  load_result(e, inst, r,
              inst.type == Type::v128 ? MYNAH_RUNTIME(vector_result) : MYNAH_RUNTIME(call_result));
}

// --- the generic expansion

void make_generic(Step& step) {
  step.traits = kClobbersAll;
  step.clobbers = kCallClobbers;
  step.tied = kNotTied;
  step.general_temps = step.vector_temps = 0;
  if (step.result_where != kNone) step.result_where = kAny;
}

// Stores the operands; returns what run_op wants to know about the op.
uint64_t Emitter::pack_op(const Inst& inst, const Regs& r) {
  const unsigned arguments = ir::facts(inst.op).arguments;
  uint64_t packed = static_cast<uint64_t>(inst.op) | static_cast<uint64_t>(inst.type) << 16 |
                    static_cast<uint64_t>(inst.aux) << 24;
  for (unsigned k = 0; k < arguments; ++k) {
    store_argument(inst, r, k, MYNAH_RUNTIME(vector_args) + 16 * static_cast<int>(k), true);
    packed |= static_cast<uint64_t>(arg_type(inst, k)) << (32 + 8 * k);
  }
  return packed;
}

void Emitter::run_generic(const Inst& inst, const Regs& r) {
  load_const(x86::rsi, pack_op(inst, r), false);
  load_const(x86::rdx, inst.imm, false);
  call(Thunk::run_op);
  load_result(*this, inst, r, MYNAH_RUNTIME(vector_result));
}

// The same through the thunk that keeps every register but rax, xmm14 and xmm15.
void Emitter::run_cold(const Inst& inst, const Regs& r) {
  load_const(x86::rax, pack_op(inst, r), false);
  a.mov(runtime(MYNAH_RUNTIME(call_args)), x86::rax);
  load_const(x86::rax, inst.imm, false);
  call(Thunk::cold_op);
  load_result(*this, inst, r, MYNAH_RUNTIME(vector_result));
}

void emit_generic(Emitter& e, const Inst& inst, const Regs& r) { e.run_generic(inst, r); }

}  // namespace mynah::x86_64
