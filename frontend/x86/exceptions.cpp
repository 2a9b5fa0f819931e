// SPDX-License-Identifier: Apache-2.0
//
// Delivery of exceptions and interrupts (SDM vol. 3, 6.10 to 6.15; vol. 2, INT n).
#include "frontend/x86/exceptions.h"

#include "frontend/x86/debug_registers.h"
#include "frontend/x86/segments.h"
#include "frontend/x86/stack.h"
#include "frontend/x86/tasks.h"
#include "frontend/x86/vectors.h"

namespace mynah::x86 {

namespace {

constexpr uint8_t kGp = vector::kGeneralProtection;

// One delivery, with what all its steps ask for.
class Delivery {
 public:
  Delivery(X86Cpu& cpu, const Exception& e)
      : cpu_(cpu), s_(cpu.x86()), e_(e), ext_(e.software ? 0 : 1), image_(rflags(s_)) {
    if (is_fault(e)) image_ |= eflags::kRf;
  }
  bool run() {
    if (!s_.protected_mode()) return by_real_table();
    return s_.long_mode() ? by_long_gate() : by_gate();
  }

 private:
  bool by_real_table();
  bool by_long_gate();
  bool by_gate();
  bool by_task_gate(uint16_t selector);
  bool to_inner(const Descriptor& gate, const Descriptor& code, bool wide);
  bool to_same(const Descriptor& gate, const Descriptor& code, bool wide);
  // Error code that names the gate.
  uint32_t gate_error() const { return e_.vector * 8u | 2 | ext_; }
  bool raise_gate(uint8_t vector) { return cpu_.raise(vector, gate_error()); }
  bool read_gate(Descriptor& gate, unsigned bytes);
  bool read_code(const Descriptor& gate, Descriptor& code);
  uint64_t saved_ip() const {
    const uint64_t ip = s_.ip() + e_.length;
    return s_.in_64bit_code() ? ip : ip & 0xffffffff;
  }
  // Behind the switch of CS: flags of the handler.
  void finish(bool masks_interrupts) {
    s_.eflags &= ~(eflags::kTf | eflags::kNt | eflags::kRf | eflags::kVm);
    if (masks_interrupts) s_.eflags &= ~eflags::kIf;
  }

