// SPDX-License-Identifier: Apache-2.0
//
// Segment registers (SDM vol. 1, 5.1.12) and what belongs to them of the system instructions (5.20): table
// registers, descriptor checks, bases of FS and GS.
//
// A load of ES, DS, FS or GS in 64-bit code changes no fact of the block; elsewhere it may, and execution
// goes on in another context then: by the helper itself, where nothing of the instruction comes behind it.
#include "frontend/x86/cpu_model.h"
#include "frontend/x86/lift.h"
#include "frontend/x86/segment_helpers.h"
#include "frontend/x86/vectors.h"

namespace mynah::x86 {

namespace {

// The low 16 bits, of a register of any width or of memory.
Value read_selector_operand(Lifter& l, const Operand& o) {
  if (o.is_register()) return l.b.zext32(l.zx(l.reg(o.reg, 32), 16));
  return l.b.zext32(l.load(l.place(o, {.bytes = 2}), 16));
}

// A selector, table limit or the like: 16 bits to memory, zero-extended to a register.
void write_word(Lifter& l, const Operand& o, Value value) {
  if (o.is_register()) return l.write(o, o.bits == 64 ? value : l.narrow(value));
  const Lifter::Place p = l.place(o, {.bytes = 2, .write = true});
  l.store(p, 16, value);
  l.stored_to(p);
}

Value selector_of(Lifter& l, unsigned segment) { return l.b.zext32(l.b.get(slot_selector(segment))); }

// MOV and POP: the instruction is complete. SS keeps interrupts off the next one.
void load(Lifter& l, unsigned segment, Value selector, unsigned popped) {
  const unsigned length = segment == kSs ? 0 : l.i.length;
  l.call(Helper::kLoadSegment, Type::i64, l.b.i64(load_segment_imm(segment, length, popped, l.stack_bits())),
         selector);
  if (segment == kSs) l.leave_next(ExitReason::kShadow, 2);
}

// LDS, LES, LFS, LGS, LSS.
void lift_load_pointer(Lifter& l, uint32_t segment) {
  const unsigned bits = l.operand(0).bits;
  const Lifter::Place p = l.place(l.operand(1), {.bytes = bits / 8 + 2, .element = 1});
  const Value offset = l.load(p, bits), selector = l.b.zext32(l.load(p, 16, bits / 8));
  const Value changed = l.call(Helper::kLoadSegment, Type::i64,
                               l.b.i64(load_segment_imm(segment, 0, 0, l.stack_bits())), selector);
  l.write(0, offset);
  if (l.code64()) return;
  l.complete();
  l.b.exit_engine_if(l.b.icmpz(Cond::ne, changed), static_cast<uint8_t>(ExitReason::kContinue));
}

bool needs_protected_mode(Lifter& l) {
  if (!l.real_or_vm86()) return true;
  l.undefined();
  return false;
}

// SGDT, SIDT, SLDT, STR, SMSW.
bool umip_allows(Lifter& l) {
  if (!(l.mode & kModeUmip) || l.cpl() == 0) return true;
  l.fault(vector::kGeneralProtection, 0);
  return false;
}

void lift_store_system_selector(Lifter& l, uint32_t which) {
  if (needs_protected_mode(l) && umip_allows(l))
    write_word(l, l.operand(0), l.call(Helper::kReadSelector, Type::i64, l.b.i64(which)));
}

void lift_load_system_selector(Lifter& l, uint32_t which) {
  if (!needs_protected_mode(l) || !l.needs_cpl0()) return;
  const Value selector = read_selector_operand(l, l.operand(0));
  l.call(Helper::kLoadSystemSegment, Type::i64, l.b.i64(which), selector);
}

void lift_store_table(Lifter& l, uint32_t which) {
  if (!umip_allows(l)) return;
  const unsigned bits = l.code64() ? 64 : 32;
  const Value limit = l.call(Helper::kReadTable, Type::i64, l.b.i64(which), l.b.i64(0));
  const Value base = l.call(Helper::kReadTable, Type::i64, l.b.i64(which), l.b.i64(1));
  const Lifter::Place p = l.place(l.operand(0), {.bytes = 2 + bits / 8, .write = true, .element = 1});
  l.store(p, 16, limit);
  l.store(p, bits, base, 2);
  l.stored_to(p);
}

void lift_load_table(Lifter& l, uint32_t which) {
  if (!l.needs_cpl0()) return;
  const unsigned bits = l.code64() ? 64 : 32;
  const Lifter::Place p = l.place(l.operand(0), {.bytes = 2 + bits / 8, .element = 1});
  const Value limit = l.b.zext32(l.load(p, 16));
  Value base = l.wide(l.load(p, bits, 2));
  if (!l.code64() && l.operand_bits() == 16) base = l.b.binary(Op::and_, base, l.b.i64(0xffffff));
  l.call(Helper::kLoadTable, Type::i64, l.b.i64(which), limit, base);
}

// LAR, LSL: the register keeps its value where the check fails.
void lift_check(Lifter& l, uint32_t what) {
  if (!needs_protected_mode(l)) return;
  const bool writes = l.i.operand_count == 2;
  const Value selector = read_selector_operand(l, l.operand(writes ? 1 : 0));
  const Value kept = writes ? l.reg64(l.operand(0).reg) : l.b.i64(0);
  const Value result = l.call(Helper::kCheckDescriptor, Type::i64, l.b.i64(what), selector, kept);
  if (!writes) return;
  if (l.operand(0).bits == 32) {
    // A failure leaves the upper half, too.
    const Value ok = l.b.cond(Cond::eq, l.flags());
    return l.b.set(static_cast<ir::Slot>(kSlotR0 + l.operand(0).reg),
                   l.b.select(ok, l.b.zext32(l.b.trunc(result)), kept));
  }
  l.write(0, l.operand(0).bits == 64 ? result : l.b.trunc(result));
}

void lift_arpl(Lifter& l, uint32_t) {
  if (!needs_protected_mode(l)) return;
  ir::Builder& b = l.b;
  const Operand& o = l.operand(0);
  Lifter::Place p;
  if (o.is_memory()) p = l.place(o, {.bytes = 2, .write = true, .read_write = true});
  const Value old = l.zx(o.is_memory() ? l.load(p, 16) : l.read(o), 16);
  const Value own = b.binary(Op::and_, old, b.i32(3));
  const Value least = b.binary(Op::and_, l.read(1), b.i32(3));
  const Value raised = b.icmp(Cond::lt, own, least);
  const Value now = b.select(raised, b.binary(Op::or_, b.binary(Op::and_, old, b.i32(0xfffc)), least), old);
  if (o.is_memory()) {
    l.store(p, 16, now);
    l.stored_to(p);
  } else {
    l.write(o, now);
  }
  const Value bit = b.binary(Op::shl, b.emit(Op::bool_int, Type::i32, raised), b.i32(14));
  static_assert(ir::kFlagZ == 1u << 14);
  l.set_only_flags(b.emit(Op::fl_of_bits, Type::flags, bit), ir::kFlagZ);
}

void lift_swapgs(Lifter& l, uint32_t) {
  if (!l.code64()) return l.undefined();
  if (!l.needs_cpl0()) return;
  const auto slot = static_cast<ir::Slot>(kSlotBase0 + unsigned{kGs});
  const Value own = l.b.get(slot), other = l.b.get(kSlotKernelGsBase);
  l.b.set(slot, other);
  l.b.set(kSlotKernelGsBase, own);
}

bool has_fsgsbase(Lifter& l) {
  if (l.code64() && (l.mode & kModeFsgsbase)) return true;
  l.undefined();
  return false;
}

void lift_read_base(Lifter& l, uint32_t segment) {
  if (!has_fsgsbase(l)) return;
  const Value base = l.b.get(static_cast<ir::Slot>(kSlotBase0 + segment));
  l.write(0, l.operand(0).bits == 64 ? base : l.b.trunc(base));
}

// A base must be canonical for the widest linear address that the processor has.
void lift_write_base(Lifter& l, uint32_t segment) {
  if (!has_fsgsbase(l)) return;
  ir::Builder& b = l.b;
  const Value base = l.wide(l.read(0));
  if (l.operand(0).bits == 64) {
    const Value unused = b.i64(64 - l.model.linear_bits);
    const Value extended = b.binary(Op::ashr, b.binary(Op::shl, base, unused), unused);
    l.fault_if(b.icmp(Cond::ne, extended, base), exception_imm(vector::kGeneralProtection, 0));
  }
  b.set(static_cast<ir::Slot>(kSlotBase0 + segment), base);
}

constexpr uint32_t check(DescriptorCheck c) { return static_cast<uint32_t>(c); }

constexpr Row kRows[] = {
    {ZYDIS_MNEMONIC_LES, lift_load_pointer, kEs},
    {ZYDIS_MNEMONIC_LDS, lift_load_pointer, kDs},
    {ZYDIS_MNEMONIC_LSS, lift_load_pointer, kSs},
    {ZYDIS_MNEMONIC_LFS, lift_load_pointer, kFs},
    {ZYDIS_MNEMONIC_LGS, lift_load_pointer, kGs},
    {ZYDIS_MNEMONIC_SLDT, lift_store_system_selector, kSelectorLdtr},
    {ZYDIS_MNEMONIC_STR, lift_store_system_selector, kSelectorTr},
    {ZYDIS_MNEMONIC_LLDT, lift_load_system_selector, kSelectorLdtr},
    {ZYDIS_MNEMONIC_LTR, lift_load_system_selector, kSelectorTr},
    {ZYDIS_MNEMONIC_SGDT, lift_store_table, kTableGdtr},
    {ZYDIS_MNEMONIC_SIDT, lift_store_table, kTableIdtr},
    {ZYDIS_MNEMONIC_LGDT, lift_load_table, kTableGdtr},
    {ZYDIS_MNEMONIC_LIDT, lift_load_table, kTableIdtr},
    {ZYDIS_MNEMONIC_LAR, lift_check, check(DescriptorCheck::kAccess)},
    {ZYDIS_MNEMONIC_LSL, lift_check, check(DescriptorCheck::kLimit)},
    {ZYDIS_MNEMONIC_VERR, lift_check, check(DescriptorCheck::kReadable)},
    {ZYDIS_MNEMONIC_VERW, lift_check, check(DescriptorCheck::kWritable)},
    {ZYDIS_MNEMONIC_ARPL, lift_arpl},
    {ZYDIS_MNEMONIC_SWAPGS, lift_swapgs},
    {ZYDIS_MNEMONIC_RDFSBASE, lift_read_base, kFs},
    {ZYDIS_MNEMONIC_RDGSBASE, lift_read_base, kGs},
    {ZYDIS_MNEMONIC_WRFSBASE, lift_write_base, kFs},
    {ZYDIS_MNEMONIC_WRGSBASE, lift_write_base, kGs},
};

}  // namespace

Rows segment_rows() { return kRows; }

void lift_mov_segment(Lifter& l) {
  const Operand& to = l.operand(0);
  const Operand& from = l.operand(1);
  if (from.reg_class == RegisterClass::kSegment) return write_word(l, to, selector_of(l, from.reg));
  if (to.reg == kCs) return l.undefined();
  load(l, to.reg, read_selector_operand(l, from), 0);
}

void lift_push_segment(Lifter& l) {
  const Value selector = selector_of(l, l.operand(0).reg);
  l.push(l.operand_bits(), l.operand_bits() == 64 ? selector : l.narrow(selector));
}

void lift_pop_segment(Lifter& l) {
  const unsigned segment = l.operand(0).reg, bits = l.operand_bits();
  load(l, segment, l.b.zext32(l.zx(l.narrow(l.top(bits)), 16)), bits / 8);
}

}  // namespace mynah::x86
