// SPDX-License-Identifier: Apache-2.0
//
// Stage 1 translation of the EL1&0 regime. Manual: "The AArch64 Virtual Memory System Architecture",
// VMSAv8-64.
//
// A walk changes nothing but table descriptors (access flag, dirty state) and only when the access it is made
// for succeeds. It never runs long: at most four descriptor reads, and a bounded number of retries of the
// update.
#pragma once

#include <cstdint>

#include "frontend/arm/state.h"
#include "frontend/arm/system.h"

namespace mynah::arm {

// kTranslate*: the AT instructions. They check as a read or write does but leave descriptors alone, and an
// access flag that hardware would set, or a page that hardware would make dirty, is no fault.
enum class Access : uint8_t { kRead, kWrite, kExecute, kTranslateRead, kTranslateWrite };

enum class Fault : uint8_t {
  kNone,
  kTranslation,
  kAccessFlag,
  kPermission,
  kAddressSize,
  kWalkExternal,  // external abort on a table walk
  kExternal,      // external abort on the access itself; never from walk()
  kAlignment,     // never from walk()
};

struct WalkResult {
  Fault fault = Fault::kNone;
  uint8_t level = 0;  // of the fault

  // On success only.
  uint64_t pa = 0;        // of `va` itself, not of its page
  uint8_t page_bits = 0;  // log2 of the block or page that this answer holds for
  // Permissions by exception level, before PAN. A write permission that would first need the dirty state
  // updated is absent, unless the update was made by this walk.
  bool read_el0 = false, write_el0 = false, execute_el0 = false;
  bool read_el1 = false, write_el1 = false, execute_el1 = false;
  bool user =
      false;  // AP[1]: under PAN, EL1 loses read and write here. Wider than read_el0 only with TCR_EL1.E0PD
  bool global = false;
  bool guarded = false;      // GP: branch targets are checked here (BTI)
  bool device = false;       // any Device memory type: unaligned accesses fault
  uint8_t attributes = 0;    // as a MAIR byte
  uint8_t shareability = 0;  // as in PAR_EL1.SH

  bool ok() const { return fault == Fault::kNone; }
};

// `privileged`: the access counts as made from EL1 (false for EL0 and for LDTR/STTR). `pan`: PSTATE.PAN
// applies.
WalkResult walk(const ArmState&, PhysicalMemory&, uint64_t va, Access access, bool privileged, bool pan);

// FSC field (DFSC, IFSC) of a fault.
uint32_t fault_status_code(Fault fault, unsigned level);

// log2 of the granule of the half of the address space that `va` lies in.
unsigned granule_bits(const ArmState&, uint64_t va);

// The ASID that tags non-global translations now: 8 or 16 bits, of the TTBR that TCR_EL1.A1 selects.
uint16_t current_asid(const ArmState&);

// Whether the top byte of `va` is ignored. Manual: AArch64.EffectiveTBI.
bool top_byte_ignored(const ArmState&, uint64_t va, bool instruction);

}  // namespace mynah::arm
