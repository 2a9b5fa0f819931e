// SPDX-License-Identifier: Apache-2.0
//
// Declared helpers: the builder writes what one reads and forgets what it writes, passes and verifier go by
// the declaration, and the evaluator holds a helper to it.
#include <gtest/gtest.h>

#include <algorithm>

#include "ir/builder.h"
#include "ir/passes/passes.h"
#include "ir/text.h"
#include "ir/verify.h"
#include "ir_test_support.h"

namespace mynah::ir::test {
namespace {

enum : unsigned { kReader, kWriter, kLeaver, kSafepoint };

const std::vector<HelperInfo>& helpers() {
  static const std::vector<HelperInfo> table = {
      {"reader", {slot_of("x1")}, {}, false, false},
      {"writer", {}, {slot_of("x2")}, false, false},
      {"leaver", {}, {slot_of("x2")}, true, false},
      {"safepoint", {}, {}, false, true},
  };
  return table;
}

unsigned count(const Region& r, Op op) {
  return static_cast<unsigned>(
      std::count_if(r.insts.begin(), r.insts.end(), [&](const Inst& i) { return i.op == op; }));
}

class Helpers : public testing::Test {
 protected:
  Helpers() {
    b.begin(test_slots(), helpers());
    for (const char* name : {"x1", "x2", "x3"}) b.set(slot_of(name), b.add_imm(b.get(slot_of(name)), 1));
  }
  void finish() {
    b.exit(0);
    b.finish();
    ASSERT_EQ(verify(region), "") << print(region);
  }
  Region region;
  Builder b{region};
};

TEST_F(Helpers, OnlyWhatIsReadIsWritten) {
  const Value kept = b.get(slot_of("x2"));
  b.call(Type::i64, kReader);
  EXPECT_EQ(count(region, Op::set), 1u);
  EXPECT_EQ(b.get(slot_of("x2")), kept);
  finish();
  EXPECT_EQ(region.snapshots.back().count, 2u);  // x2 and x3: x1 is in memory
}

TEST_F(Helpers, OnlyWhatIsWrittenIsForgotten) {
  const Value x1 = b.get(slot_of("x1")), x2 = b.get(slot_of("x2"));
  b.call(Type::i64, kWriter);
  EXPECT_EQ(count(region, Op::set), 0u);
  EXPECT_EQ(b.get(slot_of("x1")), x1);
  EXPECT_NE(b.get(slot_of("x2")), x2);
  finish();
  // What the helper wrote is not undone by the way out.
  for (const SnapshotEntry& e : region.entries(region.snapshots.back())) EXPECT_NE(e.slot, slot_of("x2"));
}

// More than a few values in registers over a call cost more than they save.
TEST_F(Helpers, ManyValuesAreWritten) {
  for (const char* name : {"x4", "x5"}) b.set(slot_of(name), b.add_imm(b.get(slot_of(name)), 1));
  b.set(slot_of("x6"), b.i64(7));
  b.call(Type::i64, kWriter);
  EXPECT_EQ(count(region, Op::set), 6u);
  EXPECT_EQ(b.as_const(b.get(slot_of("x6"))), 7u);
  finish();
}

TEST_F(Helpers, ALeaverFindsAllOfTheState) {
  b.call(Type::i64, kLeaver);
  EXPECT_EQ(count(region, Op::set), 3u);
  finish();
  EXPECT_EQ(region.snapshots.back().count, 0u);
}

TEST_F(Helpers, GuardsMergeOverWhatIsNoSafepoint) {
  const Value base = b.get(slot_of("x8"));
  for (const unsigned helper : {kWriter, kSafepoint}) {
    const Value p = b.guard(base, {0, 8, 3}, kGuardRead);
    b.set(slot_of("x4"), b.load(Type::i64, p, 0, 3));
    b.call(Type::i64, helper);
    const Value q = b.guard(base, {0, 8, 3}, kGuardRead);
    b.set(slot_of("x5"), b.load(Type::i64, q, 0, 3));
  }
  finish();
  merge_guards(region);
  EXPECT_EQ(count(region, Op::guard), 2u) << print(region);
}

TEST_F(Helpers, VerifierKnowsThem) {
  const Value v = b.call(Type::i64, kReader);
  finish();
  region.insts[v].imm = helpers().size();
  EXPECT_NE(verify(region).find("no such helper"), std::string::npos);
  region.insts[v].imm = kReader;
  region.insts[v].snapshot = static_cast<uint32_t>(region.snapshots.size() - 1);
  EXPECT_NE(verify(region).find("its helper finds not all of its state in memory"), std::string::npos);
}

class Misbehaving : public TestHost {
 public:
  explicit Misbehaving(TestState& state) : state_(state) {}
  bool call(const Region&, const Inst&, const uint64_t[4], uint64_t& result) override {
    result = 0;
    if (!written.empty()) state_.set(written, state_.get(written) + 1);
    return goes_on;
  }
  bool checks_helpers() const override { return checks; }
  std::string written;
  bool goes_on = true, checks = true;

 private:
  TestState& state_;
};

TEST_F(Helpers, EvaluatorHoldsThemToIt) {
  b.call(Type::i64, kWriter);
  finish();
  TestState state;
  Misbehaving host(state);
  uint32_t sticky = 0;
  const auto run = [&] { evaluate(region, state.bytes.data(), sticky, host); };
  host.written = "x2";
  run();
  host.written = "x3";
  EXPECT_DEATH(run(), "helper writer writes x3, and has not said that it might");
  host.checks = false;
  run();
  host.checks = true;
  host.written.clear();
  host.goes_on = false;
  EXPECT_DEATH(run(), "helper writer leaves, and has not said that it might");
}

}  // namespace
}  // namespace mynah::ir::test