  X86Cpu& cpu_;
  X86State& s_;
  const Exception& e_;
  const uint32_t ext_;
  uint32_t image_;  // EFLAGS to be saved
};

bool Delivery::by_real_table() {
  if (e_.vector * 4u + 3 > s_.idtr.limit) return raise_gate(kGp);
  uint16_t entry[2];
  if (!cpu_.read((s_.idtr.base + e_.vector * 4u) & 0xffffffff, entry, 4, cpu_.implicit_class())) return false;
  Pushes frame(Stack::current(s_), 2);
  frame.push(image_);
  frame.push(s_.segments[kCs].selector);
  frame.push(saved_ip());
  if (!frame.write(cpu_, 0)) return false;
  set_sp(s_, frame.sp());
  s_.eflags &= ~(eflags::kIf | eflags::kTf | eflags::kAc | eflags::kRf);
  set_real_code(s_, entry[1], entry[0]);
  return true;
}

bool Delivery::read_gate(Descriptor& gate, unsigned bytes) {
  const uint64_t offset = uint64_t{e_.vector} * bytes;
  if (offset + bytes - 1 > s_.idtr.limit) return raise_gate(kGp);
  return cpu_.read(s_.idtr.base + offset, &gate, bytes, cpu_.implicit_class());
}

// Checks of the handler's code segment; in long mode it is one of 64-bit code.
bool Delivery::read_code(const Descriptor& gate, Descriptor& code) {
  const uint16_t selector = gate.gate_selector();
  if (is_null(selector)) return cpu_.raise(kGp, ext_);
  if (!read_descriptor(cpu_, selector, code, kGp, ext_)) return false;
  if (!code.code() || code.dpl() > s_.cpl) return raise_selector(cpu_, kGp, selector, ext_);
  if (s_.long_mode() && (!code.is_long() || code.big())) return raise_selector(cpu_, kGp, selector, ext_);
  if (!code.present()) return raise_selector(cpu_, vector::kNotPresent, selector, ext_);
  return mark_accessed(cpu_, selector, code);
}

bool Delivery::by_long_gate() {
  Descriptor gate;
  if (!read_gate(gate, 16)) return false;
  const bool interrupt = gate.system(system_type::kInterruptGate32);
  if (!interrupt && !gate.system(system_type::kTrapGate32)) return raise_gate(kGp);
  if (e_.software && gate.dpl() < s_.cpl) return raise_gate(kGp);
  if (!gate.present()) return raise_gate(vector::kNotPresent);
  Descriptor code;
  if (!read_code(gate, code)) return false;
  const unsigned cpl = code.conforming() ? s_.cpl : code.dpl();
  uint64_t rsp = s_.r(kRsp);
  if (gate.gate_ist()) {
    if (!read_ist(cpu_, gate.gate_ist(), ext_, rsp)) return false;
  } else if (cpl != s_.cpl && !read_inner_rsp(cpu_, cpl, ext_, rsp)) {
    return false;
  }
  if (!is_canonical(s_, gate.gate_offset())) return cpu_.raise(kGp, ext_);
  Pushes frame(Stack::flat(rsp & ~uint64_t{15}, cpl), 8);
  frame.push(s_.segments[kSs].selector);
  frame.push(s_.r(kRsp));
  frame.push(image_);
  frame.push(s_.segments[kCs].selector);
  frame.push(saved_ip());
  if (e_.error) frame.push(*e_.error);
  if (!frame.write(cpu_, ext_)) return false;
  if (cpl != s_.cpl) set_null(s_, kSs, static_cast<uint16_t>(cpl));
  finish(interrupt);
  set_code(s_, gate.gate_selector(), code, cpl, gate.gate_offset());
  set_sp(s_, frame.sp());
  return true;
}

bool Delivery::by_gate() {
  Descriptor gate;
  if (!read_gate(gate, 8)) return false;
  const unsigned type = gate.code_or_data() ? 0 : gate.type();
  const bool task = type == system_type::kTaskGate;
  const bool wide = type == system_type::kInterruptGate32 || type == system_type::kTrapGate32;
  if (!task && !wide && type != system_type::kInterruptGate16 && type != system_type::kTrapGate16)
    return raise_gate(kGp);
  if (e_.software && gate.dpl() < s_.cpl) return raise_gate(kGp);
  if (!gate.present()) return raise_gate(vector::kNotPresent);
  if (task) return by_task_gate(gate.gate_selector());
  Descriptor code;
  if (!read_code(gate, code)) return false;
  const bool inner = !code.conforming() && code.dpl() < s_.cpl;
  if (s_.vm86() && (!inner || code.dpl() != 0)) return raise_selector(cpu_, kGp, gate.gate_selector(), ext_);
  return inner ? to_inner(gate, code, wide) : to_same(gate, code, wide);
}

bool Delivery::by_task_gate(uint16_t selector) {
  if (selector & 4) return raise_selector(cpu_, kGp, selector, ext_);
  Descriptor tss;
  if (!read_descriptor(cpu_, selector, tss, kGp, ext_)) return false;
  if (!tss.system(system_type::kTss16) && !tss.system(system_type::kTss32))
    return raise_selector(cpu_, kGp, selector, ext_);
  if (!tss.present()) return raise_selector(cpu_, vector::kNotPresent, selector, ext_);
  return switch_task(cpu_, selector, TaskSwitch::kCall, saved_ip(), ext_, e_.error);
}

constexpr bool is_interrupt_gate(const Descriptor& gate) {
  return (gate.type() & ~8u) == system_type::kInterruptGate16;
}
constexpr uint64_t offset_of(const Descriptor& gate, bool wide) {
  return wide ? gate.gate_offset() : gate.gate_offset() & 0xffff;
}

bool Delivery::to_inner(const Descriptor& gate, const Descriptor& code, bool wide) {
  const unsigned cpl = code.dpl();
  uint16_t ss;
  uint32_t esp;
  if (!read_inner_stack(cpu_, cpl, ext_, ss, esp)) return false;
  Descriptor stack;
  if (!check_stack_segment(cpu_, ss, cpl, stack, vector::kInvalidTss, ext_)) return false;
  const uint64_t ip = offset_of(gate, wide);
  if (ip > code.limit()) return cpu_.raise(kGp, ext_);
  Pushes frame(Stack::of(stack, esp, cpl), wide ? 4 : 2);
  const bool vm86 = s_.vm86();
  if (vm86)
    for (const unsigned n : {kGs, kFs, kDs, kEs}) frame.push(s_.segments[n].selector);
  frame.push(s_.segments[kSs].selector);
  frame.push(s_.r(kRsp));
  frame.push(image_);
  frame.push(s_.segments[kCs].selector);
  frame.push(saved_ip());
  if (e_.error) frame.push(*e_.error);
  if (!frame.write(cpu_, error_of(ss, ext_))) return false;
  finish(is_interrupt_gate(gate));
  if (vm86)
    for (const unsigned n : {kGs, kFs, kDs, kEs}) set_null(s_, n, 0);
  set_segment(s_, kSs, ss, stack);
  set_sp(s_, frame.sp());
  set_code(s_, gate.gate_selector(), code, cpl, ip);
  return true;
}

bool Delivery::to_same(const Descriptor& gate, const Descriptor& code, bool wide) {
  const uint64_t ip = offset_of(gate, wide);
  if (ip > code.limit()) return cpu_.raise(kGp, ext_);
  Pushes frame(Stack::current(s_), wide ? 4 : 2);
  frame.push(image_);
  frame.push(s_.segments[kCs].selector);
  frame.push(saved_ip());
  if (e_.error) frame.push(*e_.error);
  if (!frame.write(cpu_, ext_)) return false;
  finish(is_interrupt_gate(gate));
  set_sp(s_, frame.sp());
  set_code(s_, gate.gate_selector(), code, s_.cpl, ip);
  return true;
}

// SDM vol. 3, table 6-5.
enum class Class : uint8_t { kBenign, kContributory, kPageFault, kDoubleFault };
Class class_of(const Exception& e) {
  if (e.software || e.external) return Class::kBenign;
  switch (e.vector) {
    case vector::kDivide:
    case vector::kInvalidTss:
    case vector::kNotPresent:
    case vector::kStack:
    case vector::kGeneralProtection:
      return Class::kContributory;
    case vector::kPage:
      return Class::kPageFault;
    case vector::kDoubleFault:
      return Class::kDoubleFault;
    default:
      return Class::kBenign;
  }
}

// What becomes of a second exception while the first is delivered; a vector of 0xff: shutdown.
constexpr uint8_t kShutdownVector = 0xff;
Exception combined(const Exception& first, const Exception& second) {
  const Class a = class_of(first), b = class_of(second);
  if (a == Class::kDoubleFault && b != Class::kBenign) return {.vector = kShutdownVector};
  const bool doubled = (a == Class::kContributory && b == Class::kContributory) ||
                       (a == Class::kPageFault && b != Class::kBenign);
  return doubled ? Exception{.vector = vector::kDoubleFault, .error = 0} : second;
}

// What the processor notes of an exception whether or not it can be delivered.
void note(X86State& s, const Exception& e) {
  if (e.software || e.external) return;
  if (e.vector == vector::kPage) s.cr2 = e.address;
  if (e.vector == vector::kDebug) s.dr[6] |= e.debug;
}

}  // namespace

bool is_fault(const Exception& e) {
  if (e.software || e.external || e.length) return false;
  switch (e.vector) {
    case vector::kDebug:  // by a breakpoint at the instruction: RF is what it was; else a trap
    case vector::kNmi:
    case vector::kBreakpoint:
    case vector::kOverflow:
    case vector::kDoubleFault:
    case vector::kMachineCheck:
      return false;
    default:
      return true;
  }
}

Taken take_exception(X86Cpu& cpu, const Exception& exception) {
  X86State& s = cpu.x86();
  Exception now = exception;
  // Each fault during delivery is of a kind that ends in few steps: benign, contributory, double, shutdown.
  // The bound is for tables that another processor changes meanwhile.
  for (unsigned steps = 0; steps < 16; ++steps) {
    note(s, now);
    if (cpu.on_exception) cpu.on_exception(now);
    if (Delivery(cpu, now).run()) {
      if (now.external && now.vector == vector::kNmi) s.nmi_blocked = 1;
      if (now.vector == vector::kDebug && !now.software && !now.external) s.dr[7] &= ~dr7::kGeneralDetect;
      s.shadow = 0;
      s.stepping = 0;
      s.fpu_unchecked = 0;
      return Taken::kYes;
    }
    const auto nested = cpu.take_raised();
    if (!nested) return Taken::kAgain;
    now = combined(now, *nested);
    if (now.vector == kShutdownVector) return Taken::kNever;
  }
  return Taken::kNever;
}

}  // namespace mynah::x86
