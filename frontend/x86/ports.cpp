// SPDX-License-Identifier: Apache-2.0
//
// IN, OUT, INS, OUTS (SDM vol. 1, chapter 19), and the I/O permission bitmap of the TSS (19.5.2).
#include <algorithm>
#include <cstring>

#include "frontend/x86/cpu.h"
#include "frontend/x86/debug_registers.h"
#include "frontend/x86/helpers_functions.h"
#include "frontend/x86/lift_system.h"
#include "frontend/x86/vectors.h"

namespace mynah::x86 {

namespace {

constexpr unsigned kMostAtOnce = 4096;  // elements of one INS or OUTS, between looks at interrupts

// False: #GP(0).
bool port_open(X86Cpu& cpu, uint16_t port, unsigned bytes) {
  constexpr unsigned kMapAt = 0x66, kTss16 = 1, kTss16Busy = 3;
  const SystemSegment& tr = cpu.x86().tr;
  const unsigned type = tr.segment.access >> access::kTypeShift & 15;
  const auto closed = [&] { return cpu.raise(vector::kGeneralProtection, 0); };
  if (!tr.segment.usable || type == kTss16 || type == kTss16Busy || tr.segment.limit < kMapAt + 1)
    return closed();
  uint16_t map = 0, bits = 0;
  if (!cpu.read(tr.base + kMapAt, &map, 2, cpu.implicit_class())) return false;
  const uint32_t at = map + port / 8u;
  // Two bytes are read, whatever the port: the map ends with one that is all ones.
  if (at + 1 > tr.segment.limit) return closed();
  if (!cpu.read(tr.base + at, &bits, 2, cpu.implicit_class())) return false;
  return (bits >> (port & 7) & ((1u << bytes) - 1)) == 0 || closed();
}

bool accessible(X86Cpu& cpu, uint16_t port, uint32_t form) {
  const unsigned bytes = form & 0xff;
  if ((form & kPortChecked) && !port_open(cpu, port, bytes)) return false;
  return true;
}

void note_breakpoints(X86Cpu& cpu, uint16_t port, unsigned bytes) {
  X86State& s = cpu.x86();
  if (!(s.dr[7] & dr7::kEnabled)) return;
  if (const uint64_t hit = port_breakpoints_hit(s, port, bytes)) cpu.note_debug_trap(hit);
}

// An offset in a segment; 64-bit code has bases of FS and GS alone. False: raised.
bool segment_address(X86Cpu& cpu, unsigned segment, uint64_t offset, unsigned bytes, bool write,
                     uint64_t& linear) {
  const X86State& s = cpu.x86();
  if (s.in_64bit_code()) {
    linear = offset + (segment >= kFs ? s.base(segment) : 0);
    return true;
  }
  const uint64_t args[4] = {segment, offset, bytes | (write ? 1u << 31 : 0), 0};
  return helper_segment_address(cpu, args, linear);
}

}  // namespace

bool helper_in(X86Cpu& cpu, const uint64_t args[4], uint64_t& result) {
  const auto port = static_cast<uint16_t>(args[0]);
  const auto form = static_cast<uint32_t>(args[1]);
  if (!accessible(cpu, port, form)) return false;
  result = cpu.system().port_read(port, form & 0xff);
  note_breakpoints(cpu, port, form & 0xff);
  return true;
}

bool helper_out(X86Cpu& cpu, const uint64_t args[4], uint64_t&) {
  const auto port = static_cast<uint16_t>(args[0]);
  const auto form = static_cast<uint32_t>(args[1]);
  if (!accessible(cpu, port, form)) return false;
  cpu.system().port_write(port, form & 0xff, static_cast<uint32_t>(args[2]));
  note_breakpoints(cpu, port, form & 0xff);
  return true;
}

namespace {

struct Strings {
  uint64_t mask;  // of the address size
  unsigned bytes;
  uint64_t step;
  bool repeats;

