// SPDX-License-Identifier: Apache-2.0
//
// Pointer authentication instructions: data processing (1 source), hints, branches, loads. Manual: AddPAC,
// Auth, Strip, ComputePAC.
//
// The fast flavour has what a system does all day: EL1 signs and authenticates canonical pointers of the
// upper half, EL0 of the lower one, and the codes are right. Anything else leaves to the slow flavour, which
// knows all.
#include <bit>

#include "frontend/arm/a64/lift.h"
#include "frontend/arm/cpu_models.h"
#include "frontend/arm/pauth.h"

namespace mynah::arm::a64 {

namespace {

using Key = PauthKeyName;
using Half = PauthLayout::Half;

bool has_pauth(const Lifter& l) { return l.model.features.has(Feature::kPauth); }
bool enabled(const Lifter& l, Key key) {
  static constexpr uint64_t kBits[] = {kModeEnIa, kModeEnIb, kModeEnDa, kModeEnDb};
  return has_pauth(l) && (l.mode & kBits[static_cast<unsigned>(key)]);
}
bool is_instruction(Key key) { return key == Key::kIa || key == Key::kIb; }
PauthLayout layout(const Lifter& l, Key key) { return pauth_layout(l.mode, is_instruction(key)); }
ir::Slot key_slot(Key key) { return ir::Slot(kSlotApiaLo + 2 * static_cast<unsigned>(key)); }

// ComputePAC: the two halves of a product, folded. A host that can see all that the guest can has no secret
// to keep: what matters is that every bit depends on every other. The addend is for keys and modifiers that
// are small.
Value compute_pac(Lifter& l, Value pointer, Value modifier, ir::Slot key) {
  const Value a = l.b.binary(Op::xor_, pointer, l.b.get(key));
  const Value b =
      l.b.binary(Op::xor_, l.b.add(modifier, l.b.i64(0x9e3779b97f4a7c15)), l.b.get(ir::Slot(key + 1)));
  return l.b.binary(Op::xor_, l.b.binary(Op::mul, a, b), l.b.binary(Op::umulh, a, b));
}

Value extended(Lifter& l, const Half& half, bool upper, Value pointer) {
  return upper ? l.b.binary(Op::or_, pointer, l.b.i64(half.field))
               : l.b.binary(Op::and_, pointer, l.b.i64(~half.field));
}
// A pointer without its code: by the bit that says which half it belongs to.
Value extended(Lifter& l, const PauthLayout& layout, Value pointer, Value upper) {
  return l.b.select(upper, extended(l, layout.half[1], true, pointer),
                    extended(l, layout.half[0], false, pointer));
}
// A constant by half.
template <typename Of>
Value choose(Lifter& l, const PauthLayout& layout, Value upper, Of of) {
  const uint64_t lower_bits = of(layout.half[0], false), upper_bits = of(layout.half[1], true);
  return lower_bits == upper_bits ? l.b.i64(upper_bits)
                                  : l.b.select(upper, l.b.i64(upper_bits), l.b.i64(lower_bits));
}
Value bit_of(Lifter& l, Value v, unsigned n) {
  return l.b.emit(Op::testbit, Type::i1, v, ir::kNoValue, ir::kNoValue, n);
}
Value code_mask(Lifter& l, const PauthLayout& layout, Value upper) {
  return choose(l, layout, upper, [](const Half& h, bool) { return h.code(); });
}

// What is in the code's place is not the code but its difference from the extension bits, which is as good.
Value with_code(Lifter& l, Value canonical, Value pac, Value mask) {
  return l.b.binary(Op::xor_, canonical, l.b.binary(Op::and_, pac, mask));
}

Value add_pac(Lifter& l, Key key, Value pointer, Value modifier) {
  const PauthLayout at = layout(l, key);
  const Value upper = bit_of(l, pointer, at.selector);
  const Value canonical = extended(l, at, pointer, upper);
  const Value pac = compute_pac(l, canonical, modifier, key_slot(key));
  const Value result = with_code(l, canonical, pac, code_mask(l, at, upper));
  // Signing a pointer that is not canonical must give one that does not authenticate.
  const Value flipped = choose(l, at, upper, [](const Half& h, bool) { return uint64_t{1} << h.bad_code(); });
  return l.b.binary(Op::xor_, result,
                    l.b.select(l.b.icmp(Cond::eq, pointer, canonical), l.b.i64(0), flipped));
}

Value auth(Lifter& l, Key key, Value pointer, Value modifier) {
  const PauthLayout at = layout(l, key);
  const Value upper = bit_of(l, pointer, 55);
  const Value canonical = extended(l, at, pointer, upper);
  const Value pac = compute_pac(l, canonical, modifier, key_slot(key));
  const Value expected = with_code(l, canonical, pac, code_mask(l, at, upper));
  // The error code takes two extension bits of which one is always wrong.
  const uint64_t number = key == Key::kIa || key == Key::kDa ? 1 : 2;
  const Value error = choose(
      l, at, upper, [number](const Half& h, bool up) { return (up ? number ^ 3 : number) << h.error(); });
  return l.b.binary(Op::xor_, canonical,
                    l.b.select(l.b.icmp(Cond::eq, pointer, expected), l.b.i64(0), error));
}

void unless_equal(Lifter& l, Value a, Value c) {
  l.b.exit_engine_if(l.b.icmp(Cond::ne, a, c), static_cast<uint8_t>(ExitReason::kSlow));
}

Value add_pac_fast(Lifter& l, Key key, Value pointer, Value modifier) {
  const bool upper = l.privileged();
  const Half half = layout(l, key).half[upper];
  // All of the field is ones, or zeros.
  if (upper && !half.tagged)
    unless_equal(l, l.b.binary(Op::ashr, pointer, l.b.i64(std::countr_zero(half.field))), l.b.i64(~0ull));
  else
    unless_equal(l, l.b.binary(Op::and_, pointer, l.b.i64(half.field)), l.b.i64(upper ? half.field : 0));
  return with_code(l, pointer, compute_pac(l, pointer, modifier, key_slot(key)), l.b.i64(half.code()));
}

Value auth_fast(Lifter& l, Key key, Value pointer, Value modifier) {
  const bool upper = l.privileged();
  const Half half = layout(l, key).half[upper];
  const Value canonical = extended(l, half, upper, pointer);
  const Value pac = compute_pac(l, canonical, modifier, key_slot(key));
  unless_equal(l, with_code(l, canonical, pac, l.b.i64(half.code())), pointer);
  return canonical;
}

Value authenticated(Lifter& l, Key key, Value pointer, Value modifier) {
  if (!enabled(l, key)) return pointer;
  return l.b.slow() ? auth(l, key, pointer, modifier) : auth_fast(l, key, pointer, modifier);
}
void sign(Lifter& l, Key key, unsigned d, Value modifier) {
  if (!enabled(l, key)) return;
  l.set_x(d, l.b.slow() ? add_pac(l, key, l.x(d), modifier) : add_pac_fast(l, key, l.x(d), modifier));
}
void authenticate(Lifter& l, Key key, unsigned d, Value modifier) {
  l.set_x(d, authenticated(l, key, l.x(d), modifier));
}
void strip(Lifter& l, unsigned d, bool instruction) {
  if (!has_pauth(l)) return;  // XPACLRI is a hint
  const Value pointer = l.x(d);
  l.set_x(d, extended(l, pauth_layout(l.mode, instruction), pointer, bit_of(l, pointer, 55)));
}
Key instruction_key(uint32_t m) { return m ? Key::kIb : Key::kIa; }

}  // namespace

void lift_pacia(Lifter& l, Fields<Encoding::pacia> w) { sign(l, Key::kIa, rd(w), l.x_sp(rn(w))); }
void lift_pacib(Lifter& l, Fields<Encoding::pacib> w) { sign(l, Key::kIb, rd(w), l.x_sp(rn(w))); }
void lift_pacda(Lifter& l, Fields<Encoding::pacda> w) { sign(l, Key::kDa, rd(w), l.x_sp(rn(w))); }
void lift_pacdb(Lifter& l, Fields<Encoding::pacdb> w) { sign(l, Key::kDb, rd(w), l.x_sp(rn(w))); }
void lift_autia(Lifter& l, Fields<Encoding::autia> w) { authenticate(l, Key::kIa, rd(w), l.x_sp(rn(w))); }
void lift_autib(Lifter& l, Fields<Encoding::autib> w) { authenticate(l, Key::kIb, rd(w), l.x_sp(rn(w))); }
void lift_autda(Lifter& l, Fields<Encoding::autda> w) { authenticate(l, Key::kDa, rd(w), l.x_sp(rn(w))); }
void lift_autdb(Lifter& l, Fields<Encoding::autdb> w) { authenticate(l, Key::kDb, rd(w), l.x_sp(rn(w))); }
void lift_paciza(Lifter& l, Fields<Encoding::paciza> w) { sign(l, Key::kIa, rd(w), l.b.i64(0)); }
void lift_pacizb(Lifter& l, Fields<Encoding::pacizb> w) { sign(l, Key::kIb, rd(w), l.b.i64(0)); }
void lift_pacdza(Lifter& l, Fields<Encoding::pacdza> w) { sign(l, Key::kDa, rd(w), l.b.i64(0)); }
void lift_pacdzb(Lifter& l, Fields<Encoding::pacdzb> w) { sign(l, Key::kDb, rd(w), l.b.i64(0)); }
void lift_autiza(Lifter& l, Fields<Encoding::autiza> w) { authenticate(l, Key::kIa, rd(w), l.b.i64(0)); }
void lift_autizb(Lifter& l, Fields<Encoding::autizb> w) { authenticate(l, Key::kIb, rd(w), l.b.i64(0)); }
void lift_autdza(Lifter& l, Fields<Encoding::autdza> w) { authenticate(l, Key::kDa, rd(w), l.b.i64(0)); }
void lift_autdzb(Lifter& l, Fields<Encoding::autdzb> w) { authenticate(l, Key::kDb, rd(w), l.b.i64(0)); }
void lift_xpaci(Lifter& l, Fields<Encoding::xpaci> w) { strip(l, rd(w), true); }
void lift_xpacd(Lifter& l, Fields<Encoding::xpacd> w) { strip(l, rd(w), false); }
void lift_pacga(Lifter& l, Fields<Encoding::pacga> w) {
  const Value pac = compute_pac(l, l.x(rn(w)), l.x_sp(rm(w)), kSlotApgaLo);
  l.set_x(rd(w), l.b.binary(Op::and_, pac, l.b.i64(~uint64_t{0xffffffff})));
}

void lift_xpaclri(Lifter& l, Fields<Encoding::xpaclri>) { strip(l, 30, true); }
void lift_pacia1716(Lifter& l, Fields<Encoding::pacia1716>) { sign(l, Key::kIa, 17, l.x(16)); }
void lift_pacib1716(Lifter& l, Fields<Encoding::pacib1716>) { sign(l, Key::kIb, 17, l.x(16)); }
void lift_autia1716(Lifter& l, Fields<Encoding::autia1716>) { authenticate(l, Key::kIa, 17, l.x(16)); }
void lift_autib1716(Lifter& l, Fields<Encoding::autib1716>) { authenticate(l, Key::kIb, 17, l.x(16)); }
void lift_paciaz(Lifter& l, Fields<Encoding::paciaz>) { sign(l, Key::kIa, 30, l.b.i64(0)); }
void lift_paciasp(Lifter& l, Fields<Encoding::paciasp>) { sign(l, Key::kIa, 30, l.x_sp(31)); }
void lift_pacibz(Lifter& l, Fields<Encoding::pacibz>) { sign(l, Key::kIb, 30, l.b.i64(0)); }
void lift_pacibsp(Lifter& l, Fields<Encoding::pacibsp>) { sign(l, Key::kIb, 30, l.x_sp(31)); }
void lift_autiaz(Lifter& l, Fields<Encoding::autiaz>) { authenticate(l, Key::kIa, 30, l.b.i64(0)); }
void lift_autiasp(Lifter& l, Fields<Encoding::autiasp>) { authenticate(l, Key::kIa, 30, l.x_sp(31)); }
void lift_autibz(Lifter& l, Fields<Encoding::autibz>) { authenticate(l, Key::kIb, 30, l.b.i64(0)); }
void lift_autibsp(Lifter& l, Fields<Encoding::autibsp>) { authenticate(l, Key::kIb, 30, l.x_sp(31)); }

namespace {
void authenticated_branch(Lifter& l, auto w, Value modifier, bool link) {
  const Value target = authenticated(l, instruction_key(w["M"]), l.x(rn(w)), modifier);
  if (link) l.set_x(30, l.pc(4));
  l.branch_indirect(target, link ? ir::BranchKind::kCall : l.jump_kind(rn(w)));
}
}  // namespace
void lift_braaz(Lifter& l, Fields<Encoding::braaz> w) { authenticated_branch(l, w, l.b.i64(0), false); }
void lift_blraaz(Lifter& l, Fields<Encoding::blraaz> w) { authenticated_branch(l, w, l.b.i64(0), true); }
void lift_braa(Lifter& l, Fields<Encoding::braa> w) { authenticated_branch(l, w, l.x_sp(w["rm"]), false); }
void lift_blraa(Lifter& l, Fields<Encoding::blraa> w) { authenticated_branch(l, w, l.x_sp(w["rm"]), true); }
void lift_retaa(Lifter& l, Fields<Encoding::retaa> w) {
  const Value target = authenticated(l, instruction_key(w["M"]), l.x(30), l.x_sp(31));
  l.branch_indirect(target, ir::BranchKind::kReturn);
}
void lift_eretaa(Lifter& l, Fields<Encoding::eretaa> w) {
  if (!l.privileged()) return l.undefined(w);
  const Value target = authenticated(l, instruction_key(w["M"]), l.b.get(kSlotElr), l.x_sp(31));
  l.leave(ExitReason::kEret, 0, target);
}
void lift_ldraa(Lifter& l, Fields<Encoding::ldraa> w) {
  const Value base = authenticated(l, w["M"] ? Key::kDb : Key::kDa, l.base(rn(w)), l.b.i64(0));
  const int64_t offset = (int64_t{w["imm9"]} - 512 * int64_t{w["S"]}) * 8;
  l.set_x(rt(w), l.load(Type::i64, base, offset, 3, false));
  if (W(w)) l.set_x_sp(rn(w), l.b.add_imm(base, offset));
}

}  // namespace mynah::arm::a64
