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
                     GuestClock::Kind clock = GuestClock::Kind::kDeterministic, unsigned shift = 1) {
    VirtConfig config;
    config.gic_version = gic;
    config.cpu = *arm::make_cpu_model("cortex-a57").model;
    config.clock = clock;
    config.clock_shift = shift;
    return start(code, std::move(config));
  }
  VirtMachine& start(const Code& code, VirtConfig config) {
    config.ram_bytes = 16 << 20;
    if (config.kernel.empty()) config.kernel = app::test::make_image(code.words());
    config.accelerator = GetParam();
    config.code_bytes = 4 << 20;
    machine_ = std::make_unique<VirtMachine>(std::move(config), log_);
    const auto ready = machine_->init();
    EXPECT_TRUE(ready) << ready.message();
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

// --- reset values that the board decides

TEST_P(VirtBoard, ResetVectorIsTheFlash) {
  Code c(kEntry);
  c(mrs(20, system(3, 0, 12, 0, 1)), mrs(21, kSctlr));
  power_off(c);
  VirtMachine& m = start(c);
  run(m);
  EXPECT_EQ(m.cpu().arm().x(20), 0u);
  // As the board people know, 0xc50838, and what has a fixed value where AArch32 does not exist: ITD, SED,
  // nTLSMD and LSMAOE are 1, CP15BEN is 0. TSCXT is 1 without FEAT_CSV2_2.
  EXPECT_EQ(m.cpu().arm().x(21), (0xc50838u & ~(1u << 5)) | 3u << 7 | 1u << 20 | 3u << 28);
}

// --- firmware calls

TEST_P(VirtBoard, SuspendRefusesReservedBits) {
  for (const uint64_t function : {0x84000001ull, 0xc4000001ull}) {
    for (unsigned bit = 0; bit < 32; ++bit) {
      // A state and its kind are free; power levels above the processor's own do not exist.
      const bool good = bit <= 16;
      Code c(kEntry);
      c.load(0, function).load(1, uint64_t{1} << bit)(hvc(0), mov(20, 0));
      power_off(c);
      VirtMachine& m = start(c);
      AfterExit after = AfterExit::kContinue;
      while (after == AfterExit::kContinue) after = m.run_slice();
      EXPECT_EQ(after, good ? AfterExit::kHalt : AfterExit::kShutdown) << bit;
      EXPECT_EQ(m.cpu().arm().x(20), good ? 0 : ~uint64_t{1}) << bit;
    }
  }
}

// --- random numbers

TEST_P(VirtBoard, RandomNumbersAreTheEntropySources) {
  struct Counting final : dev::EntropySource {
    void fill(std::span<uint8_t> to) override {
      for (uint8_t& byte : to) byte = next++;
    }
    uint8_t next = 1;
  } entropy;
  Code c(kEntry);
  constexpr Word kRndr = system(3, 3, 2, 4, 0), kRndrrs = system(3, 3, 2, 4, 1);
  c(mrs(20, kRndr), mrs(21, kNzcv), mrs(22, kRndrrs));
  power_off(c);
  VirtConfig config;
  config.cpu = *arm::make_cpu_model("max").model;
  config.entropy = &entropy;
  VirtMachine& m = start(c, std::move(config));
  run(m);
  EXPECT_EQ(m.cpu().arm().x(20), 0x0807060504030201u);
  EXPECT_EQ(m.cpu().arm().x(21), 0u);
  EXPECT_EQ(m.cpu().arm().x(22), 0x100f0e0d0c0b0a09u);
}

// --- where a kernel goes

TEST_P(VirtBoard, AKernelRunsAtItsOffset) {
  for (const uint64_t offset : {0x80000u, 0x200000u, 0x780000u}) {
    Code c(virt_map::kRam + offset + 64);
    c.bind(kLoop).adr(20, kLoop);
    power_off(c);
    VirtConfig config;
    config.cpu = *arm::make_cpu_model("cortex-a57").model;
    config.kernel = app::test::make_image(c.words());
    std::memcpy(&config.kernel[8], &offset, 8);
    config.initrd.assign(4096, 1);
    VirtMachine& m = start(c, std::move(config));
    run(m);
    EXPECT_EQ(m.cpu().arm().x(20), virt_map::kRam + offset + 64);
  }
}

// --- the performance monitor's interrupt: 23 at the interrupt controller

constexpr unsigned kPmuInterrupt = 23;

void enable_gicv2(Code& c, unsigned interrupt = kPmuInterrupt) {
  c.load(1, 0x08000000).load(2, 1u << interrupt % 32)(str_w(2, 1, 0x100 + interrupt / 32 * 4));
  c.load(2, 0x01010101)(str_w(2, 1, 0x800 + interrupt / 4 * 4), movz(2, 1), str_w(2, 1));  // to this CPU
  c.load(1, 0x08010000)(str_w(2, 1), movz(2, 0xff), str_w(2, 1, 4));
}

constexpr Word kIccPmr = system(3, 0, 4, 6, 0), kIccIar1 = system(3, 0, 12, 12, 0),
               kIccSre = system(3, 0, 12, 12, 5), kIccIgrpen1 = system(3, 0, 12, 12, 7);

void enable_gicv3(Code& c, unsigned interrupt = kPmuInterrupt) {
  c.load(1, 0x08000000)(movz(2, 0x12), str_w(2, 1));  // group 1, affinity routing
  c.load(1, 0x080a0000)(str_w(kZr, 1, 0x14));         // WAKER
  c.load(1, interrupt < 32 ? 0x080b0000 : 0x08000000).load(2, 1u << interrupt % 32);
  c(str_w(2, 1, 0x80 + interrupt / 32 * 4), str_w(2, 1, 0x100 + interrupt / 32 * 4));
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

// --- what shows a condition of the clock shows it together with the interrupt

constexpr unsigned kX22 = 22, kRounds = 20;
constexpr Word kIsr = system(3, 0, 12, 1, 0), kCntvCval = system(3, 3, 14, 3, 2),
               kCntpCval = system(3, 3, 14, 2, 2), kCntpCtl = system(3, 3, 14, 2, 1),
               kCntpct = system(3, 3, 14, 0, 1);

struct Condition {
  const char* name;
  unsigned interrupt;
  unsigned rounds;
  void (*start)(Code&);  // of one round
  void (*poll)(Code&);   // x6 bit 0: it holds
  void (*end)(Code&);    // it holds no more
};

void start_timer(Code& c, Word counter, Word cval, Word ctl) {
  c(mrs(4, counter), add_imm(4, 4, 0x200), msr(cval, 4), movz(5, 1), msr(ctl, 5));
}
void istatus(Code& c, Word ctl) { c(mrs(6, ctl), ror_imm(6, 6, 2)); }
// x6 = x4 <= x6
void reached(Code& c) { c(sub(6, 6, 4), ror_imm(6, 6, 63), movz(7, 1), eor(6, 6, 7)); }

const Condition kConditions[] = {
    {"CNTV_CTL", 27, kRounds, [](Code& c) { start_timer(c, kCntvct, kCntvCval, kCntvCtl); },
     [](Code& c) { istatus(c, kCntvCtl); }, [](Code& c) { c(msr(kCntvCtl, kZr)); }},
    {"CNTP_CTL", 30, kRounds, [](Code& c) { start_timer(c, kCntpct, kCntpCval, kCntpCtl); },
     [](Code& c) { istatus(c, kCntpCtl); }, [](Code& c) { c(msr(kCntpCtl, kZr)); }},
    {"CNTVCT", 27, kRounds, [](Code& c) { start_timer(c, kCntvct, kCntvCval, kCntvCtl); },
     [](Code& c) {
       c(mrs(6, kCntvct));
       reached(c);
     },
     [](Code& c) { c(msr(kCntvCtl, kZr)); }},
    {"PMOVSSET", kPmuInterrupt, kRounds,
     [](Code& c) {
       c.load(2, 0 - uint64_t{10'000}).load(1, arm::kPmuCycleCounter)(movz(3, 1), msr(kPmccntr, 2));
       c(msr(kPmcntenset, 1), msr(kPmintenset, 1), msr(kPmcr, 3));
     },
     [](Code& c) { c(mrs(6, kPmovsset), ror_imm(6, 6, 31)); },
     [](Code& c) { c.load(1, arm::kPmuCycleCounter)(msr(kPmovsclr, 1)); }},
    {"RTCRIS", 34, 1,
     [](Code& c) {
       c.load(10, 0x09010000)(ldr_w(4, 10), add_imm(4, 4, 1), str_w(4, 10, 4), movz(5, 1));
       c(str_w(5, 10, 0x10));
     },
     [](Code& c) { c(ldr_w(6, 10, 0x14)); }, [](Code& c) { c(movz(5, 1), str_w(5, 10, 0x1c)); }},
    {"RTCDR", 34, 1,
     [](Code& c) {
       c.load(10, 0x09010000)(ldr_w(4, 10), add_imm(4, 4, 1), str_w(4, 10, 4), movz(5, 1));
       c(str_w(5, 10, 0x10));
     },
     [](Code& c) {
       c(ldr_w(6, 10));
       reached(c);
     },
     [](Code& c) { c(movz(5, 1), str_w(5, 10, 0x1c)); }},
};

TEST_P(VirtBoard, AConditionOfTheClockIsSeenWithItsInterrupt) {
  enum { kRound, kPoll, kSeen };
  for (const Condition& condition : kConditions) {
    for (const unsigned gic : {2u, 3u}) {
      for (const auto clock : {GuestClock::Kind::kDeterministic, GuestClock::Kind::kRealtime}) {
        // ISR_EL1 first, or the distributor.
        for (const bool isr_first : {true, false}) {
          Code c(kEntry);
          const unsigned n = condition.interrupt;
          gic == 2 ? enable_gicv2(c, n) : enable_gicv3(c, n);
          c.load(11, gic == 3 && n < 32 ? 0x080b0000 : 0x08000000)(movz(kX22, 0), movz(9, condition.rounds));
          c(movz(12, 1));
          c.bind(kRound);
          condition.start(c);
          c.bind(kPoll);
          condition.poll(c);
          c(tbnz(6, 0, 8)).b(kPoll);
          const auto isr = [&] { c(mrs(20, kIsr)); };
          const auto pending = [&] { c(ldr_w(21, 11, 0x200 + n / 32 * 4)); };
          isr_first ? isr() : pending();
          isr_first ? pending() : isr();
          // Counts the rounds in which one of the two was not there.
          c(tbnz(20, 7, 12), add_imm(kX22, kX22, 1)).b(kSeen);
          c(tbnz(21, n % 32, 8), add_imm(kX22, kX22, 1)).bind(kSeen);
          condition.end(c);
          c(subs_imm(9, 9, 1)).b_cc(kNe, kRound);
          power_off(c);
          VirtMachine& m = start(c, gic, clock, condition.rounds == 1 ? 10 : 1);
          run(m);
          EXPECT_EQ(m.cpu().arm().x(kX22), 0u) << condition.name << " GICv" << gic
                                               << (m.clock().deterministic() ? "" : " by the host's clock");
        }
      }
    }
  }
}

}  // namespace
}  // namespace mynah
