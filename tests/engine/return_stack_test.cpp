// SPDX-License-Identifier: Apache-2.0
//
// Calls and returns: paired, not paired, deeper than the return stack; and returns to where the code is
// another one since the call.
#include "tests/engine/engine_test.h"

namespace mynah::test {
namespace {

using namespace a64asm;

class ReturnStack : public EngineTest {};
MYNAH_BOTH_ACCELERATORS(ReturnStack);

constexpr uint64_t kVa = kRam + (64 << 20);  // within a BL's reach
enum Label { kLoop, kFunction, kInner, kElsewhere, kEnd };

// Translated code that knows no jump cache still returns without C++.
TEST(ReturnStackAlone, FindsReturns) {
  for (const bool on : {false, true}) {
    BareOptions options;
    options.techniques.jump_cache = false;
    options.techniques.return_stack = on;
    BareMachine m(options);
    Code c(kCode);
    c(movz(9, 1000), movz(0, 0)).bind(kLoop).bl(kFunction)(subs_imm(9, 9, 1)).b_cc(kNe, kLoop)(hvc(0));
    c.bind(kFunction)(mov(5, 30)).bl(kInner).bl(kInner)(ret(5));
    c.bind(kInner)(add_imm(0, 0, 1), ret());
    m.load(c);
    ASSERT_TRUE(m.run_to_hvc());
    EXPECT_EQ(m.x(0), 2000u);
    const uint64_t left = m.vcpu->dispatcher_stats().leaves[static_cast<unsigned>(ir::Leave::kIndirect)];
    if (on)
      EXPECT_LT(left, 20u);
    else
      EXPECT_GT(left, 2900u);
  }
}

// Each level leaves its mark on the way back.
TEST_P(ReturnStack, DeepRecursion) {
  BareOptions large = options();
  large.mmu = false;  // all of RAM
  BareMachine m(large);
  const uint64_t depth = jit() ? 700'000 : 20'000;
  Code c(kCode);
  c.load(1, kRam + (20 << 20)).load(9, depth)(add_imm(kSp, 1, 0), movz(0, 0)).bl(kFunction)(hvc(0));
  c.bind(kFunction)(stp_pre(9, 30, kSp, -16), subs_imm(9, 9, 1)).b_cc(kEq, kEnd).bl(kFunction);
  c.bind(kEnd)(ldp_post(9, 30, kSp, 16), ror_imm(0, 0, 7), add(0, 0, 9), ret());
  m.load(c);
  ASSERT_TRUE(m.run_to_hvc());
  EXPECT_FALSE(m.vector());
  uint64_t expected = 0;
  for (uint64_t i = 1; i <= depth; ++i) expected = (expected >> 7 | expected << 57) + i;
  EXPECT_EQ(m.x(0), expected);
}

TEST_P(ReturnStack, CallsThatNeverReturn) {
  BareMachine m(options());
  const uint64_t calls = jit() ? 3'000'000 : 30'000;
  Code c(kCode);
  c.load(9, calls).bind(kLoop).bl(kFunction).bind(kFunction).bl(kInner);
  c.bind(kInner)(subs_imm(9, 9, 1)).b_cc(kNe, kLoop)(hvc(0));
  m.load(c);
  ASSERT_TRUE(m.run_to_hvc());
  EXPECT_EQ(m.x(9), 0u);
}

// Returns without calls, calls that return elsewhere, past a level, to an odd address.
TEST_P(ReturnStack, UnpairedReturns) {
  BareMachine m(options());
  Code c(kCode);
  c(movz(9, 100), movz(0, 0), movz(2, 0)).adr(1, kElsewhere).bind(kLoop).bl(kFunction)(add_imm(0, 0, 1));
  c.bind(kElsewhere)(add_imm(2, 2, 1)).adr(3, kEnd)(ret(3), kUndefined);
  c.bind(kEnd)(subs_imm(9, 9, 1)).b_cc(kNe, kLoop)(movz(30, 1), ret());
  c.bind(kFunction)(mov(5, 30)).bl(kInner)(kUndefined);
  // To the caller's caller, or elsewhere.
  c.bind(kInner)(mov(30, 5), cmp_imm(9, 50), csel(30, 30, 1, kGe), ret());
  m.load(c);
  ASSERT_TRUE(m.run_to_hvc());
  EXPECT_EQ(m.x(0), 51u);
  EXPECT_EQ(m.x(2), 100u);
  EXPECT_EQ(m.vector(), 0x200u);  // pc alignment
}

// The called function replaces its caller's page, or the next one, where the call was the page's last
// instruction; by another entry in the table, or by another table.
TEST_P(ReturnStack, CallersPageReplaced) {
  for (const bool next_page : {false, true}) {
    for (const bool switches : {false, true}) {
      BareMachine m(options());
      const uint64_t tables[2] = {m.kernel_table(), m.new_table()};
      for (uint64_t at = kRam; at < kRam + (2 << 20); at += kPage) m.map(tables[1], at, at);
      // Two versions of two pages, which differ in what stands behind the call.
      const uint64_t caller = next_page ? kPage - 4 : 0x40, function = kCode + 0x400;
      const uint64_t versions[2] = {kData, kData + 2 * kPage};
      for (unsigned i = 0; i < 2; ++i) {
        m.load(versions[i] + caller,
               {bl(static_cast<int64_t>(function - kVa - caller)), add_imm(0, 0, i ? 16 : 1), ret(20)});
        for (const uint64_t page : {uint64_t{0}, kPage})
          m.map(tables[i], kVa + page, versions[i] + page, kMapNotGlobal);
      }
      const uint64_t changed = next_page ? kPage : 0;
      const auto version = [&](unsigned i) {
        return switches ? tables[i] | uint64_t{i + 1} << 48
                        : BareMachine::pte(versions[i] + changed, kMapNotGlobal);
      };
      Code c(kCode);
      c(movz(9, 20), movz(0, 0)).load(1, kVa + caller).load(2, m.pte_address(tables[0], kVa + changed));
      c.load(3, version(0)).load(4, version(1)).load(5, (kVa + changed) >> 12).adr(20, kEnd);
      c.bind(kLoop)(blr(1)).bind(kEnd)(subs_imm(9, 9, 1)).b_cc(kNe, kLoop)(hvc(0));
      m.load(c);
      Code f(function);
      f(eor(3, 3, 4), eor(4, 3, 4), eor(3, 3, 4));  // the other one
      if (switches)
        f(msr(kTtbr0, 3), kIsb, ret());
      else
        f(str(3, 2), kDsb, tlbi_va_all(5), kDsb, kIsb, ret());
      m.load(f);
      ASSERT_TRUE(m.run_to_hvc());
      EXPECT_FALSE(m.vector());
      EXPECT_EQ(m.x(0), 10u * (1 + 16)) << (next_page ? "next page, " : "") << (switches ? "table" : "entry");
    }
  }
}

// The called function rewrites the instruction that it returns to.
TEST_P(ReturnStack, ReturnsToNewCode) {
  BareMachine m(options());
  Code c(kCode);
  c(movz(9, 30), movz(0, 0), movz(3, 1 << 10)).load(2, add_imm(0, 0, 0)).adr(1, kElsewhere);
  c.bind(kLoop).bl(kFunction).bind(kElsewhere)(kUndefined, subs_imm(9, 9, 1)).b_cc(kNe, kLoop)(hvc(0));
  c.bind(kFunction)(add(2, 2, 3), str_w(2, 1), dc_cvau(1), kDsb, ic_ivau(1), kDsb, kIsb, ret());
  m.load(c);
  ASSERT_TRUE(m.run_to_hvc());
  EXPECT_FALSE(m.vector());
  EXPECT_EQ(m.x(0), 30u * 31 / 2);
}

}  // namespace
}  // namespace mynah::test
