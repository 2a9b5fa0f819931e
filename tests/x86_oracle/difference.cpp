// SPDX-License-Identifier: Apache-2.0
//
// What differs between two states, and a state as text.
#include <fmt/format.h>

#include <iterator>

#include "tests/x86_oracle/check.h"

namespace mynah::x86_oracle {

namespace {

constexpr const char* kNames[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                  "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};

std::string flags_text(uint32_t f) {
  std::string text;
  constexpr std::pair<uint32_t, char> kFlags[] = {{kOf, 'o'}, {kDf, 'd'}, {kSf, 's'}, {kZf, 'z'},
                                                  {kAf, 'a'}, {kPf, 'p'}, {kCf, 'c'}};
  for (const auto& [bit, letter] : kFlags) text += f & bit ? static_cast<char>(letter - 32) : letter;
  return text;
}

std::string outcome_text(const Outcome& o) {
  if (o.vector == kNone) return "done";
  if (o.vector == kHang) return "no end";
  if (o.vector == kUnsupported) return "unsupported";
  std::string text = fmt::format("#{} error {:x}", o.vector, o.error);
  if (o.vector == kPage) text += fmt::format(" at {:x}", o.cr2);
  return text;
}

std::string extended_text(const uint8_t* st) {
  uint64_t significand;
  uint16_t exponent;
  std::memcpy(&significand, st, 8);
  std::memcpy(&exponent, st + 8, 2);
  return fmt::format("{:04x}:{:016x}", exponent, significand);
}

}  // namespace

std::string difference(const Case& before, const Case& expected, const Case& actual,
                       const Undefined& undefined) {
  std::string text;
  const bool fault = expected.outcome.vector != kNone;
  const bool any_registers = undefined.registers || (fault && undefined.registers_on_fault);
  const bool any_data = undefined.data || (fault && undefined.data_on_fault);
  Outcome wanted = expected.outcome;
  if (wanted.vector == kPage && actual.outcome.vector == kPage) {
    // What is there at the end of the user's addresses and above it is the kernel's own.
    if (wanted.cr2 >= 0x7ffff0000000) wanted.error = (wanted.error & ~1u) | (actual.outcome.error & 1);
    if (undefined.address) wanted.cr2 = actual.outcome.cr2;
  }
  // Accesses across the end of 4 GiB fault or wrap as the processor likes (SDM vol. 3, 6.3).
  if (before.mode == Mode::k32 && fault && actual.outcome.vector == kPage && actual.outcome.cr2 >= 0xfffff000)
    return text;
  if (undefined.faults && wanted.vector == kPage && actual.outcome.vector == kNone) return text;
  if (undefined.protection && (wanted.vector == kProtection) != (actual.outcome.vector == kProtection))
    return text;
  if (wanted != actual.outcome)
    return fmt::format("    expected {}, got {}\n", outcome_text(expected.outcome),
                       outcome_text(actual.outcome));
  const State &e = expected.state, &a = actual.state;
  const auto word = [&](const char* name, uint64_t x, uint64_t y) {
    if (x != y) text += fmt::format("    {}: expected {:016x}, got {:016x}\n", name, x, y);
  };
  const unsigned registers = before.mode == Mode::k64 ? 16 : 8;
  if (!any_registers) {
    for (unsigned i = 0; i < registers; ++i) word(kNames[i], e.gpr[i], a.gpr[i]);
  }
  word("rip", e.rip, a.rip);
  if (const uint32_t mask =
          kComparedFlags & ~(fault ? undefined.flags_on_fault | undefined.flags : undefined.flags);
      (e.rflags ^ a.rflags) & mask)
    text += fmt::format("    flags: expected {}, got {}\n", flags_text(e.rflags), flags_text(a.rflags));
  word("mxcsr", e.mxcsr & 0xffff, a.mxcsr & 0xffff);
  word("fs base", e.fs_base, a.fs_base);
  word("gs base", e.gs_base, a.gs_base);
  word("fcw", e.fcw & 0x1f3f, a.fcw & 0x1f3f);
  word("fsw", e.fsw & ~undefined.codes, a.fsw & ~undefined.codes);
  word("ftw", e.ftw, a.ftw);
  if (!any_registers) {
    for (unsigned i = 0; i < 8; ++i)
      if (std::memcmp(e.st[i], a.st[i], 10))
        text +=
            fmt::format("    st{}: expected {}, got {}\n", i, extended_text(e.st[i]), extended_text(a.st[i]));
    for (unsigned i = 0; i < registers; ++i)
      if (std::memcmp(e.ymm[i], a.ymm[i], 32))
        text += fmt::format(
            "    ymm{}: expected {:016x}:{:016x}:{:016x}:{:016x}\n"
            "               got {:016x}:{:016x}:{:016x}:{:016x}\n",
            i, e.ymm[i][3], e.ymm[i][2], e.ymm[i][1], e.ymm[i][0], a.ymm[i][3], a.ymm[i][2], a.ymm[i][1],
            a.ymm[i][0]);
  }
  if (!any_data)
    for (unsigned i = 0; i < kDataBytes; ++i) {
      if (expected.data[i] == actual.data[i]) continue;
      unsigned n = 0;
      for (unsigned k = i; k < kDataBytes; ++k) n += expected.data[k] != actual.data[k];
      const unsigned from = i & ~7u;
      text += fmt::format("    [{:x}]: expected {}, got {}; {} bytes differ\n", before.data_address() + from,
                          hex(expected.data + from, 16), hex(actual.data + from, 16), n);
      break;
    }
  return text;
}

std::string describe(const Case& c) {
  const State& s = c.state;
  std::string text = fmt::format("  {} {}-bit {}\n    rip={:x} flags={}", hex(c.code, c.length),
                                 c.mode == Mode::k64 ? 64 : 32, text_of(c.mode, c.code, c.length, s.rip),
                                 s.rip, flags_text(s.rflags));
  uint32_t general = 0, vectors = 0;
  bool x87 = false, mxcsr = false;
  for (size_t at = 0; at < c.length;) {
    Decoded d;
    if (!decode(c.mode, c.code + at, c.length - at, d)) break;
    at += d.insn.length;
    x87 |= d.insn.meta.isa_set == ZYDIS_ISA_SET_X87 || d.insn.meta.isa_set == ZYDIS_ISA_SET_FCMOV;
    const auto note = [&](ZydisRegister r) {
      const auto largest = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, r);
      if (largest >= ZYDIS_REGISTER_RAX && largest <= ZYDIS_REGISTER_R15)
        general |= 1u << (largest - ZYDIS_REGISTER_RAX);
      const auto cls = ZydisRegisterGetClass(r);
      if (cls == ZYDIS_REGCLASS_XMM) vectors |= 1u << (r - ZYDIS_REGISTER_XMM0);
      if (cls == ZYDIS_REGCLASS_YMM) vectors |= 1u << (r - ZYDIS_REGISTER_YMM0);
      x87 |= cls == ZYDIS_REGCLASS_MMX || cls == ZYDIS_REGCLASS_X87;
    };
    for (const ZydisDecodedOperand& o : d.all()) {
      if (o.type == ZYDIS_OPERAND_TYPE_REGISTER) note(o.reg.value);
      if (o.type != ZYDIS_OPERAND_TYPE_MEMORY) continue;
      note(o.mem.base);
      note(o.mem.index);
    }
    mxcsr |= vectors != 0;
  }
  for (unsigned i = 0; i < 16; ++i)
    if (general >> i & 1) text += fmt::format(" {}={:x}", kNames[i], s.gpr[i]);
  if (mxcsr) text += fmt::format(" mxcsr={:x}", s.mxcsr);
  text += "\n";
  for (unsigned i = 0; i < 16; ++i)
    if (vectors >> i & 1)
      text += fmt::format("    ymm{}={:016x}:{:016x}:{:016x}:{:016x}\n", i, s.ymm[i][3], s.ymm[i][2],
                          s.ymm[i][1], s.ymm[i][0]);
  if (x87) {
    text += fmt::format("    fcw={:x} fsw={:x} ftw={:x}", s.fcw, s.fsw, s.ftw);
    for (unsigned i = 0; i < 8; ++i) text += fmt::format(" st{}={}", i, extended_text(s.st[i]));
    text += "\n";
  }
  // Data that registers point to.
  unsigned shown = 0;
  for (unsigned i = 0; i < 16 && shown < 3; ++i) {
    const uint64_t into = s.gpr[i] - c.data_address();
    if (!(general >> i & 1) || into >= kDataBytes - 32) continue;
    text += fmt::format("    [{}]={}\n", kNames[i], hex(c.data + into, 32));
    ++shown;
  }
  return text;
}

}  // namespace mynah::x86_oracle
