// SPDX-License-Identifier: Apache-2.0
//
// FXSAVE, XSAVE and their relatives (SDM vol. 1, 10.5 and 13.7 to 13.12), and ports: what may be asked for
// and when; xsave.cpp and ports.cpp do it.
#include "frontend/x86/lift.h"
#include "frontend/x86/lift_system.h"
#include "frontend/x86/vectors.h"

namespace mynah::x86 {

namespace {

constexpr uint32_t kRestores = 1 << 8;
constexpr unsigned kFxBytes = 512, kHeaderBytes = 576;

void lift_fx(Lifter& l, uint32_t form) {
  if (l.mode & (kModeEm | kModeTs)) return l.fault(vector::kDeviceNotAvailable);
  const Value at = l.linear_address(l.operand(0), kFxBytes, !(form & kRestores));
  const Value no_mask = l.b.i64(0), kind = l.b.i64(form & 0xff);
  if (form & kRestores) return l.call_last(Helper::kFxrstor, at, no_mask, kind);  // MXCSR
  l.call(Helper::kFxsave, Type::none, at, no_mask, kind);
  l.cut();
}

void lift_xsave(Lifter& l, uint32_t form) {
  if (!(l.mode & kModeOsxsave)) return l.undefined();
  if ((form & kFormSupervisor) && !l.needs_cpl0()) return;
  if (l.mode & kModeTs) return l.fault(vector::kDeviceNotAvailable);
  const Value mask = l.b.emit(Op::bfi, Type::i64, l.reg64(kRax), l.reg64(kRdx), ir::kNoValue, 32, 32);
  const Value at = l.linear_address(l.operand(0), kHeaderBytes, !(form & kRestores));
  const Value kind = l.b.i64(form & 0xff);
  if (form & kRestores) return l.call_last(Helper::kXrstor, at, mask, kind);  // MXCSR, PKRU
  l.call(Helper::kXsave, Type::none, at, mask, kind);
  l.cut();
}

constexpr Row kRows[] = {
    {ZYDIS_MNEMONIC_FXSAVE, lift_fx, 0},
    {ZYDIS_MNEMONIC_FXSAVE64, lift_fx, kFormWide},
    {ZYDIS_MNEMONIC_FXRSTOR, lift_fx, kRestores},
    {ZYDIS_MNEMONIC_FXRSTOR64, lift_fx, kRestores | kFormWide},
    {ZYDIS_MNEMONIC_XSAVE, lift_xsave, 0},
    {ZYDIS_MNEMONIC_XSAVE64, lift_xsave, kFormWide},
    {ZYDIS_MNEMONIC_XSAVEOPT, lift_xsave, kFormOptimized},
    {ZYDIS_MNEMONIC_XSAVEOPT64, lift_xsave, kFormOptimized | kFormWide},
    {ZYDIS_MNEMONIC_XSAVEC, lift_xsave, kFormCompact},
    {ZYDIS_MNEMONIC_XSAVEC64, lift_xsave, kFormCompact | kFormWide},
    {ZYDIS_MNEMONIC_XSAVES, lift_xsave, kFormCompact | kFormSupervisor},
    {ZYDIS_MNEMONIC_XSAVES64, lift_xsave, kFormCompact | kFormSupervisor | kFormWide},
    {ZYDIS_MNEMONIC_XRSTOR, lift_xsave, kRestores},
    {ZYDIS_MNEMONIC_XRSTOR64, lift_xsave, kRestores | kFormWide},
    {ZYDIS_MNEMONIC_XRSTORS, lift_xsave, kRestores | kFormSupervisor},
    {ZYDIS_MNEMONIC_XRSTORS64, lift_xsave, kRestores | kFormSupervisor | kFormWide},
};

// --- ports

// A form's bits that the mode decides. In virtual-8086 mode IOPL says nothing of ports.
uint32_t checks(const Lifter& l) {
  return (l.mode & kModeIoOpen) && !(l.mode & kModeVm86) ? 0 : kPortChecked;
}

Value port_of(Lifter& l, const Operand& o) {
  if (o.is_immediate()) return l.b.i64(static_cast<uint8_t>(o.value));
  return l.b.zext32(l.zx(l.reg(kRdx, 16), 16));
}

// What a device does may be seen at once.
void look(Lifter& l) {
  l.complete();
  l.b.exit_engine_if(l.b.icmpz(Cond::ne, l.b.get_now(kSlotInterruptPending)),
                     static_cast<uint8_t>(ExitReason::kContinue));
}

void lift_in(Lifter& l, uint32_t) {
  const unsigned bits = l.operand(0).bits;
  const Value value = l.call(Helper::kIn, Type::i64, port_of(l, l.operand(1)), l.b.i64(bits / 8 | checks(l)));
  l.set_reg(kRax, bits, l.b.trunc(value));
  look(l);
}

void lift_out(Lifter& l, uint32_t) {
  const unsigned bits = l.operand(1).bits;
  const Value value = l.b.zext32(l.zx(l.reg(kRax, bits), bits));
  l.call(Helper::kOut, Type::none, port_of(l, l.operand(0)), l.b.i64(bits / 8 | checks(l)), value);
  l.cut();
  look(l);
}

template <bool in>
void lift_port_string(Lifter& l, uint32_t bytes) {
  uint32_t form = bytes | checks(l);
  if (l.i.rep || l.i.repne) form |= kPortRepeats;
  if (l.mode & kModeDf) form |= kPortDown;
  form |= (l.i.address_bits == 64 ? 3u : l.i.address_bits == 32 ? 2u : 1u) << kPortAddressShift;
  const unsigned segment = l.i.segment_override == kNoRegister ? unsigned{kDs} : l.i.segment_override;
  form |= segment << kPortSegmentShift;
  const Value more = l.call(in ? Helper::kIns : Helper::kOuts, Type::i64, l.b.i64(form));
  l.cut();
  l.b.at(l.pc_offset, l.index + 1);
  if (!(form & kPortRepeats)) return look(l);
  if (l.by_steps())
    l.b.exit_engine_if(l.b.icmpz(Cond::ne, more), static_cast<uint8_t>(ExitReason::kRepeat));
  else
    l.b.exit_if(l.b.icmpz(Cond::ne, more), l.pc_offset);
  look(l);
}

constexpr Row kPortRows[] = {
    {ZYDIS_MNEMONIC_IN, lift_in},
    {ZYDIS_MNEMONIC_OUT, lift_out},
    {ZYDIS_MNEMONIC_INSB, lift_port_string<true>, 1},
    {ZYDIS_MNEMONIC_INSW, lift_port_string<true>, 2},
    {ZYDIS_MNEMONIC_INSD, lift_port_string<true>, 4},
    {ZYDIS_MNEMONIC_OUTSB, lift_port_string<false>, 1},
    {ZYDIS_MNEMONIC_OUTSW, lift_port_string<false>, 2},
    {ZYDIS_MNEMONIC_OUTSD, lift_port_string<false>, 4},
};

}  // namespace

Rows state_rows() { return kRows; }
Rows port_rows() { return kPortRows; }

}  // namespace mynah::x86
