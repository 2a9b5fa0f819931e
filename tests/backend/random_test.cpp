// SPDX-License-Identifier: Apache-2.0
//
// Random regions, evaluated and run: state, memory and the way out must agree; the allocation checker looks
// on. MYNAH_SEED and MYNAH_REGIONS choose others and more.
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "harness.h"
#include "ir/text.h"
#include "ir/verify.h"

namespace mynah::ir::testing {
namespace {

class Generator {
 public:
  Generator(Machine& m, uint64_t seed, bool vectors) : m_(m), random_(seed), vectors_(vectors) {}

  uint64_t below(uint64_t n) { return random_() % n; }
  bool chance(unsigned percent) { return below(100) < percent; }
  uint64_t interesting() {
    static const uint64_t kValues[] = {0,
                                       1,
                                       2,
                                       3,
                                       7,
                                       8,
                                       31,
                                       32,
                                       63,
                                       64,
                                       0x7f,
                                       0x80,
                                       0xff,
                                       0x7fff,
                                       0x8000,
                                       0xffff,
                                       0x7fffffff,
                                       0x80000000,
                                       0xffffffff,
                                       0x100000000,
                                       0x7fffffffffffffff,
                                       0x8000000000000000,
                                       ~0ull,
                                       ~0ull - 1,
                                       0xfffff000};
    switch (below(4)) {
      case 0:
        return kValues[below(std::size(kValues))];
      case 1:
        return random_() >> below(64);
      case 2:
        return -(random_() >> below(64));
      default:
        return random_();
    }
  }

  void build(unsigned count) {
    Builder& b = m_.begin();
    for (auto& pool : pools_) pool.clear();
    m_.region.smp = chance(50);
    m_.region.guest_insts = count;
    width_ = static_cast<unsigned>(1 + below(30));
    for (unsigned i = 0; i < count; ++i) {
      b.at(static_cast<int32_t>(4 * i), i);
      step();
      while (chance(40)) set();
    }
    b.at(static_cast<int32_t>(4 * count), count);
    switch (below(5)) {
      case 0:
        b.exit_indirect(integer(Type::i64), BranchKind::kJump);
        break;
      case 1:
        b.exit_engine(static_cast<uint8_t>(below(9)), interesting(),
                      chance(50) ? kNoValue : integer(Type::i64));
        break;
      case 2:
        b.exit(static_cast<int64_t>(below(3)) * 4096 - 4096 + 64);
        break;
      default:
        b.exit(static_cast<int64_t>(4 * count));
    }
    b.finish();
  }

 private:
  std::vector<Value>& pool(Type t) { return pools_[static_cast<unsigned>(t)]; }
  Value add(Value v) {
    pool(m_.b.type(v)).push_back(v);
    return v;
  }
  // One of the latest `width_` values of the type, a state slot or a constant.
  Value any(Type t) {
    auto& p = pool(t);
    if (!p.empty() && chance(80)) return p[p.size() - 1 - below(std::min<size_t>(p.size(), width_))];
    Builder& b = m_.b;
    switch (t) {
      case Type::i64:
        return chance(30) ? b.i64(interesting()) : add(b.get(static_cast<Slot>(kX0 + below(kXCount))));
      case Type::i32:
        if (chance(30)) return b.i32(interesting());
        return chance(50) ? add(b.get(static_cast<Slot>(kW0 + below(kWCount))))
                          : add(b.trunc(integer(Type::i64)));
      case Type::i1:
        return add(condition());
      case Type::flags:
        if (chance(30)) return add(b.get(kFlagsSlot));
        if (chance(20))
          return add(b.emit(Op::fl_konst, Type::flags, kNoValue, kNoValue, kNoValue, random_() & kFlagMask));
        return add(flags());
      case Type::v128:
        if (chance(20))
          return chance(30) ? b.konst_v128(0, 0)
                            : b.konst_v128(interesting(), chance(50) ? 0 : interesting());
        return add(b.get(static_cast<Slot>(kV0 + below(kVCount))));
      case Type::f32:
        return add(chance(50) ? b.get(kS0) : b.emit(Op::vlow, t, any(Type::v128)));
      case Type::f64:
        return add(chance(50) ? b.get(kD0) : b.emit(Op::vlow, t, any(Type::v128)));
      default:
        return add(chance(50) ? b.get(kH0) : b.emit(Op::vlow, t, any(Type::v128)));
    }
  }
  Value integer(Type t) { return any(t); }
  Type integer_type() { return chance(50) ? Type::i32 : Type::i64; }
  uint8_t cond_code() { return static_cast<uint8_t>(below(14)); }

