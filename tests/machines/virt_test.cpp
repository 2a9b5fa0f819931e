// SPDX-License-Identifier: Apache-2.0
//
// The board `virt`: how its processor sleeps.
#include <gtest/gtest.h>

#include "frontend/arm/sysregs_fields.h"
#include "machines/virt.h"
#include "tests/app/guests.h"
#include "tests/engine/assembler.h"

namespace mynah {
namespace {

using namespace a64asm;

constexpr uint64_t kEntry = 0x40200040;

enum Label { kLoop };

class VirtBoard : public testing::TestWithParam<Accelerator> {
 protected:
  VirtMachine& start(const Code& code, unsigned gic = 2,
                     GuestClock::Kind clock = GuestClock::Kind::kDeterministic) {
    VirtConfig config;
    config.gic_version = gic;
    config.ram_bytes = 16 << 20;
    config.cpu = *arm::make_cpu_model("cortex-a57").model;
    config.kernel = app::test::make_image(code.words());
    config.clock = clock;
    config.clock_shift = 1;
    config.accelerator = GetParam();
    config.code_bytes = 4 << 20;
    machine_ = std::make_unique<VirtMachine>(std::move(config), log_);
    EXPECT_EQ(machine_->init(), "");
    return *machine_;
  }
  static Code& power_off(Code& c) { return c.load(0, 0x84000008)(hvc(0)); }
  // Lets the guest run until it powers off: how often it slept.
  static unsigned run(VirtMachine& m) {
    unsigned sleeps = 0;
    for (unsigned slices = 0; slices < 1'000'000; ++slices) {
      const AfterExit after = m.run_slice();
      if (after == AfterExit::kShutdown) return sleeps;
      if (after != AfterExit::kHalt) continue;
      EXPECT_TRUE(m.halted());
      EXPECT_NE(m.next_deadline(), dev::kNever);
      ++sleeps;
      if (m.clock().deterministic()) m.skip_idle_time();
    }
    ADD_FAILURE() << "does not end";
    return sleeps;
  }

 private:
  dev::NullLog log_;
  std::unique_ptr<VirtMachine> machine_;
};
INSTANTIATE_TEST_SUITE_P(, VirtBoard, testing::Values(Accelerator::kJit, Accelerator::kInterp),
                         [](const auto& info) { return info.param == Accelerator::kJit ? "jit" : "interp"; });

// Bit 10 of a counter of 62.5 MHz rises every 32,768 ns, bit 15 about every millisecond.
constexpr dev::TimeNs kStreamPeriod = 2048 * 16;

Code waits(unsigned n, unsigned bit = 10) {
  Code c(kEntry);
  c.load(1, arm::cntkctl::kEvnten | bit << arm::cntkctl::kEvntiShift)(msr(kCntkctl, 1), movz(2, n));
  return c.bind(kLoop)(kWfe, subs_imm(2, 2, 1)).b_cc(kNe, kLoop);
}

TEST_P(VirtBoard, SleepsBetweenEventsOfTheStream) {
  Code c = waits(10);
  power_off(c);
  VirtMachine& m = start(c);
  EXPECT_EQ(run(m), 10u);
  // The branch at the head of the image, and nine rounds more than are written.
  EXPECT_EQ(m.vcpu().instructions(), 1 + c.words().size() + 9 * 3);
  EXPECT_GE(m.clock().now(), kStreamPeriod / 2 + 9 * kStreamPeriod);
  EXPECT_LT(m.clock().now(), kStreamPeriod / 2 + 9 * kStreamPeriod + 100);
}

TEST_P(VirtBoard, SleepsByTheHostsClockToo) {
  Code c = waits(10, 15);
  power_off(c);
  VirtMachine& m = start(c, 2, GuestClock::Kind::kRealtime);
  EXPECT_GT(run(m), 0u);
  EXPECT_EQ(m.vcpu().instructions(), 1 + c.words().size() + 9 * 3);
}

TEST_P(VirtBoard, ADebuggerStepsOverWaits) {
  Code c(kEntry);
  c(kWfe, kWfi, kWfe, movz(0, 7));
  VirtMachine& m = start(c);
  while (m.cpu().pc() != kEntry + 16) {
    ASSERT_EQ(m.step(), AfterExit::kContinue);
    EXPECT_FALSE(m.halted());
    ASSERT_LT(m.vcpu().instructions(), 100u);
  }
  EXPECT_EQ(m.cpu().arm().x(0), 7u);
}

TEST_P(VirtBoard, ResetEndsAWait) {
  Code c = waits(1);
  VirtMachine& m = start(c);
  while (m.run_slice() != AfterExit::kHalt) {
  }
  m.reset();
  EXPECT_FALSE(m.halted());
  EXPECT_EQ(m.cpu().arm().cntkctl, 0u);
  while (m.run_slice() != AfterExit::kHalt) {
  }
  EXPECT_TRUE(m.halted());
}

}  // namespace
}  // namespace mynah
