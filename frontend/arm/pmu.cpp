// SPDX-License-Identifier: Apache-2.0
//
// What each counter counts at this level, up to where it has counted, and when it will overflow (Arm ARM,
// D13).
#include "frontend/arm/pmu.h"

#include <algorithm>

#include "frontend/arm/sysregs_fields.h"

namespace mynah::arm::pmu {
namespace {

constexpr uint64_t kWrap = uint64_t{1} << 32;  // of an event counter

bool enabled(const ArmState& state) { return state.pmcr & pmcr::kE; }

bool counts_here(const ArmState& state, uint64_t filter) {
  return !(filter & (state.el ? pmccfiltr::kP : pmccfiltr::kU));
}

bool cycles_count(const ArmState& state) {
  return (state.pmcnten & kPmuCycleCounter) && counts_here(state, state.pmccfiltr);
}

bool counter_counts(const ArmState& state, unsigned n) {
  return (state.pmcnten >> n & 1) && counts_here(state, state.pmevtyper[n]);
}

unsigned event_of(const ArmState& state, unsigned n) { return state.pmevtyper[n] & kPmuEventMask; }

void add(ArmState& state, unsigned n, uint64_t by) {
  const uint64_t sum = state.pmevcntr[n] + by;
  state.pmevcntr[n] = sum % kWrap;
  if (sum < kWrap) return;
  state.pmovs |= uint64_t{1} << n;
  if (n % 2 == 0 && n + 1 < kCounters && event_of(state, n + 1) == kChain && counter_counts(state, n + 1))
    add(state, n + 1, sum / kWrap);
}

}  // namespace

void count(ArmState& state, ArmSystem& system) {
  const uint64_t cycle = system.cycle_count(), instruction = system.instruction_count();
  const uint64_t cycles = cycle - state.pmccntr_at, instructions = instruction - state.pm_instructions_at;
  state.pmccntr_at = cycle;
  state.pm_instructions_at = instruction;
  if (!enabled(state)) return;
  if (cycles_count(state)) {
    const uint64_t before = state.pmccntr;
    state.pmccntr += cycles;
    if (state.pmccntr < before) state.pmovs |= kPmuCycleCounter;
  }
  for (unsigned n = 0; n < kCounters; ++n) {
    if (!counter_counts(state, n)) continue;
    const unsigned event = event_of(state, n);
    if (event == kCpuCycles)
      add(state, n, cycles);
    else if (event == kInstructionRetired || event == kInstructionSpeculated)
      add(state, n, instructions);
  }
}

void happened(ArmState& state, Event event, uint64_t counters) {
  if (!enabled(state)) return;
  for (unsigned n = 0; n < kCounters; ++n)
    if ((counters >> n & 1) && event_of(state, n) == event && counter_counts(state, n)) add(state, n, 1);
}

void settle(ArmState& state, ArmSystem& system) {
  uint64_t next = 0;  // cycles; 0: never
  const auto sooner = [&next](uint64_t cycles) { next = next ? std::min(next, cycles) : cycles; };
  if (enabled(state)) {
    const uint64_t waits = state.pminten & ~state.pmovs;
    if ((waits & kPmuCycleCounter) && cycles_count(state)) sooner(-state.pmccntr);
    for (unsigned n = 0; n < kCounters; ++n) {
      // A wrap is somebody's when it interrupts, or goes on to a counter that does.
      const bool chained = n % 2 == 0 && n + 1 < kCounters && event_of(state, n + 1) == kChain;
      if (!(waits >> n & 1) && !(chained && (waits >> (n + 1) & 1))) continue;
      if (!counter_counts(state, n)) continue;
      const uint64_t left = kWrap - state.pmevcntr[n];
      const unsigned event = event_of(state, n);
      if (event == kCpuCycles)
        sooner(left);
      else if (event == kInstructionRetired || event == kInstructionSpeculated)
        sooner(system.cycles_of(left));
    }
  }
  system.call_after_cycles(next);
  const bool level = enabled(state) && (state.pmovs & state.pminten);
  if (level == (state.pmu_interrupt != 0)) return;
  state.pmu_interrupt = level;
  system.set_pmu_interrupt(level);
}

bool concerned(const ArmState& state) {
  if (!enabled(state) || !state.pmcnten) return false;
  constexpr uint64_t kFilters = pmccfiltr::kP | pmccfiltr::kU;
  if ((state.pmcnten & kPmuCycleCounter) && (state.pmccfiltr & kFilters)) return true;
  for (unsigned n = 0; n < kCounters; ++n) {
    if (!(state.pmcnten >> n & 1)) continue;
    const unsigned event = event_of(state, n);
    if ((state.pmevtyper[n] & kFilters) || event == kExceptionTaken || event == kExceptionReturn) return true;
  }
  return false;
}

}  // namespace mynah::arm::pmu
