// SPDX-License-Identifier: Apache-2.0
//
// Code that is written while it runs (SDM vol. 3, 8.1.3 and 11.6): a store takes effect at the next
// instruction, whoever makes it, by whatever address.
#include "tests/x86_system/paged_machine.h"

namespace mynah::test {

MYNAH_SYSTEM_TEST(Code);

TEST_P(Code, NextInstruction) {
  BareMachine m(options(Start::kLong64));
  m.r(kRbx) = kCode;
  m.r(kRdx) = 0;
  // mov byte [rbx + 5], 0xc1; inc eax, which is inc ecx by then; the same with inc edx
  m.run({0xc6, 0x43, 0x05, 0xc1, 0xff, 0xc0, 0xc6, 0x43, 0x0b, 0xc2, 0xff, 0xc0, 0xf4});
  EXPECT_TRUE(m.halted_at(kCode + 13));
  EXPECT_EQ(m.r(kRax), 0u);
  EXPECT_EQ(m.r(kRcx), 1u);
  EXPECT_EQ(m.r(kRdx), 1u);
}

// Each round changes what the next one executes, in place.
TEST_P(Code, OwnBytes) {
  BareMachine m(options(Start::kLong64));
  m.r(kRbx) = kCode;
  m.r(kRcx) = 100;
  // add eax, 1; inc byte [rbx + 2]; loop; hlt: the immediate grows
  m.run({0x83, 0xc0, 0x01, 0xfe, 0x43, 0x02, 0xe2, 0xf8, 0xf4}, 10000);
  EXPECT_TRUE(m.halted_at(kCode + 9));
  EXPECT_EQ(m.r(kRax), 100u * 101 / 2);
}

// The instruction that stores is the one that is changed: what was begun is done as it was.
TEST_P(Code, InstructionOverwritesItself) {
  BareMachine m(options(Start::kLong64));
  m.r(kRbx) = kCode;
  m.r(kRax) = 0x90909090f4909090;
  m.run({0x48, 0x89, 0x03, 0x90, 0x90, 0x90, 0x90, 0x90});  // mov [rbx], rax
  EXPECT_TRUE(m.halted_at(kCode + 4));
}

TEST_P(Code, BeforeInTheSameBlock) {
  BareMachine m(options(Start::kLong64));
  m.r(kRbx) = kCode;
  m.r(kRcx) = 2;
  m.r(kRdx) = 0;
  // nop; inc eax; mov byte [rbx + 2], 0xc2; loop to the nop; hlt
  m.run({0x90, 0xff, 0xc0, 0xc6, 0x43, 0x02, 0xc2, 0xe2, 0xf7, 0xf4});
  EXPECT_TRUE(m.halted_at(kCode + 10));
  EXPECT_EQ(m.r(kRax), 1u);
  EXPECT_EQ(m.r(kRdx), 1u);
}

TEST_P(Code, AnotherMapping) {
  PagedMachine p(options(Start::kLong64), Format::k4);
  BareMachine& m = p.m;
  p.set_entry(1, kCode | kP | kW, kTest);
  m.r(kRbx) = kTest;
  m.r(kRcx) = 10;
  // inc byte [rbx + 5] in a loop around add eax, imm8
  m.run({0x90, 0x90, 0x90, 0x83, 0xc0, 0x01, 0xfe, 0x43, 0x05, 0xe2, 0xf8, 0xf4});
  EXPECT_TRUE(m.halted_at(kCode + 12));
  EXPECT_EQ(m.r(kRax), 55u);
}

TEST_P(Code, StringInstruction) {
  BareMachine m(options(Start::kLong64));
  m.r(kRdi) = kCode + 2;
  m.r(kRcx) = 4;
  m.r(kRax) = 0x90;
  m.run({0xf3, 0xaa, 0x0f, 0x0b, 0x0f, 0x0b, 0xf4});  // rep stosb over what follows
  EXPECT_TRUE(m.halted_at(kCode + 7));
  BareMachine n(options(Start::kLong64));
  n.load(kData, {0x90, 0x90, 0x90, 0xf4});
  n.r(kRsi) = kData;
  n.r(kRdi) = kCode + 2;
  n.r(kRcx) = 4;
  n.run({0xf3, 0xa4, 0x0f, 0x0b, 0x0f, 0x0b});
  EXPECT_TRUE(n.halted_at(kCode + 6));
}

TEST_P(Code, PushesAndHelpers) {
  BareMachine m(options(Start::kLong64));
  m.s().cr4 |= cr4::kOsfxsr;
  m.r(kRsp) = kCode + 16;
  m.r(kRax) = 0xf490909090909090;
  // push rax in front of itself: 8 bytes from kCode + 8
  m.run({0x50, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x0f, 0x0b, 0x0f, 0x0b, 0x0f, 0x0b, 0x0f, 0x0b});
  EXPECT_TRUE(m.halted_at(kCode + 16));
  BareMachine n(options(Start::kLong64));  // a frame that becomes code is seen by who comes to it again
  n.r(kRbx) = kCode;
  n.s().cr4 |= cr4::kOsfxsr;
  n.load(kCode + 0x40, {0xc3});
  // call +0x40; fxsave [rbx + 0x40]; mov byte [rbx + 0x40], 0xf4; jmp there
  n.load(kCode, {0xe8, 0x3b, 0, 0, 0, 0x0f, 0xae, 0x43, 0x40, 0xc6, 0x43, 0x40, 0xf4, 0xeb, 0x31});
  n.run_at(kCode);
  EXPECT_TRUE(n.halted_at(kCode + 0x41));
}

// Bytes of an instruction in two pages, the second part changed.
TEST_P(Code, AcrossPages) {
  BareMachine m(options(Start::kLong64));
  constexpr uint64_t kPage = kCode + 0x1000;
  m.r(kRbx) = kPage;
  m.r(kRcx) = 10;
  // add eax, imm32 with the immediate's last three bytes behind; inc byte [rbx]; loop
  m.load(kPage - 2, {0x05, 0x01, 0x00, 0x00, 0x00, 0xfe, 0x03, 0xe2, 0xf7, 0xf4});
  m.run_at(kPage - 2);
  EXPECT_TRUE(m.halted_at(kPage + 8));
  EXPECT_EQ(m.r(kRax), 10u + (0 + 1 + 2 + 3 + 4 + 5 + 6 + 7 + 8 + 9) * 256u);
}

// What was no instruction becomes one by a byte that is not its first.
TEST_P(Code, UndefinedInstructionIsMended) {
  BareMachine m(options(Start::kLong64));
  m.load(kHandlers + 6 * 16, {0xc6, 0x43, 0x01, 0x1f, 0x48, 0xcf});  // mov byte [rbx + 1], 0x1f; iretq
  m.r(kRbx) = kCode;
  m.r(kRcx) = 2;
  // 0f 04 is none, 0f 1f 00 a NOP; again with 0f 04 in its place
  m.run({0x0f, 0x04, 0x00, 0xc6, 0x43, 0x01, 0x04, 0xe2, 0xf7, 0xf4});
  EXPECT_TRUE(m.halted_at(kCode + 10));
}

// A device writes: an OUT makes it.
TEST_P(Code, Dma) {
  BareMachine m(options(Start::kLong64));
  m.on_port_write = [&] { m.load(kCode + 4, {0xff, 0xc1}); };
  m.r(kRdx) = 2;
  // inc eax; out 0x80, al; inc eax, which is inc ecx by then; dec edx; jnz to the start; hlt
  m.run({0xff, 0xc0, 0xe6, 0x80, 0xff, 0xc0, 0xff, 0xca, 0x75, 0xf6, 0xf4});
  EXPECT_TRUE(m.halted_at(kCode + 11));
  EXPECT_EQ(m.r(kRax), 2u);
  EXPECT_EQ(m.r(kRcx), 2u);
}

// How kernels change code that others run: INT3 for its first byte, the rest, the first byte.
TEST_P(Code, CrossModifyingWithInt3) {
  BareMachine m(options(Start::kLong64));
  constexpr uint64_t kPatched = kCode + 0x100;
  m.load(kHandlers + 3 * 16, {0xff, 0xc2, 0x83, 0x04, 0x24, 0x04, 0x48, 0xcf});  // inc edx; skips; iretq
  m.load(kPatched, {0x0f, 0x1f, 0x44, 0x00, 0x00, 0xc3});                        // a NOP of 5 bytes; ret
  m.load(kPatched + 0x20, {0xff, 0xc0, 0xc3});                                   // inc eax; ret
  m.load(kCode, {0xe8, 0xfb, 0, 0, 0, 0xe6, 0x80, 0xe2, 0xf7, 0xf4});            // call it; out; loop; hlt
  unsigned step = 0;
  m.on_port_write = [&] {
    if (step == 1) m.load(kPatched, {0xcc});
    if (step == 3) m.load(kPatched + 1, {0x1b, 0, 0, 0});
    if (step == 5) m.load(kPatched, {0xe8});
    ++step;
  };
  m.r(kRcx) = 9;
  m.r(kRdx) = 0;
  m.run_at(kCode);
  EXPECT_TRUE(m.halted_at(kCode + 10));
  EXPECT_EQ(m.r(kRdx), 4u);
  EXPECT_EQ(m.r(kRax), 3u);
}

}  // namespace mynah::test
