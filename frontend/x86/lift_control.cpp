// SPDX-License-Identifier: Apache-2.0
//
// Near control transfers (SDM vol. 1, 5.1.7), and instructions that do nothing. Far ones are in
// lift_system_segments.cpp.
#include "frontend/x86/lift.h"
#include "frontend/x86/vectors.h"

namespace mynah::x86 {

namespace {

// A target in a register or in memory, as IP.
Value target_ip(Lifter& l) { return l.wide(l.zx(l.read(0), l.operand(0).bits)); }

// Linear address that a near call returns to; the front end compares it with what a return finds.
Value linear_next(Lifter& l) {
  const Value pc = l.linear_pc(l.next_offset());
  return l.code64() ? pc : l.b.zext32(l.b.trunc(pc));
}

void push_return(Lifter& l) {
  const unsigned bits = l.operand_bits();
  const Value ip = l.next_ip();
  l.push(bits, bits == 64 ? ip : l.b.trunc(ip));
}

void lift_jmp(Lifter& l, uint32_t) {
  if (l.i.far_branch) return lift_far_jump(l);
  const Operand& o = l.operand(0);
  if (o.is_relative) return l.branch(o.value);
  l.branch_indirect(target_ip(l), ir::BranchKind::kJump);
}

void lift_call(Lifter& l, uint32_t) {
  if (l.i.far_branch) return lift_far_call(l);
  const Operand& o = l.operand(0);
  if (o.is_relative) {
    // CALL to the next instruction, to learn the pc, has no return.
    const bool call = o.value != 0;
    push_return(l);
    return l.branch(o.value, call ? ir::BranchKind::kCall : ir::BranchKind::kJump,
                    call ? linear_next(l) : ir::kNoValue);
  }
  const Value target = target_ip(l);
  push_return(l);
  l.branch_indirect(target, ir::BranchKind::kCall, linear_next(l));
}

void lift_ret(Lifter& l, uint32_t) {
  if (l.i.far_branch) return lift_far_return(l);
  const unsigned bits = l.operand_bits();
  const Value ip = l.wide(l.zx(l.top(bits), bits));
  const int64_t more = l.i.operand_count ? l.operand(0).value & 0xffff : 0;
  l.drop(bits / 8 + more);
  l.branch_indirect(ip, ir::BranchKind::kReturn);
}

void lift_jcc(Lifter& l, uint32_t cc) { l.branch_if(l.cond(cc), l.operand(0).value); }

// JCXZ, JECXZ, JRCXZ: by the register of the address size.
Value counter(Lifter& l) {
  const unsigned bits = l.i.address_bits;
  return l.zx(l.reg(kRcx, bits), bits);
}

void lift_jcxz(Lifter& l, uint32_t) { l.branch_if(l.b.icmpz(Cond::eq, counter(l)), l.operand(0).value); }

enum class Loop : uint32_t { kAlways, kWhileEqual, kWhileNotEqual };

void lift_loop(Lifter& l, uint32_t which) {
  const auto kind = static_cast<Loop>(which);
  ir::Builder& b = l.b;
  const unsigned bits = l.i.address_bits;
  const Value left = b.add_imm(l.reg(kRcx, bits), -1);
  Value taken = b.icmpz(Cond::ne, l.zx(left, bits));
  if (kind != Loop::kAlways) {
    const Value equal = b.emit(Op::bool_int, Type::i32, l.cond(kind == Loop::kWhileEqual ? 4 : 5));
    const Value more = b.emit(Op::bool_int, Type::i32, taken);
    taken = b.icmpz(Cond::ne, b.binary(Op::and_, equal, more));
  }
  l.set_reg(kRcx, bits, left);
  l.branch_if(taken, l.operand(0).value);
}

void lift_nothing(Lifter&, uint32_t) {}

void lift_undefined(Lifter& l, uint32_t) { l.undefined(); }

constexpr Row kRows[] = {
    {ZYDIS_MNEMONIC_JMP, lift_jmp},
    {ZYDIS_MNEMONIC_CALL, lift_call},
    {ZYDIS_MNEMONIC_RET, lift_ret},
    {ZYDIS_MNEMONIC_JO, lift_jcc, 0},
    {ZYDIS_MNEMONIC_JNO, lift_jcc, 1},
    {ZYDIS_MNEMONIC_JB, lift_jcc, 2},
    {ZYDIS_MNEMONIC_JNB, lift_jcc, 3},
    {ZYDIS_MNEMONIC_JZ, lift_jcc, 4},
    {ZYDIS_MNEMONIC_JNZ, lift_jcc, 5},
    {ZYDIS_MNEMONIC_JBE, lift_jcc, 6},
    {ZYDIS_MNEMONIC_JNBE, lift_jcc, 7},
    {ZYDIS_MNEMONIC_JS, lift_jcc, 8},
    {ZYDIS_MNEMONIC_JNS, lift_jcc, 9},
    {ZYDIS_MNEMONIC_JP, lift_jcc, 10},
    {ZYDIS_MNEMONIC_JNP, lift_jcc, 11},
    {ZYDIS_MNEMONIC_JL, lift_jcc, 12},
    {ZYDIS_MNEMONIC_JNL, lift_jcc, 13},
    {ZYDIS_MNEMONIC_JLE, lift_jcc, 14},
    {ZYDIS_MNEMONIC_JNLE, lift_jcc, 15},
    {ZYDIS_MNEMONIC_JCXZ, lift_jcxz},
    {ZYDIS_MNEMONIC_JECXZ, lift_jcxz},
    {ZYDIS_MNEMONIC_JRCXZ, lift_jcxz},
    {ZYDIS_MNEMONIC_LOOP, lift_loop, static_cast<uint32_t>(Loop::kAlways)},
    {ZYDIS_MNEMONIC_LOOPE, lift_loop, static_cast<uint32_t>(Loop::kWhileEqual)},
    {ZYDIS_MNEMONIC_LOOPNE, lift_loop, static_cast<uint32_t>(Loop::kWhileNotEqual)},
    {ZYDIS_MNEMONIC_NOP, lift_nothing},
    {ZYDIS_MNEMONIC_ENDBR32, lift_nothing},
    {ZYDIS_MNEMONIC_ENDBR64, lift_nothing},
    {ZYDIS_MNEMONIC_RDSSPD, lift_nothing},
    {ZYDIS_MNEMONIC_RDSSPQ, lift_nothing},
    {ZYDIS_MNEMONIC_LFENCE, lift_nothing},
    {ZYDIS_MNEMONIC_SFENCE, lift_nothing},
    {ZYDIS_MNEMONIC_MFENCE, lift_nothing},
    {ZYDIS_MNEMONIC_UD0, lift_undefined},
    {ZYDIS_MNEMONIC_UD1, lift_undefined},
    {ZYDIS_MNEMONIC_UD2, lift_undefined},
};

}  // namespace

Rows control_rows() { return kRows; }

}  // namespace mynah::x86
