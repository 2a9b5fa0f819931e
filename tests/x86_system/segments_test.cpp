// SPDX-License-Identifier: Apache-2.0
//
// Segment registers and descriptor tables (SDM vol. 3, chapters 3 and 5).
#include "tests/x86_system/system_test.h"

namespace mynah::test {

MYNAH_SYSTEM_TEST(Segments);

constexpr std::initializer_list<uint8_t> kMovDsEax = {0x8e, 0xd8, 0xf4};
constexpr std::initializer_list<uint8_t> kMovSsEax = {0x8e, 0xd0, 0xf4};

TEST_P(Segments, Load) {
  BareMachine m(options(Start::kProtected32));
  m.set_descriptor(kFree, BareMachine::segment(0x12345678, 0x54321, 0x92, 4));
  m.r(kRax) = kFree;
  m.run(kMovDsEax);
  ASSERT_TRUE(m.halted_at(kCode + 3));
  EXPECT_EQ(m.s().base(kDs), 0x12345678u);
  EXPECT_EQ(m.s().segments[kDs].limit, 0x54321u);
  EXPECT_EQ(m.s().segments[kDs].selector, kFree);
  EXPECT_EQ(m.descriptor(kFree) >> 40 & 0xff, 0x93u);  // accessed
}

TEST_P(Segments, LoadFaults) {
  struct Case {
    uint64_t descriptor;
    uint16_t selector;
    unsigned vector;
    uint32_t error;
  };
  const auto segment = BareMachine::segment;
  for (const Case& c : {Case{segment(0, 1, 0x12, 4), kFree, 11, kFree},          // not present
                        Case{segment(0, 1, 0x98, 4), kFree, 13, kFree},          // execute-only
                        Case{segment(0, 1, 0x92, 4), kFree | 1, 13, kFree},      // RPL > DPL
                        Case{segment(0, 1, 0x82, 4), kFree, 13, kFree},          // an LDT
                        Case{segment(0, 1, 0x92, 4), 0x1000, 13, 0x1000},        // beyond the limit
                        Case{segment(0, 1, 0x92, 4), kFree | 4, 13, kFree | 4},  // no LDT
                        Case{segment(0, 1, 0xf2, 4), kFree | 3, 0, 0},
                        Case{segment(0, 1, 0x9e, 4), kFree | 3, 0, 0},  // conforming
                        Case{segment(0, 1, 0x92, 4), 3, 0, 0}}) {
    BareMachine m(options(Start::kProtected32));
    m.set_descriptor(kFree, c.descriptor);
    m.r(kRax) = c.selector;
    m.run(kMovDsEax);
    if (!c.vector) {
      EXPECT_TRUE(m.halted_at(kCode + 3)) << c.selector;
      continue;
    }
    ASSERT_EQ(m.vector(), c.vector) << c.selector;
    EXPECT_EQ(m.frame(0), c.error);
    EXPECT_EQ(m.frame(1), kCode);
  }
}

TEST_P(Segments, StackFaults) {
  struct Case {
    uint64_t descriptor;
    uint16_t selector;
    unsigned vector;
    uint32_t error;
  };
  const auto segment = BareMachine::segment;
  for (const Case& c :
       {Case{segment(0, 0xfffff, 0x12, 0xc), kFree, 12, kFree},
        Case{segment(0, 0xfffff, 0x90, 0xc), kFree, 13, kFree},      // read-only
        Case{segment(0, 0xfffff, 0xf2, 0xc), kFree, 13, kFree},      // DPL
        Case{segment(0, 0xfffff, 0x92, 0xc), kFree | 1, 13, kFree},  // RPL
        Case{segment(0, 0xfffff, 0x92, 0xc), 0, 13, 0}, Case{segment(0, 0xfffff, 0x92, 0xc), kFree, 0, 0}}) {
    BareMachine m(options(Start::kProtected32));
    m.set_descriptor(kFree, c.descriptor);
    m.r(kRax) = c.selector;
    m.run(kMovSsEax);
    if (!c.vector) {
      EXPECT_TRUE(m.halted_at(kCode + 3));
      continue;
    }
    ASSERT_EQ(m.vector(), c.vector);
    EXPECT_EQ(m.frame(0), c.error);
  }
}

TEST_P(Segments, NullSelectorIsUsableFor64BitStack) {
  BareMachine m(options(Start::kLong64));
  m.r(kRax) = 0;
  m.run({0x8e, 0xd0, 0x8e, 0xd8, 0x50, 0xf4});  // mov ss, eax; mov ds, eax; push rax
  EXPECT_TRUE(m.halted_at(kCode + 6));
}

TEST_P(Segments, NullSelectorFaultsWhenUsed) {
  BareMachine m(options(Start::kProtected32));
  m.r(kRax) = 0;
  m.r(kRbx) = kData;
  m.run({0x8e, 0xd8, 0x8b, 0x03});  // mov ds, eax; mov eax, [ebx]
  ASSERT_EQ(m.vector(), 13u);
  EXPECT_EQ(m.frame(0), 0u);
  EXPECT_EQ(m.frame(1), kCode + 2);
}

TEST_P(Segments, Limits) {
  struct Case {
    uint32_t limit;
    unsigned access, flags;
    uint32_t offset;
    bool write, faults;
  };
  for (const Case& c : {Case{0xfff, 0x92, 4, 0xffc, false, false}, Case{0xfff, 0x92, 4, 0xffd, false, true},
                        Case{0, 0x92, 0xc, 0xffc, true, false}, Case{0, 0x92, 0xc, 0x1000, true, true},
                        Case{0xfff, 0x90, 4, 0, false, false}, Case{0xfff, 0x90, 4, 0, true, true},
                        // expand-down: above the limit only
                        Case{0xfff, 0x96, 4, 0x1000, false, false}, Case{0xfff, 0x96, 4, 0xfff, false, true},
                        Case{0xfff, 0x96, 0, 0xfffc, false, false}, Case{0xfff, 0x96, 0, 0xfffd, false, true},
                        // readable code
                        Case{0xfff, 0x9a, 4, 0, false, false}, Case{0xfff, 0x9a, 4, 0, true, true}}) {
    BareMachine m(options(Start::kProtected32));
    m.set_descriptor(kFree, BareMachine::segment(kData, c.limit, c.access, c.flags));
    m.put<uint32_t>(kData + c.offset, 0x11223344);
    m.r(kRax) = kFree;
    m.r(kRbx) = c.offset;
    m.r(kRcx) = 0x55667788;
    const auto op = static_cast<uint8_t>(c.write ? 0x89 : 0x8b);
    m.run({0x8e, 0xd8, op, 0x0b, 0xf4});  // mov ecx, [ebx] or back
    if (c.faults) {
      EXPECT_EQ(m.vector(), 13u) << c.offset;
      continue;
    }
    EXPECT_TRUE(m.halted_at(kCode + 5)) << c.offset;
    EXPECT_EQ(m.get<uint32_t>(kData + c.offset), c.write ? 0x55667788u : 0x11223344u);
    EXPECT_EQ(m.r(kRcx), c.write ? 0x55667788u : 0x11223344u);
  }
}

// FS and GS are looked at by translated code itself.
TEST_P(Segments, LimitsOfFs) {
  struct Case {
    uint32_t limit;
    unsigned access, flags;
    uint32_t offset;
    bool write, faults;
  };
  for (const Case& c : {Case{0xfff, 0x92, 4, 0xffc, false, false}, Case{0xfff, 0x92, 4, 0xffc, true, false},
                        Case{0xfff, 0x92, 4, 0xffd, false, true},
                        Case{0xfff, 0x92, 4, 0xfffffffe, false, true}, Case{0, 0x92, 0xc, 0xffc, true, false},
                        Case{0, 0x92, 0xc, 0x1000, true, true}, Case{0xfffff, 0x92, 0xc, 0x1000, true, false},
                        Case{0xfff, 0x90, 4, 0, false, false}, Case{0xfff, 0x90, 4, 0, true, true},
                        Case{0xfff, 0x96, 4, 0x1000, false, false}, Case{0xfff, 0x96, 4, 0xfff, false, true},
                        Case{0xfff, 0x9a, 4, 0, false, false}, Case{0xfff, 0x9a, 4, 0, true, true}}) {
    BareMachine m(options(Start::kProtected32));
    m.set_descriptor(kFree, BareMachine::segment(kData, c.limit, c.access, c.flags));
    if (c.offset < 0x10000) m.put<uint32_t>(kData + c.offset, 0x11223344);
    m.r(kRax) = kFree;
    m.r(kRbx) = c.offset;
    m.r(kRcx) = 0x55667788;
    m.r(kRdx) = 3;
    const auto op = static_cast<uint8_t>(c.write ? 0x89 : 0x8b);
    // mov fs, eax; L: mov fs:[ebx], ecx or back; dec edx; jnz L; hlt
    m.run({0x8e, 0xe0, 0x64, op, 0x0b, 0x4a, 0x75, 0xfa, 0xf4});
    if (c.faults) {
      EXPECT_EQ(m.vector(), 13u) << c.offset;
      EXPECT_EQ(m.frame(1), kCode + 2) << c.offset;
      EXPECT_EQ(m.r(kRdx), 3u) << c.offset;
      continue;
    }
    EXPECT_TRUE(m.halted_at(kCode + 9)) << c.offset;
    EXPECT_EQ(m.get<uint32_t>(kData + c.offset), c.write ? 0x55667788u : 0x11223344u);
    EXPECT_EQ(m.r(kRcx), c.write ? 0x55667788u : 0x11223344u);
  }
}

// A load reads the descriptor each time, though the selector is what it was.
TEST_P(Segments, LoadAgain) {
  BareMachine m(options(Start::kProtected32));
  m.set_descriptor(kFree, BareMachine::segment(0, 0xfffff, 0x92, 0xc));
  m.put<uint32_t>(kData, 1);
  m.put<uint32_t>(kData + 0x10, 2);
  m.r(kRax) = kFree;
  m.r(kRsi) = kGdt + kFree + 2;  // low half of the base
  m.r(kRdi) = kData;
  // mov fs, eax; mov edx, fs:[edi]; mov word [esi], 16; mov fs, eax; mov ecx, fs:[edi]; mov byte [esi + 3],
  // 0x12; mov fs, eax
  m.run({0x8e, 0xe0, 0x64, 0x8b, 0x17, 0x66, 0xc7, 0x06, 0x10, 0x00, 0x8e,
         0xe0, 0x64, 0x8b, 0x0f, 0xc6, 0x46, 0x03, 0x12, 0x8e, 0xe0});
  ASSERT_EQ(m.vector(), 11u);  // not present
  EXPECT_EQ(m.frame(1), kCode + 19);
  EXPECT_EQ(m.r(kRdx), 1u);
  EXPECT_EQ(m.r(kRcx), 2u);
}

// What is popped stays there where the load faults, and is gone where execution goes on in another context.
TEST_P(Segments, PopsAreWhole) {
  BareMachine m(options(Start::kProtected32));
  m.set_descriptor(kFree, BareMachine::segment(0x1000, 0xfffff, 0x92, 0xc));
  const uint64_t sp = m.r(kRsp);
  m.r(kRsi) = kData - 0x1000;
  m.put<uint32_t>(kData, 77);
  // push kFree; pop es; mov eax, es:[esi]; push 0x1000; pop ds
  m.run({0x6a, kFree, 0x07, 0x26, 0x8b, 0x06, 0x68, 0x00, 0x10, 0x00, 0x00, 0x1f});
  ASSERT_EQ(m.vector(), 13u);
  EXPECT_EQ(m.r(kRax), 77u);
  EXPECT_EQ(m.s().segments[kEs].selector, kFree);
  EXPECT_EQ(m.frame(0), 0x1000u);
  EXPECT_EQ(m.frame(1), kCode + 11);
  EXPECT_EQ(m.r(kRsp), sp - 4 - 16);
  EXPECT_EQ(m.frame(4), 0x1000u);
}

TEST_P(Segments, PopAndPush) {
  BareMachine m(options(Start::kProtected32));
  const uint64_t sp = m.r(kRsp);
  m.r(kRax) = kData16;
  m.run({0x50, 0x07, 0x06, 0x66, 0x0f, 0xa0, 0xf4});  // push eax; pop es; push es; push fs (16)
  ASSERT_TRUE(m.halted_at(kCode + 7));
  EXPECT_EQ(m.s().segments[kEs].selector, kData16);
  EXPECT_EQ(m.r(kRsp), sp - 6);
  EXPECT_EQ(m.get<uint32_t>(sp - 4), kData16);
  EXPECT_EQ(m.get<uint16_t>(sp - 6), kData0);
}

TEST_P(Segments, LoadPointer) {
  BareMachine m(options(Start::kProtected32));
  m.put<uint32_t>(kData, 0xcafe1234);
  m.put<uint16_t>(kData + 4, kData16);
  m.r(kRbx) = kData;
  m.run({0x0f, 0xb4, 0x03, 0xf4});  // lfs eax, [ebx]
  EXPECT_TRUE(m.halted_at(kCode + 4));
  EXPECT_EQ(m.r(kRax), 0xcafe1234u);
  EXPECT_EQ(m.s().segments[kFs].selector, kData16);
}

TEST_P(Segments, TableRegisters) {
  BareMachine m(options(Start::kLong64));
  m.put<uint16_t>(kData, 0x1ff);
  m.put<uint64_t>(kData + 2, kGdt);
  m.r(kRbx) = kData;
  m.run({0x0f, 0x01, 0x13, 0x0f, 0x01, 0x43, 0x10, 0x0f, 0x01, 0x4b, 0x20, 0xf4});  // lgdt, sgdt, sidt
  ASSERT_TRUE(m.halted_at(kCode + 12));
  EXPECT_EQ(m.s().gdtr.limit, 0x1ff);
  EXPECT_EQ(m.get<uint16_t>(kData + 16), 0x1ff);
  EXPECT_EQ(m.get<uint64_t>(kData + 18), kGdt);
  EXPECT_EQ(m.get<uint16_t>(kData + 32), 0xfff);
  EXPECT_EQ(m.get<uint64_t>(kData + 34), kIdt);
}

TEST_P(Segments, TableRegisterMustBeCanonical) {
  BareMachine m(options(Start::kLong64));
  m.put<uint64_t>(kData + 2, uint64_t{1} << 63);
  m.r(kRbx) = kData;
  m.run({0x0f, 0x01, 0x13});
  EXPECT_EQ(m.vector(), 13u);
}

TEST_P(Segments, Umip) {
  for (const bool umip : {false, true}) {
    BareMachine m(options(Start::kLong64));
    m.enter_user(true);
    if (umip) m.s().cr4 |= cr4::kUmip;
    m.cpu->changed();
    m.r(kRbx) = kData;
    m.run({0x0f, 0x01, 0x03, 0x0f, 0x0b});  // sgdt; ud2
    EXPECT_EQ(m.vector(), umip ? 13u : 6u);
  }
}

TEST_P(Segments, TaskRegister) {
  BareMachine m(options(Start::kLong64));
  m.put<uint8_t>(kGdt + kTssSelector + 5, 0x89);
  m.r(kRax) = kTssSelector;
  m.run({0x0f, 0x00, 0xd8, 0x0f, 0x00, 0xc9, 0xf4});  // ltr ax; str ecx
  ASSERT_TRUE(m.halted_at(kCode + 7));
  EXPECT_EQ(m.r(kRcx), kTssSelector);
  EXPECT_EQ(m.get<uint8_t>(kGdt + kTssSelector + 5), 0x8b);
  m.s().sleep = Sleep::kNone;
  m.run_at(kCode);  // busy now
  ASSERT_EQ(m.vector(), 13u);
  EXPECT_EQ(m.frame(0), kTssSelector);
}

TEST_P(Segments, Ldt) {
  BareMachine m(options(Start::kProtected32));
  m.put<uint64_t>(kLdt + 8, BareMachine::segment(0x1000, 0xfff, 0x92, 4));
  m.r(kRax) = kLdtSelector;
  m.r(kRcx) = 8 | 4;
  m.run({0x0f, 0x00, 0xd0, 0x8e, 0xc1, 0xf4});  // lldt ax; mov es, ecx
  ASSERT_TRUE(m.halted_at(kCode + 6));
  EXPECT_EQ(m.s().base(kEs), 0x1000u);
}

TEST_P(Segments, Lar) {
  BareMachine m(options(Start::kProtected32));
  m.r(kRax) = kCode32User;
  m.r(kRcx) = 0x1234;
  m.run({0x0f, 0x02, 0xc8, 0x0f, 0x03, 0xd0, 0xf4});  // lar ecx, eax; lsl edx, eax
  ASSERT_TRUE(m.halted_at(kCode + 7));
  EXPECT_EQ(m.r(kRcx), 0xc0fb00u);
  EXPECT_EQ(m.r(kRdx), 0xffffffffu);
  EXPECT_TRUE(rflags(m.s()) & eflags::kZf);
  BareMachine n(options(Start::kProtected32));
  n.r(kRax) = 0x1000;
  n.r(kRcx) = 0x1234;
  n.s().flags_packed() = packed_of(eflags::kZf | eflags::kCf);
  n.run({0x0f, 0x02, 0xc8, 0xf4});
  ASSERT_TRUE(n.halted_at(kCode + 4));
  EXPECT_EQ(n.r(kRcx), 0x1234u);
  EXPECT_EQ(rflags(n.s()) & eflags::kStatus, eflags::kCf);
}

TEST_P(Segments, Verify) {
  for (const auto& [selector, readable, writable] :
       {std::tuple{kData0, true, true}, {kCode32, true, false}, {kTssSelector, false, false}}) {
    for (const bool write : {false, true}) {
      BareMachine m(options(Start::kProtected32));
      m.r(kRax) = selector;
      m.run({0x0f, 0x00, static_cast<uint8_t>(write ? 0xe8 : 0xe0), 0xf4});
      EXPECT_EQ((rflags(m.s()) & eflags::kZf) != 0, write ? writable : readable);
    }
  }
}

TEST_P(Segments, Arpl) {
  BareMachine m(options(Start::kProtected32));
  m.r(kRax) = 0x11110008;
  m.r(kRcx) = 3;
  m.run({0x63, 0xc8, 0xf4});
  EXPECT_EQ(m.r(kRax), 0x1111000bu);
  EXPECT_TRUE(rflags(m.s()) & eflags::kZf);
}

TEST_P(Segments, SwapGs) {
  BareMachine m(options(Start::kLong64));
  m.s().kernel_gs_base = 0xffff888000001000;
  m.s().base(kGs) = kData;
  m.run({0x0f, 0x01, 0xf8, 0xf4});
  EXPECT_EQ(m.s().base(kGs), 0xffff888000001000u);
  EXPECT_EQ(m.s().kernel_gs_base, kData);
  m.s().sleep = Sleep::kNone;
  m.enter_user(true);
  m.run({0x0f, 0x01, 0xf8, 0xf4});
  EXPECT_EQ(m.vector(), 13u);
}

TEST_P(Segments, Bases) {
  BareMachine m(options(Start::kLong64));
  m.s().cr4 |= cr4::kFsgsbase;
  m.cpu->changed();
  m.put<uint64_t>(kData, 0x1122334455667788);
  m.r(kRax) = kData;
  // wrfsbase rax; rdfsbase rcx; mov rdx, fs:[0]; wrgsbase ebx
  m.r(kRbx) = 0xffffffff12345678;
  m.run({0xf3, 0x48, 0x0f, 0xae, 0xd0, 0xf3, 0x48, 0x0f, 0xae, 0xc1, 0x64, 0x48,
         0x8b, 0x14, 0x25, 0,    0,    0,    0,    0xf3, 0x0f, 0xae, 0xdb, 0xf4});
  ASSERT_EQ(m.s().pc(), kCode + 24);
  EXPECT_EQ(m.r(kRcx), kData);
  EXPECT_EQ(m.r(kRdx), 0x1122334455667788u);
  EXPECT_EQ(m.s().base(kGs), 0x12345678u);
  BareMachine n(options(Start::kLong64));
  n.s().cr4 |= cr4::kFsgsbase;
  n.cpu->changed();
  n.r(kRax) = uint64_t{1} << 62;
  n.run({0xf3, 0x48, 0x0f, 0xae, 0xd0});
  EXPECT_EQ(n.vector(), 13u);
}

TEST_P(Segments, RealMode) {
  BareMachine m(options(Start::kReal));
  m.put<uint16_t>(0x12340 + 0x10, 0xbeef);
  m.r(kRax) = 0x1234;
  m.r(kRbx) = 0x10;
  m.run({0x8e, 0xc0, 0x26, 0x8b, 0x0f, 0xf4});  // mov es, ax; mov cx, es:[bx]
  EXPECT_TRUE(m.halted_at(kCode + 6));
  EXPECT_EQ(m.r(kRcx), 0xbeefu);
}

TEST_P(Segments, RealModeLimits) {
  for (const bool faults : {false, true}) {
    BareMachine m(options(Start::kReal));
    m.put<uint16_t>(0x12340 + 0xfffe, 0xbeef);
    m.r(kRax) = 0x1234;
    m.r(kRbx) = faults ? 0xffff : 0xfffe;
    m.run({0x8e, 0xc0, 0x26, 0x8b, 0x0f, 0xf4});  // mov es, ax; mov cx, es:[bx]
    EXPECT_EQ(m.vector(), faults ? std::optional(13u) : std::nullopt);
    if (!faults) EXPECT_EQ(m.r(kRcx), 0xbeefu);
  }
}

}  // namespace mynah::test
