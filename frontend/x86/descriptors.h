// SPDX-License-Identifier: Apache-2.0
//
// Descriptors as they are in memory (SDM vol. 3, 3.4.5, 3.5, 6.11): fields, and how they are found by
// selector in the GDT or LDT.
#pragma once

#include <cstdint>
#include <optional>

#include "frontend/x86/cpu.h"
#include "frontend/x86/state.h"

namespace mynah::x86 {

namespace system_type {  // of descriptors without access::kCodeOrData
constexpr unsigned kTss16 = 1, kLdt = 2, kTss16Busy = 3, kCallGate16 = 4, kTaskGate = 5, kInterruptGate16 = 6,
                   kTrapGate16 = 7, kTss32 = 9, kTss32Busy = 11, kCallGate32 = 12, kInterruptGate32 = 14,
                   kTrapGate32 = 15;
constexpr unsigned kBusy = 2;
}  // namespace system_type

struct Descriptor {
  uint32_t low = 0, high = 0;
  uint32_t upper = 0, last = 0;  // of those of 16 bytes

  constexpr uint32_t access() const { return high & access::kMask; }
  constexpr unsigned type() const { return high >> access::kTypeShift & 15; }
  constexpr bool code_or_data() const { return high & access::kCodeOrData; }
  constexpr bool code() const {
    return (high & (access::kCodeOrData | access::kCode)) == (access::kCodeOrData | access::kCode);
  }
  constexpr bool data() const {
    return (high & (access::kCodeOrData | access::kCode)) == access::kCodeOrData;
  }
  constexpr bool writable_data() const { return data() && (high & access::kWritable); }
  constexpr bool readable() const { return data() || (code() && (high & access::kReadable)); }
  constexpr bool conforming() const { return code() && (high & access::kConforming); }
  constexpr bool system(unsigned wanted) const { return !code_or_data() && type() == wanted; }
  constexpr unsigned dpl() const { return high >> access::kDplShift & 3; }
  constexpr bool present() const { return high & access::kPresent; }
  constexpr bool is_long() const { return high & access::kLong; }
  constexpr bool big() const { return high & access::kBig; }
  constexpr uint64_t base() const {
    return low >> 16 | (high & 0xff) << 16 | (high & 0xff000000) | uint64_t{upper} << 32;
  }
  constexpr uint32_t limit() const {
    const uint32_t raw = (low & 0xffff) | (high & 0xf0000);
    return high & access::kGranularity ? raw << 12 | 0xfff : raw;
  }
  // Gates.
  constexpr uint16_t gate_selector() const { return static_cast<uint16_t>(low >> 16); }
  constexpr uint64_t gate_offset() const {
    return (low & 0xffff) | (high & 0xffff0000) | uint64_t{upper} << 32;
  }
  constexpr unsigned gate_count() const { return high & 31; }
  constexpr unsigned gate_ist() const { return high & 7; }
};

// Descriptors that no memory has: SYSCALL's, virtual-8086 mode's.
constexpr Descriptor flat_code(unsigned dpl, bool is_long) {
  return {.low = 0xffff,
          .high = 0x000f9b00 | access::kGranularity | (is_long ? access::kLong : access::kBig) |
                  static_cast<uint32_t>(dpl) << access::kDplShift};
}
constexpr Descriptor flat_data(unsigned dpl) {
  return {.low = 0xffff,
          .high = 0x000f9300 | access::kGranularity | access::kBig |
                  static_cast<uint32_t>(dpl) << access::kDplShift};
}

constexpr bool is_null(uint16_t selector) { return (selector & 0xfffc) == 0; }
constexpr unsigned rpl_of(uint16_t selector) { return selector & 3; }
// An error code that names a selector. `ext`: 1 while an event that the program did not ask for is delivered.
constexpr uint32_t error_of(uint16_t selector, uint32_t ext = 0) { return (selector & 0xfffcu) | ext; }
// A name of one for functions that answer it: `vector` with the selector as error code.
inline bool raise_selector(X86Cpu& cpu, uint8_t vector, uint16_t selector, uint32_t ext = 0) {
  return cpu.raise(vector, error_of(selector, ext));
}

// Where the selector's descriptor is; nothing: beyond its table's limit.
inline std::optional<uint64_t> descriptor_address(const X86State& s, uint16_t selector, unsigned bytes = 8) {
  const uint32_t last = (selector & 0xfff8u) + bytes - 1;
  if (selector & 4) {
    if (!s.ldtr.segment.usable || last > s.ldtr.segment.limit) return {};
    return s.ldtr.base + (selector & 0xfff8u);
  }
  if (last > s.gdtr.limit) return {};
  return s.gdtr.base + (selector & 0xfff8u);
}
// Reads it; beyond the limit: `vector` with the selector. False: raised.
bool read_descriptor(X86Cpu& cpu, uint16_t selector, Descriptor& d, uint8_t vector, uint32_t ext = 0);
// The same of one that has 16 bytes in long mode: the upper half.
bool read_upper_half(X86Cpu& cpu, uint16_t selector, Descriptor& d, uint8_t vector, uint32_t ext = 0);
// Sets the accessed bit of a code or data segment in memory where it is not yet.
bool mark_accessed(X86Cpu& cpu, uint16_t selector, Descriptor& d);
// Writes the type of a system descriptor (busy TSS).
bool write_type(X86Cpu& cpu, uint16_t selector, Descriptor& d, unsigned type);

}  // namespace mynah::x86
