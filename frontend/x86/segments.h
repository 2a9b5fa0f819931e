// SPDX-License-Identifier: Apache-2.0
//
// Segment registers (SDM vol. 3, 3.4, 5.5 to 5.8): loading them with all checks, what they make of an offset,
// and what of them a block may be keyed by. A load that faults has changed nothing.
#pragma once

#include <cstdint>

#include "frontend/x86/cpu.h"
#include "frontend/x86/descriptors.h"
#include "frontend/x86/state.h"

namespace mynah::x86 {

// --- facts for the mode (mode.h), and what translated code looks at
// X86State::open of one.
inline uint64_t open_bytes(const Segment& g, bool real_or_vm86) {
  const uint32_t kind = g.access & (access::kCode | access::kWritable | access::kExpandDown);
  const bool open =
      real_or_vm86 ? (kind & ~access::kWritable) != access::kExpandDown : kind == access::kWritable;
  return g.usable && open ? uint64_t{g.limit} + 1 : 0;
}
// Every offset of 32 bits may be read and written (CS: fetched and read).
constexpr uint64_t kAllOpen = uint64_t{1} << 32;
inline bool is_full(const X86State& s, unsigned segment) {
  if (s.open[segment] == kAllOpen) return true;
  const Segment& g = s.segments[segment];
  return segment == kCs && g.usable && (g.access & access::kReadable) && g.limit == ~uint32_t{0};
}
inline bool is_flat(const X86State& s, unsigned segment) {
  return is_full(s, segment) && s.base(segment) == 0;
}

// --- setting, without checks
void set_segment(X86State& s, unsigned segment, uint16_t selector, const Descriptor& d);
void set_null(X86State& s, unsigned segment, uint16_t selector);
// As real mode does: base from the selector, all else stays.
void set_real_segment(X86State& s, unsigned segment, uint16_t selector);
// As virtual-8086 mode has it.
void set_vm86_segment(X86State& s, unsigned segment, uint16_t selector);
// CS, CPL and IP. In 64-bit code `ip` is RIP. Leaving 64-bit code clears upper halves of general registers.
void set_code(X86State& s, uint16_t selector, const Descriptor& d, unsigned cpl, uint64_t ip);
void set_real_code(X86State& s, uint16_t selector, uint64_t ip);  // real and virtual-8086 mode
// To another IP in the same segment.
void set_ip(X86State& s, uint64_t ip);
// Data segments that the new, less privileged CPL may not have (SDM vol. 2, RET, "outer privilege level").
void drop_data_segments(X86State& s);

// SS:SP that a return to less privilege found; null (allowed in 64-bit code): no descriptor. `more`:
// parameters.
void set_outer_stack(X86State& s, uint16_t selector, const Descriptor* d, uint64_t sp, uint64_t more);

// --- loading as MOV, POP and LDS do, all but CS
bool load_segment(X86Cpu& cpu, unsigned segment, uint16_t selector);
bool load_ldtr(X86Cpu& cpu, uint16_t selector, uint8_t vector);  // also by a task switch: #TS
bool load_tr(X86Cpu& cpu, uint16_t selector);                    // LTR

// A stack segment that a CPL of `cpl` may have: else `vector` (#GP or #TS), #SS where it is not present.
// Marks it accessed.
bool check_stack_segment(X86Cpu& cpu, uint16_t selector, unsigned cpl, Descriptor& d, uint8_t vector,
                         uint32_t ext = 0);

// Whether [offset, offset + bytes) is within a segment that is expand-up, or expand-down.
bool within_limit(uint32_t access, uint32_t limit, uint64_t offset, uint64_t bytes);
bool is_canonical(const X86State& s, uint64_t address);

}  // namespace mynah::x86
