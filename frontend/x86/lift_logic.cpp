// SPDX-License-Identifier: Apache-2.0
//
// Logic (SDM vol. 1, 5.1.4): AND, OR, XOR, NOT, TEST. AF, which is undefined, is cleared.
#include "frontend/x86/lift.h"
#include "frontend/x86/lift_change.h"

namespace mynah::x86 {

namespace {

void lift_logic(Lifter& l, uint32_t op) {
  const Operand& to = l.operand(0);
  const Operand& from = l.operand(1);
  // XOR r, r: whatever it was.
  if (static_cast<Op>(op) == Op::xor_ && to.is_register() && from.is_register() && to.reg == from.reg &&
      to.reg_class == from.reg_class) {
    const Value zero = l.konst(to.bits, 0);
    l.set_flags(l.flags_op(Op::fl_logic, to.bits, zero));
    return l.write(to, zero);
  }
  const Value with = l.read(1);
  change(l, to, [&](Value v) {
    const Value result = l.b.binary(static_cast<Op>(op), v, with);
    if (static_cast<Op>(op) == Op::and_)
      l.set_flags(l.flags_op(Op::fl_and, to.bits, v, with));
    else
      l.set_flags(l.flags_op(Op::fl_logic, to.bits, result));
    return result;
  });
}

void lift_not(Lifter& l, uint32_t) {
  change(l, l.operand(0), [&](Value v) { return l.b.unary(Op::not_, v); });
}

void lift_test(Lifter& l, uint32_t) {
  const unsigned bits = l.operand(0).bits;
  const Value a = l.read(0), v = l.read(1);
  l.set_flags(a == v ? l.flags_op(Op::fl_logic, bits, a) : l.flags_op(Op::fl_and, bits, a, v));
}

constexpr Row kRows[] = {
    {ZYDIS_MNEMONIC_AND, lift_logic, static_cast<uint32_t>(Op::and_)},
    {ZYDIS_MNEMONIC_OR, lift_logic, static_cast<uint32_t>(Op::or_)},
    {ZYDIS_MNEMONIC_XOR, lift_logic, static_cast<uint32_t>(Op::xor_)},
    {ZYDIS_MNEMONIC_NOT, lift_not},
    {ZYDIS_MNEMONIC_TEST, lift_test},
};

}  // namespace

Rows logic_rows() { return kRows; }

}  // namespace mynah::x86
