// SPDX-License-Identifier: Apache-2.0
//
// A debugger's breakpoints and watchpoints: they stop where they must, to the instruction, and what they do
// not concern does not notice them.
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "tests/engine/engine_test.h"
#include "tests/engine/workload.h"

namespace mynah::test {
namespace {

using namespace a64asm;

enum Label { kLoop, kHere, kFunction, kEnd };

class StopPointsTest : public EngineTest {};
MYNAH_BOTH_ACCELERATORS(StopPointsTest);

TEST_P(StopPointsTest, BreakpointInALinkedLoop) {
  BareMachine m(options());
  Code c(kCode);
  c(movz(2, 0)).bind(kLoop)(add_imm(2, 2, 1)).bind(kHere)(add_imm(3, 3, 2), cmp_imm(2, 100)).b_cc(kNe, kLoop);
  c.bind(kEnd)(hvc(0));
  m.load(c);
  ASSERT_TRUE(m.run_to_hvc());  // translated and linked without
  m.x(3) = 0;
  m.start(kCode);
  m.group->set_breakpoint(c.at(kHere), true);
  for (uint64_t round = 1; round <= 5; ++round) {
    ASSERT_EQ(m.run(1000), AfterExit::kDebug);
    EXPECT_EQ(m.cpu->pc(), c.at(kHere));
    EXPECT_EQ(m.x(2), round);
    EXPECT_EQ(m.x(3), 2 * (round - 1));
  }
  const uint64_t count = m.vcpu->instructions();
  ASSERT_EQ(m.run(1000), AfterExit::kDebug);
  EXPECT_EQ(m.vcpu->instructions() - count, 4u);
  ASSERT_EQ(m.vcpu->step(), AfterExit::kContinue);
  EXPECT_EQ(m.cpu->pc(), c.at(kHere) + 4);
  m.group->set_breakpoint(c.at(kHere), false);
  ASSERT_TRUE(m.run_to_hvc());
  EXPECT_EQ(m.x(3), 200u);
}

// Every way into the address: falling, branching, calling, returning, by an exception, over a page's end.
TEST_P(StopPointsTest, EveryWayIn) {
  BareMachine m(options());
  const uint64_t next_page = kCode + kPage;
  Code c(next_page - 4 * 4);
  c(movz(0, 0), add_imm(0, 0, 1), add_imm(0, 0, 2), add_imm(0, 0, 4));
  c.bl(kFunction).b(kEnd);
  c.bind(kFunction)(movz(1, 1), ret());
  c.bind(kEnd).load(4, next_page + 0x100)(br(4)).pad_to(next_page + 0x100)(svc(1), hvc(0));
  m.load(c);
  const uint64_t start = next_page - 16;
  m.start(start);
  ASSERT_TRUE(m.run_to_hvc());
  const std::vector<uint64_t> stops = {next_page - 8, next_page,         c.at(kFunction), next_page + 4,
                                       c.at(kEnd),    next_page + 0x100, kVectors + 0x200};
  for (const uint64_t at : stops) m.group->set_breakpoint(at, true);
  m.start(start);
  for (const uint64_t at : stops) {
    ASSERT_EQ(m.run(1000), AfterExit::kDebug) << std::hex << at;
    EXPECT_EQ(m.cpu->pc(), at);
  }
  EXPECT_TRUE(m.run_to_hvc());
}

// One page of code at two addresses: only one of them has the breakpoint, or each another one.
TEST_P(StopPointsTest, AliasedPage) {
  BareMachine m(options());
  const uint64_t va[] = {0x20000000, 0x20010000}, pa = kCode + 4 * kPage;
  for (const uint64_t at : va) m.map(m.kernel_table(), at, pa);
  m.load(pa, {add_imm(0, 0, 1), add_imm(0, 0, 2), add_imm(0, 0, 4), ret()});
  Code c(kCode);
  c.load(1, va[0])
      .load(2, va[1])(movz(9, 50))
      .bind(kLoop)(blr(1), blr(2), subs_imm(9, 9, 1))
      .b_cc(kNe, kLoop)(hvc(0));
  m.load(c);
  m.group->set_breakpoint(va[1] + 8, true);
  for (uint64_t round = 0; round < 20; ++round) {
    ASSERT_EQ(m.run(1000), AfterExit::kDebug);
    EXPECT_EQ(m.cpu->pc(), va[1] + 8);
    EXPECT_EQ(m.x(0), round * 14 + 7 + 3);
  }
  m.group->set_breakpoint(va[0] + 4, true);
  for (uint64_t round = 20; round < 30; ++round) {
    ASSERT_EQ(m.run(1000), AfterExit::kDebug);
    EXPECT_EQ(m.cpu->pc(), va[0] + 4);
    ASSERT_EQ(m.run(1000), AfterExit::kDebug);
    EXPECT_EQ(m.cpu->pc(), va[1] + 8);
  }
}

// Breakpoints at random places of a busy guest: it is met wherever it comes by, and else sees no difference.
TEST_P(StopPointsTest, ChangesNothing) {
  BareMachine with(options()), without(options());
  for (BareMachine* m : {&with, &without}) load_workload(*m);
  std::mt19937_64 random(7);
  std::set<uint64_t> set;
  unsigned met = 0;
  for (unsigned step = 0; step < 100; ++step) {
    const uint64_t end = with.vcpu->instructions() + 997;
    without.run(997);
    while (with.vcpu->instructions() < end) {
      if (with.run(end - with.vcpu->instructions()) == AfterExit::kDebug) {
        ++met;
        EXPECT_TRUE(set.contains(with.cpu->pc()));
      }
    }
    ASSERT_EQ(with.snapshot(), without.snapshot()) << "step " << step;
    const uint64_t at = (with.cpu->pc() & ~uint64_t{0xfff}) + random() % 1024 * 4;
    const bool on = random() % 3 != 0;
    with.group->set_breakpoint(at, on);
    if (on)
      set.insert(at);
    else
      set.erase(at);
    if (step % 10 == 9) {
      with.group->clear_stop_points();
      set.clear();
    }
  }
  EXPECT_GT(met, 10u);
}

// A thousand breakpoints that are never reached, one in the loop's own page: not one more way out of
// translated code, and nothing translated again when they go and come.
TEST(StopPointsAlone, AThousandNeverReached) {
  uint64_t leaves[2] = {}, blocks[2] = {};
  for (const bool on : {false, true}) {
    BareMachine m;
    Code c(kCode);
    c.load(9, 200'000).load(1, kCode + kPage).bind(kLoop)(blr(1), subs_imm(9, 9, 1)).b_cc(kNe, kLoop)(hvc(0));
    m.load(c);
    m.load(kCode + kPage, {add_imm(0, 0, 1), ret()});
    if (on) {
      for (unsigned i = 0; i < 1000; ++i) m.group->set_breakpoint(kCode + 0x800 + i * 0x404 / 4 * 4, true);
      m.group->set_breakpoint(kCode + kPage + 0x20, true);
    }
    ASSERT_TRUE(m.run_to_hvc());
    for (const uint64_t n : m.vcpu->dispatcher_stats().leaves) leaves[on] += n;
    blocks[on] = m.cache_stats().blocks_made;
    if (!on) continue;
    m.group->set_breakpoint(kCode + 0xff0, true);
    m.group->set_breakpoint(kCode + 0xff0, false);
    m.start(kCode);
    ASSERT_TRUE(m.run_to_hvc());
    EXPECT_EQ(m.cache_stats().blocks_made, blocks[on]);
  }
  EXPECT_LE(leaves[1], leaves[0] + 10);
  EXPECT_LE(blocks[1], blocks[0] + 2);
}

// More different stop sets than there are numbers for them.
TEST(StopPointsAlone, NumbersBeginAgain) {
  BareMachine m({.validate = false});
  Code c(kCode);
  c(movz(0, 0)).bind(kLoop)(add_imm(0, 0, 1), add_imm(1, 1, 1)).b(kLoop);
  m.load(c);
  const uint64_t at = c.at(kLoop) + 4;
  m.group->set_breakpoint(at, true);
  const auto other = [](unsigned i) { return kCode + 0x100 + i % 900 * 4; };
  const auto third = [](unsigned i) { return kCode + 0x100 + i / 900 * 4; };
  for (unsigned i = 0; i < 70'000; ++i) {
    m.group->set_breakpoint(other(i), true);
    m.group->set_breakpoint(third(i), true);
    ASSERT_EQ(m.run(100), AfterExit::kDebug);
    ASSERT_EQ(m.cpu->pc(), at);
    ASSERT_EQ(m.x(1), i);
    m.group->set_breakpoint(other(i), false);
    m.group->set_breakpoint(third(i), false);
  }
  EXPECT_GT(m.group->stop_points().flushes(), 0u);
}

struct WatchRow {
  const char* name;
  Word access;
  bool reads, writes;
};
constexpr Word ldadd(unsigned s, unsigned t, unsigned n) { return 0xf8200000 | s << 16 | n << 5 | t; }
constexpr Word swp(unsigned s, unsigned t, unsigned n) { return 0xf8208000 | s << 16 | n << 5 | t; }
constexpr Word cas(unsigned s, unsigned t, unsigned n) { return 0xc8a07c00 | s << 16 | n << 5 | t; }
constexpr WatchRow kWatchRows[] = {
    {"ldr", ldr(4, 1, 8), true, false},    {"str", str(2, 1, 8), false, true},
    {"ldp", ldp(4, 5, 1, 0), true, false}, {"stp", stp(4, 5, 1, 0), false, true},
    {"ldadd", ldadd(2, 4, 6), true, true}, {"swp", swp(2, 4, 6), true, true},
    {"cas", cas(2, 4, 6), true, true},     {"dc zva", dc_zva(6), false, true},
};

// Reads and writes, both halves of atomics among them; the stop is right behind the instruction.
TEST_P(StopPointsTest, Watchpoints) {
  for (const WatchRow& row : kWatchRows) {
    for (unsigned kind = 1; kind <= 3; ++kind) {
      SCOPED_TRACE(testing::Message() << row.name << " " << kind);
      BareMachine m(options());
      Code c(kCode);
      c.load(1, kData).load(6, kData + 8)(movz(9, 3)).bind(kLoop)(ldr(3, 1, 256), add_imm(0, 0, 1));
      c.bind(kHere)(row.access, add_imm(0, 0, 1), str(3, 1, 256), subs_imm(9, 9, 1)).b_cc(kNe, kLoop)(hvc(0));
      m.load(c);
      const bool hits = (row.reads && (kind & 1)) || (row.writes && (kind & 2));
      const StopPoints::Watchpoint w{kData + 12, 2, (kind & 1) != 0, (kind & 2) != 0};
      ASSERT_EQ(m.run(2), AfterExit::kContinue);
      m.group->set_watchpoint(w, true);
      for (uint64_t round = 0; hits && round < 3; ++round) {
        ASSERT_EQ(m.run(1000), AfterExit::kDebug);
        EXPECT_EQ(m.vcpu->take_watch_hit(), w);
        EXPECT_EQ(m.cpu->pc(), c.at(kHere) + 4);
        EXPECT_EQ(m.x(0), 2 * round + 1);
      }
      ASSERT_TRUE(m.run_to_hvc());
      EXPECT_EQ(m.vcpu->take_watch_hit(), std::nullopt);
      EXPECT_EQ(m.x(0), 6u);
      m.group->set_watchpoint(w, false);
      m.start(kCode);
      EXPECT_TRUE(m.run_to_hvc());
    }
  }
}

// A tagged pointer leads to the watched bytes as well.
TEST_P(StopPointsTest, WatchpointBehindATag) {
  BareMachine m(options());
  m.state().tcr |= uint64_t{1} << 37;  // TBI0
  Code c(kCode);
  c.load(1, kData | uint64_t{0x5a} << 56)(str(2, 1, 8), hvc(0));
  m.load(c);
  m.start(kCode);
  m.group->set_watchpoint({kData + 8, 8, false, true}, true);
  ASSERT_EQ(m.run(1000), AfterExit::kDebug);
  EXPECT_TRUE(m.vcpu->take_watch_hit());
}

// What is on other pages than a watchpoint costs what it did.
TEST(StopPointsAlone, OtherPagesAreNotWatched) {
  uint64_t misses[2] = {};
  for (const bool on : {false, true}) {
    BareMachine m;
    Code c(kCode);
    c.load(1, kData)(ldr(2, 1)).load(9, 100'000);
    c.bind(kLoop)(ldr(2, 1), add_imm(2, 2, 1), str(2, 1), subs_imm(9, 9, 1)).b_cc(kNe, kLoop)(hvc(0));
    m.load(c);
    if (on) m.group->set_watchpoint({kData + 2 * kPage, 8, true, true}, true);
    ASSERT_TRUE(m.run_to_hvc());
    misses[on] = m.vcpu->dispatcher_stats().guard_misses;
  }
  EXPECT_LE(misses[1], misses[0] + 2);
}

// The guest's own, armed and never met: the same.
TEST(StopPointsAlone, OfTheGuest) {
  uint64_t leaves[2] = {};
  for (const bool on : {false, true}) {
    BareMachine m;
    Code c(kCode);
    c.load(1, kData)(daifclr(8)).load(9, 100'000);
    c.bind(kLoop)(ldr(2, 1), add_imm(2, 2, 1), str(2, 1))
        .bl(kFunction)(subs_imm(9, 9, 1))
        .b_cc(kNe, kLoop)(hvc(0));
    c.bind(kFunction)(ret());
    m.load(c);
    arm::ArmState& s = m.state();
    s.oslsr = 0;
    s.mdscr = 1 << 15 | 1 << 13;  // MDE, KDE
    if (on) {
      s.dbgbvr[0] = kCode + 0x200;
      s.dbgbcr[0] = 1 | 1 << 1 | 15 << 5;
      s.dbgwvr[0] = kData + 2 * kPage;
      s.dbgwcr[0] = 1 | 1 << 1 | 3 << 3 | 0xff << 5;
    }
    m.start(kCode);
    ASSERT_TRUE(m.run_to_hvc());
    for (const uint64_t n : m.vcpu->dispatcher_stats().leaves) leaves[on] += n;
  }
  EXPECT_LE(leaves[1], leaves[0] + 10);
}

}  // namespace
}  // namespace mynah::test
