// SPDX-License-Identifier: Apache-2.0
//
// Pointer authentication in whole programs. RAM is mapped in both halves of the address space: EL1 code in
// the upper half takes the fast flavour, code in the lower half the slow one, and both must come to the same.
#include "tests/engine/engine_test.h"

namespace mynah::test {
namespace {

using namespace a64asm;

constexpr uint64_t kUpper = 0xffffff8000000000;
constexpr uint64_t kStack = kData + 0x800;
constexpr Word kIaLo = system(3, 0, 2, 1, 0), kIaHi = system(3, 0, 2, 1, 1), kDaLo = system(3, 0, 2, 2, 0),
               kGaHi = system(3, 0, 2, 3, 1);
enum Label { kFunction, kAfter, kLoop, kFault };

class PauthPrograms : public EngineTest {
 protected:
  // A machine whose program stands at kCode of that half.
  BareMachine& machine(uint64_t half) {
    m_ = std::make_unique<BareMachine>(options());
    half_ = half;
    arm::ArmState& s = m_->state();
    s.ttbr1 = m_->kernel_table();
    s.sctlr |= uint64_t{1} << 31 | 1 << 30 | 1 << 27 | 1 << 13;
    s.vbar = half + kVectors;
    m_->start(half + kCode);
    s.sp() = half + kStack;
    return *m_;
  }
  void run(const Code& c) {
    m_->load(c.address() - half_, c.words());
    ASSERT_TRUE(m_->run_to_hvc());
  }
  // Where the program stopped.
  uint64_t stop() const { return m_->cpu->pc() - 4; }

 private:
  std::unique_ptr<BareMachine> m_;
  uint64_t half_ = 0;
};
MYNAH_BOTH_ACCELERATORS(PauthPrograms);

Code& keys(Code& c) {
  return c.load(0, 0x1122334455667788)(msr(kIaLo, 0))
      .load(0, 0x99aabbccddeeff00)(msr(kIaHi, 0), msr(kDaLo, 0), msr(kGaHi, 0), kIsb);
}

// Calls that sign and authenticate their return address, a thousand times.
TEST_P(PauthPrograms, CallsAndReturns) {
  for (const uint64_t half : {uint64_t{0}, kUpper}) {
    BareMachine& m = machine(half);
    Code c(half + kCode);
    keys(c).load(9, 1000)(movz(10, 0));
    c.bind(kLoop)(bl(16), subs_imm(9, 9, 1)).b_cc(kNe, kLoop).bind(kAfter)(hvc(1));
    c(kPaciasp, stp_pre(29, 30, kSp, -16), add_imm(10, 10, 1), mov(20, 30), bl(12));
    c(ldp_post(29, 30, kSp, 16), kRetaa);
    c(kPaciasp, add_imm(10, 10, 1), mov(21, 30), kAutiasp, mov(22, 30), ret());
    run(c);
    EXPECT_EQ(stop(), c.at(kAfter));
    EXPECT_EQ(m.x(10), 2000u);
    EXPECT_NE(m.x(20), m.x(21));
    EXPECT_EQ(m.x(21) & 0x7fffffffff, m.x(22) & 0x7fffffffff);
    EXPECT_NE(m.x(21), m.x(22));
    if (jit()) {
      EXPECT_EQ(m.vcpu->dispatcher_stats().slow_entries == 0, half == kUpper);
    }
  }
}

// A return address that was overwritten: the error code makes the return fault at the poisoned address.
TEST_P(PauthPrograms, WrongReturnAddress) {
  for (const uint64_t half : {uint64_t{0}, kUpper}) {
    BareMachine& m = machine(half);
    Code c(half + kCode);
    keys(c).load(30, half + kCode)(movz(5, 5), kPaciasp, add_imm(30, 30, 4), add_imm(5, 5, 1));
    c(kRetaa, movz(5, 0), hvc(1));
    run(c);
    EXPECT_EQ(stop(), half + kVectors + 0x200);
    const uint64_t poisoned = (half + kCode + 4) ^ uint64_t { half ? 2u : 1u } << 61;
    EXPECT_EQ(m.state().elr, poisoned) << std::hex << m.state().elr;
    EXPECT_EQ(m.state().far, poisoned);
    EXPECT_EQ(m.state().esr, 0x86000004u);
    EXPECT_EQ(m.x(5), 6u);
  }
}

TEST_P(PauthPrograms, Branches) {
  for (const uint64_t half : {uint64_t{0}, kUpper}) {
    BareMachine& m = machine(half);
    Code c(half + kCode);
    keys(c).load(1, half + kCode + 0x400).load(2, 77)(movz(3, 0));
    c(pacia(1, 2), blraa(1, 2)).bind(kAfter)(braa(1, 2), hvc(9));
    c.pad_to(half + kCode + 0x400)(add_imm(3, 3, 1), cmp_imm(3, 2)).b_cc(kEq, kLoop)(ret());
    c.bind(kLoop)(mov(4, 30), hvc(1));
    run(c);
    EXPECT_EQ(stop(), c.at(kLoop) + 4);
    EXPECT_EQ(m.x(3), 2u);
    EXPECT_EQ(m.x(4), c.at(kAfter));
  }
}

TEST_P(PauthPrograms, LoadThroughASignedPointer) {
  for (const uint64_t half : {uint64_t{0}, kUpper}) {
    BareMachine& m = machine(half);
    m.write(kData, 0x1234);
    Code c(half + kCode);
    keys(c).load(1, half + kData)(movz(2, 0), pacda(1, 2), ldraa(3, 1), add_imm(1, 1, 8));
    c.bind(kFault)(ldraa(4, 1), hvc(1));
    run(c);
    EXPECT_EQ(m.x(3), 0x1234u);
    EXPECT_EQ(stop(), half + kVectors + 0x200);
    EXPECT_EQ(m.state().elr, c.at(kFault));
    EXPECT_EQ(m.state().far, (half + kData + 8) ^ uint64_t{half ? 2u : 1u} << 61);
  }
}

TEST_P(PauthPrograms, ExceptionReturn) {
  for (const uint64_t half : {uint64_t{0}, kUpper}) {
    BareMachine& m = machine(half);
    Code c(half + kCode);
    keys(c).load(1, half + kCode + 0x400)(movz(2, 0x3c5), msr(kSpsr, 2), add_imm(3, kSp, 0), pacia(1, 3));
    c(msr(kElr, 1), kEretaa).pad_to(half + kCode + 0x400)(hvc(1));
    run(c);
    EXPECT_EQ(stop(), half + kCode + 0x400);
    EXPECT_EQ(m.state().el, 1u);
  }
}

// A key that changes between signing and authenticating, in one block.
TEST_P(PauthPrograms, KeyChangesInABlock) {
  for (const uint64_t half : {uint64_t{0}, kUpper}) {
    BareMachine& m = machine(half);
    Code c(half + kCode);
    keys(c).load(1, half + kData)(mov(5, 1), movz(2, 3), pacia(1, 2), mov(3, 1), msr(kIaLo, 2), autia(3, 2));
    c(xpaci(1), pacga(6, 1, 2), hvc(1));
    run(c);
    EXPECT_EQ(m.x(1), m.x(5));
    EXPECT_EQ(m.x(3), m.x(5) ^ uint64_t{half ? 2u : 1u} << 61);
    EXPECT_EQ(m.x(6) & 0xffffffff, 0u);
    EXPECT_NE(m.x(6), 0u);
  }
}

}  // namespace
}  // namespace mynah::test
