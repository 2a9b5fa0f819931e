// SPDX-License-Identifier: Apache-2.0
//
// Data processing, register (Arm ARM, C4.1.67), but for pointer authentication.
#include "frontend/arm/a64/lift.h"
#include "frontend/arm/a64/lift_shared.h"

namespace mynah::arm::a64 {

namespace {

void binary(Lifter& l, uint32_t word, Op op) {
  l.set_x(rd(word), l.b.binary(op, l.reg(sf(word), rn(word)), l.reg(sf(word), rm(word))));
}
void unary(Lifter& l, uint32_t word, Op op) { l.set_x(rd(word), l.b.unary(op, l.reg(sf(word), rn(word)))); }

}  // namespace

// --- two sources
void lift_udiv(Lifter& l, Fields<Encoding::udiv> word) { binary(l, word, Op::udiv); }
void lift_sdiv(Lifter& l, Fields<Encoding::sdiv> word) { binary(l, word, Op::sdiv); }
void lift_lslv(Lifter& l, Fields<Encoding::lslv> word) { binary(l, word, Op::shl); }
void lift_lsrv(Lifter& l, Fields<Encoding::lsrv> word) { binary(l, word, Op::lshr); }
void lift_asrv(Lifter& l, Fields<Encoding::asrv> word) { binary(l, word, Op::ashr); }
void lift_rorv(Lifter& l, Fields<Encoding::rorv> word) { binary(l, word, Op::ror); }

namespace {
void crc(Lifter& l, auto word, uint64_t castagnoli) {
  const Value data = l.reg(word["sz"] == 3, rm(word));
  l.set_x(rd(word), l.b.emit(Op::crc32, Type::i32, l.w(rn(word)), data, ir::kNoValue, castagnoli,
                             static_cast<uint8_t>(1u << word["sz"])));
}
}  // namespace
void lift_crc32(Lifter& l, Fields<Encoding::crc32> word) { crc(l, word, 0); }
void lift_crc32c(Lifter& l, Fields<Encoding::crc32c> word) { crc(l, word, 1); }

// --- one source
void lift_rbit(Lifter& l, Fields<Encoding::rbit> word) { unary(l, word, Op::rbit); }
void lift_rev16(Lifter& l, Fields<Encoding::rev16> word) { unary(l, word, Op::bswap16); }
void lift_rev(Lifter& l, Fields<Encoding::rev> word) { unary(l, word, Op::bswap); }
void lift_rev32(Lifter& l, Fields<Encoding::rev32> word) { unary(l, word, Op::bswap32); }
void lift_clz(Lifter& l, Fields<Encoding::clz> word) { unary(l, word, Op::clz); }
void lift_cls(Lifter& l, Fields<Encoding::cls> word) { unary(l, word, Op::cls); }

// --- logical (shifted register)
namespace {
void logical(Lifter& l, uint32_t word, Op op, bool invert, bool set_flags = false) {
  const Value a = l.reg(sf(word), rn(word));
  const Value c = shift_reg(l, sf(word), rm(word), shift(word), imm6(word));
  Value result;
  if (op == Op::and_ && invert) {
    result = l.b.binary(Op::andn, a, c);
  } else {
    const Value operand = invert ? l.b.unary(Op::not_, c) : c;
    result = l.b.binary(op, a, operand);
    if (set_flags) l.set_flags(l.b.emit(Op::fl_and, Type::flags, a, operand));
  }
  if (set_flags && invert) l.set_flags(l.b.emit(Op::fl_logic, Type::flags, result));
  l.set_x(rd(word), result);
}
}  // namespace
void lift_and_shifted_register(Lifter& l, Fields<Encoding::and_shifted_register> word) {
  logical(l, word, Op::and_, false);
}
void lift_bic_shifted_register(Lifter& l, Fields<Encoding::bic_shifted_register> word) {
  logical(l, word, Op::and_, true);
}
void lift_orr_shifted_register(Lifter& l, Fields<Encoding::orr_shifted_register> word) {
  logical(l, word, Op::or_, false);
}
void lift_orn_shifted_register(Lifter& l, Fields<Encoding::orn_shifted_register> word) {
  logical(l, word, Op::or_, true);
}
void lift_eor_shifted_register(Lifter& l, Fields<Encoding::eor_shifted_register> word) {
  logical(l, word, Op::xor_, false);
}
void lift_eon_shifted_register(Lifter& l, Fields<Encoding::eon_shifted_register> word) {
  logical(l, word, Op::xor_, true);
}
void lift_ands_shifted_register(Lifter& l, Fields<Encoding::ands_shifted_register> word) {
  logical(l, word, Op::and_, false, true);
}
void lift_bics_shifted_register(Lifter& l, Fields<Encoding::bics_shifted_register> word) {
  logical(l, word, Op::and_, true, true);
}

// --- add and subtract
namespace {
void add_sub_shifted(Lifter& l, uint32_t word, bool subtract, bool set_flags) {
  const Value c = shift_reg(l, sf(word), rm(word), shift(word), imm6(word));
  l.set_x(rd(word), add_with_carry(l, l.reg(sf(word), rn(word)), c, subtract, set_flags));
}
void add_sub_extended(Lifter& l, uint32_t word, bool subtract, bool set_flags) {
  const Value c = extend_reg(l, sf(word), rm(word), option(word), imm3(word));
  const Value result = add_with_carry(l, l.reg_sp(sf(word), rn(word)), c, subtract, set_flags);
  if (set_flags)
    l.set_x(rd(word), result);
  else
    l.set_x_sp(rd(word), result);
}
void add_sub_carry(Lifter& l, uint32_t word, bool subtract, bool set_flags) {
  const Value a = l.reg(sf(word), rn(word)), c = l.reg(sf(word), rm(word));
  const Value carry = l.carry();
  const Value result = l.b.emit(subtract ? Op::sbc : Op::adc, l.b.type(a), a, c, carry);
  if (set_flags) l.set_flags(l.b.emit(subtract ? Op::fl_sbc : Op::fl_adc, Type::flags, a, c, carry));
  l.set_x(rd(word), result);
}
}  // namespace
void lift_add_shifted_register(Lifter& l, Fields<Encoding::add_shifted_register> word) {
  add_sub_shifted(l, word, false, false);
}
void lift_adds_shifted_register(Lifter& l, Fields<Encoding::adds_shifted_register> word) {
  add_sub_shifted(l, word, false, true);
}
void lift_sub_shifted_register(Lifter& l, Fields<Encoding::sub_shifted_register> word) {
  add_sub_shifted(l, word, true, false);
}
void lift_subs_shifted_register(Lifter& l, Fields<Encoding::subs_shifted_register> word) {
  add_sub_shifted(l, word, true, true);
}
void lift_add_extended_register(Lifter& l, Fields<Encoding::add_extended_register> word) {
  add_sub_extended(l, word, false, false);
}
void lift_adds_extended_register(Lifter& l, Fields<Encoding::adds_extended_register> word) {
  add_sub_extended(l, word, false, true);
}
void lift_sub_extended_register(Lifter& l, Fields<Encoding::sub_extended_register> word) {
  add_sub_extended(l, word, true, false);
}
void lift_subs_extended_register(Lifter& l, Fields<Encoding::subs_extended_register> word) {
  add_sub_extended(l, word, true, true);
}
void lift_adc(Lifter& l, Fields<Encoding::adc> word) { add_sub_carry(l, word, false, false); }
void lift_adcs(Lifter& l, Fields<Encoding::adcs> word) { add_sub_carry(l, word, false, true); }
void lift_sbc(Lifter& l, Fields<Encoding::sbc> word) { add_sub_carry(l, word, true, false); }
void lift_sbcs(Lifter& l, Fields<Encoding::sbcs> word) { add_sub_carry(l, word, true, true); }

// --- flags
void lift_rmif(Lifter& l, Fields<Encoding::rmif> word) {
  const Value rotated = l.b.binary(Op::ror, l.x(rn(word)), l.b.i64(word["imm6"]));
  const Value moved = l.b.binary(Op::shl, l.b.trunc(rotated), l.b.i32(28));
  const uint32_t taken = mask(word) << 28;
  const Value old = l.b.emit(Op::fl_unpack, Type::i32, l.flags());
  const Value nzcv = l.b.binary(Op::or_, l.b.binary(Op::and_, old, l.b.i32(~taken)),
                                l.b.binary(Op::and_, moved, l.b.i32(taken)));
  l.set_flags(l.b.emit(Op::fl_pack, Type::flags, nzcv));
}

namespace {
void setf(Lifter& l, uint32_t word, unsigned width) {
  // N = value<width-1>, Z = value<width-1:0> is zero, V = value<width> ^ value<width-1>; C stays.
  const Value v = l.w(rn(word));
  const Value n = l.b.unary(Op::ubfx, v, 1, static_cast<uint8_t>(width - 1));
  const Value above = l.b.unary(Op::ubfx, v, 1, static_cast<uint8_t>(width));
  const Value low = l.b.unary(width == 8 ? Op::zext8 : Op::zext16, v);
  const Value z = l.b.emit(Op::bool_int, Type::i32, l.b.icmpz(Cond::eq, low));
  const auto at = [&](Value bit, unsigned to) { return l.b.binary(Op::shl, bit, l.b.i32(to)); };
  const Value c = l.b.binary(Op::and_, l.b.emit(Op::fl_unpack, Type::i32, l.flags()), l.b.i32(1u << 29));
  Value nzcv = l.b.binary(Op::or_, at(n, 31), at(z, 30));
  nzcv = l.b.binary(Op::or_, nzcv, at(l.b.binary(Op::xor_, n, above), 28));
  l.set_flags(l.b.emit(Op::fl_pack, Type::flags, l.b.binary(Op::or_, nzcv, c)));
}
}  // namespace
void lift_setf8(Lifter& l, Fields<Encoding::setf8> word) { setf(l, word, 8); }
void lift_setf16(Lifter& l, Fields<Encoding::setf16> word) { setf(l, word, 16); }

// --- conditional compare and select
namespace {
void conditional_compare(Lifter& l, uint32_t word, bool subtract, Value c) {
  const uint32_t k = nzcv(word);
  const Value otherwise = l.b.emit(Op::fl_konst, Type::flags, ir::kNoValue, ir::kNoValue, ir::kNoValue,
                                   ir::pack_flags(k & 8, k & 4, k & 2, k & 1));
  const Value holds = l.cond(cond(word));
  const Value compared =
      l.b.emit(subtract ? Op::fl_sub : Op::fl_add, Type::flags, l.reg(sf(word), rn(word)), c);
  l.set_flags(l.b.emit(Op::fl_select, Type::flags, holds, compared, otherwise));
}
void conditional_select(Lifter& l, uint32_t word, Op change) {
  const Value holds = l.cond(cond(word));
  const Value a = l.reg(sf(word), rn(word));
  Value c = l.reg(sf(word), rm(word));
  if (change == Op::add)
    c = l.b.add_imm(c, 1);
  else if (change != Op::konst)
    c = l.b.unary(change, c);
  l.set_x(rd(word), l.b.select(holds, a, c));
}
}  // namespace
void lift_ccmn_register(Lifter& l, Fields<Encoding::ccmn_register> word) {
  conditional_compare(l, word, false, l.reg(sf(word), rm(word)));
}
void lift_ccmp_register(Lifter& l, Fields<Encoding::ccmp_register> word) {
  conditional_compare(l, word, true, l.reg(sf(word), rm(word)));
}
void lift_ccmn_immediate(Lifter& l, Fields<Encoding::ccmn_immediate> word) {
  conditional_compare(l, word, false, l.konst(sf(word), imm5(word)));
}
void lift_ccmp_immediate(Lifter& l, Fields<Encoding::ccmp_immediate> word) {
  conditional_compare(l, word, true, l.konst(sf(word), imm5(word)));
}
void lift_csel(Lifter& l, Fields<Encoding::csel> word) { conditional_select(l, word, Op::konst); }
void lift_csinc(Lifter& l, Fields<Encoding::csinc> word) { conditional_select(l, word, Op::add); }
void lift_csinv(Lifter& l, Fields<Encoding::csinv> word) { conditional_select(l, word, Op::not_); }
void lift_csneg(Lifter& l, Fields<Encoding::csneg> word) { conditional_select(l, word, Op::neg); }

// --- three sources
namespace {
void multiply_add(Lifter& l, uint32_t word, Value product, Value a, bool subtract) {
  l.set_x(rd(word), subtract ? l.b.sub(a, product) : l.b.add(a, product));
}
void multiply_add_long(Lifter& l, uint32_t word, Op extend, bool subtract) {
  const Value n = l.b.emit(extend, Type::i64, l.w(rn(word))), m = l.b.emit(extend, Type::i64, l.w(rm(word)));
  multiply_add(l, word, l.b.binary(Op::mul, n, m), l.x(ra(word)), subtract);
}
}  // namespace
void lift_madd(Lifter& l, Fields<Encoding::madd> word) {
  const Value product = l.b.binary(Op::mul, l.reg(sf(word), rn(word)), l.reg(sf(word), rm(word)));
  multiply_add(l, word, product, l.reg(sf(word), ra(word)), false);
}
void lift_msub(Lifter& l, Fields<Encoding::msub> word) {
  const Value product = l.b.binary(Op::mul, l.reg(sf(word), rn(word)), l.reg(sf(word), rm(word)));
  multiply_add(l, word, product, l.reg(sf(word), ra(word)), true);
}
void lift_smaddl(Lifter& l, Fields<Encoding::smaddl> word) { multiply_add_long(l, word, Op::sext32, false); }
void lift_smsubl(Lifter& l, Fields<Encoding::smsubl> word) { multiply_add_long(l, word, Op::sext32, true); }
void lift_umaddl(Lifter& l, Fields<Encoding::umaddl> word) { multiply_add_long(l, word, Op::zext32, false); }
void lift_umsubl(Lifter& l, Fields<Encoding::umsubl> word) { multiply_add_long(l, word, Op::zext32, true); }
void lift_smulh(Lifter& l, Fields<Encoding::smulh> word) {
  l.set_x(rd(word), l.b.binary(Op::smulh, l.x(rn(word)), l.x(rm(word))));
}
void lift_umulh(Lifter& l, Fields<Encoding::umulh> word) {
  l.set_x(rd(word), l.b.binary(Op::umulh, l.x(rn(word)), l.x(rm(word))));
}

}  // namespace mynah::arm::a64
