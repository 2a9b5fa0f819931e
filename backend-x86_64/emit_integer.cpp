// SPDX-License-Identifier: Apache-2.0
//
// Integer arithmetic, shifts, bit fields.
#include "backend-x86_64/emit.h"

namespace mynah::x86_64 {

using namespace ir::alloc;

// --- rows' adjustments

namespace {
constexpr unsigned width(Type t) { return t == Type::i64 ? 64 : 32; }
}  // namespace

// Without a state slot as operand an addition can be an address computation into any register.
void adjust_add(Selector&, const Inst&, Step& step) {
  if (step.where[1] == kMemory) step.tied = 0;
}
void adjust_sub(Selector& s, const Inst& inst, Step& step) {
  if (step.where[1] != kImmediate) step.tied = 0;
  // 0x80000000 has no opposite among the immediates.
  else if (static_cast<int32_t>(s.const_bits(step.value[1])) == INT32_MIN)
    step.tied = 0;
}
void adjust_mul(Selector&, const Inst&, Step& step) {
  if (step.where[1] == kImmediate) step.tied = kNotTied;
}
void adjust_umulh(Selector& s, const Inst& inst, Step& step) {
  if (s.features.bmi2) {
    s.need_register(step, 0, kRdx);
    step.target = kKeepsFlags;
  } else {
    adjust_smulh(s, inst, step);
  }
}
void adjust_smulh(Selector&, const Inst&, Step& step) {
  step.clobbers = regs(kRdx);
  step.result_where = kRdx;
}
void adjust_andn(Selector& s, const Inst&, Step& step) {
  if (s.features.bmi1) return;
  if (step.where[0] == kMemory) s.need_register(step, 0);
  step.tied = 0;
}
void adjust_shift(Selector& s, const Inst& inst, Step& step) {
  if (step.where[1] == kImmediate) {
    if (s.const_bits(step.value[1]) & (width(inst.type) - 1)) step.target = kSetsFlags;
    return;
  }
  if (s.features.bmi2) {
    step.tied = kNotTied;
    step.target = kKeepsFlags;
  } else {
    s.need_register(step, 1, kRcx);
    step.traits |= kEarlyResult;
  }
}
void adjust_ror(Selector& s, const Inst&, Step& step) {
  if (step.where[1] != kImmediate) {
    s.need_register(step, 1, kRcx);
    step.traits |= kEarlyResult;
  } else if (s.features.bmi2) {
    step.tied = kNotTied;
    step.target = kKeepsFlags;
  }
}
// Fields at bit 0 that a move with extension reads need no copy.
void adjust_field(Selector&, const Inst& inst, Step& step) {
  const unsigned n = static_cast<unsigned>(inst.imm);
  if (inst.aux == 0 && (n == 8 || n == 16 || n == 32)) {
    step.tied = kNotTied;
    step.target = kKeepsFlags;
  }
}
void adjust_count_bits(Selector& s, const Inst& inst, Step& step) {
  if (inst.op == Op::ctz ? s.features.bmi1 : s.features.popcnt) return;
  if (step.where[0] == kMemory) s.need_register(step, 0);
  make_generic(step);
}
void adjust_deposit(Selector& s, const Inst&, Step& step) {
  if (s.features.bmi2) return;
  if (step.where[1] == kMemory) s.need_register(step, 1);
  make_generic(step);
}
void adjust_crc32(Selector& s, const Inst& inst, Step& step) {
  if (inst.imm == 1) return;
  if (s.features.avx && s.features.pclmul)
    step.target = kClobbersFlags;
  else
    make_generic(step);
}

// --- emitters

void emit_add(Emitter& e, const Inst& inst, const Regs& r) {
  const Type t = inst.type;
  if (r.step.target & kFusedSubtract) {
    e.alu(Alu::sub, t, r.result(), static_cast<int32_t>(0 - e.imm(r, 1)));
  } else if (r[0] == r.result()) {
    e.alu(Alu::add, t, r.result(), r, 1);
  } else if (r[1] == r.result() && !(r.step.traits & kWantsFlags)) {
    e.alu(Alu::add, t, r.result(), r, 0);
  } else if (r.is_imm(1)) {
    e.lea(t, r.result(), r[0], static_cast<int32_t>(e.imm(r, 1)));
  } else {
    encode::indexed(e.a._bufferPtr, encode::kLea, e.wide(t), r.result(), r[0], r[1], 0);
  }
}

void emit_sub(Emitter& e, const Inst& inst, const Regs& r) {
  if (r[0] == r.result())
    e.alu(Alu::sub, inst.type, r.result(), r, 1);
  else
    e.lea(inst.type, r.result(), r[0], -static_cast<int32_t>(e.imm(r, 1)));
}

void emit_mul(Emitter& e, const Inst& inst, const Regs& r) {
  const Type t = inst.type;
  if (r.is_imm(1))
    e.a.emit(Id::kIdImul, e.gp(t, r.result()), e.gp(t, r[0]), e.operand(r, 1, t));
  else
    e.op(Id::kIdImul, e.gp(t, r.result()), e.operand(r, 1, t));
}

void emit_umulh(Emitter& e, const Inst& inst, const Regs& r) {
  if (e.features.bmi2) {
    e.a.mulx(e.r64(r.result()), e.r64(r.result()), e.r64(r[1]));
  } else {
    e.a.mov(x86::rax, e.r64(r[0]));
    e.a.mul(e.r64(r[1]));
  }
}

void emit_smulh(Emitter& e, const Inst& inst, const Regs& r) {
  e.a.mov(x86::rax, e.r64(r[0]));
  e.a.imul(e.r64(r[1]));
}

void emit_udiv(Emitter& e, const Inst& inst, const Regs& r) {
  const Type t = inst.type;
  const x86::Gp divisor = e.gp(t, r[1]);
  e.a.xor_(x86::edx, x86::edx);
  e.a.xor_(x86::eax, x86::eax);
  e.a.test(divisor, divisor);
  const auto zero = e.jump_short(Cc::e);
  e.mov(t, kRax, r[0]);
  e.a.div(divisor);
  e.land_short(zero);
  e.mov(t, r.result(), kRax);
}

// Divisors 0 and -1, which would trap or overflow, are multiplications.
void emit_sdiv(Emitter& e, const Inst& inst, const Regs& r) {
  const Type t = inst.type;
  const x86::Gp divisor = e.gp(t, r[1]);
  e.mov(t, kRax, r[0]);
  e.a.lea(e.gp(t, kRdx), x86::ptr(e.r64(r[1]), 1));
  e.a.cmp(e.gp(t, kRdx), 1);
  const auto normal = e.jump_short(Cc::a);
  e.a.imul(e.rax(t), divisor);
  const auto done = e.jump_short();
  e.land_short(normal);
  if (e.wide(t))
    e.a.cqo();
  else
    e.a.cdq();
  e.a.idiv(divisor);
  e.land_short(done);
  e.mov(t, r.result(), kRax);
}

void emit_and_(Emitter& e, const Inst& inst, const Regs& r) { e.alu(Alu::and_, inst.type, r.result(), r, 1); }
void emit_or_(Emitter& e, const Inst& inst, const Regs& r) { e.alu(Alu::or_, inst.type, r.result(), r, 1); }
void emit_xor_(Emitter& e, const Inst& inst, const Regs& r) { e.alu(Alu::xor_, inst.type, r.result(), r, 1); }

void emit_andn(Emitter& e, const Inst& inst, const Regs& r) {
  const Type t = inst.type;
  if (e.features.bmi1) {
    e.a.emit(Id::kIdAndn, e.gp(t, r.result()), e.gp(t, r[1]), e.operand(r, 0, t));
  } else {
    e.mov(t, kRax, r[1]);
    e.a.not_(e.rax(t));
    e.a.and_(e.gp(t, r.result()), e.rax(t));
  }
}

void emit_not_(Emitter& e, const Inst& inst, const Regs& r) { e.a.not_(e.gp(inst.type, r.result())); }
void emit_neg(Emitter& e, const Inst& inst, const Regs& r) { e.a.neg(e.gp(inst.type, r.result())); }

namespace {
void shift(Emitter& e, uint32_t by_cl, uint32_t bmi2, const Inst& inst, const Regs& r) {
  const Type t = inst.type;
  const x86::Gp to = e.gp(t, r.result());
  if (r.is_imm(1)) {
    const unsigned n = e.imm(r, 1) & (width(t) - 1);
    if (n)
      e.a.emit(by_cl, to, asmjit::Imm(n));
    else if (!e.wide(t))
      e.a.mov(to, to);
  } else if (e.features.bmi2) {
    e.a.emit(bmi2, to, e.gp(t, r[0]), e.gp(t, r[1]));
  } else {
    e.a.emit(by_cl, to, x86::cl);
  }
}
}  // namespace

void emit_shl(Emitter& e, const Inst& inst, const Regs& r) { shift(e, Id::kIdShl, Id::kIdShlx, inst, r); }
void emit_lshr(Emitter& e, const Inst& inst, const Regs& r) { shift(e, Id::kIdShr, Id::kIdShrx, inst, r); }
void emit_ashr(Emitter& e, const Inst& inst, const Regs& r) { shift(e, Id::kIdSar, Id::kIdSarx, inst, r); }

void emit_ror(Emitter& e, const Inst& inst, const Regs& r) {
  const Type t = inst.type;
  const x86::Gp to = e.gp(t, r.result());
  if (!r.is_imm(1)) {
    e.a.ror(to, x86::cl);
    if (!e.wide(t)) e.a.mov(to, to);  // a count of zero leaves the upper half as it was
    return;
  }
  const unsigned n = e.imm(r, 1) & (width(t) - 1);
  if (e.features.bmi2)
    e.a.rorx(to, e.gp(t, r[0]), n);
  else
    e.a.ror(to, n);
}

void emit_extr(Emitter& e, const Inst& inst, const Regs& r) {
  const Type t = inst.type;
  e.a.shrd(e.gp(t, r.result()), e.gp(t, r[0]), static_cast<uint32_t>(inst.imm));
}

// Rotates the field to the bottom, shifts it out while the new one comes in from the top, rotates back.
void emit_bfi(Emitter& e, const Inst& inst, const Regs& r) {
  const Type t = inst.type;
  const auto [lsb, n] = inst.field();
  const unsigned w = width(t);
  const x86::Gp to = e.gp(t, r.result()), from = e.gp(t, r[1]);
  if (n >= w) {
    e.a.mov(to, from);
    return;
  }
  if (lsb == 0 && n == 8) {
    if (!e.wide(t)) e.a.mov(to, to);
    e.a.mov(e.r8(r.result()), e.r8(r[1]));
    return;
  }
  if (lsb == 0 && n == 16) {
    if (!e.wide(t)) e.a.mov(to, to);
    e.a.mov(e.r16(r.result()), e.r16(r[1]));
    return;
  }
  if (lsb) e.a.ror(to, lsb);
  e.a.shrd(to, from, n);
  if (lsb + n != w) e.a.rol(to, lsb + n);
}

void emit_ubfx(Emitter& e, const Inst& inst, const Regs& r) {
  const Type t = inst.type;
  const auto [lsb, n] = inst.field();
  const unsigned w = width(t);
  const x86::Gp to = e.gp(t, r.result());
  if (lsb == 0) {
    if (n == 8)
      e.a.movzx(e.r32(r.result()), e.r8(r[0]));
    else if (n == 16)
      e.a.movzx(e.r32(r.result()), e.r16(r[0]));
    else if (n == 32)
      e.a.mov(e.r32(r.result()), e.r32(r[0]));
    else if (n < 32)
      e.a.and_(e.r32(r.result()), (1u << n) - 1);
    else if (n < w) {
      e.a.shl(to, w - n);
      e.a.shr(to, w - n);
    }
    return;
  }
  if (lsb + n > 32 && lsb + n < w && n >= 32) {
    e.a.shl(to, w - lsb - n);
    e.a.shr(to, w - n);
    return;
  }
  e.a.shr(lsb + n <= 32 ? e.r32(r.result()) : to, lsb);
  if (lsb + n == w || lsb + n == 32) return;
  if (n == 8)
    e.a.movzx(e.r32(r.result()), e.r8(r.result()));
  else if (n == 16)
    e.a.movzx(e.r32(r.result()), e.r16(r.result()));
  else
    e.a.and_(e.r32(r.result()), (1u << n) - 1);
}

void emit_sbfx(Emitter& e, const Inst& inst, const Regs& r) {
  const Type t = inst.type;
  const auto [lsb, n] = inst.field();
  const unsigned w = width(t);
  const x86::Gp to = e.gp(t, r.result());
  if (lsb == 0 && n == 8)
    e.a.movsx(to, e.r8(r[0]));
  else if (lsb == 0 && n == 16)
    e.a.movsx(to, e.r16(r[0]));
  else if (lsb == 0 && n == 32) {
    if (e.wide(t))
      e.a.movsxd(to, e.r32(r[0]));
    else
      e.mov(t, r.result(), r[0]);
  } else {
    if (lsb + n != w) e.a.shl(to, w - lsb - n);
    if (n != w) e.a.sar(to, w - n);
  }
}

namespace {
// Leading zeros of `from` (rax or a register) without LZCNT.
void leading_zeros(Emitter& e, Type t, const x86::Gp& to, const asmjit::Operand_& from) {
  if (e.features.lzcnt) {
    e.op(Id::kIdLzcnt, to, from);
    return;
  }
  e.op(Id::kIdBsr, e.rax(t), from);
  const auto found = e.jump_short(Cc::ne);
  e.a.mov(x86::eax, 2 * width(t) - 1);
  e.land_short(found);
  e.a.xor_(x86::eax, width(t) - 1);
  e.a.mov(x86::gpd(to.id()), x86::eax);
}
}  // namespace

void emit_clz(Emitter& e, const Inst& inst, const Regs& r) {
  leading_zeros(e, inst.type, e.gp(inst.type, r.result()), e.operand(r, 0, inst.type));
}

// x ^ 2x has a bit where neighbours differ; bit 0 stops the count.
void emit_cls(Emitter& e, const Inst& inst, const Regs& r) {
  const Type t = inst.type;
  e.a.lea(e.rax(t), x86::ptr(e.r64(r[0]), e.r64(r[0])));
  e.a.xor_(e.rax(t), e.gp(t, r[0]));
  e.a.or_(e.rax(t), 1);
  leading_zeros(e, t, e.gp(t, r.result()), e.rax(t));
}

namespace {
bool generic(Emitter& e, const Inst& inst, const Regs& r) {
  if (!(r.step.traits & kClobbersAll)) return false;
  e.run_generic(inst, r);
  return true;
}
}  // namespace

void emit_ctz(Emitter& e, const Inst& inst, const Regs& r) {
  if (!generic(e, inst, r)) e.op(Id::kIdTzcnt, e.gp(inst.type, r.result()), e.operand(r, 0, inst.type));
}
void emit_popcnt(Emitter& e, const Inst& inst, const Regs& r) {
  if (!generic(e, inst, r)) e.op(Id::kIdPopcnt, e.gp(inst.type, r.result()), e.operand(r, 0, inst.type));
}
void emit_pdep(Emitter& e, const Inst& inst, const Regs& r) {
  const Type t = inst.type;
  if (!generic(e, inst, r)) e.a.emit(Id::kIdPdep, e.gp(t, r.result()), e.gp(t, r[0]), e.operand(r, 1, t));
}
void emit_pext(Emitter& e, const Inst& inst, const Regs& r) {
  const Type t = inst.type;
  if (!generic(e, inst, r)) e.a.emit(Id::kIdPext, e.gp(t, r.result()), e.gp(t, r[0]), e.operand(r, 1, t));
}

void emit_rbit(Emitter& e, const Inst& inst, const Regs& r) {
  const Type t = inst.type;
  const x86::Gp x = e.gp(t, r.result()), odd = e.gp(t, r.temp(0));
  e.a.bswap(x);
  const auto swap = [&](unsigned n, uint64_t mask) {
    if (!e.wide(t)) mask &= 0xffffffff;
    e.load_const(x86::rax, mask, true);
    e.mov(t, r.temp(0), r.result());
    e.a.shr(odd, n);
    e.a.and_(odd, e.rax(t));
    e.a.and_(x, e.rax(t));
    e.a.shl(x, n);
    e.a.or_(x, odd);
  };
  swap(4, 0x0f0f0f0f0f0f0f0f);
  swap(2, 0x3333333333333333);
  swap(1, 0x5555555555555555);
}

void emit_bswap(Emitter& e, const Inst& inst, const Regs& r) { e.a.bswap(e.gp(inst.type, r.result())); }

void emit_bswap16(Emitter& e, const Inst& inst, const Regs& r) {
  if (inst.type == Type::i32) {
    e.a.bswap(e.r32(r.result()));
    e.a.ror(e.r32(r.result()), 16);
    return;
  }
  const x86::Gp x = e.r64(r.result()), high = e.r64(r.temp(0));
  e.load_const(x86::rax, 0x00ff00ff00ff00ff, true);
  e.a.mov(high, x);
  e.a.shr(high, 8);
  e.a.and_(high, x86::rax);
  e.a.and_(x, x86::rax);
  e.a.shl(x, 8);
  e.a.or_(x, high);
}

void emit_bswap32(Emitter& e, const Inst& inst, const Regs& r) {
  e.a.bswap(e.r64(r.result()));
  e.a.ror(e.r64(r.result()), 32);
}

namespace {
void extend(Emitter& e, uint32_t id, const x86::Gp& to, const Regs& r, unsigned bytes) {
  if (r.is_mem(0))
    e.op(id, to, e.slot_of(r.step.value[0], bytes));
  else
    e.op(id, to, bytes == 1 ? e.r8(r[0]) : bytes == 2 ? e.r16(r[0]) : e.r32(r[0]));
}
}  // namespace

void emit_zext8(Emitter& e, const Inst&, const Regs& r) { extend(e, Id::kIdMovzx, e.r32(r.result()), r, 1); }
void emit_zext16(Emitter& e, const Inst&, const Regs& r) { extend(e, Id::kIdMovzx, e.r32(r.result()), r, 2); }
void emit_sext8(Emitter& e, const Inst& i, const Regs& r) {
  extend(e, Id::kIdMovsx, e.gp(i.type, r.result()), r, 1);
}
void emit_sext16(Emitter& e, const Inst& i, const Regs& r) {
  extend(e, Id::kIdMovsx, e.gp(i.type, r.result()), r, 2);
}
void emit_zext32(Emitter& e, const Inst&, const Regs& r) { extend(e, Id::kIdMov, e.r32(r.result()), r, 4); }
void emit_sext32(Emitter& e, const Inst&, const Regs& r) {
  extend(e, Id::kIdMovsxd, e.r64(r.result()), r, 4);
}

void emit_crc32(Emitter& e, const Inst& inst, const Regs& r) {
  if (inst.imm != 1) {
    if (r.step.traits & kClobbersAll) return e.run_generic(inst, r);
    return emit_crc32_products(e, inst, r);
  }
  const x86::Gp to = e.r32(r.result());
  switch (inst.data_bytes()) {
    case 1:
      e.a.crc32(to, e.r8(r[1]));
      break;
    case 2:
      e.a.crc32(to, e.r16(r[1]));
      break;
    case 4:
      e.a.crc32(to, e.r32(r[1]));
      break;
    default:
      e.a.crc32(e.r64(r.result()), e.r64(r[1]));
      break;
  }
}

}  // namespace mynah::x86_64