  Value condition() {
    Builder& b = m_.b;
    const Type t = integer_type();
    switch (below(6)) {
      case 0:
        return b.icmpz(chance(50) ? Cond::eq : Cond::ne, integer(t));
      case 1:
        return b.emit(Op::testbit, Type::i1, integer(t), kNoValue, kNoValue, below(bits(t)));
      case 2:
        return b.emit(Op::bool_not, Type::i1, any(Type::i1));
      case 3:
        return b.icmp(static_cast<Cond>(cond_code()), integer(t), integer(t));
      default:
        return b.cond(static_cast<Cond>(cond_code()), any(Type::flags));
    }
  }
  // A flags group with all six flags, of operands of any width.
  Value group() {
    Builder& b = m_.b;
    const Type t = integer_type();
    const Value x = integer(t), y = integer(t);
    const auto width = static_cast<uint8_t>(chance(50) ? 0 : below(3));
    const auto borrow = static_cast<uint8_t>(chance(50) ? kFlagsBorrow : 0);
    const auto emit = [&](Op op, uint8_t aux, Value c = kNoValue) {
      return b.emit(op, Type::flags, x, op == Op::fl_logic ? kNoValue : y, c, 0, aux);
    };
    switch (below(7)) {
      case 6:
        return b.emit(chance(50) ? Op::fl_inc : Op::fl_dec, Type::flags, x, any(Type::flags), kNoValue, 0,
                      width);
      case 0:
        return emit(Op::fl_add, width);
      case 1:
        return emit(Op::fl_sub, width | borrow);
      case 2:
        return emit(Op::fl_and, width);
      case 3:
        return emit(Op::fl_logic, width);
      case 4:
        return emit(Op::fl_adc, width, any(Type::i1));
      default:
        return emit(Op::fl_sbc, width | borrow, any(Type::i1));
    }
  }

  Value flags() {
    Builder& b = m_.b;
    const Type t = integer_type();
    const Value x = integer(t), y = integer(t);
    switch (below(9)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
        return group();
      case 5:
        return b.emit(Op::fl_merge, Type::flags, any(Type::flags), any(Type::flags), kNoValue,
                      random_() & kAllFlags);
      case 6: {
        const Value c = any(Type::i1);
        if (chance(40)) return b.emit(Op::fl_select, Type::flags, c, any(Type::flags), any(Type::flags));
        const Value k =
            b.emit(Op::fl_konst, Type::flags, kNoValue, kNoValue, kNoValue, random_() & kFlagMask);
        return b.emit(Op::fl_select, Type::flags, c,
                      b.emit(chance(50) ? Op::fl_sub : Op::fl_add, Type::flags, x, y), k);
      }
      case 7:
        return b.emit(Op::fl_pack, Type::flags, integer(Type::i32));
      default:
        return b.emit(Op::fl_sub, Type::flags, x, b.konst(t, interesting()));
    }
  }
  // Arithmetic and its flags, in either order.
  void pair() {
    Builder& b = m_.b;
    const Type t = integer_type();
    const Value x = integer(t), y = integer(t);
    static constexpr Op kPairs[][2] = {{Op::add, Op::fl_add},
                                       {Op::sub, Op::fl_sub},
                                       {Op::and_, Op::fl_and},
                                       {Op::adc, Op::fl_adc},
                                       {Op::sbc, Op::fl_sbc}};
    const auto& p = kPairs[below(5)];
    const Value carry = p[0] == Op::adc || p[0] == Op::sbc ? any(Type::i1) : kNoValue;
    Value f = kNoValue, r = kNoValue;
    if (chance(50)) f = b.emit(p[1], Type::flags, x, y, carry);
    r = b.emit(p[0], t, x, y, carry);
    if (f == kNoValue)
      f = chance(20) ? b.emit(Op::fl_logic, Type::flags, r) : b.emit(p[1], Type::flags, x, y, carry);
    add(f);
    add(t == Type::i32 && chance(50) ? b.zext32(r) : r);
    b.set(kFlagsSlot, f);
  }

