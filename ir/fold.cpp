// SPDX-License-Identifier: Apache-2.0
//
// Local simplification, run on every instruction as it is built: so each case first looks at one or two
// operands and leaves at once where nothing applies. Nothing here depends on guest state or memory.
// Floating-point ops are left alone: they have sticky flags.
//
// Rules read existing instructions and may append constants; an Inst reference does not survive that, so
// operands are copied first.
#include "ir/fold.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "ir/builder.h"
#include "ir/eval.h"

namespace mynah::ir {

namespace {

constexpr uint64_t mask_of(unsigned width) { return width >= 64 ? ~uint64_t{0} : (uint64_t{1} << width) - 1; }

class Folder {
 public:
  Folder(Builder& b, const Inst& inst) : b_(b), insts_(b.region().insts), i_(inst) {}

  Folded run() {
    switch (i_.op) {
      case Op::add:
        return add();
      case Op::sub:
        return sub();
      case Op::mul:
        return mul();
      case Op::umulh:
      case Op::smulh:
        if (both_const()) return constant();
        constant_last();
        return keep();
      case Op::udiv:
      case Op::sdiv:
        return both_const() ? constant() : keep();
      case Op::and_:
        return and_();
      case Op::or_:
        return or_();
      case Op::xor_:
        return xor_();
      case Op::andn:
        return andn();
      case Op::not_:
      case Op::neg:
        if (is_const(a())) return constant();
        return def(a()).op == i_.op ? value(def(a()).args[0]) : keep();
      case Op::shl:
      case Op::lshr:
      case Op::ashr:
      case Op::ror:
        return shift();
      case Op::extr:
        return extr();
      case Op::bfi:
        return bfi();
      case Op::ubfx:
        return ubfx();
      case Op::sbfx:
        return sbfx();
      case Op::clz:
      case Op::ctz:
      case Op::popcnt:
      case Op::cls:
      case Op::rbit:
      case Op::bswap:
      case Op::bswap16:
      case Op::bswap32:
      case Op::sext8:
      case Op::sext16:
      case Op::sext32:
        return is_const(a()) ? constant() : keep();
      case Op::zext8:
        return zero_extend(8);
      case Op::zext16:
        return zero_extend(16);
      case Op::zext32:
        return zext32();
      case Op::trunc:
        return trunc();
      case Op::crc32:
        return both_const() ? constant() : keep();
      case Op::select:
        return select();
      case Op::icmp:
        return icmp();
      case Op::icmpz:
        return icmpz();
      case Op::testbit:
        return testbit();
      case Op::cond:
        return cond();
      case Op::bool_not:
        return bool_not();
      case Op::bool_int:
        return is_const(a()) ? constant() : keep();
      case Op::fl_add:
      case Op::fl_sub:
      case Op::fl_adc:
      case Op::fl_sbc:
      case Op::adc:
      case Op::sbc:
        return carry();
      case Op::pdep:
      case Op::pext:
      case Op::fl_shl:
      case Op::fl_lshr:
      case Op::fl_ashr:
      case Op::fl_smul:
        return both_const() ? constant() : keep();
      case Op::fl_logic:
        return is_const(a()) ? constant() : keep();
      case Op::fl_and:
        return flags_of_and();
      case Op::fl_select:
        if (is_const(a())) return value(imm(a()) & 1 ? b() : c());
        return b() == c() ? value(b()) : keep();
      case Op::fl_unpack:
        if (def(a()).op == Op::fl_konst) return constant();
        if (def(a()).op == Op::fl_pack) return binary(Op::and_, def(a()).args[0], 0xf0000000u);
        return keep();
      case Op::fl_pack:
        if (is_const(a())) return constant();
        return def(a()).op == Op::fl_unpack ? value(def(a()).args[0]) : keep();
      case Op::fl_bits:
        if (def(a()).op == Op::fl_konst) return constant();
        return keep();
      case Op::fl_of_bits:
        return is_const(a()) ? constant() : keep();
      case Op::fl_inc:
      case Op::fl_dec:
        return step();
      case Op::fl_merge:
        return merge();
      case Op::vlow: {
        const Inst& d = def(a());
        return d.op == Op::vzext && type(d.args[0]) == i_.type ? value(d.args[0]) : keep();
      }
      case Op::vlow64: {
        const Op o = def(a()).op;
        return o == Op::vlow64 || o == Op::vzext || o == Op::vfrom_gpr ? value(a()) : keep();
      }
      case Op::vextract: {
        const Inst& d = def(a());
        return d.op == Op::vfrom_gpr && i_.imm == 0 && type(d.args[0]) == i_.type &&
                       8u << i_.lane() == bits(i_.type)
                   ? value(d.args[0])
                   : keep();
      }
      case Op::vpair:
        if (both_const()) return value(b_.konst_v128(imm(a()), imm(b())));
        return keep();
      case Op::vand:
      case Op::vor:
        return a() == b() ? value(a()) : keep();
      case Op::vxor:
      case Op::vandn:
        return a() == b() ? value(b_.konst_v128(0, 0)) : keep();
      case Op::vnot:
        return def(a()).op == Op::vnot ? value(def(a()).args[0]) : keep();
      default:
        return keep();
    }
  }

