// SPDX-License-Identifier: Apache-2.0
//
// Bit and byte instructions (SDM vol. 1, 5.1.6; BMI: 5.1.16): tests and scans of bits, counts, CRC32. BT and
// its kin change CF alone, scans ZF alone.
#include "frontend/x86/lift.h"
#include "frontend/x86/lift_change.h"

namespace mynah::x86 {

namespace {

enum class Bit : uint32_t { kTest, kSet, kReset, kComplement };

void set_carry(Lifter& l, Value bit) {
  l.set_only_flags(l.b.emit(Op::fl_of_bits, Type::flags, l.b.binary(Op::shl, bit, l.b.i32(8))), ir::kFlagC);
}

// A memory operand's bits go on beyond it where a register counts them.
Operand operand_of_bit(Lifter& l, unsigned bits, Value& ea) {
  const Operand& o = l.operand(0);
  ir::Builder& b = l.b;
  const Value index = l.extend(l.read(1), bits, 64, true);
  const unsigned shift = bits == 64 ? 6 : bits == 32 ? 5 : 4;
  const Value words = b.binary(Op::ashr, index, b.i64(shift));
  ea = b.add(l.effective_address(o), b.binary(Op::shl, words, b.i64(shift - 3)));
  if (l.i.address_bits == 32) ea = b.zext32(b.trunc(ea));
  if (l.i.address_bits == 16) ea = b.unary(Op::zext16, ea);
  return o;
}

void lift_bit(Lifter& l, uint32_t which) {
  const auto kind = static_cast<Bit>(which);
  const Operand& o = l.operand(0);
  const unsigned bits = o.bits;
  ir::Builder& b = l.b;
  const Value number = l.operand(1).is_immediate()
                           ? l.konst(bits, static_cast<uint64_t>(l.operand(1).value) & (bits - 1))
                           : b.binary(Op::and_, l.read(1), l.konst(bits, bits - 1));
  const auto compute = [&](Value v) {
    const auto known = b.as_const(number);
    const Value bit =
        known ? bit_at(l, v, static_cast<unsigned>(*known)) : bit_at(l, b.binary(Op::lshr, v, number), 0);
    set_carry(l, bit);
    const Value mask = b.binary(Op::shl, l.konst(bits, 1), number);
    switch (kind) {
      case Bit::kSet:
        return b.binary(Op::or_, v, mask);
      case Bit::kReset:
        return b.binary(Op::and_, v, b.unary(Op::not_, mask));
      case Bit::kComplement:
        return b.binary(Op::xor_, v, mask);
      default:
        return v;
    }
  };
  const bool writes = kind != Bit::kTest;
  if (!o.is_memory()) {
    const Value result = compute(l.read(o));
    if (writes) l.write(o, result);
    return;
  }
  const Lifter::Access access{.bytes = bits / 8u, .write = writes, .read_write = writes};
  Lifter::Place p;
  if (l.operand(1).is_immediate()) {
    p = l.place(o, access);
  } else {
    Value ea;
    operand_of_bit(l, bits, ea);
    p = l.place_at(o.segment, ea, access);
  }
  const Value result = compute(l.load(p, bits));
  if (!writes) return;
  l.store(p, bits, result);
  l.stored_to(p);
}

void set_zero(Lifter& l, Value is_zero, uint32_t mask = ir::kFlagZ) {
  const Value bit = l.b.binary(Op::shl, bit_of(l, is_zero), l.b.i32(14));
  l.set_only_flags(l.b.emit(Op::fl_of_bits, Type::flags, bit), mask);
}

Value trailing_zeros(Lifter& l, Value v) { return l.b.unary(Op::clz, l.b.unary(Op::rbit, v)); }

// A source of zero leaves the destination as it is.
void lift_scan(Lifter& l, uint32_t reverse) {
  const Operand& to = l.operand(0);
  const unsigned bits = to.bits;
  ir::Builder& b = l.b;
  const Value v = l.zx(l.read(1), bits);
  const Value is_zero = b.icmpz(Cond::eq, v);
  const unsigned width = bits == 64 ? 64 : 32;
  const Value found =
      reverse ? b.binary(Op::xor_, b.unary(Op::clz, v), l.konst(bits, width - 1)) : trailing_zeros(l, v);
  const Value old = l.reg64(to.reg);
  l.write(to, found);
  l.b.set(slot_r(to.reg), b.select(is_zero, old, l.reg64(to.reg)));
  set_zero(l, is_zero);
}

// LZCNT, TZCNT: CF where the source is zero, ZF where the result is; others cleared.
void lift_count_zeros(Lifter& l, uint32_t trailing) {
  const unsigned bits = l.operand(0).bits;
  ir::Builder& b = l.b;
  Value v = l.zx(l.read(1), bits);
  const Value is_zero = b.icmpz(Cond::eq, v);
  Value count;
  if (trailing) {
    if (bits == 16) v = b.binary(Op::or_, v, b.i32(0x10000));
    count = trailing_zeros(l, v);
  } else {
    count = b.unary(Op::clz, v);
    if (bits == 16) count = b.add_imm(count, -16);
  }
  l.set_flags(l.with_carry(l.flags_op(Op::fl_logic, bits, count), bit_of(l, is_zero), b.i32(0)));
  l.write(0, count);
}

void lift_popcnt(Lifter& l, uint32_t) {
  const unsigned bits = l.operand(0).bits;
  ir::Builder& b = l.b;
  const Value v = l.zx(l.read(1), bits);
  const Value bytes = b.vec(Op::vcnt, 0, b.emit(Op::vfrom_gpr, Type::v128, v));
  const Value sum = b.emit(Op::vaddv, Type::v128, bytes, ir::kNoValue, ir::kNoValue, 16, 0);
  const Value count = b.emit(Op::vextract, Lifter::type_of(bits), sum, ir::kNoValue, ir::kNoValue, 0, 0);
  l.set_flags(l.flags_op(Op::fl_konst, 32, ir::kNoValue));
  set_zero(l, b.icmpz(Cond::eq, v));
  l.write(0, count);
}

void lift_crc32(Lifter& l, uint32_t) {
  const unsigned bits = l.operand(1).bits;
  const Value data = l.read(1);
  const Value sum = l.b.emit(Op::crc32, Type::i32, l.reg(l.operand(0).reg, 32), data, ir::kNoValue, 1,
                             static_cast<uint8_t>(bits / 8));
  l.set_reg(l.operand(0).reg, 32, sum);
}

constexpr uint32_t kTest = static_cast<uint32_t>(Bit::kTest), kSet = static_cast<uint32_t>(Bit::kSet),
                   kReset = static_cast<uint32_t>(Bit::kReset),
                   kComplement = static_cast<uint32_t>(Bit::kComplement);
constexpr Row kRows[] = {
    {ZYDIS_MNEMONIC_BT, lift_bit, kTest},        {ZYDIS_MNEMONIC_BTS, lift_bit, kSet},
    {ZYDIS_MNEMONIC_BTR, lift_bit, kReset},      {ZYDIS_MNEMONIC_BTC, lift_bit, kComplement},
    {ZYDIS_MNEMONIC_BSF, lift_scan, 0},          {ZYDIS_MNEMONIC_BSR, lift_scan, 1},
    {ZYDIS_MNEMONIC_LZCNT, lift_count_zeros, 0}, {ZYDIS_MNEMONIC_TZCNT, lift_count_zeros, 1},
    {ZYDIS_MNEMONIC_POPCNT, lift_popcnt},        {ZYDIS_MNEMONIC_CRC32, lift_crc32},
};

}  // namespace

Rows bit_rows() { return kRows; }

}  // namespace mynah::x86