  void scalar() {
    Builder& b = m_.b;
    const Type t = integer_type();
    static constexpr Op kBinary[] = {Op::add,  Op::add,  Op::sub,  Op::sub,  Op::mul,
                                     Op::udiv, Op::sdiv, Op::and_, Op::or_,  Op::xor_,
                                     Op::andn, Op::shl,  Op::lshr, Op::ashr, Op::ror};
    static constexpr Op kUnary[] = {Op::not_,    Op::neg,   Op::clz,    Op::cls,   Op::rbit,  Op::bswap,
                                    Op::bswap16, Op::zext8, Op::zext16, Op::sext8, Op::sext16};
    switch (below(14)) {
      case 0:
        add(b.unary(kUnary[below(std::size(kUnary))], integer(t)));
        break;
      case 1: {
        const unsigned n = static_cast<unsigned>(1 + below(bits(t) - 1));
        const auto at = static_cast<uint8_t>(below(bits(t) - n + 1));
        add(b.emit(Op::bfi, t, integer(t), integer(t), kNoValue, n, at));
        break;
      }
      case 2: {
        const unsigned n = static_cast<unsigned>(1 + below(bits(t)));
        const auto at = static_cast<uint8_t>(below(bits(t) - n + 1));
        add(b.emit(chance(50) ? Op::ubfx : Op::sbfx, t, integer(t), kNoValue, kNoValue, n, at));
        break;
      }
      case 3:
        add(b.emit(Op::extr, t, integer(t), integer(t), kNoValue, 1 + below(bits(t) - 1)));
        break;
      case 4:
        add(b.emit(chance(50) ? Op::umulh : Op::smulh, Type::i64, integer(Type::i64), integer(Type::i64)));
        break;
      case 5:
        add(b.zext32(integer(Type::i32)));
        break;
      case 6:
        add(b.sext32(integer(Type::i32)));
        break;
      case 7:
        add(b.emit(Op::bswap32, Type::i64, integer(Type::i64)));
        break;
      case 8: {
        const Type st[] = {Type::i32, Type::i64, Type::i1, Type::v128, Type::f32, Type::f64, Type::flags};
        const Type s = st[below(vectors_ ? 7 : 3)];
        if (s == Type::flags) break;
        add(b.select(any(Type::i1), any(s), any(s)));
        break;
      }
      case 9:
        add(b.emit(Op::bool_int, t, any(Type::i1)));
        break;
      case 10:
        switch (below(4)) {
          case 0:
            add(b.emit(Op::fl_bits, Type::i32, group()));
            break;
          case 1:
            add(b.emit(Op::fl_of_bits, Type::flags, integer(Type::i32)));
            break;
          case 2: {
            const Value f = group();
            add(b.cond(static_cast<Cond>(below(kConds)), f));
            if (chance(50)) add(b.emit(Op::fl_bits, Type::i32, f));
            if (chance(50)) add(f);
            break;
          }
          default:
            add(b.emit(Op::fl_unpack, Type::i32, any(Type::flags)));
        }
        break;
      case 11: {
        static constexpr uint8_t kBytes[] = {1, 2, 4, 8};
        const uint8_t n = kBytes[below(4)];
        add(b.emit(Op::crc32, Type::i32, integer(Type::i32), integer(n == 8 ? Type::i64 : Type::i32),
                   kNoValue, chance(80), n));
        break;
      }
      default:
        add(b.binary(kBinary[below(std::size(kBinary))], integer(t), integer(t)));
    }
  }

