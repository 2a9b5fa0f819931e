// SPDX-License-Identifier: Apache-2.0
//
// Integer arithmetic, logic, comparisons and packing of MMX, SSE and AVX2 (SDM vol. 1, 5.4.3
// to 5.4.5, 5.6.3, 5.8, 5.10), and floats' logic and unpacking: an op for every half.
#include "frontend/x86/lift_vector.h"

namespace mynah::x86 {

namespace {

constexpr unsigned kB = 0, kW = 1, kD = 2, kQ = 3;  // lanes by Intel's letters
constexpr uint32_t kUpperHalf = kUpper;

#define BOTH(name, ...) \
  {ZYDIS_MNEMONIC_##name, lift_packed, __VA_ARGS__}, { ZYDIS_MNEMONIC_V##name, lift_packed, __VA_ARGS__ }
#define BOTH_UNARY(name, ...)                                \
  {ZYDIS_MNEMONIC_##name, lift_packed_unary, __VA_ARGS__}, { \
    ZYDIS_MNEMONIC_V##name, lift_packed_unary, __VA_ARGS__   \
  }

constexpr Row kRows[] = {
    BOTH(PADDB, packed(Op::vadd, kB)),
    BOTH(PADDW, packed(Op::vadd, kW)),
    BOTH(PADDD, packed(Op::vadd, kD)),
    BOTH(PADDQ, packed(Op::vadd, kQ)),
    BOTH(PSUBB, packed(Op::vsub, kB)),
    BOTH(PSUBW, packed(Op::vsub, kW)),
    BOTH(PSUBD, packed(Op::vsub, kD)),
    BOTH(PSUBQ, packed(Op::vsub, kQ)),
    BOTH(PADDSB, packed(Op::vadd_ss, kB)),
    BOTH(PADDSW, packed(Op::vadd_ss, kW)),
    BOTH(PADDUSB, packed(Op::vadd_us, kB)),
    BOTH(PADDUSW, packed(Op::vadd_us, kW)),
    BOTH(PSUBSB, packed(Op::vsub_ss, kB)),
    BOTH(PSUBSW, packed(Op::vsub_ss, kW)),
    BOTH(PSUBUSB, packed(Op::vsub_us, kB)),
    BOTH(PSUBUSW, packed(Op::vsub_us, kW)),
    BOTH(PMULLW, packed(Op::vmul, kW)),
    BOTH(PMULLD, packed(Op::vmul, kD)),
    BOTH(PMULHW, packed(Op::vsmulh, kW)),
    BOTH(PMULHUW, packed(Op::vumulh, kW)),
    BOTH(PMULHRSW, packed(Op::vsrmulh, kW)),
    BOTH(PMADDWD, packed(Op::vmadd_s16)),
    BOTH(PMADDUBSW, packed(Op::vmadd_us8)),
    BOTH(PMULUDQ, packed(Op::vumul_even)),
    BOTH(PMULDQ, packed(Op::vsmul_even)),
    BOTH(PSADBW, packed(Op::vsad)),
    BOTH(MPSADBW, packed(Op::vsad_slide, 0, packed_imm_shift(3))),
    BOTH_UNARY(PHMINPOSUW, packed(Op::vuminpos)),
    BOTH(PAVGB, packed(Op::vurhadd, kB)),
    BOTH(PAVGW, packed(Op::vurhadd, kW)),
    BOTH(PMINUB, packed(Op::vumin, kB)),
    BOTH(PMINUW, packed(Op::vumin, kW)),
    BOTH(PMINUD, packed(Op::vumin, kD)),
    BOTH(PMINSB, packed(Op::vsmin, kB)),
    BOTH(PMINSW, packed(Op::vsmin, kW)),
    BOTH(PMINSD, packed(Op::vsmin, kD)),
    BOTH(PMAXUB, packed(Op::vumax, kB)),
    BOTH(PMAXUW, packed(Op::vumax, kW)),
    BOTH(PMAXUD, packed(Op::vumax, kD)),
    BOTH(PMAXSB, packed(Op::vsmax, kB)),
    BOTH(PMAXSW, packed(Op::vsmax, kW)),
    BOTH(PMAXSD, packed(Op::vsmax, kD)),
    BOTH_UNARY(PABSB, packed(Op::vabs, kB)),
    BOTH_UNARY(PABSW, packed(Op::vabs, kW)),
    BOTH_UNARY(PABSD, packed(Op::vabs, kD)),
    BOTH(PSIGNB, packed(Op::vsign, kB)),
    BOTH(PSIGNW, packed(Op::vsign, kW)),
    BOTH(PSIGND, packed(Op::vsign, kD)),
    BOTH(PHADDW, packed(Op::vhadd, kW, kJoined)),
    BOTH(PHADDD, packed(Op::vhadd, kD, kJoined)),
    BOTH(PHADDSW, packed(Op::vhadd_ss, kW, kJoined)),
    BOTH(PHSUBW, packed(Op::vhsub, kW, kJoined)),
    BOTH(PHSUBD, packed(Op::vhsub, kD, kJoined)),
    BOTH(PHSUBSW, packed(Op::vhsub_ss, kW, kJoined)),
    // comparisons, logic
    BOTH(PCMPEQB, packed(Op::vcmeq, kB)),
    BOTH(PCMPEQW, packed(Op::vcmeq, kW)),
    BOTH(PCMPEQD, packed(Op::vcmeq, kD)),
    BOTH(PCMPEQQ, packed(Op::vcmeq, kQ)),
    BOTH(PCMPGTB, packed(Op::vcmgt, kB)),
    BOTH(PCMPGTW, packed(Op::vcmgt, kW)),
    BOTH(PCMPGTD, packed(Op::vcmgt, kD)),
    BOTH(PCMPGTQ, packed(Op::vcmgt, kQ)),
    BOTH(PAND, packed(Op::vand)),
    BOTH(PANDN, packed(Op::vandn, 0, kSwapped)),
    BOTH(POR, packed(Op::vor)),
    BOTH(PXOR, packed(Op::vxor)),
    BOTH(ANDPS, packed(Op::vand)),
    BOTH(ANDPD, packed(Op::vand)),
    BOTH(ANDNPS, packed(Op::vandn, 0, kSwapped)),
    BOTH(ANDNPD, packed(Op::vandn, 0, kSwapped)),
    BOTH(ORPS, packed(Op::vor)),
    BOTH(ORPD, packed(Op::vor)),
    BOTH(XORPS, packed(Op::vxor)),
    BOTH(XORPD, packed(Op::vxor)),
    // packing
    BOTH(PACKSSWB, packed(Op::vpack_ss, kW, kJoined)),
    BOTH(PACKSSDW, packed(Op::vpack_ss, kD, kJoined)),
    BOTH(PACKUSWB, packed(Op::vpack_us, kW, kJoined)),
    BOTH(PACKUSDW, packed(Op::vpack_us, kD, kJoined)),
    BOTH(PUNPCKLBW, packed(Op::vzip1, kB)),
    BOTH(PUNPCKLWD, packed(Op::vzip1, kW)),
    BOTH(PUNPCKLDQ, packed(Op::vzip1, kD)),
    BOTH(PUNPCKLQDQ, packed(Op::vzip1, kQ)),
    BOTH(UNPCKLPS, packed(Op::vzip1, kD)),
    BOTH(UNPCKLPD, packed(Op::vzip1, kQ)),
    BOTH(UNPCKHPS, packed(Op::vzip2, kD)),
    BOTH(UNPCKHPD, packed(Op::vzip2, kQ)),
    BOTH(PUNPCKHQDQ, packed(Op::vzip2, kQ)),
};

// Of MMX the upper half of what the lower halves give.
void lift_unpack_high(Lifter& l, uint32_t lane) {
  const VectorLift v(l);
  lift_packed(l, v.mmx ? packed(Op::vzip1, lane, kUpperHalf) : packed(Op::vzip2, lane));
}

constexpr Row kUnpackRows[] = {
    {ZYDIS_MNEMONIC_PUNPCKHBW, lift_unpack_high, kB}, {ZYDIS_MNEMONIC_VPUNPCKHBW, lift_unpack_high, kB},
    {ZYDIS_MNEMONIC_PUNPCKHWD, lift_unpack_high, kW}, {ZYDIS_MNEMONIC_VPUNPCKHWD, lift_unpack_high, kW},
    {ZYDIS_MNEMONIC_PUNPCKHDQ, lift_unpack_high, kD}, {ZYDIS_MNEMONIC_VPUNPCKHDQ, lift_unpack_high, kD},
};

}  // namespace

Rows vector_packed_rows() { return kRows; }
Rows vector_unpack_rows() { return kUnpackRows; }

}  // namespace mynah::x86