  explicit Strings(uint32_t form)
      : mask(form >> kPortAddressShift & 15 ? (form >> kPortAddressShift & 15) == 3   ? ~uint64_t{0}
                                              : (form >> kPortAddressShift & 15) == 2 ? 0xffffffff
                                                                                      : 0xffff
                                            : 0),
        bytes(form & 0xff),
        step(form & kPortDown ? -uint64_t{bytes} : bytes),
        repeats(form & kPortRepeats) {}
  // 32-bit registers are written whole, 16-bit ones in part.
  void set(uint64_t& reg, uint64_t value) const {
    reg = mask == 0xffff ? (reg & ~mask) | (value & mask) : value & mask;
  }
};

// Calls one(address) for each element; result: whether more is to come. Behind an element all is as if the
// instruction began again.
template <typename One>
bool each_element(X86Cpu& cpu, const Strings& t, Register index, uint64_t& result, One one) {
  X86State& s = cpu.x86();
  result = 0;
  for (unsigned done = 0;; ++done) {
    if (t.repeats && (s.r(kRcx) & t.mask) == 0) return true;
    if (done == kMostAtOnce || (done && (s.interrupt_pending || s.stepping))) {
      result = 1;
      return true;
    }
    if (!one(s.r(index) & t.mask)) return false;
    t.set(s.r(index), s.r(index) + t.step);
    if (!t.repeats) return true;
    t.set(s.r(kRcx), s.r(kRcx) - 1);
  }
}

// Plain memory from an element on, as far as its page goes, found once: a disk's sector is hundreds of
// elements.
class RamAhead {
 public:
  // `left`: elements from this one on. Null: not all of this one is such.
  uint8_t* at(X86Cpu& cpu, uint64_t linear, unsigned bytes, uint64_t left) {
    if (linear - begin_ >= size_ || size_ - (linear - begin_) < bytes) {
      begin_ = linear;
      size_ = std::min(kPage - linear % kPage, std::min(left, kPage) * bytes);
      if (size_ < bytes ||
          !(host_ = cpu.system().ram(linear, static_cast<unsigned>(size_), true, cpu.permission_class())))
        size_ = 0;
    }
    return size_ ? host_ + (linear - begin_) : nullptr;
  }

 private:
  static constexpr uint64_t kPage = 4096;
  uint64_t begin_ = 0, size_ = 0;
  uint8_t* host_ = nullptr;
};

}  // namespace

bool helper_ins(X86Cpu& cpu, const uint64_t args[4], uint64_t& result) {
  const auto form = static_cast<uint32_t>(args[0]);
  const auto port = static_cast<uint16_t>(cpu.x86().r(kRdx));
  const Strings t(form);
  if (!accessible(cpu, port, form)) return false;
  RamAhead ram;
  return each_element(cpu, t, kRdi, result, [&](uint64_t offset) {
    uint64_t linear = 0;
    if (!segment_address(cpu, kEs, offset, t.bytes, true, linear)) return false;
    // What cannot be stored is not read.
    const X86Cpu::WholeAddresses whole(cpu);
    if (uint8_t* const to = ram.at(cpu, linear, t.bytes, t.repeats ? cpu.x86().r(kRcx) & t.mask : 1)) {
      const uint32_t value = cpu.system().port_read(port, t.bytes);
      note_breakpoints(cpu, port, t.bytes);
      std::memcpy(to, &value, t.bytes);
      return true;
    }
    X86System::LinearFault fault;
    uint8_t* const to = cpu.system().linear(linear, t.bytes, true, cpu.permission_class(), fault);
    if (!to) return cpu.raise(fault, true);
    const uint32_t value = cpu.system().port_read(port, t.bytes);
    note_breakpoints(cpu, port, t.bytes);
    return cpu.write(linear, &value, t.bytes, cpu.permission_class());
  });
}

bool helper_outs(X86Cpu& cpu, const uint64_t args[4], uint64_t& result) {
  const auto form = static_cast<uint32_t>(args[0]);
  const auto port = static_cast<uint16_t>(cpu.x86().r(kRdx));
  const Strings t(form);
  if (!accessible(cpu, port, form)) return false;
  return each_element(cpu, t, kRsi, result, [&](uint64_t offset) {
    uint64_t linear = 0;
    uint32_t value = 0;
    if (!segment_address(cpu, form >> kPortSegmentShift & 7, offset, t.bytes, false, linear) ||
        !cpu.read(linear, &value, t.bytes, cpu.permission_class()))
      return false;
    cpu.system().port_write(port, t.bytes, value);
    note_breakpoints(cpu, port, t.bytes);
    return true;
  });
}

}  // namespace mynah::x86
