// SPDX-License-Identifier: Apache-2.0
//
// Names of mappings of code : a guest that makes ever new ones, and the end of their numbers.
#include <fstream>

#include "tests/engine/engine_test.h"

namespace mynah::test {
namespace {

using namespace a64asm;

enum Label { kLoop, kInner };

size_t resident_bytes() {
  size_t total = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * kPage;
}

// One page of code, called at a million addresses one after another.
TEST(CodeNames, AMillionAliasesAreBounded) {
  BareMachine m({.exact = false, .validate = false});
  constexpr uint64_t kAliases = 1'000'000, kFirst = 0x2000000000;
  // One table whose 512 entries all lead to the page, one above whose entries all lead to that.
  const uint64_t leaf = m.new_table(), middle = m.new_table();
  for (unsigned i = 0; i < 512; ++i) m.write(leaf + 8 * i, BareMachine::pte(kCode + kPage, 0));
  for (unsigned i = 0; i < 512; ++i) m.write(middle + 8 * i, leaf | 3);
  for (unsigned i = 0; i < 4; ++i) m.write(m.kernel_table() + 8 * ((kFirst >> 30) + i), middle | 3);
  m.load(kCode + kPage, {add_imm(0, 0, 1), ret()});
  Code c(kCode);
  c.load(1, kFirst).load(9, kAliases)(movz(0, 0)).load(3, kPage);
  c.bind(kLoop)(blr(1), add(1, 1, 3), subs_imm(9, 9, 1)).b_cc(kNe, kLoop)(hvc(0));
  m.load(c);
  const size_t before = resident_bytes();
  ASSERT_TRUE(m.run_to_hvc());
  EXPECT_EQ(m.x(0), kAliases);
  EXPECT_LT(resident_bytes() - before, size_t{48} << 20);
  EXPECT_LT(m.cache_stats().blocks_made, 50u);
}

// Two processes with a kernel in the other half, whose code is remapped while the numbers end: what an old
// number leads to must not be taken for what a new one does.
TEST(CodeNames, NumbersEnd) {
  BareMachine m;
  const uint64_t va = 0x10000000, pages[] = {kCode + 16 * kPage, kCode + 17 * kPage};
  for (unsigned i = 0; i < 2; ++i) m.load(pages[i], {add_imm(0, 0, i + 1), ret()});
  m.map(m.kernel_table(), va, pages[0]);
  const uint64_t pte = m.pte_address(m.kernel_table(), va);
  Code c(kCode);
  c.load(1, va).load(2, pte).load(4, va >> 12).load(5, BareMachine::pte(pages[0], 0));
  c.load(6, BareMachine::pte(pages[1], 0))(movz(9, 400));
  c.bind(kLoop)(movz(8, 3)).bind(kInner)(blr(1), subs_imm(8, 8, 1)).b_cc(kNe, kInner);
  c(str(6, 2), kDsb, tlbi_va(4), kDsb, kIsb, mov(7, 5), mov(5, 6), mov(6, 7));
  c(subs_imm(9, 9, 1)).b_cc(kNe, kLoop)(hvc(0));
  m.load(c);
  m.vcpu->tlb().names().start_at(ir::kCodeNamesEnd - 37);
  ASSERT_TRUE(m.run_to_hvc());
  EXPECT_EQ(m.x(0), 200u * 3 * (1 + 2));
  EXPECT_GT(m.vcpu->tlb().names().given, 300u);
}

}  // namespace
}  // namespace mynah::test
