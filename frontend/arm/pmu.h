// SPDX-License-Identifier: Apache-2.0
//
// The cycle counter of the performance monitor, PMCCNTR_EL0, and its overflow interrupt. There are no event
// counters (PMCR_EL0.N is 0). Manual: "The Performance Monitors Extension".
//
// The counter is 64 bits wide whatever software asks for: PMCR_EL0.LC is RES1 where there is no AArch32, so
// D, which divides by 64, has no effect. PMCCFILTR_EL0 holds the counter at the levels that it excludes; each
// exception and return then counts anew and asks for another call, where an unfiltered counter does so once.
//
// ArmState::pmccntr is the counter at the cycle pmccntr_at. So whoever changes what counting depends on
// (PMCR, PMCNTEN, PMCCFILTR, the level) or looks at the counter or PMOVS calls count() before, and settle()
// after.
#pragma once

#include "frontend/arm/state.h"
#include "frontend/arm/system.h"

namespace mynah::arm::pmu {

// Brings the counter up to the present; a wrap sets PMOVS.
void count(ArmState&, ArmSystem&);
// The line, and when the counter wraps next, if the interrupt of that is enabled: all else sees a wrap by
// count().
void settle(ArmState&, ArmSystem&);
// Whether a change of the exception level is one of the counter's.
bool filtered(const ArmState&);

}  // namespace mynah::arm::pmu
