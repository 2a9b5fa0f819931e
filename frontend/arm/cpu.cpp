// SPDX-License-Identifier: Apache-2.0
//
// ArmCpu: the processor's side of the engine's questions (frontend/guest.h), each answered by the part that
// knows: mmu, exceptions, system registers, debug, lifter. Here is what connects them: which facts make the
// key of a context and of a block, how a fault becomes an exception, what an exit to the engine or a helper
// call means.
//
// Whoever takes or returns from an exception here has the cycle counter account for the change of level
// (pmu.h).
#include "frontend/arm/cpu.h"

#include <fmt/format.h>

#include <cstring>
#include <new>

#include "frontend/arm/a64/access_note.h"
#include "frontend/arm/a64/decode.h"
#include "frontend/arm/a64/features.h"
#include "frontend/arm/a64/lift.h"
#include "frontend/arm/debug.h"
#include "frontend/arm/helpers.h"
#include "frontend/arm/mmu.h"
#include "frontend/arm/mode.h"
#include "frontend/arm/pauth.h"
#include "frontend/arm/pmu.h"
#include "frontend/arm/pstate.h"
#include "frontend/arm/slots.h"
#include "frontend/arm/sysregs.h"
#include "frontend/arm/sysregs_fields.h"
#include "frontend/arm/sysregs_instructions.h"

