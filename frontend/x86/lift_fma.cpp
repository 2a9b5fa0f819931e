// SPDX-License-Identifier: Apache-2.0
//
// FMA (SDM vol. 1, 14.5). The digits of a mnemonic number the operands: the first two are multiplied, the
// third is added; the first that is a NaN wins in that order.
#include "frontend/x86/lift_float.h"

namespace mynah::x86 {

namespace {

// Argument: aux, the kind (ir::FusedAux) from bit 8 on, and from bit 16 on which digit the destination is:
// 0 of 132, 1 of 213, 2 of 231.
void lift_fused(Lifter& l, uint32_t how) {
  FloatLift v(l);
  const auto aux = static_cast<uint8_t>(how);
  const unsigned place = how >> 16;
  if (aux & ir::kLowLane) v.scalar();
  if (!v.begin()) return;
  const Halves third = v.read(2), second = v.read(1), first = v.read(0);
  const Halves &a = place == 0 ? first : second,
               &m = place == 0   ? third
                    : place == 1 ? first
                                 : third,
               &c = place == 0   ? second
                    : place == 1 ? third
                                 : first;
  const uint64_t imm = (how >> 8 & 15) | place << ir::kFusedPlaceShift;
  v.write(0, v.computed([&] {
    Halves r;
    for (unsigned h = 0; h < v.halves; ++h)
      r.half[h] = l.b.vec(Op::fma_signs, aux, a.half[h], m.half[h], c.half[h], imm);
    return r;
  }));
}

#define ONE(name, digits, place, form, kind, aux) \
  { ZYDIS_MNEMONIC_##name##digits##form, lift_fused, (aux) | (kind) << 8 | (place) << 16 }
#define ORDERS(name, form, kind, aux) \
  ONE(name, 132, 0, form, kind, aux), ONE(name, 213, 1, form, kind, aux), ONE(name, 231, 2, form, kind, aux)
#define PACKED(name, kind) ORDERS(name, PS, kind, kSingle), ORDERS(name, PD, kind, kDouble)
#define ALL(name, kind) \
  PACKED(name, kind), ORDERS(name, SS, kind, kLowSingle), ORDERS(name, SD, kind, kLowDouble)

constexpr Row kRows[] = {
    ALL(VFMADD, ir::kFusedAdd),     ALL(VFMSUB, ir::kFusedSub),          ALL(VFNMADD, ir::kFusedNegAdd),
    ALL(VFNMSUB, ir::kFusedNegSub), PACKED(VFMADDSUB, ir::kFusedAddSub), PACKED(VFMSUBADD, ir::kFusedSubAdd),
};

}  // namespace

Rows fma_rows() { return kRows; }

}  // namespace mynah::x86
