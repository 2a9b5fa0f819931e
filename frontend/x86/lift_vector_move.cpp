// SPDX-License-Identifier: Apache-2.0
//
// Moves of vectors and of their parts (SDM vol. 1, 5.4.1, 5.5.1.1, 5.6.1.1, 5.6.2, 5.7.2, 5.7.3), AVX's forms
// of them, and conditional moves of bytes. Non-temporal ones are moves. Masked moves of AVX are in
// lift_avx.cpp.
#include "frontend/x86/lift_vector.h"

namespace mynah::x86 {

namespace {

constexpr Value kNone = ir::kNoValue;

// --- whole vectors

void lift_move(Lifter& l, uint32_t alignment) {
  VectorLift v(l);
  if (!v.begin()) return;
  const auto how = static_cast<VectorLift::Alignment>(alignment);
  if (v.operand(0).is_memory()) return v.store(v.operand(0), v.read(1), how);
  v.write(0, v.read(1, how));
}

// MOVD, MOVQ: between general registers, vectors' low parts and memory.
void lift_move_low(Lifter& l, uint32_t) {
  VectorLift v(l);
  if (!v.begin()) return;
  const Operand &to = l.operand(0), &from = l.operand(1);
  ir::Builder& b = l.b;
  if (to.reg_class == RegisterClass::kMmx) {
    const Value bits = from.reg_class == RegisterClass::kMmx ? l.mmx(from.reg) : l.wide(l.read(from));
    l.enter_mmx();
    return l.set_mmx(to.reg, bits);
  }
  if (from.reg_class == RegisterClass::kMmx) {
    const Value bits = l.mmx(from.reg);
    l.write(to, to.bits == 64 ? bits : b.trunc(bits));
    return l.enter_mmx();
  }
  if (to.reg_class == RegisterClass::kXmm) {
    if (from.reg_class == RegisterClass::kGeneral) return v.write(0, v.of_integer(l.read(from)));
    const Value x = v.read(from).low();
    return v.write(0, from.is_memory() ? x : b.emit(Op::vlow64, Type::v128, x));
  }
  const Halves x = v.read(from);
  if (to.is_memory()) return v.store(to, x);
  l.write(to, v.lane(x.low(), to.bits == 64 ? 3 : 2, 0, Lifter::type_of(to.bits)));
}

void lift_mmx_to_xmm(Lifter& l, uint32_t) {
  VectorLift v(l);
  if (!v.begin()) return;
  v.write(0, v.read(1));
}

void lift_xmm_to_mmx(Lifter& l, uint32_t) {
  VectorLift v(l);
  if (!v.begin()) return;
  v.write(0, v.read(1));
}

// --- parts of vectors

// MOVSS, MOVSD: lane 0; from memory with zeros above, to memory, or merged into the first source.
void lift_scalar(Lifter& l, uint32_t lane) {
  VectorLift v(l);
  if (!v.begin()) return;
  if (v.operand(0).is_memory()) return v.store(v.operand(0), v.read(1));
  if (v.operand(1).is_memory()) return v.write(0, v.read(1));
  const unsigned first = v.first_source();
  const Value x = v.read(first).low(), y = v.read(first + 1).low();
  v.write(0, l.b.vec(Op::vblend_imm, lane, x, y, kNone, 1));
}

// MOVLPS, MOVLPD, MOVHPS, MOVHPD: one half from or to memory.
void lift_half(Lifter& l, uint32_t high) {
  VectorLift v(l);
  if (!v.begin()) return;
  ir::Builder& b = l.b;
  if (v.operand(0).is_memory()) {
    Value x = v.read(1).low();
    if (high) x = b.vec(Op::vzip2, 3, x, x);
    return v.store(v.operand(0), {{x, kNone}});
  }
  const unsigned first = v.first_source();
  const Value y = v.read(first + 1).low(), x = v.read(first).low();
  v.write(0, high ? b.vec(Op::vzip1, 3, x, y) : b.vec(Op::vblend_imm, 3, x, y, kNone, 1));
}

void lift_movlhps(Lifter& l, uint32_t) {
  VectorLift v(l);
  if (!v.begin()) return;
  const unsigned first = v.first_source();
  v.write(0, l.b.vec(Op::vzip1, 3, v.read(first).low(), v.read(first + 1).low()));
}
void lift_movhlps(Lifter& l, uint32_t) {
  VectorLift v(l);
  if (!v.begin()) return;
  const unsigned first = v.first_source();
  v.write(0, l.b.vec(Op::vzip2, 3, v.read(first + 1).low(), v.read(first).low()));
}

// MOVDDUP: of 128 bits the source has 64.
void lift_movddup(Lifter& l, uint32_t) {
  VectorLift v(l);
  if (!v.begin()) return;
  v.write(0, v.each(v.read(1), [&](Value x) { return l.b.vec(Op::vzip1, 3, x, x); }));
}
// MOVSLDUP, MOVSHDUP.
void lift_dup_words(Lifter& l, uint32_t order) {
  VectorLift v(l);
  if (!v.begin()) return;
  v.write(0, v.each(v.read(1), [&](Value x) { return l.b.vec(Op::vperm_imm, 0, x, kNone, kNone, order); }));
}

// --- lanes to and from general registers and memory

void lift_extract(Lifter& l, uint32_t lane) {
  VectorLift v(l);
  if (!v.begin()) return;
  const Operand& to = l.operand(0);
  const unsigned lanes = (v.mmx ? 8u : 16u) >> lane;
  const Value x = v.read(1).low();
  const Type type = to.is_register() ? Lifter::type_of(to.bits) : lane == 3 ? Type::i64 : Type::i32;
  l.write(to, v.lane(x, lane, v.imm() & (lanes - 1), type));
  v.end_mmx();
}

void lift_insert(Lifter& l, uint32_t lane) {
  VectorLift v(l);
  if (!v.begin()) return;
  const unsigned first = v.first_source() && l.i.operand_count == 4 ? 1 : 0;
  const unsigned lanes = (v.mmx ? 8u : 16u) >> lane;
  const Operand& from = l.operand(first + 1);
  const Value value = l.read(from), x = v.read(first).low();
  v.write(0, l.b.vec(Op::vinsert, lane, x, value, kNone, v.imm() & (lanes - 1)));
}

// INSERTPS: a word from memory is the source's only one.
void lift_insertps(Lifter& l, uint32_t) {
  VectorLift v(l);
  if (!v.begin()) return;
  const unsigned first = l.i.operand_count == 4 ? 1 : 0;
  const Operand& from = l.operand(first + 1);
  const Value y = v.read(from).low(), x = v.read(first).low();
  v.write(0, l.b.vec(Op::vins_zero, 0, x, y, kNone, from.is_memory() ? v.imm() & 0x3f : v.imm()));
}

// Top bits of lanes.
void lift_mask(Lifter& l, uint32_t lane) {
  VectorLift v(l);
  if (!v.begin()) return;
  ir::Builder& b = l.b;
  const Halves x = v.read(1);
  const auto bits = [&](Value half) {
    return b.emit(Op::vmask, Type::i32, half, kNone, kNone, 0, static_cast<uint8_t>(lane));
  };
  Value mask = bits(x.low());
  if (v.halves == 2) mask = b.binary(Op::or_, mask, b.binary(Op::shl, bits(x.high()), b.i32(16u >> lane)));
  l.set_reg(l.operand(0).reg, 32, mask);
  v.end_mmx();
}

// --- MASKMOVQ, MASKMOVDQU: bytes of [rDI] where the mask's top bits are. The whole is to be writable, and
// MMX state is entered first, as AMD's processors do; the manual leaves both open.
void lift_mask_move(Lifter& l, uint32_t) {
  VectorLift v(l);
  if (!v.begin()) return;
  ir::Builder& b = l.b;
  const Value x = v.read(0).low(), mask = v.read(1).low();
  v.end_mmx();
  const unsigned segment = l.i.segment_override == kNoRegister ? unsigned{kDs} : l.i.segment_override;
  const unsigned bits = l.i.address_bits;
  const Value rdi = bits == 64 ? l.reg64(kRdi) : b.zext32(l.zx(l.reg(kRdi, 32), bits));
  const Lifter::Place p =
      l.place_at(segment, rdi, {.bytes = v.mmx ? 8u : 16u, .write = true, .read_write = true, .element = 3});
  if (v.mmx) {
    const Value merged = b.vec(Op::vblend_sign, 0, v.of_integer(l.load(p, 64)), x, mask);
    l.store(p, 64, v.lane(merged, 3, 0, Type::i64));
  } else {
    l.store_vector(p, b.vec(Op::vblend_sign, 0, l.load_vector(p), x, mask));
  }
  l.stored_to(p);
}

constexpr uint32_t kAny = VectorLift::kUnaligned, kFixed = VectorLift::kAligned;
#define BOTH(name, lift, argument) \
  {ZYDIS_MNEMONIC_##name, lift, argument}, { ZYDIS_MNEMONIC_V##name, lift, argument }

constexpr Row kRows[] = {
    BOTH(MOVAPS, lift_move, kFixed),
    BOTH(MOVAPD, lift_move, kFixed),
    BOTH(MOVDQA, lift_move, kFixed),
    BOTH(MOVUPS, lift_move, kAny),
    BOTH(MOVUPD, lift_move, kAny),
    BOTH(MOVDQU, lift_move, kAny),
    BOTH(LDDQU, lift_move, kAny),
    BOTH(MOVNTDQ, lift_move, kFixed),
    BOTH(MOVNTDQA, lift_move, kFixed),
    BOTH(MOVNTPS, lift_move, kFixed),
    BOTH(MOVNTPD, lift_move, kFixed),
    {ZYDIS_MNEMONIC_MOVNTQ, lift_move_low},
    BOTH(MOVD, lift_move_low, 0),
    BOTH(MOVQ, lift_move_low, 0),
    {ZYDIS_MNEMONIC_MOVQ2DQ, lift_mmx_to_xmm},
    {ZYDIS_MNEMONIC_MOVDQ2Q, lift_xmm_to_mmx},
    BOTH(MOVSS, lift_scalar, 2),
    {ZYDIS_MNEMONIC_VMOVSD, lift_scalar, 3},
    BOTH(MOVLPS, lift_half, 0),
    BOTH(MOVLPD, lift_half, 0),
    BOTH(MOVHPS, lift_half, 1),
    BOTH(MOVHPD, lift_half, 1),
    BOTH(MOVLHPS, lift_movlhps, 0),
    BOTH(MOVHLPS, lift_movhlps, 0),
    BOTH(MOVDDUP, lift_movddup, 0),
    BOTH(MOVSLDUP, lift_dup_words, 0xa0),
    BOTH(MOVSHDUP, lift_dup_words, 0xf5),
    BOTH(PEXTRB, lift_extract, 0),
    BOTH(PEXTRW, lift_extract, 1),
    BOTH(PEXTRD, lift_extract, 2),
    BOTH(PEXTRQ, lift_extract, 3),
    BOTH(EXTRACTPS, lift_extract, 2),
    BOTH(PINSRB, lift_insert, 0),
    BOTH(PINSRW, lift_insert, 1),
    BOTH(PINSRD, lift_insert, 2),
    BOTH(PINSRQ, lift_insert, 3),
    BOTH(INSERTPS, lift_insertps, 0),
    BOTH(PMOVMSKB, lift_mask, 0),
    BOTH(MOVMSKPS, lift_mask, 2),
    BOTH(MOVMSKPD, lift_mask, 3),
    {ZYDIS_MNEMONIC_MASKMOVQ, lift_mask_move},
    BOTH(MASKMOVDQU, lift_mask_move, 0),
};

}  // namespace

void lift_scalar_movsd(Lifter& l) { lift_scalar(l, 3); }

Rows vector_move_rows() { return kRows; }

}  // namespace mynah::x86
