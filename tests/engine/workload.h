// SPDX-License-Identifier: Apache-2.0
//
// A program of many kinds of blocks that never ends, for tests that compare two ways to run it.
#pragma once

#include "tests/engine/bare_machine.h"

namespace mynah::test {

// Loops, calls, indirect branches, exceptions with a handler, accesses that are merged, cross pages, hit
// devices and code pages. Loads it at kCode.
inline void load_workload(BareMachine& m) {
  using namespace a64asm;
  enum { kLoop, kInner, kFunction };
  Code vectors(kVectors + 0x200);
  vectors(add_imm(28, 28, 1), kEret);
  m.load(vectors);
  Code c(kCode);
  c.load(1, kData)
      .load(2, kData + kPage - 12)
      .load(3, kDevice)
      .load(4, kCode + 0x800)
      .load(29, kData + 0x800);
  c(add_imm(kSp, 29, 0), movz(20, 0), movz(28, 0), movn(21, 0)).load(5, 0x9e3779b97f4a7c15).adr(6, kFunction);
  c.bind(kLoop)(movz(9, 5));
  c.bind(kInner)(madd(20, 20, 5, 9), ldr(7, 1), ldr(8, 1, 8), add(7, 7, 20), stp(7, 8, 1, 16),
                 crc32x(21, 21, 7));
  c(str(20, 1), ror_imm(8, 7, 11), str(8, 1, 8), ldp(10, 11, 1, 16), eor(20, 20, 10), subs_imm(9, 9, 1));
  c.b_cc(kNe, kInner);
  c(stur(20, 2, 5), ldur(12, 2, 3), eor(20, 20, 12)).bl(kFunction)(blr(6), svc(1));
  c(str_w(20, 3, 8), ldr_w(13, 3, 8), add(20, 20, 13), ldr(14, 4), add_imm(14, 14, 3), str(14, 4),
    eor(20, 20, 14));
  c(cmp_imm(20, 77), csel(15, 20, 14, kLt), adds(16, 15, 20), mrs(17, kNzcv), eor(20, 20, 17));
  c(tbnz(20, 3, 8), add_imm(20, 20, 9)).b(kLoop);
  c.bind(kFunction)(stp_pre(29, 30, kSp, -32), str(20, kSp, 16), ldr(18, kSp, 16), add(20, 20, 18));
  c(ldp_post(29, 30, kSp, 32), ret());
  m.load(c);
  m.write(kCode + 0x800, 0);
}

}  // namespace mynah::test
