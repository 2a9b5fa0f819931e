// SPDX-License-Identifier: Apache-2.0
//
// The evaluator's integer, condition and flags ops.
#include "ir/eval_lanes.h"

namespace mynah::ir {

namespace {

uint64_t reverse_bits(uint64_t x) {
  x = (x >> 1 & 0x5555555555555555u) | (x & 0x5555555555555555u) << 1;
  x = (x >> 2 & 0x3333333333333333u) | (x & 0x3333333333333333u) << 2;
  x = (x >> 4 & 0x0f0f0f0f0f0f0f0fu) | (x & 0x0f0f0f0f0f0f0f0fu) << 4;
  return __builtin_bswap64(x);
}

uint64_t deposit(uint64_t x, uint64_t places) {
  uint64_t r = 0;
  for (; places; places &= places - 1, x >>= 1)
    if (x & 1) r |= places & (0 - places);
  return r;
}
uint64_t extract(uint64_t x, uint64_t places) {
  uint64_t r = 0;
  for (unsigned i = 0; places; places &= places - 1, ++i)
    if (x & places & (0 - places)) r |= uint64_t{1} << i;
  return r;
}

uint64_t divide_signed(int64_t a, int64_t b, unsigned width) {
  if (b == 0) return 0;
  if (b == -1) return uint64_t{0} - static_cast<uint64_t>(a);  // the minimum is its own quotient
  return static_cast<uint64_t>(a / b) & width_mask(width);
}

// The reflected CRC without the customary inversions.
uint32_t crc32(uint32_t crc, uint64_t data, unsigned bytes, bool castagnoli) {
  const uint32_t polynomial = castagnoli ? 0x82f63b78u : 0xedb88320u;
  for (unsigned i = 0; i < bytes; ++i) {
    crc ^= static_cast<uint8_t>(data >> (8 * i));
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? polynomial : 0);
  }
  return crc;
}

struct Sum {
  uint64_t value;
  uint32_t flags;
};

Sum add_with_carry(uint64_t a, uint64_t b, bool carry, unsigned width) {
  const uint64_t mask = width_mask(width);
  a &= mask;
  b &= mask;
  const unsigned __int128 wide = static_cast<unsigned __int128>(a) + b + carry;
  const uint64_t r = static_cast<uint64_t>(wide) & mask;
  const bool n = r >> (width - 1) & 1;
  const bool c = static_cast<bool>(wide >> width & 1);
  const bool v = ((a ^ r) & (b ^ r)) >> (width - 1) & 1;
  return {r, pack_flags(n, r == 0, c, v, even_parity(r), (a ^ b ^ r) >> 4 & 1)};
}

// a + ~b + carry, which is a - b without a borrow where the carry is set.
uint32_t subtraction_flags(uint64_t a, uint64_t b, bool carry, unsigned width, bool borrow) {
  const uint32_t flags = add_with_carry(a, ~b, carry != borrow, width).flags;
  return flags ^ kFlagA ^ (borrow ? kFlagC : 0);
}

uint32_t logic_flags(uint64_t a, unsigned width) {
  a &= width_mask(width);
  return pack_flags(a >> (width - 1) & 1, a == 0, false, false, even_parity(a));
}

// Of the last of `count` shifts by one.
uint32_t shift_flags(Op op, uint64_t a, uint64_t count, unsigned width) {
  const uint64_t mask = width_mask(width);
  const unsigned n = count & (width == 64 ? 63 : 31), top = width - 1;
  const int64_t x = sign_extend(a, width);
  uint64_t before = a & mask, r = before;  // in front of the last one, behind it
  bool carry = false, overflow = false;
  if (n != 0 && op == Op::fl_shl) {
    before = a << (n - 1) & mask;
    r = before << 1 & mask;
    carry = before >> top & 1;
    overflow = carry != static_cast<bool>(r >> top & 1);
  } else if (n != 0) {
    before = op == Op::fl_ashr ? static_cast<uint64_t>(x >> (n - 1)) & mask : before >> (n - 1);
    r = op == Op::fl_ashr ? static_cast<uint64_t>(x >> (n - 1) >> 1) & mask : before >> 1;
    carry = before & 1;
    overflow = (before ^ r) >> top & 1;
  }
  return pack_flags(r >> top & 1, r == 0, carry, overflow, even_parity(r));
}

uint32_t product_flags(uint64_t a, uint64_t b, unsigned width) {
  const __int128 product = static_cast<__int128>(sign_extend(a, width)) * sign_extend(b, width);
  const int64_t low = sign_extend(static_cast<uint64_t>(product), width);
  return logic_flags(static_cast<uint64_t>(low), width) | (product != low ? kFlagC | kFlagV : 0);
}

bool compare(Cond cond, uint64_t a, uint64_t b, unsigned width) {
  return holds(cond, add_with_carry(a, ~b, true, width).flags);
}

}  // namespace

