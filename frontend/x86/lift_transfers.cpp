// SPDX-License-Identifier: Apache-2.0
//
// Transfers that may change segments, privilege or task (SDM vol. 1, 5.1.7 and 5.20): far JMP, CALL and RET,
// INT n, IRET, SYSCALL and its kin, HLT, BOUND. All but the last two are a helper's (transfers.h), which
// leaves the block.
#include "frontend/x86/lift.h"
#include "frontend/x86/segment_helpers.h"
#include "frontend/x86/vectors.h"

namespace mynah::x86 {

namespace {

Value instruction(Lifter& l, unsigned bits) { return l.b.i64(instruction_imm(bits, l.i.length)); }

// The helper has gone elsewhere.
void gone(Lifter& l) { l.leave_next(ExitReason::kContinue); }

void far_branch(Lifter& l, Helper helper) {
  const Operand& o = l.operand(0);
  const unsigned bits = l.operand_bits();
  Value selector, offset;
  if (o.is_memory()) {
    const Lifter::Place p = l.place(o, {.bytes = bits / 8 + 2, .element = 1});
    offset = l.wide(l.load(p, bits));
    selector = l.b.zext32(l.load(p, 16, bits / 8));
  } else {
    offset = l.b.i64(static_cast<uint64_t>(o.value));
    selector = l.b.i64(o.selector);
  }
  l.call(helper, Type::i64, selector, offset, instruction(l, bits));
  gone(l);
}

void lift_transfer(Lifter& l, uint32_t helper) {
  l.call(static_cast<Helper>(helper), Type::i64, instruction(l, l.operand_bits()));
  gone(l);
}

void lift_iret(Lifter& l, uint32_t bits) {
  l.call(Helper::kInterruptReturn, Type::i64, instruction(l, bits));
  gone(l);
}

void lift_int(Lifter& l, uint32_t kind) {
  constexpr uint8_t kVectors[] = {0, vector::kBreakpoint, vector::kOverflow, vector::kDebug};
  const auto k = static_cast<InterruptKind>(kind);
  const uint64_t v = k == InterruptKind::kInt ? static_cast<uint8_t>(l.operand(0).value) : kVectors[kind];
  l.call(Helper::kInterrupt, Type::i64, l.b.i64(kind), l.b.i64(v), instruction(l, l.operand_bits()));
  if (k != InterruptKind::kInto) gone(l);
}

void lift_hlt(Lifter& l, uint32_t) {
  if (l.needs_cpl0()) l.leave_next(ExitReason::kHlt);
}

void lift_bound(Lifter& l, uint32_t) {
  ir::Builder& b = l.b;
  const unsigned bits = l.operand(0).bits;
  const Lifter::Place p = l.place(l.operand(1), {.bytes = bits / 4, .element = bits == 16 ? 1u : 2u});
  const Value index = l.sx(l.read(0), bits), lower = l.sx(l.load(p, bits), bits),
              upper = l.sx(l.load(p, bits, bits / 8), bits);
  l.fault_if(b.icmp(Cond::lt, index, lower), exception_imm(vector::kBound));
  l.fault_if(b.icmp(Cond::gt, index, upper), exception_imm(vector::kBound));
}

constexpr uint32_t helper(Helper h) { return static_cast<uint32_t>(h); }
constexpr uint32_t kind(InterruptKind k) { return static_cast<uint32_t>(k); }

constexpr Row kRows[] = {
    {ZYDIS_MNEMONIC_INT, lift_int, kind(InterruptKind::kInt)},
    {ZYDIS_MNEMONIC_INT3, lift_int, kind(InterruptKind::kInt3)},
    {ZYDIS_MNEMONIC_INTO, lift_int, kind(InterruptKind::kInto)},
    {ZYDIS_MNEMONIC_INT1, lift_int, kind(InterruptKind::kInt1)},
    {ZYDIS_MNEMONIC_IRET, lift_iret, 16},
    {ZYDIS_MNEMONIC_IRETD, lift_iret, 32},
    {ZYDIS_MNEMONIC_IRETQ, lift_iret, 64},
    {ZYDIS_MNEMONIC_SYSCALL, lift_transfer, helper(Helper::kSyscall)},
    {ZYDIS_MNEMONIC_SYSRET, lift_transfer, helper(Helper::kSysret)},
    {ZYDIS_MNEMONIC_SYSENTER, lift_transfer, helper(Helper::kSysenter)},
    {ZYDIS_MNEMONIC_SYSEXIT, lift_transfer, helper(Helper::kSysexit)},
    {ZYDIS_MNEMONIC_HLT, lift_hlt},
    {ZYDIS_MNEMONIC_BOUND, lift_bound},
};

}  // namespace

Rows transfer_rows() { return kRows; }

void lift_far_jump(Lifter& l) { far_branch(l, Helper::kFarJump); }
void lift_far_call(Lifter& l) { far_branch(l, Helper::kFarCall); }

void lift_far_return(Lifter& l) {
  const uint64_t more = l.i.operand_count ? static_cast<uint64_t>(l.operand(0).value) & 0xffff : 0;
  l.call(Helper::kFarReturn, Type::i64, l.b.i64(more), instruction(l, l.operand_bits()));
  gone(l);
}

}  // namespace mynah::x86
