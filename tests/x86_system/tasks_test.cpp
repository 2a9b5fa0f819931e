// SPDX-License-Identifier: Apache-2.0
//
// Task switches (SDM vol. 3, chapter 7), beside those of transfers_test.cpp.
#include "tests/x86_system/system_test.h"

namespace mynah::test {

MYNAH_SYSTEM_TEST(Tasks);

namespace {
// A task at kTss2 that begins at kData.
void make_task(BareMachine& m, bool trap) {
  m.set_descriptor(kFree, BareMachine::segment(kTss2, 103, 0x89, 0));
  m.put<uint32_t>(kTss2 + 32, kData);
  m.put<uint32_t>(kTss2 + 36, 0x2);
  m.put<uint32_t>(kTss2 + 56, kStack1);
  for (const unsigned at : {72, 80, 84}) m.put<uint32_t>(kTss2 + at, kData0);
  m.put<uint32_t>(kTss2 + 76, kCode32);
  m.put<uint16_t>(kTss2 + 100, trap);
}
}  // namespace

// T of the new task: #DB in front of its first instruction, with DR6.BT.
TEST_P(Tasks, TrapFlagOfTask) {
  MYNAH_NOT_ON_HOST("KVM does not look at T");
  for (const bool trap : {false, true}) {
    BareMachine m(options(Start::kProtected32));
    make_task(m, trap);
    m.load(kData, {0x40, 0xf4});
    m.run({0xea, 0, 0, 0, 0, kFree, 0});
    if (!trap) {
      EXPECT_TRUE(m.halted_at(kData + 2));
      continue;
    }
    ASSERT_EQ(m.vector(), 1u);
    EXPECT_EQ(m.frame(0), kData);
    EXPECT_EQ(m.frame(1), kCode32);
    EXPECT_EQ(m.s().dr[6] & 0xe00f, 0x8000u);
    EXPECT_EQ(m.r(kRax), 0u);
  }
}

}  // namespace mynah::test