  void vector() {
    Builder& b = m_.b;
    const unsigned lane = static_cast<unsigned>(below(4)), lanes = 16u >> lane;
    static constexpr Op kBitwise[] = {Op::vand, Op::vor, Op::vxor, Op::vandn, Op::vadd, Op::vsub, Op::vumax};
    switch (below(13)) {
      case 0:
        add(b.vec(Op::vnot, 0, any(Type::v128)));
        break;
      case 1:
        add(b.vec(Op::vbsl, 0, any(Type::v128), any(Type::v128), any(Type::v128)));
        break;
      case 2: {
        const Type t = chance(50) ? Type::f32 : chance(50) ? Type::f64 : Type::f16;
        add(b.emit(Op::vzext, Type::v128, any(t)));
        break;
      }
      case 3:
        add(b.vec(Op::vlow64, 0, any(Type::v128)));
        break;
      case 4:
        add(b.emit(Op::vfrom_gpr, Type::v128, integer(integer_type())));
        break;
      case 5:
        add(b.emit(Op::vpair, Type::v128, integer(Type::i64), integer(Type::i64)));
        break;
      case 6:
        add(b.vec(Op::vdup, lane, integer(lane == 3 ? Type::i64 : integer_type())));
        break;
      case 7:
        add(b.vec(Op::vdup_lane, lane, any(Type::v128), kNoValue, kNoValue, below(lanes)));
        break;
      case 8:
        add(b.vec(Op::vinsert, lane, any(Type::v128), integer(lane == 3 ? Type::i64 : integer_type()),
                  kNoValue, below(lanes)));
        break;
      case 9:
        add(b.vec(Op::vins_lane, lane, any(Type::v128), any(Type::v128), kNoValue,
                  below(lanes) | below(lanes) << 4));
        break;
      case 10: {
        const Type t = lane == 3 ? Type::i64 : integer_type();
        add(b.emit(Op::vextract, t, any(Type::v128), kNoValue, kNoValue, below(lanes) | (chance(50) ? 16 : 0),
                   static_cast<uint8_t>(lane)));
        break;
      }
      case 11: {
        const Type types[] = {Type::f16, Type::f32, Type::f64, Type::v128};
        const Type t = types[below(4)];
        const uint8_t aux = t == Type::v128 ? static_cast<uint8_t>(1 + below(3))
                                            : static_cast<uint8_t>(t) - static_cast<uint8_t>(Type::f16) + 1;
        add(b.emit(chance(50) ? Op::fabs : Op::fneg, t, any(t), kNoValue, kNoValue, 0, aux));
        break;
      }
      default:
        add(b.vec(kBitwise[below(std::size(kBitwise))], lane, any(Type::v128), any(Type::v128)));
    }
  }

