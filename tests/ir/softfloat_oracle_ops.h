// SPDX-License-Identifier: Apache-2.0
//
// The list of A64 instructions that softfloat_oracle.cpp executes and softfloat_arm_test.cpp checks, and the
// records they exchange. An instruction finds its operands in d1, d2, d3 (and the first in x1) and leaves its
// result in d0 (FP), in x0 (INT), or in NZCV (CMP: returned as bits 31 to 28).
#pragma once

#include <cstdint>

namespace mynah::test {

struct OracleCase {
  uint32_t op;
  uint32_t fpcr;
  uint64_t a, b, c;
};
struct OracleAnswer {
  uint64_t result;
  uint64_t fpsr;
};

// X(kind, name, text): one instruction. H S D variants share a row where only the register letter differs.
#define MYNAH_ORACLE_HSD(X, KIND, NAME, BEFORE, R, AFTER) \
  X(KIND, NAME##_h, BEFORE, R(h), AFTER)                  \
  X(KIND, NAME##_s, BEFORE, R(s), AFTER)                  \
  X(KIND, NAME##_d, BEFORE, R(d), AFTER)

#define MYNAH_R1(r) #r "0, " #r "1"
#define MYNAH_R2(r) #r "0, " #r "1, " #r "2"
#define MYNAH_R3(r) #r "0, " #r "1, " #r "2, " #r "3"
#define MYNAH_RC(r) #r "1, " #r "2"
#define MYNAH_RW(r) "w0, " #r "1"
#define MYNAH_RX(r) "x0, " #r "1"
#define MYNAH_FW(r) #r "0, w1"
#define MYNAH_FX(r) #r "0, x1"

#define MYNAH_ORACLE_OPS(X)                                                       \
  MYNAH_ORACLE_HSD(X, FP, add, "fadd ", MYNAH_R2, "")                             \
  MYNAH_ORACLE_HSD(X, FP, sub, "fsub ", MYNAH_R2, "")                             \
  MYNAH_ORACLE_HSD(X, FP, mul, "fmul ", MYNAH_R2, "")                             \
  MYNAH_ORACLE_HSD(X, FP, mulx, "fmulx ", MYNAH_R2, "")                           \
  MYNAH_ORACLE_HSD(X, FP, div, "fdiv ", MYNAH_R2, "")                             \
  MYNAH_ORACLE_HSD(X, FP, sqrt, "fsqrt ", MYNAH_R1, "")                           \
  MYNAH_ORACLE_HSD(X, FP, fma, "fmadd ", MYNAH_R3, "")                            \
  MYNAH_ORACLE_HSD(X, FP, min, "fmin ", MYNAH_R2, "")                             \
  MYNAH_ORACLE_HSD(X, FP, max, "fmax ", MYNAH_R2, "")                             \
  MYNAH_ORACLE_HSD(X, FP, minnm, "fminnm ", MYNAH_R2, "")                         \
  MYNAH_ORACLE_HSD(X, FP, maxnm, "fmaxnm ", MYNAH_R2, "")                         \
  MYNAH_ORACLE_HSD(X, CMP, fcmp, "fcmp ", MYNAH_RC, "")                           \
  MYNAH_ORACLE_HSD(X, CMP, fcmpe, "fcmpe ", MYNAH_RC, "")                         \
  MYNAH_ORACLE_HSD(X, FP, cmeq, "fcmeq ", MYNAH_R2, "")                           \
  MYNAH_ORACLE_HSD(X, FP, cmge, "fcmge ", MYNAH_R2, "")                           \
  MYNAH_ORACLE_HSD(X, FP, cmgt, "fcmgt ", MYNAH_R2, "")                           \
  MYNAH_ORACLE_HSD(X, FP, recpe, "frecpe ", MYNAH_R1, "")                         \
  MYNAH_ORACLE_HSD(X, FP, rsqrte, "frsqrte ", MYNAH_R1, "")                       \
  MYNAH_ORACLE_HSD(X, FP, recpx, "frecpx ", MYNAH_R1, "")                         \
  MYNAH_ORACLE_HSD(X, FP, recps, "frecps ", MYNAH_R2, "")                         \
  MYNAH_ORACLE_HSD(X, FP, rsqrts, "frsqrts ", MYNAH_R2, "")                       \
  MYNAH_ORACLE_HSD(X, FP, rintn, "frintn ", MYNAH_R1, "")                         \
  MYNAH_ORACLE_HSD(X, FP, rintp, "frintp ", MYNAH_R1, "")                         \
  MYNAH_ORACLE_HSD(X, FP, rintm, "frintm ", MYNAH_R1, "")                         \
  MYNAH_ORACLE_HSD(X, FP, rintz, "frintz ", MYNAH_R1, "")                         \
  MYNAH_ORACLE_HSD(X, FP, rinta, "frinta ", MYNAH_R1, "")                         \
  MYNAH_ORACLE_HSD(X, FP, rintx, "frintx ", MYNAH_R1, "")                         \
  MYNAH_ORACLE_HSD(X, FP, rinti, "frinti ", MYNAH_R1, "")                         \
  MYNAH_ORACLE_HSD(X, INT, ns_w, "fcvtns ", MYNAH_RW, "")                         \
  MYNAH_ORACLE_HSD(X, INT, nu_w, "fcvtnu ", MYNAH_RW, "")                         \
  MYNAH_ORACLE_HSD(X, INT, ps_w, "fcvtps ", MYNAH_RW, "")                         \
  MYNAH_ORACLE_HSD(X, INT, pu_w, "fcvtpu ", MYNAH_RW, "")                         \
  MYNAH_ORACLE_HSD(X, INT, ms_x, "fcvtms ", MYNAH_RX, "")                         \
  MYNAH_ORACLE_HSD(X, INT, mu_x, "fcvtmu ", MYNAH_RX, "")                         \
  MYNAH_ORACLE_HSD(X, INT, as_x, "fcvtas ", MYNAH_RX, "")                         \
  MYNAH_ORACLE_HSD(X, INT, au_x, "fcvtau ", MYNAH_RX, "")                         \
  MYNAH_ORACLE_HSD(X, INT, zs_w, "fcvtzs ", MYNAH_RW, "")                         \
  MYNAH_ORACLE_HSD(X, INT, zu_w, "fcvtzu ", MYNAH_RW, "")                         \
  MYNAH_ORACLE_HSD(X, INT, zs_x, "fcvtzs ", MYNAH_RX, "")                         \
  MYNAH_ORACLE_HSD(X, INT, zu_x, "fcvtzu ", MYNAH_RX, "")                         \
  MYNAH_ORACLE_HSD(X, INT, zs_w9, "fcvtzs ", MYNAH_RW, ", #9")                    \
  MYNAH_ORACLE_HSD(X, INT, zu_w32, "fcvtzu ", MYNAH_RW, ", #32")                  \
  MYNAH_ORACLE_HSD(X, INT, zs_x31, "fcvtzs ", MYNAH_RX, ", #31")                  \
  MYNAH_ORACLE_HSD(X, INT, zu_x64, "fcvtzu ", MYNAH_RX, ", #64")                  \
  MYNAH_ORACLE_HSD(X, FP, scvtf_w, "scvtf ", MYNAH_FW, "")                        \
  MYNAH_ORACLE_HSD(X, FP, ucvtf_w, "ucvtf ", MYNAH_FW, "")                        \
  MYNAH_ORACLE_HSD(X, FP, scvtf_x, "scvtf ", MYNAH_FX, "")                        \
  MYNAH_ORACLE_HSD(X, FP, ucvtf_x, "ucvtf ", MYNAH_FX, "")                        \
  MYNAH_ORACLE_HSD(X, FP, scvtf_w7, "scvtf ", MYNAH_FW, ", #7")                   \
  MYNAH_ORACLE_HSD(X, FP, ucvtf_w32, "ucvtf ", MYNAH_FW, ", #32")                 \
  MYNAH_ORACLE_HSD(X, FP, scvtf_x33, "scvtf ", MYNAH_FX, ", #33")                 \
  MYNAH_ORACLE_HSD(X, FP, ucvtf_x64, "ucvtf ", MYNAH_FX, ", #64")                 \
  X(FP, zs_16, "fcvtzs h0, h1", "", "")                                           \
  X(FP, zu_16, "fcvtzu h0, h1", "", "")                                           \
  X(FP, ns_16, "fcvtns h0, h1", "", "")                                           \
  X(FP, zs_16_5, "fcvtzs h0, h1, #5", "", "")                                     \
  X(FP, zu_16_16, "fcvtzu h0, h1, #16", "", "")                                   \
  X(FP, scvtf_16_3, "scvtf h0, h1, #3", "", "")                                   \
  X(FP, ucvtf_16_16, "ucvtf h0, h1, #16", "", "")                                 \
  X(FP, rint32x_s, "frint32x s0, s1", "", "")                                     \
  X(FP, rint32z_s, "frint32z s0, s1", "", "")                                     \
  X(FP, rint64x_s, "frint64x s0, s1", "", "")                                     \
  X(FP, rint64z_s, "frint64z s0, s1", "", "")                                     \
  X(FP, rint32x_d, "frint32x d0, d1", "", "")                                     \
  X(FP, rint32z_d, "frint32z d0, d1", "", "")                                     \
  X(FP, rint64x_d, "frint64x d0, d1", "", "")                                     \
  X(FP, rint64z_d, "frint64z d0, d1", "", "")                                     \
  X(FP, cvt_hs, "fcvt s0, h1", "", "")                                            \
  X(FP, cvt_hd, "fcvt d0, h1", "", "")                                            \
  X(FP, cvt_sh, "fcvt h0, s1", "", "")                                            \
  X(FP, cvt_sd, "fcvt d0, s1", "", "")                                            \
  X(FP, cvt_dh, "fcvt h0, d1", "", "")                                            \
  X(FP, cvt_ds, "fcvt s0, d1", "", "")                                            \
  X(FP, fcvtxn, "fcvtxn s0, d1", "", "")                                          \
  X(INT, fjcvtzs, "fjcvtzs w0, d1\n\tcset w2, eq\n\tbfi x0, x2, #32, #1", "", "") \
  X(FP, urecpe, "urecpe v0.2s, v1.2s", "", "")                                    \
  X(FP, ursqrte, "ursqrte v0.2s, v1.2s", "", "")

enum class OracleOp : uint32_t {
#define X(KIND, NAME, BEFORE, REGISTERS, AFTER) NAME,
  MYNAH_ORACLE_OPS(X)
#undef X
      count
};

}  // namespace mynah::test
