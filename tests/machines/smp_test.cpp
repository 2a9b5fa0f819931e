// SPDX-License-Identifier: Apache-2.0
//
// Several processors of the board `virt`, in turns: firmware calls, interrupts between them, locks, events,
// memory as all of them see it (litmus tests), broadcast invalidations, equal runs.
#include <set>

#include "tests/machines/smp_fixture.h"

namespace mynah {
namespace {

INSTANTIATE_TEST_SUITE_P(, Smp,
                         testing::Values(Setup{Accelerator::kJit, 2}, Setup{Accelerator::kInterp, 2},
                                         Setup{Accelerator::kJit, 3}, Setup{Accelerator::kInterp, 3}),
                         [](const auto& info) {
                           return std::string(info.param.accelerator == Accelerator::kJit ? "jit"
                                                                                          : "interp") +
                                  std::to_string(info.param.gic);
                         });

TEST_P(Smp, CountsInOneWordTogether) {
  Code c = counting(8, 20'000);
  power_off(c);
  VirtMachine& m = start(c, 8);
  run(m);
  EXPECT_EQ(word(0), 7u * 20'000);
  for (unsigned i = 1; i < 8; ++i) EXPECT_TRUE(m.cpu(i).is_off());
}

TEST_P(Smp, CountsByTheHostsClockToo) {
  Code c = counting(4, 20'000);
  power_off(c);
  VirtMachine& m = start(c, 4, GuestClock::Kind::kRealtime);
  run(m);
  EXPECT_EQ(word(0), 3u * 20'000);
}

TEST_P(Smp, TwoRunsAreEqual) {
  std::string seen[2];
  for (std::string& text : seen) {
    Code c = counting(4, 5'000);
    power_off(c);
    VirtMachine& m = start(c, 4);
    run(m);
    for (const Processor& p : m.processors())
      text += p.debug->dump() + std::to_string(p.vcpu->instructions()) + " ";
    text += std::to_string(m.memory().hash());
  }
  EXPECT_EQ(seen[0], seen[1]);
}

TEST_P(Smp, FirmwareAnswersForEachProcessor) {
  Code c(kEntry);
  c.load(20, kData);
  const auto ask = [&](unsigned at) { c(hvc(0), str(0, 20, at)); };
  turn_on(c, 1, kSecondary)(str(0, 20, 0));   // success
  turn_on(c, 1, kSecondary)(str(0, 20, 8));   // already on
  turn_on(c, 0, kSecondary)(str(0, 20, 16));  // already on: this one
  turn_on(c, 9, kSecondary)(str(0, 20, 24));  // there is none
  c.load(0, kAffinityInfo)(movz(1, 0), movz(2, 0));
  ask(32);  // on
  c.load(0, kAffinityInfo)(movz(1, 0), movz(2, 1));
  ask(40);  // a level above: not supported
  c.load(0, kCpuOn)(movz(1, 1)).load(2, kData + 2)(movz(3, 0));
  ask(48);  // already on comes first
  wait_off(c, 1, kWait);
  c.load(0, kCpuOn)(movz(1, 1)).load(2, kData + 2)(movz(3, 0));
  ask(56);  // not an address of an instruction
  power_off(c);
  c.bind(kSecondary).load(20, kData)(mrs(1, kMpidrEl1), str(1, 20, 64), str(0, 20, 72));
  c.load(0, kCpuOff)(hvc(0));
  start(c, 2);
  run(*machine_);
  const auto minus = [](int n) { return static_cast<uint64_t>(-n); };
  EXPECT_EQ(word(0), 0u);
  EXPECT_EQ(word(8), minus(4));
  EXPECT_EQ(word(16), minus(4));
  EXPECT_EQ(word(24), minus(2));
  EXPECT_EQ(word(32), 0u);
  EXPECT_EQ(word(40), minus(2));
  EXPECT_EQ(word(48), minus(4));
  EXPECT_EQ(word(56), minus(9));
  EXPECT_EQ(word(64), 0x80000001u);
  EXPECT_EQ(word(72), 1u);  // the context
}

// One waits for the other's store with its monitor set, as locks and condition loops do.
TEST_P(Smp, AStoreEndsAWaitForAnEvent) {
  Code c(kEntry);
  turn_on(c, 1, kSecondary);
  c.load(10, kData)(kSevl, kWfe);
  c.bind(kWait)(ldxr(1, 10)).cbnz(1, kDone)(kWfe).b(kWait);
  c.bind(kDone);
  power_off(c);
  c.bind(kSecondary).load(10, kData).load(2, 1'000'000);
  c.bind(kLoop)(subs_imm(2, 2, 1)).b_cc(kNe, kLoop);
  c(movz(1, 7), str(1, 10)).load(0, kCpuOff)(hvc(0));
  VirtMachine& m = start(c, 2);
  run(m);
  EXPECT_GT(m.vcpu(1).instructions(), 2'000'000u);
  EXPECT_LT(m.vcpu(0).instructions(), 1'000u);  // it gave its turns away
}

TEST_P(Smp, AnEventReachesTheOthers) {
  Code c(kEntry);
  turn_on(c, 1, kSecondary)(kWfe);
  power_off(c);
  c.bind(kSecondary)(kSev).load(0, kCpuOff)(hvc(0));
  run(start(c, 2));
}

TEST_P(Smp, SpinningWithYieldGivesTheTurnAway) {
  Code c(kEntry);
  turn_on(c, 1, kSecondary);
  c.load(10, kData);
  c.bind(kWait)(kYieldHint, ldar(1, 10)).cbz(1, kWait);
  power_off(c);
  c.bind(kSecondary).load(10, kData).load(2, 500'000);
  c.bind(kLoop)(subs_imm(2, 2, 1)).b_cc(kNe, kLoop);
  c(movz(1, 7), str(1, 10)).load(0, kCpuOff)(hvc(0));
  VirtMachine& m = start(c, 2);
  run(m);
  EXPECT_LT(m.vcpu(0).instructions(), 500u);
}

// A value that changes and changes back between load- and store-exclusive.
TEST_P(Smp, AStoreExclusiveSeesAValueThatChangedAndChangedBack) {
  Code c(kEntry);
  turn_on(c, 1, kSecondary);
  c.load(10, kData).load(11, kData + 8)(movz(5, 1));
  c(ldxr(1, 10));
  c.bind(kWait)(kYieldHint, ldar(2, 11)).cbz(2, kWait);
  c(stxr(4, 5, 10), str(4, 10, 16));
  power_off(c);
  c.bind(kSecondary).load(10, kData)(movz(1, 7), str(1, 10), str(kZr, 10), str(1, 10, 8));
  c.load(0, kCpuOff)(hvc(0));
  start(c, 2);
  run(*machine_);
  EXPECT_EQ(word(16), 1u) << "it was stored";
  EXPECT_EQ(word(0), 0u);
}

// --- interrupts between processors

TEST_P(Smp, AnInterruptWakesAnother) {
  const bool v3 = GetParam().gic == 3;
  Code c(kEntry);
  turn_on(c, 1, kSecondary);
  c.load(10, kData);
  c.bind(kWait)(kYieldHint, ldar(1, 10)).cbz(1, kWait);  // the other one is ready
  if (v3) {
    c.load(1, uint64_t{5} << 24 | 1 << 1);  // SGI 5 to affinity 1
    c(msr(system(3, 0, 12, 11, 5), 1));
  } else {
    c.load(11, 0x08000000).load(1, 2 << 16 | 5)(str_w(1, 11, 0xf00));  // to CPU 1
  }
  wait_off(c, 1, kAgain);
  power_off(c);
  c.bind(kSecondary).load(10, kData).load(11, 0x08000000);
  if (v3) {
    constexpr uint64_t kSgiFrame = 0x080a0000 + 0x20000 + 0x10000;
    c(movz(1, 2), str_w(1, 11, 0));  // GICD_CTLR: group 1
    c.load(12, kSgiFrame)(movz(1, 0x20), movn(2, 0), str_w(2, 12, 0x80), str_w(1, 12, 0x100));
    c(movz(1, 1), msr(system(3, 0, 12, 12, 5), 1));          // SRE
    c(movz(1, 0xf0), msr(system(3, 0, 4, 6, 0), 1));         // PMR
    c(movz(1, 1), msr(system(3, 0, 12, 12, 7), 1));          // IGRPEN1
    c.load(12, 0x080a0000 + 0x20000)(str_w(kZr, 12, 0x14));  // GICR_WAKER
  } else {
    c.load(12, 0x08010000)(movz(1, 1), str_w(1, 11, 0), movz(1, 0xf0), str_w(1, 12, 4), movz(1, 1),
                           str_w(1, 12, 0));
    c(movz(1, 0x20), str_w(1, 11, 0x100));
  }
  c(movz(1, 1), str(1, 10), kWfi);
  if (v3)
    c(mrs(3, system(3, 0, 12, 12, 0)));
  else
    c(ldr_w(3, 12, 0xc));
  c(str(3, 10, 8)).load(0, kCpuOff)(hvc(0));
  start(c, 2);
  run(*machine_);
  EXPECT_EQ(word(8), 5u);  // and with GICv2 the sender, which is 0
}

// --- memory as all see it: litmus tests. In each of 256 rounds all processors meet, then each makes its few
// accesses to the round's two words, with a turn given away before an access as the round's bits say.
constexpr unsigned kRounds = 256, kMeet = 0x6000, kResults = 0x8000;
constexpr Word kDmb = 0xd5033bbf;

struct Operation {
  enum Kind { kStore, kLoad } kind;
  unsigned word;   // 0: x, 1: y
  unsigned value;  // stored; or which result is loaded, 0 or 1
};
using Program = std::vector<Operation>;

Code litmus(const std::vector<Program>& programs) {
  const auto n = static_cast<unsigned>(programs.size());
  Code c(kEntry);
  c(movz(28, 0)).b(kBody);
  c.bind(kSecondary)(mov(28, 0));
  c.bind(kBody).load(10, kData).load(26, kData + kMeet).load(25, kData + kResults);
  c(movz(27, 0), movz(24, 0));
  c.load(1, kRounds * 16)(madd(25, 28, 1, 25)).cbnz(28, kLoop);
  for (unsigned i = 1; i < n; ++i) c.load(0, kCpuOn).load(1, i).adr(2, kSecondary)(movz(3, i), hvc(0));
  c.bind(kLoop)(add_imm(24, 24, n), movz(1, 1), ldadd(1, 2, 26));
  c.bind(kWait)(ldar(2, 26), sub(2, 2, 24), tbnz(2, 63, 8)).b(kNext)(kYieldHint).b(kWait);
  c.bind(kNext)(movz(20, 0), movz(21, 0));
  for (unsigned i = 0; i < n; ++i) {
    const int other = 200 + static_cast<int>(i);
    c(subs_imm(kZr, 28, i)).b_cc(kNe, other);
    for (unsigned k = 0; k < programs[i].size(); ++k) {
      const Operation& o = programs[i][k];
      if (k) c(kDmb);
      c(tbnz(27, (2 * i + k) % 8, 8), kYieldHint);
      if (o.kind == Operation::kStore)
        c(movz(1, o.value), str(1, 10, 32 * o.word));
      else
        c(ldr(20 + o.value, 10, 32 * o.word));
    }
    c.b(kOther);
    c.bind(other);
  }
  c.bind(kOther)(stp(20, 21, 25, 0), add_imm(25, 25, 16), add_imm(10, 10, 64), add_imm(27, 27, 1));
  c(cmp_imm(27, kRounds)).b_cc(kNe, kLoop);
  c.cbz(28, kDone).load(0, kCpuOff)(hvc(0));
  c.bind(kDone);
  for (unsigned i = 1; i < n; ++i) {
    c.bind(300 + static_cast<int>(i))
        .load(0, kAffinityInfo)
        .load(1, i)(movz(2, 0), hvc(0), subs_imm(0, 0, 1));
    c.b_cc(kNe, 300 + static_cast<int>(i));
  }
  c.load(0, kSystemOff)(hvc(0));
  return c;
}

class Litmus : public Smp {
 protected:
  // How often the outcome was one that no order gives; the last round's x and y follow what each read.
  template <typename Forbidden>
  unsigned count(const std::vector<Program>& programs, Forbidden forbidden) {
    start(litmus(programs), static_cast<unsigned>(programs.size()));
    run(*machine_);
    unsigned found = 0;
    std::set<std::vector<uint64_t>> outcomes;
    for (unsigned round = 0; round < kRounds; ++round) {
      std::vector<uint64_t> seen;
      for (unsigned i = 0; i < programs.size(); ++i)
        for (unsigned r = 0; r < 2; ++r) seen.push_back(word(kResults + (i * kRounds + round) * 16 + 8 * r));
      for (unsigned r = 0; r < 2; ++r) seen.push_back(word(64 * round + 32 * r));
      found += forbidden(seen);
      outcomes.insert(seen);
    }
    EXPECT_GE(outcomes.size(), 3u) << "the programs did not overlap";
    return found;
  }
  static constexpr auto kStore = Operation::kStore;
  static constexpr auto kLoad = Operation::kLoad;
};
INSTANTIATE_TEST_SUITE_P(, Litmus,
                         testing::Values(Setup{Accelerator::kJit, 2}, Setup{Accelerator::kInterp, 2}),
                         [](const auto& info) {
                           return info.param.accelerator == Accelerator::kJit ? "jit" : "interp";
                         });

TEST_P(Litmus, MessagePassing) {
  EXPECT_EQ(count({{{kStore, 0, 1}, {kStore, 1, 1}}, {{kLoad, 1, 0}, {kLoad, 0, 1}}},
                  [](const auto& s) { return s[2] == 1 && s[3] == 0; }),
            0u);
}
TEST_P(Litmus, StoreBuffering) {
  EXPECT_EQ(count({{{kStore, 0, 1}, {kLoad, 1, 0}}, {{kStore, 1, 1}, {kLoad, 0, 0}}},
                  [](const auto& s) { return s[0] == 0 && s[2] == 0; }),
            0u);
}
TEST_P(Litmus, IndependentReadsOfIndependentWrites) {
  EXPECT_EQ(count({{{kStore, 0, 1}},
                   {{kStore, 1, 1}},
                   {{kLoad, 0, 0}, {kLoad, 1, 1}},
                   {{kLoad, 1, 0}, {kLoad, 0, 1}}},
                  [](const auto& s) { return s[4] == 1 && s[5] == 0 && s[6] == 1 && s[7] == 0; }),
            0u);
}
TEST_P(Litmus, TwoWritesTwice) {
  EXPECT_EQ(count({{{kStore, 0, 1}, {kStore, 1, 2}}, {{kStore, 1, 1}, {kStore, 0, 2}}},
                  [](const auto& s) { return s[4] == 1 && s[5] == 1; }),
            0u);
}

// --- translation

// Processor 1 reads and runs a page through its MMU, again and again, while 0 maps another one there and
// tells all.
TEST_P(Smp, ABroadcastInvalidationReachesTheOthers) {
  constexpr uint64_t kTable = 0x40700000, kPageA = kData + 0x10000, kPageB = kData + 0x11000, kVa = 0x1000;
  Code c(kEntry);
  turn_on(c, 1, kSecondary);
  c.load(10, kData).load(11, kTable + 0x2000 + 8);
  for (unsigned round = 1; round <= 4; ++round) {
    const int wait = 400 + static_cast<int>(round);
    c.bind(wait)(kYieldHint, ldar(1, 10), subs_imm(1, 1, round)).b_cc(kNe, wait);
    c.load(1, (round % 2 ? kPageB : kPageA) | 0x703)(str(1, 11), kDsb);
    c.load(1, kVa >> 12)(system(1, 0, 8, 3, 3) | 1, kDsb, kIsb);  // TLBI VAAE1IS
    c(movz(1, round), str(1, 10, 8));
  }
  wait_off(c, 1, kAgain);
  power_off(c);
  c.bind(kSecondary).load(10, kData).load(12, kVa);
  c.load(1, kTable)(msr(kTtbr0, 1)).load(1, 25 | 25 << 16 | uint64_t{2} << 30 | 1 << 23)(msr(kTcr, 1));
  c.load(1, 0x04ff)(msr(kMairEl1, 1), kIsb, mrs(1, kSctlr), 0xb2400021 /* ORR X1, X1, #1 */, msr(kSctlr, 1),
                    kIsb);
  c(movz(20, 0)).load(21, kData + 16);
  for (unsigned round = 1; round <= 4; ++round) {
    const int wait = 500 + static_cast<int>(round);
    c(ldr(2, 12, 8), blr(12), stp(2, 3, 21, 0), add_imm(21, 21, 16));  // data and code of the page
    c(movz(1, round), str(1, 10));
    c.bind(wait)(kYieldHint, ldr(1, 10, 8), subs_imm(1, 1, round)).b_cc(kNe, wait);
  }
  c.load(0, kCpuOff)(hvc(0));
  VirtMachine& m = start(c, 2);
  // Level 1: the first gigabyte through level 2 and 3, the second as it is.
  const auto put = [&](uint64_t pa, uint64_t value) { EXPECT_TRUE(m.memory().write(pa, &value, 8)); };
  put(kTable, (kTable + 0x1000) | 3);
  put(kTable + 8, 0x40000000 | 0x701);
  put(kTable + 0x1000, (kTable + 0x2000) | 3);
  put(kTable + 0x2000 + 8, kPageA | 0x703);
  for (const auto& [page, value] : {std::pair{kPageA, 11u}, std::pair{kPageB, 22u}}) {
    const Word code[] = {movz(3, value), ret(30), value, 0};
    EXPECT_TRUE(m.memory().write(page, code, sizeof code));
  }
  run(m);
  for (unsigned round = 0; round < 4; ++round) {
    EXPECT_EQ(word(16 + 16 * round), round % 2 ? 22u : 11u) << round;
    EXPECT_EQ(word(24 + 16 * round), round % 2 ? 22u : 11u) << round;
  }
}

TEST_P(Smp, CodeThatOneWritesTheOthersRun) {
  Code c(kEntry);
  turn_on(c, 1, kSecondary);
  c.load(10, kData).load(11, kData + 0x10000);
  for (unsigned round = 1; round <= 4; ++round) {
    const int wait = 400 + static_cast<int>(round);
    c.bind(wait)(kYieldHint, ldar(1, 10), subs_imm(1, 1, round)).b_cc(kNe, wait);
    c.load(1, movz(3, round * 5))(str_w(1, 11), dc_cvau(11), kDsb, ic_ivau(11), kDsb);
    c(movz(1, round), str(1, 10, 8));
  }
  wait_off(c, 1, kAgain);
  power_off(c);
  c.bind(kSecondary).load(10, kData).load(12, kData + 0x10000).load(21, kData + 16);
  for (unsigned round = 1; round <= 4; ++round) {
    const int wait = 500 + static_cast<int>(round);
    c(movz(1, round), str(1, 10));
    c.bind(wait)(kYieldHint, ldr(1, 10, 8), subs_imm(1, 1, round)).b_cc(kNe, wait);
    c(kIsb, blr(12), str(3, 21), add_imm(21, 21, 8));
  }
  c.load(0, kCpuOff)(hvc(0));
  VirtMachine& m = start(c, 2);
  const Word code[] = {movz(3, 1), ret(30)};
  EXPECT_TRUE(m.memory().write(kData + 0x10000, code, sizeof code));
  run(m);
  for (unsigned round = 1; round <= 4; ++round) EXPECT_EQ(word(8 + 8 * round), 5 * round);
}

// --- a debugger

TEST_P(Smp, ABreakpointStopsWhicheverComesToIt) {
  Code c(kEntry);
  turn_on(c, 1, kSecondary);
  wait_off(c, 1, kAgain);
  power_off(c);
  c.bind(kSecondary)(movz(5, 1), movz(5, 2)).load(0, kCpuOff)(hvc(0));
  const uint64_t at = c.at(kSecondary) + 4;
  VirtMachine& m = start(c, 2);
  m.vcpu_group().set_breakpoint(at, true);
  AfterExit after = AfterExit::kContinue;
  while (after == AfterExit::kContinue) after = m.run_slice();
  ASSERT_EQ(after, AfterExit::kDebug);
  EXPECT_EQ(m.current(), 1u);
  EXPECT_EQ(m.cpu(1).pc(), at);
  EXPECT_EQ(m.cpu(1).arm().x(5), 1u);
  ASSERT_EQ(m.step(1), AfterExit::kContinue);
  EXPECT_EQ(m.cpu(1).arm().x(5), 2u);
  const uint64_t pc = m.cpu(0).pc();
  ASSERT_EQ(m.step(1), AfterExit::kContinue);
  EXPECT_EQ(m.cpu(0).pc(), pc);
  run(m);
}

TEST_P(Smp, AResetLeavesOneProcessorOn) {
  Code c = counting(3, 100);
  c.b(kBody);
  VirtMachine& m = start(c, 3);
  for (unsigned i = 0; i < 50; ++i) ASSERT_EQ(m.run_slice(), AfterExit::kContinue);
  m.reset();
  EXPECT_FALSE(m.cpu(0).is_off());
  EXPECT_TRUE(m.cpu(1).is_off());
  EXPECT_TRUE(m.cpu(2).is_off());
}

TEST_P(Smp, IsSavedAndRestored) {
  Code c = counting(4, 100'000);
  power_off(c);
  VirtMachine& a = start(c, 4);
  for (unsigned i = 0; i < 3; ++i) ASSERT_EQ(a.run_slice(), AfterExit::kContinue);
  std::vector<uint8_t> saved = a.save();
  run(a);
  const auto end_of = [](VirtMachine& m) {
    std::string text = std::to_string(m.memory().hash()) + std::to_string(m.clock().now());
    for (const Processor& p : m.processors()) text += p.debug->dump();
    return text;
  };
  const std::string expected = end_of(a);
  VirtMachine& b = start(c, 4);
  ASSERT_TRUE(b.restore(std::move(saved)));
  run(b);
  EXPECT_EQ(end_of(b), expected);
}

}  // namespace
}  // namespace mynah
