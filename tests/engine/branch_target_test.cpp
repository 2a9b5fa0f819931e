// SPDX-License-Identifier: Apache-2.0
//
// FEAT_BTI: what a guarded page accepts a branch at, and what becomes of PSTATE.BTYPE in between.
#include "frontend/arm/pstate.h"
#include "tests/engine/engine_test.h"

namespace mynah::test {
namespace {

using namespace a64asm;

constexpr uint64_t kGuarded = 0x20000000, kOpen = 0x20002000, kAbsent = 0x20004000;  // EL1's
constexpr uint64_t kGuardedPa = kData, kOpenPa = kData + kPage;
constexpr uint64_t kBt1 = uint64_t{1} << 36;
constexpr uint64_t branch_target(unsigned btype) { return 0x36000000 | btype; }

class BranchTargets : public EngineTest {
 protected:
  void SetUp() override { m_ = make(GetParam()); }
  static std::unique_ptr<BareMachine> make(Accelerator accelerator) {
    auto m = std::make_unique<BareMachine>(BareOptions{.accelerator = accelerator});
    m->map(m->kernel_table(), kGuarded, kGuardedPa, kMapGuarded);
    m->map(m->kernel_table(), kOpen, kOpenPa);
    m->pte_address(m->kernel_table(), kAbsent);
    return m;
  }
  BareMachine& m() { return *m_; }
  unsigned saved_btype() { return m().state().spsr >> 10 & 3; }

