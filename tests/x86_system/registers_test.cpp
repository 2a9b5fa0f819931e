// SPDX-License-Identifier: Apache-2.0
//
// Registers by number (SDM vol. 4), CPUID where it faults, instructions that others are taken for.
#include "tests/x86_system/system_test.h"

namespace mynah::test {

MYNAH_SYSTEM_TEST(Registers);

constexpr uint32_t kMiscFeatures = 0x140, kPlatformInfo = 0xce;

TEST_P(Registers, CpuidFaulting) {
  MYNAH_NOT_ON_HOST("not every processor has it");
  BareMachine m(options(Start::kLong64));
  m.r(kRcx) = kPlatformInfo;
  m.run({0x0f, 0x32, 0xf4});  // rdmsr
  ASSERT_TRUE(m.halted_at(kCode + 3));
  EXPECT_TRUE(m.r(kRax) & 1u << 31);
  for (const uint32_t value : {0u, 1u}) {
    BareMachine n(options(Start::kLong64));
    n.r(kRcx) = kMiscFeatures;
    n.r(kRax) = value;
    n.r(kRdx) = 0;
    // wrmsr; xor eax, eax; rdmsr; push rax; xor eax, eax; cpuid; hlt
    n.run({0x0f, 0x30, 0x31, 0xc0, 0x0f, 0x32, 0x50, 0x31, 0xc0, 0x0f, 0xa2, 0xf4});
    ASSERT_TRUE(n.halted_at(kCode + 12)) << "CPL 0 is let through";
    EXPECT_EQ(n.frame(0), value);
    n.enter_user(true);
    n.s().sleep = Sleep::kNone;
    n.run({0x0f, 0xa2, 0x0f, 0x0b});
    ASSERT_EQ(n.vector(), value ? 13u : 6u);
    if (value) {
      EXPECT_EQ(n.frame(0), 0u);
      EXPECT_EQ(n.frame(1), kUserCode);
    }
  }
}

TEST_P(Registers, CpuidFaultingIsNotForAll) {
  MYNAH_NOT_ON_HOST("it is what it is");
  for (const char* cpu : {"max", "Nehalem", "qemu64"}) {
    BareOptions o = options(Start::kLong64);
    o.cpu = cpu;
    BareMachine m(o);
    m.r(kRcx) = kMiscFeatures;
    m.r(kRax) = 2;  // reserved, where there is such a register
    m.run({0x0f, 0x30, 0xf4});
    EXPECT_EQ(m.vector(), 13u) << cpu;
    BareMachine n(o);
    n.r(kRcx) = kMiscFeatures;
    n.run({0x0f, 0x32, 0xf4});
    EXPECT_EQ(n.halted_at(kCode + 3), o.cpu == "max") << cpu;
  }
}

// FNENI, FNDISI and FNSETPM do nothing, and do not look for exceptions; FNOP does.
TEST_P(Registers, OldX87InstructionsDoNotWait) {
  for (const uint8_t byte : {0xe0, 0xe1, 0xe4, 0xd0}) {
    BareMachine m(options(Start::kProtected32));
    m.put<uint16_t>(kData, 0x37b);  // division by zero is not masked
    const bool waits = byte == 0xd0;
    // fninit; fldcw [kData]; fld1; fldz; fdivp; the instruction; hlt
    m.run({0xdb, 0xe3, 0xd9, 0x2d, 0, 0, 6, 0, 0xd9, 0xe8, 0xd9, 0xee, 0xde, 0xf9,
           static_cast<uint8_t>(waits ? 0xd9 : 0xdb), byte, 0xf4});
    if (waits)
      EXPECT_EQ(m.vector(), 16u);
    else
      EXPECT_TRUE(m.halted_at(kCode + 17)) << int{byte};
  }
}

// F3 90 is PAUSE; with REX.B it is XCHG of R8, as 90 is.
TEST_P(Registers, PauseOfR8IsExchange) {
  struct {
    std::vector<uint8_t> code;
    uint64_t rax, r8;
  } const cases[] = {
      {{0xf3, 0x41, 0x90, 0xf4}, 0x55667788, 0x11223344},
      {{0xf3, 0x49, 0x90, 0xf4}, 0x5555555555667788, 0x1111111111223344},
      {{0x66, 0xf3, 0x41, 0x90, 0xf4}, 0x1111111111227788, 0x5555555555663344},
      {{0xf3, 0x40, 0x90, 0xf4}, 0x1111111111223344, 0x5555555555667788},
      {{0xf3, 0x48, 0x90, 0xf4}, 0x1111111111223344, 0x5555555555667788},
      {{0xf3, 0x90, 0xf4}, 0x1111111111223344, 0x5555555555667788},
  };
  for (const auto& c : cases) {
    BareMachine m(options(Start::kLong64));
    m.r(kRax) = 0x1111111111223344;
    m.r(kR8) = 0x5555555555667788;
    m.load(kCode, c.code);
    m.run_at(kCode);
    EXPECT_TRUE(m.halted_at(kCode + c.code.size()));
    EXPECT_EQ(m.r(kRax), c.rax) << int{c.code[1]};
    EXPECT_EQ(m.r(kR8), c.r8) << int{c.code[1]};
  }
}

}  // namespace mynah::test
