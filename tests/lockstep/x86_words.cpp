// SPDX-License-Identifier: Apache-2.0
//
// An x86 processor's state in words: architected values, never how they are kept.
#include "tests/lockstep/x86_words.h"

#include <fmt/core.h>

#include <algorithm>

#include "frontend/x86/x87.h"

namespace mynah::lockstep {

using namespace x86;

Words words_of(X86Cpu& cpu) {
  Words words;
  const auto add = [&](std::string name, uint64_t value) { words.emplace_back(std::move(name), value); };
  const auto add_vector = [&](const char* name, unsigned n, const Vec& v) {
    add(fmt::format("{}{}.lo", name, n), v.lo);
    add(fmt::format("{}{}.hi", name, n), v.hi);
  };
  X86State& s = cpu.x86();
  for (unsigned n = 0; n < 16; ++n) add(fmt::format("r{}", n), s.r(n));
  add("pc", s.pc());
  add("rflags", rflags(s));
  add("cpl", s.cpl);
  add("shadow", s.shadow);
  add("sleep", static_cast<uint64_t>(s.sleep));
  add("debug_pending", s.debug_pending);
  for (unsigned n = 0; n < kSegments; ++n) {
    const Segment& g = s.segments[n];
    add(fmt::format("segment{}", n), g.selector | uint64_t{g.usable} << 16 | uint64_t{g.access} << 32);
    add(fmt::format("limit{}", n), g.limit);
    add(fmt::format("base{}", n), s.base(n));
  }
  for (const auto& [name, g] : {std::pair("tr", s.tr), std::pair("ldtr", s.ldtr)}) {
    add(name, g.segment.selector | uint64_t{g.segment.access} << 32);
    add(fmt::format("{}_base", name), g.base);
    add(fmt::format("{}_limit", name), g.segment.limit);
  }
  add("gdtr", s.gdtr.base ^ uint64_t{s.gdtr.limit} << 48);
  add("idtr", s.idtr.base ^ uint64_t{s.idtr.limit} << 48);
#define WORD(name) add(#name, s.name)
  WORD(cr0), WORD(cr2), WORD(cr3), WORD(cr4), WORD(xcr0), WORD(pkru), WORD(efer), WORD(star), WORD(lstar);
  WORD(cstar), WORD(sfmask), WORD(kernel_gs_base), WORD(tsc_aux), WORD(tsc_offset), WORD(sysenter_cs);
  WORD(sysenter_esp), WORD(sysenter_eip), WORD(pat), WORD(misc_enable), WORD(debugctl), WORD(nmi_blocked);
#undef WORD
  for (const unsigned n : {0, 1, 2, 3, 6, 7}) add(fmt::format("dr{}", n), s.dr[n]);
  add("mxcsr", cpu.mxcsr());
  const X87Image x = x87_image(cpu);
  add("fcw", x.control);
  add("fsw", x.status);
  add("ftw", x.tags);
  add("fop", x.opcode);
  add("fip", x.ip);
  add("fdp", x.dp);
  for (unsigned n = 0; n < 8; ++n) {
    add(fmt::format("st{}", n), x.stack[n].significand);
    add(fmt::format("st{}.se", n), x.stack[n].sign_exponent);
  }
  for (unsigned n = 0; n < 16; ++n) {
    add_vector("xmm", n, s.xmm[n]);
    add_vector("ymmh", n, s.ymm_high[n]);
  }
  return words;
}

std::string difference(const Words& e, const Words& t) {
  std::string text;
  for (size_t w = 0; w < std::min(e.size(), t.size()); ++w)
    if (e[w] != t[w])
      text += fmt::format("  {}: evaluated {:x}, {} translated {:x}\n", e[w].first, e[w].second,
                          t[w].first == e[w].first ? "" : t[w].first, t[w].second);
  return text;
}

}  // namespace mynah::lockstep
