// SPDX-License-Identifier: Apache-2.0
//
// AES, SHA and GF(2^8) ops that are one host instruction each. Those of SHA have no three-operand form.
#include "backend-x86_64/emit_vector.h"

namespace mynah::x86_64 {

using namespace ir::alloc;

void adjust_crypto_rounds(Selector& s, const Inst& inst, Step& step) {
  const Features& f = s.features;
  bool written = f.avx;
  switch (inst.op) {
    case Op::vclmul:
      written &= f.pclmul;
      break;
    case Op::gf_mul:
    case Op::gf_affine:
    case Op::gf_affine_inv:
      written &= f.gfni;
      break;
    case Op::aes_enc:
    case Op::aes_enc_last:
    case Op::aes_dec:
    case Op::aes_dec_last:
    case Op::aes_key_assist:
      written &= f.aes;
      break;
    default:
      written &= f.sha;
  }
  if (!written) return make_generic(step);
  if (inst.op == Op::sha256_rounds2) s.need_register(step, 2, kXmm0);
}

MYNAH_VECTOR(aes_enc) { v.a.vaesenc(v.to, v.x, v.y); }
MYNAH_VECTOR(aes_enc_last) { v.a.vaesenclast(v.to, v.x, v.y); }
MYNAH_VECTOR(aes_dec) { v.a.vaesdec(v.to, v.x, v.y); }
MYNAH_VECTOR(aes_dec_last) { v.a.vaesdeclast(v.to, v.x, v.y); }
MYNAH_VECTOR(aes_key_assist) { v.a.vaeskeygenassist(v.to, v.x, v.imm & 0xff); }
MYNAH_VECTOR(vclmul) { v.a.vpclmulqdq(v.to, v.x, v.y, v.imm & 0x11); }
MYNAH_VECTOR(sha1_rounds4) { v.a.sha1rnds4(v.to, v.y, v.imm & 3); }
MYNAH_VECTOR(sha1_next_e) { v.a.sha1nexte(v.to, v.y); }
MYNAH_VECTOR(sha1_msg1) { v.a.sha1msg1(v.to, v.y); }
MYNAH_VECTOR(sha1_msg2) { v.a.sha1msg2(v.to, v.y); }
MYNAH_VECTOR(sha256_rounds2) { v.a.sha256rnds2(v.to, v.y, x86::xmm0); }
MYNAH_VECTOR(sha256_msg1) { v.a.sha256msg1(v.to, v.y); }
MYNAH_VECTOR(sha256_msg2) { v.a.sha256msg2(v.to, v.y); }
MYNAH_VECTOR(gf_mul) { v.a.vgf2p8mulb(v.to, v.x, v.y); }
MYNAH_VECTOR(gf_affine) { v.a.vgf2p8affineqb(v.to, v.x, v.y, v.imm & 0xff); }
MYNAH_VECTOR(gf_affine_inv) { v.a.vgf2p8affineinvqb(v.to, v.x, v.y, v.imm & 0xff); }

}  // namespace mynah::x86_64