 private:
  Value a() const { return i_.args[0]; }
  Value b() const { return i_.args[1]; }
  Value c() const { return i_.args[2]; }
  const Inst& def(Value v) const { return insts_[v]; }
  Type type(Value v) const { return insts_[v].type; }
  bool is_const(Value v) const { return insts_[v].op == Op::konst; }
  uint64_t imm(Value v) const { return insts_[v].imm; }
  bool both_const() const { return is_const(a()) && is_const(b()); }
  unsigned width() const { return bits(i_.type); }
  uint64_t mask() const { return mask_of(width()); }

  // --- answers
  Folded keep() const { return {kNoValue, i_}; }
  static Folded value(Value v) { return {v, {}}; }
  Folded constant_of(uint64_t x) { return value(b_.konst(i_.type, x)); }
  Folded boolean(bool x) { return value(b_.konst(Type::i1, x)); }
  Folded unary(Op op, Value x, uint64_t imm = 0, uint8_t aux = 0) const {
    return {kNoValue,
            {.op = op, .type = i_.type, .aux = aux, .args = {x, kNoValue, kNoValue, kNoValue}, .imm = imm}};
  }
  Folded binary_values(Op op, Value x, Value y, uint8_t aux = 0) const {
    return {kNoValue, {.op = op, .type = i_.type, .aux = aux, .args = {x, y, kNoValue, kNoValue}}};
  }
  Folded binary(Op op, Value x, uint64_t k) { return binary_values(op, x, b_.konst(i_.type, k)); }

  // Every argument is a constant: the evaluator's answer.
  Folded constant() {
    V128 args[4];
    Type types[4] = {};
    const size_t count = facts(i_.op).arguments;
    for (size_t k = 0; k < count; ++k) {
      args[k] = {imm(i_.args[k]), 0};
      types[k] = type(i_.args[k]);
    }
    uint32_t sticky = 0;
    const uint64_t x = evaluate_op({i_.op, i_.type, i_.aux, i_.imm, args, types}, {}, sticky).lo;
    if (i_.type == Type::flags) return {kNoValue, {.op = Op::fl_konst, .type = Type::flags, .imm = x}};
    return value(b_.konst(i_.type, x));
  }

  void constant_last() {
    if (is_const(a()) && !is_const(b())) std::swap(i_.args[0], i_.args[1]);
  }

  // --- arithmetic
  Folded add() {
    constant_last();
    if (!is_const(b())) return keep();
    if (is_const(a())) return constant();
    return add_constant(a(), imm(b()));
  }

  Folded add_constant(Value x, uint64_t k) {
    k &= mask();
    if (def(x).op == Op::add && is_const(def(x).args[1])) {
      k = (k + imm(def(x).args[1])) & mask();
      x = def(x).args[0];
    }
    if (k == 0) return value(x);
    return binary(Op::add, x, k);
  }

  Folded sub() {
    if (is_const(b())) return is_const(a()) ? constant() : add_constant(a(), 0 - imm(b()));
    if (a() == b()) return constant_of(0);
    if (is_const(a()) && imm(a()) == 0) return unary(Op::neg, b());
    return keep();
  }

  Folded mul() {
    constant_last();
    if (!is_const(b())) return keep();
    if (is_const(a())) return constant();
    const uint64_t k = imm(b());
    if (k == 0) return value(b());
    if (k == 1) return value(a());
    if (std::has_single_bit(k)) return binary(Op::shl, a(), static_cast<unsigned>(std::countr_zero(k)));
    return keep();
  }

