// SPDX-License-Identifier: Apache-2.0
//
// The host's x87 stack as a cache of the guest's registers: what is fetched, moved, written out, and when.
#include "backend-x86_64/f80_stack.h"

#include <utility>

#include "backend-x86_64/emitter.h"
#include "ir/f80.h"

namespace mynah::x86_64 {

using ir::F80File;
using ir::F80Register;

int32_t F80Stack::disp(unsigned r) const {
  return state_disp(file_ + static_cast<uint32_t>(offsetof(F80File, registers) + r * sizeof(F80Register)));
}
int32_t F80Stack::status_disp() const {
  return state_disp(file_ + static_cast<uint32_t>(offsetof(F80File, status)));
}

bool F80Stack::concerns(const ir::SlotInfo& slot) const {
  if (empty() || slot.offset < file_) return false;
  return slot.offset - file_ < offsetof(F80File, status) + sizeof(F80File::status);
}

int F80Stack::find(unsigned r) const {
  for (unsigned st = 0; st < depth_; ++st)
    if (held_[depth_ - 1 - st] == r) return static_cast<int>(st);
  return -1;
}

unsigned F80Stack::bring(Emitter& e, unsigned r) {
  if (const int st = find(r); st >= 0) return static_cast<unsigned>(st);
  e.a.fld(x86::ptr(x86::rbp, disp(r), 10));
  held_[depth_++] = static_cast<uint8_t>(r);
  return 0;
}

void F80Stack::swap_top(Emitter& e, unsigned st) {
  if (st == 0) return;
  e.a.fxch(x86::st(st));
  std::swap(at(0), at(st));
}

void F80Stack::to_top(Emitter& e, unsigned r) { swap_top(e, bring(e, r)); }

void F80Stack::drop(Emitter& e, unsigned r) {
  const int st = find(r);
  dirty_ &= static_cast<uint8_t>(~bit(r));
  if (st < 0) return;
  e.a.fstp(x86::st(static_cast<uint32_t>(st)));  // the top takes its place
  at(static_cast<unsigned>(st)) = at(0);
  --depth_;
}

void F80Stack::make_room(Emitter& e, unsigned r) { drop(e, r); }

void F80Stack::made(unsigned r) {
  held_[depth_++] = static_cast<uint8_t>(r);
  changed(r);
}

void F80Stack::exchange(Emitter& e, unsigned r, unsigned s) {
  if (r == s) return;
  bring(e, r);
  const unsigned other = bring(e, s);  // may move the first
  std::swap(at(static_cast<unsigned>(find(r))), at(other));
  changed(r);
  changed(s);
}

void F80Stack::pop(Emitter& e) {
  const unsigned r = at(0);
  if (dirty_ & bit(r))
    e.a.fstp(x86::ptr(x86::rbp, disp(r), 10));
  else
    e.a.fstp(x86::st0);
  dirty_ &= static_cast<uint8_t>(~bit(r));
  --depth_;
}

void F80Stack::save(Emitter& e, unsigned r) {
  if (!(dirty_ & bit(r))) return;
  keep_conditions(e);
  to_top(e, r);
  pop(e);
}

void F80Stack::one_more(Emitter& e, unsigned keep) {
  if (depth_ < kRegisters) return;
  if (at(0) == keep) swap_top(e, 1);
  pop(e);
}

void F80Stack::flush(Emitter& e) {
  keep_conditions(e);
  while (depth_) pop(e);
  if (in_host(status_)) {
    e.a.fldz();  // clears C1
    e.a.fstp(x86::st0);
    e.a.fnstsw(x86::ptr(x86::rbp, status_disp(), 2));
  } else if (status_ == Status::kFileNoC1) {
    const bool flags_stay = e.flags_needed();
    if (flags_stay) {
      e.a.lahf();
      e.a.seto(x86::al);
    }
    e.a.and_(x86::ptr(x86::rbp, status_disp() + 1, 1), static_cast<int8_t>(~(ir::kF80C1 >> 8)));
    if (flags_stay) {
      e.a.add(x86::al, 0x7f);  // overflows where it did
      e.a.sahf();
    }
  }
  status_ = Status::kFile;
}

// --- conditions

void F80Stack::clear_c1() {
  if (status_ == Status::kFile) status_ = Status::kFileNoC1;
  if (status_ == Status::kHost) status_ = Status::kHostNoC1;
}

void F80Stack::keep_conditions(Emitter& e) {
  if (status_ != Status::kHost) return;
  e.a.fnstsw(x86::ptr(x86::rbp, status_disp(), 2));
  status_ = Status::kFile;
}

void F80Stack::read_status(Emitter& e, uint8_t to) {
  e.a.fnstsw(x86::ax);
  if (in_host(status_)) {
    const uint32_t none = status_ == Status::kHostNoC1 ? ir::kF80C1 : 0;
    e.a.and_(x86::eax, (ir::kF80Exceptions | ir::kF80Conditions) & ~none);
    e.a.mov(Emitter::r32(to), x86::eax);
    return;
  }
  e.a.movzx(Emitter::r32(to), x86::ptr(x86::rbp, status_disp(), 2));
  e.a.and_(Emitter::r32(to), ir::kF80Conditions & ~(status_ == Status::kFileNoC1 ? ir::kF80C1 : 0));
  e.a.and_(x86::eax, ir::kF80Exceptions);
  e.a.or_(Emitter::r32(to), x86::eax);
}

// --- steps of a region

bool Emitter::wants_file(const Step& step) const {
  const Inst& inst = region_->insts[step.inst];
  switch (inst.op) {
    case Op::get:
    case Op::set:
      return f80.concerns(region_->slots[inst.slot()]);
    case Op::guard:
      return inst.aux & ir::kGuardSlow || ir::guard_range(inst).length > ir::kPageSize;
    case Op::exit_if:  // others are written out in their stubs
      return exit_shares_state();
    case Op::exit_engine_if:
      return false;
    case Op::jump:
    case Op::branch:
      return true;
    default:
      break;
  }
  if (inst.snapshot != ir::kNoSnapshot) return true;
  for (unsigned k = 0; k < step.arguments; ++k)
    if (step.where[k] == ir::alloc::kMemory &&
        f80.concerns(region_->slots[region_->insts[step.value[k]].slot()]))
      return true;
  return false;
}

// --- cold stubs

namespace {
// Fields for a call's arguments, which is not under way.
x86::Mem environment(Emitter& e) {
  static_assert(sizeof(ir::Runtime::vector_args) >= 28);
  return e.runtime(MYNAH_RUNTIME(vector_args));
}
}  // namespace

void F80Stack::suspend(Emitter& e) const {
  if (in_host(status_)) e.a.fnstenv(environment(e));
  F80Stack all = *this;
  all.flush(e);
}

void F80Stack::resume(Emitter& e) const {
  for (unsigned i = 0; i < depth_; ++i) e.a.fld(x86::ptr(x86::rbp, disp(held_[i]), 10));
  if (in_host(status_)) e.a.fldenv(environment(e));
}

}  // namespace mynah::x86_64