namespace mynah::arm {

namespace {

constexpr uint32_t kFpsrFlags = 0x0800009f;  // QC and the cumulative exception bits

constexpr uint16_t kFpsrKey = system_key(3, 3, 4, 4, 1);

// mynah::Fault of this front end: what kind, where, and the status.
enum FaultWord : unsigned { kWordFault, kWordLevel, kWordAddress };
constexpr uint64_t kPcMisaligned = ~uint64_t{0};   // as kWordFault
constexpr uint64_t kWatchpointHit = ~uint64_t{1};  // the same; kWordLevel: whether a store
constexpr uint64_t kBreakpointHit = ~uint64_t{2};  // the same

uint64_t x_or_zero(const ArmState& state, unsigned n) { return n == 31 ? 0 : state.x(n); }
bool checks_sp(const ArmState& state) { return state.sctlr & (state.el ? sctlr::kSa : sctlr::kSa0); }
bool sp_misaligned(const ArmState& state) { return state.sp() % 16 && checks_sp(state); }

::mynah::Fault make_fault(Fault kind, uint64_t va) {
  ::mynah::Fault fault;
  fault.words[kWordFault] = static_cast<uint64_t>(kind);
  fault.words[kWordLevel] = 3;
  fault.words[kWordAddress] = va;
  return fault;
}

// PSTATE.BTYPE behind a branch, by kind.
constexpr uint8_t kBtype[] = {1, 2, 0, 3};
constexpr ir::BranchKind kBranchOfBtype[] = {ir::BranchKind::kReturn, ir::BranchKind::kJump,
                                             ir::BranchKind::kCall, ir::BranchKind::kOtherJump};

}  // namespace

ArmCpu::ArmCpu(CpuModel model, ArmSystem& system, Firmware* firmware, ir::Runtime& runtime)
    : model_(std::move(model)),
      system_(system),
      firmware_(firmware),
      runtime_(runtime),
      state_(*new (runtime.state) ArmState{}) {}

void ArmCpu::reset() {
  arm::reset(state_, model_, reset_config);
  set_fpsr(0);
}

uint32_t ArmCpu::fpsr() const { return (state_.fpsr & ~kFpsrFlags) | (ir::fp_flags(runtime_) & kFpsrFlags); }

void ArmCpu::set_fpsr(uint32_t value) {
  state_.fpsr = value;
  ir::set_fp_flags(runtime_, value & kFpsrFlags);
}

uint64_t ArmCpu::canonical(uint64_t va) const {
  const uint64_t top = va >> 56;
  if (top == (va >> 55 & 1 ? 0xff : 0)) return va;
  if (!top_byte_ignored(state_, va, false)) return va;
  return va >> 55 & 1 ? va | uint64_t{0xff} << 56 : va & ~(uint64_t{0xff} << 56);
}

void ArmCpu::set_pc(uint64_t pc) {
  const uint64_t top = pc >> 56;
  if (top != (pc >> 55 & 1 ? 0xff : 0) && top_byte_ignored(state_, pc, true))
    pc = pc >> 55 & 1 ? pc | uint64_t{0xff} << 56 : pc & ~(uint64_t{0xff} << 56);
  state_.set_pc(pc);
}

ContextKey ArmCpu::context_key() {
  ContextKey context;
  TranslationKey& key = context.translation;
  const uint64_t control = state_.sctlr;
  constexpr uint64_t kTableBase = 0x0000fffffffffffe;  // of TTBR0 and TTBR1, without ASID and CnP
  key.own_root = state_.ttbr0 & kTableBase;
  key.common_root = state_.ttbr1 & kTableBase;
  key.regime = {state_.tcr, state_.mair, control & (sctlr::kM | sctlr::kWxn | sctlr::kBt0 | sctlr::kBt1)};
  key.asid = current_asid(state_);
  const bool el1 = state_.el != 0;
  key.permission_class = el1 ? (state_.pan ? 2 : 1) : 0;
  uint64_t mode = 0;
  if (el1) mode |= kModeEl1;
  if (el1 && state_.spsel) mode |= kModeSpEl1;
  if (checks_sp(state_)) mode |= kModeSpCheck;
  if (!fp_trapped(state_)) mode |= kModeFpEnabled;
  if (control & sctlr::kA) mode |= kModeAlignCheck;
  if (!(control & sctlr::kM)) mode |= kModeAlignCheck | kModeMmuOff;
  if (state_.uao) mode |= kModeUao;
  if (control & sctlr::kEnIa) mode |= kModeEnIa;
  if (control & sctlr::kEnIb) mode |= kModeEnIb;
  if (control & sctlr::kEnDa) mode |= kModeEnDa;
  if (control & sctlr::kEnDb) mode |= kModeEnDb;
  if (state_.il) mode |= kModeIllegalState;
  if (!el1 && (control & sctlr::kDze)) mode |= kModeUserZva;
  if (state_.mdscr & (mdscr::kSs | mdscr::kMde)) {
    mode |= kModeDebug;
    key.stops = note_stops(debug_stops(state_));
  }
  const uint32_t fpcr = state_.fpcr;
  if (fpcr >> 25 & 1) mode |= kModeDefaultNan;
  if (fpcr >> 24 & 1) mode |= kModeFlush;
  if (fpcr >> 19 & 1) mode |= kModeFlushHalf;
  if (fpcr >> 26 & 1) mode |= kModeAltHalf;
  mode |= uint64_t{fpcr >> 22 & 3} << kModeRoundShift;
  if (model_.has(Feature::kPauth)) mode |= pauth_mode(state_);
  context.code.mode = mode;
  return context;
}

// Numbers are never given twice, so that what is keyed by one needs no clearing when the registers change.
uint32_t ArmCpu::note_stops(GuestStops stops) {
  if (stops == GuestStops{}) {
    stops_ = stops_numbers_.end();
    return 0;
  }
  constexpr size_t kMost = 1024;
  if (stops_numbers_.size() == kMost && !stops_numbers_.contains(stops)) stops_numbers_.clear();
  const auto [at, is_new] = stops_numbers_.try_emplace(std::move(stops), next_stops_);
  if (is_new) ++next_stops_;
  stops_ = at;
  return at->second;
}

const GuestStops& ArmCpu::guest_stops() const {
  static const GuestStops none;
  return stops_ == stops_numbers_.end() ? none : stops_->first;
}

TranslateResult ArmCpu::translate(uint64_t va, ::mynah::Access access, uint32_t permission_class) {
  TranslateResult result;
  if (access == ::mynah::Access::kExecute && (va & 3)) {  // comes before all that the tables can say
    result.fault.words[kWordFault] = kPcMisaligned;
    return result;
  }
  static constexpr Access kAccess[] = {Access::kRead, Access::kWrite, Access::kExecute};
  const WalkResult w = walk(state_, system_.memory(), va, kAccess[static_cast<unsigned>(access)],
                            permission_class != 0, permission_class == 2);
  if (!w.ok()) {
    result.fault.words[kWordFault] = static_cast<uint64_t>(w.fault);
    result.fault.words[kWordLevel] = w.level;
    result.fault.words[kWordAddress] = va;
    return result;
  }
  result.ok = true;
  Translation& t = result.page;
  t.pa = w.pa;
  t.page_bits = w.page_bits;
  const auto rights = [](bool r, bool wr, bool x) -> uint8_t {
    return (r ? kCanRead : 0) | (wr ? kCanWrite : 0) | (x ? kCanExecute : 0);
  };
  t.permissions[0] = rights(w.read_el0, w.write_el0, w.execute_el0);
  t.permissions[1] = rights(w.read_el1, w.write_el1, w.execute_el1);
  // PAN goes by the page's AP[1], whatever else keeps EL0 from it.
  t.permissions[2] = rights(w.read_el1 && !w.user, w.write_el1 && !w.user, w.execute_el1);
  t.global = w.global;
  t.device = w.device;
  t.always_aligned = !(state_.sctlr & sctlr::kM);
  t.common = va >> 55 & 1;
  if (w.guarded && model_.has(Feature::kBti)) {
    t.code_facts = kModeGuarded;
    if (state_.sctlr & sctlr::kBt0) t.code_facts |= kModeStrictPacEl0;
    if (state_.sctlr & sctlr::kBt1) t.code_facts |= kModeStrictPacEl1;
  }
  return result;
}

::mynah::Fault ArmCpu::alignment_fault(uint64_t va, ::mynah::Access, uint32_t) {
  return make_fault(Fault::kAlignment, va);
}

std::optional<::mynah::Fault> ArmCpu::nothing_there(uint64_t va, ::mynah::Access, uint32_t) {
  return make_fault(Fault::kExternal, va);
}

void ArmCpu::take(const Exception& exception, uint64_t return_address) {
  if (on_exception) on_exception(exception, return_address);
  const bool counts = pmu::concerned(state_);
  if (counts) {
    pmu::count(state_, system_);
    pmu::happened(state_, pmu::kExceptionTaken);
  }
  take_exception(state_, exception, return_address);
  if (counts) pmu::settle(state_, system_);
}

void ArmCpu::return_from_exception(uint64_t address) {
  const bool counts = pmu::concerned(state_);
  if (counts) {
    pmu::count(state_, system_);
    pmu::happened(state_, pmu::kExceptionReturn);
  }
  exception_return(state_, address);
  if (counts) pmu::settle(state_, system_);
}

void ArmCpu::cycles_passed() {
  pmu::count(state_, system_);
  pmu::settle(state_, system_);
}

bool ArmCpu::watched(uint64_t va, uint64_t length, bool read, bool write, uint8_t note,
                     uint32_t permission_class, ::mynah::Fault& fault) const {
  if (note == kNoteStoreExclusive) read = false;
  const uint64_t plain = canonical(va);
  const auto hit = watchpoint_hit(state_, plain, length, read, write, permission_class ? 1 : 0);
  if (!hit) return false;
  fault.words[kWordFault] = kWatchpointHit;
  fault.words[kWordLevel] = hit->write;
  fault.words[kWordAddress] = hit->address ^ plain ^ va;  // with the tag
  return true;
}

// ESR_EL1.WnR of a fault at a store. An atomic instruction's is a read's where its read would fault alike;
// only a permission can be there for the one and not for the other.
bool ArmCpu::reported_as_write(Fault kind, uint64_t va, uint8_t note) const {
  if (note != kNoteReadModifyWrite) return true;
  if (kind != Fault::kPermission) return false;
  const bool privileged = state_.el != 0;
  return walk(state_, system_.memory(), va, Access::kTranslateRead, privileged, privileged && state_.pan)
      .ok();
}

void ArmCpu::raise_fault(const ::mynah::Fault& fault, ::mynah::Access access, uint8_t note) {
  if (fault.words[kWordFault] == kPcMisaligned) return take(pc_alignment(state_.pc()), state_.pc());
  if (fault.words[kWordFault] == kBreakpointHit)
    return take(synchronous(syndrome::breakpoint(state_.el)), state_.pc());
  if (fault.words[kWordFault] == kWatchpointHit)
    return take({ExceptionKind::kSynchronous, syndrome::watchpoint(state_.el, fault.words[kWordLevel] != 0),
                 true, fault.words[kWordAddress]},
                state_.pc());
  const auto kind = static_cast<Fault>(fault.words[kWordFault]);
  const auto level = static_cast<unsigned>(fault.words[kWordLevel]);
  const uint64_t va = note & kNoteZeroBlock ? x_or_zero(state_, note & 31) : fault.words[kWordAddress];
  if (access == ::mynah::Access::kExecute)
    return take(instruction_abort(state_, kind, level, va), state_.pc());
  const bool write = access == ::mynah::Access::kWrite && reported_as_write(kind, va, note);
  take(data_abort(state_, kind, level, va, write), state_.pc());
}

void ArmCpu::arrive(uint64_t pc, const Arrival& how) {
  set_pc(pc);
  if (!how.branch()) {
    state_.btype = how.mode() >> kModeBtypeShift & 3;
    return;
  }
  if (model_.has(Feature::kBti)) state_.btype = kBtype[static_cast<unsigned>(*how.branch())];
  complete_step();
}

Entry ArmCpu::enter() {
  Entry entry;
  if (state_.pc() & 3) {
    entry.fault.emplace().words[kWordFault] = kPcMisaligned;
    return entry;
  }
  if (breakpoint_hits(state_, state_.pc())) {
    entry.fault.emplace().words[kWordFault] = kBreakpointHit;
    return entry;
  }
  entry.facts = uint64_t{state_.btype} << kModeBtypeShift;
  entry.alike = kBranchOfBtype[state_.btype];
  uint64_t apart = 0;
  if (sp_misaligned(state_)) apart |= kModeSpMisaligned;
  if (state_.mdscr & (mdscr::kSs | mdscr::kMde)) {
    if (context_breakpoints_armed(state_)) apart |= kModeBreakpoints;
    if (software_step_active(state_)) apart |= kModeSingleStep;
  }
  if (apart) entry.alike.reset();
  entry.facts |= apart;
  return entry;
}

bool ArmCpu::interrupt_deliverable() const {
  return pending_interrupt(state_).has_value() || (!state_.ss && software_step_active(state_));
}

void ArmCpu::deliver_interrupt() {
  if (const auto kind = pending_interrupt(state_)) {
    if (asleep()) wake();
    return take({.kind = *kind}, state_.pc());
  }
  if (!state_.ss && software_step_active(state_))
    take(synchronous(syndrome::software_step(state_.el, true, false)), state_.pc());
}

// SSAdvance: an instruction has completed. True where it was stepped.
bool ArmCpu::complete_step() {
  if (!software_step_active(state_)) return false;
  state_.ss = 0;
  return true;
}

AfterExit ArmCpu::fall_asleep(Sleep sleep) {
  state_.sleep = sleep;
  system_.sleeps(sleep == Sleep::kForEvent);
  return AfterExit::kHalt;
}

bool ArmCpu::wake_pending() const {
  switch (state_.sleep) {
    case Sleep::kForEvent:
      return event_wakes(state_);
    case Sleep::kOff:
      return false;
    default:
      return interrupt_wakes(state_);
  }
}

// What others stored has cleared the monitor, or may have: nobody tells. That is an event for WFE, and ends
// the load-exclusive's claim, so that no value that changed and changed back is taken for one that stayed.
void ArmCpu::others_ran() {
  if (state_.exclusive_address == ~uint64_t{0}) return;
  state_.exclusive_address = ~uint64_t{0};
  state_.event_register = 1;
}

void ArmCpu::turn_on(uint64_t pc, uint64_t context) {
  reset();
  state_.set_pc(pc);
  state_.x(0) = context;
}

void ArmCpu::wake() {
  if (is_off()) return;
  // The event that ended a WFE is used up, as one is that came before it. The manual leaves that open.
  if (state_.sleep == Sleep::kForEvent) state_.event_register = 0;
  state_.sleep = Sleep::kNone;
  system_.wakes();
}

AfterExit ArmCpu::wait_for_interrupt() {
  if (interrupt_wakes(state_)) {
    complete_step();
    return AfterExit::kContinue;
  }
  if (!state_.el && !(state_.sctlr & sctlr::kNtwi)) {
    take(synchronous(syndrome::wfx(syndrome::Wfx::kWfi)), state_.pc() - 4);
    return AfterExit::kContinue;
  }
  return complete_step() ? AfterExit::kContinue : fall_asleep(Sleep::kForInterrupt);
}

// The event register is where events meet WFE. Those of the event stream get there when they are needed:
// here, if one has passed, or while this sleeps.
//
// One event is not modelled: that another observer's store, which can only be a device's, clears the
// exclusive monitor. (The monitor remembers a value, and nobody tells it of stores.) So with the monitor set
// WFE relies on the event stream to see such a store soon, and without it completes at once, as WFE always
// may. While another processor element can run, its stores may be such: WFE gives it the time (others_ran()).
AfterExit ArmCpu::wait_for_event() {
  if (system_.take_stream_event()) state_.event_register = 1;
  if (state_.event_register) {
    state_.event_register = 0;
    complete_step();
    return AfterExit::kContinue;
  }
  if (!state_.el && !(state_.sctlr & sctlr::kNtwe)) {
    take(synchronous(syndrome::wfx(syndrome::Wfx::kWfe)), state_.pc() - 4);
    return AfterExit::kContinue;
  }
  const bool monitored = state_.exclusive_address != ~uint64_t{0};
  if (monitored && system_.others_can_run() && !pending_interrupt(state_)) {
    complete_step();
    return AfterExit::kYield;
  }
  const bool unwatched = monitored && !(state_.cntkctl & cntkctl::kEvnten);
  if (complete_step() || unwatched || pending_interrupt(state_)) return AfterExit::kContinue;
  return fall_asleep(Sleep::kForEvent);
}

AfterExit ArmCpu::halt(uint16_t immediate) {
  switch (firmware_ ? firmware_->halt(state_, immediate) : Firmware::Halt::kUndefined) {
    case Firmware::Halt::kUndefined:
      take(synchronous(syndrome::unknown()), state_.pc());
      break;
    case Firmware::Halt::kDone:
      set_pc(state_.pc() + 4);
      complete_step();
      break;
    case Firmware::Halt::kAgain:
      return AfterExit::kHalt;  // awake: what is pending is taken before
  }
  return AfterExit::kContinue;
}

AfterExit ArmCpu::engine_exit(uint8_t reason, uint64_t imm, uint64_t argument) {
  const uint64_t pc = state_.pc();
  switch (static_cast<ExitReason>(reason)) {
    case ExitReason::kContinue:
      complete_step();
      break;
    case ExitReason::kUndefined: {
      const auto word = static_cast<uint32_t>(imm);
      if (on_undefined) {
        const a64::Decoded d = a64::decode(word);
        const auto missing = d ? a64::missing_feature(d, model_.features) : std::nullopt;
        on_undefined(word, pc, missing ? feature_name(*missing) : std::string_view{});
      }
      take(synchronous(syndrome::unknown()), pc);
      break;
    }
    case ExitReason::kSvc:
      complete_step();
      take(synchronous(syndrome::svc(static_cast<uint16_t>(imm))), pc);
      break;
    case ExitReason::kHvc:
    case ExitReason::kSmc: {
      complete_step();
      const bool smc = static_cast<ExitReason>(reason) == ExitReason::kSmc;
      if (firmware_) {
        if (const auto after = firmware_->call(state_, smc))
          return *after == AfterExit::kHalt && !is_off() ? fall_asleep(Sleep::kForInterrupt) : *after;
      }
      take(synchronous(syndrome::unknown()), pc - 4);
      break;
    }
    case ExitReason::kBrk:
      take(synchronous(syndrome::brk(static_cast<uint16_t>(imm))), pc);
      break;
    case ExitReason::kHlt:
      return halt(static_cast<uint16_t>(imm));
    case ExitReason::kEret:
      return_from_exception(argument);
      break;
    case ExitReason::kSlow:
      return AfterExit::kSlow;
    case ExitReason::kStop:
      return AfterExit::kStop;
    case ExitReason::kWfi:
      return wait_for_interrupt();
    case ExitReason::kWfe:
      return wait_for_event();
    case ExitReason::kYield:
      complete_step();
      return AfterExit::kYield;
    case ExitReason::kFpTrap:
      take(synchronous(syndrome::fp_access()), pc);
      break;
    case ExitReason::kSysTrap:
      take(synchronous(imm), pc);
      break;
    case ExitReason::kSpAlignment:
      take(synchronous(syndrome::sp_alignment()), pc);
      break;
    case ExitReason::kBranchTarget:
      take(synchronous(syndrome::branch_target(static_cast<unsigned>(imm))), pc);
      break;
    case ExitReason::kIllegalState:
      take(synchronous(syndrome::illegal_state()), pc);
      break;
  }
  return AfterExit::kContinue;
}

bool ArmCpu::call_helper(unsigned helper, const uint64_t args[4], uint64_t& result) {
  AccessResult access;
  switch (static_cast<Helper>(helper)) {
    case Helper::kReadOpen:
    case Helper::kReadSysreg: {
      const auto key = static_cast<uint16_t>(args[0]);
      if (key == kFpsrKey) state_.fpsr = fpsr();
      access = sysregs::read(state_, system_, model_, key, result, static_cast<unsigned>(args[1]));
      break;
    }
    case Helper::kWriteSysreg: {
      const auto key = static_cast<uint16_t>(args[0]);
      access = sysregs::write(state_, system_, model_, key, args[1], static_cast<unsigned>(args[2]));
      if (key == kFpsrKey && access.ok()) set_fpsr(state_.fpsr);
      break;
    }
    case Helper::kSys:
      access = execute_sys(state_, system_, model_, static_cast<uint16_t>(args[0]), args[1],
                           static_cast<unsigned>(args[2]));
      break;
    case Helper::kMsrImmediate:
      access = sysregs::write_immediate(state_, system_, model_, static_cast<unsigned>(args[0] >> 3),
                                        static_cast<unsigned>(args[0] & 7), static_cast<unsigned>(args[1]));
      break;
    case Helper::kSev:
      state_.event_register = 1;
      if (!args[0]) system_.send_event();
      return true;
    case Helper::kCount:
      break;
  }
  if (access.ok()) return true;
  if (access.status == AccessResult::Status::kUndefined && on_undefined)
    on_undefined(0, state_.pc(), sysregs::display_name(static_cast<uint16_t>(args[0])));
  Exception exception = synchronous(access.esr);
  exception.has_far = access.has_far;
  exception.far = access.far;
  take(exception, state_.pc());
  return false;
}

std::string ArmCpu::dump() const {
  std::string text = fmt::format(" PC={:016x} ", state_.pc());
  for (unsigned i = 0; i < 31; ++i)
    text += fmt::format("X{:02}={:016x}{}", i, state_.x(i), i % 4 == 2 ? "\n" : " ");
  return text + fmt::format("SP={:016x}\nPSTATE={:08x} EL{}\n", state_.sp(), pack_pstate(state_), state_.el);
}

}  // namespace mynah::arm