  void memory() {
    Builder& b = m_.b;
    // An address within guest memory, mostly.
    const Value offset = b.binary(Op::and_, integer(Type::i64), b.i64(chance(50) ? 0x3ff0 : 0x1fff));
    const Value base = b.add_imm(offset, static_cast<int64_t>(kGuestBase + (chance(4)    ? 0x3ff8
                                                                            : chance(50) ? 0
                                                                                         : 24)));
    const int32_t lo = static_cast<int32_t>(below(5)) * 8 - 16;
    const uint32_t length = static_cast<uint32_t>(16 + below(4) * 16);
    const bool write = chance(60);
    const bool reads = !write || chance(70);
    uint8_t aux = !write ? 0 : reads ? kGuardWrite | kGuardReadWrite : kGuardWrite;
    if (chance(20)) aux |= kGuardUser;
    if (chance(10)) aux |= static_cast<uint8_t>(below(4) << kGuardAlignShift);
    b.set_slow(chance(10));
    const Value p = b.guard(base, {lo, length, 3}, aux);
    const unsigned n = static_cast<unsigned>(1 + below(3));
    for (unsigned i = 0; i < n; ++i) {
      const unsigned size = static_cast<unsigned>(below(vectors_ ? 5 : 4));
      const int64_t at = lo + static_cast<int64_t>(below(length - 16 + 1));
      const auto order = static_cast<uint8_t>(chance(20) ? kMemAcquire | kMemRelease : 0);
      const Type t = size == 4 ? Type::v128 : size == 3 ? Type::i64 : integer_type();
      switch (!write ? 0 : reads ? below(3) : 1) {
        case 0:
          if (vectors_ && size >= 1 && size <= 3 && chance(20))
            add(b.load(size == 1   ? Type::f16
                       : size == 2 ? Type::f32
                                   : Type::f64,
                       p, at, static_cast<uint8_t>(size | order)));
          else
            add(b.load(t, p, at,
                       static_cast<uint8_t>(size | order | (size < 4 && chance(50) ? kMemSigned : 0))));
          break;
        case 1:
          b.store(p, at, any(t), static_cast<uint8_t>(size | order));
          break;
        default: {
          if (size == 4) {
            m_.b.store(p, at, any(t), 4);
            break;
          }
          static constexpr Op kRmw[] = {Op::xchg,     Op::rmw_add,  Op::rmw_andn, Op::rmw_or,  Op::rmw_xor,
                                        Op::rmw_smax, Op::rmw_smin, Op::rmw_umax, Op::rmw_umin};
          if (chance(20))
            add(b.emit(Op::cas, t, p, integer(t), integer(t), static_cast<uint64_t>(at),
                       static_cast<uint8_t>(size)));
          else
            add(b.emit(kRmw[below(9)], t, p, integer(t), kNoValue, static_cast<uint64_t>(at),
                       static_cast<uint8_t>(size)));
        }
      }
    }
    b.commit(p);
    b.set_slow(false);
  }

  void call() {
    Builder& b = m_.b;
    const Type t = integer_type();
    add(b.call(t, static_cast<unsigned>(below(kHelpers)), integer(Type::i64), integer(Type::i32),
               any(Type::i1)));
  }

  void step() {
    const uint64_t k = below(100);
    if (k < 45)
      scalar();
    else if (k < 60)
      pair();
    else if (k < 70) {
      if (vectors_)
        vector();
      else
        scalar();
    } else if (k < 82)
      memory();
    else if (k < 85)
      call();
    else if (k < 90)
      add(condition());
    else if (k < 92)
      m_.b.exit_if(chance(50) ? condition() : any(Type::i1), static_cast<int64_t>(below(5000)));
    else if (k < 94)
      m_.b.exit_engine_if(chance(50) ? condition() : any(Type::i1), static_cast<uint8_t>(below(9)),
                          interesting());
    else
      add(flags());
  }

  void set() {
    Builder& b = m_.b;
    switch (below(vectors_ ? 9 : 4)) {
      case 0:
        b.set(static_cast<Slot>(kW0 + below(kWCount)), integer(Type::i32));
        break;
      case 1:
        b.set(kFlagsSlot, any(Type::flags));
        break;
      case 2:
        b.set(kB0, any(Type::i1));
        break;
      case 4:
        b.set(kS0, any(Type::f32));
        break;
      case 5:
        b.set(kD0, any(Type::f64));
        break;
      case 6:
        b.set(kH0, any(Type::f16));
        break;
      case 7:
      case 8:
        b.set(static_cast<Slot>(kV0 + below(kVCount)), any(Type::v128));
        break;
      default:
        b.set(static_cast<Slot>(kX0 + below(kXCount)), integer(Type::i64));
    }
  }

