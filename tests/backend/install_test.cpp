// SPDX-License-Identifier: Apache-2.0
//
// Compiled code is plain data that runs wherever it is installed, and is changed there while it runs.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <thread>
#include <type_traits>

#include "harness.h"

namespace mynah::ir::testing {
namespace {

Slot x(unsigned i) { return static_cast<Slot>(kX0 + i); }

// Everything that depends on the place: calls of thunks on the way and out of it, constants, and what has an
// immediate behind its distance.
void build_all_kinds(Machine& m) {
  Builder& b = m.begin();
  m.region.guest_insts = 2;
  b.at(0, 0);
  b.set(x(0), b.add_imm(b.get(x(0)), 1));
  const Value p = b.guard(b.get(x(1)), {0, 8, 3}, kGuardRead);
  b.set(x(2), b.load(Type::i64, p, 0, 3));
  b.set(kV0, b.vec(Op::vcnt, 0, b.get(kV0 + 1)));
  b.set(kD0, b.emit(Op::fadd, Type::f64, b.emit(Op::vlow, Type::f64, b.get(kV0 + 2)),
                    b.emit(Op::vlow, Type::f64, b.get(kV0 + 3))));
  b.at(4, 1);
  b.exit_if(b.icmpz(Cond::eq, b.get(x(4))), 0x40);
  b.at(8, 2);
  b.exit(0x1008);
  b.finish();
}

State start_state() {
  State s{};
  s.x[1] = kGuestBase + 16;
  s.v[1] = {0x0123456789abcdef, ~uint64_t{0}};
  s.v[2] = {0x3ff8000000000000, 0};  // 1.5
  s.v[3] = {0x4002000000000000, 0};  // 2.25
  return s;
}

// As if each vector had been written to a file and read again.
template <typename T>
std::vector<T> through_bytes(const std::vector<T>& from, size_t n) {
  static_assert(std::is_trivially_copyable_v<T>);
  std::vector<uint8_t> bytes(n * sizeof(T));
  if (n) std::memcpy(bytes.data(), from.data(), bytes.size());
  std::vector<T> to(n);
  if (n) std::memcpy(to.data(), bytes.data(), bytes.size());
  return to;
}
CompiledCode through_bytes(const CompiledCode& code) {
  return {.buffer = through_bytes(code.buffer, code.size),
          .size = code.size,
          .relocations = through_bytes(code.relocations, code.relocations.size()),
          .sites = through_bytes(code.sites, code.sites.size()),
          .saved = through_bytes(code.saved, code.saved.size())};
}

TEST(Install, RunsAtTwoPlaces) {
  Machine m;
  build_all_kinds(m);
  m.compile();
  const CodeSpan first = m.span();
  const CodeSpan second = m.install(through_bytes(m.code));
  ASSERT_NE(first.execute, second.execute);
  EXPECT_FALSE(m.code.relocations.empty());
  // Distances differ, everything else is the same.
  std::vector<uint8_t> here(first.execute, first.execute + first.size);
  std::vector<uint8_t> there(second.execute, second.execute + second.size);
  EXPECT_NE(here, there);
  for (const Relocation& r : m.code.relocations)
    for (unsigned i = 0; i < 4; ++i) here[r.offset + i] = there[r.offset + i] = 0;
  EXPECT_EQ(here, there);

  State results[2];
  for (unsigned i = 0; i < 2; ++i) {
    for (const uint64_t side : {0, 1}) {
      m.clear_tlb();
      m.state() = start_state();
      m.state().x[4] = side;
      const uint8_t* at = (i ? second : first).execute;
      // A guard that misses is looked up by where it was installed.
      m.select_span(i ? second : first);
      EXPECT_EQ(m.run(at, 20), Leave::kLink);
      EXPECT_EQ(m.site().imm, side ? 0x1008u : 0x40u);
    }
    results[i] = m.state();
  }
  EXPECT_EQ(difference(results[0], results[1]), "");
  EXPECT_EQ(results[0].x[0], 1u);
  EXPECT_EQ(results[0].d, 0x400e000000000000u);  // 3.75
  EXPECT_EQ(results[0].v[0].hi, 0x0808080808080808u);
}

// The same region twice is the same bytes, whatever was compiled between: nothing is kept.
TEST(Install, CompilersKeepNothing) {
  Machine m;
  CompiledCode first, second, other;
  build_all_kinds(m);
  ASSERT_TRUE(m.compiler->compile(m.region, first));
  const auto another = m.backend->make_compiler();
  Machine n;
  n.begin();
  for (unsigned i = 0; i < 20; ++i) n.b.set(x(i), n.b.add(n.b.get(x(i)), n.b.get(x(i + 1))));
  n.b.exit(0x2000);
  n.b.finish();
  ASSERT_TRUE(m.compiler->compile(n.region, other));
  ASSERT_TRUE(m.compiler->compile(m.region, other));
  ASSERT_TRUE(another->compile(m.region, second));
  EXPECT_TRUE(std::ranges::equal(first.bytes(), other.bytes()));
  EXPECT_TRUE(std::ranges::equal(first.bytes(), second.bytes()));
}

// Two threads, a compiler each.
TEST(Install, CompilersOfTwoThreads) {
  Machine m;
  build_all_kinds(m);
  CompiledCode expected;
  ASSERT_TRUE(m.compiler->compile(m.region, expected));
  std::atomic<unsigned> wrong = 0;
  const auto work = [&] {
    const auto compiler = m.backend->make_compiler();
    CompiledCode code;
    for (unsigned i = 0; i < 2000; ++i)
      if (!compiler->compile(m.region, code) || !std::ranges::equal(code.bytes(), expected.bytes())) ++wrong;
  };
  std::thread a(work), b(work);
  a.join();
  b.join();
  EXPECT_EQ(wrong, 0u);
}

// --- patching while another thread runs the code

// x0 = 1, then out.
CodeSpan make_target(Machine& m) {
  Builder& b = m.begin();
  b.set(x(0), b.i64(1));
  b.at(4, 1);
  b.exit(0x80);
  m.compile();
  return m.span();
}

// Code whose exit lies at `place` of an aligned word: longer and longer, until it does.
bool make_exit_at(Machine& m, unsigned place) {
  for (unsigned n = 0; n < 4096; ++n) {
    Builder& b = m.begin();
    m.region.smp = true;
    for (unsigned i = 0; i < 6; ++i)
      for (unsigned k = 0; k < (n >> 2 * i & 3); ++k)
        b.set(x(4 + 3 * i + k), b.add_imm(b.get(x(1)), 200 * (i & 1) + k + 1));
    b.set(kW0, b.i32(static_cast<int32_t>(n)));
    b.at(4, 1);
    b.exit(0x40);
    m.compile();
    const Site& site = m.code.sites[0];
    if ((reinterpret_cast<uintptr_t>(m.span().write) + site.offset - 5) % 8 == place) return true;
  }
  return false;
}

class Patching : public ::testing::TestWithParam<unsigned> {};

TEST_P(Patching, WhileTheCodeRuns) {
  const unsigned place = GetParam();
  Machine m;
  const CodeSpan target = make_target(m);
  ASSERT_TRUE(make_exit_at(m, place));
  const CodeSpan here = m.span();
  const Site site = m.code.sites[0];
  const Patch link = Patch::link(site, target.execute);
  const Patch unlink = Patch::unlink(site.offset);
  EXPECT_EQ(m.backend->needs_safepoint(here, link), place > 3);
  EXPECT_EQ(m.backend->needs_safepoint(here, unlink), place > 3);
  EXPECT_TRUE(
      m.backend->needs_safepoint(here, Patch::link_page(site, {NameKind::kCommon, 5, 0}, target.execute)));
  EXPECT_FALSE(m.backend->needs_safepoint(here, Patch::kill()));
  if (place > 3) return;

  std::jthread patcher([&](std::stop_token stop) {
    while (!stop.stop_requested()) {
      m.backend->patch(here, link);
      m.backend->patch(here, unlink);
    }
  });
  unsigned linked = 0, unlinked = 0;
  for (unsigned i = 0; i < 20'000 || !linked || !unlinked; ++i) {
    m.state().x[0] = 0;
    ASSERT_EQ(m.run(here.execute, 20), Leave::kLink);
    if (m.state().x[0]) {
      ++linked;
      ASSERT_EQ(m.rt->counter, 18);
    } else {
      ++unlinked;
      ASSERT_EQ(m.rt->counter, 19);
      ASSERT_EQ(m.rt->exit_site, reinterpret_cast<uint64_t>(here.execute) + site.offset);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Places, Patching, ::testing::Range(0u, 8u));

// A block that is killed, forwarded and revived while it runs.
TEST(PatchingEntries, WhileTheCodeRuns) {
  Machine m;
  const CodeSpan target = make_target(m);
  ASSERT_TRUE(make_exit_at(m, 0));
  const CodeSpan here = m.span();
  std::jthread patcher([&](std::stop_token stop) {
    while (!stop.stop_requested()) {
      const uint64_t entry = m.backend->patch(here, Patch::kill());
      m.backend->patch(here, Patch::forward(target.execute));
      m.backend->patch(here, Patch::revive(entry));
    }
  });
  bool dead = false, forwarded = false, live = false;
  for (unsigned i = 0; i < 50'000 || !(dead && forwarded && live); ++i) {
    m.state().x[0] = 0;
    const Leave leave = m.run(here.execute, 20);
    if (leave == Leave::kDead) {
      dead = true;
      ASSERT_EQ(m.rt->counter, 20);
    } else {
      ASSERT_EQ(leave, Leave::kLink);
      (m.state().x[0] ? forwarded : live) = true;
      const uint64_t left_at = m.state().x[0] ? m.rt->exit_site - reinterpret_cast<uint64_t>(target.execute)
                                              : m.rt->exit_site - reinterpret_cast<uint64_t>(here.execute);
      ASSERT_LE(left_at, m.state().x[0] ? target.size : here.size);
    }
  }
}

}  // namespace
}  // namespace mynah::ir::testing
