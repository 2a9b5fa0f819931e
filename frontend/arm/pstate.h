// SPDX-License-Identifier: Apache-2.0
//
// PSTATE as one word. The condition flags live in the IR's packed layout while code runs; everything that
// shows them to the guest as the manual lays them out (NZCV, SPSR_EL1) converts here, and so does everything
// that packs the rest of PSTATE. Manual: "Process state, PSTATE" and SPSR_EL1.
//
// Invariant: the fields of PSTATE in ArmState hold only values that the processor model has (its SPSR write
// mask sees to it), so nothing here looks at features.
#pragma once

#include <cstdint>

#include "frontend/arm/state.h"
#include "ir/flags.h"

namespace mynah::arm {

namespace spsr {
constexpr uint32_t kN = 1u << 31, kZ = 1u << 30, kC = 1u << 29, kV = 1u << 28;
constexpr uint32_t kDit = 1u << 24, kUao = 1u << 23, kPan = 1u << 22, kSs = 1u << 21, kIl = 1u << 20;
constexpr uint32_t kSsbs = 1u << 12;
constexpr unsigned kBtypeShift = 10, kDaifShift = 6;
constexpr uint32_t kModeMask = 0x1f;
constexpr uint32_t kModeEl0 = 0, kModeEl1t = 4, kModeEl1h = 5;
}  // namespace spsr

// PSTATE.DAIF as ArmState::daif keeps it.
constexpr uint8_t kDaifD = 8, kDaifA = 4, kDaifI = 2, kDaifF = 1, kDaifAll = 15;

// Flags in bits 31..28, the other bits zero.
inline uint32_t get_nzcv(const ArmState& state) {
  const uint64_t packed = state.hot[1];
  return (packed & ir::kFlagN ? spsr::kN : 0) | (packed & ir::kFlagZ ? spsr::kZ : 0) |
         (packed & ir::kFlagC ? spsr::kC : 0) | (packed & ir::kFlagV ? spsr::kV : 0);
}

inline void set_nzcv(ArmState& state, uint32_t nzcv) {
  state.nzcv_packed() = ir::pack_flags(nzcv & spsr::kN, nzcv & spsr::kZ, nzcv & spsr::kC, nzcv & spsr::kV);
}

// PSTATE in the layout of SPSR_EL1.
inline uint32_t pack_pstate(const ArmState& state) {
  return get_nzcv(state) | (state.dit ? spsr::kDit : 0) | (state.uao ? spsr::kUao : 0) |
         (state.pan ? spsr::kPan : 0) | (state.ss ? spsr::kSs : 0) | (state.il ? spsr::kIl : 0) |
         (state.ssbs ? spsr::kSsbs : 0) | (state.btype & 3) << spsr::kBtypeShift |
         uint32_t{state.daif & 15u} << spsr::kDaifShift |
         (state.el == 0 ? spsr::kModeEl0
          : state.spsel ? spsr::kModeEl1h
                        : spsr::kModeEl1t);
}

// Index of the stack pointer that a state selects in ArmState::sp_bank.
constexpr unsigned stack_index(unsigned el, unsigned spsel) { return el != 0 && spsel != 0 ? 1 : 0; }

// Changes PSTATE.EL and PSTATE.SP and exchanges the stack pointer accordingly.
inline void select_level(ArmState& state, uint8_t el, uint8_t spsel) {
  state.sp_bank[stack_index(state.el, state.spsel)] = state.sp();
  state.el = el;
  state.spsel = spsel;
  state.sp() = state.sp_bank[stack_index(el, spsel)];
}

}  // namespace mynah::arm
