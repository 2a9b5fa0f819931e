// SPDX-License-Identifier: Apache-2.0
//
// Exceptions of SSE's floating point (lift_float.h), LDMXCSR, STMXCSR.
#include "frontend/x86/lift_float.h"

#include "frontend/x86/mxcsr.h"
#include "frontend/x86/vectors.h"

namespace mynah::x86 {

void FloatLift::start() {
  if (!(l.mode & kModeFpUnmasked)) return;
  end_mmx();  // an exception finds the x87 as MMX leaves it
  saved_ = b.emit(Op::fp_status, Type::i32, b.i32(0));
}

void FloatLift::check() {
  if (!(l.mode & kModeFpUnmasked)) return;
  const auto both = [&](Value x, uint32_t mask) { return b.binary(Op::and_, x, b.i32(mask)); };
  const Value raised = b.emit(Op::fp_status, Type::i32, b.i32(0));
  // In MXCSR's order.
  const Value flags =
      b.binary(Op::or_, b.binary(Op::or_, both(raised, 1), b.binary(Op::shl, both(raised, 0x1e), b.i32(1))),
               b.binary(Op::lshr, both(raised, ir::sf::kInputDenormal), b.i32(6)));
  const Value open =
      both(b.binary(Op::andn, flags, b.binary(Op::lshr, b.get(kSlotMxcsr), b.i32(mxcsr::kMaskShift))),
           mxcsr::kFlags);
  const Value before = b.icmpz(Cond::ne, both(open, mxcsr::kBefore));
  const Value kept = b.select(before, both(raised, mxcsr::sticky_of(mxcsr::kBefore)), raised);
  b.emit(Op::fp_status, Type::i32, b.binary(Op::or_, saved_, kept));
  l.fault_if(b.icmpz(Cond::ne, open),
             exception_imm(l.mode & kModeOsxmmexcpt ? vector::kSimd : vector::kInvalidOpcode));
}

namespace {

void lift_ldmxcsr(Lifter& l, uint32_t) {
  VectorLift v(l);
  if (!v.begin()) return;
  l.call_last(Helper::kLoadMxcsr, l.wide(l.read(0)));
}

void lift_stmxcsr(Lifter& l, uint32_t) {
  VectorLift v(l);
  if (!v.begin()) return;
  const Lifter::Place p = l.place(l.operand(0), {.bytes = 4, .write = true});
  l.store(p, 32, l.call(Helper::kReadMxcsr, Type::i32));
  l.stored_to(p);
}

constexpr Row kRows[] = {
    {ZYDIS_MNEMONIC_LDMXCSR, lift_ldmxcsr},
    {ZYDIS_MNEMONIC_VLDMXCSR, lift_ldmxcsr},
    {ZYDIS_MNEMONIC_STMXCSR, lift_stmxcsr},
    {ZYDIS_MNEMONIC_VSTMXCSR, lift_stmxcsr},
};

}  // namespace

Rows mxcsr_rows() { return kRows; }

}  // namespace mynah::x86
