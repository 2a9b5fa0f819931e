// SPDX-License-Identifier: Apache-2.0
//
// The x87: control (SDM vol. 1, 5.2.6), and the transcendental and other long instructions, which are
// helpers (5.2.3, 5.2.4).
#include "frontend/x86/lift_x87.h"
#include "frontend/x86/vectors.h"
#include "frontend/x86/x87_math.h"

namespace mynah::x86 {

namespace {

// FNOP waits for exceptions; what was for the 8087 and the 287 does not.
void lift_nop(Lifter& l, uint32_t waits) { begin_x87(l, waits); }

// FWAIT traps where the x87 is another task's only with CR0.MP.
void lift_fwait(Lifter& l, uint32_t) {
  if ((l.mode & kModeTs) && (l.mode & kModeMp)) return l.fault(vector::kDeviceNotAvailable);
  if (!(l.mode & kModeX87Unmasked)) return;
  ir::Builder& b = l.b;
  const Value status = b.f80(Op::f80_status, Type::i32, kX87File, 0);
  const Value unmasked = b.binary(Op::andn, status, b.get(kSlotFcw));
  l.fault_if(b.icmpz(Cond::ne, b.binary(Op::and_, unmasked, b.i32(ir::kF80Exceptions))),
             exception_imm(vector::kX87));
}

void lift_rotate_stack(Lifter& l, uint32_t up) {
  if (!begin_x87(l)) return;
  X87 x(l);
  x.know();
  const unsigned top = l.x87_top, tags = l.x87_tags;
  up ? l.set_x87(top + 1, tags >> 1 | tags << 7) : l.set_x87(top - 1, tags << 1 | tags >> 7);
  x.clear_c1();
}

void lift_ffree(Lifter& l, uint32_t pops) {
  if (!begin_x87(l)) return;
  X87 x(l);
  x.know();
  x.set_empty(x.index());
  if (pops) x.pop();
}

// --- control and status words

Value status_word(Lifter& l) {
  ir::Builder& b = l.b;
  const Value status = b.f80(Op::f80_status, Type::i32, kX87File, 0);
  Value word = b.binary(Op::or_, status, b.get(kSlotFpuStackFault));
  word = b.binary(Op::or_, word, b.binary(Op::shl, b.trunc(b.get(kSlotFpuTop)), b.i32(7)));
  if (l.mode & kModeX87Unmasked) {  // ES, B
    const Value unmasked = b.binary(Op::andn, status, b.get(kSlotFcw));
    const Value some = b.emit(Op::bool_int, Type::i32,
                              b.icmpz(Cond::ne, b.binary(Op::and_, unmasked, b.i32(ir::kF80Exceptions))));
    word = b.binary(Op::or_, word, b.binary(Op::mul, some, b.i32(0x8080)));
  }
  return word;
}

void lift_fnstsw(Lifter& l, uint32_t) {
  if (!begin_x87(l, false)) return;
  l.write(0, status_word(l));
}

void lift_fnstcw(Lifter& l, uint32_t) {
  if (!begin_x87(l, false)) return;
  l.write(0, l.b.get(kSlotFcw));
}

void lift_fldcw(Lifter& l, uint32_t) {
  if (!begin_x87(l)) return;
  ir::Builder& b = l.b;
  const Value loaded = l.read(0);
  const Value word = b.binary(Op::or_, b.binary(Op::and_, loaded, b.i32(0x1f3f)), b.i32(0x40));
  b.f80(Op::f80_control, Type::none, kX87File, 0, word);
  // Whether all exceptions are masked is a fact of the block.
  if (l.mode & kModeX87Unmasked) return l.end();
  l.complete();
  const Value unmasked = b.binary(Op::xor_, b.binary(Op::and_, word, b.i32(0x3f)), b.i32(0x3f));
  b.exit_engine_if(b.icmpz(Cond::ne, unmasked), static_cast<uint8_t>(ExitReason::kContinue));
}

void lift_fninit(Lifter& l, uint32_t) {
  if (!begin_x87(l, false)) return;
  l.call_last(Helper::kX87Init, l.b.i64(0));
}

void lift_fnclex(Lifter& l, uint32_t) {
  if (!begin_x87(l, false)) return;
  l.call(Helper::kX87ClearExceptions, Type::none);
}

// --- environment. Its form is the code's: 16 or 32 bits, real or protected.

constexpr uint32_t kStores = 1, kWhole = 2;  // FNSAVE and FRSTOR have the registers, too

void lift_environment(Lifter& l, uint32_t how) {
  if (!begin_x87(l, !(how & kStores))) return;
  const bool wide = l.operand_bits() != 16;
  const unsigned bytes = (wide ? 28u : 14u) + (how & kWhole ? 80u : 0u);
  const Value address = l.linear_address(l.operand(0), bytes, how & kStores);
  const uint64_t form = (wide ? 1 : 0) | (l.real_or_vm86() ? 2 : 0) | (how & kWhole ? 4 : 0);
  l.call_last(how & kStores ? Helper::kX87StoreEnvironment : Helper::kX87LoadEnvironment, address,
              l.b.i64(form));
}

// --- long instructions

struct Needs {
  unsigned mask;
  int moves;  // 1: pushes, -1: pops, mostly
};
constexpr Needs needs_of(X87Function f) {
  switch (f) {
    case X87Function::kFyl2x:
    case X87Function::kFyl2xp1:
    case X87Function::kFpatan:
      return {3, -1};
    case X87Function::kFprem:
    case X87Function::kFprem1:
    case X87Function::kFscale:
      return {3, 0};
    case X87Function::kFptan:
    case X87Function::kFsincos:
    case X87Function::kFxtract:
      return {1, 1};
    case X87Function::kFxam:
      return {0, 0};
    default:
      return {1, 0};
  }
}

void lift_function(Lifter& l, uint32_t function) {
  if (!begin_x87_arithmetic(l)) return;
  X87 x(l);
  const auto [mask, moves] = needs_of(static_cast<X87Function>(function));
  x.needs(mask, moves > 0);
  l.call(Helper::kX87Function, Type::none, l.b.i64(function));
  l.x87_top = (l.x87_top - static_cast<unsigned>(moves)) & 7;
  l.x87_tags = (moves > 0 ? l.x87_tags << 1 | 1 : moves < 0 ? l.x87_tags >> 1 : l.x87_tags) & 0xff;
}

void lift_fbld(Lifter& l, uint32_t) {
  if (!begin_x87_arithmetic(l)) return;
  X87 x(l);
  const Lifter::Place p = l.place(l.operand(0), {.bytes = 10, .element = 3});
  const Value low = l.load(p, 64), high = l.load(p, 16, 8);
  x.needs(0, true);
  x.push();
  l.call(Helper::kX87LoadBcd, Type::none, low, l.wide(high));
  x.clear_c1();
}

void lift_fbstp(Lifter& l, uint32_t) {
  if (!begin_x87_arithmetic(l, X87Effect::kStore)) return;
  X87 x(l);
  const Lifter::Place p = l.place(l.operand(0), {.bytes = 10, .write = true, .element = 3});
  x.needs(1);
  l.store(p, 64, l.call(Helper::kX87StoreBcd, Type::i64, l.b.i64(0)));
  l.store(p, 16, l.b.trunc(l.call(Helper::kX87StoreBcd, Type::i64, l.b.i64(1))), 8);
  l.stored_to(p);
  x.pop();
}

void lift_emms(Lifter& l, uint32_t) {
  if (!l.needs_mmx()) return;
  check_x87_exceptions(l);
  l.set_x87(0, 0);
}

constexpr uint32_t function(X87Function f) { return static_cast<uint32_t>(f); }
constexpr Row kRows[] = {
    {ZYDIS_MNEMONIC_FNOP, lift_nop, 1},
    {ZYDIS_MNEMONIC_FENI8087_NOP, lift_nop},
    {ZYDIS_MNEMONIC_FDISI8087_NOP, lift_nop},
    {ZYDIS_MNEMONIC_FSETPM287_NOP, lift_nop},
    {ZYDIS_MNEMONIC_FWAIT, lift_fwait},
    {ZYDIS_MNEMONIC_FINCSTP, lift_rotate_stack, 1},
    {ZYDIS_MNEMONIC_FDECSTP, lift_rotate_stack, 0},
    {ZYDIS_MNEMONIC_FFREE, lift_ffree, 0},
    {ZYDIS_MNEMONIC_FFREEP, lift_ffree, 1},
    {ZYDIS_MNEMONIC_FNSTSW, lift_fnstsw},
    {ZYDIS_MNEMONIC_FNSTCW, lift_fnstcw},
    {ZYDIS_MNEMONIC_FLDCW, lift_fldcw},
    {ZYDIS_MNEMONIC_FNINIT, lift_fninit},
    {ZYDIS_MNEMONIC_FNCLEX, lift_fnclex},
    {ZYDIS_MNEMONIC_FNSTENV, lift_environment, kStores},
    {ZYDIS_MNEMONIC_FLDENV, lift_environment, 0},
    {ZYDIS_MNEMONIC_FNSAVE, lift_environment, kStores | kWhole},
    {ZYDIS_MNEMONIC_FRSTOR, lift_environment, kWhole},
    {ZYDIS_MNEMONIC_F2XM1, lift_function, function(X87Function::kF2xm1)},
    {ZYDIS_MNEMONIC_FYL2X, lift_function, function(X87Function::kFyl2x)},
    {ZYDIS_MNEMONIC_FYL2XP1, lift_function, function(X87Function::kFyl2xp1)},
    {ZYDIS_MNEMONIC_FPTAN, lift_function, function(X87Function::kFptan)},
    {ZYDIS_MNEMONIC_FPATAN, lift_function, function(X87Function::kFpatan)},
    {ZYDIS_MNEMONIC_FXTRACT, lift_function, function(X87Function::kFxtract)},
    {ZYDIS_MNEMONIC_FPREM, lift_function, function(X87Function::kFprem)},
    {ZYDIS_MNEMONIC_FPREM1, lift_function, function(X87Function::kFprem1)},
    {ZYDIS_MNEMONIC_FSCALE, lift_function, function(X87Function::kFscale)},
    {ZYDIS_MNEMONIC_FSIN, lift_function, function(X87Function::kFsin)},
    {ZYDIS_MNEMONIC_FCOS, lift_function, function(X87Function::kFcos)},
    {ZYDIS_MNEMONIC_FSINCOS, lift_function, function(X87Function::kFsincos)},
    {ZYDIS_MNEMONIC_FXAM, lift_function, function(X87Function::kFxam)},
    {ZYDIS_MNEMONIC_FBLD, lift_fbld},
    {ZYDIS_MNEMONIC_FBSTP, lift_fbstp},
    {ZYDIS_MNEMONIC_EMMS, lift_emms},
};

}  // namespace

Rows x87_control_rows() { return kRows; }

}  // namespace mynah::x86
