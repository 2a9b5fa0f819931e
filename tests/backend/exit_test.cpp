// SPDX-License-Identifier: Apache-2.0
//
// Ways out of a region and back in: links, indirect exits, deadlines, dead regions, guards, helper calls.
#include <gtest/gtest.h>

#include <algorithm>

#include "backend-x86_64/frame.h"
#include "harness.h"

namespace mynah::ir::testing {
namespace {

Slot x(unsigned i) { return static_cast<Slot>(kX0 + i); }

// x0 += 1, then to `target`.
const uint8_t* counting(Machine& m, int64_t target, CodeSpan& span, CompiledCode& code) {
  Builder& b = m.begin();
  b.at(0, 0);
  b.set(x(0), b.add_imm(b.get(x(0)), 1));
  b.at(4, 1);
  b.exit(target);
  b.finish();
  const uint8_t* at = m.compile();
  span = m.span();
  code = m.code;
  return at;
}

TEST(Exit, LinkAndUnlink) {
  Machine m;
  CodeSpan first, second;
  CompiledCode first_code, second_code;
  const uint8_t* a = counting(m, 0x40, first, first_code);
  const uint8_t* z = counting(m, 0x80, second, second_code);
  EXPECT_EQ(m.run(a), Leave::kLink);
  EXPECT_EQ(m.state().x[0], 1u);
  ASSERT_EQ(first_code.sites[0].kind, Site::Kind::kExit);
  EXPECT_EQ(first_code.sites[0].imm, 0x40u);
  EXPECT_EQ(m.rt->exit_site, reinterpret_cast<uint64_t>(a) + first_code.sites[0].offset);
  EXPECT_EQ(m.rt->counter, 999);

  m.backend->patch(first, Patch::link(first_code.sites[0], z));
  EXPECT_EQ(m.run(a), Leave::kLink);
  EXPECT_EQ(m.state().x[0], 3u);
  EXPECT_EQ(m.rt->counter, 998);
  EXPECT_EQ(m.rt->exit_site, reinterpret_cast<uint64_t>(z) + second_code.sites[0].offset);

  m.backend->patch(first, Patch::unlink(first_code.sites[0].offset));
  EXPECT_EQ(m.run(a), Leave::kLink);
  EXPECT_EQ(m.state().x[0], 4u);
  EXPECT_EQ(m.rt->exit_site, reinterpret_cast<uint64_t>(a) + first_code.sites[0].offset);
}

TEST(Exit, DeadlineInALoop) {
  Machine m;
  CodeSpan span;
  CompiledCode code;
  const uint8_t* a = counting(m, 0, span, code);
  m.backend->patch(span, Patch::link(code.sites[0], a));
  EXPECT_EQ(m.run(a, 100), Leave::kDeadline);
  EXPECT_EQ(m.state().x[0], 100u);
  EXPECT_EQ(m.rt->counter, -1);
  EXPECT_EQ(m.rt->exit_site, reinterpret_cast<uint64_t>(a) + code.sites.back().offset);
  EXPECT_EQ(code.sites.back().kind, Site::Kind::kDeadline);
}

TEST(Exit, Dead) {
  Machine m;
  CodeSpan first, second;
  CompiledCode first_code, second_code;
  const uint8_t* a = counting(m, 0x40, first, first_code);
  const uint8_t* z = counting(m, 0x80, second, second_code);
  m.backend->patch(first, Patch::link(first_code.sites[0], z));
  m.backend->patch(second, Patch::kill());
  EXPECT_EQ(m.run(a, 50), Leave::kDead);
  EXPECT_EQ(m.state().x[0], 1u);
  EXPECT_EQ(m.rt->counter, 49);
  EXPECT_EQ(m.rt->exit_site, reinterpret_cast<uint64_t>(z) + 5);
}

// What is linked or unlinked while a region is dead is as it was left when it is back.
TEST(Exit, RevivedAsItIsLinkedNow) {
  Machine m;
  CodeSpan first, second;
  CompiledCode first_code, second_code;
  const uint8_t* a = counting(m, 0x40, first, first_code);
  const uint8_t* z = counting(m, 0x80, second, second_code);
  const uint64_t entry = m.backend->patch(first, Patch::kill());
  m.backend->patch(first, Patch::forward(z));
  EXPECT_EQ(m.run(a, 50), Leave::kLink);
  EXPECT_EQ(m.rt->exit_site, reinterpret_cast<uint64_t>(z) + second_code.sites[0].offset);
  const std::vector<uint8_t> dead(first.write, first.write + first_code.size);
  for (uint32_t i = 5; i < first_code.size; ++i) first.write[i] ^= 0xff;  // whatever was patched
  m.backend->patch(first, Patch::revive(entry));
  for (uint32_t i = 5; i < first_code.size; ++i) {
    EXPECT_EQ(first.write[i], dead[i] ^ 0xff) << i;
    first.write[i] = dead[i];
  }
  m.backend->patch(first, Patch::link(first_code.sites[0], z));
  EXPECT_EQ(m.run(a, 50), Leave::kLink);
  EXPECT_EQ(m.rt->exit_site, reinterpret_cast<uint64_t>(z) + second_code.sites[0].offset);
}

TEST(Exit, SideExitCountsWhatWasDone) {
  Machine m;
  Builder& b = m.begin();
  m.region.guest_insts = 10;
  b.at(0, 0);
  b.set(x(1), b.add_imm(b.get(x(1)), 5));
  b.at(12, 3);
  b.exit_if(b.icmp(Cond::hi, b.get(x(1)), b.i64(100)), 0x200);
  b.set(x(2), b.i64(7));
  b.at(40, 10);
  b.exit(40);
  const uint8_t* code = m.compile();
  m.state().x[1] = 10;
  EXPECT_EQ(m.run(code, 20), Leave::kLink);
  EXPECT_EQ(m.rt->counter, 10);
  EXPECT_EQ(m.site().imm, 40u);
  EXPECT_EQ(m.state().x[2], 7u);
  m.state().x[1] = 100;
  m.state().x[2] = 0;
  EXPECT_EQ(m.run(code, 20), Leave::kLink);
  EXPECT_EQ(m.rt->counter, 17);
  EXPECT_EQ(m.site().imm, 0x200u);
  EXPECT_EQ(m.state().x[1], 105u);
  EXPECT_EQ(m.state().x[2], 0u);
}

// A call comes back to the code behind itself, which leaves for what follows; a return to elsewhere does not.
TEST(Exit, ReturnStack) {
  Machine m;
  Builder* b = &m.begin();
  b->at(0, 1);
  b->exit_indirect(b->get(x(3)), BranchKind::kReturn);
  const uint8_t* returns = m.compile();
  b = &m.begin();
  b->at(0x48, 1);
  b->set(x(3), b->add_imm(b->get(Slot{0}), 0x48));
  b->exit(0x100, BranchKind::kCall, b->get(x(3)));
  b->finish();
  const uint8_t* calls = m.compile();
  const CompiledCode code = m.code;
  const uint64_t page = 0x123456789000;
  m.state().page = page;
  EXPECT_EQ(m.run(calls), Leave::kLink);
  EXPECT_EQ(m.site().imm, 0x100u);
  EXPECT_EQ(m.state().x[3], page + 0x48);
  EXPECT_EQ(m.run(returns), Leave::kLink);
  EXPECT_EQ(m.site().imm, 0x48u);
  EXPECT_EQ(m.state().page, page);
  EXPECT_EQ(m.run(returns), Leave::kIndirect);  // once
  EXPECT_EQ(m.rt->exit_target, page + 0x48);

  EXPECT_EQ(m.run(calls), Leave::kLink);
  EXPECT_EQ(m.run(calls), Leave::kLink);
  m.state().x[3] += 8;
  EXPECT_EQ(m.run(returns), Leave::kIndirect);
  m.state().x[3] -= 8;
  EXPECT_EQ(m.run(returns), Leave::kIndirect);  // forgotten

  EXPECT_EQ(m.run(calls), Leave::kLink);
  m.rt->return_top = m.rt->empty_return;
  EXPECT_EQ(m.run(returns), Leave::kIndirect);
  // What the stack's end holds is no address that a return may take it for.
  m.state().x[3] = m.rt->empty_return->address;
  EXPECT_EQ(m.run(returns), Leave::kIndirect);
  EXPECT_EQ(m.rt->exit_target, m.rt->empty_return->address);
}

// A conditional exit with nothing to do on its way is linked in the jump itself; one that has is not.
TEST(Exit, LinkedConditionalJump) {
  Machine m;
  CodeSpan target_span, span;
  CompiledCode counted;
  const uint8_t* target = counting(m, 0x40, target_span, counted);
  Builder& b = m.begin();
  b.at(4, 0);
  b.exit_if(b.icmpz(Cond::eq, b.get(x(1))),
            0x80);  // nothing of the region was executed: the count is put right
  b.set(x(2), b.add_imm(b.get(x(2)), 1));
  b.at(8, 1);
  b.exit_if(b.icmpz(Cond::eq, b.get(x(3))), 0x40);
  b.exit(8);
  b.finish();
  const uint8_t* code = m.compile();
  span = m.span();
  const auto site = [&](uint64_t imm) {
    return *std::ranges::find_if(m.code.sites,
                                 [&](const Site& s) { return s.kind == Site::Kind::kExit && s.imm == imm; });
  };
  EXPECT_EQ(site(0x80).resume, 0u);
  EXPECT_EQ(site(8).resume, 0u);
  const uint32_t jump_end = site(0x40).resume;
  ASSERT_NE(jump_end, 0u);
  m.state().x[1] = 1;
  EXPECT_EQ(m.run(code), Leave::kLink);
  EXPECT_EQ(m.site().imm, 0x40u);
  m.backend->patch(span, Patch::link(site(0x40), target));
  int32_t distance;
  std::memcpy(&distance, span.write + jump_end - 4, 4);
  EXPECT_EQ(span.execute + jump_end + distance, target);
  EXPECT_EQ(m.run(code, 20), Leave::kLink);
  EXPECT_EQ(m.state().x[0], 1u);  // the target ran
  EXPECT_EQ(m.state().x[2], 2u);
  EXPECT_EQ(m.rt->counter, 18);
  m.state().x[3] = 1;
  EXPECT_EQ(m.run(code), Leave::kLink);
  EXPECT_EQ(m.site().imm, 8u);
}

TEST(Exit, IndirectThroughTheJumpCache) {
  Machine m;
  CodeSpan span;
  CompiledCode counted;
  const uint8_t* target = counting(m, 0x40, span, counted);
  Builder& b = m.begin();
  b.at(4, 1);
  b.exit_indirect(b.get(x(3)), BranchKind::kReturn);
  const uint8_t* code = m.compile();
  m.state().x[3] = 0x123456789abc;
  EXPECT_EQ(m.run(code, 20), Leave::kIndirect);
  EXPECT_EQ(m.rt->exit_target, 0x123456789abcu);
  EXPECT_EQ(m.state().page, 0x123456789000u);
  m.jumps[jump_index(0x123456789abc, BranchKind::kReturn)] = {0x123456789abc,
                                                              reinterpret_cast<uint64_t>(target)};
  m.state().page = 0;
  EXPECT_EQ(m.run(code, 20), Leave::kLink);
  EXPECT_EQ(m.state().x[0], 1u);
  EXPECT_EQ(m.state().page, 0x123456789000u);
  EXPECT_EQ(m.rt->counter, 18);
  for (const uint64_t odd : {1ull, 3ull, ~0ull}) {
    m.state().x[3] = odd;
    EXPECT_EQ(m.run(code, 20), Leave::kIndirect);
    EXPECT_EQ(m.rt->exit_target, odd);
  }
}

TEST(Exit, AcrossPages) {
  Machine m;
  CodeSpan span;
  CompiledCode counted;
  const uint8_t* target = counting(m, 0x40, span, counted);
  for (const int64_t offset :
       {int64_t{0x1234}, int64_t{-4}, int64_t{0x7fff000}, int64_t{-0x7fff004}, int64_t{0x123456789000}}) {
    m.begin();
    m.b.exit(offset);
    const uint8_t* code = m.compile();
    const uint64_t to = 0x40000000 + static_cast<uint64_t>(offset);
    const auto run = [&] {
      m.state().page = 0x40000000;
      m.state().x[0] = 0;
      const Leave leave = m.run(code, 20);
      EXPECT_EQ(m.state().page, to & ~0xfffull);
      return leave;
    };
    const CodeSpan here = m.span();
    m.clear_tlb();
    EXPECT_EQ(run(), Leave::kLink);
    EXPECT_EQ(m.state().x[0], 0u);
    ASSERT_EQ(m.code.sites[0].kind, Site::Kind::kExit);
    ASSERT_EQ(m.code.sites[0].imm, static_cast<uint64_t>(offset));
    const uint32_t site = m.code.sites[0].offset;
    EXPECT_EQ(m.site_offset(), site);
    for (const unsigned half : {0u, 1u}) {
      m.rt->code_names = {};
      m.rt->code_names[half] = 0x80000005;
      m.backend->patch(
          here, Patch::link_page(m.code.sites[0], {static_cast<NameKind>(half), 0x80000005, to & ~0xfffull},
                                 target));
      EXPECT_EQ(run(), Leave::kLink);
      EXPECT_EQ(m.state().x[0], 1u);
      // The same code mapped elsewhere: no link leads from there.
      m.state().page = 0x7000000040000000;
      EXPECT_EQ(m.run(code, 20), Leave::kIndirect);
      // Another name: the jump cache, first without an entry.
      m.rt->code_names[half] = 5;
      EXPECT_EQ(run(), Leave::kIndirect);
      EXPECT_EQ(m.rt->exit_target, to);
      m.jumps[jump_index(to, BranchKind::kReturn)] = {to, reinterpret_cast<uint64_t>(target)};
      EXPECT_EQ(run(), Leave::kLink);
      EXPECT_EQ(m.state().x[0], 1u);
      m.clear_tlb();
      m.backend->patch(here, Patch::unlink(site));
      EXPECT_EQ(run(), Leave::kLink);
      EXPECT_EQ(m.state().x[0], 0u);
    }
  }
}

TEST(Exit, Engine) {
  Machine m;
  Builder& b = m.begin();
  m.region.guest_insts = 3;
  b.set(x(1), b.i64(0xdeadbeefcafe));
  b.at(8, 2);
  b.exit_engine(5, 1234, b.emit(Op::bool_int, Type::i32, b.icmpz(Cond::eq, b.get(x(2)))));
  EXPECT_EQ(m.run(), Leave::kEngine);
  EXPECT_EQ(m.site().kind, Site::Kind::kEngine);
  EXPECT_EQ(m.site().aux, 5);
  EXPECT_EQ(m.site().imm, 1234u);
  EXPECT_EQ(m.site().pc_offset, 8);
  EXPECT_EQ(m.rt->exit_argument, 1u);
  EXPECT_EQ(m.rt->counter, 998);
  EXPECT_EQ(m.state().x[1], 0xdeadbeefcafeu);
}

TEST(Exit, EngineIf) {
  Machine m;
  Builder& b = m.begin();
  m.region.guest_insts = 3;
  b.set(x(1), b.add_imm(b.get(x(1)), 5));
  b.set(kFlagsSlot, b.emit(Op::fl_sub, Type::flags, b.get(x(1)), b.i64(15)));
  b.at(8, 2);
  b.exit_engine_if(b.icmpz(Cond::ne, b.get(x(2))), 7, 99);
  b.set(x(3), b.i64(1));
  b.at(12, 3);
  b.exit(12);
  const uint8_t* code = m.compile();
  m.state().x[1] = 10;
  EXPECT_EQ(m.run(code), Leave::kLink);
  EXPECT_EQ(m.rt->counter, 997);
  EXPECT_EQ(m.state().x[3], 1u);
  m.state().x[1] = 10;
  m.state().x[2] = 1;
  m.state().x[3] = 0;
  EXPECT_EQ(m.run(code), Leave::kEngine);
  EXPECT_EQ(m.site().kind, Site::Kind::kEngine);
  EXPECT_EQ(m.site().aux, 7);
  EXPECT_EQ(m.site().imm, 99u);
  EXPECT_EQ(m.site().pc_offset, 8);
  EXPECT_EQ(m.rt->counter, 998);
  EXPECT_EQ(m.state().x[1], 15u);
  EXPECT_EQ(m.state().flags & kFlagMask, kFlagZ | kFlagC);
  EXPECT_EQ(m.state().x[3], 0u);
}

TEST(Guard, MissFillsThenHits) {
  Machine m;
  Builder& b = m.begin();
  const Value p = b.guard(b.get(x(1)), {-8, 24, 3}, kGuardRead);
  b.set(x(2), b.load(Type::i64, p, -8, 3));
  b.set(x(3), b.load(Type::i64, p, 8, 3));
  const uint8_t* code = m.compile();
  std::memset(m.memory.data() + 0x100, 0x11, 8);
  std::memset(m.memory.data() + 0x110, 0x22, 8);
  m.state().x[1] = kGuestBase + 0x108;
  EXPECT_EQ(m.run(code), Leave::kLink);
  EXPECT_EQ(m.misses, 1u);
  EXPECT_EQ(m.state().x[2], 0x1111111111111111u);
  EXPECT_EQ(m.state().x[3], 0x2222222222222222u);
  m.state().x[2] = 0;
  EXPECT_EQ(m.run(code), Leave::kLink);
  EXPECT_EQ(m.misses, 1u);
  EXPECT_EQ(m.state().x[2], 0x1111111111111111u);
  // The last range within the page, the first that is not.
  m.state().x[1] = kGuestBase + 0xff0;
  EXPECT_EQ(m.run(code), Leave::kLink);
  EXPECT_EQ(m.misses, 1u);
  m.state().x[1] = kGuestBase + 0xff1;
  EXPECT_EQ(m.run(code), Leave::kLink);
  EXPECT_EQ(m.misses, 2u);
  // Same index, another page; an address below the page.
  m.state().x[1] = kGuestBase + 0x108 + (kTlbSize << 12);
  EXPECT_EQ(m.run(code), Leave::kGuard);
  EXPECT_EQ(m.misses, 3u);
}

TEST(Guard, KindsAndAlignment) {
  Machine m;
  Builder& b = m.begin();
  const Value p = b.guard(b.get(x(1)), {0, 8, 3}, kGuardWrite | kGuardUser | 3 << kGuardAlignShift);
  b.store(p, 0, b.i64(0x55), 3);
  const uint8_t* code = m.compile();
  m.state().x[1] = kGuestBase + 0x208;
  EXPECT_EQ(m.run(code), Leave::kLink);
  EXPECT_EQ(m.user_misses, 1u);
  EXPECT_EQ(m.run(code), Leave::kLink);
  EXPECT_EQ(m.misses, 1u);
  EXPECT_EQ(m.memory[0x208], 0x55);
  m.state().x[1] = kGuestBase + 0x204;
  EXPECT_EQ(m.run(code), Leave::kGuard);  // misaligned: the harness faults
  EXPECT_EQ(m.memory[0x204], 0);
}

TEST(Guard, LeaveRebuildsTheState) {
  Machine m;
  Builder& b = m.begin();
  m.region.guest_insts = 2;
  // More live values than registers, of each kind.
  std::vector<Value> v;
  for (unsigned i = 0; i < 16; ++i) {
    v.push_back(b.add_imm(b.get(x(i)), i + 1));
    b.set(x(i), v.back());
  }
  for (unsigned i = 0; i < 12; ++i)
    b.set(static_cast<Slot>(kV0 + i), b.vec(Op::vnot, 0, b.get(static_cast<Slot>(kV0 + i))));
  b.set(static_cast<Slot>(kV0), b.konst_v128(1, 2));
  const Value f = b.emit(Op::fl_sub, Type::flags, v[0], v[1]);
  b.set(kFlagsSlot, f);
  b.set(x(20), b.i64(0x1234567812345678));
  b.at(4, 1);
  const Value p = b.guard(b.get(x(23)), {0, 8, 3}, kGuardRead);
  b.set(x(21), b.load(Type::i64, p, 0, 3));
  for (unsigned i = 0; i < 16; ++i) b.set(x(i), b.add(v[i], b.get(x(21))));
  const uint8_t* code = m.compile();
  for (unsigned i = 0; i < kXCount; ++i) m.state().x[i] = 1000 * i;
  for (unsigned i = 0; i < kVCount; ++i) m.state().v[i] = {i, ~uint64_t{i}};
  m.state().x[23] = 77;
  m.state().x[21] = 42;
  EXPECT_EQ(m.run(code), Leave::kGuard);
  for (unsigned i = 0; i < 16; ++i) EXPECT_EQ(m.state().x[i], 1001 * i + 1);
  for (unsigned i = 1; i < kVCount; ++i) EXPECT_EQ(m.state().v[i], (V128{~uint64_t{i}, i}));
  EXPECT_EQ(m.state().v[0], (V128{1, 2}));
  EXPECT_EQ(m.state().flags & kFlagMask, kFlagN);
  EXPECT_EQ(m.state().x[20], 0x1234567812345678u);
  EXPECT_EQ(m.state().x[21], 42u);
}

TEST(Guard, CounterIsStoredAndTakenBack) {
  Machine m;
  Builder& b = m.begin();
  m.region.guest_insts = 4;
  const Value p = b.guard(b.get(x(1)), {0, 8, 3}, kGuardRead);
  b.set(x(2), b.load(Type::i64, p, 0, 3));
  b.at(16, 4);
  b.exit(16);
  const uint8_t* code = m.compile();
  m.state().x[1] = kGuestBase;
  static int64_t seen;
  static bool (*miss)(Runtime*, uint64_t, HostRegisters*);
  miss = m.rt->guard_miss;
  m.rt->guard_miss = [](Runtime* rt, uint64_t site, HostRegisters* r) {
    seen = rt->counter;
    rt->counter = 5;
    return miss(rt, site, r);
  };
  EXPECT_EQ(m.run(code, 100), Leave::kLink);
  EXPECT_EQ(seen, 96);
  EXPECT_EQ(m.rt->counter, 5);
}

TEST(Guard, ControlWordsAreKept) {
  Machine m;
  Builder& b = m.begin();
  const Value p = b.guard(b.get(x(1)), {0, 8, 3}, kGuardRead);
  b.set(x(2), b.load(Type::i64, p, 0, 3));
  const uint8_t* code = m.compile();
  m.state().x[1] = kGuestBase;
  static uint32_t inside;
  static bool (*miss)(Runtime*, uint64_t, HostRegisters*);
  miss = m.rt->guard_miss;
  m.rt->guard_miss = [](Runtime* rt, uint64_t site, HostRegisters* r) {
    asm volatile("stmxcsr %0" : "=m"(inside));
    x86_64::host_frame(*rt).guest_mxcsr |= 4;  // as a helper that sets a sticky flag
    return miss(rt, site, r);
  };
  x86_64::host_frame(*m.rt).guest_mxcsr = 0x7f80;
  EXPECT_EQ(m.run(code), Leave::kLink);
  EXPECT_EQ(inside & ~0x3fu, 0x1f80u);
  EXPECT_EQ(x86_64::host_frame(*m.rt).guest_mxcsr, 0x7f84u);
  uint32_t now;
  asm volatile("stmxcsr %0" : "=m"(now));
  EXPECT_EQ(now & ~0x3fu, 0x1f80u);
}

TEST(Call, ArgumentsResultAndLeave) {
  Machine m;
  Builder& b = m.begin();
  m.region.guest_insts = 2;
  std::vector<Value> live;
  for (unsigned i = 0; i < 14; ++i) live.push_back(b.add_imm(b.get(x(i)), 1));
  const Value r =
      b.call(Type::i32, 9, live[0], b.trunc(live[1]), b.icmpz(Cond::eq, live[2]), b.i64(0xffffffffffff));
  b.set(x(20), b.zext32(r));
  Value sum = live[0];
  for (unsigned i = 1; i < 14; ++i) sum = b.add(sum, live[i]);
  b.set(x(21), sum);
  const uint8_t* code = m.compile();
  uint64_t got[4];
  bool go_on = true;
  m.helper = [&](unsigned helper, const uint64_t args[4], uint64_t& result) {
    EXPECT_EQ(helper, 9u);
    std::copy(args, args + 4, got);
    result = 0xffffffff00000007;
    m.rt->tlb = m.user_tlb.get();
    return go_on;
  };
  for (unsigned i = 0; i < 14; ++i) m.state().x[i] = 0x100000000 * i + i;
  m.state().x[2] = ~0ull;
  EXPECT_EQ(m.run(code), Leave::kLink);
  EXPECT_EQ(got[0], 1u);
  EXPECT_EQ(got[1], 2u);
  EXPECT_EQ(got[2], 1u);
  EXPECT_EQ(got[3], 0xffffffffffffu);
  EXPECT_EQ(m.state().x[20], 7u);
  uint64_t want = 0;
  for (unsigned i = 0; i < 14; ++i) want += m.state().x[i] + 1;
  EXPECT_EQ(m.state().x[21], want);
  go_on = false;
  m.state().x[20] = 0;
  EXPECT_EQ(m.run(code), Leave::kCall);
  EXPECT_EQ(m.state().x[20], 0u);
}

TEST(Code, BufferGrowsInTheMiddleOfARegion) {
  Machine m;
  Builder& b = m.begin();
  for (unsigned i = 0; i < 3000; ++i) {
    const Value p = b.guard(b.add_imm(b.get(x(i % 4)), 8 * i), {0, 8, 3}, kGuardRead);
    b.set(x(i % 4), b.load(Type::i64, p, 0, 3));
  }
  b.exit(0);
  b.finish();
  CompiledCode grown, at_once;
  ASSERT_TRUE(m.compiler->compile(m.region, grown));
  EXPECT_GT(grown.size, 100u << 10);
  at_once.buffer.resize(4 << 20);
  ASSERT_TRUE(m.compiler->compile(m.region, at_once));
  EXPECT_TRUE(std::ranges::equal(grown.bytes(), at_once.bytes()));
}

TEST(Code, TooManyLiveValuesAreReported) {
  Machine m;
  Builder& b = m.begin();
  std::vector<Value> live;
  for (unsigned i = 0; i < 400; ++i)
    live.push_back(b.emit(Op::mul, Type::i64, b.get(x(i % 20)), b.i64(i + 3)));
  for (unsigned i = 0; i < 400; ++i) b.set(x(i % 20), b.binary(Op::xor_, b.get(x(i % 20)), live[i]));
  EXPECT_EQ(m.compile(), nullptr);
}

TEST(Atomic, CompareAndSwap16) {
  for (const bool smp : {false, true}) {
    Machine m;
    Builder& b = m.begin();
    m.region.smp = smp;
    const Value p = b.guard(b.get(x(1)), {0, 16, 4}, kGuardWrite | kGuardReadWrite | 4 << kGuardAlignShift);
    const Value keep = b.add_imm(b.get(x(4)), 3);
    b.set(kV0 + 2, b.emit(Op::cas128, Type::v128, p, b.get(kV0), b.get(kV0 + 1), 0, 4));
    b.set(x(5), keep);
    const uint8_t* code = m.compile();
    m.state().x[1] = kGuestBase + 0x40;
    m.state().x[4] = 1;
    m.state().v[0] = {1, 2};
    m.state().v[1] = {3, 4};
    const V128 before{1, 2};
    std::memcpy(m.memory.data() + 0x40, &before, 16);
    for (const V128 want : {V128{1, 2}, V128{3, 4}}) {
      EXPECT_EQ(m.run(code), Leave::kLink);
      EXPECT_EQ(m.state().v[2], want);
      EXPECT_EQ(m.memory[0x40], 3);
      EXPECT_EQ(m.memory[0x48], 4);
      EXPECT_EQ(m.state().x[5], 4u);
    }
  }
}

}  // namespace
}  // namespace mynah::ir::testing
