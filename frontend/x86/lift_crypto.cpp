// SPDX-License-Identifier: Apache-2.0
//
// AES, PCLMULQDQ, SHA, GF(2^8) (SDM vol. 1, 5.11 to 5.13, 5.20, 5.21), VAES and VPCLMULQDQ; and the text
// instructions of SSE4.2 (5.10.5).
#include "frontend/x86/lift_vector.h"
#include "ir/strings.h"

namespace mynah::x86 {

namespace {

constexpr Value kNone = ir::kNoValue;

// SHA256RNDS2: the words are XMM0's.
void lift_sha256_rounds(Lifter& l, uint32_t) {
  VectorLift v(l);
  if (!v.begin()) return;
  const Value y = v.read(1).low(), x = v.read(0).low();
  v.write(0, l.b.vec(Op::sha256_rounds2, 0, x, y, v.get(0)));
}

// --- PCMPISTRI, PCMPISTRM, PCMPESTRI, PCMPESTRM: the text need not be aligned
enum : uint32_t { kMask = 1, kLengths = 2 };

// EAX or RAX: beyond 32 bits as long as can be.
Value length_of(Lifter& l, unsigned reg) {
  ir::Builder& b = l.b;
  if (l.i.operand_bits != 64) return b.zext32(l.reg(reg, 32));
  const Value n = l.reg64(reg), low = b.zext32(b.trunc(n));
  const Value fits = b.icmp(Cond::eq, b.sext32(b.trunc(n)), n);
  return b.select(fits, low, b.i64(0x7fffffff));
}

void lift_strings(Lifter& l, uint32_t how) {
  VectorLift v(l);
  if (!v.begin()) return;
  ir::Builder& b = l.b;
  const Value y = v.read(1, VectorLift::kUnaligned).low(), x = v.read(0).low();
  Value lengths = kNone;
  if (how & kLengths)
    lengths = b.binary(Op::or_, length_of(l, kRax), b.binary(Op::shl, length_of(l, kRdx), b.i64(32)));
  const auto emit = [&](Op plain, Op with_lengths, Type type) {
    return b.emit(how & kLengths ? with_lengths : plain, type, x, y, lengths, v.imm() & 0x7f);
  };
  l.set_flags(emit(Op::vstr_flags, Op::vstrl_flags, Type::flags));
  if (how & kMask) {
    b.set(slot_xmm(0), emit(Op::vstr_mask, Op::vstrl_mask, Type::v128));
    if (v.vex()) b.set(slot_ymm_high(0), v.zero());
  } else {
    l.set_reg(kRcx, 32, emit(Op::vstr_index, Op::vstrl_index, Type::i32));
  }
}

#define BOTH(name, lift, ...) \
  {ZYDIS_MNEMONIC_##name, lift, __VA_ARGS__}, { ZYDIS_MNEMONIC_V##name, lift, __VA_ARGS__ }

constexpr Row kRows[] = {
    BOTH(AESENC, lift_packed, packed(Op::aes_enc)),
    BOTH(AESENCLAST, lift_packed, packed(Op::aes_enc_last)),
    BOTH(AESDEC, lift_packed, packed(Op::aes_dec)),
    BOTH(AESDECLAST, lift_packed, packed(Op::aes_dec_last)),
    BOTH(AESIMC, lift_packed_unary, packed(Op::aesimc)),
    BOTH(AESKEYGENASSIST, lift_packed_unary, packed(Op::aes_key_assist)),
    BOTH(PCLMULQDQ, lift_packed, packed(Op::vclmul)),
    {ZYDIS_MNEMONIC_SHA1RNDS4, lift_packed, packed(Op::sha1_rounds4)},
    {ZYDIS_MNEMONIC_SHA1NEXTE, lift_packed, packed(Op::sha1_next_e)},
    {ZYDIS_MNEMONIC_SHA1MSG1, lift_packed, packed(Op::sha1_msg1)},
    {ZYDIS_MNEMONIC_SHA1MSG2, lift_packed, packed(Op::sha1_msg2)},
    {ZYDIS_MNEMONIC_SHA256RNDS2, lift_sha256_rounds},
    {ZYDIS_MNEMONIC_SHA256MSG1, lift_packed, packed(Op::sha256_msg1)},
    {ZYDIS_MNEMONIC_SHA256MSG2, lift_packed, packed(Op::sha256_msg2)},
    BOTH(GF2P8MULB, lift_packed, packed(Op::gf_mul)),
    BOTH(GF2P8AFFINEQB, lift_packed, packed(Op::gf_affine)),
    BOTH(GF2P8AFFINEINVQB, lift_packed, packed(Op::gf_affine_inv)),
    BOTH(PCMPISTRI, lift_strings, 0),
    BOTH(PCMPISTRM, lift_strings, kMask),
    BOTH(PCMPESTRI, lift_strings, kLengths),
    BOTH(PCMPESTRM, lift_strings, kLengths | kMask),
};

}  // namespace

Rows crypto_rows() { return kRows; }

}  // namespace mynah::x86
