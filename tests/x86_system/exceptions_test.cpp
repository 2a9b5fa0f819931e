// SPDX-License-Identifier: Apache-2.0
//
// Delivery of exceptions and interrupts (SDM vol. 3, chapter 6), in every mode.
#include "tests/x86_system/system_test.h"

namespace mynah::test {

MYNAH_SYSTEM_TEST(Exceptions);

// --- long mode

TEST_P(Exceptions, LongUndefined) {
  BareMachine m(options(Start::kLong64));
  const uint64_t sp = m.r(kRsp);
  m.run({0x90, 0x0f, 0x0b});
  ASSERT_EQ(m.vector(), 6u);
  EXPECT_EQ(m.r(kRsp), (sp & ~uint64_t{15}) - 40);
  EXPECT_EQ(m.frame(0), kCode + 1);
  EXPECT_EQ(m.frame(1), kCode64);
  EXPECT_EQ(m.frame(2), 0x10002u);  // RF: the instruction is begun again
  EXPECT_EQ(m.frame(3), sp);
  EXPECT_EQ(m.frame(4), kData0);
}

TEST_P(Exceptions, LongStackIsAligned) {
  BareMachine m(options(Start::kLong64));
  m.r(kRsp) = kStack0 - 0x107;
  m.run({0x0f, 0x0b});
  ASSERT_EQ(m.vector(), 6u);
  EXPECT_EQ(m.r(kRsp), kStack0 - 0x110 - 40);
  EXPECT_EQ(m.frame(3), kStack0 - 0x107);
}

TEST_P(Exceptions, LongPageFault) {
  BareMachine m(options(Start::kLong64));
  // mov rax, [0x7ffffff000]
  m.run({0x48, 0xa1, 0x00, 0xf0, 0xff, 0xff, 0x7f, 0, 0, 0});
  ASSERT_EQ(m.vector(), 14u);
  EXPECT_EQ(m.frame(0), 0u);  // a read, of CPL 0, of what is not present
  EXPECT_EQ(m.frame(1), kCode);
  EXPECT_EQ(m.s().cr2, 0x7ffffff000u);
}

TEST_P(Exceptions, LongNotCanonical) {
  BareMachine m(options(Start::kLong64));
  m.r(kRax) = uint64_t{1} << 60;
  m.run({0x8b, 0x00});  // mov eax, [rax]
  ASSERT_EQ(m.vector(), 13u);
  EXPECT_EQ(m.frame(0), 0u);
  m.s().sleep = Sleep::kNone;
  BareMachine n(options(Start::kLong64));
  n.r(kRsp) = uint64_t{1} << 60;
  n.set_gate(12, kCode64, 0x8e, 1);
  n.run({0x58});  // pop rax
  ASSERT_EQ(n.vector(), 12u);
  EXPECT_EQ(n.r(kRsp), kIstStack - 48);
}

TEST_P(Exceptions, LongFromUser) {
  BareMachine m(options(Start::kLong64));
  m.enter_user(true);
  m.run({0xf4});  // HLT is CPL 0's
  ASSERT_EQ(m.vector(), 13u);
  EXPECT_EQ(m.r(kRsp), kStack0 - 48);
  EXPECT_EQ(m.frame(0), 0u);
  EXPECT_EQ(m.frame(1), kUserCode);
  EXPECT_EQ(m.frame(2), kCode64User);
  EXPECT_EQ(m.frame(4), kStack3);
  EXPECT_EQ(m.frame(5), kDataUser);
  EXPECT_EQ(m.s().cpl, 0);
  EXPECT_EQ(m.s().segments[kSs].selector, 0);
}

TEST_P(Exceptions, LongFromCompatibility) {
  BareMachine m(options(Start::kLong64));
  m.enter_user(false);
  m.set_gate(0x80, kCode64, 0xee);
  m.run({0xcd, 0x80});
  ASSERT_EQ(m.vector(), 0x80u);
  EXPECT_EQ(m.frame(0), kUserCode + 2);
  EXPECT_EQ(m.frame(1), kCode32User);
  EXPECT_TRUE(m.s().in_64bit_code());
}

TEST_P(Exceptions, SoftwareInterruptNeedsPrivilege) {
  BareMachine m(options(Start::kLong64));
  m.enter_user(true);
  m.run({0xcd, 0x40});
  ASSERT_EQ(m.vector(), 13u);
  EXPECT_EQ(m.frame(0), 0x40u * 8 + 2);
  EXPECT_EQ(m.frame(1), kUserCode);  // INT's own
}

TEST_P(Exceptions, Ist) {
  BareMachine m(options(Start::kLong64));
  m.set_gate(6, kCode64, 0x8e, 1);
  m.run({0x0f, 0x0b});
  ASSERT_EQ(m.vector(), 6u);
  EXPECT_EQ(m.r(kRsp), kIstStack - 40);
  EXPECT_EQ(m.s().segments[kSs].selector, kData0);
}

TEST_P(Exceptions, TrapGateKeepsInterrupts) {
  for (const unsigned access : {0x8e, 0x8f}) {
    BareMachine m(options(Start::kLong64));
    m.set_gate(3, kCode64, access);
    m.s().eflags |= eflags::kIf;
    m.run({0xcc});
    ASSERT_EQ(m.vector(), 3u);
    EXPECT_EQ((m.s().eflags & eflags::kIf) != 0, access == 0x8f);
    EXPECT_EQ(m.frame(0), kCode + 1);
    EXPECT_EQ(m.frame(2), 0x202u);
  }
}

TEST_P(Exceptions, External) {
  BareMachine m(options(Start::kLong64));
  m.s().eflags |= eflags::kIf;
  m.interrupt = 0x33;
  m.cpu->interrupt_changed();
  m.run({0x90, 0x90});
  ASSERT_EQ(m.vector(), 0x33u);
  EXPECT_EQ(m.frame(0), kCode);
}

TEST_P(Exceptions, StiShadow) {
  BareMachine m(options(Start::kLong64));
  m.interrupt = 0x33;
  m.cpu->interrupt_changed();
  m.run({0xfb, 0x90, 0x90});  // sti; nop; nop
  ASSERT_EQ(m.vector(), 0x33u);
  EXPECT_EQ(m.frame(0), kCode + 2);
}

TEST_P(Exceptions, StiHlt) {
  BareMachine m(options(Start::kLong64));
  m.run({0xfb, 0xf4, 0x90});
  ASSERT_TRUE(m.halted_at(kCode + 2));
  m.interrupt = 0x33;
  m.cpu->interrupt_changed();
  m.go_on(100);
  ASSERT_EQ(m.vector(), 0x33u);
  EXPECT_EQ(m.frame(0), kCode + 2);
}

TEST_P(Exceptions, MovSsShadow) {
  BareMachine m(options(Start::kLong64));
  m.s().eflags |= eflags::kIf;
  m.r(kRax) = kData0;
  m.load(kCode, {0x8e, 0xd0, 0x90, 0x90});  // mov ss, eax
  m.go_on(1);
  m.interrupt = 0x33;
  m.cpu->interrupt_changed();
  m.go_on(100);
  ASSERT_EQ(m.vector(), 0x33u);
  EXPECT_EQ(m.frame(0), kCode + 3);
}

TEST_P(Exceptions, SingleStep) {
  BareMachine m(options(Start::kLong64));
  m.s().eflags |= eflags::kTf;
  m.run({0x90, 0x90});
  ASSERT_EQ(m.vector(), 1u);
  EXPECT_EQ(m.frame(0), kCode + 1);
  EXPECT_EQ(m.frame(2), 0x102u);
  EXPECT_EQ(m.s().dr[6] & 0xf00f, 0x4000u);
  EXPECT_FALSE(m.s().eflags & eflags::kTf);
}

TEST_P(Exceptions, SingleStepAfterPopf) {
  BareMachine m(options(Start::kLong64));
  m.r(kRsp) -= 8;
  m.put<uint64_t>(m.r(kRsp), 0x102);
  m.run({0x9d, 0x90, 0x90});  // popfq: the step is behind the instruction that follows
  ASSERT_EQ(m.vector(), 1u);
  EXPECT_EQ(m.frame(0), kCode + 2);
}

TEST_P(Exceptions, DoubleFault) {
  BareMachine m(options(Start::kLong64));
  m.set_gate(13, kCode64, 0x0e);  // not present: #NP while #GP is delivered
  m.set_gate(8, kCode64, 0x8e, 1);
  m.r(kRax) = uint64_t{1} << 60;
  m.run({0x8b, 0x00});
  ASSERT_EQ(m.vector(), 8u);
  EXPECT_EQ(m.frame(0), 0u);
  EXPECT_EQ(m.frame(1), kCode);
}

TEST_P(Exceptions, BenignThenContributory) {
  BareMachine m(options(Start::kLong64));
  m.set_gate(6, kCode64, 0x0e);
  m.run({0x0f, 0x0b});
  ASSERT_EQ(m.vector(), 11u);
  EXPECT_EQ(m.frame(0), 6u * 8 + 3);
}

TEST_P(Exceptions, TripleFault) {
  BareMachine m(options(Start::kLong64));
  m.s().idtr.limit = 0;
  m.run({0x0f, 0x0b});
  EXPECT_TRUE(m.shut);
  EXPECT_EQ(m.s().sleep, Sleep::kShutdown);
}

TEST_P(Exceptions, NmiIsBlockedUntilIret) {
  BareMachine m(options(Start::kLong64));
  m.load(kHandlers + 2 * 16, {0x48, 0xff, 0xc0, 0x48, 0xcf});  // inc rax; iretq
  m.r(kRax) = 0;
  m.cpu->nmi();
  m.load(kCode, {0x90, 0x90, 0xf4});
  m.go_on(1);
  EXPECT_EQ(m.s().nmi_blocked, 1);
  m.cpu->nmi();
  m.go_on(100);
  EXPECT_EQ(m.r(kRax), 2u);
  EXPECT_TRUE(m.halted_at(kCode + 3));
  EXPECT_EQ(m.s().nmi_blocked, 0);
}

// --- protected mode

TEST_P(Exceptions, Protected32) {
  BareMachine m(options(Start::kProtected32));
  const uint64_t sp = m.r(kRsp);
  m.run({0x0f, 0x0b});
  ASSERT_EQ(m.vector(), 6u);
  EXPECT_EQ(m.r(kRsp), sp - 12);
  EXPECT_EQ(m.frame(0), kCode);
  EXPECT_EQ(m.frame(1), kCode32);
  EXPECT_EQ(m.frame(2), 0x10002u);
}

TEST_P(Exceptions, Protected32FromUser) {
  BareMachine m(options(Start::kProtected32));
  m.enter_user(false);
  m.run({0xfa});  // cli
  ASSERT_EQ(m.vector(), 13u);
  EXPECT_EQ(m.r(kRsp), kStack0 - 24);
  EXPECT_EQ(m.frame(0), 0u);
  EXPECT_EQ(m.frame(1), kUserCode);
  EXPECT_EQ(m.frame(2), kCode32User);
  EXPECT_EQ(m.frame(4), kStack3);
  EXPECT_EQ(m.frame(5), kDataUser);
  EXPECT_EQ(m.s().segments[kSs].selector, kData0);
}

TEST_P(Exceptions, FromVm86) {
  BareMachine m(options(Start::kProtected32));
  m.enter_vm86();
  m.run({0xf4});
  ASSERT_EQ(m.vector(), 13u);
  EXPECT_EQ(m.r(kRsp), kStack0 - 40);
  EXPECT_EQ(m.frame(1), 0u);
  EXPECT_EQ(m.frame(2), kUserCode >> 4);
  EXPECT_EQ(m.frame(3) & 0x20000, 0x20000u);
  EXPECT_EQ(m.frame(4), 0x8000u);
  for (unsigned n = 5; n < 10; ++n) EXPECT_EQ(m.frame(n), kUserCode >> 4);
  EXPECT_FALSE(m.s().segments[kDs].usable);
  EXPECT_FALSE(m.s().vm86());
}

TEST_P(Exceptions, Gate16) {
  BareMachine m(options(Start::kProtected32));
  m.set_gate(3, kCode16, 0x86);
  m.set_descriptor(kCode16, BareMachine::segment(kHandlers, 0xffff, 0x9b, 0));
  m.put(kIdt + 3 * 8, BareMachine::gate(kCode16, 3 * 16, 0x86));
  const uint64_t sp = m.r(kRsp);
  m.run({0xcc});
  ASSERT_EQ(m.vector(), 3u);
  EXPECT_EQ(m.r(kRsp), sp - 6);
  EXPECT_EQ(m.get<uint16_t>(sp - 6), (kCode + 1) & 0xffff);
  EXPECT_EQ(m.get<uint16_t>(sp - 4), kCode32);
}

TEST_P(Exceptions, InnerStackTooShort) {
  BareMachine m(options(Start::kProtected32));
  m.enter_user(false);
  m.put<uint32_t>(kTss + 4, 0xfffffff0);
  m.put<uint16_t>(kTss + 8, kFree);
  m.set_descriptor(kFree, BareMachine::segment(0, 0xffff, 0x93, 4));
  m.run({0xfa});  // #GP comes to #SS, and that to #DF, and that to a shutdown
  EXPECT_TRUE(m.shut);
}

TEST_P(Exceptions, StackFault) {
  BareMachine m(options(Start::kProtected32));
  m.set_descriptor(kFree, BareMachine::segment(0, 0x1ffff, 0x93, 4));
  m.r(kRax) = kFree;
  m.r(kRsp) = kStack0;
  // mov ss, eax; mov eax, [esp]
  m.run({0x8e, 0xd0, 0x8b, 0x04, 0x24});
  ASSERT_EQ(m.vector(), 12u);
  EXPECT_EQ(m.frame(0), 0u);
  EXPECT_EQ(m.frame(1), kCode + 2);
}

// --- real mode

TEST_P(Exceptions, Real) {
  BareMachine m(options(Start::kReal));
  m.s().eflags |= eflags::kIf;
  m.run({0xcd, 0x21});
  ASSERT_EQ(m.vector(), 0x21u);
  EXPECT_EQ(m.r(kRsp), 0x8000u - 6);
  EXPECT_EQ(m.frame(0), 2u);
  EXPECT_EQ(m.frame(1), kCode >> 4);
  EXPECT_EQ(m.frame(2), 0x202u);
  EXPECT_FALSE(m.s().eflags & eflags::kIf);
}

TEST_P(Exceptions, RealLimit) {
  BareMachine m(options(Start::kReal));
  m.r(kRbx) = 0xffff;
  m.run({0x8b, 0x07});  // mov ax, [bx]
  ASSERT_EQ(m.vector(), 13u);
  EXPECT_EQ(m.r(kRsp), 0x8000u - 6);  // no error code
}

TEST_P(Exceptions, Into) {
  for (const bool of : {false, true}) {
    BareMachine m(options(Start::kProtected32));
    m.s().flags_packed() = packed_of(of ? eflags::kOf : 0);
    m.run({0xce, 0xf4});
    if (of) {
      ASSERT_EQ(m.vector(), 4u);
      EXPECT_EQ(m.frame(0), kCode + 1);
    } else {
      EXPECT_TRUE(m.halted_at(kCode + 2));
    }
  }
}

TEST_P(Exceptions, Bound) {
  for (const int index : {-6, -5, 7, 8}) {
    BareMachine m(options(Start::kProtected32));
    m.put<int32_t>(kData, -5);
    m.put<int32_t>(kData + 4, 7);
    m.r(kRax) = static_cast<uint32_t>(index);
    m.r(kRbx) = kData;
    m.run({0x62, 0x03, 0xf4});
    if (index == -6 || index == 8)
      EXPECT_EQ(m.vector(), 5u) << index;
    else
      EXPECT_TRUE(m.halted_at(kCode + 3)) << index;
  }
}

}  // namespace mynah::test
