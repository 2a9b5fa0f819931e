// SPDX-License-Identifier: Apache-2.0
//
// WFE: what sets the event register, what wakes a processor that sleeps, what does not; the event stream.
// (WFI is in count_test.cpp.)
#include "frontend/arm/sysregs_fields.h"
#include "tests/engine/engine_test.h"

namespace mynah::test {
namespace {

using namespace a64asm;
using arm::Sleep;

constexpr uint64_t kUser = 0x10000000;
constexpr uint64_t kStream = arm::cntkctl::kEvnten | 7 << arm::cntkctl::kEvntiShift;  // at 128, 384, 640, ...

class Events : public EngineTest {
 protected:
  void SetUp() override { m_ = std::make_unique<BareMachine>(options()); }
  BareMachine& m() { return *m_; }
  // The program sleeps with this in x0, and again when nothing has come.
  void expect_asleep(uint64_t x0) {
    ASSERT_EQ(m().run(1000), AfterExit::kHalt);
    EXPECT_EQ(m().x(0), x0);
    EXPECT_EQ(m().state().sleep, Sleep::kForEvent);
    EXPECT_EQ(m().state().event_register, 0);
    const uint64_t executed = m().vcpu->instructions();
    EXPECT_FALSE(m().cpu->wake_pending());
    ASSERT_EQ(m().run(1000), AfterExit::kHalt);
    EXPECT_EQ(m().vcpu->instructions(), executed);
  }

