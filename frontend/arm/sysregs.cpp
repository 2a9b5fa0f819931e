// SPDX-License-Identifier: Apache-2.0
//
// Access to system registers: permission, gates, then the stored word or the row's function.
#include "frontend/arm/sysregs.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "frontend/arm/exceptions_syndrome.h"
#include "frontend/arm/pstate.h"
#include "frontend/arm/sysregs_fields.h"

namespace mynah::arm {
namespace {

constexpr uint64_t kUserEn = bit(0), kUserSw = bit(1), kUserCr = bit(2), kUserEr = bit(3);  // PMUSERENR_EL0

bool open_to_el0(const ArmState& state, Gate gate, bool write) {
  const uint64_t user = state.pmuseren, timer = state.cntkctl;
  switch (gate) {
    case Gate::kNone:
    case Gate::kFp:
      return true;
    case Gate::kUct:
      return state.sctlr & sctlr::kUct;
    case Gate::kUma:
      return state.sctlr & sctlr::kUma;
    case Gate::kTscxt:
      return !(state.sctlr & sctlr::kTscxt);
    case Gate::kTdcc:
      return !(state.mdscr & mdscr::kTdcc);
    case Gate::kPmuAny:
      return user & kUserEn;
    case Gate::kPmuCycle:
      return user & (write ? kUserEn : kUserEn | kUserCr);
    case Gate::kPmuEvent:
      return user & (write ? kUserEn : kUserEn | kUserEr);
    case Gate::kPmuSelect:
      return user & (kUserEn | kUserEr);
    case Gate::kPmuSoftware:
      return user & (kUserEn | kUserSw);
    case Gate::kCntFrequency:
      return timer & (cntkctl::kEl0Pcten | cntkctl::kEl0Vcten);
    case Gate::kCntPhysical:
      return timer & cntkctl::kEl0Pcten;
    case Gate::kCntVirtual:
      return timer & cntkctl::kEl0Vcten;
    case Gate::kCntPhysicalTimer:
      return timer & cntkctl::kEl0Pten;
    case Gate::kCntVirtualTimer:
      return timer & cntkctl::kEl0Vten;
  }
  return false;
}

AccessResult trapped(uint64_t esr) {
  AccessResult result;
  result.status = AccessResult::Status::kTrapped;
  result.esr = esr;
  return result;
}

// Everything before the access itself. `row` is set when it may go ahead.
AccessResult check(const ArmState& state, const CpuModel& model, uint16_t key, bool write, unsigned rt,
                   const SysregRow*& row) {
  row = sysregs::find(key);
  if (!row || !sysregs::present(*row, model)) return undefined_instruction();
  const uint8_t needed = state.el == 0 ? (write ? kEl0Write : kEl0Read) : (write ? kEl1Write : kEl1Read);
  if (!(row->access & needed)) return undefined_instruction();
  if ((row->flags & kNeedsSpsel) && !state.spsel) return undefined_instruction();
  if (row->gate == Gate::kFp && fp_trapped(state)) return trapped(syndrome::fp_access());
  if (state.el == 0 && !open_to_el0(state, row->gate, write)) {
    return trapped(syndrome::system_register(key, rt, !write));
  }
  return {};
}

uint64_t load_word(const ArmState& state, const SysregRow& row) {
  const auto* at = reinterpret_cast<const std::byte*>(&state) + row.offset;
  if (row.size == 4) {
    uint32_t word;
    std::memcpy(&word, at, sizeof word);
    return word;
  }
  uint64_t word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

void store_word(ArmState& state, const SysregRow& row, uint64_t value) {
  auto* at = reinterpret_cast<std::byte*>(&state) + row.offset;
  if (row.size == 4) {
    const uint32_t word = static_cast<uint32_t>(value);
    std::memcpy(at, &word, sizeof word);
  } else {
    std::memcpy(at, &value, sizeof value);
  }
}

}  // namespace

AccessResult undefined_instruction() {
  AccessResult result;
  result.status = AccessResult::Status::kUndefined;
  result.esr = syndrome::unknown();
  return result;
}

bool fp_trapped(const ArmState& state) {
  const unsigned enable = static_cast<unsigned>(field(state.cpacr, 20, 2));
  return enable == 3 ? false : enable == 1 ? state.el == 0 : true;
}

namespace sysregs {

uint64_t writable_bits(const SysregRow& row, const CpuModel& model) {
  return row.model_mask ? row.model_mask(model) : row.mask;
}

bool present(const SysregRow& row, const CpuModel& model) { return model.has(row.feature); }

AccessResult read(ArmState& state, ArmSystem& system, const CpuModel& model, uint16_t key, uint64_t& value,
                  unsigned rt) {
  const SysregRow* row;
  if (AccessResult result = check(state, model, key, false, rt, row); !result.ok()) return result;
  if (row->read) {
    return row->read({state, system, model, *row, key}, value) ? AccessResult{} : undefined_instruction();
  }
  value = load_word(state, *row);
  return {};
}

AccessResult write(ArmState& state, ArmSystem& system, const CpuModel& model, uint16_t key, uint64_t value,
                   unsigned rt) {
  const SysregRow* row;
  if (AccessResult result = check(state, model, key, true, rt, row); !result.ok()) return result;
  if (row->write) {
    if (!row->write({state, system, model, *row, key}, value)) return undefined_instruction();
  } else {
    const uint64_t mask = writable_bits(*row, model);
    store_word(state, *row, (load_word(state, *row) & ~mask) | (value & mask));
  }
  if (row->flags & kChangesTranslation) system.translation_changed();
  return {};
}

namespace {

// A read of these does something: it acknowledges an interrupt, or takes from the source of random numbers.
constexpr uint16_t kReadsWithEffects[] = {system_key(3, 0, 12, 8, 0), system_key(3, 0, 12, 12, 0),
                                          system_key(3, 3, 2, 4, 0), system_key(3, 3, 2, 4, 1)};

const SysregRow* debug_row(const CpuModel& model, uint16_t key, uint8_t access) {
  const SysregRow* row = find(key);
  if (!row || !present(*row, model) || !(row->access & access)) return nullptr;
  return std::find(std::begin(kReadsWithEffects), std::end(kReadsWithEffects), key) ==
                 std::end(kReadsWithEffects)
             ? row
             : nullptr;
}

// SP_ELn of the level that is in use is elsewhere.
uint64_t* stack_pointer(ArmState& state, const SysregRow& row) {
  const auto bank = static_cast<int32_t>(offsetof(ArmState, sp_bank));
  return row.offset == bank && !state.spsel ? &state.sp() : nullptr;
}

}  // namespace

bool debug_read(ArmState& state, ArmSystem& system, const CpuModel& model, uint16_t key, uint64_t& value) {
  const SysregRow* row = debug_row(model, key, kEl1Read);
  if (!row) return false;
  if (const uint64_t* sp = stack_pointer(state, *row)) {
    value = *sp;
    return true;
  }
  if (row->read) return row->read({state, system, model, *row, key}, value);
  value = load_word(state, *row);
  return true;
}

bool debug_write(ArmState& state, ArmSystem& system, const CpuModel& model, uint16_t key, uint64_t value) {
  const SysregRow* row = debug_row(model, key, kEl1Write);
  if (!row) return false;
  if (uint64_t* sp = stack_pointer(state, *row)) {
    *sp = value;
  } else if (row->write) {
    if (!row->write({state, system, model, *row, key}, value)) return false;
  } else {
    const uint64_t mask = writable_bits(*row, model);
    store_word(state, *row, (load_word(state, *row) & ~mask) | (value & mask));
  }
  if (row->flags & kChangesTranslation) system.translation_changed();
  return true;
}

std::vector<uint16_t> debug_keys(ArmState& state, ArmSystem& system, const CpuModel& model) {
  std::vector<uint16_t> keys;
  uint64_t value;
  // Rows may stand for a range of keys, whose names say which are there; op0 is 2 or 3.
  for (unsigned key = system_key(2, 0, 0, 0, 0); key <= UINT16_MAX; ++key)
    if (const auto k = static_cast<uint16_t>(key);
        find(k) && !display_name(k).starts_with('S' + std::to_string(k >> 14) + "_") &&
        debug_read(state, system, model, k, value))
      keys.push_back(k);
  return keys;
}

AccessResult write_immediate(ArmState& state, ArmSystem& system, const CpuModel& model, unsigned op1,
                             unsigned op2, unsigned immediate) {
  const bool on = immediate & 1;
  switch (op1 << 3 | op2) {
    case 0 << 3 | 3:  // UAO
      if (!model.has(Feature::kUao) || state.el == 0) return undefined_instruction();
      state.uao = on;
      return {};
    case 0 << 3 | 4:  // PAN
      if (!model.has(Feature::kPan) || state.el == 0) return undefined_instruction();
      state.pan = on;
      system.translation_changed();
      return {};
    case 0 << 3 | 5:  // SPSel
      if (state.el == 0) return undefined_instruction();
      select_level(state, state.el, on);
      return {};
    case 3 << 3 | 1:  // SSBS
      if (!model.has(Feature::kSsbs2)) return undefined_instruction();
      state.ssbs = on;
      return {};
    case 3 << 3 | 2:  // DIT
      if (!model.has(Feature::kDit)) return undefined_instruction();
      state.dit = on;
      return {};
    case 3 << 3 | 6:  // DAIFSet
    case 3 << 3 | 7:  // DAIFClr
      if (state.el == 0 && !(state.sctlr & sctlr::kUma)) {
        return trapped(syndrome::system_register(system_key(0, op1, 4, immediate & 15, op2), 31, false));
      }
      if (op2 == 6) {
        state.daif |= immediate & kDaifAll;
      } else {
        state.daif &= ~immediate & kDaifAll;
      }
      return {};
    default:
      return undefined_instruction();
  }
}

}  // namespace sysregs
}  // namespace mynah::arm
