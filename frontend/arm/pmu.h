// SPDX-License-Identifier: Apache-2.0
//
// The performance monitor: the cycle counter PMCCNTR_EL0, six event counters of 32 bits, their overflow
// interrupt. Manual: "The Performance Monitors Extension". Counted are the architectural events whose number
// is exact here: instructions, cycles, exceptions and returns from them, software increments, and chained
// overflows.
//
// The cycle counter is 64 bits wide whatever software asks for: PMCR_EL0.LC is RES1 where there is no
// AArch32, so D, which divides by 64, has no effect. A filter holds a counter at the levels that it excludes;
// each exception and return then counts anew and asks for another call, where an unfiltered counter does so
// once.
//
// Counters are not stepped: they are what they were at the cycle pmccntr_at and the instruction
// pm_instructions_at. So whoever changes what counting depends on (PMCR, PMCNTEN, a filter or type, the
// level) or looks at a counter or PMOVS calls count() before, and settle() after.
#pragma once

#include "frontend/arm/state.h"
#include "frontend/arm/system.h"

namespace mynah::arm::pmu {

constexpr unsigned kCounters = 6;  // PMCR_EL0.N
static_assert(kCounters == std::tuple_size_v<decltype(ArmState::pmevcntr)>);

enum Event : uint16_t {
  kSoftwareIncrement = 0x00,
  kInstructionRetired = 0x08,
  kExceptionTaken = 0x09,
  kExceptionReturn = 0x0a,
  kCpuCycles = 0x11,
  kInstructionSpeculated = 0x1b,  // as many as retire: nothing is executed in vain
  kChain = 0x1e,                  // of an odd counter: overflows of the one below
};
constexpr uint32_t kEvents = 1u << kSoftwareIncrement | 1u << kInstructionRetired | 1u << kExceptionTaken |
                             1u << kExceptionReturn | 1u << kCpuCycles | 1u << kInstructionSpeculated |
                             1u << kChain;

// Brings the counters up to the present; a wrap sets PMOVS.
void count(ArmState&, ArmSystem&);
// An event happens: those that count it, among `counters`, go on by one. After count().
void happened(ArmState&, Event event, uint64_t counters = ~uint64_t{0});
// The line, and when a counter wraps next, if the interrupt of that is enabled: all else sees a wrap by
// count().
void settle(ArmState&, ArmSystem&);
// Whether a change of the exception level is one of a counter's.
bool concerned(const ArmState&);

}  // namespace mynah::arm::pmu
