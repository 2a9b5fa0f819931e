// SPDX-License-Identifier: Apache-2.0
//
// Floating-point comparisons: to masks, with 8 predicates (SSE) or 32 (AVX), and to EFLAGS.
#include "frontend/x86/lift_float.h"

namespace mynah::x86 {

namespace {

void lift_compare(Lifter& l, uint32_t aux) {
  FloatLift v(l);
  if (aux & ir::kLowLane) v.scalar();
  if (!v.begin()) return;
  const FloatLift::Pair pair = v.read_pair();
  const Halves x = pair.first, y = pair.last;
  const unsigned predicate = v.imm() & (v.vex() ? 31 : 7);
  v.write(0, v.computed([&] {
    return v.each(x, y,
                  [&](Value p, Value q) { return l.b.vec(Op::fcmp, aux, p, q, ir::kNoValue, predicate); });
  }));
}

// COMISS, UCOMISS, ...: the argument is the format, and kSignaling.
constexpr uint32_t kSignaling = 16;
void lift_compare_to_flags(Lifter& l, uint32_t how) {
  FloatLift v(l);
  v.scalar();
  if (!v.begin()) return;
  const unsigned format = how & 3;
  const Value y = v.low_lane(v.read(1).low(), format), x = v.low_lane(v.read(0).low(), format);
  l.set_flags(v.computed(
      [&] { return l.b.emit(Op::fl_comi, Type::flags, x, y, ir::kNoValue, 0, how & kSignaling ? 1 : 0); }));
}

#define BOTH(name, lift, argument) \
  {ZYDIS_MNEMONIC_##name, lift, argument}, { ZYDIS_MNEMONIC_V##name, lift, argument }

constexpr Row kRows[] = {
    BOTH(CMPPS, lift_compare, kSingle),
    BOTH(CMPPD, lift_compare, kDouble),
    BOTH(CMPSS, lift_compare, kLowSingle),
    {ZYDIS_MNEMONIC_VCMPSD, lift_compare, kLowDouble},
    BOTH(COMISS, lift_compare_to_flags, kSingle | kSignaling),
    BOTH(COMISD, lift_compare_to_flags, kDouble | kSignaling),
    BOTH(UCOMISS, lift_compare_to_flags, kSingle),
    BOTH(UCOMISD, lift_compare_to_flags, kDouble),
};

}  // namespace

void lift_scalar_cmpsd(Lifter& l) { lift_compare(l, kLowDouble); }

Rows float_compare_rows() { return kRows; }

}  // namespace mynah::x86
