// SPDX-License-Identifier: Apache-2.0
//
// evaluate(): state, memory, leaving, and what the host is asked.
#include <gtest/gtest.h>

#include "ir/text.h"
#include "ir/verify.h"
#include "tests/ir/ir_test_support.h"

namespace mynah::ir::test {
namespace {

class EvalRegion : public testing::Test {
 protected:
  EvalResult run(const std::string& lines) {
    const std::string error = parse("region @0x1000 {\n" + lines + "}\n", test_slots(), region);
    EXPECT_EQ(error, "");
    EXPECT_EQ(verify(region), "");
    return evaluate(region, state.bytes.data(), sticky, host);
  }

  Region region;
  TestHost host;
  TestState state;
  uint32_t sticky = 0;
};

TEST_F(EvalRegion, StateAndExit) {
  state.set("x1", 20);
  const EvalResult e = run(R"(
  %0:i64 = get x1
  %1:i64 = const 22
  %2:i64 = add %0, %1
  set x3, %0
  exit @0x1004 #1 {x2=%2}
)");
  EXPECT_EQ(e.leave, Leave::kLink);
  EXPECT_EQ(e.inst, 4u);
  EXPECT_EQ(state.get("x2"), 42u);
  EXPECT_EQ(state.get("x3"), 20u);
}

TEST_F(EvalRegion, ExitIf) {
  const char* text = R"(
  %0:i64 = get x1
  %1:i1 = icmpz.eq %0
  exit_if %1, 0x1040 @0x1000 #1 {x2=%0}
  exit_indirect.return %0 @0x1004 #2 {x3=%0}
)";
  state.set("x2", 7);
  EXPECT_EQ(run(text).inst, 2u);
  EXPECT_EQ(state.get("x2"), 0u);
  state.set("x1", 9);
  state.set("x2", 7);
  const EvalResult e = run(text);
  EXPECT_EQ(e.leave, Leave::kIndirect);
  EXPECT_EQ(e.target, 9u);
  EXPECT_EQ(state.get("x2"), 7u);
  EXPECT_EQ(state.get("x3"), 9u);
}

TEST_F(EvalRegion, Engine) {
  state.set("x1", 9);
  EvalResult e = run("%0:i64 = get x1\nexit_engine 3, 77, %0 @0x1004 #2\n");
  EXPECT_EQ(e.leave, Leave::kEngine);
  EXPECT_EQ(e.target, 9u);
  e = run("exit_engine 3, 77 @0x1004 #2\n");
  EXPECT_EQ(e.target, 0u);
}

TEST_F(EvalRegion, Memory) {
  const uint64_t x = 0x8182838485868788;
  std::memcpy(host.memory.data() + 0x100, &x, 8);
  state.set("x0", 0x110);
  run(R"(
  %0:i64 = get x0
  %1:ptr = guard.write.rw %0, -16..32 by 8 @0x1000 #0
  %2:i64 = load.b [%1 + -16]
  %3:i64 = load.h.signed [%1 + -16]
  %4:i32 = load.b.signed [%1 + -15]
  %5:i64 = load.s.signed [%1 + -16]
  %6:v128 = load.q [%1 + -16]
  %7:f32 = load.s [%1 + -12]
  store.h [%1], %5
  store.q [%1 + 8], %6
  store.s [%1 + 24], %7
  exit @0x1004 #1 {x1=%2, x2=%3, w0=%4, x3=%5, s0=%7}
)");
  EXPECT_EQ(state.get("x1"), 0x88u);
  EXPECT_EQ(state.get("x2"), 0xffffffffffff8788u);
  EXPECT_EQ(state.get("w0"), 0xffffff87u);
  EXPECT_EQ(state.get("x3"), 0xffffffff85868788u);
  EXPECT_EQ(state.get("s0"), 0x81828384u);
  uint64_t y[3];
  std::memcpy(y, host.memory.data() + 0x110, 24);
  EXPECT_EQ(y[0], 0x8788u);
  EXPECT_EQ(y[1], x);
  EXPECT_EQ(host.memory[0x128], 0x84);
}

TEST_F(EvalRegion, Atomics) {
  // Each old value, and what is left in memory, at every size and misaligned as well.
  struct Case {
    const char* op;
    uint64_t before, operand, after;
  };
  for (const uint64_t address : {0x100, 0x101}) {
    for (const Case& t : {Case{"xchg.b", 0x1181, 0x22, 0x1122}, Case{"rmw_add.b", 0x1181, 0x80, 0x1101},
                          Case{"rmw_andn.h", 0xffff, 0xf0, 0xff0f}, Case{"rmw_or.h", 0x11, 0x100, 0x111},
                          Case{"rmw_xor.s", 0x11, 0x10, 0x1}, Case{"rmw_smax.b", 0x11fe, 0x1, 0x1101},
                          Case{"rmw_smin.b", 0x1101, 0xfe, 0x11fe}, Case{"rmw_umax.b", 0x1101, 0xfe, 0x11fe},
                          Case{"rmw_umin.d", 0xffffffffffffffff, 3, 3}}) {
      std::memcpy(host.memory.data() + address, &t.before, 8);
      state.set("x0", address);
      state.set("x1", t.operand);
      run("%0:i64 = get x0\n%1:i64 = get x1\n%2:ptr = guard.write.rw %0, 0..8 by 8 @0x1000 #0\n%3:i64 = " +
          std::string(t.op) + " [%2], %1\nexit @0x1004 #1 {x2=%3}\n");
      uint64_t after;
      std::memcpy(&after, host.memory.data() + address, 8);
      EXPECT_EQ(after, t.after) << t.op;
      const std::string op = t.op;
      const unsigned bits = op.ends_with(".b") ? 8 : op.ends_with(".h") ? 16 : op.ends_with(".s") ? 32 : 64;
      EXPECT_EQ(state.get("x2"), bits == 64 ? t.before : t.before & ((1ull << bits) - 1)) << t.op;
    }
  }
}

TEST_F(EvalRegion, CompareAndSwap) {
  alignas(16) static uint8_t cells[4096];
  host.memory.assign(cells, cells + sizeof cells);
  const size_t misfit = reinterpret_cast<uintptr_t>(host.memory.data()) % 16;
  for (const uint64_t address : {0x100 - misfit, 0x108 - misfit}) {
    const V128 old{5, 6};
    std::memcpy(host.memory.data() + address, &old, 16);
    state.set("x0", address);
    state.set("x1", 5);
    const char* text = R"(
  %0:i64 = get x0
  %1:i64 = get x1
  %2:i64 = const 9
  %3:ptr = guard.write.rw %0, 0..16 by 16 @0x1000 #0
  %4:i64 = cas.s [%3], %1, %2
  %5:v128 = const 0x6:0x9
  %6:v128 = const 0x10:0x11
  %7:v128 = cas128.q [%3], %5, %6
  %8:v128 = cas128.q [%3], %5, %6
  exit @0x1004 #1 {x2=%4, v0=%7, v1=%8}
)";
    run(text);
    EXPECT_EQ(state.get("x2"), 5u);
    EXPECT_EQ(state.get("v0"), 9u);
    EXPECT_EQ(state.get("v1"), 0x11u);
    V128 now;
    std::memcpy(&now, host.memory.data() + address, 16);
    EXPECT_EQ(now, (V128{0x11, 0x10}));
  }
}

