// SPDX-License-Identifier: Apache-2.0
//
// Flag control (SDM vol. 1, 5.1.11): carry, direction and interrupt flags, LAHF, SAHF, PUSHF, POPF.
//
// An interrupt that is pending when IF becomes 1 is looked for at once: STI leaves in front of the next
// instruction, which is executed in its shadow. What becomes pending later ends the slice by itself.
#include "frontend/x86/lift.h"
#include "frontend/x86/vectors.h"

namespace mynah::x86 {

namespace {

void set_carry_to(Lifter& l, Value flags_with_carry) { l.set_only_flags(flags_with_carry, ir::kFlagC); }

void lift_clc(Lifter& l, uint32_t carry) {
  set_carry_to(l, l.b.emit(Op::fl_konst, Type::flags, ir::kNoValue, ir::kNoValue, ir::kNoValue,
                           carry ? ir::kFlagC : 0));
}

void lift_cmc(Lifter& l, uint32_t) {
  const Value bit = l.b.emit(Op::bool_int, Type::i32, l.b.cond(Cond::cc, l.flags()));
  set_carry_to(l, l.b.emit(Op::fl_of_bits, Type::flags, l.b.binary(Op::shl, bit, l.b.i32(8))));
}

void set_eflags(Lifter& l, uint32_t clear, uint32_t set) {
  ir::Builder& b = l.b;
  Value v = b.get(kSlotEflags);
  if (clear) v = b.binary(Op::and_, v, b.i32(~clear));
  if (set) v = b.binary(Op::or_, v, b.i32(set));
  b.set(kSlotEflags, v);
}

// The direction is a fact of the block.
void lift_direction(Lifter& l, uint32_t down) {
  if (((l.mode & kModeDf) != 0) == (down != 0)) return;
  set_eflags(l, down ? 0 : eflags::kDf, down ? eflags::kDf : 0);
  l.end();
}

// CLI and STI beyond IOPL, with VME or PVI: VIF.
void lift_virtual_interrupts(Lifter& l, bool set) {
  if (!(l.mode & kModeCr4Vme)) return l.fault(vector::kGeneralProtection, 0);
  ir::Builder& b = l.b;
  if (set) {
    const Value vip = b.binary(Op::and_, b.get(kSlotEflags), b.i32(eflags::kVip));
    l.fault_if(b.icmpz(Cond::ne, vip), exception_imm(vector::kGeneralProtection, 0));
  }
  set_eflags(l, eflags::kVif, set ? eflags::kVif : 0);
}

void lift_cli(Lifter& l, uint32_t) {
  if (!(l.mode & kModeIoOpen)) return lift_virtual_interrupts(l, false);
  set_eflags(l, eflags::kIf, 0);
}

void lift_sti(Lifter& l, uint32_t) {
  if (!(l.mode & kModeIoOpen)) return lift_virtual_interrupts(l, true);
  ir::Builder& b = l.b;
  l.was_enabled = b.binary(Op::and_, b.get(kSlotEflags), b.i32(eflags::kIf));
  set_eflags(l, 0, eflags::kIf);
  l.complete();
  const Value off = b.unary(Op::ubfx, b.unary(Op::not_, l.was_enabled), 1, 9);
  const Value pending = b.emit(Op::bool_int, Type::i32, b.icmpz(Cond::ne, b.get_now(kSlotInterruptPending)));
  b.exit_engine_if(b.icmpz(Cond::ne, b.binary(Op::and_, pending, off)),
                   static_cast<uint8_t>(ExitReason::kShadow), 1);
  l.after_sti = true;
}

void lift_lahf(Lifter& l, uint32_t) {
  const Value low = l.b.binary(Op::and_, l.status_word(), l.b.i32(0xff));
  l.set_high_byte(kRax, l.b.binary(Op::or_, low, l.b.i32(eflags::kFixed)));
}

void lift_sahf(Lifter& l, uint32_t) {
  const Value group = l.status_group(l.high_byte(kRax));
  l.set_flags(l.b.emit(Op::fl_merge, Type::flags, group, l.flags(), ir::kNoValue, ir::kFlagV));
}

void lift_salc(Lifter& l, uint32_t) {
  const Value carry = l.b.emit(Op::bool_int, Type::i32, l.carry());
  l.set_reg(kRax, 8, l.b.unary(Op::neg, carry));
}

void lift_pushf(Lifter& l, uint32_t bits) {
  ir::Builder& b = l.b;
  if ((l.mode & kModeVm86) && !(l.mode & kModeIoOpen)) {
    // With VME a 16-bit image shows VIF as IF, and IOPL 3.
    if (!(l.mode & kModeCr4Vme) || bits != 16) return l.fault(vector::kGeneralProtection, 0);
    const Value word = b.binary(Op::or_, b.get(kSlotEflags), l.status_word());
    const Value vif = b.binary(Op::shl, b.unary(Op::ubfx, word, 1, 19), b.i32(9));
    const Value image = b.binary(Op::or_, b.binary(Op::and_, word, b.i32(~eflags::kIf)), vif);
    return l.push(16, b.binary(Op::or_, image, b.i32(eflags::kIopl)));
  }
  const Value others = b.binary(Op::and_, b.get(kSlotEflags), b.i32(~(eflags::kVm | eflags::kRf)));
  const Value image = b.binary(Op::or_, others, l.status_word());
  l.push(bits, bits == 64 ? b.zext32(image) : image);
}

void lift_popf(Lifter& l, uint32_t bits) {
  ir::Builder& b = l.b;
  if ((l.mode & kModeVm86) && !(l.mode & kModeIoOpen)) {
    if (!(l.mode & kModeCr4Vme) || bits != 16) return l.fault(vector::kGeneralProtection, 0);
    const Value image = l.top(16);
    const Value tf = b.binary(Op::and_, image, b.i32(eflags::kTf));
    l.fault_if(b.icmpz(Cond::ne, tf), exception_imm(vector::kGeneralProtection, 0));
    const Value vip =
        b.binary(Op::and_, b.unary(Op::ubfx, b.get(kSlotEflags), 1, 20), b.unary(Op::ubfx, image, 1, 9));
    l.fault_if(b.icmpz(Cond::ne, vip), exception_imm(vector::kGeneralProtection, 0));
    constexpr uint32_t kTaken = eflags::kDf | eflags::kNt;
    const Value vif = b.binary(Op::shl, b.unary(Op::ubfx, image, 1, 9), b.i32(19));
    const Value kept = b.binary(Op::and_, b.get(kSlotEflags), b.i32(~(kTaken | eflags::kVif)));
    b.set(kSlotEflags,
          b.binary(Op::or_, b.binary(Op::or_, kept, vif), b.binary(Op::and_, image, b.i32(kTaken))));
    l.set_flags(l.status_group(image));
    l.drop(2);
    return l.end();
  }
  uint32_t taken = eflags::kTf | eflags::kDf | eflags::kNt;
  if (l.cpl() == 0 || (l.mode & kModeReal)) taken |= eflags::kIopl;
  if (l.mode & kModeIoOpen) taken |= eflags::kIf;
  if (bits != 16) taken |= eflags::kAc | eflags::kId;
  const Value image = l.narrow(l.top(bits));
  const Value old = b.get(kSlotEflags);
  // RF is cleared; a 16-bit image says nothing of it.
  const uint32_t cleared = taken | (bits == 16 ? 0 : eflags::kRf);
  const Value now =
      b.binary(Op::or_, b.binary(Op::and_, old, b.i32(~cleared)), b.binary(Op::and_, image, b.i32(taken)));
  b.set(kSlotEflags, now);
  l.set_flags(l.status_group(image));
  l.drop(bits / 8);
  l.complete();
  const auto resume = static_cast<uint8_t>(ExitReason::kContinue);
  // Facts of the block.
  constexpr uint32_t kFacts = eflags::kTf | eflags::kDf | eflags::kIopl | eflags::kAc;
  b.exit_engine_if(b.icmpz(Cond::ne, b.binary(Op::and_, b.binary(Op::xor_, old, now), b.i32(kFacts & taken))),
                   resume);
  if (!(taken & eflags::kIf)) return;
  const Value enabled = b.unary(Op::ubfx, now, 1, 9);
  b.exit_engine_if(b.icmpz(Cond::ne, b.binary(Op::and_, enabled, b.get_now(kSlotInterruptPending))), resume);
}

constexpr Row kRows[] = {
    {ZYDIS_MNEMONIC_CLC, lift_clc, 0},       {ZYDIS_MNEMONIC_STC, lift_clc, 1},
    {ZYDIS_MNEMONIC_CMC, lift_cmc},          {ZYDIS_MNEMONIC_CLD, lift_direction, 0},
    {ZYDIS_MNEMONIC_STD, lift_direction, 1}, {ZYDIS_MNEMONIC_CLI, lift_cli},
    {ZYDIS_MNEMONIC_STI, lift_sti},          {ZYDIS_MNEMONIC_LAHF, lift_lahf},
    {ZYDIS_MNEMONIC_SAHF, lift_sahf},        {ZYDIS_MNEMONIC_SALC, lift_salc},
    {ZYDIS_MNEMONIC_PUSHF, lift_pushf, 16},  {ZYDIS_MNEMONIC_PUSHFD, lift_pushf, 32},
    {ZYDIS_MNEMONIC_PUSHFQ, lift_pushf, 64}, {ZYDIS_MNEMONIC_POPF, lift_popf, 16},
    {ZYDIS_MNEMONIC_POPFD, lift_popf, 32},   {ZYDIS_MNEMONIC_POPFQ, lift_popf, 64},
};

}  // namespace

Rows flag_rows() { return kRows; }

}  // namespace mynah::x86
