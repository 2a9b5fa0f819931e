// SPDX-License-Identifier: Apache-2.0
//
// What reset and INIT leave in the registers (SDM vol. 3, table 9-1).
#include <algorithm>

#include "frontend/x86/cpu.h"
#include "frontend/x86/debug_registers.h"

namespace mynah::x86 {

namespace {
constexpr uint32_t kUsualMxcsr = 0x1f80;
constexpr uint64_t kUsualPat = 0x0007040600070406;
constexpr uint64_t kFastStrings = 1;

void reset_segment(Segment& s, uint32_t type) {
  s = {.selector = 0,
       .usable = true,
       .access = access::kPresent | access::kCodeOrData | access::kAccessed | type,
       .limit = 0xffff};
}
}  // namespace

// INIT leaves the x87, vectors, and what is the platform's: MTRRs, machine checks, most registers by number.
void X86Cpu::reset_words(bool init) {
  X86State& s = state_;
  const X86State old = s;
  s = X86State{};
  s.set_linear_pc(0xfffffff0);
  s.r(kRdx) = (model_.stepping | (model_.model & 15) << 4 | std::min(model_.family, 15u) << 8 |
               (model_.model >> 4) << 16);
  s.eflags = eflags::kFixed;
  for (Segment& segment : s.segments) reset_segment(segment, access::kWritable);
  reset_segment(s.segments[kCs], access::kCode | access::kReadable);
  s.segments[kCs].selector = 0xf000;
  s.base(kCs) = 0xffff0000;
  s.gdtr = s.idtr = {0, 0xffff};
  s.ldtr.segment = {.usable = true, .access = access::kPresent | 2 << access::kTypeShift, .limit = 0xffff};
  s.tr.segment = {.usable = true, .access = access::kPresent | 11 << access::kTypeShift, .limit = 0xffff};
  s.cr0 = cr0::kCd | cr0::kNw | cr0::kEt;
  s.dr[6] = dr6::kFixed;
  s.dr[7] = dr7::kFixed;
  s.xcr0 = 1;
  s.fcw = 0x40;
  s.ftw = 0xff;  // full: FINIT empties them
  s.mxcsr = kUsualMxcsr;
  s.pat = kUsualPat;
  s.misc_enable = kFastStrings;
  s.mcg_ctl = ~uint64_t{0};
  if (init) {
    s.cr0 |= old.cr0 & (cr0::kCd | cr0::kNw);
    s.xmm = old.xmm;
    s.ymm_high = old.ymm_high;
    s.fpr = old.fpr;
    s.fsw = old.fsw;
    s.fcw = old.fcw;
    s.ftw = old.ftw;
    s.fpu_top = old.fpu_top;
    s.fpu_stack_fault = old.fpu_stack_fault;
    s.fop = old.fop;
    s.fip = old.fip;
    s.fdp = old.fdp;
    s.fcs = old.fcs;
    s.fds = old.fds;
    s.mxcsr = old.mxcsr;
    s.xcr0 = old.xcr0;
    s.xss = old.xss;
    s.pkru = old.pkru;
    s.tsc_offset = old.tsc_offset;
    s.tsc_aux = old.tsc_aux;
    s.pat = old.pat;
    s.misc_enable = old.misc_enable;
    s.misc_features = old.misc_features;
    s.feature_control = old.feature_control;
    s.spec_ctrl = old.spec_ctrl;
    s.mtrr_base = old.mtrr_base;
    s.mtrr_mask = old.mtrr_mask;
    s.mtrr_fixed = old.mtrr_fixed;
    s.mtrr_default = old.mtrr_default;
    s.mcg_status = old.mcg_status;
    s.mcg_ctl = old.mcg_ctl;
    s.mc_banks = old.mc_banks;
    s.interrupt_pending = old.interrupt_pending;
    s.nmi_pending = old.nmi_pending;
    s.startup_pending = old.startup_pending;
    s.startup_vector = old.startup_vector;
  } else {
    set_mxcsr(kUsualMxcsr);
  }
  if (!bootstrap) s.sleep = Sleep::kForStartup;
}

void X86Cpu::reset() {
  raised_.reset();
  again_ = false;
  put_off_.reset();
  reset_words(false);
}

}  // namespace mynah::x86
