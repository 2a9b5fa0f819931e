// SPDX-License-Identifier: Apache-2.0
//
// The mode of an x86 block's key: facts that are fixed while lifting. Most are the processor's
// (X86Cpu::context_key()); some are of how the block was come to (Entry::facts). What changes often and what
// few instructions depend on (bases of FS and GS, selectors, limits of odd segments, MXCSR's masks) is not
// here, or everything would be translated again where it changes.
#pragma once

#include <cstdint>

#include "ir/ir.h"

namespace mynah::x86 {

enum ModeBit : uint64_t {
  kModeCode32 = 1 << 0,   // CS.D; neither: 16-bit code
  kModeCode64 = 1 << 1,   // CS.L in long mode
  kModeStack32 = 1 << 2,  // SS.B; of no meaning with kModeCode64
  kModeReal = 1 << 3,     // CR0.PE is clear
  kModeVm86 = 1 << 4,
  kModeLong = 1 << 5,       // EFER.LMA
  kModeIoOpen = 1 << 6,     // CPL <= IOPL (in protected mode), or real mode: CLI, STI, IN, OUT need no look
  kModeEm = 1 << 7,         // CR0.EM
  kModeTs = 1 << 8,         // CR0.TS
  kModeMp = 1 << 9,         // CR0.MP
  kModeOsfxsr = 1 << 10,    // CR4
  kModeOsxsave = 1 << 11,   // CR4
  kModeAvx = 1 << 12,       // XCR0 has SSE and AVX
  kModeUmip = 1 << 13,      // CR4
  kModeTsd = 1 << 14,       // CR4
  kModeFsgsbase = 1 << 15,  // CR4
  kModeDf = 1 << 16,        // EFLAGS.DF: strings go down
  // Accesses of CPL 3 are to be aligned (CR0.AM and EFLAGS.AC).
  kModeAlignCheck = 1 << 17,
  kModeNe = 1 << 18,  // CR0.NE
  // MXCSR: what rounds and flushes; and some exception is not masked, so each instruction looks.
  kModeFlush = 1 << 19,          // FTZ, while underflow is masked
  kModeDenormalsZero = 1 << 20,  // DAZ
  kModeFpUnmasked = 1 << 21,
  kModeCr4Vme = 1 << 22,  // VME or PVI where it matters: CLI, STI, PUSHF, POPF, INT go through C++
  kModeCr4De = 1 << 23,
  kModeDebug = 1 << 24,  // DR7 enables something
  kModeTrap = 1 << 25,   // EFLAGS.TF: one instruction a region
  // Arrival: interrupts (and debug exceptions) wait for one instruction more.
  kModeShadow = 1 << 26,
  kModePce = 1 << 27,
  kModeX87Unmasked = 1 << 28,  // some exception of the x87's is: each instruction looks for one that waits
  // Arrival: an instruction of the x87's that met a stack fault goes on with its response.
  kModeX87Unchecked = 1 << 29,
  // Arrival: EFLAGS.AC opens user pages to a supervisor (SMAP).
  kModeAccess = 1 << 30,
  kModePke = uint64_t{1} << 31,  // CR4
  // MXCSR again (mxcsr.h): overflow, underflow is not masked; and CR4.OSXMMEXCPT where some exception is not.
  kModeFpOverflowTraps = uint64_t{1} << 36,
  kModeFpUnderflowTraps = uint64_t{1} << 37,
  kModeOsxmmexcpt = uint64_t{1} << 38,
  kModeLa57 = uint64_t{1} << 39,  // CR4: addresses have 57 bits
};
// 2 bits each.
constexpr unsigned kModeCplShift = 32;
constexpr unsigned kModeRoundShift = 34;  // MXCSR.RC: 0 nearest, 1 down, 2 up, 3 zero
// By segment number, of CS, SS, DS and ES. Flat: base 0, and full. Full: usable, may be read and written (CS:
// executed and read), every offset of 32 bits is within its limit. Code looks at FS and GS itself (slots.h,
// kSlotOpen0), since a kernel has one of them that its programs have not.
constexpr unsigned kModeFlatShift = 40;
constexpr unsigned kModeFullShift = 48;

// Arrival: TOP (3 bits) and the x87's tags from the top on (8 bits). Code that asks for them checks them, and
// leaves (ExitReason::kX87Other) where they are others; so every jump cache and link may be used.
constexpr unsigned kModeX87Shift = 52;
constexpr uint64_t mode_x87(unsigned top, unsigned tags) {
  return uint64_t{(top & 7) | (tags & 0xff) << 3} << kModeX87Shift;
}
constexpr unsigned mode_x87_top(uint64_t mode) { return mode >> kModeX87Shift & 7; }
constexpr unsigned mode_x87_tags(uint64_t mode) { return mode >> (kModeX87Shift + 3) & 0xff; }

constexpr uint64_t mode_flat(unsigned segment) { return uint64_t{1} << (kModeFlatShift + segment); }
constexpr uint64_t mode_full(unsigned segment) { return uint64_t{1} << (kModeFullShift + segment); }
constexpr unsigned mode_cpl(uint64_t mode) { return mode >> kModeCplShift & 3; }

// Facts that no jump cache or link could tell apart: every way into and out of the block goes through C++.
constexpr uint64_t kModeApart = kModeTrap | kModeShadow | kModeX87Unchecked;

constexpr ir::FpMode fp_mode_of(uint64_t mode) {
  constexpr uint8_t kRound[] = {0, 2, 1, 3};  // FpMode::round has up and down the other way
  return {.round = kRound[mode >> kModeRoundShift & 3],
          .flush = (mode & kModeFlush) != 0,
          .x86_nans = true,
          .denormals_zero = (mode & kModeDenormalsZero) != 0,
          .overflow_traps = (mode & kModeFpOverflowTraps) != 0,
          .underflow_traps = (mode & kModeFpUnderflowTraps) != 0};
}

}  // namespace mynah::x86