TEST_F(EvalRegion, FailedGuardLeavesSnapshot) {
  state.set("x0", 0x100000);
  state.set("x1", 3);
  const EvalResult e = run(R"(
  %0:i64 = get x0
  %1:ptr = guard.read %0, 0..8 by 8 @0x1008 #2 {x1=%0}
  exit @0x100c #3 {x2=%0}
)");
  EXPECT_EQ(e.leave, Leave::kGuard);
  EXPECT_EQ(e.inst, 1u);
  EXPECT_EQ(state.get("x1"), 0x100000u);
  EXPECT_EQ(state.get("x2"), 0u);
}

TEST_F(EvalRegion, CallsAndCommits) {
  const char* text = R"(
  %0:i64 = get x0
  %1:ptr = guard.write.slow %0, 0..8 by 8 @0x1000 #0
  store.d [%1], %0
  commit %1 @0x1000 #0
  %4:i64 = call 5, %0, _, %0 @0x1004 #1 {x1=%0}
  exit @0x1008 #2 {x2=%4}
)";
  state.set("x0", 0x20);
  EXPECT_EQ(run(text).leave, Leave::kLink);
  EXPECT_EQ(state.get("x1"), 0x20u);
  EXPECT_EQ(state.get("x2"), 0x45u);
  host.failing_call = 5;
  EvalResult e = run(text);
  EXPECT_EQ(e.leave, Leave::kCall);
  EXPECT_EQ(e.inst, 4u);
  host.failing_commit = host.commits + 1;
  e = run(text);
  EXPECT_EQ(e.leave, Leave::kGuard);
  EXPECT_EQ(e.inst, 3u);
}

// Parameters that a loop exchanges: Fibonacci, and Euclid's algorithm.
TEST_F(EvalRegion, Loops) {
  state.set("x0", 10);
  run(R"(
block0:
  %0:i64 = get x0
  %1:i64 = const 0
  %2:i64 = const 1
  jump block1(%0, %1, %2)
block1:
  %4:i64 = param
  %5:i64 = param
  %6:i64 = param
  %7:i64 = sub %4, %2
  %8:i64 = add %5, %6
  %9:i1 = icmpz.eq %7
  branch %9, block2(%6), block1(%7, %6, %8)
block2:
  %11:i64 = param
  exit @0x1004 #1 {x1=%11}
)");
  EXPECT_EQ(state.get("x1"), 55u);
  state.set("x0", 1071);
  state.set("x1", 462);
  run(R"(
block0:
  %0:i64 = get x0
  %1:i64 = get x1
  jump block1(%0, %1)
block1:
  %3:i64 = param
  %4:i64 = param
  %5:i64 = udiv %3, %4
  %6:i64 = mul %5, %4
  %7:i64 = sub %3, %6
  %8:i1 = icmpz.eq %7
  branch %8, block2, block1(%4, %7)
block2:
  exit @0x1004 #1 {x2=%4}
)");
  EXPECT_EQ(state.get("x2"), 21u);
}

TEST_F(EvalRegion, StickyFlagsAndLargeRegions) {
  std::string text = "%0:v128 = const 0x7f7f7f7f7f7f7f7f:0x7f7f7f7f7f7f7f7f\n%1:v128 = vsqadd.b %0, %0\n";
  for (int i = 2; i < 1500; ++i)
    text += "%" + std::to_string(i) + ":v128 = vsqadd.b %0, %" + std::to_string(i - 1) + "\n";
  text += "exit @0x1004 #1 {v0=%1499}\n";
  run(text);
  EXPECT_EQ(state.get("v0"), 0x7f7f7f7f7f7f7f7fu);
  EXPECT_EQ(sticky, 1u << 27);
}

}  // namespace
}  // namespace mynah::ir::test
