// SPDX-License-Identifier: Apache-2.0
//
// How long turns of several processors are: long while nobody waits, else short.
#include "tests/machines/smp_fixture.h"

namespace mynah {
namespace {

class Turns : public Smp {};
INSTANTIATE_TEST_SUITE_P(, Turns,
                         testing::Values(Setup{Accelerator::kJit, 2}, Setup{Accelerator::kInterp, 2}),
                         [](const auto& info) {
                           return info.param.accelerator == Accelerator::kJit ? "jit" : "interp";
                         });

constexpr uint64_t kRounds = 4'000'000, kPiece = 50'000;  // two instructions a round

Code& count_down(Code& c, int label) {
  c.load(2, kRounds);
  return c.bind(label)(subs_imm(2, 2, 1)).b_cc(kNe, label);
}

TEST_P(Turns, AreLongWhileNobodyWaits) {
  Code c(kEntry);
  turn_on(c, 1, kSecondary);
  count_down(c, kLoop);
  wait_off(c, 1, kAgain);
  power_off(c);
  c.bind(kSecondary);
  count_down(c, kNext).load(0, kCpuOff)(hvc(0));
  VirtMachine& m = start(c, 2);
  run(m);
  EXPECT_LT(m.turns(), m.instructions() / (30 * kPiece) + 3);
  EXPECT_GT(m.turns(), m.instructions() / (50 * kPiece));  // and yet nobody has it all
}

TEST_P(Turns, AreShortWhileOneSpins) {
  Code c(kEntry);
  turn_on(c, 1, kSecondary);
  c.load(10, kData);
  c.bind(kWait)(kYieldHint, ldar(1, 10)).cbz(1, kWait);
  power_off(c);
  c.bind(kSecondary);
  count_down(c, kLoop).load(10, kData)(movz(1, 7), str(1, 10)).load(0, kCpuOff)(hvc(0));
  VirtMachine& m = start(c, 2);
  run(m);
  EXPECT_GT(m.turns(), 2 * kRounds / kPiece);
}

TEST_P(Turns, OneThatIsWokenWaitsForNoMoreThanAPiece) {
  Code c(kEntry);
  turn_on(c, 1, kSecondary)(kWfe);
  power_off(c);
  c.bind(kSecondary)(kSev);
  count_down(c, kLoop).load(0, kCpuOff)(hvc(0));
  VirtMachine& m = start(c, 2);
  run(m);
  EXPECT_LE(m.vcpu(1).instructions(), kPiece + 64);
}

}  // namespace
}  // namespace mynah
