// SPDX-License-Identifier: Apache-2.0
//
// Folding and the passes keep the meaning of random regions: state, memory, sticky flags and the way out are
// the same on the evaluator.
#include "ir/passes/passes.h"

#include <gtest/gtest.h>

#include "ir/text.h"
#include "tests/ir/random_region.h"

namespace mynah::ir::test {
namespace {

struct Outcome {
  TestState state;
  std::vector<uint8_t> memory;
  uint32_t sticky = 0;
  Leave leave{};
  int32_t pc_offset = 0;
  unsigned guards = 0;
};

Outcome run(const Region& r, uint64_t seed) {
  Random random(seed);
  Outcome o;
  TestHost host;
  for (auto& b : o.state.bytes) b = static_cast<uint8_t>(random.next());
  for (const char* name : {"x0", "x1", "x2", "x3", "w0", "w1"}) o.state.set(name, random.edgy());
  o.state.set("c0", random.below(2));
  o.state.set("nzcv", random.next() & kFlagMask);
  o.state.set("x8", 0x800);
  for (auto& b : host.memory) b = static_cast<uint8_t>(random.next());
  const EvalResult e = evaluate(r, o.state.bytes.data(), o.sticky, host);
  o.memory = host.memory;
  o.leave = e.leave;
  o.pc_offset = r.snapshot(r.insts[e.inst]).pc_offset;
  o.guards = host.guards;
  o.state.set("nzcv", o.state.get("nzcv") & kFlagMask);  // of some groups the others are unspecified
  return o;
}

// A guard that is not taken writes no snapshot: what the evaluator wrote into the state before asking may
// differ where guards are gone. All of it is written again by the snapshot of the way out, or it is not the
// guest's state.
void expect_same(const Region& before, const Region& after, uint64_t seed) {
  ASSERT_EQ(verify(after), "") << print(after);
  for (uint64_t k = 0; k < 4; ++k) {
    const Outcome a = run(before, seed * 4 + k), b = run(after, seed * 4 + k);
    ASSERT_EQ(a.leave, b.leave) << print(before) << print(after);
    ASSERT_EQ(a.pc_offset, b.pc_offset) << print(before) << print(after);
    ASSERT_EQ(a.sticky, b.sticky) << print(before) << print(after);
    ASSERT_TRUE(a.memory == b.memory) << print(before) << print(after);
    ASSERT_TRUE(a.state == b.state) << print(before) << print(after);
  }
}

TEST(Passes, FoldingKeepsMeaning) {
  for (uint64_t seed = 0; seed < 12000; ++seed) {
    Region r, folded;
    random_region(r, seed, seed % 2);
    rebuild_folded(r, folded);
    expect_same(r, folded, seed);
    if (testing::Test::HasFailure()) return;
  }
}

// Snapshots of merged guards are not written any more: compared after all slots that snapshots name were left
// out.
TEST(Passes, MergingKeepsMeaning) {
  unsigned before = 0, after = 0;
  for (uint64_t seed = 0; seed < 3000; ++seed) {
    Region r;
    random_region(r, seed, true);
    for (Snapshot& s : r.snapshots) s.count = 0;
    Region merged = r;
    merge_guards(merged);
    expect_same(r, merged, seed);
    before += run(r, seed).guards;
    after += run(merged, seed).guards;
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_LT(after, before * 9 / 10);
}

}  // namespace
}  // namespace mynah::ir::test
