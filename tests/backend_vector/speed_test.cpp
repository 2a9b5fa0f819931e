// SPDX-License-Identifier: Apache-2.0
//
// What the ways out of line cost: run with --gtest_also_run_disabled_tests --gtest_filter='*Speed*'. Ten
// additions, of numbers (native), of NaNs (cold stubs, which keep every register) and in a flushing mode (the
// generic expansion, in front of which values that are live are spilled), with a number of values that live
// across.
#include <gtest/gtest.h>

#include <cstdio>
#include <ctime>

#include "op_check.h"

namespace mynah::ir::testing {
namespace {

double measure(Machine& m, bool flush, bool nan, unsigned live) {
  Builder& b = m.begin();
  m.region.fp.flush = flush;
  b.at(0, 0);
  Value x = b.emit(Op::vlow, Type::f64, b.get(kV0));
  const Value y = b.emit(Op::vlow, Type::f64, b.get(kV0 + 1));
  std::vector<Value> kept;
  for (unsigned i = 0; i < live; ++i)
    kept.push_back(b.vec(Op::vnot, 0, b.get(static_cast<Slot>(kV0 + 2 + i))));
  for (unsigned i = 0; i < 10; ++i) {
    x = b.emit(Op::fadd, Type::f64, x, y);
    // Each step uses one of them.
    if (live) kept[i % live] = b.vec(Op::vadd, 3, kept[i % live], kept[(i + 1) % live]);
  }
  b.set(kD0, x);
  for (unsigned i = 0; i < live; ++i) b.set(static_cast<Slot>(kV0 + 2 + i), kept[i]);
  const uint8_t* code = m.compile();
  m.rt->fp_mode = m.region.fp;
  m.state() = {};
  m.state().v[0].lo = nan ? 0x7ff8000000000000 : 0x3ff0000000000000;
  m.state().v[1].lo = 0x3ff0000000000000;
  constexpr int kRounds = 50000;
  timespec from, to;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
  for (int i = 0; i < kRounds; ++i) m.run(code);
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
  const double ns =
      1e9 * static_cast<double>(to.tv_sec - from.tv_sec) + static_cast<double>(to.tv_nsec - from.tv_nsec);
  return ns / kRounds / 10;
}

TEST(Speed, DISABLED_OutOfLine) {
  Machine m(false, false);
  for (const unsigned live : {0, 2, 4, 8, 10})
    std::printf("%2u live: native %.1f ns, cold %.1f ns, generic %.1f ns an op\n", live,
                measure(m, false, false, live), measure(m, false, true, live), measure(m, true, true, live));
}

}  // namespace
}  // namespace mynah::ir::testing
