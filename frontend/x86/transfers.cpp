// SPDX-License-Identifier: Apache-2.0
//
// Far JMP, CALL and RET (SDM vol. 2; vol. 3, 5.8): direct, through call gates, to other tasks.
#include "frontend/x86/transfers.h"

#include <array>

#include "frontend/x86/segments.h"
#include "frontend/x86/stack.h"
#include "frontend/x86/tasks.h"
#include "frontend/x86/vectors.h"

namespace mynah::x86 {

namespace {

constexpr uint8_t kGp = vector::kGeneralProtection;

uint64_t next_ip(const X86State& s, Instruction i) {
  const uint64_t ip = s.ip() + i.length;
  return s.in_64bit_code() ? ip : ip & 0xffffffff;
}

uint64_t cut(uint64_t value, unsigned bits) {
  return bits == 16 ? value & 0xffff : bits == 32 ? value & 0xffffffff : value;
}

// Whether `ip` may be gone to in a code segment; else #GP(0).
bool check_ip(X86Cpu& cpu, const Descriptor& code, uint64_t ip) {
  const X86State& s = cpu.x86();
  const bool ok = s.long_mode() && code.is_long() ? is_canonical(s, ip) : ip <= code.limit();
  return ok || cpu.raise(kGp, 0);
}

bool real_code(X86Cpu& cpu, uint16_t selector, uint64_t ip) {
  X86State& s = cpu.x86();
  if (ip > s.segments[kCs].limit) return cpu.raise(kGp, 0);
  set_real_code(s, selector, ip);
  return true;
}

// A code segment that JMP and CALL go to without a gate.
bool check_direct(X86Cpu& cpu, uint16_t selector, const Descriptor& d) {
  const X86State& s = cpu.x86();
  const bool allowed = d.conforming() ? d.dpl() <= s.cpl : rpl_of(selector) <= s.cpl && d.dpl() == s.cpl;
  if (!allowed || (s.long_mode() && d.is_long() && d.big())) return raise_selector(cpu, kGp, selector);
  return d.present() || raise_selector(cpu, vector::kNotPresent, selector);
}

bool direct(X86Cpu& cpu, uint16_t selector, Descriptor& d, uint64_t ip, Instruction i, bool call) {
  X86State& s = cpu.x86();
  if (!check_direct(cpu, selector, d)) return false;
  if (!(s.long_mode() && d.is_long())) ip &= 0xffffffff;
  if (!check_ip(cpu, d, ip) || !mark_accessed(cpu, selector, d)) return false;
  if (call) {
    Pushes frame(Stack::current(s), i.bits / 8);
    frame.push(s.segments[kCs].selector);
    frame.push(next_ip(s, i));
    if (!frame.write(cpu, 0)) return false;
    set_sp(s, frame.sp());
  }
  set_code(s, selector, d, s.cpl, ip);
  cpu.changed();
  return true;
}

// A call gate to more privilege: the stack of that level, with the caller's parameters.
bool call_inner(X86Cpu& cpu, const Descriptor& gate, const Descriptor& code, uint64_t ip, Instruction i) {
  X86State& s = cpu.x86();
  const unsigned cpl = code.dpl();
  const bool wide = gate.type() == system_type::kCallGate32;
  const uint64_t back = next_ip(s, i);
  if (s.long_mode()) {
    uint64_t rsp;
    if (!read_inner_rsp(cpu, cpl, 0, rsp)) return false;
    Pushes frame(Stack::flat(rsp, cpl), 8);
    frame.push(s.segments[kSs].selector);
    frame.push(s.r(kRsp));
    frame.push(s.segments[kCs].selector);
    frame.push(back);
    if (!frame.write(cpu, 0)) return false;
    set_null(s, kSs, static_cast<uint16_t>(cpl));
    set_code(s, gate.gate_selector(), code, cpl, ip);
    set_sp(s, frame.sp());
    return true;
  }
  uint16_t ss;
  uint32_t esp;
  if (!read_inner_stack(cpu, cpl, 0, ss, esp)) return false;
  Descriptor stack;
  if (!check_stack_segment(cpu, ss, cpl, stack, vector::kInvalidTss)) return false;
  const unsigned bytes = wide ? 4 : 2, count = gate.gate_count();
  std::array<uint64_t, 31> parameters;
  const Stack own = Stack::current(s);
  for (unsigned n = 0; n < count; ++n) {  // from the last
    Stack at = own;
    at.sp += n * bytes;
    Pops one(at, bytes);
    if (!one.read(cpu, 1)) return false;
    parameters[n] = one[0];
  }
  Pushes frame(Stack::of(stack, esp, cpl), bytes);
  frame.push(s.segments[kSs].selector);
  frame.push(s.r(kRsp));
  for (unsigned n = count; n-- > 0;) frame.push(parameters[n]);
  frame.push(s.segments[kCs].selector);
  frame.push(back);
  if (!frame.write(cpu, error_of(ss))) return false;
  set_segment(s, kSs, ss, stack);
  set_sp(s, frame.sp());
  set_code(s, gate.gate_selector(), code, cpl, ip);
  return true;
}

bool through_gate(X86Cpu& cpu, uint16_t selector, Descriptor& gate, Instruction i, bool call) {
  X86State& s = cpu.x86();
  if (gate.dpl() < s.cpl || gate.dpl() < rpl_of(selector)) return raise_selector(cpu, kGp, selector);
  if (!gate.present()) return raise_selector(cpu, vector::kNotPresent, selector);
  if (s.long_mode()) {
    if (!read_upper_half(cpu, selector, gate, kGp)) return false;
    if (gate.last & 0x1f00) return raise_selector(cpu, kGp, selector);
  }
  const uint16_t target = gate.gate_selector();
  if (is_null(target)) return cpu.raise(kGp, 0);
  Descriptor code;
  if (!read_descriptor(cpu, target, code, kGp)) return false;
  const bool inner = call && !code.conforming() && code.dpl() < s.cpl;
  if (!code.code() || code.dpl() > s.cpl || (!call && !code.conforming() && code.dpl() != s.cpl) ||
      (s.long_mode() && (!code.is_long() || code.big())))
    return raise_selector(cpu, kGp, target);
  if (!code.present()) return raise_selector(cpu, vector::kNotPresent, target);
  const bool wide = gate.type() == system_type::kCallGate32;
  const uint64_t ip = wide ? gate.gate_offset() : gate.gate_offset() & 0xffff;
  if (!check_ip(cpu, code, ip) || !mark_accessed(cpu, target, code)) return false;
  if (inner) {
    if (!call_inner(cpu, gate, code, ip, i)) return false;
  } else {
    if (call) {
      Pushes frame(Stack::current(s), s.long_mode() ? 8 : wide ? 4 : 2);
      frame.push(s.segments[kCs].selector);
      frame.push(next_ip(s, i));
      if (!frame.write(cpu, 0)) return false;
      set_sp(s, frame.sp());
    }
    set_code(s, target, code, s.cpl, ip);
  }
  cpu.changed();
  return true;
}

bool to_task(X86Cpu& cpu, uint16_t selector, const Descriptor& d, Instruction i, bool call) {
  const X86State& s = cpu.x86();
  if (d.dpl() < s.cpl || d.dpl() < rpl_of(selector)) return raise_selector(cpu, kGp, selector);
  if (!d.present()) return raise_selector(cpu, vector::kNotPresent, selector);
  uint16_t tss = selector;
  if (d.system(system_type::kTaskGate)) {
    tss = d.gate_selector();
    Descriptor t;
    if (tss & 4) return raise_selector(cpu, kGp, tss);
    if (!read_descriptor(cpu, tss, t, kGp)) return false;
    if (!t.system(system_type::kTss16) && !t.system(system_type::kTss32))
      return raise_selector(cpu, kGp, tss);
    if (!t.present()) return raise_selector(cpu, vector::kNotPresent, tss);
  } else if (selector & 4) {
    return raise_selector(cpu, kGp, selector);
  }
  return switch_task(cpu, tss, call ? TaskSwitch::kCall : TaskSwitch::kJump, next_ip(s, i));
}

bool transfer(X86Cpu& cpu, uint16_t selector, uint64_t offset, Instruction i, bool call) {
  const X86State& s = cpu.x86();
  if (is_null(selector)) return cpu.raise(kGp, 0);
  Descriptor d;
  if (!read_descriptor(cpu, selector, d, kGp)) return false;
  if (d.code()) return direct(cpu, selector, d, offset, i, call);
  if (!d.code_or_data()) {
    switch (d.type()) {
      case system_type::kCallGate32:
        return through_gate(cpu, selector, d, i, call);
      case system_type::kCallGate16:
        if (!s.long_mode()) return through_gate(cpu, selector, d, i, call);
        break;
      case system_type::kTaskGate:
      case system_type::kTss16:
      case system_type::kTss32:
        if (!s.long_mode()) return to_task(cpu, selector, d, i, call);
        break;
      default:
        break;
    }
  }
  return raise_selector(cpu, kGp, selector);
}

}  // namespace

bool far_jump(X86Cpu& cpu, uint16_t selector, uint64_t offset, Instruction i) {
  const X86State& s = cpu.x86();
  offset = cut(offset, i.bits);
  return s.real_or_vm86() ? real_code(cpu, selector, offset) : transfer(cpu, selector, offset, i, false);
}

bool far_call(X86Cpu& cpu, uint16_t selector, uint64_t offset, Instruction i) {
  X86State& s = cpu.x86();
  offset = cut(offset, i.bits);
  if (!s.real_or_vm86()) return transfer(cpu, selector, offset, i, true);
  if (offset > s.segments[kCs].limit) return cpu.raise(kGp, 0);
  Pushes frame(Stack::current(s), i.bits / 8);
  frame.push(s.segments[kCs].selector);
  frame.push(next_ip(s, i));
  if (!frame.write(cpu, 0)) return false;
  set_sp(s, frame.sp());
  set_real_code(s, selector, offset);
  return true;
}

bool far_return(X86Cpu& cpu, uint16_t more, Instruction i) {
  X86State& s = cpu.x86();
  Pops frame(Stack::current(s), i.bits / 8);
  if (!frame.read(cpu, 2)) return false;
  uint64_t ip = frame[0];
  const auto selector = static_cast<uint16_t>(frame[1]);
  if (s.real_or_vm86()) {
    frame.skip(more);
    if (!real_code(cpu, selector, ip)) return false;
    set_sp(s, frame.sp());
    return true;
  }
  if (is_null(selector)) return cpu.raise(kGp, 0);
  Descriptor code;
  if (!read_descriptor(cpu, selector, code, kGp)) return false;
  const unsigned cpl = rpl_of(selector);
  if (!code.code() || cpl < s.cpl || (code.conforming() ? code.dpl() > cpl : code.dpl() != cpl) ||
      (s.long_mode() && code.is_long() && code.big()))
    return raise_selector(cpu, kGp, selector);
  if (!code.present()) return raise_selector(cpu, vector::kNotPresent, selector);
  const bool to_64bit = s.long_mode() && code.is_long();
  if (!to_64bit) ip &= 0xffffffff;
  frame.skip(more);
  if (cpl == s.cpl) {
    if (!check_ip(cpu, code, ip) || !mark_accessed(cpu, selector, code)) return false;
    set_sp(s, frame.sp());
    set_code(s, selector, code, cpl, ip);
    cpu.changed();
    return true;
  }
  if (!frame.read(cpu, 2)) return false;
  const uint64_t sp = frame[2];
  const auto ss = static_cast<uint16_t>(frame[3]);
  Descriptor stack;
  const bool no_stack = is_null(ss) && to_64bit && cpl != 3 && rpl_of(ss) == cpl;
  if (!no_stack && !check_stack_segment(cpu, ss, cpl, stack, kGp)) return false;
  if (!check_ip(cpu, code, ip) || !mark_accessed(cpu, selector, code)) return false;
  set_code(s, selector, code, cpl, ip);
  set_outer_stack(s, ss, no_stack ? nullptr : &stack, sp, more);
  drop_data_segments(s);
  cpu.changed();
  return true;
}

}  // namespace mynah::x86
