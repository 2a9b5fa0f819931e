// SPDX-License-Identifier: Apache-2.0
//
// What compiling costs: run with --gtest_also_run_disabled_tests --gtest_filter='*Compile*'. The region is a
// typical block of ten guest instructions; the figures are for looking at, not for failing.
#include <gtest/gtest.h>

#include <cstdio>
#include <ctime>

#include "harness.h"

namespace mynah::ir::testing {
namespace {

void build_block(Machine& m) {
  Builder& b = m.begin();
  m.region.guest_insts = 10;
  const auto x = [&](unsigned i) { return b.get(static_cast<Slot>(kX0 + i)); };
  const auto set = [&](unsigned i, Value v) { b.set(static_cast<Slot>(kX0 + i), v); };
  // add x0, x1, x2; lsr x3, x0, #4; and x3, x3, #0xff; ldr x4, [x5, #8]; add w6, w4, w3; str x6, [x5, #16];
  // ldrb w7, [x8]; mov x9, #7; subs w7, w7, #1; b.ne
  b.at(0, 0);
  set(0, b.add(x(1), x(2)));
  b.at(4, 1);
  set(3, b.emit(Op::lshr, Type::i64, x(0), b.i64(4)));
  b.at(8, 2);
  set(3, b.binary(Op::and_, x(3), b.i64(0xff)));
  b.at(12, 3);
  Value p = b.guard(x(5), {8, 8, 3}, kGuardRead);
  set(4, b.load(Type::i64, p, 8, 3));
  b.at(16, 4);
  set(6, b.zext32(b.add(b.trunc(x(4)), b.trunc(x(3)))));
  b.at(20, 5);
  p = b.guard(x(5), {16, 8, 3}, kGuardWrite);
  b.store(p, 16, x(6), 3);
  b.at(24, 6);
  p = b.guard(x(8), {0, 1, 0}, kGuardRead);
  set(7, b.zext32(b.load(Type::i32, p, 0, 0)));
  b.at(28, 7);
  set(9, b.i64(7));
  b.at(32, 8);
  const Value w = b.trunc(x(7));
  const Value one = b.i32(1);
  const Value r = b.sub(w, one);
  const Value f = b.emit(Op::fl_sub, Type::flags, w, one);
  set(7, b.zext32(r));
  b.set(kFlagsSlot, f);
  b.at(40, 10);
  b.exit_if(b.cond(Cond::ne, f), 0);
  b.exit(40);
  b.finish();
}

double cpu_ns() {
  timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return 1e9 * static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec);
}

TEST(Speed, DISABLED_Compile) {
  Machine m(false, false);
  build_block(m);
  constexpr int kRounds = 200000;
  const double start = cpu_ns();
  for (int i = 0; i < kRounds; ++i) m.compile_region();
  const double ns = (cpu_ns() - start) / kRounds;
  const double built = cpu_ns();
  for (int i = 0; i < kRounds; ++i) build_block(m);
  const double build = (cpu_ns() - built) / kRounds;
  std::printf(
      "compile: %.0f ns a region, %.1f a guest instruction, %.1f an IR instruction (%zu); %u bytes; "
      "building: %.0f ns\n",
      ns, ns / m.region.guest_insts, ns / static_cast<double>(m.region.insts.size()), m.region.insts.size(),
      m.code.size, build);
}

}  // namespace
}  // namespace mynah::ir::testing
