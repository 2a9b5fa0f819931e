// SPDX-License-Identifier: Apache-2.0
//
// The x87: loads, stores, arithmetic, compares (SDM vol. 1, 5.2). Control and transcendental instructions
// are in lift_x87_control.cpp.
#include "frontend/x86/lift_x87.h"

#include "frontend/x86/vectors.h"
#include "frontend/x86/x87.h"

namespace mynah::x86 {

using ir::F80Constant;
using ir::F80Format;
using ir::F80Op;

// --- the stack

void Lifter::set_x87(unsigned top, unsigned tags) {
  x87_top = top & 7;
  x87_tags = tags & 0xff;
  const auto set = [&](ir::Slot slot, Type type, uint64_t value) {
    if (b.as_const(b.get(slot)) != value) b.set(slot, b.konst(type, value));
  };
  set(kSlotFpuTop, Type::i64, 16 * uint64_t{x87_top});
  set(kSlotFtw, Type::i32, x87_tags);
}

void X87::know() {
  const auto is = [&](ir::Slot slot, Value expected) {
    const Value value = b.get(slot);
    if (b.as_const(value)) return;
    b.exit_engine_if(b.icmp(Cond::ne, value, expected), static_cast<uint8_t>(ExitReason::kX87Other));
    b.assume(slot, expected);
  };
  is(kSlotFpuTop, b.i64(16 * uint64_t{l.x87_top}));
  is(kSlotFtw, b.i32(l.x87_tags));
}

void X87::needs(unsigned mask, bool push) {
  const bool full = push && (mask | l.x87_tags) & 0x80;
  if (mask & ~l.x87_tags || full)
    b.exit_engine_if(b.konst(Type::i1, 1), static_cast<uint8_t>(ExitReason::kX87Stack));
}

void check_x87_exceptions(Lifter& l) {
  if (!(l.mode & kModeX87Unmasked)) return;
  ir::Builder& b = l.b;
  const Value status = b.f80(Op::f80_status, Type::i32, kX87File, 0);
  const Value unmasked = b.binary(Op::andn, status, b.get(kSlotFcw));
  l.fault_if(b.icmpz(Cond::ne, b.binary(Op::and_, unmasked, b.i32(ir::kF80Exceptions))),
             exception_imm(vector::kX87));
}

bool begin_x87(Lifter& l, bool waits) {
  if (!l.needs_x87()) return false;
  if (waits) check_x87_exceptions(l);
  return true;
}

namespace {

// The instruction as a call. Its memory operand is guarded, and read, before; written behind, where it is.
void lift_rare(Lifter& l, X87Effect effect) {
  X87 x(l);
  ir::Builder& b = l.b;
  const Operand* m = x.memory();
  const bool stores = effect == X87Effect::kStore && m;
  const bool long_operand = m && m->bits == 80;
  const unsigned low_bits = !m ? 0u : long_operand ? 64u : m->bits;
  Value low = b.i64(0), high = b.i64(0), address = b.i64(0);
  if (effect == X87Effect::kReadFlags || effect == X87Effect::kSetFlags) high = l.wide(l.status_word());
  Lifter::Place p;
  if (m) {
    const unsigned element = m->bits == 16 ? 1 : m->bits == 32 ? 2 : 3;
    p = l.place(*m, {.bytes = m->bits / 8u, .write = stores, .element = element});
    address = l.effective_address(*m);
  }
  if (m && !stores) {
    low = l.wide(l.load(p, low_bits));
    if (long_operand) high = l.wide(l.load(p, 16, 8));
  }
  const auto call = [&](X87Rare::Part part) {
    const X87Rare what{.opcode = l.i.opcode,
                       .modrm = l.i.modrm,
                       .part = part,
                       .segment = m ? m->segment : X87Rare::kNoMemory,
                       .pc_offset = l.pc_offset};
    return l.call(Helper::kX87Rare, Type::i64, b.i64(what.imm()), low, high, address);
  };
  Value stored_low = ir::kNoValue, stored_high = ir::kNoValue;
  if (stores) stored_low = call(X87Rare::Part::kLow);
  if (stores && long_operand) stored_high = call(X87Rare::Part::kHigh);
  const Value done = b.trunc(call(X87Rare::Part::kAll));
  if (effect == X87Effect::kSetFlags) l.set_flags(l.status_group(b.binary(Op::and_, done, b.i32(0xff))));
  if (!stores) return;
  l.complete();
  b.exit_engine_if(b.icmpz(Cond::eq, b.binary(Op::and_, done, b.i32(kX87Stores))),
                   static_cast<uint8_t>(ExitReason::kContinue));
  l.store(p, low_bits, low_bits == 64 ? stored_low : b.trunc(stored_low));
  if (long_operand) l.store(p, 16, b.trunc(stored_high), 8);
  l.stored_to(p);
}

}  // namespace

bool begin_x87_arithmetic(Lifter& l, X87Effect effect) {
  if (!begin_x87(l)) return false;
  if (!(l.mode & (kModeX87Unchecked | kModeX87Unmasked))) {
    X87(l).know();
    return true;
  }
  lift_rare(l, effect);
  return false;
}

bool Lifter::needs_x87() {
  if (!(mode & (kModeEm | kModeTs))) return true;
  fault(vector::kDeviceNotAvailable);
  return false;
}

bool Lifter::needs_mmx() {
  if (mode & kModeEm) {
    undefined();
    return false;
  }
  if (!(mode & kModeTs)) return true;
  fault(vector::kDeviceNotAvailable);
  return false;
}

bool Lifter::needs_sse() {
  if ((mode & kModeEm) || !(mode & kModeOsfxsr)) {
    undefined();
    return false;
  }
  if (!(mode & kModeTs)) return true;
  fault(vector::kDeviceNotAvailable);
  return false;
}

bool Lifter::needs_avx() {
  if (real_or_vm86() || !(mode & kModeOsxsave) || !(mode & kModeAvx)) {
    undefined();
    return false;
  }
  if (!(mode & kModeTs)) return true;
  fault(vector::kDeviceNotAvailable);
  return false;
}

void Lifter::enter_mmx() { set_x87(0, 0xff); }

void Lifter::set_mmx(unsigned n, Value value) {
  b.set(slot_mm(n), value);
  b.set(static_cast<ir::Slot>(kSlotMmExponent0 + n), b.i64(0xffff));
}

namespace {

// --- loads and stores

void lift_fld(Lifter& l, uint32_t) {
  if (!begin_x87_arithmetic(l)) return;
  X87 x(l);
  const Operand* m = x.memory();
  if (!m) {  // FLD ST(i)
    const unsigned i = x.index();
    x.needs(1u << i, true);
    x.push();
    return x.copy(0, i + 1);
  }
  const Lifter::Place p = l.place(*m, {.bytes = m->bits / 8u, .element = m->bits == 32 ? 2u : 3u});
  if (m->bits == 80) {
    const Value significand = l.load(p, 64), exponent = l.load(p, 16, 8);
    x.needs(0, true);
    return x.push_value(significand, exponent);
  }
  const Value bits = l.load(p, m->bits);
  x.needs(0, true);
  x.push();
  x.b.f80(Op::f80_load, Type::none, kX87File, static_cast<uint8_t>(X87::float_format(m->bits)), x.st(0),
          bits);
}

void lift_fild(Lifter& l, uint32_t) {
  if (!begin_x87_arithmetic(l)) return;
  X87 x(l);
  const Operand& m = *x.memory();
  const Value bits = l.load(l.place(m, {.bytes = m.bits / 8u}), m.bits);
  x.needs(0, true);
  x.push();
  x.b.f80(Op::f80_load, Type::none, kX87File, static_cast<uint8_t>(X87::integer_format(m.bits)), x.st(0),
          bits);
}

// FST, FSTP.
void lift_fst(Lifter& l, uint32_t pops) {
  if (!begin_x87_arithmetic(l, X87Effect::kStore)) return;
  X87 x(l);
  const Operand* m = x.memory();
  if (!m) {
    const unsigned i = x.index();
    x.needs(1);
    x.copy(i, 0);
    x.set_full(i);
    if (pops) x.pop();
    return;
  }
  const Lifter::Place p =
      l.place(*m, {.bytes = m->bits / 8u, .write = true, .element = m->bits == 32 ? 2u : 3u});
  x.needs(1);
  if (m->bits == 80) {
    l.store(p, 64, x.significand(0));
    l.store(p, 16, x.exponent(0), 8);
    x.clear_c1();
  } else {
    const auto format = X87::float_format(m->bits);
    l.store(
        p, m->bits,
        x.b.f80(Op::f80_store, Lifter::type_of(m->bits), kX87File, static_cast<uint8_t>(format), x.st(0)));
  }
  l.stored_to(p);
  if (pops) x.pop();
}

enum IntegerStore : uint32_t { kStore = 0, kPop = 1, kTruncate = 2 };

void lift_fist(Lifter& l, uint32_t how) {
  if (!begin_x87_arithmetic(l, X87Effect::kStore)) return;
  X87 x(l);
  const Operand& m = *x.memory();
  const Lifter::Place p = l.place(m, {.bytes = m.bits / 8u, .write = true});
  x.needs(1);
  const auto aux = static_cast<uint8_t>(static_cast<unsigned>(X87::integer_format(m.bits)) |
                                        (how & kTruncate ? ir::kF80Truncate : 0));
  l.store(p, m.bits, x.b.f80(Op::f80_store, Lifter::type_of(m.bits), kX87File, aux, x.st(0)));
  l.stored_to(p);
  if (how & kPop) x.pop();
}

void lift_fxch(Lifter& l, uint32_t) {
  if (!begin_x87_arithmetic(l)) return;
  X87 x(l);
  const unsigned i = x.index();
  x.needs(1u << i | 1);
  l.b.f80(Op::f80_exchange, Type::none, kX87File, 0, x.st(0), x.st(i));
}

void lift_fcmov(Lifter& l, uint32_t cc) {
  if (!begin_x87_arithmetic(l, X87Effect::kReadFlags)) return;
  X87 x(l);
  const unsigned i = x.index();
  x.needs(1u << i | 1);
  ir::Builder& b = l.b;
  const Value condition = l.cond(cc);
  const Value significand = b.select(condition, x.significand(i), x.significand(0));
  const Value exponent = b.select(l.cond(cc), x.exponent(i), x.exponent(0));
  x.set(0, significand, exponent, false);  // C1 is a stack fault's alone
}

void lift_constant(Lifter& l, uint32_t constant) {
  if (!begin_x87_arithmetic(l)) return;
  X87 x(l);
  x.needs(0, true);
  x.push();
  x.unary(Op::f80_constant, static_cast<uint8_t>(constant));
}

void lift_sign(Lifter& l, uint32_t change) {
  if (!begin_x87_arithmetic(l)) return;
  X87 x(l);
  x.needs(1);
  x.unary(Op::f80_sign, static_cast<uint8_t>(change));
}

void lift_unary(Lifter& l, uint32_t op) {
  if (!begin_x87_arithmetic(l)) return;
  X87 x(l);
  x.needs(1);
  x.unary(static_cast<Op>(op));
}

// --- arithmetic

// FADD and its kin: with memory, to ST(0), to ST(i), and with a pop.
void lift_arithmetic(Lifter& l, uint32_t op) {
  if (!begin_x87_arithmetic(l)) return;
  X87 x(l);
  if (const Operand* m = x.memory()) {
    const bool integer = l.i.opcode == 0xda || l.i.opcode == 0xde;
    const Value bits = l.load(l.place(*m, {.bytes = m->bits / 8u}), m->bits);
    const F80Format format = integer ? X87::integer_format(m->bits) : X87::float_format(m->bits);
    x.needs(1);
    x.b.f80(Op::f80_op_with, Type::none, kX87File,
            static_cast<uint8_t>(op | static_cast<unsigned>(format) << 4), x.st(0), bits);
    return;
  }
  const unsigned i = x.index();
  x.needs(1u << i | 1);
  const bool to_top = l.i.opcode == 0xd8;
  x.operate(static_cast<F80Op>(op), to_top ? 0 : i, to_top ? i : 0);
  if (l.i.opcode == 0xde) x.pop();
}

// --- compares

enum Compare : uint32_t { kOnce = 0, kPopOnce = 1, kPopTwice = 2, kQuiet = 4 };

void lift_compare(Lifter& l, uint32_t how) {
  if (!begin_x87_arithmetic(l)) return;
  X87 x(l);
  const uint8_t signaling = how & kQuiet ? 0 : 1;
  if (const Operand* m = x.memory()) {
    const bool integer = l.i.opcode == 0xda || l.i.opcode == 0xde;
    const Value bits = l.load(l.place(*m, {.bytes = m->bits / 8u}), m->bits);
    const F80Format format = integer ? X87::integer_format(m->bits) : X87::float_format(m->bits);
    x.needs(1);
    x.b.f80(Op::f80_compare_with, Type::none, kX87File,
            static_cast<uint8_t>(signaling | static_cast<unsigned>(format) << 4), x.st(0), bits);
  } else {
    const unsigned i = how & kPopTwice ? 1 : x.index();
    x.needs(1u << i | 1);
    x.b.f80(Op::f80_compare, Type::none, kX87File, signaling, x.st(0), x.st(i));
  }
  if (how & (kPopOnce | kPopTwice)) x.pop();
  if (how & kPopTwice) x.pop();
}

void lift_compare_flags(Lifter& l, uint32_t how) {
  if (!begin_x87_arithmetic(l, X87Effect::kSetFlags)) return;
  X87 x(l);
  const unsigned i = x.index();
  x.needs(1u << i | 1);
  l.set_flags(x.b.f80(Op::f80_compare_flags, Type::flags, kX87File, how & kQuiet ? 0 : 1, x.st(0), x.st(i)));
  if (how & kPopOnce) x.pop();
}

void lift_ftst(Lifter& l, uint32_t) {
  if (!begin_x87_arithmetic(l)) return;
  X87 x(l);
  x.needs(1);
  x.b.f80(Op::f80_compare_with, Type::none, kX87File,
          static_cast<uint8_t>(1 | static_cast<unsigned>(F80Format::kF32) << 4), x.st(0), l.b.i32(0));
}

constexpr uint32_t constant(F80Constant c) { return static_cast<uint32_t>(c); }
constexpr uint32_t op(F80Op o) { return static_cast<uint32_t>(o); }
constexpr Row kRows[] = {
    {ZYDIS_MNEMONIC_FLD, lift_fld},
    {ZYDIS_MNEMONIC_FILD, lift_fild},
    {ZYDIS_MNEMONIC_FST, lift_fst, 0},
    {ZYDIS_MNEMONIC_FSTP, lift_fst, 1},
    {ZYDIS_MNEMONIC_FSTPNCE, lift_fst, 1},
    {ZYDIS_MNEMONIC_FIST, lift_fist, kStore},
    {ZYDIS_MNEMONIC_FISTP, lift_fist, kPop},
    {ZYDIS_MNEMONIC_FISTTP, lift_fist, kPop | kTruncate},
    {ZYDIS_MNEMONIC_FXCH, lift_fxch},
    {ZYDIS_MNEMONIC_FCMOVB, lift_fcmov, 2},
    {ZYDIS_MNEMONIC_FCMOVNB, lift_fcmov, 3},
    {ZYDIS_MNEMONIC_FCMOVE, lift_fcmov, 4},
    {ZYDIS_MNEMONIC_FCMOVNE, lift_fcmov, 5},
    {ZYDIS_MNEMONIC_FCMOVBE, lift_fcmov, 6},
    {ZYDIS_MNEMONIC_FCMOVNBE, lift_fcmov, 7},
    {ZYDIS_MNEMONIC_FCMOVU, lift_fcmov, 10},
    {ZYDIS_MNEMONIC_FCMOVNU, lift_fcmov, 11},
    {ZYDIS_MNEMONIC_FLDZ, lift_constant, constant(F80Constant::kZero)},
    {ZYDIS_MNEMONIC_FLD1, lift_constant, constant(F80Constant::kOne)},
    {ZYDIS_MNEMONIC_FLDL2T, lift_constant, constant(F80Constant::kLog2Of10)},
    {ZYDIS_MNEMONIC_FLDL2E, lift_constant, constant(F80Constant::kLog2OfE)},
    {ZYDIS_MNEMONIC_FLDPI, lift_constant, constant(F80Constant::kPi)},
    {ZYDIS_MNEMONIC_FLDLG2, lift_constant, constant(F80Constant::kLog10Of2)},
    {ZYDIS_MNEMONIC_FLDLN2, lift_constant, constant(F80Constant::kLnOf2)},
    {ZYDIS_MNEMONIC_FCHS, lift_sign, 1},
    {ZYDIS_MNEMONIC_FABS, lift_sign, 0},
    {ZYDIS_MNEMONIC_FSQRT, lift_unary, static_cast<uint32_t>(Op::f80_root)},
    {ZYDIS_MNEMONIC_FRNDINT, lift_unary, static_cast<uint32_t>(Op::f80_round)},
    {ZYDIS_MNEMONIC_FADD, lift_arithmetic, op(F80Op::kAdd)},
    {ZYDIS_MNEMONIC_FADDP, lift_arithmetic, op(F80Op::kAdd)},
    {ZYDIS_MNEMONIC_FIADD, lift_arithmetic, op(F80Op::kAdd)},
    {ZYDIS_MNEMONIC_FMUL, lift_arithmetic, op(F80Op::kMul)},
    {ZYDIS_MNEMONIC_FMULP, lift_arithmetic, op(F80Op::kMul)},
    {ZYDIS_MNEMONIC_FIMUL, lift_arithmetic, op(F80Op::kMul)},
    {ZYDIS_MNEMONIC_FSUB, lift_arithmetic, op(F80Op::kSub)},
    {ZYDIS_MNEMONIC_FSUBP, lift_arithmetic, op(F80Op::kSub)},
    {ZYDIS_MNEMONIC_FISUB, lift_arithmetic, op(F80Op::kSub)},
    {ZYDIS_MNEMONIC_FSUBR, lift_arithmetic, op(F80Op::kSubReverse)},
    {ZYDIS_MNEMONIC_FSUBRP, lift_arithmetic, op(F80Op::kSubReverse)},
    {ZYDIS_MNEMONIC_FISUBR, lift_arithmetic, op(F80Op::kSubReverse)},
    {ZYDIS_MNEMONIC_FDIV, lift_arithmetic, op(F80Op::kDiv)},
    {ZYDIS_MNEMONIC_FDIVP, lift_arithmetic, op(F80Op::kDiv)},
    {ZYDIS_MNEMONIC_FIDIV, lift_arithmetic, op(F80Op::kDiv)},
    {ZYDIS_MNEMONIC_FDIVR, lift_arithmetic, op(F80Op::kDivReverse)},
    {ZYDIS_MNEMONIC_FDIVRP, lift_arithmetic, op(F80Op::kDivReverse)},
    {ZYDIS_MNEMONIC_FIDIVR, lift_arithmetic, op(F80Op::kDivReverse)},
    {ZYDIS_MNEMONIC_FCOM, lift_compare, kOnce},
    {ZYDIS_MNEMONIC_FCOMP, lift_compare, kPopOnce},
    {ZYDIS_MNEMONIC_FCOMPP, lift_compare, kPopTwice},
    {ZYDIS_MNEMONIC_FUCOM, lift_compare, kOnce | kQuiet},
    {ZYDIS_MNEMONIC_FUCOMP, lift_compare, kPopOnce | kQuiet},
    {ZYDIS_MNEMONIC_FUCOMPP, lift_compare, kPopTwice | kQuiet},
    {ZYDIS_MNEMONIC_FICOM, lift_compare, kOnce},
    {ZYDIS_MNEMONIC_FICOMP, lift_compare, kPopOnce},
    {ZYDIS_MNEMONIC_FCOMI, lift_compare_flags, kOnce},
    {ZYDIS_MNEMONIC_FCOMIP, lift_compare_flags, kPopOnce},
    {ZYDIS_MNEMONIC_FUCOMI, lift_compare_flags, kOnce | kQuiet},
    {ZYDIS_MNEMONIC_FUCOMIP, lift_compare_flags, kPopOnce | kQuiet},
    {ZYDIS_MNEMONIC_FTST, lift_ftst},
};

}  // namespace

Rows x87_rows() { return kRows; }

}  // namespace mynah::x86
