// SPDX-License-Identifier: Apache-2.0
//
// What AVX and AVX2 have beyond SSE (SDM vol. 1, 14.1 to 14.7): broadcasts, halves moved and permuted, masked
// moves, gathers.
#include <bit>

#include "frontend/x86/lift_vector.h"
#include "frontend/x86/vector_helpers.h"

namespace mynah::x86 {

namespace {

constexpr Value kNone = ir::kNoValue;
constexpr unsigned kB = 0, kW = 1, kD = 2, kQ = 3;

void lift_broadcast(Lifter& l, uint32_t lane) {
  VectorLift v(l);
  if (!v.begin()) return;
  const Value x = l.b.vec(Op::vdup_lane, lane, v.read(1).low());
  v.write(0, {{x, v.halves == 2 ? x : kNone}});
}
void lift_broadcast_half(Lifter& l, uint32_t) {
  VectorLift v(l);
  if (!v.begin()) return;
  const Value x = v.read(1).low();
  v.write(0, {{x, x}});
}

void lift_insert_half(Lifter& l, uint32_t) {
  VectorLift v(l);
  if (!v.begin()) return;
  const Value half = v.read(2).low();
  Halves x = v.read(1);
  x.half[v.imm() & 1] = half;
  v.write(0, x);
}
void lift_extract_half(Lifter& l, uint32_t) {
  VectorLift v(l);
  if (!v.begin()) return;
  const Value half = v.read(1).half[v.imm() & 1];
  if (l.operand(0).is_memory()) return v.store(l.operand(0), {{half, kNone}});
  v.write(0, half);
}

// VPERM2F128, VPERM2I128: each half is one of four, or zero.
void lift_permute_halves(Lifter& l, uint32_t) {
  VectorLift v(l);
  if (!v.begin()) return;
  const Halves y = v.read(2), x = v.read(1);
  const Value from[4] = {x.low(), x.high(), y.low(), y.high()};
  const auto pick = [&](unsigned how) { return how & 8 ? v.zero() : from[how & 3]; };
  v.write(0, {{pick(v.imm()), pick(v.imm() >> 4)}});
}

// VPERMQ, VPERMPD: doublewords of both halves, by an immediate.
void lift_permute_quads(Lifter& l, uint32_t) {
  VectorLift v(l);
  if (!v.begin()) return;
  const Halves x = v.read(1);
  Halves r;
  for (unsigned h = 0; h < 2; ++h) {
    const unsigned first = v.imm() >> 4 * h & 3, second = v.imm() >> (4 * h + 2) & 3;
    r.half[h] = l.b.vec(Op::vshuf_imm, kQ, x.half[first >> 1], x.half[second >> 1], kNone,
                        (first & 1) | (second & 1) << 1);
  }
  v.write(0, r);
}

// VPERMD, VPERMPS: words of both halves, by a vector, whose bit 2 tells the half.
void lift_permute_words(Lifter& l, uint32_t) {
  VectorLift v(l);
  if (!v.begin()) return;
  ir::Builder& b = l.b;
  const Halves x = v.read(2), by = v.read(1);
  v.write(0, v.each(by, [&](Value order) {
    return b.vec(Op::vblend_sign, kD, b.vec(Op::vperm_by, kD, x.low(), order),
                 b.vec(Op::vperm_by, kD, x.high(), order), b.vec(Op::vshl_imm, kD, order, kNone, kNone, 29));
  }));
}

void lift_zero(Lifter& l, uint32_t all) {
  VectorLift v(l);
  if (!v.begin()) return;
  const unsigned n = l.code64() ? 16 : 8;
  for (unsigned i = 0; i < n; ++i) {
    l.b.set(slot_ymm_high(i), v.zero());
    if (all) l.b.set(slot_xmm(i), v.zero());
  }
}

// --- lane by lane, in helpers

Value call_lanes(Lifter& l, Helper helper, const Operand& memory, LaneAccess a) {
  a.segment = memory.segment;
  a.address_bits = l.i.address_bits;
  return l.call(helper, Type::none, l.effective_address(memory), l.b.i64(pack(a)));
}

// VMASKMOVPS, VPMASKMOVD, ...
void lift_masked_move(Lifter& l, uint32_t lane) {
  VectorLift v(l);
  if (!v.begin()) return;
  const bool stores = l.operand(0).is_memory();
  LaneAccess a{.data = l.operand(stores ? 2 : 0).reg,
               .mask = l.operand(1).reg,
               .element = static_cast<uint8_t>(lane),
               .wide = v.halves == 2};
  if (stores) l.cut();
  call_lanes(l, stores ? Helper::kMaskedStore : Helper::kMaskedLoad, l.operand(stores ? 0 : 2), a);
  l.stored |= stores;
}

// The argument: lanes of data, and of the index from bit 4 on.
void lift_gather(Lifter& l, uint32_t lanes) {
  VectorLift v(l);
  if (!v.begin()) return;
  const Operand &data = l.operand(0), &memory = l.operand(1), &mask = l.operand(2);
  if (data.reg == mask.reg || data.reg == memory.index || mask.reg == memory.index) return l.undefined();
  call_lanes(l, Helper::kGather, memory,
             {.data = data.reg,
              .mask = mask.reg,
              .index = memory.index,
              .element = static_cast<uint8_t>(lanes & 3),
              .index_element = static_cast<uint8_t>(lanes >> 4),
              .scale = static_cast<uint8_t>(std::countr_zero(unsigned{memory.scale})),
              .wide = v.halves == 2 || l.i.vector_bits == 256});
}

constexpr uint32_t gather(unsigned data, unsigned index) { return data | index << 4; }
constexpr Row kRows[] = {
    {ZYDIS_MNEMONIC_VBROADCASTSS, lift_broadcast, kD},
    {ZYDIS_MNEMONIC_VBROADCASTSD, lift_broadcast, kQ},
    {ZYDIS_MNEMONIC_VBROADCASTF128, lift_broadcast_half},
    {ZYDIS_MNEMONIC_VBROADCASTI128, lift_broadcast_half},
    {ZYDIS_MNEMONIC_VPBROADCASTB, lift_broadcast, kB},
    {ZYDIS_MNEMONIC_VPBROADCASTW, lift_broadcast, kW},
    {ZYDIS_MNEMONIC_VPBROADCASTD, lift_broadcast, kD},
    {ZYDIS_MNEMONIC_VPBROADCASTQ, lift_broadcast, kQ},
    {ZYDIS_MNEMONIC_VINSERTF128, lift_insert_half},
    {ZYDIS_MNEMONIC_VINSERTI128, lift_insert_half},
    {ZYDIS_MNEMONIC_VEXTRACTF128, lift_extract_half},
    {ZYDIS_MNEMONIC_VEXTRACTI128, lift_extract_half},
    {ZYDIS_MNEMONIC_VPERM2F128, lift_permute_halves},
    {ZYDIS_MNEMONIC_VPERM2I128, lift_permute_halves},
    {ZYDIS_MNEMONIC_VPERMQ, lift_permute_quads},
    {ZYDIS_MNEMONIC_VPERMPD, lift_permute_quads},
    {ZYDIS_MNEMONIC_VPERMD, lift_permute_words},
    {ZYDIS_MNEMONIC_VPERMPS, lift_permute_words},
    {ZYDIS_MNEMONIC_VZEROUPPER, lift_zero, 0},
    {ZYDIS_MNEMONIC_VZEROALL, lift_zero, 1},
    {ZYDIS_MNEMONIC_VMASKMOVPS, lift_masked_move, kD},
    {ZYDIS_MNEMONIC_VMASKMOVPD, lift_masked_move, kQ},
    {ZYDIS_MNEMONIC_VPMASKMOVD, lift_masked_move, kD},
    {ZYDIS_MNEMONIC_VPMASKMOVQ, lift_masked_move, kQ},
    {ZYDIS_MNEMONIC_VPGATHERDD, lift_gather, gather(kD, kD)},
    {ZYDIS_MNEMONIC_VPGATHERDQ, lift_gather, gather(kQ, kD)},
    {ZYDIS_MNEMONIC_VPGATHERQD, lift_gather, gather(kD, kQ)},
    {ZYDIS_MNEMONIC_VPGATHERQQ, lift_gather, gather(kQ, kQ)},
    {ZYDIS_MNEMONIC_VGATHERDPS, lift_gather, gather(kD, kD)},
    {ZYDIS_MNEMONIC_VGATHERDPD, lift_gather, gather(kQ, kD)},
    {ZYDIS_MNEMONIC_VGATHERQPS, lift_gather, gather(kD, kQ)},
    {ZYDIS_MNEMONIC_VGATHERQPD, lift_gather, gather(kQ, kQ)},
};

}  // namespace

Rows avx_rows() { return kRows; }

}  // namespace mynah::x86
