// SPDX-License-Identifier: Apache-2.0
//
// The board `virt` with several processors, and small programs for them that turn each other on and off.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "machines/virt.h"
#include "tests/app/guests.h"
#include "tests/engine/assembler.h"

namespace mynah {

using namespace a64asm;

constexpr uint64_t kEntry = 0x40200040, kData = 0x40500000;
constexpr Word kYieldHint = 0xd503203f;
constexpr Word kMpidrEl1 = system(3, 0, 0, 0, 5);
constexpr Word kMairEl1 = system(3, 0, 10, 2, 0);
constexpr uint64_t kCpuOn = 0xc4000003, kCpuOff = 0x84000002, kAffinityInfo = 0xc4000004,
                   kSystemOff = 0x84000008;

enum Label {
  kSecondary,
  kLoop,
  kRetry,
  kWait,
  kBody,
  kDone,
  kAgain,
  kOther,
  kNext
};  // others: numbers from 100

struct Setup {
  Accelerator accelerator;
  unsigned gic;
};

class Smp : public testing::TestWithParam<Setup> {
 protected:
  VirtMachine& start(const Code& code, unsigned processors,
                     GuestClock::Kind clock = GuestClock::Kind::kDeterministic) {
    VirtConfig config;
    config.gic_version = GetParam().gic;
    config.cpu = *arm::make_cpu_model("max").model;
    config.clock = clock;
    config.clock_shift = 1;
    config.ram_bytes = 16 << 20;
    config.kernel = app::test::make_image(code.words());
    config.accelerator = GetParam().accelerator;
    config.code_bytes = 4 << 20;
    config.processors = {.now = processors, .max = processors, .cores = processors};
    machine_ = std::make_unique<VirtMachine>(std::move(config), log_);
    const auto ready = machine_->init();
    EXPECT_TRUE(ready) << ready.message();
    return *machine_;
  }
  // Until it powers off.
  static void run(VirtMachine& m) {
    for (unsigned slices = 0; slices < 3000; ++slices) {
      const AfterExit after = m.run_slice();
      if (after == AfterExit::kShutdown) return;
      if (after != AfterExit::kHalt) continue;
      EXPECT_TRUE(m.halted());
      if (m.clock().deterministic()) ASSERT_TRUE(m.skip_idle_time()) << "sleeps for ever";
    }
    std::string where;
    for (const Processor& p : m.processors()) where += p.debug->dump();
    for (unsigned i = 0; i < m.processors().size(); ++i)
      where += fmt::format("esr {:x} far {:x} elr {:x}\n", m.cpu(i).arm().esr, m.cpu(i).arm().far,
                           m.cpu(i).arm().elr);
    FAIL() << "does not end:\n" << where;
  }
  uint64_t word(uint64_t offset) {
    uint64_t value = 0;
    EXPECT_TRUE(machine_->memory().read(kData + offset, &value, sizeof value));
    return value;
  }
  // Turns the processor with this affinity on at a label, its number in X0; the answer in X0.
  static Code& turn_on(Code& c, uint64_t affinity, int label) {
    return c.load(0, kCpuOn).load(1, affinity).adr(2, label).load(3, affinity)(hvc(0));
  }
  // Until processor `affinity` is off.
  static Code& wait_off(Code& c, uint64_t affinity, int label) {
    c.bind(label).load(0, kAffinityInfo).load(1, affinity)(movz(2, 0), hvc(0), subs_imm(0, 0, 1));
    return c.b_cc(kNe, label);
  }
  static Code& power_off(Code& c) { return c.load(0, kSystemOff)(hvc(0)); }

  dev::NullLog log_;
  std::unique_ptr<VirtMachine> machine_;
};
// Every processor adds 1 to a word so many times, by load- and store-exclusive.
inline Code counting(unsigned processors, unsigned rounds) {
  Code c(kEntry);
  c.b(kBody);
  c.bind(kSecondary).load(10, kData).load(2, rounds);
  c.bind(kLoop);
  c.bind(kRetry)(ldxr(3, 10), add_imm(3, 3, 1), stxr(4, 3, 10));
  c.cbnz(4, kRetry)(subs_imm(2, 2, 1)).b_cc(kNe, kLoop);
  c.load(0, kCpuOff)(hvc(0), brk(1));
  c.bind(kBody);
  for (unsigned i = 1; i < processors; ++i)
    c.load(0, kCpuOn).load(1, i).adr(2, kSecondary)(movz(3, i), hvc(0));
  for (unsigned i = 1; i < processors; ++i) {
    c.bind(100 + static_cast<int>(i))
        .load(0, kAffinityInfo)
        .load(1, i)(movz(2, 0), hvc(0), subs_imm(0, 0, 1));
    c.b_cc(kNe, 100 + static_cast<int>(i));
  }
  return c;
}

}  // namespace mynah
