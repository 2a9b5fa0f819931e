// SPDX-License-Identifier: Apache-2.0
//
// The cryptographic instructions (Arm ARM, C4.1.68). PMULL is in lift_simd_three_different.cpp.
#include "frontend/arm/a64/lift.h"

namespace mynah::arm::a64 {

namespace {

void emit(Lifter& l, uint32_t w, Op op, std::initializer_list<unsigned> sources, uint64_t imm = 0) {
  if (!l.fp_access()) return;
  Value v[3] = {ir::kNoValue, ir::kNoValue, ir::kNoValue};
  size_t count = 0;
  for (unsigned n : sources) v[count++] = l.v(n);
  l.set_v(rd(w), l.b.emit(op, Type::v128, v[0], v[1], v[2], imm));
}
void two(Lifter& l, uint32_t w, Op op) { emit(l, w, op, {rd(w), rn(w)}); }
void three(Lifter& l, uint32_t w, Op op) { emit(l, w, op, {rd(w), rn(w), rm(w)}); }

}  // namespace

void lift_aese(Lifter& l, uint32_t w) { two(l, w, Op::aese); }
void lift_aesd(Lifter& l, uint32_t w) { two(l, w, Op::aesd); }
void lift_aesmc(Lifter& l, uint32_t w) { emit(l, w, Op::aesmc, {rn(w)}); }
void lift_aesimc(Lifter& l, uint32_t w) { emit(l, w, Op::aesimc, {rn(w)}); }

void lift_sha1c(Lifter& l, uint32_t w) { three(l, w, Op::sha1c); }
void lift_sha1p(Lifter& l, uint32_t w) { three(l, w, Op::sha1p); }
void lift_sha1m(Lifter& l, uint32_t w) { three(l, w, Op::sha1m); }
void lift_sha1h(Lifter& l, uint32_t w) { emit(l, w, Op::sha1h, {rn(w)}); }
void lift_sha1su0(Lifter& l, uint32_t w) { three(l, w, Op::sha1su0); }
void lift_sha1su1(Lifter& l, uint32_t w) { two(l, w, Op::sha1su1); }

void lift_sha256h(Lifter& l, uint32_t w) { three(l, w, Op::sha256h); }
void lift_sha256h2(Lifter& l, uint32_t w) { three(l, w, Op::sha256h2); }
void lift_sha256su0(Lifter& l, uint32_t w) { two(l, w, Op::sha256su0); }
void lift_sha256su1(Lifter& l, uint32_t w) { three(l, w, Op::sha256su1); }

void lift_sha512h(Lifter& l, uint32_t w) { three(l, w, Op::sha512h); }
void lift_sha512h2(Lifter& l, uint32_t w) { three(l, w, Op::sha512h2); }
void lift_sha512su0(Lifter& l, uint32_t w) { two(l, w, Op::sha512su0); }
void lift_sha512su1(Lifter& l, uint32_t w) { three(l, w, Op::sha512su1); }

void lift_rax1(Lifter& l, uint32_t w) { emit(l, w, Op::rax1, {rn(w), rm(w)}); }
void lift_xar(Lifter& l, uint32_t w) { emit(l, w, Op::xar, {rn(w), rm(w)}, imm6(w)); }
void lift_eor3(Lifter& l, uint32_t w) {
  if (!l.fp_access()) return;
  l.set_v(rd(w), l.b.vec(Op::vxor, 0, l.b.vec(Op::vxor, 0, l.v(rn(w)), l.v(rm(w))), l.v(ra(w))));
}
void lift_bcax(Lifter& l, uint32_t w) {
  if (!l.fp_access()) return;
  l.set_v(rd(w), l.b.vec(Op::vxor, 0, l.v(rn(w)), l.b.vec(Op::vandn, 0, l.v(rm(w)), l.v(ra(w)))));
}

}  // namespace mynah::arm::a64
