// SPDX-License-Identifier: Apache-2.0
//
// The x87's state is as FXSAVE has it, but for its tags.
#include "tests/x86_oracle/our_state.h"

#include "frontend/x86/x87.h"

namespace mynah::x86_oracle {

void set_registers(x86::X86Cpu& cpu, Mode mode, const State& s) {
  x86::X86State& t = cpu.x86();
  for (unsigned i = 0; i < 16; ++i) t.r(i) = s.gpr[i];
  t.base(x86::kFs) = mode == Mode::k64 ? s.fs_base : kFs32;
  t.base(x86::kGs) = mode == Mode::k64 ? s.gs_base : kGs32;
  x86::set_rflags(t, s.rflags);
  t.set_linear_pc(s.rip);
  cpu.set_mxcsr(s.mxcsr);
  x86::X87Image x87{.control = s.fcw, .status = s.fsw, .tags = s.ftw};
  for (unsigned i = 0; i < 8; ++i) {
    std::memcpy(&x87.stack[i].significand, s.st[i], 8);
    std::memcpy(&x87.stack[i].sign_exponent, s.st[i] + 8, 2);
  }
  x86::set_x87_image(cpu, x87);
  t.fpu_unchecked = 0;
  for (unsigned i = 0; i < 16; ++i) {
    t.xmm[i] = {s.ymm[i][0], s.ymm[i][1]};
    t.ymm_high[i] = {s.ymm[i][2], s.ymm[i][3]};
  }
}

}  // namespace mynah::x86_oracle
