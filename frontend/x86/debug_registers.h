// SPDX-License-Identifier: Apache-2.0
//
// Debug registers (SDM vol. 3, 17.2): what DR7 enables, and what hits.
#pragma once

#include <cstdint>

#include "frontend/translation.h"
#include "frontend/x86/state.h"

namespace mynah::x86 {

namespace dr6 {
constexpr uint64_t kFixed = 0xffff0ff0, kBreakpoints = 15, kAccess = 1 << 13, kStep = 1 << 14,
                   kTask = 1 << 15;
}
namespace dr7 {
constexpr uint64_t kFixed = 1 << 10, kEnabled = 0xff, kGeneralDetect = 1 << 13;
}

// What an enabled breakpoint is for, as DR7 numbers it.
enum class BreakpointKind : uint8_t { kExecute, kWrite, kPort, kReadWrite };
struct DebugBreakpoint {
  BreakpointKind kind;
  uint64_t first, last;  // addresses, or ports
};
// Breakpoint n, where it is enabled. False: it is not.
bool debug_breakpoint(const X86State& s, unsigned n, DebugBreakpoint& b);

// Bits of DR6: B0 to B3.
uint64_t code_breakpoints_hit(const X86State& s, uint64_t pc);
uint64_t data_breakpoints_hit(const X86State& s, uint64_t va, uint64_t length, bool read, bool write);
uint64_t port_breakpoints_hit(const X86State& s, uint16_t port, unsigned bytes);
GuestStops debug_stops_of(const X86State& s);

}  // namespace mynah::x86
