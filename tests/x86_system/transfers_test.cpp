// SPDX-License-Identifier: Apache-2.0
//
// Far transfers, IRET, system calls (SDM vol. 2).
#include "tests/x86_system/system_test.h"

namespace mynah::test {

MYNAH_SYSTEM_TEST(Transfers);

TEST_P(Transfers, FarJump) {
  BareMachine m(options(Start::kProtected32));
  m.load(kData, {0xf4});
  m.run({0xea, 0x00, 0x00, 0x06, 0x00, kCode32, 0x00});
  EXPECT_TRUE(m.halted_at(kData + 1));
}

TEST_P(Transfers, FarJumpToOtherBase) {
  BareMachine m(options(Start::kProtected32));
  m.set_descriptor(kFree, BareMachine::segment(kData, 0xffff, 0x9a, 0));
  m.load(kData + 0x10, {0xb8, 0x34, 0x12, 0xf4});  // mov ax, 0x1234 in 16-bit code
  m.run({0xea, 0x10, 0x00, 0x00, 0x00, kFree, 0x00});
  EXPECT_TRUE(m.halted_at(kData + 0x14));
  EXPECT_EQ(m.s().ip(), 0x14u);
  EXPECT_EQ(m.r(kRax), 0x1234u);
}

TEST_P(Transfers, FarJumpFaults) {
  struct Case {
    uint64_t descriptor;
    uint16_t selector;
    uint32_t offset;
    unsigned vector;
    uint32_t error;
  };
  const auto segment = BareMachine::segment;
  for (const Case& c : {Case{segment(0, 0xfffff, 0x1a, 0xc), kFree, kData, 11, kFree},
                        Case{segment(0, 0xfffff, 0x92, 0xc), kFree, kData, 13, kFree},
                        Case{segment(0, 0xfffff, 0xfa, 0xc), kFree, kData, 13, kFree},
                        Case{segment(0, 0xfffff, 0x9a, 0xc), kFree | 3, kData, 13, kFree},
                        Case{segment(0, 0xfff, 0x9a, 4), kFree, 0x1000, 13, 0}, Case{0, 0, 0, 13, 0}}) {
    BareMachine m(options(Start::kProtected32));
    m.set_descriptor(kFree, c.descriptor);
    m.put<uint32_t>(kData, c.offset);
    m.put<uint16_t>(kData + 4, c.selector);
    m.r(kRbx) = kData;
    m.run({0xff, 0x2b});  // jmp far [ebx]
    ASSERT_EQ(m.vector(), c.vector);
    EXPECT_EQ(m.frame(0), c.error);
    EXPECT_EQ(m.frame(1), kCode);
  }
}

TEST_P(Transfers, FarCallAndReturn) {
  BareMachine m(options(Start::kProtected32));
  const uint64_t sp = m.r(kRsp);
  m.load(kData, {0x89, 0xe1, 0xca, 0x04, 0x00});  // mov ecx, esp; retf 4
  m.run({0x6a, 0x07, 0x9a, 0x00, 0x00, 0x06, 0x00, kCode32, 0x00, 0xf4});
  EXPECT_TRUE(m.halted_at(kCode + 10));
  EXPECT_EQ(m.r(kRcx), sp - 12);
  EXPECT_EQ(m.r(kRsp), sp);
}

TEST_P(Transfers, RealFarCall) {
  BareMachine m(options(Start::kReal));
  m.load(kData, {0xcb});
  m.run({0x9a, 0x00, 0x00, 0x00, 0x60, 0xf4});
  EXPECT_TRUE(m.halted_at(kCode + 6));
  EXPECT_EQ(m.r(kRsp), 0x8000u);
  EXPECT_EQ(m.get<uint16_t>(0x7ffe), kCode >> 4);
  EXPECT_EQ(m.get<uint16_t>(0x7ffc), 5);
}

TEST_P(Transfers, FarReturn64) {
  BareMachine m(options(Start::kLong64));
  m.load(kData, {0xf4});
  // push 8; push 0x60000; rex.w retf
  m.run({0x6a, 0x08, 0x68, 0x00, 0x00, 0x06, 0x00, 0x48, 0xcb});
  EXPECT_TRUE(m.halted_at(kData + 1));
}

TEST_P(Transfers, ToCompatibility) {
  BareMachine m(options(Start::kLong64));
  m.r(8) = 0x123456789abcdef0;
  m.r(kRbx) = 0x123456789abcdef0;
  m.put<uint32_t>(kData, kData + 16);
  m.put<uint16_t>(kData + 4, kCode32);
  m.load(kData + 16, {0x40, 0xf4});  // inc eax
  m.r(kRax) = kData;
  m.run({0xff, 0x28});  // jmp far [rax]
  EXPECT_TRUE(m.halted_at(kData + 18));
  EXPECT_EQ(m.r(kRax), kData + 1);
  EXPECT_EQ(m.r(8), 0x123456789abcdef0u);
  EXPECT_FALSE(m.s().in_64bit_code());
}

// --- call gates

TEST_P(Transfers, CallGate) {
  BareMachine m(options(Start::kProtected32));
  m.set_descriptor(kFree, BareMachine::gate(kCode32, kData, 0xec, 2));
  m.enter_user(false);
  m.load(kData,
         {0x8b, 0x44, 0x24, 0x08, 0x89, 0xe1, 0xca, 0x08, 0x00});  // mov eax, [esp + 8]; mov ecx, esp; retf 8
  // push 1; push 2; call kFree:0; ud2
  m.run({0x6a, 0x01, 0x6a, 0x02, 0x9a, 0, 0, 0, 0, kFree | 3, 0x00, 0x0f, 0x0b});
  ASSERT_EQ(m.vector(), 6u);
  EXPECT_EQ(m.r(kRax), 2u);
  EXPECT_EQ(m.r(kRcx), kStack0 - 24);
  EXPECT_EQ(m.frame(0), kUserCode + 11);
  EXPECT_EQ(m.frame(1), kCode32User);
  EXPECT_EQ(m.frame(3), kStack3);
}

TEST_P(Transfers, CallGateFaults) {
  BareMachine m(options(Start::kProtected32));
  m.set_descriptor(kFree, BareMachine::gate(kCode32, kData, 0x8c));
  m.enter_user(false);
  m.run({0x9a, 0, 0, 0, 0, kFree | 3, 0x00});
  ASSERT_EQ(m.vector(), 13u);
  EXPECT_EQ(m.frame(0), kFree);
}

TEST_P(Transfers, CallGate64) {
  BareMachine m(options(Start::kLong64));
  m.set_descriptor(kFree, BareMachine::gate(kCode64, kData, 0xec));
  m.set_descriptor(kFree + 8, 0);
  m.enter_user(true);
  m.load(kData, {0xf4});
  m.put<uint16_t>(kData + 0x104, kFree | 3);
  m.r(kRbx) = kData + 0x100;
  m.run({0xff, 0x1b});  // call far [rbx]
  EXPECT_TRUE(m.halted_at(kData + 1));
  EXPECT_EQ(m.frame(0), kUserCode + 2);
  EXPECT_EQ(m.frame(1), kCode64User);
  EXPECT_EQ(m.frame(2), kStack3);
  EXPECT_EQ(m.frame(3), kDataUser);
}

// --- IRET

void push64(BareMachine& m, std::initializer_list<uint64_t> values) {
  for (const uint64_t v : values) m.put<uint64_t>(m.r(kRsp) -= 8, v);
}
void push32(BareMachine& m, std::initializer_list<uint32_t> values) {
  for (const uint32_t v : values) m.put<uint32_t>(m.r(kRsp) -= 4, v);
}

TEST_P(Transfers, Iretq) {
  BareMachine m(options(Start::kLong64));
  push64(m, {kDataUser, kStack3 - 8, 0x3246, kCode64User, kUserCode});
  m.load(kUserCode, {0x0f, 0x0b});
  m.run({0x48, 0xcf});
  ASSERT_EQ(m.vector(), 6u);
  EXPECT_EQ(m.frame(0), kUserCode);
  EXPECT_EQ(m.frame(1), kCode64User);
  EXPECT_EQ(m.frame(2), 0x13246u);
  EXPECT_EQ(m.frame(3), kStack3 - 8);
  EXPECT_EQ(m.frame(4), kDataUser);
}

TEST_P(Transfers, IretqSame) {
  BareMachine m(options(Start::kLong64));
  push64(m, {0, kStack1, 0x2, kCode64, kData});
  m.load(kData, {0xf4});
  m.run({0x48, 0xcf});
  EXPECT_TRUE(m.halted_at(kData + 1));
  EXPECT_EQ(m.r(kRsp), kStack1);
  EXPECT_EQ(m.s().segments[kSs].selector, 0);
}

TEST_P(Transfers, IretqToCompatibility) {
  BareMachine m(options(Start::kLong64));
  push64(m, {kDataUser, kStack3, 0x2, kCode32User, kUserCode});
  m.load(kUserCode, {0x40, 0x0f, 0x0b});  // inc eax; ud2
  m.r(kRax) = 0x7fffffffffffffff;
  m.run({0x48, 0xcf});
  ASSERT_EQ(m.vector(), 6u);
  EXPECT_EQ(m.r(kRax), 0u);
  EXPECT_EQ(m.frame(1), kCode32User);
}

TEST_P(Transfers, IretqFaults) {
  struct Case {
    std::array<uint64_t, 5> frame;
    uint32_t error;
  };
  for (const Case& c :
       {Case{{kDataUser, kStack3, 2, kCode64User, uint64_t{1} << 50}, 0},
        Case{{kDataUser, kStack3, 2, 3, 0}, 0}, Case{{kData0, kStack3, 2, kCode64User, 0}, kData0},
        Case{{0, kStack3, 2, kCode64User, 0}, 0}, Case{{kDataUser, kStack3, 2, kData0, 0}, kData0}}) {
    BareMachine m(options(Start::kLong64));
    for (const uint64_t v : c.frame) push64(m, {v});
    m.run({0x48, 0xcf});
    ASSERT_EQ(m.vector(), 13u);
    EXPECT_EQ(m.frame(0), c.error);
    EXPECT_EQ(m.frame(1), kCode);
  }
}

TEST_P(Transfers, NestedTaskHasNoReturnInLongMode) {
  BareMachine m(options(Start::kLong64));
  m.s().eflags |= eflags::kNt;
  m.run({0x48, 0xcf});
  EXPECT_EQ(m.vector(), 13u);
}

TEST_P(Transfers, Iret32ToUser) {
  BareMachine m(options(Start::kProtected32));
  push32(m,
         {kDataUser, static_cast<uint32_t>(kStack3), 0x202, kCode32User, static_cast<uint32_t>(kUserCode)});
  m.load(kUserCode, {0x0f, 0x0b});
  m.run({0xcf});
  ASSERT_EQ(m.vector(), 6u);
  EXPECT_EQ(m.frame(0), kUserCode);
  EXPECT_EQ(m.frame(4), kDataUser);
  EXPECT_EQ(m.s().segments[kDs].selector, 0);  // DPL 0
}

TEST_P(Transfers, UserCannotRaiseIopl) {
  BareMachine m(options(Start::kProtected32));
  m.enter_user(false);
  push32(m, {0x3202, kCode32User, static_cast<uint32_t>(kData)});
  m.load(kData, {0x0f, 0x0b});
  m.run({0xcf});
  ASSERT_EQ(m.vector(), 6u);
  EXPECT_EQ(m.frame(2), 0x10002u);
}

TEST_P(Transfers, IretToVm86) {
  BareMachine m(options(Start::kProtected32));
  push32(m, {0x4000, 0x3000, 0x2000, 0x6000, 0x7000, 0x8000, 0x23002, 0x5000, 0x10});
  m.load(0x50010, {0xcd, 0x21});
  m.run({0xcf});
  // Allowed by IOPL 3, but the gate's DPL is 0.
  ASSERT_EQ(m.vector(), 13u);
  EXPECT_EQ(m.frame(0), 0x21u * 8 + 2);
  EXPECT_EQ(m.frame(1), 0x10u);
  EXPECT_EQ(m.frame(2), 0x5000u);
  EXPECT_EQ(m.frame(4), 0x8000u);
  EXPECT_EQ(m.frame(5), 0x7000u);
  EXPECT_EQ(m.frame(6), 0x6000u);
  EXPECT_EQ(m.frame(7), 0x2000u);
  EXPECT_EQ(m.frame(8), 0x3000u);
  EXPECT_EQ(m.frame(9), 0x4000u);
}

TEST_P(Transfers, Vm86InterruptNeedsIopl) {
  BareMachine m(options(Start::kProtected32));
  m.enter_vm86();
  m.run({0xcd, 0x21});
  ASSERT_EQ(m.vector(), 13u);
  EXPECT_EQ(m.frame(0), 0u);
}

TEST_P(Transfers, Vm86Redirection) {
  BareMachine m(options(Start::kProtected32));
  m.s().cr4 |= cr4::kVme;
  m.put<uint16_t>(kTss + 0x66, 0x88);  // the map below is 0: redirected
  m.put<uint32_t>(0x21 * 4, 0x60000000);
  m.enter_vm86();
  m.load(kData, {0x0f, 0x0b});
  m.run({0xcd, 0x21});
  ASSERT_EQ(m.vector(), 6u);
  EXPECT_EQ(m.frame(0), 0u);
  EXPECT_EQ(m.frame(1), 0x6000u);
  EXPECT_EQ(m.get<uint16_t>(kUserCode + 0x7ffa), 2);
  EXPECT_EQ(m.get<uint16_t>(kUserCode + 0x7ffe), 0x3002);
}

TEST_P(Transfers, RealIret) {
  BareMachine m(options(Start::kReal));
  m.r(kRsp) = 0x7000;
  m.put<uint16_t>(0x7000, 0x10);
  m.put<uint16_t>(0x7002, 0x6000);
  m.put<uint16_t>(0x7004, 0x0002 | eflags::kDf);
  m.load(kData + 0x10, {0xf4});
  m.run({0xcf});
  EXPECT_TRUE(m.halted_at(kData + 0x11));
  EXPECT_EQ(m.r(kRsp), 0x7006u);
  EXPECT_TRUE(m.s().eflags & eflags::kDf);
}

// --- system calls

void prepare_syscall(BareMachine& m) {
  m.s().star = uint64_t{kCode32User} << 48 | uint64_t{kCode64} << 32;
  m.s().lstar = kData;
  m.s().sfmask = 0x47700;
}

TEST_P(Transfers, Syscall) {
  BareMachine m(options(Start::kLong64));
  prepare_syscall(m);
  m.enter_user(true);
  m.s().eflags |= eflags::kIf;
  m.load(kData, {0xf4});
  m.run({0x0f, 0x05});
  EXPECT_TRUE(m.halted_at(kData + 1));
  EXPECT_EQ(m.r(kRcx), kUserCode + 2);
  EXPECT_EQ(m.r(11), 0x202u);
  EXPECT_EQ(m.s().cpl, 0);
  EXPECT_EQ(m.s().segments[kCs].selector, kCode64);
  EXPECT_EQ(m.s().segments[kSs].selector, kData0);
  EXPECT_FALSE(m.s().eflags & eflags::kIf);
  EXPECT_EQ(m.r(kRsp), kStack3);
}

TEST_P(Transfers, Sysret) {
  BareMachine m(options(Start::kLong64));
  prepare_syscall(m);
  m.r(kRcx) = kUserCode;
  m.r(11) = 0x10302;
  m.load(kUserCode, {0x90, 0x0f, 0x0b});
  m.run({0x48, 0x0f, 0x07});
  ASSERT_EQ(m.vector(), 1u);  // TF
  EXPECT_EQ(m.frame(0), kUserCode + 1);
  EXPECT_EQ(m.frame(2), 0x302u);
  EXPECT_EQ(m.s().segments[kCs].selector, kCode64);
  EXPECT_EQ(m.frame(1), kCode64User);
  EXPECT_EQ(m.frame(4), kDataUser);
}

TEST_P(Transfers, SysretTo32) {
  BareMachine m(options(Start::kLong64));
  prepare_syscall(m);
  m.r(kRcx) = 0xffffffff00000000 | kUserCode;
  m.r(11) = 0x2;
  m.load(kUserCode, {0x40, 0x0f, 0x0b});
  m.run({0x0f, 0x07});
  ASSERT_EQ(m.vector(), 6u);
  EXPECT_EQ(m.frame(0), kUserCode + 1);
  EXPECT_EQ(m.frame(1), kCode32User);
}

TEST_P(Transfers, SyscallOff) {
  BareMachine m(options(Start::kLong64));
  m.s().efer &= ~efer::kSce;
  m.enter_user(true);
  m.run({0x0f, 0x05});
  ASSERT_EQ(m.vector(), 6u);
  EXPECT_EQ(m.frame(0), kUserCode);
}

TEST_P(Transfers, SysretNotCanonical) {
  BareMachine m(options(Start::kLong64));
  prepare_syscall(m);
  m.r(kRcx) = uint64_t{1} << 47;
  m.run({0x48, 0x0f, 0x07});
  ASSERT_EQ(m.vector(), 13u);
  EXPECT_EQ(m.frame(1), kCode);
}

TEST_P(Transfers, Sysenter) {
  BareMachine m(options(Start::kProtected32));
  m.s().sysenter_cs = kCode32;
  m.s().sysenter_eip = kData;
  m.s().sysenter_esp = kStack1;
  m.enter_user(false);
  m.load(kData, {0x0f, 0x35});  // sysexit
  m.r(kRcx) = kStack3 - 64;
  m.r(kRdx) = kUserCode + 2;
  m.run({0x0f, 0x34, 0x0f, 0x0b});
  ASSERT_EQ(m.vector(), 6u);
  EXPECT_EQ(m.frame(0), kUserCode + 2);
  EXPECT_EQ(m.frame(1), (kCode32 + 16) | 3u);
  EXPECT_EQ(m.frame(3), kStack3 - 64);
}

// --- tasks

TEST_P(Transfers, TaskSwitch) {
  BareMachine m(options(Start::kProtected32));
  m.set_descriptor(kFree, BareMachine::segment(kTss2, 103, 0x89, 0));
  m.put<uint32_t>(kTss2 + 32, kData);    // EIP
  m.put<uint32_t>(kTss2 + 36, 0x2);      // EFLAGS
  m.put<uint32_t>(kTss2 + 40, 0x1234);   // EAX
  m.put<uint32_t>(kTss2 + 56, kStack1);  // ESP
  m.put<uint32_t>(kTss2 + 72, kData0);   // ES
  m.put<uint32_t>(kTss2 + 76, kCode32);  // CS
  m.put<uint32_t>(kTss2 + 80, kData0);   // SS
  m.put<uint32_t>(kTss2 + 84, kData16);  // DS
  m.load(kData, {0x40, 0xcf});           // inc eax; iret
  m.r(kRax) = 0x77;
  m.run({0x9a, 0, 0, 0, 0, kFree, 0, 0xf4});  // call the task
  EXPECT_TRUE(m.halted_at(kCode + 8));
  EXPECT_EQ(m.r(kRax), 0x77u);
  EXPECT_EQ(m.get<uint32_t>(kTss2 + 40), 0x1235u);
  EXPECT_EQ(m.get<uint32_t>(kTss2 + 32), kData + 2);
  EXPECT_EQ(m.get<uint16_t>(kTss2), kTssSelector);
  EXPECT_EQ(m.get<uint8_t>(kGdt + kFree + 5), 0x89);  // not busy
  EXPECT_EQ(m.s().tr.segment.selector, kTssSelector);
  EXPECT_FALSE(m.s().eflags & eflags::kNt);
  EXPECT_TRUE(m.s().cr0 & cr0::kTs);
}

TEST_P(Transfers, TaskGateOfDoubleFault) {
  BareMachine m(options(Start::kProtected32));
  m.set_descriptor(kFree, BareMachine::segment(kTss2, 103, 0x89, 0));
  m.put<uint32_t>(kTss2 + 32, kData);
  m.put<uint32_t>(kTss2 + 36, 0x2);
  m.put<uint32_t>(kTss2 + 56, kStack1);
  m.put<uint32_t>(kTss2 + 72, kData0);
  m.put<uint32_t>(kTss2 + 76, kCode32);
  m.put<uint32_t>(kTss2 + 80, kData0);
  m.put<uint32_t>(kTss2 + 84, kData0);
  m.put(kIdt + 8 * 8, BareMachine::gate(kFree, 0, 0x85));
  m.put<uint64_t>(kIdt + 13 * 8, 0);
  m.load(kData, {0xf4});
  m.r(kRax) = kFree + 8;
  m.run({0x8e, 0xd8});  // #GP, for whose gate there is a #GP
  EXPECT_TRUE(m.halted_at(kData + 1));
  EXPECT_EQ(m.r(kRsp), kStack1 - 4);
  EXPECT_EQ(m.frame(0), 0u);
  EXPECT_TRUE(m.s().eflags & eflags::kNt);
  EXPECT_EQ(m.get<uint32_t>(kTss + 32), kCode);
}

}  // namespace mynah::test
