// SPDX-License-Identifier: Apache-2.0
//
// Cryptographic ops against the evaluator, and AES rounds of two ops.
#include <gtest/gtest.h>

#include "op_check.h"

namespace mynah::ir::testing {
namespace {

class Crypto : public ::testing::TestWithParam<bool> {
 protected:
  void each(const std::vector<Op>& ops, unsigned arguments, std::vector<uint64_t> imms = {0}) {
    OpChecker checker(GetParam());
    Source s(3);
    for (const Op op : ops)
      for (const uint64_t imm : imms) {
        std::vector<Operands> values;
        for (unsigned i = 0; i < 100; ++i) values.push_back({s.integers(3), s.integers(2), s.integers(2)});
        for (const auto shape :
             {OpChecker::Shape{}, OpChecker::Shape{.live = true}, OpChecker::Shape{.same = true}})
          EXPECT_EQ(checker.check({op, Type::v128, std::vector<Type>(arguments, Type::v128), 0, imm}, {},
                                  values, shape),
                    "");
      }
  }
};
INSTANTIATE_TEST_SUITE_P(Processor, Crypto, ::testing::Values(false, true),
                         [](const auto& p) { return p.param ? "Plain" : "Full"; });

TEST_P(Crypto, Aes) {
  each({Op::aese, Op::aesd}, 2);
  each({Op::aesmc, Op::aesimc}, 1);
}
TEST_P(Crypto, Sha) {
  each({Op::sha1c, Op::sha1p, Op::sha1m, Op::sha1su0, Op::sha256h, Op::sha256h2, Op::sha256su1}, 3);
  each({Op::sha1h}, 1);
  each({Op::sha1su1, Op::sha256su0, Op::rax1}, 2);
  each({Op::xar}, 2, {0, 1, 31, 32, 63});
}

TEST_P(Crypto, Crc32) {
  OpChecker checker(GetParam());
  Source s(5);
  for (const uint64_t castagnoli : {0, 1})
    for (const uint8_t bytes : {1, 2, 4, 8}) {
      std::vector<Operands> values;
      for (unsigned i = 0; i < 300; ++i) values.push_back({s.integers(2), s.integers(3)});
      const OpCase c{
          Op::crc32, Type::i32, {Type::i32, bytes == 8 ? Type::i64 : Type::i32}, bytes, castagnoli};
      for (const auto shape : {OpChecker::Shape{}, OpChecker::Shape{.live = true}})
        EXPECT_EQ(checker.check(c, {}, values, shape), "");
    }
}

TEST_P(Crypto, AesRounds) {
  Machine m(GetParam());
  Source s(9);
  for (const bool decrypt : {false, true}) {
    for (const bool kept : {false, true}) {  // the value between the two is needed as well
      Builder& b = m.begin();
      b.at(0, 0);
      Value x = b.get(kV0);
      for (unsigned i = 0; i < 3; ++i) {
        x = b.vec(decrypt ? Op::aesd : Op::aese, 0, x, b.get(static_cast<Slot>(kV0 + 1 + i)));
        if (kept) b.set(static_cast<Slot>(kV0 + 5 + i), x);
        x = b.vec(decrypt ? Op::aesimc : Op::aesmc, 0, x);
      }
      b.set(kV0 + 4, x);
      const uint8_t* code = m.compile();
      for (unsigned run = 0; run < 50; ++run) {
        State start{};
        for (auto& v : start.v) v = s.integers(3);
        m.state() = start;
        uint32_t sticky = 0;
        evaluate(m.region, m.rt->state, sticky, m);
        const State expected = m.state();
        m.state() = start;
        m.run(code);
        ASSERT_EQ(difference(m.state(), expected), "") << m.disassembly();
      }
    }
  }
}

}  // namespace
}  // namespace mynah::ir::testing
