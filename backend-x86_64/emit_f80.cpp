// SPDX-License-Identifier: Apache-2.0
//
// Extended floats by the host's x87 (ir/f80.h), on registers that f80_stack.h keeps there. What comes from a
// general register goes through Runtime::call_args.
#include "backend-x86_64/emit.h"
#include "ir/f80.h"

namespace mynah::x86_64 {

using namespace ir::alloc;
using ir::F80File;
using ir::F80Format;
using ir::F80Op;

namespace {

x86::Mem in_file(const Inst& inst, size_t offset, uint32_t size) {
  return x86::ptr(x86::rbp, state_disp(static_cast<uint32_t>(inst.imm + offset)), size);
}

// The register that operand k names.
unsigned number(Emitter& e, const Inst& inst, const Regs& r, unsigned k) {
  if (!r.is_imm(k)) e.broken("an extended float is named by a value that is no constant");
  e.f80.use(static_cast<uint32_t>(inst.imm));
  return static_cast<unsigned>(e.imm(r, k) / sizeof(ir::F80Register)) % F80Stack::kRegisters;
}

x86::Mem scratch(Emitter& e, uint32_t size) { return e.runtime(MYNAH_RUNTIME(call_args), size); }

constexpr bool is_integer(F80Format format) { return format >= F80Format::kI16; }

// Operand 1, of that format.
x86::Mem memory_operand(Emitter& e, const Inst& inst, const Regs& r, F80Format format) {
  if (r.step.target & kFusedMemory) return e.memory(e.ir().insts[inst.args[1]], r, 1, ir::bytes(format));
  e.store_argument(inst, r, 1, MYNAH_RUNTIME(call_args), false);
  return scratch(e, ir::bytes(format));
}

F80Format second_format(const Inst& inst) { return static_cast<F80Format>(inst.aux >> 4); }

}  // namespace

void adjust_f80(Selector& s, const Inst&, Step& step) { s.fuse_memory(step); }

void emit_f80_load(Emitter& e, const Inst& inst, const Regs& r) {
  const auto format = static_cast<F80Format>(inst.aux & 15);
  const unsigned to = number(e, inst, r, 0);
  const x86::Mem from = memory_operand(e, inst, r, format);
  e.f80.make_room(e, to);
  is_integer(format) ? e.a.fild(from) : e.a.fld(from);
  e.f80.made(to);
  e.f80.clear_c1();
}

void emit_f80_copy(Emitter& e, const Inst& inst, const Regs& r) {
  const unsigned to = number(e, inst, r, 0), from = number(e, inst, r, 1);
  if (to != from) {
    e.f80.make_room(e, to);
    e.a.fld(x86::st(e.f80.bring(e, from)));
    e.f80.made(to);
  }
  e.f80.clear_c1();
}

void emit_f80_exchange(Emitter& e, const Inst& inst, const Regs& r) {
  e.f80.exchange(e, number(e, inst, r, 0), number(e, inst, r, 1));
  e.f80.clear_c1();
}

void emit_f80_sign(Emitter& e, const Inst& inst, const Regs& r) {
  const unsigned n = number(e, inst, r, 0);
  e.f80.to_top(e, n);
  inst.aux & 1 ? e.a.fchs() : e.a.fabs();
  e.f80.changed(n);
  e.f80.clear_c1();
}

void emit_f80_constant(Emitter& e, const Inst& inst, const Regs& r) {
  constexpr uint32_t kLoads[] = {Id::kIdFldz,  Id::kIdFld1,   Id::kIdFldl2t, Id::kIdFldl2e,
                                 Id::kIdFldpi, Id::kIdFldlg2, Id::kIdFldln2};
  const unsigned to = number(e, inst, r, 0);
  e.f80.make_room(e, to);
  e.a.emit(kLoads[inst.aux]);
  e.f80.made(to);
  e.f80.clear_c1();
}

void emit_f80_store(Emitter& e, const Inst& inst, const Regs& r) {
  const auto format = static_cast<F80Format>(inst.aux & 15);
  const bool truncate = inst.aux & ir::kF80Truncate;
  const unsigned n = number(e, inst, r, 0);
  const bool fused = r.step.target & kFusedMemory;
  x86::Mem to = scratch(e, ir::bytes(format));
  if (fused) {
    const Inst* store = &inst + 1;  // over constants
    while (store->op != Op::store) ++store;
    to = e.memory(*store, r, 1, ir::bytes(format));
  }
  e.f80.to_top(e, n);
  if (!is_integer(format)) {
    e.a.fst(to);
  } else if (!truncate && format != F80Format::kI64) {
    e.a.fist(to);
  } else {  // these pop
    e.f80.one_more(e, n);
    e.f80.to_top(e, n);
    e.a.fld(x86::st0);
    truncate ? e.a.fisttp(to) : e.a.fistp(to);
  }
  e.f80.set_status();
  if (fused) return;
  if (ir::bytes(format) == 8)
    e.a.mov(e.r64(r.result()), to);
  else if (ir::bytes(format) == 4)
    e.a.mov(e.r32(r.result()), to);
  else
    e.a.movzx(e.r32(r.result()), to);
}

// Either operand may be on top.
void emit_f80_op(Emitter& e, const Inst& inst, const Regs& r) {
  const unsigned a = number(e, inst, r, 0), b = number(e, inst, r, 1);
  e.f80.bring(e, b);
  unsigned to = e.f80.bring(e, a), from = e.f80.bring(e, b);
  if (to != 0 && from != 0) {
    e.f80.to_top(e, a);
    to = 0;
    from = e.f80.bring(e, b);
  }
  switch (static_cast<F80Op>(inst.aux & 15)) {
    case F80Op::kAdd:
      e.a.fadd(x86::st(to), x86::st(from));
      break;
    case F80Op::kMul:
      e.a.fmul(x86::st(to), x86::st(from));
      break;
    case F80Op::kSub:
      e.a.fsub(x86::st(to), x86::st(from));
      break;
    case F80Op::kSubReverse:
      e.a.fsubr(x86::st(to), x86::st(from));
      break;
    case F80Op::kDiv:
      e.a.fdiv(x86::st(to), x86::st(from));
      break;
    case F80Op::kDivReverse:
      e.a.fdivr(x86::st(to), x86::st(from));
      break;
  }
  e.f80.changed(a);
  e.f80.set_status();
}

void emit_f80_op_with(Emitter& e, const Inst& inst, const Regs& r) {
  const F80Format format = second_format(inst);
  const unsigned n = number(e, inst, r, 0);
  const x86::Mem with = memory_operand(e, inst, r, format);
  e.f80.to_top(e, n);
  const bool integer = is_integer(format);
  switch (static_cast<F80Op>(inst.aux & 15)) {
    case F80Op::kAdd:
      integer ? e.a.fiadd(with) : e.a.fadd(with);
      break;
    case F80Op::kMul:
      integer ? e.a.fimul(with) : e.a.fmul(with);
      break;
    case F80Op::kSub:
      integer ? e.a.fisub(with) : e.a.fsub(with);
      break;
    case F80Op::kSubReverse:
      integer ? e.a.fisubr(with) : e.a.fsubr(with);
      break;
    case F80Op::kDiv:
      integer ? e.a.fidiv(with) : e.a.fdiv(with);
      break;
    case F80Op::kDivReverse:
      integer ? e.a.fidivr(with) : e.a.fdivr(with);
      break;
  }
  e.f80.changed(n);
  e.f80.set_status();
}

namespace {
// The host's ST(0) is operand 0; where operand 1 is.
x86::St both(Emitter& e, const Inst& inst, const Regs& r) {
  const unsigned a = number(e, inst, r, 0), b = number(e, inst, r, 1);
  e.f80.bring(e, b);
  e.f80.to_top(e, a);
  return x86::st(e.f80.bring(e, b));
}
}  // namespace

void emit_f80_compare(Emitter& e, const Inst& inst, const Regs& r) {
  const x86::St with = both(e, inst, r);
  inst.aux & 1 ? e.a.fcom(with) : e.a.fucom(with);
  e.f80.set_status();
}

void emit_f80_compare_with(Emitter& e, const Inst& inst, const Regs& r) {
  const F80Format format = second_format(inst);
  const unsigned n = number(e, inst, r, 0);
  const x86::Mem with = memory_operand(e, inst, r, format);
  e.f80.to_top(e, n);
  is_integer(format) ? e.a.ficom(with) : e.a.fcom(with);
  e.f80.set_status();
}

void emit_f80_compare_flags(Emitter& e, const Inst& inst, const Regs& r) {
  const x86::St with = both(e, inst, r);
  e.f80.clear_c1();
  inst.aux & 1 ? e.a.fcomi(with) : e.a.fucomi(with);
  e.a.lahf();
  e.a.seto(x86::al);
  e.a.mov(e.r32(r.result()), x86::eax);
}

void emit_f80_root(Emitter& e, const Inst& inst, const Regs& r) {
  const unsigned n = number(e, inst, r, 0);
  e.f80.to_top(e, n);
  e.a.fsqrt();
  e.f80.changed(n);
  e.f80.set_status();
}

void emit_f80_round(Emitter& e, const Inst& inst, const Regs& r) {
  const unsigned n = number(e, inst, r, 0);
  e.f80.to_top(e, n);
  e.a.frndint();
  e.f80.changed(n);
  e.f80.set_status();
}

void emit_f80_control(Emitter& e, const Inst& inst, const Regs& r) {
  if (r.is_imm(0))
    e.a.mov(x86::eax, static_cast<uint32_t>(e.imm(r, 0)));
  else
    e.a.mov(x86::eax, e.r32(r[0]));
  e.a.mov(in_file(inst, offsetof(F80File, control), 4), x86::eax);
  e.a.or_(x86::eax, ir::kF80Exceptions);
  e.a.mov(scratch(e, 2), x86::ax);
  e.a.fldcw(scratch(e, 2));
}

void emit_f80_set(Emitter& e, const Inst& inst, const Regs& r) {
  const unsigned n = number(e, inst, r, 0);
  if (!(inst.aux & 1)) e.f80.keep_conditions(e);
  e.f80.drop(e, n);
  if (inst.aux & 1) e.f80.clear_c1();
  const x86::Mem significand = in_file(inst, n * sizeof(ir::F80Register), 8);
  x86::Mem exponent = significand.cloneAdjusted(offsetof(ir::F80Register, sign_exponent));
  exponent.setSize(2);
  if (r.is_imm(1)) {
    e.load_const(x86::rax, e.imm(r, 1), true);
    e.a.mov(significand, x86::rax);
  } else {
    e.a.mov(significand, e.r64(r[1]));
  }
  if (r.is_imm(2))
    e.a.mov(exponent, static_cast<int16_t>(e.imm(r, 2)));
  else
    e.a.mov(exponent, e.r16(r[2]));
}

void emit_f80_significand(Emitter& e, const Inst& inst, const Regs& r) {
  const unsigned n = number(e, inst, r, 0);
  e.f80.save(e, n);
  e.a.mov(e.r64(r.result()), in_file(inst, n * sizeof(ir::F80Register), 8));
}

void emit_f80_exponent(Emitter& e, const Inst& inst, const Regs& r) {
  const unsigned n = number(e, inst, r, 0);
  e.f80.save(e, n);
  e.a.movzx(e.r32(r.result()),
            in_file(inst, n * sizeof(ir::F80Register) + offsetof(ir::F80Register, sign_exponent), 2));
}

void emit_f80_status(Emitter& e, const Inst& inst, const Regs& r) {
  e.f80.use(static_cast<uint32_t>(inst.imm));
  e.f80.read_status(e, r.result());
}

}  // namespace mynah::x86_64
