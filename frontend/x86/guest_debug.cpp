// SPDX-License-Identifier: Apache-2.0
//
// Memory, text and logs of the debugger's view. Registers are in guest_debug_registers.cpp.
#include "frontend/x86/guest_debug.h"

#include <fmt/format.h>

#include "frontend/x86/decode.h"

namespace mynah::x86 {

namespace {
CodeWidth width_of(const X86State& s) {
  if (s.in_64bit_code()) return CodeWidth::k64;
  return s.segments[kCs].access & access::kBig ? CodeWidth::k32 : CodeWidth::k16;
}
}  // namespace

std::optional<uint64_t> X86Debug::physical(uint64_t va) const {
  const TranslateResult t = cpu_.translate(cpu_.canonical(va), Access::kRead, kClassSupervisor);
  return t.ok ? std::optional(t.page.pa) : std::nullopt;
}

std::string X86Debug::disassemble(std::span<const uint8_t> code, uint64_t pc) const {
  std::string text;
  const CodeWidth width = width_of(cpu_.x86());
  for (size_t at = 0; at < code.size();) {
    const Decoded d = decode(code.subspan(at), width, !cpu_.x86().protected_mode());
    const size_t n = std::min<size_t>(std::max<size_t>(d.length, 1), code.size() - at);
    std::string bytes;
    for (size_t i = 0; i < n; ++i) bytes += fmt::format("{:02x}", code[at + i]);
    text += fmt::format("{:#010x}:  {:<20}  {}\n", pc + at, bytes,
                        format_instruction(code.subspan(at), width, pc + at));
    at += n;
  }
  return text;
}

std::string X86Debug::dump() const {
  const X86State& s = cpu_.x86();
  std::string text;
  for (unsigned i = 0; i < 16; ++i)
    text += fmt::format("{}={:016x}{}", kGdbNames[i], s.r(kGdbOrder[i]), i % 4 == 3 ? "\n" : " ");
  text += fmt::format("rip={:016x} rflags={:08x} cpl={}{}\n", s.ip(), rflags(s), s.cpl,
                      s.sleep == Sleep::kNone ? "" : " asleep");
  constexpr const char* kSegmentNames[] = {"es", "cs", "ss", "ds", "fs", "gs"};
  for (unsigned i = 0; i < kSegments; ++i)
    text += fmt::format("{}={:04x} base={:016x} limit={:08x} access={:06x}\n", kSegmentNames[i],
                        s.segments[i].selector, s.base(i), s.segments[i].limit, s.segments[i].access);
  text += fmt::format("tr={:04x} base={:016x} ldtr={:04x} base={:016x}\n", s.tr.segment.selector, s.tr.base,
                      s.ldtr.segment.selector, s.ldtr.base);
  text += fmt::format("gdt={:016x}+{:04x} idt={:016x}+{:04x}\n", s.gdtr.base, s.gdtr.limit, s.idtr.base,
                      s.idtr.limit);
  text += fmt::format("cr0={:08x} cr2={:016x} cr3={:016x} cr4={:08x} efer={:04x}\n", s.cr0, s.cr2, s.cr3,
                      s.cr4, s.efer);
  return text;
}

void X86Debug::tell_exceptions(Tell tell) {
  cpu_.on_exception = [this, tell](const Exception& e) {
    const X86State& s = cpu_.x86();
    std::string text = fmt::format("{} {:#04x}",
                                   e.external   ? "interrupt"
                                   : e.software ? "software interrupt"
                                                : "exception",
                                   e.vector);
    if (e.error) text += fmt::format(" error={:#x}", *e.error);
    if (e.vector == 14 && !e.external) text += fmt::format(" address={:#x}", e.address);
    tell(text + fmt::format(" at {:#x} cpl={}\n", s.pc(), s.cpl));
  };
}

void X86Debug::tell_undefined(Tell tell) {
  cpu_.on_undefined = [tell](uint64_t pc, std::string_view feature) {
    tell(feature.empty() ? fmt::format("an undefined instruction at {:#x}", pc)
                         : fmt::format("an instruction at {:#x} that the processor lacks ({})", pc, feature));
  };
}

}  // namespace mynah::x86
