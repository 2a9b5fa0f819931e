// SPDX-License-Identifier: Apache-2.0
//
// Feature bits come from features.def; here are the leaves around them.
#include "frontend/x86/cpuid.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "frontend/x86/helpers_functions.h"
#include "frontend/x86/vectors.h"
#include "frontend/x86/xsave.h"

namespace mynah::x86 {

namespace {

constexpr uint32_t kHypervisorLeaf = 0x40000000, kExtendedLeaf = 0x80000000;

uint32_t word(std::string_view text, size_t at) {
  char bytes[4] = {};
  for (size_t i = 0; i < 4 && at + i < text.size(); ++i) bytes[i] = text[at + i];
  uint32_t value;
  std::memcpy(&value, bytes, 4);
  return value;
}

void add_features(const CpuModel& m, uint32_t leaf, uint32_t subleaf, CpuidLeaf& to) {
  uint32_t* const registers[] = {&to.eax, &to.ebx, &to.ecx, &to.edx};
  for (size_t i = 0; i < static_cast<size_t>(Feature::kCount); ++i) {
    const FeatureInfo& f = info(static_cast<Feature>(i));
    if (m.features.test(i) && f.leaf == leaf && f.subleaf == subleaf) *registers[f.reg] |= 1u << f.bit;
  }
}

uint32_t signature(const CpuModel& m) {
  const uint32_t family = std::min(m.family, 15u), more = m.family - family;
  return m.stepping | (m.model & 15) << 4 | family << 8 | (m.model >> 4) << 16 | more << 20;
}

unsigned shift_for(unsigned processors) { return static_cast<unsigned>(std::bit_width(processors - 1)); }

// Caches: type, level, bytes; of 64-byte lines.
struct Cache {
  uint32_t type, level, ways, sets;
  bool shared;
};
constexpr Cache kCaches[] = {
    {1, 1, 8, 64, false}, {2, 1, 8, 64, false}, {3, 2, 16, 1024, false}, {3, 3, 16, 16384, true}};

CpuidLeaf cache_leaf(X86Cpu& cpu, uint32_t n) {
  if (n >= std::size(kCaches)) return {};
  const Cache& c = kCaches[n];
  const uint32_t processors = std::bit_ceil(cpu.system().processors());
  const uint32_t sharing = (c.shared ? processors : 1) - 1;
  return {.eax = c.type | c.level << 5 | 1 << 8 | sharing << 14 | (processors - 1) << 26,
          .ebx = 63 | (c.ways - 1) << 22,
          .ecx = c.sets - 1,
          .edx = c.shared ? 4u : 0};
}

CpuidLeaf topology_leaf(X86Cpu& cpu, uint32_t n) {
  enum : uint32_t { kThreads = 1, kCores = 2 };
  const uint32_t id = cpu.system().apic_id();
  const unsigned processors = cpu.system().processors();
  if (n == 0) return {.eax = 0, .ebx = 1, .ecx = n | kThreads << 8, .edx = id};
  if (n == 1) return {.eax = shift_for(processors), .ebx = processors, .ecx = n | kCores << 8, .edx = id};
  return {.ecx = n, .edx = id};
}

CpuidLeaf xsave_leaf(X86Cpu& cpu, uint32_t n) {
  const X86State& s = cpu.x86();
  const CpuModel& m = cpu.model();
  if (!m.has(Feature::kXsave)) return {};
  const uint64_t all = xsave::supported(m);
  CpuidLeaf leaf;
  switch (n) {
    case 0:
      return {.eax = static_cast<uint32_t>(all),
              .ebx = xsave::standard_size(s.xcr0),
              .ecx = xsave::standard_size(all),
              .edx = static_cast<uint32_t>(all >> 32)};
    case 1:
      add_features(m, 0xd, 1, leaf);
      if (m.has(Feature::kXsavec)) leaf.ebx = xsave::compact_size(s.xcr0 | s.xss);
      return leaf;
    default:
      for (const xsave::Place& p : {xsave::kAvxPlace, xsave::kPkruPlace})
        if (p.number == n && (all >> n & 1)) return {.eax = p.bytes, .ebx = p.offset};
      return {};
  }
}

CpuidLeaf basic_leaf(X86Cpu& cpu, uint32_t leaf, uint32_t subleaf) {
  const X86State& s = cpu.x86();
  const CpuModel& m = cpu.model();
  CpuidLeaf to;
  switch (leaf) {
    case 0:
      return {m.max_leaf, word(m.vendor, 0), word(m.vendor, 8), word(m.vendor, 4)};
    case 1: {
      const unsigned processors = cpu.system().processors();
      add_features(m, 1, 0, to);
      to.eax = signature(m);
      to.ebx = cpu.system().apic_id() << 24;
      if (m.has(Feature::kClflush)) to.ebx |= 8 << 8;
      if (processors > 1) {
        to.ebx |= std::min(std::bit_ceil(processors), 255u) << 16;
        to.edx |= 1u << info(Feature::kHt).bit;
      }
      if (s.cr4 & cr4::kOsxsave) to.ecx |= 1 << 27;
      if (!cpu.system().apic_enabled()) to.edx &= ~(1u << info(Feature::kApic).bit);
      return to;
    }
    case 2:  // caches are told by leaf 4
      return {.eax = 0x00feff01, .edx = 0};
    case 4:
      return cache_leaf(cpu, subleaf);
    case 5:
      return {};  // MONITOR: lines of any size wake
    case 6:
      add_features(m, leaf, 0, to);
      return to;
    case 7:
      add_features(m, leaf, subleaf, to);
      if (subleaf) return to;
      if (m.has(Feature::kBhiCtrl)) to.eax = 2;  // the last subleaf
      if (s.cr4 & cr4::kPke) to.ecx |= 1 << 4;
      return to;
    case 0xb:
      return topology_leaf(cpu, subleaf);
    case 0xd:
      return xsave_leaf(cpu, subleaf);
    case 0x15: {  // the TSC counts the crystal's ticks, as the APIC's timer does
      const uint64_t hz = cpu.system().tsc_hz();
      return {.eax = 1, .ebx = 1, .ecx = static_cast<uint32_t>(hz)};
    }
    case 0x16: {
      const auto mhz = static_cast<uint32_t>(cpu.system().tsc_hz() / 1'000'000);
      return {.eax = mhz, .ebx = mhz, .ecx = 100};
    }
    default:
      return {};
  }
}

CpuidLeaf extended_leaf(X86Cpu& cpu, uint32_t leaf) {
  const CpuModel& m = cpu.model();
  const bool amd = m.vendor == "AuthenticAMD";
  CpuidLeaf to;
  switch (leaf) {
    case kExtendedLeaf:
      to.eax = m.max_extended_leaf;
      if (amd) to = {m.max_extended_leaf, word(m.vendor, 0), word(m.vendor, 8), word(m.vendor, 4)};
      return to;
    case 0x80000001:
      add_features(m, leaf, 0, to);
      if (amd) {  // these are told twice
        CpuidLeaf basic;
        add_features(m, 1, 0, basic);
        to.edx |= basic.edx & 0x0183f3ff;
        to.eax = signature(m);
        if (!cpu.system().apic_enabled()) to.edx &= ~(1u << info(Feature::kApic).bit);
      }
      // SYSCALL is there in 64-bit code alone, with this vendor.
      if (!amd && !cpu.x86().in_64bit_code()) to.edx &= ~(1u << info(Feature::kSyscall).bit);
      return to;
    case 0x80000002:
    case 0x80000003:
    case 0x80000004: {
      const size_t at = (leaf - 0x80000002) * 16;
      return {word(m.brand, at), word(m.brand, at + 4), word(m.brand, at + 8), word(m.brand, at + 12)};
    }
    case 0x80000005:
      if (!amd) return {};
      return {0x01ff01ff, 0x01ff01ff, 0x40020140, 0x40020140};
    case 0x80000006:
      return {.ecx = 0x04006040};  // 1 MiB of level 2
    case 0x80000007:
      add_features(m, leaf, 0, to);
      return to;
    case 0x80000008:
      to.eax = m.physical_bits | m.linear_bits << 8;
      if (!m.has(Feature::kLm)) to.eax = m.physical_bits | 32 << 8;
      if (amd) to.ecx = cpu.system().processors() - 1;
      return to;
    default:
      return {};
  }
}

}  // namespace

CpuidLeaf cpuid(X86Cpu& cpu, uint32_t leaf, uint32_t subleaf) {
  const CpuModel& m = cpu.model();
  if (leaf >= kExtendedLeaf && leaf <= m.max_extended_leaf) return extended_leaf(cpu, leaf);
  if (leaf >> 28 == 4 && m.has(Feature::kHypervisor)) {
    if (leaf != kHypervisorLeaf) return {};
    constexpr std::string_view kName = "MynahMynah";
    return {kHypervisorLeaf, word(kName, 0), word(kName, 4), word(kName, 8)};
  }
  if (leaf <= m.max_leaf) return basic_leaf(cpu, leaf, subleaf);
  // What is beyond is answered as the last basic leaf is; AMD's answer with nothing.
  if (m.vendor == "AuthenticAMD") return {};
  return basic_leaf(cpu, m.max_leaf, subleaf);
}

bool helper_cpuid(X86Cpu& cpu, const uint64_t[4], uint64_t&) {
  X86State& s = cpu.x86();
  if (s.misc_features && s.cpl != 0) return cpu.raise(vector::kGeneralProtection, 0);
  const CpuidLeaf leaf = cpuid(cpu, static_cast<uint32_t>(s.r(kRax)), static_cast<uint32_t>(s.r(kRcx)));
  s.r(kRax) = leaf.eax;
  s.r(kRbx) = leaf.ebx;
  s.r(kRcx) = leaf.ecx;
  s.r(kRdx) = leaf.edx;
  return true;
}

}  // namespace mynah::x86
