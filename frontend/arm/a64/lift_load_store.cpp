// SPDX-License-Identifier: Apache-2.0
//
// Loads and stores of general registers (Arm ARM, C4.1.66), but for exclusives and atomics.
#include "frontend/arm/a64/lift.h"
#include "frontend/arm/a64/lift_shared.h"

namespace mynah::arm::a64 {

namespace {

// Signed loads: opc 2 extends to 64 bits, 3 to 32.
Value load_value(Lifter& l, Value base, int64_t offset, unsigned size, bool is_signed, bool to32, bool user) {
  const Type type = size == 3 || (is_signed && !to32) ? Type::i64 : Type::i32;
  return l.load(type, base, offset, size, is_signed, user);
}
Value stored_value(Lifter& l, unsigned size, unsigned t) { return l.reg(size == 3, t); }

void load_to(Lifter& l, unsigned t, Value base, int64_t offset, unsigned size, bool is_signed, bool to32,
             Index index = Index::kOffset, unsigned n = 31, bool user = false) {
  const int64_t at = index == Index::kPost ? 0 : offset;
  const Value v = load_value(l, base, at, size, is_signed, to32, user);
  if (index != Index::kOffset) l.set_x_sp(n, l.b.add_imm(base, offset));
  l.set_x(t, v);
}
void store_from(Lifter& l, unsigned t, Value base, int64_t offset, unsigned size,
                Index index = Index::kOffset, unsigned n = 31, bool user = false) {
  const int64_t at = index == Index::kPost ? 0 : offset;
  l.store(base, at, size, stored_value(l, size, t), user);
  if (index != Index::kOffset) l.set_x_sp(n, l.b.add_imm(base, offset));
}
int64_t scaled(auto w) { return int64_t{imm12(w)} << w["size"]; }
Value register_offset(Lifter& l, auto w) { return register_offset(l, w, w["size"]); }

}  // namespace

// --- literal
void lift_ldr_literal(Lifter& l, Fields<Encoding::ldr_literal> w) {
  load_to(l, rt(w), l.pc(imm19(w) * 4), 0, w["opc"] ? 3 : 2, false, false);
}
void lift_ldrsw_literal(Lifter& l, Fields<Encoding::ldrsw_literal> w) {
  load_to(l, rt(w), l.pc(imm19(w) * 4), 0, 2, true, false);
}
void lift_prfm_literal(Lifter&, Fields<Encoding::prfm_literal>) {}

// --- pairs
namespace {
unsigned pair_size(auto w) { return w["opc"] ? 3 : 2; }
void pair(Lifter& l, uint32_t w, unsigned size, bool load, Index index, bool sign_extend = false) {
  const int64_t offset = imm7(w) * (1 << size);
  const Value base = l.base(rn(w));
  const int64_t at = index == Index::kPost ? 0 : offset;
  const int64_t second = at + (1 << size);
  const Value p = l.guard(base, at, {.size = size, .bytes = 2u << size, .write = !load});
  const uint8_t aux = static_cast<uint8_t>(size | (sign_extend ? ir::kMemSigned : 0));
  if (load) {
    const Type type = size == 3 || sign_extend ? Type::i64 : Type::i32;
    const Value a = l.b.load(type, p, at, aux), c = l.b.load(type, p, second, aux);
    if (index != Index::kOffset) l.set_x_sp(rn(w), l.b.add_imm(base, offset));
    l.set_x(rt(w), a);
    l.set_x(rt2(w), c);
  } else {
    l.b.store(p, at, stored_value(l, size, rt(w)), aux);
    l.b.store(p, second, stored_value(l, size, rt2(w)), aux);
    l.b.commit(p);
    if (index != Index::kOffset) l.set_x_sp(rn(w), l.b.add_imm(base, offset));
  }
}
}  // namespace
void lift_stnp(Lifter& l, Fields<Encoding::stnp> w) { pair(l, w, pair_size(w), false, Index::kOffset); }
void lift_ldnp(Lifter& l, Fields<Encoding::ldnp> w) { pair(l, w, pair_size(w), true, Index::kOffset); }
void lift_stp(Lifter& l, Fields<Encoding::stp> w) { pair(l, w, pair_size(w), false, pair_indexing(w)); }
void lift_ldp(Lifter& l, Fields<Encoding::ldp> w) { pair(l, w, pair_size(w), true, pair_indexing(w)); }
void lift_ldpsw(Lifter& l, Fields<Encoding::ldpsw> w) { pair(l, w, 2, true, pair_indexing(w), true); }

// --- unscaled immediate
void lift_stur(Lifter& l, Fields<Encoding::stur> w) {
  store_from(l, rt(w), l.base(rn(w)), imm9(w), w["size"]);
}
void lift_ldur(Lifter& l, Fields<Encoding::ldur> w) {
  load_to(l, rt(w), l.base(rn(w)), imm9(w), w["size"], false, false);
}
void lift_ldurs(Lifter& l, Fields<Encoding::ldurs> w) {
  load_to(l, rt(w), l.base(rn(w)), imm9(w), w["size"], true, opc(w) == 3);
}
void lift_prfum(Lifter&, Fields<Encoding::prfum>) {}

// --- pre- and post-indexed
void lift_str_immediate_indexed(Lifter& l, Fields<Encoding::str_immediate_indexed> w) {
  store_from(l, rt(w), l.base(rn(w)), imm9(w), w["size"], indexing(w), rn(w));
}
void lift_ldr_immediate_indexed(Lifter& l, Fields<Encoding::ldr_immediate_indexed> w) {
  load_to(l, rt(w), l.base(rn(w)), imm9(w), w["size"], false, false, indexing(w), rn(w));
}
void lift_ldrs_immediate_indexed(Lifter& l, Fields<Encoding::ldrs_immediate_indexed> w) {
  load_to(l, rt(w), l.base(rn(w)), imm9(w), w["size"], true, opc(w) == 3, indexing(w), rn(w));
}

// --- unprivileged
void lift_sttr(Lifter& l, Fields<Encoding::sttr> w) {
  store_from(l, rt(w), l.base(rn(w)), imm9(w), w["size"], Index::kOffset, 31, true);
}
void lift_ldtr(Lifter& l, Fields<Encoding::ldtr> w) {
  load_to(l, rt(w), l.base(rn(w)), imm9(w), w["size"], false, false, Index::kOffset, 31, true);
}
void lift_ldtrs(Lifter& l, Fields<Encoding::ldtrs> w) {
  load_to(l, rt(w), l.base(rn(w)), imm9(w), w["size"], true, opc(w) == 3, Index::kOffset, 31, true);
}

// --- register offset
void lift_str_register(Lifter& l, Fields<Encoding::str_register> w) {
  store_from(l, rt(w), register_offset(l, w), 0, w["size"]);
}
void lift_ldr_register(Lifter& l, Fields<Encoding::ldr_register> w) {
  load_to(l, rt(w), register_offset(l, w), 0, w["size"], false, false);
}
void lift_ldrs_register(Lifter& l, Fields<Encoding::ldrs_register> w) {
  load_to(l, rt(w), register_offset(l, w), 0, w["size"], true, opc(w) == 3);
}
void lift_prfm_register(Lifter&, Fields<Encoding::prfm_register>) {}

// --- unsigned immediate
void lift_str_immediate(Lifter& l, Fields<Encoding::str_immediate> w) {
  store_from(l, rt(w), l.base(rn(w)), scaled(w), w["size"]);
}
void lift_ldr_immediate(Lifter& l, Fields<Encoding::ldr_immediate> w) {
  load_to(l, rt(w), l.base(rn(w)), scaled(w), w["size"], false, false);
}
void lift_ldrs_immediate(Lifter& l, Fields<Encoding::ldrs_immediate> w) {
  load_to(l, rt(w), l.base(rn(w)), scaled(w), w["size"], true, opc(w) == 3);
}
void lift_prfm_immediate(Lifter&, Fields<Encoding::prfm_immediate>) {}

// --- ordered
namespace {
void load_ordered(Lifter& l, auto w, int64_t offset, unsigned align) {
  const unsigned size = w["size"];
  const Value p = l.guard(l.base(rn(w)), offset, {.size = size, .align = align});
  l.set_x(rt(w), l.b.load(size == 3 ? Type::i64 : Type::i32, p, offset,
                          static_cast<uint8_t>(size | ir::kMemAcquire)));
}
void store_ordered(Lifter& l, auto w, int64_t offset, unsigned align) {
  const unsigned size = w["size"];
  const Value p = l.guard(l.base(rn(w)), offset, {.size = size, .write = true, .align = align});
  l.b.store(p, offset, stored_value(l, size, rt(w)), static_cast<uint8_t>(size | ir::kMemRelease));
  l.b.commit(p);
}
}  // namespace
void lift_stllr(Lifter& l, Fields<Encoding::stllr> w) { store_ordered(l, w, 0, w["size"]); }
void lift_stlr(Lifter& l, Fields<Encoding::stlr> w) { store_ordered(l, w, 0, w["size"]); }
void lift_ldlar(Lifter& l, Fields<Encoding::ldlar> w) { load_ordered(l, w, 0, w["size"]); }
void lift_ldar(Lifter& l, Fields<Encoding::ldar> w) { load_ordered(l, w, 0, w["size"]); }
void lift_ldapr(Lifter& l, Fields<Encoding::ldapr> w) { load_ordered(l, w, 0, w["size"]); }
void lift_stlur(Lifter& l, Fields<Encoding::stlur> w) { store_ordered(l, w, imm9(w), w["size"]); }
void lift_ldapur(Lifter& l, Fields<Encoding::ldapur> w) { load_ordered(l, w, imm9(w), w["size"]); }
void lift_ldapurs(Lifter& l, Fields<Encoding::ldapurs> w) {
  const unsigned size = w["size"];
  const Value p = l.guard(l.base(rn(w)), imm9(w), {.size = size, .align = size});
  const Type type = opc(w) == 3 ? Type::i32 : Type::i64;
  l.set_x(rt(w), l.b.load(type, p, imm9(w), static_cast<uint8_t>(size | ir::kMemAcquire | ir::kMemSigned)));
}

}  // namespace mynah::arm::a64
