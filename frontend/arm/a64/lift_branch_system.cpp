// SPDX-License-Identifier: Apache-2.0
//
// Branches, exception generating and system instructions (Arm ARM, C4.1.65).
#include "frontend/arm/a64/lift.h"
#include "frontend/arm/sysregs.h"
#include "frontend/arm/sysregs_instructions.h"

namespace mynah::arm::a64 {

// --- branches
void lift_b_cond(Lifter& l, Fields<Encoding::b_cond> word) {
  l.branch_if(l.cond(word["cond"]), imm19(word) * 4);
}
void lift_b(Lifter& l, Fields<Encoding::b> word) { l.branch(imm26(word) * 4); }
void lift_bl(Lifter& l, Fields<Encoding::bl> word) {
  l.set_x(30, l.pc(4));
  l.branch(imm26(word) * 4, ir::BranchKind::kCall);
}
void lift_cbz(Lifter& l, Fields<Encoding::cbz> word) {
  l.branch_if(l.b.icmpz(Cond::eq, l.reg(sf(word), rt(word))), imm19(word) * 4);
}
void lift_cbnz(Lifter& l, Fields<Encoding::cbnz> word) {
  l.branch_if(l.b.icmpz(Cond::ne, l.reg(sf(word), rt(word))), imm19(word) * 4);
}
namespace {
Value tested_bit(Lifter& l, uint32_t word) {
  return l.b.emit(Op::testbit, Type::i1, l.x(rt(word)), ir::kNoValue, ir::kNoValue, b5_b40(word));
}
}  // namespace
void lift_tbz(Lifter& l, Fields<Encoding::tbz> word) {
  l.branch_if(l.b.emit(Op::bool_not, Type::i1, tested_bit(l, word)), imm14(word) * 4);
}
void lift_tbnz(Lifter& l, Fields<Encoding::tbnz> word) { l.branch_if(tested_bit(l, word), imm14(word) * 4); }

void lift_br(Lifter& l, Fields<Encoding::br> word) {
  l.branch_indirect(l.x(rn(word)), l.jump_kind(rn(word)));
}
void lift_blr(Lifter& l, Fields<Encoding::blr> word) {
  const Value target = l.x(rn(word));
  l.set_x(30, l.pc(4));
  l.branch_indirect(target, ir::BranchKind::kCall);
}
void lift_ret(Lifter& l, Fields<Encoding::ret> word) {
  l.branch_indirect(l.x(rn(word)), ir::BranchKind::kReturn);
}

// --- exceptions
void lift_svc(Lifter& l, Fields<Encoding::svc> word) { l.leave_next(ExitReason::kSvc, imm16(word)); }
void lift_hvc(Lifter& l, Fields<Encoding::hvc> word) {
  if (!l.privileged()) return l.undefined(word);
  l.leave_next(ExitReason::kHvc, imm16(word));
}
void lift_smc(Lifter& l, Fields<Encoding::smc> word) {
  if (!l.privileged()) return l.undefined(word);
  l.leave_next(ExitReason::kSmc, imm16(word));
}
void lift_brk(Lifter& l, Fields<Encoding::brk> word) { l.leave(ExitReason::kBrk, imm16(word)); }
void lift_hlt(Lifter& l, Fields<Encoding::hlt> word) { l.leave(ExitReason::kHlt, imm16(word)); }
void lift_dcps1(Lifter& l, Fields<Encoding::dcps1> word) { l.undefined(word); }
void lift_dcps2(Lifter& l, Fields<Encoding::dcps2> word) { l.undefined(word); }
void lift_dcps3(Lifter& l, Fields<Encoding::dcps3> word) { l.undefined(word); }
void lift_drps(Lifter& l, Fields<Encoding::drps> word) { l.undefined(word); }
void lift_eret(Lifter& l, Fields<Encoding::eret> word) {
  if (!l.privileged()) return l.undefined(word);
  l.leave(ExitReason::kEret, 0, l.b.get(kSlotElr));
}

// --- hints
void lift_nop(Lifter&, Fields<Encoding::nop>) {}
void lift_hint(Lifter&, Fields<Encoding::hint>) {}  // unallocated hints are NOPs
void lift_yield(Lifter& l, Fields<Encoding::yield>) {
  if (l.yields) l.leave_next(ExitReason::kYield);
}
void lift_dgh(Lifter&, Fields<Encoding::dgh>) {}
void lift_esb(Lifter&, Fields<Encoding::esb>) {}
void lift_psb_csync(Lifter&, Fields<Encoding::psb_csync>) {}
void lift_tsb_csync(Lifter&, Fields<Encoding::tsb_csync>) {}
void lift_csdb(Lifter&, Fields<Encoding::csdb>) {}
void lift_bti(Lifter&, Fields<Encoding::bti>) {}  // checked where a block begins, see lift_block
void lift_wfe(Lifter& l, Fields<Encoding::wfe>) { l.leave_next(ExitReason::kWfe); }
void lift_wfi(Lifter& l, Fields<Encoding::wfi>) { l.leave_next(ExitReason::kWfi); }
void lift_sev(Lifter& l, Fields<Encoding::sev>) { l.call(Helper::kSev, Type::i64, l.b.i64(0)); }
void lift_sevl(Lifter& l, Fields<Encoding::sevl>) { l.call(Helper::kSev, Type::i64, l.b.i64(1)); }

// --- barriers
void lift_clrex(Lifter& l, Fields<Encoding::clrex>) { l.b.set(kSlotExclusiveAddress, l.b.i64(~uint64_t{0})); }
void lift_dsb(Lifter& l, Fields<Encoding::dsb>) { l.b.emit(Op::fence, Type::none); }
void lift_dmb(Lifter& l, Fields<Encoding::dmb>) { l.b.emit(Op::fence, Type::none); }
void lift_sb(Lifter&, Fields<Encoding::sb>) {}
// Code that this processor wrote is fetched anew at the next region; so one begins here. What changes
// translation has left already.
void lift_isb(Lifter& l, Fields<Encoding::isb>) { l.end_block = true; }

// --- PSTATE
namespace {
void flags_from_bits(Lifter& l, Value nzcv) { l.set_flags(l.b.emit(Op::fl_pack, Type::flags, nzcv)); }
void msr_immediate(Lifter& l, uint32_t word) {
  l.call(Helper::kMsrImmediate, Type::i64, l.b.i64(op1(word) << 3 | op2(word)), l.b.i64(CRm(word)));
  l.leave_next(ExitReason::kContinue);
}
}  // namespace
void lift_cfinv(Lifter& l, Fields<Encoding::cfinv>) {
  const Value nzcv = l.b.emit(Op::fl_unpack, Type::i32, l.flags());
  flags_from_bits(l, l.b.binary(Op::xor_, nzcv, l.b.i32(1u << 29)));
}
void lift_xaflag(Lifter& l, Fields<Encoding::xaflag>) {
  // N = !C & !Z, Z = Z & C, C = C | Z, V = !C & Z
  const Value f = l.b.emit(Op::fl_unpack, Type::i32, l.flags());
  const auto bit = [&](unsigned n) { return l.b.unary(Op::ubfx, f, 1, static_cast<uint8_t>(n)); };
  const auto inverse = [&](Value v) { return l.b.binary(Op::xor_, v, l.b.i32(1)); };
  const auto at = [&](Value v, unsigned to) { return l.b.binary(Op::shl, v, l.b.i32(to)); };
  const auto both = [&](Value a, Value c) { return l.b.binary(Op::and_, a, c); };
  const auto either = [&](Value a, Value c) { return l.b.binary(Op::or_, a, c); };
  const Value z = bit(30), c = bit(29);
  flags_from_bits(l, either(either(at(both(inverse(c), inverse(z)), 31), at(both(z, c), 30)),
                            either(at(either(c, z), 29), at(both(inverse(c), z), 28))));
}
void lift_axflag(Lifter& l, Fields<Encoding::axflag>) {
  // N = 0, Z = Z | V, C = C & !V, V = 0
  const Value f = l.b.emit(Op::fl_unpack, Type::i32, l.flags());
  const auto bit = [&](unsigned n) { return l.b.unary(Op::ubfx, f, 1, static_cast<uint8_t>(n)); };
  const Value z = l.b.binary(Op::or_, bit(30), bit(28));
  const Value c = l.b.binary(Op::andn, bit(29), bit(28));
  flags_from_bits(
      l, l.b.binary(Op::or_, l.b.binary(Op::shl, z, l.b.i32(30)), l.b.binary(Op::shl, c, l.b.i32(29))));
}
void lift_msr_uao(Lifter& l, Fields<Encoding::msr_uao> word) { msr_immediate(l, word); }
void lift_msr_pan(Lifter& l, Fields<Encoding::msr_pan> word) { msr_immediate(l, word); }
void lift_msr_spsel(Lifter& l, Fields<Encoding::msr_spsel> word) { msr_immediate(l, word); }
void lift_msr_ssbs(Lifter& l, Fields<Encoding::msr_ssbs> word) { msr_immediate(l, word); }
void lift_msr_dit(Lifter& l, Fields<Encoding::msr_dit> word) { msr_immediate(l, word); }
namespace {
// Unmasking leaves where an interrupt waits, which may then be deliverable.
void unmask(Lifter& l, Value daif) {
  l.b.set(kSlotDaif, daif);
  l.complete();
  l.b.exit_engine_if(l.b.icmpz(Cond::ne, l.b.get_now(kSlotPendingInterrupts)),
                     static_cast<uint8_t>(ExitReason::kContinue), 0);
}
bool daif_is_plain(const Lifter& l) { return l.privileged() && !(l.mode & kModeDebug); }
}  // namespace
void lift_msr_daifset(Lifter& l, Fields<Encoding::msr_daifset> word) {
  if (!daif_is_plain(l)) return msr_immediate(l, word);
  l.b.set(kSlotDaif, l.b.binary(Op::or_, l.b.get(kSlotDaif), l.b.i32(CRm(word))));
}
void lift_msr_daifclr(Lifter& l, Fields<Encoding::msr_daifclr> word) {
  if (!daif_is_plain(l)) return msr_immediate(l, word);
  unmask(l, l.b.binary(Op::and_, l.b.get(kSlotDaif), l.b.i32(~CRm(word))));
}

// --- system instructions and registers
namespace {

uint16_t key_of(uint32_t word, unsigned op0) {
  return system_key(op0, op1(word), CRn(word), CRm(word), op2(word));
}

// The slot that holds a register which is plain memory at this level, or none.
int slot_of(const Lifter& l, const SysregRow& row, bool write) {
  const uint16_t flag = write ? kInlineWritable : kInlineReadable;
  const uint8_t need = l.privileged() ? (write ? kEl1Write : kEl1Read) : (write ? kEl0Write : kEl0Read);
  if (!(row.flags & flag) || !(row.access & need) || row.gate != Gate::kNone || row.size != 8) return -1;
  if (!sysregs::present(row, l.model)) return -1;
  if ((row.flags & kNeedsSpsel) && !(l.mode & kModeSpEl1)) return -1;
  const auto slots = slot_table();
  for (unsigned i = 0; i < slots.size(); ++i)
    if (slots[i].offset == static_cast<uint32_t>(row.offset) && slots[i].type == Type::i64)
      return static_cast<int>(i);
  return -1;
}

// Whether a read at this level cannot trap: the register is there, and no control register closes it.
bool open(const Lifter& l, const SysregRow& row) {
  if (!(row.access & (l.privileged() ? kEl1Read : kEl0Read)) || !sysregs::present(row, l.model)) return false;
  if ((row.flags & kNeedsSpsel) && !(l.mode & kModeSpEl1)) return false;
  if (row.flags & kSetsNzcv) return false;
  if (row.gate == Gate::kFp && !(l.mode & kModeFpEnabled)) return false;
  if (!l.privileged() && row.gate != Gate::kNone && row.gate != Gate::kFp) return false;
  // Of the interrupt controller's the system says whether they are there, of debug registers the model.
  return !((row.flags & kExternal) && (row.flags & kEndsBlock)) && row.key >> 14 == 3;
}

constexpr uint16_t kNzcv = system_key(3, 3, 4, 2, 0), kDaif = system_key(3, 3, 4, 2, 1);
constexpr uint16_t kDczid = system_key(3, 3, 0, 0, 7);

// DC ZVA works here without a look at SCTLR_EL1.DZE.
bool zva_allowed(const Lifter& l) { return l.privileged() || (l.mode & kModeUserZva); }

}  // namespace

void lift_mrs(Lifter& l, Fields<Encoding::mrs> word) {
  const uint16_t key = key_of(word, 2 + o0(word));
  if (key == kNzcv) return l.set_x(rt(word), l.b.emit(Op::fl_unpack, Type::i32, l.flags()));
  if (key == kDaif && l.privileged())
    return l.set_x(rt(word), l.b.binary(Op::shl, l.b.zext32(l.b.get(kSlotDaif)), l.b.i64(6)));
  if (key == kDczid && zva_allowed(l)) return l.set_x(rt(word), l.b.i64(4));  // blocks of 16 words
  const SysregRow* row = sysregs::find(key);
  if (row) {
    if (const int slot = slot_of(l, *row, false); slot >= 0)
      return l.set_x(rt(word), l.b.get(ir::Slot(slot)));
    if (open(l, *row)) return l.set_x(rt(word), l.call(Helper::kReadOpen, Type::i64, l.b.i64(key)));
  }
  l.set_x(rt(word), l.call(Helper::kReadSysreg, Type::i64, l.b.i64(key), l.b.i64(rt(word))));
}

void lift_msr_register(Lifter& l, Fields<Encoding::msr_register> word) {
  const uint16_t key = key_of(word, 2 + o0(word));
  const Value value = l.x(rt(word));
  if (key == kNzcv) return flags_from_bits(l, l.b.trunc(value));
  if (key == kDaif && daif_is_plain(l)) return unmask(l, l.b.unary(Op::ubfx, l.b.trunc(value), 4, 6));
  const SysregRow* row = sysregs::find(key);
  if (row) {
    if (const int slot = slot_of(l, *row, true); slot >= 0) {
      const uint64_t bits = sysregs::writable_bits(*row, l.model);
      l.b.set(ir::Slot(slot), l.b.binary(Op::and_, value, l.b.i64(bits)));
      if (row->flags & (kChangesTranslation | kEndsBlock)) l.leave_next(ExitReason::kContinue);
      return;
    }
  }
  l.call(Helper::kWriteSysreg, Type::i64, l.b.i64(key), value, l.b.i64(rt(word)));
  if (!row || (row->flags & (kChangesTranslation | kEndsBlock | kExternal)))
    l.leave_next(ExitReason::kContinue);
}

void lift_sys(Lifter& l, Fields<Encoding::sys> word) {
  const uint16_t key = key_of(word, 1);
  const Value value = l.x(rt(word));
  if (key != kDcZva || !zva_allowed(l))
    l.call(Helper::kSys, Type::i64, l.b.i64(key), value, l.b.i64(rt(word)));
  if (key == kDcZva) {
    // A plain pointer would serve it.
    if ((l.mode & kModeMmuOff) && !l.b.slow())
      return l.b.exit_engine(static_cast<uint8_t>(ExitReason::kSlow), 0);
    const Value base = l.b.binary(Op::and_, value, l.b.i64(~uint64_t{63}));
    const auto note = static_cast<uint8_t>(kNoteZeroBlock | rt(word));
    const Value p = l.guard(base, 0, {.size = ir::kNoDevice, .bytes = 64, .write = true, .note = note});
    const Value zero = l.b.konst_v128(0, 0);
    for (unsigned i = 0; i < 64; i += 16) l.b.store(p, i, zero, 4);
    l.b.commit(p);
    return;
  }
  if (sys_ends_block(key)) l.leave_next(ExitReason::kContinue);
}

void lift_sysl(Lifter& l, Fields<Encoding::sysl> word) { l.undefined(word); }

}  // namespace mynah::arm::a64
