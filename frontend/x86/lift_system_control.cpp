// SPDX-License-Identifier: Apache-2.0
//
// System instructions (SDM vol. 1, 5.20): control and debug registers, model-specific registers, caches and
// translations, time, identification, waiting. What may change a fact of the mode ends its block.
#include "frontend/x86/cpu_model.h"
#include "frontend/x86/lift.h"
#include "frontend/x86/vectors.h"

namespace mynah::x86 {

namespace {

Value number(Lifter& l, unsigned n) { return l.b.i64(n); }
Value edx_eax(Lifter& l) {
  ir::Builder& b = l.b;
  return b.emit(Op::bfi, Type::i64, l.reg64(kRax), l.reg64(kRdx), ir::kNoValue, 32, 32);
}
void set_edx_eax(Lifter& l, Value value) {
  l.set_reg(kRax, 32, l.b.trunc(value));
  l.set_reg(kRdx, 32, l.b.trunc(l.b.binary(Op::lshr, value, l.b.i64(32))));
}

// --- control registers

void lift_clts(Lifter& l, uint32_t) {
  if (!l.needs_cpl0() || !(l.mode & kModeTs)) return;
  const Value cr0 = l.call(Helper::kReadControl, Type::i64, number(l, 0));
  l.call_last(Helper::kWriteControl, number(l, 0), l.b.binary(Op::and_, cr0, l.b.i64(~cr0::kTs)));
}

void lift_lmsw(Lifter& l, uint32_t) {
  if (!l.needs_cpl0()) return;
  l.call(Helper::kLmsw, Type::none, l.extend(l.read(0), 16, 64, false));
  l.end();
}

// To a register the whole of CR0, as wide as it is.
void lift_smsw(Lifter& l, uint32_t) {
  if (l.cpl() > 0 && (l.mode & kModeUmip)) return l.fault(vector::kGeneralProtection, 0);
  const Value cr0 = l.call(Helper::kReadControl, Type::i64, number(l, 0));
  const Operand& to = l.operand(0);
  if (to.is_register()) return l.set_reg(to.reg, l.i.operand_bits, cr0);
  l.write(0, l.b.trunc(cr0));
}

void lift_xgetbv(Lifter& l, uint32_t) {
  if (!(l.mode & kModeOsxsave)) return l.undefined();
  set_edx_eax(l, l.call(Helper::kGetXcr, Type::i64, l.b.zext32(l.reg(kRcx, 32))));
}

void lift_xsetbv(Lifter& l, uint32_t) {
  if (!(l.mode & kModeOsxsave)) return l.undefined();
  if (!l.needs_cpl0()) return;
  l.call(Helper::kSetXcr, Type::none, l.b.zext32(l.reg(kRcx, 32)), edx_eax(l));
  l.end();
}

// --- model-specific registers

void lift_rdmsr(Lifter& l, uint32_t) {
  if (!l.needs_cpl0()) return;
  set_edx_eax(l, l.call(Helper::kReadMsr, Type::i64, l.b.zext32(l.reg(kRcx, 32))));
}

void lift_wrmsr(Lifter& l, uint32_t) {
  if (!l.needs_cpl0()) return;
  l.call_last(Helper::kWriteMsr, l.b.zext32(l.reg(kRcx, 32)), edx_eax(l));
}

// --- translations and caches

void lift_invlpg(Lifter& l, uint32_t) {
  if (!l.needs_cpl0()) return;
  const Operand& m = l.operand(0);
  Value linear = l.effective_address(m);
  if (!l.code64())
    linear = l.b.zext32(l.b.trunc(l.b.add(linear, l.b.get(slot_base(m.segment)))));
  else if (m.segment >= kFs)
    linear = l.b.add(linear, l.b.get(slot_base(m.segment)));
  l.call_last(Helper::kInvalidatePage, linear);
}

void lift_invpcid(Lifter& l, uint32_t) {
  if (l.real_or_vm86() && !(l.mode & kModeReal)) return l.fault(vector::kGeneralProtection, 0);
  if (!l.needs_cpl0()) return;
  const Value type = l.code64() ? l.reg64(l.operand(0).reg) : l.b.zext32(l.reg(l.operand(0).reg, 32));
  l.call_last(Helper::kInvalidatePcid, type, l.linear_address(l.operand(1), 16, false));
}

void lift_privileged_nothing(Lifter& l, uint32_t) { l.needs_cpl0(); }

// Checked as a load of the byte is.
void lift_cache_line(Lifter& l, uint32_t) { l.load(l.place(l.operand(0), {.bytes = 1}), 8); }

void lift_hint(Lifter&, uint32_t) {}

void lift_serialize(Lifter& l, uint32_t) { l.end(); }

// --- time, identification, random numbers

bool time_is_readable(Lifter& l) {
  if (!(l.mode & kModeTsd) || l.cpl() == 0) return true;
  l.fault(vector::kGeneralProtection, 0);
  return false;
}

void lift_rdtsc(Lifter& l, uint32_t) {
  if (!time_is_readable(l)) return;
  set_edx_eax(l, l.call(Helper::kReadTsc, Type::i64));
}

void lift_rdtscp(Lifter& l, uint32_t) {
  if (!time_is_readable(l)) return;
  set_edx_eax(l, l.call(Helper::kReadTsc, Type::i64));
  l.set_reg(kRcx, 32, l.b.trunc(l.b.get(kSlotTscAux)));
}

void lift_rdpid(Lifter& l, uint32_t) {
  l.set_reg(l.operand(0).reg, l.code64() ? 64 : 32,
            l.code64() ? l.b.get(kSlotTscAux) : l.b.trunc(l.b.get(kSlotTscAux)));
}

// There is no counter to read.
void lift_rdpmc(Lifter& l, uint32_t) { l.fault(vector::kGeneralProtection, 0); }

void lift_cpuid(Lifter& l, uint32_t) { l.call(Helper::kCpuid, Type::none); }

void lift_random(Lifter& l, uint32_t) {
  const Value value = l.call(Helper::kRandom, Type::i64);
  const Operand& to = l.operand(0);
  l.set_reg(to.reg, to.bits, to.bits == 64 ? value : l.b.trunc(value));
}

// --- waiting

void lift_hlt(Lifter& l, uint32_t) {
  if (l.needs_cpl0()) l.leave_next(ExitReason::kHlt);
}

void lift_pause(Lifter& l, uint32_t) {
  if (l.yields) l.leave_next(ExitReason::kPause);
}

void lift_monitor(Lifter& l, uint32_t) {
  if (l.cpl() != 0) return l.undefined();
  Operand m;
  m.kind = Operand::Kind::kMemory;
  m.base = kRax;
  m.segment = l.i.segment_override == kNoRegister || (l.code64() && l.i.segment_override < kFs)
                  ? uint8_t{kDs}
                  : l.i.segment_override;
  l.load(l.place(m, {.bytes = 1}), 8);
  l.fault_if(l.b.icmpz(Cond::ne, l.reg(kRcx, 32)), exception_imm(vector::kGeneralProtection, 0));
}

// It may wake whenever it likes.
void lift_mwait(Lifter& l, uint32_t) {
  if (l.cpl() != 0) return l.undefined();
  l.fault_if(l.b.icmpz(Cond::ne, l.b.binary(Op::and_, l.reg(kRcx, 32), l.b.i32(~1u))),
             exception_imm(vector::kGeneralProtection, 0));
  l.leave_next(ExitReason::kPause);
}

// --- supervisor accesses to user pages, protection keys

// The block knows of EFLAGS.AC from here on: the flag opens another table (X86Cpu::user_class()).
void lift_access_flag(Lifter& l, uint32_t set) {
  if (l.cpl() != 0 || (l.mode & kModeVm86)) return l.undefined();
  ir::Builder& b = l.b;
  const Value old = b.get(kSlotEflags);
  b.set(kSlotEflags,
        set ? b.binary(Op::or_, old, b.i32(eflags::kAc)) : b.binary(Op::and_, old, b.i32(~eflags::kAc)));
  l.access = set;
}

void lift_rdpkru(Lifter& l, uint32_t) {
  l.fault_if(l.b.icmpz(Cond::ne, l.reg(kRcx, 32)), exception_imm(vector::kGeneralProtection, 0));
  l.set_reg(kRax, 32, l.b.get(kSlotPkru));
  l.set_reg(kRdx, 32, l.b.i32(0));
}

void lift_wrpkru(Lifter& l, uint32_t) {
  ir::Builder& b = l.b;
  const Value wrong = b.binary(Op::or_, l.reg(kRcx, 32), l.reg(kRdx, 32));
  l.fault_if(b.icmpz(Cond::ne, wrong), exception_imm(vector::kGeneralProtection, 0));
  b.set(kSlotPkru, l.reg(kRax, 32));
  l.end();
}

template <void (*lift)(Lifter&, uint32_t)>
void with_keys(Lifter& l, uint32_t argument) {
  if (!(l.mode & kModePke)) return l.undefined();
  lift(l, argument);
}

constexpr Row kRows[] = {
    {ZYDIS_MNEMONIC_CLTS, lift_clts},
    {ZYDIS_MNEMONIC_LMSW, lift_lmsw},
    {ZYDIS_MNEMONIC_SMSW, lift_smsw},
    {ZYDIS_MNEMONIC_XGETBV, lift_xgetbv},
    {ZYDIS_MNEMONIC_XSETBV, lift_xsetbv},
    {ZYDIS_MNEMONIC_RDMSR, lift_rdmsr},
    {ZYDIS_MNEMONIC_WRMSR, lift_wrmsr},
    {ZYDIS_MNEMONIC_INVLPG, lift_invlpg},
    {ZYDIS_MNEMONIC_INVPCID, lift_invpcid},
    {ZYDIS_MNEMONIC_INVD, lift_privileged_nothing},
    {ZYDIS_MNEMONIC_WBINVD, lift_privileged_nothing},
    {ZYDIS_MNEMONIC_CLFLUSH, lift_cache_line},
    {ZYDIS_MNEMONIC_CLFLUSHOPT, lift_cache_line},
    {ZYDIS_MNEMONIC_CLWB, lift_cache_line},
    {ZYDIS_MNEMONIC_CLDEMOTE, lift_hint},
    {ZYDIS_MNEMONIC_PREFETCH, lift_hint},
    {ZYDIS_MNEMONIC_PREFETCHW, lift_hint},
    {ZYDIS_MNEMONIC_PREFETCHWT1, lift_hint},
    {ZYDIS_MNEMONIC_PREFETCHNTA, lift_hint},
    {ZYDIS_MNEMONIC_PREFETCHT0, lift_hint},
    {ZYDIS_MNEMONIC_PREFETCHT1, lift_hint},
    {ZYDIS_MNEMONIC_PREFETCHT2, lift_hint},
    {ZYDIS_MNEMONIC_SERIALIZE, lift_serialize},
    {ZYDIS_MNEMONIC_RDTSC, lift_rdtsc},
    {ZYDIS_MNEMONIC_RDTSCP, lift_rdtscp},
    {ZYDIS_MNEMONIC_RDPID, lift_rdpid},
    {ZYDIS_MNEMONIC_RDPMC, lift_rdpmc},
    {ZYDIS_MNEMONIC_CPUID, lift_cpuid},
    {ZYDIS_MNEMONIC_RDRAND, lift_random},
    {ZYDIS_MNEMONIC_RDSEED, lift_random},
    {ZYDIS_MNEMONIC_HLT, lift_hlt},
    {ZYDIS_MNEMONIC_PAUSE, lift_pause},
    {ZYDIS_MNEMONIC_MONITOR, lift_monitor},
    {ZYDIS_MNEMONIC_MWAIT, lift_mwait},
    {ZYDIS_MNEMONIC_STAC, lift_access_flag, 1},
    {ZYDIS_MNEMONIC_CLAC, lift_access_flag, 0},
    {ZYDIS_MNEMONIC_RDPKRU, with_keys<lift_rdpkru>},
    {ZYDIS_MNEMONIC_WRPKRU, with_keys<lift_wrpkru>},
};

}  // namespace

// MOV of control and debug registers: as wide as general registers are.
void lift_mov_control(Lifter& l) {
  const bool to_control =
      l.operand(0).reg_class == RegisterClass::kControl || l.operand(0).reg_class == RegisterClass::kDebug;
  const Operand& control = l.operand(to_control ? 0 : 1);
  const unsigned general = l.operand(to_control ? 1 : 0).reg, n = control.reg;
  const unsigned bits = l.code64() ? 64 : 32;
  if (control.reg_class == RegisterClass::kDebug) {
    if (n > 7) return l.undefined();
    if (!l.needs_cpl0()) return;
    if (!to_control) return l.set_reg(general, bits, l.call(Helper::kReadDebug, Type::i64, number(l, n)));
    l.call(Helper::kWriteDebug, Type::none, number(l, n), l.wide(l.reg(general, bits)));
    return l.end();
  }
  if (n != 0 && n != 2 && n != 3 && n != 4 && n != 8) return l.undefined();
  if (n == 4 && !l.model.has(Feature::kVme) && !l.model.has(Feature::kPse)) return l.undefined();
  if (!l.needs_cpl0()) return;
  if (!to_control) return l.set_reg(general, bits, l.call(Helper::kReadControl, Type::i64, number(l, n)));
  const Value value = l.wide(l.reg(general, bits));
  if (n != 2) return l.call_last(Helper::kWriteControl, number(l, n), value);
  l.call(Helper::kWriteControl, Type::none, number(l, n), value, ir::kNoValue, l.b.i64(0));
}

Rows system_control_rows() { return kRows; }

}  // namespace mynah::x86