  Folded and_() {
    constant_last();
    if (is_const(b())) {
      if (is_const(a())) return constant();
      Value x = a();
      uint64_t k = imm(b());
      const bool joins = def(x).op == Op::and_ && is_const(def(x).args[1]);
      if (joins) {
        k &= imm(def(x).args[1]);
        x = def(x).args[0];
      }
      if (k == 0) return constant_of(0);
      if (k == mask()) return value(x);
      return joins ? binary(Op::and_, x, k) : keep();
    }
    if (a() == b()) return value(a());
    if (def(b()).op == Op::not_) return binary_values(Op::andn, a(), def(b()).args[0]);
    if (def(a()).op == Op::not_) return binary_values(Op::andn, b(), def(a()).args[0]);
    return keep();
  }

  Folded or_() {
    constant_last();
    if (a() == b()) return value(a());
    if (!is_const(b())) return keep();
    if (is_const(a())) return constant();
    if (imm(b()) == 0) return value(a());
    if (imm(b()) == mask()) return value(b());
    return keep();
  }

  Folded xor_() {
    constant_last();
    if (a() == b()) return constant_of(0);
    if (!is_const(b())) return keep();
    if (is_const(a())) return constant();
    if (imm(b()) == 0) return value(a());
    if (imm(b()) == mask()) return not_of(a());
    return keep();
  }

  Folded not_of(Value x) const { return def(x).op == Op::not_ ? value(def(x).args[0]) : unary(Op::not_, x); }

  Folded andn() {
    if (a() == b()) return constant_of(0);
    if (is_const(b())) {
      if (is_const(a())) return constant();
      const uint64_t k = ~imm(b()) & mask();
      if (k == 0) return constant_of(0);
      if (k == mask()) return value(a());
      return binary(Op::and_, a(), k);
    }
    if (is_const(a())) {
      if (imm(a()) == 0) return value(a());
      if (imm(a()) == mask()) return not_of(b());
    }
    return keep();
  }

  Folded shift() {
    if (!is_const(b())) return is_const(a()) && imm(a()) == 0 ? value(a()) : keep();
    if (is_const(a())) return constant();
    const uint64_t amount = imm(b()) & (width() - 1);
    if (amount == 0) return value(a());
    if (amount != imm(b())) i_.args[1] = b_.konst(i_.type, amount);
    return keep();
  }

  // --- fields
  Folded extr() {
    if (both_const()) return constant();
    const uint64_t amount = i_.imm;
    if (a() == b() && amount != 0) return binary(Op::ror, a(), amount);
    if (is_const(a()) && imm(a()) == 0) return binary(Op::lshr, b(), amount);
    return keep();
  }

  Folded bfi() {
    if (both_const()) return constant();
    return i_.field().width >= width() ? value(b()) : keep();
  }

  Folded ubfx() {
    if (is_const(a())) return constant();
    auto [low, count] = i_.field();
    Value x = a();
    const Inst& d = def(x);
    if (d.op == Op::ubfx) {
      const BitField inner = d.field();
      if (low >= inner.width) return constant_of(0);
      count = std::min(count, inner.width - low);
      low += inner.lsb;
      x = d.args[0];
    } else if (d.op == Op::lshr && is_const(d.args[1])) {
      const auto by = static_cast<unsigned>(imm(d.args[1]) & (width() - 1));
      if (low + by >= width()) return constant_of(0);
      if (low + by + count <= width()) {
        low += by;
        x = d.args[0];
      }
    }
    if (low == 0 && (count >= width() || known_bits(x) <= count)) return value(x);
    if (low == 0 && count == 8) return unary(Op::zext8, x);
    if (low == 0 && count == 16) return unary(Op::zext16, x);
    if (low + count >= width()) return binary(Op::lshr, x, low);
    return unary(Op::ubfx, x, count, static_cast<uint8_t>(low));
  }

  Folded sbfx() {
    if (is_const(a())) return constant();
    const auto [low, count] = i_.field();
    if (low == 0) {
      if (count >= width()) return value(a());
      if (count == 8) return unary(Op::sext8, a());
      if (count == 16) return unary(Op::sext16, a());
    } else if (low + count >= width()) {
      return binary(Op::ashr, a(), low);
    }
    return keep();
  }

  unsigned known_bits(Value v) const { return ir::known_bits(b_.region(), v); }

  Folded zero_extend(unsigned count) {
    if (is_const(a())) return constant();
    return known_bits(a()) <= count ? value(a()) : keep();
  }

  Folded zext32() {
    if (is_const(a())) return constant();
    const Inst& d = def(a());
    return d.op == Op::trunc && known_bits(d.args[0]) <= 32 ? value(d.args[0]) : keep();
  }

  Folded trunc() {
    if (is_const(a())) return constant();
    const Inst& d = def(a());
    return d.op == Op::zext32 || d.op == Op::sext32 ? value(d.args[0]) : keep();
  }

