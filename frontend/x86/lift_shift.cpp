// SPDX-License-Identifier: Apache-2.0
//
// Shifts and rotates (SDM vol. 1, 5.1.5). A count of zero, of the five or six bits that are looked at,
// changes neither flags nor the operand. Flags that the manual leaves undefined: OF is that of the last of as
// many shifts by one (of double shifts, rotates: by the formula of one by one whatever the count), AF is
// cleared, CF of a shift by more than the width is 0 (SAR: the sign).
#include "frontend/x86/lift.h"
#include "frontend/x86/lift_change.h"

namespace mynah::x86 {

namespace {

enum class Shift : uint32_t { kLeft, kRight, kArithmetic };

struct Count {
  std::optional<unsigned> known;  // not zero
  Value value = ir::kNoValue;     // of the operand's type, masked
  Value is_zero = ir::kNoValue;   // i1, where it is not known
};

// The count of operand n; nothing where it is known to be zero.
std::optional<Count> count_of(Lifter& l, unsigned n, unsigned bits) {
  const unsigned mask = bits == 64 ? 63 : 31;
  const Operand& o = l.operand(n);
  Count c;
  if (o.is_immediate()) {
    c.known = static_cast<unsigned>(o.value) & mask;
    if (*c.known == 0) return std::nullopt;
    c.value = l.konst(bits, *c.known);
    return c;
  }
  const Value cl = bits == 64 ? l.reg64(kRcx) : l.reg(kRcx, 32);
  c.value = l.b.binary(Op::and_, cl, l.konst(bits, mask));
  if (const auto k = l.b.as_const(c.value)) {
    c.known = static_cast<unsigned>(*k);
    if (*c.known == 0) return std::nullopt;
  } else {
    c.is_zero = l.b.icmpz(Cond::eq, c.value);
  }
  return c;
}

void set_unless_zero(Lifter& l, const Count& c, Value flags) {
  l.set_flags(c.known ? flags : l.b.emit(Op::fl_select, Type::flags, c.is_zero, l.flags(), flags));
}

// The operand is read, and a 32-bit register's upper half cleared, whatever the count.
void keep(Lifter& l) {
  const Operand& o = l.operand(0);
  change(l, o, [](Value v) { return v; });
}

// Bit `count - 1` of v counted from the end that bits leave by; i32 0 or 1.
Value last_out(Lifter& l, Shift kind, Value v, const Count& c, unsigned bits) {
  ir::Builder& b = l.b;
  if (kind == Shift::kLeft) {
    if (c.known) return *c.known > bits ? b.i32(0) : bit_at(l, v, bits - *c.known);
    // (v << (count - 1)) >> (width - 1), for a v that is zero above its width.
    const Value before = b.binary(Op::shl, v, b.add_imm(c.value, -1));
    return bit_at(l, before, bits - 1);
  }
  const Value before = b.binary(kind == Shift::kRight ? Op::lshr : Op::ashr, v, b.add_imm(c.value, -1));
  return bit_at(l, before, 0);
}

void lift_shift(Lifter& l, uint32_t which) {
  static constexpr Op kOps[] = {Op::shl, Op::lshr, Op::ashr};
  static constexpr Op kFlagsOps[] = {Op::fl_shl, Op::fl_lshr, Op::fl_ashr};
  const auto kind = static_cast<Shift>(which);
  const Operand& o = l.operand(0);
  const unsigned bits = o.bits;
  const auto c = count_of(l, 1, bits);
  if (!c) return keep(l);
  ir::Builder& b = l.b;
  change(l, o, [&](Value operand) {
    const Value v = kind == Shift::kArithmetic ? l.sx(operand, bits) : l.zx(operand, bits);
    const Value result = b.binary(kOps[which], v, c->value);
    set_unless_zero(l, *c, l.flags_op(kFlagsOps[which], bits, v, c->value));
    return result;
  });
}

// --- rotates: CF and OF alone

void set_rotate_flags(Lifter& l, const Count& c, Value carry, Value overflow) {
  set_unless_zero(l, c, l.with_carry(l.flags(), carry, overflow));
}

Value rotated(Lifter& l, Value v, Value count, unsigned bits, bool left) {
  ir::Builder& b = l.b;
  if (bits >= 32) return b.binary(Op::ror, v, left ? b.unary(Op::neg, count) : count);
  // Side by side until they fill a word.
  Value word = l.zx(v, bits);
  if (bits == 8) word = b.binary(Op::or_, word, b.binary(Op::shl, word, b.i32(8)));
  word = b.binary(Op::or_, word, b.binary(Op::shl, word, b.i32(16)));
  return b.binary(Op::ror, word, left ? b.unary(Op::neg, count) : count);
}

void lift_rotate(Lifter& l, uint32_t left) {
  const Operand& o = l.operand(0);
  const unsigned bits = o.bits;
  const auto c = count_of(l, 1, bits);
  if (!c) return keep(l);
  change(l, o, [&](Value v) {
    const Value result = rotated(l, v, c->value, bits, left);
    const Value top = bit_at(l, result, bits - 1);
    if (left) {
      const Value carry = bit_at(l, result, 0);
      set_rotate_flags(l, *c, carry, l.b.binary(Op::xor_, carry, top));
    } else {
      set_rotate_flags(l, *c, top, l.b.binary(Op::xor_, top, bit_at(l, result, bits - 2)));
    }
    return result;
  });
}

void lift_rotate_carry(Lifter& l, uint32_t left) {
  const Operand& o = l.operand(0);
  const unsigned bits = o.bits;
  const auto c = count_of(l, 1, bits);
  if (!c) return keep(l);
  ir::Builder& b = l.b;
  if (c->known && *c->known == 1) {
    const Value carry = l.carry();
    return change(l, o, [&](Value v) {
      if (left) {  // v + v + CF
        const Value f = b.emit(Op::fl_adc, Type::flags, v, v, carry, 0, Lifter::flags_aux(bits));
        l.set_only_flags(f, ir::kFlagC | ir::kFlagV);
        return b.emit(Op::adc, Lifter::type_of(bits), v, v, carry);
      }
      const Value in = b.emit(Op::bool_int, Lifter::type_of(bits), carry);
      const Value result = b.binary(Op::or_, b.binary(Op::lshr, l.zx(v, bits), l.konst(bits, 1)),
                                    b.binary(Op::shl, in, l.konst(bits, bits - 1)));
      const Value overflow = b.binary(Op::xor_, bit_at(l, result, bits - 1), bit_at(l, result, bits - 2));
      l.set_flags(l.with_carry(l.flags(), bit_at(l, v, 0), overflow));
      return result;
    });
  }
  const Helper helper = left ? Helper::kRotateCarryLeft : Helper::kRotateCarryRight;
  if (!o.is_memory()) {
    const Value result =
        l.call(helper, Type::i64, l.wide(l.zx(l.read(o), bits)), l.wide(c->value), b.i64(bits));
    return l.write(o, bits == 64 ? result : b.trunc(result));
  }
  change(l, o, [&](Value v) {
    const Value result = l.call(helper, Type::i64, l.wide(l.zx(v, bits)), l.wide(c->value), b.i64(bits));
    return bits == 64 ? result : b.trunc(result);
  });
}

// --- double shifts

void lift_double(Lifter& l, uint32_t left) {
  const Operand& o = l.operand(0);
  const unsigned bits = o.bits;
  const auto c = count_of(l, 2, bits);
  const Value other = l.read(1);
  if (!c) return keep(l);
  ir::Builder& b = l.b;
  change(l, o, [&](Value v) {
    Value result, out;
    if (bits == 16) {
      // A count above 16 goes on into the operand itself, as processors do.
      const Value a = l.zx(v, 16), s = l.zx(other, 16);
      const Value whole = left ? b.binary(Op::or_, b.binary(Op::shl, a, b.i32(16)), s)
                               : b.binary(Op::or_, b.binary(Op::shl, s, b.i32(16)), a);
      const Value wide = b.zext32(whole), count = b.zext32(c->value);
      if (left) {
        // operand : other : operand, from the top
        const Value three = b.binary(Op::or_, b.binary(Op::shl, wide, b.i64(16)), b.zext32(a));
        const Value shifted = b.binary(Op::shl, three, count);
        result = b.trunc(b.unary(Op::ubfx, shifted, 16, 32));
        out = l.narrow(b.unary(Op::ubfx, shifted, 1, 48));
      } else {
        const Value three = b.binary(Op::or_, wide, b.binary(Op::shl, b.zext32(a), b.i64(32)));
        const Value shifted = b.binary(Op::lshr, b.binary(Op::shl, three, b.i64(1)), count);
        result = b.trunc(b.unary(Op::ubfx, shifted, 16, 1));
        out = l.narrow(b.unary(Op::ubfx, shifted, 1, 0));
      }
    } else {
      const Value rest = b.sub(l.konst(bits, bits - 1), c->value);
      if (left) {
        result = c->known ? b.emit(Op::extr, Lifter::type_of(bits), v, other, ir::kNoValue, bits - *c->known)
                          : b.binary(Op::or_, b.binary(Op::shl, v, c->value),
                                     b.binary(Op::lshr, b.binary(Op::lshr, other, l.konst(bits, 1)), rest));
        out = last_out(l, Shift::kLeft, v, *c, bits);
      } else {
        result = c->known ? b.emit(Op::extr, Lifter::type_of(bits), other, v, ir::kNoValue, *c->known)
                          : b.binary(Op::or_, b.binary(Op::lshr, v, c->value),
                                     b.binary(Op::shl, b.binary(Op::shl, other, l.konst(bits, 1)), rest));
        out = last_out(l, Shift::kRight, v, *c, bits);
      }
    }
    const Value changed_sign = b.binary(Op::xor_, bit_at(l, v, bits - 1), bit_at(l, result, bits - 1));
    set_unless_zero(l, *c, l.with_carry(l.flags_op(Op::fl_logic, bits, result), out, changed_sign));
    return result;
  });
}

constexpr uint32_t kLeft = static_cast<uint32_t>(Shift::kLeft), kRight = static_cast<uint32_t>(Shift::kRight),
                   kArithmetic = static_cast<uint32_t>(Shift::kArithmetic);
constexpr Row kRows[] = {
    {ZYDIS_MNEMONIC_SHL, lift_shift, kLeft},       {ZYDIS_MNEMONIC_SHR, lift_shift, kRight},
    {ZYDIS_MNEMONIC_SAR, lift_shift, kArithmetic}, {ZYDIS_MNEMONIC_ROL, lift_rotate, 1},
    {ZYDIS_MNEMONIC_ROR, lift_rotate, 0},          {ZYDIS_MNEMONIC_RCL, lift_rotate_carry, 1},
    {ZYDIS_MNEMONIC_RCR, lift_rotate_carry, 0},    {ZYDIS_MNEMONIC_SHLD, lift_double, 1},
    {ZYDIS_MNEMONIC_SHRD, lift_double, 0},
};

}  // namespace

Rows shift_rows() { return kRows; }

}  // namespace mynah::x86
