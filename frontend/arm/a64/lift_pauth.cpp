// SPDX-License-Identifier: Apache-2.0
//
// Pointer authentication instructions: data processing (1 source), hints, branches, loads.
#include "frontend/arm/a64/lift.h"
#include "frontend/arm/cpu_models.h"
#include "frontend/arm/pauth.h"

namespace mynah::arm::a64 {

namespace {

using Key = PauthKeyName;

bool enabled(const Lifter& l, Key key) {
  static constexpr uint64_t kBits[] = {kModeEnIa, kModeEnIb, kModeEnDa, kModeEnDb};
  return l.model.features.has(Feature::kPauth) && (l.mode & kBits[static_cast<unsigned>(key)]);
}

Value add_or_auth(Lifter& l, Helper helper, Key key, Value pointer, Value modifier) {
  if (!enabled(l, key)) return pointer;
  return l.call(helper, Type::i64, pointer, modifier, l.b.i64(static_cast<uint64_t>(key)));
}
void sign(Lifter& l, Key key, unsigned d, Value modifier) {
  l.set_x(d, add_or_auth(l, Helper::kPacAdd, key, l.x(d), modifier));
}
void authenticate(Lifter& l, Key key, unsigned d, Value modifier) {
  l.set_x(d, add_or_auth(l, Helper::kPacAuth, key, l.x(d), modifier));
}
void strip(Lifter& l, unsigned d, bool instruction) {
  if (!l.model.features.has(Feature::kPauth)) return;  // XPACLRI is a hint
  l.set_x(d, l.call(Helper::kPacStrip, Type::i64, l.x(d), l.b.i64(instruction)));
}
Key instruction_key(uint32_t m) { return m ? Key::kIb : Key::kIa; }

}  // namespace

void lift_pacia(Lifter& l, uint32_t w) { sign(l, Key::kIa, rd(w), l.x_sp(rn(w))); }
void lift_pacib(Lifter& l, uint32_t w) { sign(l, Key::kIb, rd(w), l.x_sp(rn(w))); }
void lift_pacda(Lifter& l, uint32_t w) { sign(l, Key::kDa, rd(w), l.x_sp(rn(w))); }
void lift_pacdb(Lifter& l, uint32_t w) { sign(l, Key::kDb, rd(w), l.x_sp(rn(w))); }
void lift_autia(Lifter& l, uint32_t w) { authenticate(l, Key::kIa, rd(w), l.x_sp(rn(w))); }
void lift_autib(Lifter& l, uint32_t w) { authenticate(l, Key::kIb, rd(w), l.x_sp(rn(w))); }
void lift_autda(Lifter& l, uint32_t w) { authenticate(l, Key::kDa, rd(w), l.x_sp(rn(w))); }
void lift_autdb(Lifter& l, uint32_t w) { authenticate(l, Key::kDb, rd(w), l.x_sp(rn(w))); }
void lift_paciza(Lifter& l, uint32_t w) { sign(l, Key::kIa, rd(w), l.b.i64(0)); }
void lift_pacizb(Lifter& l, uint32_t w) { sign(l, Key::kIb, rd(w), l.b.i64(0)); }
void lift_pacdza(Lifter& l, uint32_t w) { sign(l, Key::kDa, rd(w), l.b.i64(0)); }
void lift_pacdzb(Lifter& l, uint32_t w) { sign(l, Key::kDb, rd(w), l.b.i64(0)); }
void lift_autiza(Lifter& l, uint32_t w) { authenticate(l, Key::kIa, rd(w), l.b.i64(0)); }
void lift_autizb(Lifter& l, uint32_t w) { authenticate(l, Key::kIb, rd(w), l.b.i64(0)); }
void lift_autdza(Lifter& l, uint32_t w) { authenticate(l, Key::kDa, rd(w), l.b.i64(0)); }
void lift_autdzb(Lifter& l, uint32_t w) { authenticate(l, Key::kDb, rd(w), l.b.i64(0)); }
void lift_xpaci(Lifter& l, uint32_t w) { strip(l, rd(w), true); }
void lift_xpacd(Lifter& l, uint32_t w) { strip(l, rd(w), false); }
void lift_pacga(Lifter& l, uint32_t w) {
  l.set_x(rd(w), l.call(Helper::kPacGeneric, Type::i64, l.x(rn(w)), l.x_sp(rm(w))));
}

void lift_xpaclri(Lifter& l, uint32_t) { strip(l, 30, true); }
void lift_pacia1716(Lifter& l, uint32_t) { sign(l, Key::kIa, 17, l.x(16)); }
void lift_pacib1716(Lifter& l, uint32_t) { sign(l, Key::kIb, 17, l.x(16)); }
void lift_autia1716(Lifter& l, uint32_t) { authenticate(l, Key::kIa, 17, l.x(16)); }
void lift_autib1716(Lifter& l, uint32_t) { authenticate(l, Key::kIb, 17, l.x(16)); }
void lift_paciaz(Lifter& l, uint32_t) { sign(l, Key::kIa, 30, l.b.i64(0)); }
void lift_paciasp(Lifter& l, uint32_t) { sign(l, Key::kIa, 30, l.x_sp(31)); }
void lift_pacibz(Lifter& l, uint32_t) { sign(l, Key::kIb, 30, l.b.i64(0)); }
void lift_pacibsp(Lifter& l, uint32_t) { sign(l, Key::kIb, 30, l.x_sp(31)); }
void lift_autiaz(Lifter& l, uint32_t) { authenticate(l, Key::kIa, 30, l.b.i64(0)); }
void lift_autiasp(Lifter& l, uint32_t) { authenticate(l, Key::kIa, 30, l.x_sp(31)); }
void lift_autibz(Lifter& l, uint32_t) { authenticate(l, Key::kIb, 30, l.b.i64(0)); }
void lift_autibsp(Lifter& l, uint32_t) { authenticate(l, Key::kIb, 30, l.x_sp(31)); }

namespace {
void authenticated_branch(Lifter& l, uint32_t w, Value modifier, bool link) {
  const Value target = add_or_auth(l, Helper::kPacAuth, instruction_key(M_branch(w)), l.x(rn(w)), modifier);
  if (link) l.set_x(30, l.pc(4));
  l.branch_indirect(target, link ? ir::ExitHint::kCall : ir::ExitHint::kJump);
}
}  // namespace
void lift_braaz(Lifter& l, uint32_t w) { authenticated_branch(l, w, l.b.i64(0), false); }
void lift_blraaz(Lifter& l, uint32_t w) { authenticated_branch(l, w, l.b.i64(0), true); }
void lift_braa(Lifter& l, uint32_t w) { authenticated_branch(l, w, l.x_sp(rm_branch(w)), false); }
void lift_blraa(Lifter& l, uint32_t w) { authenticated_branch(l, w, l.x_sp(rm_branch(w)), true); }
void lift_retaa(Lifter& l, uint32_t w) {
  const Value target = add_or_auth(l, Helper::kPacAuth, instruction_key(M_branch(w)), l.x(30), l.x_sp(31));
  l.branch_indirect(target, ir::ExitHint::kReturn);
}
void lift_eretaa(Lifter& l, uint32_t w) {
  if (!l.privileged()) return l.undefined(w);
  l.leave(ExitReason::kEret, 1 + M_branch(w));
}
void lift_ldraa(Lifter& l, uint32_t w) {
  const Value base =
      add_or_auth(l, Helper::kPacAuth, M_load(w) ? Key::kDb : Key::kDa, l.x_sp(rn(w)), l.b.i64(0));
  const int64_t offset = S_imm9(w) * 8;
  l.set_x(rt(w), l.load(Type::i64, base, offset, 3, false));
  if (W(w)) l.set_x_sp(rn(w), l.b.add_imm(base, offset));
}

}  // namespace mynah::arm::a64
