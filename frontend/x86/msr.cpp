// SPDX-License-Identifier: Apache-2.0
//
// A register is a place in the state with bits that may be written, a constant, or a case of its own.
#include "frontend/x86/msr.h"

#include "frontend/x86/control.h"
#include "frontend/x86/helpers_functions.h"
#include "frontend/x86/segments.h"
#include "frontend/x86/vectors.h"

namespace mynah::x86 {

namespace {

enum Msr : uint32_t {
  kP5McAddr = 0x0,
  kP5McType = 0x1,
  kTsc = 0x10,
  kPlatformId = 0x17,
  kApicBase = 0x1b,
  kEblCrPoweron = 0x2a,
  kSmiCount = 0x34,
  kFeatureControl = 0x3a,
  kTscAdjust = 0x3b,
  kSpecCtrl = 0x48,
  kPredCmd = 0x49,
  kBiosUpdateTrigger = 0x79,
  kBiosSignId = 0x8b,
  kPlatformInfo = 0xce,
  kMtrrCap = 0xfe,
  kArchCapabilities = 0x10a,
  kBblCrCtl = 0x119,
  kBblCrCtl3 = 0x11e,
  kMiscFeatures = 0x140,
  kSysenterCs = 0x174,
  kSysenterEsp = 0x175,
  kSysenterEip = 0x176,
  kMcgCap = 0x179,
  kMcgStatus = 0x17a,
  kMcgCtl = 0x17b,
  kPerfStatus = 0x198,
  kPerfCtl = 0x199,
  kClockModulation = 0x19a,
  kThermInterrupt = 0x19b,
  kThermStatus = 0x19c,
  kMiscEnable = 0x1a0,
  kTemperatureTarget = 0x1a2,
  kTurboRatioLimit = 0x1ad,
  kEnergyPerfBias = 0x1b0,
  kDebugctl = 0x1d9,
  kLastBranchFrom = 0x1db,
  kLastExceptionTo = 0x1de,
  kMtrrVariable = 0x200,
  kMtrrVariableEnd = 0x210,
  kMtrrFix64k = 0x250,
  kMtrrFix16k = 0x258,
  kMtrrFix4k = 0x268,
  kPat = 0x277,
  kMtrrDefType = 0x2ff,
  kMc0Ctl = 0x400,
  kTscDeadline = 0x6e0,
  kX2apic = 0x800,
  kX2apicEnd = 0x900,
  kXss = 0xda0,
  kEfer = 0xc0000080,
  kStar,
  kLstar,
  kCstar,
  kSfmask,
  kFsBase = 0xc0000100,
  kGsBase,
  kKernelGsBase,
  kTscAux,
  kSyscfg = 0xc0010010,
  kHwcr = 0xc0010015,
  kNbCfg = 0xc001001f,
  kOsvwLength = 0xc0010140,
  kOsvwStatus = 0xc0010141,
  kVmCr = 0xc0010114,
  kDeCfg = 0xc0011029,
};

constexpr uint64_t bit(unsigned n) { return uint64_t{1} << n; }
constexpr unsigned kBanks = 10;
constexpr uint64_t kMcgCtlPresent = bit(8);
constexpr unsigned kVariableRanges = 8;
constexpr uint64_t kUpdateRevision = uint64_t{1} << 32;
// IA32_ARCH_CAPABILITIES. Nothing is executed ahead of time, and no buffer or predictor is shared with whom
// it should be hidden from.
constexpr uint64_t kCapabilities = bit(0) |   // RDCL_NO
                                   bit(1) |   // IBRS_ALL
                                   bit(3) |   // SKIP_L1DFL_VMENTRY
                                   bit(4) |   // SSB_NO
                                   bit(5) |   // MDS_NO
                                   bit(6) |   // IF_PSCHANGE_MC_NO
                                   bit(8) |   // TAA_NO
                                   bit(13) |  // SBDR_SSDP_NO
                                   bit(14) |  // FBSDP_NO
                                   bit(15) |  // PSDP_NO
                                   bit(20) |  // BHI_NO
                                   bit(24) |  // PBRSB_NO
                                   bit(26) |  // GDS_NO
                                   bit(27) |  // RFDS_NO
                                   bit(62);   // ITS_NO

bool is_amd(const CpuModel& m) { return m.vendor == "AuthenticAMD"; }

// CPUID that faults has no CPUID bit: MSR_PLATFORM_INFO says so, on Intel's processors since those that have
// FSGSBASE.
constexpr uint64_t kCpuidFaults = 1;
constexpr uint64_t kPlatformCpuidFaults = bit(31);
bool cpuid_may_fault(const CpuModel& m) { return !is_amd(m) && m.has(Feature::kFsgsbase); }

// Registers that are words of the state, with the bits that may be set; `address`: has to be canonical.
struct Plain {
  uint32_t msr;
  uint64_t X86State::*word;
  uint64_t writable;
  Feature feature;
  bool address = false;
};
constexpr uint64_t kAll = ~uint64_t{0};
constexpr Plain kPlain[] = {
    {kSysenterCs, &X86State::sysenter_cs, kAll, Feature::kSep},
    {kSysenterEsp, &X86State::sysenter_esp, kAll, Feature::kSep, true},
    {kSysenterEip, &X86State::sysenter_eip, kAll, Feature::kSep, true},
    {kSpecCtrl, &X86State::spec_ctrl, 7, Feature::kSpecCtrl},
    {kMcgStatus, &X86State::mcg_status, 7, Feature::kMca},
    {kMcgCtl, &X86State::mcg_ctl, kAll, Feature::kMca},
    {kStar, &X86State::star, kAll, Feature::kSyscall},
    {kLstar, &X86State::lstar, kAll, Feature::kLm, true},
    {kCstar, &X86State::cstar, kAll, Feature::kLm, true},
    {kSfmask, &X86State::sfmask, 0xffffffff, Feature::kSyscall},
    {kKernelGsBase, &X86State::kernel_gs_base, kAll, Feature::kLm, true},
    {kTscAux, &X86State::tsc_aux, 0xffffffff, Feature::kRdtscp},
    {kXss, &X86State::xss, 0, Feature::kXsaves},
    {kMtrrDefType, &X86State::mtrr_default, 0xcff, Feature::kMtrr},
};

uint64_t writable(const Plain& p, const CpuModel& m) {
  constexpr uint64_t kBhiDisS = bit(10);
  return p.msr == kSpecCtrl && m.has(Feature::kBhiCtrl) ? p.writable | kBhiDisS : p.writable;
}

// Registers without an effect: a constant is read; writes are taken and forgotten.
struct Inert {
  uint32_t msr;
  uint64_t value;
  bool writable;
};
constexpr Inert kInert[] = {
    {kP5McAddr, 0, false},         {kP5McType, 0, false},
    {kPlatformId, 0, false},       {kEblCrPoweron, 0, true},
    {kSmiCount, 0, false},         {kMtrrCap, 0x500 | kVariableRanges, false},
    {kBblCrCtl, 0, true},          {kBblCrCtl3, 0, true},
    {kPerfStatus, 10 << 8, false}, {kPerfCtl, 10 << 8, true},
    {kClockModulation, 0, true},   {kThermInterrupt, 0, true},
    {kThermStatus, 0, true},       {kTemperatureTarget, 100 << 16, false},
    {kTurboRatioLimit, 0, false},  {kEnergyPerfBias, 0, true},
    {kBiosUpdateTrigger, 0, true},
};
constexpr Inert kInertAmd[] = {
    {kSyscfg, 0, true},      {kHwcr, 0, true}, {kNbCfg, 0, true}, {kOsvwLength, 0, false},
    {kOsvwStatus, 0, false}, {kVmCr, 0, true}, {kDeCfg, 2, true},  // LFENCE waits
};

const Inert* find_inert(const CpuModel& m, uint32_t msr) {
  for (const Inert& i : kInert)
    if (i.msr == msr) return &i;
  if (is_amd(m))
    for (const Inert& i : kInertAmd)
      if (i.msr == msr) return &i;
  return nullptr;
}

uint64_t* fixed_range(X86State& s, uint32_t msr) {
  if (msr == kMtrrFix64k) return &s.mtrr_fixed[0];
  if (msr - kMtrrFix16k < 2) return &s.mtrr_fixed[1 + msr - kMtrrFix16k];
  if (msr - kMtrrFix4k < 8) return &s.mtrr_fixed[3 + msr - kMtrrFix4k];
  return nullptr;
}

bool memory_type_is_valid(uint8_t type, bool pat) {
  return type == 0 || type == 1 || (type >= 4 && type <= 6) || (pat && type == 7);
}
bool memory_types_are_valid(uint64_t value, bool pat) {
  for (unsigned i = 0; i < 8; ++i)
    if (!memory_type_is_valid(static_cast<uint8_t>(value >> 8 * i), pat)) return false;
  return true;
}

bool missing(X86Cpu& cpu, uint32_t msr, bool write) {
  if (cpu.on_unknown_msr) cpu.on_unknown_msr(msr, write);
  return cpu.raise(vector::kGeneralProtection, 0);
}
bool refused(X86Cpu& cpu) { return cpu.raise(vector::kGeneralProtection, 0); }

bool of_apic(uint32_t msr) {
  return msr == kApicBase || msr == kTscDeadline || (msr >= kX2apic && msr < kX2apicEnd);
}
bool has_apic(const CpuModel& m, uint32_t msr) {
  return m.has(msr == kApicBase      ? Feature::kApic
               : msr == kTscDeadline ? Feature::kTscDeadline
                                     : Feature::kX2apic);
}

}  // namespace

uint64_t read_tsc(X86Cpu& cpu) { return cpu.system().tsc() + cpu.x86().tsc_offset; }

bool read_msr(X86Cpu& cpu, uint32_t msr, uint64_t& value) {
  X86State& s = cpu.x86();
  const CpuModel& m = cpu.model();
  for (const Plain& p : kPlain) {
    if (p.msr != msr) continue;
    if (!m.has(p.feature)) return missing(cpu, msr, false);
    value = s.*p.word;
    return true;
  }
  if (of_apic(msr) && has_apic(m, msr)) return cpu.system().read_apic_msr(msr, value) || refused(cpu);
  if (m.has(Feature::kMtrr) && msr >= kMtrrVariable && msr < kMtrrVariableEnd) {
    const unsigned n = (msr - kMtrrVariable) / 2;
    value = msr & 1 ? s.mtrr_mask[n] : s.mtrr_base[n];
    return true;
  }
  if (const uint64_t* range = fixed_range(s, msr); range && m.has(Feature::kMtrr)) {
    value = *range;
    return true;
  }
  if (m.has(Feature::kMca) && msr - kMc0Ctl < 4 * kBanks) {
    value = s.mc_banks[(msr - kMc0Ctl) / 4][(msr - kMc0Ctl) % 4];
    return true;
  }
  switch (msr) {
    case kTsc:
      value = read_tsc(cpu);
      return true;
    case kTscAdjust:
      if (!m.has(Feature::kTscAdjust)) break;
      value = s.tsc_offset;
      return true;
    case kFeatureControl:
      if (is_amd(m)) break;
      value = 1;  // locked, with nothing on
      return true;
    case kBiosSignId:
      value = kUpdateRevision;
      return true;
    case kArchCapabilities:
      if (!m.has(Feature::kArchCapabilities)) break;
      value = kCapabilities;
      return true;
    case kMcgCap:
      if (!m.has(Feature::kMca)) break;
      value = kBanks | kMcgCtlPresent;
      return true;
    case kMiscEnable:
      if (is_amd(m)) break;
      value = s.misc_enable;
      return true;
    case kMiscFeatures:
      if (!cpuid_may_fault(m)) break;
      value = s.misc_features;
      return true;
    case kPlatformInfo:
      value = 10 << 8 | (cpuid_may_fault(m) ? kPlatformCpuidFaults : 0);
      return true;
    case kDebugctl:
      value = s.debugctl;
      return true;
    case kPat:
      if (!m.has(Feature::kPat)) break;
      value = s.pat;
      return true;
    case kEfer:
      if (!m.has(Feature::kSyscall) && !m.has(Feature::kNx)) break;
      value = s.efer;
      return true;
    case kFsBase:
    case kGsBase:
      if (!m.has(Feature::kLm)) break;
      value = s.base(msr == kFsBase ? kFs : kGs);
      return true;
    default:
      break;
  }
  if (msr >= kLastBranchFrom && msr <= kLastExceptionTo) {
    value = 0;
    return true;
  }
  if (const Inert* inert = find_inert(m, msr)) {
    value = inert->value;
    return true;
  }
  return missing(cpu, msr, false);
}

bool write_msr(X86Cpu& cpu, uint32_t msr, uint64_t value) {
  X86State& s = cpu.x86();
  const CpuModel& m = cpu.model();
  for (const Plain& p : kPlain) {
    if (p.msr != msr) continue;
    if (!m.has(p.feature)) return missing(cpu, msr, true);
    if (value & ~writable(p, m)) return refused(cpu);
    if (p.address && m.has(Feature::kLm) && !is_canonical(s, value)) return refused(cpu);
    s.*p.word = value;
    return true;
  }
  if (of_apic(msr) && has_apic(m, msr)) {
    if (!cpu.system().write_apic_msr(msr, value)) return refused(cpu);
    cpu.interrupt_changed();
    return true;
  }
  if (m.has(Feature::kMtrr) && msr >= kMtrrVariable && msr < kMtrrVariableEnd) {
    const unsigned n = (msr - kMtrrVariable) / 2;
    if (value >> m.physical_bits) return refused(cpu);
    if (!(msr & 1) && !memory_type_is_valid(static_cast<uint8_t>(value), false)) return refused(cpu);
    (msr & 1 ? s.mtrr_mask : s.mtrr_base)[n] = value & ~(msr & 1 ? uint64_t{0x7ff} : uint64_t{0xf00});
    return true;
  }
  if (uint64_t* range = fixed_range(s, msr); range && m.has(Feature::kMtrr)) {
    if (!memory_types_are_valid(value, false)) return refused(cpu);
    *range = value;
    return true;
  }
  if (m.has(Feature::kMca) && msr - kMc0Ctl < 4 * kBanks) {
    s.mc_banks[(msr - kMc0Ctl) / 4][(msr - kMc0Ctl) % 4] = value;
    return true;
  }
  switch (msr) {
    case kTsc:
      s.tsc_offset = value - cpu.system().tsc();
      cpu.system().tsc_offset_changed(s.tsc_offset);
      return true;
    case kTscAdjust:
      if (!m.has(Feature::kTscAdjust)) break;
      s.tsc_offset = value;
      cpu.system().tsc_offset_changed(s.tsc_offset);
      return true;
    case kPredCmd:
      if (!m.has(Feature::kSpecCtrl)) break;
      return (value & ~uint64_t{1}) == 0 || refused(cpu);
    case kBiosSignId:
      return true;
    case kMiscEnable: {
      if (is_amd(m)) break;
      constexpr uint64_t kKept = bit(0) | bit(3) | bit(16) | bit(18) | bit(22) | bit(34);
      s.misc_enable = value & kKept;
      return true;
    }
    case kMiscFeatures:
      if (!cpuid_may_fault(m)) break;
      if (value & ~kCpuidFaults) return refused(cpu);
      s.misc_features = value;
      return true;
    case kDebugctl:
      s.debugctl = value & 0x7fc3;
      return true;
    case kPat:
      if (!m.has(Feature::kPat)) break;
      if (!memory_types_are_valid(value, true)) return refused(cpu);
      s.pat = value;
      return true;
    case kEfer:
      if (!m.has(Feature::kSyscall) && !m.has(Feature::kNx)) break;
      return write_efer(cpu, value);
    case kFsBase:
    case kGsBase:
      if (!m.has(Feature::kLm)) break;
      if (!is_canonical(s, value)) return refused(cpu);
      s.base(msr == kFsBase ? kFs : kGs) = value;
      return true;
    default:
      break;
  }
  if (const Inert* inert = find_inert(m, msr); inert && inert->writable) return true;
  return missing(cpu, msr, true);
}

// --- helpers

bool helper_read_msr(X86Cpu& cpu, const uint64_t args[4], uint64_t& result) {
  return read_msr(cpu, static_cast<uint32_t>(args[0]), result);
}

bool helper_write_msr(X86Cpu& cpu, const uint64_t args[4], uint64_t&) {
  return write_msr(cpu, static_cast<uint32_t>(args[0]), args[1]) && cpu.go_on_behind(args[3]);
}

bool helper_read_tsc(X86Cpu& cpu, const uint64_t*, uint64_t& result) {
  result = read_tsc(cpu);
  return true;
}

// Without a source of random numbers there is none, which software has to expect.
bool helper_random(X86Cpu& cpu, const uint64_t*, uint64_t& result) {
  X86State& s = cpu.x86();
  const auto value = cpu.system().random();
  result = value.value_or(0);
  s.flags_packed() = packed_of(value ? eflags::kCf : 0);
  return true;
}

}  // namespace mynah::x86
