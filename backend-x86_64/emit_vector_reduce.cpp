// SPDX-License-Identifier: Apache-2.0
//
// Vectors of integers: sums of neighbours, and reductions across the lanes of 8 or 16 bytes.
#include "backend-x86_64/emit_vector.h"

namespace mynah::x86_64 {

namespace {

// d = neighbours of p added, widening; uses t, and reads p last into d.
void add_pairs(Vector& v, const x86::Xmm& d, bool is_signed) {
  switch (v.lane) {
    case 0:
      // One factor is taken as unsigned, the other as signed.
      if (is_signed) {
        v.load(v.t, K::kOne8);
        v.a.vpmaddubsw(d, v.t, v.x);
      } else {
        v.op(Id::kIdVpmaddubsw, d, v.x, K::kOne8);
      }
      break;
    case 1:
      if (is_signed) return v.op(Id::kIdVpmaddwd, d, v.x, K::kOne16);
      v.op(Id::kIdVpsrld, v.t, v.x, 16u);
      v.op(Id::kIdVpand, d, v.x, K::kLow16In32);
      v.a.vpaddd(d, d, v.t);
      break;
    default:
      v.op(Id::kIdVpsrlq, v.t, v.x, 32u);
      if (is_signed) {
        v.op(Id::kIdVpmuldq, v.t, v.t, K::kOne64);
        v.op(Id::kIdVpmuldq, d, v.x, K::kOne64);
      } else {
        v.op(Id::kIdVpand, d, v.x, K::kLow32In64);
      }
      v.a.vpaddq(d, d, v.t);
  }
}

bool whole(const Vector& v) { return v.imm << v.lane > 8; }

// s = its 32-bit lanes added up (those of 8 or 16 bytes), in the lowest.
void fold_words(Vector& v) {
  if (whole(v)) {
    v.op(Id::kIdVpshufd, v.t, v.s, 0xeeu);
    v.a.vpaddd(v.s, v.s, v.t);
  }
  v.op(Id::kIdVpshufd, v.t, v.s, 0x55u);
  v.a.vpaddd(v.s, v.s, v.t);
}
// The same with 64-bit lanes, into the result.
void fold_doubles(Vector& v) {
  if (whole(v)) {
    v.op(Id::kIdVpshufd, v.t, v.s, 0xeeu);
    v.a.vpaddq(v.s, v.s, v.t);
  }
  v.a.vmovq(v.to, v.s);
}

// s = sums of 8 bytes each, unsigned, in 64-bit lanes.
void add_bytes(Vector& v) {
  v.zero(v.t);
  v.a.vpsadbw(v.s, v.x, v.t);
}

}  // namespace

MYNAH_VECTOR(vuaddlp) { add_pairs(v, v.to, false); }
MYNAH_VECTOR(vsaddlp) { add_pairs(v, v.to, true); }

MYNAH_VECTOR(vaddv) {
  switch (v.lane) {
    case 0:
      add_bytes(v);
      if (whole(v)) {
        v.op(Id::kIdVpshufd, v.t, v.s, 0xeeu);
        v.a.vpaddd(v.s, v.s, v.t);
      }
      v.op(Id::kIdVpand, v.to, v.s, K::kFirst8);
      break;
    case 1:
      v.op(Id::kIdVpmaddwd, v.s, v.x, K::kOne16);
      fold_words(v);
      v.op(Id::kIdVpand, v.to, v.s, K::kFirst16);
      break;
    case 2:
      v.copy(v.s, v.x);
      fold_words(v);
      v.op(Id::kIdVpand, v.to, v.s, K::kFirst32);
      break;
    default:
      v.copy(v.s, v.x);
      fold_doubles(v);
  }
}

MYNAH_VECTOR(vuaddlv) {
  if (v.lane == 0) {
    add_bytes(v);
    return fold_doubles(v);
  }
  add_pairs(v, v.s, false);
  if (v.lane == 2) return fold_doubles(v);
  fold_words(v);
  v.op(Id::kIdVpand, v.to, v.s, K::kFirst32);
}

MYNAH_VECTOR(vsaddlv) {
  add_pairs(v, v.s, true);
  if (v.lane == 2) return fold_doubles(v);
  if (v.lane == 0) v.op(Id::kIdVpmaddwd, v.s, v.s, K::kOne16);
  fold_words(v);
  v.op(Id::kIdVpand, v.to, v.s, v.lane ? K::kFirst32 : K::kFirst16);
}

namespace {

// x86 has the least of eight unsigned 16-bit lanes; `bias` (to be flipped) makes the other kinds such.
void extreme_across(Vector& v, Vector::Ids ids, K bias, bool biased) {
  if (v.lane == 2) {
    v.op(Id::kIdVpshufd, v.t, v.x, whole(v) ? 0xeeu : 0x55u);
    v.op(ids, v.s, v.x, v.t);
    if (whole(v)) {
      v.op(Id::kIdVpshufd, v.t, v.s, 0x55u);
      v.op(ids, v.s, v.s, v.t);
    }
    v.op(Id::kIdVpand, v.to, v.s, K::kFirst32);
    return;
  }
  x86::Xmm from = v.x;
  if (biased) {
    v.op(Id::kIdVpxor, v.s, from, bias);
    from = v.s;
  }
  if (!whole(v)) {
    v.a.vpunpcklqdq(v.s, from, from);
    from = v.s;
  }
  if (v.lane == 0) {
    v.op(Id::kIdVpsrlw, v.t, from, 8u);
    v.a.vpminub(v.s, from, v.t);
    from = v.s;
  }
  v.a.vphminposuw(v.s, from);
  if (biased) v.op(Id::kIdVpxor, v.s, v.s, bias);
  v.op(Id::kIdVpand, v.to, v.s, v.lane ? K::kFirst16 : K::kFirst8);
}

}  // namespace

MYNAH_VECTOR(vumaxv) { extreme_across(v, kMaxU, K::kOnes, true); }
MYNAH_VECTOR(vuminv) { extreme_across(v, kMinU, K::kOnes, false); }
MYNAH_VECTOR(vsmaxv) { extreme_across(v, kMaxS, K::kAbs8 + v.lane, true); }
MYNAH_VECTOR(vsminv) { extreme_across(v, kMinS, K::kSign8 + v.lane, true); }

}  // namespace mynah::x86_64
