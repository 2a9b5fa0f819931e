// SPDX-License-Identifier: Apache-2.0
//
// Atomic read-modify-write. Locked only where other host threads look on (Region::smp); locked instructions
// are full barriers, so the memory order asks for nothing more.
#include "backend-x86_64/emit.h"

namespace mynah::x86_64 {

using namespace ir::alloc;

namespace {

unsigned size_of(const Inst& inst) { return 1u << inst.access_size(); }

x86::Gp sized(unsigned size, Reg r) {
  switch (size) {
    case 1:
      return Emitter::r8(r);
    case 2:
      return Emitter::r16(r);
    case 4:
      return Emitter::r32(r);
    default:
      return Emitter::r64(r);
  }
}

void lock(Emitter& e) {
  if (e.smp()) e.a.lock();
}

// `to` = the low bytes of `from`, zero-extended.
void extend(Emitter& e, unsigned size, Reg to, Reg from) {
  switch (size) {
    case 1:
      e.a.movzx(e.r32(to), e.r8(from));
      break;
    case 2:
      e.a.movzx(e.r32(to), e.r16(from));
      break;
    case 4:
      e.a.mov(e.r32(to), e.r32(from));
      break;
    default:
      e.mov(Type::i64, to, from);
  }
}

void load(Emitter& e, unsigned size, Reg to, x86::Mem at) {
  at.setSize(size);
  if (size <= 2)
    e.a.movzx(e.r32(to), at);
  else
    e.a.mov(sized(size, to), at);
}

// rax = the old value; temp = `modify` of it; stored if nothing came between. The result is extended from
// rax.
template <typename Modify>
void modify_memory(Emitter& e, const Inst& inst, const Regs& r, Modify modify) {
  const unsigned size = size_of(inst);
  const x86::Mem at = e.memory(inst, r, 0, size);
  load(e, size, kRax, at);
  const uint32_t again = e.position();
  e.mov(size == 8 ? Type::i64 : Type::i32, r.temp(0), kRax);
  modify(size, r.temp(0));
  if (e.smp()) {
    e.a.lock().cmpxchg(at, sized(size, r.temp(0)));
    e.jump_back(Cc::ne, again);
  } else {
    e.a.mov(at, sized(size, r.temp(0)));
  }
  if (r.has_result()) extend(e, size, r.result(), kRax);
}

void logic(Emitter& e, uint32_t id, const Inst& inst, const Regs& r) {
  modify_memory(e, inst, r, [&](unsigned size, Reg temp) {
    e.op(id, e.gp(size == 8 ? Type::i64 : Type::i32, temp), e.gp(size == 8 ? Type::i64 : Type::i32, r[1]));
  });
}

// temp holds the zero-extended old value; keeps it where `cc` holds between it and the operand.
void choose(Emitter& e, Cc replace, const Inst& inst, const Regs& r) {
  modify_memory(e, inst, r, [&](unsigned size, Reg temp) {
    e.op(Id::kIdCmp, sized(size, r[1]), sized(size, temp));
    e.cmov(replace, e.gp(size == 8 ? Type::i64 : Type::i32, temp),
           e.gp(size == 8 ? Type::i64 : Type::i32, r[1]));
  });
}

}  // namespace

void emit_cas(Emitter& e, const Inst& inst, const Regs& r) {
  const unsigned size = size_of(inst);
  const x86::Mem at = e.memory(inst, r, 0, size);
  e.mov(size == 8 ? Type::i64 : Type::i32, kRax, r[1]);
  lock(e);
  e.a.cmpxchg(at, sized(size, r[2]));
  extend(e, size, r.result(), kRax);
}

void emit_xchg(Emitter& e, const Inst& inst, const Regs& r) {
  const unsigned size = size_of(inst);
  const x86::Mem at = e.memory(inst, r, 0, size);
  if (e.smp()) {
    e.mov(size == 8 ? Type::i64 : Type::i32, kRax, r[1]);
    e.a.xchg(at, sized(size, kRax));  // locks by itself
    extend(e, size, r.result(), kRax);
  } else {
    load(e, size, r.result(), at);
    e.a.mov(at, sized(size, r[1]));
  }
}

void emit_rmw_add(Emitter& e, const Inst& inst, const Regs& r) {
  const unsigned size = size_of(inst);
  lock(e);
  e.a.xadd(e.memory(inst, r, 0, size), sized(size, r.result()));
  if (size < 4) extend(e, size, r.result(), r.result());
}

void emit_rmw_andn(Emitter& e, const Inst& inst, const Regs& r) {
  // memory & ~b = ~(~memory | b)
  modify_memory(e, inst, r, [&](unsigned size, Reg temp) {
    const Type t = size == 8 ? Type::i64 : Type::i32;
    e.a.not_(e.gp(t, temp));
    e.a.or_(e.gp(t, temp), e.gp(t, r[1]));
    e.a.not_(e.gp(t, temp));
  });
}

void emit_rmw_or(Emitter& e, const Inst& inst, const Regs& r) { logic(e, Id::kIdOr, inst, r); }
void emit_rmw_xor(Emitter& e, const Inst& inst, const Regs& r) { logic(e, Id::kIdXor, inst, r); }
void emit_rmw_smax(Emitter& e, const Inst& inst, const Regs& r) { choose(e, Cc::g, inst, r); }
void emit_rmw_smin(Emitter& e, const Inst& inst, const Regs& r) { choose(e, Cc::l, inst, r); }
void emit_rmw_umax(Emitter& e, const Inst& inst, const Regs& r) { choose(e, Cc::a, inst, r); }
void emit_rmw_umin(Emitter& e, const Inst& inst, const Regs& r) { choose(e, Cc::b, inst, r); }

void emit_cas128(Emitter& e, const Inst& inst, const Regs& r) {
  e.a.movq(x86::rax, e.xmm(r[1]));
  e.a.pextrq(x86::rdx, e.xmm(r[1]), 1);
  e.a.movq(x86::rbx, e.xmm(r[2]));
  e.a.pextrq(x86::rcx, e.xmm(r[2]), 1);
  lock(e);
  e.a.cmpxchg16b(e.memory(inst, r, 0, 16));
  e.a.movq(e.xmm(r.result()), x86::rax);
  e.a.pinsrq(e.xmm(r.result()), x86::rdx, 1);
}

}  // namespace mynah::x86_64
