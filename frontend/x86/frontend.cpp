// SPDX-License-Identifier: Apache-2.0
//
// X86Frontend: the lifter behind the interface. Code is shown as 64-bit code: who shows it knows no mode.
#include "frontend/x86/frontend.h"

#include "frontend/x86/decode.h"
#include "frontend/x86/lift.h"

namespace mynah::x86 {

Lifted X86Frontend::lift(ir::Region& region, CodeSource& source, uint32_t pc_offset, uint64_t mode,
                         const LiftOptions& options) const {
  return lift_block(region, source, pc_offset, mode, model_, options);
}

ir::FpMode X86Frontend::fp_mode(uint64_t mode) const { return fp_mode_of(mode); }

std::span<const ir::SlotInfo> X86Frontend::slots() const { return slot_table(); }

std::string X86Frontend::disassemble(std::span<const uint8_t> bytes, uint64_t pc) const {
  std::string text;
  for (size_t at = 0; at < bytes.size();) {
    const Decoded d = decode(bytes.subspan(at), CodeWidth::k64, false);
    const size_t n = std::min<size_t>(std::max<size_t>(d.length, 1), bytes.size() - at);
    text += format_instruction(bytes.subspan(at), CodeWidth::k64, pc + at) + "\n";
    at += n;
  }
  return text;
}

}  // namespace mynah::x86
