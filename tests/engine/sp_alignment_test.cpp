// SPDX-License-Identifier: Apache-2.0
//
// SCTLR_EL1.SA and SA0: an access through a stack pointer that is no multiple of 16.
#include "frontend/arm/pstate.h"
#include "tests/engine/engine_test.h"

namespace mynah::test {
namespace {

using namespace a64asm;

constexpr uint64_t kStack = kData + 0x800;
constexpr uint64_t kSpEsr = 0x9a000000;
constexpr uint64_t kSa = 1 << 3, kSa0 = 1 << 4;
enum Label { kFault, kLoop, kFunction };

class SpAlignment : public EngineTest {
 protected:
  std::unique_ptr<BareMachine> run(const Code& c, uint64_t sp = kStack, uint64_t without = 0) {
    auto m = std::make_unique<BareMachine>(options());
    m->state().sctlr &= ~without;
    m->state().sp() = sp;
    m->start(c.address());
    m->load(c);
    EXPECT_TRUE(m->run_to_hvc());
    return m;
  }
  void expect_fault(BareMachine& m, uint64_t at, uint64_t instructions) {
    EXPECT_EQ(m.vector(), 0x200u);
    EXPECT_EQ(m.state().esr, kSpEsr) << std::hex << m.state().esr;
    EXPECT_EQ(m.state().elr, at);
    EXPECT_EQ(m.vcpu->instructions(), instructions + 1);  // and the vector's HVC
  }
};
MYNAH_BOTH_ACCELERATORS(SpAlignment);

// Every kind of access; the registers and the stack pointer stay as they were.
TEST_P(SpAlignment, Accesses) {
  constexpr Word kLd1 = 0x4c407000 | kSp << 5, kSt1Post = 0x4c9f7000 | kSp << 5,
                 kLdrRegister = 0xf8626820 | kSp << 5;
  for (const Word word :
       {ldr(1, kSp), str(1, kSp, 8), ldur(1, kSp, -8), ldp(1, 2, kSp), stp_pre(1, 2, kSp, -16),
        ldp_post(1, 2, kSp, 16), ldr_post(1, kSp, 8), ldr_q(1, kSp), str_q(1, kSp), ldxr(1, kSp),
        ldar(1, kSp), ldadd(1, 2, kSp), kLd1, kSt1Post, kLdrRegister}) {
    for (const bool here : {false, true}) {  // misaligned in front, or by this very block
      Code c(kCode);
      c(movz(1, 1), movz(2, 0));
      here ? c(sub_imm(kSp, kSp, 8)) : c(kNop);
      c.bind(kFault)(word, hvc(1));
      const auto m = run(c, here ? kStack : kStack - 8);
      expect_fault(*m, c.at(kFault), 4);
      EXPECT_EQ(m->state().sp(), kStack - 8);
      EXPECT_EQ(m->x(1), 1u);
    }
    // Not where it is switched off: alignment of the access is another matter.
    Code c(kCode);
    c(movz(1, 1), movz(2, 0), word, hvc(1));
    const auto m = run(c, kStack - 8, kSa);
    EXPECT_NE(m->state().esr, kSpEsr) << std::hex << word;
  }
}

// What does not access memory, and a prefetch, may have any stack pointer.
TEST_P(SpAlignment, NoAccess) {
  constexpr Word kPrfm = 0xf9800000 | kSp << 5;
  Code c(kCode);
  c(sub_imm(kSp, kSp, 4), add_imm(1, kSp, 8), kPrfm, sub_imm(kSp, kSp, 12), ldr(2, kSp), hvc(1));
  const auto m = run(c);
  EXPECT_FALSE(m->vector());
  EXPECT_EQ(m->state().sp(), kStack - 16);
}

// By writes whose outcome the translation does not know: aligned first, then not.
TEST_P(SpAlignment, UnknownValues) {
  Code c(kCode);
  c.load(1, kStack - 64)(movz(2, 16));
  c.bind(kLoop)(add_imm(kSp, 1, 0), str(2, kSp), 0xcb2263ff /* sub sp, sp, x2 */);
  c.bind(kFault)(str(2, kSp), sub_imm(2, 2, 4), add_imm(3, 3, 1)).b(kLoop);
  const auto m = run(c);
  expect_fault(*m, c.at(kFault), c.at(kFault) / 4 - kCode / 4 + 1 + 7);
  EXPECT_EQ(m->x(3), 1u);
  EXPECT_EQ(m->x(2), 12u);
  EXPECT_EQ(m->state().sp(), kStack - 64 - 12);
}

// A misaligned stack pointer that is mended by the handler, and calls in between.
TEST_P(SpAlignment, BackToNormal) {
  constexpr unsigned kCalls = 3000;
  Code c(kCode);
  c.load(9, kCalls)(movz(10, 0), sub_imm(kSp, kSp, 8), add_imm(kSp, kSp, 8));
  c.bind(kLoop).bl(kFunction)(subs_imm(9, 9, 1)).b_cc(kNe, kLoop)(hvc(1));
  c.bind(kFunction)(stp_pre(29, 30, kSp, -16), add_imm(10, 10, 1), ldp_post(29, 30, kSp, 16), ret());
  const auto m = run(c);
  EXPECT_FALSE(m->vector());
  EXPECT_EQ(m->x(10), kCalls);
}

// What Linux does on each entry to the kernel: sums and differences of SP and a register, through which SP is
// anything for a moment, and branches.
TEST_P(SpAlignment, Juggling) {
  constexpr Word kAddSp = 0x8b2063ff /* add sp, sp, x0 */, kSubX0 = 0xcb2063e0 /* sub x0, sp, x0 */,
                 kSubSp = 0xcb2063ff /* sub sp, sp, x0 */;
  Code c(kCode);
  c.load(9, 1000).load(0, 0x123456789)(movz(10, 0));
  c.bind(kLoop)(sub_imm(kSp, kSp, 32), kAddSp, kSubX0, tbnz(0, 63, 4 * 100)).bl(kFunction);
  c(str(9, kSp), ldr(11, kSp), add(10, 10, 11), add_imm(kSp, kSp, 32), add_imm(0, 0, 1));
  c(subs_imm(9, 9, 1)).b_cc(kNe, kLoop)(hvc(1));
  c.bind(kFunction)(kSubX0, kSubSp, ret());
  const auto m = run(c);
  EXPECT_FALSE(m->vector());
  EXPECT_EQ(m->x(10), 500500u);
  EXPECT_EQ(m->x(0), 0x123456789u + 1000);
  EXPECT_EQ(m->state().sp(), kStack);
  EXPECT_EQ(m->vcpu->tlb().contexts().misses, 2u);  // one more than the levels: none for SP
}

// EL0 has a bit and a stack pointer of its own.
TEST_P(SpAlignment, FromEl0) {
  constexpr uint64_t kVa = 0x10000000;
  for (const uint64_t without : {uint64_t{0}, kSa, kSa0}) {
    BareMachine m(options());
    m.map(m.kernel_table(), kVa, kData, kMapUser | kMapReadOnly);
    m.state().sctlr &= ~without;
    m.state().sp() = kStack;
    m.start(kCode);
    m.load(kData, {ldr(1, kSp), svc(0)});
    Code c(kCode);
    c.load(1, kVa + 8)(msr(kSpEl0, 1)).load(1, kVa)(msr(kElr, 1), msr(kSpsr, kZr), kEret);
    m.load(c);
    ASSERT_TRUE(m.run_to_hvc());
    EXPECT_EQ(m.vector(), 0x400u);
    EXPECT_EQ(m.state().esr, without == kSa0 ? 0x56000000 : kSpEsr);
    EXPECT_EQ(m.state().elr, kVa + (without == kSa0 ? 8 : 0));
  }
}

}  // namespace
}  // namespace mynah::test
