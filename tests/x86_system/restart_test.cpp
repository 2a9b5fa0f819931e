// SPDX-License-Identifier: Apache-2.0
//
// What faults has not happened, and is begun again: accesses and instructions across pages with a fault in
// the second, REP in the middle. The page behind kLast is not there until its handler puts it there.
#include "tests/x86_system/paged_machine.h"

namespace mynah::test {

MYNAH_SYSTEM_TEST(Restart);

namespace {

constexpr uint64_t kNext = 0x91000, kFirst = 0x90000;

// A machine with 64-bit code whose page kNext is not present, and where #PF makes it so and goes on.
class Holed : public PagedMachine {
 public:
  explicit Holed(const BareOptions& options) : PagedMachine(options, Format::k4) {
    set_entry(1, kNext | kW, kNext);
    for (unsigned n = 0; n < 16; ++n) {
      m.put<uint8_t>(kNext - 16 + n, 0xc0 + n);
      m.put<uint8_t>(kNext + n, 0xe0 + n);
    }
    m.s().cr4 |= cr4::kOsfxsr;
    m.cpu->changed();
  }
  // The handler: puts the page there, drops the error code, returns.
  void mend() {
    const auto at = static_cast<uint32_t>(entry_at(1, kNext));
    // or byte [at], 1; add rsp, 8; iretq
    m.load(kHandlers + 14 * 16, {0x80, 0x0c, 0x25, static_cast<uint8_t>(at), static_cast<uint8_t>(at >> 8),
                                 static_cast<uint8_t>(at >> 16), static_cast<uint8_t>(at >> 24), 0x01});
    m.load(kHandlers + 14 * 16 + 8, {0xeb, 0x06});
    m.load(kHandlers + 15 * 16, {0x48, 0x83, 0xc4, 0x08, 0x48, 0xcf});
  }
};

}  // namespace

// Accesses of two pages: [rbx] begins 2 bytes in front of the second.
TEST_P(Restart, AccessAcrossPages) {
  const std::vector<uint8_t> codes[] = {
      {0x89, 0x03},                    // mov [rbx], eax
      {0x8b, 0x03},                    // mov eax, [rbx]
      {0x48, 0x01, 0x03},              // add [rbx], rax
      {0x48, 0x87, 0x03},              // xchg [rbx], rax
      {0xf0, 0x48, 0x0f, 0xb1, 0x0b},  // lock cmpxchg [rbx], rcx
      {0xff, 0x33},                    // push [rbx]
      {0x8f, 0x03},                    // pop [rbx]
      {0x0f, 0x11, 0x03},              // movups [rbx], xmm0
      {0x0f, 0x10, 0x03},              // movups xmm0, [rbx]
      {0xdb, 0x3b},                    // fstp tbyte [rbx]
      {0xdb, 0x2b},                    // fld tbyte [rbx]
      {0x48, 0x0f, 0xc1, 0x03},        // xadd [rbx], rax
      {0xa5},                          // movsd, from [rsi]
      {0xab},                          // stosd, to [rdi]
      {0x0f, 0xba, 0x3b, 0x1e},        // btc dword [rbx], 30
      {0xff, 0x13},                    // call [rbx]
      {0x0f, 0xae, 0x43, 0x06},        // fxsave [rbx + 6]
  };
  for (const auto& code : codes) {
    const auto prepare = [&](BareMachine& m) {
      m.r(kRax) = 0x1122334455667788;
      m.r(kRcx) = 0x99;
      m.r(kRbx) = code[0] == 0x0f && code[1] == 0xae ? kNext - 0x26 : kNext - 2;
      m.r(kRsi) = m.r(kRdi) = kNext - 2;
      if (code[0] == 0xa5) m.r(kRdi) = kData;
      std::vector<uint8_t> whole = code;
      whole.push_back(0xf4);
      m.load(kCode, whole);
    };
    Holed p(options(Start::kLong64));
    prepare(p.m);
    const X86State before = p.m.s();
    p.m.run_at(kCode);
    ASSERT_EQ(p.m.vector(), 14u) << int{code[0]};
    EXPECT_EQ(p.m.frame(1), kCode);
    EXPECT_EQ(p.m.s().cr2, kNext) << int{code[0]};
    EXPECT_EQ(p.m.frame(0) & 1, 0u);
    EXPECT_EQ(p.m.frame(4), before.r(kRsp));
    for (const unsigned n : {kRax, kRcx, kRbx, kRsi, kRdi}) EXPECT_EQ(p.m.r(n), before.r(n)) << int{code[0]};
    EXPECT_EQ(p.m.get<uint16_t>(kNext - 2), 0xcfce) << int{code[0]};
    EXPECT_EQ(p.m.get<uint32_t>(kNext), 0xe3e2e1e0u) << int{code[0]};
    EXPECT_EQ(p.m.s().fpu_top, before.fpu_top) << int{code[0]};

    // Mended, it gives what it gives where the page was there all the time.
    if (code[0] == 0xff && code[1] == 0x13) continue;  // it calls where nothing is
    Holed mended(options(Start::kLong64)), whole(options(Start::kLong64));
    mended.mend();
    whole.set_entry(1, kNext | kP | kW, kNext);
    for (Holed* h : {&mended, &whole}) {
      prepare(h->m);
      h->m.run_at(kCode);
      ASSERT_TRUE(h->m.halted_at(kCode + code.size() + 1)) << int{code[0]};
    }
    for (unsigned n = 0; n < 16; ++n) EXPECT_EQ(mended.m.r(n), whole.m.r(n)) << int{code[0]} << " " << n;
    for (uint64_t at = kNext - 64; at < kNext + 64; at += 8)
      EXPECT_EQ(mended.m.get<uint64_t>(at), whole.m.get<uint64_t>(at)) << int{code[0]};
    EXPECT_EQ(rflags(mended.m.s()), rflags(whole.m.s()));
  }
}

// The instruction's last bytes are in a page that is not there: nothing of it happens.
TEST_P(Restart, InstructionAcrossPages) {
  for (const bool mend : {false, true}) {
    Holed p(options(Start::kLong64));
    BareMachine& m = p.m;
    if (mend) p.mend();
    m.load(kNext - 5,
           {0xff, 0xc0, 0xff, 0xc0, 0x48, 0xc7, 0xc1, 0x34, 0x12, 0, 0, 0xf4});  // mov rcx, 0x1234 from -1
    m.run_at(kNext - 5);
    EXPECT_EQ(m.s().cr2, kNext);
    EXPECT_EQ(m.r(kRax), 2u);
    if (mend) {
      EXPECT_TRUE(m.halted_at(kNext + 7));
      EXPECT_EQ(m.r(kRcx), 0x1234u);
    } else {
      ASSERT_EQ(m.vector(), 14u);
      EXPECT_EQ(m.frame(0), 0u);
      EXPECT_EQ(m.frame(1), kNext - 1);
    }
  }
}

TEST_P(Restart, InstructionAcrossPagesIsNotExecutable) {
  Holed p(options(Start::kLong64));
  BareMachine& m = p.m;
  m.s().efer |= efer::kNxe;
  p.set_entry(1, kNext | kP | kW | kNx, kNext);
  m.cpu->changed();
  m.load(kNext - 1, {0x90, 0x90});
  m.load(kNext - 1, {0x48, 0xff, 0xc0});
  m.run_at(kNext - 1);
  ASSERT_EQ(m.vector(), 14u);
  EXPECT_EQ(m.frame(0), 0x11u);
  EXPECT_EQ(m.frame(1), kNext - 1);
  EXPECT_EQ(m.s().cr2, kNext);
}

// One that ends with its page does not look at the next.
TEST_P(Restart, InstructionAtTheEndOfAPage) {
  Holed p(options(Start::kLong64));
  BareMachine& m = p.m;
  m.load(kNext - 2, {0xff, 0xc0});
  m.run_at(kNext - 2);
  ASSERT_EQ(m.vector(), 14u);
  EXPECT_EQ(m.frame(1), kNext);
  EXPECT_EQ(m.r(kRax), 1u);
}

// REP stops in front of the iteration that faults, and goes on there.
TEST_P(Restart, Repeats) {
  struct {
    std::vector<uint8_t> code;
    unsigned bytes;
    bool down;
  } const cases[] = {
      {{0xf3, 0xa4}, 1, false}, {{0xf3, 0x48, 0xa5}, 8, false}, {{0xf3, 0xaa}, 1, false},
      {{0xf3, 0xab}, 4, false}, {{0xf3, 0xac}, 1, false},       {{0xf3, 0xa6}, 1, false},
      {{0xf2, 0xae}, 1, false}, {{0xf3, 0xaa}, 1, true},        {{0xf3, 0x48, 0xab}, 8, true},
  };
  for (const auto& c : cases) {
    for (const bool mend : {false, true}) {
      Holed p(options(Start::kLong64));
      BareMachine& m = p.m;
      if (mend) p.mend();
      // 20 iterations, of which the page boundary is behind the fifth, or within the sixth.
      for (unsigned n = 0; n < 256; ++n) m.put<uint8_t>(kData + n, n < 160 ? 7 : 9);
      const unsigned odd = c.bytes > 1 ? 3 : 0;
      uint64_t first = kNext - 5 * c.bytes - odd;
      uint64_t fault = kNext;
      if (c.down) {
        first = kNext + 0xfff - (5 * c.bytes - 1) - odd;  // from the page behind downwards
        p.set_entry(1, (kNext + 0x1000) | kP | kW, kNext + 0x1000);
        first = kNext + 0x1000 + 4 * c.bytes + odd;
        fault = odd ? kNext + 0x1000 - (c.bytes - odd) : kNext + 0xfff;
      }
      for (unsigned n = 0; n < 256; ++n)
        if (!c.down && c.code.back() != 0xaa && c.code.back() != 0xab) m.put<uint8_t>(first + n, 7);
      m.r(kRax) = 0x0808080808080808;
      m.r(kRcx) = 20;
      // Sources and destinations: what faults is in the destination, or the one place that is read.
      m.r(kRsi) = c.code.back() == 0xac ? first : kData;
      m.r(kRdi) = first;
      if (c.down)
        m.s().set_linear_pc(kCode), set_rflags(m.s(), rflags(m.s()) | eflags::kDf), m.cpu->changed();
      std::vector<uint8_t> code = c.code;
      code.push_back(0xf4);
      m.load(kCode, code);
      m.run_at(kCode, 10000);
      EXPECT_EQ(m.s().cr2, fault) << int{c.code.back()};
      const int64_t step = c.down ? -static_cast<int64_t>(c.bytes) : c.bytes;
      const unsigned done = mend ? 20 : 5;
      EXPECT_EQ(m.r(kRcx), 20u - done) << int{c.code.back()};
      EXPECT_EQ(m.r(c.code.back() == 0xac ? kRsi : kRdi), first + step * done) << int{c.code.back()};
      if (mend) {
        EXPECT_TRUE(m.halted_at(kCode + code.size()));
      } else {
        ASSERT_EQ(m.vector(), 14u);
        EXPECT_EQ(m.frame(1), kCode);
        EXPECT_EQ(m.frame(3) & eflags::kRf, eflags::kRf);
      }
    }
  }
}

// What a frame is pushed to faults in its second page: the exception's own state is whole.
TEST_P(Restart, PushesOfAnInterrupt) {
  Holed p(options(Start::kLong64));
  BareMachine& m = p.m;
  p.mend();
  m.set_gate(14, kCode64, 0x8e, 1);
  m.set_gate(0x40, kCode64, 0x8f);
  m.r(kRsp) = kNext + 0x10;  // the frame's 40 bytes lie in both pages
  m.run({0xcd, 0x40});
  EXPECT_EQ(m.vector(), 0x40u);
  EXPECT_EQ(m.s().cr2, kNext);
  EXPECT_EQ(m.r(kRsp), kNext + 0x10 - 40);
  EXPECT_EQ(m.frame(0), kCode + 2);
  EXPECT_EQ(m.frame(3), kNext + 0x10);
}

}  // namespace mynah::test
