// SPDX-License-Identifier: Apache-2.0
//
// Debug registers, single steps, INT1 (SDM vol. 3, chapter 17). A handler of #DB notes DR6 and where it was
// come from, and goes on.
#include <utility>

#include "tests/x86_system/system_test.h"

namespace mynah::test {

MYNAH_SYSTEM_TEST(Debug);

namespace {

constexpr uint64_t kLog = kData + 0x800;
// Breakpoint n of DR7, enabled: type 0 execute, 1 write, 2 port, 3 read and write; length as DR7 codes it.
constexpr uint64_t enabled(unsigned n, unsigned type, unsigned length = 0) {
  return uint64_t{2} << (2 * n) | uint64_t{type | length << 2} << (16 + 4 * n);
}
constexpr unsigned kOf1 = 0, kOf2 = 1, kOf8 = 2, kOf4 = 3;

struct Hit {
  uint64_t pc, dr6;
  bool operator==(const Hit&) const = default;
};
void PrintTo(const Hit& h, std::ostream* out) { *out << std::hex << h.pc << ":" << h.dr6 << std::dec; }

// A handler in 64-bit code: [kLog] counts; behind it pairs of pc and DR6's bits, which it clears. Sets RF.
void log_debug_exceptions(BareMachine& m) {
  m.load(kHandlers + 16, {0xe9, 0xeb, 0x0f, 0, 0});  // jmp kHandlers + 0x1000
  // push rax; push rdi
  // mov eax, [kLog]; inc dword [kLog]; shl eax, 4; lea rdi, [rax + kLog + 16]
  // mov rax, [rsp + 16]; stosq; mov rax, dr6; stosq; xor eax, eax; mov dr6, rax
  // bts dword [rsp + 32], 16; pop rdi; pop rax; iretq
  m.load(kHandlers + 0x1000,
         {0x50, 0x57, 0x8b, 0x04, 0x25, 0x00, 0x08, 0x06, 0x00, 0xff, 0x04, 0x25, 0x00, 0x08,
          0x06, 0x00, 0xc1, 0xe0, 0x04, 0x48, 0x8d, 0xb8, 0x10, 0x08, 0x06, 0x00, 0x48, 0x8b,
          0x44, 0x24, 0x10, 0xfc, 0x48, 0xab, 0x0f, 0x21, 0xf0, 0x48, 0xab, 0x31, 0xc0, 0x0f,
          0x23, 0xf0, 0x0f, 0xba, 0x6c, 0x24, 0x20, 0x10, 0x5f, 0x58, 0x48, 0xcf});
}
std::vector<Hit> hits(BareMachine& m) {
  std::vector<Hit> all;
  for (unsigned n = 0; n < m.get<uint32_t>(kLog); ++n)
    all.push_back({m.get<uint64_t>(kLog + 16 + n * 16), m.get<uint64_t>(kLog + 24 + n * 16) & 0xe00f});
  return all;
}
void set(BareMachine& m, unsigned n, uint64_t address, uint64_t control) {
  m.s().dr[n] = address;
  m.s().dr[7] |= control;
  m.cpu->changed();
}
constexpr uint64_t kStep = 0x4000, kGeneral = 0x2000;

}  // namespace

// --- instruction breakpoints

TEST_P(Debug, InstructionIsAFault) {
  BareMachine m(options(Start::kLong64));
  set(m, 2, kCode + 1, enabled(2, 0));
  m.run({0x90, 0xff, 0xc0, 0x90, 0xf4});
  ASSERT_EQ(m.vector(), 1u);
  EXPECT_EQ(m.frame(0), kCode + 1);
  EXPECT_EQ(m.frame(2) & eflags::kRf, 0u);
  EXPECT_EQ(m.s().dr[6] & 0xe00f, 4u);
  EXPECT_EQ(m.r(kRax), 0u);
}

TEST_P(Debug, ResumeFlagLetsOneInstructionPass) {
  BareMachine m(options(Start::kLong64));
  log_debug_exceptions(m);
  set(m, 0, kCode + 1, enabled(0, 0));
  set(m, 1, kCode + 3, enabled(1, 0));
  m.run({0x90, 0xff, 0xc0, 0xff, 0xc0, 0x90, 0xf4});
  EXPECT_TRUE(m.halted_at(kCode + 7));
  EXPECT_EQ(hits(m), (std::vector<Hit>{{kCode + 1, 1}, {kCode + 3, 2}}));
  EXPECT_EQ(m.r(kRax), 2u);
}

TEST_P(Debug, InstructionInALoop) {
  BareMachine m(options(Start::kLong64));
  log_debug_exceptions(m);
  set(m, 0, kCode + 2, enabled(0, 0));
  m.r(kRcx) = 3;
  m.run({0x90, 0x90, 0xff, 0xc0, 0xe2, 0xfc, 0xf4});  // inc eax; loop to it
  EXPECT_TRUE(m.halted_at(kCode + 7));
  EXPECT_EQ(hits(m), (std::vector<Hit>{{kCode + 2, 1}, {kCode + 2, 1}, {kCode + 2, 1}}));
  EXPECT_EQ(m.r(kRax), 3u);
}

// RF holds for all iterations.
TEST_P(Debug, RepeatedInstructionHitsOnce) {
  for (const uint8_t opcode : {0xa4, 0xac, 0xa6}) {  // movsb, lodsb, cmpsb
    BareMachine m(options(Start::kLong64));
    log_debug_exceptions(m);
    set(m, 0, kCode + 1, enabled(0, 0));
    m.r(kRcx) = 5;
    m.r(kRsi) = kData;
    m.r(kRdi) = kData + 0x100;
    m.run({0x90, 0xf3, opcode, 0x90, 0xf4});
    EXPECT_TRUE(m.halted_at(kCode + 5));
    EXPECT_EQ(hits(m), (std::vector<Hit>{{kCode + 1, 1}})) << int{opcode};
    EXPECT_EQ(m.r(kRcx), 0u);
  }
}

// A fault's image has RF.
TEST_P(Debug, FaultsResume) {
  BareMachine m(options(Start::kLong64));
  log_debug_exceptions(m);
  set(m, 0, kCode + 1, enabled(0, 0));
  m.run({0x90, 0x0f, 0x0b});
  ASSERT_EQ(m.vector(), 6u);
  EXPECT_EQ(m.frame(2) & eflags::kRf, eflags::kRf);
  EXPECT_EQ(hits(m), (std::vector<Hit>{{kCode + 1, 1}}));
}

// --- data breakpoints

TEST_P(Debug, DataIsATrap) {
  struct {
    std::vector<uint8_t> code;
    unsigned type, length;
    uint64_t address;
    bool hit;
  } const cases[] = {
      {{0x89, 0x03}, 1, kOf4, kData, true},  // mov [rbx], eax
      {{0x89, 0x03}, 1, kOf1, kData + 3, true},
      {{0x89, 0x03}, 1, kOf1, kData + 4, false},
      {{0x89, 0x03}, 1, kOf8, kData, true},
      {{0x89, 0x43, 0x06}, 1, kOf8, kData, true},
      {{0x89, 0x43, 0x08}, 1, kOf8, kData, false},
      {{0x89, 0x43, 0xfe}, 1, kOf2, kData, true},
      {{0x8b, 0x03}, 1, kOf4, kData, false},  // mov eax, [rbx]
      {{0x8b, 0x03}, 3, kOf4, kData, true},
      {{0x01, 0x03}, 1, kOf4, kData, true},              // add [rbx], eax
      {{0x39, 0x03}, 1, kOf4, kData, false},             // cmp [rbx], eax
      {{0xff, 0x33}, 3, kOf4, kData, true},              // push [rbx]
      {{0x0f, 0x11, 0x03}, 1, kOf1, kData + 15, true},   // movups [rbx], xmm0
      {{0xf0, 0x0f, 0xb1, 0x03}, 1, kOf4, kData, true},  // lock cmpxchg [rbx], eax
      {{0xd9, 0x1b}, 1, kOf4, kData, true},              // fstp dword [rbx]
  };
  for (const auto& c : cases) {
    BareMachine m(options(Start::kLong64));
    log_debug_exceptions(m);
    m.s().cr4 |= cr4::kOsfxsr;
    set(m, 3, c.address, enabled(3, c.type, c.length));
    m.r(kRbx) = kData;
    std::vector<uint8_t> code = c.code;
    code.insert(code.end(), {0xff, 0xc1, 0xf4});
    m.load(kCode, code);
    m.run_at(kCode);
    EXPECT_TRUE(m.halted_at(kCode + code.size()));
    const std::vector<Hit> want = c.hit ? std::vector<Hit>{{kCode + c.code.size(), 8}} : std::vector<Hit>{};
    EXPECT_EQ(hits(m), want) << int{c.code[0]} << " " << c.type << " " << c.length << " " << c.address;
  }
}

TEST_P(Debug, AllThatHitAreTold) {
  BareMachine m(options(Start::kLong64));
  log_debug_exceptions(m);
  set(m, 0, kData, enabled(0, 1, kOf4));
  set(m, 1, kData + 2, enabled(1, 3, kOf1));
  set(m, 2, kData + 4, enabled(2, 3, kOf4));
  m.r(kRbx) = kData;
  m.run({0x89, 0x03, 0x90, 0xf4});
  EXPECT_EQ(hits(m), (std::vector<Hit>{{kCode + 2, 3}}));
}

// Behind each iteration that hits.
TEST_P(Debug, DataOfRepeatedInstruction) {
  BareMachine m(options(Start::kLong64));
  log_debug_exceptions(m);
  set(m, 0, kData + 2, enabled(0, 1, kOf2));
  m.r(kRcx) = 6;
  m.r(kRdi) = kData;
  m.run({0xf3, 0xaa, 0x90, 0xf4});  // rep stosb
  EXPECT_TRUE(m.halted_at(kCode + 4));
  EXPECT_EQ(hits(m), (std::vector<Hit>{{kCode, 1}, {kCode, 1}}));
  EXPECT_EQ(m.r(kRdi), kData + 6);
}

// What MOV SS meets is told behind the next instruction.
TEST_P(Debug, DataOfMovSs) {
  BareMachine m(options(Start::kLong64));
  log_debug_exceptions(m);
  m.put<uint16_t>(kData, kData0);
  set(m, 0, kData, enabled(0, 3, kOf2));
  m.r(kRbx) = kData;
  m.run({0x8e, 0x13, 0x90, 0x90, 0xf4});  // mov ss, [rbx]
  EXPECT_TRUE(m.halted_at(kCode + 5));
  EXPECT_EQ(hits(m), (std::vector<Hit>{{kCode + 3, 1}}));
}

// The exception's own frame and the tables that its delivery reads are no data of the program's.
TEST_P(Debug, HelpersMeetThem) {
  BareMachine m(options(Start::kLong64));
  log_debug_exceptions(m);
  m.s().cr4 |= cr4::kOsfxsr;
  set(m, 0, kData + 0x40, enabled(0, 1, kOf8));
  m.r(kRbx) = kData;
  m.run({0x0f, 0xae, 0x03, 0x90, 0xf4});  // fxsave [rbx]
  EXPECT_TRUE(m.halted_at(kCode + 5));
  EXPECT_EQ(hits(m), (std::vector<Hit>{{kCode + 3, 1}}));
}

// --- ports

TEST_P(Debug, Ports) {
  MYNAH_NOT_ON_HOST("KVM makes the accesses");
  for (const bool extensions : {false, true}) {
    BareMachine m(options(Start::kLong64));
    log_debug_exceptions(m);
    if (extensions) m.s().cr4 |= cr4::kDe;
    set(m, 1, 0x80, enabled(1, 2, kOf2));
    m.r(kRdx) = 0x81;
    // out dx, al; in al, 0x82; in ax, 0x7f
    m.run({0xee, 0xe4, 0x82, 0x66, 0xe5, 0x7f, 0x90, 0xf4});
    EXPECT_TRUE(m.halted_at(kCode + 8));
    const std::vector<Hit> want = {{kCode + 1, 2}, {kCode + 6, 2}};
    EXPECT_EQ(hits(m), extensions ? want : std::vector<Hit>{});
  }
}

// --- access to the registers

TEST_P(Debug, GeneralDetect) {
  BareMachine m(options(Start::kLong64));
  m.s().dr[7] |= 1 << 13;
  m.r(kRax) = 0x1234;
  m.run({0x90, 0x0f, 0x23, 0xc0, 0xf4});  // mov dr0, rax
  ASSERT_EQ(m.vector(), 1u);
  EXPECT_EQ(m.frame(0), kCode + 1);
  EXPECT_EQ(m.s().dr[6] & 0xe00f, kGeneral);
  EXPECT_EQ(m.s().dr[7] & 1 << 13, 0u);
  EXPECT_EQ(m.s().dr[0], 0u);
}

TEST_P(Debug, Names4And5) {
  for (const bool extensions : {false, true}) {
    BareMachine m(options(Start::kLong64));
    if (extensions) m.s().cr4 |= cr4::kDe;
    m.run({0x0f, 0x21, 0xe0, 0x0f, 0x21, 0xe9, 0xf4});  // mov rax, dr4; mov rcx, dr5
    if (extensions) {
      EXPECT_EQ(m.vector(), 6u);
      continue;
    }
    EXPECT_TRUE(m.halted_at(kCode + 7));
    EXPECT_EQ(m.r(kRax), 0xffff0ff0u);
    EXPECT_EQ(m.r(kRcx), 0x400u);
  }
}

TEST_P(Debug, FixedBits) {
  BareMachine m(options(Start::kLong64));
  m.r(kRax) = 0xffffffff;
  m.r(kRbx) = 0xffffffff & ~0x2000u;
  m.r(kRcx) = 0x123456789abcdef0;  // not canonical, which nobody looks at
  // mov dr6, rax; mov dr7, rbx; mov dr0, rcx; mov rdx, dr6; mov rsi, dr7; mov rdi, dr0; hlt
  m.run({0x0f, 0x23, 0xf0, 0x0f, 0x23, 0xfb, 0x0f, 0x23, 0xc1, 0x0f, 0x21, 0xf2, 0x0f, 0x21, 0xfe, 0x0f, 0x21,
         0xc7, 0xf4});
  EXPECT_TRUE(m.halted_at(kCode + 19));
  EXPECT_EQ(m.r(kRdx) | 0x1000, 0xffffffffu);
  EXPECT_EQ(m.r(kRsi), 0xffff07ffu);
  EXPECT_EQ(m.r(kRdi), 0x123456789abcdef0u);
  for (const uint8_t reg : {0xf0, 0xf8}) {
    BareMachine n(options(Start::kLong64));
    n.r(kRax) = uint64_t{1} << 32;
    n.run({0x0f, 0x23, reg, 0xf4});
    EXPECT_EQ(n.vector(), 13u);
  }
}

TEST_P(Debug, RegistersAreOfCpl0) {
  BareMachine m(options(Start::kLong64));
  m.enter_user(true);
  m.run({0x0f, 0x21, 0xc0});
  EXPECT_EQ(m.vector(), 13u);
}

// --- single steps

TEST_P(Debug, StepsOverRepeats) {
  BareMachine m(options(Start::kLong64));
  log_debug_exceptions(m);
  m.r(kRcx) = 3;
  m.r(kRdi) = kData;
  m.s().eflags |= eflags::kTf;
  m.run(
      {0xf3, 0xaa, 0x9c, 0x80, 0x64, 0x24, 0x01, 0xfe, 0x9d, 0x90, 0xf4});  // rep stosb; TF off by the stack
  EXPECT_TRUE(m.halted_at(kCode + 11));
  EXPECT_EQ(hits(m), (std::vector<Hit>{{kCode, kStep},
                                       {kCode, kStep},
                                       {kCode + 2, kStep},
                                       {kCode + 3, kStep},
                                       {kCode + 8, kStep},
                                       {kCode + 9, kStep}}));
}

TEST_P(Debug, StepsOverMovSs) {
  BareMachine m(options(Start::kLong64));
  log_debug_exceptions(m);
  m.r(kRax) = kData0;
  m.s().eflags |= eflags::kTf;
  m.run({0x90, 0x8e, 0xd0, 0x90, 0x90, 0x0f, 0x0b});
  ASSERT_EQ(m.vector(), 6u);
  EXPECT_EQ(hits(m), (std::vector<Hit>{{kCode + 1, kStep}, {kCode + 4, kStep}, {kCode + 5, kStep}}));
}

TEST_P(Debug, StepsOverBranches) {
  BareMachine m(options(Start::kLong64));
  log_debug_exceptions(m);
  m.s().eflags |= eflags::kTf;
  // jmp +1; nop; call +1; nop; add rsp, 8; ud2
  m.run({0xeb, 0x01, 0x90, 0xe8, 0x01, 0, 0, 0, 0x90, 0x48, 0x83, 0xc4, 0x08, 0x0f, 0x0b});
  ASSERT_EQ(m.vector(), 6u);
  EXPECT_EQ(hits(m), (std::vector<Hit>{{kCode + 3, kStep}, {kCode + 9, kStep}, {kCode + 13, kStep}}));
}

// The handler of INT n runs without; its IRET sets TF, which steps the instruction behind.
TEST_P(Debug, NoStepIntoInterrupts) {
  BareMachine m(options(Start::kLong64));
  log_debug_exceptions(m);
  m.load(kHandlers + 0x40 * 16, {0x90, 0x48, 0xcf});
  m.s().eflags |= eflags::kTf;
  m.run({0xcd, 0x40, 0x90, 0x90, 0x0f, 0x0b});
  ASSERT_EQ(m.vector(), 6u);
  EXPECT_EQ(hits(m), (std::vector<Hit>{{kCode + 3, kStep}, {kCode + 4, kStep}}));
}

TEST_P(Debug, StepAndBreakpointsAreOneException) {
  BareMachine m(options(Start::kLong64));
  log_debug_exceptions(m);
  set(m, 0, kData, enabled(0, 1, kOf4));
  m.r(kRbx) = kData;
  m.s().eflags |= eflags::kTf;
  m.run({0x89, 0x03, 0x0f, 0x0b});
  ASSERT_EQ(m.vector(), 6u);
  EXPECT_EQ(hits(m), (std::vector<Hit>{{kCode + 2, kStep | 1}}));
}

// A step comes before what is at the next instruction: a breakpoint, an interrupt.
TEST_P(Debug, StepThenBreakpoint) {
  BareMachine m(options(Start::kLong64));
  set(m, 0, kCode + 1, enabled(0, 0));
  m.s().eflags |= eflags::kTf;
  m.run({0x90, 0x90, 0xf4});
  ASSERT_EQ(m.vector(), 1u);
  EXPECT_EQ(m.frame(0), kCode + 1);
  EXPECT_EQ(m.s().dr[6] & kStep, kStep);
}

TEST_P(Debug, Bits6AreNeverCleared) {
  BareMachine m(options(Start::kLong64));
  m.s().dr[6] |= 0xa00c;
  m.s().eflags |= eflags::kTf;
  m.run({0x90, 0x90});
  ASSERT_EQ(m.vector(), 1u);
  EXPECT_EQ(m.s().dr[6] & 0xe00c, 0xe00cu);
}

// --- INT1

TEST_P(Debug, Int1) {
  BareMachine m(options(Start::kLong64));
  m.run({0x90, 0xf1, 0xf4});
  ASSERT_EQ(m.vector(), 1u);
  EXPECT_EQ(m.frame(0), kCode + 2);
  EXPECT_EQ(m.s().dr[6] & 0xe00f, 0u);
  BareMachine n(options(Start::kLong64));
  n.enter_user(true);  // whatever the gate's DPL
  n.run({0xf1});
  ASSERT_EQ(n.vector(), 1u);
  EXPECT_EQ(n.frame(0), kUserCode + 1);
  EXPECT_EQ(n.frame(1), kCode64User);
}

}  // namespace mynah::test
