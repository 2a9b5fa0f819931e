// SPDX-License-Identifier: Apache-2.0
//
// Builders of ESR_EL1 values. Manual: ESR_EL1, one encoding of ISS for each exception class. Classes that
// come in a "from a lower level" and a "from the same level" form take the level that the exception is taken
// from.
#pragma once

#include <cstdint>

#include "frontend/arm/mmu.h"

namespace mynah::arm {

enum class ExceptionClass : uint8_t {
  kUnknown = 0x00,
  kWfx = 0x01,
  kFpAccess = 0x07,
  kBranchTarget = 0x0d,
  kIllegalState = 0x0e,
  kSvc64 = 0x15,
  kHvc64 = 0x16,
  kSmc64 = 0x17,
  kSystemRegister = 0x18,
  kInstructionAbort = 0x20,  // +1: same level; so the other even ones below
  kPcAlignment = 0x22,
  kDataAbort = 0x24,
  kSpAlignment = 0x26,
  kFpException = 0x2c,
  kSError = 0x2f,
  kBreakpoint = 0x30,
  kSoftwareStep = 0x32,
  kWatchpoint = 0x34,
  kBrk = 0x3c,
};

namespace syndrome {

constexpr uint64_t kIl = uint64_t{1} << 25;  // the instruction was 32 bits long, or the class always sets it
constexpr uint32_t kDebugStatus = 0x22;

constexpr uint64_t make(ExceptionClass ec, uint32_t iss) {
  return uint64_t(ec) << 26 | kIl | (iss & 0x1ffffff);
}

constexpr uint64_t make_from(ExceptionClass ec, unsigned from_el, uint32_t iss) {
  return make(static_cast<ExceptionClass>(uint8_t(ec) + (from_el == 0 ? 0 : 1)), iss);
}

constexpr ExceptionClass exception_class(uint64_t esr) {
  return static_cast<ExceptionClass>(esr >> 26 & 0x3f);
}

constexpr uint64_t unknown() { return make(ExceptionClass::kUnknown, 0); }
constexpr uint64_t svc(uint16_t immediate) { return make(ExceptionClass::kSvc64, immediate); }
constexpr uint64_t hvc(uint16_t immediate) { return make(ExceptionClass::kHvc64, immediate); }
constexpr uint64_t smc(uint16_t immediate) { return make(ExceptionClass::kSmc64, immediate); }
constexpr uint64_t brk(uint16_t immediate) { return make(ExceptionClass::kBrk, immediate); }
constexpr uint64_t illegal_state() { return make(ExceptionClass::kIllegalState, 0); }
constexpr uint64_t pc_alignment() { return make(ExceptionClass::kPcAlignment, 0); }  // FAR: the pc
constexpr uint64_t sp_alignment() { return make(ExceptionClass::kSpAlignment, 0); }
constexpr uint64_t branch_target(unsigned btype) { return make(ExceptionClass::kBranchTarget, btype & 3); }

// FP or SIMD trapped by CPACR_EL1.FPEN: CV set, COND always.
constexpr uint64_t fp_access() { return make(ExceptionClass::kFpAccess, 1u << 24 | 0xeu << 20); }

enum class Wfx : uint8_t { kWfi = 0, kWfe = 1 };
constexpr uint64_t wfx(Wfx which) {
  return make(ExceptionClass::kWfx, 1u << 24 | 0xeu << 20 | uint32_t(which));
}

// Trapped MSR, MRS or system instruction. `key` is op0:2 op1:3 CRn:4 CRm:4 op2:3, `read` says that Rt is
// written.
constexpr uint64_t system_register(uint16_t key, unsigned rt, bool read) {
  const uint32_t op0 = key >> 14, op1 = key >> 11 & 7, crn = key >> 7 & 15, crm = key >> 3 & 15,
                 op2 = key & 7;
  return make(ExceptionClass::kSystemRegister,
              op0 << 20 | op2 << 17 | op1 << 14 | crn << 10 | (rt & 31) << 5 | crm << 1 | (read ? 1 : 0));
}

// ISV is 0, as for every stage 1 abort, and so is FnV: FAR_EL1 always holds the address. `maintenance` (CM):
// a cache maintenance or AT instruction, which counts as a write.
inline uint64_t data_abort(unsigned from_el, Fault fault, unsigned level, bool write,
                           bool maintenance = false) {
  return make_from(
      ExceptionClass::kDataAbort, from_el,
      fault_status_code(fault, level) | (write || maintenance ? 1u << 6 : 0) | (maintenance ? 1u << 8 : 0));
}
inline uint64_t instruction_abort(unsigned from_el, Fault fault, unsigned level) {
  return make_from(ExceptionClass::kInstructionAbort, from_el, fault_status_code(fault, level));
}

constexpr uint64_t breakpoint(unsigned from_el) {
  return make_from(ExceptionClass::kBreakpoint, from_el, kDebugStatus);
}
// `exclusive`: the stepped instruction was a load-exclusive. `valid`: an instruction was stepped at all.
constexpr uint64_t software_step(unsigned from_el, bool valid, bool exclusive) {
  return make_from(ExceptionClass::kSoftwareStep, from_el,
                   kDebugStatus | (valid ? 1u << 24 : 0) | (valid && exclusive ? 1u << 6 : 0));
}
constexpr uint64_t watchpoint(unsigned from_el, bool write, bool maintenance = false) {
  return make_from(ExceptionClass::kWatchpoint, from_el,
                   kDebugStatus | (write || maintenance ? 1u << 6 : 0) | (maintenance ? 1u << 8 : 0));
}

}  // namespace syndrome
}  // namespace mynah::arm
