// SPDX-License-Identifier: Apache-2.0
//
// BMI1, BMI2, ADX (SDM vol. 1, 5.1.16, 5.1.17; vol. 2). Flags that the manual leaves undefined: AF and PF as
// the logical instruction or subtraction that the flags are made by has them, BEXTR's SF included.
#include "frontend/x86/lift.h"
#include "frontend/x86/lift_change.h"

namespace mynah::x86 {

namespace {

constexpr Value kNone = ir::kNoValue;

// VEX-encoded instructions on general registers are undefined where VEX is: real and virtual-8086 mode.
bool begin(Lifter& l) {
  if (!l.real_or_vm86()) return true;
  l.undefined();
  return false;
}

void set_flags(Lifter& l, Value result, Value carry) {
  const unsigned bits = l.operand(0).bits;
  Value f = l.flags_op(Op::fl_logic, bits, result);
  if (carry != kNone) f = l.with_carry(f, bit_of(l, carry), l.b.i32(0));
  l.set_flags(f);
}

void lift_andn(Lifter& l, uint32_t) {
  if (!begin(l)) return;
  const Value y = l.read(2), r = l.b.binary(Op::andn, y, l.read(1));
  set_flags(l, r, kNone);
  l.write(0, r);
}

enum class Lowest : uint32_t { kIsolate, kMask, kReset };
// BLSI: CF where the source is not zero; BLSMSK, BLSR: where it is.
void lift_lowest(Lifter& l, uint32_t which) {
  if (!begin(l)) return;
  ir::Builder& b = l.b;
  const Value x = l.read(1), less = b.add_imm(x, -1);
  const auto kind = static_cast<Lowest>(which);
  const Value r = kind == Lowest::kIsolate ? b.binary(Op::and_, x, b.unary(Op::neg, x))
                  : kind == Lowest::kMask  ? b.binary(Op::xor_, x, less)
                                           : b.binary(Op::and_, x, less);
  set_flags(l, r, b.icmpz(kind == Lowest::kIsolate ? Cond::ne : Cond::eq, x));
  l.write(0, r);
}

// x with zeros from bit n on; n: any value, of which `bits` and more leave x as it is.
Value low_bits(Lifter& l, Value x, Value n, unsigned bits) {
  ir::Builder& b = l.b;
  const Value mask = b.add_imm(b.binary(Op::shl, l.konst(bits, 1), n), -1);
  return b.select(b.icmp(Cond::cs, n, l.konst(bits, bits)), x, b.binary(Op::and_, x, mask));
}

void lift_bextr(Lifter& l, uint32_t) {
  if (!begin(l)) return;
  ir::Builder& b = l.b;
  const unsigned bits = l.operand(0).bits;
  const Value x = l.read(1), control = l.read(2);
  const Value start = b.unary(Op::zext8, control), length = b.unary(Op::ubfx, control, 8, 8);
  const Value moved =
      b.select(b.icmp(Cond::cs, start, l.konst(bits, bits)), l.konst(bits, 0), b.binary(Op::lshr, x, start));
  const Value r = low_bits(l, moved, length, bits);
  set_flags(l, r, kNone);
  l.write(0, r);
}

void lift_bzhi(Lifter& l, uint32_t) {
  if (!begin(l)) return;
  ir::Builder& b = l.b;
  const unsigned bits = l.operand(0).bits;
  const Value x = l.read(1), n = b.unary(Op::zext8, l.read(2));
  const Value r = low_bits(l, x, n, bits);
  set_flags(l, r, b.icmp(Cond::cs, n, l.konst(bits, bits)));
  l.write(0, r);
}

void lift_deposit(Lifter& l, uint32_t op) {
  if (!begin(l)) return;
  const Value mask = l.read(2), x = l.read(1);
  l.write(0, l.b.binary(static_cast<Op>(op), x, mask));
}

void lift_shift(Lifter& l, uint32_t op) {
  if (!begin(l)) return;
  const Value x = l.read(1);
  l.write(0, l.b.binary(static_cast<Op>(op), x, l.read(2)));
}
void lift_rorx(Lifter& l, uint32_t) {
  if (!begin(l)) return;
  const unsigned bits = l.operand(0).bits;
  const Value x = l.read(1);
  l.write(0, l.b.binary(Op::ror, x, l.konst(bits, static_cast<uint64_t>(l.operand(2).value) & (bits - 1))));
}

// MULX: the high half in the first operand, which counts where both are one register.
void lift_mulx(Lifter& l, uint32_t) {
  if (!begin(l)) return;
  ir::Builder& b = l.b;
  const unsigned bits = l.operand(0).bits;
  const Value y = l.read(2), x = l.reg(kRdx, bits);
  Value low, high;
  if (bits == 64) {
    low = b.binary(Op::mul, x, y);
    high = b.binary(Op::umulh, x, y);
  } else {
    const Value product = b.binary(Op::mul, b.zext32(x), b.zext32(y));
    low = b.trunc(product);
    high = b.trunc(b.binary(Op::lshr, product, b.i64(32)));
  }
  l.write(1, low);
  l.write(0, high);
}

// ADCX: CF alone; ADOX: OF alone, in and out.
void lift_adx(Lifter& l, uint32_t overflow) {
  ir::Builder& b = l.b;
  const unsigned bits = l.operand(0).bits;
  const Value y = l.read(1), x = l.read(0);
  const Value in = b.cond(overflow ? Cond::vs : Cond::cs, l.flags());
  const Value sum = b.emit(Op::adc, Lifter::type_of(bits), x, y, in);
  const Value f = b.emit(Op::fl_adc, Type::flags, x, y, in, 0, Lifter::flags_aux(bits));
  if (!overflow) {
    l.set_only_flags(f, ir::kFlagC);
  } else {
    const Value bit = bit_of(l, b.cond(Cond::cs, f));
    l.set_only_flags(b.emit(Op::fl_of_bits, Type::flags, bit), ir::kFlagV);
  }
  l.write(0, sum);
}
static_assert(ir::kFlagV == 1);

constexpr uint32_t op(Op o) { return static_cast<uint32_t>(o); }
constexpr Row kRows[] = {
    {ZYDIS_MNEMONIC_ANDN, lift_andn},
    {ZYDIS_MNEMONIC_BLSI, lift_lowest, static_cast<uint32_t>(Lowest::kIsolate)},
    {ZYDIS_MNEMONIC_BLSMSK, lift_lowest, static_cast<uint32_t>(Lowest::kMask)},
    {ZYDIS_MNEMONIC_BLSR, lift_lowest, static_cast<uint32_t>(Lowest::kReset)},
    {ZYDIS_MNEMONIC_BEXTR, lift_bextr},
    {ZYDIS_MNEMONIC_BZHI, lift_bzhi},
    {ZYDIS_MNEMONIC_PDEP, lift_deposit, op(Op::pdep)},
    {ZYDIS_MNEMONIC_PEXT, lift_deposit, op(Op::pext)},
    {ZYDIS_MNEMONIC_SHLX, lift_shift, op(Op::shl)},
    {ZYDIS_MNEMONIC_SHRX, lift_shift, op(Op::lshr)},
    {ZYDIS_MNEMONIC_SARX, lift_shift, op(Op::ashr)},
    {ZYDIS_MNEMONIC_RORX, lift_rorx},
    {ZYDIS_MNEMONIC_MULX, lift_mulx},
    {ZYDIS_MNEMONIC_ADCX, lift_adx, 0},
    {ZYDIS_MNEMONIC_ADOX, lift_adx, 1},
};

}  // namespace

Rows bmi_rows() { return kRows; }

}  // namespace mynah::x86