  Machine& m_;
  std::mt19937_64 random_;
  const bool vectors_;
  unsigned width_ = 8;
  std::vector<Value> pools_[16];
};

uint64_t environment(const char* name, uint64_t fallback) {
  const char* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 0) : fallback;
}

void compare_regions(uint64_t seed, unsigned regions, bool vectors, bool plain) {
  Machine m(plain);
  unsigned complex = 0;
  for (unsigned n = 0; n < regions; ++n) {
    Generator g(m, seed + n, vectors);
    g.build(static_cast<unsigned>(1 + g.below(g.chance(10) ? 150 : 30)));
    ASSERT_EQ(verify(m.region), "") << "seed " << seed + n << "\n" << print(m.region);
    const uint8_t* code = m.compile();
    if (!code) {
      ++complex;
      continue;
    }
    for (unsigned run = 0; run < 4; ++run) {
      State start{};
      start.page = kGuestBase & ~uint64_t{0xffffff};
      for (auto& x : start.x) x = g.interesting();
      for (auto& w : start.w) w = static_cast<uint32_t>(g.interesting());
      for (auto& v : start.v) v = {g.interesting(), g.interesting()};
      start.s = static_cast<uint32_t>(g.interesting());
      start.d = g.interesting();
      start.h = static_cast<uint16_t>(g.interesting());
      start.b = g.below(2);
      start.flags = g.interesting() & 0xffffffff;
      std::vector<uint8_t> bytes(m.memory.size());
      for (auto& x : bytes) x = static_cast<uint8_t>(g.interesting());
      const unsigned leave_at = kStayingHelpers + static_cast<unsigned>(g.below(12));
      m.helper = [&](unsigned helper, const uint64_t args[4], uint64_t& result) {
        result = helper * 0x123456789abcdef + args[0] + 3 * args[1] + 5 * args[2] + m.state().x[3];
        m.state().x[5] += 0x1111;
        return helper != leave_at;
      };

      m.memory = bytes;
      m.state() = start;
      uint32_t sticky = 0;
      const EvalResult expected = evaluate(m.region, m.rt->state, sticky, m);
      const State expected_state = m.state();
      const std::vector<uint8_t> expected_memory = m.memory;

      m.memory = bytes;
      m.state() = start;
      if (g.chance(50)) m.clear_tlb();
      const Leave leave = m.run(code, 1000);
      const auto context = [&] {
        return "seed " + std::to_string(seed + n) + "\n" + print(m.region) + m.disassembly();
      };
      const Inst& last = m.region.insts[expected.inst];
      State want = expected_state;
      Leave want_leave = expected.leave;
      const auto target = static_cast<int64_t>(last.imm);
      if (expected.leave == Leave::kLink && (target < 0 || target >= 4096)) {
        want.page += static_cast<uint64_t>(target & ~int64_t{4095});
      } else if (expected.leave == Leave::kIndirect) {
        ASSERT_EQ(m.rt->exit_target, expected.target) << context();
        want.page = expected.target & ~uint64_t{4095};
      }
      ASSERT_EQ(leave, want_leave) << context();
      ASSERT_EQ(difference(m.state(), want), "") << context();
      std::string bad;
      for (size_t i = 0; i < m.memory.size(); ++i)
        if (m.memory[i] != expected_memory[i])
          bad += std::to_string(i) + ": " + std::to_string(m.memory[i]) + " not " +
                 std::to_string(expected_memory[i]) + ", ";
      ASSERT_EQ(bad, "") << context();
      const uint32_t completed = m.region.snapshot(last).completed;
      if (leave == Leave::kLink || leave == Leave::kEngine || leave == Leave::kIndirect) {
        ASSERT_EQ(m.rt->counter, 1000 - static_cast<int64_t>(completed)) << context();
      }
      if (leave == Leave::kLink) {
        ASSERT_EQ(m.site().imm, last.imm) << context();
      }
      if (leave == Leave::kEngine) {
        ASSERT_EQ(m.site().aux, last.aux);
        if (last.op == Op::exit_engine && last.args[0] != kNoValue) {
          ASSERT_EQ(m.rt->exit_argument, expected.target) << context();
        }
      }
    }
  }
  EXPECT_LT(complex, regions / 10);
}

const uint64_t kSeed = environment("MYNAH_SEED", 1);
const auto kRegions = static_cast<unsigned>(environment("MYNAH_REGIONS", 2000));

TEST(Random, Scalar) { compare_regions(kSeed, kRegions, false, false); }
TEST(Random, Vector) { compare_regions(kSeed + 1000000, kRegions, true, false); }
TEST(Random, PlainProcessor) { compare_regions(kSeed + 2000000, kRegions, true, true); }

}  // namespace
}  // namespace mynah::ir::testing