 private:
  std::unique_ptr<BareMachine> m_;
};
MYNAH_BOTH_ACCELERATORS(BranchTargets);

// Every branch to every first instruction, from a guarded page and from another one. All run on one machine,
// each three times, so that what one branch left in the jump cache is there for the next.
TEST_P(BranchTargets, Matrix) {
  struct Branch {
    Word word;
    unsigned btype_guarded, btype_open;
  };
  constexpr Branch kBranches[] = {
      {br(1), 3, 1},  {br(16), 1, 1},     {br(17), 1, 1},      {blr(1), 2, 2},      {blr(16), 2, 2},
      {ret(1), 0, 0}, {braa(1, 2), 3, 1}, {braa(17, 2), 1, 1}, {blraa(1, 2), 2, 2},
  };
  // By BTYPE 0 to 3: whether it may be there, without and with SCTLR_EL1.BT1.
  struct Target {
    Word word;
    const char *accepts, *strict;
  };
  constexpr Word kPacibsp = 0xd503237f, kHlt = 0xd4400000;
  constexpr Target kTargets[] = {
      {kNop, "y---", "y---"},     {kBti, "y---", "y---"},     {kBtiC, "yyy-", "yyy-"},
      {kBtiJ, "yy-y", "yy-y"},    {kBtiJc, "yyyy", "yyyy"},   {kPaciasp, "yyyy", "yyy-"},
      {kPacibsp, "yyyy", "yyy-"}, {kAutiasp, "y---", "y---"}, {kUndefined, "y---", "y---"},
      {brk(1), "yyyy", "yyyy"},   {kHlt, "yyyy", "yyyy"},     {svc(2), "y---", "y---"},
  };
  constexpr unsigned kTargetAt = 0x800;
  for (unsigned i = 0; i < std::size(kTargets); ++i)
    m().load(kGuardedPa + kTargetAt + 8 * i, {kTargets[i].word, hvc(1)});
  for (unsigned i = 0; i < std::size(kBranches); ++i)
    for (const uint64_t page : {kGuardedPa, kOpenPa}) m().load(page + 8 * i, {kBtiJc, kBranches[i].word});

  unsigned refused = 0;
  for (unsigned round = 0; round < 3; ++round) {
    for (const bool strict : {false, true}) {
      for (unsigned b = 0; b < std::size(kBranches); ++b) {
        for (unsigned t = 0; t < std::size(kTargets); ++t) {
          for (const bool guarded : {false, true}) {
            const Branch& branch = kBranches[b];
            const Target& target = kTargets[t];
            const uint64_t to = kGuarded + kTargetAt + 8 * t;
            m().state().sctlr = strict ? m().state().sctlr | kBt1 : m().state().sctlr & ~kBt1;
            m().start((guarded ? kGuarded : kOpen) + 8 * b);
            for (const unsigned n : {1, 16, 17, 30}) m().x(n) = to;
            ASSERT_TRUE(m().run_to_hvc());
            const unsigned btype = guarded ? branch.btype_guarded : branch.btype_open;
            const bool good = (strict ? target.strict : target.accepts)[btype] == 'y';
            const auto what = [&] {
              return testing::Message() << std::hex << branch.word << " to " << target.word
                                        << (guarded ? " guarded" : "") << (strict ? " strict" : "");
            };
            if (!good) {
              ++refused;
              EXPECT_EQ(m().vector(), 0x200u) << what();
              EXPECT_EQ(m().state().esr, branch_target(btype)) << what();
              EXPECT_EQ(m().state().elr, to) << what();
              EXPECT_EQ(saved_btype(), btype) << what();
            } else if (m().vector()) {  // of the instruction itself
              EXPECT_NE(m().state().esr >> 26, 0x0du) << what();
              // A breakpoint saves it; HLT is undefined here, which saves zero.
              EXPECT_EQ(saved_btype(), target.word == brk(1) ? btype : 0u) << what();
            } else {
              EXPECT_EQ(m().cpu->pc(), to + 8) << what();
            }
            EXPECT_EQ(m().state().btype, 0u) << what();
          }
        }
      }
    }
  }
  EXPECT_EQ(refused, 3 * 180u);
}

// A page that is not guarded accepts anything, and does not hand BTYPE on to one that is.
TEST_P(BranchTargets, OpenPages) {
  Code open(kOpen + 0x400);
  open(kNop, b(static_cast<int64_t>(kGuarded + 0x400) - static_cast<int64_t>(kOpen + 0x404)));
  m().load(kOpenPa + 0x400, open.words());
  m().load(kGuardedPa + 0x400, {kNop, hvc(1)});
  for (const Word word : {br(1), blr(1)}) {
    for (const uint64_t from : {kGuarded, kCode}) {
      m().load(from == kCode ? kCode : kGuardedPa, {word});
      for (unsigned i = 0; i < 3; ++i) {
        m().start(from);
        m().x(1) = kOpen + 0x400;
        ASSERT_TRUE(m().run_to_hvc());
        EXPECT_EQ(m().cpu->pc(), kGuarded + 0x408);
      }
    }
  }
}

// Calls and returns in a guarded page stay in translated code.
TEST_P(BranchTargets, CallsAreFound) {
  constexpr unsigned kCalls = 5000;
  Code c(kGuarded);
  c.load(9, kCalls).load(1, kGuarded + 0x400);
  enum { kLoop };
  c.bind(kLoop)(blr(1), subs_imm(9, 9, 1)).b_cc(kNe, kLoop)(hvc(1));
  m().load(kGuardedPa, c.words());
  m().load(kGuardedPa + 0x400, {kBtiC, add_imm(10, 10, 1), ret()});
  m().start(kGuarded);
  ASSERT_TRUE(m().run_to_hvc());
  EXPECT_EQ(m().x(10), kCalls);
  EXPECT_LT(m().vcpu->dispatcher_stats().leaves[static_cast<unsigned>(ir::Leave::kIndirect)], 20u);
}

// An interrupt in front of the first instruction: BTYPE goes to SPSR and comes back by ERET.
TEST_P(BranchTargets, Interrupt) {
  for (const bool good : {false, true}) {
    m().load(kVectors + 0x280, {hvc(0x280), kEret});
    m().load(kGuardedPa, {kBti, blr(1)});
    m().load(kGuardedPa + 0x400, {good ? kBtiC : kNop, hvc(1)});
    m().start(kGuarded);
    m().x(1) = kGuarded + 0x400;
    ASSERT_EQ(m().run(2), AfterExit::kContinue);
    ASSERT_EQ(m().cpu->pc(), kGuarded + 0x400);
    EXPECT_EQ(arm::pack_pstate(m().state()) >> 10 & 3, 2u);
    m().state().daif = 0;
    m().state().irq_pending = 1;
    ASSERT_TRUE(m().run_to_hvc());
    EXPECT_EQ(m().vector(), 0x280u);
    EXPECT_EQ(m().state().elr, kGuarded + 0x400);
    EXPECT_EQ(saved_btype(), 2u);
    EXPECT_EQ(m().state().btype, 0u);
    m().state().irq_pending = 0;
    ASSERT_TRUE(m().run_to_hvc());
    if (good) {
      EXPECT_EQ(m().cpu->pc(), kGuarded + 0x408);
    } else {
      EXPECT_EQ(m().state().esr, branch_target(2));
      EXPECT_EQ(saved_btype(), 2u);
    }
  }
}

// Wherever translated code comes back for want of time, BTYPE is what the interpreter has there.
TEST_P(BranchTargets, AnyCut) {
  if (!jit()) GTEST_SKIP() << "compares translated code with this";
  for (const uint64_t page : {kGuarded, kOpen}) {
    const uint64_t pa = page == kGuarded ? kGuardedPa : kOpenPa;
    Code c(page);
    enum { kLoop };
    c.load(9, 5000).load(1, page + 0x400).load(16, page + 0x500).load(3, page + 0x600);
    c.bind(kLoop)(blr(1), subs_imm(9, 9, 1)).b_cc(kNe, kLoop)(hvc(1));
    auto interpreted = make(Accelerator::kInterp), translated = make(Accelerator::kJit);
    for (BareMachine* machine : {interpreted.get(), translated.get()}) {
      machine->load(pa, c.words());
      machine->load(pa + 0x400, {kBtiC, add_imm(10, 10, 1), br(16)});
      machine->load(pa + 0x500, {kPaciasp, kAutiasp, br(3)});
      machine->load(pa + 0x600, {kBtiJ, add_imm(11, 11, 1), kNop, ret()});
      machine->start(page);
    }
    translated->vcpu->set_exact(false);
    unsigned seen = 0;
    for (unsigned i = 0; i < 400; ++i) {
      ASSERT_EQ(translated->vcpu->run(70 + i % 60), AfterExit::kContinue);
      ASSERT_EQ(interpreted->run(translated->vcpu->instructions() - interpreted->vcpu->instructions()),
                AfterExit::kContinue);
      ASSERT_EQ(translated->cpu->dump(), interpreted->cpu->dump());
      seen |= 1u << (arm::pack_pstate(translated->state()) >> 10 & 3);
    }
    EXPECT_EQ(seen, page == kGuarded ? 15u : 7u);
  }
}

// What saves BTYPE at the very target of a branch, in pages that would check it and in those that would not:
// a PC alignment fault, a breakpoint instruction, an interrupt, an absent page. Instructions that complete
// there leave zero.
TEST_P(BranchTargets, SavedWhateverThePage) {
  struct Branch {
    Word word;
    unsigned btype;
  };
  m().load(kVectors + 0x280, {hvc(0x280), kEret});
  for (const uint64_t page : {kGuarded, kOpen}) {
    const uint64_t pa = page == kGuarded ? kGuardedPa : kOpenPa;
    const Branch branches[] = {{br(1), page == kGuarded ? 3u : 1u}, {br(16), 1}, {blr(1), 2}, {ret(1), 0}};
    for (const Branch& branch : branches) {
      for (unsigned round = 0; round < 3; ++round) {
        SCOPED_TRACE(testing::Message() << std::hex << page << " " << branch.word << " " << round);
        const auto run = [&](uint64_t target, Word at_target) {
          m().load(pa, {branch.word});
          m().load(pa + 0x400, {at_target, at_target == kBtiJc ? brk(2) : hvc(1)});
          m().start(page);
          m().x(1) = m().x(16) = target;
          EXPECT_TRUE(m().run_to_hvc());
          EXPECT_EQ(m().vector(), 0x200u);
          return m().state().esr >> 26;
        };
        EXPECT_EQ(run(page + 0x401, kNop), 0x22u);
        EXPECT_EQ(saved_btype(), branch.btype);
        EXPECT_EQ(run(page + 0x400, brk(1)), 0x3cu);
        EXPECT_EQ(saved_btype(), branch.btype);
        EXPECT_EQ(run(kAbsent + 0x400, kNop), 0x21u);
        EXPECT_EQ(saved_btype(), branch.btype);
        EXPECT_EQ(run(page + 0x400, kBtiJc), 0x3cu);
        EXPECT_EQ(saved_btype(), 0u);
        m().load(pa, {branch.word});
        m().load(pa + 0x400, {kBtiJc, hvc(1)});
        m().start(page);
        m().x(1) = m().x(16) = page + 0x400;
        ASSERT_EQ(m().run(1), AfterExit::kContinue);
        m().state().daif = 0;
        m().state().irq_pending = 1;
        ASSERT_TRUE(m().run_to_hvc());
        EXPECT_EQ(m().vector(), 0x280u);
        EXPECT_EQ(saved_btype(), branch.btype);
        m().state().irq_pending = 0;
      }
    }
  }
}

// The first instruction behind a branch leaves with BTYPE zero, however it leaves.
TEST_P(BranchTargets, ZeroBehindTheTarget) {
  const auto to_guarded = static_cast<int64_t>(kGuarded + 0x400) - static_cast<int64_t>(kOpen + 0x400);
  for (const Word first :
       {b(to_guarded), bl(to_guarded), cbz(kZr, to_guarded), cbnz(9, to_guarded), ret(2), daifclr(0), kIsb}) {
    m().load(kOpenPa, {blr(1)});
    m().load(kOpenPa + 0x400, {first, b(to_guarded - 4)});
    m().load(kGuardedPa + 0x400, {kNop, hvc(1)});
    for (unsigned round = 0; round < 3; ++round) {
      m().start(kOpen);
      m().x(1) = kOpen + 0x400;
      m().x(2) = kGuarded + 0x400;
      m().x(9) = 1;
      ASSERT_TRUE(m().run_to_hvc());
      EXPECT_EQ(m().cpu->pc(), kGuarded + 0x408) << std::hex << first << " " << m().state().esr;
    }
  }
}

// The target's page comes by a fault, whose handler returns there.
TEST_P(BranchTargets, PageIsAbsent) {
  m().load(kVectors + 0x200, {hvc(0x200), kEret});
  m().load(kGuardedPa, {br(1)});
  m().load(kGuardedPa + 0x400, {kBtiC, hvc(1)});
  m().start(kGuarded);
  m().x(1) = kAbsent + 0x400;
  ASSERT_TRUE(m().run_to_hvc());
  EXPECT_EQ(m().state().esr, 0x86000007u);
  EXPECT_EQ(saved_btype(), 3u);
  m().map(m().kernel_table(), kAbsent, kGuardedPa, kMapGuarded);
  ASSERT_TRUE(m().run_to_hvc());
  EXPECT_EQ(m().state().esr, branch_target(3));
  EXPECT_EQ(m().state().elr, kAbsent + 0x400);
  // Another mapping of the same page, which is open: the same code without a check.
  m().map(m().kernel_table(), kAbsent, kGuardedPa);
  m().vcpu->tlb().invalidate_all();
  m().vcpu->translation_changed();
  m().start(kGuarded);
  ASSERT_TRUE(m().run_to_hvc());
  EXPECT_EQ(m().cpu->pc(), kAbsent + 0x408);
}

}  // namespace
}  // namespace mynah::test