  // --- conditions
  Folded select() {
    if (is_const(a())) return value(imm(a()) & 1 ? b() : c());
    if (b() == c()) return value(b());
    const bool integer = i_.type == Type::i32 || i_.type == Type::i64;
    if ((integer || i_.type == Type::i1) && is_const(b()) && is_const(c())) {
      if (imm(b()) == 1 && imm(c()) == 0) return integer ? unary(Op::bool_int, a()) : value(a());
      if (imm(b()) == 0 && imm(c()) == 1 && !integer) return unary(Op::bool_not, a());
    }
    if (def(a()).op == Op::bool_not) {
      Inst swapped = i_;
      swapped.args[0] = def(a()).args[0];
      std::swap(swapped.args[1], swapped.args[2]);
      return {kNoValue, swapped};
    }
    return keep();
  }

  // The condition that holds of (b, a) where `cond` holds of (a, b); mi to vc have none.
  static bool swap_sides(Cond& cond) {
    switch (cond) {
      case Cond::eq:
      case Cond::ne:
        return true;
      case Cond::cs:
        cond = Cond::ls;
        return true;
      case Cond::ls:
        cond = Cond::cs;
        return true;
      case Cond::cc:
        cond = Cond::hi;
        return true;
      case Cond::hi:
        cond = Cond::cc;
        return true;
      case Cond::ge:
        cond = Cond::le;
        return true;
      case Cond::le:
        cond = Cond::ge;
        return true;
      case Cond::lt:
        cond = Cond::gt;
        return true;
      case Cond::gt:
        cond = Cond::lt;
        return true;
      default:
        return false;
    }
  }

  Folded icmp() {
    if (both_const()) return constant();
    auto cond = i_.cond();
    if (a() == b()) return boolean(holds(cond, kFlagZ | kFlagC));
    if (is_const(a()) && swap_sides(cond)) {
      std::swap(i_.args[0], i_.args[1]);
      i_.aux = static_cast<uint8_t>(cond);
    }
    if (!is_const(b()) || imm(b()) != 0) return keep();
    switch (cond) {
      case Cond::eq:
      case Cond::ls:
        return icmpz_of(a(), true);
      case Cond::ne:
      case Cond::hi:
        return icmpz_of(a(), false);
      case Cond::cs:
        return boolean(true);
      case Cond::cc:
        return boolean(false);
      default:
        return keep();
    }
  }

  Folded icmpz() { return icmpz_of(a(), i_.aux == static_cast<uint8_t>(Cond::eq)); }

  // The i1 "x is zero" or "x is not zero".
  Folded icmpz_of(Value x, bool zero) {
    if (def(x).op == Op::zext32) x = def(x).args[0];
    const Inst d = def(x);
    const auto cond = static_cast<uint8_t>(zero ? Cond::eq : Cond::ne);
    switch (d.op) {
      case Op::konst:
        return boolean((d.imm == 0) == zero);
      case Op::bool_int:
        return zero ? unary(Op::bool_not, d.args[0]) : value(d.args[0]);
      case Op::and_:
        if (is_const(d.args[1]) && std::has_single_bit(imm(d.args[1]))) {
          return bit(d.args[0], static_cast<unsigned>(std::countr_zero(imm(d.args[1]))), zero);
        }
        break;
      case Op::ubfx:
        if (d.field().width == 1) return bit(d.args[0], d.field().lsb, zero);
        break;
      case Op::sub:
      case Op::xor_:
        return binary_values(Op::icmp, d.args[0], d.args[1], cond);
      default:
        break;
    }
    return unary(Op::icmpz, x, 0, cond);
  }

  Folded bit(Value x, unsigned index, bool inverted) {
    if (!inverted) return unary(Op::testbit, x, index);
    return unary(Op::bool_not, b_.emit(Op::testbit, Type::i1, x, kNoValue, kNoValue, index));
  }

  Folded testbit() {
    if (is_const(a())) return constant();
    const Inst& d = def(a());
    switch (d.op) {
      case Op::zext32:
        return i_.imm >= 32 ? boolean(false) : unary(Op::testbit, d.args[0], i_.imm);
      case Op::trunc:
        return unary(Op::testbit, d.args[0], i_.imm);
      case Op::lshr:
        if (is_const(d.args[1])) {
          const uint64_t index = i_.imm + (imm(d.args[1]) & (bits(d.type) - 1));
          return index >= bits(d.type) ? boolean(false) : unary(Op::testbit, d.args[0], index);
        }
        return keep();
      default:
        return keep();
    }
  }