 private:
  std::unique_ptr<BareMachine> m_;
};
MYNAH_BOTH_ACCELERATORS(Events);

enum Label { kThere, kLoop };

TEST_P(Events, SleepsUntilAnEvent) {
  m().load(kCode, {movz(0, 1), kWfe, movz(0, 2), kWfe, movz(0, 3), hvc(0)});
  expect_asleep(1);
  EXPECT_EQ(m().vcpu->instructions(), 2u);
  EXPECT_FALSE(m().skip()) << "nothing is to come";
  m().cpu->send_event();
  expect_asleep(2);  // the event is used up
  m().cpu->send_event();
  ASSERT_TRUE(m().run_to_hvc());
  EXPECT_EQ(m().x(0), 3u);
  EXPECT_FALSE(m().cpu->asleep());
}

TEST_P(Events, SendEventIsUsedUpByOneWait) {
  m().load(kCode, {kSevl, kWfe, movz(0, 1), kWfe, movz(0, 2), kSev, kSev, kSevl, kWfe, movz(0, 3), kWfe});
  expect_asleep(1);
  m().cpu->send_event();
  expect_asleep(3);
}

TEST_P(Events, ExceptionReturnIsAnEvent) {
  Code c(kCode);
  c.adr(1, kThere)(msr(kElr, 1)).load(2, 0x3c5)(msr(kSpsr, 2), kEret);
  c.bind(kThere)(movz(0, 1), kWfe, movz(0, 2), kWfe, movz(0, 3));
  m().load(c);
  expect_asleep(2);
}

// --- interrupts

TEST_P(Events, InterruptWakes) {
  for (const bool fiq : {false, true}) {
    BareMachine machine(options());
    Code c(kCode);
    c(daifclr(fiq ? 1 : 2), movz(0, 1), kWfe).bind(kThere)(movz(0, 2), hvc(0));
    machine.load(c);
    ASSERT_EQ(machine.run(100), AfterExit::kHalt);
    (fiq ? machine.state().fiq_pending : machine.state().irq_pending) = 1;
    EXPECT_TRUE(machine.cpu->wake_pending());
    ASSERT_TRUE(machine.run_to_hvc());
    EXPECT_EQ(machine.vector(), fiq ? 0x300u : 0x280u);
    EXPECT_EQ(machine.state().elr, c.at(kThere));
    EXPECT_EQ(machine.x(0), 1u);
    EXPECT_FALSE(machine.cpu->asleep());
  }
}

// Unlike WFI's, a WFE's wait does not end for an interrupt that cannot be taken.
TEST_P(Events, MaskedInterruptDoesNotWake) {
  m().load(kCode, {movz(0, 1), kWfe, movz(0, 2), kWfe, movz(0, 3)});
  expect_asleep(1);
  m().state().irq_pending = m().state().fiq_pending = 1;
  expect_asleep(1);
  m().cpu->send_event();
  expect_asleep(2);  // nor does one that was there before keep it from sleeping
  m().state().daif = 0;
  EXPECT_TRUE(m().cpu->wake_pending());
}

// One that a device raised in the same block is seen no earlier.
TEST_P(Events, PendingInterruptIsTakenBehindIt) {
  m().on_device_write = [this](uint64_t, uint64_t) {
    m().state().irq_pending = 1;
    m().vcpu->request_stop();
  };
  Code c(kCode);
  c.load(1, kDevice)(daifclr(2), str(1, 1), movz(0, 1), kWfe).bind(kThere)(movz(0, 2), hvc(0));
  m().load(c);
  ASSERT_TRUE(m().run_to_hvc());
  EXPECT_EQ(m().vector(), 0x280u);
  EXPECT_EQ(m().state().elr, c.at(kThere));
}

// --- the event stream

TEST_P(Events, StreamPacesALoop) {
  constexpr unsigned kRounds = 20;
  Code c(kCode);
  c.load(1, kStream)(msr(kCntkctl, 1), movz(0, kRounds));
  c.bind(kLoop)(kWfe, mrs(3, kCntvct), subs_imm(0, 0, 1)).b_cc(kNe, kLoop)(hvc(0));
  m().load(c);
  uint64_t instructions = (c.at(kLoop) - kCode) / 4 + 1;
  for (unsigned i = 0; i < kRounds; ++i) {
    expect_asleep(kRounds - i);
    ASSERT_EQ(m().vcpu->instructions(), instructions);
    const dev::TimeNs due = 128 + 256 * i;
    ASSERT_EQ(m().events.next_deadline(), due);
    ASSERT_TRUE(m().skip());
    EXPECT_TRUE(m().cpu->wake_pending());
    ASSERT_EQ(m().run(2), AfterExit::kContinue);
    EXPECT_EQ(m().events.next_deadline(), dev::kNever) << "only while it sleeps";
    EXPECT_EQ(m().x(3), static_cast<uint64_t>(due));
    instructions += 4;
  }
  ASSERT_TRUE(m().run_to_hvc());
}

TEST_P(Events, StreamEventBeforeTheWait) {
  Code c(kCode);
  c.load(1, kStream)(msr(kCntkctl, 1), movz(2, 100));
  c.bind(kLoop)(subs_imm(2, 2, 1)).b_cc(kNe, kLoop)(movz(0, 1), kWfe, movz(0, 2), kWfe, movz(0, 3));
  m().load(c);
  expect_asleep(2);
  EXPECT_EQ(m().events.next_deadline(), 384);
}

TEST_P(Events, StreamOff) {
  m().load(kCode,
           {movz(1, kStream & ~arm::cntkctl::kEvnten), msr(kCntkctl, 1), movz(0, 1), kWfe, movz(0, 2)});
  expect_asleep(1);
  EXPECT_FALSE(m().skip());
}

TEST_P(Events, FallingStream) {
  m().load(kCode,
           {movz(1, kStream | arm::cntkctl::kEvntdir), msr(kCntkctl, 1), movz(0, 1), kWfe, movz(0, 2)});
  expect_asleep(1);
  EXPECT_EQ(m().events.next_deadline(), 256);
}

TEST_P(Events, AnInterruptEndsTheWaitForTheStream) {
  Code c(kCode);
  c.load(1, kStream)(msr(kCntkctl, 1), daifclr(2), movz(0, 1), kWfe).bind(kThere)(movz(0, 2), hvc(0));
  m().load(c);
  expect_asleep(1);
  EXPECT_EQ(m().events.next_deadline(), 128);
  m().state().irq_pending = 1;
  ASSERT_TRUE(m().run_to_hvc());
  EXPECT_EQ(m().state().elr, c.at(kThere));
  EXPECT_EQ(m().events.next_deadline(), dev::kNever);
}

// --- the exclusive monitor: nobody would tell of a store that clears it

TEST_P(Events, WithTheMonitorSet) {
  m().load(kCode, {ldxr(5, 2), kWfe, kWfe, movz(0, 1), kClrex, kWfe, movz(0, 2)});
  m().x(2) = kData;
  expect_asleep(1);
}

TEST_P(Events, WithTheMonitorSetAndAStream) {
  m().load(kCode, {movz(1, kStream), msr(kCntkctl, 1), movz(0, 1), ldxr(5, 2), kWfe, movz(0, 2), hvc(0)});
  m().x(2) = kData;
  expect_asleep(1);
  ASSERT_TRUE(m().skip());
  EXPECT_EQ(m().time.now(), 128);
  ASSERT_TRUE(m().run_to_hvc());
}

// --- traps: SCTLR_EL1.nTWE and nTWI

TEST_P(Events, TrapsOfUserPrograms) {
  struct {
    const char* what;
    std::vector<Word> program;
    unsigned vector;
    uint64_t esr, at;
  } const cases[] = {
      // ERET has set the event register.
      {"WFE", {kWfe, kWfe, svc(1)}, 0x400, 0x07e00001, 4},
      {"WFE with an event", {kWfe, kSevl, kWfe, svc(1)}, 0x400, 0x56000001, 16},
      {"WFI", {kWfi, svc(1)}, 0x400, 0x07e00000, 0},
  };
  for (const auto& c : cases) {
    BareMachine machine(options());
    machine.map(machine.kernel_table(), kUser, kData, kMapUser | kMapReadOnly);
    machine.load(kData, c.program);
    Code start(kCode);
    start.load(1, kUser)(msr(kElr, 1)).load(1, 0x3c0)(msr(kSpsr, 1), kEret);
    machine.load(start);
    machine.state().sctlr &= ~(arm::sctlr::kNtwe | arm::sctlr::kNtwi);
    ASSERT_TRUE(machine.run_to_hvc()) << c.what;
    EXPECT_EQ(machine.vector(), c.vector) << c.what;
    EXPECT_EQ(machine.state().esr, c.esr) << c.what;
    EXPECT_EQ(machine.state().elr, kUser + c.at) << c.what;
    EXPECT_FALSE(machine.cpu->asleep());
  }
}

TEST_P(Events, NoTrapOfWfiThatWouldNotWait) {
  m().map(m().kernel_table(), kUser, kData, kMapUser | kMapReadOnly);
  m().load(kData, {kWfi, svc(1)});
  Code start(kCode);
  start.load(1, kUser)(msr(kElr, 1)).load(1, 0x3c0)(msr(kSpsr, 1), kEret);
  m().load(start);
  m().state().sctlr &= ~arm::sctlr::kNtwi;
  m().state().irq_pending = 1;
  ASSERT_TRUE(m().run_to_hvc());
  EXPECT_EQ(m().state().esr, 0x56000001u);
}

}  // namespace
}  // namespace mynah::test
