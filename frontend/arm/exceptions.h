// SPDX-License-Identifier: Apache-2.0
//
// Exception entry to EL1 and exception return. Manual: AArch64.TakeException, AArch64.ExceptionReturn.
//
// Both change PSTATE.EL, PSTATE.PAN and the like, so the caller selects its translation context and block
// mode anew afterwards (no ArmSystem is told). On entry state.pc() is ignored: the preferred return address
// is passed in.
#pragma once

#include <cstdint>
#include <optional>

#include "frontend/arm/exceptions_syndrome.h"
#include "frontend/arm/state.h"

namespace mynah::arm {

enum class ExceptionKind : uint8_t { kSynchronous, kIrq, kFiq, kSError };

struct Exception {
  ExceptionKind kind = ExceptionKind::kSynchronous;
  uint64_t esr = 0;  // kSynchronous and kSError
  bool has_far = false;
  uint64_t far = 0;
};

// Enters EL1. `return_address` goes to ELR_EL1: the instruction itself, except after SVC, HVC and software
// step, where it is the next one.
void take_exception(ArmState&, const Exception&, uint64_t return_address);

// Abort of an access or fetch at the current level.
Exception data_abort(const ArmState&, Fault fault, unsigned level, uint64_t va, bool write,
                     bool maintenance = false);
Exception instruction_abort(const ArmState&, Fault fault, unsigned level, uint64_t va);
// Any other synchronous exception; FAR_EL1 is left alone.
Exception synchronous(uint64_t esr);
Exception pc_alignment(uint64_t pc);

// ERET at EL1 (ERETAA and ERETAB pass the authenticated address). An illegal return stays at EL1 and sets
// PSTATE.IL.
void exception_return(ArmState&, uint64_t address);

// The interrupt that would be taken now, if any: FIQ before IRQ, PSTATE masks applied.
std::optional<ExceptionKind> pending_interrupt(const ArmState&);
// Whether WFI ends: an interrupt is pending, masked or not.
inline bool interrupt_wakes(const ArmState& state) { return state.irq_pending || state.fiq_pending; }
// Whether WFE ends: an event came, or an interrupt that can be taken.
inline bool event_wakes(const ArmState& state) { return state.event_register || pending_interrupt(state); }

// Whether self-hosted debug exceptions are generated from `el` with PSTATE.D as given.
// Manual: AArch64.GenerateDebugExceptionsFrom.
bool debug_exceptions_enabled(const ArmState&, unsigned el, bool debug_masked);

// Software step is in force for the current level: MDSCR_EL1.SS, and debug exceptions enabled. With PSTATE.SS
// set the next instruction executes and clears it; with it clear a software step exception is pending.
bool software_step_active(const ArmState&);

}  // namespace mynah::arm
