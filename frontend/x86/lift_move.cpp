// SPDX-License-Identifier: Apache-2.0
//
// Data transfers between general registers and memory (SDM vol. 1, 5.1.1): MOV, exchanges, conversions,
// stack.
//
// A block runs to its end before another processor of the machine does anything (docs/ARCHITECTURE.md,
// Several processors, in turns), so locked instructions are made of plain loads and stores.
#include "frontend/x86/lift.h"
#include "frontend/x86/vectors.h"

namespace mynah::x86 {

namespace {

void lift_mov(Lifter& l, uint32_t) {
  for (unsigned n = 0; n < 2; ++n) {
    const RegisterClass c = l.operand(n).reg_class;
    if (c == RegisterClass::kSegment) return lift_mov_segment(l);
    if (c == RegisterClass::kControl || c == RegisterClass::kDebug) return lift_mov_control(l);
  }
  l.write(0, l.read(1));
}

void lift_extend(Lifter& l, uint32_t is_signed) {
  l.write(0, l.extend(l.read(1), l.operand(1).bits, l.operand(0).bits, is_signed));
}

void lift_lea(Lifter& l, uint32_t) {
  const Value ea = l.effective_address(l.operand(1));
  l.write(0, l.operand(0).bits == 64 ? ea : l.b.trunc(ea));
}

void lift_cmov(Lifter& l, uint32_t cc) {
  const Value moved = l.read(1);
  l.write(0, l.b.select(l.cond(cc), moved, l.read(0)));
}

void lift_set(Lifter& l, uint32_t cc) { l.write(0, l.b.emit(Op::bool_int, Type::i32, l.cond(cc))); }

// Place of a memory operand that is read and written; for a register operand there is none.
Lifter::Place changed(Lifter& l, const Operand& o) {
  return l.place(o, {.bytes = o.bits / 8u, .write = true, .read_write = true});
}

void lift_xchg(Lifter& l, uint32_t) {
  const unsigned memory = l.operand(1).is_memory() ? 1 : 0;
  const Operand& to = l.operand(memory);
  const Operand& from = l.operand(1 - memory);
  if (!to.is_memory()) {
    const Value a = l.read(to), v = l.read(from);
    l.write(to, v);
    return l.write(from, a);
  }
  const Lifter::Place p = changed(l, to);
  const Value old = l.load(p, to.bits);
  l.store(p, to.bits, l.read(from));
  l.stored_to(p);
  l.write(from, old);
}

void lift_xadd(Lifter& l, uint32_t) {
  const Operand& to = l.operand(0);
  const Operand& from = l.operand(1);
  Lifter::Place p;
  if (to.is_memory()) p = changed(l, to);
  const Value old = to.is_memory() ? l.load(p, to.bits) : l.read(to), add = l.read(from);
  const Value sum = l.b.add(old, add);
  l.set_flags(l.flags_op(Op::fl_add, to.bits, old, add));
  if (to.is_memory()) {
    l.store(p, to.bits, sum);
    l.stored_to(p);
    return l.write(from, old);
  }
  l.write(from, old);
  l.write(to, sum);
}

void lift_cmpxchg(Lifter& l, uint32_t) {
  const Operand& to = l.operand(0);
  const unsigned bits = to.bits;
  Lifter::Place p;
  if (to.is_memory()) p = changed(l, to);
  const Value old = to.is_memory() ? l.load(p, bits) : l.read(to);
  const Value expected = l.reg(kRax, bits), desired = l.read(1);
  const Value compared = l.flags_op(Op::fl_sub, bits, expected, old, true);
  const Value equal = l.b.icmp(Cond::eq, l.zx(expected, bits), l.zx(old, bits));
  const Value stored = l.b.select(equal, desired, old);
  if (to.is_memory()) {
    l.store(p, bits, stored);
    l.stored_to(p);
  } else if (bits == 32) {  // not written at all where they differ: the upper half stays
    const Value whole = l.reg64(to.reg);
    l.b.set(slot_r(to.reg), l.b.select(equal, l.wide(desired), whole));
  } else {
    l.write(to, stored);
  }
  const Value kept = l.reg64(kRax);
  l.set_reg(kRax, bits, old);
  l.b.set(slot_r(kRax), l.b.select(equal, kept, l.reg64(kRax)));
  l.set_flags(compared);
}

void set_zero_flag(Lifter& l, Value equal) {
  const Value bit = l.b.emit(Op::bool_int, Type::i32, equal);
  const Value bits = l.b.binary(Op::shl, bit, l.b.i32(14));
  static_assert(ir::kFlagZ == 1u << 14);
  l.set_only_flags(l.b.emit(Op::fl_of_bits, Type::flags, bits), ir::kFlagZ);
}

void lift_cmpxchg8b(Lifter& l, uint32_t) {
  const Lifter::Place p = l.place(l.operand(0), {.bytes = 8, .write = true, .read_write = true});
  ir::Builder& b = l.b;
  const auto pair = [&](unsigned high, unsigned low) {
    return b.binary(Op::or_, b.binary(Op::shl, l.reg64(high), b.i64(32)), b.zext32(l.reg(low, 32)));
  };
  const Value old = l.load(p, 64), expected = pair(kRdx, kRax);
  const Value equal = b.icmp(Cond::eq, old, expected);
  l.store(p, 64, b.select(equal, pair(kRcx, kRbx), old));
  l.stored_to(p);
  b.set(slot_r(kRax), b.select(equal, l.reg64(kRax), b.zext32(b.trunc(old))));
  b.set(slot_r(kRdx), b.select(equal, l.reg64(kRdx), b.binary(Op::lshr, old, b.i64(32))));
  set_zero_flag(l, equal);
}

void lift_cmpxchg16b(Lifter& l, uint32_t) {
  const Lifter::Place p = l.place(l.operand(0), {.bytes = 16, .write = true, .read_write = true, .align = 4});
  ir::Builder& b = l.b;
  const Value low = l.load(p, 64), high = l.load(p, 64, 8);
  const Value differs =
      b.binary(Op::or_, b.binary(Op::xor_, low, l.reg64(kRax)), b.binary(Op::xor_, high, l.reg64(kRdx)));
  const Value equal = b.icmpz(Cond::eq, differs);
  l.store(p, 64, b.select(equal, l.reg64(kRbx), low));
  l.store(p, 64, b.select(equal, l.reg64(kRcx), high), 8);
  l.stored_to(p);
  b.set(slot_r(kRax), low);  // what it was, where they are equal
  b.set(slot_r(kRdx), high);
  set_zero_flag(l, equal);
}

void lift_bswap(Lifter& l, uint32_t) {
  const Operand& o = l.operand(0);
  if (o.bits == 16) return l.write(0, l.b.i32(0));  // undefined; what processors do
  l.write(0, l.b.unary(Op::bswap, l.read(0)));
}

void lift_movbe(Lifter& l, uint32_t) {
  const unsigned bits = l.operand(0).bits;
  const Value v = l.read(1);
  if (bits == 16) return l.write(0, l.b.unary(Op::bswap16, v));
  l.write(0, l.b.unary(Op::bswap, v));
}

void lift_xlat(Lifter& l, uint32_t) {
  const Value al = l.b.unary(Op::ubfx, l.reg64(kRax), 8, 0);
  Value ea = l.b.add(l.reg64(kRbx), al);
  if (l.i.address_bits == 32) ea = l.b.zext32(l.b.trunc(ea));
  if (l.i.address_bits == 16) ea = l.b.unary(Op::zext16, ea);
  const unsigned segment = l.i.segment_override == kNoRegister ? unsigned{kDs} : l.i.segment_override;
  l.set_reg(kRax, 8, l.load(l.place_at(segment, ea, {.bytes = 1}), 8));
}

// CBW, CWDE, CDQE: the accumulator's lower half extended into the whole.
void lift_extend_accumulator(Lifter& l, uint32_t bits) {
  l.set_reg(kRax, bits, l.extend(l.reg(kRax, bits / 2), bits / 2, bits, true));
}

// CWD, CDQ, CQO: its sign into RDX.
void lift_extend_to_rdx(Lifter& l, uint32_t bits) {
  const Value a = l.sx(l.reg(kRax, bits), bits);
  l.set_reg(kRdx, bits, l.b.binary(Op::ashr, a, l.konst(bits, bits == 64 ? 63 : 31)));
}

// --- stack

void lift_push(Lifter& l, uint32_t) {
  const Operand& o = l.operand(0);
  if (o.reg_class == RegisterClass::kSegment) return lift_push_segment(l);
  const unsigned bits = l.operand_bits();
  if (o.is_immediate()) return l.push(bits, l.konst(bits, static_cast<uint64_t>(o.value)));
  l.push(bits, l.read(0));
}

void lift_pop(Lifter& l, uint32_t) {
  const Operand& o = l.operand(0);
  if (o.reg_class == RegisterClass::kSegment) return lift_pop_segment(l);
  const unsigned bits = l.operand_bits();
  const Value value = l.top(bits);
  if (o.is_register()) {
    l.drop(bits / 8);
    return l.set_reg(o.reg, bits, value);
  }
  // An address by RSP is by what it is behind.
  const Lifter::Place p =
      l.place(o, {.bytes = bits / 8, .write = true}, o.base == kRsp && l.stack_bits() != 16 ? bits / 8 : 0);
  l.store(p, bits, value);
  l.stored_to(p);
  l.drop(bits / 8);
}

// One guard for all eight.
Lifter::Place eight_words(Lifter& l, unsigned bits, bool write, Value& sp) {
  const int64_t more = write ? -int64_t{bits} : 0;
  const Lifter::Access access{.bytes = bits, .write = write, .element = bits == 16 ? 1u : 2u};
  sp = l.stack_bits() == 16 ? l.b.unary(Op::zext16, l.b.add_imm(l.reg64(kRsp), more))
                            : l.b.zext32(l.b.trunc(l.b.add_imm(l.reg64(kRsp), more)));
  return l.place_at(kSs, sp, access);
}

void lift_pusha(Lifter& l, uint32_t bits) {
  Value sp;
  const Lifter::Place p = eight_words(l, bits, true, sp);
  for (unsigned n = 0; n < 8; ++n) l.store(p, bits, l.reg(n, 32), (7 - n) * (bits / 8));
  l.stored_to(p);
  l.set_reg(kRsp, l.stack_bits(), l.b.trunc(sp));
}

void lift_popa(Lifter& l, uint32_t bits) {
  Value sp, values[8];
  const Lifter::Place p = eight_words(l, bits, false, sp);
  for (unsigned n = 0; n < 8; ++n) values[n] = l.load(p, bits, (7 - n) * (bits / 8));
  for (unsigned n = 0; n < 8; ++n)
    if (n != kRsp) l.set_reg(n, bits, values[n]);
  l.drop(bits);
}

void lift_enter(Lifter& l, uint32_t) {
  const unsigned bits = l.operand_bits(), bytes = bits / 8;
  const auto size = static_cast<int64_t>(l.operand(0).value & 0xffff);
  const auto level = static_cast<unsigned>(l.operand(1).value & 31);
  const auto place = [&](unsigned base, int64_t more, bool write) {
    const Lifter::Access access{.bytes = bytes, .write = write};
    if (l.stack_bits() == 16)
      return l.place_at(kSs, l.b.unary(Op::zext16, l.b.add_imm(l.reg64(base), more)), access);
    return l.place_at(kSs, l.reg64(base), access, more);
  };
  std::array<Lifter::Place, 33> to;
  to[0] = place(kRsp, -int64_t{bytes}, true);
  std::array<Value, 32> frames{};
  for (unsigned k = 1; k < level; ++k) frames[k] = l.load(place(kRbp, -int64_t{bytes} * k, false), bits);
  const unsigned words = level ? level + 1 : 1;
  for (unsigned k = 1; k < words; ++k) to[k] = place(kRsp, -int64_t{bytes} * (k + 1), true);
  place(kRsp, -int64_t{bytes} * words - size, true);  // the new frame must be writable where it ends
  const Value frame = l.b.add_imm(l.reg64(kRsp), -int64_t{bytes});
  l.store(to[0], bits, l.reg(kRbp, bits));
  l.stored_to(to[0]);
  for (unsigned k = 1; k < words; ++k) {
    l.store(to[k], bits, k == level ? (bits == 64 ? frame : l.b.trunc(frame)) : frames[k]);
    l.stored_to(to[k]);
  }
  l.drop(-int64_t{bytes} * words - size);
  const unsigned frame_bits = bits == 16 ? 16 : l.stack_bits();
  l.set_reg(kRbp, frame_bits, frame_bits == 64 ? frame : l.b.trunc(frame));
}

void lift_leave(Lifter& l, uint32_t) {
  const unsigned bits = l.operand_bits();
  const Lifter::Access access{.bytes = bits / 8};
  const Value frame = l.reg64(kRbp);
  const bool small = l.stack_bits() == 16;
  const Value saved = l.load(
      small ? l.place_at(kSs, l.b.unary(Op::zext16, frame), access) : l.place_at(kSs, frame, access), bits);
  const Value above = l.b.add_imm(frame, bits / 8);
  l.set_reg(kRsp, l.stack_bits(), l.stack_bits() == 64 ? above : l.b.trunc(above));
  l.set_reg(kRbp, bits, saved);
}

constexpr Row kRows[] = {
    {ZYDIS_MNEMONIC_MOV, lift_mov},
    {ZYDIS_MNEMONIC_MOVNTI, lift_mov},
    {ZYDIS_MNEMONIC_MOVZX, lift_extend, 0},
    {ZYDIS_MNEMONIC_MOVSX, lift_extend, 1},
    {ZYDIS_MNEMONIC_MOVSXD, lift_extend, 1},
    {ZYDIS_MNEMONIC_LEA, lift_lea},
    {ZYDIS_MNEMONIC_CMOVO, lift_cmov, 0},
    {ZYDIS_MNEMONIC_CMOVNO, lift_cmov, 1},
    {ZYDIS_MNEMONIC_CMOVB, lift_cmov, 2},
    {ZYDIS_MNEMONIC_CMOVNB, lift_cmov, 3},
    {ZYDIS_MNEMONIC_CMOVZ, lift_cmov, 4},
    {ZYDIS_MNEMONIC_CMOVNZ, lift_cmov, 5},
    {ZYDIS_MNEMONIC_CMOVBE, lift_cmov, 6},
    {ZYDIS_MNEMONIC_CMOVNBE, lift_cmov, 7},
    {ZYDIS_MNEMONIC_CMOVS, lift_cmov, 8},
    {ZYDIS_MNEMONIC_CMOVNS, lift_cmov, 9},
    {ZYDIS_MNEMONIC_CMOVP, lift_cmov, 10},
    {ZYDIS_MNEMONIC_CMOVNP, lift_cmov, 11},
    {ZYDIS_MNEMONIC_CMOVL, lift_cmov, 12},
    {ZYDIS_MNEMONIC_CMOVNL, lift_cmov, 13},
    {ZYDIS_MNEMONIC_CMOVLE, lift_cmov, 14},
    {ZYDIS_MNEMONIC_CMOVNLE, lift_cmov, 15},
    {ZYDIS_MNEMONIC_SETO, lift_set, 0},
    {ZYDIS_MNEMONIC_SETNO, lift_set, 1},
    {ZYDIS_MNEMONIC_SETB, lift_set, 2},
    {ZYDIS_MNEMONIC_SETNB, lift_set, 3},
    {ZYDIS_MNEMONIC_SETZ, lift_set, 4},
    {ZYDIS_MNEMONIC_SETNZ, lift_set, 5},
    {ZYDIS_MNEMONIC_SETBE, lift_set, 6},
    {ZYDIS_MNEMONIC_SETNBE, lift_set, 7},
    {ZYDIS_MNEMONIC_SETS, lift_set, 8},
    {ZYDIS_MNEMONIC_SETNS, lift_set, 9},
    {ZYDIS_MNEMONIC_SETP, lift_set, 10},
    {ZYDIS_MNEMONIC_SETNP, lift_set, 11},
    {ZYDIS_MNEMONIC_SETL, lift_set, 12},
    {ZYDIS_MNEMONIC_SETNL, lift_set, 13},
    {ZYDIS_MNEMONIC_SETLE, lift_set, 14},
    {ZYDIS_MNEMONIC_SETNLE, lift_set, 15},
    {ZYDIS_MNEMONIC_XCHG, lift_xchg},
    {ZYDIS_MNEMONIC_XADD, lift_xadd},
    {ZYDIS_MNEMONIC_CMPXCHG, lift_cmpxchg},
    {ZYDIS_MNEMONIC_CMPXCHG8B, lift_cmpxchg8b},
    {ZYDIS_MNEMONIC_CMPXCHG16B, lift_cmpxchg16b},
    {ZYDIS_MNEMONIC_BSWAP, lift_bswap},
    {ZYDIS_MNEMONIC_MOVBE, lift_movbe},
    {ZYDIS_MNEMONIC_XLAT, lift_xlat},
    {ZYDIS_MNEMONIC_CBW, lift_extend_accumulator, 16},
    {ZYDIS_MNEMONIC_CWDE, lift_extend_accumulator, 32},
    {ZYDIS_MNEMONIC_CDQE, lift_extend_accumulator, 64},
    {ZYDIS_MNEMONIC_CWD, lift_extend_to_rdx, 16},
    {ZYDIS_MNEMONIC_CDQ, lift_extend_to_rdx, 32},
    {ZYDIS_MNEMONIC_CQO, lift_extend_to_rdx, 64},
    {ZYDIS_MNEMONIC_PUSH, lift_push},
    {ZYDIS_MNEMONIC_POP, lift_pop},
    {ZYDIS_MNEMONIC_PUSHA, lift_pusha, 16},
    {ZYDIS_MNEMONIC_PUSHAD, lift_pusha, 32},
    {ZYDIS_MNEMONIC_POPA, lift_popa, 16},
    {ZYDIS_MNEMONIC_POPAD, lift_popa, 32},
    {ZYDIS_MNEMONIC_ENTER, lift_enter},
    {ZYDIS_MNEMONIC_LEAVE, lift_leave},
};

}  // namespace

Rows move_rows() { return kRows; }

}  // namespace mynah::x86
