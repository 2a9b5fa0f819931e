// SPDX-License-Identifier: Apache-2.0
//
// Ops that are one host instruction each (lanes packed, multiplied, shuffled, gathered; strings; rounds of
// AES and SHA; bytes of GF(2^8); bit counts, deposits and flags of shifts) against the evaluator.
#include <gtest/gtest.h>

#include "ir/strings.h"
#include "op_check.h"

namespace mynah::ir::testing {
namespace {

class Packed : public ::testing::TestWithParam<bool> {
 protected:
  // Every op with every lane size and immediate; `types`: of the result and the arguments.
  void each(const std::vector<Op>& ops, const std::vector<unsigned>& lanes, const std::vector<Type>& types,
            const std::vector<uint64_t>& imms = {0}, unsigned runs = 120) {
    OpChecker checker(GetParam());
    Source s(7);
    for (const Op op : ops)
      for (const unsigned lane : lanes)
        for (const uint64_t imm : imms) {
          const OpCase c{op, types[0], {types.begin() + 1, types.end()}, static_cast<uint8_t>(lane), imm};
          std::vector<Operands> values;
          for (unsigned i = 0; i < runs; ++i) {
            Operands o = {s.integers(lane), s.integers(lane), s.integers(lane)};
            if (s.below(8) == 0) o[1] = o[0];
            values.push_back(o);
          }
          for (const auto shape :
               {OpChecker::Shape{}, OpChecker::Shape{.live = true}, OpChecker::Shape{.same = true}})
            EXPECT_EQ(checker.check(c, {}, values, shape), "");
          if (HasFailure()) return;
        }
  }
  void unary(const std::vector<Op>& ops, const std::vector<unsigned>& lanes,
             const std::vector<uint64_t>& imms = {0}) {
    each(ops, lanes, {Type::v128, Type::v128}, imms, imms.size() > 16 ? 20 : 120);
  }
  void binary(const std::vector<Op>& ops, const std::vector<unsigned>& lanes,
              const std::vector<uint64_t>& imms = {0}) {
    each(ops, lanes, {Type::v128, Type::v128, Type::v128}, imms, imms.size() > 16 ? 20 : 120);
  }
};
INSTANTIATE_TEST_SUITE_P(Processor, Packed, ::testing::Values(false, true),
                         [](const auto& p) { return p.param ? "Plain" : "Full"; });

const std::vector<unsigned> kAll = {0, 1, 2, 3};

std::vector<uint64_t> to(uint64_t n) {
  std::vector<uint64_t> v;
  for (uint64_t i = 0; i < n; ++i) v.push_back(i);
  return v;
}
const std::vector<uint64_t> kBytes = {0,    0x01, 0x1b, 0x2d, 0x39, 0x4e, 0x55, 0x72, 0x80,
                                      0x93, 0xaa, 0xb1, 0xc6, 0xd8, 0xe4, 0xee, 0xff};

TEST_P(Packed, Arithmetic) {
  binary({Op::vadd_us, Op::vadd_ss, Op::vsub_us, Op::vsub_ss, Op::vumulh, Op::vsmulh, Op::vsrmulh, Op::vsign,
          Op::vhadd, Op::vhsub, Op::vhadd_ss, Op::vhsub_ss},
         kAll);
  binary({Op::vpack_us, Op::vpack_ss}, {1, 2, 3});
  binary({Op::vmadd_s16, Op::vmadd_us8, Op::vumul_even, Op::vsmul_even, Op::vsad}, {0});
  binary({Op::vsad_slide}, {0}, to(8));
  unary({Op::vuminpos}, {0});
}
TEST_P(Packed, Shifts) {
  binary({Op::vshl_all, Op::vushr_all, Op::vsshr_all, Op::vshl_each, Op::vushr_each, Op::vsshr_each}, kAll);
  unary({Op::vshl_bytes, Op::vushr_bytes}, {0}, to(17));
  // Counts that are small in all 64 bits.
  OpChecker checker(GetParam());
  Source s(2);
  for (const Op op : {Op::vshl_all, Op::vushr_all, Op::vsshr_all})
    for (const unsigned lane : kAll) {
      std::vector<Operands> values;
      for (unsigned n = 0; n < 70; ++n) values.push_back({s.integers(lane), V128{n, s.next()}, {}});
      EXPECT_EQ(checker.check({op, Type::v128, {Type::v128, Type::v128}, static_cast<uint8_t>(lane), 0}, {},
                              values, {}),
                "");
    }
}
TEST_P(Packed, Permutations) {
  binary({Op::vshuffle8}, {0});
  unary({Op::vperm_imm, Op::vperm16_low, Op::vperm16_high}, {0}, kBytes);
  binary({Op::vperm_by}, {2, 3});
  binary({Op::vshuf_imm}, {2}, kBytes);
  binary({Op::vshuf_imm}, {3}, to(4));
  binary({Op::vblend_imm}, kAll, kBytes);
  each({Op::vblend_sign}, kAll, {Type::v128, Type::v128, Type::v128, Type::v128});
  binary({Op::vins_zero}, {0}, kBytes);
  for (unsigned lane = 0; lane < 3; ++lane)
    for (uint64_t wide = lane + 1; wide < 4; ++wide) unary({Op::vsext_to, Op::vzext_to}, {lane}, {wide});
}
TEST_P(Packed, Gathered) {
  each({Op::vmask}, kAll, {Type::i32, Type::v128});
  each({Op::vtest}, kAll, {Type::flags, Type::v128, Type::v128});
}

TEST_P(Packed, Crypto) {
  binary({Op::aes_enc, Op::aes_enc_last, Op::aes_dec, Op::aes_dec_last, Op::sha1_next_e, Op::sha1_msg1,
          Op::sha1_msg2, Op::sha256_msg1, Op::sha256_msg2, Op::gf_mul},
         {0});
  unary({Op::aes_key_assist}, {0}, kBytes);
  binary({Op::vclmul}, {0}, {0, 1, 16, 17});
  binary({Op::sha1_rounds4}, {0}, to(4));
  binary({Op::gf_affine, Op::gf_affine_inv}, {0}, kBytes);
  each({Op::sha256_rounds2}, {0}, {Type::v128, Type::v128, Type::v128, Type::v128});
}

// Strings of few different characters, some of them short.
TEST_P(Packed, Strings) {
  OpChecker checker(GetParam());
  Source s(11);
  const auto text = [&s](bool words) {
    V128 v;
    const uint64_t kinds = 2 + s.below(6);
    for (unsigned at = 0; at < 128; at += words ? 16 : 8) {
      uint64_t c = s.below(24) == 0 ? 0 : 1 + s.below(kinds);
      if (s.below(8) == 0) c = s.next();
      (at < 64 ? v.lo : v.hi) |= (c & (words ? 0xffff : 0xff)) << (at & 63);
    }
    return v;
  };
  const auto length = [&s] {
    switch (s.below(8)) {
      case 0:
        return uint32_t{0x80000000};
      case 1:
        return static_cast<uint32_t>(s.next());
      default:
        return static_cast<uint32_t>(s.below(40)) - 20;
    }
  };
  for (uint64_t imm = 0; imm < 128; ++imm) {
    std::vector<Operands> values;
    for (unsigned i = 0; i < 60; ++i)
      values.push_back(
          {text(imm & kWords), text(imm & kWords), V128{length() | uint64_t{length()} << 32, 0}});
    const Type v = Type::v128;
    for (const auto shape : {OpChecker::Shape{}, OpChecker::Shape{.live = true}}) {
      for (const auto& [op, type] : {std::pair{Op::vstr_index, Type::i32}, std::pair{Op::vstr_mask, v},
                                     std::pair{Op::vstr_flags, Type::flags}})
        EXPECT_EQ(checker.check({op, type, {v, v}, 0, imm}, {}, values, shape), "");
      for (const auto& [op, type] : {std::pair{Op::vstrl_index, Type::i32}, std::pair{Op::vstrl_mask, v},
                                     std::pair{Op::vstrl_flags, Type::flags}})
        EXPECT_EQ(checker.check({op, type, {v, v, Type::i64}, 0, imm}, {}, values, shape), "");
    }
    if (HasFailure()) return;
  }
}

TEST_P(Packed, Integers) {
  for (const Type t : {Type::i32, Type::i64}) {
    each({Op::ctz, Op::popcnt}, {0}, {t, t});
    each({Op::pdep, Op::pext}, {0}, {t, t, t});
    OpChecker checker(GetParam());
    Source s(4);
    for (const Op op : {Op::fl_shl, Op::fl_lshr, Op::fl_ashr})
      for (const uint8_t aux : {0, 1, 2}) {
        const unsigned width = flags_width(aux, bits(t)), counts = width == 64 ? 64 : 32;
        std::vector<Operands> values;
        for (unsigned i = 0; i < 300; ++i)
          values.push_back({V128{s.integer(width), 0}, V128{1 + s.below(counts - 1), 0}, {}});
        EXPECT_EQ(checker.check({op, Type::flags, {t, t}, aux, 0}, {}, values, {}), "");
      }
  }
}

// A shift by a constant, and its flags, which come with it: all of them, A included, and the conditions.
TEST_P(Packed, FlagsOfShifts) {
  Machine m(GetParam());
  Source s(6);
  constexpr std::pair<Op, Op> kOps[] = {
      {Op::shl, Op::fl_shl}, {Op::lshr, Op::fl_lshr}, {Op::ashr, Op::fl_ashr}};
  for (const auto& [op, flags_op] : kOps)
    for (const Type t : {Type::i32, Type::i64})
      for (unsigned n = 1; n < bits(t); n += 1 + static_cast<unsigned>(s.below(5)))
        for (unsigned kept = 0; kept < 4; ++kept) {
          Builder& b = m.begin();
          b.at(0, 0);
          Value x = b.get(kX0);
          if (t == Type::i32) x = b.trunc(x);
          const Value count = b.konst(t, n);
          const bool first = s.below(2);
          Value result = first ? b.binary(op, x, count) : kNoValue;
          const Value f = b.emit(flags_op, Type::flags, x, count);
          if (!first) result = b.binary(op, x, count);
          if (kept & 1) b.set(kX0 + 1, t == Type::i32 ? b.zext32(result) : result);
          if (kept & 2) b.set(kFlagsSlot, f);
          b.exit_if(b.cond(static_cast<Cond>(s.below(kConds)), f), 32);
          b.set(kX0 + 2, b.emit(Op::bool_int, Type::i64, b.cond(static_cast<Cond>(s.below(kConds)), f)));
          b.exit(64);
          b.finish();
          const uint8_t* code = m.compile();
          for (unsigned run = 0; run < 20; ++run) {
            State start{};
            start.x[0] = s.integer(bits(t));
            m.state() = start;
            uint32_t sticky = 0;
            evaluate(m.region, m.rt->state, sticky, m);
            const State expected = m.state();
            m.state() = start;
            m.run(code);
            ASSERT_EQ(difference(m.state(), expected), "") << m.disassembly();
            if (kept & 2) {
              ASSERT_EQ(m.state().flags & kAllFlags, expected.flags & kAllFlags) << m.disassembly();
            }
          }
        }
}

}  // namespace
}  // namespace mynah::ir::testing
