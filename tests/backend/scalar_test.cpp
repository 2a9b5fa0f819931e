// SPDX-License-Identifier: Apache-2.0
//
// Every scalar op, at both widths, over edge values, against plain C++. Operands come from registers that
// stay live, from state slots and as constants, so that each form of each emitter is met.
#include <gtest/gtest.h>

#include <bit>

#include "harness.h"

namespace mynah::ir::testing {
namespace {

using U = uint64_t;
using U128 = unsigned __int128;

constexpr U kEdges[] = {0,
                        1,
                        2,
                        7,
                        31,
                        32,
                        33,
                        63,
                        64,
                        0x7f,
                        0x80,
                        0xff,
                        0x8000,
                        0xffff,
                        0x12345678,
                        0x7fffffff,
                        0x80000000,
                        0xffffffff,
                        0x100000000,
                        0x123456789abcdef0,
                        0x7fffffffffffffff,
                        0x8000000000000000,
                        0xfffffffffffffffe,
                        0xffffffffffffffff};

U mask(unsigned w) { return w == 64 ? ~U{0} : 0xffffffff; }
int64_t sign(U v, unsigned n) { return static_cast<int64_t>(v << (64 - n)) >> (64 - n); }

U reverse(U v, unsigned w) {
  U r = 0;
  for (unsigned i = 0; i < w; ++i) r |= (v >> i & 1) << (w - 1 - i);
  return r;
}
U swap_bytes(U v, unsigned container, unsigned w) {
  U r = 0;
  for (unsigned at = 0; at < w; at += container)
    for (unsigned i = 0; i < container; i += 8) r |= (v >> (at + i) & 0xff) << (at + container - 8 - i);
  return r;
}
unsigned leading(U v, unsigned w) { return v ? static_cast<unsigned>(std::countl_zero(v)) - (64 - w) : w; }

// a, b: the operands' low w bits.
U binary(Op op, U a, U b, unsigned w) {
  const unsigned n = b & (w - 1);
  switch (op) {
    case Op::add:
      return a + b;
    case Op::sub:
      return a - b;
    case Op::mul:
      return a * b;
    case Op::umulh:
      return static_cast<U>(static_cast<U128>(a) * b >> 64);
    case Op::smulh:
      return static_cast<U>(
          static_cast<U128>(static_cast<__int128>(static_cast<int64_t>(a)) * static_cast<int64_t>(b)) >> 64);
    case Op::udiv:
      return b ? a / b : 0;
    case Op::sdiv: {
      const int64_t x = sign(a, w), y = sign(b, w);
      return y == 0 ? 0 : y == -1 ? -static_cast<U>(x) : static_cast<U>(x / y);
    }
    case Op::and_:
      return a & b;
    case Op::or_:
      return a | b;
    case Op::xor_:
      return a ^ b;
    case Op::andn:
      return a & ~b;
    case Op::shl:
      return a << n;
    case Op::lshr:
      return a >> n;
    case Op::ashr:
      return static_cast<U>(sign(a, w) >> n);
    default:
      return n ? a >> n | a << (w - n) : a;  // ror
  }
}

U unary(Op op, U a, unsigned w) {
  switch (op) {
    case Op::not_:
      return ~a;
    case Op::neg:
      return -a;
    case Op::clz:
      return leading(a, w);
    case Op::cls:
      return leading((a ^ static_cast<U>(sign(a, w) >> 63)) & mask(w), w) - 1;
    case Op::rbit:
      return reverse(a, w);
    case Op::bswap:
      return swap_bytes(a, w, w);
    case Op::bswap16:
      return swap_bytes(a, 16, w);
    case Op::bswap32:
      return swap_bytes(a, 32, w);
    case Op::zext8:
      return a & 0xff;
    case Op::zext16:
      return a & 0xffff;
    case Op::sext8:
      return static_cast<U>(sign(a, 8));
    default:
      return static_cast<U>(sign(a, 16));
  }
}

uint32_t flags_of(U result, U carry, U overflow, unsigned w) {
  return pack_flags(result >> (w - 1) & 1, (result & mask(w)) == 0, carry, overflow);
}
uint32_t flags_add(U a, U b, U carry, unsigned w) {
  const U128 sum = static_cast<U128>(a) + b + carry;
  const U r = static_cast<U>(sum) & mask(w);
  return flags_of(r, static_cast<U>(sum >> w) & 1, ((a ^ r) & (b ^ r)) >> (w - 1) & 1, w);
}
uint32_t flags(Op op, U a, U b, U carry, unsigned w) {
  switch (op) {
    case Op::fl_add:
      return flags_add(a, b, 0, w);
    case Op::fl_sub:
      return flags_add(a, ~b & mask(w), 1, w);
    case Op::fl_adc:
      return flags_add(a, b, carry, w);
    case Op::fl_sbc:
      return flags_add(a, ~b & mask(w), carry, w);
    case Op::fl_and:
      return flags_of(a & b, 0, 0, w);
    default:
      return flags_of(a, 0, 0, w);
  }
}

class Scalar : public ::testing::TestWithParam<bool> {
 protected:
  Machine m{GetParam()};
  Builder& b = m.b;
  Value x(unsigned i) { return b.get(static_cast<Slot>(kX0 + i)); }
  void out(unsigned i, Value v) {
    b.set(static_cast<Slot>(kX0 + i), b.type(v) == Type::i32 ? b.zext32(v) : v);
  }
  Value operand(unsigned i, unsigned w) { return w == 64 ? x(i) : b.trunc(x(i)); }
  U result(unsigned i) { return m.state().x[i]; }
};

TEST_P(Scalar, Binary) {
  static constexpr Op kOps[] = {Op::add,  Op::sub,  Op::mul,  Op::udiv,  Op::sdiv,
                                Op::and_, Op::or_,  Op::xor_, Op::andn,  Op::shl,
                                Op::lshr, Op::ashr, Op::ror,  Op::umulh, Op::smulh};
  for (const Op op : kOps)
    for (const unsigned w : {32u, 64u}) {
      if ((op == Op::umulh || op == Op::smulh) && w == 32) continue;
      const Type t = w == 64 ? Type::i64 : Type::i32;
      m.begin();
      out(10, b.emit(op, t, operand(0, w), operand(1, w)));  // both die
      const Value p = b.binary(Op::xor_, x(2), b.i64(1)), q = b.binary(Op::xor_, x(3), b.i64(1));
      const Value pw = w == 64 ? p : b.trunc(p), qw = w == 64 ? q : b.trunc(q);
      out(11, b.emit(op, t, pw, qw));  // both live on
      out(12, p);
      out(13, q);
      out(14, b.emit(op, t, pw, pw));
      const uint8_t* code = m.compile();
      for (const U c : kEdges) {
        const U k = c & mask(w);
        m.begin();
        out(10, b.emit(op, t, operand(0, w), b.konst(t, c)));
        out(11, b.emit(op, t, b.konst(t, c), operand(1, w)));
        const uint8_t* with_const = m.compile();
        for (const U a : kEdges) {
          m.state() = {};
          m.state().x[0] = a;
          m.state().x[1] = c;
          m.state().x[2] = a ^ 1;
          m.state().x[3] = c ^ 1;
          m.run(code);
          const U want = binary(op, a & mask(w), k, w) & mask(w);
          ASSERT_EQ(result(10), want) << info(op).name << w << " " << std::hex << a << ", " << c << "\n"
                                      << m.disassembly();
          ASSERT_EQ(result(11), want) << info(op).name << w << " " << std::hex << a << ", " << c;
          ASSERT_EQ(result(12), a);
          ASSERT_EQ(result(13), c);
          ASSERT_EQ(result(14), binary(op, a & mask(w), a & mask(w), w) & mask(w))
              << info(op).name << w << " " << std::hex << a;
          m.state().x[1] = a;
          m.run(with_const);
          ASSERT_EQ(result(10), want)
              << info(op).name << w << " " << std::hex << a << ", constant " << c << "\n"
              << m.disassembly();
          ASSERT_EQ(result(11), binary(op, k, a & mask(w), w) & mask(w))
              << info(op).name << w << " constant " << std::hex << c << ", " << a;
        }
      }
    }
}

TEST_P(Scalar, Unary) {
  static constexpr Op kOps[] = {Op::not_,    Op::neg,     Op::clz,   Op::cls,    Op::rbit,  Op::bswap,
                                Op::bswap16, Op::bswap32, Op::zext8, Op::zext16, Op::sext8, Op::sext16};
  for (const Op op : kOps)
    for (const unsigned w : {32u, 64u}) {
      if (op == Op::bswap32 && w == 32) continue;
      m.begin();
      out(10, b.unary(op, operand(0, w)));
      out(11, b.unary(op, operand(1, w)));
      out(12, x(1));
      const uint8_t* code = m.compile();
      for (const U a : kEdges) {
        m.state() = {};
        m.state().x[0] = m.state().x[1] = a;
        m.run(code);
        const U want = unary(op, a & mask(w), w) & mask(w);
        ASSERT_EQ(result(10), want) << info(op).name << w << " " << std::hex << a << "\n" << m.disassembly();
        ASSERT_EQ(result(11), want) << info(op).name << w << " " << std::hex << a;
        ASSERT_EQ(result(12), a);
      }
    }
}

TEST_P(Scalar, Extensions) {
  m.begin();
  out(10, b.zext32(b.trunc(x(0))));
  out(11, b.sext32(b.trunc(x(0))));
  out(12, b.sext32(b.get(kW0)));
  out(13, b.zext32(b.get(kW0)));
  out(14, b.zext32(b.add(b.trunc(x(0)), b.trunc(x(1)))));
  const uint8_t* code = m.compile();
  for (const U a : kEdges) {
    m.state() = {};
    m.state().x[0] = a;
    m.state().x[1] = ~U{0};
    m.state().w[0] = static_cast<uint32_t>(a);
    m.run(code);
    ASSERT_EQ(result(10), a & 0xffffffff);
    ASSERT_EQ(result(11), static_cast<U>(sign(a, 32)));
    ASSERT_EQ(result(12), static_cast<U>(sign(a, 32)));
    ASSERT_EQ(result(13), a & 0xffffffff);
    ASSERT_EQ(result(14), (a - 1) & 0xffffffff);
  }
}

TEST_P(Scalar, Fields) {
  for (const unsigned w : {32u, 64u})
    for (unsigned lsb = 0; lsb < w; lsb += lsb < 4 || lsb > w - 4 ? 1 : 5)
      for (unsigned n = 1; lsb + n <= w; ++n) {
        const auto at = static_cast<uint8_t>(lsb);
        const Type t = w == 64 ? Type::i64 : Type::i32;
        m.begin();
        out(10, b.emit(Op::ubfx, t, operand(0, w), kNoValue, kNoValue, n, at));
        out(11, b.emit(Op::sbfx, t, operand(0, w), kNoValue, kNoValue, n, at));
        if (n < w) out(12, b.emit(Op::bfi, t, operand(0, w), operand(1, w), kNoValue, n, at));
        if (n < w) out(13, b.emit(Op::bfi, t, operand(0, w), operand(0, w), kNoValue, n, at));
        if (n < w) out(14, b.emit(Op::extr, t, operand(0, w), operand(1, w), kNoValue, n));
        out(15, x(0));
        const uint8_t* code = m.compile();
        for (const U a : {U{0x123456789abcdef0}, U{0xfedcba9876543210}, ~U{0}}) {
          const U c = ~a * 3, low = n == 64 ? ~U{0} : (U{1} << n) - 1;
          m.state() = {};
          m.state().x[0] = a;
          m.state().x[1] = c;
          m.run(code);
          const U v = a & mask(w);
          ASSERT_EQ(result(10), v >> lsb & low) << w << " " << lsb << " " << n << m.disassembly();
          ASSERT_EQ(result(11), static_cast<U>(sign(v >> lsb, n)) & mask(w)) << w << " " << lsb << " " << n;
          if (n < w) {
            ASSERT_EQ(result(12), (v & ~(low << lsb)) | (c & low) << lsb)
                << w << " " << lsb << " " << n << m.disassembly();
            ASSERT_EQ(result(13), (v & ~(low << lsb)) | (a & low) << lsb) << w << " " << lsb << " " << n;
            ASSERT_EQ(result(14), ((c & mask(w)) >> n | v << (w - n)) & mask(w)) << w << " " << n;
          }
          ASSERT_EQ(result(15), a);
        }
      }
}

// Flags as a group in memory, as conditions at once (fused), as conditions over the packed group later.
TEST_P(Scalar, FlagsAndConditions) {
  static constexpr Op kOps[] = {Op::fl_add, Op::fl_sub, Op::fl_and, Op::fl_logic, Op::fl_adc, Op::fl_sbc};
  for (const Op op : kOps)
    for (const unsigned w : {32u, 64u})
      for (const bool with_result : {false, true}) {
        const auto emit_flags = [&](unsigned i, unsigned j) {
          const Value a = operand(i, w), c = operand(j, w);
          const bool carries = op == Op::fl_adc || op == Op::fl_sbc;
          const Value carry = carries ? b.cond(Cond::cs, b.get(kFlagsSlot)) : kNoValue;
          if (with_result && op != Op::fl_logic) {
            const Op same = op == Op::fl_add   ? Op::add
                            : op == Op::fl_sub ? Op::sub
                            : op == Op::fl_and ? Op::and_
                            : op == Op::fl_adc ? Op::adc
                                               : Op::sbc;
            out(20, b.emit(same, w == 64 ? Type::i64 : Type::i32, a, c, carry));
          }
          return b.emit(op, Type::flags, a, op == Op::fl_logic ? kNoValue : c, carry);
        };
        m.begin();
        const Value f = emit_flags(0, 1);
        U fused = 0;
        for (unsigned cc = 0; cc < 14; ++cc) {
          const Value bit = b.emit(Op::bool_int, Type::i64, b.cond(static_cast<Cond>(cc), f));
          out(2 + cc, bit);
        }
        b.set(kFlagsSlot, f);
        const uint8_t* at_once = m.compile();
        m.begin();
        const Value g = emit_flags(0, 1);
        out(21, b.emit(Op::mul, Type::i64, x(0), x(1)));  // takes the host's flags away
        for (unsigned cc = 0; cc < 14; ++cc)
          out(2 + cc, b.emit(Op::bool_int, Type::i64, b.cond(static_cast<Cond>(cc), g)));
        out(22, b.zext32(b.emit(Op::fl_unpack, Type::i32, g)));
        b.set(kFlagsSlot, b.emit(Op::fl_pack, Type::flags, b.emit(Op::fl_unpack, Type::i32, g)));
        const uint8_t* later = m.compile();
        for (const U a : kEdges)
          for (const U c : kEdges)
            for (const U carry : {0, 1}) {
              const U av = a & mask(w), cv = c & mask(w);
              const uint32_t want = flags(op, av, cv, carry, w);
              for (const uint8_t* code : {at_once, later}) {
                m.state() = {};
                m.state().x[0] = a;
                m.state().x[1] = c;
                m.state().flags = carry ? ~U{0} : ~U{kFlagC};
                m.run(code);
                ASSERT_EQ(m.state().flags & kFlagMask, want)
                    << info(op).name << w << " " << std::hex << a << ", " << c;
                fused = 0;
                for (unsigned cc = 0; cc < 14; ++cc) fused |= result(2 + cc) << cc;
                for (unsigned cc = 0; cc < 14; ++cc)
                  ASSERT_EQ(fused >> cc & 1, holds(static_cast<Cond>(cc), want))
                      << info(op).name << w << " cond " << cc << " " << std::hex << a << ", " << c;
              }
              ASSERT_EQ(result(22), (want & kFlagN ? 1u << 31 : 0) | (want & kFlagZ ? 1u << 30 : 0) |
                                        (want & kFlagC ? 1u << 29 : 0) | (want & kFlagV ? 1u << 28 : 0));
            }
      }
}

TEST_P(Scalar, CarryResults) {
  for (const unsigned w : {32u, 64u})
    for (const bool from_memory : {false, true}) {
      m.begin();
      const Type t = w == 64 ? Type::i64 : Type::i32;
      const Value carry = from_memory ? b.get(kB0) : b.icmpz(Cond::ne, x(5));
      out(10, b.emit(Op::adc, t, operand(0, w), operand(1, w), carry));
      out(11, b.emit(Op::sbc, t, operand(0, w), operand(1, w), carry));
      const uint8_t* code = m.compile();
      for (const U a : kEdges)
        for (const U c : kEdges)
          for (const U carry : {0, 1}) {
            m.state() = {};
            m.state().x[0] = a;
            m.state().x[1] = c;
            m.state().x[5] = carry << 40;
            m.state().b = carry;
            m.run(code);
            ASSERT_EQ(result(10), (a + c + carry) & mask(w));
            ASSERT_EQ(result(11), (a + ~c + carry) & mask(w));
          }
    }
}

TEST_P(Scalar, ComparisonsAndSelection) {
  for (const unsigned w : {32u, 64u})
    for (unsigned cc = 0; cc < 14; ++cc) {
      m.begin();
      const Value c = b.icmp(static_cast<Cond>(cc), operand(0, w), operand(1, w));
      out(10, b.select(c, x(0), x(1)));
      b.set(kV0, b.select(c, b.get(kV0 + 1), b.get(kV0 + 2)));
      b.set(kW0, b.select(c, b.get(kW0 + 1), b.get(kW0 + 2)));
      b.set(kB0, b.select(c, b.get(kB0), b.emit(Op::bool_not, Type::i1, c)));
      out(11, b.emit(Op::bool_int, Type::i64, b.emit(Op::bool_not, Type::i1, c)));
      b.exit_if(c, 0x100);
      const uint8_t* code = m.compile();
      for (const U a : kEdges)
        for (const U d : kEdges) {
          const bool want = holds(static_cast<Cond>(cc), flags(Op::fl_sub, a & mask(w), d & mask(w), 0, w));
          m.state() = {};
          m.state().x[0] = a;
          m.state().x[1] = d;
          m.state().v[1] = {1, 2};
          m.state().v[2] = {3, 4};
          m.state().w[1] = 5;
          m.state().w[2] = 6;
          ASSERT_EQ(m.run(code), Leave::kLink);
          ASSERT_EQ(m.site().imm, want ? 0x100u : 0u) << cc;
          ASSERT_EQ(result(10), want ? a : d);
          ASSERT_EQ(m.state().v[0].lo, want ? 1u : 3u);
          ASSERT_EQ(m.state().w[0], want ? 5u : 6u);
          ASSERT_EQ(m.state().b & 1, want ? 0u : 1u);
          ASSERT_EQ(result(11), want ? 0u : 1u);
        }
    }
}

TEST_P(Scalar, BitTests) {
  for (unsigned n = 0; n < 64; ++n) {
    m.begin();
    out(10, b.emit(Op::bool_int, Type::i64, b.emit(Op::testbit, Type::i1, x(0), kNoValue, kNoValue, n)));
    const Value y = b.add_imm(x(1), 1);
    out(11, b.select(b.emit(Op::testbit, Type::i1, y, kNoValue, kNoValue, n), x(2), y));
    if (n < 32)
      out(12,
          b.emit(Op::bool_int, Type::i64, b.emit(Op::testbit, Type::i1, b.trunc(y), kNoValue, kNoValue, n)));
    const uint8_t* code = m.compile();
    for (const U a : {U{0}, ~U{0}, U{1} << n, ~(U{1} << n)}) {
      m.state() = {};
      m.state().x[0] = a;
      m.state().x[1] = a - 1;
      m.state().x[2] = 99;
      m.run(code);
      ASSERT_EQ(result(10), a >> n & 1) << n;
      ASSERT_EQ(result(11), a >> n & 1 ? 99 : a) << n;
      if (n < 32) {
        ASSERT_EQ(result(12), a >> n & 1) << n;
      }
    }
  }
}

TEST_P(Scalar, Crc32) {
  const auto crc = [](uint32_t poly, uint32_t v, U data, unsigned n) {
    for (unsigned i = 0; i < 8 * n; ++i) {
      const uint32_t bit = (v ^ static_cast<uint32_t>(data >> i)) & 1;
      v = v >> 1 ^ (bit ? poly : 0);
    }
    return v;
  };
  for (const uint8_t n : {1, 2, 4, 8})
    for (const bool castagnoli : {false, true}) {
      m.begin();
      out(10,
          b.emit(Op::crc32, Type::i32, b.trunc(x(0)), operand(1, n == 8 ? 64 : 32), kNoValue, castagnoli, n));
      out(11,
          b.emit(Op::crc32, Type::i32, b.trunc(x(1)), operand(1, n == 8 ? 64 : 32), kNoValue, castagnoli, n));
      const uint8_t* code = m.compile();
      for (const U a : kEdges)
        for (const U c : kEdges) {
          m.state() = {};
          m.state().x[0] = a;
          m.state().x[1] = c;
          m.run(code);
          const uint32_t poly = castagnoli ? 0x82f63b78 : 0xedb88320;
          ASSERT_EQ(result(10), crc(poly, static_cast<uint32_t>(a), c, n));
          ASSERT_EQ(result(11), crc(poly, static_cast<uint32_t>(c), c, n));
        }
    }
}

TEST_P(Scalar, ReadModifyWrite) {
  static constexpr Op kOps[] = {Op::xchg,     Op::rmw_add,  Op::rmw_andn, Op::rmw_or,   Op::rmw_xor,
                                Op::rmw_smax, Op::rmw_smin, Op::rmw_umax, Op::rmw_umin, Op::cas};
  for (const bool smp : {false, true})
    for (const Op op : kOps)
      for (unsigned size = 0; size < 4; ++size)
        for (const bool used : {true, false}) {
          m.begin();
          m.region.smp = smp;
          const unsigned w = size == 3 ? 64 : 32, n = 8u << size;
          const Value p = b.guard(x(0), {0, 8, 3}, kGuardWrite | kGuardReadWrite);
          const Value old = b.emit(op, w == 64 ? Type::i64 : Type::i32, p, operand(1, w),
                                   op == Op::cas ? operand(2, w) : kNoValue, 0, static_cast<uint8_t>(size));
          if (used) out(10, old);
          out(11, x(1));
          const uint8_t* code = m.compile();
          const U low = n == 64 ? ~U{0} : (U{1} << n) - 1;
          for (const U a : kEdges)
            for (const U c : kEdges) {
              m.state() = {};
              m.state().x[0] = kGuestBase + 0x80;
              m.state().x[1] = c;
              m.state().x[2] = 0x1122334455667788;
              std::memcpy(m.memory.data() + 0x80, &a, 8);
              ASSERT_EQ(m.run(code), Leave::kLink);
              const int64_t sa = sign(a, n), sc = sign(c, n);
              U want = c;
              switch (op) {
                case Op::rmw_add:
                  want = a + c;
                  break;
                case Op::rmw_andn:
                  want = a & ~c;
                  break;
                case Op::rmw_or:
                  want = a | c;
                  break;
                case Op::rmw_xor:
                  want = a ^ c;
                  break;
                case Op::rmw_smax:
                  want = sa > sc ? a : c;
                  break;
                case Op::rmw_smin:
                  want = sa < sc ? a : c;
                  break;
                case Op::rmw_umax:
                  want = (a & low) > (c & low) ? a : c;
                  break;
                case Op::rmw_umin:
                  want = (a & low) < (c & low) ? a : c;
                  break;
                case Op::cas:
                  want = (a & low) == (c & low) ? 0x1122334455667788 : a;
                  break;
                default:
                  break;
              }
              U now;
              std::memcpy(&now, m.memory.data() + 0x80, 8);
              ASSERT_EQ(now, (a & ~low) | (want & low))
                  << info(op).name << n << " " << std::hex << a << ", " << c;
              if (used) {
                ASSERT_EQ(result(10), a & low) << info(op).name << n;
              }
              ASSERT_EQ(result(11), c);
            }
        }
}

TEST_P(Scalar, LoadsAndStores) {
  for (unsigned size = 0; size < 4; ++size)
    for (const bool is_signed : {false, true})
      for (const unsigned w : {32u, 64u}) {
        if (size == 3 && w == 32) continue;
        m.begin();
        const Value p = b.guard(x(0), {-8, 24, 3}, kGuardWrite | kGuardReadWrite);
        const Type t = w == 64 ? Type::i64 : Type::i32;
        out(10, b.load(t, p, -8, static_cast<uint8_t>(size | (is_signed ? kMemSigned : 0))));
        b.store(p, 0, operand(1, w), static_cast<uint8_t>(size));
        b.store(p, 8, b.konst(t, 0x8081828384858687), static_cast<uint8_t>(size));
        const uint8_t* code = m.compile();
        const unsigned n = 8u << size;
        const U low = n == 64 ? ~U{0} : (U{1} << n) - 1;
        for (const U a : kEdges) {
          m.state() = {};
          m.state().x[0] = kGuestBase + 0x88;
          m.state().x[1] = ~a;
          U memory[3] = {a, 0x5555555555555555, 0x6666666666666666};
          std::memcpy(m.memory.data() + 0x80, memory, 24);
          ASSERT_EQ(m.run(code), Leave::kLink);
          ASSERT_EQ(result(10), (is_signed ? static_cast<U>(sign(a, n)) : a & low) & mask(w));
          std::memcpy(memory, m.memory.data() + 0x80, 24);
          ASSERT_EQ(memory[1], (0x5555555555555555 & ~low) | (~a & low));
          ASSERT_EQ(memory[2], (0x6666666666666666 & ~low) | (0x8081828384858687 & low));
        }
      }
}

// More values than registers and all of them used again.
TEST_P(Scalar, Pressure) {
  for (const unsigned n : {8u, 12u, 20u, 60u}) {
    m.begin();
    std::vector<Value> v;
    for (unsigned i = 0; i < n; ++i) v.push_back(b.emit(Op::mul, Type::i64, x(i % 8), b.i64(2 * i + 3)));
    Value sum = v[0];
    for (unsigned i = 1; i < n; ++i) sum = b.add(sum, b.binary(Op::xor_, v[i], b.i64(i)));
    for (unsigned i = n; i-- > 0;) sum = b.add(b.binary(Op::ror, sum, b.i64(7)), v[i]);
    out(20, sum);
    const uint8_t* code = m.compile();
    m.state() = {};
    for (unsigned i = 0; i < 8; ++i) m.state().x[i] = kEdges[i + 12] * 77;
    m.run(code);
    std::vector<U> w;
    for (unsigned i = 0; i < n; ++i) w.push_back(m.state().x[i % 8] * (2 * i + 3));
    U want = w[0];
    for (unsigned i = 1; i < n; ++i) want += w[i] ^ i;
    for (unsigned i = n; i-- > 0;) want = (want >> 7 | want << 57) + w[i];
    ASSERT_EQ(result(20), want) << n;
  }
}

INSTANTIATE_TEST_SUITE_P(Processors, Scalar, ::testing::Values(false, true),
                         [](const auto& info) { return info.param ? "Plain" : "Full"; });

}  // namespace
}  // namespace mynah::ir::testing
