// SPDX-License-Identifier: Apache-2.0
//
// FXSAVE, XSAVE and their relatives, each one helper: (linear address, mask, form). An area is read and
// written as one access, so that a fault leaves everything as it was.
#include "frontend/x86/xsave.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "frontend/x86/helpers_functions.h"
#include "frontend/x86/lift_system.h"
#include "frontend/x86/vectors.h"
#include "frontend/x86/x87.h"
#include "ir/f80.h"

namespace mynah::x86 {

namespace xsave {

uint64_t supported(const CpuModel& model) {
  uint64_t all = kX87 | kSse;
  if (model.has(Feature::kAvx)) all |= kAvx;
  if (model.has(Feature::kPku)) all |= kPkru;
  return all;
}

unsigned standard_size(uint64_t components) {
  if (components & kPkru) return kPkruPlace.offset + kPkruPlace.bytes;
  if (components & kAvx) return kAvxPlace.offset + kAvxPlace.bytes;
  return kLegacyBytes + kHeaderBytes;
}

unsigned compact_size(uint64_t components) {
  return kLegacyBytes + kHeaderBytes + (components & kAvx ? kAvxPlace.bytes : 0) +
         (components & kPkru ? kPkruPlace.bytes : 0);
}

uint64_t in_use(X86Cpu& cpu) {
  ir::store_f80(cpu.runtime());
  const X86State& s = cpu.x86();
  const auto zero = [](const Vec& v) { return (v.lo | v.hi) == 0; };
  uint64_t used = 0;
  if (s.fcw != 0x37f || s.fsw || s.ftw || s.fpu_top || s.fpu_stack_fault || s.fop || s.fip || s.fdp ||
      !std::ranges::all_of(s.fpr, [](const F80& r) { return r.significand == 0 && r.sign_exponent == 0; }))
    used |= kX87;
  if (!std::ranges::all_of(s.xmm, zero)) used |= kSse;
  if (!std::ranges::all_of(s.ymm_high, zero)) used |= kAvx;
  if (s.pkru) used |= kPkru;
  return used;
}

}  // namespace xsave

namespace {

using namespace xsave;

constexpr uint32_t kUsualMxcsr = 0x1f80, kMxcsrMask = 0xffff;
constexpr uint64_t kCompact = uint64_t{1} << 63;
constexpr unsigned kMxcsrAt = 24, kFprAt = 32, kXmmAt = 160, kHeaderAt = 512;

template <typename T>
void put(uint8_t* area, unsigned at, T value) {
  std::memcpy(area + at, &value, sizeof value);
}
template <typename T>
T take(const uint8_t* area, unsigned at) {
  T value;
  std::memcpy(&value, area + at, sizeof value);
  return value;
}

bool misaligned(X86Cpu& cpu, uint64_t linear, unsigned to) {
  if (linear % to == 0) return false;
  cpu.raise(vector::kGeneralProtection, 0);
  return true;
}

unsigned vectors(const X86State& s) { return s.in_64bit_code() ? 16 : 8; }

void save_x87(X86Cpu& cpu, uint8_t* area, bool wide) {
  const X87Image x = x87_image(cpu);
  put(area, 0, x.control);
  put(area, 2, x.status);
  put(area, 4, x.tags);
  put(area, 5, uint8_t{0});
  put(area, 6, x.opcode);
  if (wide) {
    put(area, 8, x.ip);
    put(area, 16, x.dp);
  } else {
    put(area, 8, static_cast<uint32_t>(x.ip));
    put(area, 12, uint32_t{x.cs});
    put(area, 16, static_cast<uint32_t>(x.dp));
    put(area, 20, uint32_t{x.ds});
  }
  for (unsigned i = 0; i < 8; ++i) {
    put(area, kFprAt + 16 * i, x.stack[i].significand);
    put(area, kFprAt + 16 * i + 8, uint64_t{x.stack[i].sign_exponent});
  }
}

void restore_x87(X86Cpu& cpu, const uint8_t* area, bool wide) {
  X87Image x;
  x.control = take<uint16_t>(area, 0);
  x.status = take<uint16_t>(area, 2);
  x.tags = take<uint8_t>(area, 4);
  x.opcode = take<uint16_t>(area, 6);
  if (wide) {
    x.ip = take<uint64_t>(area, 8);
    x.dp = take<uint64_t>(area, 16);
  } else {
    x.ip = take<uint32_t>(area, 8);
    x.cs = take<uint16_t>(area, 12);
    x.dp = take<uint32_t>(area, 16);
    x.ds = take<uint16_t>(area, 20);
  }
  for (unsigned i = 0; i < 8; ++i) {
    x.stack[i].significand = take<uint64_t>(area, kFprAt + 16 * i);
    x.stack[i].sign_exponent = take<uint16_t>(area, kFprAt + 16 * i + 8);
  }
  set_x87_image(cpu, x);
}

void initialize_x87(X86Cpu& cpu) {
  cpu.x86().fpr = {};
  reset_x87(cpu);
}

void save_xmm(const X86State& s, uint8_t* area) { std::memcpy(area + kXmmAt, s.xmm.data(), 16 * vectors(s)); }
void restore_xmm(X86State& s, const uint8_t* area) {
  std::memcpy(s.xmm.data(), area + kXmmAt, 16 * vectors(s));
}

// Components of an XSAVE area that are not in its legacy region.
void save_component(const X86State& s, uint64_t component, uint8_t* to) {
  if (component == kAvx)
    std::memcpy(to, s.ymm_high.data(), 16 * vectors(s));
  else
    put(to, 0, uint64_t{s.pkru});
}
void restore_component(X86State& s, uint64_t component, const uint8_t* from) {
  if (component == kAvx)
    std::memcpy(s.ymm_high.data(), from, 16 * vectors(s));
  else
    s.pkru = take<uint32_t>(from, 0);
}
void reset_component(X86State& s, uint64_t component) {
  if (component == kAvx)
    std::fill_n(s.ymm_high.begin(), vectors(s), Vec{});
  else
    s.pkru = 0;
}

// Calls each(component, offset) for those behind the header, as the form has them.
template <typename Each>
void for_each_extended(uint64_t format, bool compact, Each each) {
  unsigned at = kLegacyBytes + kHeaderBytes;
  for (const auto& [component, place] : {std::pair{kAvx, kAvxPlace}, std::pair{kPkru, kPkruPlace}}) {
    if (!compact) {
      each(component, place.offset);
    } else if (format & component) {
      each(component, at);
      at += place.bytes;
    }
  }
}

bool mxcsr_is_valid(uint32_t value) { return (value & ~kMxcsrMask) == 0; }

bool save_area(X86Cpu& cpu, uint64_t linear, uint64_t mask, uint32_t form) {
  const X86State& s = cpu.x86();
  if (misaligned(cpu, linear, 64)) return false;
  const bool compact = form & kFormCompact;
  const uint64_t wanted = mask & (s.xcr0 | (form & kFormSupervisor ? s.xss : 0));
  uint64_t used = in_use(cpu);
  const uint32_t mxcsr = cpu.mxcsr();
  if (compact && mxcsr != kUsualMxcsr) used |= kSse;
  // XSAVE saves what is asked for; others leave out what is as initially.
  const uint64_t saved = form & (kFormCompact | kFormOptimized) ? wanted & used : wanted;
  X86System::LinearFault fault;
  const X86Cpu::WholeAddresses whole(cpu);
  const unsigned size = compact ? compact_size(wanted) : standard_size(wanted);
  uint8_t* area = cpu.system().linear(linear, size, true, cpu.permission_class(), fault);
  if (!area) return cpu.raise(fault, true);
  if (saved & kX87) save_x87(cpu, area, form & kFormWide);
  if (compact ? saved & kSse : wanted & (kSse | kAvx)) {
    put(area, kMxcsrAt, mxcsr);
    put(area, kMxcsrAt + 4, kMxcsrMask);
  }
  if (saved & kSse) save_xmm(s, area);
  for_each_extended(wanted, compact, [&](uint64_t component, unsigned at) {
    if (saved & component) save_component(s, component, area + at);
  });
  if (compact) {
    put(area, kHeaderAt, saved);
    put(area, kHeaderAt + 8, kCompact | wanted);
  } else {
    const uint64_t old = take<uint64_t>(area, kHeaderAt);
    put(area, kHeaderAt, (old & ~wanted) | (wanted & used));
  }
  if (cpu.system().commit(area, fault.fault)) return true;
  return cpu.raise(fault, true);
}

bool restore_area(X86Cpu& cpu, uint64_t linear, uint64_t mask, uint32_t form) {
  X86State& s = cpu.x86();
  if (misaligned(cpu, linear, 64)) return false;
  const uint64_t enabled = s.xcr0 | (form & kFormSupervisor ? s.xss : 0);
  const uint64_t wanted = mask & enabled;
  const auto wrong = [&] { return cpu.raise(vector::kGeneralProtection, 0); };
  std::array<uint8_t, kMostBytes> area;
  const uint32_t permission_class = cpu.permission_class();
  if (!cpu.read(linear, area.data(), kLegacyBytes + kHeaderBytes, permission_class)) return false;
  const auto there = take<uint64_t>(area.data(), kHeaderAt),
             format = take<uint64_t>(area.data(), kHeaderAt + 8);
  const bool compact = format & kCompact;
  const auto zero = [&](unsigned from) {
    return std::all_of(area.begin() + kHeaderAt + from, area.begin() + kHeaderAt + kHeaderBytes,
                       [](uint8_t b) { return b == 0; });
  };
  if (compact) {
    if (!cpu.model().has(Feature::kXsavec) || (format & ~(kCompact | enabled)) || (there & ~format) ||
        !zero(16))
      return wrong();
  } else if ((form & kFormSupervisor) || (there & ~s.xcr0) || format || !zero(16)) {
    return wrong();
  }
  const unsigned size = compact ? compact_size(format & ~kCompact) : standard_size(wanted & there);
  if (size > kLegacyBytes + kHeaderBytes && !cpu.read(linear, area.data(), size, permission_class))
    return false;
  const uint64_t loaded = wanted & there, initial = wanted & ~there;
  // In the standard form MXCSR comes with either of SSE and AVX, whatever the header says.
  const bool mxcsr_loaded = compact ? loaded & kSse : wanted & (kSse | kAvx);
  const auto mxcsr = take<uint32_t>(area.data(), kMxcsrAt);
  if (mxcsr_loaded && !mxcsr_is_valid(mxcsr)) return wrong();
  if (loaded & kX87) restore_x87(cpu, area.data(), form & kFormWide);
  if (initial & kX87) initialize_x87(cpu);
  if (loaded & kSse) restore_xmm(s, area.data());
  if (initial & kSse) std::fill_n(s.xmm.begin(), vectors(s), Vec{});
  if (mxcsr_loaded)
    cpu.set_mxcsr(mxcsr);
  else if (compact && (initial & kSse))
    cpu.set_mxcsr(kUsualMxcsr);
  for_each_extended(format, compact, [&](uint64_t component, unsigned at) {
    if (loaded & component) restore_component(s, component, area.data() + at);
  });
  for (const uint64_t component : {kAvx, kPkru})
    if (initial & component) reset_component(s, component);
  cpu.changed();
  return true;
}

}  // namespace

bool helper_fxsave(X86Cpu& cpu, const uint64_t args[4], uint64_t&) {
  const X86State& s = cpu.x86();
  if (misaligned(cpu, args[0], 16)) return false;
  X86System::LinearFault fault;
  const X86Cpu::WholeAddresses whole(cpu);
  uint8_t* area = cpu.system().linear(args[0], kLegacyBytes, true, cpu.permission_class(), fault);
  if (!area) return cpu.raise(fault, true);
  save_x87(cpu, area, args[2] & kFormWide);
  put(area, kMxcsrAt, cpu.mxcsr());
  put(area, kMxcsrAt + 4, kMxcsrMask);
  save_xmm(s, area);
  if (cpu.system().commit(area, fault.fault)) return true;
  return cpu.raise(fault, true);
}

bool helper_fxrstor(X86Cpu& cpu, const uint64_t args[4], uint64_t&) {
  if (misaligned(cpu, args[0], 16)) return false;
  std::array<uint8_t, kLegacyBytes> area;
  if (!cpu.read(args[0], area.data(), kLegacyBytes, cpu.permission_class())) return false;
  const auto mxcsr = take<uint32_t>(area.data(), kMxcsrAt);
  if (!mxcsr_is_valid(mxcsr)) return cpu.raise(vector::kGeneralProtection, 0);
  restore_x87(cpu, area.data(), args[2] & kFormWide);
  restore_xmm(cpu.x86(), area.data());
  cpu.set_mxcsr(mxcsr);
  cpu.changed();
  return cpu.go_on_behind(args[3]);
}

bool helper_xsave(X86Cpu& cpu, const uint64_t args[4], uint64_t&) {
  return save_area(cpu, args[0], args[1], static_cast<uint32_t>(args[2]));
}

bool helper_xrstor(X86Cpu& cpu, const uint64_t args[4], uint64_t&) {
  return restore_area(cpu, args[0], args[1], static_cast<uint32_t>(args[2])) && cpu.go_on_behind(args[3]);
}

bool helper_get_xcr(X86Cpu& cpu, const uint64_t args[4], uint64_t& result) {
  const X86State& s = cpu.x86();
  if (args[0] == 0) {
    result = s.xcr0;
    return true;
  }
  if (args[0] != 1 || !cpu.model().has(Feature::kXgetbv1)) return cpu.raise(vector::kGeneralProtection, 0);
  result = s.xcr0 & (in_use(cpu) | (cpu.mxcsr() != kUsualMxcsr ? kSse : 0));
  return true;
}

}  // namespace mynah::x86
