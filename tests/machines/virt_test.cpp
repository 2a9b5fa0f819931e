// SPDX-License-Identifier: Apache-2.0
//
// The board `virt`: what sleeps and what interrupts reach its processor.
#include <gtest/gtest.h>

#include "frontend/arm/sysregs_fields.h"
#include "machines/virt.h"
#include "tests/app/guests.h"
#include "tests/engine/assembler.h"

namespace mynah {
namespace {

using namespace a64asm;

constexpr uint64_t kEntry = 0x40200040, kVectors = 0x40200800, kIrqVector = kVectors + 0x280;

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

// --- the performance monitor's interrupt: 23 at the interrupt controller

constexpr unsigned kPmuInterrupt = 23;

void enable_gicv2(Code& c) {
  c.load(1, 0x08000000).load(2, 1 << kPmuInterrupt)(str_w(2, 1, 0x100), movz(2, 1), str_w(2, 1));
  c.load(1, 0x08010000)(str_w(2, 1), movz(2, 0xff), str_w(2, 1, 4));
}

constexpr Word kIccPmr = system(3, 0, 4, 6, 0), kIccIar1 = system(3, 0, 12, 12, 0),
               kIccSre = system(3, 0, 12, 12, 5), kIccIgrpen1 = system(3, 0, 12, 12, 7);

void enable_gicv3(Code& c) {
  c.load(1, 0x08000000)(movz(2, 0x12), str_w(2, 1));  // group 1, affinity routing
  c.load(1, 0x080a0000)(str_w(kZr, 1, 0x14));         // WAKER
  c.load(1, 0x080b0000).load(2, 1 << kPmuInterrupt)(str_w(2, 1, 0x80), str_w(2, 1, 0x100));
  c(movz(2, 1), msr(kIccSre, 2), movz(3, 0xff), msr(kIccPmr, 3), msr(kIccIgrpen1, 2));
}

TEST_P(VirtBoard, CycleCounterInterrupts) {
  for (const unsigned gic : {2u, 3u}) {
    Code c(kEntry);
    c.load(1, kVectors)(msr(kVbar, 1));
    gic == 2 ? enable_gicv2(c) : enable_gicv3(c);
    c.load(1, arm::kPmuCycleCounter).load(2, 0 - uint64_t{10'000})(movz(3, 1));
    c(msr(kPmcntenset, 1), msr(kPmintenset, 1), msr(kPmccntr, 2), daifclr(2), msr(kPmcr, 3));
    c(kIsb);
    const uint64_t before = (c.here() - kEntry) / 4 + 1 - 2;  // and the branch to the entry
    c.bind(kLoop)(add_imm(4, 4, 1)).b(kLoop);
    c.pad_to(kIrqVector);
    if (gic == 2)
      c.load(5, 0x08010000)(ldr_w(20, 5, 0xc));
    else
      c(mrs(20, kIccIar1));
    power_off(c);
    VirtMachine& m = start(c, gic);
    run(m);
    const arm::ArmState& state = m.cpu().arm();
    EXPECT_EQ(state.x(20), kPmuInterrupt) << gic;
    EXPECT_EQ(state.pmovs, arm::kPmuCycleCounter);
    // An instruction is 2 ns, a cycle 1.
    EXPECT_EQ(m.vcpu().instructions(), before + 5'000 + (c.here() - kIrqVector) / 4) << gic;
  }
}

}  // namespace
}  // namespace mynah
