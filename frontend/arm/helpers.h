// SPDX-License-Identifier: Apache-2.0
//
// What translated Arm code asks of C++: helpers (`call` ops, which return into the region) and reasons to
// leave it for good (`exit_engine`). ArmCpu implements both.
#pragma once

#include <cstdint>
#include <span>

#include "ir/ir.h"

namespace mynah::arm {

// Arguments and results as call_helper() sees them. helper_table() says what each may do to the state.
enum class Helper : uint8_t {
  kReadSysreg,    // (key, rt) -> value; may trap
  kReadOpen,      // (key) -> value; of a register that is known to be there and open to this level
  kWriteSysreg,   // (key, value, rt); may trap
  kSys,           // (key, value, rt): SYS: cache, TLB and address-translation maintenance; may trap or fault
  kMsrImmediate,  // (op1 << 3 | op2, CRm): DAIFSet, DAIFClr, SPSel, PAN, UAO, DIT, SSBS; may trap
  kSev,           // (local)
  kCount
};

// By Helper.
std::span<const ir::HelperInfo> helper_table();

// exit_engine: aux. pc of the snapshot is the instruction's own unless said otherwise.
enum class ExitReason : uint8_t {
  kContinue,   // look up again at the snapshot's pc (which is the next instruction's): modes may have changed
  kUndefined,  // imm = instruction word
  kSvc,        // imm = immediate
  kHvc,
  kSmc,
  kBrk,
  kHlt,
  kEret,          // argument: the address to return to
  kWfi,           // pc is the next instruction's
  kWfe,           // the same
  kYield,         // the same
  kFpTrap,        // FP or AdvSIMD while CPACR_EL1 traps it
  kSysTrap,       // imm = ISS of EC 0x18
  kSpAlignment,   // SP is the base of an access, and not aligned
  kBranchTarget,  // imm = BTYPE, which the instruction does not accept
  kIllegalState,  // PSTATE.IL set
  kStop,          // one of LiftOptions::stops; not yet executed
  kSlow,          // the fast flavour left something out; not yet executed
};

}  // namespace mynah::arm
