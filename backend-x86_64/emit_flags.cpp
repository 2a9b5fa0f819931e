// SPDX-License-Identifier: Apache-2.0
//
// Conditions and flags groups. While the host's flags hold a group, conditions over it are host conditions; a
// group that somebody needs packed is taken by lahf and seto, which leave the flags as they are: the layout
// of ir/flags.h is the one that they give. The host clears A behind logical instructions, which its manual
// leaves open (tests/backend holds it to that).
#include "backend-x86_64/emit.h"

#include <bit>
#include <cstdlib>
#include <cstring>

namespace mynah::x86_64 {

using namespace ir::alloc;

// --- host flags

Cc Emitter::condition(const HostFlags& f, Cond cond) {
  if (f.test) return cond == Selector::kAsTested ? f.cc : !f.cc;
  switch (cond) {
    case Cond::eq:
      return Cc::e;
    case Cond::ne:
      return Cc::ne;
    case Cond::cs:
      return f.sub ? Cc::ae : Cc::b;
    case Cond::cc:
      return f.sub ? Cc::b : Cc::ae;
    case Cond::mi:
      return Cc::s;
    case Cond::pl:
      return Cc::ns;
    case Cond::vs:
      return Cc::o;
    case Cond::vc:
      return Cc::no;
    case Cond::hi:
    case Cond::ab:
      return Cc::a;
    case Cond::ls:
    case Cond::be:
      return Cc::be;
    case Cond::pe:
      return Cc::p;
    case Cond::po:
      return Cc::np;
    case Cond::ge:
      return Cc::ge;
    case Cond::lt:
      return Cc::l;
    case Cond::gt:
      return Cc::g;
    default:
      return Cc::le;
  }
}

Cc Emitter::host_condition(Value boolean) {
  const Cond asked = selector_->condition_of(boolean);
  const bool carry_sense = asked == Cond::hi || asked == Cond::ls;
  const bool borrow_sense = asked == Cond::ab || asked == Cond::be;
  if (!flags.test && ((carry_sense && !flags.sub) || (borrow_sense && flags.sub))) {
    a.cmc();
    flags.sub = !flags.sub;
  }
  return condition(flags, asked);
}

Cc Emitter::bool_condition(const Regs& r, unsigned k) {
  if (r.in_flags(k)) return host_condition(r.step.value[k]);
  a.test(r8(r[k]), r8(r[k]));
  return Cc::ne;
}

void Emitter::pack_flags_to_rax(bool stay) {
  if (flags.sub) {
    *a._bufferPtr++ = 0xf5;  // cmc
    flags.sub = false;
  }
  if (flags.a_unknown) {
    // A is cleared, in the host's flags as well: V comes back by a comparison that overflows where al is 1.
    static constexpr uint8_t kWithoutA[] = {0x9f, 0x0f, 0x90, 0xc0, 0x80, 0xe4, 0xef, 0x3c, 0x81, 0x9e};
    constexpr size_t kOverflowAgain = 3;
    const size_t size = sizeof kWithoutA - (stay ? 0 : kOverflowAgain);
    std::memcpy(a._bufferPtr, kWithoutA, size);
    a._bufferPtr += size;
    flags.a_unknown = false;
    return;
  }
  static constexpr uint8_t kLahfSetoAl[] = {0x9f, 0x0f, 0x90, 0xc0};
  std::memcpy(a._bufferPtr, kLahfSetoAl, sizeof kLahfSetoAl);
  a._bufferPtr += sizeof kLahfSetoAl;
}

void Emitter::set_flags_group(const Regs& r, HostFlags how) {
  flags = how;
  if (!r.has_result()) return;
  pack_flags_to_rax();
  mov(Type::i32, r.result(), kRax);
}

void Emitter::set_carry(const Regs& r, unsigned k, bool inverted) {
  if (r.is_imm(k)) {
    if ((imm(r, k) & 1) != inverted)
      a.stc();
    else
      a.clc();
    return;
  }
  if (r.in_flags(k)) {
    const Cc cc = host_condition(r.step.value[k]);
    if (cc == Cc::b || cc == Cc::ae) {
      if ((cc == Cc::ae) != inverted) a.cmc();
      return;
    }
    setcc(inverted ? !cc : cc, kRax);
    a.add(x86::al, 0xff);
    return;
  }
  if (inverted)
    a.cmp(r8(r[k]), 1);  // borrow where it is 0
  else
    a.bt(r32(r[k]), 0);
}

void Emitter::remake_flags(const Spot& spot) {
  const Recipe& recipe = program_->recipes[spot.recipe];
  const Spot* const at = &program_->leaf_spots[spot.leaves];
  const Type t = recipe.type;
  const auto place = [&](unsigned k) {
    const Value v = program_->facts[recipe.leaf[k]].root;
    return at[k].kind == Spot::Kind::kSlot ? slot_disp(v) : spill_disp(at[k].spill);
  };
  const auto constant = [&](unsigned k) {
    return region_->constant(region_->insts[program_->facts[recipe.leaf[k]].root]).lo;
  };
  // A comparison leaves its operand as it is.
  const bool compares =
      !recipe.undo && (recipe.op == Op::fl_sub || recipe.op == Op::fl_and || recipe.op == Op::fl_logic);
  Reg first = kRax;
  switch (at[0].kind) {
    case Spot::Kind::kRegister:
      if (compares)
        first = at[0].reg;
      else
        mov(t, kRax, at[0].reg);
      break;
    case Spot::Kind::kConst:
      load_const(x86::rax, constant(0), false);
      break;
    default:
      load(t, kRax, kRbp, place(0));
  }
  const unsigned width = ir::flags_width(recipe.aux, wide(t) ? 64 : 32);
  const auto part = [](Reg r, unsigned bits) {
    return bits == 8 ? r8(r) : bits == 16 ? r16(r) : bits == 32 ? r32(r) : r64(r);
  };
  const auto operate = [&](uint32_t id, unsigned bits) {
    const x86::Gp x = part(first, bits);
    switch (at[1].kind) {
      case Spot::Kind::kRegister:
        op(id, x, part(at[1].reg, bits));
        break;
      case Spot::Kind::kConst: {
        const uint64_t c = constant(1);
        op(id, x,
           asmjit::Imm(bits == 8    ? int64_t{static_cast<int8_t>(c)}
                       : bits == 16 ? int64_t{static_cast<int16_t>(c)}
                                    : int64_t{static_cast<int32_t>(c)}));
        break;
      }
      default: {
        const x86::Mem m = x86::ptr(x86::rbp, place(1), bits / 8);
        if (id == Id::kIdTest)
          op(id, m, x);
        else
          op(id, x, m);
      }
    }
  };
  HostFlags how;
  switch (recipe.op) {
    case Op::fl_add:
      if (recipe.undo) operate(Id::kIdSub, wide(t) ? 64 : 32);
      operate(Id::kIdAdd, width);
      break;
    case Op::fl_sub:
      if (recipe.undo) operate(Id::kIdAdd, wide(t) ? 64 : 32);
      operate(Id::kIdCmp, width);
      how.sub = !(recipe.aux & ir::kFlagsBorrow);
      break;
    case Op::fl_and:
      operate(Id::kIdTest, width);
      break;
    case Op::fl_logic: {
      const x86::Gp x = part(first, width);
      op(Id::kIdTest, x, x);
      break;
    }
    case Op::fl_smul:
      operate(Id::kIdImul, width);
      return pack_product_flags(t);
    case Op::fl_inc:
    case Op::fl_dec: {
      const bool down = recipe.op == Op::fl_dec;
      if (recipe.undo) lea(t, kRax, kRax, down ? 1 : -1);
      constexpr int kCarry = std::countr_zero(ir::kFlagC);
      if (at[1].kind == Spot::Kind::kConst)
        constant(1) & ir::kFlagC ? a.stc() : a.clc();
      else if (at[1].kind == Spot::Kind::kRegister)
        a.bt(r32(at[1].reg), kCarry);
      else
        a.bt(x86::dword_ptr(x86::rbp, place(1)), kCarry);
      a.emit(down ? Id::kIdDec : Id::kIdInc, part(first, width));
      break;
    }
    default: {  // shifts by a constant
      const x86::Gp x = part(first, width);
      a.emit(recipe.op == Op::fl_shl    ? Id::kIdShl
             : recipe.op == Op::fl_lshr ? Id::kIdShr
                                        : Id::kIdSar,
             x, asmjit::Imm(constant(1) & (width == 64 ? 63 : 31)));
      how.a_unknown = true;
    }
  }
  flags = how;
  pack_flags_to_rax(false);
}

// Behind a signed product in rax: fl_smul's group in its place. V is seldom set.
void Emitter::pack_product_flags(Type t) {
  const Mark overflows = jump_short(Cc::o);
  const auto pack = [&] {
    test(t, kRax, kRax);
    a.lahf();
    a.seto(x86::al);
  };
  pack();
  const Mark done = jump_short();
  land_short(overflows);
  pack();
  a.or_(x86::eax, ir::kFlagC | ir::kFlagV);
  land_short(done);
}

// Only a general register takes a state slot conditionally.
void adjust_select(Selector& s, const Inst& inst, Step& step) {
  if (step.where[1] == kMemory && inst.type != Type::i64 && inst.type != Type::i32) s.need_register(step, 1);
}

// --- emitters

namespace {

void set_group(Emitter& e, const Inst& inst, const Regs& r, bool sub) { e.set_flags_group(r, {.sub = sub}); }

// The flags of the arithmetic in front.
bool take_over(Emitter& e, const Inst& inst, const Regs& r) {
  if (r[0] != kNone) return false;
  set_group(e, inst, r, e.flags.sub && !(inst.aux & ir::kFlagsBorrow));
  return true;
}

// --- operands of 8 and 16 bits: flags alone, so whatever is above the operation's width is left as it is

bool narrow(const Inst& inst) { return inst.aux & ir::kFlagsWidthMask; }

x86::Gp narrow_register(const Inst& inst, Reg r) {
  return inst.aux & ir::kFlags8 ? Emitter::r8(r) : Emitter::r16(r);
}

// `op` of x and operand k.
void narrow_op(Emitter& e, uint32_t op, const Inst& inst, Reg x, const Regs& r, unsigned k) {
  const bool byte = inst.aux & ir::kFlags8;
  const x86::Gp to = narrow_register(inst, x);
  if (r.is_imm(k))
    e.op(op, to,
         asmjit::Imm(byte ? int64_t{static_cast<int8_t>(e.imm(r, k))}
                          : int64_t{static_cast<int16_t>(e.imm(r, k))}));
  else if (r.is_mem(k) && op == Id::kIdTest)
    e.op(op, e.slot_of(r.step.value[k], byte ? 1 : 2), to);
  else if (r.is_mem(k))
    e.op(op, to, e.slot_of(r.step.value[k], byte ? 1 : 2));
  else
    e.op(op, to, narrow_register(inst, r[k]));
}

// Operands k and k + 1.
void compare(Emitter& e, Type t, const Regs& r, unsigned k = 0) {
  if (r.is_imm(k + 1) && (e.wide(t) ? e.imm(r, k + 1) : static_cast<uint32_t>(e.imm(r, k + 1))) == 0)
    e.test(t, r[k], r[k]);
  else
    e.alu(Alu::cmp, t, r[k], r, k + 1);
}

void set_bool(Emitter& e, const Regs& r) {
  if (r.has_result()) e.setcc(e.host_condition(r.step.inst), r.result());
}

}  // namespace

void emit_select(Emitter& e, const Inst& inst, const Regs& r) {
  if (r.is_imm(0)) {
    if (!(e.imm(r, 0) & 1)) return;
    if (ir::is_vector_register(inst.type))
      e.vec_mov(r.result(), r[1]);
    else
      e.mov(inst.type, r.result(), r[1]);
    return;
  }
  const Cc cc = e.bool_condition(r, 0);
  if (ir::is_vector_register(inst.type)) {
    const auto skip = e.jump_short(!cc);
    e.vec_mov(r.result(), r[1]);
    e.land_short(skip);
  } else if (inst.type == Type::i1) {
    e.cmov(cc, e.r32(r.result()), e.r32(r[1]));
  } else {
    e.cmov(cc, e.gp(inst.type, r.result()), e.operand(r, 1, inst.type));
  }
}

void emit_fl_select(Emitter& e, const Inst& inst, const Regs& r) {
  if (!(r.step.target & kFusedCompare)) return emit_select(e, inst, r);
  const Inst& comparison = e.ir().insts[inst.args[1]];
  const Type t = e.arg_type(comparison, 0);
  const bool sub = comparison.op == Op::fl_sub;
  const auto otherwise = e.jump_short(!e.bool_condition(r, 0));
  if (sub) {
    compare(e, t, r, 1);
  } else {
    e.mov(t, kRax, r[1]);
    e.alu(Alu::add, t, kRax, r, 2);
  }
  const auto done = e.jump_short();
  e.land_short(otherwise);
  // The constant flags, in the same carry sense: ah for sahf; al overflows when doubled.
  const auto flags = static_cast<uint32_t>(e.const_bits(e.selector().root(inst.args[2])));
  uint32_t ax = flags & (ir::kAllFlags & ~ir::kFlagV);
  if (sub) ax ^= ir::kFlagC;
  if (flags & ir::kFlagV) ax |= 0x80;
  e.a.mov(x86::eax, ax);
  e.a.add(x86::al, x86::al);
  e.a.sahf();
  e.land_short(done);
  set_group(e, inst, r, sub);
}

void emit_icmp(Emitter& e, const Inst& inst, const Regs& r) {
  compare(e, e.arg_type(inst, 0), r);
  e.flags = {.sub = true};
  set_bool(e, r);
}

void emit_icmpz(Emitter& e, const Inst& inst, const Regs& r) {
  const Type t = e.arg_type(inst, 0);
  if (r.is_mem(0))
    e.a.cmp(e.slot_of(r.step.value[0], e.wide(t) ? 8 : 4), 0);
  else
    e.test(t, r[0], r[0]);
  e.flags = {.sub = true};
  set_bool(e, r);
}

void emit_testbit(Emitter& e, const Inst& inst, const Regs& r) {
  const Type t = e.arg_type(inst, 0);
  const unsigned n = static_cast<unsigned>(inst.imm);
  e.flags = {.test = true, .cc = Cc::ne};
  if (r.is_mem(0)) {
    x86::Mem at = e.slot_of(r.step.value[0], 1);
    at.addOffset(n / 8);
    e.a.test(at, 1 << (n % 8));
  } else if (n < 8) {
    e.a.test(e.r8(r[0]), 1 << n);
  } else if (n == ir::bits(t) - 1) {
    e.a.test(e.gp(t, r[0]), e.gp(t, r[0]));
    e.flags.cc = Cc::s;
  } else {
    e.a.bt(n < 32 ? e.r32(r[0]) : e.r64(r[0]), n);
    e.flags.cc = Cc::b;
  }
  set_bool(e, r);
}

void emit_cond(Emitter& e, const Inst& inst, const Regs& r) {
  if (r.is_imm(0)) {
    if (r.has_result()) e.load_const(r.result(), ir::holds(inst.cond(), static_cast<uint32_t>(e.imm(r, 0))));
    return;
  }
  if (!r.in_flags(0)) {
    if (ir::is_compound(inst.cond())) {
      // All flags go back: V from bit 0 by an addition that overflows, the others by sahf.
      e.a.mov(x86::eax, e.r32(r[0]));
      e.a.shl(x86::al, 7);
      e.a.add(x86::al, x86::al);
      e.a.sahf();
      e.flags = {};
    } else {
      const uint32_t mask = ir::flags_read(inst.cond());
      const bool inverted = inst.aux & 1;
      Cc cc = Cc::ne;
      if (r.is_mem(0)) {
        x86::Mem at = e.slot_of(r.step.value[0], 1);
        at.addOffset(mask > 0xff ? 1 : 0);
        e.a.test(at, mask > 0xff ? mask >> 8 : mask);
      } else {
        e.a.bt(e.r32(r[0]), std::countr_zero(mask));
        cc = Cc::b;
      }
      e.flags = {.test = true, .cc = inverted ? !cc : cc};
    }
  }
  set_bool(e, r);
}

void emit_bool_not(Emitter& e, const Inst& inst, const Regs& r) {
  if (r.in_flags(0)) {
    set_bool(e, r);
  } else {
    e.a.xor_(e.r32(r.result()), 1);
  }
}

void emit_bool_int(Emitter& e, const Inst& inst, const Regs& r) {
  if (r.is_imm(0)) {
    e.load_const(r.result(), e.imm(r, 0) & 1);
  } else if (r.in_flags(0)) {
    e.setcc(e.host_condition(r.step.value[0]), r.result());
    e.a.movzx(e.r32(r.result()), e.r8(r.result()));
  } else {
    e.a.movzx(e.r32(r.result()), e.r8(r[0]));
  }
}

void emit_fl_add(Emitter& e, const Inst& inst, const Regs& r) {
  if (take_over(e, inst, r)) return;
  const Type t = e.arg_type(inst, 0);
  e.mov(t, kRax, r[0]);
  if (narrow(inst))
    narrow_op(e, Id::kIdAdd, inst, kRax, r, 1);
  else
    e.alu(Alu::add, t, kRax, r, 1);
  set_group(e, inst, r, false);
}

void emit_fl_sub(Emitter& e, const Inst& inst, const Regs& r) {
  if (take_over(e, inst, r)) return;
  if (narrow(inst))
    narrow_op(e, Id::kIdCmp, inst, r[0], r, 1);
  else
    compare(e, e.arg_type(inst, 0), r);
  set_group(e, inst, r, !(inst.aux & ir::kFlagsBorrow));
}

void emit_adc(Emitter& e, const Inst& inst, const Regs& r) {
  e.set_carry(r, 2, false);
  e.alu(Alu::adc, inst.type, r.result(), r, 1);
}

void emit_sbc(Emitter& e, const Inst& inst, const Regs& r) {
  e.set_carry(r, 2, true);
  e.alu(Alu::sbb, inst.type, r.result(), r, 1);
}

void emit_fl_adc(Emitter& e, const Inst& inst, const Regs& r) {
  if (take_over(e, inst, r)) return;
  const Type t = e.arg_type(inst, 0);
  e.set_carry(r, 2, false);
  e.mov(t, kRax, r[0]);
  if (narrow(inst))
    narrow_op(e, Id::kIdAdc, inst, kRax, r, 1);
  else
    e.alu(Alu::adc, t, kRax, r, 1);
  set_group(e, inst, r, false);
}

void emit_fl_sbc(Emitter& e, const Inst& inst, const Regs& r) {
  if (take_over(e, inst, r)) return;
  const Type t = e.arg_type(inst, 0);
  const bool borrow = inst.aux & ir::kFlagsBorrow;
  e.set_carry(r, 2, !borrow);
  e.mov(t, kRax, r[0]);
  if (narrow(inst))
    narrow_op(e, Id::kIdSbb, inst, kRax, r, 1);
  else
    e.alu(Alu::sbb, t, kRax, r, 1);
  set_group(e, inst, r, !borrow);
}

namespace {

void emit_step(Emitter& e, const Inst& inst, const Regs& r, uint32_t id) {
  if (r.is_imm(1)) {
    e.imm(r, 1) & ir::kFlagC ? e.a.stc() : e.a.clc();
  } else if (r.in_flags(1)) {
    if (e.flags.sub) e.a.cmc();
  } else {
    e.a.bt(e.r32(r[1]), std::countr_zero(ir::kFlagC));
  }
  const Type t = e.arg_type(inst, 0);
  e.mov(t, kRax, r[0]);
  e.a.emit(id, narrow(inst) ? narrow_register(inst, kRax) : e.rax(t));
  set_group(e, inst, r, false);
}

}  // namespace

void emit_fl_inc(Emitter& e, const Inst& inst, const Regs& r) { emit_step(e, inst, r, Id::kIdInc); }
void emit_fl_dec(Emitter& e, const Inst& inst, const Regs& r) { emit_step(e, inst, r, Id::kIdDec); }

void emit_fl_smul(Emitter& e, const Inst& inst, const Regs& r) {
  const Type t = e.arg_type(inst, 0);
  e.mov(t, kRax, r[0]);
  e.op(Id::kIdImul, e.rax(t), e.operand(r, 1, t));
  e.pack_product_flags(t);
  e.mov(Type::i32, r.result(), kRax);
}

void emit_fl_logic(Emitter& e, const Inst& inst, const Regs& r) {
  if (take_over(e, inst, r)) return;
  if (narrow(inst))
    narrow_op(e, Id::kIdTest, inst, r[0], r, 0);
  else
    e.test(e.arg_type(inst, 0), r[0], r[0]);
  set_group(e, inst, r, false);
}

void emit_fl_and(Emitter& e, const Inst& inst, const Regs& r) {
  if (take_over(e, inst, r)) return;
  const Type t = e.arg_type(inst, 0);
  if (narrow(inst))
    narrow_op(e, Id::kIdTest, inst, r[0], r, 1);
  else if (r.is_mem(1))
    e.a.test(e.slot_of(r.step.value[1], e.wide(t) ? 8 : 4), e.gp(t, r[0]));
  else
    e.op(Id::kIdTest, e.gp(t, r[0]), e.operand(r, 1, t));
  set_group(e, inst, r, false);
}

// Shifts leave A undefined; C, V, N, Z and P are those of the last of as many shifts by one, which
// Features::shift_flags says of V and of narrow operands.
namespace {
void shift_flags(Emitter& e, uint32_t id, const Inst& inst, const Regs& r) {
  if (r[0] != kNone) {
    if (r.step.traits & kClobbersAll) return e.run_generic(inst, r);
    const Type t = e.arg_type(inst, 0);
    e.mov(t, kRax, r[0]);
    const x86::Gp x = narrow(inst) ? narrow_register(inst, kRax) : e.rax(t);
    if (r.is_imm(1))
      e.a.emit(id, x, asmjit::Imm(e.imm(r, 1) & (e.wide(t) && !narrow(inst) ? 63 : 31)));
    else
      e.a.emit(id, x, x86::cl);
  }
  e.set_flags_group(r, {.a_unknown = true});
}
}  // namespace

void adjust_shift_flags(Selector& s, const Inst&, Step& step) {
  if (!s.features.shift_flags) return make_generic(step);
  if (step.where[1] != kImmediate) s.need_register(step, 1, kRcx);
}
void emit_fl_shl(Emitter& e, const Inst& inst, const Regs& r) { shift_flags(e, Id::kIdShl, inst, r); }
void emit_fl_lshr(Emitter& e, const Inst& inst, const Regs& r) { shift_flags(e, Id::kIdShr, inst, r); }
void emit_fl_ashr(Emitter& e, const Inst& inst, const Regs& r) { shift_flags(e, Id::kIdSar, inst, r); }

// The product of the masked flags with 1<<16 | 1<<21 | 1<<28 has N, Z, C and V in its top bits; no two of its
// terms meet.
void emit_fl_unpack(Emitter& e, const Inst& inst, const Regs& r) {
  const x86::Gp x = e.r32(r.result());
  e.a.and_(x, ir::kFlagMask);
  e.a.imul(x, x, 1 << 16 | 1 << 21 | 1 << 28);
  e.a.and_(x, 0xf0000000);
}

void emit_fl_pack(Emitter& e, const Inst& inst, const Regs& r) {
  const x86::Gp x = e.r32(r.result());
  e.a.shr(x, 28);
  e.a.imul(x, x, 1 << 12 | 1 << 7 | 1);
}

void emit_fl_bits(Emitter& e, const Inst&, const Regs& r) { e.a.and_(e.r32(r.result()), ir::kAllFlags); }
void emit_fl_of_bits(Emitter&, const Inst&, const Regs&) {}  // readers mask

void emit_fl_merge(Emitter& e, const Inst& inst, const Regs& r) {
  const x86::Gp a = e.r32(r.result()), b = e.r32(r[1]);
  e.a.mov(x86::eax, a);
  e.a.xor_(x86::eax, b);
  e.a.and_(x86::eax, static_cast<uint32_t>(inst.imm));
  e.a.xor_(a, x86::eax);
}

}  // namespace mynah::x86_64
