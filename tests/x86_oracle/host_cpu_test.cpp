// SPDX-License-Identifier: Apache-2.0
//
// The host's processor as an oracle: registers, flags, memory and exceptions come back as the manual has
// them.
#include "tests/x86_oracle/host_cpu.h"

#include <gtest/gtest.h>

#include <chrono>

namespace mynah::x86_oracle {
namespace {

HostCpu& host() {
  static std::string why;
  return *HostCpu::get(why);
}

Case make(std::initializer_list<int> code, Mode mode = Mode::k64) {
  Case c;
  c.mode = mode;
  for (const int b : code) c.code[c.length++] = static_cast<uint8_t>(b);
  for (unsigned i = 0; i < 16; ++i) c.state.gpr[i] = 0x1111 * i;
  c.state.fs_base = kData + 8;
  c.state.gs_base = kData + 16;
  return c;
}

TEST(HostCpu, RegistersAndFlags) {
  Case c = make({0x48, 0x01, 0xc8});  // add rax, rcx
  c.state.gpr[kRax] = 0x7fffffffffffffff;
  c.state.gpr[kRcx] = 1;
  c.state.rflags = 0x202 | kCf | kDf;
  host().run(c);
  EXPECT_EQ(c.outcome.vector, kNone);
  EXPECT_EQ(c.state.gpr[kRax], 0x8000000000000000);
  EXPECT_EQ(c.state.rflags & kComparedFlags, kOf | kSf | kAf | kPf | kDf);
  EXPECT_EQ(c.state.gpr[15], 0x1111u * 15);
  EXPECT_EQ(c.state.gpr[kRsp], 0x4444u);
  EXPECT_EQ(c.state.rip, kCode + 3);
}

TEST(HostCpu, Memory32) {
  if (!host().has_32bit()) GTEST_SKIP() << "no 32-bit code segment";
  Case c = make({0x50}, Mode::k32);  // push eax
  c.state.gpr[kRsp] = kData + 0x1004;
  c.state.gpr[kRax] = 0x12345678;
  host().run(c);
  EXPECT_EQ(c.outcome.vector, kNone);
  EXPECT_EQ(c.state.gpr[kRsp], kData + 0x1000);
  EXPECT_EQ(c.data[0x1003], 0x12);
  c = make({0x64, 0xa1, 0x00, 0x10, 0, 0}, Mode::k32);  // mov eax, fs:[0x1000]
  c.data[0] = 77;
  host().run(c);
  EXPECT_EQ(c.state.gpr[kRax], 77u);
}

TEST(HostCpu, Faults) {
  Case c = make({0x48, 0x8b, 0x01});  // mov rax, [rcx]
  c.state.gpr[kRcx] = kData + kDataBytes - 4;
  host().run(c);
  EXPECT_EQ(c.outcome, (Outcome{kPage, 4, kData + kDataBytes}));
  EXPECT_EQ(c.state.rip, kCode);
  c = make({0x48, 0x8b, 0x01});
  c.state.gpr[kRcx] = uint64_t{1} << 63;
  host().run(c);
  EXPECT_EQ(c.outcome, (Outcome{kProtection, 0, 0}));
  c = make({0xf7, 0xf1});  // div ecx
  c.state.gpr[kRcx] = 0;
  host().run(c);
  EXPECT_EQ(c.outcome.vector, kDivide);
  EXPECT_EQ(c.state.gpr[kRax], 0u);
  EXPECT_EQ(c.state.gpr[15], 0x1111u * 15);
  c = make({0x0f, 0x0b});
  host().run(c);
  EXPECT_EQ(c.outcome.vector, kUndefined);
  c = make({0xcc});
  host().run(c);
  EXPECT_EQ(c.outcome.vector, kBreakpoint);
}

TEST(HostCpu, BranchesEndAtTheirTarget) {
  Case c = make({0xeb, 0x10});
  c.branches = true;
  host().run(c);
  EXPECT_EQ(c.outcome.vector, kNone);
  EXPECT_EQ(c.state.rip, kCode + 0x12);
  c = make({0xeb, 0xfe});
  c.branches = true;
  host().run(c);
  EXPECT_EQ(c.outcome.vector, kHang);
}

TEST(HostCpu, FloatingPoint) {
  Case c = make({0xd8, 0xc1});  // fadd st, st(1)
  const uint8_t one[10] = {0, 0, 0, 0, 0, 0, 0, 0x80, 0xff, 0x3f};
  std::memcpy(c.state.st[0], one, 10);
  std::memcpy(c.state.st[1], one, 10);
  c.state.ftw = 0xc0;
  c.state.fsw = 6 << 11;
  for (unsigned i = 0; i < 16; ++i) c.state.ymm[i][3] = i + 5;
  host().run(c);
  EXPECT_EQ(c.state.st[0][8], 0);
  EXPECT_EQ(c.state.st[0][9], 0x40);
  EXPECT_EQ(c.state.ftw, 0xc0);
  EXPECT_EQ(c.state.fsw, 6 << 11);
  EXPECT_EQ(c.state.ymm[15][3], 20u);
  c = make({0x0f, 0x5e, 0xc1});  // divps
  c.state.mxcsr = 0x1f80 & ~0x200;
  c.state.ymm[0][0] = 0x3f8000003f800000;
  c.state.ymm[7][2] = 3;
  host().run(c);
  EXPECT_EQ(c.outcome.vector, kSimd);
  EXPECT_EQ(c.state.mxcsr & 0x3f, 5u);
  EXPECT_EQ(c.state.ymm[7][2], 3u);
}

TEST(HostCpu, Bases) {
  if (!host().has_bases()) GTEST_SKIP() << "FS and GS bases cannot be set in user mode";
  Case c = make({0x64, 0x8b, 0x04, 0x25, 0, 0, 0, 0});  // mov eax, fs:[0]
  c.data[8] = 55;
  host().run(c);
  EXPECT_EQ(c.state.gpr[kRax], 55u);
  c = make({0xf3, 0x48, 0x0f, 0xae, 0xd1});  // wrfsbase rcx
  host().run(c);
  EXPECT_EQ(c.state.fs_base, 0x1111u);
  EXPECT_EQ(c.state.gs_base, kData + 16);
}

TEST(HostCpu, IsFast) {
  Case c = make({0x48, 0x01, 0xc8}), fault = make({0x0f, 0x0b});
  const auto start = std::chrono::steady_clock::now();
  constexpr unsigned kRuns = 2000;
  for (unsigned i = 0; i < kRuns; ++i) {
    Case d = i % 4 ? c : fault;
    host().run(d);
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  RecordProperty("cases_a_second", std::to_string(kRuns / seconds.count()));
  std::printf("%.0f cases a second\n", kRuns / seconds.count());
}

}  // namespace
}  // namespace mynah::x86_oracle
