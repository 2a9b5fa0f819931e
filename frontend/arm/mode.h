// SPDX-License-Identifier: Apache-2.0
//
// The block key of an Arm region: facts that are fixed while lifting. Part of the context key, so that a jump
// cache or link never leads into code lifted under other facts.
#pragma once

#include <cstdint>

#include "ir/ir.h"

namespace mynah::arm {

enum ModeBit : uint64_t {
  kModeEl1 = 1 << 0,
  kModeSpEl1 = 1 << 1,       // PSTATE.SP: sp is SP_EL1
  kModeFpEnabled = 1 << 2,   // CPACR_EL1.FPEN does not trap
  kModeAlignCheck = 1 << 3,  // SCTLR_EL1.A
  kModeUao = 1 << 4,         // LDTR, STTR are privileged
  kModeEnIa = 1 << 5,
  kModeEnIb = 1 << 6,
  kModeEnDa = 1 << 7,
  kModeEnDb = 1 << 8,
  kModeSingleStep = 1 << 9,  // software step is active: one instruction a region
  kModeDefaultNan = 1 << 10,
  kModeFlush = 1 << 11,         // FPCR.FZ
  kModeFlushHalf = 1 << 12,     // FPCR.FZ16
  kModeAltHalf = 1 << 13,       // FPCR.AHP
  kModeUserZva = 1 << 15,       // SCTLR_EL1.DZE
  kModeIllegalState = 1 << 17,  // PSTATE.IL
  kModeStrictPac = 1 << 18,     // SCTLR_EL1.BT0 or BT1: PACIASP is no target for BTYPE 3
  kModeGuarded = 1 << 19,       // the page has GP set
  kModeSpCheck = 1 << 24,       // SCTLR_EL1.SA or SA0
  // SP is not a multiple of 16 at the entry, and SpCheck is set. Such blocks check it at each access; others
  // need not, but leave when they make it so.
  kModeSpMisaligned = 1 << 25,
  kModeDebug = 1 << 26,        // MDSCR_EL1.SS or MDE: unmasking debug exceptions may change what follows here
  kModeBreakpoints = 1 << 27,  // one without an address could hit: one instruction a region
  kModeMmuOff = 1 << 28,       // all data is Device memory's: DC ZVA faults; kModeAlignCheck is set as well
};
// Facts that no jump cache or link could tell apart: every way out of the block goes through C++.
constexpr uint64_t kModeLeaves = kModeSingleStep | kModeSpMisaligned | kModeBreakpoints;
constexpr unsigned kModeRoundShift = 20;  // FPCR.RMode, 2 bits
constexpr unsigned kModeBtypeShift = 22;  // PSTATE.BTYPE at the entry, 2 bits
constexpr unsigned kModePauthShift = 32;  // 14 bits: see pauth.cpp

constexpr ir::FpMode fp_mode_of(uint64_t mode) {
  return {.round = static_cast<uint8_t>(mode >> kModeRoundShift & 3),
          .default_nan = (mode & kModeDefaultNan) != 0,
          .flush = (mode & kModeFlush) != 0,
          .flush_half = (mode & kModeFlushHalf) != 0,
          .alternative_half = (mode & kModeAltHalf) != 0,
          .x86_nans = false};
}

}  // namespace mynah::arm
