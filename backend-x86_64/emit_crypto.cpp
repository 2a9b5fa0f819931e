// SPDX-License-Identifier: Apache-2.0
//
// AES and SHA on the host's instructions for them. Arm numbers lanes from the state's first word, x86 from
// its last one, and both cut the work differently; SHA-512 has no host instructions and takes the generic
// expansion.
#include "backend-x86_64/emit_vector.h"

namespace mynah::x86_64 {

using namespace ir::alloc;

void adjust_crypto(Selector& s, const Inst& inst, Step& step) {
  const Features& f = s.features;
  bool written = f.avx;
  switch (inst.op) {
    case Op::aese:
    case Op::aesd:
    case Op::aesmc:
    case Op::aesimc:
      written &= f.aes;
      break;
    case Op::sha1c:
    case Op::sha1p:
    case Op::sha1m:
    case Op::sha256h:
    case Op::sha256h2:
    case Op::sha256su0:
    case Op::sha256su1:
      written &= f.sha;
      break;
    default:
      break;
  }
  if (!written) return make_generic(step);
  if (inst.op == Op::sha256h || inst.op == Op::sha256h2) {
    // The host's rounds take their words from xmm0, two at a time.
    s.need_register(step, 2, kXmm0);
    step.clobbers = regs(kXmm0);
  }
}

// --- AES. Arm adds the key in front of a round, x86 behind it: with a key of zeros there.

MYNAH_VECTOR(aese) {
  v.zero(v.t);
  v.a.vpxor(v.s, v.x, v.y);
  v.a.vaesenclast(v.to, v.s, v.t);
}
MYNAH_VECTOR(aesd) {
  v.zero(v.t);
  v.a.vpxor(v.s, v.x, v.y);
  v.a.vaesdeclast(v.to, v.s, v.t);
}

// Behind an aese of its own (kFusedRound, whose operands these then are) a whole round; else a round from
// which the inverse of all but its last part was taken in advance.
MYNAH_VECTOR(aesmc) {
  v.zero(v.t);
  if (v.r.step.target & kFusedRound)
    v.a.vpxor(v.s, v.x, v.y);
  else
    v.a.vaesdeclast(v.s, v.x, v.t);
  v.a.vaesenc(v.to, v.s, v.t);
}
MYNAH_VECTOR(aesimc) {
  if (!(v.r.step.target & kFusedRound)) {
    v.a.vaesimc(v.to, v.x);
    return;
  }
  v.zero(v.t);
  v.a.vpxor(v.s, v.x, v.y);
  v.a.vaesdec(v.to, v.s, v.t);
}

// --- CRC-32, 04c11db7, the highest power in bit 0. The message of n bytes, its first four with the old
// checksum added, is divided by the polynomial in 64 bits: the quotient is the product with the reciprocal,
// and the remainder is what the quotient's product with the polynomial has beyond them. Bytes of the old
// checksum beyond n are only shifted.
void emit_crc32_products(Emitter& e, const Inst& inst, const Regs& r) {
  const x86::Xmm s = x86::xmm15;
  const unsigned bits = 8u * inst.data_bytes();
  const x86::Gp to = e.r32(r.result());
  e.a.mov(x86::eax, to);
  if (bits == 64)
    e.a.xor_(x86::rax, e.r64(r[1]));
  else
    e.a.xor_(x86::eax, e.r32(r[1]));
  if (bits < 64) e.a.shl(x86::rax, 64 - bits);
  e.a.vmovq(s, x86::rax);
  e.constant(Id::kIdVpclmulqdq, s, s, K::kCrc32, 0x00);
  e.constant(Id::kIdVpclmulqdq, s, s, K::kCrc32, 0x10);
  if (bits < 32) {
    e.a.vpextrd(x86::eax, s, 2);
    e.a.shr(to, bits);
    e.a.xor_(to, x86::eax);
  } else {
    e.a.vpextrd(to, s, 2);
  }
}

// --- SHA-1. x: a, b, c, d; y: e; z: words with the rounds' constant, which the host adds by itself.
namespace {

void sha1_rounds(Vector& v, K constant, unsigned kind) {
  v.op(Id::kIdVpsubd, v.t, v.z, constant);
  v.a.vinsertps(v.s, v.y, v.y, 0x0e);
  v.a.vpaddd(v.t, v.t, v.s);
  v.op(Id::kIdVpshufd, v.t, v.t, 0x1bu);
  v.op(Id::kIdVpshufd, v.s, v.x, 0x1bu);
  v.a.sha1rnds4(v.s, v.t, kind);
  v.op(Id::kIdVpshufd, v.to, v.s, 0x1bu);
}

// s = p rotated left by n in every word; p may be s. Uses t.
void rotate_words(Vector& v, const x86::Xmm& p, unsigned n) {
  v.op(Id::kIdVpsrld, v.t, p, 32 - n);
  v.op(Id::kIdVpslld, v.s, p, n);
  v.a.vpor(v.s, v.s, v.t);
}

}  // namespace

MYNAH_VECTOR(sha1c) { sha1_rounds(v, K::kSha1A, 0); }
MYNAH_VECTOR(sha1p) { sha1_rounds(v, K::kSha1B, 1); }
MYNAH_VECTOR(sha1m) { sha1_rounds(v, K::kSha1C, 2); }

MYNAH_VECTOR(sha1h) {
  rotate_words(v, v.x, 30);
  v.op(Id::kIdVpand, v.to, v.s, K::kFirst32);
}
MYNAH_VECTOR(sha1su0) {
  v.a.vshufpd(v.s, v.x, v.y, 1);
  v.a.vpxor(v.s, v.s, v.x);
  v.a.vpxor(v.to, v.s, v.z);
}
// The last word also takes the first one, which its neighbour's rotation has made ready.
MYNAH_VECTOR(sha1su1) {
  v.a.vpsrldq(v.s, v.y, 4);
  v.a.vpxor(v.s, v.s, v.x);
  rotate_words(v, v.s, 1);
  v.a.vpslldq(v.t, v.s, 12);
  // The operands have been read.
  v.op(Id::kIdVpsrld, v.to, v.t, 31u);
  v.a.vpaddd(v.t, v.t, v.t);
  v.a.vpor(v.to, v.to, v.t);
  v.a.vpxor(v.to, v.to, v.s);
}

// --- SHA-256. The host keeps A, B, E, F in one register and C, D, G, H in the other, the first highest, and
// does two rounds; the old first half is the new second one.
namespace {

// s, t = the two halves after four rounds.
void sha256_rounds(Vector& v, const x86::Xmm& abcd, const x86::Xmm& efgh) {
  v.a.vshufps(v.s, efgh, abcd, 0x11);
  v.a.vshufps(v.t, efgh, abcd, 0xbb);
  v.a.sha256rnds2(v.t, v.s, x86::xmm0);
  v.op(Id::kIdVpshufd, x86::xmm0, x86::xmm0, 0x0eu);
  v.a.sha256rnds2(v.s, v.t, x86::xmm0);
}

}  // namespace

MYNAH_VECTOR(sha256h) {
  sha256_rounds(v, v.x, v.y);
  v.a.vshufps(v.to, v.s, v.t, 0xbb);
}
MYNAH_VECTOR(sha256h2) {
  sha256_rounds(v, v.y, v.x);
  v.a.vshufps(v.to, v.s, v.t, 0x11);
}
MYNAH_VECTOR(sha256su0) {
  v.copy(v.s, v.x);
  v.a.sha256msg1(v.s, v.y);
  v.copy(v.to, v.s);
}
MYNAH_VECTOR(sha256su1) {
  v.a.vpalignr(v.s, v.z, v.y, 4);
  v.a.vpaddd(v.s, v.s, v.x);
  v.a.sha256msg2(v.s, v.z);
  v.copy(v.to, v.s);
}

// --- SHA-3

namespace {

// to = p rotated right by n in every doubleword; p is s, or an operand that to may share. Uses s and t.
void rotate_doublewords(Vector& v, const x86::Xmm& d, const x86::Xmm& p, unsigned n) {
  if (n == 0) return v.copy(d, p);
  v.op(Id::kIdVpsllq, v.t, p, 64 - n);
  v.op(Id::kIdVpsrlq, v.s, p, n);
  v.a.vpor(d, v.s, v.t);
}

}  // namespace

MYNAH_VECTOR(rax1) {
  rotate_doublewords(v, v.s, v.y, 63);
  v.a.vpxor(v.to, v.s, v.x);
}
MYNAH_VECTOR(xar) {
  v.a.vpxor(v.s, v.x, v.y);
  rotate_doublewords(v, v.to, v.s, v.imm & 63);
}

}  // namespace mynah::x86_64
