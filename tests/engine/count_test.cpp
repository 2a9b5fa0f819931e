// SPDX-License-Identifier: Apache-2.0
//
// Instruction counts, and what hangs on them: runs that end at an exact instruction, interrupts at one, time
// seen inside a block; waiting.
#include "tests/engine/engine_test.h"
#include "tests/engine/workload.h"

namespace mynah::test {
namespace {

using namespace a64asm;

enum Label { kLoop, kInner, kFunction, kHandler, kEnd };

class Counts : public EngineTest {};
MYNAH_BOTH_ACCELERATORS(Counts);

TEST_P(Counts, RunsEndExactly) {
  BareMachine m(options());
  load_workload(m);
  uint64_t total = 0;
  for (unsigned i = 0; i < 3000; ++i) {
    const uint64_t n = i < 200 ? 1 : i < 400 ? i - 200 : (i * 2654435761u >> 20) % 700;
    ASSERT_EQ(m.run(n), AfterExit::kContinue);
    total += n;
    ASSERT_EQ(m.vcpu->instructions(), total) << "after a run of " << n;
  }
}

// Wherever runs end, what has been executed is the same.
TEST_P(Counts, StepsMakeNoDifference) {
  BareMachine whole(options()), steps(options());
  load_workload(whole);
  load_workload(steps);
  for (unsigned i = 1; i < 40; ++i) {
    constexpr unsigned kPart = 997;
    whole.run(kPart);
    if (i % 3 == 0) {
      for (unsigned k = 0; k < kPart; ++k) steps.run(1);
    } else {
      for (unsigned done = 0; done < kPart; done += i % 61 + 1) steps.run(std::min(i % 61 + 1, kPart - done));
    }
    ASSERT_EQ(whole.snapshot(), steps.snapshot());
  }
}

TEST(CountsOfBoth, SameState) {
  BareMachine jit({.accelerator = Accelerator::kJit}), interp({.accelerator = Accelerator::kInterp});
  load_workload(jit);
  load_workload(interp);
  for (unsigned i = 0; i < 400; ++i) {
    const uint64_t n = i < 100 ? i : 7 * i;
    jit.run(n);
    interp.run(n);
    ASSERT_EQ(jit.vcpu->instructions(), interp.vcpu->instructions());
    ASSERT_EQ(jit.cpu->dump(), interp.cpu->dump()) << "after " << jit.vcpu->instructions();
    if (i % 50 == 0) {
      ASSERT_EQ(jit.snapshot(), interp.snapshot());
    }
  }
  EXPECT_EQ(jit.snapshot(), interp.snapshot());
}

// Runs that are not exact overshoot by less than a block.
TEST_P(Counts, InexactRuns) {
  BareOptions o = options();
  o.exact = false;
  BareMachine m(o);
  load_workload(m);
  for (unsigned i = 0; i < 500; ++i) {
    const uint64_t before = m.vcpu->instructions();
    m.vcpu->run(1000);
    ASSERT_GT(m.vcpu->instructions(), before);
    ASSERT_LT(m.vcpu->instructions() - before, 1000u + 64 + 2);
  }
}

// A device sees how many instructions were executed before the one that accesses it.
TEST_P(Counts, InsideABlock) {
  BareMachine m(options());
  m.on_device_read = [&](uint64_t) { return m.vcpu->instructions(); };
  Code c(kCode);
  std::vector<std::pair<unsigned, uint64_t>> expected;
  const auto read = [&](unsigned t, Word word) {
    expected.push_back({t, (c.here() - kCode) / 4});
    c(word);
  };
  c.load(1, kDevice).load(2, kData);
  read(3, ldr(3, 1));
  c(ldr(10, 2), ldr(11, 2, 8), kNop);
  read(4, ldr(4, 1, 8));
  read(5, ldr(5, 1, 16));
  c(str(5, 2));
  read(6, ldr_post(6, 1, 8));
  c(subs_imm(10, 10, 1), mrs(11, kNzcv));
  read(7, mrs(7, kCntvct));
  c(add_imm(11, 11, 1), add_imm(11, 11, 1));
  read(8, ldr(8, 1));
  c(hvc(0));
  m.load(c);
  ASSERT_TRUE(m.run_to_hvc());
  for (const auto& [t, n] : expected) EXPECT_EQ(m.x(t), n) << "x" << t;
}

// --- interrupts

TEST_P(Counts, InterruptAtAnInstruction) {
  for (unsigned at = 0; at < 120; ++at) {
    BareMachine m(options()), twin(options());
    load_workload(m);
    load_workload(twin);
    m.state().daif = twin.state().daif = 0;
    m.run(at);
    twin.run(at);
    if (twin.state().daif) continue;  // in the handler
    m.state().irq_pending = 1;
    ASSERT_EQ(m.run(10), AfterExit::kShutdown);
    EXPECT_EQ(m.vector(), 0x280u);
    EXPECT_EQ(m.state().elr, twin.cpu->pc()) << at;
    EXPECT_EQ(m.vcpu->instructions(), at + 1u);
  }
}

TEST_P(Counts, MaskedInterruptWaits) {
  BareMachine m(options());
  Code c(kCode);
  c(movz(0, 0)).bind(kLoop)(add_imm(0, 0, 1), cmp_imm(0, 1000)).b_cc(kNe, kLoop);
  c(daifclr(2)).bind(kEnd)(add_imm(0, 0, 1), hvc(0));
  m.load(c);
  m.state().irq_pending = 1;
  ASSERT_TRUE(m.run_to_hvc());
  EXPECT_EQ(m.vector(), 0x280u);
  EXPECT_EQ(m.state().elr, c.at(kEnd));
  EXPECT_EQ(m.x(0), 1000u);
}

// The instruction that unmasks one block earlier or later: never does a block run on with an interrupt
// deliverable.
TEST_P(Counts, InterruptAfterReturn) {
  BareMachine m(options());
  Code c(kCode);
  c.adr(1, kEnd)(msr(kElr, 1)).load(2, 5)(msr(kSpsr, 2), kEret, hvc(9)).bind(kEnd)(movz(0, 1), hvc(0));
  m.load(c);
  m.state().irq_pending = 1;
  ASSERT_TRUE(m.run_to_hvc());
  EXPECT_EQ(m.vector(), 0x280u);
  EXPECT_EQ(m.state().elr, c.at(kEnd));
  EXPECT_EQ(m.x(0), 0u);
}

// A device raises an interrupt in the middle of a block: taken at the end of that block, on every run at the
// same instruction.
TEST_P(Counts, InterruptFromADevice) {
  uint64_t count = 0;
  for (unsigned repeat = 0; repeat < 3; ++repeat) {
    BareMachine m(options());
    m.on_device_write = [&](uint64_t, uint64_t) {
      m.state().irq_pending = 1;
      m.vcpu->request_stop();
    };
    m.state().daif = 0;
    Code c(kCode);
    c.load(1, kDevice)(movz(0, 0)).bind(kLoop)(add_imm(0, 0, 1), cmp_imm(0, 100)).b_cc(kNe, kLoop);
    c(str(0, 1), add_imm(0, 0, 1)).b(kLoop);
    m.load(c);
    ASSERT_TRUE(m.run_to_hvc());
    EXPECT_EQ(m.vector(), 0x280u);
    EXPECT_EQ(m.x(0), 101u);
    EXPECT_EQ(m.state().elr, c.at(kLoop));
    if (repeat) {
      EXPECT_EQ(m.vcpu->instructions(), count);
    }
    count = m.vcpu->instructions();
  }
}

TEST_P(Counts, RequestStop) {
  BareMachine m(options());
  m.on_device_write = [&](uint64_t, uint64_t) { m.vcpu->request_stop(); };
  Code c(kCode);
  c.load(1, kDevice)(movz(0, 0)).bind(kLoop)(add_imm(0, 0, 1), str(0, 1)).b(kLoop);
  m.load(c);
  for (unsigned i = 1; i < 50; ++i) {
    EXPECT_EQ(m.vcpu->run(1'000'000), AfterExit::kContinue);
    EXPECT_EQ(m.device_writes, i);
    EXPECT_EQ(m.vcpu->instructions(), (c.at(kLoop) - kCode) / 4 + 3 * i);
    EXPECT_EQ(m.cpu->pc(), c.at(kLoop));
  }
}

// --- waiting

TEST_P(Counts, Wfi) {
  BareMachine m(options());
  Code c(kCode);
  c(movz(0, 1), kWfi).bind(kEnd)(movz(0, 2), hvc(0));
  m.load(c);
  EXPECT_EQ(m.run(100), AfterExit::kHalt);
  EXPECT_EQ(m.x(0), 1u);
  EXPECT_EQ(m.cpu->pc(), c.at(kEnd));
  EXPECT_EQ(m.vcpu->instructions(), 2u);
  m.state().irq_pending = 1;  // masked: it ends the wait and is not taken
  EXPECT_TRUE(m.cpu->wake_pending());
  ASSERT_TRUE(m.run_to_hvc());
  EXPECT_EQ(m.x(0), 2u);
  EXPECT_FALSE(m.vector());
  EXPECT_EQ(m.vcpu->instructions(), 4u);
}

TEST_P(Counts, WfiWithAnInterruptPending) {
  BareMachine m(options());
  Code c(kCode);
  c(movz(0, 1), kWfi, movz(0, 2), hvc(0));
  m.load(c);
  m.state().irq_pending = 1;
  ASSERT_TRUE(m.run_to_hvc());
  EXPECT_EQ(m.x(0), 2u);
}

}  // namespace
}  // namespace mynah::test
