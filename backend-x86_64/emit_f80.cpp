// SPDX-License-Identifier: Apache-2.0
//
// Extended floats by the host's x87 (ir/f80.h). The guest's registers stay in its state: an op loads its
// operands, computes and stores, and leaves the host's stack empty. What comes from a general register goes
// through Runtime::call_args.
#include "backend-x86_64/emit.h"
#include "ir/f80.h"

namespace mynah::x86_64 {

using namespace ir::alloc;
using ir::F80File;
using ir::F80Format;
using ir::F80Op;

namespace {

int32_t file_disp(const Inst& inst, size_t offset) {
  return state_disp(static_cast<uint32_t>(inst.imm + offset));
}
x86::Mem in_file(const Inst& inst, size_t offset, uint32_t size) {
  return x86::ptr(x86::rbp, file_disp(inst, offset), size);
}

// A register of the file that operand k names, `offset` bytes into it.
x86::Mem file_register(Emitter& e, const Inst& inst, const Regs& r, unsigned k, uint32_t size,
                       size_t offset = 0) {
  if (r.is_imm(k)) return in_file(inst, e.imm(r, k) + offset, size);
  return x86::ptr(x86::rbp, e.r64(r[k]), 0, file_disp(inst, offset), size);
}

x86::Mem scratch(Emitter& e, uint32_t size) { return e.runtime(MYNAH_RUNTIME(call_args), size); }

constexpr uint32_t size_of(F80Format format) {
  return format == F80Format::kI16 ? 2 : format == F80Format::kF32 || format == F80Format::kI32 ? 4 : 8;
}
constexpr bool is_integer(F80Format format) { return format >= F80Format::kI16; }

// Operand k as a memory operand of that format.
x86::Mem operand_in_memory(Emitter& e, const Inst& inst, const Regs& r, unsigned k, F80Format format) {
  e.store_argument(inst, r, k, MYNAH_RUNTIME(call_args), false);
  return scratch(e, size_of(format));
}

void note_status(Emitter& e, const Inst& inst) {
  e.a.fnstsw(x86::ax);
  e.a.mov(in_file(inst, offsetof(F80File, status), 2), x86::ax);
}

F80Format second_format(const Inst& inst) { return static_cast<F80Format>(inst.aux >> 4); }

}  // namespace

void emit_f80_load(Emitter& e, const Inst& inst, const Regs& r) {
  const auto format = static_cast<F80Format>(inst.aux & 15);
  const x86::Mem from = operand_in_memory(e, inst, r, 1, format);
  if (is_integer(format))
    e.a.fild(from);
  else
    e.a.fld(from);
  e.a.fstp(file_register(e, inst, r, 0, 10));
}

void emit_f80_store(Emitter& e, const Inst& inst, const Regs& r) {
  const auto format = static_cast<F80Format>(inst.aux & 15);
  const x86::Mem to = scratch(e, size_of(format));
  e.a.fld(file_register(e, inst, r, 0, 10));
  if (!is_integer(format))
    e.a.fstp(to);
  else if (inst.aux & ir::kF80Truncate)
    e.a.fisttp(to);
  else
    e.a.fistp(to);
  note_status(e, inst);
  if (size_of(format) == 8)
    e.a.mov(e.r64(r.result()), to);
  else if (size_of(format) == 4)
    e.a.mov(e.r32(r.result()), to);
  else
    e.a.movzx(e.r32(r.result()), to);
}

void emit_f80_op(Emitter& e, const Inst& inst, const Regs& r) {
  e.a.fld(file_register(e, inst, r, 0, 10));
  e.a.fld(file_register(e, inst, r, 1, 10));
  switch (static_cast<F80Op>(inst.aux & 15)) {
    case F80Op::kAdd:
      e.a.faddp(x86::st1);
      break;
    case F80Op::kMul:
      e.a.fmulp(x86::st1);
      break;
    case F80Op::kSub:
      e.a.fsubp(x86::st1);
      break;
    case F80Op::kSubReverse:
      e.a.fsubrp(x86::st1);
      break;
    case F80Op::kDiv:
      e.a.fdivp(x86::st1);
      break;
    case F80Op::kDivReverse:
      e.a.fdivrp(x86::st1);
      break;
  }
  note_status(e, inst);
  e.a.fstp(file_register(e, inst, r, 0, 10));
}

void emit_f80_op_with(Emitter& e, const Inst& inst, const Regs& r) {
  const F80Format format = second_format(inst);
  const x86::Mem with = operand_in_memory(e, inst, r, 1, format);
  e.a.fld(file_register(e, inst, r, 0, 10));
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
  note_status(e, inst);
  e.a.fstp(file_register(e, inst, r, 0, 10));
}

void emit_f80_compare(Emitter& e, const Inst& inst, const Regs& r) {
  e.a.fld(file_register(e, inst, r, 1, 10));
  e.a.fld(file_register(e, inst, r, 0, 10));
  if (inst.aux & 1)
    e.a.fcompp();
  else
    e.a.fucompp();
  note_status(e, inst);
}

void emit_f80_compare_with(Emitter& e, const Inst& inst, const Regs& r) {
  const F80Format format = second_format(inst);
  const x86::Mem with = operand_in_memory(e, inst, r, 1, format);
  e.a.fld(file_register(e, inst, r, 0, 10));
  if (is_integer(format))
    e.a.ficomp(with);
  else
    e.a.fcomp(with);
  note_status(e, inst);
}

void emit_f80_compare_flags(Emitter& e, const Inst& inst, const Regs& r) {
  e.a.fld(file_register(e, inst, r, 1, 10));
  e.a.fld(file_register(e, inst, r, 0, 10));
  if (inst.aux & 1)
    e.a.fcomip(x86::st1);
  else
    e.a.fucomip(x86::st1);
  e.a.fstp(x86::st0);
  e.a.lahf();
  e.a.seto(x86::al);
  e.a.mov(e.r32(r.result()), x86::eax);
}

void emit_f80_root(Emitter& e, const Inst& inst, const Regs& r) {
  e.a.fld(file_register(e, inst, r, 0, 10));
  e.a.fsqrt();
  note_status(e, inst);
  e.a.fstp(file_register(e, inst, r, 0, 10));
}

void emit_f80_round(Emitter& e, const Inst& inst, const Regs& r) {
  e.a.fld(file_register(e, inst, r, 0, 10));
  e.a.frndint();
  note_status(e, inst);
  e.a.fstp(file_register(e, inst, r, 0, 10));
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
  const x86::Mem significand = file_register(e, inst, r, 0, 8);
  const x86::Mem exponent = file_register(e, inst, r, 0, 2, offsetof(ir::F80Register, sign_exponent));
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
  e.a.mov(e.r64(r.result()), file_register(e, inst, r, 0, 8));
}

void emit_f80_exponent(Emitter& e, const Inst& inst, const Regs& r) {
  e.a.movzx(e.r32(r.result()), file_register(e, inst, r, 0, 2, offsetof(ir::F80Register, sign_exponent)));
}

void emit_f80_status(Emitter& e, const Inst&, const Regs& r) {
  e.a.fnstsw(x86::ax);
  e.a.and_(x86::eax, ir::kF80Exceptions);
  e.a.mov(e.r32(r.result()), x86::eax);
}

}  // namespace mynah::x86_64
