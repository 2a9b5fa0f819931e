// SPDX-License-Identifier: Apache-2.0
//
// Changes of privilege again and again: they stay in translated code, count as they do elsewhere, and
// whatever is keyed by the state is told apart.
#include "tests/x86_system/system_test.h"

namespace mynah::test {

namespace {
constexpr unsigned kRounds = 1000;

uint64_t changes(BareMachine& m) { return m.vcpu->dispatcher_stats().changes; }

// User pages are user code's, its stack's and kData; all others a supervisor's. SMAP is on.
void guard_user_pages(BareMachine& m) {
  constexpr uint64_t kPage = 4096;
  for (uint64_t pa = 0; pa < 512 * kPage; pa += kPage) {
    const bool user = pa == kUserCode || pa == kData || pa == kStack3 - kPage;
    m.put<uint64_t>(kTables + 3 * kPage + pa / kPage * 8, pa | (user ? 7 : 3));
  }
  m.s().cr4 |= cr4::kSmap;
  m.cpu->changed();
  m.r(kRsi) = kData;
}
}  // namespace

MYNAH_SYSTEM_TEST(Changes);

TEST_P(Changes, SyscallAndSysret) {
  MYNAH_NOT_ON_HOST("it knows neither our counts nor our models");
  BareMachine m(options(Start::kLong64));
  m.s().star = uint64_t{kCode32User} << 48 | uint64_t{kCode64} << 32;
  m.s().lstar = kData;
  m.s().sfmask = 0x47700;
  m.load(kData, {0x48, 0xff, 0xc0, 0x48, 0x0f, 0x07});  // inc rax; sysretq
  m.enter_user(true);
  const uint64_t before = m.vcpu->instructions();
  // mov ebx, 1000; L: syscall; dec ebx; jnz L; hlt
  m.run({0xbb, 0xe8, 0x03, 0x00, 0x00, 0x0f, 0x05, 0xff, 0xcb, 0x75, 0xfa, 0xf4}, 100'000);
  ASSERT_EQ(m.vector(), 13u);
  EXPECT_EQ(m.frame(1), kUserCode + 11);
  EXPECT_EQ(m.r(kRax), kRounds);
  EXPECT_EQ(m.vcpu->instructions() - before, 1 + 5 * kRounds + 2);
  if (GetParam() == RunBy::kJit) EXPECT_GT(changes(m), 2 * kRounds - 100);
}

TEST_P(Changes, InterruptAndReturn) {
  MYNAH_NOT_ON_HOST("it knows neither our counts nor our models");
  BareMachine m(options(Start::kLong64));
  m.set_gate(0x80, kCode64, 0xee);
  m.load(kHandlers + 0x80 * 16, {0x48, 0xff, 0xc0, 0x48, 0xcf});  // inc rax; iretq
  m.enter_user(true);
  const uint64_t before = m.vcpu->instructions();
  // mov ebx, 1000; L: int 0x80; dec ebx; jnz L; hlt
  m.run({0xbb, 0xe8, 0x03, 0x00, 0x00, 0xcd, 0x80, 0xff, 0xcb, 0x75, 0xfa, 0xf4}, 100'000);
  ASSERT_EQ(m.vector(), 13u);
  EXPECT_EQ(m.r(kRax), kRounds);
  EXPECT_EQ(m.vcpu->instructions() - before, 1 + 5 * kRounds + 2);
  EXPECT_EQ(m.frame(4), kStack3);
  if (GetParam() == RunBy::kJit) EXPECT_GT(changes(m), 2 * kRounds - 100);
}

TEST_P(Changes, PageFaults) {
  MYNAH_NOT_ON_HOST("it knows neither our counts nor our models");
  BareMachine m(options(Start::kLong64));
  m.put<uint64_t>(kTables + 3 * 4096 + 0x1ff * 8, 0);
  m.r(kRsi) = 0x1ff123;
  // add qword [rsp + 8], 3; add rsp, 8; inc rdi; iretq
  m.load(kHandlers + 14 * 16,
         {0x48, 0x83, 0x44, 0x24, 0x08, 0x03, 0x48, 0x83, 0xc4, 0x08, 0x48, 0xff, 0xc7, 0x48, 0xcf});
  m.enter_user(true);
  m.r(kRsi) = 0x1ff123;
  m.r(kRdi) = 0;
  const uint64_t before = m.vcpu->instructions();
  // mov ebx, 1000; L: mov rax, [rsi]; dec ebx; jnz L; hlt
  m.run({0xbb, 0xe8, 0x03, 0x00, 0x00, 0x48, 0x8b, 0x06, 0xff, 0xcb, 0x75, 0xf9, 0xf4}, 100'000);
  ASSERT_EQ(m.vector(), 13u);
  EXPECT_EQ(m.r(kRdi), kRounds);
  EXPECT_EQ(m.s().cr2, 0x1ff123u);
  EXPECT_EQ(m.vcpu->instructions() - before, 1 + 7 * kRounds + 2);
  if (GetParam() == RunBy::kJit) EXPECT_GT(changes(m), 2 * kRounds - 100);
}

// A fetch that faults counts as an instruction, and no slice is longer for it.
TEST_P(Changes, SlicesAreExact) {
  MYNAH_NOT_ON_HOST("it knows neither our counts nor our models");
  BareMachine m(options(Start::kLong64));
  m.put<uint64_t>(kTables + 3 * 4096 + 0x1ff * 8, 0);
  constexpr uint64_t kHandler = kHandlers + 14 * 16;
  constexpr auto kThere = static_cast<uint32_t>(kData - kHandler - 5);
  m.load(kHandler, {0xe9, kThere & 0xff, kThere >> 8 & 0xff, kThere >> 16 & 0xff, kThere >> 24});
  // Back to the caller: add rsp, 8; mov rax, [rsp + 24]; mov rax, [rax]; mov [rsp], rax; add qword [rsp +
  // 24], 8; iretq
  m.load(kData, {0x48, 0x83, 0xc4, 0x08, 0x48, 0x8b, 0x44, 0x24, 0x18, 0x48, 0x8b, 0x00,
                 0x48, 0x89, 0x04, 0x24, 0x48, 0x83, 0x44, 0x24, 0x18, 0x08, 0x48, 0xcf});
  m.enter_user(true);
  m.r(kRsi) = 0x1ff000;
  const uint64_t before = m.vcpu->instructions();
  // mov ebx, 1000; L: call rsi; dec ebx; jnz L; hlt
  m.load(kUserCode, {0xbb, 0xe8, 0x03, 0x00, 0x00, 0xff, 0xd6, 0xff, 0xcb, 0x75, 0xfa, 0xf4});
  for (uint64_t ran = 97; ran == 97;) {
    const uint64_t start = m.vcpu->instructions();
    m.vcpu->run(97);
    ran = m.vcpu->instructions() - start;
    ASSERT_LE(ran, 97u);
  }
  ASSERT_EQ(m.vector(), 13u);
  EXPECT_EQ(m.vcpu->instructions() - before, 1 + 11 * kRounds + 2);
}

// An interrupt that waits is taken at the instruction that lets it.
TEST_P(Changes, InterruptBehindSysret) {
  MYNAH_NOT_ON_HOST("it knows neither our counts nor our models");
  BareMachine m(options(Start::kLong64));
  m.s().star = uint64_t{kCode32User} << 48 | uint64_t{kCode64} << 32;
  m.s().lstar = kData;
  m.s().sfmask = 0x47700;
  m.load(kData, {0x48, 0xff, 0xc0, 0x48, 0x0f, 0x07});
  m.enter_user(true);
  m.s().eflags |= eflags::kIf;
  m.load(kUserCode, {0x0f, 0x05, 0xeb, 0xfc});  // L: syscall; jmp L
  m.vcpu->run(999);
  ASSERT_EQ(m.vcpu->instructions() % 4, 3u);
  EXPECT_EQ(m.s().pc(), kUserCode + 2);
  m.vcpu->run(3);  // in the kernel
  ASSERT_EQ(m.s().pc(), kData + 3);
  m.interrupt = 0x40;
  m.cpu->interrupt_changed();
  for (unsigned i = 0; i < 3 && !m.vector(); ++i)
    m.vcpu->run(100);  // it ends where something is to be looked at
  ASSERT_EQ(m.vector(), 0x40u);
  EXPECT_EQ(m.frame(0), kUserCode + 2);
  EXPECT_EQ(m.frame(1), kCode64User);
}

// --- segments

// A kernel's FS and its programs' null one: the same blocks.
TEST_P(Changes, FsStaysInTheBlock) {
  MYNAH_NOT_ON_HOST("it knows neither our counts nor our models");
  BareMachine m(options(Start::kProtected32));
  m.r(kRax) = kData0;
  m.r(kRbx) = 0;
  m.r(kRdi) = kRounds;
  m.r(kRdx) = m.r(kRcx) = 0;
  m.r(kRsi) = kData;
  const uint64_t before = m.vcpu->instructions();
  // L: mov fs, eax; add edx, fs:[esi]; mov fs, ebx; dec edi; jnz L; mov eax, fs:[esi]
  m.put<uint32_t>(kData, 2);
  m.run({0x8e, 0xe0, 0x64, 0x03, 0x16, 0x8e, 0xe3, 0x4f, 0x75, 0xf6, 0x64, 0x8b, 0x06}, 100'000);
  ASSERT_EQ(m.vector(), 13u);
  EXPECT_EQ(m.frame(1), kCode + 10);
  EXPECT_EQ(m.r(kRdx), 2 * kRounds);
  EXPECT_EQ(m.vcpu->instructions() - before, 5 * kRounds + 2);
  if (GetParam() != RunBy::kJit) return;
  EXPECT_LT(m.vcpu->dispatcher_stats().leaves[static_cast<unsigned>(ir::Leave::kEngine)], 20u);
  EXPECT_LT(changes(m), 20u);
}

// DS that is flat or has a base are facts of blocks.
TEST_P(Changes, DsGoesOnInItsContext) {
  MYNAH_NOT_ON_HOST("it knows neither our counts nor our models");
  BareMachine m(options(Start::kProtected32));
  m.set_descriptor(kFree, BareMachine::segment(0x100, 0xfffff, 0x92, 0xc));
  m.r(kRax) = kData0;
  m.r(kRbx) = kFree;
  m.r(kRdi) = kRounds;
  m.r(kRdx) = m.r(kRcx) = 0;
  m.r(kRsi) = kData;
  m.put<uint32_t>(kData, 2);
  m.put<uint32_t>(kData + 0x100, 3);
  const uint64_t before = m.vcpu->instructions();
  // L: push ebx; pop ds; add edx, [esi]; mov ds, eax; add ecx, [esi]; dec edi; jnz L; hlt
  m.run({0x53, 0x1f, 0x03, 0x16, 0x8e, 0xd8, 0x03, 0x0e, 0x4f, 0x75, 0xf5, 0xf4}, 100'000);
  ASSERT_TRUE(m.halted_at(kCode + 12));
  EXPECT_EQ(m.r(kRdx), 3 * kRounds);
  EXPECT_EQ(m.r(kRcx), 2 * kRounds);
  EXPECT_EQ(m.vcpu->instructions() - before, 7 * kRounds + 1);
  if (GetParam() != RunBy::kJit) return;
  EXPECT_LT(m.vcpu->dispatcher_stats().leaves[static_cast<unsigned>(ir::Leave::kEngine)], 20u);
  EXPECT_GT(changes(m), 2 * kRounds - 100);
}

// --- EFLAGS.AC for a supervisor, by whichever way the same code is come to

TEST_P(Changes, LinksKnowAccess) {
  MYNAH_NOT_ON_HOST("it knows neither our counts nor our models");
  BareMachine m(options(Start::kLong64));
  guard_user_pages(m);
  m.r(kRdx) = 0;
  // mov ecx, 1000; stac; L: mov eax, [rsi]; jmp +0; dec ecx; jnz L; clac; test edx, edx; jnz end; inc edx;
  // mov ecx, 5; jmp L; end: hlt
  m.run({0xb9, 0xe8, 0x03, 0x00, 0x00, 0x0f, 0x01, 0xcb, 0x8b, 0x06, 0xeb, 0x00, 0xff, 0xc9, 0x75, 0xf8, 0x0f,
         0x01, 0xca, 0x85, 0xd2, 0x75, 0x09, 0xff, 0xc2, 0xb9, 0x05, 0x00, 0x00, 0x00, 0xeb, 0xe8, 0xf4},
        100'000);
  ASSERT_EQ(m.vector(), 14u);
  EXPECT_EQ(m.frame(0), 1u);
  EXPECT_EQ(m.frame(1), kCode + 8);
  EXPECT_EQ(m.r(kRdx), 1u);
  EXPECT_EQ(m.r(kRcx), 5u);
  const auto links = m.vcpu->dispatcher_stats().leaves[static_cast<unsigned>(ir::Leave::kLink)];
  if (GetParam() == RunBy::kJit) EXPECT_LT(links, 30u);
}

TEST_P(Changes, JumpsKnowAccess) {
  MYNAH_NOT_ON_HOST("it knows neither our counts nor our models");
  BareMachine m(options(Start::kLong64));
  guard_user_pages(m);
  m.r(kRdi) = kCode + 10;
  // mov ecx, 1000; L: stac; jmp rdi; mov eax, [rsi]; clac; dec ecx; jnz L; jmp rdi
  m.run({0xb9, 0xe8, 0x03, 0x00, 0x00, 0x0f, 0x01, 0xcb, 0xff, 0xe7, 0x8b,
         0x06, 0x0f, 0x01, 0xca, 0xff, 0xc9, 0x75, 0xf2, 0xff, 0xe7},
        100'000);
  ASSERT_EQ(m.vector(), 14u);
  EXPECT_EQ(m.frame(1), kCode + 10);
  EXPECT_EQ(m.r(kRcx), 0u);
}

TEST_P(Changes, ReturnsKnowAccess) {
  MYNAH_NOT_ON_HOST("it knows neither our counts nor our models");
  BareMachine m(options(Start::kLong64));
  guard_user_pages(m);
  // mov ecx, 1000; L: stac; call F; clac; dec ecx; jnz L; call F; hlt; F: mov eax, [rsi]; ret
  m.run({0xb9, 0xe8, 0x03, 0x00, 0x00, 0x0f, 0x01, 0xcb, 0xe8, 0x0d, 0x00, 0x00, 0x00, 0x0f, 0x01,
         0xca, 0xff, 0xc9, 0x75, 0xf1, 0xe8, 0x01, 0x00, 0x00, 0x00, 0xf4, 0x8b, 0x06, 0xc3},
        100'000);
  ASSERT_EQ(m.vector(), 14u);
  EXPECT_EQ(m.frame(1), kCode + 26);
  EXPECT_EQ(m.r(kRcx), 0u);
}

// STAC on one side of a page's end, the access on the other.
TEST_P(Changes, PagesKnowAccess) {
  MYNAH_NOT_ON_HOST("it knows neither our counts nor our models");
  BareMachine m(options(Start::kLong64));
  guard_user_pages(m);
  m.r(kRcx) = kRounds;
  const uint64_t stac = kCode + 0x1000 - 3;
  // mov eax, [rsi]; clac; dec ecx; jnz stac; mov ecx, 7; jmp back to the access
  m.load(kCode + 0x1000,
         {0x8b, 0x06, 0x0f, 0x01, 0xca, 0xff, 0xc9, 0x75, 0xf4, 0xb9, 0x07, 0x00, 0x00, 0x00, 0xeb, 0xf0});
  m.load(stac, {0x0f, 0x01, 0xcb});
  m.run_at(stac, 100'000);
  ASSERT_EQ(m.vector(), 14u);
  EXPECT_EQ(m.frame(1), kCode + 0x1000);
  EXPECT_EQ(m.r(kRcx), 7u);
}

// --- what Linux chooses its remedies by

TEST_P(Changes, BranchHistoryControl) {
  MYNAH_NOT_ON_HOST("it knows neither our counts nor our models");
  for (const bool there : {true, false}) {
    BareOptions o = options(Start::kLong64);
    if (!there) o.cpu = "max,bhi-ctrl=off";
    BareMachine m(o);
    // mov eax, 7; mov ecx, 2; cpuid; mov esi, edx; mov ecx, 0x48; mov eax, 0x400; xor edx, edx; wrmsr; hlt
    m.run({0xb8, 7, 0, 0, 0,    0xb9, 2, 0, 0, 0,    0x0f, 0xa2, 0x89, 0xd6, 0xb9,
           0x48, 0, 0, 0, 0xb8, 0,    4, 0, 0, 0x31, 0xd2, 0x0f, 0x30, 0xf4});
    EXPECT_EQ(m.r(kRsi), there ? 1u << 4 : 0);
    EXPECT_EQ(m.vector(), there ? std::nullopt : std::optional(13u));
  }
}

}  // namespace mynah::test
