// SPDX-License-Identifier: Apache-2.0
//
// Loads and stores of single SIMD&FP registers and of pairs (Arm ARM, C4.1.66). Structures are in
// lift_simd_structure.cpp.
#include "frontend/arm/a64/lift.h"
#include "frontend/arm/a64/lift_shared.h"
#include "frontend/arm/a64/lift_simd_shared.h"

namespace mynah::arm::a64 {

namespace {

// Log2 of the register's bytes: opc1 (with size 0) is the 128-bit form.
unsigned register_size(auto w) { return w["opc1"] ? 4 : w["size"]; }

// The upper part of the register is cleared.
Value load_register(Lifter& l, Value p, int64_t offset, unsigned size) {
  const auto aux = static_cast<uint8_t>(size);
  switch (size) {
    case 0:
      return l.b.emit(Op::vfrom_gpr, Type::v128, l.b.load(Type::i32, p, offset, aux));
    case 4:
      return l.b.load(Type::v128, p, offset, aux);
    default:
      return l.b.emit(Op::vzext, Type::v128, l.b.load(fp_type(size), p, offset, aux));
  }
}
void store_register(Lifter& l, Value p, int64_t offset, unsigned size, unsigned t) {
  Value v = l.v(t);
  if (size == 0)
    v = l.b.emit(Op::vextract, Type::i32, v, ir::kNoValue, ir::kNoValue, 0, 0);
  else if (size != 4)
    v = l.scalar(fp_type(size), t);
  l.b.store(p, offset, v, static_cast<uint8_t>(size));
}

void load_to(Lifter& l, uint32_t w, Value base, int64_t offset, unsigned size, Index index = Index::kOffset) {
  const int64_t at = index == Index::kPost ? 0 : offset;
  const Value p = l.guard(base, at, {.size = size});
  const Value v = load_register(l, p, at, size);
  if (index != Index::kOffset) l.set_x_sp(rn(w), l.b.add_imm(base, offset));
  l.set_v(rt(w), v);
}
void store_from(Lifter& l, uint32_t w, Value base, int64_t offset, unsigned size,
                Index index = Index::kOffset) {
  const int64_t at = index == Index::kPost ? 0 : offset;
  const Value p = l.guard(base, at, {.size = size, .write = true});
  store_register(l, p, at, size, rt(w));
  l.b.commit(p);
  if (index != Index::kOffset) l.set_x_sp(rn(w), l.b.add_imm(base, offset));
}
int64_t scaled(auto w) { return int64_t{imm12(w)} << register_size(w); }

}  // namespace

// --- one register
void lift_ldr_literal_simd(Lifter& l, Fields<Encoding::ldr_literal_simd> w) {
  if (!l.fp_access()) return;
  load_to(l, w, l.pc(imm19(w) * 4), 0, 2 + w["opc"]);
}
void lift_ldur_simd(Lifter& l, Fields<Encoding::ldur_simd> w) {
  if (!l.fp_access()) return;
  load_to(l, w, l.base(rn(w)), imm9(w), register_size(w));
}
void lift_stur_simd(Lifter& l, Fields<Encoding::stur_simd> w) {
  if (!l.fp_access()) return;
  store_from(l, w, l.base(rn(w)), imm9(w), register_size(w));
}
void lift_ldr_immediate_indexed_simd(Lifter& l, Fields<Encoding::ldr_immediate_indexed_simd> w) {
  if (!l.fp_access()) return;
  load_to(l, w, l.base(rn(w)), imm9(w), register_size(w), indexing(w));
}
void lift_str_immediate_indexed_simd(Lifter& l, Fields<Encoding::str_immediate_indexed_simd> w) {
  if (!l.fp_access()) return;
  store_from(l, w, l.base(rn(w)), imm9(w), register_size(w), indexing(w));
}
void lift_ldr_register_simd(Lifter& l, Fields<Encoding::ldr_register_simd> w) {
  if (!l.fp_access()) return;
  load_to(l, w, register_offset(l, w, register_size(w)), 0, register_size(w));
}
void lift_str_register_simd(Lifter& l, Fields<Encoding::str_register_simd> w) {
  if (!l.fp_access()) return;
  store_from(l, w, register_offset(l, w, register_size(w)), 0, register_size(w));
}
void lift_ldr_immediate_simd(Lifter& l, Fields<Encoding::ldr_immediate_simd> w) {
  if (!l.fp_access()) return;
  load_to(l, w, l.base(rn(w)), scaled(w), register_size(w));
}
void lift_str_immediate_simd(Lifter& l, Fields<Encoding::str_immediate_simd> w) {
  if (!l.fp_access()) return;
  store_from(l, w, l.base(rn(w)), scaled(w), register_size(w));
}

// --- pairs
namespace {
void pair(Lifter& l, auto w, bool load, Index index) {
  if (!l.fp_access()) return;
  const unsigned size = 2 + w["opc"];
  const int64_t offset = imm7(w) * (1 << size);
  const Value base = l.base(rn(w));
  const int64_t first = index == Index::kPost ? 0 : offset, second = first + (1 << size);
  const Value p = l.guard(base, first, {.size = size, .bytes = 2u << size, .write = !load});
  if (load) {
    const Value a = load_register(l, p, first, size), c = load_register(l, p, second, size);
    l.set_v(rt(w), a);
    l.set_v(rt2(w), c);
  } else {
    store_register(l, p, first, size, rt(w));
    store_register(l, p, second, size, rt2(w));
    l.b.commit(p);
  }
  if (index != Index::kOffset) l.set_x_sp(rn(w), l.b.add_imm(base, offset));
}
}  // namespace
void lift_stnp_simd(Lifter& l, Fields<Encoding::stnp_simd> w) { pair(l, w, false, Index::kOffset); }
void lift_ldnp_simd(Lifter& l, Fields<Encoding::ldnp_simd> w) { pair(l, w, true, Index::kOffset); }
void lift_stp_simd(Lifter& l, Fields<Encoding::stp_simd> w) { pair(l, w, false, pair_indexing(w)); }
void lift_ldp_simd(Lifter& l, Fields<Encoding::ldp_simd> w) { pair(l, w, true, pair_indexing(w)); }

}  // namespace mynah::arm::a64