V128 evaluate_integer(const OpInput& in) {
  const unsigned width = bits(in.type);
  const uint64_t mask = width_mask(width);
  const uint64_t a = in.args ? in.args[0].lo : 0;
  const auto b = [&] { return in.args[1].lo; };
  const auto amount = [&] { return static_cast<unsigned>(in.args[1].lo & (width - 1)); };
  const auto argument_width = [&] { return bits(in.arg_types[0]); };
  const auto operand_width = [&] { return flags_width(in.aux, argument_width()); };
  const bool borrow = in.aux & kFlagsBorrow;  // of flags ops
  const auto value = [&](uint64_t x) { return V128{x & mask, 0}; };

  switch (in.op) {
    case Op::add:
      return value(a + b());
    case Op::sub:
      return value(a - b());
    case Op::mul:
      return value(a * b());
    case Op::umulh:
      if (width == 32) return value((a & mask) * (b() & mask) >> 32);
      return value(static_cast<uint64_t>(static_cast<unsigned __int128>(a) * b() >> 64));
    case Op::smulh:
      if (width == 32) return value(static_cast<uint64_t>(sign_extend(a, 32) * sign_extend(b(), 32)) >> 32);
      return value(static_cast<uint64_t>(
          static_cast<__int128>(static_cast<int64_t>(a)) * static_cast<int64_t>(b()) >> 64));
    case Op::udiv: {
      const uint64_t divisor = b() & mask;
      return value(divisor == 0 ? 0 : (a & mask) / divisor);
    }
    case Op::sdiv:
      return value(divide_signed(sign_extend(a, width), sign_extend(b(), width), width));
    case Op::and_:
      return value(a & b());
    case Op::or_:
      return value(a | b());
    case Op::xor_:
      return value(a ^ b());
    case Op::andn:
      return value(a & ~b());
    case Op::not_:
      return value(~a);
    case Op::neg:
      return value(0 - a);
    case Op::shl:
      return value(a << amount());
    case Op::lshr:
      return value((a & mask) >> amount());
    case Op::ashr:
      return value(static_cast<uint64_t>(sign_extend(a, width) >> amount()));
    case Op::ror: {
      const unsigned n = amount();
      return value(n == 0 ? a : (a & mask) >> n | a << (width - n));
    }
    case Op::extr: {
      const unsigned n = in.imm & (width - 1);
      return value(n == 0 ? b() : (b() & mask) >> n | a << (width - n));
    }
    case Op::bfi: {
      const uint64_t field = width_mask(static_cast<unsigned>(in.imm)) << (in.aux & 63);
      return value((a & ~field) | (b() << (in.aux & 63) & field));
    }
    case Op::ubfx:
      return value((a & mask) >> (in.aux & 63) & width_mask(static_cast<unsigned>(in.imm)));
    case Op::sbfx: {
      const unsigned n = in.imm == 0 ? 1 : in.imm > 64 ? 64 : static_cast<unsigned>(in.imm);
      return value(static_cast<uint64_t>(sign_extend((a & mask) >> (in.aux & 63), n)));
    }
    case Op::clz:
      return value(static_cast<unsigned>(std::countl_zero(a & mask)) - (64 - width));
    case Op::cls: {
      const int64_t x = sign_extend(a, width);
      return value(static_cast<unsigned>(std::countl_zero(static_cast<uint64_t>(x ^ x >> 63))) - 1 -
                   (64 - width));
    }
    case Op::ctz: {
      const uint64_t x = a & mask;
      return value(x == 0 ? width : static_cast<unsigned>(std::countr_zero(x)));
    }
    case Op::popcnt:
      return value(static_cast<unsigned>(std::popcount(a & mask)));
    case Op::pdep:
      return value(deposit(a, b() & mask));
    case Op::pext:
      return value(extract(a, b() & mask));
    case Op::rbit:
      return value(reverse_bits(a) >> (64 - width));
    case Op::bswap:
      return value(__builtin_bswap64(a) >> (64 - width));
    case Op::bswap16:
      return value((a >> 8 & 0x00ff00ff00ff00ffu) | (a & 0x00ff00ff00ff00ffu) << 8);
    case Op::bswap32: {
      const uint64_t swapped = __builtin_bswap64(a);
      return value(swapped >> 32 | swapped << 32);
    }
    case Op::zext8:
      return value(a & 0xff);
    case Op::zext16:
      return value(a & 0xffff);
    case Op::sext8:
      return value(static_cast<uint64_t>(sign_extend(a, 8)));
    case Op::sext16:
      return value(static_cast<uint64_t>(sign_extend(a, 16)));
    case Op::zext32:
      return {a & 0xffffffff, 0};
    case Op::sext32:
      return {static_cast<uint64_t>(sign_extend(a, 32)), 0};
    case Op::trunc:
      return {a & 0xffffffff, 0};
    case Op::crc32:
      return {crc32(static_cast<uint32_t>(a), b(), in.aux > 8 ? 8 : in.aux, in.imm & 1), 0};
    case Op::select:
      return a & 1 ? in.args[1] : in.args[2];
    case Op::fl_select:
      return a & 1 ? in.args[1] : in.args[2];

    case Op::icmp:
      return {compare(static_cast<Cond>(in.aux), a, b(), argument_width()), 0};
    case Op::icmpz:
      return {((a & width_mask(argument_width())) == 0) == (in.aux == 0), 0};
    case Op::testbit:
      return {a >> (in.imm & 63) & 1, 0};
    case Op::cond:
      return {holds(static_cast<Cond>(in.aux), static_cast<uint32_t>(a)), 0};
    case Op::bool_not:
      return {~a & 1, 0};
    case Op::bool_int:
      return {a & 1, 0};
    case Op::fl_add:
      return {add_with_carry(a, b(), false, operand_width()).flags, 0};
    case Op::fl_sub:
      return {subtraction_flags(a, b(), !borrow, operand_width(), borrow), 0};
    case Op::fl_adc:
      return {add_with_carry(a, b(), in.args[2].lo & 1, operand_width()).flags, 0};
    case Op::fl_sbc:
      return {subtraction_flags(a, b(), in.args[2].lo & 1, operand_width(), borrow), 0};
    case Op::adc:
      return value(a + b() + (in.args[2].lo & 1));
    case Op::sbc:
      return value(a + ~b() + (in.args[2].lo & 1));
    case Op::fl_logic:
      return {logic_flags(a, operand_width()), 0};
    case Op::fl_and:
      return {logic_flags(a & b(), operand_width()), 0};
    case Op::fl_shl:
    case Op::fl_lshr:
    case Op::fl_ashr:
      return {shift_flags(in.op, a, b(), operand_width()), 0};
    case Op::fl_smul:
      return {product_flags(a, b(), operand_width()), 0};
    case Op::fl_inc:
      return {(add_with_carry(a, 1, false, operand_width()).flags & ~kFlagC) | (b() & kFlagC), 0};
    case Op::fl_dec:
      return {(subtraction_flags(a, 1, false, operand_width(), true) & ~kFlagC) | (b() & kFlagC), 0};
    case Op::fl_konst:
      return {in.imm & kAllFlags, 0};
    case Op::fl_unpack:
      return {(a & kFlagN ? 1u << 31 : 0) | (a & kFlagZ ? 1u << 30 : 0) | (a & kFlagC ? 1u << 29 : 0) |
                  (a & kFlagV ? 1u << 28 : 0),
              0};
    case Op::fl_pack:
      return {pack_flags(a >> 31 & 1, a >> 30 & 1, a >> 29 & 1, a >> 28 & 1), 0};
    case Op::fl_bits:
    case Op::fl_of_bits:
      return {a & kAllFlags, 0};
    case Op::fl_merge:
      return {((a & ~in.imm) | (b() & in.imm)) & kAllFlags, 0};
    default:
      return {};
  }
}

}  // namespace mynah::ir
