// SPDX-License-Identifier: Apache-2.0
//
// Software step: every instruction of an EL0 program raises one step exception behind it, branches too.
#include "frontend/arm/pstate.h"
#include "tests/engine/engine_test.h"

namespace mynah::test {
namespace {

using namespace a64asm;

constexpr uint64_t kUser = 0x10000000;
constexpr uint64_t kStepEsr = 0xcb000022;

class SoftwareStep : public EngineTest {
 protected:
  void SetUp() override {
    m_ = std::make_unique<BareMachine>(options());
    m_->map(m_->kernel_table(), kUser, kData, kMapUser | kMapReadOnly | kMapGuarded);
    m_->load(kVectors + 0x400, {hvc(0x400), kEret});
    m_->state().oslsr = 0;
    m_->state().mdscr = 1;
  }
  BareMachine& m() { return *m_; }
  // Runs the program from kUser until something else than a step comes: the addresses that it came by.
  std::vector<uint64_t> addresses(const Code& user, unsigned limit = 100) {
    m().load(kData, user.words());
    Code c(kCode);
    c.load(1, kUser)(msr(kElr, 1)).load(1, arm::spsr::kSs)(msr(kSpsr, 1), kEret);
    m().load(c);
    m().start(kCode);
    std::vector<uint64_t> seen;
    while (limit--) {
      if (!m().run_to_hvc() || m().vector() != 0x400u || m().state().esr != kStepEsr) break;
      seen.push_back(m().state().elr - kUser);
      EXPECT_FALSE(m().state().spsr & arm::spsr::kSs);
      m().state().spsr |= arm::spsr::kSs;
    }
    return seen;
  }

 private:
  std::unique_ptr<BareMachine> m_;
};
MYNAH_BOTH_ACCELERATORS(SoftwareStep);

enum Label { kFunction, kAfter, kEnd };

TEST_P(SoftwareStep, Branches) {
  Code c(kUser);
  c(movz(1, 1)).b(kAfter)(kNop).bind(kAfter)(cmp_imm(1, 1)).b_cc(kNe, kEnd).b_cc(kEq, kFunction)(kNop);
  c.bind(kFunction).cbz(1, kEnd).adr(2, kEnd)(blr(2), kUndefined).bind(kEnd)(kBtiC, kIsb, ret());
  const std::vector<uint64_t> expected = {4, 12, 16, 20, 28, 32, 36, 44, 48, 52, 40};
  EXPECT_EQ(addresses(c), expected);
  EXPECT_EQ(m().state().esr, 0x02000000u);
  EXPECT_EQ(m().state().elr, kUser + 40);
  EXPECT_TRUE(m().state().spsr & arm::spsr::kSs);  // it did not complete
}

// BTYPE lives through the step exception.
TEST_P(SoftwareStep, BranchType) {
  Code c(kUser);
  c.adr(2, kEnd)(br(2)).bind(kEnd)(kBtiC);
  const std::vector<uint64_t> expected = {4, 8};
  EXPECT_EQ(addresses(c), expected);
  EXPECT_EQ(m().state().esr, 0x36000003u);
  EXPECT_EQ(m().state().elr, kUser + 8);
}

// The step is over before the exception that a system call is.
TEST_P(SoftwareStep, SystemCall) {
  Code c(kUser);
  c(movz(1, 1), svc(7), movz(1, 2), kUndefined);
  EXPECT_EQ(addresses(c), std::vector<uint64_t>{4});
  EXPECT_EQ(m().state().esr, 0x56000007u);
  EXPECT_EQ(m().state().elr, kUser + 8);
  EXPECT_FALSE(m().state().spsr & arm::spsr::kSs);
  ASSERT_TRUE(m().run_to_hvc());  // back, with the step exception pending
  EXPECT_EQ(m().state().esr, kStepEsr);
  EXPECT_EQ(m().state().elr, kUser + 8);
  EXPECT_EQ(m().x(1), 1u);
}

}  // namespace
}  // namespace mynah::test