  Folded bool_not() {
    if (is_const(a())) return constant();
    const Inst& d = def(a());
    switch (d.op) {
      case Op::bool_not:
        return value(d.args[0]);
      case Op::icmp:
      case Op::icmpz:
      case Op::cond: {
        Inst inverse = d;  // conditions come in pairs
        inverse.aux ^= 1;
        return {kNoValue, inverse};
      }
      default:
        return keep();
    }
  }

  // --- flags and carries
  Folded cond() {
    const Inst& d = def(a());
    if (d.op == Op::fl_konst) return constant();
    if (d.op == Op::fl_merge) {  // where one side decides, the other does not matter
      const uint32_t read = flags_read(i_.cond());
      if ((read & d.imm) == read) return b_cond(d.args[1]);
      if ((read & d.imm) == 0) return b_cond(d.args[0]);
    }
    if (d.op == Op::fl_inc || d.op == Op::fl_dec) {
      const uint32_t read = flags_read(i_.cond());
      if (read == kFlagC) return b_cond(d.args[1]);
      if (!(read & kFlagC)) {
        const Value one = b_.konst(type(d.args[0]), 1);
        return b_cond(
            d.op == Op::fl_inc
                ? b_.emit(Op::fl_add, Type::flags, d.args[0], one, kNoValue, 0, d.aux)
                : b_.emit(Op::fl_sub, Type::flags, d.args[0], one, kNoValue, 0, d.aux | kFlagsBorrow));
      }
    }
    return keep();
  }

  // Of the second argument C alone counts.
  Folded step() {
    for (;;) {
      const Inst& old = def(b());
      if (old.op == Op::fl_inc || old.op == Op::fl_dec)
        i_.args[1] = old.args[1];
      else if (old.op == Op::fl_merge)
        i_.args[1] = old.args[old.imm & kFlagC ? 1 : 0];
      else
        break;
    }
    return is_const(a()) && def(b()).op == Op::fl_konst ? constant() : keep();
  }
  Folded b_cond(Value flags) { return value(b_.cond(i_.cond(), flags)); }

  Folded merge() {
    const uint64_t mask = i_.imm;
    if (mask == 0 || a() == b()) return value(a());
    if (mask == kAllFlags) return value(b());
    if (def(a()).op == Op::fl_konst && def(b()).op == Op::fl_konst) return constant();
    const Inst& x = def(a());
    if (x.op == Op::fl_merge && (x.imm & ~mask) == 0) i_.args[0] = x.args[0];
    const Inst& y = def(b());
    if (y.op == Op::fl_merge && (mask & ~y.imm) == 0) i_.args[1] = y.args[1];
    if (y.op == Op::fl_merge && (mask & y.imm) == 0) i_.args[1] = y.args[0];
    return keep();
  }

  Folded carry() {
    const bool has_carry = facts(i_.op).arguments == 3;
    const bool adds = i_.op == Op::fl_add || i_.op == Op::fl_adc || i_.op == Op::adc;
    if (both_const() && (!has_carry || is_const(c()))) return constant();
    if (adds) constant_last();
    if (!has_carry || !is_const(c())) return keep();
    const bool in = (imm(c()) & 1) != ((i_.aux & kFlagsBorrow) != 0);
    Inst simple = i_;
    simple.args[2] = kNoValue;
    if (adds && !in) {
      simple.op = i_.op == Op::adc ? Op::add : Op::fl_add;
    } else if (!adds && in) {
      simple.op = i_.op == Op::sbc ? Op::sub : Op::fl_sub;
    } else {
      return keep();
    }
    if (simple.type == Type::flags) return {kNoValue, simple};
    i_ = simple;
    return simple.op == Op::add ? add() : sub();
  }

  Folded flags_of_and() {
    if (both_const()) return constant();
    constant_last();
    if (a() == b() || (is_const(b()) && imm(b()) == mask_of(bits(type(b())))))
      return unary(Op::fl_logic, a(), 0, i_.aux);
    return keep();
  }

  Builder& b_;
  const std::vector<Inst>& insts_;
  Inst i_;
};

}  // namespace

Folded fold(Builder& b, const Inst& inst) {
  // Most of what nothing applies to is known by its kind alone.
  switch (family(inst.op)) {
    case Family::kInteger:
    case Family::kFlags:
    case Family::kMove:
    case Family::kLogic:
      return Folder(b, inst).run();
    default:
      return {kNoValue, inst};
  }
}

}  // namespace mynah::ir
