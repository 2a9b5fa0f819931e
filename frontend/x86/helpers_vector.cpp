// SPDX-License-Identifier: Apache-2.0
//
// Vectors whose lanes lie apart in memory, or of which some are left out (SDM vol. 2, VPGATHERDD, VMASKMOV):
// lane by lane, from the lowest. Lanes that the mask leaves out are not accessed and raise nothing.
#include <cstring>

#include "frontend/x86/cpu.h"
#include "frontend/x86/helpers_functions.h"
#include "frontend/x86/segments.h"
#include "frontend/x86/vector_helpers.h"
#include "frontend/x86/vectors.h"

namespace mynah::x86 {

namespace {

// A register's bytes, and back.
struct Bytes {
  uint8_t b[32];
  Bytes(const X86State& s, unsigned n) {
    std::memcpy(b, &s.xmm[n], 16);
    std::memcpy(b + 16, &s.ymm_high[n], 16);
  }
  void put(X86State& s, unsigned n) const {
    std::memcpy(&s.xmm[n], b, 16);
    std::memcpy(&s.ymm_high[n], b + 16, 16);
  }
  uint64_t get(unsigned i, unsigned log2) const {
    uint64_t v = 0;
    std::memcpy(&v, b + (size_t{i} << log2), size_t{1} << log2);
    return v;
  }
  bool top(unsigned i, unsigned log2) const { return b[((size_t{i} + 1) << log2) - 1] & 0x80; }
  void set(unsigned i, unsigned log2, uint64_t v) {
    std::memcpy(b + (size_t{i} << log2), &v, size_t{1} << log2);
  }
};

// Linear address of a lane at `ea`. False: raised.
bool address_of(X86Cpu& cpu, const LaneAccess& a, uint64_t ea, bool write, uint64_t& linear) {
  if (a.address_bits < 64) ea &= (uint64_t{1} << a.address_bits) - 1;
  const X86State& s = cpu.x86();
  const unsigned bytes = 1u << a.element;
  if (!s.in_64bit_code()) {
    const uint64_t args[4] = {a.segment, ea, bytes | (write ? 1u << 31 : 0), 0};
    return helper_segment_address(cpu, args, linear);
  }
  linear = a.segment >= kFs ? ea + s.base(a.segment) : ea;
  if (is_canonical(s, linear) && is_canonical(s, linear + bytes - 1)) return true;
  return cpu.raise(a.segment == kSs ? vector::kStack : vector::kGeneralProtection, 0);
}

}  // namespace

// What is done stays done: lanes that were read, and those that are not to be, have their mask cleared.
bool helper_gather(X86Cpu& cpu, const uint64_t args[4], uint64_t&) {
  X86State& s = cpu.x86();
  const LaneAccess a = lane_access(args[1]);
  const unsigned bytes = a.wide ? 32 : 16;
  const unsigned lanes = bytes >> (a.element > a.index_element ? a.element : a.index_element);
  Bytes data(s, a.data), mask(s, a.mask);
  const Bytes index(s, a.index);
  for (unsigned i = 0; i < lanes; ++i) {
    if (!mask.top(i, a.element)) {
      mask.set(i, a.element, 0);
      continue;
    }
    uint64_t offset = index.get(i, a.index_element);
    if (a.index_element == 2) offset = static_cast<uint64_t>(int64_t{static_cast<int32_t>(offset)});
    uint64_t linear = 0, value = 0;
    if (!address_of(cpu, a, args[0] + (offset << a.scale), false, linear) ||
        !cpu.read(linear, &value, 1u << a.element, cpu.permission_class())) {
      data.put(s, a.data);
      mask.put(s, a.mask);
      return false;
    }
    data.set(i, a.element, value);
    mask.set(i, a.element, 0);
  }
  const unsigned used = lanes << a.element;
  std::memset(data.b + used, 0, sizeof data.b - used);
  data.put(s, a.data);
  s.xmm[a.mask] = s.ymm_high[a.mask] = {};
  return true;
}

bool helper_masked_load(X86Cpu& cpu, const uint64_t args[4], uint64_t&) {
  X86State& s = cpu.x86();
  const LaneAccess a = lane_access(args[1]);
  const unsigned lanes = (a.wide ? 32u : 16u) >> a.element;
  Bytes data(s, a.data);
  std::memset(data.b, 0, sizeof data.b);
  const Bytes mask(s, a.mask);
  for (unsigned i = 0; i < lanes; ++i) {
    if (!mask.top(i, a.element)) continue;
    uint64_t linear = 0, value = 0;
    if (!address_of(cpu, a, args[0] + (uint64_t{i} << a.element), false, linear) ||
        !cpu.read(linear, &value, 1u << a.element, cpu.permission_class()))
      return false;
    data.set(i, a.element, value);
  }
  data.put(s, a.data);
  return true;
}

// Whatever may fault is looked at first.
bool helper_masked_store(X86Cpu& cpu, const uint64_t args[4], uint64_t&) {
  const X86State& s = cpu.x86();
  const LaneAccess a = lane_access(args[1]);
  const unsigned lanes = (a.wide ? 32u : 16u) >> a.element, bytes = 1u << a.element;
  const Bytes data(s, a.data), mask(s, a.mask);
  uint64_t linear[8];
  for (unsigned i = 0; i < lanes; ++i) {
    if (!mask.top(i, a.element)) continue;
    X86System::LinearFault fault;
    if (!address_of(cpu, a, args[0] + (uint64_t{i} << a.element), true, linear[i])) return false;
    if (!cpu.system().linear(linear[i], bytes, true, cpu.permission_class(), fault))
      return cpu.raise(fault, true);
  }
  for (unsigned i = 0; i < lanes; ++i) {
    if (!mask.top(i, a.element)) continue;
    const uint64_t value = data.get(i, a.element);
    if (!cpu.write(linear[i], &value, bytes, cpu.permission_class())) return false;
  }
  return true;
}

}  // namespace mynah::x86
