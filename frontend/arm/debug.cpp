// SPDX-License-Identifier: Apache-2.0
//
// Breakpoints, watchpoints and software step of self-hosted debug (Arm ARM, D2.8 to D2.12), as predicates
// over the debug registers: which addresses could stop, and whether this one does. Nothing here is asked on
// the way of code that meets none: the engine learns of them as GuestStops.
#include "frontend/arm/debug.h"

#include <algorithm>

#include "frontend/arm/exceptions.h"
#include "frontend/arm/pstate.h"
#include "frontend/arm/sysregs_fields.h"

namespace mynah::arm {
namespace {

// Fields that DBGBCR and DBGWCR share.
constexpr uint64_t kEnable = bit(0);
constexpr unsigned kLevelShift = 1;  // PMC, PAC: bit 0 EL1, bit 1 EL0
constexpr unsigned kLinkShift = 16;  // LBN

enum BreakpointType : unsigned { kAddress = 0, kLinkedAddress = 1, kContext = 2, kLinkedContext = 3 };
unsigned type_of(uint64_t control) { return static_cast<unsigned>(field(control, 20, 4)); }

bool enabled(const ArmState& state) {
  return (state.mdscr & mdscr::kMde) && debug_exceptions_enabled(state, state.el, state.daif & kDaifD);
}

bool level_matches(uint64_t control, unsigned el) { return control >> kLevelShift & (el == 0 ? 2 : 1); }

bool context_matches(const ArmState& state, unsigned n) {
  return static_cast<uint32_t>(state.dbgbvr[n]) == static_cast<uint32_t>(state.contextidr);
}

// The breakpoint that another one is linked to holds.
bool link_matches(const ArmState& state, uint64_t control) {
  const auto n = static_cast<unsigned>(field(control, kLinkShift, 4));
  return n >= kFirstContextBreakpoint && n < kBreakpoints && (state.dbgbcr[n] & kEnable) &&
         type_of(state.dbgbcr[n]) == kLinkedContext && context_matches(state, n);
}

// The register holds bits 48:2 of an address; the sign reaches up.
uint64_t address_of(uint64_t value) {
  return static_cast<uint64_t>(static_cast<int64_t>(value << 15) >> 15) & ~uint64_t{3};
}

// All that a watchpoint could watch: what its mask leaves, or the doubleword of its byte selection.
GuestStops::Range range_of(const ArmState& state, unsigned n) {
  const auto mask = std::max(3u, static_cast<unsigned>(field(state.dbgwcr[n], 24, 5)));
  const uint64_t first = address_of(state.dbgwvr[n]) >> mask << mask;
  return {first, first + (uint64_t{1} << mask) - 1};
}

}  // namespace

bool context_breakpoints_armed(const ArmState& state) {
  if (!enabled(state)) return false;
  for (unsigned n = kFirstContextBreakpoint; n < kBreakpoints; ++n)
    if ((state.dbgbcr[n] & kEnable) && type_of(state.dbgbcr[n]) == kContext &&
        level_matches(state.dbgbcr[n], state.el))
      return true;
  return false;
}

GuestStops debug_stops(const ArmState& state) {
  GuestStops stops;
  if (!enabled(state)) return stops;
  for (unsigned n = 0; n < kBreakpoints; ++n) {
    const uint64_t control = state.dbgbcr[n];
    const unsigned type = type_of(control);
    if ((control & kEnable) && level_matches(control, state.el) &&
        (type == kAddress || type == kLinkedAddress))
      stops.breakpoints.push_back(address_of(state.dbgbvr[n]));
  }
  std::ranges::sort(stops.breakpoints);
  for (unsigned n = 0; n < kWatchpoints; ++n) {
    const uint64_t control = state.dbgwcr[n];
    // EL1 has accesses with EL0's rights.
    if (!(control & kEnable) || !(level_matches(control, state.el) || level_matches(control, 0))) continue;
    stops.watched.push_back(range_of(state, n));
  }
  return stops;
}

bool breakpoint_hits(const ArmState& state, uint64_t pc) {
  if (!enabled(state)) return false;
  for (unsigned n = 0; n < kBreakpoints; ++n) {
    const uint64_t control = state.dbgbcr[n];
    if (!(control & kEnable) || !level_matches(control, state.el)) continue;
    switch (type_of(control)) {
      case kAddress:
        if (address_of(state.dbgbvr[n]) == pc) return true;
        break;
      case kLinkedAddress:
        if (address_of(state.dbgbvr[n]) == pc && link_matches(state, control)) return true;
        break;
      case kContext:
        if (n >= kFirstContextBreakpoint && context_matches(state, n)) return true;
        break;
      default:
        break;
    }
  }
  return false;
}

std::optional<WatchpointHit> watchpoint_hit(const ArmState& state, uint64_t va, uint64_t length, bool read,
                                            bool write, unsigned el) {
  if (!enabled(state)) return std::nullopt;
  for (unsigned n = 0; n < kWatchpoints; ++n) {
    const uint64_t control = state.dbgwcr[n];
    if (!(control & kEnable) || !level_matches(control, el)) continue;
    const bool on_load = control & bit(3), on_store = control & bit(4);
    if (!(read && on_load) && !(write && on_store)) continue;
    if ((control & bit(20)) && !link_matches(state, control)) continue;
    const uint64_t base = address_of(state.dbgwvr[n]);
    const bool stored = !(read && on_load);
    if (field(control, 24, 5) >= 3) {
      const auto [first, last] = range_of(state, n);
      if (va <= last && first <= va + (length - 1)) return WatchpointHit{va < first ? first : va, stored};
      continue;
    }
    for (unsigned i = 0; i < 8; ++i) {
      const uint64_t byte = base + i;
      // A word-aligned value selects among four bytes.
      if (!(control >> (5 + i) & 1) || ((base & 4) && i >= 4)) continue;
      if (byte - va < length) return WatchpointHit{byte, stored};
    }
  }
  return std::nullopt;
}

}  // namespace mynah::arm
