// SPDX-License-Identifier: Apache-2.0
//
// The x86-64 target: register roles, and what the host processor offers.
//
// - rbp: guest state + 128 (so that the first 256 bytes have one-byte displacements); Runtime lies below.
// - r14: TlbTable, the soft TLB. r13d: guest instructions left. rsp: the return stack.
// - rax, xmm14, xmm15: scratch of every emitter; never hold a value.
// - The rest: values. rbx, r12, r15 survive calls.
#pragma once

#include "ir/alloc/steps.h"
#include "ir/runtime.h"

namespace mynah::x86_64 {

using ir::alloc::Reg;
using ir::alloc::RegSet;

constexpr Reg kRax = 0, kRcx = 1, kRdx = 2, kRbx = 3, kRsp = 4, kRbp = 5, kRsi = 6, kRdi = 7;
constexpr Reg kR8 = 8, kR9 = 9, kR10 = 10, kR11 = 11, kR12 = 12, kR13 = 13, kR14 = 14, kR15 = 15;
constexpr Reg kXmm0 = ir::alloc::kVectorBase, kXmm14 = kXmm0 + 14, kXmm15 = kXmm0 + 15;

constexpr int kStateBias = 128;

template <typename... R>
constexpr RegSet regs(R... r) {
  return (ir::alloc::bit(r) | ...);
}
constexpr RegSet kCalleeSaved = regs(kRbx, kR12, kR15);
constexpr RegSet kAllocatable =
    regs(kRcx, kRdx, kRbx, kRsi, kRdi, kR8, kR9, kR10, kR11, kR12, kR15) | RegSet{0x3fff} << kXmm0;
constexpr RegSet kCallClobbers = kAllocatable & ~kCalleeSaved;

constexpr ir::alloc::Target kTarget = {
    .allocatable = kAllocatable,
    .call_clobbers = kCallClobbers,
    .cheap = regs(kRcx, kRdx, kRbx, kRsi, kRdi) | ir::alloc::kVector,
    .spill_slots = ir::kSpillSlots,
};

struct Features {
  bool bmi1, bmi2, lzcnt, popcnt, avx, avx2, fma, f16c, aes, pclmul, sha, gfni;
  // Shifts set the flags as the last of as many shifts by one; the manuals leave OF open, and CF of narrow
  // operands.
  bool shift_flags;
};
const Features& host_features();  // asked of the processor once

}  // namespace mynah::x86_64
