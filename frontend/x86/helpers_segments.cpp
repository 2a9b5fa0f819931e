// SPDX-License-Identifier: Apache-2.0
//
// Helpers of segment registers and descriptor tables (SDM vol. 2: MOV, LGDT, LLDT, LTR, LAR, LSL, VERR).
#include <algorithm>

#include "frontend/x86/helpers_functions.h"
#include "frontend/x86/segment_helpers.h"
#include "frontend/x86/segments.h"
#include "frontend/x86/vectors.h"

namespace mynah::x86 {

bool helper_segment_address(X86Cpu& cpu, const uint64_t args[4], uint64_t& result) {
  const X86State& s = cpu.x86();
  const auto segment = static_cast<unsigned>(args[0]);
  const auto bytes = static_cast<uint32_t>(args[2]) & 0x7fffffff;
  const bool write = args[2] >> 31 & 1;
  const Segment& g = s.segments[segment];
  bool ok = g.usable && within_limit(g.access, g.limit, args[1], bytes);
  if (!s.real_or_vm86()) {
    const bool code = g.access & access::kCode;
    ok &= write ? !code && (g.access & access::kWritable) : !code || (g.access & access::kReadable);
  }
  if (!ok) return cpu.raise(segment == kSs ? vector::kStack : vector::kGeneralProtection, 0);
  result = (s.base(segment) + args[1]) & 0xffffffff;
  return true;
}

namespace {
// What the mode says of a segment.
unsigned facts(const X86State& s, unsigned segment) {
  if (segment >= kFs) return 0;
  return (is_flat(s, segment) ? 1 : 0) | (is_full(s, segment) ? 2 : 0) |
         (segment == kSs && (s.segments[kSs].access & access::kBig) ? 4 : 0);
}
}  // namespace

bool helper_load_segment(X86Cpu& cpu, const uint64_t args[4], uint64_t& result) {
  X86State& s = cpu.x86();
  const auto segment = static_cast<unsigned>(args[0] & 0xff),
             length = static_cast<unsigned>(args[0] >> 8 & 0xff);
  const unsigned before = facts(s, segment);
  if (!load_segment(cpu, segment, static_cast<uint16_t>(args[1]))) return false;
  s.open[segment] = open_bytes(s.segments[segment], s.real_or_vm86());
  const uint64_t mask = args[0] >> 24 == 16 ? 0xffff : args[0] >> 24 == 32 ? 0xffffffff : ~uint64_t{0};
  const uint64_t sp = s.r(kRsp);
  s.r(kRsp) = (sp & ~mask) | ((sp + (args[0] >> 16 & 0xff)) & mask);
  result = !s.in_64bit_code() && facts(s, segment) != before;
  if (!result) return true;
  cpu.changed();
  if (length == 0) return true;
  cpu.set_pc(s.pc() + length);
  return false;
}

bool helper_read_selector(X86Cpu& cpu, const uint64_t args[4], uint64_t& result) {
  const X86State& s = cpu.x86();
  result = (args[0] == kSelectorTr ? s.tr : s.ldtr).segment.selector;
  return true;
}

bool helper_load_system_segment(X86Cpu& cpu, const uint64_t args[4], uint64_t&) {
  const auto selector = static_cast<uint16_t>(args[1]);
  return args[0] == kSelectorTr ? load_tr(cpu, selector)
                                : load_ldtr(cpu, selector, vector::kGeneralProtection);
}

bool helper_read_table(X86Cpu& cpu, const uint64_t args[4], uint64_t& result) {
  const X86State& s = cpu.x86();
  const TableRegister& table = args[0] == kTableIdtr ? s.idtr : s.gdtr;
  result = args[1] ? table.base : table.limit;
  return true;
}

bool helper_load_table(X86Cpu& cpu, const uint64_t args[4], uint64_t&) {
  X86State& s = cpu.x86();
  if (s.long_mode() && !is_canonical(s, args[2])) return cpu.raise(vector::kGeneralProtection, 0);
  (args[0] == kTableIdtr ? s.idtr : s.gdtr) = {args[2], static_cast<uint16_t>(args[1])};
  return true;
}

namespace {
constexpr unsigned bit(unsigned n) { return 1u << n; }

// System descriptors that LAR and LSL know.
bool known_system_type(const X86State& s, unsigned type, bool gates) {
  using namespace system_type;
  unsigned known = bit(kLdt) | bit(kTss32) | bit(kTss32Busy);
  if (gates) known |= bit(kCallGate32);
  if (!s.long_mode()) {
    known |= bit(kTss16) | bit(kTss16Busy);
    if (gates) known |= bit(kCallGate16) | bit(kTaskGate);
  }
  return known >> type & 1;
}

bool passes(const X86State& s, DescriptorCheck check, uint16_t selector, const Descriptor& d) {
  const bool privileged = d.conforming() || std::max<unsigned>(s.cpl, rpl_of(selector)) <= d.dpl();
  if (!privileged) return false;
  switch (check) {
    case DescriptorCheck::kAccess:
      return d.code_or_data() || known_system_type(s, d.type(), true);
    case DescriptorCheck::kLimit:
      return d.code_or_data() || known_system_type(s, d.type(), false);
    case DescriptorCheck::kReadable:
      return d.readable();
    case DescriptorCheck::kWritable:
      return d.writable_data();
  }
  return false;
}
}  // namespace

bool helper_check_descriptor(X86Cpu& cpu, const uint64_t args[4], uint64_t& result) {
  X86State& s = cpu.x86();
  const auto check = static_cast<DescriptorCheck>(args[0]);
  const auto selector = static_cast<uint16_t>(args[1]);
  result = args[2];
  bool ok = false;
  const auto at = is_null(selector) ? std::nullopt : descriptor_address(s, selector);
  if (at) {
    Descriptor d;
    if (!cpu.read(*at, &d, 8, cpu.implicit_class())) return false;
    ok = passes(s, check, selector, d);
    if (ok && check == DescriptorCheck::kAccess) result = d.access();
    if (ok && check == DescriptorCheck::kLimit) result = d.limit();
  }
  const uint32_t others = status_of(s.flags_packed()) & ~eflags::kZf;
  s.flags_packed() = packed_of(others | (ok ? eflags::kZf : 0));
  return true;
}

}  // namespace mynah::x86
