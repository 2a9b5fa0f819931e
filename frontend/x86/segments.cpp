// SPDX-License-Identifier: Apache-2.0
//
// Loading segment registers (SDM vol. 3, 5.5 to 5.8; vol. 2, MOV), and the offsets that they let through.
#include "frontend/x86/segments.h"

#include "frontend/x86/vectors.h"

namespace mynah::x86 {

// --- facts

bool within_limit(uint32_t access, uint32_t limit, uint64_t offset, uint64_t bytes) {
  const uint64_t last = offset + bytes - 1;
  if ((access & (access::kCode | access::kExpandDown)) == access::kExpandDown)
    return offset > limit && last <= (access & access::kBig ? ~uint32_t{0} : 0xffffu);
  return last <= limit;
}

bool is_canonical(const X86State& s, uint64_t address) {
  const unsigned unused = s.cr4 & cr4::kLa57 ? 64 - 57 : 64 - 48;
  return static_cast<uint64_t>(static_cast<int64_t>(address << unused) >> unused) == address;
}

// --- setting

void set_segment(X86State& s, unsigned segment, uint16_t selector, const Descriptor& d) {
  s.segments[segment] = {selector, true, d.access(), d.limit()};
  s.base(segment) = d.base();
}

// The base of a null FS or GS is zero, as Intel's processors have it.
void set_null(X86State& s, unsigned segment, uint16_t selector) {
  s.segments[segment] = {selector, false, 0, 0};
  s.base(segment) = 0;
}

void set_real_segment(X86State& s, unsigned segment, uint16_t selector) {
  Segment& g = s.segments[segment];
  g.selector = selector;
  g.usable = true;
  s.base(segment) = uint64_t{selector} << 4;
}

void set_vm86_segment(X86State& s, unsigned segment, uint16_t selector) {
  s.segments[segment] = {selector, true,
                         access::kPresent | access::kCodeOrData | access::kWritable | access::kAccessed |
                             3u << access::kDplShift,
                         0xffff};
  s.base(segment) = uint64_t{selector} << 4;
}

void set_ip(X86State& s, uint64_t ip) {
  if (s.in_64bit_code()) return s.set_linear_pc(ip);
  s.set_linear_pc((s.base(kCs) + ip) & 0xffffffff);
}

void set_code(X86State& s, uint16_t selector, const Descriptor& d, unsigned cpl, uint64_t ip) {
  const bool was_64bit = s.in_64bit_code();
  s.segments[kCs] = {static_cast<uint16_t>((selector & 0xfffc) | cpl), true, d.access(), d.limit()};
  s.cpl = static_cast<uint8_t>(cpl);
  const bool is_64bit = s.in_64bit_code();
  s.base(kCs) = is_64bit ? 0 : d.base();
  if (was_64bit && !is_64bit)
    for (unsigned n = 0; n < 8; ++n) s.r(n) &= 0xffffffff;
  set_ip(s, ip);
}

void set_real_code(X86State& s, uint16_t selector, uint64_t ip) {
  set_real_segment(s, kCs, selector);
  set_ip(s, ip);
}

void drop_data_segments(X86State& s) {
  for (const unsigned n : {kEs, kDs, kFs, kGs}) {
    const Segment& g = s.segments[n];
    if (!g.usable) continue;  // its base stays: FS and GS of 64-bit code have theirs without a selector
    constexpr uint32_t kConformingCode = access::kCode | access::kConforming;
    if ((g.access & kConformingCode) == kConformingCode) continue;
    if ((g.access >> access::kDplShift & 3) < s.cpl) set_null(s, n, 0);
  }
}

void set_outer_stack(X86State& s, uint16_t selector, const Descriptor* d, uint64_t sp, uint64_t more) {
  if (!d) {
    set_null(s, kSs, selector);
  } else {
    set_segment(s, kSs, selector, *d);
  }
  if (s.in_64bit_code()) {
    s.r(kRsp) = sp + more;
  } else if (d && d->big()) {
    s.r(kRsp) = (sp + more) & 0xffffffff;
  } else {
    s.r(kRsp) = (s.r(kRsp) & ~uint64_t{0xffff}) | ((sp + more) & 0xffff);
  }
}

// --- loading

bool check_stack_segment(X86Cpu& cpu, uint16_t selector, unsigned cpl, Descriptor& d, uint8_t vector,
                         uint32_t ext) {
  if (is_null(selector)) return cpu.raise(vector, ext);
  if (!read_descriptor(cpu, selector, d, vector, ext)) return false;
  if (rpl_of(selector) != cpl || !d.writable_data() || d.dpl() != cpl)
    return raise_selector(cpu, vector, selector, ext);
  if (!d.present()) return raise_selector(cpu, vector::kStack, selector, ext);
  return mark_accessed(cpu, selector, d);
}

bool load_segment(X86Cpu& cpu, unsigned segment, uint16_t selector) {
  X86State& s = cpu.x86();
  if (s.vm86()) {
    set_vm86_segment(s, segment, selector);
    return true;
  }
  if (!s.protected_mode()) {
    set_real_segment(s, segment, selector);
    return true;
  }
  Descriptor d;
  if (segment == kSs) {
    if (is_null(selector) && s.in_64bit_code() && s.cpl != 3 && rpl_of(selector) == s.cpl) {
      set_null(s, kSs, selector);
      return true;
    }
    if (!check_stack_segment(cpu, selector, s.cpl, d, vector::kGeneralProtection)) return false;
    set_segment(s, kSs, selector, d);
    return true;
  }
  if (is_null(selector)) {
    set_null(s, segment, selector);
    return true;
  }
  if (!read_descriptor(cpu, selector, d, vector::kGeneralProtection)) return false;
  if (!d.readable() || (!d.conforming() && (rpl_of(selector) > d.dpl() || s.cpl > d.dpl())))
    return raise_selector(cpu, vector::kGeneralProtection, selector);
  if (!d.present()) return raise_selector(cpu, vector::kNotPresent, selector);
  if (!mark_accessed(cpu, selector, d)) return false;
  set_segment(s, segment, selector, d);
  return true;
}

bool load_ldtr(X86Cpu& cpu, uint16_t selector, uint8_t vector) {
  X86State& s = cpu.x86();
  if (is_null(selector)) {
    s.ldtr.segment = {selector, false, 0, 0};
    s.ldtr.base = 0;
    return true;
  }
  Descriptor d;
  if (selector & 4) return raise_selector(cpu, vector, selector);
  if (!read_descriptor(cpu, selector, d, vector)) return false;
  if (!d.system(system_type::kLdt)) return raise_selector(cpu, vector, selector);
  if (!d.present())
    return raise_selector(cpu, vector == vector::kInvalidTss ? vector : vector::kNotPresent, selector);
  if (s.long_mode()) {
    if (!read_upper_half(cpu, selector, d, vector)) return false;
    if (!is_canonical(s, d.base())) return raise_selector(cpu, vector, selector);
  }
  s.ldtr.segment = {selector, true, d.access(), d.limit()};
  s.ldtr.base = d.base();
  return true;
}

bool load_tr(X86Cpu& cpu, uint16_t selector) {
  X86State& s = cpu.x86();
  constexpr uint8_t kGp = vector::kGeneralProtection;
  if (is_null(selector)) return cpu.raise(kGp, 0);
  Descriptor d;
  if (selector & 4) return raise_selector(cpu, kGp, selector);
  if (!read_descriptor(cpu, selector, d, kGp)) return false;
  const bool tss16 = d.system(system_type::kTss16) && !s.long_mode();
  if (!tss16 && !d.system(system_type::kTss32)) return raise_selector(cpu, kGp, selector);
  if (!d.present()) return raise_selector(cpu, vector::kNotPresent, selector);
  if (s.long_mode()) {
    if (!read_upper_half(cpu, selector, d, kGp)) return false;
    if (!is_canonical(s, d.base()) || (d.last & 0x1f00)) return raise_selector(cpu, kGp, selector);
  }
  if (!write_type(cpu, selector, d, d.type() | system_type::kBusy)) return false;
  s.tr.segment = {selector, true, d.access(), d.limit()};
  s.tr.base = d.base();
  return true;
}

}  // namespace mynah::x86
