// SPDX-License-Identifier: Apache-2.0
//
// Exception entry and return as the manual's pseudocode has them, for a processor with EL0 and EL1 in AArch64
// state.
#include "frontend/arm/exceptions.h"

#include "frontend/arm/pstate.h"
#include "frontend/arm/sysregs_fields.h"

namespace mynah::arm {
namespace {

// BTYPE reaches SPSR only where the instruction is going to run again with its check still due; elsewhere the
// manual allows zero, which keeps a stale value from failing the check of a later instruction.
bool keeps_btype(const Exception& exception) {
  if (exception.kind != ExceptionKind::kSynchronous) return true;
  switch (static_cast<ExceptionClass>(static_cast<uint8_t>(syndrome::exception_class(exception.esr)) & ~1u)) {
    case ExceptionClass::kInstructionAbort:
    case ExceptionClass::kBreakpoint:
    case ExceptionClass::kSoftwareStep:
    case ExceptionClass::kPcAlignment:
    case ExceptionClass::kBrk:
    case ExceptionClass::kIllegalState:
      return true;
    default:
      return syndrome::exception_class(exception.esr) == ExceptionClass::kBranchTarget;
  }
}

unsigned vector_offset(const ArmState& state, ExceptionKind kind) {
  const unsigned from = state.el == 0 ? 0x400 : state.spsel ? 0x200 : 0;
  return from + 0x80 * static_cast<unsigned>(kind);
}

// EL2, EL3 and AArch32 do not exist here, and EL0 has no stack pointer to choose.
bool illegal_return(uint32_t saved) {
  const uint32_t mode = saved & spsr::kModeMask;
  return mode != spsr::kModeEl0 && mode != spsr::kModeEl1t && mode != spsr::kModeEl1h;
}

bool step_bit_on_return(const ArmState& state, uint32_t saved, unsigned target_el) {
  if (!(state.mdscr & mdscr::kSs)) return false;
  const bool masked = saved & (uint32_t{kDaifD} << spsr::kDaifShift);
  return !debug_exceptions_enabled(state, state.el, state.daif & kDaifD) &&
         debug_exceptions_enabled(state, target_el, masked) && (saved & spsr::kSs);
}

}  // namespace

void take_exception(ArmState& state, const Exception& exception, uint64_t return_address) {
  uint32_t saved = pack_pstate(state);
  if (!keeps_btype(exception)) saved &= ~(3u << spsr::kBtypeShift);
  const uint64_t vector = (state.vbar & ~uint64_t{0x7ff}) + vector_offset(state, exception.kind);

  state.spsr = saved;
  state.elr = return_address;
  if (exception.kind == ExceptionKind::kSynchronous || exception.kind == ExceptionKind::kSError) {
    state.esr = exception.esr;
  }
  if (exception.has_far) state.far = exception.far;

  select_level(state, 1, 1);
  state.daif = kDaifAll;
  state.ss = 0;
  state.il = 0;
  state.btype = 0;
  state.uao = 0;
  if (!(state.sctlr & sctlr::kSpan)) state.pan = 1;
  state.ssbs = (state.sctlr & sctlr::kDssbs) != 0;
  state.set_pc(vector);
}

Exception data_abort(const ArmState& state, Fault fault, unsigned level, uint64_t va, bool write,
                     bool maintenance) {
  return {ExceptionKind::kSynchronous, syndrome::data_abort(state.el, fault, level, write, maintenance), true,
          va};
}

Exception instruction_abort(const ArmState& state, Fault fault, unsigned level, uint64_t va) {
  return {ExceptionKind::kSynchronous, syndrome::instruction_abort(state.el, fault, level), true, va};
}

Exception synchronous(uint64_t esr) { return {ExceptionKind::kSynchronous, esr, false, 0}; }

Exception pc_alignment(uint64_t pc) {
  return {ExceptionKind::kSynchronous, syndrome::pc_alignment(), true, pc};
}

void exception_return(ArmState& state, uint64_t address) {
  const uint32_t saved = static_cast<uint32_t>(state.spsr);
  const bool illegal = illegal_return(saved);
  const unsigned target_el = saved & spsr::kModeMask ? 1 : 0;
  const bool step = step_bit_on_return(state, saved, illegal ? state.el : target_el);

  state.ss = step;
  if (illegal) {
    state.il = 1;
    state.btype = 0;
  } else {
    state.il = (saved & spsr::kIl) != 0;
    state.ssbs = (saved & spsr::kSsbs) != 0;
    state.btype = saved >> spsr::kBtypeShift & 3;
    state.uao = (saved & spsr::kUao) != 0;
    state.dit = (saved & spsr::kDit) != 0;
    select_level(state, static_cast<uint8_t>(target_el), saved & 1);
  }
  // Restored even by an illegal return.
  set_nzcv(state, saved);
  state.pan = (saved & spsr::kPan) != 0;
  state.daif = saved >> spsr::kDaifShift & kDaifAll;

  state.exclusive_address = ~uint64_t{0};
  state.event_register = 1;
  state.set_pc(address);
}

std::optional<ExceptionKind> pending_interrupt(const ArmState& state) {
  if (state.fiq_pending && !(state.daif & kDaifF)) return ExceptionKind::kFiq;
  if (state.irq_pending && !(state.daif & kDaifI)) return ExceptionKind::kIrq;
  return std::nullopt;
}

bool debug_exceptions_enabled(const ArmState& state, unsigned el, bool debug_masked) {
  if ((state.oslsr & kOslsrOslk) || (state.osdlr & 1)) return false;
  return el == 0 || ((state.mdscr & mdscr::kKde) && !debug_masked);
}

bool software_step_active(const ArmState& state) {
  return (state.mdscr & mdscr::kSs) && debug_exceptions_enabled(state, state.el, state.daif & kDaifD);
}

}  // namespace mynah::arm
