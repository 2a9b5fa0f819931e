// SPDX-License-Identifier: Apache-2.0
//
// Semihosting on the board: calls reach memory by the guest's own translation and permissions, from the
// exception levels that may call, and nothing when it is off.
#include <gtest/gtest.h>

#include "machines/virt.h"
#include "tests/app/guests.h"
#include "tests/devices/fakes.h"
#include "tests/engine/assembler.h"

namespace mynah {
namespace {

using namespace a64asm;

constexpr uint64_t kEntry = 0x40200040, kVectors = 0x40200800;
constexpr Word hlt(unsigned imm) { return 0xd4400000 | imm << 5; }
constexpr Word kCntvCval = system(3, 3, 14, 3, 2);
constexpr Word kMair = system(3, 0, 10, 2, 0);
Code& call(Code& c, unsigned operation) { return c(movz_w(0, operation), hlt(0xf000)); }

class SemihostingMachine : public testing::TestWithParam<Accelerator> {
 protected:
  VirtMachine& start(const Code& code, bool user_space = false, unsigned processors = 1) {
    VirtConfig config;
    config.cpu = *arm::make_cpu_model("cortex-a57").model;
    config.clock = GuestClock::Kind::kDeterministic;
    config.ram_bytes = 16 << 20;
    config.kernel = app::test::make_image(code.words());
    config.accelerator = GetParam();
    config.code_bytes = 4 << 20;
    config.processors = {.now = processors, .max = processors, .cores = processors};
    SemihostingConfig& s = config.semihosting.emplace();
    s.user_space = user_space;
    s.console = &console_;
    s.command_line = "program";
    s.exit = [this](int code) { exit_ = code; };
    machine_ = std::make_unique<VirtMachine>(std::move(config), log_);
    const auto ready = machine_->init();
    EXPECT_TRUE(ready) << ready.message();
    return *machine_;
  }
  // The program's code, or -1 where the machine was turned off.
  int run() {
    for (unsigned slices = 0; slices < 1000 && exit_ < 0; ++slices)
      if (machine_->run_slice() == AfterExit::kShutdown) return -1;
    return exit_;
  }
  static Code& exit_with_x2(Code& c) {
    enum { kBlock = 1000 };
    c.adr(1, kBlock)(str(2, 1, 8));
    call(c, 0x18);
    while (c.here() % 8) c(kNop);
    return c.bind(kBlock)(0x20026, 0, 0, 0);
  }

