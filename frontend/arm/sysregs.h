// SPDX-License-Identifier: Apache-2.0
//
// System registers of EL0 and EL1: one table row each, which says who may access it, what it is gated by,
// where it is kept, and what a write to it changes. Manual: "AArch64 System Registers", the accessibility
// pseudocode of each.
//
// A key is op0:2 op1:3 CRn:4 CRm:4 op2:3, which is bits 20..5 of the MSR or MRS instruction. A row whose
// value is a plain word of ArmState carries its offset: translated code may access it there when the inline
// flags allow it and the row's gate is none (or known to be open); everything else goes through read() and
// write().
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/arm/cpu_models.h"
#include "frontend/arm/state.h"
#include "frontend/arm/system.h"

namespace mynah::arm {

constexpr uint16_t system_key(unsigned op0, unsigned op1, unsigned crn, unsigned crm, unsigned op2) {
  return static_cast<uint16_t>(op0 << 14 | op1 << 11 | crn << 7 | crm << 3 | op2);
}

// Outcome of anything that the front end does for an instruction. Unless ok, `esr` is the syndrome of the
// exception to take at the instruction's own address (EC 0 when undefined); has_far says that `far` goes to
// FAR_EL1.
struct AccessResult {
  enum class Status : uint8_t { kOk, kUndefined, kTrapped, kFault } status = Status::kOk;
  bool has_far = false;
  uint64_t esr = 0, far = 0;
  bool ok() const { return status == Status::kOk; }
};

// Conditions that an access depends on beyond its exception level. All but kFp concern EL0 alone.
enum class Gate : uint8_t {
  kNone,
  kFp,           // CPACR_EL1.FPEN, at both levels
  kUct,          // SCTLR_EL1.UCT
  kUma,          // SCTLR_EL1.UMA
  kTscxt,        // SCTLR_EL1.TSCXT
  kTdcc,         // MDSCR_EL1.TDCC
  kPmuAny,       // PMUSERENR_EL0.EN
  kPmuCycle,     // EN, or CR for reads
  kPmuEvent,     // EN, or ER for reads
  kPmuSelect,    // EN or ER
  kPmuSoftware,  // EN or SW
  kCntFrequency,
  kCntPhysical,  // CNTKCTL_EL1.EL0PCTEN
  kCntVirtual,   // EL0VCTEN
  kCntPhysicalTimer,
  kCntVirtualTimer,
};

enum SysregAccess : uint8_t {
  kEl0Read = 1,
  kEl0Write = 2,
  kEl1Read = 4,
  kEl1Write = 8,
  kEl1 = kEl1Read | kEl1Write,
  kEl1ReadOnly = kEl1Read,
  kEl1WriteOnly = kEl1Write,
  kBoth = kEl0Read | kEl0Write | kEl1,
  kBothReadOnly = kEl0Read | kEl1Read,
  kBothWriteOnly = kEl0Write | kEl1Write,
  kEl0ReadEl1 = kEl0Read | kEl1,
};

enum SysregFlag : uint16_t {
  kInlineReadable = 1,  // the word at `offset` is the value
  kInlineWritable = 2,  // storing value & writable_bits() there is the whole write, but for the flags below
  kChangesTranslation = 4,  // a write selects another translation context (write() tells ArmSystem)
  kEndsBlock = 8,           // a write changes what the block key holds, or may unmask an interrupt
  kExternal = 16,           // kept by ArmSystem; a read can have effects too
  kSetsNzcv = 32,           // a read sets the flags
  kNeedsSpsel = 64,         // undefined while PSTATE.SP is 0; inline access only with PSTATE.SP known to be 1
  kNeedsTime = 128,         // the value depends on the time: bring the instruction count up to date before
};

struct SysregRow;
struct SysregContext {
  ArmState& state;
  ArmSystem& system;
  const CpuModel& model;
  const SysregRow& row;
  uint16_t key;
};
// False: no such register after all, the access is undefined.
using SysregRead = bool (*)(const SysregContext&, uint64_t& value);
using SysregWrite = bool (*)(const SysregContext&, uint64_t value);
using SysregMask = uint64_t (*)(const CpuModel&);

struct SysregRow {
  uint16_t key = 0;
  std::string_view name;
  uint8_t access = 0;
  Gate gate = Gate::kNone;
  Feature feature = Feature::kBase;
  uint16_t flags = 0;
  int32_t offset = -1;  // in ArmState
  uint8_t size = 0;     // 4 or 8 bytes there
  uint64_t mask = 0;    // writable bits, where they do not depend on the model
  SysregMask model_mask = nullptr;
  SysregRead read = nullptr;  // instead of the stored word
  SysregWrite write = nullptr;
};

namespace sysregs {

// Null when unallocated. Does not look at features.
const SysregRow* find(uint16_t key);
std::span<const SysregRow> all();
// For messages: "TCR_EL1", "DBGBVR3_EL1", "S3_0_C15_C2_0".
std::string display_name(uint16_t key);

// Bits that a write changes; the others keep their value (zero, where the register is inline writable).
uint64_t writable_bits(const SysregRow&, const CpuModel&);
// Whether the model has this register at all.
bool present(const SysregRow&, const CpuModel&);

// MRS and MSR at the current exception level. `rt` is for the syndrome of a trap.
AccessResult read(ArmState&, ArmSystem&, const CpuModel&, uint16_t key, uint64_t& value, unsigned rt = 31);
AccessResult write(ArmState&, ArmSystem&, const CpuModel&, uint16_t key, uint64_t value, unsigned rt = 31);

// For a debugger, which sees every register at whatever level the guest is, and must not disturb it.
// The keys of the registers that a debugger can name and read on this model and system: named in the manual,
// readable at EL1, and without effects of the read, which rules out ICC_IARn_EL1 and RNDR.
std::vector<uint16_t> debug_keys(ArmState&, ArmSystem&, const CpuModel&);
bool debug_read(ArmState&, ArmSystem&, const CpuModel&, uint16_t key, uint64_t& value);
// As MSR at EL1 would write it; false when there is no MSR of it.
bool debug_write(ArmState&, ArmSystem&, const CpuModel&, uint16_t key, uint64_t value);

// MSR (immediate): SPSel, DAIFSet, DAIFClr, UAO, PAN, DIT, SSBS, by op1 and op2. (CFINV, XAFLAG and AXFLAG
// share the space and are ordinary instructions of the decoder.)
AccessResult write_immediate(ArmState&, ArmSystem&, const CpuModel&, unsigned op1, unsigned op2,
                             unsigned immediate);

}  // namespace sysregs

AccessResult undefined_instruction();

// Whether CPACR_EL1.FPEN traps floating point and SIMD at the current level.
bool fp_trapped(const ArmState&);

// RES1 bits of SCTLR_EL1 on a model.
uint64_t sctlr_res1(const CpuModel&);

}  // namespace mynah::arm
