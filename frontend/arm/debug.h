// SPDX-License-Identifier: Apache-2.0
//
// Self-hosted debug: which breakpoints and watchpoints could hit, and whether one does. Manual: D2.8
// Breakpoint exceptions, D2.9 Watchpoint exceptions. Address breakpoints, unlinked and linked to a
// context-aware one, and unlinked context breakpoints; watchpoints by byte selection and by mask, linked too.
#pragma once

#include <cstdint>
#include <optional>

#include "frontend/arm/state.h"
#include "frontend/guest.h"

namespace mynah::arm {

constexpr unsigned kBreakpoints = 6,
                   kWatchpoints = 4;  // as ID_AA64DFR0_EL1 says; the last two are context-aware
constexpr unsigned kFirstContextBreakpoint = 4;

// Whether a breakpoint could hit that has no address but a context, and what the others and the watchpoints
// could stop at: at the current exception level, with debug exceptions as they are masked now.
bool context_breakpoints_armed(const ArmState&);
GuestStops debug_stops(const ArmState&);

bool breakpoint_hits(const ArmState&, uint64_t pc);

struct WatchpointHit {
  uint64_t address;  // of the first watched byte that the access touches
  bool write;
};
// An access to [va, va + length), without tags; `el` is the level whose rights it has.
std::optional<WatchpointHit> watchpoint_hit(const ArmState&, uint64_t va, uint64_t length, bool read,
                                            bool write, unsigned el);

}  // namespace mynah::arm
