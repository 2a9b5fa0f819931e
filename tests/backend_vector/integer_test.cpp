// SPDX-License-Identifier: Apache-2.0
//
// Vectors of integers and saturating ops against the evaluator.
#include <gtest/gtest.h>

#include "op_check.h"

namespace mynah::ir::testing {
namespace {

constexpr unsigned kRuns = 150;

std::vector<Operands> operands(Source& s, unsigned lane, unsigned runs = kRuns) {
  std::vector<Operands> out;
  for (unsigned i = 0; i < runs; ++i) {
    Operands o = {s.integers(lane), s.integers(lane), s.integers(lane)};
    if (s.below(8) == 0) o[1] = o[0];
    out.push_back(o);
  }
  return out;
}

void check(OpChecker& checker, const OpCase& c, const std::vector<Operands>& values) {
  for (const auto shape :
       {OpChecker::Shape{}, OpChecker::Shape{.live = true}, OpChecker::Shape{.same = true}})
    EXPECT_EQ(checker.check(c, {}, values, shape), "");
}

// Every lane size, and these immediates.
void each(const std::vector<Op>& ops, const std::vector<unsigned>& lanes, unsigned arguments, bool plain,
          std::vector<uint64_t> imms = {0}, std::vector<uint8_t> bits = {0}) {
  OpChecker checker(plain);
  Source s(1);
  for (const Op op : ops) {
    for (const unsigned lane : lanes) {
      for (const uint64_t imm : imms) {
        for (const uint8_t more : bits) {
          const OpCase c{op, Type::v128, std::vector<Type>(arguments, Type::v128),
                         static_cast<uint8_t>(lane | more), imm};
          check(checker, c, operands(s, lane));
          if (::testing::Test::HasFailure()) return;
        }
      }
    }
  }
}

class Integer : public ::testing::TestWithParam<bool> {
 protected:
  bool plain() const { return GetParam(); }
};
INSTANTIATE_TEST_SUITE_P(Processor, Integer, ::testing::Values(false, true),
                         [](const auto& p) { return p.param ? "Plain" : "Full"; });

const std::vector<unsigned> kAll = {0, 1, 2, 3}, kTo32 = {0, 1, 2}, kFrom16 = {1, 2, 3};

TEST_P(Integer, Arithmetic) {
  each({Op::vadd, Op::vsub, Op::vmul, Op::vumin, Op::vumax, Op::vsmin, Op::vsmax, Op::vuabd, Op::vsabd,
        Op::vuhadd, Op::vshadd, Op::vurhadd, Op::vsrhadd, Op::vuhsub, Op::vshsub},
       kAll, 2, plain());
}
TEST_P(Integer, Unary) {
  each({Op::vneg, Op::vabs, Op::vcnt, Op::vclz, Op::vcls, Op::vrbit}, kAll, 1, plain());
}
TEST_P(Integer, Compare) {
  each({Op::vcmeq, Op::vcmgt, Op::vcmge, Op::vcmhi, Op::vcmhs, Op::vcmtst}, kAll, 2, plain());
}
TEST_P(Integer, ShiftImmediate) {
  for (unsigned lane = 0; lane < 4; ++lane) {
    std::vector<uint64_t> imms;
    for (unsigned n = 0; n <= 8u << lane; ++n) imms.push_back(n);
    each({Op::vushr_imm, Op::vsshr_imm, Op::vurshr_imm, Op::vsrshr_imm}, {lane}, 1, plain(), imms);
    imms.pop_back();
    each({Op::vshl_imm}, {lane}, 1, plain(), imms);
  }
}
TEST_P(Integer, ShiftByLanes) { each({Op::vushl, Op::vsshl, Op::vurshl, Op::vsrshl}, kAll, 2, plain()); }
TEST_P(Integer, Permute) {
  each({Op::vzip1, Op::vzip2, Op::vuzp1, Op::vuzp2, Op::vtrn1, Op::vtrn2}, kAll, 2, plain());
  each({Op::vsxtl, Op::vuxtl}, kTo32, 1, plain());
  each({Op::vxtn}, kFrom16, 1, plain());
  each({Op::vext}, {0}, 2, plain(), {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15});
  for (unsigned lane = 0; lane < 4; ++lane) each({Op::vrev}, {lane}, 1, plain(), {0, 1, 2, 3, 4});
  each({Op::vtbl}, {0}, 2, plain());
  each({Op::vtbx}, {0}, 3, plain());
}
TEST_P(Integer, Products) {
  each({Op::vumull, Op::vsmull}, kTo32, 2, plain(), {0}, {0, 16});
  each({Op::vpmull}, {0, 3}, 2, plain(), {0}, {0, 16});
  each({Op::vpmul}, {0}, 2, plain());
  each({Op::vudot, Op::vsdot}, {0}, 3, plain());
}
TEST_P(Integer, Reductions) {
  each({Op::vuaddlp, Op::vsaddlp}, kAll, 1, plain());
  for (unsigned lane = 0; lane < 4; ++lane) {
    std::vector<uint64_t> imms;
    for (unsigned n = 1; n <= 16u >> lane; ++n) imms.push_back(n);
    each({Op::vaddv, Op::vuaddlv, Op::vsaddlv, Op::vumaxv, Op::vuminv, Op::vsmaxv, Op::vsminv}, {lane}, 1,
         plain(), imms);
  }
}
TEST_P(Integer, Saturating) {
  each({Op::vuqadd, Op::vsqadd, Op::vuqsub, Op::vsqsub, Op::vsuqadd, Op::vusqadd, Op::vuqshl, Op::vsqshl,
        Op::vuqrshl, Op::vsqrshl},
       kAll, 2, plain());
  each({Op::vsqabs, Op::vsqneg}, kAll, 1, plain());
  each({Op::vuqxtn, Op::vsqxtn, Op::vsqxtun}, kFrom16, 1, plain());
  for (unsigned lane = 1; lane < 4; ++lane) {
    std::vector<uint64_t> imms;
    for (unsigned n = 1; n <= 4u << lane; ++n) imms.push_back(n);
    each({Op::vuqshrn, Op::vsqshrn, Op::vsqshrun}, {lane}, 1, plain(), imms, {0, 16});
  }
  each({Op::vsqdmulh}, {1, 2}, 2, plain(), {0}, {0, 16});
  each({Op::vsqdmull}, {1, 2}, 2, plain());
  each({Op::vsqrdmlah, Op::vsqrdmlsh}, {1, 2}, 3, plain());
}

}  // namespace
}  // namespace mynah::ir::testing
