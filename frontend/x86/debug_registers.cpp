// SPDX-License-Identifier: Apache-2.0
//
// Which of the four breakpoints an address meets.
#include "frontend/x86/debug_registers.h"

#include <algorithm>

namespace mynah::x86 {

namespace {
constexpr unsigned kBreakpoints = 4;

template <typename Hits>
uint64_t hits(const X86State& s, Hits each) {
  uint64_t bits = 0;
  for (unsigned n = 0; n < kBreakpoints; ++n) {
    DebugBreakpoint b;
    if (debug_breakpoint(s, n, b) && each(b)) bits |= uint64_t{1} << n;
  }
  return bits;
}
}  // namespace

bool debug_breakpoint(const X86State& s, unsigned n, DebugBreakpoint& b) {
  const uint64_t control = s.dr[7];
  if (!(control >> (2 * n) & 3)) return false;
  b.kind = static_cast<BreakpointKind>(control >> (16 + 4 * n) & 3);
  if (b.kind == BreakpointKind::kPort && !(s.cr4 & cr4::kDe)) return false;
  constexpr uint8_t kLengths[] = {1, 2, 8, 4};
  const uint64_t length = b.kind == BreakpointKind::kExecute ? 1 : kLengths[control >> (18 + 4 * n) & 3];
  b.first = s.dr[n] & ~(length - 1);
  b.last = b.first + length - 1;
  return true;
}

uint64_t code_breakpoints_hit(const X86State& s, uint64_t pc) {
  return hits(s,
              [&](const DebugBreakpoint& b) { return b.kind == BreakpointKind::kExecute && b.first == pc; });
}

uint64_t data_breakpoints_hit(const X86State& s, uint64_t va, uint64_t length, bool, bool write) {
  const uint64_t last = va + length - 1;
  return hits(s, [&](const DebugBreakpoint& b) {
    const bool kind = b.kind == BreakpointKind::kReadWrite || (write && b.kind == BreakpointKind::kWrite);
    return kind && b.first <= last && va <= b.last;
  });
}

uint64_t port_breakpoints_hit(const X86State& s, uint16_t port, unsigned bytes) {
  const uint64_t last = uint64_t{port} + bytes - 1;
  return hits(s, [&](const DebugBreakpoint& b) {
    return b.kind == BreakpointKind::kPort && b.first <= last && port <= b.last;
  });
}

GuestStops debug_stops_of(const X86State& s) {
  GuestStops stops;
  for (unsigned n = 0; n < kBreakpoints; ++n) {
    DebugBreakpoint b;
    if (!debug_breakpoint(s, n, b)) continue;
    if (b.kind == BreakpointKind::kExecute)
      stops.breakpoints.push_back(b.first);
    else if (b.kind != BreakpointKind::kPort)
      stops.watched.push_back({b.first, b.last});
  }
  std::ranges::sort(stops.breakpoints);
  std::ranges::sort(stops.watched);
  return stops;
}

}  // namespace mynah::x86
