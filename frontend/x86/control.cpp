// SPDX-License-Identifier: Apache-2.0
//
// Writes to control registers: checks first, then the change, then what translations it ends.
#include "frontend/x86/control.h"

#include "frontend/x86/debug_registers.h"
#include "frontend/x86/helpers_functions.h"
#include "frontend/x86/mmu.h"
#include "frontend/x86/segments.h"
#include "frontend/x86/vectors.h"
#include "frontend/x86/xsave.h"

namespace mynah::x86 {

namespace {

constexpr uint64_t bit(unsigned n) { return uint64_t{1} << n; }
bool protection_fault(X86Cpu& cpu) { return cpu.raise(vector::kGeneralProtection, 0); }

bool pae_paging(const X86State& s) {
  return (s.cr0 & cr0::kPg) && (s.cr4 & cr4::kPae) && !(s.efer & efer::kLme);
}

bool write_cr0(X86Cpu& cpu, uint64_t value) {
  X86State& s = cpu.x86();
  constexpr uint64_t kKept = cr0::kPe | cr0::kMp | cr0::kEm | cr0::kTs | cr0::kNe | cr0::kWp | cr0::kAm |
                             cr0::kNw | cr0::kCd | cr0::kPg;
  if (value >> 32) return protection_fault(cpu);
  value = (value & kKept) | cr0::kEt;
  const bool paging = value & cr0::kPg, was_paging = s.cr0 & cr0::kPg;
  if (paging && !(value & cr0::kPe)) return protection_fault(cpu);
  if ((value & cr0::kNw) && !(value & cr0::kCd)) return protection_fault(cpu);
  if (!paging && was_paging && (s.in_64bit_code() || (s.cr4 & cr4::kPcide))) return protection_fault(cpu);
  if (paging && !was_paging && (s.efer & efer::kLme)) {
    constexpr unsigned kTss16 = 1;
    const unsigned type = s.tr.segment.access >> access::kTypeShift & 13;
    if (!(s.cr4 & cr4::kPae) || (s.segments[kCs].access & access::kLong) || type == kTss16)
      return protection_fault(cpu);
  }
  X86State tried = s;
  tried.cr0 = value;
  const uint64_t changed = value ^ s.cr0;
  if (pae_paging(tried) && (changed & (cr0::kPg | cr0::kCd | cr0::kNw)) &&
      !load_pdptes(s, cpu.model(), cpu.system(), s.cr3))
    return protection_fault(cpu);
  s.cr0 = value;
  if (changed & cr0::kPg) {
    if (paging && (s.efer & efer::kLme))
      s.efer |= efer::kLma;
    else
      s.efer &= ~efer::kLma;
  }
  if (changed & cr0::kPe) s.cpl = 0;
  if (changed & (cr0::kPg | cr0::kPe)) cpu.system().tlb_flush_all();
  cpu.changed();
  return true;
}

bool write_cr3(X86Cpu& cpu, uint64_t value) {
  X86State& s = cpu.x86();
  constexpr uint64_t kNoFlush = bit(63);
  bool flush = true;
  if (s.long_mode()) {
    const bool pcid = s.cr4 & cr4::kPcide;
    if (pcid && (value & kNoFlush)) {
      value &= ~kNoFlush;
      flush = false;
    }
    if (value >> cpu.model().physical_bits) return protection_fault(cpu);
  } else {
    value &= 0xffffffff;
    if (pae_paging(s) && !load_pdptes(s, cpu.model(), cpu.system(), value)) return protection_fault(cpu);
  }
  s.cr3 = value;
  if (flush) cpu.system().tlb_flush_id(current_pcid(s));
  cpu.changed();
  return true;
}

uint64_t cr4_allowed(const CpuModel& m) {
  const struct {
    Feature feature;
    uint64_t bits;
  } kBits[] = {{Feature::kVme, cr4::kVme | cr4::kPvi},
               {Feature::kTsc, cr4::kTsd},
               {Feature::kDe, cr4::kDe},
               {Feature::kPse, cr4::kPse},
               {Feature::kPae, cr4::kPae},
               {Feature::kMce, cr4::kMce},
               {Feature::kPge, cr4::kPge},
               {Feature::kMmx, cr4::kPce},
               {Feature::kFxsr, cr4::kOsfxsr},
               {Feature::kSse, cr4::kOsxmmexcpt},
               {Feature::kUmip, cr4::kUmip},
               {Feature::kLa57, cr4::kLa57},
               {Feature::kFsgsbase, cr4::kFsgsbase},
               {Feature::kPcid, cr4::kPcide},
               {Feature::kXsave, cr4::kOsxsave},
               {Feature::kSmep, cr4::kSmep},
               {Feature::kSmap, cr4::kSmap},
               {Feature::kPku, cr4::kPke}};
  uint64_t allowed = 0;
  for (const auto& b : kBits)
    if (m.has(b.feature)) allowed |= b.bits;
  return allowed;
}

bool write_cr4(X86Cpu& cpu, uint64_t value) {
  X86State& s = cpu.x86();
  if (value & ~cr4_allowed(cpu.model())) return protection_fault(cpu);
  const uint64_t changed = value ^ s.cr4;
  if (s.long_mode() && (!(value & cr4::kPae) || (changed & cr4::kLa57))) return protection_fault(cpu);
  if ((changed & cr4::kPcide) && (value & cr4::kPcide) && (!s.long_mode() || (s.cr3 & 0xfff)))
    return protection_fault(cpu);
  X86State tried = s;
  tried.cr4 = value;
  if (pae_paging(tried) && (changed & (cr4::kPae | cr4::kPge | cr4::kPse | cr4::kSmep)) &&
      !load_pdptes(s, cpu.model(), cpu.system(), s.cr3))
    return protection_fault(cpu);
  s.cr4 = value;
  // Other bits are in the key of each context.
  if (changed & (cr4::kPge | cr4::kPse | cr4::kPae | cr4::kPcide | cr4::kSmep | cr4::kLa57))
    cpu.system().tlb_flush_all();
  cpu.changed();
  return true;
}

}  // namespace

uint64_t read_control(X86Cpu& cpu, unsigned n) {
  const X86State& s = cpu.x86();
  switch (n) {
    case 0:
      return s.cr0;
    case 2:
      return s.cr2;
    case 3:
      return s.cr3;
    case 4:
      return s.cr4;
    default:
      return cpu.system().cr8();
  }
}

bool write_control(X86Cpu& cpu, unsigned n, uint64_t value) {
  switch (n) {
    case 0:
      return write_cr0(cpu, value);
    case 2:
      cpu.x86().cr2 = value;
      return true;
    case 3:
      return write_cr3(cpu, value);
    case 4:
      return write_cr4(cpu, value);
    default:
      if (value > 15) return protection_fault(cpu);
      cpu.system().set_cr8(value);
      cpu.interrupt_changed();
      return true;
  }
}

bool write_efer(X86Cpu& cpu, uint64_t value) {
  X86State& s = cpu.x86();
  const CpuModel& m = cpu.model();
  uint64_t allowed = efer::kLma;
  if (m.has(Feature::kSyscall)) allowed |= efer::kSce;
  if (m.has(Feature::kLm)) allowed |= efer::kLme;
  if (m.has(Feature::kNx)) allowed |= efer::kNxe;
  if (value & ~allowed) return protection_fault(cpu);
  value = (value & ~efer::kLma) | (s.efer & efer::kLma);
  if (((value ^ s.efer) & efer::kLme) && (s.cr0 & cr0::kPg)) return protection_fault(cpu);
  s.efer = value;
  cpu.changed();
  return true;
}

bool write_xcr0(X86Cpu& cpu, uint64_t value) {
  const bool sse = value & xsave::kSse, avx = value & xsave::kAvx;
  if (!(value & xsave::kX87) || (avx && !sse) || (value & ~xsave::supported(cpu.model())))
    return protection_fault(cpu);
  cpu.x86().xcr0 = value;
  cpu.changed();
  return true;
}

// --- debug registers

namespace {
// DR4 and DR5 are names of DR6 and DR7 unless CR4.DE. False: #UD or #DB.
bool debug_accessible(X86Cpu& cpu, unsigned& n) {
  X86State& s = cpu.x86();
  if (n == 4 || n == 5) {
    if (s.cr4 & cr4::kDe) return cpu.raise(vector::kInvalidOpcode);
    n += 2;
  }
  if (!(s.dr[7] & dr7::kGeneralDetect)) return true;
  return cpu.raise(Exception{.vector = vector::kDebug, .debug = dr6::kAccess});
}
}  // namespace

bool read_debug(X86Cpu& cpu, unsigned n, uint64_t& value) {
  if (!debug_accessible(cpu, n)) return false;
  value = cpu.x86().dr[n];
  return true;
}

bool write_debug(X86Cpu& cpu, unsigned n, uint64_t value) {
  X86State& s = cpu.x86();
  if (!debug_accessible(cpu, n)) return false;
  if (n >= 6 && value >> 32) return protection_fault(cpu);
  if (n == 6)
    value = (value & (dr6::kBreakpoints | dr6::kAccess | dr6::kStep | dr6::kTask)) | dr6::kFixed;
  else if (n == 7)
    value = (value & 0xffff23ff) | dr7::kFixed;
  s.dr[n] = value;
  cpu.changed();
  return true;
}

// --- helpers

bool helper_read_control(X86Cpu& cpu, const uint64_t args[4], uint64_t& result) {
  result = read_control(cpu, static_cast<unsigned>(args[0]));
  return true;
}

bool helper_write_control(X86Cpu& cpu, const uint64_t args[4], uint64_t&) {
  return write_control(cpu, static_cast<unsigned>(args[0]), args[1]) && cpu.go_on_behind(args[3]);
}

bool helper_read_debug(X86Cpu& cpu, const uint64_t args[4], uint64_t& result) {
  return read_debug(cpu, static_cast<unsigned>(args[0]), result);
}

bool helper_write_debug(X86Cpu& cpu, const uint64_t args[4], uint64_t&) {
  return write_debug(cpu, static_cast<unsigned>(args[0]), args[1]);
}

// LMSW sets PE and never clears it.
bool helper_lmsw(X86Cpu& cpu, const uint64_t args[4], uint64_t&) {
  constexpr uint64_t kWord = cr0::kMp | cr0::kEm | cr0::kTs;
  const uint64_t old = cpu.x86().cr0;
  return write_control(cpu, 0, (old & ~kWord) | (args[0] & (kWord | cr0::kPe)));
}

bool helper_set_xcr(X86Cpu& cpu, const uint64_t args[4], uint64_t&) {
  if (args[0] != 0) return protection_fault(cpu);
  return write_xcr0(cpu, args[1]);
}

bool helper_invalidate_page(X86Cpu& cpu, const uint64_t args[4], uint64_t&) {
  if (is_canonical(cpu.x86(), args[0])) cpu.system().tlb_flush_page(args[0]);
  return cpu.go_on_behind(args[3]);
}

// SDM vol. 2, INVPCID: descriptor of 16 bytes.
bool helper_invalidate_pcid(X86Cpu& cpu, const uint64_t args[4], uint64_t&) {
  struct {
    uint64_t pcid, address;
  } descriptor;
  enum : uint64_t { kAddress, kOne, kAll, kAllButGlobal };
  X86State& s = cpu.x86();
  if (args[0] > kAllButGlobal) return protection_fault(cpu);
  if (!cpu.read(args[1], &descriptor, sizeof descriptor, cpu.permission_class())) return false;
  if (descriptor.pcid >> 12) return protection_fault(cpu);
  if (args[0] <= kOne && descriptor.pcid && !(s.cr4 & cr4::kPcide)) return protection_fault(cpu);
  const auto id = static_cast<uint32_t>(descriptor.pcid);
  switch (args[0]) {
    case kAddress:
      if (!is_canonical(s, descriptor.address)) return protection_fault(cpu);
      cpu.system().tlb_flush_page_of(descriptor.address, id);
      break;
    case kOne:
      cpu.system().tlb_flush_id(id);
      break;
    default:  // global translations may go, too
      cpu.system().tlb_flush_all();
      break;
  }
  return cpu.go_on_behind(args[3]);
}

}  // namespace mynah::x86
