// SPDX-License-Identifier: Apache-2.0
//
// ArmState: everything that one Arm processor element holds, as translated code and C++ see it. Translated
// code reaches it through a pinned register that points kStateBias bytes into it, so that the `hot` words are
// one byte of displacement away. General registers are reached through x(i); their order in memory puts the
// ones that compilers use most within that reach.
//
// Invariants: `sp` is the stack pointer selected by EL and SPSel, sp_bank holds the other ones; the guest pc
// is pc_page + the block's page offset while translated code runs, and pc() outside of it (pc_page holds the
// virtual address of the page, pc_offset the offset in it). nzcv is in the IR's flag layout (ir/flags.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace mynah::arm {

struct alignas(16) Vec {
  uint64_t lo, hi;
  bool operator==(const Vec&) const = default;
};

struct PauthKey {
  uint64_t lo, hi;
};

// What a processor element that executes nothing waits for. kOff: to be turned on by another one (PSCI).
enum class Sleep : uint8_t { kNone, kForInterrupt, kForEvent, kOff };

// Position of X0..X30 in ArmState::hot (below 32: reachable with one byte of displacement).
constexpr std::array<uint8_t, 31> kXPosition = {3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13,
                                                14, 15, 16, 17, 18, 19, 20, 32, 21, 22, 23,
                                                24, 25, 26, 27, 28, 29, 33, 30, 31};

struct alignas(64) ArmState {
  // hot[0] pc_page, hot[1] nzcv, hot[2] sp, then general registers by kXPosition.
  std::array<uint64_t, 34> hot;
  uint64_t pc_offset;  // bytes into the page, valid outside translated code

  uint64_t& pc_page() { return hot[0]; }
  uint64_t& nzcv_packed() { return hot[1]; }  // ir/flags.h layout; use nzcv() for the architectural value
  uint64_t& sp() { return hot[2]; }
  uint64_t sp() const { return hot[2]; }
  uint64_t& x(unsigned i) { return hot[kXPosition[i]]; }
  uint64_t x(unsigned i) const { return hot[kXPosition[i]]; }
  uint64_t pc() const { return hot[0] + pc_offset; }
  void set_pc(uint64_t pc) {
    hot[0] = pc & ~uint64_t{0xfff};
    pc_offset = pc & 0xfff;
  }

  std::array<Vec, 32> v;

  // PSTATE, one field a byte or word. el is 0 or 1.
  uint8_t el, spsel, pan, uao, dit, ssbs, il, ss;
  Sleep sleep;
  uint8_t event_register;  // WFE's; the event stream's are not all in it, see ArmCpu::wait_for_event
  uint8_t pmu_interrupt;   // what the line carries
  uint32_t daif;           // D=8 A=4 I=2 F=1
  uint32_t irq_pending, fiq_pending;  // input lines; one slot holds both
  // Left by a branch to the first instruction behind it. A block knows its own by its key.
  uint32_t btype;
  uint32_t fpcr, fpsr;

  std::array<uint64_t, 2> sp_bank;  // SP_EL0, SP_EL1; the selected one is stale while `sp` holds it

  // Exclusive monitor: virtual address (all ones: open), and the value that LDXR/LDXP saw.
  uint64_t exclusive_address, exclusive_lo, exclusive_hi;

  // Registers that MRS and MSR reach as plain words or through frontend/arm/sysregs.
  uint64_t sctlr, actlr, cpacr, ttbr0, ttbr1, tcr, mair, amair, vbar, contextidr, par;
  uint64_t esr, far, elr, spsr, afsr0, afsr1;
  uint64_t tpidr_el0, tpidrro_el0, tpidr_el1, scxtnum_el0, scxtnum_el1;
  uint64_t cntkctl, csselr, mdscr, oslsr, osdlr, mdccint, osdtrrx, osdtrtx, oseccr, dbgclaim;
  std::array<uint64_t, 16> dbgbvr, dbgbcr, dbgwvr, dbgwcr;
  PauthKey apia, apib, apda, apdb, apga;
  // Performance monitor: counters are what they were at the cycle pmccntr_at and the instruction
  // pm_instructions_at, see pmu.h.
  uint64_t pmcr, pmcnten, pmovs, pmselr, pminten, pmuseren, pmccfiltr, pmccntr, pmccntr_at,
      pm_instructions_at;
  std::array<uint64_t, 6> pmevcntr, pmevtyper;
  uint64_t disr;

  // What reset takes from the processor model and the board.
  uint64_t mpidr, rvbar;
  uint8_t pa_bits;      // implemented physical address size; 0 counts as 48
  uint8_t granule_16k;  // TCR may select the 16 KiB granule

  void reset_words() { *this = ArmState{}; }
};

constexpr size_t kStateBias = 128;

}  // namespace mynah::arm
