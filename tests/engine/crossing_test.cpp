// SPDX-License-Identifier: Apache-2.0
//
// What the engine offers to guests with instructions of any length at any place: an instruction that goes on
// in the next page is the one that this page has there, whoever runs it and however it was come to.
#include <gtest/gtest.h>

#include <cstring>

#include "tests/engine/toy_test.h"

namespace mynah::test::toy {
namespace {

using CrossingTest = ToyTest;

TEST_P(CrossingTest, RunsAndIsFoundAgain) {
  EXPECT_EQ(result(), kValueA);
  EXPECT_EQ(m.cpu->pc(), kBehind + 5);
  EXPECT_FALSE(m.cpu->faulted);
  const uint64_t made = m.stats().blocks_made;
  for (int i = 0; i < 10; ++i) EXPECT_EQ(result(), kValueA);
  m.vcpu->tlb().invalidate_all();
  EXPECT_EQ(result(), kValueA);
  EXPECT_EQ(m.stats().blocks_made, made);
}

TEST_P(CrossingTest, EveryLengthInEachPage) {
  for (uint64_t in_first = 1; in_first < 10; ++in_first) {
    const uint64_t at = kProgram + kPage - in_first;
    m.load(at - kProgram + kFirst, kA, Code(at).move(0, 0x1122334455667788).halt().bytes());
    EXPECT_EQ(result(at), 0x1122334455667788u) << in_first;
    EXPECT_EQ(m.cpu->pc(), kBehind + 10 - in_first);
    m.load(at - 2 - kProgram + kFirst, Code(at - 2).nop().nop().bytes());  // not first in its block
    EXPECT_EQ(result(at - 2), 0x1122334455667788u) << in_first;
  }
}

TEST_P(CrossingTest, SecondPageRemapped) {
  EXPECT_EQ(result(), kValueA);
  m.map(0, kBehind, kB);
  m.invalidate_page(kBehind);
  EXPECT_EQ(result(), kValueB);
  const uint64_t made = m.stats().blocks_made;
  for (int i = 0; i < 10; ++i) {
    m.map(0, kBehind, i & 1 ? kB : kA);
    m.invalidate_page(kBehind);
    EXPECT_EQ(result(), i & 1 ? kValueB : kValueA);
  }
  EXPECT_EQ(m.stats().blocks_made, made);
}

// By each way that code knows to other code: r7 rounds over all spaces, r1 sums what they find.
enum class Way { kLinkInPage, kPageLink, kIndirect, kReturn };

Code way_to(Way way, uint64_t from) {
  Code code(from);
  switch (way) {
    case Way::kIndirect:
      code.jump_indirect(5);
      break;
    case Way::kReturn:
      code.ret(5);
      break;
    default:
      code.jump(kAt);
  }
  return code;
}

// Two spaces that have the first page alike and the second not; where the way to it begins.
uint64_t lay_out(Machine& m, Way way, bool common) {
  for (uint32_t space = 0; space < 2; ++space) {
    m.map(space, kProgram, kFirst).common = common;
    m.map(space, kBehind, space ? kB : kA);
    m.map(space, kFar, kFar).common = common;
  }
  m.cpu->common_root = common ? 7 : 0;
  const uint64_t entry = way == Way::kLinkInPage ? kProgram : kFar;
  m.load(entry == kFar ? kFar : kFirst, way_to(way, entry).bytes());
  return entry;
}

class WayTest : public testing::TestWithParam<std::tuple<Accelerator, Way, bool>> {};

TEST_P(WayTest, SpacesRunTheirOwn) {
  const auto [accelerator, way, common] = GetParam();
  Machine m(accelerator);
  const uint64_t entry = lay_out(m, way, common);
  // In each second page: r1 += r0, the other space, and the next round.
  for (const bool second : {false, true}) {
    Code code(kAt);
    code.move(0, second ? kValueB : kValueA).add(second ? 2 : 1, 0).set_space(second ? 3 : 4);
    code.loop(7, entry).halt();
    m.load(kFirst + 0xffb, second ? kB : kA, code.bytes());
  }
  m.r(3) = 0;
  m.r(4) = 1;
  m.r(5) = kAt;
  m.r(7) = 1000;
  ASSERT_TRUE(m.run(entry));
  EXPECT_EQ(m.r(1), 500 * kValueA);
  EXPECT_EQ(m.r(2), 500 * kValueB);
  EXPECT_FALSE(m.cpu->faulted);
}

// The same without a change of space in between: what is warm in one is not what the other finds.
TEST_P(WayTest, WarmInOneSpace) {
  const auto [accelerator, way, common] = GetParam();
  Machine m(accelerator);
  const uint64_t entry = lay_out(m, way, common);
  for (const bool second : {false, true})
    m.load(kFirst + 0xffb, second ? kB : kA,
           Code(kAt).move(0, second ? kValueB : kValueA).add(1, 0).loop(7, entry).halt().bytes());
  m.r(5) = kAt;
  for (unsigned round = 0; round < 20; ++round) {
    m.r(1) = 0;
    m.r(7) = 50;
    ASSERT_TRUE(m.run(entry, round & 1));
    ASSERT_EQ(m.r(1), 50 * (round & 1 ? kValueB : kValueA)) << round;
  }
}

INSTANTIATE_TEST_SUITE_P(, WayTest,
                         testing::Combine(testing::Values(Accelerator::kJit, Accelerator::kInterp),
                                          testing::Values(Way::kLinkInPage, Way::kPageLink, Way::kIndirect,
                                                          Way::kReturn),
                                          testing::Bool()));

// A call that crosses returns into the second page.
TEST_P(CrossingTest, CallReturnsIntoTheSecondPage) {
  add_space(m);
  for (const uint64_t second : {kA, kB}) {
    Code code(kProgram + 0xffd);
    code.call(6, kFar).move(0, second).add(1, 0).loop(7, kProgram + 0xffd).halt();
    m.load(kFirst + 0xffd, second, code.bytes());
  }
  m.load(kFar, Code(kFar).ret(6).bytes());
  for (unsigned round = 0; round < 20; ++round) {
    m.r(1) = 0;
    m.r(7) = 50;
    ASSERT_TRUE(m.run(kProgram + 0xffd, round & 1));
    ASSERT_EQ(m.r(1), 50 * (round & 1 ? kB : kA)) << round;
  }
}

// As far as a displacement reaches, from the last byte of a page.
TEST_P(CrossingTest, FarthestJump) {
  for (const int64_t far : {int64_t{0x7fffffff}, -int64_t{0x80000000}}) {
    const uint64_t base = 0x1'0000'0000, to = base + kPage + 4 + static_cast<uint64_t>(far);
    m.map(0, base, kFirst);
    m.map(0, base + kPage, kA);
    m.map(0, to & ~(kPage - 1), kB);
    m.invalidate_page(base);
    m.invalidate_page(to);
    m.load(kFirst + 0xfff, kA, Code(base + 0xfff).jump(to).bytes());
    m.load(kB + (to & (kPage - 1)), Code(to).halt().bytes());
    for (int i = 0; i < 3; ++i) {
      EXPECT_TRUE(m.run(base + 0xfff));
      EXPECT_EQ(m.cpu->pc(), to);
    }
    EXPECT_FALSE(m.cpu->faulted);
  }
}

TEST_P(CrossingTest, StoreToTheSecondPageDropsTheBlock) {
  EXPECT_EQ(result(), kValueA);
  m.load(kFar, Code(kFar).store(2, 3).jump(kAt).bytes());
  m.r(2) = kBehind;
  m.map(0, kOther, kA);
  m.invalidate_page(kOther);
  for (uint64_t i = 0; i < 4; ++i) {
    // halt follows the move's last five bytes.
    m.r(2) = i & 1 ? kOther : kBehind;  // by another address, too
    m.r(3) = 0xffffff0000000000 | i;
    EXPECT_EQ(result(kFar), 0x000001 | i << 24) << i;
  }
  if (jit()) {
    EXPECT_GE(m.stats().killed_by_store, 4u);
  }
  // Behind the instruction: nobody's bytes, but halt's.
  const uint64_t killed = m.stats().killed_by_store;
  m.r(2) = kBehind + 16;
  EXPECT_EQ(result(kFar), 0x000001 | uint64_t{3} << 24);
  EXPECT_EQ(m.stats().killed_by_store, killed);
}

TEST_P(CrossingTest, DeviceWritesTheSecondPage) {
  EXPECT_EQ(result(), kValueA);
  const uint8_t byte = 0x55;
  m.memory.write(kA + 4, &byte, 1);
  EXPECT_EQ(result(), (kValueA & ~(uint64_t{0xff} << 56)) | uint64_t{byte} << 56);
  if (jit()) {
    EXPECT_EQ(m.stats().killed_by_device, 1u);
  }
  const uint8_t again = 0xaa;
  m.memory.write(kA + 4, &again, 1);
  EXPECT_EQ(result(), kValueA);
  if (jit()) {
    EXPECT_EQ(m.stats().revived, 1u);
  }
  const uint8_t first = 2;
  m.memory.write(kFirst + 0xffd, &first, 1);
  EXPECT_EQ(result(), (kValueA & ~uint64_t{0xff}) | 2);
}

// Both pages of the block are one frame.
TEST_P(CrossingTest, IntoItsOwnFrame) {
  m.map(0, kBehind, kFirst);
  m.load(kFirst + 0xffb, kFirst, crossing(kValueA));
  EXPECT_EQ(result(), kValueA);
  const uint8_t byte = 0x55;
  m.memory.write(kFirst + 4, &byte, 1);
  EXPECT_EQ(result() >> 56, byte);
  m.memory.write(kFirst + 0xffd, &byte, 1);
  EXPECT_EQ(result() & 0xff, byte);
  const std::vector<uint8_t> page(kPage, 0xff);
  m.memory.write(kFirst, page.data(), kPage);
  EXPECT_EQ(result(), 0u);
}

// A store in the block in front of the instruction that it changes.
TEST_P(CrossingTest, BlockChangesItsOwnSecondPage) {
  Code code(kAt - 3);
  code.store(2, 3).move(0, kValueA).halt();
  m.load(kFirst + 0xff8, kA, code.bytes());
  m.r(2) = kBehind;
  for (uint64_t i = 0; i < 5; ++i) {
    m.r(3) = 0xffffff0000000000 | i;
    EXPECT_EQ(result(kAt - 3), 0x000001 | i << 24) << i;
  }
}

TEST_P(CrossingTest, SecondPageNotMapped) {
  m.load(kFirst + 0xfea, Code(kAt - 17).loop(1, kFar).move(0, 5).nop().bytes());
  m.load(kFar, Code(kFar).halt().bytes());
  m.unmap(0, kBehind);
  m.invalidate_page(kBehind);
  for (int i = 0; i < 3; ++i) {
    m.r(1) = 2;  // leaves in front of it
    EXPECT_TRUE(m.run(kAt - 17));
    EXPECT_FALSE(m.cpu->faulted);
    EXPECT_EQ(m.cpu->pc(), kFar);
  }
  for (const uint64_t from : {kAt - 17, kAt, kAt - 1}) {
    m.r(1) = 1;
    m.cpu->faulted.reset();
    m.r(0) = 5;
    EXPECT_TRUE(m.run(from));
    ASSERT_TRUE(m.cpu->faulted);
    EXPECT_EQ(m.cpu->faulted->pc, kAt);
    EXPECT_EQ(m.cpu->faulted->va, kBehind);
    EXPECT_EQ(m.cpu->faulted->access, Access::kExecute);
    EXPECT_EQ(m.r(0), 5u);  // what is in front of it has executed
    EXPECT_EQ(m.r(1), from == kAt - 17 ? 0u : 1u);
  }
  // Mapped again, and gone again: both ends of the block are right.
  for (int i = 0; i < 4; ++i) {
    m.cpu->faulted.reset();
    m.map(0, kBehind, kA);
    EXPECT_EQ(result(kAt - 1), kValueA);
    EXPECT_FALSE(m.cpu->faulted);
    m.unmap(0, kBehind);
    m.invalidate_page(kBehind);
    EXPECT_EQ(result(kAt - 1), 0u);
    ASSERT_TRUE(m.cpu->faulted);
    EXPECT_EQ(m.cpu->faulted->va, kBehind);
  }
}

TEST_P(CrossingTest, SecondPageCannotBeExecuted) {
  EXPECT_EQ(result(), kValueA);
  m.map(0, kBehind, kA).permissions[0] = kCanRead | kCanWrite;
  m.invalidate_page(kBehind);
  EXPECT_EQ(result(), 0u);
  ASSERT_TRUE(m.cpu->faulted);
  EXPECT_EQ(m.cpu->faulted->pc, kAt);
  EXPECT_EQ(m.cpu->faulted->va, kBehind);
}

// The memory behind goes away, which the guest's tables do not say.
TEST_P(CrossingTest, SecondPageHidden) {
  constexpr uint64_t kFlash = 0x3000'0000;
  ASSERT_TRUE(m.memory.add_rom(kFlash, kPage, 0).ok());
  std::memset(m.memory.host(kFlash, kPage), 0xbb, kPage);
  m.map(0, kBehind, kFlash);
  m.invalidate_page(kBehind);
  EXPECT_EQ(result(), kValueB);
  m.cpu->faults_where_nothing_is = true;
  for (int i = 0; i < 4; ++i) {
    const bool there = i & 1;
    m.memory.set_visible(kFlash, there);
    m.vcpu->host_mapping_changed();
    m.cpu->faulted.reset();
    EXPECT_EQ(result(), there ? kValueB : 0);
    EXPECT_EQ(m.cpu->faulted.has_value(), !there);
  }
}

// --- names

// Common tables, pages that are not global: what one id is told of counts for ids that come later.
TEST_P(CrossingTest, CommonPageRemappedForAnId) {
  m.cpu->common_root = 7;
  Code loop(kFar);
  loop.jump_indirect(5);
  m.load(kFar, loop.bytes());
  for (const uint64_t second : {kA, kB})
    m.load(kFirst + 0xffb, second,
           Code(kAt).move(0, second == kA ? kValueA : kValueB).add(1, 0).loop(7, kFar).halt().bytes());
  const auto map_all = [&](uint64_t behind) {
    for (uint32_t space = 0; space < 4; ++space) {
      m.map(space, kProgram, kFirst).common = true;
      m.map(space, kBehind, behind).common = true;
      m.map(space, kFar, kFar).common = true;
    }
  };
  const auto all_run = [&](uint64_t value, uint32_t spaces) {
    for (uint32_t space = 0; space < spaces; ++space) {
      m.r(1) = 0;
      m.r(5) = kAt;
      m.r(7) = 20;
      ASSERT_TRUE(m.run(kFar, space));
      ASSERT_EQ(m.r(1), 20 * value) << space;
    }
  };
  map_all(kA);
  all_run(kValueA, 3);
  all_run(kValueA, 3);
  map_all(kB);
  m.load(kOther, Code(kOther).invalidate_id(1).invalidate_id(2).invalidate_id(3).halt().bytes());
  m.map(0, kOther, kOther);
  m.r(1) = 0, m.r(2) = 1, m.r(3) = 2;
  ASSERT_TRUE(m.run(kOther));
  all_run(kValueB, 4);  // the last has never run
  all_run(kValueB, 4);
  map_all(kA);
  for (uint32_t id = 0; id < 4; ++id) m.vcpu->tlb().invalidate_pages(kBehind, 1, false, id);
  all_run(kValueA, 4);
}

// What a page fault's handler does: the page comes, and no invalidation is due.
TEST_P(CrossingTest, PageComesLater) {
  m.load(kFar, Code(kFar).jump(kAt).bytes());
  m.unmap(0, kBehind);
  m.invalidate_page(kBehind);
  for (int i = 0; i < 4; ++i) {
    m.cpu->faulted.reset();
    EXPECT_EQ(result(kFar), 0u);
    EXPECT_TRUE(m.cpu->faulted);
  }
  m.cpu->faulted.reset();
  m.map(0, kBehind, kB);
  EXPECT_EQ(result(kFar), kValueB);
  EXPECT_EQ(result(kFar), kValueB);
  EXPECT_FALSE(m.cpu->faulted);
}

// Counts end exactly at the budget, wherever that is.
TEST_P(CrossingTest, BudgetEndsAnywhere) {
  m.load(kFirst + 0xff9, kA,
         Code(kAt - 2).nop().nop().move(0, kValueA).add(1, 0).loop(7, kAt - 2).halt().bytes());
  m.r(7) = 100;
  m.cpu->current = 0;
  m.cpu->set_pc(kAt - 2);
  m.vcpu->translation_changed();
  uint64_t done = 0;
  for (uint64_t n = 1; n < 25; ++n) {
    ASSERT_EQ(m.vcpu->run(n), AfterExit::kContinue);
    done += n;
    ASSERT_EQ(m.vcpu->instructions(), done);
    ASSERT_EQ(m.r(1), (done / 5 + (done % 5 == 4)) * kValueA);
  }
  EXPECT_EQ(m.vcpu->run(10'000), AfterExit::kShutdown);
  EXPECT_EQ(m.r(1), 100 * kValueA);
  EXPECT_EQ(m.vcpu->instructions(), 501u);
}

// The page behind was mapped anew without a word, and the new one was found: a name begins, which has to know
// of both pages.
TEST_P(CrossingTest, BothPagesAreNotedUnderANewName) {
  Machine machine(GetParam(), {.second_tlb = false});
  set_up(machine);
  const auto run = [&] {
    machine.r(0) = 0;
    EXPECT_TRUE(machine.run(kAt));
    return machine.r(0);
  };
  EXPECT_EQ(run(), kValueA);
  machine.map(0, kBehind, kB);
  machine.load(kFar, Code(kFar).jump(kAt).bytes());
  // The jump has not been there: what it finds is what the tables say.
  machine.r(0) = 0;
  EXPECT_TRUE(machine.run(kFar));
  EXPECT_EQ(machine.r(0), kValueB);
  EXPECT_EQ(run(), kValueB);
  const auto other = crossing(kValueB + 1);  // kB has the rest of it: the bytes there stay untouched
  machine.load(kOther + 0xffb, {other.begin(), other.begin() + 5});
  machine.map(0, kProgram, kOther);
  machine.invalidate_page(kProgram);
  EXPECT_EQ(run(), kValueB + 1);
}

MYNAH_BOTH_ACCELERATORS(CrossingTest);

}  // namespace
}  // namespace mynah::test::toy