  dev::NullLog log_;
  dev::fake::Serial console_;
  std::unique_ptr<VirtMachine> machine_;
  int exit_ = -2;
};
INSTANTIATE_TEST_SUITE_P(, SemihostingMachine, testing::Values(Accelerator::kJit, Accelerator::kInterp),
                         [](const auto& info) { return info.param == Accelerator::kJit ? "jit" : "interp"; });

// Two pages side by side whose memory is elsewhere and the other way round, one that is only read, one that
// is not there.
TEST_P(SemihostingMachine, MemoryIsTranslated) {
  constexpr uint64_t kTables = 0x40300000, kPages = 0x40400000, kVa = 0x80000000;
  Code c(kEntry);
  c.load(1, kTables)(msr(kTtbr0, 1)).load(1, 0xff)(msr(kMair, 1)).load(1, 0x80803519)(msr(kTcr, 1), kIsb);
  c(mrs(1, kSctlr)).load(2, 1)(orr(1, 1, 2), msr(kSctlr, 1), kIsb);
  c(movz(2, 0)).load(1, kVa + 0xffc);
  call(c, 0x04);  // WRITE0 over both
  c(add(2, 2, 0));
  const auto command_line_to = [&](uint64_t va) {
    c.load(1, kPages + 0x8000).load(3, va)(str(3, 1), movz(3, 100), str(3, 1, 8));
    call(c, 0x15);
    c(sub(2, 2, 0));  // one more where it fails
  };
  command_line_to(kVa + 0xff8);   // both
  command_line_to(kVa + 0x2000);  // read-only: one
  command_line_to(kVa + 0x3000);  // absent: two
  command_line_to(kVa + 0x2ffc);  // three
  exit_with_x2(c);
  VirtMachine& m = start(c);
  const auto put = [&](uint64_t pa, uint64_t value) { ASSERT_TRUE(m.memory().write(pa, &value, 8)); };
  constexpr uint64_t kNormal = 0x701;  // block: access flag, shareable
  put(kTables + 8, 0x40000000 | kNormal);
  put(kTables + 16, (kTables + 0x1000) | 3);
  put(kTables + 0x1000, (kTables + 0x2000) | 3);
  put(kTables + 0x2000, (kPages + 0x1000) | kNormal | 2);
  put(kTables + 0x2008, kPages | kNormal | 2);
  put(kTables + 0x2010, (kPages + 0x2000) | kNormal | 2 | 0x80);
  ASSERT_TRUE(m.memory().write(kPages + 0x1ffc, "abcd", 4));
  ASSERT_TRUE(m.memory().write(kPages, "efgh", 5));
  EXPECT_EQ(run(), 3);
  EXPECT_EQ(console_.sent, "abcdefgh");
  char text[9] = {};
  ASSERT_TRUE(m.memory().read(kPages + 0x1ff8, text, 8));
  EXPECT_STREQ(text, "program");
}

TEST_P(SemihostingMachine, UnprivilegedCodeCallsWhereItMay) {
  enum { kUser = 1 };
  Code c(kEntry);
  c.load(1, kVectors)(msr(kVbar, 1)).adr(1, kUser)(msr(kElr, 1), msr(kSpsr, kZr), kEret);
  c.bind(kUser)(movz(2, 9));
  exit_with_x2(c);
  c.pad_to(kVectors + 0x400).load(0, 0x84000008)(hvc(0));  // from a lower level
  start(c, true);
  EXPECT_EQ(run(), 9);
  exit_ = -2;
  start(c, false);
  EXPECT_EQ(run(), -1);
}

TEST_P(SemihostingMachine, OtherImmediatesAreUndefined) {
  Code c(kEntry);
  c.load(1, kVectors)(msr(kVbar, 1), movz_w(0, 0x18), hlt(0xf001));
  c.pad_to(kVectors + 0x200).load(0, 0x84000008)(hvc(0));
  start(c);
  EXPECT_EQ(run(), -1);
}

// The call is made again when there is input, and interrupts would come between.
TEST_P(SemihostingMachine, WaitingIsSleep) {
  Code c(kEntry);
  call(c, 0x07);
  c(mov(2, 0));
  exit_with_x2(c);
  VirtMachine& m = start(c);
  for (unsigned i = 0; i < 5; ++i) EXPECT_EQ(m.run_slice(), AfterExit::kHalt);
  EXPECT_LT(m.instructions(), 20u);
  console_.type("x");
  EXPECT_EQ(run(), 'x');
  exit_ = -2;
  m.reset();
  EXPECT_EQ(m.run_slice(), AfterExit::kHalt);
  console_.type("y");
  EXPECT_EQ(run(), 'y');
}

// An interrupt that is masked does not end the wait.
TEST_P(SemihostingMachine, WaitingIsSleepWithAnInterruptPending) {
  Code c(kEntry);
  c(movz(1, 1), msr(kCntvCval, kZr), msr(kCntvCtl, 1));  // the timer is due
  c.load(1, 0x8000000).load(2, 0x8010000)(str_w(1, 1), movz(3, 1), str_w(3, 1), str_w(3, 2));
  c(movz(3, 0xff), str_w(3, 2, 4)).load(4, 1u << 27)(str_w(4, 1, 0x100));  // PMR; PPI 27
  call(c, 0x07);
  c(mov(2, 0));
  exit_with_x2(c);
  VirtMachine& m = start(c);
  for (unsigned i = 0; i < 5; ++i) EXPECT_EQ(m.run_slice(), AfterExit::kHalt);
  EXPECT_TRUE(m.cpu(0).arm().irq_pending);
  console_.type("x");
  EXPECT_EQ(run(), 'x');
}

constexpr uint64_t kCpuOn = 0xc4000003, kShared = 0x40500000;
enum { kSecondary = 1, kLoop, kSleep };

// Others that are off, or sleep, leave nothing to do.
TEST_P(SemihostingMachine, WaitingAmongSleepersIsSleep) {
  Code c(kEntry);
  for (unsigned i = 1; i < 3; ++i) c.load(0, kCpuOn).load(1, i).adr(2, kSecondary)(movz(3, i), hvc(0));
  call(c, 0x07);
  c(mov(2, 0));
  exit_with_x2(c);
  c.bind(kSecondary).bind(kLoop)(kWfe, kWfi).b(kLoop);
  VirtMachine& m = start(c, false, 4);
  for (unsigned i = 0; i < 3; ++i) m.run_slice();
  const uint64_t turns = m.turns(), instructions = m.instructions();
  for (unsigned i = 0; i < 20; ++i) EXPECT_EQ(m.run_slice(), AfterExit::kHalt);
  EXPECT_LT(m.turns() - turns, 200u);
  EXPECT_LT(m.instructions() - instructions, 400u);
  console_.type("x");
  EXPECT_EQ(run(), 'x');
}

// Nor do two of them.
TEST_P(SemihostingMachine, TwoWaitForInput) {
  Code c(kEntry);
  c.load(0, kCpuOn).load(1, 1).adr(2, kSecondary)(movz(3, 0), hvc(0));
  c.load(10, kShared);
  call(c, 0x07);
  c(mov(20, 0));
  c.bind(kLoop)(ldr(3, 10)).cbz(3, kLoop)(add(2, 20, 3));
  exit_with_x2(c);
  c.bind(kSecondary).load(10, kShared);
  call(c, 0x07);
  c(str(0, 10)).bind(kSleep)(kWfi).b(kSleep);
  VirtMachine& m = start(c, false, 2);
  for (unsigned i = 0; i < 3; ++i) m.run_slice();
  const uint64_t turns = m.turns();
  for (unsigned i = 0; i < 20; ++i) EXPECT_EQ(m.run_slice(), AfterExit::kHalt);
  EXPECT_LT(m.turns() - turns, 200u);
  console_.type("1");
  for (unsigned i = 0; i < 20; ++i) m.run_slice();
  console_.type("2");
  EXPECT_EQ(run(), '1' + '2');
}

// One that works has the time of the one that waits.
TEST_P(SemihostingMachine, OthersWorkWhileOneWaits) {
  Code c(kEntry);
  c.load(0, kCpuOn).load(1, 1).adr(2, kSecondary)(movz(3, 0), hvc(0));
  call(c, 0x07);
  c(mov(2, 0));
  exit_with_x2(c);
  c.bind(kSecondary).load(10, kShared)(movz(3, 0)).bind(kLoop)(add_imm(3, 3, 1), str(3, 10)).b(kLoop);
  VirtMachine& m = start(c, false, 2);
  for (unsigned i = 0; i < 20; ++i) EXPECT_EQ(m.run_slice(), AfterExit::kContinue);
  uint64_t count = 0;
  ASSERT_TRUE(m.memory().read(kShared, &count, sizeof count));
  EXPECT_GT(count, 500'000u);
  console_.type("x");
  EXPECT_EQ(run(), 'x');
}

}  // namespace
}  // namespace mynah
