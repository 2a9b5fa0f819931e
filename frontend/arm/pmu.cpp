// SPDX-License-Identifier: Apache-2.0
//
// The cycle counter (Arm ARM, D13): what it counts at this level, up to where it has counted, and when it
// will overflow. It is not stepped: pmccntr is its value at pmccntr_at, and count() brings that up to date
// before anything that it depends on changes; settle() then asks for the next event.
#include "frontend/arm/pmu.h"

#include "frontend/arm/sysregs_fields.h"

namespace mynah::arm::pmu {
namespace {

bool enabled(const ArmState& state) { return (state.pmcr & pmcr::kE) && (state.pmcnten & kPmuCycleCounter); }

bool counting(const ArmState& state) {
  return enabled(state) && !(state.pmccfiltr & (state.el ? pmccfiltr::kP : pmccfiltr::kU));
}

}  // namespace

void count(ArmState& state, ArmSystem& system) {
  const uint64_t now = system.cycle_count();
  if (counting(state)) {
    const uint64_t before = state.pmccntr;
    state.pmccntr += now - state.pmccntr_at;
    if (state.pmccntr < before) state.pmovs |= kPmuCycleCounter;
  }
  state.pmccntr_at = now;
}

void settle(ArmState& state, ArmSystem& system) {
  const bool wanted = (state.pmcr & pmcr::kE) && (state.pminten & kPmuCycleCounter);
  const bool overflowed = state.pmovs & kPmuCycleCounter;
  system.call_after_cycles(wanted && !overflowed && counting(state) ? -state.pmccntr : 0);
  const bool level = wanted && overflowed;
  if (level == (state.pmu_interrupt != 0)) return;
  state.pmu_interrupt = level;
  system.set_pmu_interrupt(level);
}

bool filtered(const ArmState& state) {
  return (state.pmccfiltr & (pmccfiltr::kP | pmccfiltr::kU)) && enabled(state);
}

}  // namespace mynah::arm::pmu
