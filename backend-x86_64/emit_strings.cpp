// SPDX-License-Identifier: Apache-2.0
//
// Comparisons of strings, ir/strings.h: the host's PCMPxSTRx, which give the index in ecx, the mask in xmm0,
// take lengths in eax and edx, and set the flags as the op wants them.
#include "backend-x86_64/emit_vector.h"

namespace mynah::x86_64 {

using namespace ir::alloc;

namespace {

constexpr bool has_lengths(Op op) { return ir::facts(op).arguments == 3; }
constexpr bool gives_mask(Op op) { return op == Op::vstr_mask || op == Op::vstrl_mask; }

void compare(Emitter& e, const Inst& inst, const Regs& r) {
  const x86::Xmm x = Emitter::xmm(r[0]), y = Emitter::xmm(r[1]);
  const asmjit::Imm imm(inst.imm & 0x7f);
  if (has_lengths(inst.op)) {
    e.a.mov(x86::eax, x86::edx);
    e.a.shr(x86::rdx, 32);
    if (gives_mask(inst.op))
      e.a.vpcmpestrm(x, y, imm, x86::xmm0, x86::eax, x86::edx);
    else
      e.a.vpcmpestri(x, y, imm, x86::ecx, x86::eax, x86::edx);
  } else if (gives_mask(inst.op)) {
    e.a.vpcmpistrm(x, y, imm, x86::xmm0);
  } else {
    e.a.vpcmpistri(x, y, imm, x86::ecx);
  }
}

}  // namespace

void adjust_strings(Selector& s, const Inst& inst, Step& step) {
  const bool lengths = has_lengths(inst.op);
  if (!s.features.avx) return make_generic(step);
  step.clobbers = regs(gives_mask(inst.op) ? kXmm0 : kRcx);
  if (lengths) {
    s.need_register(step, 2, kRdx);
    step.clobbers |= regs(kRdx);
  }
  if (inst.type != Type::flags) step.result_where = gives_mask(inst.op) ? kXmm0 : kRcx;
}

void emit_vstr_index(Emitter& e, const Inst& inst, const Regs& r) {
  if (!generic(e, inst, r)) compare(e, inst, r);
}
void emit_vstr_mask(Emitter& e, const Inst& inst, const Regs& r) {
  if (!generic(e, inst, r)) compare(e, inst, r);
}
void emit_vstr_flags(Emitter& e, const Inst& inst, const Regs& r) {
  if (generic(e, inst, r)) return;
  compare(e, inst, r);
  e.set_flags_group(r, {});
}
void emit_vstrl_index(Emitter& e, const Inst& inst, const Regs& r) { emit_vstr_index(e, inst, r); }
void emit_vstrl_mask(Emitter& e, const Inst& inst, const Regs& r) { emit_vstr_mask(e, inst, r); }
void emit_vstrl_flags(Emitter& e, const Inst& inst, const Regs& r) { emit_vstr_flags(e, inst, r); }

}  // namespace mynah::x86_64
