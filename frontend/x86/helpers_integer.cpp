// SPDX-License-Identifier: Apache-2.0
//
// Integer instructions that are rare or long: division of 128 bits, rotates through the carry, decimal
// adjustment (SDM vol. 2, each instruction's page).
#include "frontend/x86/cpu.h"
#include "frontend/x86/helpers_functions.h"
#include "frontend/x86/vectors.h"

namespace mynah::x86 {

namespace {
using Wide = unsigned __int128;

Wide rdx_rax(const X86State& s) { return Wide{s.r(kRdx)} << 64 | s.r(kRax); }

uint32_t status(X86State& s) { return status_of(s.flags_packed()); }
void set_status(X86State& s, uint32_t value) { s.flags_packed() = packed_of(value); }

uint32_t result_flags(uint8_t value) {
  return (value & 0x80 ? eflags::kSf : 0) | (value == 0 ? eflags::kZf : 0) |
         (ir::even_parity(value) ? eflags::kPf : 0);
}
}  // namespace

bool helper_divide128(X86Cpu& cpu, const uint64_t args[4], uint64_t&) {
  X86State& s = cpu.x86();
  const uint64_t divisor = args[0];
  if (divisor <= s.r(kRdx)) return cpu.raise(vector::kDivide);  // the quotient does not fit, or divisor is 0
  const Wide dividend = rdx_rax(s);
  s.r(kRax) = static_cast<uint64_t>(dividend / divisor);
  s.r(kRdx) = static_cast<uint64_t>(dividend % divisor);
  return true;
}

bool helper_signed_divide128(X86Cpu& cpu, const uint64_t args[4], uint64_t&) {
  X86State& s = cpu.x86();
  const Wide dividend = rdx_rax(s);
  const bool negative_dividend = s.r(kRdx) >> 63, negative_divisor = args[0] >> 63;
  const Wide magnitude = negative_dividend ? -dividend : dividend;
  const uint64_t divisor = negative_divisor ? -args[0] : args[0];
  if (divisor == 0) return cpu.raise(vector::kDivide);
  const Wide quotient = magnitude / divisor;
  const auto remainder = static_cast<uint64_t>(magnitude % divisor);
  const bool negative = negative_dividend != negative_divisor;
  const Wide most = (Wide{1} << 63) - (negative ? 0 : 1);
  if (quotient > most) return cpu.raise(vector::kDivide);
  const auto q = static_cast<uint64_t>(quotient);
  s.r(kRax) = negative ? -q : q;
  s.r(kRdx) = negative_dividend ? -remainder : remainder;
  return true;
}

bool helper_rotate_carry_left(X86Cpu& cpu, const uint64_t args[4], uint64_t& result) {
  X86State& s = cpu.x86();
  const auto bits = static_cast<unsigned>(args[2]);
  const unsigned count = static_cast<unsigned>(args[1]) % (bits + 1);
  result = args[0];
  if (args[1] == 0) return true;
  const uint32_t flags = status(s);
  bool carry = flags & eflags::kCf;
  if (count) {
    const Wide whole = Wide{carry} << bits | args[0];  // CF above the value
    const Wide rotated = whole << count | whole >> (bits + 1 - count);
    result = static_cast<uint64_t>(bits == 64 ? rotated : rotated & ((Wide{1} << bits) - 1));
    carry = rotated >> bits & 1;
  }
  const bool top = result >> (bits - 1) & 1;
  set_status(s, (flags & ~(eflags::kCf | eflags::kOf)) | (carry ? eflags::kCf : 0) |
                    (top != carry ? eflags::kOf : 0));
  return true;
}

bool helper_rotate_carry_right(X86Cpu& cpu, const uint64_t args[4], uint64_t& result) {
  X86State& s = cpu.x86();
  const auto bits = static_cast<unsigned>(args[2]);
  const unsigned count = static_cast<unsigned>(args[1]) % (bits + 1);
  result = args[0];
  if (args[1] == 0) return true;
  const uint32_t flags = status(s);
  bool carry = flags & eflags::kCf;
  if (count) {
    const Wide whole = Wide{carry} << bits | args[0];
    const Wide rotated = whole >> count | whole << (bits + 1 - count);
    result = static_cast<uint64_t>(bits == 64 ? rotated : rotated & ((Wide{1} << bits) - 1));
    carry = rotated >> bits & 1;
  }
  const bool differ = (result >> (bits - 1) ^ result >> (bits - 2)) & 1;
  set_status(s,
             (flags & ~(eflags::kCf | eflags::kOf)) | (carry ? eflags::kCf : 0) | (differ ? eflags::kOf : 0));
  return true;
}

namespace {
// AAA (by = 6) and AAS (by = -6). OF is cleared; SF, ZF, PF by AL.
bool adjust_ascii(X86State& s, int by) {
  uint32_t flags = status(s);
  uint64_t& rax = s.r(kRax);
  auto ax = static_cast<uint16_t>(rax);
  const bool adjust = (ax & 0xf) > 9 || (flags & eflags::kAf);
  if (adjust) ax = static_cast<uint16_t>(ax + by + (by > 0 ? 0x100 : -0x100));
  ax &= 0xff0f;
  rax = (rax & ~uint64_t{0xffff}) | ax;
  set_status(s, result_flags(static_cast<uint8_t>(ax)) | (adjust ? eflags::kAf | eflags::kCf : 0));
  return true;
}

// DAA (up) and DAS.
bool adjust_decimal(X86State& s, bool up) {
  const uint32_t flags = status(s);
  uint64_t& rax = s.r(kRax);
  const auto old = static_cast<uint8_t>(rax);
  const bool old_carry = flags & eflags::kCf;
  uint8_t al = old;
  bool carry = false, half = false;
  if ((old & 0xf) > 9 || (flags & eflags::kAf)) {
    const unsigned next = up ? al + 6u : al - 6u;
    al = static_cast<uint8_t>(next);
    carry = old_carry || next > 0xff;
    half = true;
  }
  if (old > 0x99 || old_carry) {
    al = static_cast<uint8_t>(up ? al + 0x60 : al - 0x60);
    carry = true;
  } else if (up) {
    carry = false;
  }
  rax = (rax & ~uint64_t{0xff}) | al;
  set_status(s, result_flags(al) | (carry ? eflags::kCf : 0) | (half ? eflags::kAf : 0));
  return true;
}
}  // namespace

bool helper_aaa(X86Cpu& cpu, const uint64_t*, uint64_t&) { return adjust_ascii(cpu.x86(), 6); }
bool helper_aas(X86Cpu& cpu, const uint64_t*, uint64_t&) { return adjust_ascii(cpu.x86(), -6); }
bool helper_daa(X86Cpu& cpu, const uint64_t*, uint64_t&) { return adjust_decimal(cpu.x86(), true); }
bool helper_das(X86Cpu& cpu, const uint64_t*, uint64_t&) { return adjust_decimal(cpu.x86(), false); }

}  // namespace mynah::x86
