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

// SHA-512 in general registers, which hosts without such instructions are best at.
struct Doublewords {
  Value lo, hi;
};
Doublewords doublewords(Lifter& l, unsigned n) {
  const Value v = l.v(n);
  const auto lane = [&](unsigned i) {
    return l.b.emit(Op::vextract, Type::i64, v, ir::kNoValue, ir::kNoValue, i, 3);
  };
  return {lane(0), lane(1)};
}
void set_doublewords(Lifter& l, unsigned n, Doublewords d) {
  l.set_v(n, l.b.emit(Op::vpair, Type::v128, d.lo, d.hi));
}
Value rotated(Lifter& l, Value x, unsigned n) { return l.b.binary(Op::ror, x, l.b.i64(n)); }
Value xor3(Lifter& l, Value x, Value y, Value z) {
  return l.b.binary(Op::xor_, l.b.binary(Op::xor_, x, y), z);
}
Value add3(Lifter& l, Value x, Value y, Value z) { return l.b.add(l.b.add(x, y), z); }
// The names of FIPS 180-4.
Value big_sigma0(Lifter& l, Value x) {
  return xor3(l, rotated(l, x, 28), rotated(l, x, 34), rotated(l, x, 39));
}
Value big_sigma1(Lifter& l, Value x) {
  return xor3(l, rotated(l, x, 14), rotated(l, x, 18), rotated(l, x, 41));
}
Value small_sigma0(Lifter& l, Value x) {
  return xor3(l, rotated(l, x, 1), rotated(l, x, 8), l.b.binary(Op::lshr, x, l.b.i64(7)));
}
Value small_sigma1(Lifter& l, Value x) {
  return xor3(l, rotated(l, x, 19), rotated(l, x, 61), l.b.binary(Op::lshr, x, l.b.i64(6)));
}
Value choice(Lifter& l, Value x, Value y, Value z) {
  return l.b.binary(Op::xor_, l.b.binary(Op::and_, x, y), l.b.binary(Op::andn, z, x));
}
Value majority(Lifter& l, Value x, Value y, Value z) {
  return l.b.binary(Op::xor_, l.b.binary(Op::and_, x, y),
                    l.b.binary(Op::and_, z, l.b.binary(Op::xor_, x, y)));
}

}  // namespace

void lift_aese(Lifter& l, Fields<Encoding::aese> w) { two(l, w, Op::aese); }
void lift_aesd(Lifter& l, Fields<Encoding::aesd> w) { two(l, w, Op::aesd); }
void lift_aesmc(Lifter& l, Fields<Encoding::aesmc> w) { emit(l, w, Op::aesmc, {rn(w)}); }
void lift_aesimc(Lifter& l, Fields<Encoding::aesimc> w) { emit(l, w, Op::aesimc, {rn(w)}); }

void lift_sha1c(Lifter& l, Fields<Encoding::sha1c> w) { three(l, w, Op::sha1c); }
void lift_sha1p(Lifter& l, Fields<Encoding::sha1p> w) { three(l, w, Op::sha1p); }
void lift_sha1m(Lifter& l, Fields<Encoding::sha1m> w) { three(l, w, Op::sha1m); }
void lift_sha1h(Lifter& l, Fields<Encoding::sha1h> w) { emit(l, w, Op::sha1h, {rn(w)}); }
void lift_sha1su0(Lifter& l, Fields<Encoding::sha1su0> w) { three(l, w, Op::sha1su0); }
void lift_sha1su1(Lifter& l, Fields<Encoding::sha1su1> w) { two(l, w, Op::sha1su1); }

void lift_sha256h(Lifter& l, Fields<Encoding::sha256h> w) { three(l, w, Op::sha256h); }
void lift_sha256h2(Lifter& l, Fields<Encoding::sha256h2> w) { three(l, w, Op::sha256h2); }
void lift_sha256su0(Lifter& l, Fields<Encoding::sha256su0> w) { two(l, w, Op::sha256su0); }
void lift_sha256su1(Lifter& l, Fields<Encoding::sha256su1> w) { three(l, w, Op::sha256su1); }

void lift_sha512h(Lifter& l, Fields<Encoding::sha512h> w) {
  if (!l.fp_access()) return;
  const Doublewords d = doublewords(l, rd(w)), x = doublewords(l, rn(w)), y = doublewords(l, rm(w));
  const Value hi = add3(l, choice(l, y.hi, x.lo, x.hi), big_sigma1(l, y.hi), d.hi);
  const Value t = l.b.add(hi, y.lo);
  set_doublewords(l, rd(w), {add3(l, choice(l, t, y.hi, x.lo), big_sigma1(l, t), d.lo), hi});
}
void lift_sha512h2(Lifter& l, Fields<Encoding::sha512h2> w) {
  if (!l.fp_access()) return;
  const Doublewords d = doublewords(l, rd(w)), x = doublewords(l, rn(w)), y = doublewords(l, rm(w));
  const Value hi = add3(l, majority(l, y.lo, y.hi, x.lo), big_sigma0(l, y.lo), d.hi);
  set_doublewords(l, rd(w), {add3(l, majority(l, y.lo, y.hi, hi), big_sigma0(l, hi), d.lo), hi});
}
void lift_sha512su0(Lifter& l, Fields<Encoding::sha512su0> w) {
  if (!l.fp_access()) return;
  const Doublewords d = doublewords(l, rd(w)), x = doublewords(l, rn(w));
  set_doublewords(l, rd(w), {l.b.add(d.lo, small_sigma0(l, d.hi)), l.b.add(d.hi, small_sigma0(l, x.lo))});
}
void lift_sha512su1(Lifter& l, Fields<Encoding::sha512su1> w) {
  if (!l.fp_access()) return;
  const Doublewords d = doublewords(l, rd(w)), x = doublewords(l, rn(w)), y = doublewords(l, rm(w));
  set_doublewords(l, rd(w),
                  {add3(l, d.lo, small_sigma1(l, x.lo), y.lo), add3(l, d.hi, small_sigma1(l, x.hi), y.hi)});
}

void lift_rax1(Lifter& l, Fields<Encoding::rax1> w) { emit(l, w, Op::rax1, {rn(w), rm(w)}); }
void lift_xar(Lifter& l, Fields<Encoding::xar> w) { emit(l, w, Op::xar, {rn(w), rm(w)}, imm6(w)); }
void lift_eor3(Lifter& l, Fields<Encoding::eor3> w) {
  if (!l.fp_access()) return;
  l.set_v(rd(w), l.b.vec(Op::vxor, 0, l.b.vec(Op::vxor, 0, l.v(rn(w)), l.v(rm(w))), l.v(ra(w))));
}
void lift_bcax(Lifter& l, Fields<Encoding::bcax> w) {
  if (!l.fp_access()) return;
  l.set_v(rd(w), l.b.vec(Op::vxor, 0, l.v(rn(w)), l.b.vec(Op::vandn, 0, l.v(rm(w)), l.v(ra(w)))));
}

}  // namespace mynah::arm::a64
