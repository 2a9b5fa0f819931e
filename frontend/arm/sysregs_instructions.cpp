// SPDX-License-Identifier: Apache-2.0
//
// Caches are not modelled: maintenance by address only makes the faults that the manual demands, maintenance
// by set and way does nothing.
#include "frontend/arm/sysregs_instructions.h"

#include "frontend/arm/exceptions_syndrome.h"
#include "frontend/arm/mmu.h"
#include "frontend/arm/sysregs_fields.h"
#include "frontend/arm/tlbi.h"

namespace mynah::arm {
namespace {

enum class Kind : uint8_t {
  kInstructionAll,      // IC IALLU, IALLUIS
  kInstructionAddress,  // IC IVAU
  kDataAddress,         // DC by address
  kDataInvalidate,      // DC IVAC: wants write permission
  kDataZero,
  kSetWay,
  kTranslate,
};

struct Row {
  uint16_t key;
  Kind kind;
  bool el0;  // EL0 may, when SCTLR_EL1.UCI (DC ZVA: DZE) allows it
  Feature feature;
  Access access = Access::kRead;  // kTranslate
  bool privileged = false;        // kTranslate
  bool pan = false;               // kTranslate: PSTATE.PAN counts
};

constexpr uint16_t K(unsigned op1, unsigned crn, unsigned crm, unsigned op2) {
  return system_key(1, op1, crn, crm, op2);
}

using enum Access;
constexpr Row kRows[] = {
    {K(0, 7, 1, 0), Kind::kInstructionAll, false, Feature::kBase},                          // IC IALLUIS
    {K(0, 7, 5, 0), Kind::kInstructionAll, false, Feature::kBase},                          // IC IALLU
    {K(0, 7, 6, 1), Kind::kDataInvalidate, false, Feature::kBase},                          // DC IVAC
    {K(0, 7, 6, 2), Kind::kSetWay, false, Feature::kBase},                                  // DC ISW
    {K(0, 7, 8, 0), Kind::kTranslate, false, Feature::kBase, kTranslateRead, true},         // AT S1E1R
    {K(0, 7, 8, 1), Kind::kTranslate, false, Feature::kBase, kTranslateWrite, true},        // AT S1E1W
    {K(0, 7, 8, 2), Kind::kTranslate, false, Feature::kBase, kTranslateRead, false},        // AT S1E0R
    {K(0, 7, 8, 3), Kind::kTranslate, false, Feature::kBase, kTranslateWrite, false},       // AT S1E0W
    {K(0, 7, 9, 0), Kind::kTranslate, false, Feature::kPan2, kTranslateRead, true, true},   // AT S1E1RP
    {K(0, 7, 9, 1), Kind::kTranslate, false, Feature::kPan2, kTranslateWrite, true, true},  // AT S1E1WP
    {K(0, 7, 10, 2), Kind::kSetWay, false, Feature::kBase},                                 // DC CSW
    {K(0, 7, 14, 2), Kind::kSetWay, false, Feature::kBase},                                 // DC CISW
    {K(3, 7, 4, 1), Kind::kDataZero, true, Feature::kBase},                                 // DC ZVA
    {K(3, 7, 5, 1), Kind::kInstructionAddress, true, Feature::kBase},                       // IC IVAU
    {K(3, 7, 10, 1), Kind::kDataAddress, true, Feature::kBase},                             // DC CVAC
    {K(3, 7, 11, 1), Kind::kDataAddress, true, Feature::kBase},                             // DC CVAU
    {K(3, 7, 12, 1), Kind::kDataAddress, true, Feature::kDpb},                              // DC CVAP
    {K(3, 7, 13, 1), Kind::kDataAddress, true, Feature::kDpb2},                             // DC CVADP
    {K(3, 7, 14, 1), Kind::kDataAddress, true, Feature::kBase},                             // DC CIVAC
};

const Row* find_row(uint16_t key) {
  for (const Row& row : kRows) {
    if (row.key == key) return &row;
  }
  return nullptr;
}

bool is_tlbi(uint16_t key) { return (key & ~0x7f) == K(0, 8, 0, 0); }

AccessResult data_fault(const ArmState& state, const WalkResult& walked, uint64_t va) {
  AccessResult result;
  result.status = AccessResult::Status::kFault;
  result.esr = syndrome::data_abort(state.el, walked.fault, walked.level, true, true);
  result.has_far = true;
  result.far = va;
  return result;
}

// PAN does not apply to maintenance. At EL1 a mapping is always readable, so only EL0 meets permission
// faults.
AccessResult maintain(ArmState& state, ArmSystem& system, uint64_t va, Access access) {
  const WalkResult walked = walk(state, system.memory(), va, access, state.el != 0, false);
  return walked.ok() ? AccessResult{} : data_fault(state, walked, va);
}

AccessResult translate(ArmState& state, ArmSystem& system, const Row& row, uint64_t va) {
  const WalkResult walked =
      walk(state, system.memory(), va, row.access, row.privileged, row.pan && state.pan);
  if (walked.fault == Fault::kWalkExternal) return data_fault(state, walked, va);
  constexpr uint64_t kRes1 = bit(11), kNonSecure = bit(9), kFailed = bit(0);
  if (walked.ok()) {
    state.par = uint64_t{walked.attributes} << 56 | (walked.pa & 0x0000fffffffff000) | kRes1 | kNonSecure |
                uint64_t{walked.shareability} << 7;
  } else {
    state.par = kRes1 | uint64_t{fault_status_code(walked.fault, walked.level)} << 1 | kFailed;
  }
  return {};
}

}  // namespace

bool sys_ends_block(uint16_t key) {
  if (is_tlbi(key)) return true;
  const Row* row = find_row(key);
  return row && (row->kind == Kind::kInstructionAll || row->kind == Kind::kInstructionAddress);
}

AccessResult execute_sys(ArmState& state, ArmSystem& system, const CpuModel& model, uint16_t key,
                         uint64_t value, unsigned rt) {
  if (is_tlbi(key)) {
    if (state.el == 0) return undefined_instruction();
    const auto request = decode_tlbi(state, model, key, value);
    if (!request) return undefined_instruction();
    system.tlb_invalidate(*request);
    return {};
  }
  const Row* row = find_row(key);
  if (!row || !model.has(row->feature) || (state.el == 0 && !row->el0)) return undefined_instruction();
  const uint64_t enable = row->kind == Kind::kDataZero ? sctlr::kDze : sctlr::kUci;
  if (state.el == 0 && !(state.sctlr & enable)) {
    AccessResult result;
    result.status = AccessResult::Status::kTrapped;
    result.esr = syndrome::system_register(key, rt, false);
    return result;
  }
  switch (row->kind) {
    case Kind::kInstructionAll:
      system.instruction_cache_invalidate(0, true);
      return {};
    case Kind::kInstructionAddress: {
      const AccessResult result = maintain(state, system, value, Access::kRead);
      if (result.ok()) system.instruction_cache_invalidate(value, false);
      return result;
    }
    case Kind::kDataAddress:
      return maintain(state, system, value, Access::kRead);
    case Kind::kDataInvalidate:
      return maintain(state, system, value, Access::kTranslateWrite);
    case Kind::kTranslate:
      return translate(state, system, *row, value);
    case Kind::kDataZero:
    case Kind::kSetWay:
      return {};
  }
  return undefined_instruction();
}

}  // namespace mynah::arm
