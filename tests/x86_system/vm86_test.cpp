// SPDX-License-Identifier: Apache-2.0
//
// Virtual-8086 mode and its extensions (SDM vol. 3, chapter 20), protected-mode virtual interrupts, and what
// keeps interrupts off an instruction.
#include "tests/x86_system/system_test.h"

namespace mynah::test {

MYNAH_SYSTEM_TEST(Vm86);

namespace {
struct Vm86Machine : BareMachine {
  Vm86Machine(const BareOptions& options, unsigned iopl, bool vme, uint32_t flags = 0)
      : BareMachine(options) {
    s().eflags |= iopl << eflags::kIoplShift | flags;
    if (vme) s().cr4 |= cr4::kVme;
    enter_vm86();
  }
  uint16_t stack(unsigned n) { return get<uint16_t>(kUserCode + (r(kRsp) & 0xffff) + 2 * n); }
};
}  // namespace

// CLI, STI, PUSHF, POPF, IRET, INT n with IOPL below 3 and no VME.
TEST_P(Vm86, IoplSensitive) {
  const std::vector<uint8_t> codes[] = {{0xfa},       {0xfb},       {0x9c},       {0x9d},      {0xcf},
                                        {0xcd, 0x21}, {0x66, 0x9c}, {0x66, 0x9d}, {0x66, 0xcf}};
  for (const auto& code : codes) {
    for (const bool vme : {false, true}) {
      // With VME those of 32 bits still are, and INT n whose bit is set.
      if (vme && code[0] != 0x66 && code[0] != 0xcd) continue;
      Vm86Machine m(options(Start::kProtected32), 2, vme);
      for (unsigned n = 0; n < 32; ++n) m.put<uint8_t>(kTss + 0x7e0 + n, 0xff);  // the map of interrupts
      m.load(kUserCode, code);
      m.run_at(kUserCode);
      EXPECT_EQ(m.vector(), 13u) << int{code[0]};
      EXPECT_EQ(m.frame(0), 0u);
      EXPECT_EQ(m.frame(1), 0u);
    }
  }
}

// What is not IOPL's, and what never is there.
TEST_P(Vm86, OtherInstructions) {
  struct {
    std::vector<uint8_t> code;
    unsigned vector;
  } const cases[] = {
      {{0xcc}, 3},                          // INT3 goes to the gate
      {{0x0f, 0x01, 0xd0}, 6},              // XGETBV without OSXSAVE
      {{0x0f, 0x00, 0xc8}, 6},              // STR
      {{0x0f, 0x02, 0xc0}, 6},              // LAR
      {{0x63, 0xc0}, 6},                    // ARPL
      {{0x0f, 0x20, 0xc0}, 13},             // MOV from CR0
      {{0x0f, 0x01, 0xe0, 0x0f, 0x0b}, 6},  // SMSW works
      {{0x0f, 0x06}, 13},                   // CLTS
      {{0x0f, 0x08}, 13},                   // INVD
      {{0x0f, 0x01, 0x38}, 13},             // INVLPG
      {{0x0f, 0x30}, 13},                   // WRMSR
      {{0xf4}, 13},
  };
  for (const auto& c : cases) {
    Vm86Machine m(options(Start::kProtected32), 3, false);
    m.set_gate(3, kCode32, 0xee);
    m.load(kUserCode, c.code);
    m.run_at(kUserCode);
    EXPECT_EQ(m.vector(), c.vector) << int{c.code[0]} << " " << int{c.code.back()};
  }
}

TEST_P(Vm86, SegmentsAreParagraphs) {
  Vm86Machine m(options(Start::kProtected32), 3, false);
  m.put<uint16_t>(kData + 4, 0x1234);
  // mov ax, kData >> 4; mov ds, ax; mov bx, [4]; mov al, [0xffff] reaches the limit; mov ax, [0xffff] does
  // not
  m.run({0xb8, 0x00, 0x60, 0x8e, 0xd8, 0x8b, 0x1e, 0x04, 0x00, 0xa0, 0xff, 0xff, 0xa1, 0xff, 0xff});
  ASSERT_EQ(m.vector(), 13u);
  EXPECT_EQ(m.frame(1), 12u);
  EXPECT_EQ(m.r(kRbx) & 0xffff, 0x1234u);
  EXPECT_EQ(m.frame(6), 0x5000u) << "ES is what it was";
  EXPECT_EQ(m.frame(7), 0x6000u);
}

// --- VME: IF of 16-bit images is VIF.

TEST_P(Vm86, VirtualInterruptFlag) {
  Vm86Machine m(options(Start::kProtected32), 0, true, eflags::kIf);
  // sti; pushf; cli; pushf; then INT3
  m.set_gate(3, kCode32, 0xee);
  m.run({0xfb, 0x9c, 0xfa, 0x9c, 0xcc});
  ASSERT_EQ(m.vector(), 3u);
  EXPECT_EQ(m.get<uint16_t>(kUserCode + 0x7ffe) & 0x3200, 0x3200) << "IF, and IOPL 3";
  EXPECT_EQ(m.get<uint16_t>(kUserCode + 0x7ffc) & 0x3200, 0x3000);
  EXPECT_EQ(m.frame(2) & (eflags::kVif | eflags::kIf), eflags::kIf);
}

TEST_P(Vm86, VirtualInterruptPending) {
  struct {
    std::vector<uint8_t> code;
    uint16_t image;
    bool faults;
  } const cases[] = {
      {{0xfb}, 0, true},             // STI
      {{0xfa, 0xcc}, 0, false},      // CLI
      {{0x9d, 0xcc}, 0x0202, true},  // POPF with IF
      {{0x9d, 0xcc}, 0x0002, false},
      {{0x9d, 0xcc}, 0x0102, true},  // with TF
      {{0xcf}, 0, false},            // IRET
  };
  for (const auto& c : cases) {
    Vm86Machine m(options(Start::kProtected32), 0, true, eflags::kVip);
    m.set_gate(3, kCode32, 0xee);
    m.r(kRsp) = 0x7000;
    m.put<uint16_t>(kUserCode + 0x7000, c.code[0] == 0xcf ? 0x100 : c.image);
    m.put<uint16_t>(kUserCode + 0x7002, kUserCode >> 4);
    m.put<uint16_t>(kUserCode + 0x7004, 2);
    m.put<uint8_t>(kUserCode + 0x100, 0xcc);
    m.load(kUserCode, c.code);
    m.run_at(kUserCode);
    EXPECT_EQ(m.vector(), c.faults ? 13u : 3u) << int{c.code[0]} << " " << c.image;
  }
}

TEST_P(Vm86, PopfAndIretOfVirtualIf) {
  Vm86Machine m(options(Start::kProtected32), 0, true);
  m.set_gate(3, kCode32, 0xee);
  m.r(kRsp) = 0x7000;
  m.put<uint16_t>(kUserCode + 0x7000, 0x7247);  // IF, IOPL and NT, status
  m.run({0x9d, 0xcc});
  ASSERT_EQ(m.vector(), 3u);
  EXPECT_EQ(m.frame(2) & 0x1f7fd7, eflags::kVm | eflags::kVif | 0x4047u);
  Vm86Machine n(options(Start::kProtected32), 0, true, eflags::kVif);
  n.set_gate(3, kCode32, 0xee);
  n.r(kRsp) = 0x7000;
  n.put<uint16_t>(kUserCode + 0x7000, 0x100);
  n.put<uint16_t>(kUserCode + 0x7002, kUserCode >> 4);
  n.put<uint16_t>(kUserCode + 0x7004, 0x3003);
  n.put<uint8_t>(kUserCode + 0x100, 0xcc);
  n.run({0xcf});
  ASSERT_EQ(n.vector(), 3u);
  EXPECT_EQ(n.frame(2) & 0x1f7fd7, eflags::kVm | 3u);
  EXPECT_EQ(n.frame(0), 0x101u);
}

// --- PVI: CLI and STI of CPL 3 in protected mode

TEST_P(Vm86, ProtectedModeVirtualInterrupts) {
  for (const uint32_t vip : {0u, eflags::kVip}) {
    for (const uint8_t opcode : {0xfa, 0xfb}) {
      BareMachine m(options(Start::kProtected32));
      m.s().cr4 |= 2;
      m.s().eflags |= vip | (opcode == 0xfa ? eflags::kVif : 0);
      m.enter_user(false);
      m.run({opcode, 0x0f, 0x0b});
      const bool faults = opcode == 0xfb && vip;
      ASSERT_EQ(m.vector(), faults ? 13u : 6u);
      EXPECT_EQ(!faults && (m.frame(2) & eflags::kVif), opcode == 0xfb && !vip);
    }
  }
}

TEST_P(Vm86, ReturnNeedsAnIpWithin64K) {
  for (const bool wide : {false, true}) {
    BareMachine m(options(Start::kProtected32));
    const uint32_t frame[] = {wide ? 0x10000u : 0x100u,
                              kUserCode >> 4,
                              eflags::kVm | 2,
                              0x8000,
                              0x5000,
                              0x5000,
                              0x5000,
                              0x5000,
                              0x5000};
    m.r(kRsp) -= sizeof frame;
    for (unsigned n = 0; n < 9; ++n) m.put(m.r(kRsp) + 4 * n, frame[n]);
    const uint64_t sp = m.r(kRsp);
    m.put<uint16_t>(kUserCode + 0x100, 0x0b0f);
    m.put<uint16_t>(kUserCode, 0x0b0f);
    m.run({0xcf});
    EXPECT_EQ(m.vector(), wide ? 13u : 6u);
    if (wide) {
      EXPECT_EQ(m.frame(1), kCode);
      EXPECT_EQ(m.r(kRsp), sp - 16);
    }
  }
}

// --- shadows

// Interrupts wait for the instruction behind.
TEST_P(Vm86, ShadowsOfInterrupts) {
  struct {
    std::vector<uint8_t> code;
    bool enabled;
    uint64_t at;
  } const cases[] = {
      {{0xfb, 0x90, 0x90, 0xf4}, false, 2},              // STI
      {{0xfb, 0xfb, 0x90, 0x90, 0xf4}, false, 2},        // the second STI changes nothing
      {{0xfb, 0xfa, 0x90, 0xf4}, false, 0},              // STI, CLI: none is taken
      {{0x9d, 0x90, 0xf4}, false, 1},                    // POPF has no shadow
      {{0x8e, 0xd0, 0x90, 0x90, 0xf4}, true, 0},         // there is one in front already
      {{0xfb, 0x8e, 0xd0, 0x90, 0x90, 0xf4}, false, 4},  // STI, MOV SS
      {{0xfb, 0x16, 0x17, 0x90, 0x90, 0xf4}, false, 2},  // STI, PUSH SS
  };
  for (const auto& c : cases) {
    BareMachine m(options(Start::kProtected32));
    if (c.enabled) m.s().eflags |= eflags::kIf;
    m.r(kRax) = kData0;
    m.r(kRsp) -= 8;
    m.put<uint32_t>(m.r(kRsp), 0x202);
    m.interrupt = 0x33;
    m.cpu->interrupt_changed();
    m.load(kCode, c.code);
    m.run_at(kCode);
    if (c.code[1] == 0xfa) {
      EXPECT_TRUE(m.halted_at(kCode + 4));
      continue;
    }
    ASSERT_EQ(m.vector(), 0x33u);
    EXPECT_EQ(m.frame(0), kCode + c.at) << int{c.code[0]} << " " << int{c.code[1]};
  }
}

TEST_P(Vm86, PopSsShadow) {
  BareMachine m(options(Start::kProtected32));
  m.r(kRsp) -= 4;
  m.put<uint32_t>(m.r(kRsp), kData0);
  m.interrupt = 0x33;
  m.cpu->interrupt_changed();
  m.run({0xfb, 0x17, 0x90, 0x90, 0xf4});  // sti; pop ss
  ASSERT_EQ(m.vector(), 0x33u);
  EXPECT_EQ(m.frame(0), kCode + 3);
}

// --- instructions that are off

TEST_P(Vm86, MonitorIsOff) {
  MYNAH_NOT_ON_HOST("KVM makes a NOP of it");
  for (const uint8_t last : {0xc8, 0xc9}) {
    BareMachine m(options(Start::kLong64));
    m.r(kRax) = kData;
    m.r(kRcx) = m.r(kRdx) = 0;
    m.run({0x0f, 0x01, last, 0xf4});
    EXPECT_EQ(m.vector(), 6u);
  }
}

}  // namespace mynah::test
