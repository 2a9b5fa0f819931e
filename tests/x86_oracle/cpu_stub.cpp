// SPDX-License-Identifier: Apache-2.0
//
// Stands for X86Cpu until it is there: what helpers of user-mode instructions want.
#include <cstdlib>
#include <cstring>

#include "frontend/x86/cpu.h"
#include "frontend/x86/helpers_functions.h"
#include "frontend/x86/mxcsr.h"

#define WEAK __attribute__((weak))
namespace mynah::x86 {
WEAK uint32_t X86Cpu::user_class() const { return kClassUser; }
WEAK X86Cpu::X86Cpu(CpuModel m, X86System& system, ir::Runtime& runtime)
    : model_(std::move(m)),
      system_(system),
      runtime_(runtime),
      state_(*reinterpret_cast<X86State*>(runtime.state)) {}
WEAK bool X86Cpu::raise(const Exception& e) {
  raised_ = e;
  on_exception(e);
  return false;
}
WEAK bool X86Cpu::raise(const X86System::LinearFault& f, bool) {
  Exception e;
  e.vector = static_cast<uint8_t>(f.fault.words[0]);
  e.error = static_cast<uint32_t>(f.fault.words[1]);
  e.address = f.fault.words[2];
  return raise(e);
}
WEAK uint32_t X86Cpu::permission_class() const { return kClassUser; }
WEAK uint32_t X86Cpu::implicit_class() const { return kClassUser; }
WEAK void X86Cpu::changed() {}
WEAK uint32_t X86Cpu::mxcsr() const { return state_.mxcsr | mxcsr::flags_of(ir::fp_flags(runtime_)); }
WEAK void X86Cpu::set_mxcsr(uint32_t value) {
  state_.mxcsr = value & ~mxcsr::kFlags;
  ir::set_fp_flags(runtime_, mxcsr::sticky_of(value & mxcsr::kFlags));
}
WEAK bool X86Cpu::read(uint64_t linear, void* to, unsigned n, uint32_t c) {
  X86System::LinearFault f;
  const uint8_t* at = system_.linear(linear, n, false, c, f);
  return at ? (memcpy(to, at, n), true) : raise(f, false);
}
WEAK bool X86Cpu::write(uint64_t linear, const void* from, unsigned n, uint32_t c) {
  X86System::LinearFault f;
  uint8_t* at = system_.linear(linear, n, true, c, f);
  return at ? (memcpy(at, from, n), true) : raise(f, true);
}
WEAK void X86Cpu::reset() {}
WEAK void X86Cpu::set_pc(uint64_t pc) { state_.set_linear_pc(pc); }
WEAK uint64_t X86Cpu::canonical(uint64_t va) const { return va; }
WEAK ContextKey X86Cpu::context_key() { std::abort(); }
WEAK TranslateResult X86Cpu::translate(uint64_t, Access, uint32_t) { std::abort(); }
WEAK Fault X86Cpu::alignment_fault(uint64_t, Access, uint32_t) { std::abort(); }
WEAK const GuestStops& X86Cpu::guest_stops() const { std::abort(); }
WEAK bool X86Cpu::watched(uint64_t, uint64_t, bool, bool, uint8_t, uint32_t, Fault&) const { return false; }
WEAK void X86Cpu::raise_fault(const Fault&, Access, uint8_t) { std::abort(); }
WEAK void X86Cpu::arrive(uint64_t, const Arrival&) { std::abort(); }
WEAK Entry X86Cpu::enter() { std::abort(); }
WEAK AfterExit X86Cpu::engine_exit(uint8_t, uint64_t, uint64_t) { std::abort(); }
WEAK bool X86Cpu::call_helper(unsigned, const uint64_t*, uint64_t&) { std::abort(); }
WEAK bool X86Cpu::interrupt_deliverable() const { return false; }
WEAK void X86Cpu::deliver_interrupt() {}
WEAK bool X86Cpu::wake_pending() const { return false; }
WEAK void X86Cpu::wake() {}
}  // namespace mynah::x86
