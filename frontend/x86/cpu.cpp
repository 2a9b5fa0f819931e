// SPDX-License-Identifier: Apache-2.0
//
// X86Cpu: the processor's side of the engine's questions (frontend/guest.h), each answered by the part that
// knows. Here is what connects them: which facts make the key of a context and of a block, how a fault
// becomes an exception, what an exit to the engine or a helper call means, what is looked at between
// instructions.
#include "frontend/x86/cpu.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "frontend/x86/debug_registers.h"
#include "frontend/x86/exceptions.h"
#include "frontend/x86/helpers.h"
#include "frontend/x86/lift.h"
#include "frontend/x86/mmu.h"
#include "frontend/x86/mode.h"
#include "frontend/x86/mxcsr.h"
#include "frontend/x86/segments.h"
#include "frontend/x86/vectors.h"
#include "frontend/x86/x87.h"

namespace mynah::x86 {

namespace {

// mynah::Fault of this front end: the vector, what error code there is, and CR2 or bits for DR6.
enum FaultWord : unsigned { kWordVector, kWordError, kWordAddress };
constexpr uint64_t kHasError = uint64_t{1} << 32;

Fault make_fault(uint8_t vector, uint64_t error, uint64_t address) { return {{vector, error, address, 0}}; }

Exception exception_of(const Fault& fault) {
  Exception e{.vector = static_cast<uint8_t>(fault.words[kWordVector])};
  if (fault.words[kWordError] & kHasError) e.error = static_cast<uint32_t>(fault.words[kWordError]);
  if (e.vector == vector::kDebug)
    e.debug = fault.words[kWordAddress];
  else
    e.address = fault.words[kWordAddress];
  return e;
}

bool in_one_page(uint64_t linear, unsigned n) { return (linear & 0xfff) + n <= 0x1000; }

// X86State::interrupt_pending: what there is to look at.
enum Pending : uint32_t { kPendingInterrupt = 1, kPendingOther = 2 };

}  // namespace

X86Cpu::X86Cpu(CpuModel model, X86System& system, ir::Runtime& runtime)
    : model_(std::move(model)), system_(system), runtime_(runtime), state_(*new (runtime.state) X86State{}) {
  runtime_.f80_file = offsetof(X86State, fpr);
}

// --- MXCSR

uint32_t X86Cpu::mxcsr() const { return state_.mxcsr | mxcsr::flags_of(ir::fp_flags(runtime_)); }

void X86Cpu::set_mxcsr(uint32_t value) {
  state_.mxcsr = value & ~mxcsr::kFlags;
  ir::set_fp_flags(runtime_, mxcsr::sticky_of(value & mxcsr::kFlags));
}

// --- helpers

bool X86Cpu::raise(const Exception& exception) {
  raised_ = exception;
  return false;
}

bool X86Cpu::raise(const X86System::LinearFault& fault, bool) {
  if (fault.alone) {
    again_ = true;
    return false;
  }
  return raise(exception_of(fault.fault));
}

uint32_t X86Cpu::implicit_class() const { return state_.cr4 & cr4::kSmap ? kClassGuarded : kClassSupervisor; }

uint32_t X86Cpu::permission_class() const {
  if (state_.cpl == 3) return kClassUser;
  return (state_.cr4 & cr4::kSmap) && !(state_.eflags & eflags::kAc) ? kClassGuarded : kClassSupervisor;
}

bool X86Cpu::read(uint64_t linear, void* to, unsigned n, uint32_t permission_class) {
  const WholeAddresses whole(*this);
  if (in_one_page(linear, n)) {
    if (const uint8_t* from = system_.ram(linear, n, false, permission_class)) {
      std::memcpy(to, from, n);
      return true;
    }
  }
  X86System::LinearFault fault;
  const uint8_t* from = system_.linear(linear, n, false, permission_class, fault);
  if (!from) return raise(fault, false);
  std::memcpy(to, from, n);
  return true;
}

bool X86Cpu::write(uint64_t linear, const void* from, unsigned n, uint32_t permission_class) {
  const WholeAddresses whole(*this);
  if (in_one_page(linear, n)) {
    if (uint8_t* to = system_.ram(linear, n, true, permission_class)) {
      std::memcpy(to, from, n);
      return true;
    }
  }
  X86System::LinearFault fault;
  uint8_t* to = system_.linear(linear, n, true, permission_class, fault);
  if (!to) return raise(fault, true);
  std::memcpy(to, from, n);
  if (system_.commit(to, fault.fault)) return true;
  return raise(fault, true);
}

// --- addresses

uint64_t X86Cpu::canonical(uint64_t va) const {
  return whole_ || state_.in_64bit_code() ? va : va & 0xffffffff;
}

void X86Cpu::set_pc(uint64_t pc) { state_.set_linear_pc(state_.in_64bit_code() ? pc : pc & 0xffffffff); }

TranslateResult X86Cpu::translate(uint64_t tagged, Access access, uint32_t permission_class) {
  TranslateResult result;
  const uint64_t va = canonical(tagged);
  const Walk w = walk(state_, model_, system_, va, access, permission_class);
  switch (w.status) {
    case Walk::Status::kPageFault:
      result.fault = make_fault(vector::kPage, w.error | kHasError, va);
      return result;
    case Walk::Status::kNotCanonical:
      result.fault = make_fault(vector::kGeneralProtection, kHasError, 0);
      return result;
    case Walk::Status::kOk:
      break;
  }
  result.ok = true;
  result.page.pa = system_.on_bus(w.pa & address_lines_);
  // Half of each two MiB is the other half while line 20 is low.
  result.page.page_bits = address_lines_ == kAllLines ? w.page_bits : 12;
  result.page.global = w.global;
  std::copy(std::begin(w.permissions), std::end(w.permissions), std::begin(result.page.permissions));
  return result;
}

void X86Cpu::set_a20(bool on) {
  const uint64_t lines = on ? kAllLines : kAllLines & ~(uint64_t{1} << 20);
  if (lines == address_lines_) return;
  address_lines_ = lines;
  system_.tlb_flush_all();
  system_.translation_changed();
}

Fault X86Cpu::alignment_fault(uint64_t, Access, uint32_t) {
  return make_fault(vector::kAlignment, kHasError, 0);
}

void X86Cpu::raise_fault(const Fault& fault, Access, uint8_t note) {
  Exception e = exception_of(fault);
  if (e.vector == vector::kAlignment && (note & kNoteAligned)) e.vector = vector::kGeneralProtection;
  if (e.vector == vector::kGeneralProtection && (note & kNoteStack) && !(note & kNoteAligned))
    e.vector = vector::kStack;
  take(e);
}

// --- debug registers

void X86Cpu::note_debug_trap(uint64_t bits) const {
  state_.debug_pending |= bits;
  state_.interrupt_pending |= kPendingOther;
  system_.look_soon();
}

// Data breakpoints are traps: what is hit is delivered behind the instruction.
bool X86Cpu::watched(uint64_t va, uint64_t length, bool read, bool write, uint8_t, uint32_t, Fault&) const {
  if (const uint64_t hit = data_breakpoints_hit(state_, canonical(va), length, read, write))
    note_debug_trap(hit);
  return false;
}

// --- entering code

void X86Cpu::complete_instruction() {
  state_.shadow = 0;
  state_.fpu_unchecked = 0;
  state_.eflags &= ~eflags::kRf;
  if (!state_.stepping) return;
  state_.stepping = 0;
  state_.debug_pending |= dr6::kStep;
  state_.interrupt_pending |= kPendingOther;
}

void X86Cpu::arrive(uint64_t pc, const Arrival& how) {
  set_pc(pc);
  if (how.branch()) complete_instruction();
}

Entry X86Cpu::enter() {
  Entry entry;
  entry.alike = ir::BranchKind::kJump;
  const uint64_t pc = state_.pc();
  if (!state_.in_64bit_code() && state_.ip() > state_.segments[kCs].limit) {
    entry.fault = make_fault(vector::kGeneralProtection, kHasError, 0);
    return entry;
  }
  if (state_.dr[7] & dr7::kEnabled) {
    const uint64_t hit = state_.eflags & eflags::kRf ? 0 : code_breakpoints_hit(state_, pc);
    if (hit) {
      entry.fault = make_fault(vector::kDebug, 0, hit);
      return entry;
    }
  } else {
    state_.eflags &= ~eflags::kRf;
  }
  if (state_.eflags & eflags::kTf) {
    state_.stepping = 1;
    entry.facts |= kModeTrap;
  }
  // RF holds for one instruction, as the shadow does.
  if (state_.shadow || (state_.eflags & eflags::kRf)) entry.facts |= kModeShadow;
  if (state_.fpu_unchecked) entry.facts |= kModeX87Unchecked;
  if (entry.facts) entry.alike.reset();
  if ((state_.eflags & eflags::kAc) && state_.cpl < 3) {
    entry.by_link = entry.alike.has_value();
    entry.facts |= kModeAccess;
    entry.alike.reset();
  }
  // Where the jump cache leads to a block that has found another stack, the key must tell.
  entry.facts |= mode_x87(static_cast<unsigned>(state_.fpu_top / 16), state_.ftw);
  if (pc == x87_other_) entry.alike.reset();
  return entry;
}

// --- interrupts

void X86Cpu::changed() {
  system_.translation_changed();
  look_for_interrupts();
}

void X86Cpu::look_for_interrupts() {
  if (state_.interrupt_pending && (state_.eflags & eflags::kIf)) system_.look_soon();
}

void X86Cpu::interrupt_changed() {
  if (system_.pending_vector() >= 0)
    state_.interrupt_pending |= kPendingInterrupt;
  else
    state_.interrupt_pending &= ~kPendingInterrupt;
  look_for_interrupts();
}

void X86Cpu::nmi() {
  state_.nmi_pending = 1;
  state_.interrupt_pending |= kPendingOther;
  system_.look_soon();
}

void X86Cpu::init() {
  state_.init_pending = 1;
  state_.interrupt_pending |= kPendingOther;
  system_.look_soon();
}

// Whoever does not wait for one does not notice.
void X86Cpu::startup(uint8_t vector) {
  if (state_.sleep != Sleep::kForStartup && !state_.init_pending) return;
  state_.startup_pending = 1;
  state_.startup_vector = vector;
  state_.interrupt_pending |= kPendingOther;
  system_.look_soon();
}

bool X86Cpu::interrupt_deliverable() const {
  const X86State& s = state_;
  if (!s.interrupt_pending) return false;
  if (s.sleep == Sleep::kForStartup || s.sleep == Sleep::kShutdown)
    return s.init_pending || s.startup_pending;
  if (s.init_pending || put_off_) return true;
  if (s.debug_pending && s.shadow < 2) return true;
  if (s.shadow) return false;
  if (s.nmi_pending && !s.nmi_blocked) return true;
  return (s.interrupt_pending & kPendingInterrupt) && (s.eflags & eflags::kIf);
}

// In the order of the manual (SDM vol. 3, 6.9).
void X86Cpu::deliver_interrupt() {
  X86State& s = state_;
  const auto settle = [&] {
    if (!s.debug_pending && !s.nmi_pending && !s.init_pending && !s.startup_pending && !put_off_)
      s.interrupt_pending &= ~kPendingOther;
  };
  if (s.init_pending) {
    s.init_pending = 0;
    reset_words(true);
    system_.reset_apic();
    settle();
    return changed();
  }
  if (s.startup_pending) {
    s.startup_pending = 0;
    settle();
    if (s.sleep != Sleep::kForStartup) return;
    s.segments[kCs].selector = static_cast<uint16_t>(s.startup_vector << 8);
    s.base(kCs) = uint64_t{s.startup_vector} << 12;
    s.set_linear_pc(s.base(kCs));
    wake();
    return changed();
  }
  if (asleep()) wake();
  if (put_off_) {
    const Exception e = *std::exchange(put_off_, std::nullopt);
    settle();
    return take_event(e);
  }
  if (s.debug_pending) {
    const Exception e{.vector = vector::kDebug, .debug = std::exchange(s.debug_pending, 0)};
    settle();
    return take_event(e);
  }
  if (s.nmi_pending && !s.nmi_blocked) {
    s.nmi_pending = 0;
    s.nmi_blocked = 1;
    settle();
    return take_event({.vector = vector::kNmi, .external = true});
  }
  const int vector = system_.accept_interrupt();
  interrupt_changed();
  if (vector >= 0) take_event({.vector = static_cast<uint8_t>(vector), .external = true});
}

bool X86Cpu::wake_pending() const { return asleep() && interrupt_deliverable(); }

void X86Cpu::wake() {
  if (state_.sleep != Sleep::kHalt && !(state_.sleep == Sleep::kForStartup && !state_.startup_pending))
    return;
  if (state_.sleep == Sleep::kForStartup && state_.init_pending) return;
  state_.sleep = Sleep::kNone;
  system_.wakes();
}

AfterExit X86Cpu::halt() {
  complete_instruction();
  if (interrupt_deliverable()) return AfterExit::kContinue;
  state_.sleep = Sleep::kHalt;
  system_.sleeps();
  return AfterExit::kHalt;
}

bool X86Cpu::take(const Exception& exception) {
  const Taken taken = take_exception(*this, exception);
  if (taken == Taken::kNever) triple_fault();
  again_ = false;
  changed();
  return taken != Taken::kAgain;
}

void X86Cpu::take_event(const Exception& event) {
  if (take(event)) return;
  put_off_ = event;
  state_.interrupt_pending |= kPendingOther;
}

void X86Cpu::triple_fault() {
  if (on_triple_fault) on_triple_fault();
  state_.sleep = Sleep::kShutdown;
  system_.shut_down();
}

// --- control

AfterExit X86Cpu::engine_exit(uint8_t reason, uint64_t imm, uint64_t argument) {
  switch (static_cast<ExitReason>(reason)) {
    case ExitReason::kContinue:
      complete_instruction();
      break;
    case ExitReason::kException: {
      Exception e{.vector = static_cast<uint8_t>(imm)};
      if (imm & 1 << 8) e.error = static_cast<uint32_t>(imm >> 16);
      take(e);
      break;
    }
    case ExitReason::kUndefined:
      if (on_undefined)
        on_undefined(state_.pc(), imm & 1 << 16 ? feature_of_isa(static_cast<unsigned>(imm >> 32)) : "");
      take({.vector = vector::kInvalidOpcode});
      break;
    case ExitReason::kHlt:
      return halt();
    case ExitReason::kPause:
      complete_instruction();
      return system_.others_can_run() ? AfterExit::kYield : AfterExit::kContinue;
    case ExitReason::kShadow:
      complete_instruction();
      state_.shadow = static_cast<uint8_t>(imm);
      break;
    case ExitReason::kRepeat:
      complete_instruction();
      state_.eflags |= eflags::kRf;  // its breakpoint was met at the first iteration
      break;
    case ExitReason::kX87Stack:
      state_.fpu_unchecked = 1;
      break;
    case ExitReason::kX87Other:
      x87_other_ = state_.pc();
      break;
    case ExitReason::kSlow:
      return AfterExit::kSlow;
    case ExitReason::kStop:
      return AfterExit::kStop;
    default:
      break;
  }
  return AfterExit::kContinue;
}

bool X86Cpu::call_helper(unsigned helper, const uint64_t args[4], uint64_t& result) {
  const uint32_t resume = state_.eflags & eflags::kRf;
  again_ = false;
  if (x86::call_helper(static_cast<Helper>(helper), *this, args, result)) return true;
  if (again_) {
    again_ = false;
    return false;
  }
  if (raised_) {
    const Exception e = *raised_;
    raised_.reset();
    take(e);
  } else {
    const uint32_t loaded = state_.eflags & eflags::kRf & ~resume;  // by IRET: it holds for one more
    complete_instruction();
    state_.eflags |= loaded;
    changed();
  }
  return false;
}

}  // namespace mynah::x86
