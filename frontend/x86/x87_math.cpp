// SPDX-License-Identifier: Apache-2.0
//
// Long instructions of the x87 (SDM vol. 1, 8.3.5 to 8.3.7) by the host's own, in the environment that the
// guest's have (ir/f80.h). Transcendental results are so the host processor's to the bit; the manual leaves
// their last bit to each implementation.
#include "frontend/x86/x87_math.h"

#include <cstring>

#include "frontend/x86/cpu.h"
#include "frontend/x86/helpers_functions.h"
#include "frontend/x86/x87.h"
#include "ir/f80.h"

#if !defined(__x86_64__)
#error "the x87's functions are not written for this host"
#endif

namespace mynah::x86 {

namespace {

constexpr uint16_t kC0 = 1 << 8, kC1 = 1 << 9, kC2 = 1 << 10, kC3 = 1 << 14;

F80& st(X86State& s, unsigned i) { return s.fpr[(s.fpu_top / 16 + i) & 7]; }

void pop(X86State& s) {
  s.fpu_top = (s.fpu_top + 16) & 0x70;
  s.ftw >>= 1;
}
void push(X86State& s) {
  s.fpu_top = (s.fpu_top - 16) & 0x70;
  s.ftw = (s.ftw << 1 | 1) & 0xff;
}
void set_conditions(X86State& s, uint16_t status) {
  s.fsw = (s.fsw & ~uint32_t{ir::kF80Conditions}) | (status & ir::kF80Conditions);
}

// MYNAH_X87: `instruction` with ST(0) = a and, of two operands, ST(1) = b. What it leaves on top is a.
#define MYNAH_X87_1(instruction) \
  asm volatile("fldt %1\n\t" instruction "\n\tfnstsw %%ax\n\tfstpt %1" : "=&a"(status), "+m"(a))
// Pops one by itself: what is left is b, and a stays.
#define MYNAH_X87_2(instruction)                                                  \
  asm volatile("fldt %1\n\tfldt %2\n\t" instruction "\n\tfnstsw %%ax\n\tfstpt %1" \
               : "=&a"(status), "+m"(b)                                           \
               : "m"(a))
// Leaves both.
#define MYNAH_X87_2_KEEP(instruction)                                                             \
  asm volatile("fldt %2\n\tfldt %1\n\t" instruction "\n\tfnstsw %%ax\n\tfstpt %1\n\tfstp %%st(0)" \
               : "=&a"(status), "+m"(a)                                                           \
               : "m"(b))
// Pushes one: second is below.
#define MYNAH_X87_PUSH(instruction)                                                \
  asm volatile("fldt %1\n\t" instruction "\n\tfnstsw %%ax\n\tfstpt %2\n\tfstpt %1" \
               : "=&a"(status), "+m"(a), "=m"(second))

// FPTAN, FSINCOS: out of range (C2) they push nothing.
template <bool kTangent>
void push_unless_out_of_range(X86State& s) {
  F80& a = st(s, 0);
  F80 probe = a, second;
  uint16_t status;
  asm volatile("fldt %1\n\tfsin\n\tfnstsw %%ax\n\tfstp %%st(0)" : "=&a"(status) : "m"(probe));
  if (status & kC2) return set_conditions(s, status);
  if constexpr (kTangent)
    MYNAH_X87_PUSH("fptan");
  else
    MYNAH_X87_PUSH("fsincos");
  set_conditions(s, status);
  push(s);
  st(s, 0) = second;
}

bool is_nan(const F80& r) { return (r.sign_exponent & 0x7fff) == 0x7fff && r.significand << 1 != 0; }

uint16_t examine(const F80& r, bool empty) {
  const unsigned exponent = r.sign_exponent & 0x7fff;
  const bool integer = r.significand >> 63;
  uint16_t c = r.sign_exponent & 0x8000 ? kC1 : 0;
  if (empty) return c | kC3 | kC0;
  if (exponent == 0) return c | (r.significand == 0 ? kC3 : kC3 | kC2);
  if (!integer) return c;  // unsupported
  if (exponent != 0x7fff) return c | kC2;
  return c | kC0 | (r.significand << 1 == 0 ? kC2 : 0);
}

void run(X86State& s, X87Function function) {
  F80& a = st(s, 0);
  F80& b = st(s, 1);
  F80 second;
  uint16_t status = 0;
  switch (function) {
    case X87Function::kF2xm1:
      MYNAH_X87_1("f2xm1");
      break;
    case X87Function::kFsin:
      MYNAH_X87_1("fsin");
      break;
    case X87Function::kFcos:
      MYNAH_X87_1("fcos");
      break;
    case X87Function::kFyl2x:
    case X87Function::kFyl2xp1:
    case X87Function::kFpatan:
      if (function == X87Function::kFyl2x)
        MYNAH_X87_2("fyl2x");
      else if (function == X87Function::kFyl2xp1)
        MYNAH_X87_2("fyl2xp1");
      else
        MYNAH_X87_2("fpatan");
      set_conditions(s, status);
      return pop(s);
    case X87Function::kFprem:
    case X87Function::kFprem1:
      if (function == X87Function::kFprem)
        MYNAH_X87_2_KEEP("fprem");
      else
        MYNAH_X87_2_KEEP("fprem1");
      // Without a quotient its bits in C3 and C0 stay what they were.
      if (is_nan(a)) status = static_cast<uint16_t>((status & (kC1 | kC2)) | (s.fsw & (kC3 | kC0)));
      break;
    case X87Function::kFscale:
      MYNAH_X87_2_KEEP("fscale");
      break;
    case X87Function::kFptan:
      return push_unless_out_of_range<true>(s);
    case X87Function::kFsincos:
      return push_unless_out_of_range<false>(s);
    case X87Function::kFxtract:
      MYNAH_X87_PUSH("fxtract");
      set_conditions(s, status);
      push(s);
      st(s, 0) = second;
      return;
    case X87Function::kFxam:
      return set_conditions(s, examine(a, !(s.ftw & 1)));
  }
  set_conditions(s, status);
}

}  // namespace

bool helper_x87_function(X86Cpu& cpu, const uint64_t args[4], uint64_t&) {
  run(cpu.x86(), static_cast<X87Function>(args[0]));
  return true;
}

// Rounded as the control word says.
bool helper_x87_load_bcd(X86Cpu& cpu, const uint64_t args[4], uint64_t&) {
  struct {
    uint64_t low;
    uint16_t high;
  } bcd{args[0], static_cast<uint16_t>(args[1])};
  asm volatile("fbld %1\n\tfstpt %0" : "=m"(st(cpu.x86(), 0)) : "m"(bcd));
  return true;
}

// The low eight bytes, or the two above them.
bool helper_x87_store_bcd(X86Cpu& cpu, const uint64_t args[4], uint64_t& result) {
  struct {
    uint64_t low;
    uint16_t high;
  } bcd{};
  X86State& s = cpu.x86();
  uint16_t status;
  asm volatile("fldt %2\n\tfbstp %1\n\tfnstsw %%ax" : "=&a"(status), "=m"(bcd) : "m"(st(s, 0)));
  set_conditions(s, status);
  result = args[0] ? bcd.high : bcd.low;
  return true;
}

bool helper_x87_init(X86Cpu& cpu, const uint64_t args[4], uint64_t&) {
  reset_x87(cpu);
  return cpu.go_on_behind(args[3]);
}

bool helper_x87_clear_exceptions(X86Cpu& cpu, const uint64_t*, uint64_t&) {
  X86State& s = cpu.x86();
  s.fsw &= ir::kF80Conditions;
  s.fpu_stack_fault = 0;
  ir::load_f80(cpu.runtime());
  return true;
}

// --- environments (SDM vol. 1, 8.1.10). form: bit 0: 32 bits, 1: real mode's, 2: with the registers.

namespace {
constexpr uint64_t kWide = 1, kReal = 2, kWhole = 4;

void put(uint8_t*& to, uint64_t value, unsigned n) {
  std::memcpy(to, &value, n);
  to += n;
}
uint32_t take(const uint8_t*& from, unsigned n) {
  uint32_t value = 0;
  std::memcpy(&value, from, n);
  from += n;
  return value;
}
}  // namespace

bool helper_x87_store_environment(X86Cpu& cpu, const uint64_t args[4], uint64_t&) {
  const uint64_t form = args[1];
  const X87Image image = x87_image(cpu);
  uint8_t bytes[108];
  uint8_t* to = bytes;
  const unsigned n = form & kWide ? 4 : 2;
  const uint64_t ones = form & kWide ? 0xffff0000 : 0;  // above the words that are shorter
  put(to, image.control | ones, n);
  put(to, image.status | ones, n);
  put(to, x87_tag_word(image) | ones, n);
  if (form & kReal) {
    const auto ip = static_cast<uint32_t>(image.cs * 16u + image.ip);
    const auto dp = static_cast<uint32_t>(image.ds * 16u + image.dp);
    if (form & kWide) {
      put(to, (ip & 0xffff) | ones, 4);
      put(to, (uint64_t{ip >> 16} << 12 & 0x0ffff000) | image.opcode, 4);
      put(to, (dp & 0xffff) | ones, 4);
      put(to, uint64_t{dp >> 16} << 12 & 0x0ffff000, 4);
    } else {
      put(to, ip, 2);
      put(to, (ip >> 16 & 15) << 12 | image.opcode, 2);
      put(to, dp, 2);
      put(to, (dp >> 16 & 15) << 12, 2);
    }
  } else {
    put(to, image.ip, n);
    put(to, form & kWide ? image.cs | uint64_t{image.opcode} << 16 : image.cs, n);
    put(to, image.dp, n);
    put(to, image.ds | ones, n);
  }
  if (form & kWhole) {
    for (const F80& r : image.stack) {
      put(to, r.significand, 8);
      put(to, r.sign_exponent, 2);
    }
  }
  if (!cpu.write(args[0], bytes, static_cast<unsigned>(to - bytes), cpu.permission_class())) return false;
  if (form & kWhole) {
    reset_x87(cpu);
  } else {  // every exception is masked
    X86State& s = cpu.x86();
    ir::store_f80(cpu.runtime());
    s.fcw |= ir::kF80Exceptions;
    ir::load_f80(cpu.runtime());
    cpu.changed();
  }
  return cpu.go_on_behind(args[3]);
}

bool helper_x87_load_environment(X86Cpu& cpu, const uint64_t args[4], uint64_t&) {
  const uint64_t form = args[1];
  const unsigned n = form & kWide ? 4 : 2;
  uint8_t bytes[108];
  const unsigned size = 7 * n + (form & kWhole ? 80 : 0);
  if (!cpu.read(args[0], bytes, size, cpu.permission_class())) return false;
  const uint8_t* from = bytes;
  X87Image image = x87_image(cpu);
  image.control = static_cast<uint16_t>(take(from, n));
  const unsigned old_top = image.status >> 11 & 7;
  image.status = static_cast<uint16_t>(take(from, n));
  const auto tag_word = static_cast<uint16_t>(take(from, n));
  image.tags = x87_abridged(tag_word);
  const uint32_t ip = take(from, n), code = take(from, n), dp = take(from, n), data = take(from, n);
  if (form & kReal) {
    image.opcode = code & 0x7ff;
    image.ip = form & kWide ? (ip & 0xffff) | (code >> 12 & 0xffff) << 16 : ip | (code >> 12) << 16;
    image.dp = form & kWide ? (dp & 0xffff) | (data >> 12 & 0xffff) << 16 : dp | (data >> 12) << 16;
    image.cs = image.ds = 0;
  } else {
    image.ip = ip;
    image.dp = dp;
    image.cs = static_cast<uint16_t>(code);
    if (form & kWide) image.opcode = code >> 16 & 0x7ff;
    image.ds = static_cast<uint16_t>(data);
  }
  // Without the registers they stay where they are, whatever becomes their top.
  const unsigned top = image.status >> 11 & 7;
  const X87Image old = x87_image(cpu);
  for (unsigned i = 0; i < 8; ++i) {
    if (form & kWhole) {
      std::memcpy(&image.stack[i].significand, from + 10 * i, 8);
      std::memcpy(&image.stack[i].sign_exponent, from + 10 * i + 8, 2);
    } else {
      image.stack[i] = old.stack[(top + i - old_top) & 7];
    }
  }
  set_x87_image(cpu, image);
  return cpu.go_on_behind(args[3]);
}

}  // namespace mynah::x86
