// SPDX-License-Identifier: Apache-2.0
//
// Binary and decimal arithmetic (SDM vol. 1, 5.1.2 and 5.1.3). Flags that the manual leaves undefined: MUL
// and IMUL set SF, ZF and PF by the result's lower half and clear AF; DIV and IDIV keep all.
#include "frontend/x86/lift.h"
#include "frontend/x86/lift_change.h"
#include "frontend/x86/vectors.h"

namespace mynah::x86 {

namespace {

// The second operand, before the first is guarded for writing: it may fault by itself only if it is memory,
// and then the first is a register.
void lift_add(Lifter& l, uint32_t) {
  const unsigned bits = l.operand(0).bits;
  const Value add = l.read(1);
  change(l, l.operand(0), [&](Value v) {
    l.set_flags(l.flags_op(Op::fl_add, bits, v, add));
    return l.b.add(v, add);
  });
}

void lift_sub(Lifter& l, uint32_t) {
  const unsigned bits = l.operand(0).bits;
  const Value sub = l.read(1);
  change(l, l.operand(0), [&](Value v) {
    l.set_flags(l.flags_op(Op::fl_sub, bits, v, sub, true));
    return l.b.sub(v, sub);
  });
}

void lift_cmp(Lifter& l, uint32_t) {
  const unsigned bits = l.operand(0).bits;
  const Value a = l.read(0), v = l.read(1);
  l.set_flags(l.flags_op(Op::fl_sub, bits, a, v, true));
}

void lift_adc(Lifter& l, uint32_t) {
  const unsigned bits = l.operand(0).bits;
  const Value add = l.read(1), carry = l.carry();
  change(l, l.operand(0), [&](Value v) {
    l.set_flags(l.b.emit(Op::fl_adc, Type::flags, v, add, carry, 0, Lifter::flags_aux(bits)));
    return l.b.emit(Op::adc, Lifter::type_of(bits), v, add, carry);
  });
}

void lift_sbb(Lifter& l, uint32_t) {
  const unsigned bits = l.operand(0).bits;
  const Value sub = l.read(1), borrow = l.carry();
  change(l, l.operand(0), [&](Value v) {
    l.set_flags(l.b.emit(Op::fl_sbc, Type::flags, v, sub, borrow, 0, Lifter::flags_aux(bits, true)));
    return l.b.emit(Op::sbc, Lifter::type_of(bits), v, sub, l.b.emit(Op::bool_not, Type::i1, borrow));
  });
}

// INC, DEC: CF stays.
void lift_step(Lifter& l, uint32_t down) {
  const unsigned bits = l.operand(0).bits;
  change(l, l.operand(0), [&](Value v) {
    const Value one = l.konst(bits, 1);
    l.set_flags(l.flags_op(down ? Op::fl_dec : Op::fl_inc, bits, v, l.flags()));
    return down ? l.b.sub(v, one) : l.b.add(v, one);
  });
}

void lift_neg(Lifter& l, uint32_t) {
  const unsigned bits = l.operand(0).bits;
  change(l, l.operand(0), [&](Value v) {
    const Value zero = l.konst(bits, 0);
    l.set_flags(l.flags_op(Op::fl_sub, bits, zero, v, true));
    return l.b.unary(Op::neg, v);
  });
}

// --- products

void set_product_flags(Lifter& l, unsigned bits, Value low, Value overflow) {
  const Value bit = bit_of(l, overflow);
  l.set_flags(l.with_carry(l.flags_op(Op::fl_logic, bits, low), bit, bit));
}

// Of factors of 32 or 64 bits.
void set_signed_product_flags(Lifter& l, Value a, Value factor) {
  l.set_flags(l.b.emit(Op::fl_smul, Type::flags, a, factor));
}

// RDX:RAX (DX:AX, AX) = accumulator * operand 0.
void lift_multiply(Lifter& l, bool is_signed) {
  ir::Builder& b = l.b;
  const unsigned bits = l.operand(0).bits;
  const Value factor = l.read(0), a = l.reg(kRax, bits);
  Value low, high, overflow = ir::kNoValue;
  if (bits == 64) {
    low = b.binary(Op::mul, a, factor);
    high = b.binary(is_signed ? Op::smulh : Op::umulh, a, factor);
    if (!is_signed) overflow = b.icmpz(Cond::ne, high);
  } else if (bits == 32) {
    const Value product =
        b.binary(Op::mul, l.extend(a, 32, 64, is_signed), l.extend(factor, 32, 64, is_signed));
    low = b.trunc(product);
    high = b.trunc(b.binary(Op::lshr, product, b.i64(32)));
    if (!is_signed) overflow = b.icmpz(Cond::ne, high);
  } else {
    const Value product =
        b.binary(Op::mul, l.extend(a, bits, 32, is_signed), l.extend(factor, bits, 32, is_signed));
    low = product;
    high = b.binary(Op::lshr, product, b.i32(bits));
    overflow =
        is_signed ? b.icmp(Cond::ne, product, l.sx(product, bits)) : b.icmpz(Cond::ne, l.zx(high, bits));
  }
  if (overflow == ir::kNoValue)
    set_signed_product_flags(l, a, factor);
  else
    set_product_flags(l, bits, low, overflow);
  if (bits == 8) return l.set_reg(kRax, 16, low);
  l.set_reg(kRax, bits, low);
  l.set_reg(kRdx, bits, high);
}

void lift_mul(Lifter& l, uint32_t) { lift_multiply(l, false); }

void lift_imul(Lifter& l, uint32_t) {
  if (l.i.operand_count == 1) return lift_multiply(l, true);
  ir::Builder& b = l.b;
  const unsigned bits = l.operand(0).bits;
  const Value a = l.i.operand_count == 3 ? l.read(1) : l.read(0);
  const Value factor = l.i.operand_count == 3 ? l.imm(2, bits) : l.read(1);
  if (bits == 16) {
    const Value low = b.binary(Op::mul, l.sx(a, bits), l.sx(factor, bits));
    set_product_flags(l, bits, low, b.icmp(Cond::ne, low, l.sx(low, bits)));
    return l.write(0, low);
  }
  const Value low = b.binary(Op::mul, a, factor);
  set_signed_product_flags(l, a, factor);
  l.write(0, low);
}

// --- quotients. #DE is rare: where the divisor is zero or the quotient does not fit.

constexpr uint64_t kDivideError = exception_imm(vector::kDivide);

// dividend, divisor: i32 or i64 that hold them whole; bits: of the divisor and the quotient.
void divide(Lifter& l, unsigned bits, Value dividend, Value divisor, bool is_signed, bool may_overflow) {
  ir::Builder& b = l.b;
  l.fault_if(b.icmpz(Cond::eq, divisor), kDivideError);
  const Value quotient = b.binary(is_signed ? Op::sdiv : Op::udiv, dividend, divisor);
  if (may_overflow) {
    Value fits;
    if (is_signed)
      fits = b.type(quotient) == Type::i64 ? b.sext32(b.trunc(quotient)) : l.sx(quotient, bits);
    else
      fits = b.type(quotient) == Type::i64 ? b.zext32(b.trunc(quotient)) : l.zx(quotient, bits);
    l.fault_if(b.icmp(Cond::ne, quotient, fits), kDivideError);
  }
  const Value remainder = b.sub(dividend, b.binary(Op::mul, quotient, divisor));
  if (bits == 8) {
    l.set_reg(kRax, 8, quotient);
    return l.set_high_byte(kRax, l.narrow(remainder));
  }
  l.set_reg(kRax, bits, quotient);
  l.set_reg(kRdx, bits, remainder);
}

// The quotient of the least number by -1 does not fit.
void fault_at_least_by_minus_one(Lifter& l, unsigned bits, Value dividend, Value divisor) {
  ir::Builder& b = l.b;
  const Value least = l.konst(bits, uint64_t{1} << (bits - 1));
  const Value different = b.binary(Op::or_, b.binary(Op::xor_, dividend, least), b.unary(Op::not_, divisor));
  l.fault_if(b.icmpz(Cond::eq, different), kDivideError);
}

// RDX is known to hold RAX's sign: what compilers do in front of IDIV.
bool rdx_is_sign_of_rax(Lifter& l, unsigned bits) {
  const auto& insts = l.b.region().insts;
  const auto strip = [&](Value v) {  // widenings of i32 values
    while (insts[v].op == Op::zext32 || insts[v].op == Op::trunc) v = insts[v].args[0];
    return v;
  };
  const ir::Inst& rdx = insts[strip(l.reg64(kRdx))];
  if (rdx.op != Op::ashr || ir::bits(rdx.type) != bits) return false;
  const auto by = l.b.as_const(rdx.args[1]);
  return by && *by == bits - 1 && strip(rdx.args[0]) == strip(l.reg64(kRax));
}

void lift_div(Lifter& l, uint32_t) {
  ir::Builder& b = l.b;
  const unsigned bits = l.operand(0).bits;
  const Value divisor = l.zx(l.read(0), bits);
  if (bits == 8) return divide(l, 8, l.zx(l.reg(kRax, 16), 16), divisor, false, true);
  const auto high = b.as_const(l.reg64(kRdx));
  if (bits == 64) {
    if (high && *high == 0) return divide(l, 64, l.reg64(kRax), divisor, false, false);
    l.call(Helper::kDivide128, Type::none, divisor);
    return;
  }
  if (bits == 16) {
    const Value dividend =
        b.binary(Op::or_, b.binary(Op::shl, l.reg(kRdx, 16), b.i32(16)), l.zx(l.reg(kRax, 16), 16));
    return divide(l, 16, dividend, divisor, false, true);
  }
  if (high && static_cast<uint32_t>(*high) == 0) return divide(l, 32, l.reg(kRax, 32), divisor, false, false);
  const Value dividend =
      b.binary(Op::or_, b.binary(Op::shl, l.reg64(kRdx), b.i64(32)), b.zext32(l.reg(kRax, 32)));
  divide(l, 32, dividend, b.zext32(divisor), false, true);
}

void lift_idiv(Lifter& l, uint32_t) {
  ir::Builder& b = l.b;
  const unsigned bits = l.operand(0).bits;
  const Value divisor = l.sx(l.read(0), bits);
  if (bits == 8) return divide(l, 8, l.sx(l.reg(kRax, 16), 16), divisor, true, true);
  if (bits == 16) {
    const Value dividend =
        b.binary(Op::or_, b.binary(Op::shl, l.reg(kRdx, 16), b.i32(16)), l.zx(l.reg(kRax, 16), 16));
    fault_at_least_by_minus_one(l, 32, dividend, divisor);
    return divide(l, 16, dividend, divisor, true, true);
  }
  if (rdx_is_sign_of_rax(l, bits)) {
    const Value dividend = l.reg(kRax, bits);
    fault_at_least_by_minus_one(l, bits, dividend, divisor);
    return divide(l, bits, dividend, divisor, true, false);
  }
  if (bits == 64) {
    l.call(Helper::kSignedDivide128, Type::none, divisor);
    return;
  }
  const Value dividend =
      b.binary(Op::or_, b.binary(Op::shl, l.reg64(kRdx), b.i64(32)), b.zext32(l.reg(kRax, 32)));
  const Value wide_divisor = b.sext32(divisor);
  fault_at_least_by_minus_one(l, 64, dividend, wide_divisor);
  divide(l, 32, dividend, wide_divisor, true, true);
}

// --- decimal

void lift_decimal(Lifter& l, uint32_t helper) { l.call(static_cast<Helper>(helper), Type::none); }

void lift_aam(Lifter& l, uint32_t) {
  const auto base = static_cast<uint8_t>(l.operand(0).value);
  if (base == 0) return l.fault(vector::kDivide);
  ir::Builder& b = l.b;
  const Value al = l.zx(l.reg(kRax, 8), 8), by = b.i32(base);
  const Value quotient = b.binary(Op::udiv, al, by);
  const Value remainder = b.sub(al, b.binary(Op::mul, quotient, by));
  l.set_high_byte(kRax, quotient);
  l.set_reg(kRax, 8, remainder);
  l.set_flags(l.flags_op(Op::fl_logic, 8, remainder));
}

void lift_aad(Lifter& l, uint32_t) {
  ir::Builder& b = l.b;
  const Value by = b.i32(static_cast<uint8_t>(l.operand(0).value));
  const Value sum = b.add(l.reg(kRax, 8), b.binary(Op::mul, l.high_byte(kRax), by));
  l.set_reg(kRax, 16, l.zx(sum, 8));
  l.set_flags(l.flags_op(Op::fl_logic, 8, sum));
}

constexpr Row kRows[] = {
    {ZYDIS_MNEMONIC_ADD, lift_add},
    {ZYDIS_MNEMONIC_ADC, lift_adc},
    {ZYDIS_MNEMONIC_SUB, lift_sub},
    {ZYDIS_MNEMONIC_SBB, lift_sbb},
    {ZYDIS_MNEMONIC_CMP, lift_cmp},
    {ZYDIS_MNEMONIC_INC, lift_step, 0},
    {ZYDIS_MNEMONIC_DEC, lift_step, 1},
    {ZYDIS_MNEMONIC_NEG, lift_neg},
    {ZYDIS_MNEMONIC_MUL, lift_mul},
    {ZYDIS_MNEMONIC_IMUL, lift_imul},
    {ZYDIS_MNEMONIC_DIV, lift_div},
    {ZYDIS_MNEMONIC_IDIV, lift_idiv},
    {ZYDIS_MNEMONIC_AAA, lift_decimal, static_cast<uint32_t>(Helper::kAaa)},
    {ZYDIS_MNEMONIC_AAS, lift_decimal, static_cast<uint32_t>(Helper::kAas)},
    {ZYDIS_MNEMONIC_DAA, lift_decimal, static_cast<uint32_t>(Helper::kDaa)},
    {ZYDIS_MNEMONIC_DAS, lift_decimal, static_cast<uint32_t>(Helper::kDas)},
    {ZYDIS_MNEMONIC_AAM, lift_aam},
    {ZYDIS_MNEMONIC_AAD, lift_aad},
};

}  // namespace

Rows arithmetic_rows() { return kRows; }

}  // namespace mynah::x86
