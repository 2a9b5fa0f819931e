// SPDX-License-Identifier: Apache-2.0
//
// What this host's processor does to its flags: an oracle for flags groups of all widths, which nobody here
// wrote. x86-64 alone; elsewhere the tests that want it skip.
#pragma once

#include <cstdint>

#include "ir/flags.h"

namespace mynah::ir::testing {

enum class HostOp {
  kAdd,
  kSub,
  kCmp,
  kAdc,
  kSbb,
  kAnd,
  kOr,
  kXor,
  kTest,
  kInc,
  kDec,
  kNeg,
  kShl,
  kShr,
  kSar
};
constexpr unsigned kHostOps = 15;

struct HostFlags {
  uint32_t group = 0;  // as ir/flags.h has it, C being the host's carry flag
  // Conditions, as the host's own instructions see them.
  bool parity_even = false, above = false, below = false, less = false, greater = false, sign = false,
       overflow = false, zero = false;
};

#if defined(__x86_64__)

namespace detail {

struct Seen {
  uint64_t ax = 0;
  uint8_t set[8] = {};
};
#define MYNAH_SEE                                                                                            \
  "lahf\n\tseto %%al\n\tsetp %[p]\n\tseta %[a]\n\tsetb %[b]\n\tsetl %[l]\n\tsetg %[g]\n\tsets %[s]\n\tseto " \
  "%[o]\n\tsete %[z]"
#define MYNAH_SEEN                                                                                   \
  "=&a"(seen.ax), [x] "+&r"(x), [p] "=m"(seen.set[0]), [a] "=m"(seen.set[1]), [b] "=m"(seen.set[2]), \
      [l] "=m"(seen.set[3]), [g] "=m"(seen.set[4]), [s] "=m"(seen.set[5]), [o] "=m"(seen.set[6]),    \
      [z] "=m"(seen.set[7])
#define MYNAH_HOST2(insn)                                                            \
  switch (width) {                                                                   \
    case 8:                                                                          \
      asm volatile("bt $0, %k[c]\n\t" insn "b %b[y], %b[x]\n\t" MYNAH_SEE:MYNAH_SEEN \
                   : [y] "r"(y), [c] "r"(c)                                          \
                   : "cc");                                                          \
      break;                                                                         \
    case 16:                                                                         \
      asm volatile("bt $0, %k[c]\n\t" insn "w %w[y], %w[x]\n\t" MYNAH_SEE:MYNAH_SEEN \
                   : [y] "r"(y), [c] "r"(c)                                          \
                   : "cc");                                                          \
      break;                                                                         \
    case 32:                                                                         \
      asm volatile("bt $0, %k[c]\n\t" insn "l %k[y], %k[x]\n\t" MYNAH_SEE:MYNAH_SEEN \
                   : [y] "r"(y), [c] "r"(c)                                          \
                   : "cc");                                                          \
      break;                                                                         \
    default:                                                                         \
      asm volatile("bt $0, %k[c]\n\t" insn "q %q[y], %q[x]\n\t" MYNAH_SEE:MYNAH_SEEN \
                   : [y] "r"(y), [c] "r"(c)                                          \
                   : "cc");                                                          \
  }                                                                                  \
  break;
#define MYNAH_HOST1(insn)                                                                           \
  switch (width) {                                                                                  \
    case 8:                                                                                         \
      asm volatile("bt $0, %k[c]\n\t" insn "b %b[x]\n\t" MYNAH_SEE:MYNAH_SEEN : [c] "r"(c) : "cc"); \
      break;                                                                                        \
    case 16:                                                                                        \
      asm volatile("bt $0, %k[c]\n\t" insn "w %w[x]\n\t" MYNAH_SEE:MYNAH_SEEN : [c] "r"(c) : "cc"); \
      break;                                                                                        \
    case 32:                                                                                        \
      asm volatile("bt $0, %k[c]\n\t" insn "l %k[x]\n\t" MYNAH_SEE:MYNAH_SEEN : [c] "r"(c) : "cc"); \
      break;                                                                                        \
    default:                                                                                        \
      asm volatile("bt $0, %k[c]\n\t" insn "q %q[x]\n\t" MYNAH_SEE:MYNAH_SEEN : [c] "r"(c) : "cc"); \
  }                                                                                                 \
  break;
#define MYNAH_HOST_SHIFT(insn)                                                      \
  switch (width) {                                                                  \
    case 8:                                                                         \
      asm volatile("bt $0, %k[c]\n\t" insn "b %%cl, %b[x]\n\t" MYNAH_SEE:MYNAH_SEEN \
                   : "c"(y), [c] "r"(c)                                             \
                   : "cc");                                                         \
      break;                                                                        \
    case 16:                                                                        \
      asm volatile("bt $0, %k[c]\n\t" insn "w %%cl, %w[x]\n\t" MYNAH_SEE:MYNAH_SEEN \
                   : "c"(y), [c] "r"(c)                                             \
                   : "cc");                                                         \
      break;                                                                        \
    case 32:                                                                        \
      asm volatile("bt $0, %k[c]\n\t" insn "l %%cl, %k[x]\n\t" MYNAH_SEE:MYNAH_SEEN \
                   : "c"(y), [c] "r"(c)                                             \
                   : "cc");                                                         \
      break;                                                                        \
    default:                                                                        \
      asm volatile("bt $0, %k[c]\n\t" insn "q %%cl, %q[x]\n\t" MYNAH_SEE:MYNAH_SEEN \
                   : "c"(y), [c] "r"(c)                                             \
                   : "cc");                                                         \
  }                                                                                 \
  break;

}  // namespace detail

// x op y (inc, dec, neg: of x; shifts: x by y) with the carry flag set to `carry` before. width: 8 to 64.
inline HostFlags host_flags(HostOp op, unsigned width, uint64_t x, uint64_t y, bool carry) {
  detail::Seen seen;
  const uint64_t c = carry;
  switch (op) {
    case HostOp::kAdd:
      MYNAH_HOST2("add")
    case HostOp::kSub:
      MYNAH_HOST2("sub")
    case HostOp::kCmp:
      MYNAH_HOST2("cmp")
    case HostOp::kAdc:
      MYNAH_HOST2("adc")
    case HostOp::kSbb:
      MYNAH_HOST2("sbb")
    case HostOp::kAnd:
      MYNAH_HOST2("and")
    case HostOp::kOr:
      MYNAH_HOST2("or")
    case HostOp::kXor:
      MYNAH_HOST2("xor")
    case HostOp::kTest:
      MYNAH_HOST2("test")
    case HostOp::kInc:
      MYNAH_HOST1("inc")
    case HostOp::kDec:
      MYNAH_HOST1("dec")
    case HostOp::kNeg:
      MYNAH_HOST1("neg")
    case HostOp::kShl:
      MYNAH_HOST_SHIFT("shl")
    case HostOp::kShr:
      MYNAH_HOST_SHIFT("shr")
    case HostOp::kSar:
      MYNAH_HOST_SHIFT("sar")
  }
  const uint64_t ah = seen.ax >> 8;  // SF 7, ZF 6, AF 4, PF 2, CF 0
  return {.group = pack_flags(ah >> 7 & 1, ah >> 6 & 1, ah & 1, seen.ax & 1, ah >> 2 & 1, ah >> 4 & 1),
          .parity_even = seen.set[0] != 0,
          .above = seen.set[1] != 0,
          .below = seen.set[2] != 0,
          .less = seen.set[3] != 0,
          .greater = seen.set[4] != 0,
          .sign = seen.set[5] != 0,
          .overflow = seen.set[6] != 0,
          .zero = seen.set[7] != 0};
}

#undef MYNAH_SEE
#undef MYNAH_SEEN
#undef MYNAH_HOST2
#undef MYNAH_HOST1
#undef MYNAH_HOST_SHIFT

#endif

}  // namespace mynah::ir::testing
