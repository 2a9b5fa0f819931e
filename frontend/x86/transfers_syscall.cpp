// SPDX-License-Identifier: Apache-2.0
//
// SYSCALL, SYSRET, SYSENTER, SYSEXIT (SDM vol. 2; vol. 3, 5.8.7 and 5.8.8): CS and SS are flat segments whose
// descriptors nobody reads. Legacy modes have SYSCALL where the processor says it is AMD's (APM vol. 3).
#include "frontend/x86/cpu_model.h"
#include "frontend/x86/segments.h"
#include "frontend/x86/transfers.h"
#include "frontend/x86/vectors.h"

namespace mynah::x86 {

namespace {

bool is_amd(const X86Cpu& cpu) { return cpu.model().vendor == "AuthenticAMD"; }

// The SS of the four: the same fields whatever its selector.
void set_flat_stack(X86State& s, uint16_t selector, unsigned dpl) {
  s.segments[kSs] = {selector, true, flat_data(dpl).access(), ~uint32_t{0}};
  s.base(kSs) = 0;
}

bool undefined(X86Cpu& cpu) { return cpu.raise(vector::kInvalidOpcode); }

}  // namespace

bool syscall(X86Cpu& cpu, Instruction i) {
  X86State& s = cpu.x86();
  const bool from_64bit = s.in_64bit_code();
  if (!(s.efer & efer::kSce) || !s.protected_mode() || s.vm86()) return undefined(cpu);
  if (!from_64bit && !is_amd(cpu)) return undefined(cpu);
  const auto selector = static_cast<uint16_t>(s.star >> 32 & 0xfffc);
  const uint64_t back = s.ip() + i.length;
  s.r(kRcx) = from_64bit ? back : back & 0xffffffff;
  uint64_t target = s.star & 0xffffffff;
  if (s.long_mode()) {
    target = from_64bit ? s.lstar : s.cstar;
    s.r(11) = rflags(s) & ~eflags::kRf;
    set_rflags(s, rflags(s) & ~static_cast<uint32_t>(s.sfmask) & ~eflags::kRf);
  } else {
    s.eflags &= ~(eflags::kIf | eflags::kVm | eflags::kRf);
  }
  set_flat_stack(s, static_cast<uint16_t>(selector + 8), 0);
  set_code(s, selector, flat_code(0, s.long_mode()), 0, target);
  if (!(s.eflags & eflags::kTf)) s.stepping = 0;
  cpu.changed();
  return true;
}

bool sysret(X86Cpu& cpu, Instruction i) {
  X86State& s = cpu.x86();
  if (!(s.efer & efer::kSce) || !s.protected_mode() || s.vm86()) return undefined(cpu);
  if (!s.in_64bit_code() && !is_amd(cpu)) return undefined(cpu);
  if (s.cpl != 0) return cpu.raise(vector::kGeneralProtection, 0);
  const bool to_64bit = i.bits == 64;
  const uint64_t target = to_64bit ? s.r(kRcx) : s.r(kRcx) & 0xffffffff;
  if (to_64bit && !is_canonical(s, target)) return cpu.raise(vector::kGeneralProtection, 0);
  const auto base = static_cast<uint16_t>(s.star >> 48);
  if (s.long_mode()) {
    // RF and VM are cleared, bits that are not defined too.
    set_rflags(s, static_cast<uint32_t>(s.r(11)) & 0x3c7fd7);
  } else {
    s.eflags |= eflags::kIf;
  }
  set_code(s, static_cast<uint16_t>(base + (to_64bit ? 16 : 0)), flat_code(3, to_64bit), 3, target);
  set_flat_stack(s, static_cast<uint16_t>((base + 8) | 3), 3);
  cpu.changed();
  return true;
}

bool sysenter(X86Cpu& cpu, Instruction) {
  X86State& s = cpu.x86();
  const auto selector = static_cast<uint16_t>(s.sysenter_cs & 0xfffc);
  if (s.long_mode() && is_amd(cpu)) return undefined(cpu);
  if (!s.protected_mode() || selector == 0) return cpu.raise(vector::kGeneralProtection, 0);
  s.eflags &= ~(eflags::kVm | eflags::kIf | eflags::kRf);
  const bool long_mode = s.long_mode();
  set_flat_stack(s, static_cast<uint16_t>(selector + 8), 0);
  set_code(s, selector, flat_code(0, long_mode), 0, long_mode ? s.sysenter_eip : s.sysenter_eip & 0xffffffff);
  s.r(kRsp) = long_mode ? s.sysenter_esp : s.sysenter_esp & 0xffffffff;
  cpu.changed();
  return true;
}

bool sysexit(X86Cpu& cpu, Instruction i) {
  X86State& s = cpu.x86();
  if (s.long_mode() && is_amd(cpu)) return undefined(cpu);
  const auto selector = static_cast<uint16_t>(s.sysenter_cs & 0xfffc);
  if (!s.protected_mode() || s.cpl != 0 || selector == 0) return cpu.raise(vector::kGeneralProtection, 0);
  const bool to_64bit = i.bits == 64;
  uint64_t sp = s.r(kRcx), ip = s.r(kRdx);
  if (to_64bit) {
    if (!is_canonical(s, sp) || !is_canonical(s, ip)) return cpu.raise(vector::kGeneralProtection, 0);
  } else {
    sp &= 0xffffffff;
    ip &= 0xffffffff;
  }
  set_code(s, static_cast<uint16_t>(selector + (to_64bit ? 32 : 16)), flat_code(3, to_64bit), 3, ip);
  set_flat_stack(s, static_cast<uint16_t>((selector + (to_64bit ? 40 : 24)) | 3), 3);
  s.r(kRsp) = sp;
  cpu.changed();
  return true;
}

}  // namespace mynah::x86
